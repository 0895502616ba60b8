/*
 * sender: who sent it. What other servers bring is checked by SPF, DKIM, ARC and DMARC (lib/spf, lib/dkim, lib/arc,
 * lib/dmarc); the results go into one Authentication-Results field, and what follows is the policy of each recipient's
 * domain. What our own users send is signed; what is forwarded is sealed.
 *
 *     check.c   the examiner at STAGE_MESSAGE: the checks, forged results     results.c  the field
 *     verdict.c what follows for each recipient                               sign.c     signatures and seals
 *     book.c    policies and keys of domains
 */
#ifndef SENDER_SENDER_H
#define SENDER_SENDER_H

#include "arc/arc.h"
#include "dmarc/dmarc.h"
#include "sender/book.h"

struct examiner;
struct plan;
struct session;
struct transaction;
struct verdict;

/* What was found out about one message. Lives in its transaction's arena. */
struct sender_results {
    const struct spf_answer *mail, *helo; /* mail: NULL where the reverse-path is null */
    const struct spf_answer *spf;         /* the one that counts: mail, or helo where the reverse-path is null */
    struct dkim_signature *signature;
    size_t signatures;
    struct arc_chain arc;
    struct dmarc_answer dmarc;
    struct str field; /* the value of Authentication-Results */
    bool doubted;     /* a recipient is marked: see sender_mark() */
};

extern const struct examiner sender_examiner;

/* check.c: what SPF says of the reverse-path, or of the name in HELO where that is null. Asked once a transaction, and
 * again only after a temporary error. */
const struct spf_answer *sender_spf(struct session *s);

/* results.c: appends the value of the field. */
void sender_field(const struct session *s, const struct sender_results *r, struct buf *out);

/* verdict.c: what follows for the recipients: sets junk and tag of those that have it, or refuses the message. */
void sender_judge(struct session *s, struct sender_results *r, struct verdict *v);
/* Puts the deliveries of a plan into Junk, or adds the tag to their prefix, where each recipient that leads to the
 * mailbox has it so. */
void sender_mark(const struct transaction *t, const struct plan *p);

/* sign.c: appends the DKIM-Signature fields, by the keys of the domains in From, of a complete message of ours. Nothing
 * where there are no keys. */
void sender_sign(const struct mta *m, struct arena *a, struct str message, struct buf *out);
/* The same with the keys of one domain, whatever From is. */
void sender_sign_as(const struct mta *m, struct arena *a, struct str message, struct str domain, struct buf *out);
/* Appends the fields of an ARC set for a complete message that was checked and leaves again for some of its recipients,
 * by the key of the domain of the first of them. Nothing where that has none. */
void sender_seal(const struct session *s, struct arena *a, struct str message, struct buf *out);

#endif
