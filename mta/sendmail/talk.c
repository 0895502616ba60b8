#include "sendmail/talk.h"

#include "net/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

enum { CONNECT_MS = 10000, REPLY_MS = 600000 };

bool talk_open(struct talk *t, const char *path, struct err *err) {
    *t = (struct talk){0};
    t->stream = stream_connect_unix(path, CONNECT_MS, err);
    if (!t->stream || !reply_read(t->stream, &t->reply, REPLY_MS, err))
        return false;
    if (t->reply.code != 220)
        return err_set(err, "%.*s", STR_ARG(buf_str(&t->reply.whole)));
    struct str text = buf_str(&t->reply.text), name;
    if (!str_split(&text, ' ', &name) || !str_to_c(name, t->hostname, sizeof t->hostname) || !*t->hostname)
        return err_set(err, "the greeting names no host: %.*s", STR_ARG(buf_str(&t->reply.whole)));
    return talk_say(t, err, "EHLO localhost");
}

bool talk_say(struct talk *t, struct err *err, const char *fmt, ...) {
    va_list ap;
    buf_reset(&t->out);
    va_start(ap, fmt);
    buf_vprintf(&t->out, fmt, ap);
    va_end(ap);
    buf_add_c(&t->out, "\r\n");
    return stream_write(t->stream, buf_str(&t->out), REPLY_MS, err) && reply_read(t->stream, &t->reply, REPLY_MS, err);
}

void talk_close(struct talk *t) {
    stream_close(t->stream);
    reply_free(&t->reply);
    buf_free(&t->out);
}

/* ---- -bs ---- */

static int connect_to(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!str_to_c(str_of(path), address.sun_path, sizeof address.sun_path))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool write_all(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* What has come on one side to the other. False at the end, or where the other side does not take it. */
static bool pass(int from, int to) {
    char bytes[16384];
    ssize_t n = read(from, bytes, sizeof bytes);
    return (n < 0 && errno == EINTR) || (n > 0 && write_all(to, bytes, (size_t)n));
}

int talk_through(const char *path) {
    int fd = connect_to(path);
    if (fd < 0) {
        printf("421 4.3.2 The mail system is away, come back later\r\n");
        return EX_TEMPFAIL;
    }
    struct pollfd side[] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    while (poll(side, 2, -1) >= 0 || errno == EINTR) {
        if (side[0].revents && !pass(STDIN_FILENO, fd)) {
            shutdown(fd, SHUT_WR); /* the last replies still come */
            side[0].fd = -1;
            side[0].revents = 0;
        }
        if (side[1].revents && !pass(fd, STDOUT_FILENO))
            break;
    }
    close(fd);
    return EX_OK;
}
