/*
 * send_limits: the four limits of what may be sent, of a mailbox, a domain or a reseller: messages and recipients, in
 * an hour and a day.
 */
#ifndef ADMIN_SEND_LIMITS_H
#define ADMIN_SEND_LIMITS_H

#include "exchange.h"

enum { SEND_LIMITS = 4 };
/* As forms and templates name them, in the order of the columns of send_limit. */
extern const char *const send_limit_field[SEND_LIMITS];
extern const char *const send_limit_name[SEND_LIMITS];

/* Adds the four of the form: "" is NULL, what the settings say; "none" or 0 is without limit. False with a sentence. */
bool send_limits_read(struct exchange *x, struct db_params *p, struct err *err);

#endif
