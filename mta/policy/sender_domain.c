/* Could an answer be sent to the sender? */
#include "policy/finding.h"

#include "net/dns.h"

static void look_up(struct session *s, struct str domain, struct finding *f) {
    struct arena a = ARENA_EMPTY;
    struct dns_mx *mx;
    struct dns_address *address;
    size_t count;
    enum dns_status status = dns_mx(s->mta->dns, &a, domain, &mx, &count, NULL);
    bool null_mx = status == DNS_OK && count == 1 && mx[0].host.n == 0;
    if (status == DNS_NODATA) /* then its own address counts (RFC 5321 section 5.1) */
        status = dns_addresses(s->mta->dns, &a, domain, &address, &count, NULL);
    arena_free(&a);
    if (null_mx) /* RFC 7505 section 4.2 */
        finding_against(f, RULE_SENDER_DOMAIN, "550 5.7.27", "the sender's domain %.*s takes no mail (null MX)",
                        STR_ARG(str_sub(domain, 0, 200)));
    else if (status == DNS_TEMPORARY)
        finding_against(f, RULE_SENDER_DOMAIN, "450 4.1.8", "the DNS gives no answer about the sender's domain %.*s%s",
                        STR_ARG(str_sub(domain, 0, 200)), ", try again later");
    else if (status == DNS_NODATA)
        finding_against(f, RULE_SENDER_DOMAIN, "550 5.1.8", "the sender's domain %.*s has no mail server (MX, A, AAAA)",
                        STR_ARG(str_sub(domain, 0, 200)));
    else if (status != DNS_OK)
        finding_against(f, RULE_SENDER_DOMAIN, "550 5.1.8", "the sender's domain %.*s does not exist",
                        STR_ARG(str_sub(domain, 0, 200)));
}

void sender_domain_look(struct session *s, struct finding *f) {
    struct str sender = s->transaction.sender;
    ptrdiff_t at = str_rchr(sender, '@');
    if (at < 0 || sender.p[sender.n - 1] == ']') /* the null sender; an address literal */
        return;
    struct str domain = str_sub(sender, (size_t)at + 1, sender.n);
    if (directory_domain(s->mta->directory, domain) != DIRECTORY_OK)
        look_up(s, domain, f);
}
