/* Mail that was deleted for good, which comes back for the asking as long as it is kept: what the helpdesk does on its
 * page (admin/removed.c), by the person itself. */
#include "mail/mail.h"

#include "page.h"
#include "store/removed.h"

enum { SHOWN = 100 };

static const struct db_statement DAYS = {"web_mail_undelete_days", "SELECT undelete_days($1)"};

struct removed {
    struct removed_message *at;
    size_t count;
    int64_t days;
    struct str search;
};

/* False: an error was replied. */
static bool read_removed(struct exchange *x, struct removed *out) {
    struct err err;
    struct db_params p = {0};
    *out = (struct removed){.search = exchange_is_post(x) ? exchange_form(x, "q") : exchange_query(x, "q")};
    if (!exchange_begin(x))
        return false;
    db_int8(&p, x->actor.account_id);
    PGresult *r = exchange_query_db(x, &DAYS, &p);
    if (!r)
        return false;
    out->days = db_get_int8(r, 0, 0);
    PQclear(r);
    struct removed_filter filter = {.search = out->search, .most = SHOWN};
    if (!removed_list(x->db, &x->arena, x->actor.account_id, &filter, &out->at, &out->count, &err)) {
        exchange_database_error(x, &err);
        return false;
    }
    return exchange_commit(x);
}

static void show_message(struct mail *m, struct dict *rows, const struct removed_message *r) {
    struct arena *a = &m->x->arena;
    struct dict *one = dict_section(rows, "MESSAGE");
    dict_set(one, "KEY", r->key);
    dict_set(one, "FOLDER", r->folder);
    dict_set(one, "FROM", r->from);
    dict_set(one, "SUBJECT", r->subject.n ? r->subject : STR("(no subject)"));
    dict_set(one, "REMOVED", mail_short_date(a, r->removed_at));
    dict_set(one, "REMOVED_ISO", mail_machine_date(a, r->removed_at));
    dict_set(one, "UNTIL", mail_short_date(a, r->keep_until));
    dict_set(one, "UNTIL_ISO", mail_machine_date(a, r->keep_until));
}

static void show(struct mail *m, const char *problem) {
    struct removed found;
    if (!mail_folders(m, false) || !read_removed(m->x, &found))
        return;
    struct dict *d = mail_page(m, "mail/removed.tpl", STR("Recover deleted mail"), STR(""), STR(""));
    dict_set_int(d, "DAYS", found.days);
    dict_set(d, "FIND", found.search);
    if (problem) {
        m->x->reply.status = 422;
        dict_set_c(dict_section(d, "PROBLEM"), "TEXT", problem);
    }
    struct dict *rows = found.count ? dict_section(d, "ROWS") : NULL;
    for (size_t i = 0; i < found.count; i++)
        show_message(m, rows, &found.at[i]);
    dict_show_if(d, "NOTHING_THERE", found.count == 0 && found.search.n == 0);
    dict_show_if(d, "NOTHING_FOUND", found.count == 0 && found.search.n > 0);
    dict_show_if(d, "MORE", found.count == SHOWN);
    page_send(m->x);
}

static void get_removed(struct exchange *x) {
    struct mail m;
    if (mail_open(&m, x, STR("INBOX")))
        show(&m, NULL);
    mail_close(&m);
}

static size_t chosen(struct exchange *x, struct str *key) {
    const struct params *form = &x->request.form;
    size_t n = 0;
    for (size_t i = 0; i < form->count && n < SHOWN; i++)
        if (str_eq(form->at[i].name, STR("key")))
            key[n++] = form->at[i].value;
    return n;
}

/* How many came back; 0 with a sentence in err; -1: an error was replied. */
static int64_t bring_back(struct exchange *x, struct err *err) {
    struct str key[SHOWN];
    size_t n = chosen(x, key);
    if (n == 0) {
        err_set(err, "Choose the messages that shall come back.");
        return 0;
    }
    if (!exchange_begin(x))
        return -1;
    int64_t back = removed_bring_back(x->db, x->actor.account_id, key, n, (struct str){NULL, 0}, err);
    if (back < 0) {
        exchange_database_error(x, err);
    } else if (back == 0) {
        exchange_rollback(x);
        if (!*err->text)
            err_set(err, "These messages are not there any more.");
        err->text[0] = ascii_upper(err->text[0]);
    } else if (!exchange_commit(x)) {
        back = -1;
    }
    return back;
}

static void post_removed(struct exchange *x) {
    struct mail m;
    struct err err = {""};
    if (mail_open(&m, x, STR("INBOX"))) {
        int64_t back = bring_back(x, &err);
        if (back > 0) {
            page_flash(x, "%lld message%s brought back.", (long long)back, back == 1 ? " was" : "s were");
            exchange_redirect(x, "/mail/removed");
        } else if (back == 0) {
            show(&m, err.text);
        }
    }
    mail_close(&m);
}

const struct route mail_removed_routes[] = {
    {METHOD_GET, "/mail/removed", get_removed, MAIL_ROUTE},
    {METHOD_POST, "/mail/removed", post_removed, MAIL_ROUTE},
    {0},
};
