#include "spf/lookup.h"

#include "base/clock.h"

#include <arpa/nameser.h>
#include <netinet/in.h>

bool spf_lookup_term(struct spf_lookup *l, struct err *err) {
    l->term_is_void = false;
    if (l->terms == SPF_MAX_LOOKUPS)
        return err_set(err, "it needs more than %d look-ups in the DNS", SPF_MAX_LOOKUPS);
    l->terms++;
    return true;
}

static enum spf_found ask(struct spf_lookup *l, struct str name, int type, struct str **rdata, size_t *count,
                          struct err *err) {
    enum dns_status status = DNS_TEMPORARY;
    bool late = clock_monotonic() >= l->deadline;
    *rdata = NULL;
    *count = 0;
    if (!late)
        status = l->resolver->query(l->resolver->context, l->arena, name, type, l->deadline, rdata, count);
    if (status == DNS_OK)
        return SPF_FOUND;
    if (status != DNS_TEMPORARY)
        return SPF_FOUND_NOTHING;
    if (late)
        err_set(err, "the time for it is over");
    else
        err_set(err, "no answer from the name servers about %.*s", STR_ARG(name));
    return SPF_FOUND_TEMPORARY;
}

/* RFC 7208 4.6.4: terms are counted that find nothing, so an mx whose hosts have no address of the client's family is
 * one, however many hosts there are. */
static enum spf_found count_void(struct spf_lookup *l, enum spf_found found, struct err *err) {
    if (found != SPF_FOUND_NOTHING || l->term_is_void)
        return found;
    l->term_is_void = true;
    if (++l->voids <= SPF_MAX_VOIDS)
        return found;
    err_set(err, "more than %d of its look-ups find nothing", SPF_MAX_VOIDS);
    return SPF_FOUND_TOO_MANY;
}

enum spf_found spf_lookup_txt(struct spf_lookup *l, struct str name, struct str **txt, size_t *count, struct err *err) {
    enum spf_found found = ask(l, name, ns_t_txt, txt, count, err);
    for (size_t i = 0; i < *count; i++)
        (*txt)[i] = dns_rdata_text(l->arena, (*txt)[i]);
    return found;
}

static enum spf_found addresses(struct spf_lookup *l, struct str name, int family, struct str **address, size_t *count,
                                struct err *err) {
    size_t size = family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr), n, kept = 0;
    enum spf_found found = ask(l, name, family == AF_INET6 ? ns_t_aaaa : ns_t_a, address, &n, err);
    for (size_t i = 0; i < n; i++)
        if ((*address)[i].n == size)
            (*address)[kept++] = (*address)[i];
    *count = kept;
    return found;
}

enum spf_found spf_lookup_addresses(struct spf_lookup *l, struct str name, int family, struct str **address,
                                    size_t *count, struct err *err) {
    return count_void(l, addresses(l, name, family, address, count, err), err);
}

enum spf_found spf_lookup_mx(struct spf_lookup *l, struct str name, struct str **host, size_t *count, struct err *err) {
    size_t n, kept = 0;
    enum spf_found found = count_void(l, ask(l, name, ns_t_mx, host, &n, err), err);
    *count = 0;
    if (n > SPF_MAX_HOSTS) {
        err_set(err, "%.*s has more than %d mail servers", STR_ARG(name), SPF_MAX_HOSTS);
        return SPF_FOUND_TOO_MANY;
    }
    for (size_t i = 0; i < n; i++)
        if (dns_rdata_name(l->arena, str_sub((*host)[i], 2, (*host)[i].n), &(*host)[kept]))
            kept++;
    *count = kept;
    return found;
}

/* ---- the client's names ---- */

static struct str client_bytes(const struct sockaddr_storage *client) {
    if (client->ss_family == AF_INET6)
        return str_n(&((const struct sockaddr_in6 *)client)->sin6_addr, sizeof(struct in6_addr));
    return str_n(&((const struct sockaddr_in *)client)->sin_addr, sizeof(struct in_addr));
}

static bool leads_back(struct spf_lookup *l, struct str name) {
    struct str *address;
    size_t n;
    /* RFC 7208 5.5: a name that can't be looked up is passed over. Nor does it count as void: the names are in the
     * hands of whoever sends, not of the domain whose policy this is. */
    addresses(l, name, l->client->ss_family, &address, &n, NULL);
    for (size_t i = 0; i < n; i++)
        if (str_eq(address[i], client_bytes(l->client)))
            return true;
    return false;
}

void spf_lookup_validated(struct spf_lookup *l, const struct str **name, size_t *count) {
    struct str *rdata, one;
    size_t n;
    if (!l->validated_known) {
        l->validated_known = true;
        ask(l, dns_reverse_name(l->arena, l->client), ns_t_ptr, &rdata, &n, NULL);
        for (size_t i = 0; i < n && i < SPF_MAX_HOSTS; i++)
            if (dns_rdata_name(l->arena, rdata[i], &one) && one.n && leads_back(l, one))
                l->validated[l->validated_count++] = one;
    }
    *name = l->validated;
    *count = l->validated_count;
}
