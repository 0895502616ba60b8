/* The results as the field that the programs behind us read (RFC 8601). */
#include "authres/authres.h"
#include "sender/sender.h"
#include "smtpd/session.h"

/* RFC 8601 section 2.7.2. */
static void add_spf(struct buf *out, const struct spf_answer *spf, const char *property, struct str value) {
    authres_method(out, "spf", spf_result_text(spf->result));
    if (spf->result != SPF_PASS && spf->result != SPF_NONE)
        authres_reason(out, spf->reason);
    authres_property(out, "smtp", property, value);
}

/* RFC 7489 section 11.1. */
static void add_dmarc(struct buf *out, const struct dmarc_answer *dmarc) {
    authres_method(out, "dmarc", dmarc_result_name(dmarc->result));
    if (dmarc->record_domain.n && dmarc->result == DMARC_FAIL) {
        struct buf published = BUF_EMPTY;
        buf_printf(&published, "p=%s%s", dmarc_policy_name(dmarc->published),
                   dmarc->sampled_out ? ", not of the pct=" : "");
        authres_comment(out, buf_str(&published));
        buf_free(&published);
    }
    if (dmarc->result != DMARC_PASS && dmarc->result != DMARC_NONE)
        authres_reason(out, dmarc->reason);
    authres_property(out, "header", "from", dmarc->domain);
    if (dmarc->result == DMARC_FAIL)
        authres_property(out, "policy", "dmarc", str_of(dmarc_policy_name(dmarc->policy)));
}

/* Methods as lib/dkim and lib/arc write them, on lines of their own. */
static void add_methods(struct buf *out, struct buf *methods) {
    if (methods->n && methods->p[0] != ';')
        authres_methods(out, STR(";\r\n\t"));
    authres_methods(out, buf_str(methods));
    buf_reset(methods);
}

void sender_field(const struct session *s, const struct sender_results *r, struct buf *out) {
    struct buf methods = BUF_EMPTY;
    authres_begin(out, s->mta->hostname);
    if (r->mail)
        add_spf(out, r->mail, "mailfrom", s->transaction.sender);
    add_spf(out, r->helo, "helo", str_of(s->helo));
    dkim_authentication_results(r->signature, r->signatures, &methods);
    add_methods(out, &methods);
    if (r->arc.status != ARC_NONE) {
        arc_authentication_results(&r->arc, &methods);
        add_methods(out, &methods);
    }
    add_dmarc(out, &r->dmarc);
    buf_free(&methods);
}
