/*
 * migrate: brings the schema to the version of this program. Migrations are the files NNNN_name.sql of a folder (sql/),
 * applied in the order of their numbers, each in a transaction of its own together with its row in schema_migration:
 * an interrupted run goes on where it stopped. A file that was applied never changes afterwards: one that did, or that
 * is missing, is refused, because nobody could say what the database holds.
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "db/db.h"

struct migration {
    int32_t version;
    struct str name; /* the file's, "0001_directory.sql" */
    struct str sql;  /* p NULL: applied, but the file is not there */
    unsigned char sha256[32];
    bool applied;
    bool changed; /* applied, and the file differs from what was */
    int64_t applied_at;
};

enum migrate_result {
    MIGRATE_OK,
    MIGRATE_REFUSED,   /* the folder, a file or the database's state is wrong; err says what to do */
    MIGRATE_TEMPORARY, /* PostgreSQL is away, or another migration runs */
};

/* What there is and what of it was applied, by version. In the arena. */
enum migrate_result migrate_status(struct db_conn *c, const char *folder, struct arena *a, struct migration **out,
                                   size_t *count, struct err *err);
/* Applies what is missing; calls `applied` after each commit. Two at once wait for each other. The connection is the
 * schema owner's, outside of a transaction. */
enum migrate_result migrate_apply(struct db_conn *c, const char *folder, struct arena *a,
                                  void (*applied)(void *context, const struct migration *m), void *context,
                                  struct err *err);

#endif
