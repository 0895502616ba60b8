/*
 * stage: where others have a say in a session. At each stage the examiners of the table in stage.c are asked in order,
 * until one of them does not let it pass. They block as they need to (a worker is theirs meanwhile), and bound their
 * own time.
 *
 *     STAGE_CONNECT  before the greeting                STAGE_HELO  at HELO, EHLO, LHLO
 *     STAGE_MAIL     the sender is known and may send   STAGE_RCPT  s->candidate is known and has a route
 *     STAGE_DATA     before 354, or before the first chunk
 *     STAGE_MESSAGE  the message is complete: s->transaction.edit is for changes, .junk for putting it into Junk
 *
 * What an examiner keeps for a session or a transaction it keeps in a field of its own in struct session; its close and
 * end functions free it. Each decision, also one that lets pass, is told to session_note() with its reason.
 */
#ifndef SMTPD_STAGE_H
#define SMTPD_STAGE_H

#include "base/str.h"
#include "net/server.h"

struct session;

enum stage { STAGE_CONNECT, STAGE_HELO, STAGE_MAIL, STAGE_RCPT, STAGE_DATA, STAGE_MESSAGE, STAGE_COUNT };

enum verdict_action {
    VERDICT_PASS,
    VERDICT_REFUSE,  /* reply is 4yz or 5yz: this command, recipient or message is not taken */
    VERDICT_CLOSE,   /* reply is 421 or 5yz: and the connection ends */
    VERDICT_DISCARD, /* the message is taken with 250 and thrown away */
};

struct verdict {
    enum verdict_action action;
    const char *rule; /* who decided, in a word: "helo", "dnsbl", "greylist", "dmarc", "milter" */
    struct str reply; /* "550 5.7.1 A sentence, naming the rule", without its line end; in the transaction's arena, or
                         the session's (session_arena) before MAIL. Further lines after CR LF, each with its code. */
};

struct examiner {
    const char *name;
    /* NULL where it has nothing to say at a stage. The verdict is VERDICT_PASS when it is called. */
    void (*examine[STAGE_COUNT])(struct session *s, struct verdict *v);
    /* A recipient was refused before anybody was asked, with this code and sentence: to be heard of, no more. */
    void (*refused_recipient)(struct session *s, struct str address, struct str code, struct str why);
    /* A command that is not known, the whole line; where the verdict is not VERDICT_PASS its reply is the answer. */
    void (*unknown_command)(struct session *s, struct str line, struct verdict *v);
    void (*end_transaction)(struct session *s); /* however it ended; NULL: nothing to do */
    void (*close)(struct session *s);           /* the session ends; NULL: nothing to do */
};

/* Asks the examiners. */
struct verdict stage_ask(struct session *s, enum stage stage);
/* The same for a stage before the message: writes the reply where it does not pass, and says how to go on in *step.
 * True: go on with the command. */
bool stage_pass(struct session *s, enum stage stage, enum step *step);
void stage_refused_recipient(struct session *s, struct str address, const char *code, const char *why);
struct verdict stage_unknown_command(struct session *s, struct str line);
void stage_end_transaction(struct session *s);
void stage_close(struct session *s);

#endif
