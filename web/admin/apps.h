/* apps: what the person's own page and the mailbox's page share about app passwords and access tokens. */
#ifndef ADMIN_APPS_H
#define ADMIN_APPS_H

#include "exchange.h"

/* Fills APP and TOKEN (admin/app_list.tpl); `path` is the page's, below which removing is. False: replied. */
bool apps_show(struct exchange *x, struct dict *d, int64_t account, struct str path, bool *only);
/* False: replied. */
bool apps_remove(struct exchange *x, int64_t account, bool token, int64_t id);

#endif
