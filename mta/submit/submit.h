/*
 * submit: what a submission server owes to mail that its own users hand in (RFC 6409 section 8): the header fields that
 * a message must have, and that nobody sends under another one's address.
 */
#ifndef SUBMIT_SUBMIT_H
#define SUBMIT_SUBMIT_H

#include "directory/directory.h"
#include "hops/hops.h"
#include "mta.h"

/* Appends the fields that the message lacks: From (of the reverse-path), Date, Message-ID. */
void submit_complete(const struct mta *m, const struct hops_header *h, struct str sender, const char *id, int64_t now,
                     struct buf *out);

enum submit_verdict { SUBMIT_ALLOWED, SUBMIT_REFUSED, SUBMIT_TEMPORARY };
/* Whether the account may use this reverse-path (the null one: always; read receipts have it, RFC 8098 section 3). */
enum submit_verdict submit_may_send_as(const struct mta *m, const struct directory_account *account,
                                       struct str address);
/* The same for each author in the header; *refused is the address that is not allowed. */
enum submit_verdict submit_check_authors(const struct mta *m, struct arena *a, const struct directory_account *account,
                                         const struct hops_header *h, struct str *refused);

#endif
