#include "mail/letter.h"

#include "base/clock.h"
#include "directory/address.h"
#include "mail/html/html.h"
#include "mail/imap/name.h"

enum { QUOTE_MAX = 128 * 1024, MAX_REFERENCES = 3000, MAX_ASKED = 100 };

struct origin {
    struct mail *m;
    struct arena *a;
    struct mail_message message;
    struct str from; /* the address that the mail about it is written under */
};

static bool read_origin(struct mail *m, const struct reference *from, struct origin *o) {
    struct err err;
    enum imap_status status;
    *o = (struct origin){.m = m, .a = &m->x->arena};
    do
        status = imap_message(m->imap, o->a, from->mailbox, from->uid, &o->message, &err);
    while (mail_again(m, status));
    if (status != IMAP_OK)
        mail_failed(m, status, true, &err);
    return status == IMAP_OK;
}

static struct str header(struct origin *o, const char *name) {
    return mime_header_get(o->a, o->message.header, str_of(name));
}
static struct str decoded(struct origin *o, const char *name) {
    return str_trim(mime_decode_words(o->a, header(o, name)));
}

/* ---- addresses, as a person would type them ---- */

static bool needs_quotes(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] && strchr("()<>@,;:\\\".[]", name.p[i]))
            return true;
    return false;
}

static void add_address(struct buf *out, struct arena *a, const struct mime_address *p) {
    struct str name = p->name.p ? str_trim(mime_decode_words(a, p->name)) : STR("");
    if (out->n)
        buf_add_c(out, ", ");
    if (name.n && needs_quotes(name)) {
        buf_add_byte(out, '"');
        for (size_t i = 0; i < name.n; i++) {
            if (name.p[i] == '"' || name.p[i] == '\\')
                buf_add_byte(out, '\\');
            buf_add_byte(out, name.p[i]);
        }
        buf_add_c(out, "\" ");
    } else if (name.n) {
        buf_printf(out, "%.*s ", STR_ARG(name));
    }
    buf_printf(out, name.n ? "<%.*s@%.*s>" : "%.*s@%.*s", STR_ARG(p->mailbox), STR_ARG(p->host));
}

static bool is_address(struct str own, const struct mime_address *p) {
    return own.n == p->mailbox.n + 1 + p->host.n && str_ieq(str_sub(own, 0, p->mailbox.n), p->mailbox) &&
           own.p[p->mailbox.n] == '@' && str_ieq(str_sub(own, p->mailbox.n + 1, own.n), p->host);
}

static bool contains(struct str list, struct arena *a, const struct mime_address *p) {
    struct str address = arena_printf(a, "%.*s@%.*s", STR_ARG(p->mailbox), STR_ARG(p->host));
    return str_find(arena_lower(a, list), arena_lower(a, address)) >= 0;
}

static bool is_own(const struct origin *o, const struct mime_address *p) {
    return is_address(o->m->x->actor.login, p) || is_address(o->from, p);
}

/* Appends the addresses of a field that are not there yet; without_own: not the user's own, nor the one it answers
 * under. */
static void add_field(struct origin *o, const char *name, bool without_own, struct buf *out, struct str besides) {
    struct mime_addresses list = mime_parse_addresses(o->a, header(o, name));
    for (size_t i = 0; i < list.count; i++) {
        const struct mime_address *p = &list.at[i];
        bool wanted = p->mailbox.p && p->host.p && p->host.n && !(without_own && is_own(o, p));
        if (wanted && !contains(buf_str(out), o->a, p) && !contains(besides, o->a, p))
            add_address(out, o->a, p);
    }
}

/* ---- text ---- */

static bool readable_text(struct origin *o, struct buf *out) {
    struct mail_parts parts;
    struct err err;
    mail_parts_find(o->message.root, false, &parts);
    for (size_t i = 0; i < parts.shown_count; i++) {
        struct buf text = BUF_EMPTY;
        const struct mime_part *part = parts.shown[i];
        bool html = mail_part_is_html(part);
        enum imap_status status =
            mail_part_text(o->m, o->message.uid, part, html ? HTML_MAX_INPUT : QUOTE_MAX, &text, &err);
        if (status == IMAP_OK && html)
            html_to_text(buf_str(&text), out);
        else if (status == IMAP_OK)
            buf_add_str(out, buf_str(&text));
        buf_free(&text);
        if (status != IMAP_OK) {
            mail_failed(o->m, status, true, &err);
            return false;
        }
    }
    return true;
}

static struct str without_signature(struct str text) {
    ptrdiff_t at = str_find(text, STR("\n-- \n"));
    if (at < 0)
        at = str_find(text, STR("\n-- \r\n"));
    return at < 0 ? text : str_sub(text, 0, (size_t)at + 1);
}

static void add_quoted(struct buf *out, struct str text) {
    struct str line;
    text = str_trim(without_signature(str_sub(text, 0, QUOTE_MAX)));
    while (text.n && str_split(&text, '\n', &line)) {
        while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
            line.n--;
        buf_printf(out, "%s%.*s\n", line.n == 0 || line.p[0] == '>' ? ">" : "> ", STR_ARG(line));
    }
}

static struct str with_prefix(struct arena *a, const char *prefix, struct str subject) {
    struct str p = str_of(prefix);
    return str_istarts(subject, p) ? subject : arena_printf(a, "%s %.*s", prefix, STR_ARG(subject));
}

static int64_t date_of(struct origin *o) {
    int64_t sent = mime_parse_date(header(o, "Date"));
    return sent != INT64_MIN && sent > 0 ? sent : o->message.date;
}

/* RFC 5322 section 3.6.4: its references, and itself; the oldest go where there are too many. */
static void set_thread(struct origin *o, struct letter *l) {
    struct str id = header(o, "Message-ID"), references = header(o, "References");
    if (!references.n)
        references = header(o, "In-Reply-To");
    if (references.n > MAX_REFERENCES) {
        references = str_sub(references, references.n - MAX_REFERENCES, MAX_REFERENCES);
        ptrdiff_t first = str_chr(references, '<');
        references = str_sub(references, first < 0 ? references.n : (size_t)first, references.n);
    }
    l->in_reply_to = id.p ? id : STR("");
    l->references = arena_printf(o->a, "%.*s %.*s", STR_ARG(references), STR_ARG(id));
}

/* ---- who it was for ---- */

/* The addresses in header fields that may be the user's, as the directory spells them. */
struct asked {
    struct str at[MAX_ASKED];
    size_t count;
};

static void ask(struct origin *o, struct asked *q, struct str field) {
    struct mime_addresses list = mime_parse_addresses(o->a, field);
    for (size_t i = 0; i < list.count && q->count < MAX_ASKED; i++) {
        const struct mime_address *p = &list.at[i];
        struct str domain;
        if (p->mailbox.p && p->host.p && str_is_utf8(p->mailbox) && str_chr(p->mailbox, '\0') < 0 &&
            domain_to_ascii(o->a, p->host, &domain, NULL))
            q->at[q->count++] =
                arena_printf(o->a, "%.*s@%.*s", STR_ARG(address_fold(o->a, p->mailbox)), STR_ARG(domain));
    }
}

/* "Shared Folders/info@example.org/INBOX": the mailbox of another, whose address comes second (docs/sharing.md). */
static struct str owner_of(struct origin *o, struct str mailbox) {
    struct str rest = name_decode(o->a, mailbox), first, owner;
    bool others = str_split(&rest, '/', &first) &&
                  (str_eq(first, STR("Shared Folders")) || str_eq(first, STR("Other Users"))) &&
                  str_split(&rest, '/', &owner);
    return others ? owner : STR("");
}

/* The recipient that submission or the MTA here took it for, where there was one alone (RFC 5321 section 4.4). */
static struct str taken_for(struct origin *o) {
    struct str received = header(o, "Received");
    ptrdiff_t at = str_find(received, STR("for <")), end;
    struct str rest = at < 0 ? STR("") : str_sub(received, (size_t)at + 5, received.n);
    end = str_chr(rest, '>');
    return end < 0 ? STR("") : str_sub(rest, 0, (size_t)end);
}

/* The first of some that is the user's own, else the first that is another's. */
static void choose(struct origin *o, const struct senders *senders, const struct asked *q, size_t first, size_t end) {
    for (int others = 0; others < 2 && !o->from.n; others++)
        for (size_t i = first; i < end && !o->from.n; i++) {
            const struct sender *s = senders_find(senders, q->at[i]);
            if (s && (others || !s->others))
                o->from = s->address;
        }
}

/* The address that a mail about this one is written under. One's own sent mail goes on under its address, mail in
 * another's mailbox under that one's. Else it is the address that the mail is written to, the user's own before
 * another's (who gets mail together with a colleague answers as himself); else the one it was delivered for. */
static bool choose_sender(struct origin *o, const struct reference *at, struct letter *l) {
    struct asked q = {.count = 0};
    if (!mail_folders(o->m, false))
        return false;
    const struct folder *folder = folder_named(o->m->folders, at->mailbox);
    if (folder && folder->use == USE_SENT)
        ask(o, &q, header(o, "From"));
    ask(o, &q, owner_of(o, at->mailbox));
    size_t written = q.count;
    ask(o, &q, header(o, "To"));
    ask(o, &q, header(o, "Cc"));
    size_t delivered = q.count;
    ask(o, &q, taken_for(o));
    l->senders = senders_load(o->m, q.at, q.count);
    if (!l->senders)
        return false;
    const size_t part[] = {0, written, delivered, q.count};
    for (int i = 0; i < 3; i++)
        choose(o, l->senders, &q, part[i], part[i + 1]);
    l->from = o->from;
    return true;
}

/* ---- letters ---- */

static struct str first_name(struct origin *o) {
    struct mime_addresses from = mime_parse_addresses(o->a, header(o, "From"));
    if (from.count == 0 || !from.at[0].mailbox.p)
        return STR("someone");
    struct str name = from.at[0].name.p ? str_trim(mime_decode_words(o->a, from.at[0].name)) : STR("");
    return name.n ? name : arena_printf(o->a, "%.*s@%.*s", STR_ARG(from.at[0].mailbox), STR_ARG(from.at[0].host));
}

static struct str taken_over(struct arena *a, struct buf *b) {
    struct str s = arena_str(a, buf_str(b));
    buf_free(b);
    return s;
}

bool letter_answer(struct mail *m, const struct reference *origin, bool all, struct letter *l) {
    struct origin o;
    struct buf to = BUF_EMPTY, cc = BUF_EMPTY, text = BUF_EMPTY, theirs = BUF_EMPTY;
    *l = (struct letter){.origin = *origin};
    if (!read_origin(m, origin, &o) || !readable_text(&o, &theirs) || !choose_sender(&o, origin, l)) {
        buf_free(&theirs);
        return false;
    }
    struct mime_addresses from = mime_parse_addresses(o.a, header(&o, "From"));
    bool to_others = from.count && from.at[0].mailbox.p && is_own(&o, &from.at[0]); /* going on with one's own mail */
    add_field(&o, to_others ? "To" : header(&o, "Reply-To").n ? "Reply-To" : "From", false, &to, STR(""));
    if (all && !to_others)
        add_field(&o, "To", true, &to, STR(""));
    if (all)
        add_field(&o, "Cc", true, &cc, buf_str(&to));
    buf_printf(&text, "\n\nOn %.*s, %.*s wrote:\n", STR_ARG(mail_long_date(o.a, date_of(&o))), STR_ARG(first_name(&o)));
    add_quoted(&text, buf_str(&theirs));
    buf_free(&theirs);
    l->to = taken_over(o.a, &to);
    l->cc = taken_over(o.a, &cc);
    l->text = taken_over(o.a, &text);
    l->subject = with_prefix(o.a, "Re:", decoded(&o, "Subject"));
    set_thread(&o, l);
    return true;
}

static void take_all(struct origin *o, const struct reference *from, const struct mail_parts *parts, struct letter *l) {
    for (size_t i = 0; i < parts->attachments && l->taken_count < LETTER_MAX_TAKEN; i++) {
        struct taken *t = &l->taken[l->taken_count++];
        const struct mime_part *p = parts->attachment[i];
        *t = (struct taken){
            .from = *from, .name = mail_part_name(o->a, p), .encoding = p->encoding, .size = p->body_bytes};
        t->from.section = mail_part_section(o->a, p);
        t->type = arena_printf(o->a, "%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype));
    }
}

bool letter_forward(struct mail *m, const struct reference *origin, struct letter *l) {
    struct origin o;
    struct mail_parts parts;
    struct buf text = BUF_EMPTY, theirs = BUF_EMPTY;
    *l = (struct letter){.origin = *origin, .forwards = true};
    if (!read_origin(m, origin, &o) || !readable_text(&o, &theirs) || !choose_sender(&o, origin, l)) {
        buf_free(&theirs);
        return false;
    }
    buf_printf(&text,
               "\n\n---------- Forwarded message ----------\nFrom: %.*s\nDate: %.*s\nSubject: %.*s\nTo: %.*s\n\n%.*s\n",
               STR_ARG(decoded(&o, "From")), STR_ARG(mail_long_date(o.a, date_of(&o))), STR_ARG(decoded(&o, "Subject")),
               STR_ARG(decoded(&o, "To")), STR_ARG(str_trim(str_sub(buf_str(&theirs), 0, QUOTE_MAX))));
    buf_free(&theirs);
    l->text = taken_over(o.a, &text);
    l->subject = with_prefix(o.a, "Fwd:", decoded(&o, "Subject"));
    mail_parts_find(o.message.root, false, &parts);
    take_all(&o, origin, &parts, l);
    return true;
}

/* A field as it was typed: formatted where it is a list of addresses, else (a draft may hold anything) as it is. */
static struct str typed_field(struct origin *o, const char *name) {
    struct mime_addresses list = mime_parse_addresses(o->a, header(o, name));
    struct buf out = BUF_EMPTY;
    for (size_t i = 0; i < list.count; i++) {
        if (!list.at[i].mailbox.p || !list.at[i].host.p || !list.at[i].host.n) {
            buf_free(&out);
            return decoded(o, name);
        }
        add_address(&out, o->a, &list.at[i]);
    }
    return taken_over(o->a, &out);
}

/* Text of ours is flowed (RFC 3676): its soft line ends are taken out again, so that the form shows whole paragraphs.
 */
static struct str unflowed(struct arena *a, struct str text) {
    struct buf out = BUF_EMPTY;
    struct str line;
    while (text.n && str_split(&text, '\n', &line)) {
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        bool quoted = line.n && line.p[0] == '>';
        if (!quoted && str_starts(line, STR(" ")))
            line = str_sub(line, 1, line.n);
        bool soft = !quoted && line.n && line.p[line.n - 1] == ' ' && !str_eq(line, STR("-- "));
        buf_add_str(&out, line);
        if (!soft)
            buf_add_byte(&out, '\n');
    }
    return taken_over(a, &out);
}

bool letter_continue(struct mail *m, const struct reference *draft, struct letter *l) {
    struct origin o;
    struct mail_parts parts;
    struct buf text = BUF_EMPTY;
    *l = (struct letter){.draft = *draft};
    if (!read_origin(m, draft, &o) || !readable_text(&o, &text)) {
        buf_free(&text);
        return false;
    }
    mail_parts_find(o.message.root, false, &parts);
    struct str whole = taken_over(o.a, &text);
    const struct mime_part *body = parts.shown_count ? parts.shown[0] : NULL;
    bool flowed =
        body && str_ieq(mime_parameter_get(body->parameter, body->parameter_count, STR("format")), STR("flowed"));
    l->text = flowed ? unflowed(o.a, whole) : whole;
    struct asked from = {.count = 0};
    ask(&o, &from, header(&o, "From"));
    l->from = from.count ? from.at[0] : STR("");
    l->to = typed_field(&o, "To");
    l->cc = typed_field(&o, "Cc");
    l->bcc = typed_field(&o, "Bcc");
    l->subject = decoded(&o, "Subject");
    l->in_reply_to = header(&o, "In-Reply-To");
    l->references = header(&o, "References");
    take_all(&o, draft, &parts, l);
    return true;
}

bool letter_read_taken(struct mail *m, struct taken *t) {
    struct mail_message message;
    struct err err;
    struct arena *a = &m->x->arena;
    enum imap_status status = imap_message(m->imap, a, t->from.mailbox, t->from.uid, &message, &err);
    const struct mime_part *p = status == IMAP_OK ? mail_part_at(message.root, t->from.section) : NULL;
    if (!p || str_eq(p->type, STR("multipart"))) {
        if (status == IMAP_BROKEN)
            mail_failed(m, status, false, &err);
        return false;
    }
    t->name = mail_part_name(a, p);
    t->type = arena_printf(a, "%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype));
    t->encoding = p->encoding;
    t->size = p->body_bytes;
    return true;
}
