/* Signatures on what is ours (RFC 6376), seals on what is forwarded (RFC 8617). */
#include "base/log.h"
#include "directory/address.h"
#include "sender/sender.h"
#include "smtpd/session.h"

/* Up to two keys sign: verifiers that know no Ed25519 need the other. */
enum { MAX_KEYS = 2 };

static bool sign_with(struct arena *a, struct str message, const struct page *page, struct buf *out) {
    struct dkim_signer signer[MAX_KEYS];
    struct err err;
    size_t n = 0;
    for (size_t i = 0; i < page->keys && n < MAX_KEYS; i++)
        if (n == 0 || dkim_key_algorithm(page->key[i].key) != dkim_key_algorithm(signer[0].key))
            signer[n++] = (struct dkim_signer){
                .key = page->key[i].key, .domain = page->domain, .selector = page->key[i].selector};
    if (n && !dkim_sign(a, message, signer, n, out, &err))
        log_warn("a message of %.*s goes out unsigned: %s", STR_ARG(page->domain), err.text);
    return n > 0;
}

/* False where the domain has no keys. */
static bool sign_for(const struct mta *m, struct arena *a, struct str message, struct str domain, struct buf *out) {
    const struct page *page = book_open(m->book, domain);
    bool has_keys = page && sign_with(a, message, page, out);
    book_close(m->book, page);
    return has_keys;
}

void sender_sign_as(const struct mta *m, struct arena *a, struct str message, struct str domain, struct buf *out) {
    if (domain.n)
        sign_for(m, a, message, arena_lower(a, domain), out);
}

/* Notifications are from our host name; the domain that it belongs to signs for it, which is alignment enough. */
static void sign_for_host(const struct mta *m, struct arena *a, struct str message, struct buf *out) {
    struct str name = arena_lower(a, str_of(m->hostname)), organization = dmarc_organization(name);
    while (!sign_for(m, a, message, name, out) && name.n > organization.n)
        name = str_sub(name, (size_t)str_chr(name, '.') + 1, name.n);
}

void sender_sign(const struct mta *m, struct arena *a, struct str message, struct buf *out) {
    size_t count, fields;
    bool odd;
    struct str *domain = dmarc_author_domains(a, message, &count, &fields, &odd);
    for (size_t i = 0; i < count; i++)
        if (str_ieq(domain[i], str_of(m->hostname)))
            sign_for_host(m, a, message, out);
        else
            sign_for(m, a, message, domain[i], out);
}

/* ---- seals ---- */

/* The domain of the first recipient whose mail leaves again; n 0: none does. */
static struct str forwarding_domain(const struct transaction *t) {
    for (size_t i = 0; i < t->count; i++) {
        const struct envelope_recipient *to = &t->recipient[i];
        for (size_t k = 0; k < to->route.count && !to->removed; k++)
            if (!to->route.target[k].account_id)
                return address_domain(to->address);
    }
    return STR("");
}

void sender_seal(const struct session *s, struct arena *a, struct str message, struct buf *out) {
    const struct sender_results *r = s->transaction.results;
    struct str domain = r ? forwarding_domain(&s->transaction) : STR("");
    const struct page *page = domain.n ? book_open(s->mta->book, domain) : NULL;
    struct err err;
    if (page && page->keys) {
        struct arc_sealer sealer = {.key = page->key[0].key, .domain = page->domain, .selector = page->key[0].selector};
        if (!arc_seal(a, message, &r->arc, &sealer, r->field, out, &err))
            log_info("a message is forwarded by %.*s without a seal: %s", STR_ARG(domain), err.text);
    }
    book_close(s->mta->book, page);
}
