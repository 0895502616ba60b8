#include "cli.h"

#include "base/clock.h"
#include "store/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uniwidth.h>

/* ---- values: from a result's column to JSON ---- */

/* Bytes that are not UTF-8 (a peer's reply kept as it came) become '?'. */
json_t *cli_json_str(struct str s) {
    if (!s.p)
        return json_null();
    if (str_is_utf8(s))
        return json_stringn(s.p, s.n);
    char *copy = str_dup(s);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)copy[i] >= 0x80)
            copy[i] = '?';
    json_t *j = json_stringn(copy, s.n);
    free(copy);
    return j;
}

static json_t *json_time(int64_t at) {
    time_t seconds = (time_t)(at / CLOCK_SECOND);
    struct tm tm;
    char text[40];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return json_string(text);
}

static json_t *json_texts(const PGresult *r, int row, int column) {
    struct arena a = ARENA_EMPTY;
    struct str *text;
    size_t n = db_get_texts(r, row, column, &a, &text);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, cli_json_str(text[i]));
    arena_free(&a);
    return list;
}

static json_t *json_cell(const PGresult *r, int row, int column, enum cli_column_kind kind) {
    if (db_get_null(r, row, column))
        return json_null();
    switch (kind) {
    case CLI_NUMBER:
    case CLI_BYTES:
        return json_integer(db_get_int8(r, row, column));
    case CLI_BOOL:
        return json_boolean(db_get_bool(r, row, column));
    case CLI_TIME:
        return json_time(db_get_time(r, row, column));
    case CLI_TEXTS:
        return json_texts(r, row, column);
    case CLI_JSON: {
        struct str text = db_get_str(r, row, column);
        json_t *j = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
        return j ? j : json_null();
    }
    case CLI_QUEUE_ID: {
        char id[16];
        queue_id_text(db_get_int8(r, row, column), id);
        return json_string(id);
    }
    case CLI_TEXT:
        break;
    }
    return cli_json_str(db_get_str(r, row, column));
}

static json_t *json_row(const PGresult *r, int row, const struct cli_column *columns) {
    json_t *object = json_object();
    for (int i = 0; columns[i].key; i++)
        json_object_set_new(object, columns[i].key, json_cell(r, row, i, columns[i].kind));
    return object;
}

static json_t *json_rows(const PGresult *r, const struct cli_column *columns) {
    json_t *list = json_array();
    for (int row = 0; row < PQntuples(r); row++)
        json_array_append_new(list, json_row(r, row, columns));
    return list;
}

/* ---- values: from JSON to what a person reads ---- */

static void add_bytes(struct buf *out, json_int_t n) {
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)n;
    size_t i = 0;
    for (; v >= 1024 && i < 4; i++)
        v /= 1024;
    buf_printf(out, i && v < 100 ? "%.1f %s" : "%.0f %s", v, unit[i]);
}

/* UTC as kept, shown in the local time zone. */
static void add_time(struct buf *out, const char *utc) {
    struct tm tm = {0}, local;
    char text[40];
    if (!strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return;
    time_t t = timegm(&tm);
    localtime_r(&t, &local);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    buf_add_c(out, text);
}

/* Text from elsewhere must not steer the terminal: control characters (C1 ones too) are replaced. */
static void add_safe(struct buf *out, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool c1 = c == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] < 0xa0;
        buf_add_byte(out, c < 0x20 || c == 0x7f || c1 ? '?' : (char)c);
        i += c1;
    }
}

static void add_cell(struct buf *out, const json_t *v, enum cli_column_kind kind) {
    size_t i;
    json_t *item;
    if (json_is_null(v))
        buf_add_c(out, kind == CLI_BYTES ? "unlimited" : "-");
    else if (json_is_boolean(v))
        buf_add_c(out, json_is_true(v) ? "yes" : "no");
    else if (kind == CLI_BYTES)
        add_bytes(out, json_integer_value(v));
    else if (json_is_integer(v))
        buf_printf(out, "%lld", (long long)json_integer_value(v));
    else if (kind == CLI_TIME)
        add_time(out, json_string_value(v));
    else if (kind == CLI_TEXTS)
        json_array_foreach(v, i, item) {
            buf_add_c(out, i ? ", " : "");
            add_safe(out, json_string_value(item), json_string_length(item));
        }
    else if (json_is_string(v))
        add_safe(out, json_string_value(v), json_string_length(v));
    else {
        char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        buf_add_c(out, text ? text : "");
        free(text);
    }
}

static size_t width_of(const struct buf *cell) {
    int w = cell->n ? u8_width((const uint8_t *)cell->p, cell->n, "UTF-8") : 0;
    return w < 0 ? cell->n : (size_t)w;
}

static bool right_aligned(enum cli_column_kind kind) { return kind == CLI_NUMBER || kind == CLI_BYTES; }

static void pad(struct buf *out, size_t n) {
    while (n--)
        buf_add_byte(out, ' ');
}

static void add_padded(struct buf *out, const struct buf *cell, size_t width, bool right, bool last) {
    size_t w = width_of(cell), missing = width > w ? width - w : 0;
    if (right)
        pad(out, missing);
    buf_add_str(out, buf_str(cell));
    if (!right && !last)
        pad(out, missing);
    buf_add_c(out, last ? "\n" : "  ");
}

enum { MAX_COLUMNS = 24 };

static void measure(const json_t *rows, const struct cli_column *columns, size_t width[MAX_COLUMNS]) {
    struct buf cell = BUF_EMPTY;
    size_t i;
    json_t *row;
    for (int c = 0; columns[c].key; c++)
        width[c] = strlen(columns[c].heading);
    json_array_foreach(rows, i, row) for (int c = 0; columns[c].key; c++) {
        buf_reset(&cell);
        add_cell(&cell, json_object_get(row, columns[c].key), columns[c].kind);
        size_t w = width_of(&cell);
        width[c] = w > width[c] ? w : width[c];
    }
    buf_free(&cell);
}

static void add_table(struct buf *out, const json_t *rows, const struct cli_column *columns) {
    size_t width[MAX_COLUMNS], i;
    struct buf cell = BUF_EMPTY;
    json_t *row;
    measure(rows, columns, width);
    for (int c = 0; columns[c].key; c++) {
        buf_reset(&cell);
        buf_add_c(&cell, columns[c].heading);
        add_padded(out, &cell, width[c], right_aligned(columns[c].kind), !columns[c + 1].key);
    }
    json_array_foreach(rows, i, row) for (int c = 0; columns[c].key; c++) {
        buf_reset(&cell);
        add_cell(&cell, json_object_get(row, columns[c].key), columns[c].kind);
        add_padded(out, &cell, width[c], right_aligned(columns[c].kind), !columns[c + 1].key);
    }
    buf_free(&cell);
}

/* ---- what verbs call ---- */

void cli_rows(struct cli *cli, json_t *rows, const struct cli_column *columns, const char *what) {
    json_decref(cli->document);
    cli->document = rows;
    if (cli->json)
        return;
    if (json_array_size(cli->document) == 0)
        cli_say(cli, "No %s.", what);
    else
        add_table(&cli->text, cli->document, columns);
}

void cli_table(struct cli *cli, const PGresult *r, const struct cli_column *columns, const char *what) {
    cli_rows(cli, json_rows(r, columns), columns, what);
}

void cli_card(struct cli *cli, const PGresult *r, int row, const struct cli_column *columns) {
    json_decref(cli->document);
    cli->document = json_row(r, row, columns);
    if (cli->json)
        return;
    size_t width = 0;
    for (int c = 0; columns[c].key; c++)
        width = strlen(columns[c].heading) > width ? strlen(columns[c].heading) : width;
    for (int c = 0; columns[c].key; c++) {
        buf_printf(&cli->text, "%-*s  ", (int)width, columns[c].heading);
        add_cell(&cli->text, json_object_get(cli->document, columns[c].key), columns[c].kind);
        buf_add_byte(&cli->text, '\n');
    }
}

void cli_section(struct cli *cli, const char *key, const char *title, const PGresult *r,
                 const struct cli_column *columns) {
    json_t *rows = json_rows(r, columns);
    json_object_set_new(cli_object(cli), key, rows);
    if (cli->json || json_array_size(rows) == 0)
        return;
    buf_printf(&cli->text, "\n%s\n", title);
    add_table(&cli->text, rows, columns);
}

void cli_say(struct cli *cli, const char *fmt, ...) {
    if (cli->json)
        return;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&cli->text, fmt, ap);
    va_end(ap);
    buf_add_byte(&cli->text, '\n');
}

json_t *cli_object(struct cli *cli) {
    if (!cli->document)
        cli->document = json_object();
    return cli->document;
}

enum cli_exit cli_done(struct cli *cli, int64_t result, const char *fmt, ...) {
    if (result <= 0)
        return result < 0 ? CLI_TEMPORARY : CLI_REFUSED;
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    cli_say(cli, "%s", text);
    json_object_set_new(cli_object(cli), "id", json_integer(result));
    json_object_set_new(cli_object(cli), "done", cli_json_str(str_of(text)));
    return CLI_OK;
}

enum cli_exit cli_db_failed(struct cli *cli) { return db_is_broken(cli->conn) ? CLI_TEMPORARY : CLI_REFUSED; }

enum cli_exit cli_list(struct cli *cli, const struct db_statement *s, struct db_params *p,
                       const struct cli_column *columns, const char *what) {
    PGresult *r = db_query(cli->conn, s, p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    cli_table(cli, r, columns, what);
    PQclear(r);
    return CLI_OK;
}

void cli_flush(struct cli *cli) {
    if (cli->json && cli->document) {
        json_dumpf(cli->document, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
        putchar('\n');
    } else if (!cli->json) {
        fwrite(cli->text.p ? cli->text.p : "", 1, cli->text.n, stdout);
    }
}
