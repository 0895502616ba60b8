/*
 * filtering: the examiner (smtpd/stage.h) that asks the filters an administrator has configured (lib/filter/filter.h),
 * in their order: milters at every stage, policy servers at RCPT, DATA or the end, rspamd and clamd at the end. Each
 * sees what those before it changed. Where none is configured for a service, a session pays one comparison a stage.
 *
 *     filtering.c  the stages           decide.c  what is made of an answer, or of none
 *     facts.c      what they are told   milter.c, macros.c, changes.c  delegate.c  rspamd.c  clamd.c
 */
#ifndef FILTERING_FILTERING_H
#define FILTERING_FILTERING_H

#include "smtpd/stage.h"

extern const struct examiner filtering_examiner;

#endif
