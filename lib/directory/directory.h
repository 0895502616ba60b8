/*
 * directory: what the daemons ask about addresses and accounts. Answers come from a cache that lives a short time and
 * is dropped at once when PostgreSQL says that the directory changed (NOTIFY directory); a warm look-up does no SQL.
 * All functions are safe for all threads. Domain names and local parts are compared without case.
 */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

struct db;
struct directory;

/* db: the pool for look-ups; conninfo: for the listening connection. */
struct directory *directory_open(struct db *db, const char *conninfo, struct err *err);
void directory_close(struct directory *d);

enum directory_status {
    DIRECTORY_OK,
    DIRECTORY_UNKNOWN_DOMAIN,    /* not ours: a relay question */
    DIRECTORY_UNKNOWN_RECIPIENT, /* our domain, no such address: 550 5.1.1 */
    DIRECTORY_DISABLED,          /* account, domain or tenant switched off: 550 5.2.1 */
    DIRECTORY_LOOP,              /* aliases name each other, or expand to too many: 550 5.4.6 */
    DIRECTORY_TEMPORARY,         /* PostgreSQL is away: 451 4.3.0 */
};

enum { DIRECTORY_MAX_TARGETS = 1000, DIRECTORY_MAX_DEPTH = 20 };

struct directory_target {
    int64_t account_id;  /* 0: remote */
    int64_t tenant_id;   /* of the domain that leads there */
    int64_t quota_bytes; /* -1: without limit; local only */
    struct str address;  /* of the account, or to send to (remote) */
    struct str
        next_hop; /* remote: the relay host of a relay domain ("host", "[addr]" or "host:port"), else "" for the MX */
    int64_t quota_messages; /* 0: without limit; local only */
};

struct directory_route {
    struct directory_target *target; /* each once, however many ways lead there */
    size_t count;
    int64_t tenant_id; /* of the domain that was asked for */
};

/* Where mail for `address` (local@domain, syntax checked before) goes: accounts here and addresses elsewhere; aliases,
 * catch-all, domain aliases and relay domains followed. Result in the arena. */
enum directory_status directory_resolve(struct directory *d, struct arena *a, struct str address,
                                        struct directory_route *out);
/* Whether the domain is served here (hosted, alias or relay: DIRECTORY_OK), not looking at the local part. */
enum directory_status directory_domain(struct directory *d, struct str domain);

/* Ways to log in, which can be switched off for an account and for a domain. */
enum directory_protocol {
    DIRECTORY_SMTP = 1, /* submission */
    DIRECTORY_IMAP = 2,
    DIRECTORY_POP3 = 4,
    DIRECTORY_WEB = 8,
};

struct directory_account {
    int64_t id, tenant_id, domain_id;
    int64_t quota_bytes;    /* -1: without limit */
    int64_t quota_messages; /* 0: without limit */
    struct str address;     /* local@domain, lower case */
    struct str name;
    struct str password; /* the stored hash (base/password.h) */
    /* Its app passwords, a line each: "id scope,scope hash", the hash as in base/password.h. */
    struct str app_passwords;
    bool shared;             /* nobody's own: it has no password, and is read by those whom its lists name */
    bool app_passwords_only; /* the password is not for mail programs */
    unsigned protocols_off;  /* bits of enum directory_protocol: switched off for it or its domain */
    unsigned protocols_off_by_domain;
    struct str send_as; /* addresses it may send under beside its own, a line each; "@domain" is all of a domain */
};
/* The account that logs in with this name (its address). */
enum directory_status directory_account(struct directory *d, struct arena *a, struct str login,
                                        struct directory_account *out);
/* Whether this account may send with that reverse-path or From address: its own, an alias that leads to it, or one that
 * an administrator lets it use (table send_as). */
enum directory_status directory_may_send_as(struct directory *d, const struct directory_account *account,
                                            struct str address, bool *allowed);
/* A setting's value ("" where unset), cached like all else. */
enum directory_status directory_setting(struct directory *d, struct arena *a, struct str name, struct str *value);
/* *generation is another one whenever something of the directory may have changed: for those who keep what they read of
 * its tables. False while changes can't be heard of: then nothing that is kept may be relied on. */
bool directory_generation(struct directory *d, uint64_t *generation);
/* Raised whenever a setting, a filter or an entry of the access lists may have changed, for those who keep what they
 * made of it. */
uint64_t directory_settings_generation(const struct directory *d);

#endif
