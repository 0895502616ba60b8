/*
 * The card as bytes and back. The layout is in docs/mime.md; what changes it raises VERSION, and the words of the
 * dictionary may only be added to at its end. Decoding trusts nothing: the bytes come from a database that others
 * may have written to.
 */
#include "mime/internal.h"

enum { MAGIC = 'm', VERSION = 1 };

/* Strings that most cards have. Their index is part of the format. */
static const char *const dictionary[] = {"",
                                         "text",
                                         "plain",
                                         "html",
                                         "multipart",
                                         "alternative",
                                         "mixed",
                                         "related",
                                         "message",
                                         "rfc822",
                                         "7bit",
                                         "8bit",
                                         "base64",
                                         "quoted-printable",
                                         "binary",
                                         "charset",
                                         "utf-8",
                                         "UTF-8",
                                         "us-ascii",
                                         "boundary",
                                         "name",
                                         "filename",
                                         "attachment",
                                         "inline",
                                         "application",
                                         "octet-stream",
                                         "pdf",
                                         "image",
                                         "png",
                                         "jpeg",
                                         "gif",
                                         "format",
                                         "flowed",
                                         "delsp",
                                         "yes",
                                         "report",
                                         "report-type",
                                         "delivery-status",
                                         "calendar",
                                         "signed",
                                         "protocol",
                                         "micalg",
                                         "pgp-signature",
                                         "size",
                                         "creation-date",
                                         "modification-date",
                                         "method",
                                         "REQUEST",
                                         "iso-8859-1",
                                         "ISO-8859-1",
                                         "windows-1252",
                                         "digest",
                                         "type",
                                         "text/html",
                                         "gmail.com",
                                         "audio",
                                         "video",
                                         "zip",
                                         "msword",
                                         "encrypted",
                                         "csv",
                                         "x-pkcs7-signature",
                                         "pkcs7-signature",
                                         "icalendar"};

enum {
    DICTIONARY = sizeof dictionary / sizeof *dictionary,
    RECENT = 64 /* strings that a later one may refer back to: hosts, names and subjects come again */
};

/* A string is a number whose low two bits say what it is, and the bytes of a literal. */
enum string_kind { S_LITERAL, S_WORD, S_RECENT, S_NONE };

enum card_flag { CARD_ATTACHMENT = 1, CARD_TRUNCATED = 2, CARD_DATE = 4, CARD_REPLY_IDS = 8 /* times their number */ };

enum part_flag {
    PART_CHILD = 1,
    PART_NEXT = 2,
    PART_ENVELOPE = 4,
    PART_PARAMETERS = 8,
    PART_DISPOSITION = 16,
    PART_ID = 32,
    PART_DESCRIPTION = 64,
    PART_RARE = 128 /* md5, language, location */
};

struct recent {
    struct str at[RECENT];
    size_t count;
};

/* The first RECENT literals of three bytes and more can be referred to; reader and writer keep the same list. */
static void remember(struct recent *r, struct str s) {
    if (s.n >= 3 && r->count < RECENT)
        r->at[r->count++] = s;
}

/* ---- writing ---- */

struct writer {
    struct buf *out;
    struct recent recent;
};

static void put_number(struct writer *w, uint64_t v) {
    for (; v >= 0x80; v >>= 7)
        buf_add_byte(w->out, (char)(v | 0x80));
    buf_add_byte(w->out, (char)v);
}

static uint64_t zigzag(int64_t v) { return (uint64_t)v << 1 ^ (uint64_t)(v >> 63); }

static bool put_known(struct writer *w, struct str s) {
    for (size_t i = 0; s.n <= 17 && i < DICTIONARY; i++) {
        if (str_eq(s, str_of(dictionary[i]))) {
            put_number(w, i << 2 | S_WORD);
            return true;
        }
    }
    for (size_t i = 0; s.n >= 3 && i < w->recent.count; i++) {
        if (str_eq(s, w->recent.at[i])) {
            put_number(w, i << 2 | S_RECENT);
            return true;
        }
    }
    return false;
}

static void put_string(struct writer *w, struct str s) {
    if (!s.p) {
        put_number(w, S_NONE);
    } else if (!put_known(w, s)) {
        put_number(w, (uint64_t)s.n << 2 | S_LITERAL);
        buf_add_str(w->out, s);
        remember(&w->recent, s);
    }
}

static void put_addresses(struct writer *w, const struct mime_addresses *list) {
    put_number(w, list->count);
    for (size_t i = 0; i < list->count; i++) {
        put_string(w, list->at[i].mailbox);
        put_string(w, list->at[i].host);
        put_string(w, list->at[i].name);
        put_string(w, list->at[i].route);
    }
}

static void put_envelope(struct writer *w, const struct mime_envelope *e) {
    put_string(w, e->date);
    put_string(w, e->subject);
    put_string(w, e->message_id);
    put_string(w, e->in_reply_to);
    put_addresses(w, &e->from);
    put_addresses(w, &e->sender);
    put_addresses(w, &e->reply_to);
    put_addresses(w, &e->to);
    put_addresses(w, &e->cc);
    put_addresses(w, &e->bcc);
}

static void put_parameters(struct writer *w, const struct mime_parameter *p, size_t count) {
    put_number(w, count);
    for (size_t i = 0; i < count; i++) {
        put_string(w, p[i].name);
        put_string(w, p[i].value);
    }
}

static unsigned flags_of(const struct mime_part *p, bool of_message) {
    return (p->child ? PART_CHILD : 0u) | (p->next ? PART_NEXT : 0u) |
           (of_message && p->envelope ? PART_ENVELOPE : 0u) | (p->parameter_count ? PART_PARAMETERS : 0u) |
           (p->disposition.p ? PART_DISPOSITION : 0u) | (p->id.p ? PART_ID : 0u) |
           (p->description.p ? PART_DESCRIPTION : 0u) | (p->md5.p || p->language.p || p->location.p ? PART_RARE : 0u);
}

/* The header's offset is counted from `from`, where the enclosing body begins or the part before ended. */
static void put_part(struct writer *w, const struct mime_part *p, uint64_t from) {
    bool of_message = mime_is_message_root(p);
    unsigned flags = flags_of(p, of_message);
    put_number(w, flags);
    put_number(w, zigzag((int64_t)(p->header_offset - from)));
    put_number(w, p->header_bytes);
    put_number(w, p->body_bytes);
    put_number(w, p->body_lines);
    put_string(w, p->type);
    put_string(w, p->subtype);
    put_string(w, p->encoding);
    if (flags & PART_PARAMETERS)
        put_parameters(w, p->parameter, p->parameter_count);
    if (flags & PART_DISPOSITION) {
        put_string(w, p->disposition);
        put_parameters(w, p->disposition_parameter, p->disposition_parameter_count);
    }
    if (flags & PART_ID)
        put_string(w, p->id);
    if (flags & PART_DESCRIPTION)
        put_string(w, p->description);
    if (flags & PART_RARE) {
        put_string(w, p->md5);
        put_string(w, p->language);
        put_string(w, p->location);
    }
    if (flags & PART_ENVELOPE)
        put_envelope(w, p->envelope);
    uint64_t at = p->body_offset;
    for (const struct mime_part *child = p->child; child; child = child->next) {
        put_part(w, child, at);
        at = child->body_offset + child->body_bytes;
    }
}

void mime_card_encode(const struct mime_card *card, struct buf *out) {
    struct writer w = {.out = out};
    bool dated = card->sent_at != INT64_MIN;
    buf_add_byte(out, MAGIC);
    buf_add_byte(out, VERSION);
    put_number(&w, (card->has_attachment ? CARD_ATTACHMENT : 0u) | (card->truncated ? CARD_TRUNCATED : 0u) |
                       (dated ? CARD_DATE : 0u) | (uint64_t)card->reply_ids * CARD_REPLY_IDS);
    put_number(&w, card->size);
    if (dated)
        put_number(&w, zigzag(card->sent_at));
    put_part(&w, card->root, 0);
    put_string(&w, card->subject);
    put_string(&w, card->base_subject);
    put_string(&w, card->from_name);
    put_string(&w, card->references);
    put_string(&w, card->preview);
}

/* ---- reading ---- */

struct reader {
    struct arena *arena;
    struct str s; /* what is left */
    struct recent recent;
    size_t parts;
    uint64_t size; /* of the message: no part reaches beyond it */
    bool bad;
};

static uint64_t get_number(struct reader *r) {
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && r->s.n; shift += 7) {
        unsigned char c = (unsigned char)r->s.p[0];
        r->s = str_sub(r->s, 1, r->s.n);
        if (shift == 63 && c > 1)
            break;
        v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return v;
    }
    r->bad = true;
    return 0;
}

static int64_t unzigzag(uint64_t v) { return (int64_t)(v >> 1 ^ (0 - (v & 1))); }

static struct str get_string(struct reader *r) {
    uint64_t v = get_number(r), n = v >> 2;
    switch ((enum string_kind)(v & 3)) {
    case S_NONE:
        r->bad |= n != 0;
        return MIME_NO_STR;
    case S_WORD:
        if (n < DICTIONARY)
            return str_of(dictionary[n]);
        break;
    case S_RECENT:
        if (n < r->recent.count)
            return r->recent.at[n];
        break;
    case S_LITERAL:
        if (n <= r->s.n) {
            struct str s = str_sub(r->s, 0, n);
            r->s = str_sub(r->s, n, r->s.n);
            remember(&r->recent, s);
            return s;
        }
        break;
    }
    r->bad = true;
    return MIME_NO_STR;
}

/* A count of things of at least `bytes` bytes each: no more than `max`, nor than the bytes left can hold. */
static size_t get_count(struct reader *r, size_t max, size_t bytes) {
    uint64_t n = get_number(r);
    if (n > max || n > r->s.n / bytes) {
        r->bad = true;
        return 0;
    }
    return (size_t)n;
}

static struct mime_addresses get_addresses(struct reader *r) {
    struct mime_addresses list = {NULL, get_count(r, MIME_MAX_ADDRESSES, 4)};
    if (list.count)
        list.at = arena_array(r->arena, list.count, sizeof *list.at);
    for (size_t i = 0; i < list.count; i++) {
        list.at[i].mailbox = get_string(r);
        list.at[i].host = get_string(r);
        list.at[i].name = get_string(r);
        list.at[i].route = get_string(r);
    }
    return list;
}

static struct mime_envelope *get_envelope(struct reader *r) {
    struct mime_envelope *e = arena_alloc(r->arena, sizeof *e);
    e->date = get_string(r);
    e->subject = get_string(r);
    e->message_id = get_string(r);
    e->in_reply_to = get_string(r);
    e->from = get_addresses(r);
    e->sender = get_addresses(r);
    e->reply_to = get_addresses(r);
    e->to = get_addresses(r);
    e->cc = get_addresses(r);
    e->bcc = get_addresses(r);
    return e;
}

static struct mime_parameter *get_parameters(struct reader *r, size_t *count) {
    *count = get_count(r, MIME_MAX_PARAMETERS, 2);
    if (*count == 0)
        return NULL;
    struct mime_parameter *p = arena_array(r->arena, *count, sizeof *p);
    for (size_t i = 0; i < *count; i++) {
        p[i].name = get_string(r);
        p[i].value = get_string(r);
        r->bad |= !p[i].name.p || !p[i].value.p;
    }
    return p;
}

/* Where the part is; it must lie within the message. */
static void get_extent(struct reader *r, struct mime_part *p, uint64_t from) {
    int64_t delta = unzigzag(get_number(r));
    p->header_bytes = get_number(r);
    p->body_bytes = get_number(r);
    p->body_lines = get_number(r);
    uint64_t limit = r->size;
    p->header_offset = from + (uint64_t)delta;
    r->bad |= p->header_offset > limit || p->header_bytes > limit - p->header_offset;
    p->body_offset = p->header_offset + p->header_bytes;
    r->bad |= p->body_offset > limit || p->body_bytes > limit - p->body_offset;
}

static void get_fields(struct reader *r, struct mime_part *p, uint64_t flags) {
    p->type = get_string(r);
    p->subtype = get_string(r);
    p->encoding = get_string(r);
    r->bad |= !p->type.p || !p->subtype.p || !p->encoding.p;
    if (flags & PART_PARAMETERS)
        p->parameter = get_parameters(r, &p->parameter_count);
    if (flags & PART_DISPOSITION) {
        p->disposition = get_string(r);
        p->disposition_parameter = get_parameters(r, &p->disposition_parameter_count);
    }
    if (flags & PART_ID)
        p->id = get_string(r);
    if (flags & PART_DESCRIPTION)
        p->description = get_string(r);
    if (flags & PART_RARE) {
        p->md5 = get_string(r);
        p->language = get_string(r);
        p->location = get_string(r);
    }
    if (flags & PART_ENVELOPE)
        p->envelope = get_envelope(r);
}

/* Only a multipart has several parts, only a message has one message; the roots of messages have envelopes. */
static bool fits_its_place(const struct mime_part *p, uint64_t flags) {
    bool of_message = mime_is_message_root(p);
    bool container = mime_is_multipart(p) || mime_is_message(p);
    return of_message == (p->envelope != NULL) && (container || !(flags & PART_CHILD)) &&
           !(of_message && (flags & PART_NEXT));
}

static struct mime_part *get_part(struct reader *r, struct mime_part *parent, uint64_t from, unsigned depth,
                                  bool *more);

static void get_children(struct reader *r, struct mime_part *p, unsigned depth) {
    struct mime_part **link = &p->child;
    uint64_t from = p->body_offset;
    uint32_t number = 1;
    for (bool more = true; more && !r->bad;) {
        struct mime_part *child = get_part(r, p, from, depth + 1, &more);
        if (!child)
            return;
        child->number = number++;
        *link = child;
        link = &child->next;
        from = child->body_offset + child->body_bytes;
    }
}

static struct mime_part *get_part(struct reader *r, struct mime_part *parent, uint64_t from, unsigned depth,
                                  bool *more) {
    if (depth > MIME_MAX_DEPTH || ++r->parts > MIME_MAX_PARTS) {
        r->bad = true;
        return NULL;
    }
    struct mime_part *p = arena_alloc(r->arena, sizeof *p);
    p->parent = parent;
    uint64_t flags = get_number(r);
    get_extent(r, p, from);
    get_fields(r, p, flags);
    if (r->bad || flags > 255 || !fits_its_place(p, flags)) {
        r->bad = true;
        return NULL;
    }
    *more = flags & PART_NEXT;
    if (p->envelope && parent && !mime_is_message_root(parent))
        parent->envelope = p->envelope;
    if (flags & PART_CHILD)
        get_children(r, p, depth);
    return p;
}

struct mime_card *mime_card_decode(struct arena *a, struct str bytes) {
    if (bytes.n < 2 || bytes.p[0] != MAGIC || bytes.p[1] != VERSION)
        return NULL;
    struct reader r = {.arena = a, .s = str_sub(bytes, 2, bytes.n)};
    struct mime_card *card = arena_alloc(a, sizeof *card);
    uint64_t flags = get_number(&r);
    r.size = card->size = get_number(&r);
    card->sent_at = flags & CARD_DATE ? unzigzag(get_number(&r)) : INT64_MIN;
    card->has_attachment = flags & CARD_ATTACHMENT;
    card->truncated = flags & CARD_TRUNCATED;
    card->reply_ids = flags / CARD_REPLY_IDS < MIME_MAX_REFERENCES ? (uint32_t)(flags / CARD_REPLY_IDS) : 0;
    bool more;
    card->root = get_part(&r, NULL, 0, 0, &more);
    if (!card->root || r.bad)
        return NULL;
    card->envelope = card->root->envelope;
    card->subject = get_string(&r);
    card->base_subject = get_string(&r);
    card->from_name = get_string(&r);
    card->references = get_string(&r);
    card->preview = get_string(&r);
    return r.bad || r.s.n ? NULL : card;
}
