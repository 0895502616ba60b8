#include "message.h"

#include <errno.h>
#include <unistd.h>

enum { MAX_MESSAGE = 1 << 30 };

static bool read_all(struct cli *cli, struct buf *out) {
    for (;;) {
        buf_reserve(out, 64 * 1024);
        ssize_t n = read(STDIN_FILENO, out->p + out->n, 64 * 1024);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(&cli->err, "can't read the message from standard input");
        if (n == 0)
            return true;
        out->n += (size_t)n;
        if (out->n > MAX_MESSAGE)
            return err_set(&cli->err, "the message on standard input is larger than 1 GiB");
    }
}

/* A file has its lines end with LF, mail with CR LF. */
static bool lacks_cr(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
            return true;
    return false;
}

static void add_cr(struct str s, struct buf *out) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
            buf_add_byte(out, '\r');
        buf_add_byte(out, s.p[i]);
    }
}

bool cli_message_read(struct cli *cli, struct cli_message *out) {
    *out = (struct cli_message){.newline = "\r\n"};
    if (!read_all(cli, &out->given)) {
        cli_message_free(out);
        return false;
    }
    out->text = buf_str(&out->given);
    if (lacks_cr(out->text)) {
        add_cr(out->text, &out->crlf);
        out->text = buf_str(&out->crlf);
        out->newline = "\n";
    }
    return true;
}

void cli_message_free(struct cli_message *m) {
    buf_free(&m->given);
    buf_free(&m->crlf);
}

void cli_message_say_fields(struct cli *cli, const struct cli_message *m, struct str fields) {
    for (size_t i = 0; i < fields.n; i++) {
        if (fields.p[i] == '\r')
            continue;
        if (fields.p[i] == '\n')
            buf_add_c(&cli->text, m->newline);
        else
            buf_add_byte(&cli->text, fields.p[i]);
    }
}
