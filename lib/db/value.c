/* Parameters and result columns in PostgreSQL's binary formats: numbers in network order, timestamps in microseconds
 * since 2000-01-01, arrays as dimension count, null flag, element type, size, lower bound, then each element with its
 * length. */
#include "db/db.h"

#include "base/log.h"

#include <endian.h>

enum oid {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_BYTEA_ARRAY = 1001,
    OID_INT4_ARRAY = 1007,
    OID_TEXT_ARRAY = 1009,
    OID_INT8_ARRAY = 1016,
    OID_TIMESTAMPTZ_ARRAY = 1185,
    OID_UUID_ARRAY = 2951,
};

static const int64_t EPOCH_2000 = INT64_C(946684800000000); /* microseconds from 1970 */

static int add(struct db_params *p, Oid type, const char *value, size_t length) {
    if (p->count == DB_MAX_PARAMS)
        log_panic("more than %d parameters", DB_MAX_PARAMS);
    if (length > INT32_MAX)
        log_panic("a parameter of %zu bytes", length);
    int i = p->count++;
    p->type[i] = type;
    p->value[i] = value;
    p->length[i] = (int)length;
    p->format[i] = 1;
    p->array[i] = BUF_EMPTY;
    return i;
}

static void add_scalar(struct db_params *p, Oid type, const void *value, size_t length) {
    int i = add(p, type, NULL, length);
    memcpy(p->scalar[i], value, length);
    p->value[i] = (const char *)p->scalar[i];
}

void db_int8(struct db_params *p, int64_t v) {
    uint64_t wire = htobe64((uint64_t)v);
    add_scalar(p, OID_INT8, &wire, 8);
}

void db_int4(struct db_params *p, int32_t v) {
    uint32_t wire = htobe32((uint32_t)v);
    add_scalar(p, OID_INT4, &wire, 4);
}

void db_bool(struct db_params *p, bool v) {
    char wire = v;
    add_scalar(p, OID_BOOL, &wire, 1);
}

void db_text(struct db_params *p, struct str v) { add(p, OID_TEXT, v.p, v.n); }

void db_bytes(struct db_params *p, struct str v) { add(p, OID_BYTEA, v.p, v.n); }

void db_uuid(struct db_params *p, const unsigned char v[16]) { add_scalar(p, OID_UUID, v, 16); }

void db_time(struct db_params *p, int64_t microseconds) {
    uint64_t wire = htobe64((uint64_t)(microseconds - EPOCH_2000));
    add_scalar(p, OID_TIMESTAMPTZ, &wire, 8);
}

void db_null(struct db_params *p) { add(p, 0, NULL, 0); }

static void put32(struct buf *b, int32_t v) {
    uint32_t wire = htobe32((uint32_t)v);
    buf_add(b, &wire, 4);
}

static void put64(struct buf *b, int64_t v) {
    uint64_t wire = htobe64((uint64_t)v);
    buf_add(b, &wire, 8);
}

static struct buf *array_begin(struct db_params *p, Oid type, Oid element, size_t n) {
    int i = add(p, type, NULL, 0);
    struct buf *b = &p->array[i];
    put32(b, n ? 1 : 0);
    put32(b, 0);
    put32(b, (int32_t)element);
    if (n) {
        put32(b, (int32_t)n);
        put32(b, 1);
    }
    return b;
}

static void array_end(struct db_params *p) {
    int i = p->count - 1;
    if (p->array[i].n > INT32_MAX)
        log_panic("an array parameter of %zu bytes", p->array[i].n);
    p->value[i] = p->array[i].p;
    p->length[i] = (int)p->array[i].n;
}

static void int8_elements(struct db_params *p, Oid type, Oid element, const int64_t *v, size_t n, int64_t shift) {
    struct buf *b = array_begin(p, type, element, n);
    buf_reserve(b, n * 12);
    for (size_t i = 0; i < n; i++) {
        put32(b, 8);
        put64(b, v[i] - shift);
    }
    array_end(p);
}

void db_int8_array(struct db_params *p, const int64_t *v, size_t n) {
    int8_elements(p, OID_INT8_ARRAY, OID_INT8, v, n, 0);
}

void db_time_array(struct db_params *p, const int64_t *v, size_t n) {
    int8_elements(p, OID_TIMESTAMPTZ_ARRAY, OID_TIMESTAMPTZ, v, n, EPOCH_2000);
}

void db_int4_array(struct db_params *p, const int32_t *v, size_t n) {
    struct buf *b = array_begin(p, OID_INT4_ARRAY, OID_INT4, n);
    for (size_t i = 0; i < n; i++) {
        put32(b, 4);
        put32(b, v[i]);
    }
    array_end(p);
}

static void str_elements(struct db_params *p, Oid type, Oid element, const struct str *v, size_t n) {
    struct buf *b = array_begin(p, type, element, n);
    for (size_t i = 0; i < n; i++) {
        if (v[i].n > INT32_MAX)
            log_panic("an array element of %zu bytes", v[i].n);
        put32(b, (int32_t)v[i].n);
        buf_add_str(b, v[i]);
    }
    array_end(p);
}

void db_text_array(struct db_params *p, const struct str *v, size_t n) {
    str_elements(p, OID_TEXT_ARRAY, OID_TEXT, v, n);
}

void db_bytes_array(struct db_params *p, const struct str *v, size_t n) {
    str_elements(p, OID_BYTEA_ARRAY, OID_BYTEA, v, n);
}

void db_uuid_array(struct db_params *p, const unsigned char (*v)[16], size_t n) {
    struct buf *b = array_begin(p, OID_UUID_ARRAY, OID_UUID, n);
    for (size_t i = 0; i < n; i++) {
        put32(b, 16);
        buf_add(b, v[i], 16);
    }
    array_end(p);
}

void db_params_free(struct db_params *p) {
    for (int i = 0; i < p->count; i++)
        buf_free(&p->array[i]);
    p->count = 0;
}

/* ---- results ---- */

static const char *cell(const PGresult *r, int row, int column, int *length) {
    if (row < 0 || row >= PQntuples(r) || column < 0 || column >= PQnfields(r))
        log_panic("no row %d, column %d in a result of %d x %d", row, column, PQntuples(r), PQnfields(r));
    *length = PQgetlength(r, row, column);
    return PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column);
}

int64_t db_get_int8(const PGresult *r, int row, int column) {
    int length;
    const char *p = cell(r, row, column, &length);
    if (!p)
        return 0;
    if (length == 8) {
        uint64_t wire;
        memcpy(&wire, p, 8);
        return (int64_t)be64toh(wire);
    }
    if (length == 4) {
        uint32_t wire;
        memcpy(&wire, p, 4);
        return (int32_t)be32toh(wire);
    }
    if (length == 2) {
        uint16_t wire;
        memcpy(&wire, p, 2);
        return (int16_t)be16toh(wire);
    }
    log_panic("column %s is no integer", PQfname(r, column));
}

bool db_get_bool(const PGresult *r, int row, int column) {
    int length;
    const char *p = cell(r, row, column, &length);
    if (p && length != 1)
        log_panic("column %s is no boolean", PQfname(r, column));
    return p && *p;
}

struct str db_get_str(const PGresult *r, int row, int column) {
    int length;
    const char *p = cell(r, row, column, &length);
    return (struct str){p, p ? (size_t)length : 0};
}

int64_t db_get_time(const PGresult *r, int row, int column) {
    int length;
    const char *p = cell(r, row, column, &length);
    if (!p)
        return 0;
    if (length != 8)
        log_panic("column %s is no timestamp", PQfname(r, column));
    uint64_t wire;
    memcpy(&wire, p, 8);
    return (int64_t)be64toh(wire) + EPOCH_2000;
}

bool db_get_null(const PGresult *r, int row, int column) {
    int length;
    return cell(r, row, column, &length) == NULL;
}

static uint32_t take32(struct str *s) {
    if (s->n < 4)
        log_panic("an array value is cut short");
    uint32_t wire;
    memcpy(&wire, s->p, 4);
    *s = str_sub(*s, 4, s->n);
    return be32toh(wire);
}

size_t db_value_texts(struct str value, struct arena *a, struct str **out) {
    struct str s = value;
    *out = NULL;
    if (!s.p || take32(&s) == 0)
        return 0;
    take32(&s);
    if (take32(&s) != OID_TEXT)
        log_panic("a value is no text[]");
    size_t n = take32(&s);
    take32(&s);
    *out = arena_array(a, n, sizeof **out);
    for (size_t i = 0; i < n; i++) {
        uint32_t length = take32(&s);
        if (length == UINT32_MAX) /* NULL element */
            continue;
        if (length > s.n)
            log_panic("an array value is cut short");
        (*out)[i] = str_sub(s, 0, length);
        s = str_sub(s, length, s.n);
    }
    return n;
}

size_t db_value_int8s(struct str value, struct arena *a, int64_t **out) {
    struct str s = value;
    *out = NULL;
    if (!s.p || take32(&s) == 0)
        return 0;
    take32(&s);
    take32(&s);
    size_t n = take32(&s);
    take32(&s);
    if (s.n != n * 12)
        log_panic("a value is no bigint[]");
    *out = arena_array(a, n, sizeof **out);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = db_value_int8(str_sub(s, i * 12 + 4, 8));
    return n;
}

size_t db_get_texts(const PGresult *r, int row, int column, struct arena *a, struct str **out) {
    return db_value_texts(db_get_str(r, row, column), a, out);
}

int64_t db_value_int8(struct str value) {
    uint64_t wire = 0;
    if (!value.p)
        return 0;
    if (value.n != 8 && value.n != 4 && value.n != 2)
        log_panic("a value is no integer");
    memcpy((char *)&wire + (8 - value.n), value.p, value.n);
    int64_t v = (int64_t)be64toh(wire);
    return value.n == 8 ? v : value.n == 4 ? (int32_t)v : (int16_t)v;
}

int64_t db_value_time(struct str value) { return value.p ? db_value_int8(value) + EPOCH_2000 : 0; }
