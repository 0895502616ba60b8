/* Reading very many rows: COPY ... TO STDOUT in its binary form, row by row, instead of a result that holds them all.
 */
#include "db/conn.h"

#include "base/memory.h"

#include <endian.h>

enum { MAX_COLUMNS = 16, SIGNATURE_BYTES = 11 };

static const char signature[SIGNATURE_BYTES] = "PGCOPY\n\377\r\n";

static bool take(struct str *s, void *to, size_t n) {
    if (s->n < n)
        return false;
    memcpy(to, s->p, n);
    *s = str_sub(*s, n, s->n);
    return true;
}

/* "PGCOPY...", flags, and the length of an extension of the header; it comes in front of the first row. */
static bool take_header(struct str *s) {
    char start[SIGNATURE_BYTES];
    uint32_t flags, extension;
    if (!take(s, start, sizeof start) || memcmp(start, signature, sizeof start) != 0 || !take(s, &flags, 4) ||
        !take(s, &extension, 4) || be32toh(extension) > s->n)
        return false;
    *s = str_sub(*s, be32toh(extension), s->n);
    return true;
}

/* False: not of that form. *end: that was the mark behind the last row. */
static bool take_row(struct str *s, size_t columns, struct str *column, bool *end) {
    uint16_t n;
    if (!take(s, &n, 2))
        return false;
    *end = n == UINT16_MAX;
    if (*end)
        return true;
    if (be16toh(n) != columns)
        return false;
    for (size_t i = 0; i < columns; i++) {
        uint32_t length;
        if (!take(s, &length, 4))
            return false;
        length = be32toh(length);
        column[i] = (struct str){NULL, 0};
        if (length == UINT32_MAX)
            continue;
        if (length > s->n)
            return false;
        column[i] = str_sub(*s, 0, length);
        *s = str_sub(*s, length, s->n);
    }
    return true;
}

struct scan {
    size_t columns;
    void (*row)(void *context, const struct str *column);
    void *context;
    bool begun;
};

static bool take_data(struct scan *x, struct str data) {
    struct str column[MAX_COLUMNS];
    bool end = false;
    if (!x->begun && !take_header(&data))
        return false;
    x->begun = true;
    while (data.n && !end) {
        if (!take_row(&data, x->columns, column, &end))
            return false;
        if (!end)
            x->row(x->context, column);
    }
    return true;
}

/* Takes everything off the connection in any case, so that it can be used again. */
static bool receive(struct db_conn *c, struct scan *x, struct err *err) {
    char *data;
    int n;
    bool good = true;
    while ((n = PQgetCopyData(c->pg, &data, 0)) > 0) {
        good = good && take_data(x, str_n(data, (size_t)n));
        PQfreemem(data);
    }
    if (!good)
        err_set(err, "PostgreSQL's COPY is not of the form that is known");
    if (n == -2) {
        db_conn_failure(c, NULL, err, "reading");
        good = false;
    }
    for (PGresult *r; (r = PQgetResult(c->pg)); PQclear(r))
        if (good && PQresultStatus(r) != PGRES_COMMAND_OK) {
            db_conn_failure(c, r, err, "reading");
            good = false;
        }
    return good;
}

bool db_scan(struct db_conn *c, const char *query, size_t columns, void (*row)(void *context, const struct str *column),
             void *context, struct err *err) {
    struct scan x = {columns, row, context, false};
    struct buf sql = BUF_EMPTY;
    if (columns > MAX_COLUMNS)
        return err_set(err, "more than %d columns", MAX_COLUMNS);
    buf_printf(&sql, "COPY (%s) TO STDOUT (FORMAT binary)", query);
    PGresult *r = PQexec(c->pg, sql.p);
    buf_free(&sql);
    bool good = PQresultStatus(r) == PGRES_COPY_OUT;
    if (!good)
        db_conn_failure(c, r, err, "reading");
    PQclear(r);
    return good && receive(c, &x, err);
}
