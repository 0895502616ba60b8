/*
 * mail: the webmail's pages. One request is one struct mail: the exchange, a connection to imapd signed in as the user,
 * and the mailboxes. Pages are under /mail/; docs/webmail.md lists them.
 *
 *   service.c   what the process has once: the connections' pool, addresses of imapd and submission
 *   session.c   a request's connection
 *   layout.c    the frame of every page: mailboxes at the side, search
 *   list.c      a mailbox's messages, search      act.c        what is done to them
 *   read.c      a message                         body.c       its HTML, for the sandboxed frame
 *   part.c      attachments, source               write.c      the form for a mail     send.c   sending and saving it
 *   senders.c   the addresses it can come from    recover.c    bringing back what was deleted for good
 *   folders.c   creating, renaming, deleting      news.c       what changed, as JSON
 */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include "exchange.h"
#include "mail/imap/imap.h"

extern const struct route mail_list_routes[], mail_act_routes[], mail_read_routes[], mail_body_routes[],
    mail_part_routes[], mail_write_routes[], mail_send_routes[], mail_folder_routes[], mail_news_routes[],
    mail_removed_routes[];

/* The flags of every route here: the user alone, no transaction held while imapd is asked. */
enum { MAIL_ROUTE = (int)ROLE_USER | ROUTE_DETACHED };

/* ---- service.c ---- */

struct mail_service {
    struct imap_pool *pool;
    const char *imap, *submission; /* addresses */
};

/* Reads web_imap and web_submission. NULL with err set where they are not set. */
struct mail_service *mail_service_new(const struct conf *c, struct err *err);
void mail_service_free(struct mail_service *s);

/* ---- session.c ---- */

struct mail {
    struct exchange *x;
    struct imap *imap;
    bool fresh; /* the connection was made for this request */
    const struct folders *folders;
};

/* A connection, one that has `mailbox` selected if there is one. False: an error was replied. mail_close() in each
 * case. */
bool mail_open(struct mail *m, struct exchange *x, struct str mailbox);
void mail_close(struct mail *m);
/* True: the connection that had rested is dead, and here is a new one: do it again. Only for what changes nothing. */
bool mail_again(struct mail *m, enum imap_status status);
/* Replies to a failure: 404 for IMAP_NO where `missing` (a message, a mailbox), else 422; 503 for IMAP_BROKEN. */
void mail_failed(struct mail *m, enum imap_status status, bool missing, const struct err *err);
/* Reads the mailboxes; false: an error was replied. */
bool mail_folders(struct mail *m, bool fresh);
/* A token good as the user's password, for submission. False: an error was replied. */
bool mail_token(struct exchange *x, struct buf *out);

/* ---- layout.c ---- */

/* Begins a page within the webmail's frame; the result is the dict of `template`. current: the mailbox shown, "" for
 * none. search: what stands in the search field. */
struct dict *mail_page(struct mail *m, const char *template, struct str title, struct str current, struct str search);

/* ---- small things that several pages need (view.c) ---- */

/* Paths, percent-encoded, in the arena. */
struct str mail_folder_path(struct arena *a, struct str mailbox);
struct str mail_message_path(struct arena *a, const char *page, struct str mailbox,
                             uint32_t uid); /* "/mail/PAGE/mailbox/uid" */
/* "14:05", "3 Mar", "3 Mar 2021": as the time is now, UTC (scripts say it in the reader's zone). */
struct str mail_short_date(struct arena *a, int64_t t);
struct str mail_long_date(struct arena *a, int64_t t);
struct str mail_machine_date(struct arena *a, int64_t t); /* for <time datetime> */
struct str mail_size(struct arena *a, uint64_t bytes);    /* "1.2 MB" */
/* One or two letters for a person's avatar, and which of the colours (1 to 8). */
struct str mail_initials(struct arena *a, struct str name);
int mail_colour(struct str address);
const char *mail_folder_icon(enum folder_use use);
/* A 1-based page number of the query, as 0-based; at most max. */
uint32_t mail_query_number(const struct exchange *x, const char *name, uint32_t max);
/* The route's "#uid", 0 where it is no UID. */
uint32_t mail_uid(const struct exchange *x);

/* ---- parts of a message (parts.c) ---- */

struct mail_parts {
    const struct mime_part *shown[16]; /* text/plain and text/html, in their order */
    size_t shown_count;
    const struct mime_part *attachment[100];
    size_t attachments;
    bool html;   /* an HTML part is among those shown */
    bool choice; /* there is both an HTML and a plain form of something */
};

/* What of a message is to be shown, in which of two forms, and what is attached (RFC 2046 section 5.1, RFC 2387). */
void mail_parts_find(const struct mime_part *root, bool prefer_html, struct mail_parts *out);
bool mail_part_is_html(const struct mime_part *part);
struct str mail_part_section(struct arena *a, const struct mime_part *part);
/* The part of a section ("1.2"), NULL where there is none. */
const struct mime_part *mail_part_at(const struct mime_part *root, struct str section);
struct str mail_part_name(struct arena *a, const struct mime_part *part); /* a file name, never empty */
/* Appends the part's text, decoded to UTF-8. */
enum imap_status mail_part_text(struct mail *m, uint32_t uid, const struct mime_part *part, size_t max, struct buf *out,
                                struct err *err);
/* Appends the part's bytes, decoded. */
enum imap_status mail_part_bytes(struct mail *m, uint32_t uid, const struct mime_part *part, size_t max,
                                 struct buf *out, struct err *err);

#endif
