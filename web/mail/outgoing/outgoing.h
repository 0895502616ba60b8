/*
 * outgoing: a mail of our own: who it goes to (recipients.c), its bytes (build.c), and handing it to submission
 * (submit.c).
 */
#ifndef MAIL_OUTGOING_OUTGOING_H
#define MAIL_OUTGOING_OUTGOING_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

enum { OUTGOING_MAX_RECIPIENTS = 200 };

struct recipient {
    struct str name;    /* "": none */
    struct str address; /* as SMTP takes it */
};

struct recipients {
    struct recipient at[OUTGOING_MAX_RECIPIENTS];
    size_t count;
};

/* Adds the addresses that a person typed ("Livia <livia@example.org>, marcus@example.net"). False with a sentence that
 * names the one that is wrong. */
bool recipients_add(struct arena *a, struct str typed, struct recipients *out, struct err *err);

struct outgoing_file {
    struct str name, type; /* type "": not known */
    struct str bytes;
};

/* A part taken over from another mail, encoded as it is there. */
struct outgoing_part {
    struct str name, type, encoding;
    struct str body;
};

struct outgoing {
    struct recipient from;
    struct recipients to, cc, bcc;
    struct str subject, text;           /* UTF-8; text with LF or CR LF */
    struct str message_id;              /* with its angle brackets */
    struct str in_reply_to, references; /* "": none */
    int64_t date;
    const struct outgoing_file *file;
    size_t file_count;
    const struct outgoing_part *part;
    size_t part_count;
};

/* A fresh Message-ID for a sender's domain, in the arena. */
struct str outgoing_message_id(struct arena *a, struct str address);
/* Appends the message, lines ended by CR LF. with_bcc: for the sender's own copies. */
void outgoing_build(const struct outgoing *o, bool with_bcc, struct buf *out);

enum submit_status {
    SUBMIT_OK,
    SUBMIT_REFUSED,  /* for good: err has the server's words */
    SUBMIT_TEMPORARY /* not now: err says why */
};
/* Hands a message to submission, signed in with login and password (token). address: "unix:/path" or "127.0.0.1:587".
 */
enum submit_status submit(const char *address, const char *login, const char *password, const struct outgoing *o,
                          struct str message, struct err *err);

#endif
