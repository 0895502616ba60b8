#include "imap/url_data.h"

#include "base/log.h"
#include "imap/access.h"

enum { MAX_HEADER = 4 << 20 }; /* looked at for header fields */

static enum store_status nothing(struct err *err) {
    err_set(err, "the URL names nothing");
    return STORE_NOT_FOUND;
}

/* account: whose URL it is; then whose mailbox. */
static enum store_status find_mailbox(struct session *s, int64_t *account, const struct imap_url *u, struct url_data *d,
                                      int64_t *mailbox, struct err *err) {
    struct store_mailbox m;
    bool own = *account == s->account;
    if (!u->mailbox.p) { /* relative to the selected one */
        *mailbox = s->mailbox;
        *account = s->owner;
        return s->state == SELECTED && own ? STORE_OK : nothing(err);
    }
    enum store_status status = own ? access_find(s, u->mailbox, RIGHT_READ, &m, NULL, err)
                                   : store_mailbox_find(s->service->store, &d->arena, *account, u->mailbox, &m, err);
    if (status == STORE_DENIED)
        return nothing(err);
    if (status != STORE_OK)
        return status;
    *account = m.account_id;
    *mailbox = m.id;
    return u->uidvalidity == 0 || u->uidvalidity == m.uidvalidity ? STORE_OK : nothing(err);
}

/* As it is in the database: what is in memory may have been expunged. */
static enum store_status find_message(struct session *s, int64_t account, int64_t mailbox, uint32_t uid,
                                      struct url_data *d, struct err *err) {
    struct uid_range range = {uid, uid};
    struct store_card *card;
    size_t count;
    enum store_status status =
        store_cards(s->service->store, &d->arena, account, mailbox, &range, 1, &card, &count, err);
    if (status != STORE_OK)
        return status;
    if (count == 0)
        return nothing(err);
    d->card = *card;
    return STORE_OK;
}

struct span url_data_clip(const struct imap_url *u, struct span span) {
    if (!u->partial)
        return span;
    uint64_t from = u->offset < span.n ? u->offset : span.n, n = span.n - from;
    return (struct span){span.offset + from, u->length && u->length < n ? u->length : n};
}

static enum store_status choose_fields(struct session *s, const struct section *section, struct url_data *d,
                                       struct err *err) {
    struct buf header = BUF_EMPTY;
    uint64_t n = d->span.n < MAX_HEADER ? d->span.n : MAX_HEADER;
    enum store_status status = store_read(s->service->store, &d->card, d->span.offset, n, &header, err);
    if (status == STORE_OK)
        section_fields(section, buf_str(&header), &d->fields);
    buf_free(&header);
    d->chosen = true;
    d->span = (struct span){0, d->fields.n};
    return status;
}

static enum store_status read_card(struct url_data *d, const struct mime_card **card, struct err *err) {
    *card = mime_card_decode(&d->arena, d->card.card);
    if (*card)
        return STORE_OK;
    log_error("UID %u: the card can't be read", d->card.uid);
    err_set(err, "the card can't be read");
    return STORE_TEMPORARY;
}

static enum store_status find_section(struct session *s, const struct mime_part *root, struct str text,
                                      struct url_data *d, struct err *err) {
    struct section section;
    struct parser p = {.arena = &d->arena, .in = arena_printf(&d->arena, "[%.*s]", STR_ARG(text))};
    if (!section_parse(&p, &section) || p.at != p.in.n ||
        !section_span(&section, root, d->card.prefix.n, d->card.prefix.n + d->card.blob_size, &d->span))
        return nothing(err);
    d->part = section.kind == SECTION_ALL ? mime_find_part(root, section.path, section.path_count) : NULL;
    bool fields = section.kind == SECTION_FIELDS || section.kind == SECTION_FIELDS_NOT;
    return fields ? choose_fields(s, &section, d, err) : STORE_OK;
}

enum store_status url_data_open(struct session *s, int64_t account, const struct imap_url *u, struct url_data *d,
                                struct err *err) {
    int64_t mailbox;
    *d = (struct url_data){.arena = d->arena};
    if (u->uid == 0)
        return nothing(err);
    enum store_status status = find_mailbox(s, &account, u, d, &mailbox, err);
    if (status == STORE_OK)
        status = find_message(s, account, mailbox, u->uid, d, err);
    const struct mime_card *card = NULL;
    if (status == STORE_OK)
        status = read_card(d, &card, err);
    if (status != STORE_OK)
        return status;
    d->span = (struct span){0, d->card.prefix.n + d->card.blob_size};
    d->part = card->root;
    if (u->section.p)
        status = find_section(s, card->root, u->section, d, err);
    d->whole = !u->section.p;
    d->span = url_data_clip(u, d->span);
    return status;
}

enum store_status url_data_read(struct session *s, const struct url_data *d, uint64_t offset, uint64_t n,
                                struct buf *out, struct err *err) {
    if (d->chosen) {
        buf_add_str(out, str_sub(buf_str(&d->fields), (size_t)(d->span.offset + offset), (size_t)n));
        return STORE_OK;
    }
    size_t before = out->n;
    enum store_status status = store_read(s->service->store, &d->card, d->span.offset + offset, n, out, err);
    if (status != STORE_OK || out->n - before == n)
        return status;
    log_error("UID %u: the message is shorter than it should be", d->card.uid);
    err_set(err, "the message is shorter than it should be");
    return STORE_TEMPORARY;
}

void url_data_close(struct url_data *d) {
    buf_free(&d->fields);
    arena_free(&d->arena);
}
