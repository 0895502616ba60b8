/* Filters: programs that look at mail on its way in. Providers only. */
#include "admin/admin.h"
#include "admin/common.h"
#include "filter/filter.h"
#include "page.h"

static const struct db_statement LIST = {
    "web_filters", "SELECT id, name, kind::text, endpoint, mode::text, array_to_string(services, ', '),"
                   " on_failure::text FROM filter ORDER BY place, name"};
static const struct db_statement NAME_OF = {"web_filter_name", "SELECT name FROM filter WHERE id = $1"};

/* ---- the list ---- */

static void show_row(struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "FILTER");
    struct str mode = db_get_str(r, row, 4);
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set(d, "NAME", db_get_str(r, row, 1));
    dict_set(d, "KIND", db_get_str(r, row, 2));
    dict_set(d, "ENDPOINT", db_get_str(r, row, 3));
    dict_set(d, "SERVICES", db_get_str(r, row, 5));
    dict_show_if(d, "ENFORCE", str_eq(mode, STR("enforce")));
    dict_show_if(d, "WARN", str_eq(mode, STR("warn")));
    dict_show_if(d, "OFF", str_eq(mode, STR("off")));
    dict_show_if(d, "CLOSED", str_eq(db_get_str(r, row, 6), STR("tempfail")));
    dict_show_if(d, "OPEN", str_eq(db_get_str(r, row, 6), STR("accept")));
}

static void get_filters(struct exchange *x) {
    PGresult *r = exchange_query_db(x, &LIST, NULL);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/filters.tpl", "Filters");
    struct dict *rows = PQntuples(r) ? dict_section(d, "ROWS") : d;
    for (int i = 0; i < PQntuples(r); i++)
        show_row(rows, r, i);
    dict_show_if(d, "NOTHING_THERE", PQntuples(r) == 0);
    PQclear(r);
    page_send(x);
}

/* ---- the form ---- */

static struct str words_of(struct exchange *x, const char *const *names, const char *prefix) {
    struct buf out = BUF_EMPTY;
    for (size_t i = 0; names[i]; i++)
        if (form_checked(x, arena_printf(&x->arena, "%s-%s", prefix, names[i]).p))
            buf_printf(&out, "%s%s", out.n ? " " : "", names[i]);
    struct str words = arena_str(&x->arena, buf_str(&out));
    buf_free(&out);
    return words;
}

static const char *const services[] = {"relay", "submission", "lmtp", "pickup", NULL};
static const char *const stages[] = {"rcpt", "data", "message", NULL};

static struct filter_form typed(struct exchange *x) {
    return (struct filter_form){.name = exchange_form(x, "name"),
                                .kind = exchange_form(x, "kind"),
                                .endpoint = exchange_form(x, "endpoint"),
                                .place = exchange_form(x, "place"),
                                .mode = exchange_form(x, "mode"),
                                .on_failure = exchange_form(x, "on_failure"),
                                .services = words_of(x, services, "service"),
                                .connect_timeout = exchange_form(x, "connect_timeout"),
                                .command_timeout = exchange_form(x, "command_timeout"),
                                .content_timeout = exchange_form(x, "content_timeout"),
                                .max_size = exchange_form(x, "max_size"),
                                .found = exchange_form(x, "found"),
                                /* the boxes are of no use for other kinds, and may all be empty there */
                                .stages = str_eq(exchange_form(x, "kind"), STR("policy")) ? words_of(x, stages, "stage")
                                                                                          : STR("rcpt"),
                                .context = exchange_form(x, "context")};
}

static bool has_word(struct str list, const char *word) {
    struct str piece;
    while (list.n && str_split(&list, ' ', &piece))
        if (str_eq(piece, str_of(word)))
            return true;
    return false;
}

struct choice {
    const char *value, *label;
};

static void show_choices(struct dict *d, const char *section, const struct choice *list, struct str chosen) {
    for (; list->value; list++) {
        struct dict *one = dict_section(d, section);
        dict_set_c(one, "VALUE", list->value);
        dict_set_c(one, "LABEL", list->label);
        dict_show_if(one, "CHOSEN", str_eq(chosen, str_of(list->value)));
    }
}

static const struct choice kinds[] = {{"milter", "Milter"},
                                      {"policy", "Policy server (Postfix's policy delegation)"},
                                      {"rspamd", "rspamd"},
                                      {"clamd", "clamd (ClamAV)"},
                                      {NULL, NULL}};
static const struct choice modes[] = {{"enforce", "Enforce: what it says is done"},
                                      {"warn", "Warn: it is asked, and only the log tells what it says"},
                                      {"off", "Off: it is not asked"},
                                      {NULL, NULL}};
static const struct choice failures[] = {
    {"tempfail", "The mail is to come again later"}, {"accept", "The mail is taken without it"}, {NULL, NULL}};
static const struct choice founds[] = {{"", "The usual: spam goes into Junk, a virus is refused"},
                                       {"junk", "It goes into Junk"},
                                       {"reject", "It is refused"},
                                       {"tag", "It gets a header field"},
                                       {NULL, NULL}};
static const struct choice service_boxes[] = {{"relay", "Mail from other servers"},
                                              {"submission", "Mail that people here send"},
                                              {"lmtp", "Mail from local programs, over LMTP"},
                                              {"pickup", "Mail from sendmail on this machine"},
                                              {NULL, NULL}};
static const struct choice stage_boxes[] = {{"rcpt", "For each recipient"},
                                            {"data", "Before the message is sent"},
                                            {"message", "When the message is there"},
                                            {NULL, NULL}};

static void show_boxes(struct dict *d, const char *section, const struct choice *list, struct str chosen) {
    for (; list->value; list++) {
        struct dict *one = dict_section(d, section);
        dict_set_c(one, "VALUE", list->value);
        dict_set_c(one, "LABEL", list->label);
        dict_show_if(one, "CHOSEN", has_word(chosen, list->value));
    }
}

/* id 0: a new one. */
static struct dict *form_page(struct exchange *x, int64_t id, struct str name, const struct filter_form *f) {
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/filter.tpl", id ? "Filter" : "New filter");
    if (id) {
        struct dict *old = dict_section(d, "OLD");
        page_title(x, name);
        dict_set_int(old, "ID", id);
        dict_set(old, "FILTER", name);
    } else {
        dict_show(d, "NEW");
    }
    dict_set(d, "ACTION", id ? arena_printf(&x->arena, "/filters/%lld", (long long)id) : STR("/filters/new"));
    dict_set(d, "NAME", f->name);
    dict_set(d, "ENDPOINT", f->endpoint);
    dict_set(d, "PLACE", f->place);
    dict_set(d, "CONNECT_TIMEOUT", f->connect_timeout);
    dict_set(d, "COMMAND_TIMEOUT", f->command_timeout);
    dict_set(d, "CONTENT_TIMEOUT", f->content_timeout);
    dict_set(d, "MAX_SIZE", f->max_size);
    dict_set(d, "CONTEXT", f->context);
    show_choices(d, "KIND", kinds, f->kind);
    show_choices(d, "MODE", modes, f->mode);
    show_choices(d, "FAILURE", failures, f->on_failure);
    show_choices(d, "FOUND", founds, f->found);
    show_boxes(d, "SERVICE", service_boxes, f->services);
    show_boxes(d, "STAGE", stage_boxes, f->stages);
    return d;
}

static void refused(struct exchange *x, int64_t id, struct str name, const struct filter_form *f,
                    const struct err *err) {
    form_refused(x, form_page(x, id, name, f), "PROBLEM", err);
}

/* ---- a new one ---- */

static void get_new(struct exchange *x) {
    struct filter_form f = filter_defaults();
    form_page(x, 0, STR(""), &f);
    page_send(x);
}

static void post_new(struct exchange *x) {
    struct filter_form f = typed(x);
    struct err err;
    int64_t id = filter_add(x->db, &f, &err);
    enum outcome outcome = admin_outcome(x, id, &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The filter is in force. Try the connection to it next.");
        exchange_redirect(x, "/filters/%lld", (long long)id);
    } else if (outcome == OUTCOME_REFUSED) {
        refused(x, 0, STR(""), &f, &err);
    }
}

/* ---- one of them ---- */

/* Its name and, where f is not NULL, the row. False: replied. */
static bool load(struct exchange *x, struct str *name, struct filter_form *f) {
    struct db_params p = {0};
    struct err err;
    db_int8(&p, exchange_id(x, "filter"));
    PGresult *r = exchange_query_db(x, &NAME_OF, &p);
    if (!r)
        return false;
    bool found = PQntuples(r) == 1;
    if (found)
        *name = arena_str(&x->arena, db_get_str(r, 0, 0));
    PQclear(r);
    if (found && f && filter_load(x->db, &x->arena, *name, f, &err) < 0) {
        exchange_database_error(x, &err);
        return false;
    }
    if (!found)
        exchange_not_found(x);
    return found;
}

static void get_filter(struct exchange *x) {
    struct str name;
    struct filter_form f;
    if (!load(x, &name, &f))
        return;
    form_page(x, exchange_id(x, "filter"), name, &f);
    page_send(x);
}

static void post_filter(struct exchange *x) {
    struct str name;
    struct err err;
    if (!load(x, &name, NULL))
        return;
    struct filter_form f = typed(x);
    enum outcome outcome = admin_outcome(x, filter_change(x->db, name, &f, &err), &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The filter is saved and in force.");
        exchange_redirect(x, "/filters/%lld", (long long)exchange_id(x, "filter"));
    } else if (outcome == OUTCOME_REFUSED) {
        refused(x, exchange_id(x, "filter"), name, &f, &err);
    }
}

/* May take as long as the time-outs of the filter say: without a connection to the database meanwhile. */
static void post_test(struct exchange *x) {
    struct str name, finding;
    struct filter_form f;
    struct filter filter;
    struct err err;
    if (!exchange_begin(x) || !load(x, &name, &f) || !exchange_commit(x))
        return;
    bool good = filter_of_form(&x->arena, &f, &filter, &err) && filter_try(&filter, &x->arena, &finding, &err);
    if (!exchange_begin(x))
        return;
    struct dict *d = form_page(x, exchange_id(x, "filter"), name, &f);
    if (good)
        dict_set(dict_section(d, "FINDING"), "TEXT", sentence(&x->arena, finding.p));
    else
        dict_set(dict_section(d, "NO_FINDING"), "TEXT", sentence(&x->arena, err.text));
    page_send(x);
}

static void get_delete(struct exchange *x) {
    struct str name;
    if (!load(x, &name, NULL))
        return;
    long long id = (long long)exchange_id(x, "filter");
    struct confirmation c = {.title = "Remove this filter?",
                             .object = name,
                             .button = "Remove the filter",
                             .action = arena_printf(&x->arena, "/filters/%lld/delete", id),
                             .cancel = arena_printf(&x->arena, "/filters/%lld", id)};
    struct dict *d = confirm_begin(x, &c);
    confirm_consequence(d, "Mail is taken without it from now on.");
    confirm_consequence(d, "To stop it and keep what is set, switch it off instead.");
    page_send(x);
}

static void post_delete(struct exchange *x) {
    struct str name;
    struct err err;
    if (!load(x, &name, NULL))
        return;
    enum outcome outcome = admin_outcome(x, filter_remove(x->db, name, &err), &err);
    if (outcome == OUTCOME_DONE) {
        page_flash(x, "The filter %.*s is removed.", STR_ARG(name));
        exchange_redirect(x, "/filters");
    } else if (outcome == OUTCOME_REFUSED) {
        exchange_error(x, 422, "%.*s", STR_ARG(sentence(&x->arena, err.text)));
    }
}

const struct route filter_routes[] = {
    {METHOD_GET, "/filters", get_filters, ROLE_PROVIDER},
    {METHOD_GET, "/filters/new", get_new, ROLE_PROVIDER},
    {METHOD_POST, "/filters/new", post_new, ROLE_PROVIDER},
    {METHOD_GET, "/filters/#filter", get_filter, ROLE_PROVIDER},
    {METHOD_POST, "/filters/#filter", post_filter, ROLE_PROVIDER},
    {METHOD_POST, "/filters/#filter/test", post_test, ROLE_PROVIDER | ROUTE_DETACHED},
    {METHOD_GET, "/filters/#filter/delete", get_delete, ROLE_PROVIDER},
    {METHOD_POST, "/filters/#filter/delete", post_delete, ROLE_PROVIDER},
    {0},
};
