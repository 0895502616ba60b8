/*
 * policy: the client's side of Postfix's policy delegation protocol (SMTPD_POLICY_README): attributes in lines
 * "name=value" up to an empty line, answered by "action=..." and an empty line. Connections are kept.
 */
#ifndef FILTER_POLICY_H
#define FILTER_POLICY_H

#include "base/memory.h"
#include "filter/endpoint.h"
#include "filter/idle.h"

enum policy_action {
    POLICY_DUNNO, /* go on; OK, PERMIT and numbers alone are the same here */
    POLICY_REJECT,
    POLICY_DEFER,
    POLICY_DEFER_IF_PERMIT, /* later, where nobody refuses */
    POLICY_DEFER_IF_REJECT, /* who refuses is to say "later" */
    POLICY_CODE,            /* a reply with its own code */
    POLICY_DISCARD,
    POLICY_HOLD,
    POLICY_PREPEND,
    POLICY_WARN,
    POLICY_INFO,
    POLICY_REDIRECT,
    POLICY_BCC,
    POLICY_FILTER, /* not possible here */
};

struct policy_answer {
    enum policy_action action;
    char code[4];      /* of POLICY_CODE */
    struct str status; /* enhanced status code where the text began with one, else "" */
    struct str text;   /* what follows; a header field, an address */
};

/* Pure: what stands behind "action=". False with err: not an action. Strings point into text. */
bool policy_read_action(struct str text, struct policy_answer *out, struct err *err);

/* Appends "name=value" and the line end; what could end the line in value is left out. */
void policy_put(struct buf *request, const char *name, struct str value);

/* Sends the request (attributes without the empty line) and reads the answer, on a connection of `idle` or a new one.
 * A kept one that has gone meanwhile is replaced. Strings in the arena. */
bool policy_ask(const struct endpoint *e, struct idle *idle, struct str request, int connect_ms, int command_ms,
                struct arena *a, struct policy_answer *out, struct err *err);
void policy_close(void *stream); /* for idle_init */

#endif
