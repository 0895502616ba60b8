/*
 * milter: the client's side of the milter protocol, version 6 down to 2: packets, negotiation, replies. What is said at
 * which stage of a session is the business of mta/filter/milter.c.
 *
 * A packet is a length (4 bytes, network order, of what follows), a command or reply byte, and its data. The protocol
 * has no document of its own; it is as libmilter (Sendmail 8.14 and later) and Postfix speak it.
 */
#ifndef FILTER_MILTER_H
#define FILTER_MILTER_H

#include "filter/endpoint.h"

enum milter_command {
    MILTER_ABORT = 'A',
    MILTER_BODY = 'B',
    MILTER_CONNECT = 'C',
    MILTER_MACROS = 'D',
    MILTER_END = 'E',
    MILTER_HELO = 'H',
    MILTER_QUIT_REUSE = 'K', /* the conversation ends, another one follows on the same connection */
    MILTER_HEADER = 'L',
    MILTER_MAIL = 'M',
    MILTER_END_HEADER = 'N',
    MILTER_NEGOTIATE = 'O',
    MILTER_QUIT = 'Q',
    MILTER_RCPT = 'R',
    MILTER_DATA = 'T',
    MILTER_UNKNOWN = 'U',
};

enum milter_reply_kind {
    MILTER_ADD_RCPT = '+',
    MILTER_REMOVE_RCPT = '-',
    MILTER_ADD_RCPT_PARAMETERS = '2',
    MILTER_SHUTDOWN = '4',
    MILTER_ACCEPT = 'a',
    MILTER_REPLACE_BODY = 'b',
    MILTER_CONTINUE = 'c',
    MILTER_DISCARD = 'd',
    MILTER_CHANGE_FROM = 'e',
    MILTER_CONNECTION_FAILED = 'f',
    MILTER_ADD_HEADER = 'h',
    MILTER_INSERT_HEADER = 'i',
    MILTER_CHANGE_HEADER = 'm',
    MILTER_PROGRESS = 'p',
    MILTER_QUARANTINE = 'q',
    MILTER_REJECT = 'r',
    MILTER_SKIP = 's',
    MILTER_TEMPFAIL = 't',
    MILTER_REPLY_CODE = 'y',
};

enum milter_change { /* what a milter may do at the end of a message (SMFIF_...) */
                     MILTER_MAY_ADD_HEADERS = 0x1,
                     MILTER_MAY_CHANGE_BODY = 0x2,
                     MILTER_MAY_ADD_RCPT = 0x4,
                     MILTER_MAY_REMOVE_RCPT = 0x8,
                     MILTER_MAY_CHANGE_HEADERS = 0x10,
                     MILTER_MAY_QUARANTINE = 0x20,
                     MILTER_MAY_CHANGE_FROM = 0x40,
                     MILTER_MAY_ADD_RCPT_PARAMETERS = 0x80,
                     MILTER_MAY_SET_MACROS = 0x100,
                     MILTER_MAY_ALL = 0x1ff,
};

enum milter_option { /* how it wants to be spoken to (SMFIP_...) */
                     MILTER_NO_CONNECT = 0x1,
                     MILTER_NO_HELO = 0x2,
                     MILTER_NO_MAIL = 0x4,
                     MILTER_NO_RCPT = 0x8,
                     MILTER_NO_BODY = 0x10,
                     MILTER_NO_HEADERS = 0x20,
                     MILTER_NO_END_HEADER = 0x40,
                     MILTER_SILENT_HEADERS = 0x80, /* it does not answer to these */
                     MILTER_NO_UNKNOWN = 0x100,
                     MILTER_NO_DATA = 0x200,
                     MILTER_SKIPS = 0x400,         /* it may say MILTER_SKIP */
                     MILTER_REFUSED_RCPTS = 0x800, /* it wants to hear of refused recipients, too */
                     MILTER_SILENT_CONNECT = 0x1000,
                     MILTER_SILENT_HELO = 0x2000,
                     MILTER_SILENT_MAIL = 0x4000,
                     MILTER_SILENT_RCPT = 0x8000,
                     MILTER_SILENT_DATA = 0x10000,
                     MILTER_SILENT_UNKNOWN = 0x20000,
                     MILTER_SILENT_END_HEADER = 0x40000,
                     MILTER_SILENT_BODY = 0x80000,
                     MILTER_LEADING_SPACE =
                         0x100000, /* the blank behind a header field's colon is part of its value, both ways */
                     MILTER_OPTIONS = 0x1fffff,
};

enum milter_stage { /* for which a milter may name the macros it wants */
                    MILTER_AT_CONNECT,
                    MILTER_AT_HELO,
                    MILTER_AT_MAIL,
                    MILTER_AT_RCPT,
                    MILTER_AT_DATA,
                    MILTER_AT_END,
                    MILTER_AT_END_HEADER,
                    MILTER_STAGES,
};

enum {
    MILTER_VERSION = 6,
    MILTER_OLDEST = 2,
    MILTER_CHUNK = 65535,        /* bytes of the body in one packet */
    MILTER_MAX_PACKET = 1 << 20, /* that is taken from a milter */
    MILTER_MAX_MACROS = 4096,    /* bytes of a list of macros that it asks for */
};

/* What both sides agreed on. */
struct milter_terms {
    uint32_t version, may, options;
    struct str macros[MILTER_STAGES]; /* names, separated by blanks or commas; p NULL: ours */
};

/* A reply taken apart. Strings point into its data. */
struct milter_reply {
    enum milter_reply_kind kind;
    uint32_t index;        /* of MILTER_INSERT_HEADER and MILTER_CHANGE_HEADER */
    struct str name, text; /* header field and value; address and its parameters; body; reason; reply line(s) */
};

/* Pure. False with err: not of the protocol. */
bool milter_read_terms(struct str data, struct milter_terms *out, struct err *err);
bool milter_read_reply(char kind, struct str data, struct milter_reply *out, struct err *err);
/* An SMTP reply out of a milter's text: 4yz or 5yz in each line, all with the same code, no control bytes, doubled
 * percent signs made one; lines end with CR LF but the last. Appends it to out; false with err where it is none. */
bool milter_smtp_reply(struct str text, struct buf *out, struct err *err);

/* ---- a connection ---- */

struct milter {
    struct stream *stream;
    struct milter_terms terms;
    struct buf terms_data; /* holds terms.macros */
    struct buf out;        /* gathered, sent before a reply is waited for */
    struct buf in;
    bool used; /* comes from the idle ones: it may have gone meanwhile */
};

/* Connects and negotiates: version 6, or, where the milter hangs up at that, 2. NULL with err. */
struct milter *milter_open(const struct endpoint *e, int connect_ms, int command_ms, struct err *err);
void milter_close(struct milter *m); /* without a word */
void milter_quit(struct milter *m);  /* says goodbye and closes */

/* Gathers a packet; the data may be in two parts. */
void milter_put(struct milter *m, enum milter_command command, struct str data, struct str more);
bool milter_flush(struct milter *m, int timeout_ms, struct err *err);
/* Sends a packet with data that are not copied, after what was gathered. */
bool milter_send(struct milter *m, enum milter_command command, struct str data, int timeout_ms, struct err *err);
/* Sends what was gathered and waits for a packet. */
bool milter_receive(struct milter *m, struct milter_reply *out, int timeout_ms, struct err *err);

#endif
