/*
 * db: PostgreSQL through libpq. A small pool of connections a process; statements are prepared on first use on each
 * connection; parameters and results travel in binary; several statements can go together in one round trip (pipeline).
 * A broken connection is thrown away and made anew: when PostgreSQL is away, db_acquire fails with a clear sentence
 * after a short time and works again by itself once it is back.
 *
 *     struct db_conn *c = db_acquire(db, &err);             // NULL: PostgreSQL is away: 451, try again
 *     struct db_params p = {0};
 *     db_int8(&p, account);
 *     db_text(&p, name);
 *     PGresult *r = db_query(c, &FIND, &p, &err);           // rows; NULL on failure (db_sqlstate says more)
 *     int64_t id = db_get_int8(r, 0, 0);
 *     PQclear(r);
 *     db_release(db, c);                                    // an open transaction is rolled back
 *
 * Timestamps are microseconds since 1970 (base/clock.h). NULL columns read as 0, false, or a str with p NULL.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

#include <libpq-fe.h>

struct db;
struct db_conn;

/* A statement, static in the module that uses it. The name must be unique in the process. */
struct db_statement {
    const char *name;
    const char *sql;
};

/* Opens a pool of at most max connections (made as needed). NULL only where the conninfo itself is wrong. */
struct db *db_open(const char *conninfo, int max, struct err *err);
void db_close(struct db *db);
/* A connection for this thread, waiting for a free one some seconds at most. NULL: PostgreSQL is away or all are busy.
 */
struct db_conn *db_acquire(struct db *db, struct err *err);
void db_release(struct db *db, struct db_conn *c);
/* Connections there may be, there are, and nobody uses just now. */
struct db_counts {
    int max, open, idle;
};
struct db_counts db_count(struct db *db);
PGconn *db_raw(struct db_conn *c);

/* Parameters, in order. Text and bytes are not copied: they must live until the query was sent. */
enum { DB_MAX_PARAMS = 32 };
struct db_params {
    int count;
    const char *value[DB_MAX_PARAMS];
    int length[DB_MAX_PARAMS];
    int format[DB_MAX_PARAMS];
    Oid type[DB_MAX_PARAMS];
    unsigned char scalar[DB_MAX_PARAMS][16];
    struct buf array[DB_MAX_PARAMS]; /* built arrays, owned */
};
void db_int8(struct db_params *p, int64_t v);
void db_int4(struct db_params *p, int32_t v);
void db_bool(struct db_params *p, bool v);
void db_text(struct db_params *p, struct str v);  /* p NULL: NULL */
void db_bytes(struct db_params *p, struct str v); /* bytea; p NULL: NULL */
void db_uuid(struct db_params *p, const unsigned char v[16]);
void db_time(struct db_params *p, int64_t microseconds);
void db_null(struct db_params *p); /* NULL of the type that the statement asks for */
void db_int8_array(struct db_params *p, const int64_t *v, size_t n);
void db_int4_array(struct db_params *p, const int32_t *v, size_t n);
void db_time_array(struct db_params *p, const int64_t *v, size_t n);
void db_text_array(struct db_params *p, const struct str *v, size_t n);
void db_bytes_array(struct db_params *p, const struct str *v, size_t n);
void db_uuid_array(struct db_params *p, const unsigned char (*v)[16], size_t n);
void db_params_free(struct db_params *p); /* frees built arrays; db_query, db_exec and db_send do it themselves */

/* Runs a prepared statement. NULL on failure; the connection is then good for db_rollback and db_release. p may be
 * NULL. */
PGresult *db_query(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct err *err);
/* The same for statements whose rows do not matter: the number of rows touched, or -1. */
int64_t db_exec(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct err *err);
bool db_begin(struct db_conn *c, struct err *err);
/* false: nothing of the transaction is there; or, where db_commit_unknown() is true, that can't be known. */
bool db_commit(struct db_conn *c, struct err *err);
void db_rollback(struct db_conn *c);
/* After a failure: the SQLSTATE ("23505" unique violation; "" when the connection broke), the constraint's name or "",
 * and the database's own message. */
const char *db_sqlstate(const struct db_conn *c);
const char *db_constraint(const struct db_conn *c);
const char *db_message(const struct db_conn *c);
bool db_is_broken(const struct db_conn *c);      /* the connection was lost: the failure is temporary */
bool db_commit_unknown(const struct db_conn *c); /* the connection was lost while COMMIT was under way */

/* Very many rows: `row` is called with each row's columns (binary, p NULL for NULL; valid during the call) as they
 * come, at a fraction of what a result costs. The query has no parameters: nothing but numbers may be put into its
 * text. Not within a pipeline. False with err where it failed; some rows may have been given before. */
bool db_scan(struct db_conn *c, const char *query, size_t columns, void (*row)(void *context, const struct str *column),
             void *context, struct err *err);
int64_t db_value_int8(struct str value); /* int2, int4, int8 */
int64_t db_value_time(struct str value);
/* Elements of a text[]; the array in the arena, the strings point into value. */
size_t db_value_texts(struct str value, struct arena *a, struct str **out);
/* Elements of a bigint[], none of them NULL; in the arena. */
size_t db_value_int8s(struct str value, struct arena *a, int64_t **out);

/* Pipeline: db_pipeline, then any number of db_send, then db_sync: one round trip; then db_receive once for each
 * db_send (NULL: it failed, or one before it did), in order; more db_send and db_sync may follow; db_pipeline_end at
 * last. */
bool db_pipeline(struct db_conn *c, struct err *err);
bool db_send(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct err *err);
bool db_sync(struct db_conn *c, struct err *err); /* sends what was queued, without waiting */
PGresult *db_receive(struct db_conn *c, struct err *err);
bool db_pipeline_end(struct db_conn *c,
                     struct err *err); /* takes what was not received; false: something in it had failed */

/* Result columns (binary). A wrong type or place is a panic: it is our own bug. */
int64_t db_get_int8(const PGresult *r, int row, int column); /* int2, int4, int8 */
bool db_get_bool(const PGresult *r, int row, int column);
struct str db_get_str(const PGresult *r, int row,
                      int column); /* text, bytea, enum, uuid (16 bytes); lives as long as r */
int64_t db_get_time(const PGresult *r, int row, int column);
bool db_get_null(const PGresult *r, int row, int column);
/* Elements of a text[]; the array in the arena, the strings point into r. */
size_t db_get_texts(const PGresult *r, int row, int column, struct arena *a, struct str **out);

/* ---- notifications ---- */

/* Calls `notified` (in a thread of its own) for each NOTIFY on the channels, and once with channel "" after each
 * connection or reconnection: whatever was missed meanwhile must be looked at then. channels: NULL-terminated. */
struct db_listener;
struct db_listener *db_listen(const char *conninfo, const char *const *channels,
                              void (*notified)(void *context, const char *channel, struct str payload), void *context,
                              struct err *err);
void db_listener_stop(struct db_listener *l);

/* Sends notifications outside of the transactions that cause them (a NOTIFY inside serialises commits). Payloads are
 * gathered by key, the newest of a key alone, and go in one transaction: at once when it has been quiet, else every 50
 * ms. While PostgreSQL is away they wait. */
struct db_notifier;
struct db_notifier *db_notifier_new(const char *conninfo, const char *channel, struct err *err);
void db_notifier_send(struct db_notifier *n, struct str key,
                      struct str payload); /* copied; never waits for the database */
void db_notifier_stop(struct db_notifier *n);

#endif
