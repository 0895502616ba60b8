#include "zone/name.h"

#include <idn2.h>

enum { NAME_BYTES = 255, LABEL_BYTES = 63, TEXT_BYTES = 1020 };

/* ---- reading ---- */

/* Adds one byte to the label that begins at `label`. */
static bool add_byte(struct zone_name *name, size_t label, unsigned char c, struct err *err) {
    if (name->byte[label] == LABEL_BYTES)
        return err_set(err, "the name has a part of more than 63 bytes between two dots");
    if (name->n >= NAME_BYTES - 1)
        return err_set(err, "the name is longer than 255 bytes");
    name->byte[name->n++] = (unsigned char)ascii_lower((char)c);
    name->byte[label]++;
    return true;
}

/* "\DDD" or "\X"; *i is moved to its last byte. */
static bool unescape(struct str text, size_t *i, unsigned char *c, struct err *err) {
    if (*i + 1 >= text.n)
        return err_set(err, "the name ends in a backslash");
    unsigned char first = (unsigned char)text.p[++*i];
    *c = first;
    if (!ascii_digit((char)first))
        return true;
    uint32_t value;
    if (*i + 2 >= text.n || !str_u32(str_sub(text, *i, 3), &value) || value > 255)
        return err_set(err, "in a name a backslash is followed by three digits up to 255, or by one other character");
    *i += 2;
    *c = (unsigned char)value;
    return true;
}

static bool plain(unsigned char c) {
    return c && (ascii_alpha((char)c) || ascii_digit((char)c) || strchr("-_*/+=:", c));
}

/* All labels of the text; *absolute: it ended in a dot. */
static bool read_labels(struct str text, struct zone_name *name, bool *absolute, struct err *err) {
    size_t label = 0;
    name->byte[0] = 0;
    name->n = 1;
    *absolute = false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '.') {
            if (name->byte[label] == 0)
                return err_set(err, "the name has nothing between two dots, or begins with one");
            if (i + 1 == text.n) {
                *absolute = true;
                return true;
            }
            if (name->n >= NAME_BYTES - 1)
                return err_set(err, "the name is longer than 255 bytes");
            label = name->n++;
            name->byte[label] = 0;
            continue;
        }
        if (c == '\\') {
            if (!unescape(text, &i, &c, err))
                return false;
        } else if (!plain(c)) {
            return c > 0x20 && c < 0x7f ? err_set(err, "a name can't have the character %c", c)
                                        : err_set(err, "a name can't have blanks or control characters");
        }
        if (!add_byte(name, label, c, err))
            return false;
    }
    return true;
}

/* Letters beyond ASCII: the whole name to A-labels (IDNA2008, UTS 46). The mapping knows no underscore or star, so the
 * labels in front that have them are kept as they are. */
static bool to_a_labels(struct arena *a, struct str text, struct str *out, struct err *err) {
    if (!str_is_utf8(text))
        return err_set(err, "the name is not valid text (UTF-8)");
    struct buf ascii = BUF_EMPTY;
    struct str rest = text, label;
    bool good = true;
    while (good && str_split(&rest, '.', &label)) {
        uint8_t *found = NULL;
        if (str_is_ascii(label))
            buf_add_str(&ascii, label);
        else {
            int rc = idn2_lookup_u8((const uint8_t *)arena_c(a, label), &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
            good = rc == IDN2_OK || err_set(err, "the name can't be written with international letters like that: %s",
                                            idn2_strerror(rc));
            if (good)
                buf_add_c(&ascii, (const char *)found);
            idn2_free(found);
        }
        if (rest.p)
            buf_add_byte(&ascii, '.');
    }
    *out = arena_str(a, buf_str(&ascii));
    buf_free(&ascii);
    return good;
}

static bool append(struct zone_name *name, const struct zone_name *origin, struct err *err) {
    if (name->n + origin->n > NAME_BYTES)
        return err_set(err, "the name is longer than 255 bytes");
    memcpy(name->byte + name->n, origin->byte, origin->n);
    name->n += origin->n;
    return true;
}

bool zone_name_parse(struct arena *a, struct str text, const struct zone_name *origin, struct zone_name *out,
                     struct err *err) {
    static const struct zone_name root = {{0}, 1};
    if (text.n > TEXT_BYTES)
        return err_set(err, "the name is too long");
    if (!str_is_ascii(text) && !memchr(text.p, 0, text.n) && !to_a_labels(a, text, &text, err))
        return false;
    if (str_eq(text, STR(".")) || ((text.n == 0 || str_eq(text, STR("@"))) && !origin)) {
        *out = root;
        return true;
    }
    if (text.n == 0 || str_eq(text, STR("@"))) {
        *out = *origin;
        return true;
    }
    bool absolute;
    if (!read_labels(text, out, &absolute, err))
        return false;
    struct zone_name full = *out;
    if (!append(&full, &root, err))
        return false;
    if (absolute || !origin || (origin->n > 1 && zone_name_within(&full, origin))) {
        *out = full;
        return true;
    }
    return append(out, origin, err);
}

/* ---- writing ---- */

static void add_label(struct buf *out, const unsigned char *label, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = label[i];
        if (plain(c))
            buf_add_byte(out, (char)c);
        else if (c > 0x20 && c < 0x7f && !ascii_digit((char)c))
            buf_printf(out, "\\%c", c);
        else
            buf_printf(out, "\\%03u", c);
    }
}

/* The labels up to `end` in the wire form, dots between them. */
static struct str labels_text(struct arena *a, const struct zone_name *name, size_t end, bool trailing_dot) {
    struct buf text = BUF_EMPTY;
    for (size_t i = 0; i < end; i += name->byte[i] + 1u) {
        if (i)
            buf_add_byte(&text, '.');
        add_label(&text, name->byte + i + 1, name->byte[i]);
    }
    if (trailing_dot)
        buf_add_byte(&text, '.');
    struct str out = arena_str(a, buf_str(&text));
    buf_free(&text);
    return out;
}

struct str zone_name_text(struct arena *a, const struct zone_name *name) {
    return labels_text(a, name, name->n - 1, true);
}

struct str zone_name_relative(struct arena *a, const struct zone_name *name, const struct zone_name *origin) {
    if (name->n == origin->n)
        return STR("@");
    return labels_text(a, name, name->n - origin->n, false);
}

/* ---- comparing ---- */

bool zone_name_eq(const struct zone_name *x, const struct zone_name *y) {
    return x->n == y->n && memcmp(x->byte, y->byte, x->n) == 0;
}

bool zone_name_within(const struct zone_name *name, const struct zone_name *ancestor) {
    if (name->n < ancestor->n)
        return false;
    size_t from = 0;
    while (name->n - from > ancestor->n)
        from += name->byte[from] + 1u;
    return name->n - from == ancestor->n && memcmp(name->byte + from, ancestor->byte, ancestor->n) == 0;
}

/* The labels from the root down, each ended by a byte 0; 0 and 1 within a label are escaped so that the order stays. */
struct str zone_name_key(struct arena *a, const struct zone_name *name) {
    unsigned char at[128];
    size_t count = 0, n = 0;
    for (size_t i = 0; name->byte[i]; i += name->byte[i] + 1u)
        at[count++] = (unsigned char)i;
    char *key = arena_alloc(a, 2 * name->n);
    while (count--) {
        const unsigned char *label = name->byte + at[count];
        for (size_t i = 1; i <= *label; i++) {
            if (label[i] <= 1)
                key[n++] = 1;
            key[n++] = (char)(label[i] <= 1 ? label[i] + 1 : label[i]);
        }
        key[n++] = 0;
    }
    return str_n(key, n);
}

bool zone_name_is_host(const struct zone_name *name, bool wildcard) {
    for (size_t i = 0; name->byte[i]; i += name->byte[i] + 1u) {
        const unsigned char *label = name->byte + i + 1;
        size_t n = name->byte[i];
        if (i == 0 && wildcard && n == 1 && label[0] == '*')
            continue;
        if (label[0] == '-' || label[n - 1] == '-')
            return false;
        for (size_t k = 0; k < n; k++)
            if (!ascii_alpha((char)label[k]) && !ascii_digit((char)label[k]) && label[k] != '-')
                return false;
    }
    return true;
}
