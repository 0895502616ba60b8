/* routes: every path of the site: the tables of all subjects. */
#ifndef ROUTES_H
#define ROUTES_H

#include "http/router.h"

extern const struct route *const all_routes[];

#endif
