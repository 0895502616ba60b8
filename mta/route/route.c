#include "route/route.h"

#include "directory/address.h"
#include "settings.h"

static enum directory_status resolve(const struct mta *m, struct arena *a, struct str local, struct str domain,
                                     struct directory_route *out) {
    return directory_resolve(m->directory, a, arena_printf(a, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain)), out);
}

static enum directory_status resolve_postmaster(const struct mta *m, struct arena *a, struct directory_route *out) {
    struct str address = settings_postmaster(m, a), domain = str_of(m->hostname), label;
    if (address.n)
        return directory_resolve(m->directory, a, address, out);
    enum directory_status status = DIRECTORY_UNKNOWN_DOMAIN;
    while (status == DIRECTORY_UNKNOWN_DOMAIN && str_split(&domain, '.', &label) && domain.p)
        status = resolve(m, a, STR("postmaster"), domain, out);
    return status == DIRECTORY_UNKNOWN_DOMAIN ? DIRECTORY_UNKNOWN_RECIPIENT : status;
}

enum directory_status route_recipient_of(const struct mta *m, struct arena *a, struct str local, struct str domain,
                                         bool may_relay, struct directory_route *out) {
    enum directory_status status = resolve(m, a, local, domain, out);
    bool at_host = status == DIRECTORY_UNKNOWN_DOMAIN && str_ieq(domain, str_of(m->hostname));
    bool postmaster = str_ieq(local, STR("postmaster"));
    if ((postmaster && (at_host || status == DIRECTORY_UNKNOWN_RECIPIENT)) || (at_host && may_relay))
        return resolve_postmaster(m, a, out);
    if (at_host)
        return DIRECTORY_UNKNOWN_RECIPIENT;
    if (status != DIRECTORY_UNKNOWN_DOMAIN || !may_relay)
        return status;
    out->target = arena_alloc(a, sizeof *out->target);
    *out->target =
        (struct directory_target){.quota_bytes = -1, .address = address_format(a, local, domain), .next_hop = STR("")};
    out->count = 1;
    out->tenant_id = 0;
    return DIRECTORY_OK;
}
