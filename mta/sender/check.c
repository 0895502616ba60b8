/* The checks of a message that came in, and the results of others that are not let in. */
#include "authres/authres.h"
#include "base/clock.h"
#include "policy/policy.h"
#include "sender/sender.h"
#include "settings.h"
#include "smtpd/session.h"

/* What claims to be ours and is not (RFC 8601 section 5). */
static void remove_forged(struct session *s) {
    struct edit *e = &s->transaction.edit;
    const struct str name = STR("Authentication-Results");
    size_t count;
    const struct edit_field *field = edit_fields(e, &count);
    for (size_t i = 0, nth = 0; i < count; i++) {
        if (!str_ieq(field[i].name, name))
            continue;
        nth++;
        if (!authres_claims(edit_value(&field[i]), s->mta->hostname))
            continue;
        session_note(s, "authres", NOTE_WARN, "removed results that claim to be of %s", s->mta->hostname);
        edit_remove(e, name, (uint32_t)nth);
        field = edit_fields(e, &count);
        nth--;
        i--;
    }
}

/* ---- the checks ---- */

/* The null sender: the name in HELO alone. */
static struct spf_answer *ask_spf(struct session *s, struct str sender) {
    struct transaction *t = &s->transaction;
    struct spf_answer *answer = arena_alloc(&t->arena, sizeof *answer);
    const struct spf_request q = {
        .client = &s->client.sockaddr, .helo = str_of(s->helo), .sender = sender, .receiver = s->mta->hostname};
    spf_check(s->mta->dns, &t->arena, &q, answer);
    return answer;
}

const struct spf_answer *sender_spf(struct session *s) {
    struct transaction *t = &s->transaction;
    if (!t->spf || t->spf->result == SPF_TEMPERROR)
        t->spf = ask_spf(s, t->sender);
    return t->spf;
}

static void check_spf(struct session *s, struct sender_results *r) {
    r->spf = sender_spf(s);
    r->mail = s->transaction.sender.n ? r->spf : NULL;
    r->helo = r->mail ? ask_spf(s, STR("")) : r->spf;
}

static void check_signatures(struct session *s, struct sender_results *r, int64_t timeout) {
    struct transaction *t = &s->transaction;
    const struct dkim_options o = {.seconds = (unsigned)((timeout + CLOCK_SECOND - 1) / CLOCK_SECOND)};
    dkim_verify(s->mta->dns, &t->arena, t->edit.message, &o, &r->signature, &r->signatures);
    arc_verify(s->mta->dns, &t->arena, t->edit.message, &o, &r->arc);
}

static void check_dmarc(struct session *s, struct sender_results *r) {
    struct transaction *t = &s->transaction;
    const struct dmarc_request q = {
        .message = t->edit.message, .spf = r->spf, .signature = r->signature, .signatures = r->signatures};
    dmarc_check(s->mta->dns, &t->arena, &q, &r->dmarc);
}

static void tell(struct session *s, const struct sender_results *r) {
    if (r->mail)
        session_note(s, "spf", r->mail->result == SPF_FAIL ? NOTE_WARN : NOTE_PASS, "%s for %.*s: %.*s",
                     spf_result_text(r->mail->result), STR_ARG(r->mail->domain), STR_ARG(r->mail->reason));
    session_note(s, "spf", r->helo->result == SPF_FAIL ? NOTE_WARN : NOTE_PASS, "%s for the name in HELO: %.*s",
                 spf_result_text(r->helo->result), STR_ARG(r->helo->reason));
    for (size_t i = 0; i < r->signatures; i++) {
        const struct dkim_signature *d = &r->signature[i];
        session_note(s, "dkim", d->result == DKIM_PASS ? NOTE_PASS : NOTE_WARN, "%s for %.*s with the key %.*s%s%.*s",
                     dkim_result_name(d->result), STR_ARG(d->domain), STR_ARG(d->selector), d->reason.n ? ": " : "",
                     STR_ARG(d->reason));
    }
    if (r->arc.status != ARC_NONE)
        session_note(s, "arc", r->arc.status == ARC_PASS ? NOTE_PASS : NOTE_WARN, "%s: %.*s",
                     arc_status_name(r->arc.status), STR_ARG(r->arc.reason));
    session_note(s, "dmarc", r->dmarc.result == DMARC_FAIL ? NOTE_WARN : NOTE_PASS, "%s for %.*s: %.*s",
                 dmarc_result_name(r->dmarc.result), STR_ARG(r->dmarc.domain), STR_ARG(r->dmarc.reason));
}

/* A filter of ours, a list manager, a host of our own network. */
static bool is_trusted(const struct session *s) {
    return s->kind == SERVICE_LMTP || (s->kind == SERVICE_RELAY && policy_may_relay(s));
}

static bool is_checked(struct session *s) {
    return s->kind == SERVICE_RELAY && !s->authenticated && settings_sender_check(s->mta, &s->transaction.arena);
}

static void examine(struct session *s, struct verdict *v) {
    struct transaction *t = &s->transaction;
    if (is_trusted(s))
        return;
    remove_forged(s);
    if (!is_checked(s))
        return;
    struct sender_results *r = arena_alloc(&t->arena, sizeof *r);
    int64_t timeout = settings_sender_timeout(s->mta, &t->arena);
    dns_limit(clock_monotonic() + timeout);
    check_spf(s, r);
    check_signatures(s, r, timeout);
    check_dmarc(s, r);
    dns_limit(0);
    t->results = r;
    tell(s, r);
    sender_judge(s, r, v);
    if (v->action != VERDICT_PASS)
        return;
    struct buf field = BUF_EMPTY;
    sender_field(s, r, &field);
    r->field = arena_str(&t->arena, buf_str(&field));
    buf_free(&field);
    edit_insert(&t->edit, 0, STR("Authentication-Results"), r->field);
}

const struct examiner sender_examiner = {.name = "sender", .examine = {[STAGE_MESSAGE] = examine}};
