/* One message of a session: MAIL, RCPT, DATA, in groups where the server takes them so (RFC 2920). */
#include "client/session.h"
#include "client/stuff.h"

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

static void add_mail(struct sending *x) {
    struct client *c = x->c;
    buf_printf(&c->out, "MAIL FROM:<%.*s>", STR_ARG(x->mail->sender));
    if (c->extensions & CLIENT_SIZE)
        buf_printf(&c->out, " SIZE=%llu", (unsigned long long)x->mail->size);
    if (x->mail->body_8bit && (c->extensions & CLIENT_8BITMIME))
        buf_add_c(&c->out, " BODY=8BITMIME");
    buf_add_c(&c->out, "\r\n");
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

/* Recipients [from, to), and DATA behind the last. */
static void add_group(struct sending *x, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        buf_printf(&x->c->out, "RCPT TO:<%.*s>\r\n", STR_ARG(x->left[i]->address));
    if (to == x->count)
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
    return hear(x, DATA_MS);
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
        buf_printf(&x->c->out, "RCPT TO:<%.*s>\r\n", STR_ARG(x->left[i]->address));
        if (!flush(x) || !hear_recipient(x, x->left[i]))
            return false;
    }
    if (x->accepted == 0) {
        x->c->dirty = true;
        return true;
    }
    buf_reset(&x->c->out);
    buf_add_c(&x->c->out, "DATA\r\n");
    return flush(x) && hear(x, DATA_MS);
}

/* The message's bytes. Where they can't be read, the connection is cut: half a message must not be taken for one. */
static bool send_bytes(struct sending *x) {
    struct buf block = BUF_EMPTY;
    bool good = true;
    for (uint64_t offset = 0; good && offset < x->mail->size; offset += block.n) {
        buf_reset(&block);
        good = x->mail->read(x->mail->context, offset, BLOCK_BYTES, &block, &x->err);
        if (good && block.n == 0)
            good = err_set(&x->err, "the message is shorter than it should be");
        buf_reset(&x->c->out);
        stuff(&x->stuffer, buf_str(&block), &x->c->out);
        good = good && stream_write(x->c->stream, buf_str(&x->c->out), BLOCK_MS, &x->err);
    }
    buf_free(&block);
    return good || broke(x);
}

static void send_message(struct sending *x) {
    static const char lost[] = "the connection broke before the server had confirmed the message";
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
    if (!flush(x))
        return;
    if (hear(x, FINAL_MS))
        settle_all(x, client_said(x->c, x->a));
    else
        settle_all(
            x, (struct client_reply){.status = STR("4.4.2"), .text = arena_printf(x->a, "%s: %s", lost, x->err.text)});
}

/* All were refused; the server may have said 354 to DATA nevertheless (RFC 2920 section 3.1): then it gets an empty
 * message. */
static void send_nothing(struct sending *x) {
    x->c->dirty = true;
    if (!(x->c->extensions & CLIENT_PIPELINING) || x->c->reply.code != 354)
        return;
    buf_reset(&x->c->out);
    buf_add_c(&x->c->out, ".\r\n");
    if (flush(x))
        hear(x, FINAL_MS);
}

static bool too_big(struct sending *x) {
    const struct client *c = x->c;
    if (c->max_size == 0 || x->mail->size <= c->max_size)
        return false;
    settle_all(
        x, (struct client_reply){.code = 552,
                                 .status = STR("5.3.4"),
                                 .text = arena_printf(x->a, "the message is larger than the %llu bytes that %s takes",
                                                      (unsigned long long)c->max_size, c->host)});
    return true;
}

void client_send(struct client *c, struct arena *a, const struct client_mail *mail, struct client_recipient *recipient,
                 size_t count) {
    struct sending x = {.c = c, .a = a, .mail = mail, .left = arena_array(a, count, sizeof *x.left), .err = {""}};
    for (size_t i = 0; i < count; i++)
        if (!recipient[i].settled)
            x.left[x.count++] = &recipient[i];
    if (x.count == 0 || too_big(&x))
        return;
    bool good = true;
    if (c->dirty) {
        good = client_command(c, "RSET", COMMAND_MS, &x.err) && c->reply.code < 300;
        c->dirty = false;
    }
    if (!good)
        broke(&x);
    else if (c->extensions & CLIENT_PIPELINING)
        good = envelope_in_groups(&x);
    else
        good = envelope_one_by_one(&x);
    if (good && x.accepted)
        send_message(&x);
    else if (good)
        send_nothing(&x);
    for (size_t i = 0; i < x.count; i++)
        if (!x.left[i]->settled) /* what broke, for the case that no other host takes it */
            x.left[i]->reply = (struct client_reply){.status = STR("4.4.2"), .text = arena_str(a, str_of(x.err.text))};
}
