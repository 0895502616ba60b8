/* connection: what the files of this folder share; nobody else includes it. */
#ifndef MAIL_IMAP_CONNECTION_H
#define MAIL_IMAP_CONNECTION_H

#include "mail/imap/imap.h"

#include <libetpan/libetpan.h>

struct row_cache;

struct imap {
    mailimap *session;
    unsigned char owner[IMAP_OWNER_BYTES];
    int fd;
    bool broken;
    bool stale;         /* it rested: the server may have news of the selected mailbox that it was not asked for */
    bool previews;      /* the server offers PREVIEW (RFC 8970) */
    int sent, received; /* commands of the pipeline */
    int first_tag;
    char *selected;  /* NULL: none */
    int64_t used_at; /* monotonic */
    struct arena folder_memory;
    struct folders folders;
    int64_t folders_at; /* monotonic; 0: not known */
    struct row_cache *rows;
    bool window_good;  /* the window of c->rows is what the server has, but for what it says unasked */
    struct imap *next; /* in the pool */
};

/* libetpan's session on a connected socket, greeted and signed in. NULL with err and *status set. */
mailimap *connect_session(const char *address, const char *login, const char *password, int *fd,
                          enum imap_status *status, struct err *err);
/* A mailstream on a socket connected to "unix:/path" or "host:port" (also the submission client's). NULL with err set.
 */
mailstream *connect_stream(const char *address, int timeout_seconds, int *fd, struct err *err);
void connection_close(struct imap *c);

/* ---- pipeline.c ---- */

/* Queues one command (without tag and line end). */
void pipeline_send(struct imap *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Reads the answer to the oldest command that has none yet; what it held is in c->session->imap_response_info until the
 * next. */
enum imap_status pipeline_receive(struct imap *c, struct err *err);
/* Reads what is left, for after a refusal: IMAP_OK or IMAP_BROKEN. */
enum imap_status pipeline_finish(struct imap *c, struct err *err);
/* send, receive; with a NOOP before it where the connection is stale: a UID that the server has not announced here yet
 * names nothing (RFC 3501 section 7.4.1). */
enum imap_status pipeline_one(struct imap *c, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* An IMAP quoted string, or a non-synchronising literal (RFC 7888) where it can't be quoted; in the arena. */
const char *pipeline_string(struct arena *a, struct str s);
/* What a libetpan call returned, where it was not through the pipeline. */
enum imap_status pipeline_status(struct imap *c, int r, struct err *err);

void rows_forget(struct imap *c); /* rows.c: frees the cache */
unsigned flags_of(const struct mailimap_msg_att_dynamic *dynamic);
int64_t time_of(const struct mailimap_date_time *t);
/* The flags' names, "\Seen \Flagged", in the arena. */
const char *flag_names(struct arena *a, unsigned flags);

#endif
