/*
 * arc: Authenticated Received Chain (RFC 8617). Each host that may break a message's signatures on its way (a mailing
 * list, a forwarder) adds a set of three fields: what it found on arrival (ARC-Authentication-Results), a signature
 * over the message as it left (ARC-Message-Signature), and a seal over all sets so far (ARC-Seal). Verifying the chain
 * tells whether those findings are what the hosts wrote; whether to believe the hosts is the caller's question.
 *
 * The message is as for dkim.h: a view with CR LF line ends, neither copied nor changed. Keys are looked up, parsed and
 * cached as for DKIM; RFC 8617 section 4.2 takes its algorithms from there too.
 */
#ifndef ARC_ARC_H
#define ARC_ARC_H

#include "dkim/dkim.h"

enum { ARC_MAX_SETS = 50 }; /* RFC 8617 section 4.2.1 */

enum arc_status { ARC_NONE, ARC_PASS, ARC_FAIL };

/* "none", "pass", "fail": the chain validation status, as in cv= and arc= */
const char *arc_status_name(enum arc_status s);

/* One set of the chain; strings as in struct dkim_signature. */
struct arc_set {
    unsigned instance;                   /* i=, from 1 */
    struct str authserv_id;              /* who wrote the findings, lower case */
    struct str authentication_results;   /* the findings, behind "i=N;": as written, folded */
    struct dkim_signature message, seal; /* ARC-Message-Signature and ARC-Seal. Where they were not looked at (only the
                                            newest message signature decides), result is DKIM_NONE */
    enum arc_status cv;                  /* of the seal */
};

struct arc_chain {
    enum arc_status status;
    struct str reason;    /* one sentence: why it fails; for pass and none what there is */
    bool closed;          /* the newest seal says cv=fail: nothing is to be added any more */
    bool temporary;       /* fails only because a key could not be asked for just now */
    unsigned instance;    /* highest i= of the message, 0 without a chain. For a chain whose structure is broken the
                             highest that was seen */
    unsigned oldest_pass; /* arc.oldest-pass (section 5.2): lowest instance from which on the message is unchanged; 0:
                             even the oldest message signature still fits */
    struct arc_set *set;  /* by instance, oldest first; NULL where the structure is broken */
    size_t count;
};

/* Validates the chain (section 5.2). Everything in *out lives in the arena or points into the message. */
void arc_verify(struct dns *dns, struct arena *a, struct str message, const struct dkim_options *options,
                struct arc_chain *out);
/* Appends the method of an Authentication-Results field behind its ';': "arc=pass (i=2) header.oldest-pass=0", or
 * "arc=fail (i=2) reason=..." and the like. */
void arc_authentication_results(const struct arc_chain *chain, struct buf *out);

struct arc_sealer {
    const struct dkim_key *key;
    struct str domain, selector; /* d=, s= of seal and message signature */
    struct str
        headers;  /* h= of the message signature; n 0: as for a struct dkim_signer. Never ARC-Seal (section 4.1.2) */
    int64_t time; /* t= in seconds since 1970; 0: now */
    bool alphabetical; /* tags in the order of the alphabet and b= in one piece, as test suites compare them; else i=
                          first, as the grammar has it (sections 4.1.2 and 4.1.3), and b= last */
};

/* Appends the three fields of the next set with their CR LF (seal first), to be put in front of the message as it will
 * leave. `chain` is what arc_verify() found of the message as it came in; `results` is what goes behind "i=N; ": the id
 * of this host and its findings ("mx.example.org; spf=pass ...", may be folded). A chain that failed is sealed with
 * cv=fail, which covers its own set alone (section 5.1.2). False with err set where nothing is to be added: the newest
 * set says cv=fail already (section 5.1), the chain could not be validated just now, there are 50 sets, or the sealer
 * is not usable. */
bool arc_seal(struct arena *a, struct str message, const struct arc_chain *chain, const struct arc_sealer *sealer,
              struct str results, struct buf *out, struct err *err);
/* Appends what the message's Authentication-Results fields of this host say (those whose id is authserv_id, without
 * case), as one for arc_seal(): the id once, then each field's methods. Nothing where there is no such field. */
void arc_collect_results(struct arena *a, struct str message, struct str authserv_id, struct buf *out);
/* What such results say of the chain (arc=): for a host that changed the message after it had validated it, since then
 * the chain can't be validated any more. Two that differ are a failure. False where they say nothing. */
bool arc_collected_status(struct arena *a, struct str results, enum arc_status *out);

#endif
