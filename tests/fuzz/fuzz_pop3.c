/* fuzz: imapd */
/*
 * What POP3 makes of a message's bytes. The first byte says in which pieces they come and what is done: sent whole,
 * sent by TOP, or its header made ASCII.
 */
#include "mime/mime.h"
#include "pop3/downgrade.h"
#include "pop3/transmit.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool transmit(struct str bytes, int64_t lines, size_t piece, struct buf *out) {
    struct transmission t = transmission_begin(lines);
    bool going = true;
    while (going && bytes.n) {
        size_t n = piece < bytes.n ? piece : bytes.n;
        going = transmission_add(&t, str_sub(bytes, 0, n), out);
        bytes = str_sub(bytes, n, bytes.n);
    }
    transmission_end(&t, out);
    return going;
}

/* The client's side: lines end with CR LF, and no line but the last is a dot alone. Gives the bytes without stuffing.
 */
static void receive(struct str sent, struct buf *out) {
    for (;;) {
        ptrdiff_t end = str_find(sent, STR("\r\n"));
        if (end < 0)
            abort(); /* the last line is not there */
        struct str line = str_sub(sent, 0, (size_t)end);
        sent = str_sub(sent, (size_t)end + 2, sent.n);
        if (str_chr(line, '\n') >= 0)
            abort(); /* a bare LF */
        if (str_eq(line, STR(".")))
            break;
        if (line.n && line.p[0] == '.') {
            if (line.n == 1 || line.p[1] != '.')
                abort(); /* not doubled */
            line = str_sub(line, 1, line.n);
        }
        buf_add_str(out, line);
        buf_add_c(out, "\r\n");
    }
    if (sent.n)
        abort(); /* the client would take the rest for the next answer */
}

/* The message with each line end CR LF, and one behind the last line. */
static void as_lines(struct str bytes, struct buf *out) {
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] == '\n' && !(i && bytes.p[i - 1] == '\r'))
            buf_add_byte(out, '\r');
        buf_add_byte(out, bytes.p[i]);
    }
    if (bytes.n && bytes.p[bytes.n - 1] != '\n')
        buf_add_c(out, "\r\n");
}

static void check_transmission(struct str bytes, int64_t lines, size_t piece) {
    struct buf whole = BUF_EMPTY, pieces = BUF_EMPTY, received = BUF_EMPTY, expected = BUF_EMPTY;
    bool all = transmit(bytes, lines, bytes.n + 1, &whole);
    transmit(bytes, lines, piece, &pieces);
    if (!str_eq(buf_str(&whole), buf_str(&pieces)))
        abort(); /* where the pieces begin must not matter */
    receive(buf_str(&whole), &received);
    as_lines(bytes, &expected);
    if (all ? !str_eq(buf_str(&received), buf_str(&expected)) : !str_starts(buf_str(&expected), buf_str(&received)))
        abort();
    buf_free(&whole);
    buf_free(&pieces);
    buf_free(&received);
    buf_free(&expected);
}

static void check_downgrade(struct str bytes) {
    struct buf out = BUF_EMPTY, again = BUF_EMPTY;
    size_t header = mime_header_length(bytes);
    if (downgrade_header(str_sub(bytes, 0, header), &out)) {
        struct str made = buf_str(&out);
        for (size_t i = 0; i < made.n; i++)
            if ((unsigned char)made.p[i] >= 0x80)
                abort();
        if (downgrade_header(made, &again))
            abort();
    }
    buf_free(&out);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    struct str bytes = str_n(data + 1, size - 1);
    size_t piece = 1 + (data[0] >> 2 & 15);
    switch (data[0] & 3) {
    case 0:
        check_transmission(bytes, -1, piece);
        break;
    case 1:
        check_transmission(bytes, data[0] >> 6, piece);
        break;
    default:
        check_downgrade(bytes);
        break;
    }
    return 0;
}
