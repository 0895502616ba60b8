/* The fields of one header read into a part (Content-*) and, for a message's header, an envelope. */
#include "mime/internal.h"

enum field {
    F_NONE,
    F_DATE,
    F_SUBJECT,
    F_IN_REPLY_TO,
    F_MESSAGE_ID,
    F_FROM,
    F_SENDER,
    F_REPLY_TO,
    F_TO,
    F_CC,
    F_BCC,
    F_REFERENCES,
    F_TYPE,
    F_ENCODING,
    F_ID,
    F_DESCRIPTION,
    F_MD5,
    F_LANGUAGE,
    F_LOCATION,
    F_DISPOSITION
};

static const struct {
    struct str name;
    enum field field;
} fields[] = {{{"to", 2}, F_TO},
              {{"cc", 2}, F_CC},
              {{"bcc", 3}, F_BCC},
              {{"from", 4}, F_FROM},
              {{"date", 4}, F_DATE},
              {{"sender", 6}, F_SENDER},
              {{"subject", 7}, F_SUBJECT},
              {{"reply-to", 8}, F_REPLY_TO},
              {{"message-id", 10}, F_MESSAGE_ID},
              {{"references", 10}, F_REFERENCES},
              {{"content-id", 10}, F_ID},
              {{"in-reply-to", 11}, F_IN_REPLY_TO},
              {{"content-md5", 11}, F_MD5},
              {{"content-type", 12}, F_TYPE},
              {{"content-language", 16}, F_LANGUAGE},
              {{"content-location", 16}, F_LOCATION},
              {{"content-disposition", 19}, F_DISPOSITION},
              {{"content-description", 19}, F_DESCRIPTION},
              {{"content-transfer-encoding", 25}, F_ENCODING}};

static enum field field_of(struct str name) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields && fields[i].name.n <= name.n; i++)
        if (fields[i].name.n == name.n && str_ieq(fields[i].name, name))
            return fields[i].field;
    return F_NONE;
}

/* The first field of a name counts: a second one is how a message shows one thing to a filter and another to a reader.
 */
static void set_once(struct arena *a, struct str *to, struct str body) {
    if (!to->p)
        *to = mime_unfold(a, body);
}

/* Recipients may come in several fields, which RFC 822 allowed; a second author or sender is not looked at. */
static void add_addresses(struct arena *a, enum field field, struct mime_addresses *to, struct str body,
                          struct mime_header *h) {
    if (to->count && (field == F_FROM || field == F_SENDER))
        return;
    size_t before = to->count, max = before + h->addresses_left;
    if (!mime_add_addresses(a, to, body, max < MIME_MAX_ADDRESSES ? max : MIME_MAX_ADDRESSES))
        h->truncated = true;
    h->addresses_left -= to->count - before;
}

static void read_envelope_field(struct arena *a, enum field field, struct str body, struct mime_header *h) {
    struct mime_envelope *e = h->envelope;
    switch (field) {
    case F_DATE:
        set_once(a, &e->date, body);
        return;
    case F_SUBJECT:
        set_once(a, &e->subject, body);
        return;
    case F_IN_REPLY_TO:
        set_once(a, &e->in_reply_to, body);
        return;
    case F_MESSAGE_ID:
        set_once(a, &e->message_id, body);
        return;
    case F_REFERENCES:
        set_once(a, &h->references, body);
        return;
    case F_FROM:
        add_addresses(a, field, &e->from, body, h);
        return;
    case F_SENDER:
        add_addresses(a, field, &e->sender, body, h);
        return;
    case F_REPLY_TO:
        add_addresses(a, field, &e->reply_to, body, h);
        return;
    case F_TO:
        add_addresses(a, field, &e->to, body, h);
        return;
    case F_CC:
        add_addresses(a, field, &e->cc, body, h);
        return;
    case F_BCC:
        add_addresses(a, field, &e->bcc, body, h);
        return;
    default:
        return;
    }
}

/* RFC 2045 section 5.2: what can't be read is text/plain. */
static void read_type(struct arena *a, struct str body, struct mime_part *part) {
    struct str s = mime_unfold(a, body), type = mime_token(a, &s);
    if (type.n == 0 || s.n == 0 || s.p[0] != '/') {
        part->type = STR("text");
        part->subtype = STR("plain");
    } else {
        s = str_sub(s, 1, s.n);
        struct str subtype = mime_token(a, &s);
        part->type = subtype.n ? type : STR("text");
        part->subtype = subtype.n ? subtype : STR("plain");
    }
    ptrdiff_t semicolon = str_chr(s, ';');
    if (semicolon >= 0)
        part->parameter = mime_parse_parameters(a, str_sub(s, (size_t)semicolon, s.n), &part->parameter_count);
}

static void read_disposition(struct arena *a, struct str body, struct mime_part *part) {
    struct str s = mime_unfold(a, body), whole = s, disposition = mime_token(a, &s);
    if (s.n && s.p[0] == '=') /* the type left out: RFC 2183 section 2.8 treats unknown types as attachment */
        disposition = STR("attachment"), s = whole;
    if (disposition.n == 0)
        return;
    part->disposition = disposition;
    part->disposition_parameter = mime_parse_parameters(a, s, &part->disposition_parameter_count);
}

static void read_encoding(struct arena *a, struct str body, struct mime_part *part) {
    struct str s = mime_unfold(a, body), encoding = mime_token(a, &s);
    if (encoding.n)
        part->encoding = encoding;
}

enum { SEEN_TYPE = 1, SEEN_ENCODING = 2, SEEN_DISPOSITION = 4 };

static void read_content_field(struct arena *a, enum field field, struct str body, struct mime_part *p,
                               unsigned *seen) {
    unsigned bit = field == F_TYPE ? SEEN_TYPE : field == F_ENCODING ? SEEN_ENCODING : SEEN_DISPOSITION;
    switch (field) {
    case F_ID:
        set_once(a, &p->id, body);
        return;
    case F_DESCRIPTION:
        set_once(a, &p->description, body);
        return;
    case F_MD5:
        set_once(a, &p->md5, body);
        return;
    case F_LANGUAGE:
        set_once(a, &p->language, body);
        return;
    case F_LOCATION:
        set_once(a, &p->location, body);
        return;
    case F_TYPE:
    case F_ENCODING:
    case F_DISPOSITION:
        break;
    default:
        return;
    }
    if (*seen & bit)
        return;
    *seen |= bit;
    if (field == F_TYPE)
        read_type(a, body, p);
    else if (field == F_ENCODING)
        read_encoding(a, body, p);
    else
        read_disposition(a, body, p);
}

void mime_read_header(struct arena *a, struct str header, struct mime_header *h) {
    struct mime_field field;
    unsigned seen = 0;
    for (size_t count = 0; mime_next_field(&header, &field); count++) {
        if (count == MIME_MAX_FIELDS) {
            h->truncated = true;
            return;
        }
        enum field which = field_of(field.name);
        if (which == F_NONE)
            continue;
        struct str body = str_sub(field.body, 0, MIME_MAX_FIELD_BYTES);
        h->truncated |= field.body.n > body.n || body.n > h->bytes_left;
        if (body.n > h->bytes_left)
            continue;
        h->bytes_left -= body.n;
        if (which >= F_TYPE)
            read_content_field(a, which, body, h->part, &seen);
        else if (h->envelope)
            read_envelope_field(a, which, body, h);
    }
}

bool mime_is_message(const struct mime_part *p) {
    return mime_is(p, STR("message")) && (str_eq(p->subtype, STR("rfc822")) || str_eq(p->subtype, STR("global")));
}

const struct mime_part *mime_following(const struct mime_part *part) {
    if (part->child)
        return part->child;
    while (part && !part->next)
        part = part->parent;
    return part ? part->next : NULL;
}
