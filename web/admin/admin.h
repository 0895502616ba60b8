/* admin: the administration's subjects, one file each; each gives its routes. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "exchange.h"

extern const struct route overview_routes[];

#endif
