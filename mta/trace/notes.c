#include "trace/notes.h"

#include <inttypes.h>

enum { MAX_NOTES = 40, REASON_BYTES = 400 };

/* A JSON string. What is no UTF-8, and control characters, become question marks. */
static void add_string(struct buf *out, struct str s) {
    bool utf8 = str_is_utf8(s);
    buf_add_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8) ? '?' : s.p[i]);
    }
    buf_add_byte(out, '"');
}

void notes_add(struct notes *n, int64_t at, const char *rule, const char *verdict, struct str reason) {
    if (n->count > MAX_NOTES)
        return;
    if (n->count++ == MAX_NOTES) { /* the last one says that there were more */
        rule = "trace";
        verdict = "warn";
        reason = STR("further decisions are not kept");
    }
    if (reason.n > REASON_BYTES)
        for (reason.n = REASON_BYTES; reason.n > 0 && ((unsigned char)reason.p[reason.n] & 0xc0) == 0x80;)
            reason.n--;
    if (n->text.n)
        buf_add_byte(&n->text, ',');
    buf_printf(&n->text, "[%" PRId64 ",", at);
    add_string(&n->text, str_of(rule));
    buf_printf(&n->text, ",\"%s\",", verdict);
    add_string(&n->text, reason);
    buf_add_byte(&n->text, ']');
}

void notes_join(const struct notes *n, struct buf *out) {
    if (n->text.n == 0)
        return;
    buf_add_byte(out, out->n ? ',' : '[');
    buf_add_str(out, buf_str(&n->text));
}

void notes_end(struct buf *out) {
    if (out->n)
        buf_add_byte(out, ']');
}

void notes_free(struct notes *n) {
    buf_free(&n->text);
    n->count = 0;
}
