/* session: one POP3 connection. Internal to imapd/pop3. */
#ifndef POP3_SESSION_H
#define POP3_SESSION_H

#include "base/memory.h"
#include "net/server.h"
#include "pop3/transmit.h"
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
    struct transmission transmission;
};

struct pop3_session {
    struct conn *conn;
    const struct service *service;
    struct arena arena; /* of one command */
    char *user;         /* given by USER, or logged in */
    int failures;
    bool closing, quitting, start_tls;
    bool utf8;         /* RFC 6856 */
    bool counted;      /* has a place among the account's connections (limits.h) */
    struct sasl *sasl; /* AUTH is under way */
    int64_t account;   /* 0: not logged in */
    int64_t hold;      /* the token by which it has the mailbox (hold.h), 0: it has not */
    int64_t mailbox;
    uint32_t uidvalidity;
    struct pop3_message *message;
    uint32_t count;
    struct arena kept;       /* of the session */
    struct store_uidl *uidl; /* UIDLs that messages brought from another server, by UID */
    size_t uidl_count;
    struct pop3_sending sending;
};

/* pop3.c */
void pop3_say(struct pop3_session *s, const char *line);

/* login.c: what may be said before login, and CAPA. */
void command_capa(struct pop3_session *s, struct str argument);
void command_stls(struct pop3_session *s, struct str argument);
void command_utf8(struct pop3_session *s, struct str argument);
void command_lang(struct pop3_session *s, struct str argument);
void command_user(struct pop3_session *s, struct str argument);
void command_pass(struct pop3_session *s, struct str argument);
void command_auth(struct pop3_session *s, struct str argument);
/* The client's answer within AUTH. */
void login_answer(struct pop3_session *s, struct str line);
void login_end_exchange(struct pop3_session *s);
/* Lets go of the mailbox and of the session's place. */
void login_leave(struct pop3_session *s);

/* maildrop.c */
enum store_status maildrop_open(struct pop3_session *s, struct err *err);
/* All or nothing; STORE_INVALID: another session has the mailbox meanwhile. */
enum store_status maildrop_remove_deleted(struct pop3_session *s, struct err *err);
/* Begins to send message i, with lines >= 0 only its header and so many lines of its body. */
enum store_status maildrop_send(struct pop3_session *s, uint32_t i, int64_t lines, struct err *err);
/* Goes on; false when there is more to come once the output has gone out. */
bool maildrop_send_more(struct pop3_session *s);
void maildrop_close(struct pop3_session *s);
/* The UIDL that message i brought from the server where it was before; p NULL: none. */
struct str maildrop_uidl(const struct pop3_session *s, uint32_t i);

#endif
