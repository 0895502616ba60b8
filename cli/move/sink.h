/*
 * sink: where mail goes to: a Maildir or a tree of mbox files. Each is a table of functions (sink_maildir.c,
 * sink_mbox.c); export.c does the rest. One thread's.
 */
#ifndef MOVE_SINK_H
#define MOVE_SINK_H

#include "base/err.h"
#include "base/memory.h"
#include "store/store.h"

struct sink_message {
    const struct store_message *of;
    struct str bytes; /* as the store has it */
    bool crlf;        /* it came out of a file with CR LF (move/lines.h) */
    bool recent;      /* no session saw it */
    struct str uidl;  /* that it brought; p NULL: none */
};

struct sink;
struct sink_kind {
    /* A mailbox, with all its messages (their flags, not their bytes). */
    bool (*begin)(struct sink *s, const struct store_mailbox *box, const struct store_message *m, size_t count,
                  struct err *err);
    /* The message is there already, as it was written before; its flags are brought up to date. NULL: never. */
    bool (*has)(struct sink *s, const struct sink_message *m);
    bool (*add)(struct sink *s, const struct sink_message *m, struct err *err);
    /* What was added is on the disk. */
    bool (*end)(struct sink *s, struct err *err);
    /* All of it; the mailboxes in the order in which they began. */
    bool (*finish)(struct sink *s, const struct store_mailbox *box, size_t count, struct err *err);
    void (*close)(struct sink *s);
};
struct sink {
    const struct sink_kind *kind;
};

/* uri: "maildir:PATH" or "mbox:PATH". tree: LAYOUT=fs instead of Maildir++. NULL with err. */
struct sink *sink_open(struct str uri, bool tree, struct err *err);
void sink_close(struct sink *s); /* NULL is fine */

struct sink *sink_maildir_open(struct str path, bool tree, struct err *err);
struct sink *sink_mbox_open(struct str path, struct err *err);

/* Makes the directory and those above it. */
bool sink_make_directory(const char *path, struct err *err);
/* Writes a small file whole: under another name first. */
bool sink_write_file(const char *path, struct str bytes, struct err *err);

#endif
