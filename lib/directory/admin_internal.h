/* admin_internal: what the admin_*.c files share. */
#ifndef DIRECTORY_ADMIN_INTERNAL_H
#define DIRECTORY_ADMIN_INTERNAL_H

#include "directory/address.h"
#include "directory/admin.h"

enum { ADMIN_NAME_CHARACTERS = 200 };

/* What to say where a statement failed on a constraint of this name; NULL name last. */
struct admin_sentence {
    const char *constraint;
    const char *text;
};

/* After a failed statement: 0 with a sentence where the database refused, -1 where it is away or something is broken.
 * `subject` is what "%.*s" in a sentence stands for. */
int64_t admin_failed(struct db_conn *c, const struct admin_sentence *sentences, struct str subject, struct err *err);
/* Runs INSERT ... RETURNING id. No row: 0 without a sentence set. */
int64_t admin_insert(struct db_conn *c, const struct db_statement *s, struct db_params *p,
                     const struct admin_sentence *sentences, struct str subject, struct err *err);
/* Runs a statement that touches one row: 1; 0 with the sentence `missing` where there is none. */
int64_t admin_touch(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct err *err,
                    const char *missing, ...) __attribute__((format(printf, 5, 6)));

/* A name of a person or company: trimmed, text, without control characters, not too long. `what` begins the sentence.
 */
bool admin_text(struct arena *a, struct str typed, const char *what, struct str *out, struct err *err);
/* A new or existing address of ours: local part in lower case and NFC, plain enough for every program; empty only where
 * catch_all. */
bool admin_own_address(struct arena *a, struct str typed, bool catch_all, struct str *local, struct str *domain,
                       struct err *err);

/* Values of the settings sender.*; true for all others. */
bool admin_sender_setting_check(struct str name, struct str value, struct err *err);

/* The names of the bits of enum directory_protocol, as a text[]. */
void admin_protocols(struct db_params *p, unsigned bits);

struct admin_domain {
    int64_t id, tenant_id;
    struct str kind;
};
/* The domain by its name (A-labels). 1, or 0 and -1 as for admin_*(). */
int64_t admin_find_domain(struct db_conn *c, struct arena *a, struct str name, struct admin_domain *out,
                          struct err *err);
struct admin_account {
    int64_t id;
    struct str login; /* its address as it logs in */
};
/* The account by its address. 1, or 0 and -1 as for admin_*(). */
int64_t admin_find_account(struct db_conn *c, struct arena *a, struct str address, struct admin_account *out,
                           struct err *err);
bool admin_hash_password(struct arena *a, struct str password, struct str login, struct str *hash, struct err *err);

#endif
