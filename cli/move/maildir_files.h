/*
 * maildir_files: what Dovecot and Courier keep beside the messages of a Maildir: UIDs, keywords, subscriptions, the
 * UIDLs of POP3. Parsers over the files' bytes; what can't be read in one is passed over, for the messages are there
 * all the same. Results are in the arena (strings point into the bytes given).
 */
#ifndef MOVE_MAILDIR_FILES_H
#define MOVE_MAILDIR_FILES_H

#include "base/memory.h"
#include "move/maildir_name.h"

/* dovecot-uidlist (version 3, and 1) and courierimapuiddb (version 1):
 *     3 V<uidvalidity> N<uidnext> G<guid>      <uid> [P<uidl>] [...] :<file>
 *     1 <uidvalidity> <uidnext>                <uid> <file>                                                      */
struct maildir_uid {
    struct str base; /* of the file's name */
    uint32_t uid;
    struct str uidl; /* p NULL: none */
};
struct maildir_uids {
    uint32_t uidvalidity, uidnext;
    struct maildir_uid *at; /* by base */
    size_t count;
};
/* False where it is none of these. */
bool maildir_uidlist_read(struct arena *a, struct str bytes, struct maildir_uids *out);
const struct maildir_uid *maildir_uid_of(const struct maildir_uids *u, struct str base);

/* courierpop3dsizelist: "/2 <next> <uidvalidity>", then "<file> <size> <uid>:<uidvalidity>"; in "/1" the last field is
 * the UID alone. The UIDL of a message is UID<uid>-<uidvalidity>, or without a UID its file's name. Sets or adds the
 * UIDLs in u. */
void maildir_sizelist_read(struct arena *a, struct str bytes, struct maildir_uids *u);

/* dovecot-keywords: "<number> <name>" for the letters a to z. name[i].p NULL: the letter has none. */
void maildir_keywords_read(struct str bytes, struct str name[MAILDIR_LETTERS]);

/* courierimapkeywords/:list: names, one a line; an empty line; then "<file>:<index> <index> ...". */
struct maildir_keyword {
    struct str base, keyword;
};
struct maildir_keyword_list {
    struct maildir_keyword *at; /* by base */
    size_t count;
};
void maildir_courier_keywords_read(struct arena *a, struct str bytes, struct maildir_keyword_list *out);
/* Those of a message: the first, and how many. */
size_t maildir_keywords_of(const struct maildir_keyword_list *k, struct str base, const struct maildir_keyword **first);

/* subscriptions (Dovecot: plain, or "V 2" with TAB between levels) and courierimapsubscribed ("INBOX.Sub.Folder"):
 * names in UTF-8 with "/" between levels. dots: what separates the levels in a plain file. */
struct str *maildir_subscriptions_read(struct arena *a, struct str bytes, bool dots, size_t *count);

#endif
