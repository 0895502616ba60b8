#include "mail/mail.h"

/* What strangers sent is never a page of this site: it is downloaded, under a type that no browser runs, within a
 * sandbox. */
#define POLICY "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"

enum { PART_MAX = 128 * 1024 * 1024 };

/* Types that are harmless under their own name; everything else is just bytes. */
static const char *const KEPT_TYPES[] = {
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/tiff",
    "image/heic",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/mp4",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "application/pdf",
    "application/zip",
    "application/gzip",
    "application/pkcs7-signature",
    "application/pgp-signature",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
};

static const char *safe_type(struct arena *a, const struct mime_part *p) {
    struct str type = arena_printf(a, "%.*s/%.*s", STR_ARG(p->type), STR_ARG(p->subtype));
    for (size_t i = 0; i < sizeof KEPT_TYPES / sizeof *KEPT_TYPES; i++)
        if (str_eq(type, str_of(KEPT_TYPES[i])))
            return KEPT_TYPES[i];
    if (str_eq(p->type, STR("text")) && !str_eq(p->subtype, STR("html")) && !str_eq(p->subtype, STR("xml")))
        return "text/plain";
    return str_eq(p->type, STR("message")) ? "message/rfc822" : "application/octet-stream";
}

static bool may_be_inline(const char *type) {
    static const char *const INLINE[] = {"image/png", "image/jpeg", "image/gif", "image/webp"};
    for (size_t i = 0; i < sizeof INLINE / sizeof *INLINE; i++)
        if (strcmp(type, INLINE[i]) == 0)
            return true;
    return false;
}

static void reply_bytes(struct exchange *x, const char *type, struct str name, bool is_inline) {
    reply_type(&x->reply, type);
    reply_filename(&x->reply, name, is_inline);
    reply_set_c(&x->reply, "Content-Security-Policy", POLICY);
}

static enum imap_status read_message(struct mail *m, struct mail_message *message, struct err *err) {
    enum imap_status status;
    do
        status = imap_message(m->imap, &m->x->arena, exchange_segment(m->x, "box"), mail_uid(m->x), message, err);
    while (mail_again(m, status));
    return status;
}

static void get_part(struct exchange *x) {
    struct mail m;
    struct mail_message message;
    struct err err;
    if (mail_open(&m, x, exchange_segment(x, "box"))) {
        enum imap_status status = read_message(&m, &message, &err);
        const struct mime_part *part =
            status == IMAP_OK ? mail_part_at(message.root, exchange_segment(x, "section")) : NULL;
        if (status == IMAP_OK && part && !str_eq(part->type, STR("multipart")))
            status = mail_part_bytes(&m, message.uid, part, PART_MAX, &x->reply.body, &err);
        if (status != IMAP_OK) {
            mail_failed(&m, status, true, &err);
        } else if (!part || str_eq(part->type, STR("multipart"))) {
            exchange_not_found(x);
        } else {
            const char *type = safe_type(&x->arena, part);
            bool is_inline = str_eq(exchange_query(x, "inline"), STR("1")) && may_be_inline(type);
            reply_bytes(x, type, mail_part_name(&x->arena, part), is_inline);
        }
    }
    mail_close(&m);
}

static void get_source(struct exchange *x) {
    struct mail m;
    struct mail_message message;
    struct err err;
    if (mail_open(&m, x, exchange_segment(x, "box"))) {
        enum imap_status status = read_message(&m, &message, &err);
        if (status == IMAP_OK)
            status = imap_section(m.imap, message.uid, STR(""), PART_MAX, &x->reply.body, &err);
        if (status != IMAP_OK) {
            mail_failed(&m, status, true, &err);
        } else if (str_eq(exchange_query(x, "download"), STR("1"))) {
            struct str subject =
                mime_decode_words(&x->arena, mime_header_get(&x->arena, message.header, STR("Subject")));
            struct str name =
                str_is_utf8(str_sub(subject, 0, 80)) && subject.n ? str_sub(subject, 0, 80) : STR("message");
            reply_bytes(x, "message/rfc822", arena_printf(&x->arena, "%.*s.eml", STR_ARG(name)), false);
        } else {
            reply_bytes(x, "text/plain; charset=utf-8", STR("source.txt"), true);
        }
    }
    mail_close(&m);
}

const struct route mail_part_routes[] = {
    {METHOD_GET, "/mail/part/:box/#uid/:section", get_part, MAIL_ROUTE},
    {METHOD_GET, "/mail/source/:box/#uid", get_source, MAIL_ROUTE},
    {0},
};
