/* Who uses a mailbox beside its owner: the access lists of its folders, and who sends under its address. For
 * administrators at the mailbox, for a person at its profile. */
#include "store/sharing.h"
#include "admin/admin.h"
#include "admin/common.h"
#include "directory/address.h"
#include "directory/admin.h"
#include "page.h"

static const struct db_statement LOAD = {
    "web_sharing", "SELECT a.id, a.local_part, d.name, a.shared FROM account a JOIN domain d ON d.id = a.domain_id"
                   " WHERE a.id = $1"};
static const struct db_statement SHARES = {"web_shares", "SELECT folder, who, rights FROM share_list($1) LIMIT 2000"};
static const struct db_statement FOLDERS = {"web_share_folders",
                                            "SELECT folder FROM folder_names($1) ORDER BY 1 LIMIT 1000"};
static const struct db_statement DELEGATES = {"web_delegates", "SELECT who FROM delegate_list($1) LIMIT 500"};

struct owner {
    int64_t id;
    struct str address, path;
    bool shared;
};

/* The mailbox of the path, or the person's own. */
static bool load(struct exchange *x, struct owner *o) {
    bool own = x->actor.role == ROLE_USER;
    struct db_params p = {0};
    db_int8(&p, own ? x->actor.account_id : exchange_id(x, "account"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found)
        *o = (struct owner){
            .id = db_get_int8(r, 0, 0),
            .address = arena_str(&x->arena, address_format(&x->arena, db_get_str(r, 0, 1), db_get_str(r, 0, 2))),
            .path = own ? STR("/profile/sharing")
                        : arena_printf(&x->arena, "/mailboxes/%lld/sharing", (long long)db_get_int8(r, 0, 0)),
            .shared = db_get_bool(r, 0, 3)};
    else
        exchange_not_found(x);
    PQclear(r);
    return found;
}

static bool may_change(const struct exchange *x) { return x->actor.role & (ROUTE_MANAGERS | ROLE_USER); }

/* "lrs" in a person's words. */
static const char *rights_words(struct str letters) {
    static const char *const names[] = {"read", "edit", "manage"};
    static const char *const words[] = {"Read", "Read and edit", "Everything"};
    unsigned rights, named;
    char unknown;
    for (size_t i = 0; rights_parse(letters, &rights, &unknown) && i < 3; i++)
        if (rights_named(str_of(names[i]), &named) && named == rights)
            return words[i];
    return "Rights";
}

static void show_share(struct dict *d, const struct owner *o, const PGresult *r, int row, bool change) {
    struct dict *one = dict_section(d, "SHARE");
    struct str who = db_get_str(r, row, 1);
    bool negative = who.n && who.p[0] == '-';
    dict_set(one, "FOLDER", db_get_null(r, row, 0) ? STR("New folders") : db_get_str(r, row, 0));
    dict_set(one, "WHO", negative ? str_sub(who, 1, who.n) : who);
    dict_show_if(one, "NEGATIVE", negative);
    dict_set_c(one, "WORDS", rights_words(db_get_str(r, row, 2)));
    dict_set(one, "RIGHTS", db_get_str(r, row, 2));
    if (!change || db_get_null(r, row, 0))
        return;
    struct dict *remove = dict_section(one, "REMOVE");
    dict_set(remove, "PATH", o->path);
    dict_set(remove, "FOLDER", db_get_str(r, row, 0));
    dict_set(remove, "WHO", who);
}

static bool show_shares(struct exchange *x, struct dict *d, const struct owner *o) {
    struct db_params p = {0};
    db_int8(&p, o->id);
    PGresult *r = exchange_query_db(x, &SHARES, &p);
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++)
        show_share(d, o, r, i, may_change(x));
    dict_show_if(d, "NO_SHARES", PQntuples(r) == 0);
    PQclear(r);
    return true;
}

static bool show_delegates(struct exchange *x, struct dict *d, const struct owner *o) {
    struct db_params p = {0};
    db_int8(&p, o->id);
    PGresult *r = exchange_query_db(x, &DELEGATES, &p);
    if (!r)
        return false;
    for (int i = 0; i < PQntuples(r); i++) {
        struct dict *one = dict_section(d, "DELEGATE");
        dict_set(one, "WHO", db_get_str(r, i, 0));
        if (may_change(x)) {
            struct dict *remove = dict_section(one, "REMOVE");
            dict_set(remove, "PATH", o->path);
            dict_set(remove, "WHO", db_get_str(r, i, 0));
        }
    }
    dict_show_if(d, "NO_DELEGATES", PQntuples(r) == 0);
    PQclear(r);
    return true;
}

static bool show_form(struct exchange *x, struct dict *d, const struct owner *o) {
    struct db_params p = {0};
    db_int8(&p, o->id);
    PGresult *r = exchange_query_db(x, &FOLDERS, &p);
    if (!r)
        return false;
    struct dict *form = dict_section(d, "CHANGE");
    dict_set(form, "PATH", o->path);
    dict_set(form, "FOLDER", exchange_form(x, "folder"));
    dict_set(form, "WHO", exchange_form(x, "who"));
    for (int i = 0; i < PQntuples(r); i++)
        dict_set(dict_section(form, "KNOWN"), "NAME", db_get_str(r, i, 0));
    PQclear(r);
    return true;
}

static struct dict *sharing_page(struct exchange *x, const struct owner *o) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/sharing.tpl", "Sharing");
    dict_set(d, "ADDRESS", o->address);
    if (x->actor.role == ROLE_USER)
        dict_show(d, "OWN");
    else
        dict_set_int(dict_section(d, "OTHER"), "ACCOUNT_ID", o->id);
    dict_show_if(d, "SHARED", o->shared);
    bool good = show_shares(x, d, o) && show_delegates(x, d, o) && (!may_change(x) || show_form(x, d, o));
    return good ? d : NULL;
}

static void get_sharing(struct exchange *x) {
    struct owner o;
    if (load(x, &o) && sharing_page(x, &o))
        page_send(x);
}

/* What a form led to: back to the page, or the form again with what was wrong. */
static void answer(struct exchange *x, const struct owner *o, int64_t result, struct err *err, const char *done,
                   const char *field) {
    enum outcome outcome = admin_outcome(x, result, err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "%s", done);
        exchange_redirect(x, "%.*s", STR_ARG(o->path));
    } else if (outcome == OUTCOME_REFUSED) {
        form_refused(x, sharing_page(x, o), field, err);
    }
}

static void post_share(struct exchange *x) {
    struct owner o;
    struct err err;
    unsigned rights = 0;
    if (!load(x, &o))
        return;
    int64_t result = 0;
    if (!rights_named(exchange_form(x, "rights"), &rights))
        err_set(&err, "choose what may be done");
    else
        result = admin_share_set(x->db, o.address, exchange_form(x, "folder"), exchange_form(x, "who"), rights, &err);
    answer(x, &o, result, &err, "It is shared.", "SHARE_PROBLEM");
}

static void post_unshare(struct exchange *x) {
    struct owner o;
    struct err err;
    if (!load(x, &o))
        return;
    int64_t result = admin_share_set(x->db, o.address, exchange_form(x, "folder"), exchange_form(x, "who"), 0, &err);
    answer(x, &o, result, &err, "It is not shared with them any more.", "SHARE_PROBLEM");
}

static void change_delegate(struct exchange *x, bool allowed) {
    struct owner o;
    struct err err;
    if (!load(x, &o))
        return;
    int64_t result = admin_delegate_set(x->db, o.address, exchange_form(x, "delegate"), allowed, &err);
    answer(x, &o, result, &err,
           allowed ? "They may send under this address now." : "They may not send under this address any more.",
           "DELEGATE_PROBLEM");
}

static void post_delegate(struct exchange *x) { change_delegate(x, true); }
static void post_end_delegate(struct exchange *x) { change_delegate(x, false); }

const struct route sharing_routes[] = {
    {METHOD_GET, "/mailboxes/#account/sharing", get_sharing, ROUTE_OPERATORS},
    {METHOD_POST, "/mailboxes/#account/sharing", post_share, ROUTE_MANAGERS},
    {METHOD_POST, "/mailboxes/#account/sharing/remove", post_unshare, ROUTE_MANAGERS},
    {METHOD_POST, "/mailboxes/#account/sharing/delegates", post_delegate, ROUTE_MANAGERS},
    {METHOD_POST, "/mailboxes/#account/sharing/delegates/remove", post_end_delegate, ROUTE_MANAGERS},
    {METHOD_GET, "/profile/sharing", get_sharing, ROLE_USER},
    {METHOD_POST, "/profile/sharing", post_share, ROLE_USER},
    {METHOD_POST, "/profile/sharing/remove", post_unshare, ROLE_USER},
    {METHOD_POST, "/profile/sharing/delegates", post_delegate, ROLE_USER},
    {METHOD_POST, "/profile/sharing/delegates/remove", post_end_delegate, ROLE_USER},
    {0},
};
