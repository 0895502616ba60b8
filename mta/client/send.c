/* One message of a session: MAIL, RCPT, DATA or BDAT, in groups where the server takes them so (RFC 2920). */
#include "client/session.h"
#include "client/stuff.h"
#include "mime/convert.h"

#include <unistr.h>

enum {
    COMMAND_MS = 300 * 1000, /* RFC 5321 4.5.3.2.2, 4.5.3.2.3 */
    DATA_MS = 120 * 1000,    /* 4.5.3.2.4 */
    BLOCK_MS = 180 * 1000,   /* 4.5.3.2.5 */
    FINAL_MS = 600 * 1000,   /* 4.5.3.2.6 */
    GROUP = 100,             /* recipients sent before replies are read: neither side's socket buffers may fill up */
    BLOCK_BYTES = 256 << 10,
};

struct sending {
    struct client *c;
    struct arena *a;
    const struct client_mail *mail;
    struct buf converted;           /* what is sent instead of the message; p NULL: the message itself */
    uint64_t size;                  /* of what is sent */
    bool eight_bit;                 /* so is what is sent */
    bool chunks;                    /* by BDAT */
    bool utf8;                      /* SMTPUTF8 is needed */
    struct client_recipient **left; /* those to be settled */
    size_t count;
    size_t accepted; /* at RCPT */
    struct stuffer stuffer;
    struct err err;
};

static bool broke(struct sending *x) {
    x->c->usable = false;
    return false;
}

static bool flush(struct sending *x) {
    return stream_write(x->c->stream, buf_str(&x->c->out), COMMAND_MS, &x->err) || broke(x);
}

/* A reply; 421 means that the server leaves (RFC 5321 section 3.8). */
static bool hear(struct sending *x, int timeout_ms) {
    if (!reply_read(x->c->stream, &x->c->reply, timeout_ms, &x->err))
        return broke(x);
    if (x->c->reply.code != 421)
        return true;
    err_set(&x->err, "the server closes the connection: %.*s", STR_ARG(str_sub(buf_str(&x->c->reply.whole), 0, 200)));
    return broke(x);
}

static void settle(struct client_recipient *r, struct client_reply reply) {
    r->settled = true;
    r->reply = reply;
}

static void settle_all(struct sending *x, struct client_reply reply) {
    for (size_t i = 0; i < x->count; i++)
        if (!x->left[i]->settled)
            settle(x->left[i], reply);
}

/* xtext (RFC 3461 section 4) */
static void add_xtext(struct str s, struct buf *out) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c > ' ' && c < 0x7f && c != '+' && c != '=')
            buf_add_byte(out, (char)c);
        else
            buf_printf(out, "+%02X", c);
    }
}

/* utf-8-addr-xtext (RFC 6533 section 3), which every server can take */
static void add_utf8_address(struct str s, struct buf *out) {
    for (size_t i = 0; i < s.n;) {
        ucs4_t c;
        int n = u8_mbtouc(&c, (const uint8_t *)s.p + i, s.n - i);
        if (c > ' ' && c < 0x7f && c != '+' && c != '=' && c != '\\')
            buf_add_byte(out, (char)c);
        else
            buf_printf(out, "\\x{%02X}", (unsigned)c);
        i += n > 0 ? (size_t)n : 1;
    }
}

static void add_orcpt(struct str orcpt, struct buf *out) {
    struct str type, address = orcpt;
    str_split(&address, ';', &type);
    buf_printf(out, " ORCPT=%.*s;", STR_ARG(type));
    if (str_ieq(type, STR("utf-8")))
        add_utf8_address(address, out);
    else
        add_xtext(address, out);
}

static void add_mail(struct sending *x) {
    struct client *c = x->c;
    const struct client_mail *m = x->mail;
    buf_printf(&c->out, "MAIL FROM:<%.*s>", STR_ARG(m->sender));
    if (c->extensions & CLIENT_SIZE)
        buf_printf(&c->out, " SIZE=%llu", (unsigned long long)x->size);
    if (x->chunks)
        buf_add_c(&c->out, " BODY=BINARYMIME");
    else if (x->eight_bit && (c->extensions & CLIENT_8BITMIME))
        buf_add_c(&c->out, " BODY=8BITMIME");
    if (x->utf8)
        buf_add_c(&c->out, " SMTPUTF8");
    if (m->require_tls)
        buf_add_c(&c->out, " REQUIRETLS");
    if ((c->extensions & CLIENT_DSN) && m->ret.p)
        buf_printf(&c->out, " RET=%.*s", STR_ARG(m->ret));
    if ((c->extensions & CLIENT_DSN) && m->envid.p) {
        buf_add_c(&c->out, " ENVID=");
        add_xtext(m->envid, &c->out);
    }
    buf_add_c(&c->out, "\r\n");
}

static void add_rcpt(struct sending *x, struct client_recipient *r) {
    struct buf *out = &x->c->out;
    buf_printf(out, "RCPT TO:<%.*s>", STR_ARG(r->address));
    r->passed_on = (x->c->extensions & CLIENT_DSN) != 0;
    if (r->passed_on && r->notify.p)
        buf_printf(out, " NOTIFY=%.*s", STR_ARG(r->notify));
    if (r->passed_on && r->orcpt.p)
        add_orcpt(r->orcpt, out);
    buf_add_c(out, "\r\n");
}

static bool hear_recipient(struct sending *x, struct client_recipient *r) {
    if (!hear(x, COMMAND_MS))
        return false;
    if (x->c->reply.code < 300)
        x->accepted++;
    else
        settle(r, client_said(x->c, x->a));
    return true;
}

/* Recipients [from, to), and DATA behind the last. (BDAT would bring the message with it: that waits.) */
static void add_group(struct sending *x, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        add_rcpt(x, x->left[i]);
    if (to == x->count && !x->chunks)
        buf_add_c(&x->c->out, "DATA\r\n");
}

/* With PIPELINING: everything up to DATA, in groups. The reply to DATA is in c->reply at the end. */
static bool envelope_in_groups(struct sending *x) {
    bool refused = false;
    struct client_reply why = {0};
    buf_reset(&x->c->out);
    add_mail(x);
    for (size_t from = 0; from < x->count; from += GROUP) {
        size_t to = from + GROUP < x->count ? from + GROUP : x->count;
        add_group(x, from, to);
        if (!flush(x))
            return false;
        buf_reset(&x->c->out);
        if (from == 0) {
            if (!hear(x, COMMAND_MS))
                return false;
            refused = x->c->reply.code >= 300;
            if (refused)
                why = client_said(x->c, x->a);
        }
        for (size_t i = from; i < to; i++) {
            if (refused)
                settle(x->left[i], why);
            if (refused ? !hear(x, COMMAND_MS) : !hear_recipient(x, x->left[i]))
                return false;
        }
    }
    return x->chunks || hear(x, DATA_MS);
}

static bool envelope_one_by_one(struct sending *x) {
    buf_reset(&x->c->out);
    add_mail(x);
    if (!flush(x) || !hear(x, COMMAND_MS))
        return false;
    if (x->c->reply.code >= 300) {
        settle_all(x, client_said(x->c, x->a));
        return true;
    }
    for (size_t i = 0; i < x->count; i++) {
        buf_reset(&x->c->out);
        add_rcpt(x, x->left[i]);
        if (!flush(x) || !hear_recipient(x, x->left[i]))
            return false;
    }
    if (x->accepted == 0) {
        x->c->dirty = true;
        return true;
    }
    if (x->chunks)
        return true;
    buf_reset(&x->c->out);
    buf_add_c(&x->c->out, "DATA\r\n");
    return flush(x) && hear(x, DATA_MS);
}

static bool read_bytes(struct sending *x, uint64_t offset, uint64_t n, struct buf *out) {
    if (!x->converted.p)
        return x->mail->read(x->mail->context, offset, n, out, &x->err);
    buf_add_str(out, str_sub(buf_str(&x->converted), (size_t)offset, (size_t)n));
    return true;
}

/* The message's bytes. Where they can't be read, the connection is cut: half a message must not be taken for one. */
static bool send_bytes(struct sending *x) {
    struct buf block = BUF_EMPTY;
    bool good = true;
    for (uint64_t offset = 0; good && offset < x->size; offset += block.n) {
        buf_reset(&block);
        good = read_bytes(x, offset, BLOCK_BYTES, &block);
        if (good && block.n == 0)
            good = err_set(&x->err, "the message is shorter than it should be");
        buf_reset(&x->c->out);
        if (!x->chunks)
            stuff(&x->stuffer, buf_str(&block), &x->c->out);
        good = good && stream_write(x->c->stream, buf_str(x->chunks ? &block : &x->c->out), BLOCK_MS, &x->err);
    }
    buf_free(&block);
    return good || broke(x);
}

/* The answer to the whole message. */
static void hear_final(struct sending *x) {
    static const char lost[] = "the connection broke before the server had confirmed the message";
    if (hear(x, FINAL_MS))
        settle_all(x, client_said(x->c, x->a));
    else
        settle_all(
            x, (struct client_reply){.status = STR("4.4.2"), .text = arena_printf(x->a, "%s: %s", lost, x->err.text)});
}

/* RFC 3030: the message is one chunk. */
static void send_chunk(struct sending *x) {
    buf_reset(&x->c->out);
    buf_printf(&x->c->out, "BDAT %llu LAST\r\n", (unsigned long long)x->size);
    if (flush(x) && send_bytes(x))
        hear_final(x);
    if (x->c->usable && x->c->reply.code >= 400)
        x->c->dirty = true;
}

static void send_message(struct sending *x) {
    if (x->chunks) {
        send_chunk(x);
        return;
    }
    if (x->c->reply.code != 354) {
        if (x->c->reply.code < 400) { /* neither go on nor stop: out of step */
            err_set(&x->err, "the server answered DATA with %d", x->c->reply.code);
            broke(x);
            return;
        }
        settle_all(x, client_said(x->c, x->a));
        x->c->dirty = true;
        return;
    }
    if (!send_bytes(x))
        return;
    buf_reset(&x->c->out);
    stuff_end(&x->stuffer, &x->c->out);
    if (flush(x))
        hear_final(x);
}

/* All were refused; the server may have said 354 to DATA nevertheless (RFC 2920 section 3.1): then it gets an empty
 * message. */
static void send_nothing(struct sending *x) {
    x->c->dirty = true;
    if (x->chunks || !(x->c->extensions & CLIENT_PIPELINING) || x->c->reply.code != 354)
        return;
    buf_reset(&x->c->out);
    buf_add_c(&x->c->out, ".\r\n");
    if (flush(x))
        hear(x, FINAL_MS);
}

static bool too_big(struct sending *x) {
    const struct client *c = x->c;
    if (c->max_size == 0 || x->size <= c->max_size)
        return false;
    settle_all(
        x, (struct client_reply){.code = 552,
                                 .status = STR("5.3.4"),
                                 .text = arena_printf(x->a, "the message is larger than the %llu bytes that %s takes",
                                                      (unsigned long long)c->max_size, c->host)});
    return true;
}

/* ---- what the server has to offer for this message ---- */

static void unsuitable(struct sending *x, struct client_recipient *r, const char *status, const char *why) {
    r->unsuitable = true;
    r->reply = (struct client_reply){.status = str_of(status), .text = arena_printf(x->a, "%s %s", x->c->host, why)};
}

/* RFC 8689 section 4.2.1 */
static const char *why_not_private(const struct sending *x) {
    const struct client *c = x->c;
    if (!*stream_tls_version(c->stream))
        return "offers no TLS, which the sender requires";
    if (!stream_tls_verified(c->stream))
        return "has no certificate that proves its name, which the sender requires";
    if (!x->mail->trusted_host)
        return "is not proven to be the right server (DNSSEC), which the sender requires";
    return c->extensions & CLIENT_REQUIRETLS ? NULL : "does not offer REQUIRETLS, which the sender requires";
}

/* Keeps those recipients that the message can go to over this session. */
static void choose_suitable(struct sending *x) {
    const char *private = x->mail->require_tls ? why_not_private(x) : NULL;
    bool utf8 = x->c->extensions & CLIENT_SMTPUTF8;
    size_t n = 0;
    for (size_t i = 0; i < x->count; i++) {
        struct client_recipient *r = x->left[i];
        r->unsuitable = false;
        if (private)
            unsuitable(x, r, "5.7.30", private);
        else if (!utf8 && !(str_is_ascii(x->mail->sender) && str_is_ascii(r->address)))
            unsuitable(x, r, "5.6.7", "does not take addresses beyond ASCII (SMTPUTF8)");
        else if (!utf8 && x->mail->smtputf8)
            unsuitable(x, r, "5.6.9", "does not take headers beyond ASCII (SMTPUTF8)");
        else
            x->left[n++] = r;
    }
    x->count = n;
}

/* The message as the server can take it. False: it can't be read. */
static bool prepare(struct sending *x) {
    const struct client_mail *m = x->mail;
    const unsigned both = CLIENT_CHUNKING | CLIENT_BINARYMIME;
    bool takes_8bit = x->c->extensions & CLIENT_8BITMIME;
    x->size = m->size;
    x->eight_bit = m->body_8bit;
    x->chunks = m->body_binary && (x->c->extensions & both) == both;
    if (x->chunks || (!m->body_binary && (!m->body_8bit || takes_8bit)))
        return true;
    struct buf whole = BUF_EMPTY;
    struct arena a = ARENA_EMPTY;
    bool good = m->read(m->context, 0, m->size, &whole, &x->err);
    if (good && (m->body_binary || !convert_breaks_signature(&a, buf_str(&whole)))) {
        convert_message(&a, buf_str(&whole), takes_8bit ? CONVERT_8BIT : CONVERT_7BIT, &x->converted);
        x->size = x->converted.n;
        x->eight_bit = !str_is_ascii(buf_str(&x->converted));
    }
    buf_free(&whole);
    arena_free(&a);
    return good;
}

static struct str domain_of(const struct client_recipient *r) {
    return str_sub(r->address, (size_t)(str_rchr(r->address, '@') + 1), r->address.n);
}

/* How many of the recipients, in their order, one transaction may have. */
static size_t one_transaction(const struct client *c, struct client_recipient *const *left, size_t count) {
    size_t domains = 0;
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (size_t k = 0; k < i && !known; k++)
            known = str_ieq(domain_of(left[k]), domain_of(left[i]));
        domains += !known;
        if ((c->limits.rcpts && i >= c->limits.rcpts) || (c->limits.domains && domains > c->limits.domains))
            return i;
    }
    return count;
}

static void send_transaction(struct sending *x) {
    struct client *c = x->c;
    bool good = true;
    c->mails++;
    x->accepted = 0;
    x->stuffer = STUFFER_START;
    x->utf8 = x->mail->smtputf8 || !str_is_ascii(x->mail->sender);
    for (size_t i = 0; i < x->count; i++)
        x->utf8 |= !str_is_ascii(x->left[i]->address);
    if (c->dirty) {
        good = client_command(c, "RSET", COMMAND_MS, &x->err) && c->reply.code < 300;
        c->dirty = false;
    }
    if (!good)
        broke(x);
    else if (c->extensions & CLIENT_PIPELINING)
        good = envelope_in_groups(x);
    else
        good = envelope_one_by_one(x);
    if (good && x->accepted)
        send_message(x);
    else if (good)
        send_nothing(x);
}

void client_send(struct client *c, struct arena *a, const struct client_mail *mail, struct client_recipient *recipient,
                 size_t count) {
    struct sending x = {.c = c, .a = a, .mail = mail, .left = arena_array(a, count, sizeof *x.left), .err = {""}};
    struct client_recipient **all = x.left;
    for (size_t i = 0; i < count; i++)
        if (!recipient[i].settled)
            x.left[x.count++] = &recipient[i];
    choose_suitable(&x);
    size_t left = x.count;
    if (left == 0)
        return;
    if (!prepare(&x))
        broke(&x);
    else if (!too_big(&x))
        for (; left && client_usable(c); x.left += x.count, left -= x.count) {
            x.count = one_transaction(c, x.left, left);
            send_transaction(&x);
        }
    for (struct client_recipient **r = all; r < x.left + left; r++)
        if (!(*r)->settled) /* what broke, for the case that no other host takes it */
            (*r)->reply = (struct client_reply){.status = STR("4.4.2"), .text = arena_str(a, str_of(x.err.text))};
    buf_free(&x.converted);
}
