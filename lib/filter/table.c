/* The table "filter". */
#include "base/log.h"
#include "directory/admin_internal.h"
#include "filter/form.h"

#define COLUMNS                                                                                                        \
    "name, kind::text, endpoint, place::text, mode::text, on_failure::text, array_to_string(services, ' '),"           \
    " connect_timeout::text, command_timeout::text, content_timeout::text, coalesce(max_size::text, ''), found::text," \
    " array_to_string(stages, ' '), context, id"

static const struct db_statement ALL = {"filter_all",
                                        "SELECT " COLUMNS " FROM filter WHERE mode <> 'off' ORDER BY place, name"};
static const struct db_statement ONE = {"filter_one", "SELECT " COLUMNS " FROM filter WHERE name = lower($1)"};
static const struct db_statement ADD = {
    "filter_add",
    "INSERT INTO filter (name, kind, endpoint, place, mode, on_failure, services, connect_timeout, command_timeout,"
    " content_timeout, max_size, found, stages, context) VALUES ($1, $2::text::filter_kind, $3, $4,"
    " $5::text::filter_mode, $6::text::filter_failure, $7, $8, $9, $10, nullif($11, 0), $12::text::filter_found, $13,"
    " $14) RETURNING id"};
static const struct db_statement CHANGE = {
    "filter_change",
    "UPDATE filter SET name = $1, kind = $2::text::filter_kind, endpoint = $3, place = $4,"
    " mode = $5::text::filter_mode, on_failure = $6::text::filter_failure, services = $7, connect_timeout = $8,"
    " command_timeout = $9, content_timeout = $10, max_size = nullif($11, 0), found = $12::text::filter_found,"
    " stages = $13, context = $14 WHERE name = lower($15)"};
static const struct db_statement REMOVE = {"filter_remove", "DELETE FROM filter WHERE name = lower($1)"};

static const struct admin_sentence sentences[] = {{"filter_name_key", "there is a filter %.*s already"}, {NULL, NULL}};

/* ---- reading ---- */

static void read_form(const PGresult *r, int row, struct filter_form *f) {
    struct str *field[] = {&f->name,       &f->kind,     &f->endpoint,        &f->place,           &f->mode,
                           &f->on_failure, &f->services, &f->connect_timeout, &f->command_timeout, &f->content_timeout,
                           &f->max_size,   &f->found,    &f->stages,          &f->context};
    for (int i = 0; i < (int)(sizeof field / sizeof *field); i++)
        *field[i] = db_get_str(r, row, i);
}

bool filter_read_all(struct db_conn *c, struct arena *a, struct filter **out, size_t *count, struct err *err) {
    PGresult *r = db_query(c, &ALL, NULL, err);
    if (!r)
        return false;
    *out = arena_array(a, (size_t)PQntuples(r), sizeof **out);
    *count = 0;
    for (int i = 0; i < PQntuples(r); i++) {
        struct filter_form f;
        struct err why;
        read_form(r, i, &f);
        if (filter_of_form(a, &f, &(*out)[*count], &why))
            (*out)[(*count)++].id = db_get_int8(r, i, 14);
        else
            log_error("the filter %.*s is left out: %s", STR_ARG(f.name), why.text);
    }
    PQclear(r);
    return true;
}

int64_t filter_load(struct db_conn *c, struct arena *a, struct str name, struct filter_form *out, struct err *err) {
    struct db_params p = {0};
    if (!str_is_utf8(name) || str_chr(name, 0) >= 0) {
        err_set(err, "there is no such filter");
        return 0;
    }
    db_text(&p, name);
    PGresult *r = db_query(c, &ONE, &p, err);
    if (!r)
        return admin_failed(c, sentences, name, err);
    bool found = PQntuples(r) == 1;
    if (found) {
        read_form(r, 0, out);
        struct str *field = (struct str *)out;
        for (size_t i = 0; i < sizeof *out / sizeof *field; i++)
            field[i] = arena_str(a, field[i]);
    } else {
        err_set(err, "there is no filter %.*s", STR_ARG(name));
    }
    PQclear(r);
    return found;
}

/* ---- writing ---- */

static void add_params(struct db_params *p, const struct filter_row *row) {
    const struct filter *f = &row->filter;
    db_text(p, f->name);
    db_text(p, row->kind);
    db_text(p, f->address);
    db_int4(p, row->place);
    db_text(p, row->mode);
    db_text(p, row->on_failure);
    db_text_array(p, row->service, row->services);
    db_int4(p, row->connect_timeout);
    db_int4(p, row->command_timeout);
    db_int4(p, row->content_timeout);
    db_int8(p, (int64_t)f->max_size);
    db_text(p, row->found);
    db_text_array(p, row->stage, row->stages);
    db_text(p, f->context);
}

/* Fields of `f` that are set take the place of those in `under`. */
static struct filter_form laid_over(struct filter_form under, const struct filter_form *f) {
    struct str *to = (struct str *)&under;
    const struct str *from = (const struct str *)f;
    for (size_t i = 0; i < sizeof under / sizeof *to; i++)
        if (from[i].p)
            to[i] = from[i];
    return under;
}

int64_t filter_add(struct db_conn *c, const struct filter_form *f, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct filter_form whole = laid_over(filter_defaults(), f);
    struct filter_row row;
    int64_t id = 0;
    if (filter_check(&a, &whole, &row, err)) {
        struct db_params p = {0};
        add_params(&p, &row);
        id = admin_insert(c, &ADD, &p, sentences, row.filter.name, err);
    }
    arena_free(&a);
    return id;
}

int64_t filter_change(struct db_conn *c, struct str name, const struct filter_form *f, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct filter_form whole;
    struct filter_row row;
    int64_t result = filter_load(c, &a, name, &whole, err);
    whole = result == 1 ? laid_over(whole, f) : whole;
    if (result == 1 && (result = filter_check(&a, &whole, &row, err)) == 1) {
        struct db_params p = {0};
        add_params(&p, &row);
        db_text(&p, name);
        int64_t touched = db_exec(c, &CHANGE, &p, err);
        result = touched > 0 ? 1 : touched < 0 ? admin_failed(c, sentences, row.filter.name, err) : 0;
        if (touched == 0)
            err_set(err, "there is no filter %.*s", STR_ARG(name));
    }
    arena_free(&a);
    return result;
}

int64_t filter_remove(struct db_conn *c, struct str name, struct err *err) {
    struct db_params p = {0};
    db_text(&p, name);
    return admin_touch(c, &REMOVE, &p, err, "there is no filter %.*s", STR_ARG(name));
}
