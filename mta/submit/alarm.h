/* alarm: tells the operator by mail (the setting mta.postmaster) what the table alarm has. */
#ifndef SUBMIT_ALARM_H
#define SUBMIT_ALARM_H

#include "base/memory.h"
#include "mta.h"

/* Sends the sentence to the postmaster. A failure is logged: the alarm is in the table in any case. */
void alarm_mail(const struct mta *m, struct arena *a, struct str text);

#endif
