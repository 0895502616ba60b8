/* Policy servers. */
#include "filter/delegate.h"

#include "filtering/state.h"

bool delegate_is_asked(const struct question *q) {
    switch (q->stage) {
    case STAGE_RCPT:
        return q->filter->stages & FILTER_AT_RCPT;
    case STAGE_DATA:
        return q->filter->stages & FILTER_AT_DATA;
    case STAGE_MESSAGE:
        return q->filter->stages & FILTER_AT_MESSAGE;
    default:
        return false;
    }
}

static size_t recipients(const struct transaction *t) {
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++)
        n += !t->recipient[i].removed && !t->recipient[i].added;
    return n;
}

static struct str recipient(const struct question *q) {
    const struct session *s = q->s;
    if (s->candidate)
        return s->candidate->address;
    return s->transaction.count == 1 ? s->transaction.recipient[0].address : STR("");
}

static void put_session(struct question *q, struct buf *out) {
    const struct session *s = q->s;
    uint16_t port;
    struct str here = fact_local_address(q, &port);
    delegate_put(out, "protocol_name", str_of(fact_protocol(s)));
    delegate_put(out, "helo_name", str_of(s->helo));
    delegate_put(out, "client_address", str_of(fact_address(s)));
    delegate_put(out, "client_name", str_of(fact_name(q)));
    delegate_put(out, "reverse_client_name", str_of(fact_reverse(q)));
    delegate_put(out, "client_port", arena_printf(q->arena, "%u", fact_port(s)));
    delegate_put(out, "server_address", here);
    delegate_put(out, "server_port", arena_printf(q->arena, "%u", port));
    delegate_put(out, "sasl_method", str_of(fact_login_method(s)));
    delegate_put(out, "sasl_username", str_of(fact_login(s)));
    delegate_put(out, "sasl_sender", STR(""));
    delegate_put(out, "ccert_subject", STR("")); /* no certificate is asked of clients */
    delegate_put(out, "ccert_issuer", STR(""));
    delegate_put(out, "ccert_fingerprint", STR(""));
    delegate_put(out, "ccert_pubkey_fingerprint", STR(""));
    delegate_put(out, "encryption_protocol", str_of(conn_tls_version(s->conn)));
    delegate_put(out, "encryption_cipher", str_of(conn_tls_cipher(s->conn)));
    delegate_put(out, "encryption_keysize", str_of(fact_cipher_bits(s)));
}

/* The attributes of Postfix 3.7 (SMTPD_POLICY_README), in its order as far as it has one. */
static void put_request(struct question *q, struct buf *out) {
    static const char *const state[STAGE_COUNT] = {
        [STAGE_RCPT] = "RCPT", [STAGE_DATA] = "DATA", [STAGE_MESSAGE] = "END-OF-MESSAGE"};
    const struct transaction *t = &q->s->transaction;
    struct str id = fact_queue_id(q);
    delegate_put(out, "request", STR("smtpd_access_policy"));
    delegate_put(out, "protocol_state", str_of(state[q->stage]));
    delegate_put(out, "queue_id", id);
    delegate_put(out, "instance", id); /* one for all questions about a message */
    delegate_put(out, "sender", t->sender);
    delegate_put(out, "recipient", recipient(q));
    delegate_put(out, "recipient_count", arena_printf(q->arena, "%zu", q->stage == STAGE_RCPT ? 0 : recipients(t)));
    delegate_put(out, "size", arena_printf(q->arena, "%llu", (unsigned long long)fact_size(q)));
    delegate_put(out, "etrn_domain", STR(""));
    delegate_put(out, "stress", STR(""));
    delegate_put(out, "compatibility_level", STR("3.6"));
    delegate_put(out, "mail_version", STR(MANSIO_VERSION));
    delegate_put(out, "policy_context", q->filter->context);
    put_session(q, out);
}

/* ---- what it answers ---- */

static struct str refusal(struct question *q, const char *code, const char *status, const struct delegate_answer *a) {
    struct str text =
        a->text.n ? a->text : arena_printf(q->arena, "Refused by the filter \"%.*s\"", STR_ARG(q->filter->name));
    struct str own = a->status.n ? a->status : str_of(status);
    struct buf out = BUF_EMPTY;
    buf_printf(&out, "%s ", code);
    buf_add_byte(&out, *code); /* the class of the status is that of the code */
    buf_add_str(&out, str_sub(own, 1, own.n));
    if (q->stage == STAGE_RCPT)
        buf_printf(&out, " <%.*s>:", STR_ARG(shown(q->s->candidate->address)));
    buf_add_byte(&out, ' ');
    for (size_t i = 0; i < text.n && out.n < 500; i++)
        buf_add_byte(&out, (unsigned char)text.p[i] < ' ' ? ' ' : text.p[i]);
    struct str reply = arena_str(q->arena, buf_str(&out));
    buf_free(&out);
    return reply;
}

/* "Name: value" */
static void prepend(struct question *q, struct str field) {
    ptrdiff_t colon = str_chr(field, ':');
    if (colon <= 0) {
        decide_note(q, NOTE_WARN, "PREPEND without a header field: \"%.*s\"", STR_ARG(field));
        return;
    }
    decide_note(q, NOTE_PASS, "puts \"%.*s\" on top", STR_ARG(field));
    if (q->filter->warn_only)
        return;
    struct filtering *f = q->f;
    struct held_field *h = arena_alloc(q->arena, sizeof *h);
    h->name = arena_str(q->arena, str_trim(str_sub(field, 0, (size_t)colon)));
    h->value = arena_str(q->arena, str_sub(field, (size_t)colon + 1, field.n));
    if (!f->field)
        f->field_end = &f->field;
    *f->field_end = h;
    f->field_end = &h->next;
}

static void add_copy(struct question *q, struct str address) {
    struct err err;
    if (q->filter->warn_only)
        decide_note(q, NOTE_WARN, "would send a copy to %.*s", STR_ARG(address));
    else if (decide_add_recipient(q, address, &err) == DIRECTORY_OK)
        decide_note(q, NOTE_PASS, "sends a copy to %.*s", STR_ARG(address));
    else
        decide_note(q, NOTE_WARN, "no copy to %.*s: %s", STR_ARG(address), err.text);
}

static void set_redirect(struct question *q, struct str address) {
    decide_note(q, NOTE_WARN, "%s the message to %.*s", q->filter->warn_only ? "would redirect" : "redirects",
                STR_ARG(address));
    if (!q->filter->warn_only)
        q->f->redirect = arena_str(q->arena, address);
}

static void defer_later(struct question *q, const struct delegate_answer *a) {
    decide_note(q, NOTE_WARN, "%s unless somebody refuses: %.*s", q->filter->warn_only ? "would defer" : "defers",
                STR_ARG(a->text));
    if (q->filter->warn_only || q->f->defer.p)
        return;
    q->f->defer = refusal(q, "450", "4.7.1", a);
    q->v->rule = q->filter->name.p;
}

static void heed(struct question *q, const struct delegate_answer *a) {
    switch (a->action) {
    case DELEGATE_DUNNO:
        decide_note(q, NOTE_PASS, "it has no objection");
        break;
    case DELEGATE_REJECT:
        decide_refuse(q, refusal(q, "554", "5.7.1", a), "REJECT %.*s", STR_ARG(a->text));
        break;
    case DELEGATE_DEFER:
        decide_refuse(q, refusal(q, "450", "4.7.1", a), "DEFER %.*s", STR_ARG(a->text));
        break;
    case DELEGATE_CODE:
        decide_refuse(q, refusal(q, a->code, "5.7.1", a), "%s %.*s", a->code, STR_ARG(a->text));
        break;
    case DELEGATE_DEFER_IF_PERMIT:
        defer_later(q, a);
        break;
    case DELEGATE_DEFER_IF_REJECT:
        decide_note(q, NOTE_PASS, "refusals are for now only: %.*s", STR_ARG(a->text));
        q->f->defer_refusals |= !q->filter->warn_only;
        break;
    case DELEGATE_DISCARD:
        decide_discard(q, "DISCARD %.*s", STR_ARG(a->text));
        break;
    case DELEGATE_HOLD:
        decide_quarantine(q, "HOLD %.*s", STR_ARG(a->text));
        break;
    case DELEGATE_PREPEND:
        prepend(q, a->text);
        break;
    case DELEGATE_WARN:
        decide_note(q, NOTE_WARN, "%.*s", STR_ARG(a->text));
        break;
    case DELEGATE_INFO:
        decide_note(q, NOTE_PASS, "%.*s", STR_ARG(a->text));
        break;
    case DELEGATE_REDIRECT:
        set_redirect(q, a->text);
        break;
    case DELEGATE_BCC:
        add_copy(q, a->text);
        break;
    case DELEGATE_FILTER:
        decide_note(q, NOTE_WARN, "FILTER %.*s is not possible here: the message goes its usual way", STR_ARG(a->text));
        break;
    }
}

void delegate_examine(struct question *q) {
    struct buf request = BUF_EMPTY;
    struct delegate_answer answer;
    struct err err;
    put_request(q, &request);
    if (delegate_ask(&q->filter->endpoint, &q->entry->idle, buf_str(&request), q->filter->connect_ms,
                     q->filter->command_ms, q->arena, &answer, &err))
        heed(q, &answer);
    else
        decide_failed(q, &err);
    buf_free(&request);
}
