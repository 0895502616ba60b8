#include "mail/mail.h"

#include "mail/imap/name.h"
#include "page.h"

enum { MAX_NAME = 100 };

static void show(struct mail *m, struct str typed, const char *problem) {
    struct exchange *x = m->x;
    struct dict *d = mail_page(m, "mail/folders.tpl", STR("Folders"), STR(""), STR(""));
    dict_set(d, "TYPED", typed);
    if (problem)
        dict_set_c(dict_section(d, "PROBLEM"), "TEXT", problem);
    for (size_t i = 0; i < m->folders->count; i++) {
        const struct folder *f = &m->folders->at[i];
        struct dict *row = dict_section(d, "FOLDER");
        dict_set(row, "PATH", f->path);
        dict_set(row, "NAME", f->display);
        dict_set(row, "BOX", f->name);
        dict_set_c(row, "ICON", mail_folder_icon(f->use));
        dict_set_int(row, "MESSAGES", f->messages);
        dict_set(row, "HREF", mail_folder_path(&x->arena, f->name));
        dict_show_if(row, "OWN", f->use == USE_NONE);
        dict_show_if(row, "FIXED", f->use != USE_NONE);
    }
    page_send(x);
}

static void get_folders(struct exchange *x) {
    struct mail m;
    if (mail_open(&m, x, STR("INBOX")) && mail_folders(&m, true))
        show(&m, STR(""), NULL);
    mail_close(&m);
}

static char delimiter_of(const struct folders *f) {
    for (size_t i = 0; i < f->count; i++)
        if (f->at[i].delimiter)
            return f->at[i].delimiter;
    return '/';
}

/* A mailbox below the same parent, under a new last name. False where the name can't be one. */
static bool wire_name(struct mail *m, struct str typed, struct str sibling, struct str *out, struct err *err) {
    char delimiter = delimiter_of(m->folders);
    if (typed.n == 0)
        return err_set(err, "A folder needs a name.");
    if (typed.n > MAX_NAME)
        return err_set(err, "A folder's name can have %d letters at the most.", MAX_NAME);
    for (size_t i = 0; i < typed.n; i++)
        if ((unsigned char)typed.p[i] < ' ' || typed.p[i] == '*' || typed.p[i] == '%')
            return err_set(err, "A folder's name can't have * or %% in it.");
    if (sibling.p && str_chr(typed, delimiter) >= 0)
        return err_set(err, "A folder's name can't have %c in it.", delimiter);
    ptrdiff_t last = sibling.p ? str_rchr(sibling, delimiter) : -1;
    struct str name = name_encode(&m->x->arena, typed);
    *out = last < 0
               ? name
               : arena_printf(&m->x->arena, "%.*s%.*s", STR_ARG(str_sub(sibling, 0, (size_t)last + 1)), STR_ARG(name));
    return true;
}

/* A failed act is shown on the page, with what was typed. */
static void finish(struct mail *m, enum imap_status status, struct str typed, const struct err *err) {
    if (status == IMAP_OK) {
        exchange_redirect(m->x, "/mail/folders");
    } else if (status == IMAP_NO && mail_folders(m, true)) {
        m->x->reply.status = 422;
        show(m, typed, err->text);
    } else {
        mail_failed(m, status, false, err);
    }
}

static void create(struct mail *m) {
    struct str typed = exchange_form(m->x, "name"), name;
    struct err err;
    enum imap_status status = IMAP_NO;
    if (wire_name(m, typed, str_n(NULL, 0), &name, &err))
        status = imap_create(m->imap, name, NULL, &err);
    if (status == IMAP_OK)
        page_flash(m->x, "The folder %.*s is there.", STR_ARG(typed));
    finish(m, status, typed, &err);
}

static void rename_folder(struct mail *m, const struct folder *f) {
    struct str typed = exchange_form(m->x, "name"), name;
    struct err err;
    enum imap_status status = IMAP_NO;
    if (wire_name(m, typed, f->name, &name, &err))
        status = imap_rename(m->imap, f->name, name, &err);
    if (status == IMAP_OK)
        page_flash(m->x, "%.*s is now called %.*s.", STR_ARG(f->path), STR_ARG(typed));
    finish(m, status, STR(""), &err);
}

/* What is in it goes to the trash, so that nothing is lost by a click. */
static void delete_folder(struct mail *m, const struct folder *f) {
    const struct folder *trash = folder_used(m->folders, USE_TRASH);
    struct err err;
    enum imap_status status = IMAP_OK;
    struct str name = arena_str(&m->x->arena, f->name), path = arena_str(&m->x->arena, f->path);
    if (f->selectable && f->messages && trash)
        status = imap_move(m->imap, name, STR("1:*"), arena_str(&m->x->arena, trash->name), &err);
    if (status == IMAP_OK)
        status = imap_delete(m->imap, name, &err);
    if (status == IMAP_OK)
        page_flash(m->x, "The folder %.*s was deleted. Its messages are in the trash.", STR_ARG(path));
    finish(m, status, STR(""), &err);
}

static void post_folders(struct exchange *x) {
    struct mail m;
    struct str act = exchange_form(x, "act");
    if (mail_open(&m, x, exchange_form(x, "box")) && mail_folders(&m, true)) {
        const struct folder *f = folder_named(m.folders, exchange_form(x, "box"));
        bool own = f && f->use == USE_NONE;
        if (str_eq(act, STR("create")))
            create(&m);
        else if (own && str_eq(act, STR("rename")))
            rename_folder(&m, f);
        else if (own && str_eq(act, STR("delete")))
            delete_folder(&m, f);
        else
            exchange_not_found(x);
    }
    mail_close(&m);
}

const struct route mail_folder_routes[] = {
    {METHOD_GET, "/mail/folders", get_folders, MAIL_ROUTE},
    {METHOD_POST, "/mail/folders", post_folders, MAIL_ROUTE},
    {0},
};
