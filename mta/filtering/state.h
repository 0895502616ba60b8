/* state: what the files of filtering/ share. */
#ifndef FILTERING_STATE_H
#define FILTERING_STATE_H

#include "filter/milter.h"
#include "filtering/table.h"
#include "smtpd/session.h"

/* A session's conversation with one milter. */
struct talk {
    struct milter *milter; /* NULL: not connected (any more) */
    char *told_client;     /* the address it was told of: another one needs another conversation */
    bool told_helo;
    bool done;       /* it has accepted whatever comes in this session */
    bool in_message; /* it has heard MAIL, and not the end: an abort is owed */
    bool passed;     /* it has accepted this message, or the message is taken without it */
    /* libmilter ignores MILTER_QUIT_REUSE, and with it all that follows, but right behind the end of a message that it
     * let continue, or behind the abort of one whose MAIL it has followed. */
    bool following; /* it has heard MAIL, and refused or accepted nothing since */
    bool resting;   /* it is in one of these two states */
    bool broken;    /* it failed in this transaction, which must not pass without it */
};

struct held_field { /* to be put on top of the message */
    struct held_field *next;
    struct str name, value;
};

struct filtering {
    struct filter_set *set;
    struct talk *talk;                     /* one each of set's entries; those of other kinds unused */
    const char *name, *reverse;            /* the client's (facts.c); NULL: not asked yet */
    char names_of[SOCKADDR_TEXT];          /* the address that they belong to */
    struct held_field *field, **field_end; /* of the transaction, in its arena */
    struct str redirect;                   /* likewise: to whom instead; p NULL: nobody */
    /* of the stage that is asked */
    struct str refusal_code, refusal_text; /* of a recipient that was refused before; p NULL: it was not */
    struct str defer;                      /* what to say where nobody refuses, p NULL: nothing */
    bool defer_refusals;                   /* who refuses says "later" */
};

/* One filter asked at one stage. */
struct question {
    struct session *s;
    struct filtering *f;
    struct filter_entry *entry;
    const struct filter *filter;
    struct talk *talk;
    struct arena *arena; /* the transaction's, or the session's before MAIL */
    enum stage stage;
    struct verdict *v;
    bool failed; /* it could not be asked */
};

/* ---- decide.c ---- */

/* Notes a decision; the rule is the filter's name. */
void decide_note(struct question *q, enum note note, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The reply is made the verdict, unless the filter only warns: then true is noted and nothing happens. `why` is for the
 * log and trace. */
void decide_refuse(struct question *q, struct str reply, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void decide_discard(struct question *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Into Junk here, held in the queue for elsewhere. */
void decide_quarantine(struct question *q, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* It could not be asked: refused for now, or taken without it. */
void decide_failed(struct question *q, const struct err *err);
/* Adds a recipient, with its route; err where it leads nowhere. */
enum directory_status decide_add_recipient(struct question *q, struct str path, struct err *err);
bool decide_remove_recipient(struct question *q, struct str path);
/* The whole message as it is now, in one or two pieces. */
size_t message_pieces(struct session *s, struct str piece[2]);
uint64_t message_bytes(struct session *s);

/* ---- facts.c: what is told of the client and the session ---- */

const char *fact_address(const struct session *s); /* "127.0.0.1" for programs of this machine */
uint16_t fact_port(const struct session *s);
const char *fact_name(struct question *q);    /* it leads back to the address; "unknown" */
const char *fact_reverse(struct question *q); /* what the address leads to; "unknown" */
const char *fact_protocol(const struct session *s);
const char *fact_login(const struct session *s);        /* "" where nobody logged in */
const char *fact_login_method(const struct session *s); /* "PLAIN"; "" where nobody logged in */
const char *fact_cipher_bits(const struct session *s);
struct str fact_queue_id(struct question *q);
struct str fact_local_address(const struct question *q, uint16_t *port);
/* The message's size as the client declared it, 0 where it did not; at the end as it is. */
uint64_t fact_size(const struct question *q);

/* ---- the kinds ---- */

void milter_examine(struct question *q);
void milter_hear_refused(struct question *q, struct str address);
void milter_hear_unknown(struct question *q, struct str line);
void milter_end_transaction(struct talk *t);
void milter_end_session(struct talk *t, struct filter_entry *e);
bool delegate_is_asked(const struct question *q); /* at this stage */
void delegate_examine(struct question *q);
void rspamd_examine(struct question *q);
void clamd_examine(struct question *q);

/* macros.c: the macros that the milter wants at a stage, as a packet of its own before `command`. */
void macros_put(struct question *q, enum milter_command command);

/* changes.c: what a milter wants changed, gathered until it is through. */
struct changes {
    struct arena *arena;
    struct milter_reply *list;
    size_t count, cap, bytes;
    struct buf body;
    bool has_body;
};
bool changes_keep(struct question *q, struct changes *c, const struct milter_reply *r, struct err *err);
bool changes_apply(struct question *q, struct changes *c, struct err *err);

#endif
