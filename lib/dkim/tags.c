#include "dkim/tags.h"

#include "base/codec.h"

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* tag-name = ALPHA *ALNUMPUNC */
static bool name_is_valid(struct str name) {
    if (name.n == 0 || !ascii_alpha(name.p[0]))
        return false;
    for (size_t i = 1; i < name.n; i++)
        if (!ascii_alpha(name.p[i]) && !ascii_digit(name.p[i]) && name.p[i] != '_')
            return false;
    return true;
}

/* tval = 1*VALCHAR, and bytes beyond ASCII (RFC 8616 section 3). */
static bool value_is_valid(struct str value) {
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && !is_space((char)c)) || c == 0x7f)
            return false;
    }
    return true;
}

static bool fail(const char **problem, const char *why) {
    *problem = why;
    return false;
}

static bool add(struct dkim_tags *out, struct str text, struct str spec, const char **problem) {
    ptrdiff_t eq = str_chr(spec, '=');
    if (eq < 0)
        return fail(problem, "a tag has no value");
    struct dkim_tag tag = {.name = str_trim(str_sub(spec, 0, (size_t)eq))};
    struct str around = str_sub(spec, (size_t)eq + 1, spec.n);
    tag.value = str_trim(around);
    tag.from = (size_t)(spec.p - text.p) + (size_t)eq + 1;
    tag.to = tag.from + around.n;
    if (!name_is_valid(tag.name))
        return fail(problem, "a tag's name is not valid");
    if (!value_is_valid(tag.value))
        return fail(problem, "a tag's value has a control character");
    for (size_t i = 0; i < out->count; i++)
        if (str_eq(out->tag[i].name, tag.name))
            return fail(problem, "a tag is there twice");
    if (out->count == DKIM_MAX_TAGS)
        return fail(problem, "there are too many tags");
    out->tag[out->count++] = tag;
    return true;
}

static size_t count_specs(struct str text) {
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ';';
    return n < DKIM_MAX_TAGS ? n : DKIM_MAX_TAGS;
}

bool dkim_tags_parse(struct arena *a, struct str text, struct dkim_tags *out, const char **problem) {
    struct str rest = text, spec;
    *out = (struct dkim_tags){0};
    if (text.n > DKIM_MAX_TAG_LIST)
        return fail(problem, "it is too long");
    if (str_trim(text).n == 0)
        return fail(problem, "it is empty");
    out->tag = arena_array(a, count_specs(text), sizeof *out->tag);
    while (str_split(&rest, ';', &spec)) {
        if (rest.p == NULL && str_trim(spec).n == 0)
            break; /* the ';' that may stand at the end */
        if (!add(out, text, spec, problem))
            return false;
    }
    return true;
}

const struct dkim_tag *dkim_tag_find(const struct dkim_tags *tags, const char *name) {
    for (size_t i = 0; i < tags->count; i++)
        if (str_eq(tags->tag[i].name, str_of(name)))
            return &tags->tag[i];
    return NULL;
}

struct str dkim_tag_value(const struct dkim_tags *tags, const char *name) {
    const struct dkim_tag *t = dkim_tag_find(tags, name);
    return t ? t->value : (struct str){NULL, 0};
}

struct str dkim_tag_plain(struct arena *a, struct str value) {
    char *plain = arena_alloc(a, value.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++)
        if (!is_space(value.p[i]))
            plain[n++] = value.p[i];
    return str_n(plain, n);
}

bool dkim_tag_base64(struct arena *a, struct str value, struct str *out) {
    struct str plain = dkim_tag_plain(a, value);
    struct buf decoded = BUF_EMPTY;
    bool ok = plain.n > 0 && base64_decode(plain, &decoded);
    if (ok)
        *out = arena_str(a, buf_str(&decoded));
    buf_free(&decoded);
    return ok;
}

bool dkim_tag_has_word(struct str list, const char *word) {
    struct str piece;
    while (str_split(&list, ':', &piece))
        if (str_ieq(str_trim(piece), str_of(word)))
            return true;
    return false;
}
