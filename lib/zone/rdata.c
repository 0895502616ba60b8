#include "zone/rdata.h"

#include "base/codec.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum { STRING_BYTES = 255, SHOWN_BYTES = 60 };

/* ---- tokens ---- */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

static bool unescape(struct rdata_reader *r, char *out) {
    if (r->at + 1 >= r->text.n)
        return err_set(r->err, "there is nothing behind the last backslash");
    char c = r->text.p[++r->at];
    *out = c;
    if (!ascii_digit(c))
        return true;
    uint32_t value;
    if (r->at + 2 >= r->text.n || !str_u32(str_sub(r->text, r->at, 3), &value) || value > 255)
        return err_set(r->err, "a backslash is followed by three digits up to 255, or by one other character");
    r->at += 2;
    *out = (char)value;
    return true;
}

/* Quotes may open within a word too, as in key="value" (RFC 9460 appendix A). */
int rdata_token(struct rdata_reader *r, struct rdata_token *out) {
    while (r->at < r->text.n && is_blank(r->text.p[r->at]))
        r->at++;
    if (r->at == r->text.n)
        return 0;
    char *value = arena_alloc(r->a, r->text.n - r->at + 1);
    size_t n = 0, from = r->at;
    bool open = false;
    *out = (struct rdata_token){.quoted = false};
    for (; r->at < r->text.n; r->at++) {
        char c = r->text.p[r->at];
        if (!open && is_blank(c))
            break;
        if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
            return err_set(r->err, "there are control characters or line ends in the data"), -1;
        if (c == '"') {
            open = !open;
            out->quoted = true;
            continue;
        }
        if (!open && (c == ';' || c == '(' || c == ')'))
            return err_set(r->err, "the character %c must stand within quotes", c), -1;
        if (c == '\\' && !unescape(r, &c))
            return -1;
        value[n++] = c;
    }
    if (open)
        return err_set(r->err, "a quote (\") is opened and not closed"), -1;
    out->raw = str_sub(r->text, from, r->at - from);
    out->value = str_n(value, n);
    return 1;
}

void rdata_add_string(struct buf *out, struct str s) {
    buf_add_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            buf_printf(out, "\\%03u", c);
        else
            buf_add_byte(out, (char)c);
    }
    buf_add_byte(out, '"');
}

/* What was typed, for a sentence: printable ASCII, not long. */
static const char *shown(struct rdata_reader *r, struct str s) {
    char *copy = arena_c(r->a, str_sub(s, 0, SHOWN_BYTES));
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?';
    return copy;
}

/* ---- fields ---- */

/* A string with its length in front (RFC 1035 section 3.3). */
static void wire_string(struct rdata_reader *r, struct str s) {
    buf_add_byte(&r->wire, (char)s.n);
    buf_add_str(&r->wire, s);
}

static void separate(struct rdata_reader *r) {
    if (r->out.n)
        buf_add_byte(&r->out, ' ');
}

static bool read_number(struct rdata_reader *r, const struct rdata_field *f, struct str value) {
    uint32_t max = f->kind == RDATA_U8 ? 255 : 65535, v;
    if (!str_u32(value, &v) || v > max)
        return err_set(r->err, "%s must be a number from 0 to %u, not \"%s\"", f->what, max, shown(r, value));
    r->got->number[r->got->numbers++] = v;
    buf_add_u64(&r->out, v);
    if (f->kind == RDATA_U16)
        buf_add_byte(&r->wire, (char)(v >> 8));
    buf_add_byte(&r->wire, (char)v);
    return true;
}

bool rdata_read_name(struct rdata_reader *r, struct str raw, struct zone_name *out) {
    return zone_name_parse(r->a, raw, r->origin, out, r->err);
}

static bool read_name(struct rdata_reader *r, const struct rdata_field *f, const struct rdata_token *t) {
    struct zone_name name;
    unsigned char address[16];
    if (t->quoted)
        return err_set(r->err, "%s is a name and stands without quotes", f->what);
    if (inet_pton(AF_INET, arena_c(r->a, t->raw), address) == 1 ||
        inet_pton(AF_INET6, arena_c(r->a, t->raw), address) == 1)
        return err_set(r->err, "%s must be a name, not an IP address", f->what);
    if (!rdata_read_name(r, t->raw, &name))
        return false;
    bool root = name.n == 1;
    if (root && f->kind == RDATA_HOST)
        return err_set(r->err, "%s must be a machine's name, not \".\"", f->what);
    if (f->kind != RDATA_NAME && !zone_name_is_host(&name, false))
        return err_set(r->err, "%s must be a machine's name of letters, digits and hyphens, not \"%s\"", f->what,
                       shown(r, t->raw));
    r->got->name[r->got->names++] = name;
    buf_add_str(&r->out, zone_name_text(r->a, &name));
    buf_add(&r->wire, name.byte, name.n);
    return true;
}

static bool read_string(struct rdata_reader *r, const struct rdata_field *f, struct str value) {
    if (f->kind == RDATA_STRING && value.n > STRING_BYTES)
        return err_set(r->err, "%s is longer than 255 bytes", f->what);
    rdata_add_string(&r->out, value);
    if (f->kind == RDATA_STRING)
        wire_string(r, value);
    else
        buf_add_str(&r->wire, value);
    r->got->bytes = value;
    r->got->string[r->got->strings++] = value;
    return true;
}

static bool read_word(struct rdata_reader *r, const struct rdata_field *f, struct str value) {
    for (size_t i = 0; i < value.n; i++)
        if (!ascii_alpha(value.p[i]) && !ascii_digit(value.p[i]))
            return err_set(r->err, "%s must be of letters and digits, not \"%s\"", f->what, shown(r, value));
    if (value.n == 0 || value.n > STRING_BYTES)
        return err_set(r->err, "%s is missing or too long", f->what);
    struct str lower = arena_lower(r->a, value);
    buf_add_str(&r->out, lower);
    wire_string(r, lower);
    r->got->string[r->got->strings++] = lower;
    return true;
}

static bool read_address(struct rdata_reader *r, const struct rdata_field *f, struct str value) {
    int family = f->kind == RDATA_IP4 ? AF_INET : AF_INET6;
    unsigned char address[16];
    char text[INET6_ADDRSTRLEN];
    if (str_chr(value, 0) >= 0 || inet_pton(family, arena_c(r->a, value), address) != 1)
        return err_set(r->err, "%s must be an %s address like %s, not \"%s\"", f->what,
                       family == AF_INET ? "IPv4" : "IPv6", family == AF_INET ? "192.0.2.1" : "2001:db8::1",
                       shown(r, value));
    buf_add_c(&r->out, inet_ntop(family, address, text, sizeof text));
    buf_add(&r->wire, address, family == AF_INET ? 4 : 16);
    return true;
}

/* All tokens that follow, joined: long keys are often written in several. */
static bool join_rest(struct rdata_reader *r, struct str first, struct buf *out) {
    struct rdata_token t = {.value = first};
    int more;
    do {
        buf_add_str(out, t.value);
        more = rdata_token(r, &t);
    } while (more > 0);
    return more == 0;
}

static bool read_binary(struct rdata_reader *r, const struct rdata_field *f, struct str first) {
    struct buf text = BUF_EMPTY, bytes = BUF_EMPTY;
    bool hex = f->kind == RDATA_HEX;
    bool good = join_rest(r, first, &text);
    if (good && !(hex ? hex_decode(buf_str(&text), &bytes) : base64_decode(buf_str(&text), &bytes)))
        good = err_set(r->err, "%s must be in %s", f->what, hex ? "hexadecimal digits, two for a byte" : "base64");
    if (good && !bytes.n)
        good = err_set(r->err, "%s is missing", f->what);
    if (good) {
        r->got->bytes = arena_str(r->a, buf_str(&bytes));
        buf_add_str(&r->wire, r->got->bytes);
        if (hex)
            hex_encode(r->got->bytes, &r->out);
        else
            base64_encode(r->got->bytes, &r->out);
    }
    buf_free(&text);
    buf_free(&bytes);
    return good;
}

/* A string longer than 255 bytes is split: what a person pastes is one value. */
static void add_split(struct rdata_reader *r, struct str s) {
    do {
        separate(r);
        rdata_add_string(&r->out, str_sub(s, 0, STRING_BYTES));
        wire_string(r, str_sub(s, 0, STRING_BYTES));
        s = str_sub(s, STRING_BYTES, s.n);
    } while (s.n);
}

/* Text that begins with a quote is strings; any other is the value itself, blanks and semicolons and all. */
static bool read_text(struct rdata_reader *r, const struct rdata_field *f) {
    r->at = 0;
    r->text = str_trim(r->text);
    struct buf value = BUF_EMPTY;
    bool good = true;
    if (r->text.n && r->text.p[0] == '"') {
        struct rdata_token t;
        int more;
        while ((more = rdata_token(r, &t)) > 0) {
            add_split(r, t.value);
            buf_add_str(&value, t.value);
        }
        good = more == 0;
    } else {
        for (size_t i = 0; good && i < r->text.n; i++)
            if ((unsigned char)r->text.p[i] < 0x20 || r->text.p[i] == 0x7f)
                good = err_set(r->err, "%s must not contain control characters or line ends", f->what);
        if (good)
            add_split(r, r->text);
        buf_add_str(&value, r->text);
        r->at = r->text.n;
    }
    r->got->bytes = arena_str(r->a, buf_str(&value));
    buf_free(&value);
    return good;
}

static bool read_field(struct rdata_reader *r, const struct rdata_type *type, const struct rdata_field *f) {
    struct rdata_token t;
    if (f->kind == RDATA_TEXT)
        return read_text(r, f);
    if (f->kind == RDATA_CUSTOM) {
        r->no_wire = true;
        return type->custom(r);
    }
    int found = rdata_token(r, &t);
    if (found < 0)
        return false;
    if (!found)
        return err_set(r->err, "%s is missing", f->what);
    separate(r);
    switch (f->kind) {
    case RDATA_U8:
    case RDATA_U16:
        return read_number(r, f, t.value);
    case RDATA_NAME:
    case RDATA_HOST:
    case RDATA_HOST_OR_ROOT:
        return read_name(r, f, &t);
    case RDATA_STRING:
    case RDATA_LONG_STRING:
        return read_string(r, f, t.value);
    case RDATA_WORD:
        return read_word(r, f, t.value);
    case RDATA_IP4:
    case RDATA_IP6:
        return read_address(r, f, t.value);
    case RDATA_HEX:
    case RDATA_BASE64:
        return read_binary(r, f, t.value);
    default:
        return err_set(r->err, "%s can't be read", f->what);
    }
}

static bool read_fields(struct rdata_reader *r, const struct rdata_type *type) {
    for (const struct rdata_field *f = type->field; f->kind != RDATA_END; f++)
        if (!read_field(r, type, f))
            return false;
    struct rdata_token t;
    int more = rdata_token(r, &t);
    if (more > 0)
        return err_set(r->err, "there is too much behind the data, beginning with \"%s\"", shown(r, t.raw));
    return more == 0;
}

bool rdata_parse(struct arena *a, const struct rdata_type *type, const struct zone_name *owner,
                 const struct zone_name *origin, struct str text, struct rdata *out, struct err *err) {
    *out = (struct rdata){.numbers = 0};
    struct err why = {""};
    struct rdata_reader r = {.a = a, .text = text, .owner = owner, .origin = origin, .got = out, .err = &why};
    bool good = text.n <= RDATA_MAX_BYTES || err_set(&why, "the data is longer than %d bytes", RDATA_MAX_BYTES);
    good = good && read_fields(&r, type) && (!type->check || type->check(out, owner, &why));
    if (good && r.out.n > RDATA_MAX_BYTES)
        good = err_set(&why, "the data is longer than %d bytes", RDATA_MAX_BYTES);
    out->text = arena_str(a, buf_str(&r.out));
    if (good && !r.no_wire)
        out->wire = arena_str(a, buf_str(&r.wire));
    buf_free(&r.out);
    buf_free(&r.wire);
    if (!good)
        err_set(err, "%s record: %s. It looks like: %s", type->name, why.text, type->example);
    return good;
}
