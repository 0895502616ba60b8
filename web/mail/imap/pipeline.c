#include "mail/imap/connection.h"

#include <stdio.h>

void pipeline_send(struct imap *c, const char *fmt, ...) {
    if (c->broken)
        return;
    struct buf text = BUF_EMPTY;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    buf_add_c(&text, "\r\n");
    if (c->sent == c->received)
        c->sent = c->received = 0;
    if (c->sent == 0)
        c->first_tag = c->session->imap_tag + 1;
    c->broken = mailimap_send_current_tag(c->session) != MAILIMAP_NO_ERROR ||
                mailstream_write(c->session->imap_stream, text.p, text.n) != (ssize_t)text.n;
    c->sent++;
    buf_free(&text);
}

static enum imap_status broken(struct imap *c, struct err *err) {
    c->broken = true;
    err_set(err, "The mail server closed the connection or did not answer. Try again.");
    return IMAP_BROKEN;
}

static enum imap_status refused(struct imap *c, struct err *err) {
    const char *text = c->session->imap_response;
    err_set(err, "The mail server says: %s", text && *text ? text : "no");
    return IMAP_NO;
}

/* An answer to any command may bring what others changed (RFC 3501 section 7). */
static void notice_news(struct imap *c) {
    const struct mailimap_response_info *r = c->session->imap_response_info;
    if (r && (clist_count(r->rsp_fetch_list) || clist_count(r->rsp_expunged)))
        c->window_good = false;
}

/* libetpan compares an answer's tag with the last one sent; with several under way it is told which one is due. */
enum imap_status pipeline_receive(struct imap *c, struct err *err) {
    struct mailimap_response *response = NULL;
    int newest = c->session->imap_tag;
    if (c->broken || (c->received == 0 && mailstream_flush(c->session->imap_stream) != 0))
        return broken(c, err);
    c->session->imap_tag = c->first_tag + c->received++;
    int r = mailimap_read_line(c->session) ? mailimap_parse_response(c->session, &response) : MAILIMAP_ERROR_STREAM;
    c->session->imap_tag = newest;
    if (r != MAILIMAP_NO_ERROR)
        return broken(c, err);
    int type = response->rsp_resp_done->rsp_data.rsp_tagged->rsp_cond_state->rsp_type;
    mailimap_response_free(response);
    notice_news(c);
    return type == MAILIMAP_RESP_COND_STATE_OK ? IMAP_OK : refused(c, err);
}

enum imap_status pipeline_finish(struct imap *c, struct err *err) {
    while (c->received < c->sent)
        if (pipeline_receive(c, err) == IMAP_BROKEN)
            return IMAP_BROKEN;
    return IMAP_OK;
}

enum imap_status pipeline_one(struct imap *c, struct err *err, const char *fmt, ...) {
    struct buf text = BUF_EMPTY;
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    bool ask = c->stale && c->selected;
    c->stale = false;
    if (ask)
        pipeline_send(c, "NOOP");
    pipeline_send(c, "%s", text.p);
    buf_free(&text);
    if (ask && pipeline_receive(c, err) == IMAP_BROKEN)
        return IMAP_BROKEN;
    return pipeline_receive(c, err);
}

const char *pipeline_string(struct arena *a, struct str s) {
    struct buf out = BUF_EMPTY;
    bool literal = !str_is_ascii(s) || str_chr(s, '\r') >= 0 || str_chr(s, '\n') >= 0;
    if (literal) {
        buf_printf(&out, "{%zu+}\r\n", s.n);
        buf_add_str(&out, s);
    } else {
        buf_add_byte(&out, '"');
        for (size_t i = 0; i < s.n; i++) {
            if (s.p[i] == '"' || s.p[i] == '\\')
                buf_add_byte(&out, '\\');
            buf_add_byte(&out, s.p[i]);
        }
        buf_add_byte(&out, '"');
    }
    const char *text = arena_c(a, buf_str(&out));
    buf_free(&out);
    return text;
}

enum imap_status pipeline_status(struct imap *c, int r, struct err *err) {
    switch (r) {
    case MAILIMAP_NO_ERROR:
    case MAILIMAP_NO_ERROR_AUTHENTICATED:
    case MAILIMAP_NO_ERROR_NON_AUTHENTICATED:
        return IMAP_OK;
    case MAILIMAP_ERROR_STREAM:
    case MAILIMAP_ERROR_PARSE:
    case MAILIMAP_ERROR_PROTOCOL:
    case MAILIMAP_ERROR_FATAL:
    case MAILIMAP_ERROR_BAD_STATE:
    case MAILIMAP_ERROR_CONNECTION_REFUSED:
        return broken(c, err);
    default:
        return refused(c, err);
    }
}
