#include "mail/mail.h"

#include "base/codec.h"
#include "mail/html/html.h"
#include "mail/html/url.h"

/*
 * The HTML of a mail, at an address of its own that only a sandboxed frame shows (read.c, templates/mail/message.tpl).
 * What keeps it in its place, each layer enough by itself: the sanitiser's allow-lists; this Content-Security-Policy,
 * which runs no script, loads nothing, and gives the document an origin of its own, without cookies; and the frame's
 * sandbox attribute.
 *
 * With an origin of its own it could not load pictures of this site with the session's cookie, so those that come with
 * the mail are written into the document.
 */
#define POLICY_START                                                                                                   \
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src "     \
    "data:"
#define POLICY_END "; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

/* White paper also in the dark: mails choose their colours for it. The second meta lets the frame be as high as its
 * content where the browser can do that; nothing else of the page is known to the frame or the other way round. */
static const char HEAD[] = HTML_DOCTYPE
    "<html><head><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light only\">"
    "<meta name=\"responsive-embedded-sizing\" content=\"allow-origins=*\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>"
    "html{background:#fff;color:#1b211e;overflow-wrap:anywhere}"
    "body{margin:0;padding:16px 20px;font:15px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto "
    "Sans',Arial,sans-serif}"
    "img{max-width:100%}img:not([height]){height:auto}img:not([src]){outline:1px dashed #c3cac6;outline-offset:-1px}"
    "." HTML_DESCRIPTION_CLASS "{display:inline-block;padding:1px 7px;border:1px dashed #c3cac6;border-radius:4px;"
    "color:#59635e;font:12px/1.5 system-ui,sans-serif}"
    "blockquote{margin:.6em 0;padding-left:1em;border-left:3px solid #dcdfdc}"
    "pre{white-space:pre-wrap}a{color:#17695a}table{max-width:100%}"
    "</style></head><body>";
static const char TAIL[] = "</body></html>";

enum { PICTURE_MAX = 4 * 1024 * 1024, PICTURES_MAX = 16 * 1024 * 1024 };

struct frame {
    struct mail *m;
    struct arena *a;
    struct mail_message message;
    size_t pictures; /* bytes written into the document */
};

/* ---- pictures that come with the mail ---- */

static struct str without_brackets(struct str id) {
    id = str_trim(id);
    if (id.n && id.p[0] == '<')
        id = str_sub(id, 1, id.n);
    if (id.n && id.p[id.n - 1] == '>')
        id.n--;
    return id;
}

static const struct mime_part *next_part(const struct mime_part *root, const struct mime_part *at) {
    if (at->child)
        return at->child;
    while (at && at != root && !at->next)
        at = at->parent;
    return at && at != root ? at->next : NULL;
}

/* Bitmap formats only, and named here: the type is the sender's word. */
static const char *picture_type(const struct mime_part *p) {
    static const char *const TYPES[] = {"png", "jpeg", "gif", "webp", "bmp"};
    if (str_eq(p->type, STR("image")))
        for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
            if (str_eq(p->subtype, str_of(TYPES[i])))
                return TYPES[i];
    return str_eq(p->subtype, STR("jpg")) ? "jpeg" : NULL;
}

static struct str picture(struct frame *f, const struct mime_part *part, const char *type) {
    struct buf bytes = BUF_EMPTY, address = BUF_EMPTY;
    struct err err;
    struct str result = str_n(NULL, 0);
    if (mail_part_bytes(f->m, f->message.uid, part, PICTURE_MAX, &bytes, &err) == IMAP_OK && bytes.n &&
        f->pictures + bytes.n <= PICTURES_MAX) {
        f->pictures += bytes.n;
        buf_printf(&address, "data:image/%s;base64,", type);
        base64_encode(buf_str(&bytes), &address);
        result = arena_str(f->a, buf_str(&address));
    }
    buf_free(&bytes);
    buf_free(&address);
    return result;
}

/* A Content-ID's picture as a data: address, p NULL where the mail has none. */
static struct str picture_of(void *context, struct str id) {
    struct frame *f = context;
    const struct mime_part *root = f->message.root;
    for (const struct mime_part *p = root; p; p = next_part(root, p)) {
        struct buf cleaned = BUF_EMPTY;
        bool same = p->id.p && (buf_printf(&cleaned, "cid:%.*s", STR_ARG(without_brackets(p->id))), true);
        if (same) {
            struct buf address = BUF_EMPTY;
            same = url_clean(buf_str(&cleaned), &address) == URL_CID &&
                   str_ieq(str_sub(buf_str(&address), 4, address.n), id);
            buf_free(&address);
        }
        buf_free(&cleaned);
        if (same && picture_type(p))
            return picture(f, p, picture_type(p));
    }
    return str_n(NULL, 0);
}

/* ---- the document ---- */

/* HTML that can't be shown safely is read as text. */
static void write_text(struct str html, struct buf *out) {
    struct buf text = BUF_EMPTY;
    buf_add_c(out, "<p><em>This mail's layout is too complex to be shown. This is its text.</em></p><pre>");
    if (html_to_text(html, &text))
        html_escape(buf_str(&text), out);
    else
        buf_add_c(out, "(It can't be read as text either. Its source can be downloaded.)");
    buf_add_c(out, "</pre>");
    buf_free(&text);
}

static void reply_document(struct frame *f, struct str html, bool remote) {
    struct exchange *x = f->m->x;
    struct html_options options = {
        .images = remote ? HTML_IMAGES_REMOTE : HTML_IMAGES_BLOCK, .cid = picture_of, .context = f};
    buf_add_c(&x->reply.body, HEAD);
    if (!html_sanitise(html, &options, &x->reply.body, NULL))
        write_text(html, &x->reply.body);
    buf_add_c(&x->reply.body, TAIL);
    reply_set_c(&x->reply, "Content-Security-Policy",
                remote ? POLICY_START " https: http:" POLICY_END : POLICY_START POLICY_END);
    reply_set_c(&x->reply, "X-Frame-Options", "SAMEORIGIN");
    reply_set_c(&x->reply, "Referrer-Policy", "no-referrer");
    reply_set_c(&x->reply, "Cross-Origin-Resource-Policy", "same-origin");
}

static enum imap_status read_part(struct frame *f, struct str mailbox, uint32_t uid, struct str section,
                                  struct buf *html, struct err *err) {
    enum imap_status status;
    do
        status = imap_message(f->m->imap, f->a, mailbox, uid, &f->message, err);
    while (mail_again(f->m, status));
    if (status != IMAP_OK)
        return status;
    const struct mime_part *part = mail_part_at(f->message.root, section);
    if (!part || !mail_part_is_html(part)) {
        err_set(err, "This message has no such part.");
        return IMAP_NO;
    }
    return mail_part_text(f->m, uid, part, HTML_MAX_INPUT, html, err);
}

static void get_body(struct exchange *x) {
    struct mail m;
    struct frame f = {.m = &m, .a = &x->arena};
    struct buf html = BUF_EMPTY;
    struct err err;
    if (mail_open(&m, x, exchange_segment(x, "box"))) {
        enum imap_status status =
            read_part(&f, exchange_segment(x, "box"), mail_uid(x), exchange_segment(x, "section"), &html, &err);
        if (status == IMAP_OK)
            reply_document(&f, buf_str(&html), str_eq(exchange_query(x, "remote"), STR("1")));
        else
            mail_failed(&m, status, true, &err);
    }
    mail_close(&m);
    buf_free(&html);
}

const struct route mail_body_routes[] = {
    {METHOD_GET, "/mail/body/:box/#uid/:section", get_body, MAIL_ROUTE},
    {0},
};
