/*
 * spf: may this host send mail for this domain? The Sender Policy Framework, RFC 7208, as check_host() of section 4.
 *
 * It is blocking: what it asks goes through the resolver, and the whole of it ends within SPF_TIME_LIMIT_S. It keeps no
 * state and may be called from any thread.
 *
 * A server that receives mail asks for the reverse-path's domain (sender = the reverse-path), and may ask for the name
 * of the HELO before that, which is the same call with an empty sender (RFC 7208 2.3, 2.4).
 */
#ifndef SPF_SPF_H
#define SPF_SPF_H

#include "base/memory.h"
#include "net/dns.h"

#include <sys/socket.h>

enum {
    SPF_TIME_LIMIT_S = 20,      /* of one evaluation (RFC 7208 4.6.4: at least 20) */
    SPF_MAX_LOOKUPS = 10,       /* terms that ask the DNS: include, a, mx, ptr, exists, redirect */
    SPF_MAX_VOIDS = 2,          /* look-ups of theirs that find nothing */
    SPF_MAX_HOSTS = 10,         /* of one mx: more are an error; of one ptr, %{p}: more are ignored */
    SPF_MAX_EXPLANATION = 1000, /* bytes; a longer one is none */
};

enum spf_result {           /* RFC 7208 2.6 */
                  SPF_NONE, /* the domain has no policy, or there is no domain to ask for */
                  SPF_NEUTRAL,
                  SPF_PASS,
                  SPF_FAIL,
                  SPF_SOFTFAIL,
                  SPF_TEMPERROR, /* the DNS gave no answer: another try may give another result */
                  SPF_PERMERROR, /* the policy can't be understood, or goes beyond the limits */
};

struct spf_request {
    const struct sockaddr_storage *client; /* who sends; IPv4 in IPv6 (::ffff:192.0.2.1) counts as IPv4 */
    struct str helo;                       /* the argument of HELO or EHLO; may be empty or an address literal */
    struct str sender;    /* the reverse-path without its < >; empty (a notification): postmaster at the helo name */
    const char *receiver; /* our host name, for a policy's %{r}; NULL: "unknown" */
};

/* All text lives in the arena. */
struct spf_answer {
    enum spf_result result;
    struct str domain; /* whose policy was asked for, in lower case: the one that DMARC compares; "" where there is none
                        */
    bool helo;         /* that domain is the helo name, for the sender was empty */
    struct str reason; /* a sentence (one line, printable ASCII): which mechanism matched, or what is wrong */
    struct str mechanism;   /* what matched, as the policy has it ("-all", "ip4:192.0.2.0/24"); "" where nothing did */
    struct str explanation; /* of a fail: what the domain has to say to the sender (exp=); p NULL: nothing. Printable
                             * ASCII, written by somebody whom nobody trusts: say that it is theirs (RFC 7208 6.2) */
};

/* Always gives an answer. */
void spf_check(struct dns *d, struct arena *a, const struct spf_request *request, struct spf_answer *out);

/* "pass", "temperror", ...: the words of RFC 7208 2.6 and of Authentication-Results (RFC 8601 2.7.2). */
const char *spf_result_text(enum spf_result r);

#endif
