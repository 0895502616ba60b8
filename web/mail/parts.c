#include "mail/mail.h"

static bool is_type(const struct mime_part *p, const char *type, const char *subtype) {
    return str_eq(p->type, str_of(type)) && (!subtype || str_eq(p->subtype, str_of(subtype)));
}

bool mail_part_is_html(const struct mime_part *part) { return is_type(part, "text", "html"); }

static bool is_readable(const struct mime_part *p) {
    return (is_type(p, "text", "plain") || is_type(p, "text", "html")) && !str_eq(p->disposition, STR("attachment"));
}

struct walk {
    struct mail_parts *out;
    bool prefer_html;
};

static void attach(struct walk *w, const struct mime_part *p) {
    if (w->out->attachments < sizeof w->out->attachment / sizeof *w->out->attachment)
        w->out->attachment[w->out->attachments++] = p;
}

static void walk(struct walk *w, const struct mime_part *p);

/* What an alternative leads to: the first readable part in it, NULL where there is none. */
static const struct mime_part *first_readable(const struct mime_part *p) {
    if (!is_type(p, "multipart", NULL))
        return is_readable(p) ? p : NULL;
    for (const struct mime_part *child = p->child; child; child = child->next) {
        const struct mime_part *found = first_readable(child);
        if (found)
            return found;
    }
    return NULL;
}

/* One of the forms is shown: the last of the preferred kind, the last being the sender's best (RFC 2046 section 5.1.4).
 * What is neither HTML nor plain text (a calendar's entry) is attached. */
static void walk_alternative(struct walk *w, const struct mime_part *p) {
    const struct mime_part *html = NULL, *plain = NULL;
    for (const struct mime_part *child = p->child; child; child = child->next) {
        const struct mime_part *readable = first_readable(child);
        if (!readable)
            walk(w, child);
        else if (mail_part_is_html(readable))
            html = child;
        else
            plain = child;
    }
    w->out->choice = w->out->choice || (html && plain);
    const struct mime_part *chosen = html && (w->prefer_html || !plain) ? html : plain;
    if (chosen)
        walk(w, chosen);
}

/* Pictures that the HTML brings for itself stand in it, and need not be listed. */
static void walk_related(struct walk *w, const struct mime_part *p) {
    for (const struct mime_part *child = p->child; child; child = child->next) {
        bool own = child != p->child && w->out->html && child->id.p && is_type(child, "image", NULL);
        if (!own || str_eq(child->disposition, STR("attachment")))
            walk(w, child);
    }
}

static void walk(struct walk *w, const struct mime_part *p) {
    struct mail_parts *out = w->out;
    if (is_type(p, "multipart", "alternative")) {
        walk_alternative(w, p);
    } else if (is_type(p, "multipart", "related")) {
        walk_related(w, p);
    } else if (is_type(p, "multipart", NULL)) {
        for (const struct mime_part *child = p->child; child; child = child->next)
            walk(w, child);
    } else if (is_readable(p) && out->shown_count < sizeof out->shown / sizeof *out->shown) {
        out->shown[out->shown_count++] = p;
        out->html = out->html || mail_part_is_html(p);
    } else {
        attach(w, p);
    }
}

void mail_parts_find(const struct mime_part *root, bool prefer_html, struct mail_parts *out) {
    *out = (struct mail_parts){0};
    walk(&(struct walk){.out = out, .prefer_html = prefer_html}, root);
}

struct str mail_part_section(struct arena *a, const struct mime_part *part) {
    struct buf section = BUF_EMPTY;
    mime_part_section(part, &section);
    struct str s = arena_str(a, buf_str(&section));
    buf_free(&section);
    return s;
}

const struct mime_part *mail_part_at(const struct mime_part *root, struct str section) {
    uint32_t path[MIME_MAX_DEPTH];
    size_t count = 0;
    for (struct str piece; str_split(&section, '.', &piece);)
        if (count == MIME_MAX_DEPTH || !str_u32(piece, &path[count++]))
            return NULL;
    return mime_find_part(root, path, count);
}

struct str mail_part_name(struct arena *a, const struct mime_part *part) {
    struct str name = mime_part_filename(part);
    if (name.p && str_trim(name).n)
        return str_trim(name);
    if (is_type(part, "message", "rfc822"))
        return part->description.n ? arena_printf(a, "%.*s.eml", STR_ARG(str_sub(part->description, 0, 80)))
                                   : STR("message.eml");
    if (is_type(part, "text", NULL))
        return is_type(part, "text", "html")       ? STR("page.html")
               : is_type(part, "text", "calendar") ? STR("event.ics")
                                                   : STR("text.txt");
    return arena_printf(a, "attachment.%.*s",
                        STR_ARG(part->subtype.n && part->subtype.n <= 8 ? part->subtype : STR("bin")));
}

enum imap_status mail_part_bytes(struct mail *m, uint32_t uid, const struct mime_part *part, size_t max,
                                 struct buf *out, struct err *err) {
    struct buf raw = BUF_EMPTY;
    struct str section = mail_part_section(&m->x->arena, part);
    enum imap_status status = imap_section(m->imap, uid, section, max, &raw, err);
    if (status == IMAP_OK)
        mime_decode_transfer(part->encoding, buf_str(&raw), out);
    buf_free(&raw);
    return status;
}

enum imap_status mail_part_text(struct mail *m, uint32_t uid, const struct mime_part *part, size_t max, struct buf *out,
                                struct err *err) {
    struct buf bytes = BUF_EMPTY;
    enum imap_status status = mail_part_bytes(m, uid, part, max, &bytes, err);
    struct str charset = mime_parameter_get(part->parameter, part->parameter_count, STR("charset"));
    if (status == IMAP_OK)
        mime_decode_charset(charset.p ? charset : STR("us-ascii"), buf_str(&bytes), out);
    buf_free(&bytes);
    return status;
}
