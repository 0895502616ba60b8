#include "routes.h"

#include "admin/admin.h"
#include "session/login.h"

const struct route *const all_routes[] = {
    login_routes,
    overview_routes,
    domains_routes,
    domain_routes,
    mailboxes_routes,
    mailbox_routes,
    alias_routes,
    zone_routes,
    record_routes,
    NULL,
};
