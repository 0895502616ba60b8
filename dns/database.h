/* database: the exporter's statements. All run on the connection of one look. */
#ifndef DNS_DATABASE_H
#define DNS_DATABASE_H

#include "db/db.h"
#include "names.h"
#include "zone/zone_db.h"

/* One exporter works at a time. *got: it is us until export_unlock. */
bool export_lock(struct db_conn *c, bool *got, struct err *err);
void export_unlock(struct db_conn *c);

struct export_set {
    struct zone_row *row; /* by id */
    int64_t *revision;    /* what was looked at */
    size_t count;
    int64_t last_id; /* the set after this one begins behind it */
};
/* Zones with a revision that was not exported, at most `limit`, with ids above `after`. One snapshot. In the arena. */
bool export_pending(struct db_conn *c, struct arena *a, int64_t after, int limit, struct export_set *out,
                    struct err *err);
/* The same for these ids, whether they changed or not. */
bool export_these(struct db_conn *c, struct arena *a, const int64_t *id, size_t n, struct export_set *out,
                  struct err *err);

/* Serials that files will have, before these files are in place. */
bool export_reserve(struct db_conn *c, const int64_t *id, const int64_t *serial, size_t n, struct err *err);

struct export_outcome {
    int64_t *id, *revision, *serial; /* revision 0: still to be done */
    struct str *hash;                /* empty: nothing new was exported */
    struct str *content;             /* for the history; empty: none */
    struct str *problem;             /* empty: none */
    size_t count;
};
bool export_record(struct db_conn *c, const struct export_outcome *o, struct err *err);

/* Names of all zones, and which of them were exported once (parallel arrays, by name). In the arena. */
bool export_all(struct db_conn *c, struct arena *a, struct str **name, int64_t **id, bool **exported, size_t *count,
                struct err *err);
/* Names of zones that are gone. In the arena. */
bool export_removed(struct db_conn *c, struct arena *a, struct str **name, size_t *count, struct err *err);
bool export_forget(struct db_conn *c, const struct str *name, size_t count, struct err *err);

#endif
