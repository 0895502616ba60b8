/* navigation: the side of every administration page: what the actor's role can reach, with the current place marked. */
#ifndef ADMIN_NAVIGATION_H
#define ADMIN_NAVIGATION_H

#include "exchange.h"

/* Fills x->page (layout/admin.tpl). */
void navigation_show(struct exchange *x);

#endif
