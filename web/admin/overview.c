#include "admin/admin.h"

#include "page.h"
#include "session/login.h"

static void get_overview(struct exchange *x) {
    if (x->actor.role == ROLE_USER) {
        exchange_redirect(x, "%s", login_home(x->actor.role));
        return;
    }
    page_begin(x, PAGE_ADMIN, "admin/overview.tpl", "Overview");
    page_send(x);
}

const struct route overview_routes[] = {
    {METHOD_GET, "/", get_overview, ROUTE_ANYONE},
    {0},
};
