/* rspamd: its action decides, its score and symbols go into the header and the message trace. */
#include "filter/rspamd.h"

#include "filtering/state.h"

#include <stdio.h>

enum { MAX_HEADERS = 32, MAX_RCPTS = 1000, SHOWN_SYMBOLS = 30, MAX_LEVEL = 50 };

/* ---- the question ---- */

static void put(struct rspamd_header *list, size_t *n, const char *name, struct str value) {
    if (value.n)
        list[(*n)++] = (struct rspamd_header){name, value};
}

static size_t request_headers(struct question *q, struct rspamd_header *list) {
    const struct session *s = q->s;
    const struct transaction *t = &s->transaction;
    size_t n = 0;
    const char *name = fact_name(q);
    put(list, &n, "IP", str_of(fact_address(s)));
    put(list, &n, "Helo", str_of(s->helo));
    put(list, &n, "Hostname", strcmp(name, "unknown") == 0 ? STR("") : str_of(name));
    put(list, &n, "From", arena_printf(q->arena, "<%.*s>", STR_ARG(t->sender)));
    put(list, &n, "User", str_of(fact_login(s)));
    put(list, &n, "Queue-Id", fact_queue_id(q));
    put(list, &n, "MTA-Name", str_of(s->mta->hostname));
    put(list, &n, "MTA-Tag", q->filter->name);
    put(list, &n, "TLS-Version", str_of(conn_tls_version(s->conn)));
    put(list, &n, "TLS-Cipher", str_of(conn_tls_cipher(s->conn)));
    for (size_t i = 0; i < t->count && i < MAX_RCPTS; i++)
        if (!t->recipient[i].removed)
            put(list, &n, "Rcpt", arena_printf(q->arena, "<%.*s>", STR_ARG(t->recipient[i].address)));
    return n;
}

/* ---- the header ---- */

static void remove_all(struct edit *e, struct str name) {
    while (edit_remove(e, name, 1))
        ;
}

static void remove_fields(struct edit *e, const struct rspamd_answer *a) {
    for (size_t i = 0; i < a->removals; i++) {
        const struct rspamd_removal *r = &a->remove[i];
        if (r->nth == 0) {
            remove_all(e, r->name);
            continue;
        }
        int64_t nth = r->nth;
        if (nth < 0) {
            size_t n;
            const struct edit_field *field = edit_fields(e, &n);
            nth++;
            for (size_t k = 0; k < n; k++)
                nth += str_ieq(field[k].name, r->name);
        }
        if (nth > 0 && nth <= UINT32_MAX)
            edit_remove(e, r->name, (uint32_t)nth);
    }
}

static struct str symbols_text(struct question *q, const struct rspamd_answer *a, const char *separator) {
    struct buf out = BUF_EMPTY;
    for (size_t i = 0; i < a->symbols && i < SHOWN_SYMBOLS; i++)
        buf_printf(&out, "%s%.*s(%.2f)", i ? separator : "", STR_ARG(a->symbol[i].name), a->symbol[i].score);
    if (a->symbols > SHOWN_SYMBOLS)
        buf_printf(&out, "%sand %zu more", separator, a->symbols - SHOWN_SYMBOLS);
    struct str text = arena_str(q->arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static bool is_spam(const struct rspamd_answer *a) {
    return a->action == RSPAMD_ADD_HEADER || a->action == RSPAMD_REWRITE_SUBJECT || a->action == RSPAMD_QUARANTINE ||
           a->action == RSPAMD_REJECT;
}

/* What programs behind us look for. Mail of our own people carries none of it into the world. */
static void put_result(struct question *q, const struct rspamd_answer *a) {
    struct edit *e = &q->s->transaction.edit;
    char level[MAX_LEVEL + 1] = "";
    bool spam = is_spam(a);
    static const char *const names[] = {"X-Spam", "X-Spam-Flag", "X-Spam-Status", "X-Spam-Score", "X-Spam-Level"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove_all(e, str_of(names[i])); /* what others say about it counts nothing here */
    if (q->s->kind != SERVICE_RELAY && q->s->kind != SERVICE_LMTP)
        return;
    for (int i = 0; i < MAX_LEVEL && i + 1 <= a->score; i++)
        level[i] = '*';
    edit_insert(e, 0, STR("X-Spam-Status"),
                arena_printf(q->arena, "%s, score=%.2f required=%.2f\r\n\ttests=[%.*s]", spam ? "Yes" : "No", a->score,
                             a->required, STR_ARG(symbols_text(q, a, ",\r\n\t"))));
    if (*level)
        edit_insert(e, 0, STR("X-Spam-Level"), str_of(level));
    edit_insert(e, 0, STR("X-Spam-Score"), arena_printf(q->arena, "%.2f", a->score));
    if (spam)
        edit_insert(e, 0, STR("X-Spam"), STR("Yes"));
}

static void put_fields(struct question *q, const struct rspamd_answer *a) {
    struct edit *e = &q->s->transaction.edit;
    remove_fields(e, a);
    put_result(q, a);
    if (a->action == RSPAMD_REWRITE_SUBJECT && a->subject.n)
        edit_replace(e, STR("Subject"), 1, a->subject);
    for (size_t i = 0; i < a->adds; i++) {
        int64_t place = a->add[i].place;
        edit_insert(e, place < 0 ? SIZE_MAX : place > 0 ? (size_t)place - 1 : 0, a->add[i].name, a->add[i].value);
    }
    for (size_t i = 0; i < a->signatures; i++)
        edit_insert(e, 0, STR("DKIM-Signature"), a->signature[i]);
}

/* ---- the action ---- */

static struct str refusal(struct question *q, const char *code, const char *usual, struct str message) {
    char *text = arena_c(q->arena, str_sub(message.n ? message : str_of(usual), 0, 400));
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return arena_printf(q->arena, "%s %s", code, text);
}

static void mark_as_spam(struct question *q, const char *why) {
    if (q->filter->found == FILTER_JUNK && !q->filter->warn_only)
        q->s->transaction.junk = true;
    if (q->filter->found == FILTER_REJECT)
        decide_refuse(q, STR("554 5.7.1 The message looks like spam"), "%s", why);
    else
        decide_note(q, NOTE_WARN, "%s", why);
}

static void act(struct question *q, const struct rspamd_answer *a, const char *why) {
    switch (a->action) {
    case RSPAMD_NO_ACTION:
        decide_note(q, NOTE_PASS, "%s", why);
        break;
    case RSPAMD_GREYLIST:
    case RSPAMD_SOFT_REJECT:
        decide_refuse(q, refusal(q, "451 4.7.1", "Try again later", a->message), "%s", why);
        break;
    case RSPAMD_ADD_HEADER:
    case RSPAMD_REWRITE_SUBJECT:
        mark_as_spam(q, why);
        break;
    case RSPAMD_REJECT:
        decide_refuse(q, refusal(q, "554 5.7.1", "The message looks like spam", a->message), "%s", why);
        break;
    case RSPAMD_QUARANTINE:
        decide_quarantine(q, "%s", why);
        break;
    case RSPAMD_DISCARD:
        decide_discard(q, "%s", why);
        break;
    }
}

static void heed(struct question *q, const struct rspamd_answer *a) {
    struct str why = arena_printf(q->arena, "%.*s, score %.2f of %.2f: %.*s", STR_ARG(a->action_name), a->score,
                                  a->required, STR_ARG(symbols_text(q, a, ", ")));
    if (a->skipped) {
        decide_note(q, NOTE_PASS, "it does not look at this message");
        return;
    }
    act(q, a, arena_c(q->arena, why));
    if (q->v->action == VERDICT_PASS && !q->filter->warn_only)
        put_fields(q, a);
}

void rspamd_examine(struct question *q) {
    struct rspamd_header *header =
        arena_array(q->arena, MAX_HEADERS + (q->s->transaction.count < MAX_RCPTS ? q->s->transaction.count : MAX_RCPTS),
                    sizeof *header);
    struct rspamd_answer answer;
    struct str piece[2];
    struct err err;
    uint64_t bytes = message_bytes(q->s);
    if (q->filter->max_size && bytes > q->filter->max_size) {
        decide_note(q, NOTE_PASS, "not shown to it: %llu bytes are over its limit", (unsigned long long)bytes);
        return;
    }
    size_t headers = request_headers(q, header);
    size_t pieces = message_pieces(q->s, piece);
    if (rspamd_ask(q->filter->address, &q->entry->idle, header, headers, piece, pieces, q->filter->connect_ms,
                   q->filter->content_ms, q->arena, &answer, &err))
        heed(q, &answer);
    else
        decide_failed(q, &err);
}
