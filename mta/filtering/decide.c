/* What is made of a filter's answer. */
#include "directory/address.h"
#include "filtering/state.h"
#include "route/route.h"

static struct str format(struct arena *a, const char *fmt, va_list ap) {
    struct buf b = BUF_EMPTY;
    buf_vprintf(&b, fmt, ap);
    struct str text = arena_str(a, str_sub(buf_str(&b), 0, 1000));
    buf_free(&b);
    return text;
}

#define FORMAT(text, q, fmt)                                                                                           \
    do {                                                                                                               \
        va_list ap;                                                                                                    \
        va_start(ap, fmt);                                                                                             \
        (text) = format((q)->arena, (fmt), ap);                                                                        \
        va_end(ap);                                                                                                    \
    } while (0)

void decide_note(struct question *q, enum note note, const char *fmt, ...) {
    struct str text;
    FORMAT(text, q, fmt);
    session_note(q->s, q->filter->name.p, note, "%.*s", STR_ARG(text));
}

void decide_refuse(struct question *q, struct str reply, const char *fmt, ...) {
    struct str why;
    FORMAT(why, q, fmt);
    if (q->filter->warn_only) {
        session_note(q->s, q->filter->name.p, NOTE_WARN, "would refuse with \"%.*s\": %.*s", STR_ARG(reply),
                     STR_ARG(why));
        return;
    }
    session_note(q->s, q->filter->name.p, NOTE_REFUSE, "%.*s", STR_ARG(why));
    q->v->action = str_starts(reply, STR("421")) || str_starts(reply, STR("521")) ? VERDICT_CLOSE : VERDICT_REFUSE;
    q->v->rule = q->filter->name.p;
    q->v->reply = arena_str(q->arena, reply);
}

void decide_discard(struct question *q, const char *fmt, ...) {
    struct str why;
    FORMAT(why, q, fmt);
    session_note(q->s, q->filter->name.p, q->filter->warn_only ? NOTE_WARN : NOTE_REFUSE, "%s: %.*s",
                 q->filter->warn_only ? "would throw the message away" : "the message is thrown away", STR_ARG(why));
    if (q->filter->warn_only)
        return;
    q->v->action = VERDICT_DISCARD;
    q->v->rule = q->filter->name.p;
}

void decide_quarantine(struct question *q, const char *fmt, ...) {
    struct str why;
    FORMAT(why, q, fmt);
    session_note(q->s, q->filter->name.p, NOTE_WARN, "%s: %.*s",
                 q->filter->warn_only ? "would put the message into quarantine" : "the message goes into quarantine",
                 STR_ARG(why));
    if (!q->filter->warn_only)
        q->s->transaction.junk = q->s->transaction.hold = true;
}

void decide_failed(struct question *q, const struct err *err) {
    q->failed = true;
    if (q->filter->warn_only || q->filter->open) {
        decide_note(q, NOTE_WARN, "taken without it: %s", err->text);
        return;
    }
    decide_refuse(q,
                  arena_printf(q->arena, "451 4.7.1 The filter \"%.*s\" can't be asked just now, try again later",
                               STR_ARG(q->filter->name)),
                  "%s", err->text);
}

/* ---- recipients ---- */

/* "<local@domain>" or without the brackets, as it stands in the envelope. */
static bool parse_path_of(struct question *q, struct str path, struct str *address, struct str *local,
                          struct str *domain, struct err *err) {
    path = str_trim(path);
    if (path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>')
        path = str_sub(path, 1, path.n - 2);
    if (!address_parse(q->arena, path, local, domain, err))
        return false;
    *address = address_format(q->arena, *local, *domain);
    return true;
}

enum directory_status decide_add_recipient(struct question *q, struct str path, struct err *err) {
    struct transaction *t = &q->s->transaction;
    struct envelope_recipient r = {.added = true};
    struct str local, domain;
    if (!parse_path_of(q, path, &r.address, &local, &domain, err))
        return DIRECTORY_UNKNOWN_RECIPIENT;
    for (size_t i = 0; i < t->count; i++)
        if (str_ieq(t->recipient[i].address, r.address)) {
            t->recipient[i].removed = false;
            return DIRECTORY_OK;
        }
    enum directory_status status = route_recipient_of(q->s->mta, q->arena, local, domain, true, &r.route);
    if (status == DIRECTORY_OK)
        envelope_add(t, r);
    else if (status == DIRECTORY_TEMPORARY)
        err_set(err, "the directory can't be asked where <%.*s> leads", STR_ARG(r.address));
    else
        err_set(err, "<%.*s> leads nowhere", STR_ARG(r.address));
    return status;
}

bool decide_remove_recipient(struct question *q, struct str path) {
    struct transaction *t = &q->s->transaction;
    struct str address, local, domain;
    if (!parse_path_of(q, path, &address, &local, &domain, NULL))
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (!t->recipient[i].removed && str_ieq(t->recipient[i].address, address)) {
            t->recipient[i].removed = true;
            return true;
        }
    return false;
}

/* ---- the message ---- */

size_t message_pieces(struct session *s, struct str piece[2]) {
    struct edit *e = &s->transaction.edit;
    piece[0] = e->changed ? edit_header(e) : e->message;
    piece[1] = e->changed ? e->body : STR("");
    return e->changed ? 2 : 1;
}

uint64_t message_bytes(struct session *s) {
    struct str piece[2];
    size_t n = message_pieces(s, piece);
    return piece[0].n + (n > 1 ? piece[1].n : 0);
}
