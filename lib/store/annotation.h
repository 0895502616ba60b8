/*
 * annotation: what clients keep with a mailbox, or with the server (IMAP METADATA, RFC 5464): entries such as
 * "/shared/comment" and their values. A /private entry is the reader's alone, a /shared one everybody's who sees the
 * mailbox. Names are in lower case.
 *
 * After a change the watcher's `annotated` is called (store_watch), in this process at once and in others within 50 ms.
 */
#ifndef STORE_ANNOTATION_H
#define STORE_ANNOTATION_H

#include "store/store.h"

enum {
    STORE_ANNOTATION_BYTES = 32 * 1024,   /* of a value */
    STORE_ANNOTATIONS = 100,              /* of a mailbox for a reader, and shared */
    STORE_ANNOTATIONS_BYTES = 1024 * 1024 /* of all mailboxes of an account */
};

struct store_annotation {
    int64_t mailbox; /* 0: the server's */
    struct str entry;
    struct str value; /* any bytes; p NULL: there is none */
};

/* The entries of a mailbox of the account (0: the server's) that the reader may see, by name, in the arena. */
enum store_status store_annotations(struct store *s, struct arena *a, int64_t account, int64_t mailbox, int64_t reader,
                                    struct store_annotation **out, size_t *count, struct err *err);
/* Those with one of these names, of all mailboxes of the account; by mailbox and name. */
enum store_status store_annotations_named(struct store *s, struct arena *a, int64_t account, int64_t reader,
                                          const struct str *entry, size_t entries, struct store_annotation **out,
                                          size_t *count, struct err *err);
/* All of the account's, the server's and of its mailboxes, that the reader may see; by mailbox and name. */
enum store_status store_annotations_all(struct store *s, struct arena *a, int64_t account, int64_t reader,
                                        struct store_annotation **out, size_t *count, struct err *err);
/* Gives a mailbox what another one of the account has. */
enum store_status store_annotations_copy(struct store *s, int64_t account, int64_t from, int64_t to, struct err *err);
/* Sets them all or none; a value with p NULL removes the entry. STORE_QUOTA: there would be too many. `by` is handed
 * to the watcher of this process. */
enum store_status store_annotate(struct store *s, int64_t account, int64_t mailbox, int64_t reader,
                                 const struct store_annotation *set, size_t count, uint64_t by, struct err *err);

#endif
