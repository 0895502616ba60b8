/*
 * common: what the administration's pages share: outcomes of lib/directory/admin.h, problems shown at their field,
 * sizes, times, made-up passwords, the page that asks before something is deleted.
 */
#ifndef ADMIN_COMMON_H
#define ADMIN_COMMON_H

#include "exchange.h"

/* ---- outcomes ---- */

enum outcome {
    OUTCOME_DONE,
    OUTCOME_REFUSED, /* err has a sentence for the person; the transaction was begun anew, to show the form again */
    OUTCOME_REPLIED, /* an error page is in the reply: return */
};
/* Turns what an admin_*() function returned into one of these. */
enum outcome admin_outcome(struct exchange *x, int64_t result, struct err *err);
/* Runs a statement that changes one row. False: an error page is in the reply, which says so where the row is not
 * there.
 */
bool change_row(struct exchange *x, const struct db_statement *s, struct db_params *p);
/* The sentence with a capital letter and a full stop, unless it begins with a name. */
struct str sentence(struct arena *a, const char *text);
/* Shows the section `name` with the sentence as TEXT: at a field, or above the form. Sets the reply's status to 422. */
void show_problem(struct exchange *x, struct dict *d, const char *name, const struct err *err);
/* Sends the page that has the form again, with the problem. page NULL: there is none, and an error page in the reply.
 */
void form_refused(struct exchange *x, struct dict *page, const char *name, const struct err *err);

/* ---- values ---- */

/* "1.5 GB" */
struct str size_text(struct arena *a, int64_t bytes);
/* A quota as typed: "500", "500 MB", "1.5 GB", "2 TB" (a bare number is MB); "" is -1: without limit. */
bool size_parse(struct str typed, int64_t *bytes, struct err *err);
/* A limit as typed: "" is -1, else a number from 0. */
bool limit_parse(struct str typed, int32_t *limit, struct err *err);
/* "2026-03-01" as the beginning of that day, UTC. False where it is no date. */
bool day_parse(struct str typed, int64_t *t);
/* Sets NAME to "2026-03-01 12:00" (UTC) and NAME_ISO for <time datetime>. */
void dict_time(struct dict *d, const char *name, int64_t t);
/* "1,234" */
struct str count_text(struct arena *a, int64_t n);
/* SQL that counts rows up to one more than the bound, so that a page does not wait for a number nobody reads digit by
 * digit; and its text: "1,234", or "10,000+" beyond the bound. */
#define COUNTED(from, bound) "(SELECT count(*) FROM (SELECT FROM " from " LIMIT " #bound " + 1) counted)"
struct str bounded_text(struct arena *a, int64_t n, int64_t bound);
/* A password that is easy to dictate: four groups of five letters and digits without look-alikes, some 98 bits. */
struct str made_up_password(struct arena *a);
/* The password that a form with the fields "how" (made_up, typed) and "password" asks for; *made_up: to be shown once.
 */
struct str form_password(struct exchange *x, bool *made_up);
/* Shows TYPED or MADE_UP, for the same fields. */
void show_password_choice(struct exchange *x, struct dict *d);
bool form_checked(const struct exchange *x, const char *name);

/* ---- ways to log in: sets of enum directory_protocol ---- */

/* Of their names, separated by blanks. */
unsigned protocols_of(struct str names);
/* {{>PROTOCOLS}}: which may be used; those that the domain has switched off say so. */
void show_protocols(struct dict *d, unsigned off, unsigned off_by_domain);
/* What the form says is switched off; `now` where it does not have them. */
unsigned form_protocols_off(const struct exchange *x, unsigned now);

/* ---- asking first ---- */

struct confirmation {
    const char *title;         /* "Delete the mailbox?" */
    struct str object;         /* what it is about */
    const char *button;        /* "Delete the mailbox" */
    struct str action, cancel; /* paths */
    struct str typed;          /* what must be typed to confirm; p NULL: nothing */
};
/* Starts the page (admin/confirm.tpl); add consequences, then page_send(). */
struct dict *confirm_begin(struct exchange *x, const struct confirmation *c);
void confirm_consequence(struct dict *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Whether the form repeats what was to be typed; where it does not, show the page again. */
bool confirm_typed(struct exchange *x, struct str typed);

#endif
