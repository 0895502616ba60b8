#include "db/conn.h"

#include "base/log.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

/* What the server says beside an answer, such as why it ends the connection. */
static void on_notice(void *context, const char *message) {
    (void)context;
    log_debug("PostgreSQL: %s", message);
}

struct db_conn *db_conn_new(PGconn *pg) {
    PQsetNoticeProcessor(pg, on_notice, NULL);
    struct db_conn *c = mem_zero(sizeof *c);
    c->pg = pg;
    return c;
}

void db_conn_free(struct db_conn *c) {
    PQfinish(c->pg);
    free(c);
}

PGconn *db_raw(struct db_conn *c) { return c->pg; }

/* A server that went away while the connection was idle has closed its socket: readable, with nothing but the end to
 * read. */
bool db_conn_alive(struct db_conn *c) {
    struct pollfd p = {PQsocket(c->pg), POLLIN, 0};
    while (poll(&p, 1, 0) > 0)
        if (!PQconsumeInput(c->pg) || PQstatus(c->pg) != CONNECTION_OK)
            return false;
    return true;
}

const char *db_sqlstate(const struct db_conn *c) { return c->sqlstate; }
const char *db_constraint(const struct db_conn *c) { return c->constraint; }
const char *db_message(const struct db_conn *c) { return c->message; }
bool db_is_broken(const struct db_conn *c) { return c->broken || PQstatus(c->pg) != CONNECTION_OK; }
bool db_commit_unknown(const struct db_conn *c) { return c->commit_unknown; }

static void remember(char *dst, size_t size, const char *value) { snprintf(dst, size, "%s", value ? value : ""); }

void db_conn_failure(struct db_conn *c, const PGresult *r, struct err *err, const char *what) {
    remember(c->sqlstate, sizeof c->sqlstate, r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL);
    remember(c->constraint, sizeof c->constraint, r ? PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME) : NULL);
    const char *primary = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    remember(c->message, sizeof c->message, primary ? primary : PQerrorMessage(c->pg));
    if (PQstatus(c->pg) != CONNECTION_OK)
        c->broken = true;
    /* 57P01..03 the server is stopping; 0A000, 26000: a statement prepared before the schema changed. A new connection
     * heals it. */
    if (strncmp(c->sqlstate, "57P0", 4) == 0 || strcmp(c->sqlstate, "0A000") == 0 || strcmp(c->sqlstate, "26000") == 0)
        c->broken = true;
    db_describe(err, what, c->message);
}

/* ---- prepared statements ---- */

static size_t slot_of(const struct db_conn *c, const struct db_statement *s) {
    size_t i = ((uintptr_t)s >> 4) * 2654435761u % STATEMENT_SLOTS;
    while (c->prepared[i].statement && c->prepared[i].statement != s)
        i = (i + 1) % STATEMENT_SLOTS;
    return i;
}

static bool is_prepared(const struct db_conn *c, const struct db_statement *s) {
    return c->prepared[slot_of(c, s)].ready;
}

static void set_prepared(struct db_conn *c, const struct db_statement *s, bool ready) {
    size_t i = slot_of(c, s);
    if (!c->prepared[i].statement) {
        if (++c->prepared_count > STATEMENT_SLOTS / 2)
            log_panic("more than %d statements on one connection", STATEMENT_SLOTS / 2);
        c->prepared[i].statement = s;
    }
    c->prepared[i].ready = ready;
}

static bool prepare(struct db_conn *c, const struct db_statement *s, const struct db_params *p, struct err *err) {
    if (is_prepared(c, s))
        return true;
    PGresult *r = PQprepare(c->pg, s->name, s->sql, p ? p->count : 0, p ? p->type : NULL);
    bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
    if (good)
        set_prepared(c, s, true);
    else
        db_conn_failure(c, r, err, s->name);
    PQclear(r);
    return good;
}

static bool succeeded(const PGresult *r) {
    ExecStatusType status = PQresultStatus(r);
    return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

PGresult *db_query(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct err *err) {
    static struct db_params none;
    struct db_params *use = p ? p : &none;
    PGresult *r = NULL;
    if (prepare(c, s, use, err)) {
        r = PQexecPrepared(c->pg, s->name, use->count, (const char *const *)use->value, use->length, use->format, 1);
        if (!succeeded(r)) {
            db_conn_failure(c, r, err, s->name);
            PQclear(r);
            r = NULL;
        }
    }
    if (p)
        db_params_free(p);
    return r;
}

int64_t db_exec(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct err *err) {
    PGresult *r = db_query(c, s, p, err);
    if (!r)
        return -1;
    uint64_t touched = 0;
    str_u64(str_of(PQcmdTuples(r)), &touched);
    PQclear(r);
    return (int64_t)touched;
}

/* ---- transactions ---- */

static bool command(struct db_conn *c, const char *sql, struct err *err) {
    PGresult *r = PQexec(c->pg, sql);
    bool good = succeeded(r);
    if (!good)
        db_conn_failure(c, r, err, sql);
    PQclear(r);
    return good;
}

bool db_begin(struct db_conn *c, struct err *err) { return command(c, "BEGIN", err); }

bool db_commit(struct db_conn *c, struct err *err) {
    PGresult *r = PQexec(c->pg, "COMMIT");
    /* COMMIT of a transaction that had failed answers ROLLBACK, and is no error to libpq. */
    bool good = succeeded(r) && strcmp(PQcmdStatus(r), "COMMIT") == 0;
    if (!good) {
        bool rolled_back = succeeded(r);
        db_conn_failure(c, r, err, "COMMIT");
        if (rolled_back)
            err_set(err, "the transaction had failed and was rolled back");
        c->commit_unknown = !rolled_back && c->sqlstate[0] == 0;
    }
    PQclear(r);
    return good;
}

void db_rollback(struct db_conn *c) {
    if (PQtransactionStatus(c->pg) != PQTRANS_IDLE)
        command(c, "ROLLBACK", NULL);
}

/* ---- pipeline ---- */

static void expect(struct db_conn *c, char kind, const struct db_statement *s) {
    if (c->count == PIPELINE_MAX)
        log_panic("more than %d statements in one pipeline", PIPELINE_MAX);
    int at = (c->first + c->count++) % PIPELINE_MAX;
    c->expected[at].kind = kind;
    c->expected[at].statement = s;
}

bool db_pipeline(struct db_conn *c, struct err *err) {
    c->failed = false;
    c->first = c->count = 0;
    if (PQenterPipelineMode(c->pg))
        return true;
    db_conn_failure(c, NULL, err, "pipeline");
    return false;
}

bool db_send(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct err *err) {
    static struct db_params none;
    struct db_params *use = p ? p : &none;
    bool good = true;
    if (!is_prepared(c, s)) {
        good = PQsendPrepare(c->pg, s->name, s->sql, use->count, use->type);
        if (good) {
            set_prepared(c, s, true);
            expect(c, 'P', s);
        }
    }
    if (good) {
        good = PQsendQueryPrepared(c->pg, s->name, use->count, (const char *const *)use->value, use->length,
                                   use->format, 1);
        if (good)
            expect(c, 'Q', s);
    }
    if (!good) {
        c->failed = c->broken = true;
        db_conn_failure(c, NULL, err, s->name);
    }
    if (p)
        db_params_free(p);
    return good;
}

bool db_sync(struct db_conn *c, struct err *err) {
    if (PQpipelineSync(c->pg)) {
        expect(c, 'S', NULL);
        return true;
    }
    c->failed = c->broken = true;
    db_conn_failure(c, NULL, err, "sync");
    return false;
}

/* The result of what is expected next, with libpq's separating NULL taken. NULL: the connection broke, or it failed. */
static PGresult *next_result(struct db_conn *c, char *kind, struct err *err) {
    *kind = c->expected[c->first].kind;
    const struct db_statement *s = c->expected[c->first].statement;
    c->first = (c->first + 1) % PIPELINE_MAX;
    c->count--;
    PGresult *r = PQgetResult(c->pg);
    if (!r || PQstatus(c->pg) != CONNECTION_OK) {
        c->failed = c->broken = true;
        db_conn_failure(c, r, err, s ? s->name : "sync");
        PQclear(r);
        return NULL;
    }
    if (*kind == 'S')
        return r; /* nothing separates a sync from what follows */
    PGresult *end = PQgetResult(c->pg);
    if (end) {
        c->broken = true;
        PQclear(end);
    }
    if (succeeded(r))
        return r;
    /* What follows a failed statement is answered PGRES_PIPELINE_ABORTED: the first reason is the one to keep. */
    if (PQresultStatus(r) != PGRES_PIPELINE_ABORTED)
        db_conn_failure(c, r, err, s->name);
    else
        db_describe(err, s->name, c->message);
    c->failed = true;
    if (*kind == 'P')
        set_prepared(c, s, false);
    PQclear(r);
    return NULL;
}

PGresult *db_receive(struct db_conn *c, struct err *err) {
    while (c->count) {
        char kind;
        PGresult *r = next_result(c, &kind, err);
        if (kind == 'Q')
            return r;
        PQclear(r); /* a failed preparation makes the statement that needed it fail in turn */
    }
    err_set(err, "no more results in the pipeline");
    return NULL;
}

bool db_pipeline_end(struct db_conn *c, struct err *err) {
    if (PQpipelineStatus(c->pg) == PQ_PIPELINE_OFF)
        return false;
    bool synced = c->count && c->expected[(c->first + c->count - 1) % PIPELINE_MAX].kind == 'S';
    if (c->count && !synced)
        db_sync(c, err);
    while (c->count) {
        char kind;
        PQclear(next_result(c, &kind, c->failed ? NULL : err));
    }
    if (!PQexitPipelineMode(c->pg)) {
        c->failed = c->broken = true;
        db_conn_failure(c, NULL, err, "pipeline");
    }
    return !c->failed;
}

void db_conn_settle(struct db_conn *c) {
    c->commit_unknown = false;
    if (PQstatus(c->pg) != CONNECTION_OK) {
        c->broken = true;
        return;
    }
    if (PQpipelineStatus(c->pg) != PQ_PIPELINE_OFF)
        db_pipeline_end(c, NULL);
    db_rollback(c);
    if (PQtransactionStatus(c->pg) != PQTRANS_IDLE)
        c->broken = true;
    c->sqlstate[0] = c->constraint[0] = c->message[0] = 0;
}
