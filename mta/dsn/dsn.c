#include "dsn/dsn.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "directory/address.h"
#include "hops/hops.h"
#include "mime/mime.h"
#include "route/route.h"

#include <time.h>

static bool any(const struct dsn *d, enum dsn_action action) {
    for (size_t i = 0; i < d->count; i++)
        if (d->recipient[i].action == action)
            return true;
    return false;
}

/* Replies of other hosts are shown on one line, with what is no text left out (RFC 3464 section 2.1.1: 7 bits). */
static void add_clean(struct str s, struct buf *out) {
    for (size_t i = 0; i < s.n && i < 900; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\r' || c == '\n' || c == '\t')
            c = ' ';
        buf_add_byte(out, c >= 0x20 && c < 0x7f ? (char)c : '?');
    }
}

static void add_header(const struct mta *m, const struct dsn *d, const char *id, const char *boundary, bool eight_bit,
                       int64_t now, struct buf *out) {
    buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <", m->hostname);
    buf_add_str(out, d->sender);
    buf_printf(out, ">\r\nSubject: %s\r\nDate: ",
               any(d, DSN_FAILED) ? "Your message could not be delivered" : "Your message is delayed");
    clock_rfc5322(now, out);
    buf_printf(out,
               "\r\nMessage-ID: <%s.%s@%s>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
               "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"%s\"\r\n"
               "Content-Transfer-Encoding: %s\r\n\r\n",
               id, boundary, m->hostname, boundary, eight_bit ? "8bit" : "7bit");
}

static void add_explained(const struct dsn *d, enum dsn_action action, struct buf *out) {
    for (size_t i = 0; i < d->count; i++) {
        const struct dsn_recipient *r = &d->recipient[i];
        if (r->action != action)
            continue;
        buf_add_c(out, "\r\n  <");
        add_clean(r->address, out);
        buf_add_c(out, ">");
        if (r->original.n && !str_ieq(r->original, r->address)) {
            buf_add_c(out, " (for <");
            add_clean(r->original, out);
            buf_add_c(out, ">)");
        }
        buf_add_c(out, "\r\n    ");
        if (r->host.n) {
            add_clean(r->host, out);
            buf_add_c(out, " said: ");
        }
        add_clean(r->reply, out);
        buf_add_c(out, "\r\n");
    }
}

static void add_text(const struct mta *m, const struct dsn *d, struct buf *out) {
    buf_printf(out, "This is the mail system at %s.\r\n\r\n", m->hostname);
    if (any(d, DSN_FAILED)) {
        buf_add_c(out, "Your message could not be delivered to:\r\n");
        add_explained(d, DSN_FAILED, out);
        buf_add_c(out, "\r\nNo further attempt will be made. ");
        buf_add_c(out, d->complete ? "Your message is attached below.\r\n"
                                   : "The header of your message is attached below.\r\n");
    }
    if (any(d, DSN_DELAYED)) {
        buf_add_c(out, any(d, DSN_FAILED) ? "\r\nIt is still waiting for:\r\n"
                                          : "Your message has not been delivered yet to:\r\n");
        add_explained(d, DSN_DELAYED, out);
        buf_add_c(out, "\r\nYou need not do anything: it will be tried again until ");
        for (size_t i = 0; i < d->count; i++)
            if (d->recipient[i].action == DSN_DELAYED) {
                clock_rfc5322(d->recipient[i].will_retry_until, out);
                break;
            }
        buf_add_c(out, ".\r\n");
    }
    buf_printf(out, "\r\nThe message was known here as %s.\r\n", d->id);
}

/* RFC 3464 section 2.3: an address field; what is no ASCII has the type of RFC 6533. */
static void add_address(const char *field, struct str address, struct buf *out) {
    if (address.n == 0)
        return;
    buf_printf(out, "%s: rfc822; ", field);
    add_clean(address, out);
    buf_add_c(out, "\r\n");
}

static void add_time(const char *field, int64_t at, struct buf *out) {
    if (at <= 0)
        return;
    buf_printf(out, "%s: ", field);
    clock_rfc5322(at, out);
    buf_add_c(out, "\r\n");
}

/* Status may be folded into the reply's text: a code of RFC 3463 is three numbers. */
static void add_status(const struct mta *m, const struct dsn *d, struct buf *out) {
    buf_printf(out, "Reporting-MTA: dns; %s\r\n", m->hostname);
    if (d->envid.p) {
        buf_add_c(out, "Original-Envelope-Id: ");
        add_clean(d->envid, out);
        buf_add_c(out, "\r\n");
    }
    add_time("Arrival-Date", d->arrived_at, out);
    for (size_t i = 0; i < d->count; i++) {
        const struct dsn_recipient *r = &d->recipient[i];
        buf_add_c(out, "\r\n");
        add_address("Original-Recipient", r->original, out);
        add_address("Final-Recipient", r->address, out);
        buf_printf(out, "Action: %s\r\nStatus: %.*s\r\n", r->action == DSN_FAILED ? "failed" : "delayed",
                   STR_ARG(r->status));
        if (r->host.n) {
            buf_add_c(out, "Remote-MTA: dns; ");
            add_clean(r->host, out);
            buf_add_c(out, "\r\nDiagnostic-Code: smtp; ");
        } else {
            buf_add_c(out, "Diagnostic-Code: X-Mansio; ");
        }
        add_clean(r->reply, out);
        buf_add_c(out, "\r\n");
        add_time("Last-Attempt-Date", r->last_attempt_at, out);
        if (r->action == DSN_DELAYED)
            add_time("Will-Retry-Until", r->will_retry_until, out);
    }
}

void dsn_build(const struct mta *m, const struct dsn *d, const char *id, int64_t now, struct buf *out) {
    char boundary[32];
    random_token(boundary, sizeof boundary, 15);
    bool eight_bit = !str_is_ascii(d->original);
    add_header(m, d, id, boundary, eight_bit, now, out);
    buf_printf(out, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", boundary);
    add_text(m, d, out);
    buf_printf(out, "\r\n--%s\r\nContent-Type: message/delivery-status\r\n\r\n", boundary);
    add_status(m, d, out);
    buf_printf(out, "\r\n--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n", boundary,
               d->complete ? "message/rfc822" : "text/rfc822-headers", eight_bit ? "8bit" : "7bit");
    buf_add_str(out, d->original);
    buf_printf(out, "\r\n--%s--\r\n", boundary);
}

bool dsn_wanted(struct str notify, enum dsn_action action) {
    struct str word;
    if (!notify.p)
        return true;
    while (str_split(&notify, ',', &word))
        if (str_ieq(str_trim(word), action == DSN_FAILED ? STR("FAILURE") : STR("DELAY")))
            return true;
    return false;
}

uint64_t dsn_original_bytes(uint64_t size, struct str ret, bool *complete) {
    *complete = size <= DSN_WHOLE_BYTES && !str_ieq(ret, STR("HDRS"));
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
    struct buf message = BUF_EMPTY, card = BUF_EMPTY;
    dsn_build(m, d, out->id, clock_now(), &message);
    out->message = arena_str(a, buf_str(&message));
    mime_card_encode(mime_parse(a, out->message), &card);
    out->card = arena_str(a, buf_str(&card));
    buf_free(&message);
    buf_free(&card);
    plan_begin(&out->plan, a);
    plan_add(&out->plan, &route, d->sender);
    for (size_t i = 0; i < out->plan.delivery_count; i++)
        out->plan.delivery[i].prefix = hops_prefix(a, STR(""), out->plan.address[i]);
    out->queued = plan_queued(&out->plan, m, id, STR(""));
    if (out->queued) {
        out->queued->source = STR("notification");
        out->queued->body_8bit = !str_is_ascii(out->message);
    }
    return true;
}
