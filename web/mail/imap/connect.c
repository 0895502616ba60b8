#include "mail/imap/connection.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_SECONDS = 20 };

static int socket_unix(const char *path, struct err *err) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!str_to_c(str_of(path), to.sun_path, sizeof to.sun_path)) {
        err_set(err, "the socket's path %s is too long", path);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    err_errno(err, "cannot connect to %s", path);
    if (fd >= 0)
        close(fd);
    return -1;
}

static int socket_inet(const char *address, struct err *err) {
    char host[256], port[16];
    struct str text = str_of(address);
    ptrdiff_t colon = str_rchr(text, ':');
    struct str name = str_sub(text, 0, colon < 0 ? 0 : (size_t)colon);
    if (name.n > 2 && name.p[0] == '[')
        name = str_sub(name, 1, name.n - 2);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found = NULL;
    if (colon < 1 || !str_to_c(name, host, sizeof host) ||
        !str_to_c(str_sub(text, (size_t)colon + 1, text.n), port, sizeof port) ||
        getaddrinfo(host, port, &hints, &found) != 0) {
        err_set(err, "%s is no address: expected unix:/path or a numeric address with port", address);
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (connected)
        return fd;
    err_errno(err, "cannot connect to %s", address);
    if (fd >= 0)
        close(fd);
    return -1;
}

mailstream *connect_stream(const char *address, int timeout_seconds, int *out, struct err *err) {
    bool is_unix = str_starts(str_of(address), STR("unix:"));
    int fd = is_unix ? socket_unix(address + 5, err) : socket_inet(address, err);
    if (fd < 0)
        return NULL;
    if (fd >= FD_SETSIZE) { /* libetpan waits with select() */
        close(fd);
        err_set(err, "too many connections are open");
        return NULL;
    }
    mailstream *s = mailstream_socket_open_timeout(fd, timeout_seconds);
    if (!s) {
        close(fd);
        err_set(err, "out of memory");
        return NULL;
    }
    *out = fd;
    return s;
}

/* Without a goodbye: the server frees the session when the connection ends, and a broken one has nobody to talk to. */
static void drop(mailimap *session) {
    if (session->imap_stream)
        mailstream_close(session->imap_stream);
    session->imap_stream = NULL;
    mailimap_free(session);
}

mailimap *connect_session(const char *address, const char *login, const char *password, int *fd,
                          enum imap_status *status, struct err *err) {
    *status = IMAP_BROKEN;
    mailstream *stream = connect_stream(address, TIMEOUT_SECONDS, fd, err);
    if (!stream)
        return NULL;
    mailimap *session = mailimap_new(0, NULL);
    if (!session)
        mem_panic();
    mailimap_set_timeout(session, TIMEOUT_SECONDS);
    int r = mailimap_connect(session, stream);
    if (r == MAILIMAP_NO_ERROR_NON_AUTHENTICATED)
        r = mailimap_login(session, login, password);
    if (r == MAILIMAP_NO_ERROR || r == MAILIMAP_NO_ERROR_AUTHENTICATED) {
        struct mailimap_capability_data *capabilities = NULL;
        r = mailimap_capability(session, &capabilities);
        if (capabilities)
            mailimap_capability_data_free(capabilities);
        if (r == MAILIMAP_NO_ERROR)
            return session;
    }
    if (r == MAILIMAP_ERROR_LOGIN)
        *status = IMAP_NO;
    err_set(err, r == MAILIMAP_ERROR_LOGIN ? "The mail server did not accept the login."
                                           : "The mail server does not answer.");
    drop(session);
    return NULL;
}

void connection_close(struct imap *c) {
    drop(c->session);
    rows_forget(c);
    arena_free(&c->folder_memory);
    free(c->selected);
    free(c);
}
