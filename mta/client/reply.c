#include "client/reply.h"

#include "net/stream.h"

void reply_free(struct smtp_reply *r) {
    buf_free(&r->text);
    buf_free(&r->whole);
}

/* "5.1.1 " at the start of a line's text (RFC 3463 section 2: class, subject of up to 3 digits, detail of up to 3). */
static size_t status_length(struct str s, int code) {
    size_t i = 0, digits = 0, dots = 0;
    if (s.n < 5 || s.p[0] != (char)('0' + code / 100) || s.p[1] != '.')
        return 0;
    for (i = 1; i < s.n && s.p[i] != ' '; i++) {
        if (s.p[i] == '.' && (dots == 0 || digits > 0)) {
            dots++;
            digits = 0;
        } else if (!ascii_digit(s.p[i]) || ++digits > 3) {
            return 0;
        }
    }
    return dots == 2 && digits > 0 ? i : 0;
}

bool reply_line(struct smtp_reply *r, struct str line, bool *last) {
    if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !ascii_digit(line.p[1]) || !ascii_digit(line.p[2]))
        return false;
    int code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
    if (r->code && r->code != code)
        return false;
    if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
        return false;
    *last = line.n == 3 || line.p[3] == ' ';
    if (r->whole.n)
        buf_add_byte(&r->whole, ' ');
    buf_add_str(&r->whole, line);
    struct str text = str_sub(line, 4, line.n);
    size_t n = status_length(text, code);
    if (n && !r->code)
        str_to_c(str_sub(text, 0, n), r->status, sizeof r->status);
    r->code = code;
    if (r->text.n || r->whole.n > line.n)
        buf_add_byte(&r->text, '\n');
    buf_add_str(&r->text, n ? str_sub(text, n + 1, text.n) : text);
    return true;
}

bool reply_read(struct stream *s, struct smtp_reply *r, int timeout_ms, struct err *err) {
    struct buf line = BUF_EMPTY;
    bool good = true, last = false;
    r->code = 0;
    r->status[0] = 0;
    buf_reset(&r->text);
    buf_reset(&r->whole);
    for (int i = 0; good && !last; i++) {
        buf_reset(&line);
        good = i < REPLY_MAX_LINES ? stream_read_line(s, &line, REPLY_MAX_LINE, timeout_ms, err)
                                   : err_set(err, "the server's reply does not end");
        if (good && !reply_line(r, buf_str(&line), &last))
            good = err_set(err, "the server's reply is not SMTP: \"%.*s\"", STR_ARG(str_sub(buf_str(&line), 0, 80)));
    }
    buf_free(&line);
    return good;
}
