/*
 * source: where mail comes from: a Maildir, mbox files, another IMAP server. Each is a table of functions
 * (source_maildir.c, source_mbox.c, source_imap.c); import.c does the rest. A source is one thread's.
 */
#ifndef MOVE_SOURCE_H
#define MOVE_SOURCE_H

#include "base/err.h"
#include "base/memory.h"

struct source_folder {
    struct str name;        /* UTF-8, "/" between levels; "INBOX" */
    struct str special_use; /* "\Sent" ..., p NULL: none */
    bool subscribed;
    bool left_out;        /* holds what other folders have, too (\All, \Flagged): only brought where it is asked for */
    bool by_uid;          /* the messages' keys are UIDs */
    uint32_t uidvalidity; /* 0: none; known once the folder was listed */
    uint64_t uidnext;     /* 0: not known; the same */
    void *own;            /* the source's */
};

struct source_message {
    struct str key; /* what the source calls it, the same each time */
    uint32_t uid;   /* 0: none */
    uint32_t flags; /* enum store_flag */
    struct str *keyword;
    size_t keyword_count;
    int64_t date;    /* microseconds; 0: known when it is read */
    uint64_t size;   /* in bytes, about; 0: not known */
    struct str uidl; /* POP3's; p NULL: none */
    uint64_t offset; /* the source's own */
    struct str path; /* the same */
};

/* A message that was read; or why it can't be, with what may help. */
struct source_content {
    struct str bytes; /* as the store has it; valid during the call */
    bool crlf;        /* move/lines.h */
    const char *why;  /* NULL: it was read */
    bool gone;        /* it was removed meanwhile */
};

struct source;
struct source_kind {
    /* The folders, in any order. Strings in the arena, which lives as long as the source. */
    bool (*folders)(struct source *s, struct arena *a, struct source_folder **out, size_t *count, struct err *err);
    /* The messages of a folder, in the order of their UIDs, those without a UID last. */
    bool (*list)(struct source *s, struct source_folder *f, struct arena *a, struct source_message **out, size_t *count,
                 struct err *err);
    /* Reads these messages of the folder listed last and gives each to `got`, in any order; an entry that was given
     * becomes NULL. False: the source broke, or got() said false. */
    bool (*fetch)(struct source *s, const struct source_folder *f, struct source_message **message, size_t count,
                  bool (*got)(void *context, const struct source_message *m, const struct source_content *content),
                  void *context, struct err *err);
    /* Connects again after it broke; NULL: it doesn't break. */
    bool (*again)(struct source *s, struct err *err);
    void (*close)(struct source *s);
};

struct source {
    const struct source_kind *kind;
    bool broken; /* after a failure: the source itself, not only the folder */
    char *name;  /* "maildir:/home/x/Maildir": under which what was brought is remembered */
};

struct source_options {
    const char *mbox; /* "auto", "o", "rd", "cl", "cl2" */
    struct str uidl;  /* how POP3's UIDLs are made of %u and %v; p NULL: what the source says */
    /* IMAP */
    struct str user, password;
    struct str master;    /* logs in instead, on the user's behalf; p NULL: none */
    struct str mechanism; /* "plain", "login", "xoauth2"; p NULL: the best there is */
    const char *ca;       /* PEM of authorities to trust; NULL: the system's */
    bool unverified, plaintext;
};

/* uri: "maildir:PATH", "mbox:PATH", "imap://[user@]host[:port]", "imaps://...". NULL with err. */
struct source *source_open(struct str uri, const struct source_options *options, struct err *err);
void source_close(struct source *s); /* NULL is fine */

struct source *source_maildir_open(struct str path, const struct source_options *options, struct err *err);
struct source *source_mbox_open(struct str path, const struct source_options *options, struct err *err);
struct source *source_imap_open(struct str uri, const struct source_options *options, struct err *err);

/* A UIDL by a template: %u and %v are UID and UIDVALIDITY, %08Xu the same in eight hexadecimal digits. In the arena. */
struct str source_uidl(struct arena *a, struct str format, uint32_t uid, uint32_t uidvalidity);
/* A keyword that IMAP can carry (RFC 9051 section 9, atom): bytes that it can't become "_". In the arena. */
struct str source_keyword(struct arena *a, struct str name);
/* Appends the whole file. */
bool source_read_file(int folder, const char *path, struct buf *out, struct err *err);

#endif
