/* tenants: choosing a reseller in a form (providers only). */
#ifndef ADMIN_TENANTS_H
#define ADMIN_TENANTS_H

#include "exchange.h"

/* CHOICE sections with ID and NAME, CHOSEN shown in one of them. False: an error is in the reply. */
bool tenants_choose(struct exchange *x, struct dict *d, int64_t chosen);
/* The form's "reseller". False where it is none. */
bool tenants_chosen(const struct exchange *x, int64_t *id);

#endif
