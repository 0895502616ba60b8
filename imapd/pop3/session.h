/* session: one POP3 connection. Internal to imapd/pop3. */
#ifndef POP3_SESSION_H
#define POP3_SESSION_H

#include "base/memory.h"
#include "net/server.h"
#include "service.h"
#include "store/import.h"
#include "store/store.h"
#include "view/cards.h"

struct sasl; /* sasl/sasl.h */

struct pop3_message {
    uint32_t uid, size;
    bool deleted;
};

/* A message being sent. */
struct pop3_sending {
    struct card *card; /* NULL: none */
    uint64_t at;       /* next byte to read */
    bool top, in_body;
    uint64_t lines; /* of the body still to be sent, with top */
    bool line_start, after_cr;
};

struct pop3_session {
    struct conn *conn;
    const struct service *service;
    struct arena arena; /* of one command */
    char *user;         /* given by USER, or logged in */
    int failures;
    bool closing, start_tls;
    struct sasl *sasl; /* AUTH is under way */
    int64_t account;   /* 0: not logged in */
    int64_t mailbox;
    uint32_t uidvalidity;
    struct pop3_message *message;
    uint32_t count;
    struct arena kept;       /* of the session */
    struct store_uidl *uidl; /* UIDLs that messages brought from another server, by UID */
    size_t uidl_count;
    struct pop3_sending sending;
};

/* maildrop.c */
enum store_status maildrop_open(struct pop3_session *s, struct err *err);
enum store_status maildrop_remove_deleted(struct pop3_session *s, struct err *err);
/* Begins to send message i, with lines >= 0 only its header and so many lines of its body. */
enum store_status maildrop_send(struct pop3_session *s, uint32_t i, int64_t lines, struct err *err);
/* Goes on; false when there is more to come once the output has gone out. */
bool maildrop_send_more(struct pop3_session *s);
void maildrop_close(struct pop3_session *s);
/* The UIDL that message i brought from the server where it was before; p NULL: none. */
struct str maildrop_uidl(const struct pop3_session *s, uint32_t i);

#endif
