#include "imap/binary.h"

#include "base/log.h"

enum { PIECE = 128 * 1024 };

static bool has_nul(struct str s) { return s.n && memchr(s.p, 0, s.n); }

static enum store_status failed(const struct err *err) {
    log_error("imap: %s", err->text);
    return STORE_TEMPORARY;
}

/* Whether there is a NUL in what stands there. */
static enum store_status look_through(struct session *s, const struct store_card *card, struct binary *b,
                                      struct err *err) {
    enum store_status status = STORE_OK;
    struct buf piece = BUF_EMPTY;
    for (uint64_t at = 0; status == STORE_OK && at < b->raw.n && !b->nul; at += PIECE) {
        uint64_t n = b->raw.n - at < PIECE ? b->raw.n - at : PIECE;
        buf_reset(&piece);
        status = store_read(s->service->store, card, b->raw.offset + at, n, &piece, err);
        b->nul = has_nul(buf_str(&piece));
    }
    buf_free(&piece);
    return status;
}

static enum store_status keep(struct binary *b, struct buf *plain, enum binary_want want, struct err *err) {
    b->n += plain->n;
    b->nul = b->nul || has_nul(buf_str(plain));
    bool good = want == BINARY_SIZE || spool_add(&b->bytes, buf_str(plain), err);
    buf_reset(plain);
    return good ? STORE_OK : failed(err);
}

static enum store_status decode(struct session *s, const struct store_card *card, struct mime_decoder *decoder,
                                enum binary_want want, struct binary *b, struct err *err) {
    enum store_status status = STORE_OK;
    struct buf piece = BUF_EMPTY, plain = BUF_EMPTY;
    for (uint64_t at = 0; status == STORE_OK && at < b->raw.n; at += PIECE) {
        uint64_t n = b->raw.n - at < PIECE ? b->raw.n - at : PIECE;
        buf_reset(&piece);
        status = store_read(s->service->store, card, b->raw.offset + at, n, &piece, err);
        mime_decoder_add(decoder, buf_str(&piece), &plain);
        if (status == STORE_OK)
            status = keep(b, &plain, want, err);
    }
    mime_decoder_end(decoder, &plain);
    if (status == STORE_OK)
        status = keep(b, &plain, want, err);
    buf_free(&piece);
    buf_free(&plain);
    return status;
}

enum store_status binary_decode(struct session *s, const struct store_card *card, const struct mime_part *part,
                                enum binary_want want, struct binary *b, struct err *err) {
    struct mime_decoder decoder = {0};
    *b = (struct binary){.raw = {0, card->prefix.n + card->blob_size}};
    spool_init(&b->bytes, s->service->spool);
    if (part) {
        b->raw = (struct span){card->prefix.n + part->body_offset, part->body_bytes};
        /* What holds parts has no encoding of its own (RFC 2045 section 6.4). */
        b->unknown = !part->child && !mime_decoder_init(&decoder, part->encoding);
    }
    if (b->unknown)
        return STORE_OK;
    b->decoded = decoder.kind != MIME_IDENTITY;
    if (b->decoded)
        return decode(s, card, &decoder, want, b, err);
    b->n = b->raw.n;
    return want == BINARY_SIZE ? STORE_OK : look_through(s, card, b, err);
}

enum store_status binary_read(struct session *s, const struct store_card *card, struct binary *b, uint64_t offset,
                              uint64_t n, struct buf *out, struct err *err) {
    if (!b->decoded)
        return store_read(s->service->store, card, b->raw.offset + offset, n, out, err);
    return spool_read(&b->bytes, offset, n, out, err) ? STORE_OK : failed(err);
}

void binary_free(struct binary *b) { spool_free(&b->bytes); }
