#include "http/router.h"

#include "http/url.h"

static bool match_number(struct str text, int64_t *number) {
    uint64_t v;
    if (!str_u64(text, &v) || v == 0 || v > INT64_MAX || text.p[0] == '0')
        return false;
    *number = (int64_t)v;
    return true;
}

static bool match_segment(struct arena *a, struct str wanted, struct str segment, struct route_match *m) {
    bool number = wanted.n > 1 && wanted.p[0] == '#';
    if (!number && !(wanted.n > 1 && wanted.p[0] == ':'))
        return str_eq(wanted, segment);
    if (segment.n == 0 || m->count == ROUTE_MAX_PARAMS)
        return false;
    struct str text = number ? segment : url_decode(a, segment, false);
    int64_t value = 0;
    if (number ? !match_number(text, &value) : str_chr(text, '\0') >= 0 || !str_is_utf8(text))
        return false;
    m->param[m->count].name = str_sub(wanted, 1, wanted.n);
    m->param[m->count].text = text;
    m->param[m->count].number = value;
    m->count++;
    return true;
}

static bool match_path(struct arena *a, struct str pattern, struct str path, struct route_match *m) {
    m->count = 0;
    struct str wanted, segment;
    for (;;) {
        bool more_pattern = str_split(&pattern, '/', &wanted), more_path = str_split(&path, '/', &segment);
        if (!more_pattern || !more_path)
            return more_pattern == more_path;
        if (!match_segment(a, wanted, segment, m))
            return false;
    }
}

void router_find(const struct route *const *tables, struct arena *a, enum method method, struct str path,
                 struct route_match *out) {
    *out = (struct route_match){0};
    unsigned bit = method == METHOD_HEAD ? METHOD_GET : (unsigned)method, others = 0;
    for (; *tables; tables++) {
        for (const struct route *r = *tables; r->pattern; r++) {
            if (!match_path(a, str_of(r->pattern), path, out))
                continue;
            if (r->methods & bit) {
                out->route = r;
                return;
            }
            others |= r->methods;
        }
    }
    out->methods = others;
}
