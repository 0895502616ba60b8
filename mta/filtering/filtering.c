#include "filtering/filtering.h"

#include "base/clock.h"
#include "filtering/state.h"

#include <stdlib.h>

/* ---- what a session keeps ---- */

static struct filtering *attach(struct session *s) {
    struct filter_set *set = filter_table_take(s->mta->filters);
    if (!set)
        return NULL;
    if (!(set->services & s->kind)) {
        filter_set_release(set);
        return NULL;
    }
    struct filtering *f = mem_zero(sizeof *f);
    f->set = set;
    f->talk = mem_zero((set->count + 1) * sizeof *f->talk);
    return f;
}

static void detach(struct session *s) {
    struct filtering *f = s->filtering;
    if (!f)
        return;
    for (size_t i = 0; i < f->set->count; i++)
        milter_end_session(&f->talk[i], &f->set->entry[i]);
    filter_set_release(f->set);
    free(f->talk);
    free(f);
    s->filtering = NULL;
}

/* What the session has, made before its first transaction; renewed at MAIL where the configuration has changed. */
static struct filtering *filters_of(struct session *s, enum stage stage) {
    if (s->filtering && (stage != STAGE_MAIL || filter_set_is_current(s->mta->filters, s->filtering->set)))
        return s->filtering;
    if (stage > STAGE_MAIL)
        return NULL;
    detach(s);
    if (filter_table_serves(s->mta->filters, s->kind))
        s->filtering = attach(s);
    return s->filtering;
}

/* ---- the stages ---- */

/* Whether it is of those that are asked a question at a time, and at this stage. */
static bool is_asked_alone(const struct question *q) {
    switch (q->filter->kind) {
    case FILTER_POLICY:
        return delegate_is_asked(q);
    case FILTER_RSPAMD:
    case FILTER_CLAMD:
        return q->stage == STAGE_MESSAGE;
    default:
        return false;
    }
}

static void ask(struct question *q) {
    static void (*const examine[])(struct question * q) = {
        [FILTER_POLICY] = delegate_examine, [FILTER_RSPAMD] = rspamd_examine, [FILTER_CLAMD] = clamd_examine};
    struct err err;
    if (q->filter->kind == FILTER_MILTER) {
        milter_examine(q);
    } else if (is_asked_alone(q)) {
        int64_t begin = clock_monotonic();
        q->failed = false;
        if (!filter_entry_is_alive(q->entry, &err)) {
            decide_failed(q, &err);
            return;
        }
        examine[q->filter->kind](q);
        if (q->failed)
            filter_entry_failed(q->entry, begin);
    }
}

/* A policy server has asked that refusals be for now only. */
static void soften(struct question *q) {
    struct str text = q->v->reply;
    if (q->v->action != VERDICT_REFUSE || text.n < 4 || text.p[0] != '5')
        return;
    struct buf out = BUF_EMPTY;
    for (struct str line; str_split(&text, '\n', &line);) {
        bool status = line.n > 6 && line.p[4] == '5' && line.p[5] == '.';
        buf_add_c(&out, out.n ? "\n450" : "450");
        buf_add_str(&out, str_sub(line, 3, 1));
        buf_add_c(&out, status ? "4" : "");
        buf_add_str(&out, str_sub(line, status ? 5 : 4, line.n));
    }
    q->v->reply = arena_str(q->arena, buf_str(&out));
    buf_free(&out);
}

static void examine(struct session *s, struct verdict *v, enum stage stage) {
    struct filtering *f = filters_of(s, stage);
    struct transaction *t = &s->transaction;
    if (!f || (stage > STAGE_MAIL && t->discard))
        return;
    struct question q = {.s = s, .f = f, .stage = stage, .v = v};
    q.arena = stage >= STAGE_MAIL ? &t->arena : &s->arena;
    f->defer = (struct str){NULL, 0};
    f->defer_refusals = false;
    for (size_t i = 0; i < f->set->count && v->action == VERDICT_PASS; i++) {
        q.entry = &f->set->entry[i];
        q.filter = &q.entry->filter;
        q.talk = &f->talk[i];
        if (q.filter->services & s->kind)
            ask(&q);
    }
    if (v->action == VERDICT_PASS && f->defer.p) {
        v->action = VERDICT_REFUSE;
        v->reply = f->defer;
    } else if (f->defer_refusals) {
        soften(&q);
    }
}

static void at_connect(struct session *s, struct verdict *v) { examine(s, v, STAGE_CONNECT); }
static void at_helo(struct session *s, struct verdict *v) { examine(s, v, STAGE_HELO); }
static void at_mail(struct session *s, struct verdict *v) { examine(s, v, STAGE_MAIL); }
static void at_rcpt(struct session *s, struct verdict *v) { examine(s, v, STAGE_RCPT); }
static void at_data(struct session *s, struct verdict *v) { examine(s, v, STAGE_DATA); }

/* What policy servers said about the message before it was there. */
static void put_held_fields(struct session *s, const struct held_field *h) {
    for (; h; h = h->next)
        edit_insert(&s->transaction.edit, 0, h->name, h->value);
}

static void redirect(struct session *s, struct verdict *v, struct str to) {
    struct question q = {.s = s, .f = s->filtering, .stage = STAGE_MESSAGE, .v = v, .arena = &s->transaction.arena};
    struct transaction *t = &s->transaction;
    struct err err;
    for (size_t i = 0; i < t->count; i++)
        t->recipient[i].removed = true;
    if (decide_add_recipient(&q, to, &err) == DIRECTORY_OK)
        return;
    session_note(s, "filter", NOTE_REFUSE, "the message can't be redirected to <%.*s>: %s", STR_ARG(to), err.text);
    v->action = VERDICT_REFUSE;
    v->reply = STR("451 4.3.5 The message is redirected to an address that leads nowhere just now");
}

static void at_message(struct session *s, struct verdict *v) {
    examine(s, v, STAGE_MESSAGE);
    struct filtering *f = s->filtering;
    if (!f || v->action != VERDICT_PASS)
        return;
    put_held_fields(s, f->field);
    if (f->redirect.p)
        redirect(s, v, f->redirect);
}

/* ---- what only milters want to hear of ---- */

static void hear(struct session *s, struct verdict *v, enum stage stage,
                 void (*tell)(struct question *q, struct str line), struct str line) {
    struct filtering *f = s->filtering;
    struct question q = {.s = s, .f = f, .stage = stage, .v = v};
    q.arena = s->transaction.open ? &s->transaction.arena : &s->arena;
    for (size_t i = 0; f && i < f->set->count && v->action == VERDICT_PASS; i++) {
        q.entry = &f->set->entry[i];
        q.filter = &q.entry->filter;
        q.talk = &f->talk[i];
        if (q.filter->kind == FILTER_MILTER && (q.filter->services & s->kind))
            tell(&q, line);
    }
}

static void refused_recipient(struct session *s, struct str address, struct str code, struct str why) {
    struct verdict ignored = {.action = VERDICT_PASS};
    if (!s->filtering)
        return;
    s->filtering->refusal_code = code;
    s->filtering->refusal_text = why;
    hear(s, &ignored, STAGE_RCPT, milter_hear_refused, address);
    s->filtering->refusal_code = (struct str){NULL, 0};
}

static void unknown_command(struct session *s, struct str line, struct verdict *v) {
    hear(s, v, s->transaction.open ? STAGE_RCPT : STAGE_HELO, milter_hear_unknown, line);
}

static void end_transaction(struct session *s) {
    struct filtering *f = s->filtering;
    if (!f)
        return;
    for (size_t i = 0; i < f->set->count; i++)
        milter_end_transaction(&f->talk[i]);
    f->field = NULL;
    f->field_end = NULL;
    f->redirect = (struct str){NULL, 0};
}

const struct examiner filtering_examiner = {
    .name = "filter",
    .examine = {[STAGE_CONNECT] = at_connect,
                [STAGE_HELO] = at_helo,
                [STAGE_MAIL] = at_mail,
                [STAGE_RCPT] = at_rcpt,
                [STAGE_DATA] = at_data,
                [STAGE_MESSAGE] = at_message},
    .refused_recipient = refused_recipient,
    .unknown_command = unknown_command,
    .end_transaction = end_transaction,
    .close = detach,
};
