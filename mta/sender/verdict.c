/* What follows from the results, for each recipient by the policy of its domain. */
#include "authres/authres.h"
#include "directory/address.h"
#include "route/plan.h"
#include "sender/sender.h"
#include "smtpd/session.h"

enum { REPLY_TEXT = 400 };

/* ---- seals that are believed ---- */

static bool is_trusted(const struct sender_policy *p, struct str domain) {
    for (size_t i = 0; i < p->trusted_count; i++)
        if (str_ieq(p->trusted[i], domain) || str_ieq(p->trusted[i], dmarc_organization(domain)))
            return true;
    return false;
}

/* The chain is whole, and its newest sets were sealed by hosts that are trusted. What the first of these found counts,
 * for from there on the message is vouched for: DMARC passed there for the same domain (RFC 8617 section 7.2.1). */
static bool is_vouched_for(struct arena *a, const struct sender_results *r, const struct sender_policy *p,
                           struct str *sealer) {
    const struct arc_set *set = NULL;
    struct str result, from;
    if (r->arc.status != ARC_PASS || !r->arc.set)
        return false;
    for (size_t i = r->arc.count; i > 0 && is_trusted(p, r->arc.set[i - 1].seal.domain); i--) {
        set = &r->arc.set[i - 1];
        if (authres_find(a, set->authentication_results, "dmarc", "header.from", &result, &from) &&
            str_eq(result, STR("pass")) && (!from.p || str_ieq(from, r->dmarc.domain))) {
            *sealer = set->seal.domain;
            return true;
        }
    }
    return false;
}

/* ---- one recipient ---- */

struct consequence {
    enum sender_action action;
    bool spf; /* else dmarc */
};

static struct consequence consequence_of(struct session *s, const struct sender_results *r,
                                         const struct sender_policy *p) {
    struct consequence c = {SENDER_IGNORE, false};
    struct str sealer;
    if (r->dmarc.result == DMARC_FAIL) {
        c.action = r->dmarc.policy == DMARC_POLICY_REJECT       ? p->dmarc_reject
                   : r->dmarc.policy == DMARC_POLICY_QUARANTINE ? p->dmarc_quarantine
                                                                : SENDER_IGNORE;
        if (c.action != SENDER_IGNORE && is_vouched_for(&s->transaction.arena, r, p, &sealer)) {
            session_note(s, "arc", NOTE_PASS, "the seal of %.*s is believed: it found that DMARC passes for %.*s",
                         STR_ARG(sealer), STR_ARG(r->dmarc.domain));
            c.action = SENDER_IGNORE;
        }
    } else if (r->dmarc.from_fields > 1) {
        c.action = p->dmarc_quarantine;
    } else if ((r->dmarc.result == DMARC_NONE || r->dmarc.result == DMARC_PERMERROR) && r->spf->result == SPF_FAIL) {
        c = (struct consequence){p->spf_fail, true};
    }
    return c;
}

/* What is known as a word or two, for the tag. */
static struct str tag(struct arena *a, const struct sender_results *r, bool spf) {
    if (spf)
        return arena_printf(a, "X-Sender-Doubtful: spf=fail; domain=%.*s\r\n", STR_ARG(r->spf->domain));
    if (r->dmarc.result != DMARC_FAIL)
        return STR("X-Sender-Doubtful: dmarc=permerror; several From fields\r\n");
    return arena_printf(a, "X-Sender-Doubtful: dmarc=fail; policy=%s; domain=%.*s\r\n",
                        dmarc_policy_name(r->dmarc.policy), STR_ARG(r->dmarc.domain));
}

/* ---- the message ---- */

/* One line for the sender, of text that the grammar of replies takes. */
static struct str refusal(struct arena *a, const struct sender_results *r, bool spf) {
    struct str why = spf ? r->spf->reason : r->dmarc.reason, domain = spf ? r->spf->domain : r->dmarc.domain;
    struct buf line = BUF_EMPTY;
    if (spf) { /* RFC 7372 section 3.2 */
        buf_printf(&line, "550 5.7.23 spf: the policy of %.*s does not allow this client: %.*s", STR_ARG(domain),
                   STR_ARG(why));
        if (r->spf->explanation.n)
            buf_printf(&line, "; %.*s says: %.*s", STR_ARG(domain), STR_ARG(r->spf->explanation));
    } else if (r->dmarc.result != DMARC_FAIL) { /* RFC 5322 section 3.6 */
        buf_add_c(&line, "550 5.7.1 dmarc: the message has several From fields");
    } else {
        buf_printf(&line, "550 5.7.1 dmarc: %.*s asks to reject what is not proved to be from it (p=%s): %.*s",
                   STR_ARG(domain), dmarc_policy_name(r->dmarc.policy), STR_ARG(why));
    }
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] < ' ' || line.p[i] > '~')
            line.p[i] = '?';
    struct str text = arena_str(a, str_sub(buf_str(&line), 0, REPLY_TEXT));
    buf_free(&line);
    return text;
}

static void mark(struct sender_results *r, struct arena *a, struct envelope_recipient *to, struct consequence c) {
    if (c.action == SENDER_IGNORE)
        return;
    to->junk = c.action >= SENDER_JUNK; /* also where it would be refused, and others have the message */
    to->tag = tag(a, r, c.spf);
    r->doubted = true;
}

void sender_judge(struct session *s, struct sender_results *r, struct verdict *v) {
    struct transaction *t = &s->transaction;
    struct consequence *c = arena_array(&t->arena, t->count, sizeof *c);
    bool all_refuse = true;
    const struct page *page = NULL;
    for (size_t i = 0; i < t->count; i++) {
        if (t->recipient[i].removed)
            continue;
        struct str domain = address_domain(t->recipient[i].address);
        if (!page || !str_eq(page->domain, domain)) {
            book_close(s->mta->book, page);
            page = book_open(s->mta->book, domain);
        }
        if (!page) {
            v->action = VERDICT_REFUSE;
            v->reply = STR("451 4.3.0 The directory can't be asked just now, try again");
            return;
        }
        c[i] = consequence_of(s, r, &page->policy);
        all_refuse = all_refuse && c[i].action == SENDER_REJECT;
    }
    book_close(s->mta->book, page);
    if (page && all_refuse) {
        *v = (struct verdict){VERDICT_REFUSE, c[0].spf ? "spf" : "dmarc", refusal(&t->arena, r, c[0].spf)};
        session_note(s, v->rule, NOTE_REFUSE, "%.*s", STR_ARG(v->reply));
        return;
    }
    for (size_t i = 0; i < t->count; i++)
        mark(r, &t->arena, &t->recipient[i], c[i]);
}

void sender_mark(const struct transaction *t, const struct plan *p) {
    if (!t->results || !t->results->doubted)
        return;
    bool *welcome = arena_array(p->arena, p->delivery_count, sizeof *welcome);
    const struct str **said = arena_array(p->arena, p->delivery_count, sizeof(struct str *));
    for (size_t i = 0; i < t->count; i++) {
        const struct envelope_recipient *to = &t->recipient[i];
        for (size_t k = 0; k < to->route.count && !to->removed; k++) {
            if (!to->route.target[k].account_id)
                continue;
            ptrdiff_t at = plan_delivery(p, to->route.target[k].account_id) - p->delivery;
            welcome[at] = welcome[at] || !to->junk;
            if (to->tag.n)
                said[at] = &to->tag;
        }
    }
    for (size_t i = 0; i < p->delivery_count; i++) {
        struct store_delivery *d = &p->delivery[i];
        if (!welcome[i])
            d->mailbox = STR("Junk");
        if (said[i])
            d->prefix = arena_printf(p->arena, "%.*s%.*s", STR_ARG(d->prefix), STR_ARG(*said[i]));
    }
}
