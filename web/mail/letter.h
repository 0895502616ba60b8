/*
 * letter: a mail while it is being written: what stands in the form (write.c), where it came from (an answer, a
 * forwarded mail, a draft), and what becomes of it (send.c). Between requests it lives in the form alone.
 */
#ifndef MAIL_LETTER_H
#define MAIL_LETTER_H

#include "mail/mail.h"
#include "mail/outgoing/outgoing.h"

enum { LETTER_MAX_TAKEN = 100, LETTER_MAX_FILES = 100 };

/* A message ("INBOX/17", the mailbox percent-encoded) or a part of one ("INBOX/17/2.1"). */
struct reference {
    struct str mailbox; /* n 0: none */
    uint32_t uid;
    struct str section;
};

struct taken {
    struct reference from;
    struct str name, type, encoding;
    uint64_t size;
};

/* An address that the user may send under (senders.c). */
struct sender {
    struct str address, name; /* name: what stands before it */
    bool others;              /* it is another mailbox's, which lets the user send under it */
};

struct senders {
    struct sender *at; /* the user's own address first */
    size_t count;
    bool domains; /* and each address of some domain: there is no list of those */
};

struct letter {
    struct str from; /* one of the senders' addresses; n 0: the user's own */
    struct str to, cc, bcc, subject, text;
    struct str in_reply_to, references;
    struct reference origin; /* the mail that this one answers or forwards */
    bool forwards;
    struct reference draft;               /* the draft that this one continues */
    struct taken taken[LETTER_MAX_TAKEN]; /* attachments of other mails that go along */
    size_t taken_count;
    const struct senders *senders; /* NULL: not read yet */
};

bool reference_parse(struct arena *a, struct str text, struct reference *out);
struct str reference_text(struct arena *a, const struct reference *r);
/* The same for a link's query, which is decoded once before the reference is read. */
struct str reference_in_query(struct arena *a, const struct reference *r);

/* ---- letter.c ---- */

/* From the form that was sent; names and sizes of taken parts are read from their mails. False: an error was replied.
 */
bool letter_from_form(struct mail *m, struct letter *l);
/* Shows the form. problem: a sentence, or NULL. */
void letter_show(struct mail *m, const struct letter *l, const char *problem);

/* ---- senders.c ---- */

/* What submission takes from this user (sql/0031_senders.sql): the addresses that can be listed, and of those asked
 * about the ones that are good too. NULL: an error was replied. */
const struct senders *senders_load(struct mail *m, const struct str *asked, size_t count);
const struct sender *senders_find(const struct senders *s, struct str address); /* NULL: it is none of them */

/* ---- origin.c: letters that begin with another mail. False: an error was replied. ---- */

bool letter_answer(struct mail *m, const struct reference *origin, bool all, struct letter *l);
bool letter_forward(struct mail *m, const struct reference *origin, struct letter *l);
bool letter_continue(struct mail *m, const struct reference *draft, struct letter *l);
bool letter_read_taken(struct mail *m,
                       struct taken *t); /* completes t->from; false: it is not there (nothing replied) */

#endif
