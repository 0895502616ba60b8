#include "mail/mail.h"

#include "page.h"

static void show_folder(struct dict *side, struct arena *a, const struct folder *f, struct str current) {
    struct dict *d = dict_section(side, "FOLDER");
    dict_set(d, "NAME", f->display);
    dict_set_int(d, "DEPTH", f->depth > 4 ? 4 : f->depth);
    dict_set_c(d, "ICON", mail_folder_icon(f->use));
    if (!f->selectable) {
        dict_show(d, "GROUP");
        return;
    }
    struct dict *link = dict_section(d, "LINK");
    dict_set(link, "HREF", mail_folder_path(a, f->name));
    dict_set(link, "BOX", f->name);
    dict_show_if(link, "CURRENT", str_eq(f->name, current));
    uint32_t count = f->use == USE_DRAFTS ? f->messages : f->unseen;
    if (count && f->use != USE_TRASH && f->use != USE_SENT)
        dict_set_int(dict_section(link, "COUNT"), "NUMBER", count);
}

struct dict *mail_page(struct mail *m, const char *template, struct str title, struct str current, struct str search) {
    struct exchange *x = m->x;
    struct arena *a = &x->arena;
    struct dict *d = page_begin(x, PAGE_BARE, "mail/layout.tpl", "");
    page_title(x, title);
    page_style(x, "mail.css");
    page_script(x, "mansio.js");
    page_script(x, "mail.js");
    struct str name = x->actor.name.n ? x->actor.name : x->actor.login;
    dict_set(d, "PERSON", name);
    dict_set(d, "ADDRESS", x->actor.login);
    dict_set(d, "INITIALS", mail_initials(a, name));
    dict_set_int(d, "COLOUR", mail_colour(x->actor.login));
    dict_set(d, "SEARCH", search);
    bool known = current.n && folder_named(m->folders, current);
    dict_set(d, "SEARCH_PATH", known ? mail_folder_path(a, current) : STR("/mail/"));
    dict_set(d, "SEARCH_PLACE", known ? folder_named(m->folders, current)->display : STR("Inbox"));
    dict_set(d, "CURRENT_BOX", known ? current : STR("INBOX"));
    for (size_t i = 0; i < m->folders->count; i++)
        show_folder(d, a, &m->folders->at[i], current);
    return dict_include(d, "MAIN", template);
}
