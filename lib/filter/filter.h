/*
 * filter: what administrators attach to the receiving of mail (table filter, sql/0011_filter.sql): milters, policy
 * servers, rspamd, clamd. Their rows: read by the MTA, edited by the web application and the command line, and tried by
 * both. The protocols are in files of their own here (milter.h, delegate.h, rspamd.h, clamd.h); what happens in a
 * session is in mta/filter.
 */
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include "db/db.h"
#include "filter/endpoint.h"

enum filter_kind { FILTER_MILTER, FILTER_POLICY, FILTER_RSPAMD, FILTER_CLAMD };
enum filter_found { FILTER_JUNK, FILTER_REJECT, FILTER_TAG };
enum filter_service { FILTER_RELAY = 1, FILTER_SUBMISSION = 2, FILTER_LMTP = 4, FILTER_PICKUP = 8 };
enum filter_stage { FILTER_AT_RCPT = 1, FILTER_AT_DATA = 2, FILTER_AT_MESSAGE = 4 }; /* when policy servers are asked */

struct filter {
    int64_t id;
    struct str name;
    enum filter_kind kind;
    struct str address;       /* as it is written */
    struct endpoint endpoint; /* but for rspamd */
    bool warn_only;           /* asked, and nothing of it done */
    bool open;                /* where it fails, mail is taken without it */
    unsigned services;        /* of enum filter_service; the values are those of smtpd's services */
    int connect_ms, command_ms, content_ms;
    uint64_t max_size; /* larger messages are not given to it; 0: no limit */
    enum filter_found found;
    unsigned stages;
    struct str context; /* policy_context */
};

/* All that are not off, in their order. In the arena. False with err: the database is away. */
bool filter_read_all(struct db_conn *c, struct arena *a, struct filter **out, size_t *count, struct err *err);

/* ---- editing: as directory/admin.h: the id or 1, 0 with err refused, -1 the database failed ---- */

/* As a person typed it; p NULL: unchanged, or the default of a new one. */
struct filter_form {
    struct str name, kind, endpoint, place, mode, on_failure, services, connect_timeout, command_timeout,
        content_timeout, max_size, found, stages, context;
};
int64_t filter_add(struct db_conn *c, const struct filter_form *f, struct err *err);
int64_t filter_change(struct db_conn *c, struct str name, const struct filter_form *f, struct err *err);
int64_t filter_remove(struct db_conn *c, struct str name, struct err *err);
/* The row as a form. In the arena. */
int64_t filter_load(struct db_conn *c, struct arena *a, struct str name, struct filter_form *out, struct err *err);
/* The form of a new one where nothing is typed. */
struct filter_form filter_defaults(void);

/* ---- trying ---- */

/* A filter out of a form (loaded, or checked by filter_add). False with err. */
bool filter_of_form(struct arena *a, const struct filter_form *f, struct filter *out, struct err *err);
/* Connects and says what is there, in a sentence. False with err: nothing that works. */
bool filter_try(const struct filter *f, struct arena *a, struct str *finding, struct err *err);

#endif
