#include "mail/letter.h"

#include "base/clock.h"
#include "base/log.h"
#include "page.h"

enum { TAKEN_MAX = 64 * 1024 * 1024 };

struct sending {
    struct mail *m;
    struct letter *letter;
    struct outgoing *mail;
    bool not_theirs; /* the user may not send under the address of the form */
};

/* Only what the list has goes into the mail. A draft under an address that is not in it is kept under the user's own.
 */
static bool set_from(struct sending *s) {
    struct exchange *x = s->m->x;
    struct letter *l = s->letter;
    s->mail->from = (struct recipient){.name = x->actor.name.p ? x->actor.name : STR(""), .address = x->actor.login};
    if (l->from.n && !str_ieq(l->from, x->actor.login)) {
        l->senders = senders_load(s->m, &l->from, 1);
        if (!l->senders)
            return false;
        const struct sender *from = senders_find(l->senders, l->from);
        s->not_theirs = !from;
        if (from)
            s->mail->from = (struct recipient){.name = from->name, .address = from->address};
    }
    s->mail->subject = s->letter->subject;
    s->mail->text = s->letter->text.p ? s->letter->text : STR("");
    s->mail->in_reply_to = s->letter->in_reply_to;
    s->mail->references = s->letter->references;
    s->mail->message_id = outgoing_message_id(&x->arena, s->mail->from.address);
    s->mail->date = clock_now();
    return true;
}

static bool check_from(const struct sending *s, struct err *err) {
    return !s->not_theirs ||
           err_set(err, "You can't send under %.*s. Choose another address at From.", STR_ARG(s->letter->from));
}

static bool set_recipients(struct sending *s, struct err *err) {
    struct arena *a = &s->m->x->arena;
    struct outgoing *o = s->mail;
    if (!recipients_add(a, s->letter->to, &o->to, err) || !recipients_add(a, s->letter->cc, &o->cc, err) ||
        !recipients_add(a, s->letter->bcc, &o->bcc, err))
        return false;
    return o->to.count + o->cc.count + o->bcc.count > 0 || err_set(err, "Write at least one address to send this to.");
}

static void set_files(struct sending *s) {
    struct exchange *x = s->m->x;
    struct outgoing_file *file = arena_array(&x->arena, LETTER_MAX_FILES, sizeof *file);
    size_t n = 0;
    for (const struct param *p; n < LETTER_MAX_FILES && (p = params_file(&x->request.form, STR("file"), n)) != NULL;
         n++)
        file[n] = (struct outgoing_file){.name = p->filename, .type = p->type, .bytes = p->value};
    s->mail->file = file;
    s->mail->file_count = n;
}

/* The bytes of the parts taken from other mails, still encoded. */
static bool set_taken(struct sending *s) {
    struct arena *a = &s->m->x->arena;
    const struct letter *l = s->letter;
    struct outgoing_part *part = arena_array(a, l->taken_count + 1, sizeof *part);
    struct err err;
    for (size_t i = 0; i < l->taken_count; i++) {
        const struct taken *t = &l->taken[i];
        struct buf raw = BUF_EMPTY;
        enum imap_status status = imap_select(s->m->imap, t->from.mailbox, &err);
        if (status == IMAP_OK)
            status = imap_section(s->m->imap, t->from.uid, t->from.section, TAKEN_MAX, &raw, &err);
        part[i] = (struct outgoing_part){
            .name = t->name, .type = t->type, .encoding = t->encoding, .body = arena_str(a, buf_str(&raw))};
        buf_free(&raw);
        if (status != IMAP_OK) {
            mail_failed(s->m, status, false, &err);
            return false;
        }
    }
    s->mail->part = part;
    s->mail->part_count = l->taken_count;
    return true;
}

/* ---- copies ---- */

static bool mailbox_for(struct sending *s, enum folder_use use, const char *name, const char *attribute,
                        struct str *out, struct err *err) {
    if (!s->m->folders && !mail_folders(s->m, false))
        return false;
    const struct folder *f = folder_used(s->m->folders, use);
    *out = f ? f->name : str_of(name);
    return f || imap_create(s->m->imap, *out, attribute, err) == IMAP_OK;
}

static void remove_draft(struct sending *s) {
    const struct reference *d = &s->letter->draft;
    struct err err;
    struct str uid = arena_printf(&s->m->x->arena, "%u", d->uid);
    if (d->mailbox.n && imap_expunge(s->m->imap, d->mailbox, uid, &err) != IMAP_OK)
        log_warn("webmail of %.*s: a draft could not be removed: %s", STR_ARG(s->m->x->actor.login), err.text);
}

/* A draft keeps the addresses as they were typed, be they right or not. */
static void build_draft(struct sending *s, struct buf *out) {
    static const char *const FIELDS[] = {"To", "Cc", "Bcc"};
    const struct str typed[] = {s->letter->to, s->letter->cc, s->letter->bcc};
    struct outgoing draft = *s->mail;
    struct recipients *lists[] = {&draft.to, &draft.cc, &draft.bcc};
    for (int i = 0; i < 3; i++) {
        struct err err;
        lists[i]->count = 0;
        if (recipients_add(&s->m->x->arena, typed[i], lists[i], &err))
            continue;
        lists[i]->count = 0;
        buf_printf(out, "%s: ", FIELDS[i]);
        mime_encode_words(typed[i], out);
        buf_add_c(out, "\r\n");
    }
    outgoing_build(&draft, true, out);
}

/* Saves the mail as a draft in place of the one it continues. */
static bool save_draft(struct sending *s, struct reference *saved, struct err *err) {
    struct buf message = BUF_EMPTY;
    bool ok = mailbox_for(s, USE_DRAFTS, "Drafts", "\\Drafts", &saved->mailbox, err);
    if (ok) {
        build_draft(s, &message);
        ok = imap_append(s->m->imap, saved->mailbox, buf_str(&message), MAIL_DRAFT | MAIL_SEEN, &saved->uid, err) ==
             IMAP_OK;
    }
    buf_free(&message);
    if (ok)
        remove_draft(s);
    return ok;
}

static void mark_origin(struct sending *s) {
    const struct reference *o = &s->letter->origin;
    struct err err;
    struct str uid = arena_printf(&s->m->x->arena, "%u", o->uid);
    unsigned flag = s->letter->forwards ? MAIL_FORWARDED : MAIL_ANSWERED;
    if (o->mailbox.n && imap_flag(s->m->imap, o->mailbox, uid, flag, true, &err) != IMAP_OK)
        log_warn("webmail of %.*s: a mail could not be marked as answered: %s", STR_ARG(s->m->x->actor.login),
                 err.text);
}

/* What follows once the mail is on its way: nothing here may look as if it was not sent. */
static void finish(struct sending *s, struct str message) {
    struct exchange *x = s->m->x;
    struct err err = {""};
    struct str sent;
    uint32_t uid;
    size_t count = s->mail->to.count + s->mail->cc.count + s->mail->bcc.count;
    bool kept = mailbox_for(s, USE_SENT, "Sent", "\\Sent", &sent, &err) &&
                imap_append(s->m->imap, sent, message, MAIL_SEEN, &uid, &err) == IMAP_OK;
    mark_origin(s);
    remove_draft(s);
    x->failed = false;
    if (!kept) {
        log_error("webmail of %.*s: no copy in Sent: %s", STR_ARG(x->actor.login), err.text);
        page_flash(x, "The mail was sent, but no copy of it could be kept: %s", err.text);
    } else if (count == 1) {
        const struct recipients *only = s->mail->to.count   ? &s->mail->to
                                        : s->mail->cc.count ? &s->mail->cc
                                                            : &s->mail->bcc;
        page_flash(x, "Sent to %.*s.", STR_ARG(only->at[0].address));
    } else {
        page_flash(x, "Sent to %zu recipients.", count);
    }
    exchange_redirect(
        x, "%.*s",
        STR_ARG(s->letter->origin.mailbox.n ? mail_folder_path(&x->arena, s->letter->origin.mailbox) : STR("/mail/")));
}

/* The form again, with the reason. Files that came with it would be lost: then the mail is kept as a draft first. */
static void show_again(struct sending *s, const char *problem) {
    struct exchange *x = s->m->x;
    struct reference saved = {0};
    struct err err;
    x->reply.status = 422;
    if (s->mail->file_count && save_draft(s, &saved, &err) && saved.uid && letter_continue(s->m, &saved, s->letter))
        letter_show(s->m, s->letter, problem);
    else if (!x->failed)
        letter_show(s->m, s->letter, problem);
}

static void send(struct sending *s) {
    struct exchange *x = s->m->x;
    struct buf message = BUF_EMPTY, token = BUF_EMPTY;
    struct err err;
    if (!check_from(s, &err) || !set_recipients(s, &err)) {
        show_again(s, err.text);
        return;
    }
    if (!mail_token(x, &token))
        return;
    outgoing_build(s->mail, false, &message);
    enum submit_status status =
        submit(x->web->mail->submission, arena_c(&x->arena, x->actor.login), token.p, s->mail, buf_str(&message), &err);
    explicit_bzero(token.p, token.cap);
    buf_free(&token);
    if (status != SUBMIT_OK) {
        show_again(s, err.text);
    } else {
        if (s->mail->bcc.count) {
            buf_reset(&message);
            outgoing_build(s->mail, true, &message);
        }
        finish(s, buf_str(&message));
    }
    buf_free(&message);
}

static void save(struct sending *s) {
    struct exchange *x = s->m->x;
    struct reference saved = {0};
    struct err err;
    if (!save_draft(s, &saved, &err)) {
        if (!x->failed) {
            x->reply.status = 422;
            letter_show(s->m, s->letter, err.text);
        }
        return;
    }
    page_flash(x, "The draft was saved.");
    if (saved.uid)
        exchange_redirect(x, "/mail/write?draft=%.*s", STR_ARG(reference_in_query(&x->arena, &saved)));
    else
        exchange_redirect(x, "%.*s", STR_ARG(mail_folder_path(&x->arena, saved.mailbox)));
}

static void discard(struct sending *s) {
    struct exchange *x = s->m->x;
    remove_draft(s);
    page_flash(x, "The mail was thrown away.");
    exchange_redirect(x, "/mail/");
}

static void post_send(struct exchange *x) {
    struct mail m;
    struct sending s = {
        .m = &m, .letter = arena_alloc(&x->arena, sizeof *s.letter), .mail = arena_alloc(&x->arena, sizeof *s.mail)};
    struct str act = exchange_form(x, "act");
    if (mail_open(&m, x, STR("INBOX")) && letter_from_form(&m, s.letter) && set_from(&s)) {
        set_files(&s);
        if (str_eq(act, STR("discard")))
            discard(&s);
        else if (set_taken(&s)) {
            if (str_eq(act, STR("save")))
                save(&s);
            else
                send(&s);
        }
    }
    mail_close(&m);
}

const struct route mail_send_routes[] = {
    {METHOD_POST, "/mail/send", post_send, MAIL_ROUTE},
    {0},
};
