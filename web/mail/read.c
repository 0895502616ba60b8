#include "mail/letter.h"

#include "http/url.h"
#include "mail/html/html.h"
#include "mail/html/text.h"
#include "page.h"

enum { MAX_TEXT = 512 * 1024, MAX_PEOPLE = 50, PICTURE_MAX = 3 * 1024 * 1024 };

struct reading {
    struct mail *m;
    struct arena *a;
    struct str mailbox;
    struct mail_message message;
    struct mail_parts parts;
    bool remote; /* remote pictures were asked for */
    bool plain;  /* the plain form was asked for */
};

/* ---- header ---- */

static struct str header(struct reading *r, const char *name) {
    return mime_header_get(r->a, r->message.header, str_of(name));
}

static void show_person(struct reading *r, struct dict *d, const struct mime_address *p) {
    struct str address =
        p->host.n ? arena_printf(r->a, "%.*s@%.*s", STR_ARG(p->mailbox), STR_ARG(p->host)) : p->mailbox;
    struct str name = p->name.p ? str_trim(mime_decode_words(r->a, p->name)) : STR("");
    address = mime_decode_words(r->a, address);
    dict_set(d, "NAME", name.n ? name : address);
    dict_set(d, "ADDRESS", address);
    dict_set(d, "HREF", arena_printf(r->a, "/mail/write?to=%.*s", STR_ARG(url_encoded(r->a, address))));
    dict_set(d, "INITIALS", mail_initials(r->a, name.n ? name : address));
    dict_set_int(d, "COLOUR", mail_colour(address));
    if (name.n && !str_ieq(name, address))
        dict_set(dict_section(d, "NAMED"), "ADDRESS", address);
}

static void show_people(struct reading *r, struct dict *d, const char *section, const char *field) {
    struct mime_addresses list = mime_parse_addresses(r->a, header(r, field));
    struct dict *group = list.count ? dict_section(d, section) : NULL;
    size_t shown = 0, people = 0;
    for (size_t i = 0; i < list.count; i++)
        people += list.at[i].host.p != NULL;
    for (size_t i = 0; i < list.count && shown < MAX_PEOPLE; i++)
        if (list.at[i].mailbox.p && (list.at[i].host.p || people == 0)) {
            struct dict *one = dict_section(group, "PERSON");
            if (shown++)
                dict_show(one, "COMMA");
            show_person(r, one, &list.at[i]);
        }
    if (people > shown)
        dict_set_int(dict_section(group, "MORE"), "NUMBER", (int64_t)(people - shown));
}

static void show_header(struct reading *r, struct dict *d, struct str subject) {
    struct mime_addresses from = mime_parse_addresses(r->a, header(r, "From"));
    struct dict *sender = dict_section(d, "SENDER");
    if (from.count && from.at[0].mailbox.p) {
        show_person(r, sender, &from.at[0]);
    } else {
        dict_set_c(sender, "NAME", "Unknown sender");
        dict_set_c(sender, "INITIALS", "?");
        dict_set_int(sender, "COLOUR", 1);
        dict_set_c(sender, "HREF", "/mail/write");
    }
    int64_t sent = mime_parse_date(header(r, "Date"));
    int64_t date = sent != INT64_MIN && sent > 0 ? sent : r->message.date;
    dict_set(d, "SUBJECT", subject);
    dict_set(d, "DATE", mail_long_date(r->a, date));
    dict_set(d, "DATETIME", mail_machine_date(r->a, date));
    show_people(r, d, "TO", "To");
    show_people(r, d, "CC", "Cc");
    show_people(r, d, "BCC", "Bcc");
    if (header(r, "Reply-To").n && !str_eq(header(r, "Reply-To"), header(r, "From")))
        show_people(r, d, "REPLY_TO", "Reply-To");
}

/* ---- body ---- */

static void write_event(void *context, const struct text_event *e) {
    static const char *const SECTIONS[] = {
        [TEXT_PLAIN] = "PLAIN", [TEXT_WEB] = "WEB",     [TEXT_MAIL] = "MAIL",       [TEXT_OPEN] = "OPEN",
        [TEXT_CLOSE] = "CLOSE", [TEXT_QUOTE] = "QUOTE", [TEXT_UNQUOTE] = "UNQUOTE", [TEXT_SIGNATURE] = "SIGNATURE",
        [TEXT_END] = "END",
    };
    struct dict *piece =
        dict_section(dict_section(context, "PIECE"), e->kind == TEXT_OPEN && e->folded ? "FOLDED" : SECTIONS[e->kind]);
    if (e->kind <= TEXT_MAIL)
        dict_set(piece, "TEXT", e->text);
    if (e->kind == TEXT_WEB)
        dict_set(piece, "HREF", e->address);
    if (e->kind == TEXT_MAIL) {
        struct arena scratch = ARENA_EMPTY;
        dict_set(piece, "HREF",
                 arena_printf(&scratch, "/mail/write?to=%.*s", STR_ARG(url_encoded(&scratch, e->address))));
        arena_free(&scratch);
    }
}

static bool is_yes(const struct mime_part *p, struct str name, struct str wanted) {
    return str_ieq(mime_parameter_get(p->parameter, p->parameter_count, name), wanted);
}

static enum imap_status show_text(struct reading *r, struct dict *d, const struct mime_part *part, struct err *err) {
    struct buf text = BUF_EMPTY;
    enum imap_status status = mail_part_text(r->m, r->message.uid, part, MAX_TEXT, &text, err);
    if (status == IMAP_OK) {
        struct dict *body = dict_include(dict_section(d, "TEXT"), "PIECES", "mail/text.tpl");
        struct text_options options = {.flowed = is_yes(part, STR("format"), STR("flowed")),
                                       .delsp = is_yes(part, STR("delsp"), STR("yes")),
                                       .sink = write_event,
                                       .context = body};
        text_walk(str_trim(buf_str(&text)).n ? buf_str(&text) : STR(""), &options);
        dict_show_if(d, "NO_TEXT", str_trim(buf_str(&text)).n == 0);
        if (part->body_bytes > MAX_TEXT)
            dict_show(d, "CUT");
    }
    buf_free(&text);
    return status;
}

/* Whether there is anything to offer "Show remote pictures" for: an <img with an address of the web, or the like in a
 * style. It decides on nothing but that offer. */
static bool mentions_remote(struct str html) {
    for (size_t i = 0; i + 5 < html.n; i++) {
        if (html.p[i] != '<' || !str_istarts(str_sub(html, i, 4), STR("<img")))
            continue;
        struct str tag = str_sub(html, i, 4096);
        ptrdiff_t end = str_chr(tag, '>');
        tag = end >= 0 ? str_sub(tag, 0, (size_t)end) : tag;
        if (str_find(tag, STR("http")) >= 0 || str_find(tag, STR("HTTP")) >= 0 || str_find(tag, STR("\"//")) >= 0)
            return true;
    }
    return false;
}

static enum imap_status show_html(struct reading *r, struct dict *d, const struct mime_part *part, bool *remote,
                                  struct err *err) {
    struct buf html = BUF_EMPTY;
    enum imap_status status = mail_part_text(r->m, r->message.uid, part, HTML_MAX_INPUT, &html, err);
    *remote = *remote || (status == IMAP_OK && mentions_remote(buf_str(&html)));
    buf_free(&html);
    struct str path = mail_message_path(r->a, "body", r->mailbox, r->message.uid);
    path = arena_printf(r->a, "%.*s/%.*s%s", STR_ARG(path), STR_ARG(mail_part_section(r->a, part)),
                        r->remote ? "?remote=1" : "");
    dict_set(dict_section(d, "HTML"), "SRC", path);
    return status;
}

static enum imap_status show_body(struct reading *r, struct dict *d, struct err *err) {
    enum imap_status status = IMAP_OK;
    bool remote = false;
    struct str path = mail_message_path(r->a, "message", r->mailbox, r->message.uid);
    for (size_t i = 0; i < r->parts.shown_count && status == IMAP_OK; i++) {
        const struct mime_part *part = r->parts.shown[i];
        struct dict *one = dict_section(d, "BODY");
        status = mail_part_is_html(part) ? show_html(r, one, part, &remote, err) : show_text(r, one, part, err);
    }
    if (r->parts.shown_count == 0)
        dict_show(d, "NO_BODY");
    if (remote && !r->remote)
        dict_set(dict_section(d, "BLOCKED"), "HREF", arena_printf(r->a, "%.*s?remote=1", STR_ARG(path)));
    if (r->parts.choice)
        dict_set(dict_section(d, r->parts.html ? "SHOW_PLAIN" : "SHOW_HTML"), "HREF",
                 r->parts.html ? arena_printf(r->a, "%.*s?plain=1", STR_ARG(path)) : path);
    return status;
}

/* ---- attachments ---- */

static bool is_picture(const struct mime_part *p) {
    static const char *const SHOWN[] = {"png", "jpeg", "jpg", "gif", "webp"};
    if (!str_eq(p->type, STR("image")) || p->body_bytes > PICTURE_MAX)
        return false;
    for (size_t i = 0; i < sizeof SHOWN / sizeof *SHOWN; i++)
        if (str_eq(p->subtype, str_of(SHOWN[i])))
            return true;
    return false;
}

static struct str kind_of(struct arena *a, struct str name) {
    ptrdiff_t dot = str_rchr(name, '.');
    struct str ending = dot < 0 ? STR("") : str_sub(name, (size_t)dot + 1, name.n);
    return ending.n && ending.n <= 4 && str_is_ascii(ending) ? ending : arena_lower(a, STR("file"));
}

static void show_attachments(struct reading *r, struct dict *d) {
    struct dict *box = r->parts.attachments ? dict_section(d, "ATTACHMENTS") : NULL;
    if (box)
        dict_set_int(box, "NUMBER", (int64_t)r->parts.attachments);
    for (size_t i = 0; i < r->parts.attachments; i++) {
        const struct mime_part *part = r->parts.attachment[i];
        struct dict *one = dict_section(box, "ATTACHMENT");
        struct str name = mail_part_name(r->a, part),
                   path = mail_message_path(r->a, "part", r->mailbox, r->message.uid);
        uint64_t size = str_eq(part->encoding, STR("base64")) ? part->body_bytes * 73 / 100 : part->body_bytes;
        path = arena_printf(r->a, "%.*s/%.*s", STR_ARG(path), STR_ARG(mail_part_section(r->a, part)));
        dict_set(one, "NAME", name);
        dict_set(one, "SIZE", mail_size(r->a, size));
        dict_set(one, "HREF", path);
        if (is_picture(part))
            dict_set(dict_section(one, "PICTURE"), "SRC", arena_printf(r->a, "%.*s?inline=1", STR_ARG(path)));
        else
            dict_set(dict_section(one, "FILE"), "KIND", kind_of(r->a, name));
    }
}

/* ---- the page ---- */

static void show_actions(struct reading *r, struct dict *d) {
    const struct folders *folders = r->m->folders;
    const struct folder *here = folder_named(folders, r->mailbox);
    struct str reference = reference_in_query(r->a, &(struct reference){.mailbox = r->mailbox, .uid = r->message.uid});
    enum folder_use use = here ? here->use : USE_NONE;
    dict_set(d, "BOX", r->mailbox);
    dict_set_int(d, "UID", r->message.uid);
    dict_set_int(d, "UIDVALIDITY", r->message.uidvalidity);
    dict_set(d, "BACK", mail_folder_path(r->a, r->mailbox));
    dict_set(d, "BACK_NAME", here ? here->display : STR("Inbox"));
    dict_set(d, "REPLY", arena_printf(r->a, "/mail/write?reply=%.*s", STR_ARG(reference)));
    dict_set(d, "REPLY_ALL", arena_printf(r->a, "/mail/write?all=%.*s", STR_ARG(reference)));
    dict_set(d, "FORWARD", arena_printf(r->a, "/mail/write?forward=%.*s", STR_ARG(reference)));
    dict_set(d, "SOURCE", mail_message_path(r->a, "source", r->mailbox, r->message.uid));
    dict_set(d, "HERE", mail_message_path(r->a, "message", r->mailbox, r->message.uid));
    dict_show_if(d, "FLAGGED", r->message.flags & MAIL_FLAGGED);
    dict_show_if(d, "NOT_FLAGGED", !(r->message.flags & MAIL_FLAGGED));
    dict_show_if(d, "DELETES_FOR_GOOD", use == USE_TRASH || use == USE_JUNK);
    dict_show_if(d, "DELETES_TO_TRASH", use != USE_TRASH && use != USE_JUNK);
    dict_show_if(d, "CAN_ARCHIVE", use != USE_ARCHIVE && folder_used(folders, USE_ARCHIVE));
    dict_show_if(d, "CAN_JUNK", use != USE_JUNK && use != USE_SENT);
    dict_show_if(d, "IS_JUNK", use == USE_JUNK);
    for (size_t i = 0; i < folders->count; i++)
        if (folders->at[i].selectable && &folders->at[i] != here) {
            struct dict *t = dict_section(d, "TARGET");
            dict_set(t, "BOX", folders->at[i].name);
            dict_set(t, "PATH", folders->at[i].path);
        }
    if (r->message.newer)
        dict_set(dict_section(d, "NEWER"), "HREF", mail_message_path(r->a, "message", r->mailbox, r->message.newer));
    if (r->message.older)
        dict_set(dict_section(d, "OLDER"), "HREF", mail_message_path(r->a, "message", r->mailbox, r->message.older));
}

static enum imap_status read_message(struct reading *r, uint32_t uid, struct err *err) {
    enum imap_status status;
    do {
        status = imap_message(r->m->imap, r->a, r->mailbox, uid, &r->message, err);
    } while (mail_again(r->m, status));
    return status;
}

static void show(struct reading *r) {
    struct str subject = str_trim(mime_decode_words(r->a, header(r, "Subject")));
    struct err err;
    subject = subject.n ? subject : STR("No subject");
    mail_parts_find(r->message.root, !r->plain, &r->parts);
    enum imap_status status = IMAP_OK;
    if (!(r->message.flags & MAIL_SEEN))
        status = imap_flag(r->m->imap, r->mailbox, arena_printf(r->a, "%u", r->message.uid), MAIL_SEEN, true, &err);
    if (status != IMAP_OK || !mail_folders(r->m, false)) {
        mail_failed(r->m, status, false, &err);
        return;
    }
    struct dict *d = mail_page(r->m, "mail/message.tpl", subject, r->mailbox, STR(""));
    show_header(r, d, subject);
    show_actions(r, d);
    show_attachments(r, d);
    status = show_body(r, d, &err);
    if (status != IMAP_OK)
        mail_failed(r->m, status, true, &err);
    else
        page_send(r->m->x);
}

static void get_message(struct exchange *x) {
    struct mail m;
    struct reading r = {.m = &m, .a = &x->arena, .mailbox = exchange_segment(x, "box")};
    struct err err;
    r.remote = str_eq(exchange_query(x, "remote"), STR("1"));
    r.plain = str_eq(exchange_query(x, "plain"), STR("1"));
    if (mail_open(&m, x, r.mailbox)) {
        enum imap_status status = read_message(&r, mail_uid(x), &err);
        if (status == IMAP_OK)
            show(&r);
        else
            mail_failed(&m, status, true, &err);
    }
    mail_close(&m);
}

const struct route mail_read_routes[] = {
    {METHOD_GET, "/mail/message/:box/#uid", get_message, MAIL_ROUTE},
    {0},
};
