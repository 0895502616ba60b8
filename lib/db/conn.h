/* conn: one database connection; shared by the files of lib/db alone. */
#ifndef DB_CONN_H
#define DB_CONN_H

#include "db/db.h"

enum { STATEMENT_SLOTS = 512, PIPELINE_MAX = 256 };

struct db_conn {
    PGconn *pg;
    struct db_conn *next; /* in the pool's list of idle ones */
    struct {
        const struct db_statement *statement;
        bool ready;              /* false: its preparation failed, or was not reached */
    } prepared[STATEMENT_SLOTS]; /* open hash by address */
    int prepared_count;
    bool broken, commit_unknown, failed; /* failed: something in the pipeline under way was */
    char sqlstate[6], constraint[64], message[256];
    struct {       /* what the pipeline's results will be, in order */
        char kind; /* 'P' prepare, 'Q' query, 'S' sync */
        const struct db_statement *statement;
    } expected[PIPELINE_MAX];
    int first, count;
};

PGconn *db_connect(const char *conninfo, struct err *err);
/* Notes for db_sqlstate() and so on why `r` (NULL: the connection's own message) is a failure. */
void db_conn_failure(struct db_conn *c, const PGresult *r, struct err *err, const char *what);
void db_describe(struct err *err, const char *what, const char *message);
struct db_conn *db_conn_new(PGconn *pg);
void db_conn_free(struct db_conn *c);
bool db_conn_alive(struct db_conn *c);  /* false where the server has closed it while it was idle */
void db_conn_settle(struct db_conn *c); /* ends a pipeline and rolls back an open transaction */

#endif
