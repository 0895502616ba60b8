#include "admin/navigation.h"

static const struct {
    unsigned roles;
    const char *href, *icon, *label;
} PLACES[] = {
    {ROUTE_OPERATORS, "/", "home", "Overview"},
    {ROUTE_MANAGERS, "/domains", "globe", "Domains"},
    {ROUTE_OPERATORS, "/mailboxes", "mailbox", "Mailboxes"},
    {ROLE_PROVIDER, "/resellers", "building", "Resellers"},
    {ROLE_PROVIDER | ROLE_RESELLER, "/operators", "people", "Operators"},
    {ROLE_PROVIDER | ROLE_RESELLER, "/queue", "queue", "Queue"},
    {ROUTE_OPERATORS, "/trace", "search", "Message trace"},
    {ROUTE_MANAGERS, "/limits", "queue", "Limits"},
    {ROUTE_MANAGERS, "/retention", "archive", "Retention"},
    {ROLE_PROVIDER | ROLE_RESELLER | ROLE_HELPDESK, "/bans", "key", "Bans"},
    {ROLE_PROVIDER | ROLE_RESELLER, "/audit", "history", "Audit log"},
    {ROLE_PROVIDER, "/filters", "forward", "Filters"},
    {ROLE_PROVIDER, "/rules", "check", "Incoming mail rules"},
    {ROUTE_MANAGERS, "/access", "lock", "Allow and deny"},
    {ROLE_PROVIDER, "/settings", "settings", "Settings"},
};

static const char *role_label(enum role role) {
    switch (role) {
    case ROLE_PROVIDER:
        return "Provider";
    case ROLE_RESELLER:
        return "Reseller";
    case ROLE_DOMAIN:
        return "Domain administrator";
    case ROLE_HELPDESK:
        return "Helpdesk";
    case ROLE_USER:
        return "Mailbox";
    case ROLE_NONE:
        break;
    }
    return "";
}

/* "/domains/7/records" is at "/domains"; "/" only at itself. */
static bool is_at(struct str path, struct str place) {
    if (place.n == 1)
        return str_eq(path, place);
    return str_starts(path, place) && (path.n == place.n || path.p[place.n] == '/');
}

void navigation_show(struct exchange *x) {
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        if (!(PLACES[i].roles & x->actor.role))
            continue;
        struct dict *d = dict_section(x->page, "PLACE");
        dict_set_c(d, "HREF", PLACES[i].href);
        dict_set_c(d, "ICON", PLACES[i].icon);
        dict_set_c(d, "LABEL", PLACES[i].label);
        bool here = is_at(x->request.path, str_of(PLACES[i].href));
        bool zone = is_at(x->request.path, STR("/zones")) && str_eq(str_of(PLACES[i].href), STR("/domains"));
        dict_show_if(d, "CURRENT", here || zone);
    }
    dict_set(x->page, "ACTOR_NAME", x->actor.name.n > 0 ? x->actor.name : x->actor.login);
    dict_set_c(x->page, "ACTOR_ROLE", role_label(x->actor.role));
    dict_show_if(x->page, "HAS_MAIL", x->actor.account_id != 0);
}
