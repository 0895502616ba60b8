/* The queue of mail for elsewhere: one row a recipient; hold, release, delete. */
#include "store/queue.h"
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/list.h"
#include "page.h"

#define COLUMNS                                                                                                        \
    "r.id, r.message_id, r.address, m.sender, m.size, r.status::text, r.attempts, r.next_attempt_at, r.last_reply,"    \
    " m.received_at, m.source, m.expires_at, r.lease_until > now()"
/* OFFSET 0: recipients in their order, the message of each looked up; not all messages gathered first. */
#define ROWS(compare, order)                                                                                           \
    "SELECT " COLUMNS                                                                                                  \
    " FROM queue_recipient r, LATERAL (SELECT * FROM queue_message WHERE id = r.message_id OFFSET 0) m"                \
    " WHERE r.id " compare " $1 AND ($2 = '' OR strpos(lower(r.address), $2) > 0 OR strpos(lower(m.sender), $2) > 0"   \
    " OR strpos(lower(r.last_reply), $2) > 0) AND ($3 = '' OR r.status::text = $3) ORDER BY r.id" order                \
    " LIMIT " LIST_LIMIT
static const struct db_statement LIST[2] = {{"web_queue_up", ROWS(">", "")}, {"web_queue_down", ROWS("<", " DESC")}};
static const struct db_statement LOAD = {
    "web_queue_one",
    "SELECT " COLUMNS " FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id WHERE r.id = $1"};
static const struct db_statement HOLD = {"web_queue_hold", "UPDATE queue_recipient SET status = 'held' WHERE id = $1"};
static const struct db_statement RELEASE = {
    "web_queue_release", "UPDATE queue_recipient SET status = 'pending', next_attempt_at = now() WHERE id = $1"};
static const struct db_statement REMOVE = {"web_queue_remove", "DELETE FROM queue_recipient WHERE id = $1"};

static void show_row(struct exchange *x, struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "ENTRY");
    struct str sender = db_get_str(r, row, 3), reply = db_get_str(r, row, 8);
    char id[16];
    queue_id_text(db_get_int8(r, row, 1), id);
    bool held = str_eq(db_get_str(r, row, 5), STR("held")), busy = db_get_bool(r, row, 12);
    dict_set_int(d, "ID", db_get_int8(r, row, 0));
    dict_set_c(d, "MESSAGE", id);
    dict_set(d, "ADDRESS", db_get_str(r, row, 2));
    dict_set(d, "SENDER", sender.n > 0 ? sender : STR("(a notification)"));
    dict_set(d, "SIZE", size_text(&x->arena, db_get_int8(r, row, 4)));
    dict_set_int(d, "ATTEMPTS", db_get_int8(r, row, 6));
    dict_time(d, "NEXT", db_get_time(r, row, 7));
    dict_time(d, "RECEIVED", db_get_time(r, row, 9));
    if (reply.n > 0)
        dict_set(dict_section(d, "REPLIED"), "TEXT", reply);
    dict_show_if(d, "HELD", held);
    dict_show_if(d, "BUSY", !held && busy);
    dict_show_if(d, "WAITING", !held && !busy);
}

static void get_queue(struct exchange *x) {
    static const char *const SORTS[] = {"id", NULL};
    struct list l;
    list_read(x, &l, SORTS, true);
    struct str status = exchange_query(x, "status");
    if (!str_eq(status, STR("held")) && !str_eq(status, STR("pending")))
        status = STR("");
    list_keep(&l, "status", status);
    struct db_params p = {0};
    db_int8(&p, list_from_number(&l));
    db_text(&p, arena_lower(&x->arena, l.search));
    db_text(&p, status);
    PGresult *r = exchange_query_db(x, &LIST[l.scan_down], &p);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/queue.tpl", "Queue");
    int rows = list_take(&l, r);
    for (int i = 0; i < rows; i++)
        show_row(x, d, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, STR("/queue"),
                   arena_printf(&x->arena, "%lld", (long long)db_get_int8(r, list_row(&l, 0), 0)),
                   arena_printf(&x->arena, "%lld", (long long)db_get_int8(r, list_row(&l, rows - 1), 0)));
    PQclear(r);
    list_state(d, &l);
    dict_show_if(d, "CHOSEN_HELD", str_eq(status, STR("held")));
    dict_show_if(d, "CHOSEN_PENDING", str_eq(status, STR("pending")));
    page_send(x);
}

static void act(struct exchange *x, const struct db_statement *s, const char *done) {
    struct err err;
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "recipient"));
    int64_t touched = db_exec(x->db, s, &p, &err);
    if (touched < 0) {
        exchange_database_error(x, &err);
    } else if (touched == 0) {
        exchange_error(x, 404, "This is not in the queue any more: it was delivered, or gave up, in the meantime.");
    } else {
        page_flash(x, "%s", done);
        exchange_redirect(x, "/queue");
    }
}

static void post_hold(struct exchange *x) { act(x, &HOLD, "It is held: it stays in the queue until you release it."); }
static void post_release(struct exchange *x) { act(x, &RELEASE, "It is tried again right now."); }
static void post_delete(struct exchange *x) { act(x, &REMOVE, "It is deleted from the queue."); }

static void get_delete(struct exchange *x) {
    struct db_params p = {0};
    db_int8(&p, exchange_id(x, "recipient"));
    PGresult *r = exchange_query_db(x, &LOAD, &p);
    if (!r)
        return;
    if (PQntuples(r) == 0) {
        exchange_not_found(x);
        PQclear(r);
        return;
    }
    struct arena *a = &x->arena;
    struct confirmation c = {.title = "Delete this mail from the queue?",
                             .object = arena_printf(a, "to %.*s", STR_ARG(db_get_str(r, 0, 2))),
                             .button = "Delete it",
                             .action = arena_printf(a, "/queue/%lld/delete", (long long)db_get_int8(r, 0, 0)),
                             .cancel = STR("/queue")};
    struct dict *d = confirm_begin(x, &c);
    confirm_consequence(d, "This recipient does not get it. Other recipients of the message still do.");
    confirm_consequence(d, "Its sender is not told.");
    PQclear(r);
    page_send(x);
}

enum { MAY = ROLE_PROVIDER | ROLE_RESELLER };
const struct route queue_routes[] = {
    {METHOD_GET, "/queue", get_queue, MAY},
    {METHOD_POST, "/queue/#recipient/hold", post_hold, MAY},
    {METHOD_POST, "/queue/#recipient/release", post_release, MAY},
    {METHOD_GET, "/queue/#recipient/delete", get_delete, MAY},
    {METHOD_POST, "/queue/#recipient/delete", post_delete, MAY},
    {0},
};
