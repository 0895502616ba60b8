#include "mail/imap/connection.h"

#include "base/clock.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

enum { IDLE_SECONDS = 300 };

struct imap_pool {
    char *address;
    size_t max, max_per_owner;
    pthread_mutex_t lock;
    struct imap *resting; /* the one used last is first */
    size_t count;
};

struct imap_pool *imap_pool_new(const char *address, size_t max_connections, size_t max_per_owner) {
    struct imap_pool *p = mem_zero(sizeof *p);
    p->address = str_dup(str_of(address));
    p->max = max_connections;
    p->max_per_owner = max_per_owner;
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

static bool owned_by(const struct imap *c, const unsigned char owner[IMAP_OWNER_BYTES]) {
    return memcmp(c->owner, owner, IMAP_OWNER_BYTES) == 0;
}

static struct imap *unlink_at(struct imap_pool *p, struct imap **at) {
    struct imap *c = *at;
    *at = c->next;
    c->next = NULL;
    p->count--;
    return c;
}

/* Moves what has rested too long to *closing. */
static void sweep(struct imap_pool *p, struct imap **closing) {
    int64_t limit = clock_monotonic() - IDLE_SECONDS * CLOCK_SECOND;
    for (struct imap **at = &p->resting; *at;) {
        if ((*at)->used_at >= limit) {
            at = &(*at)->next;
            continue;
        }
        struct imap *c = unlink_at(p, at);
        c->next = *closing;
        *closing = c;
    }
}

static void close_all(struct imap *list) {
    while (list) {
        struct imap *next = list->next;
        connection_close(list);
        list = next;
    }
}

void imap_pool_free(struct imap_pool *p) {
    if (!p)
        return;
    close_all(p->resting);
    pthread_mutex_destroy(&p->lock);
    free(p->address);
    free(p);
}

/* The server says nothing unasked to a client that is not in IDLE, except goodbye. */
static bool is_alive(const struct imap *c) {
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 0;
}

static struct imap *find(struct imap_pool *p, const unsigned char owner[IMAP_OWNER_BYTES], struct str mailbox) {
    struct imap **fallback = NULL;
    for (struct imap **at = &p->resting; *at; at = &(*at)->next) {
        if (!owned_by(*at, owner))
            continue;
        if ((*at)->selected && str_eq(str_of((*at)->selected), mailbox))
            return unlink_at(p, at);
        if (!fallback)
            fallback = at;
    }
    return fallback ? unlink_at(p, fallback) : NULL;
}

struct imap *imap_take(struct imap_pool *p, const unsigned char owner[IMAP_OWNER_BYTES], struct str mailbox) {
    struct imap *closing = NULL, *c;
    do {
        pthread_mutex_lock(&p->lock);
        sweep(p, &closing);
        c = find(p, owner, mailbox);
        pthread_mutex_unlock(&p->lock);
        if (c && !is_alive(c)) {
            c->next = closing;
            closing = c;
            continue;
        }
        break;
    } while (true);
    close_all(closing);
    return c;
}

struct imap *imap_open(struct imap_pool *p, const unsigned char owner[IMAP_OWNER_BYTES], const char *login,
                       const char *password, enum imap_status *status, struct err *err) {
    int fd;
    mailimap *session = connect_session(p->address, login, password, &fd, status, err);
    if (!session)
        return NULL;
    struct imap *c = mem_zero(sizeof *c);
    c->session = session;
    c->fd = fd;
    c->previews = mailimap_has_extension(session, "PREVIEW") != 0;
    memcpy(c->owner, owner, IMAP_OWNER_BYTES);
    *status = IMAP_OK;
    return c;
}

/* The connection that has rested longest, of this owner or of all. */
static struct imap *oldest(struct imap_pool *p, const unsigned char *owner) {
    struct imap **found = NULL;
    for (struct imap **at = &p->resting; *at; at = &(*at)->next)
        if (!owner || owned_by(*at, owner))
            found = at;
    return found ? unlink_at(p, found) : NULL;
}

static size_t count_of(const struct imap_pool *p, const unsigned char owner[IMAP_OWNER_BYTES]) {
    size_t n = 0;
    for (const struct imap *c = p->resting; c; c = c->next)
        n += owned_by(c, owner);
    return n;
}

void imap_give(struct imap_pool *p, struct imap *c) {
    if (!c)
        return;
    if (c->broken || c->received != c->sent) { /* answers nobody waited for would be taken for others */
        connection_close(c);
        return;
    }
    struct imap *closing = NULL;
    c->used_at = clock_monotonic();
    c->stale = true;
    pthread_mutex_lock(&p->lock);
    sweep(p, &closing);
    if (count_of(p, c->owner) >= p->max_per_owner || p->count >= p->max) {
        struct imap *old = oldest(p, count_of(p, c->owner) >= p->max_per_owner ? c->owner : NULL);
        if (old) {
            old->next = closing;
            closing = old;
        }
    }
    c->next = p->resting;
    p->resting = c;
    p->count++;
    pthread_mutex_unlock(&p->lock);
    close_all(closing);
}
