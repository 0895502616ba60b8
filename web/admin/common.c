#include "admin/common.h"

#include "base/clock.h"
#include "base/codec.h"
#include "directory/protocol.h"
#include "page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- outcomes ---- */

enum outcome admin_outcome(struct exchange *x, int64_t result, struct err *err) {
    if (result > 0)
        return OUTCOME_DONE;
    if (result < 0) {
        exchange_database_error(x, err);
        return OUTCOME_REPLIED;
    }
    exchange_rollback(x);
    return exchange_begin(x) ? OUTCOME_REFUSED : OUTCOME_REPLIED;
}

bool change_row(struct exchange *x, const struct db_statement *s, struct db_params *p) {
    struct err err;
    int64_t rows = db_exec(x->db, s, p, &err);
    if (rows < 0)
        exchange_database_error(x, &err);
    else if (rows == 0)
        exchange_not_found(x);
    return rows > 0;
}

/* Names ("example.org is ...") keep their first letter. */
static bool begins_with_name(const char *text) {
    size_t word = strcspn(text, " ");
    return text[word] && (memchr(text, '.', word) || memchr(text, '@', word));
}

struct str sentence(struct arena *a, const char *text) {
    size_t n = strlen(text);
    bool stopped = n > 0 && strchr(".?!", text[n - 1]);
    struct str s = arena_printf(a, stopped ? "%s" : "%s.", text);
    if (s.n > 1 && !begins_with_name(text))
        ((char *)(uintptr_t)s.p)[0] = ascii_upper(s.p[0]);
    return s;
}

void show_problem(struct exchange *x, struct dict *d, const char *name, const struct err *err) {
    dict_set(dict_section(d, name), "TEXT", sentence(&x->arena, err->text));
    x->reply.status = 422;
}

void form_refused(struct exchange *x, struct dict *page, const char *name, const struct err *err) {
    if (!page)
        return;
    show_problem(x, page, name, err);
    page_send(x);
}

/* ---- values ---- */

static const struct {
    const char *unit;
    int64_t bytes;
} UNITS[] = {{"TB", INT64_C(1) << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}};
enum { UNIT_COUNT = sizeof UNITS / sizeof *UNITS };

struct str size_text(struct arena *a, int64_t bytes) {
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (bytes < UNITS[i].bytes)
            continue;
        double v = (double)bytes / (double)UNITS[i].bytes;
        return arena_printf(a, v >= 100 || fmod(v * 10, 10) < 0.5 ? "%.0f %s" : "%.1f %s", v, UNITS[i].unit);
    }
    return arena_printf(a, "%lld B", (long long)bytes);
}

/* Digits with at most one point or comma; at most twelve characters. */
static bool decimal_parse(struct str text, double *out) {
    char c[16];
    size_t points = 0;
    if (text.n == 0 || text.n > 12 || !str_to_c(text, c, sizeof c))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (c[i] == ',' || c[i] == '.') {
            c[i] = '.';
            points++;
        } else if (!ascii_digit(c[i])) {
            return false;
        }
    }
    *out = strtod(c, NULL);
    return points <= 1 && text.n > points;
}

bool size_parse(struct str typed, int64_t *bytes, struct err *err) {
    *bytes = -1;
    typed = str_trim(typed);
    if (typed.n == 0)
        return true;
    size_t digits = 0;
    while (digits < typed.n && (ascii_digit(typed.p[digits]) || typed.p[digits] == '.' || typed.p[digits] == ','))
        digits++;
    struct str unit = str_trim(str_sub(typed, digits, typed.n));
    int64_t factor = unit.n == 0 ? 1 << 20 : 0;
    for (size_t i = 0; i < UNIT_COUNT && unit.n > 0; i++) {
        if (str_ieq(unit, str_of(UNITS[i].unit)) || str_ieq(unit, str_n(UNITS[i].unit, 1)))
            factor = UNITS[i].bytes;
    }
    double v;
    if (factor == 0 || !decimal_parse(str_sub(typed, 0, digits), &v) || v * (double)factor > 1e17)
        return err_set(err, "write a size like 500 MB or 2 GB, or leave it empty for no limit");
    *bytes = (int64_t)(v * (double)factor);
    return true;
}

bool limit_parse(struct str typed, int32_t *limit, struct err *err) {
    uint32_t v;
    *limit = -1;
    if (typed.n == 0)
        return true;
    if (!str_u32(typed, &v) || v > 1000000)
        return err_set(err, "write a number up to 1000000, or leave it empty for no limit");
    *limit = (int32_t)v;
    return true;
}

bool day_parse(struct str typed, int64_t *t) {
    char c[16], *end;
    struct tm tm = {0};
    if (typed.n != 10 || !str_to_c(typed, c, sizeof c) || !(end = strptime(c, "%Y-%m-%d", &tm)) || *end)
        return false;
    *t = (int64_t)timegm(&tm) * CLOCK_SECOND;
    return true;
}

void dict_time(struct dict *d, const char *name, int64_t t) {
    time_t seconds = (time_t)(t / CLOCK_SECOND);
    struct tm tm;
    char text[40], label[40];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
    dict_set_c(d, name, text);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    snprintf(label, sizeof label, "%s_ISO", name);
    dict_set_c(d, label, text);
}

struct str count_text(struct arena *a, int64_t n) {
    struct str plain = arena_printf(a, "%lld", (long long)n);
    char *out = arena_alloc(a, plain.n * 2);
    size_t at = 0;
    for (size_t i = 0; i < plain.n; i++) {
        if (i > 0 && (plain.n - i) % 3 == 0 && plain.p[i - 1] != '-')
            out[at++] = ',';
        out[at++] = plain.p[i];
    }
    return str_n(out, at);
}

struct str bounded_text(struct arena *a, int64_t n, int64_t bound) {
    struct str text = count_text(a, n > bound ? bound : n);
    return n > bound ? arena_printf(a, "%.*s+", STR_ARG(text)) : text;
}

struct str made_up_password(struct arena *a) {
    static const char LETTERS[] = "abcdefghjkmnpqrstuvwxyz23456789"; /* 31: no i, l, o, 0, 1 */
    enum { GROUPS = 4, LENGTH = 5, COUNT = sizeof LETTERS - 1, FAIR = 256 / COUNT * COUNT };
    char *out = arena_alloc(a, GROUPS * (LENGTH + 1));
    size_t n = 0;
    while (n < GROUPS * (LENGTH + 1) - 1) {
        if (n % (LENGTH + 1) == LENGTH) {
            out[n++] = '-';
            continue;
        }
        unsigned char byte;
        random_bytes(&byte, 1);
        if (byte < FAIR) /* else some letters would be likelier than others */
            out[n++] = LETTERS[byte % COUNT];
    }
    return str_n(out, n);
}

struct str form_password(struct exchange *x, bool *made_up) {
    *made_up = !str_eq(exchange_form(x, "how"), STR("typed"));
    struct str typed = params_get(&x->request.form, STR("password"));
    return *made_up ? made_up_password(&x->arena) : typed.p ? typed : STR("");
}

void show_password_choice(struct exchange *x, struct dict *d) {
    bool typed = str_eq(exchange_form(x, "how"), STR("typed"));
    bool nobody = str_eq(exchange_form(x, "how"), STR("shared")); /* where the page has it */
    dict_show_if(d, "TYPED", typed);
    dict_show_if(d, "NOBODY", nobody);
    dict_show_if(d, "MADE_UP", !typed && !nobody);
}

bool form_checked(const struct exchange *x, const char *name) { return exchange_form(x, name).n > 0; }

/* ---- ways to log in ---- */

unsigned protocols_of(struct str names) {
    unsigned bits;
    struct err err;
    protocols_parse(names, &bits, &err);
    return bits;
}

void show_protocols(struct dict *d, unsigned off, unsigned off_by_domain) {
    struct dict *list = dict_include(d, "PROTOCOLS", "admin/protocols.tpl");
    for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
        struct dict *one = dict_section(list, "PROTOCOL");
        dict_set_c(one, "NAME", protocols[i].name);
        dict_set_c(one, "TITLE", protocols[i].title);
        dict_show_if(one, "ON", !(off & protocols[i].bit));
        dict_show_if(one, "DOMAIN_OFF", off_by_domain & protocols[i].bit);
    }
}

unsigned form_protocols_off(const struct exchange *x, unsigned now) {
    unsigned off = 0;
    char name[32];
    if (!form_checked(x, "protocols"))
        return now;
    for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
        snprintf(name, sizeof name, "protocol-%s", protocols[i].name);
        off |= form_checked(x, name) ? 0 : protocols[i].bit;
    }
    return off;
}

/* ---- asking first ---- */

struct dict *confirm_begin(struct exchange *x, const struct confirmation *c) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/confirm.tpl", c->title);
    dict_set_c(d, "QUESTION", c->title);
    dict_set(d, "OBJECT", c->object);
    dict_set_c(d, "BUTTON", c->button);
    dict_set(d, "ACTION", c->action);
    dict_set(d, "CANCEL", c->cancel);
    if (c->typed.p) {
        struct dict *typed = dict_section(d, "TYPED");
        dict_set(typed, "TEXT", c->typed);
        if (exchange_is_post(x)) {
            dict_show(typed, "WRONG");
            x->reply.status = 422;
        }
    }
    return d;
}

void confirm_consequence(struct dict *d, const char *fmt, ...) {
    struct buf b = BUF_EMPTY;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    dict_set(dict_section(d, "CONSEQUENCE"), "TEXT", buf_str(&b));
    buf_free(&b);
}

bool confirm_typed(struct exchange *x, struct str typed) { return str_ieq(exchange_form(x, "typed"), typed); }
