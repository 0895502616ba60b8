#include "store/removed.h"

#include "db/db.h"
#include "mime/mime.h"

enum { BATCH = 200, MAX_LOOKED_AT = 20000 };

static const struct db_statement LIST = {"removed_list",
                                         "SELECT key, folder, removed_at, keep_until, size, flags, internal_date, card"
                                         " FROM removed_mail($1, $2, $3, $4, $5, $6)"};
static const struct db_statement BRING_BACK = {"removed_bring_back",
                                               "SELECT restored, refused FROM mail_undelete($1, $2, $3)"};

static struct str kept(struct arena *a, struct str s) { return s.p ? arena_str(a, s) : STR(""); }

/* ASCII letters without case. */
static bool occurs(struct str needle, struct str text) {
    for (size_t i = 0; i + needle.n <= text.n; i++)
        if (str_ieq(str_sub(text, i, needle.n), needle))
            return true;
    return false;
}

static bool address_occurs(struct arena *a, struct str needle, const struct mime_addresses *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct mime_address *one = &list->at[i];
        if (one->host.p && occurs(needle, arena_printf(a, "%.*s@%.*s", STR_ARG(one->mailbox), STR_ARG(one->host))))
            return true;
    }
    return false;
}

static bool matches(struct arena *a, const struct mime_card *card, struct str needle) {
    if (!needle.p || !needle.n)
        return true;
    if (!card)
        return false;
    const struct mime_envelope *e = card->envelope;
    return occurs(needle, card->subject) || occurs(needle, card->from_name) ||
           (e && (address_occurs(a, needle, &e->from) || address_occurs(a, needle, &e->to) ||
                  address_occurs(a, needle, &e->cc)));
}

static struct removed_message read_row(const PGresult *r, int row, struct arena *a, const struct mime_card *card) {
    return (struct removed_message){
        .key = arena_str(a, db_get_str(r, row, 0)),
        .folder = arena_str(a, db_get_str(r, row, 1)),
        .from = card ? kept(a, card->from_name) : STR(""),
        .subject = card ? kept(a, card->subject) : STR(""),
        .removed_at = db_get_time(r, row, 2),
        .keep_until = db_get_time(r, row, 3),
        .size = (uint64_t)db_get_int8(r, row, 4),
        .seen = db_get_int8(r, row, 5) & STORE_SEEN,
        .internal_date = db_get_time(r, row, 6),
    };
}

static PGresult *ask(struct db_conn *c, int64_t account, const struct removed_filter *filter, int64_t before,
                     struct str before_key, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account);
    if (filter->since)
        db_time(&p, filter->since);
    else
        db_null(&p);
    db_text(&p, filter->folder);
    if (before)
        db_time(&p, before);
    else
        db_null(&p);
    db_text(&p, before_key);
    db_int4(&p, BATCH);
    return db_query(c, &LIST, &p, err);
}

bool removed_list(struct db_conn *c, struct arena *a, int64_t account, const struct removed_filter *filter,
                  struct removed_message **out, size_t *count, struct err *err) {
    struct arena scratch = ARENA_EMPTY;
    struct removed_message last = {.key = {NULL, 0}};
    *out = arena_array(a, filter->most, sizeof **out);
    *count = 0;
    int n = BATCH;
    for (size_t looked_at = 0; n == BATCH && *count < filter->most && looked_at < MAX_LOOKED_AT; looked_at += BATCH) {
        PGresult *r = ask(c, account, filter, last.removed_at, last.key, err);
        if (!r) {
            arena_free(&scratch);
            return false;
        }
        n = PQntuples(r);
        for (int i = 0; i < n && *count < filter->most; i++) {
            const struct mime_card *card = mime_card_decode(&scratch, db_get_str(r, i, 7));
            if (matches(&scratch, card, filter->search))
                (*out)[(*count)++] = read_row(r, i, a, card);
            arena_reset(&scratch);
        }
        if (n > 0)
            last = read_row(r, n - 1, a, NULL);
        PQclear(r);
    }
    arena_free(&scratch);
    return true;
}

int64_t removed_bring_back(struct db_conn *c, int64_t account, const struct str *key, size_t count, struct str folder,
                           struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account), db_text_array(&p, key, count), db_text(&p, folder);
    *err = (struct err){0};
    PGresult *r = db_query(c, &BRING_BACK, &p, err);
    if (!r) {
        bool refused = strcmp(db_constraint(c), "mail_undelete_quota") == 0;
        if (refused)
            err_set(err, "%s", db_message(c));
        return refused ? 0 : -1;
    }
    int64_t n = db_get_int8(r, 0, 0);
    struct str why = db_get_str(r, 0, 1);
    if (n == 0 && why.n)
        err_set(err, "%.*s", STR_ARG(why));
    PQclear(r);
    return n;
}
