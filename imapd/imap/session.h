/*
 * session: one IMAP connection (RFC 3501, RFC 9051). Gathers commands with their literals, runs them one after another
 * in the order they came, and announces what others did where the protocol allows it.
 *
 * A command is a function that parses its arguments, acts, and ends by session_ok(), session_no() or session_bad(); or
 * it sets session->resume and returns COMMAND_MORE: then it is called again when the output has gone out. Between
 * commands a session holds no arena and no buffers.
 */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include "imap/parse.h"
#include "net/server.h"
#include "service.h"
#include "view/view.h"

enum session_state {
    NOT_AUTHENTICATED = 1,
    AUTHENTICATED = 2,
    SELECTED = 4,
};

enum outcome {
    COMMAND_DONE,  /* the tagged reply is written */
    COMMAND_MORE,  /* call session->resume when the output is gone */
    COMMAND_INPUT, /* session->take_input gets what comes, instead of commands */
};

enum {
    NOOP_LOOK_MS = 10
}; /* NOOP sees what was delivered by another process so long ago, however late the word of it comes */

struct session;
struct command; /* imap/command.h */
struct append;  /* imap/append.h */
struct context; /* imap/context.h */
struct sasl;    /* sasl/sasl.h */
struct notify;  /* imap/notify.h */
struct watch_client;

struct session {
    struct conn *conn;
    const struct service *service;
    bool trusted;
    enum session_state state;

    /* the command under way */
    struct arena arena;
    struct str tag;
    const struct command *command;
    bool uid; /* its UID variant */
    enum outcome (*resume)(struct session *s);
    void (*abandon)(struct session *s); /* frees what the job holds outside of the arena; NULL: nothing */
    void *job;                          /* what resume works on, in the arena */
    enum outcome (*take_input)(
        struct session *s); /* COMMAND_INPUT; consumes, or returns COMMAND_INPUT again for more */
    size_t scanned;         /* bytes of the input that belong to the command for certain */
    size_t searched;        /* no line end before here */
    int literals;           /* of the command being gathered */
    size_t command_bytes;   /* of the command that runs, while they are still in the input */
    uint32_t limited_at;    /* the lowest UID that it takes, where that is not all that it was asked for (limit.h) */
    struct {
        uint64_t goal, base; /* goal 0: nothing is told */
        int64_t next;
    } progress; /* imap/progress.h */
    struct append *append;
    struct sasl *sasl; /* AUTHENTICATE is under way */

    /* who */
    int64_t account;
    char *login;
    int64_t looked_up; /* when the account was last found to be good */
    int failures;
    bool counted; /* has a place among the account's connections (limits.h) */
    bool closing, start_tls;
    enum step layer; /* STEP_DEFLATE, STEP_PLAIN: what the command just run asks of the connection; else STEP_WAIT */
    bool utf8;       /* ENABLE UTF8=ACCEPT */
    bool condstore;  /* changes are told with their MODSEQ (imap/condstore.h) */
    bool metadata;   /* ENABLE METADATA: told of annotations that others change (imap/metadata.h) */
    bool qresync;    /* ENABLE QRESYNC: expunges are told as VANISHED, with UIDs */
    bool rev2;       /* ENABLE IMAP4rev2: as RFC 9051 has it, with UTF-8 and without anything \Recent */
    bool uid_only;   /* ENABLE UIDONLY (RFC 9586): no sequence numbers in either direction */

    /* the selected mailbox */
    struct view_client *client;
    int64_t owner, mailbox; /* whose it is (imap/access.h) */
    int64_t reader;         /* this account where it is not the owner, else 0: whose \Seen is meant */
    unsigned rights;        /* what the session may do there (store/sharing.h) */
    int64_t rights_at;      /* when that was asked last */
    bool read_only;         /* by EXAMINE */
    bool idling;
    char *idle_tag;
    struct context *contexts;     /* imap/context.h */
    struct sequence saved;        /* UIDs, ascending: the result that SEARCH RETURN (SAVE) kept (RFC 5182) */
    struct notify *notify;        /* what NOTIFY asked for; NULL: it was not used yet */
    struct watch_client *watch;   /* of what happens elsewhere; NULL: nothing is to be told */
    struct watch_client **shared; /* and in the accounts whose mailboxes it shares */
    size_t shares;
    struct str own_mailbox;        /* the command under way does something to this one (imap/notify.h) */
    struct uid_range own_messages; /* and added these to the selected mailbox */
    int idle_looks;                /* timeouts since IDLE began */
    uint32_t keyword_sets;         /* of the view when FLAGS was sent */
    size_t keywords;               /* that were in it */
};

extern const struct protocol imap_protocol;

/* ---- replies; fmt without tag and line end. They return COMMAND_DONE. ---- */

/* OK behind what others changed. */
enum outcome session_ok(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum outcome session_no(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
enum outcome session_bad(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* BAD with the parser's error. */
enum outcome session_syntax(struct session *s, const struct parser *p);
/* NO with the response code that fits (RFC 5530). code NULL: the status's own. */
enum outcome session_refused(struct session *s, enum store_status status, const char *code, const struct err *err);

/* Whether an EXPUNGE may be told now that no command forbids it: not where the client has sent commands that use the
 * numbers as they are (imap/pipeline.h). */
bool session_may_expunge(struct session *s);
/* Announces what changed in the selected mailbox, sequence numbers too where expunges. */
void session_announce(struct session *s, bool expunges);
/* " MODSEQ (n)" */
void session_modseq(const struct view_message *m, struct buf *out);
/* "* n FETCH (", or "* uid UIDFETCH (" (RFC 9586 section 3.3). */
void session_fetch(const struct session *s, uint32_t seq, uint32_t uid, struct buf *out);
/* "* n FETCH (...)" with the flags of one message, and its MODSEQ where the client wants that. */
void session_flags(struct session *s, uint32_t seq, const struct view_message *m, bool with_uid);
/* "(\Seen $Forwarded)" */
void session_flag_list(const struct session *s, const struct view_message *m, struct buf *out);
/* A mailbox's name as the client reads it. */
void session_mailbox_name(const struct session *s, struct str name, struct buf *out);
/* Tells the mailbox by its name as it is, with the one that the client used where that is another (RFC 9051 section
 * 6.3.9.7, OLDNAME). attributes: "\\Subscribed \\Sent", or "". */
void session_list(struct session *s, struct str attributes, struct str name, struct str old_name);

/* FLAGS and PERMANENTFLAGS: always, or when there are new keywords. */
void session_keywords(struct session *s, bool always);

/* The client names a UID. Where it has it from elsewhere (APPENDUID or COPYUID of another connection) and this session
 * was not told of it, it is told now, so that what it says of that message is not passed over. False: the store is
 * away. */
bool session_meet(struct session *s, uint32_t uid);
/* Makes the set (of UIDs in a UID command) into ranges of sequence numbers, ascending, that the client knows. "$" is
 * what was saved, as far as the client still has it. Unknown UIDs are passed over; a sequence number that is not there
 * is an error (RFC 3501 section 9, seq-number): false, and so where the store is away (session_syntax() tells). */
bool session_messages(struct session *s, struct parser *p, struct sequence *set, bool uids);
/* Those ranges as ranges of UIDs, in the arena. */
struct sequence session_uids(struct session *s, const struct sequence *set);
void session_unselect(struct session *s);
/* What the account may hold by now. */
struct store_quota session_quota(struct session *s);
/* The capabilities as they are now, "IMAP4rev1 ...". */
void session_capabilities(const struct session *s, struct buf *out);

static inline struct buf *session_out(struct session *s) { return conn_output(s->conn); }

#endif
