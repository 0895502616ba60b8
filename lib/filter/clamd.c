#include "filter/clamd.h"

enum { CHUNK = 256 << 10, MAX_ANSWER = 4096 };

enum clamd_result clamd_read_answer(struct str answer, struct str *signature, struct err *err) {
    *signature = STR("");
    if (str_istarts(answer, STR("stream:")))
        answer = str_sub(answer, 7, answer.n);
    answer = str_trim(answer);
    if (str_eq(answer, STR("OK")))
        return CLAMD_CLEAN;
    if (str_ends(answer, STR(" FOUND"))) {
        *signature = str_trim(str_sub(answer, 0, answer.n - 6));
        if (signature->n)
            return CLAMD_FOUND;
    }
    err_set(err, "clamd says \"%.*s\"", (int)(answer.n > 160 ? 160 : answer.n), answer.n ? answer.p : "");
    return CLAMD_ERROR;
}

/* An answer ends with NUL, since the command began with z. */
static bool read_answer(struct stream *s, struct buf *out, int timeout_ms, struct err *err) {
    for (size_t n = 0; n < MAX_ANSWER; n++) {
        if (!stream_read_exact(s, out, 1, timeout_ms, err))
            return false;
        if (out->p[out->n - 1] == 0) {
            out->n--;
            return true;
        }
    }
    return err_set(err, "its answer has no end: not clamd?");
}

static bool send_chunks(struct stream *s, struct str piece, int timeout_ms, struct err *err) {
    while (piece.n) {
        struct str part = str_sub(piece, 0, CHUNK);
        char size[4] = {(char)(part.n >> 24), (char)(part.n >> 16), (char)(part.n >> 8), (char)part.n};
        if (!stream_write(s, str_n(size, sizeof size), timeout_ms, err) || !stream_write(s, part, timeout_ms, err))
            return false;
        piece = str_sub(piece, part.n, piece.n);
    }
    return true;
}

static bool send_stream(struct stream *s, const struct str *piece, size_t pieces, int timeout_ms, struct err *err) {
    bool good = stream_write(s, str_n("zINSTREAM", 10), timeout_ms, err);
    for (size_t i = 0; good && i < pieces; i++)
        good = send_chunks(s, piece[i], timeout_ms, err);
    return good && stream_write(s, str_n("\0\0\0\0", 4), timeout_ms, err);
}

enum clamd_result clamd_scan(const struct endpoint *e, const struct str *piece, size_t pieces, int connect_ms,
                             int content_ms, struct arena *a, struct str *signature, struct err *err) {
    struct stream *s = endpoint_connect(e, connect_ms, err);
    if (!s)
        return CLAMD_ERROR;
    struct buf answer = BUF_EMPTY;
    struct err late;
    enum clamd_result result = CLAMD_ERROR;
    /* Over its limit clamd answers and hangs up while we still send: the answer counts. */
    bool sent = send_stream(s, piece, pieces, content_ms, err);
    if (read_answer(s, &answer, sent ? content_ms : 1000, sent ? err : &late))
        result = clamd_read_answer(arena_str(a, buf_str(&answer)), signature, err);
    buf_free(&answer);
    stream_close(s);
    return result;
}

static bool ask(const struct endpoint *e, struct str command, int connect_ms, int command_ms, struct buf *answer,
                struct err *err) {
    struct stream *s = endpoint_connect(e, connect_ms, err);
    bool good = s && stream_write(s, command, command_ms, err) && read_answer(s, answer, command_ms, err);
    stream_close(s);
    return good;
}

bool clamd_version(const struct endpoint *e, int connect_ms, int command_ms, struct buf *version, struct err *err) {
    struct buf pong = BUF_EMPTY;
    bool good = ask(e, str_n("zPING", 6), connect_ms, command_ms, &pong, err);
    if (good && !str_eq(buf_str(&pong), STR("PONG")))
        good = err_set(err, "it does not answer PING with PONG: not clamd?");
    buf_free(&pong);
    return good && ask(e, str_n("zVERSION", 9), connect_ms, command_ms, version, err);
}
