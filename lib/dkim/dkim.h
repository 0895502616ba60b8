/*
 * dkim: DomainKeys Identified Mail signatures (RFC 6376, with RFC 8301 on algorithms and key sizes and RFC 8463 for
 * Ed25519): verifying those of a message, and signing one.
 *
 * A message is a view of all its bytes with CR LF line ends; it is neither copied nor changed. Verifying reads the body
 * once for each kind of body hash its signatures ask for (there are two canonicalizations and lengths are rare, so
 * nearly always once). Parsed public keys are kept in a cache of this process by the text of their record; nothing is
 * kept of names or of how long a record lives, that is the resolver's.
 *
 * The result of a signature is a word of RFC 8601 section 2.7.1, whose reason says what led to it:
 *
 * - pass: the signature is right, and this module's policy has nothing against it
 * - fail: the bytes signed are not those that came, or the key is not the signer's
 * - policy: it may be right, but is not to be trusted, and counts as no signature: rsa-sha1 or an RSA key below
 *   1024 bits (RFC 8301), a body that is signed only in part (l=, RFC 6376 section 8.2), a signing domain that is a
 *   public suffix such as "co.uk" (section 6.1.1), a From field beside the one that is signed (section 8.15)
 * - neutral: it could not be processed, though nothing is wrong with it: an algorithm, a canonicalization or a type of
 *   key that is not known
 * - temperror: the key could not be asked for just now
 * - permerror: it can never be verified: tags missing or not valid, no key, a key that is revoked or is for
 *   something else, expired
 * - none: (of a whole message only) there is no signature
 *
 * Hostile input: work is linear in the message for each signature looked at, signatures and the time for look-ups are
 * bounded (struct dkim_options). All functions may be called from any thread.
 */
#ifndef DKIM_DKIM_H
#define DKIM_DKIM_H

#include "net/dns.h"

enum dkim_limit {
    DKIM_MAX_SIGNATURES = 10, /* default of dkim_options; those behind are passed over */
    DKIM_LOOKUP_SECONDS = 20, /* default of dkim_options */
    DKIM_MAX_FIELDS = 2000,   /* header fields of a message; with more, nothing is verified: one neutral result */
    DKIM_MIN_RSA_BITS = 1024, /* RFC 8301 section 3.2 */
    DKIM_MAX_RSA_BITS = 8192, /* beyond that verifying costs too much; such a signature is neutral */
    DKIM_MAX_SIGNERS = 8,     /* of one message that is signed */
};

enum dkim_result { DKIM_NONE, DKIM_PASS, DKIM_FAIL, DKIM_POLICY, DKIM_NEUTRAL, DKIM_TEMPERROR, DKIM_PERMERROR };
enum dkim_canonicalization { DKIM_SIMPLE, DKIM_RELAXED };
enum dkim_algorithm { DKIM_RSA_SHA256, DKIM_ED25519_SHA256, DKIM_RSA_SHA1, DKIM_ALGORITHM_UNKNOWN };

/* "pass", "fail" ... as in Authentication-Results. */
const char *dkim_result_name(enum dkim_result r);
/* "rsa-sha256" ... as in a=. */
const char *dkim_algorithm_name(enum dkim_algorithm a);

/* Where TXT records come from; as dns_txt() of net/dns.h. */
typedef enum dns_status dkim_txt_lookup(void *context, struct arena *a, struct str name, struct str **out,
                                        size_t *count);

/* Zeroes stand for the defaults. */
struct dkim_options {
    int64_t now;          /* microseconds since 1970, for x= and t=; 0: the clock */
    size_t signatures;    /* how many are looked at; 0: DKIM_MAX_SIGNATURES */
    unsigned seconds;     /* for all look-ups together, after which keys are temperror; 0: DKIM_LOOKUP_SECONDS */
    dkim_txt_lookup *txt; /* instead of the resolver (tests); NULL: dns_txt() of the resolver */
    void *txt_context;
};

/* One DKIM-Signature field. Strings point into the message or live in the arena; p NULL where the field has none. */
struct dkim_signature {
    enum dkim_result result;
    struct str reason;   /* one sentence without a full stop, for people: "body hash did not verify" */
    struct str domain;   /* d=, lower case, A-labels */
    struct str selector; /* s=, lower case */
    struct str identity; /* i=, or "@" and d= where there is none (header.i) */
    struct str b;        /* first 8 characters of b= (header.b); longer where another signature begins the same */
    enum dkim_algorithm algorithm;
    struct str algorithm_text; /* a= as written */
    enum dkim_canonicalization header_canonicalization, body_canonicalization;
    unsigned key_bits;  /* of the public key; 256 for Ed25519; 0: no key was found */
    bool testing;       /* the key has t=y: the domain asks to treat a failure as no signature (section 3.6.1) */
    bool partly_signed; /* l= leaves a part of the body unsigned; then the result is not pass */
    int64_t signed_at;  /* t= in seconds since 1970; -1: none */
    int64_t expires_at; /* x= in seconds since 1970; -1: never */
    size_t field;       /* position among the message's header fields, 0 for the first */
};

/* Verifies the message's signatures from the top down. *out lives in the arena, *count is 0 for a message without one.
 */
void dkim_verify(struct dns *dns, struct arena *a, struct str message, const struct dkim_options *options,
                 struct dkim_signature **out, size_t *count);
/* What to say of the message as a whole: pass if any passed, else the worst that may still be of use: temperror, fail,
 * policy, permerror, neutral; none without a signature. */
enum dkim_result dkim_overall(const struct dkim_signature *signature, size_t count);
/* Appends the methods of an Authentication-Results field (RFC 8601, RFC 6008), each behind its ';' on a line of its
 * own, one for each signature, "dkim=none" without any; with the reason where the result is not pass:
 *     ;
 *         dkim=pass header.d=example.org header.i=@example.org header.s=2026 header.a=rsa-sha256 header.b=AbCdEfGh */
void dkim_authentication_results(const struct dkim_signature *signature, size_t count, struct buf *out);

/* ---- signing ---- */

/* A private key. May be used by any number of threads at once. */
struct dkim_key;
/* Reads an unencrypted private key in PEM (PKCS#8 or PKCS#1; RSA of 1024 to 8192 bits, or Ed25519). NULL with err set
 * where it is none. */
struct dkim_key *dkim_key_read(struct str pem, struct err *err);
void dkim_key_free(struct dkim_key *key);
enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *key);
unsigned dkim_key_bits(const struct dkim_key *key);
/* Appends the record's text for the public half: "v=DKIM1; k=rsa; p=..." (one string; DNS has it cut at 255 bytes). */
void dkim_key_record(const struct dkim_key *key, struct buf *out);
/* Makes a new private key, appends it as PEM (PKCS#8). bits is for RSA (1024 to 8192). */
bool dkim_key_generate(enum dkim_algorithm algorithm, unsigned bits, struct buf *pem, struct err *err);

struct dkim_signer {
    const struct dkim_key *key;
    struct str domain, selector; /* d=, s=: A-labels */
    struct str identity;         /* i=; n 0: none */
    struct str headers;          /* h=, names with ':' between them; n 0: dkim_default_headers of those that are there,
                                    and From, To, Cc, Subject, Date, Reply-To once more than they are there, so that
                                    none can be added */
    bool simple_header, simple_body; /* canonicalization; relaxed/relaxed by default */
    int64_t time;                    /* t= in seconds since 1970; 0: now; -1: none */
    int64_t lifetime;                /* seconds until x=; 0: no x= */
};

/* Appends one DKIM-Signature field with its CR LF for each signer, first signer first, to be put in front of the
 * message. Signers with the same body canonicalization share the reading of the body. False with err set where a signer
 * is not usable (domain, header list without From) or the message has no From field. */
bool dkim_sign(struct arena *a, struct str message, const struct dkim_signer *signer, size_t count, struct buf *out,
               struct err *err);

#endif
