#include "http/params.h"

#include "http/url.h"

struct str params_get(const struct params *p, struct str name) {
    for (size_t i = 0; i < p->count; i++) {
        if (p->at[i].filename.p == NULL && str_eq(p->at[i].name, name))
            return p->at[i].value;
    }
    return (struct str){NULL, 0};
}

const struct param *params_file(const struct params *p, struct str name, size_t i) {
    for (size_t k = 0; k < p->count; k++) {
        const struct param *one = &p->at[k];
        if (one->filename.p != NULL && (one->filename.n > 0 || one->value.n > 0) && str_eq(one->name, name) && i-- == 0)
            return one;
    }
    return NULL;
}

bool params_has(const struct params *p, struct str name) { return params_get(p, name).p != NULL; }

static bool is_text(struct str s) { return str_chr(s, '\0') < 0 && str_is_utf8(s); }

bool params_add(struct params *p, struct arena *a, struct param one, struct err *err) {
    if (p->count == PARAMS_MAX)
        return err_set(err, "The form has more than %d fields.", PARAMS_MAX);
    if (one.name.n > PARAMS_MAX_NAME)
        return err_set(err, "The form has a field whose name is too long.");
    if (!is_text(one.name) || !is_text(one.filename) || !is_text(one.type))
        return err_set(err, "The name of a field in the form is not valid UTF-8 text.");
    if (one.filename.p == NULL && one.value.n > PARAMS_MAX_TEXT)
        return err_set(err, "The field \"%.*s\" is longer than %d bytes.", STR_ARG(one.name), PARAMS_MAX_TEXT);
    if (one.filename.p == NULL && !is_text(one.value))
        return err_set(err, "The field \"%.*s\" holds bytes that are not valid UTF-8 text.", STR_ARG(one.name));
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? p->capacity * 2 : 16;
        struct param *more = arena_array(a, capacity, sizeof *more);
        if (p->count > 0)
            memcpy(more, p->at, p->count * sizeof *more);
        p->at = more;
        p->capacity = capacity;
    }
    p->at[p->count++] = one;
    return true;
}

bool params_parse_urlencoded(struct params *out, struct arena *a, struct str text, struct err *err) {
    struct str pair;
    while (str_split(&text, '&', &pair)) {
        if (pair.n == 0)
            continue;
        ptrdiff_t equals = str_chr(pair, '=');
        struct str name = equals < 0 ? pair : str_sub(pair, 0, (size_t)equals);
        struct str value = equals < 0 ? STR("") : str_sub(pair, (size_t)equals + 1, pair.n);
        struct param one = {.name = url_decode(a, name, true), .value = url_decode(a, value, true)};
        if (!params_add(out, a, one, err))
            return false;
    }
    return true;
}

void params_parse_cookies(struct params *out, struct arena *a, struct str header) {
    struct str pair;
    while (str_split(&header, ';', &pair)) {
        pair = str_trim(pair);
        ptrdiff_t equals = str_chr(pair, '=');
        if (equals < 1)
            continue;
        struct str value = str_trim(str_sub(pair, (size_t)equals + 1, pair.n));
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
            value = str_sub(value, 1, value.n - 2);
        (void)params_add(out, a, (struct param){.name = str_trim(str_sub(pair, 0, (size_t)equals)), .value = value},
                         NULL);
    }
}
