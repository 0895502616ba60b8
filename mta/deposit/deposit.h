/*
 * deposit: a message goes into mailboxes here, and what leads elsewhere into the queue, in one commit.
 *
 * A mailbox gets no NUL: IMAP and POP3 have no way to send one to a client that did not ask for binary content (RFC
 * 9051 section 4.3.1, RFC 3501 section 4.3.1, RFC 1939). The parts that hold one become base64, as those of a message
 * that IMAP's APPEND brings (mime/convert.h); NUL where no encoding reaches (headers of parts, the text between parts,
 * a multipart without its boundary) becomes a blank. The queue gets the message as it came.
 */
#ifndef DEPOSIT_DEPOSIT_H
#define DEPOSIT_DEPOSIT_H

#include "mta.h"
#include "smtpd/message.h"
#include "store/queue.h"

struct deposit {
    struct str message;
    bool binary; /* it may hold NUL; nothing else is looked through for one */
    struct store_delivery *delivery;
    size_t count;
    const struct store_queued *queued; /* NULL: nothing goes elsewhere */
    uint64_t kept;                     /* result: bytes of the message as mailboxes have it, without their prefixes */
};

/* As store_deliver(), which makes the results. */
enum store_status deposit_message(const struct mta *m, struct arena *a, struct deposit *d, struct err *err);

/* Appends the message without NUL to `out`, which is empty; what is large goes to the spool folder. *without is its
 * text, until message_end(). False with err where there is no room for it. */
bool deposit_without_nul(struct arena *a, struct str message, const char *spool, struct message *out,
                         struct str *without, struct err *err);

#endif
