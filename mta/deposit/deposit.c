#include "deposit/deposit.h"

#include "mime/convert.h"
#include "mime/mime.h"

struct taking {
    struct message *out;
    const char *spool;
};

static bool take(void *context, struct str piece) {
    struct taking *t = context;
    size_t before = t->out->bytes.n;
    buf_add_str(&t->out->bytes, piece);
    message_appended(t->out, before, UINT64_MAX, t->spool);
    return !t->out->failed;
}

bool deposit_without_nul(struct arena *a, struct str message, const char *spool, struct message *out,
                         struct str *without, struct err *err) {
    struct taking t = {out, spool};
    if (convert_pieces(a, message, CONVERT_NO_NUL, take, &t))
        return message_text(out, without, err);
    *err = out->err;
    return false;
}

static enum store_status store(const struct mta *m, struct arena *a, struct deposit *d, struct str message,
                               const struct store_queued *queued, struct err *err) {
    struct buf card = BUF_EMPTY;
    mime_card_encode(mime_parse(a, message), &card);
    d->kept = message.n;
    enum store_status status = store_deliver(m->store, message, -1, buf_str(&card), d->delivery, d->count, queued, err);
    buf_free(&card);
    return status;
}

/* The mailboxes have another message than the queue. */
static enum store_status store_both(const struct mta *m, struct arena *a, struct deposit *d, struct err *err) {
    enum store_status status = STORE_TEMPORARY;
    struct store_queued queued = {0};
    struct message converted;
    struct str without;
    if (d->queued) {
        queued = *d->queued;
        queued.message = d->message;
    }
    message_begin(&converted);
    if (deposit_without_nul(a, d->message, m->spool, &converted, &without, err))
        status = store(m, a, d, without, d->queued ? &queued : NULL, err);
    message_end(&converted);
    return status;
}

enum store_status deposit_message(const struct mta *m, struct arena *a, struct deposit *d, struct err *err) {
    bool nul = d->binary && d->count && memchr(d->message.p, 0, d->message.n);
    return nul ? store_both(m, a, d, err) : store(m, a, d, d->message, d->queued, err);
}
