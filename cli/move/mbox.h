/*
 * mbox: one file with many messages, each behind a line "From SENDER DATE" (RFC 4155 and its relatives):
 *
 *   mboxo    ">" before lines that begin with "From "; a ">" that was there before is lost
 *   mboxrd   ">" before lines of ">"s and "From ", so that it can be undone: what we write
 *   mboxcl   as mboxo, and Content-Length says where a message ends
 *   mboxcl2  Content-Length says where a message ends, and nothing is quoted
 *
 * Status, X-Status, X-Keywords, X-UID, X-IMAPbase (Dovecot, UW, mutt) and X-Mozilla-Status and -Keys (Thunderbird) are
 * the mailbox's and not the message's: they are read and left out.
 *
 * What we write has its own lines in front, said to be ours by the first, so that the message behind them comes back to
 * the byte, with whatever lines of such names it has itself (until another program rewrites the file):
 *
 *     From livia@example.org Tue Mar  3 10:00:00 2026
 *     X-Mansio-Mbox: 3; date=1772532000123456; lines=raw; end=none
 *     Status: RO
 *     X-Keywords: $Label1
 *     X-UID: 12
 */
#ifndef MOVE_MBOX_H
#define MOVE_MBOX_H

#include "base/memory.h"

enum mbox_format { MBOX_AUTO, MBOX_O, MBOX_RD, MBOX_CL, MBOX_CL2 };

/* A message as it stands in the file. */
struct mbox_entry {
    struct str from; /* the From line behind "From ", without its end */
    struct str text; /* all behind it, without the empty line that ends it */
    bool by_length;  /* Content-Length said where it ends */
};
/* Whether the file is an mbox: it begins with a From line, or is empty. */
bool mbox_is(struct str file);
/* Takes the next message from *rest. False at the end. Bytes before the first From line are passed over. */
bool mbox_next(struct str *rest, enum mbox_format format, struct mbox_entry *out);

struct mbox_message {
    struct str bytes; /* as a file's, line ends as they are: see move/lines.h */
    bool raw;
    uint32_t flags; /* enum store_flag */
    struct str *keyword;
    size_t keyword_count;
    uint32_t uid, uidvalidity, uidnext; /* 0: not said */
    int64_t date;                       /* microseconds; 0: not said */
    bool recent;
    bool internal; /* no message: a folder's own data, as UW and Dovecot keep it in the first one */
};
/* Takes the entry apart. bytes are built in out, which is emptied first; the rest is in the arena. */
void mbox_read(struct arena *a, const struct mbox_entry *e, enum mbox_format format, struct buf *out,
               struct mbox_message *m);

/* Appends the message as ours. uidvalidity and uidnext: for the first of a file, else 0. file: its bytes, as
 * lines_to_file() gives them. */
void mbox_write(const struct mbox_message *m, struct str sender, struct buf *out);

/* "SENDER Tue Mar  3 10:00:00 2026" and its relatives; 0 where there is no such date. Without a zone the time is the
 * machine's. */
int64_t mbox_from_date(struct str from);

#endif
