/*
 * macro: "%{ir}.%{v}._spf.%{d2}" (RFC 7208 7). Text is looked at when a policy is read, and expanded when it is used;
 * what is expanded has been looked at before.
 */
#ifndef SPF_MACRO_H
#define SPF_MACRO_H

#include "spf/spf.h"

/* A domain-spec, a macro-string: in them the letters c, r and t may not stand (RFC 7208 7.2). An explain-string: it has
 * these and blanks. False with err saying what is wrong. */
bool spf_macro_is_domain(struct str text, struct err *err);
bool spf_macro_is_string(struct str text, struct err *err);
bool spf_macro_is_explanation(struct str text, struct err *err);

/* What the letters stand for. */
struct spf_values {
    struct str sender, local, sender_domain;                   /* s, l, o */
    struct str domain;                                         /* d: the one whose policy this is */
    struct str helo, receiver;                                 /* h, r */
    const struct sockaddr_storage *client;                     /* i, c, v; never IPv4 in IPv6 */
    struct str (*validated)(void *context, struct str domain); /* p: asks the DNS, so it is asked only where needed */
    void *context;
};

/* The name to look up, without a last dot, cut from the left to the length of a name (7.3). It need not be one that the
 * DNS can hold: look before use. False where it holds a local part beyond ASCII, which nothing matches (RFC 8616 4). */
bool spf_macro_domain(struct arena *a, struct str spec, const struct spf_values *v, struct str *name);
/* The text for people. False where it is not printable ASCII, empty, or longer than SPF_MAX_EXPLANATION. */
bool spf_macro_explanation(struct arena *a, struct str text, const struct spf_values *v, struct str *out);

#endif
