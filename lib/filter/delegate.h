/*
 * delegate: the client's side of Postfix's policy delegation protocol (SMTPD_POLICY_README): attributes in lines
 * "name=value" up to an empty line, answered by "action=..." and an empty line. Connections are kept.
 */
#ifndef FILTER_DELEGATE_H
#define FILTER_DELEGATE_H

#include "base/memory.h"
#include "filter/endpoint.h"
#include "filter/idle.h"

enum delegate_action {
    DELEGATE_DUNNO, /* go on; OK, PERMIT and numbers alone are the same here */
    DELEGATE_REJECT,
    DELEGATE_DEFER,
    DELEGATE_DEFER_IF_PERMIT, /* later, where nobody refuses */
    DELEGATE_DEFER_IF_REJECT, /* who refuses is to say "later" */
    DELEGATE_CODE,            /* a reply with its own code */
    DELEGATE_DISCARD,
    DELEGATE_HOLD,
    DELEGATE_PREPEND,
    DELEGATE_WARN,
    DELEGATE_INFO,
    DELEGATE_REDIRECT,
    DELEGATE_BCC,
    DELEGATE_FILTER, /* not possible here */
};

struct delegate_answer {
    enum delegate_action action;
    char code[4];      /* of DELEGATE_CODE */
    struct str status; /* enhanced status code where the text began with one, else "" */
    struct str text;   /* what follows; a header field, an address */
};

/* Pure: what stands behind "action=". False with err: not an action. Strings point into text. */
bool delegate_read_action(struct str text, struct delegate_answer *out, struct err *err);

/* Appends "name=value" and the line end; what could end the line in value is left out. */
void delegate_put(struct buf *request, const char *name, struct str value);

/* Sends the request (attributes without the empty line) and reads the answer, on a connection of `idle` or a new one.
 * A kept one that has gone meanwhile is replaced. Strings in the arena. */
bool delegate_ask(const struct endpoint *e, struct idle *idle, struct str request, int connect_ms, int command_ms,
                  struct arena *a, struct delegate_answer *out, struct err *err);
void delegate_close(void *stream); /* for idle_init */

#endif
