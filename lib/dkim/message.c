#include "dkim/message.h"

#include "dkim/dkim.h"

/* FNV-1a over the name without case: only to pass over fields quickly, the names are compared then. */
uint32_t dkim_name_hash(struct str name) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)ascii_lower(name.p[i])) * 16777619u;
    return h;
}

/* Bytes of the line at p with its CR LF; all that is left where there is none. */
static size_t line_length(const char *p, size_t n) {
    size_t from = 0;
    for (;;) {
        const char *lf = memchr(p + from, '\n', n - from);
        if (!lf)
            return n;
        from = (size_t)(lf - p) + 1;
        if (from >= 2 && lf[-1] == '\r')
            return from;
    }
}

/* A field with its folded lines. */
static size_t field_length(struct str text) {
    size_t n = line_length(text.p, text.n);
    while (n < text.n && (text.p[n] == ' ' || text.p[n] == '\t'))
        n += line_length(text.p + n, text.n - n);
    return n;
}

/* RFC 5322 sections 2.2 and 4.5.8: printable bytes without colon, then perhaps white space. */
static void name_of(struct dkim_field *f) {
    ptrdiff_t colon = str_chr(f->raw, ':');
    size_t n = colon > 0 ? (size_t)colon : 0;
    while (n > 0 && (f->raw.p[n - 1] == ' ' || f->raw.p[n - 1] == '\t'))
        n--;
    for (size_t i = 0; i < n; i++)
        if (f->raw.p[i] <= ' ' || f->raw.p[i] > '~')
            n = 0;
    if (n == 0)
        return;
    f->name = str_sub(f->raw, 0, n);
    f->body = str_sub(f->raw, (size_t)colon + 1, f->raw.n);
    f->hash = dkim_name_hash(f->name);
}

static bool at_empty_line(struct str text) { return text.n >= 2 && text.p[0] == '\r' && text.p[1] == '\n'; }

static size_t count_fields(struct str text) {
    size_t count = 0;
    for (size_t n; text.n && !at_empty_line(text) && count <= DKIM_MAX_FIELDS; count++) {
        n = field_length(text);
        text = str_sub(text, n, text.n);
    }
    return count;
}

void dkim_message_split(struct arena *a, struct str text, struct dkim_message *out) {
    size_t count = count_fields(text);
    *out = (struct dkim_message){.too_many = count > DKIM_MAX_FIELDS, .body = STR("")};
    if (out->too_many)
        return;
    out->field = arena_array(a, count + 1, sizeof *out->field);
    while (text.n && !at_empty_line(text)) {
        struct dkim_field *f = &out->field[out->count++];
        f->raw = str_sub(text, 0, field_length(text));
        text = str_sub(text, f->raw.n, text.n);
        name_of(f);
    }
    if (text.n)
        out->body = str_sub(text, 2, text.n);
}

bool dkim_message_takes_field(struct str text) { return text.n == 0 || (text.p[0] != ' ' && text.p[0] != '\t'); }

size_t dkim_message_count(const struct dkim_message *m, struct str name) {
    size_t n = 0;
    uint32_t hash = dkim_name_hash(name);
    for (size_t i = 0; i < m->count; i++)
        n += dkim_field_is(&m->field[i], hash, name);
    return n;
}

void dkim_picker_begin(struct arena *a, const struct dkim_message *m, struct dkim_picker *out) {
    *out = (struct dkim_picker){m, arena_array(a, m->count + 1, sizeof *out->taken)};
}

const struct dkim_field *dkim_pick(struct dkim_picker *p, struct str name) {
    uint32_t hash = dkim_name_hash(name);
    for (size_t i = p->message->count; name.n && i-- > 0;)
        if (!p->taken[i] && dkim_field_is(&p->message->field[i], hash, name)) {
            p->taken[i] = true;
            return &p->message->field[i];
        }
    return NULL;
}
