/*
 * session: what the files of smtpd/ share about one connection.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "directory/directory.h"
#include "edit/edit.h"
#include "net/sockaddr.h"
#include "smtpd/data.h"
#include "smtpd/message.h"
#include "smtpd/smtpd.h"
#include "smtpd/stage.h"
#include "trace/notes.h"

/* What the next bytes from the client are. */
enum input {
    INPUT_GREETING, /* nothing yet: the client has to wait for the greeting */
    INPUT_COMMAND,
    INPUT_REST_OF_LINE, /* of a line that was too long: thrown away up to its end */
    INPUT_AUTH,         /* the response to a challenge of AUTH */
    INPUT_DATA,
    INPUT_CHUNK,
};

struct envelope_recipient {
    struct str address; /* local@domain, as it was checked */
    struct directory_route route;
    struct str parameters; /* of RCPT, as they were given; good while it is the candidate */
    struct str notify;     /* DSN, p NULL: none (RFC 3461 section 4.1) */
    struct str orcpt;      /* decoded, p NULL: none */
    bool added;            /* by a filter: the client did not name it and hears nothing of it */
    bool removed;          /* by a filter: nothing is delivered to it, and the client hears that all is well */
    /* for it the message goes into Junk; and a header field for its copy, with its line end (n 0: none) */
    bool junk;
    struct str tag;
    struct str notes; /* what was decided about it, for the trace */
};

/* From MAIL to the end of its data, RSET, or the next EHLO. */
struct transaction {
    struct arena arena;
    bool open;
    bool body_8bit;
    bool body_binary;      /* BODY=BINARYMIME (RFC 3030): its lines may be of any form */
    bool smtputf8;         /* RFC 6531 */
    bool require_tls;      /* RFC 8689 */
    struct str envid, ret; /* DSN, p NULL: none */
    int64_t release_at;    /* kept in the queue until then (RFC 4865); 0: not */
    int64_t id;            /* of the queue, in replies, Received and the log; from MAIL on */
    struct str sender;     /* "": the null reverse-path */
    struct str parameters; /* of MAIL, as they were given */
    uint64_t limit;        /* of the message's size */
    uint64_t size;         /* as MAIL announced it; 0: not said */
    uint32_t max_recipients;
    size_t targets;  /* of all recipients */
    uint32_t excess; /* recipients over max_recipients that were not taken */
    struct envelope_recipient *recipient;
    size_t count, cap;
    struct data_scanner scanner;
    struct message message;
    bool chunked;       /* BDAT has begun */
    bool chunks_failed; /* a chunk was refused: so are the others */
    int64_t started_at;
    struct edit edit; /* what examiners change in the message */
    bool junk;        /* it goes into Junk wherever it is delivered here */
    bool hold;        /* what of it goes elsewhere waits in the queue until an operator releases it */
    bool discard;     /* it is taken and thrown away */
    /* of SPF for its reverse-path, see sender_spf(); NULL: not asked yet */
    const struct spf_answer *spf;
    /* of the checks of its sender (sender/sender.h); NULL: there were none */
    struct sender_results *results;
    struct notes notes, candidate_notes; /* for the trace (report.h) */
    int32_t reported;                    /* rows of the trace so far */
};

/* The chunk that comes in (RFC 3030). */
struct chunk {
    uint64_t left;
    bool last;
    struct buf refusal; /* what is answered when all of it has come; empty: it is wanted */
    bool mistake;       /* of the client: it counts as an error */
};

/* What is known of the client's name in the DNS. */
enum client_naming {
    CLIENT_NAME_UNASKED,
    CLIENT_NAME_CONFIRMED,
    CLIENT_NAME_UNCONFIRMED, /* there is one, and it does not lead back */
    CLIENT_NAME_NONE,
    CLIENT_NAME_TEMPORARY, /* the DNS gives no answer */
};

/* Who is at the other end: the connection's peer, or whom a trusted peer names in its place. */
struct session_client {
    char address[SOCKADDR_TEXT]; /* "192.0.2.1", "2001:db8::1" or "unix" */
    struct sockaddr_storage sockaddr;
    struct sockaddr_storage destination; /* where the client went; ss_family 0: to our end of the connection */
    enum client_naming naming;
    const char *name; /* of that address in the DNS, and it leads back there; NULL: none, or not looked up */
};

struct session {
    struct conn *conn;
    struct session_client client;
    const struct mta *mta;
    enum service_kind kind;
    enum input input;
    char *helo; /* NULL before HELO */
    bool esmtp;
    bool authenticated;
    bool more_input;      /* something has come in behind the command that is run */
    bool pipelined_early; /* something was sent before the answer that had to be waited for (RFC 2920 section 3.1) */
    enum tls_required { TLS_REQUIRED_UNKNOWN, TLS_NOT_REQUIRED, TLS_IS_REQUIRED } tls_required;
    struct chunk chunk;
    bool slow;       /* the answer to the last command shall take a while */
    struct buf held; /* answers that wait for that */
    bool distrusted; /* its line ends were wrong: what came behind the end of the data may be part of a message */
    struct directory_account account; /* its strings in account_arena */
    struct arena account_arena;
    struct sasl *sasl;                          /* AUTH is under way; see sasl/sasl.h */
    int64_t local_user;                         /* of a program that uses the pickup socket, else -1 */
    struct filtering *filtering;                /* what the filters keep; NULL where the service has none */
    const char *login_method;                   /* the mechanism of the last AUTH: "PLAIN"; NULL: none */
    struct arena arena;                         /* of what examiners keep for the session; empty for most */
    const struct envelope_recipient *candidate; /* while STAGE_RCPT is asked: who may become a recipient */
    char *forwarded;                            /* what XFORWARD said of the next message; NULL: nothing */
    struct policy_session *policy;              /* of policy/ */
    uint32_t errors, auth_failures, refused_recipients, messages;
    struct notes notes;  /* for the trace: of the session, before MAIL */
    char refused_by[32]; /* the rule that refused last, "" */
    struct transaction transaction;
};

static inline void reply(struct session *s, struct str line) { conn_write(s->conn, line); }
#define REPLY(s, literal) reply(s, STR(literal "\r\n"))

/* An address as a reply shows it: a reply line has at most 512 bytes (RFC 5321 4.5.3.1.5). */
static inline struct str shown(struct str address) {
    size_t n = address.n < 300 ? address.n : 300;
    while (n < address.n && n > 0 && ((unsigned char)address.p[n] & 0xc0) == 0x80) /* between characters */
        n--;
    return str_sub(address, 0, n);
}

/* session.c */
void session_set_client(struct session *s, const struct sockaddr_storage *address);
void session_end_transaction(struct session *s);
bool session_is_secure(const struct session *s); /* nobody can listen: TLS or a UNIX socket */
/* Counts an error; STEP_CLOSE, with the reply, after too many. */
enum step session_error(struct session *s);
/* The session begins, or begins anew with another client: asks the examiners, and greets. */
enum step session_greet(struct session *s);
/* The client has made so many mistakes that it has to wait for the answer. */
void session_slow_down(struct session *s, uint32_t mistakes);

enum note {
    NOTE_PASS,   /* looked at and good */
    NOTE_WARN,   /* the rule would have refused, and only warns */
    NOTE_REFUSE, /* that is why it is refused */
};
/* Tells the log and the message trace of a decision: which rule, and a sentence with the reason. Before MAIL it belongs
 * to the session, then to the transaction. */
void session_note(struct session *s, const char *rule, enum note note, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* command.c: the whole line, without its line end. What it returns: STEP_WAIT to go on. */
enum step command_run(struct session *s, struct str line);
/* How long the line may be, by the command it begins with (RFC 5321 4.5.3.1.4 and what extensions add). */
size_t command_line_limit(struct str line);

/* auth.c */
enum step auth_command(struct session *s, struct str argument);
enum step auth_answer(struct session *s, struct str line);
void auth_end(struct session *s); /* forgets an exchange that is under way */

/* parameter.c: what stands behind the paths of MAIL and RCPT. False: the reply is written. */
bool parameters_of_mail(struct session *s, struct str rest, enum step *step);
bool parameters_of_rcpt(struct session *s, struct str rest, struct envelope_recipient *r, enum step *step);

/* chunk.c (RFC 3030) */
enum step bdat_command(struct session *s, struct str argument);
/* The command can't be obeyed; its octets come nevertheless. */
enum step bdat_refused(struct session *s, struct str argument, const char *reply);
/* Takes what has come in of the chunk. */
enum step chunk_take(struct session *s, struct str in);

/* envelope.c */
void envelope_add(struct transaction *t, struct envelope_recipient r);
enum step mail_command(struct session *s, struct str argument);
enum step rcpt_command(struct session *s, struct str argument);

/* accept.c: the data is complete; replies and ends the transaction. */
enum step accept_message(struct session *s);

/* xclient.c: for trusted servers in front of this one */
enum step xclient_command(struct session *s, struct str argument);
enum step xforward_command(struct session *s, struct str argument);
void xclient_announce(const struct session *s, struct buf *out);

/* listing.c: for mailq(1) and sendmail -q, on the pickup socket */
enum step xqueue_command(struct session *s, struct str argument);
enum step xflush_command(struct session *s, struct str argument);

#endif
