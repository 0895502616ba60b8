#include "filter/milter.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>

enum { V2_MAY = 0x3f, V2_OPTIONS = 0x7f };

/* ---- reading ---- */

static uint32_t number(const char *p) {
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

static bool take_number(struct str *data, uint32_t *out) {
    if (data->n < 4)
        return false;
    *out = number(data->p);
    *data = str_sub(*data, 4, data->n);
    return true;
}

/* Takes a string up to its NUL. */
static bool take_string(struct str *data, struct str *out) {
    ptrdiff_t nul = str_chr(*data, 0);
    if (nul < 0)
        return false;
    *out = str_sub(*data, 0, (size_t)nul);
    *data = str_sub(*data, (size_t)nul + 1, data->n);
    return true;
}

bool milter_read_terms(struct str data, struct milter_terms *out, struct err *err) {
    *out = (struct milter_terms){0};
    if (!take_number(&data, &out->version) || !take_number(&data, &out->may) || !take_number(&data, &out->options))
        return err_set(err, "its negotiation is too short");
    if (out->version < MILTER_OLDEST || out->version > MILTER_VERSION)
        return err_set(err, "it speaks version %u of the protocol; 2 to 6 are known here", out->version);
    while (data.n) {
        uint32_t stage;
        struct str list;
        if (!take_number(&data, &stage) || !take_string(&data, &list) || stage >= MILTER_STAGES ||
            list.n > MILTER_MAX_MACROS)
            return err_set(err, "its list of macros is malformed");
        out->macros[stage] = list;
    }
    return true;
}

/* "index name NUL value NUL" */
static bool read_field(struct str data, bool indexed, struct milter_reply *out) {
    return (!indexed || take_number(&data, &out->index)) && take_string(&data, &out->name) && out->name.n &&
           take_string(&data, &out->text);
}

/* "address NUL [parameters NUL]" */
static bool read_address(struct str data, struct milter_reply *out) {
    return take_string(&data, &out->name) && (data.n == 0 || take_string(&data, &out->text));
}

bool milter_read_reply(char kind, struct str data, struct milter_reply *out, struct err *err) {
    bool good = true;
    *out = (struct milter_reply){.kind = (enum milter_reply_kind)kind, .name = STR(""), .text = STR("")};
    switch (out->kind) {
    case MILTER_ADD_RCPT:
    case MILTER_REMOVE_RCPT:
    case MILTER_ADD_RCPT_PARAMETERS:
    case MILTER_CHANGE_FROM:
        good = read_address(data, out);
        break;
    case MILTER_ADD_HEADER:
        good = read_field(data, false, out);
        break;
    case MILTER_INSERT_HEADER:
    case MILTER_CHANGE_HEADER:
        good = read_field(data, true, out);
        break;
    case MILTER_QUARANTINE:
    case MILTER_REPLY_CODE:
        good = take_string(&data, &out->text);
        break;
    case MILTER_REPLACE_BODY:
        out->text = data;
        break;
    case MILTER_SHUTDOWN:
    case MILTER_ACCEPT:
    case MILTER_CONTINUE:
    case MILTER_DISCARD:
    case MILTER_CONNECTION_FAILED:
    case MILTER_PROGRESS:
    case MILTER_REJECT:
    case MILTER_SKIP:
    case MILTER_TEMPFAIL:
        break;
    default:
        return err_set(err, "it sent a reply of the unknown kind 0x%02x", (unsigned char)kind);
    }
    return good || err_set(err, "its reply '%c' is malformed", kind);
}

/* One line of a reply: the code, a blank or dash, the text. */
static bool reply_line(struct str line, bool last, struct str code, struct buf *out) {
    if (line.n < 3 || !str_eq(str_sub(line, 0, 3), code) || (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
        return false;
    buf_add_str(out, code);
    buf_add_byte(out, last ? ' ' : '-');
    size_t begin = out->n;
    for (size_t i = 4; i < line.n; i++) {
        if (line.p[i] == '%' && i + 1 < line.n && line.p[i + 1] == '%') /* libmilter wants them doubled */
            i++;
        unsigned char c = (unsigned char)line.p[i];
        if (out->n - begin < 480) /* RFC 5321 4.5.3.1.5 */
            buf_add_byte(out, c < ' ' || c == 127 ? ' ' : (char)c);
    }
    return true;
}

bool milter_smtp_reply(struct str text, struct buf *out, struct err *err) {
    struct str code = str_sub(text, 0, 3), rest = text, line;
    bool good =
        code.n == 3 && (code.p[0] == '4' || code.p[0] == '5') && ascii_digit(code.p[1]) && ascii_digit(code.p[2]);
    for (int lines = 0; good && str_split(&rest, '\n', &line) && lines < 32; lines++) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        if (rest.p && str_trim(rest).n == 0)
            rest.p = NULL;
        if (lines)
            buf_add_c(out, "\r\n");
        good = reply_line(line, !rest.p || lines == 31, code, out);
    }
    return good || err_set(err, "its reply for the client is not one of SMTP: \"%.*s\"",
                           (int)(text.n > 80 ? 80 : text.n), text.n ? text.p : "");
}

/* ---- sending ---- */

static void put_number(struct buf *out, uint32_t v) {
    char bytes[4] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};
    buf_add(out, bytes, sizeof bytes);
}

static void put_head(struct milter *m, enum milter_command command, size_t n) {
    put_number(&m->out, (uint32_t)n + 1);
    buf_add_byte(&m->out, (char)command);
}

void milter_put(struct milter *m, enum milter_command command, struct str data, struct str more) {
    put_head(m, command, data.n + more.n);
    buf_add_str(&m->out, data);
    buf_add_str(&m->out, more);
}

bool milter_flush(struct milter *m, int timeout_ms, struct err *err) {
    bool good = m->out.n == 0 || stream_write(m->stream, buf_str(&m->out), timeout_ms, err);
    buf_reset(&m->out);
    return good;
}

bool milter_send(struct milter *m, enum milter_command command, struct str data, int timeout_ms, struct err *err) {
    put_head(m, command, data.n);
    return milter_flush(m, timeout_ms, err) && (data.n == 0 || stream_write(m->stream, data, timeout_ms, err));
}

static bool read_packet(struct milter *m, char *kind, struct str *data, int timeout_ms, struct err *err) {
    buf_reset(&m->in);
    if (!stream_read_exact(m->stream, &m->in, 4, timeout_ms, err))
        return false;
    uint32_t n = number(m->in.p);
    if (n < 1 || n > MILTER_MAX_PACKET)
        return err_set(err, "it sent a packet of %u bytes, which is not of the milter protocol", n);
    buf_reset(&m->in);
    if (!stream_read_exact(m->stream, &m->in, n, timeout_ms, err))
        return false;
    *kind = m->in.p[0];
    *data = str_n(m->in.p + 1, n - 1);
    return true;
}

bool milter_receive(struct milter *m, struct milter_reply *out, int timeout_ms, struct err *err) {
    char kind;
    struct str data;
    return milter_flush(m, timeout_ms, err) && read_packet(m, &kind, &data, timeout_ms, err) &&
           milter_read_reply(kind, data, out, err);
}

/* ---- beginning and end ---- */

/* *hung_up: it closed the connection instead of an answer. */
static bool negotiate(struct milter *m, uint32_t version, int timeout_ms, bool *hung_up, struct err *err) {
    int64_t deadline = clock_monotonic() + (int64_t)timeout_ms * 1000;
    bool old = version == MILTER_OLDEST;
    struct str data;
    char kind;
    put_head(m, MILTER_NEGOTIATE, 12);
    put_number(&m->out, version);
    put_number(&m->out, old ? V2_MAY : MILTER_MAY_ALL);
    put_number(&m->out, old ? V2_OPTIONS : MILTER_OPTIONS);
    if (!milter_flush(m, timeout_ms, err) || !read_packet(m, &kind, &data, timeout_ms, err)) {
        *hung_up = m->in.n == 0 && clock_monotonic() < deadline;
        return false;
    }
    if (kind != MILTER_NEGOTIATE)
        return err_set(err, "it does not answer to the negotiation: not a milter?");
    buf_reset(&m->terms_data);
    buf_add_str(&m->terms_data, data);
    if (!milter_read_terms(buf_str(&m->terms_data), &m->terms, err))
        return false;
    if (m->terms.version > version)
        return err_set(err, "it answers with version %u of the protocol to version %u", m->terms.version, version);
    /* bits that were not offered are nothing that we know how to do */
    if (m->terms.may & ~(old ? (uint32_t)V2_MAY : (uint32_t)MILTER_MAY_ALL))
        return err_set(err, "it wants to change what can't be changed here (0x%x)", m->terms.may);
    if (m->terms.options & ~(old ? (uint32_t)V2_OPTIONS : (uint32_t)MILTER_OPTIONS))
        return err_set(err, "it wants options that are not offered (0x%x)", m->terms.options);
    return true;
}

static struct milter *open_with(const struct endpoint *e, uint32_t version, int connect_ms, int command_ms,
                                bool *hung_up, struct err *err) {
    struct stream *stream = endpoint_connect(e, connect_ms, err);
    *hung_up = false;
    if (!stream)
        return NULL;
    struct milter *m = mem_zero(sizeof *m);
    m->stream = stream;
    if (negotiate(m, version, command_ms, hung_up, err))
        return m;
    milter_close(m);
    return NULL;
}

struct milter *milter_open(const struct endpoint *e, int connect_ms, int command_ms, struct err *err) {
    bool hung_up;
    struct milter *m = open_with(e, MILTER_VERSION, connect_ms, command_ms, &hung_up, err);
    /* Old ones hang up at a version that they do not know. */
    return m || !hung_up ? m : open_with(e, MILTER_OLDEST, connect_ms, command_ms, &hung_up, err);
}

void milter_close(struct milter *m) {
    if (!m)
        return;
    stream_close(m->stream);
    buf_free(&m->terms_data);
    buf_free(&m->out);
    buf_free(&m->in);
    free(m);
}

void milter_quit(struct milter *m) {
    struct err err;
    buf_reset(&m->out);
    milter_put(m, MILTER_QUIT, STR(""), STR(""));
    milter_flush(m, 1000, &err); /* it hears of the end by the closing, too */
    milter_close(m);
}
