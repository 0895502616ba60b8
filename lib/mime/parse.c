/*
 * The structure of a message: one walk over its lines with a stack of the multiparts and messages that are open.
 * RFC 2046 section 5.1. A boundary line ends everything inside the multipart it belongs to, whatever was left open
 * there.
 */
#include "mime/internal.h"

enum { MAX_BOUNDARY_BYTES = 250 }; /* RFC 2046 allows 70; a longer one than ours makes no parts */

struct level {
    struct mime_part *part; /* an open multipart or message */
    struct mime_part *last; /* its newest child */
    struct str boundary;    /* of a multipart until its closing line; else empty */
};

struct parser {
    struct arena *arena;
    struct str message;
    size_t at;      /* start of the line looked at */
    uint64_t lines; /* line ends before `at` */
    struct level level[MIME_MAX_DEPTH];
    size_t depth;
    size_t boundaries; /* levels with a boundary: none means that no line needs looking at */
    size_t parts;
    struct mime_part *leaf;    /* the open part that is no level; NULL in a preamble or epilogue */
    struct mime_header header; /* the one read last */
    struct str references;     /* of the message's own header */
    bool truncated;
};

struct boundary_line {
    size_t level;
    bool closing;
};

/* What follows a boundary: padding or the line's end (RFC 2046 section 5.1.1 has the boundary match "in its entirety"
 * and asks for no match of the whole line), not more letters: another boundary may begin with this one. */
static bool ends_boundary(struct str rest) { return rest.n == 0 || rest.p[0] == ' ' || rest.p[0] == '\t'; }

/* The longest boundary that fits the line wins, among equals the innermost. */
static bool match_boundary(const struct parser *p, struct str line, struct boundary_line *found) {
    size_t best = 0;
    line = str_sub(line, 2, line.n);
    for (size_t i = p->depth; i-- > 0;) {
        struct str boundary = p->level[i].boundary;
        if (boundary.n <= best || line.n < boundary.n || memcmp(line.p, boundary.p, boundary.n) != 0)
            continue;
        struct str rest = str_sub(line, boundary.n, line.n);
        bool closing = rest.n >= 2 && rest.p[0] == '-' && rest.p[1] == '-' && ends_boundary(str_sub(rest, 2, rest.n));
        if (!closing && !ends_boundary(rest))
            continue;
        best = boundary.n;
        *found = (struct boundary_line){i, closing};
    }
    return best > 0;
}

static bool at_boundary(const struct parser *p, struct str line, struct boundary_line *found) {
    return p->boundaries && line.n > 2 && line.p[0] == '-' && line.p[1] == '-' && match_boundary(p, line, found);
}

/* Eight bytes a step: the high bit is set of each byte that is a line end, and the bits are added up by multiplying. */
static uint64_t count_line_ends(struct str s) {
    const uint64_t ones = UINT64_C(0x0101010101010101), low = ones * 0x7f;
    uint64_t n = 0;
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, 8);
        word ^= ones * '\n';
        n += (~(((word & low) + low) | word | low) >> 7) * ones >> 56;
    }
    for (; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

/* Moves to the next boundary line, or to the message's end and returns false. */
static bool find_boundary(struct parser *p, struct boundary_line *found) {
    if (!p->boundaries) {
        p->lines += count_line_ends(str_sub(p->message, p->at, p->message.n));
        p->at = p->message.n;
        return false;
    }
    const char *end = p->message.p + p->message.n;
    while (p->at < p->message.n) {
        const char *line = p->message.p + p->at, *lf = memchr(line, '\n', (size_t)(end - line));
        if (line[0] == '-' && end - line > 2 && line[1] == '-') {
            size_t next;
            if (match_boundary(p, mime_line(p->message, p->at, &next), found))
                return true;
        }
        if (!lf) {
            p->at = p->message.n;
            return false;
        }
        p->lines++;
        p->at = (size_t)(lf + 1 - p->message.p);
    }
    return false;
}

/* A line that is no field begins the body at once where it comes first, and in the few fields of a part, where it does
 * not look like the rest of a field that was broken at a semicolon. Elsewhere it is seen later (enum mime_header_line).
 */
static bool begins_body(struct str before, bool of_part) {
    return !before.p || (of_part && !str_ends(before, STR(";")));
}

/* Moves behind the header that starts here, which also ends at a boundary line. */
static void pass_header(struct parser *p, bool of_part) {
    size_t foreign = SIZE_MAX; /* the first line behind the last field */
    uint64_t lines_before_foreign = 0;
    struct str before = MIME_NO_STR;
    struct boundary_line ignored;
    while (p->at < p->message.n) {
        size_t next;
        struct str line = mime_line(p->message, p->at, &next);
        if (at_boundary(p, line, &ignored))
            break;
        enum mime_header_line kind = mime_header_line(line, !before.p);
        if (kind == HEADER_FOREIGN && begins_body(before, of_part))
            return;
        if (kind == HEADER_FIELD)
            foreign = SIZE_MAX;
        else if (kind == HEADER_FOREIGN && foreign == SIZE_MAX)
            foreign = p->at, lines_before_foreign = p->lines;
        if (kind == HEADER_EMPTY && foreign != SIZE_MAX)
            break;
        p->lines += p->message.p[next - 1] == '\n';
        p->at = next;
        if (kind == HEADER_EMPTY)
            return;
        before = line;
    }
    if (foreign != SIZE_MAX)
        p->at = foreign, p->lines = lines_before_foreign;
}

static struct mime_part *new_part(struct parser *p, struct mime_part *parent) {
    struct mime_part *part = arena_alloc(p->arena, sizeof *part);
    part->parent = parent;
    part->header_offset = p->at;
    part->encoding = STR("7bit");
    bool in_digest = parent && mime_is_multipart(parent) && str_eq(parent->subtype, STR("digest")); /* RFC 2046 5.1.5 */
    part->type = in_digest ? STR("message") : STR("text");
    part->subtype = in_digest ? STR("rfc822") : STR("plain");
    p->parts++;
    return part;
}

static void append_child(struct level *level, struct mime_part *child) {
    child->number = level->last ? level->last->number + 1 : 1;
    if (level->last)
        level->last->next = child;
    else
        level->part->child = child;
    level->last = child;
}

/* Makes the part a level where it is a container that may be looked into. */
static bool enter(struct parser *p, struct mime_part *part) {
    struct str boundary = MIME_NO_STR;
    if (mime_is_multipart(part)) {
        boundary = mime_parameter_get(part->parameter, part->parameter_count, STR("boundary"));
        while (boundary.n && mime_blank(boundary.p[boundary.n - 1]))
            boundary.n--;
        if (boundary.n == 0 || boundary.n > MAX_BOUNDARY_BYTES)
            return false;
    } else if (!mime_is_message(part)) {
        return false;
    }
    if (p->depth == MIME_MAX_DEPTH || p->parts >= MIME_MAX_PARTS) {
        p->truncated = true;
        return false;
    }
    p->level[p->depth++] = (struct level){part, NULL, boundary};
    p->boundaries += boundary.n > 0;
    return true;
}

static void read_header(struct parser *p, struct mime_part *part) {
    p->header.part = part;
    p->header.envelope = part->envelope;
    p->header.references = MIME_NO_STR;
    mime_read_header(p->arena, str_sub(p->message, part->header_offset, part->header_bytes), &p->header);
    if (!part->parent)
        p->references = p->header.references;
}

/* Opens the part whose header begins here, and, while it is a message, the message in it. */
static struct mime_part *open_part(struct parser *p) {
    struct mime_part *first = NULL;
    for (;;) {
        struct level *level = p->depth ? &p->level[p->depth - 1] : NULL;
        struct mime_part *part = new_part(p, level ? level->part : NULL);
        bool of_message = !level || !mime_is_multipart(level->part);
        if (level)
            append_child(level, part);
        if (of_message)
            part->envelope = arena_alloc(p->arena, sizeof *part->envelope);
        pass_header(p, !of_message);
        part->header_bytes = p->at - part->header_offset;
        part->body_offset = p->at;
        part->body_lines = p->lines; /* until the part is closed: the count before its body */
        read_header(p, part);
        if (of_message && level && !mime_is_message_root(level->part))
            level->part->envelope = part->envelope;
        first = first ? first : part;
        p->leaf = part;
        if (!enter(p, part))
            return first;
        p->leaf = NULL;
        if (mime_is_multipart(part))
            return first;
    }
}

/* The part ends before `end`, where `lines` line ends are before that. */
static void close_part(struct mime_part *part, size_t end, uint64_t lines) {
    bool empty = end <= part->body_offset;
    part->body_bytes = empty ? 0 : end - part->body_offset;
    part->body_lines = empty || lines < part->body_lines ? 0 : lines - part->body_lines;
}

/* Closes the leaf and the levels above `depth` before the line at p->at; the line end before a boundary is the
 * boundary's. */
static void close_above(struct parser *p, size_t depth, bool boundary) {
    size_t end = p->at;
    uint64_t lines = p->lines;
    if (boundary && end && p->message.p[end - 1] == '\n') {
        end--, lines--;
        if (end && p->message.p[end - 1] == '\r')
            end--;
    }
    if (p->leaf)
        close_part(p->leaf, end, lines);
    p->leaf = NULL;
    while (p->depth > depth) {
        struct level *level = &p->level[--p->depth];
        p->boundaries -= level->boundary.n > 0;
        close_part(level->part, end, lines);
    }
}

static struct mime_part *parse_structure(struct parser *p) {
    struct mime_part *root = open_part(p);
    struct boundary_line found;
    root->number = 0;
    while (find_boundary(p, &found)) {
        close_above(p, found.level + 1, true);
        size_t next;
        mime_line(p->message, p->at, &next);
        p->lines += p->message.p[next - 1] == '\n';
        p->at = next;
        struct level *level = &p->level[found.level];
        if (found.closing) {
            level->boundary = MIME_NO_STR;
            p->boundaries--;
        } else if (p->parts >= MIME_MAX_PARTS) {
            p->truncated = true;
        } else if (!at_boundary(p, mime_line(p->message, p->at, &next), &found)) {
            open_part(
                p); /* two boundary lines without a line between hold no part (RFC 2046 section 5.1.1's grammar) */
        }
    }
    close_above(p, 0, false);
    return root;
}

/* Something a reader would save: not the text shown, not pictures inside it, not a signature's own part. */
static bool is_attachment(const struct mime_part *part) {
    if (part->child && !mime_is_message(part))
        return false;
    if (str_eq(part->disposition, STR("attachment")))
        return true;
    if (mime_is_message(part))
        return true;
    if (mime_is(part, STR("text")) || mime_is_multipart(part))
        return part->disposition.n == 0 && mime_part_filename(part).n > 0;
    bool related = part->parent && mime_is_multipart(part->parent) && str_eq(part->parent->subtype, STR("related"));
    if (related && (part->id.n || part->location.n))
        return false;
    return !str_iends(part->subtype, STR("-signature")) && !str_eq(part->subtype, STR("pgp-encrypted"));
}

static bool has_attachment(const struct mime_part *root) {
    for (const struct mime_part *part = root; part; part = mime_following(part))
        if (is_attachment(part))
            return true;
    return false;
}

/* The name, or where there is none the address, of the first author. */
static struct str author(struct arena *a, const struct mime_envelope *e) {
    for (size_t i = 0; i < e->from.count; i++) {
        const struct mime_address *at = &e->from.at[i];
        if (!at->host.p)
            continue;
        if (at->name.n)
            return mime_decode_words(a, at->name);
        return mime_decode_words(a, at->host.n ? arena_printf(a, "%.*s@%.*s", STR_ARG(at->mailbox), STR_ARG(at->host))
                                               : at->mailbox);
    }
    return STR("");
}

struct mime_card *mime_parse(struct arena *a, struct str message) {
    struct parser p = {
        .arena = a,
        .message = message,
        .header = {.addresses_left = MIME_MAX_CARD_ADDRESSES, .bytes_left = MIME_MAX_CARD_FIELD_BYTES},
    };
    if (!message.p)
        p.message = STR("");
    struct mime_card *card = arena_alloc(a, sizeof *card);
    card->root = parse_structure(&p);
    card->envelope = card->root->envelope;
    card->size = message.n;
    card->sent_at = card->envelope->date.p ? mime_parse_date(card->envelope->date) : INT64_MIN;
    card->subject = mime_utf8_cut(mime_decode_words(a, card->envelope->subject), MIME_SUBJECT_BYTES);
    card->base_subject = mime_base_subject(a, card->subject);
    card->from_name = mime_utf8_cut(author(a, card->envelope), MIME_SUBJECT_BYTES);
    card->references = mime_message_ids(a, p.references, card->envelope->in_reply_to, &card->reply_ids);
    card->preview = mime_preview(a, card->root, p.message);
    card->has_attachment = has_attachment(card->root);
    card->truncated = p.truncated || p.header.truncated;
    return card;
}
