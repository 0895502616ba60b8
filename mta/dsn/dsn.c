#include "dsn/dsn.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "directory/address.h"
#include "hops/hops.h"
#include "mime/mime.h"
#include "route/route.h"
#include "sender/sender.h"

#include <time.h>

/* What is being written. */
struct writing {
    const struct mta *m;
    const struct dsn *d;
    struct buf *out;
    bool global;          /* RFC 6533: addresses and replies may be in UTF-8 */
    bool original_global; /* the message's header is in UTF-8 */
};

static const struct {
    const char *name, *heading;
} about[] = {
    [DSN_FAILED] = {"failed", "Your message could not be delivered to:\r\n"},
    [DSN_DELAYED] = {"delayed", "Your message has not been delivered yet to:\r\n"},
    [DSN_DELIVERED] = {"delivered", "Your message was delivered to:\r\n"},
    [DSN_RELAYED] = {"relayed", "Your message was handed to a server that will not tell more of it, for:\r\n"},
    [DSN_EXPANDED] = {"expanded", "Your message was handed on to those who stand for:\r\n"},
};
#define ACTIONS (sizeof about / sizeof *about)

static bool any(const struct dsn *d, enum dsn_action action) {
    for (size_t i = 0; i < d->count; i++)
        if (d->recipient[i].action == action)
            return true;
    return false;
}

/* Replies of other hosts are shown on one line, with what is no text left out (RFC 3464 section 2.1.1: 7 bits; RFC 6533
 * section 4: UTF-8). */
static void add_clean(struct writing *w, struct str s) {
    bool utf8 = w->global && str_is_utf8(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (i >= 900 && (c & 0xc0) != 0x80)
            break;
        if (c == '\r' || c == '\n' || c == '\t')
            c = ' ';
        buf_add_byte(w->out, (c >= 0x20 && c < 0x7f) || (c >= 0x80 && utf8) ? (char)c : '?');
    }
}

static const char *subject(const struct dsn *d) {
    if (any(d, DSN_FAILED))
        return "Your message could not be delivered";
    return any(d, DSN_DELAYED) ? "Your message is delayed" : "Your message was delivered";
}

static void add_header(struct writing *w, const char *id, const char *boundary, bool eight_bit, int64_t now) {
    buf_printf(w->out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <", w->m->hostname);
    buf_add_str(w->out, w->d->sender);
    buf_printf(w->out, ">\r\nSubject: %s\r\nDate: ", subject(w->d));
    clock_rfc5322(now, w->out);
    buf_printf(w->out,
               "\r\nMessage-ID: <%s.%s@%s>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
               "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n"
               "Content-Transfer-Encoding: %s\r\n\r\n",
               id, boundary, w->m->hostname, boundary, eight_bit ? "8bit" : "7bit");
}

/* ---- for people ---- */

static void add_explained(struct writing *w, enum dsn_action action) {
    for (size_t i = 0; i < w->d->count; i++) {
        const struct dsn_recipient *r = &w->d->recipient[i];
        if (r->action != action)
            continue;
        buf_add_c(w->out, "\r\n  <");
        add_clean(w, r->address);
        buf_add_c(w->out, ">");
        if (r->original.n && !str_ieq(r->original, r->address)) {
            buf_add_c(w->out, " (for <");
            add_clean(w, r->original);
            buf_add_c(w->out, ">)");
        }
        buf_add_c(w->out, "\r\n");
        if (r->reply.n == 0)
            continue;
        buf_add_c(w->out, "    ");
        if (r->host.n) {
            add_clean(w, r->host);
            buf_add_c(w->out, " said: ");
        }
        add_clean(w, r->reply);
        buf_add_c(w->out, "\r\n");
    }
}

static void add_until(struct writing *w) {
    buf_add_c(w->out, "\r\nYou need not do anything: it will be tried again until ");
    for (size_t i = 0; i < w->d->count; i++)
        if (w->d->recipient[i].action == DSN_DELAYED) {
            clock_rfc5322(w->d->recipient[i].will_retry_until, w->out);
            break;
        }
    buf_add_c(w->out, ".\r\n");
}

static void add_text(struct writing *w) {
    bool first = true;
    buf_printf(w->out, "This is the mail system at %s.\r\n", w->m->hostname);
    for (unsigned action = 0; action < ACTIONS; action++) {
        if (!any(w->d, action))
            continue;
        buf_add_c(w->out, "\r\n");
        buf_add_c(w->out, action == DSN_DELAYED && !first ? "It is still waiting for:\r\n" : about[action].heading);
        add_explained(w, action);
        if (action == DSN_FAILED)
            buf_printf(w->out, "\r\nNo further attempt will be made. %s",
                       w->d->complete ? "Your message is attached below.\r\n"
                                      : "The header of your message is attached below.\r\n");
        if (action == DSN_DELAYED)
            add_until(w);
        first = false;
    }
    buf_printf(w->out, "\r\nThe message was known here as %s.\r\n", w->d->id);
}

/* ---- for programs ---- */

/* RFC 3464 section 2.3: an address field; what is no ASCII has the type of RFC 6533. */
static void add_address(struct writing *w, const char *field, struct str address) {
    if (address.n == 0)
        return;
    buf_printf(w->out, "%s: %s; ", field, str_is_ascii(address) ? "rfc822" : "utf-8");
    add_clean(w, address);
    buf_add_c(w->out, "\r\n");
}

/* "type;address", as ORCPT has it */
static void add_original(struct writing *w, const struct dsn_recipient *r) {
    ptrdiff_t semicolon = r->orcpt.p ? str_chr(r->orcpt, ';') : -1;
    if (semicolon < 0) {
        add_address(w, "Original-Recipient", r->original);
        return;
    }
    buf_printf(w->out, "Original-Recipient: %.*s; ", (int)semicolon, r->orcpt.p);
    add_clean(w, str_sub(r->orcpt, (size_t)semicolon + 1, r->orcpt.n));
    buf_add_c(w->out, "\r\n");
}

static void add_time(struct writing *w, const char *field, int64_t at) {
    if (at <= 0)
        return;
    buf_printf(w->out, "%s: ", field);
    clock_rfc5322(at, w->out);
    buf_add_c(w->out, "\r\n");
}

static void add_diagnostic(struct writing *w, const struct dsn_recipient *r) {
    if (r->host.n) {
        buf_add_c(w->out, "Remote-MTA: dns; ");
        add_clean(w, r->host);
        buf_add_c(w->out, "\r\n");
    }
    if (r->reply.n == 0)
        return;
    buf_add_c(w->out, r->host.n ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: X-Mansio; ");
    add_clean(w, r->reply);
    buf_add_c(w->out, "\r\n");
}

static void add_status(struct writing *w) {
    buf_printf(w->out, "Reporting-MTA: dns; %s\r\n", w->m->hostname);
    if (w->d->envid.p) {
        buf_add_c(w->out, "Original-Envelope-Id: ");
        add_clean(w, w->d->envid);
        buf_add_c(w->out, "\r\n");
    }
    add_time(w, "Arrival-Date", w->d->arrived_at);
    for (size_t i = 0; i < w->d->count; i++) {
        const struct dsn_recipient *r = &w->d->recipient[i];
        buf_add_c(w->out, "\r\n");
        add_original(w, r);
        add_address(w, "Final-Recipient", r->address);
        buf_printf(w->out, "Action: %s\r\nStatus: %.*s\r\n", about[r->action].name, STR_ARG(r->status));
        add_diagnostic(w, r);
        add_time(w, "Last-Attempt-Date", r->last_attempt_at);
        if (r->action == DSN_DELAYED)
            add_time(w, "Will-Retry-Until", r->will_retry_until);
    }
}

/* ---- the whole ---- */

static bool beyond_ascii(const struct dsn *d) {
    for (size_t i = 0; i < d->count; i++) {
        const struct dsn_recipient *r = &d->recipient[i];
        if (!str_is_ascii(r->address) || !str_is_ascii(r->original) || (r->orcpt.p && !str_is_ascii(r->orcpt)))
            return true;
    }
    return !str_is_ascii(d->sender);
}

static const char *original_type(const struct writing *w) {
    if (w->original_global)
        return w->d->complete ? "message/global" : "message/global-headers";
    return w->d->complete ? "message/rfc822" : "text/rfc822-headers";
}

void dsn_build(const struct mta *m, const struct dsn *d, const char *id, int64_t now, struct buf *out) {
    char boundary[32];
    random_token(boundary, sizeof boundary, 15);
    struct str header = str_sub(d->original, 0, d->complete ? mime_header_length(d->original) : d->original.n);
    struct writing w = {.m = m, .d = d, .out = out};
    w.original_global = !str_is_ascii(header) && str_is_utf8(header);
    w.global = w.original_global || beyond_ascii(d);
    bool eight_bit = !str_is_ascii(d->original);
    const char *encoding = w.global ? "Content-Transfer-Encoding: 8bit\r\n" : "";
    add_header(&w, id, boundary, eight_bit || w.global, now);
    buf_printf(out, "--%s\r\nContent-Type: text/plain; charset=%s\r\n%s\r\n", boundary, w.global ? "utf-8" : "us-ascii",
               encoding);
    add_text(&w);
    buf_printf(out, "\r\n--%s\r\nContent-Type: message/%s\r\n%s\r\n", boundary,
               w.global ? "global-delivery-status" : "delivery-status", encoding);
    add_status(&w);
    buf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n", boundary,
               original_type(&w), eight_bit ? "8bit" : "7bit");
    buf_add_str(out, d->original);
    buf_printf(out, "\r\n--%s--\r\n", boundary);
}

bool dsn_wanted(struct str notify, enum dsn_action action) {
    static const char *const words[] = {
        [DSN_FAILED] = "FAILURE",  [DSN_DELAYED] = "DELAY",    [DSN_DELIVERED] = "SUCCESS",
        [DSN_RELAYED] = "SUCCESS", [DSN_EXPANDED] = "SUCCESS",
    };
    struct str word;
    if (!notify.p)
        return action == DSN_FAILED || action == DSN_DELAYED;
    while (str_split(&notify, ',', &word))
        if (str_ieq(str_trim(word), str_of(words[action])))
            return true;
    return false;
}

uint64_t dsn_original_bytes(uint64_t size, struct str ret, bool failed, bool *complete) {
    *complete = failed && size <= DSN_WHOLE_BYTES && !str_ieq(ret, STR("HDRS"));
    return *complete || size < DSN_HEADER_BYTES ? size : DSN_HEADER_BYTES;
}

struct str dsn_original(struct str read, bool complete) {
    if (complete)
        return read;
    struct str header = str_sub(read, 0, mime_header_length(read));
    if (header.n < read.n || read.n < DSN_HEADER_BYTES)
        return header;
    ptrdiff_t lf = str_rchr(header, '\n'); /* a header longer than what was read: only its whole lines */
    return str_sub(header, 0, (size_t)(lf + 1));
}

static const char *why_nowhere(enum directory_status status) {
    switch (status) {
    case DIRECTORY_UNKNOWN_RECIPIENT:
        return "there is no such address";
    case DIRECTORY_DISABLED:
        return "the address is disabled";
    case DIRECTORY_LOOP:
        return "the address leads to itself";
    default:
        return "it is no address";
    }
}

bool dsn_make(const struct mta *m, struct arena *a, const struct dsn *d, struct dsn_mail *out, bool *temporary) {
    *out = (struct dsn_mail){0};
    *temporary = false;
    struct str local, domain;
    struct directory_route route;
    enum directory_status status = DIRECTORY_UNKNOWN_DOMAIN;
    if (address_parse(a, d->sender, &local, &domain, NULL))
        status = route_recipient_of(m, a, local, domain, true, &route);
    if (status != DIRECTORY_OK) {
        *temporary = status == DIRECTORY_TEMPORARY;
        if (!*temporary)
            log_warn("queue %s: nobody is told of the failure: the sender is <%.*s>, and %s", d->id, STR_ARG(d->sender),
                     why_nowhere(status));
        return false;
    }
    int64_t id = queue_new_id();
    queue_id_text(id, out->id);
    struct buf message = BUF_EMPTY, card = BUF_EMPTY, signatures = BUF_EMPTY;
    struct dsn redacted = *d;
    if (d->private) {
        struct str message_id = mime_header_get(a, d->original, STR("Message-ID"));
        redacted.original = message_id.p ? arena_printf(a, "Message-ID: %.*s\r\n", STR_ARG(message_id)) : STR("");
        redacted.complete = false;
    }
    dsn_build(m, &redacted, out->id, clock_now(), &message);
    sender_sign(m, a, buf_str(&message), &signatures);
    out->message = arena_printf(a, "%.*s%.*s", STR_ARG(buf_str(&signatures)), STR_ARG(buf_str(&message)));
    mime_card_encode(mime_parse(a, out->message), &card);
    out->card = arena_str(a, buf_str(&card));
    buf_free(&signatures);
    buf_free(&message);
    buf_free(&card);
    plan_begin(&out->plan, a);
    /* RFC 3461 section 6.2: of what becomes of a notification nobody is told */
    plan_add(&out->plan, &route, (struct plan_origin){.address = d->sender, .notify = STR("NEVER")});
    for (size_t i = 0; i < out->plan.delivery_count; i++)
        out->plan.delivery[i].prefix = hops_prefix(a, STR(""), out->plan.address[i]);
    out->queued = plan_queued(&out->plan, m, id, STR(""));
    if (out->queued) {
        out->queued->source = STR("notification");
        out->queued->body_8bit = !str_is_ascii(out->message);
        out->queued->smtputf8 = !str_is_ascii(d->sender); /* its To is in UTF-8 */
    }
    return true;
}
