/*
 * sendmail: how programs of this machine hand in mail, with the options of the program of that name; by the name mailq
 * it shows the queue. Speaks to mansio-mta over its pickup socket; needs no privileges.
 */
#include "base/conf.h"
#include "base/memory.h"
#include "client/stuff.h"
#include "net/stream.h"
#include "sendmail/compose.h"
#include "sendmail/talk.h"
#include "smtpd/parse.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    MAX_HEADER = 4 << 20,
    WRITE_MS = 300000,
    BLOCK_BYTES = 64 << 10,
};

enum mode { MODE_SEND, MODE_SMTP, MODE_QUEUE, MODE_FLUSH, MODE_NOTHING };

struct options {
    const char *name; /* by which it was called */
    enum mode mode;
    const char *configuration;
    const char *sender; /* NULL: the user */
    const char *full_name;
    const char *notify, *ret, *envid; /* DSN (RFC 3461), NULL: not said */
    bool recipients_in_header, dot_is_text, eight_bit, verbose;
    char **recipient;
    int recipients;
};

static int complain(const struct options *o, int status, const char *text) {
    fprintf(stderr, "%s: %s\n", o->name, text);
    return status;
}

/* ---- the command line ---- */

static bool set_mode(struct options *o, char letter) {
    switch (letter) {
    case 'm':
        o->mode = MODE_SEND;
        return true;
    case 's':
        o->mode = MODE_SMTP;
        return true;
    case 'p':
        o->mode = MODE_QUEUE;
        return true;
    case 'i': /* there is no alias file to read */
        o->mode = MODE_NOTHING;
        return true;
    default:
        return false;
    }
}

static bool take_option(struct options *o, int option, const char *value) {
    switch (option) {
    case 'b':
        return set_mode(o, *value);
    case 'B':
        o->eight_bit = strcasecmp(value, "8BITMIME") == 0;
        return true;
    case 'C':
        o->configuration = value;
        return true;
    case 'F':
        o->full_name = value;
        return true;
    case 'f':
    case 'r':
        o->sender = value;
        return true;
    case 'i':
        o->dot_is_text = true;
        return true;
    case 'N':
        o->notify = value;
        return true;
    case 'o':
        o->dot_is_text = o->dot_is_text || strcmp(value, "i") == 0;
        return true;
    case 'q':
        o->mode = MODE_FLUSH;
        return true;
    case 'R':
        o->ret = value;
        return true;
    case 't':
        o->recipients_in_header = true;
        return true;
    case 'V':
        o->envid = value;
        return true;
    case 'v':
        o->verbose = true;
        return true;
    default:
        /* what other sendmails have and has no meaning here: -A -d -e -G -h -L -m -n -O -p -s -U -X -x */
        return option != '?';
    }
}

static bool parse_arguments(struct options *o, int argc, char **argv) {
    const char *slash = strrchr(argv[0], '/');
    *o = (struct options){.name = slash ? slash + 1 : argv[0]};
    if (strcmp(o->name, "mailq") == 0)
        o->mode = MODE_QUEUE;
    else if (strcmp(o->name, "newaliases") == 0)
        o->mode = MODE_NOTHING;
    int option;
    while ((option = getopt(argc, argv, "A:B:b:C:d::e:F:f:Gh:iL:mN:nO:o:p:q::R:r:sTtUV:vX:x")) != -1)
        if (!take_option(o, option, optarg))
            return false;
    o->recipient = argv + optind;
    o->recipients = argc - optind;
    return true;
}

/* The pickup socket's path, for the caller to free. The configuration holds passwords, so most users can't read it:
 * then the socket is where it is by default. */
static char *socket_path(const struct options *o) {
    const char *path = o->configuration, *address = "unix:/run/mansio/pickup.sock";
    if (!path)
        path = getenv("MANSIO_CONF");
    struct err err;
    struct conf *c = conf_read(path ? path : PREFIX "/etc/mansio/mansio.conf", &err);
    if (!c && path)
        complain(o, 0, err.text);
    if (c)
        address = conf_get(c, "mta_pickup", address);
    struct str s = str_of(address);
    char *socket = str_dup(str_starts(s, STR("unix:")) ? str_sub(s, 5, s.n) : s);
    conf_free(c);
    return socket;
}

/* ---- reading the message ---- */

struct input {
    char *line; /* the last line that was read, with its end */
    size_t cap;
    ssize_t n;
    bool end;
    const struct options *o;
};

/* Reads the next line; false at the end. */
static bool read_line(struct input *in) {
    in->n = in->end ? -1 : getline(&in->line, &in->cap, stdin);
    if (in->n > 0 && !in->o->dot_is_text && in->line[0] == '.' &&
        (in->n == 1 || in->line[1] == '\n' || (in->n == 3 && in->line[1] == '\r')))
        in->n = -1;
    in->end = in->n <= 0;
    return !in->end;
}

static struct str without_end(const struct input *in) {
    struct str s = str_n(in->line, (size_t)in->n);
    if (str_ends(s, STR("\n")))
        s.n--;
    if (str_ends(s, STR("\r")))
        s.n--;
    return s;
}

/* Reads the header. True in *pending: in->line is the body's first line. */
static bool read_header(struct input *in, struct buf *header, bool *pending) {
    *pending = false;
    while (header->n < MAX_HEADER && read_line(in)) {
        struct str line = without_end(in);
        if (header->n == 0 && str_starts(line, STR("From "))) /* mbox */
            continue;
        if (line.n == 0)
            return true;
        if (!compose_is_header_line(line, header->n == 0)) {
            *pending = true;
            return true;
        }
        buf_add_str(header, line);
        buf_add_byte(header, '\n');
    }
    return header->n < MAX_HEADER;
}

/* ---- sending it ---- */

static int status_of(const struct smtp_reply *r) {
    if (r->code < 400)
        return EX_OK;
    if (r->code < 500)
        return EX_TEMPFAIL;
    if (strcmp(r->status, "5.1.1") == 0)
        return EX_NOUSER;
    if (strcmp(r->status, "5.1.2") == 0)
        return EX_NOHOST;
    return strncmp(r->status, "5.6.", 4) == 0 || strncmp(r->status, "5.1.", 4) == 0 ? EX_DATAERR : EX_UNAVAILABLE;
}

static int refused(const struct options *o, const struct talk *t) {
    struct arena a = ARENA_EMPTY;
    complain(o, 0, arena_c(&a, buf_str(&t->reply.whole)));
    arena_free(&a);
    return status_of(&t->reply);
}

/* A recipient of the command line. */
static struct str named(const struct options *o, int i) {
    struct str to = str_trim(str_of(o->recipient[i]));
    return to.n > 1 && to.p[0] == '<' && to.p[to.n - 1] == '>' ? str_sub(to, 1, to.n - 2) : to;
}

static bool is_international(struct str s) { return !str_is_ascii(s) && str_is_utf8(s); }

/* Whether the message is one of RFC 6531: addresses or header in UTF-8. */
static bool needs_smtputf8(const struct options *o, const struct compose *c) {
    bool needed = is_international(c->sender) || is_international(c->header);
    for (size_t i = 0; i < c->count; i++)
        needed = needed || is_international(c->recipient[i]);
    for (int i = 0; i < o->recipients; i++)
        needed = needed || is_international(named(o, i));
    return needed;
}

static bool say_mail(const struct options *o, struct talk *t, const struct compose *c, struct err *err) {
    struct buf parameters = BUF_EMPTY;
    buf_add_c(&parameters, o->eight_bit ? " BODY=8BITMIME" : "");
    buf_add_c(&parameters, needs_smtputf8(o, c) ? " SMTPUTF8" : "");
    if (o->ret && (strcasecmp(o->ret, "hdrs") == 0 || strcasecmp(o->ret, "full") == 0))
        buf_printf(&parameters, " RET=%s", o->ret);
    if (o->envid && *o->envid) {
        buf_add_c(&parameters, " ENVID=");
        for (const char *p = o->envid; *p; p++) /* xtext (RFC 3461 section 4) */
            buf_printf(&parameters, *p > ' ' && *p < 0x7f && *p != '+' && *p != '=' ? "%c" : "+%02X",
                       (unsigned char)*p);
    }
    bool good = talk_say(t, err, "MAIL FROM:<%.*s>%.*s", STR_ARG(c->sender), STR_ARG(buf_str(&parameters)));
    buf_free(&parameters);
    return good;
}

/* RCPT for each. Those that are refused are reported, the others get the message. */
static int name_recipients(const struct options *o, struct talk *t, const struct compose *c, int *accepted,
                           struct err *err) {
    int status = EX_OK;
    struct buf notify = BUF_EMPTY;
    if (o->notify)
        parse_notify(str_of(o->notify), &notify); /* what is none says nothing */
    *accepted = 0;
    for (size_t i = 0; i < c->count + (size_t)o->recipients; i++) {
        struct str to = i < c->count ? c->recipient[i] : named(o, (int)(i - c->count));
        if (str_chr(to, '\r') >= 0 || str_chr(to, '\n') >= 0) {
            status = complain(o, EX_USAGE, "a recipient holds a line end");
            *accepted = 0;
            break;
        }
        if (!talk_say(t, err, "RCPT TO:<%.*s>%s%.*s", STR_ARG(to), notify.n ? " NOTIFY=" : "",
                      STR_ARG(buf_str(&notify)))) {
            status = EX_TEMPFAIL;
            break;
        }
        if (t->reply.code < 300)
            ++*accepted;
        else
            status = refused(o, t);
    }
    buf_free(&notify);
    return status;
}

static bool write_stuffed(struct talk *t, struct stuffer *s, struct str bytes, bool flush, struct err *err) {
    stuff(s, bytes, &t->out);
    if (!flush && t->out.n < BLOCK_BYTES)
        return true;
    bool good = stream_write(t->stream, buf_str(&t->out), WRITE_MS, err);
    buf_reset(&t->out);
    return good;
}

/* Everything behind 354. */
static int send_text(const struct options *o, struct talk *t, struct str header, struct input *in, bool pending,
                     struct err *err) {
    struct stuffer s = STUFFER_START;
    buf_reset(&t->out);
    bool good = write_stuffed(t, &s, header, false, err) && write_stuffed(t, &s, STR("\n"), false, err);
    while (good && (pending || read_line(in))) {
        good = write_stuffed(t, &s, str_n(in->line, (size_t)in->n), false, err);
        pending = false;
    }
    if (ferror(stdin)) /* half a message is none: the connection is closed before its end */
        return complain(o, EX_IOERR, "standard input can't be read");
    stuff_end(&s, &t->out);
    if (!good || !write_stuffed(t, &s, STR(""), true, err) || !reply_read(t->stream, &t->reply, WRITE_MS * 2, err))
        return complain(o, EX_TEMPFAIL, err->text);
    return t->reply.code < 300 ? EX_OK : refused(o, t);
}

static int send_through(const struct options *o, struct talk *t, struct compose *c, struct input *in, bool pending) {
    struct err err = {""};
    int accepted = 0;
    if (!say_mail(o, t, c, &err))
        return complain(o, EX_TEMPFAIL, err.text);
    if (t->reply.code >= 300)
        return refused(o, t);
    int status = name_recipients(o, t, c, &accepted, &err);
    if (*err.text)
        return complain(o, EX_TEMPFAIL, err.text);
    if (accepted == 0)
        return status;
    if (!talk_say(t, &err, "DATA"))
        return complain(o, EX_TEMPFAIL, err.text);
    if (t->reply.code != 354)
        return refused(o, t);
    int sent = send_text(o, t, c->header, in, pending, &err);
    return sent ? sent : status;
}

/* ---- who sends ---- */

static struct str user_name(struct arena *a) {
    const struct passwd *pw = getpwuid(getuid());
    return pw ? arena_str(a, str_of(pw->pw_name)) : arena_printf(a, "uid%lu", (unsigned long)getuid());
}

/* The part of GECOS before the first comma; "&" in it is the login. */
static struct str full_name(struct arena *a, const struct options *o) {
    if (o->full_name)
        return str_of(o->full_name);
    const struct passwd *pw = getpwuid(getuid());
    if (!pw || !pw->pw_gecos)
        return STR("");
    struct str rest = str_of(pw->pw_gecos), name = STR("");
    str_split(&rest, ',', &name);
    return str_chr(name, '&') >= 0 ? STR("") : arena_str(a, name);
}

static struct str sender_of(struct arena *a, const struct options *o, const char *hostname) {
    struct str s = o->sender ? str_trim(str_of(o->sender)) : user_name(a);
    if (s.n > 1 && s.p[0] == '<' && s.p[s.n - 1] == '>')
        s = str_sub(s, 1, s.n - 2);
    return s.n == 0 || str_chr(s, '@') >= 0 ? s : arena_printf(a, "%.*s@%s", STR_ARG(s), hostname);
}

static int send_message(const struct options *o, const char *path) {
    struct arena a = ARENA_EMPTY;
    struct buf header = BUF_EMPTY;
    struct input in = {.o = o};
    struct talk t = {0};
    struct err err;
    bool pending;
    int status;
    if (!o->recipients_in_header && o->recipients == 0) {
        status = complain(o, EX_USAGE, "no recipients: name them, or give -t");
    } else if (!read_header(&in, &header, &pending)) {
        status = complain(o, EX_DATAERR, "the header is too long");
    } else if (!talk_open(&t, path, &err)) {
        status = complain(o, EX_TEMPFAIL, err.text);
    } else {
        struct compose c = {.sender = sender_of(&a, o, t.hostname),
                            .full_name = full_name(&a, o),
                            .hostname = str_of(t.hostname),
                            .want_recipients = o->recipients_in_header};
        compose(&c, &a, buf_str(&header));
        if (c.count + (size_t)o->recipients == 0)
            status = complain(o, EX_USAGE, "no recipients: there are none in the header");
        else if (str_chr(c.sender, '\n') >= 0 || str_chr(c.sender, '\r') >= 0)
            status = complain(o, EX_USAGE, "the sender holds a line end");
        else
            status = send_through(o, &t, &c, &in, pending);
        if (o->verbose && status == EX_OK)
            printf("%.*s\n", STR_ARG(buf_str(&t.reply.whole)));
    }
    talk_close(&t);
    free(in.line);
    buf_free(&header);
    arena_free(&a);
    return status;
}

static int ask(const struct options *o, const char *path) {
    struct talk t;
    struct err err;
    int status = EX_OK;
    if (!talk_open(&t, path, &err))
        status = complain(o, EX_TEMPFAIL, err.text);
    else if (o->mode == MODE_QUEUE)
        status = mailq_print(&t);
    else if (!talk_say(&t, &err, "XFLUSH"))
        status = complain(o, EX_TEMPFAIL, err.text);
    else if (t.reply.code >= 300)
        status = refused(o, &t);
    talk_close(&t);
    return status;
}

int main(int argc, char **argv) {
    struct options o;
    if (!parse_arguments(&o, argc, argv))
        return complain(&o, EX_USAGE, "see man sendmail; the daemon is mansio-mta");
    signal(SIGPIPE, SIG_IGN);
    if (o.mode == MODE_NOTHING)
        return EX_OK;
    char *path = socket_path(&o);
    int status = o.mode == MODE_SEND   ? send_message(&o, path)
                 : o.mode == MODE_SMTP ? talk_through(path)
                                       : ask(&o, path);
    free(path);
    return status;
}
