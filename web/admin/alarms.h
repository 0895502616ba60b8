/* alarms: what somebody should look at, on top of the overview. */
#ifndef ADMIN_ALARMS_H
#define ADMIN_ALARMS_H

#include "exchange.h"

/* Includes the alarms that nobody has seen, as far as the actor may know of them. False: replied. */
bool alarms_show(struct exchange *x, struct dict *d);

#endif
