/* The types whose data is more than a row of fields. */
#include "zone/rdata.h"

#include "base/codec.h"

#include <arpa/inet.h>
#include <stdlib.h>

/* ---- SVCB and HTTPS (RFC 9460) ---- */

enum { MAX_PARAMS = 64, MAX_KEY = 65534 };

static const char *const svcb_key[] = {"mandatory", "alpn", "no-default-alpn", "port",
                                       "ipv4hint",  "ech",  "ipv6hint",        "dohpath"};
enum { MANDATORY, ALPN, NO_DEFAULT_ALPN, PORT, IPV4HINT, ECH, IPV6HINT, DOHPATH, NAMED_KEYS };

struct param {
    uint32_t key;
    bool has_value;
    struct str value;
};

static bool key_number(struct str name, uint32_t *key) {
    for (uint32_t i = 0; i < NAMED_KEYS; i++)
        if (str_eq(name, str_of(svcb_key[i]))) {
            *key = i;
            return true;
        }
    struct str digits = str_sub(name, 3, name.n);
    return str_starts(name, STR("key")) && str_u32(digits, key) && *key <= MAX_KEY &&
           (digits.n == 1 || digits.p[0] != '0');
}

static void add_key(struct buf *out, uint32_t key) {
    if (key < NAMED_KEYS)
        buf_add_c(out, svcb_key[key]);
    else
        buf_printf(out, "key%u", key);
}

static bool read_param(struct rdata_reader *r, const struct rdata_token *t, struct param *out) {
    ptrdiff_t eq = str_chr(t->value, '=');
    struct str name = eq < 0 ? t->value : str_sub(t->value, 0, (size_t)eq);
    out->has_value = eq >= 0;
    out->value = eq < 0 ? STR("") : str_sub(t->value, (size_t)eq + 1, t->value.n);
    return key_number(name, &out->key) ||
           err_set(r->err, "there is no parameter \"%s\"", arena_printf(r->a, "%.30s", arena_c(r->a, name)).p);
}

static bool has_key(const struct param *p, size_t n, uint32_t key) {
    for (size_t i = 0; i < n; i++)
        if (p[i].key == key)
            return true;
    return false;
}

static bool check_addresses(struct rdata_reader *r, struct str list, int family) {
    unsigned char address[16];
    struct str one;
    while (str_split(&list, ',', &one))
        if (str_chr(one, 0) >= 0 || inet_pton(family, arena_c(r->a, one), address) != 1)
            return err_set(r->err, "%s must be addresses, separated by commas",
                           family == AF_INET ? "ipv4hint" : "ipv6hint");
    return true;
}

/* RFC 9460 section 7.1: ids without commas and backslashes, which would need a second kind of escape. */
static bool check_alpn(struct rdata_reader *r, struct str list) {
    struct str one;
    while (str_split(&list, ',', &one))
        if (one.n == 0 || one.n > 255 || str_chr(one, '\\') >= 0)
            return err_set(r->err, "alpn must be protocols, separated by commas, like h2,h3");
    return true;
}

/* RFC 9460 section 8 */
static bool check_mandatory(struct rdata_reader *r, struct str list, const struct param *p, size_t n) {
    struct str one;
    uint32_t key;
    while (str_split(&list, ',', &one))
        if (!key_number(one, &key) || key == MANDATORY || !has_key(p, n, key))
            return err_set(r->err, "mandatory names a parameter that is not given");
    return true;
}

static bool check_param(struct rdata_reader *r, const struct param *p, const struct param *all, size_t n) {
    uint32_t number;
    struct buf bytes = BUF_EMPTY;
    bool good;
    if (p->key == NO_DEFAULT_ALPN)
        return (!p->has_value && has_key(all, n, ALPN)) ||
               err_set(r->err, "no-default-alpn has no value, and needs alpn beside it");
    if (p->key < NAMED_KEYS && !p->value.n)
        return err_set(r->err, "%s needs a value", svcb_key[p->key]);
    switch (p->key) {
    case MANDATORY:
        return check_mandatory(r, p->value, all, n);
    case ALPN:
        return check_alpn(r, p->value);
    case PORT:
        return (str_u32(p->value, &number) && number <= 65535) ||
               err_set(r->err, "port must be a number from 0 to 65535");
    case IPV4HINT:
        return check_addresses(r, p->value, AF_INET);
    case IPV6HINT:
        return check_addresses(r, p->value, AF_INET6);
    case ECH:
        good = base64_decode(p->value, &bytes) || err_set(r->err, "ech must be in base64");
        buf_free(&bytes);
        return good;
    case DOHPATH:
        return (p->value.p[0] == '/' && str_find(p->value, STR("{?dns}")) > 0) ||
               err_set(r->err, "dohpath must be like /dns-query{?dns}"); /* RFC 9461 section 5 */
    default:
        return true;
    }
}

static int by_key(const void *a, const void *b) {
    const struct param *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

bool rdata_svcb_params(struct rdata_reader *r) {
    struct param *p = arena_array(r->a, MAX_PARAMS, sizeof *p);
    struct rdata_token t;
    size_t n = 0;
    int more;
    while ((more = rdata_token(r, &t)) > 0) {
        if (n == MAX_PARAMS)
            return err_set(r->err, "there are too many parameters");
        if (!read_param(r, &t, p + n))
            return false;
        if (has_key(p, n, p[n].key))
            return err_set(r->err, "a parameter is given twice");
        n++;
    }
    if (more < 0)
        return false;
    qsort(p, n, sizeof *p, by_key);
    for (size_t i = 0; i < n; i++) {
        if (!check_param(r, p + i, p, n))
            return false;
        buf_add_byte(&r->out, ' ');
        add_key(&r->out, p[i].key);
        if (p[i].has_value) {
            buf_add_byte(&r->out, '=');
            rdata_add_string(&r->out, p[i].value);
        }
    }
    r->got->strings = n > 0;
    return true;
}

/* ---- LOC (RFC 1876) ---- */

/* A decimal number with at most `places` digits behind the point, in units of the last place. */
static bool read_decimal(struct str s, int places, uint32_t max, uint32_t *out) {
    ptrdiff_t point = str_chr(s, '.');
    struct str whole = point < 0 ? s : str_sub(s, 0, (size_t)point),
               part = point < 0 ? STR("") : str_sub(s, (size_t)point + 1, s.n);
    uint32_t w, p = 0;
    if (whole.n > 8 || !str_u32(whole, &w) || part.n > (size_t)places || (point >= 0 && !str_u32(part, &p)))
        return false;
    uint64_t v = w;
    for (int i = 0; i < places; i++) {
        v *= 10;
        if ((size_t)i >= part.n)
            p *= 10;
    }
    v += p;
    *out = (uint32_t)v;
    return v <= max;
}

/* "d [m [s]] N": degrees, minutes, seconds with three places; hemisphere from the two letters. */
static bool read_angle(struct rdata_reader *r, uint32_t max_degrees, const char *letters) {
    uint32_t value[3] = {0, 0, 0};
    static const uint32_t max[3] = {180, 59, 59999};
    struct rdata_token t;
    for (int i = 0; i < 4; i++) {
        if (rdata_token(r, &t) <= 0)
            return err_set(r->err, "the %s is not complete", letters[0] == 'N' ? "latitude" : "longitude");
        char letter = t.value.n == 1 ? ascii_upper(t.value.p[0]) : 0;
        if (i > 0 && letter && (letter == letters[0] || letter == letters[1])) {
            bool fits = value[0] < max_degrees || (value[0] == max_degrees && !value[1] && !value[2]);
            buf_printf(&r->out, "%s%u %u %u.%03u %c", r->out.n ? " " : "", value[0], value[1], value[2] / 1000,
                       value[2] % 1000, letter);
            return fits || err_set(r->err, "there are at most %u degrees", max_degrees);
        }
        if (i == 3 || !read_decimal(t.value, i == 2 ? 3 : 0, max[i], &value[i]))
            return err_set(r->err, "degrees, minutes and seconds must be numbers, and %c or %c must follow", letters[0],
                           letters[1]);
    }
    return false;
}

static bool read_metres(struct rdata_reader *r, struct str s, bool negative, uint32_t max) {
    uint32_t v;
    bool minus = negative && s.n && s.p[0] == '-';
    if (minus)
        s = str_sub(s, 1, s.n);
    if (s.n && s.p[s.n - 1] == 'm')
        s.n--;
    if (!read_decimal(s, 2, max, &v) || (minus && v > 10000000))
        return err_set(r->err, "altitude and sizes must be metres, like 12.50m");
    buf_printf(&r->out, " %s%u.%02um", minus ? "-" : "", v / 100, v % 100);
    return true;
}

bool rdata_loc(struct rdata_reader *r) {
    struct rdata_token t;
    if (!read_angle(r, 90, "NS") || !read_angle(r, 180, "EW"))
        return false;
    int more = rdata_token(r, &t);
    if (more <= 0)
        return more == 0 ? err_set(r->err, "the altitude is missing") : false;
    if (!read_metres(r, t.value, true, 4284967295u))
        return false;
    for (int i = 0; i < 3 && (more = rdata_token(r, &t)) > 0; i++)
        if (!read_metres(r, t.value, false, 4000000000u))
            return false;
    return more >= 0;
}

/* ---- types that have no name here (RFC 3597 section 5) ---- */

bool rdata_generic(struct rdata_reader *r) {
    struct rdata_token t;
    uint32_t length;
    if (rdata_token(r, &t) <= 0 || !str_eq(t.raw, STR("\\#")))
        return err_set(r->err, "the data must begin with \\#");
    if (rdata_token(r, &t) <= 0 || !str_u32(t.value, &length) || length > 65535)
        return err_set(r->err, "the length must be a number from 0 to 65535");
    struct buf hex = BUF_EMPTY, bytes = BUF_EMPTY;
    int more;
    while ((more = rdata_token(r, &t)) > 0)
        buf_add_str(&hex, t.value);
    bool good =
        more == 0 && (hex_decode(buf_str(&hex), &bytes) || err_set(r->err, "the data must be in hexadecimal digits"));
    if (good && bytes.n != length)
        good = err_set(r->err, "the data has %zu bytes, not %u", bytes.n, length);
    if (good) {
        buf_printf(&r->out, "\\# %u%s", length, length ? " " : "");
        hex_encode(buf_str(&bytes), &r->out);
    }
    buf_free(&hex);
    buf_free(&bytes);
    return good;
}
