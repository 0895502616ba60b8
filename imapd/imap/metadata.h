/*
 * metadata: annotations of mailboxes and of the server (METADATA, RFC 5464; LIST-METADATA, RFC 9590). /private entries
 * are the account's own, /shared ones everybody's who sees the mailbox. The server's /shared entries are the
 * administrators' (settings imap.comment and imap.admin).
 */
#ifndef IMAP_METADATA_H
#define IMAP_METADATA_H

#include "imap/session.h"
#include "store/annotation.h"

enum { METADATA_MAX_ENTRIES = 100, METADATA_ENTRY_BYTES = 255 };

/* The entries that LIST RETURN (METADATA (...)) asks for, and those that there are, read once for all mailboxes. */
struct metadata_list {
    struct str *entry; /* in lower case, in the arena */
    size_t count;
    bool read;
    struct store_annotation *found; /* by mailbox */
    size_t found_count;
};
/* An entry, or several in parentheses. */
bool metadata_parse_entries(struct parser *p, struct metadata_list *l);
/* "* METADATA mailbox (entry value ...)"; NIL for what is not there, nothing where that can't be found out. */
void metadata_list_reply(struct session *s, struct metadata_list *l, const struct store_mailbox *m);
/* An entry's name, quoted where it has to be. */
void metadata_write_entry(struct str entry, struct buf *out);

#endif
