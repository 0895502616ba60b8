/*
 * report: tells the message trace (trace/trace.h) what a session decided: who wanted to hand in what, how far it came,
 * what the answer was and why.
 */
#ifndef SMTPD_REPORT_H
#define SMTPD_REPORT_H

#include "route/plan.h"
#include "trace/notes.h"

struct session;

/* Where a decision of this moment belongs: to the recipient that is asked about, the transaction, or the session. */
struct notes *report_notes(struct session *s);
/* The candidate's notes become its own, in the transaction's arena. */
struct str report_take_notes(struct session *s);

/* A command's reply is what was written since the output had `before` bytes (conn_output_pending). Where it refuses a
 * client, a sender, a recipient or a message, that is a row of the trace; mistakes in the protocol are none. stage:
 * "connect", "helo", "mail", "rcpt", "data". */
void report_command(struct session *s, const char *stage, struct str argument, size_t before);

/* The end of the data. message_id: of the header, "" where there is none. */
void report_refused(struct session *s, struct str message_id, const char *reply);
void report_discarded(struct session *s, struct str message_id);
/* why: of each of the plan's deliveries what the reply would be, NULL: it is in the mailbox. by_mail: the sender hears
 * of that by mail, not in the reply. */
void report_accepted(struct session *s, struct str message_id, const struct plan *plan, const char *const *why,
                     bool by_mail);
/* A connection has come. */
void report_begin(const struct session *s);
/* The connection ends; something is told where that was within the data. */
void report_end(struct session *s);

#endif
