#include "mail/mail.h"

#include "http/url.h"
#include "page.h"

enum { PER_PAGE = 50, LAST_PAGE = 100000, MAX_SEARCH = 200, MAX_PREVIEW = 130 };

struct list {
    struct mail *m;
    const struct folder *folder;
    struct str search;
    uint32_t page;
    struct mail_page found;
};

static bool shows_recipients(const struct folder *f) { return f->use == USE_SENT || f->use == USE_DRAFTS; }

/* As much of the preview as the widest window shows. */
static struct str beginning(struct str preview) {
    size_t n = preview.n < MAX_PREVIEW ? preview.n : MAX_PREVIEW;
    while (n < preview.n && n > 0 && ((unsigned char)preview.p[n] & 0xc0) == 0x80)
        n--;
    return str_sub(preview, 0, n);
}

static void show_row(struct dict *list, struct list *l, const struct mail_row *row) {
    struct arena *a = &l->m->x->arena;
    struct dict *d = dict_section(list, "ROW");
    bool to = shows_recipients(l->folder), flagged = row->flags & MAIL_FLAGGED;
    struct str who = to ? row->to : row->from_name, address = to ? row->to : row->from_address;
    dict_set_int(d, "UID", row->uid);
    dict_set(d, "WHO", who.n ? who : to ? STR("No recipient yet") : STR("Unknown sender"));
    dict_set(d, "ADDRESS", address);
    dict_set(d, "INITIALS", mail_initials(a, who));
    dict_set_int(d, "COLOUR", mail_colour(address));
    dict_set(d, "SUBJECT", row->subject.n ? row->subject : STR("No subject"));
    dict_set(d, "PREVIEW", beginning(row->preview));
    dict_set(d, "DATE", mail_short_date(a, row->date));
    dict_set(d, "DATETIME", mail_machine_date(a, row->date));
    dict_set_c(d, "STAR", flagged ? "unflag-one" : "flag-one");
    dict_set_c(d, "STAR_LABEL", flagged ? "Remove the flag" : "Flag");
    if (!(row->flags & MAIL_SEEN)) {
        dict_set_c(d, "STATE", flagged ? "unread flagged" : "unread");
        dict_show(d, "UNREAD");
    } else if (flagged) {
        dict_set_c(d, "STATE", "flagged");
    }
    dict_show_if(d, "ANSWERED", row->flags & MAIL_ANSWERED);
    dict_show_if(d, "FORWARDED", row->flags & MAIL_FORWARDED);
    dict_show_if(d, "ATTACHMENT", row->attachment);
}

/* What stands before "/" and a UID to lead to the message: its page, or in Drafts the form to go on with it. */
static struct str message_path(struct list *l) {
    struct arena *a = &l->m->x->arena;
    struct str box = url_encoded(a, l->folder->name);
    if (l->folder->use != USE_DRAFTS)
        return arena_printf(a, "/mail/message/%.*s", STR_ARG(box));
    return arena_printf(a, "/mail/write?draft=%.*s", STR_ARG(url_encoded(a, box))); /* as reference_in_query() */
}

static struct str page_path(struct list *l, uint32_t page) {
    struct arena *a = &l->m->x->arena;
    struct str path = mail_folder_path(a, l->folder->name);
    const char *join = "?";
    if (l->search.n) {
        path = arena_printf(a, "%.*s?q=%.*s", STR_ARG(path), STR_ARG(url_encoded(a, l->search)));
        join = "&";
    }
    return page ? arena_printf(a, "%.*s%spage=%u", STR_ARG(path), join, page + 1) : path;
}

static void show_pager(struct dict *d, struct list *l) {
    if (l->found.found == 0)
        return;
    struct dict *pager = dict_section(d, "PAGER");
    uint32_t first = l->page * PER_PAGE + 1;
    dict_set_int(pager, "FIRST", first);
    dict_set_int(pager, "LAST", first + (int64_t)l->found.count - 1);
    dict_set_int(pager, "ALL", l->found.found);
    if (l->page > 0)
        dict_set(dict_section(pager, "NEWER"), "HREF", page_path(l, l->page - 1));
    if (first + l->found.count <= l->found.found)
        dict_set(dict_section(pager, "OLDER"), "HREF", page_path(l, l->page + 1));
}

/* Where messages can be moved to from here. */
static void show_targets(struct dict *d, struct list *l) {
    for (size_t i = 0; i < l->m->folders->count; i++) {
        const struct folder *f = &l->m->folders->at[i];
        if (!f->selectable || f == l->folder)
            continue;
        struct dict *t = dict_section(d, "TARGET");
        dict_set(t, "BOX", f->name);
        dict_set(t, "PATH", f->path);
    }
}

static void show_empty(struct dict *d, struct list *l) {
    static const char *const SENTENCES[] = {
        "Nothing is filed here yet.",
        "Nothing new. Mail that arrives appears here by itself.",
        "Mails that you begin and save without sending wait here.",
        "What you send is kept here.",
        "Put away mails that are done but worth keeping.",
        "No junk. Mails that you mark as junk go here.",
        "The trash is empty.",
    };
    if (l->found.count)
        return;
    if (l->search.n) {
        dict_set(dict_section(d, "NOT_FOUND"), "SEARCH", l->search);
    } else {
        struct dict *empty = dict_section(d, "EMPTY");
        dict_set_c(empty, "ICON", mail_folder_icon(l->folder->use));
        dict_set_c(empty, "SENTENCE", SENTENCES[l->folder->use]);
    }
}

static void show(struct list *l) {
    struct exchange *x = l->m->x;
    struct str title = l->search.n
                           ? arena_printf(&x->arena, "%.*s in %.*s", STR_ARG(l->search), STR_ARG(l->folder->display))
                           : l->folder->display;
    struct dict *d = mail_page(l->m, "mail/list.tpl", title, l->folder->name, l->search);
    dict_set(d, "NAME", l->folder->display);
    dict_set(d, "BOX", l->folder->name);
    dict_set_int(d, "UIDVALIDITY", l->found.uidvalidity);
    dict_set_int(d, "UIDNEXT", l->found.uidnext);
    dict_set(d, "PATH", message_path(l));
    dict_set(d, "BACK", page_path(l, l->page));
    dict_set(d, "HERE", mail_folder_path(&x->arena, l->folder->name));
    if (l->search.n) {
        struct dict *results = dict_section(d, "RESULTS");
        dict_set(results, "SEARCH", l->search);
        dict_set(results, "HERE", mail_folder_path(&x->arena, l->folder->name));
    }
    dict_show_if(d, "TRASH", l->folder->use == USE_TRASH);
    dict_show_if(d, "IS_JUNK", l->folder->use == USE_JUNK && l->found.count);
    dict_show_if(d, "DELETES_FOR_GOOD", l->folder->use == USE_TRASH || l->folder->use == USE_JUNK);
    dict_show_if(d, "DELETES_TO_TRASH", l->folder->use != USE_TRASH && l->folder->use != USE_JUNK);
    dict_show_if(d, "CAN_ARCHIVE", l->folder->use != USE_ARCHIVE && folder_used(l->m->folders, USE_ARCHIVE));
    dict_show_if(d, "CAN_JUNK",
                 l->folder->use != USE_JUNK && l->folder->use != USE_DRAFTS && l->folder->use != USE_SENT);
    if (l->found.count)
        dict_show(d, "ANY");
    for (size_t i = 0; i < l->found.count; i++)
        show_row(d, l, &l->found.row[i]);
    show_targets(d, l);
    show_empty(d, l);
    show_pager(d, l);
    page_send(x);
}

static void list(struct exchange *x, struct str mailbox) {
    struct mail m;
    struct list l = {.m = &m, .page = mail_query_number(x, "page", LAST_PAGE)};
    struct err err;
    enum imap_status status;
    l.search = str_sub(exchange_query(x, "q"), 0, MAX_SEARCH);
    if (!str_is_utf8(l.search)) /* cut within a letter */
        l.search = STR("");
    if (mail_open(&m, x, mailbox)) {
        do
            status = imap_page(m.imap, &x->arena, mailbox, l.search, l.page, PER_PAGE, &l.found, &err);
        while (mail_again(&m, status));
        if (status != IMAP_OK) {
            mail_failed(&m, status, true, &err);
        } else if (mail_folders(&m, false)) {
            l.folder = folder_named(m.folders, mailbox);
            bool stale = !l.folder || l.folder->messages != l.found.exists; /* the counts at the side are from before */
            if (stale && mail_folders(&m, true))
                l.folder = folder_named(m.folders, mailbox);
            if (l.folder)
                show(&l);
            else if (!x->failed)
                exchange_not_found(x);
        }
    }
    mail_close(&m);
}

static void get_inbox(struct exchange *x) { list(x, STR("INBOX")); }
static void get_folder(struct exchange *x) { list(x, exchange_segment(x, "box")); }
static void get_start(struct exchange *x) { exchange_redirect(x, "/mail/"); }

const struct route mail_list_routes[] = {
    {METHOD_GET, "/mail", get_start, MAIL_ROUTE},
    {METHOD_GET, "/mail/", get_inbox, MAIL_ROUTE},
    {METHOD_GET, "/mail/folder/:box", get_folder, MAIL_ROUTE},
    {0},
};
