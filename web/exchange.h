/*
 * exchange: one request and the reply to it, with everything that a page needs on the way: who acts, the open
 * transaction that acts as them, and the memory of it all. A handler fills the reply; what happens around it is
 * app.c's:
 *
 *   - the session's cookie is looked up and the transaction begun as its actor (sql/0005_security.sql), in one round
 * trip;
 *   - who is not logged in goes to the login page, who has not the role gets 403, a POST without the session's CSRF
 * token gets 403;
 *   - after the handler the transaction is committed, unless it failed or exchange_rollback() was called;
 *   - the reply is sent when all of this went well, else an error page takes its place.
 *
 * A handler that finds its row invisible answers exchange_not_found(): "not there" and "not yours" look the same.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "db/db.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "template/template.h"

struct conf;
struct login_gate;
struct mail_service;

/* What the process has once. Read-only after the start. */
struct web {
    const struct conf *conf;
    struct db *db;
    struct templates *templates;
    struct login_gate *gate;           /* session/login.h */
    struct mail_service *mail;         /* mail/mail.h */
    const struct route *const *routes; /* router_find()'s tables */
    struct request_limits limits;
    struct str static_version; /* changes when a file of static/ does */
    struct str hostname;
};

enum role {
    ROLE_NONE = 0,
    ROLE_PROVIDER = 1,
    ROLE_RESELLER = 2,
    ROLE_DOMAIN = 4, /* administers some domains */
    ROLE_HELPDESK = 8,
    ROLE_USER = 16, /* a mail account */
};

enum route_flag {
    /* The roles that may use the route; none of them: everybody, without login, session or transaction. */
    ROUTE_MANAGERS = ROLE_PROVIDER | ROLE_RESELLER | ROLE_DOMAIN,
    ROUTE_OPERATORS = ROUTE_MANAGERS | ROLE_HELPDESK,
    ROUTE_ANYONE = ROUTE_OPERATORS | ROLE_USER,
    ROUTE_ROLES = ROUTE_ANYONE,
    ROUTE_DETACHED =
        64, /* the transaction ends, and its connection goes back, before the handler: for what may take long */
    ROUTE_JSON = 128, /* failures as {"error": "..."}, without login 401: for scripts */
};

struct actor {
    enum role role;      /* ROLE_NONE: nobody is logged in */
    int64_t tenant_id;   /* 0: none (provider) */
    int64_t operator_id; /* 0: a mail account */
    int64_t account_id;  /* 0: an operator */
    struct str login, name;
    struct str csrf;           /* the session's token for forms */
    unsigned char session[32]; /* hash of its cookie */
};

struct exchange {
    struct web *web;
    struct arena arena; /* of this exchange */
    struct request request;
    struct reply reply;
    struct route_match match;
    struct actor actor;
    struct db_conn *db; /* the actor's transaction; NULL on public and detached routes */
    bool failed;        /* roll back */
    struct dict *page;  /* page.h */
    struct dict *content;
    const char *page_file;
};

/* The path's "#name" and ":name", panic where the pattern has none. */
int64_t exchange_id(const struct exchange *x, const char *name);
struct str exchange_segment(const struct exchange *x, const char *name);
/* A field of the form or the query, trimmed; "" where it is missing. */
struct str exchange_form(const struct exchange *x, const char *name);
struct str exchange_query(const struct exchange *x, const char *name);
bool exchange_is_post(const struct exchange *x);

/* Begins the transaction of the session in the cookie: true with x->db and x->actor set. False: no valid session
 * (actor.role ROLE_NONE, nothing replied), or an error was replied (x->failed). Handlers call it only after
 * exchange_rollback(), to go on with a fresh transaction, and on detached routes; then false always means: return. */
bool exchange_begin(struct exchange *x);
/* The transaction's end before the handler's: what was done is undone; the connection goes back. */
void exchange_rollback(struct exchange *x);
/* Commits now and gives the connection back. False: it failed, and an error was replied. */
bool exchange_commit(struct exchange *x);

/* ---- replies ---- */

/* An error page (or JSON) with the status and one sentence for the person; rolls back. */
void exchange_error(struct exchange *x, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void exchange_not_found(struct exchange *x);
/* After a failed query: logs it; 503 where the database is away, else 500. */
void exchange_database_error(struct exchange *x, const struct err *err);
/* After POST: 303 to a path of this site. */
void exchange_redirect(struct exchange *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One query in the actor's transaction: rows, or NULL after exchange_database_error(). PQclear the result. */
PGresult *exchange_query_db(struct exchange *x, const struct db_statement *s, struct db_params *p);

#endif
