/* The message trace: what became of mail, newest first, found by address, client or id; and all about one message. */
#include "admin/admin.h"
#include "admin/common.h"
#include "admin/list.h"
#include "base/clock.h"
#include "page.h"
#include "store/queue.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <time.h>

/* $1 address or domain, $2 whose (sender, recipient, either), $3 client, $4 Message-ID, $5 queue id, $6 outcomes, $7
 * from, $8 to, $9 and $10 cursor, $11 downwards, $12 rows */
#define SEARCH                                                                                                         \
    " FROM trace_search($1::text, $2::text, $3::text::inet, $4::text, $5::bigint,"                                     \
    " string_to_array($6::text, ',')::trace_outcome[], $7::timestamptz, $8::timestamptz, $9::bigint, $10::integer,"    \
    " $11::boolean, $12::integer)"
static const struct db_statement LIST = {
    "web_trace_list",
    "SELECT id, n, at, sender, recipient, target, outcome, coalesce(reply, ''), client, coalesce(rule, '')" SEARCH};
static const struct db_statement MESSAGE = {
    "web_trace_message",
    "SELECT id, n, at, sender, recipient, target, outcome, coalesce(reply, ''), client, coalesce(rule, ''), service,"
    " client_name, helo, tls, login, message_id, coalesce(size, 0), stage, coalesce(mailbox, ''), coalesce(host, ''),"
    " changed_at, notes" SEARCH " ORDER BY n"};
static const struct db_statement EVENTS = {
    "web_trace_events",
    "SELECT at, address, outcome::text, coalesce(attempt, 0), coalesce(host, ''), coalesce(tls, ''),"
    " coalesce(reply, '') FROM trace_event WHERE id = $1 ORDER BY at LIMIT 1000"};

enum { MAX_RECIPIENTS = 500 };
static const int64_t DAY = INT64_C(86400) * CLOCK_SECOND;

static const struct {
    const char *name, *label, *badge; /* badge: the section of the templates */
} OUTCOMES[] = {
    {"delivered", "Delivered", "GOOD"}, {"relayed", "Sent on", "GOOD"}, {"queued", "In the queue", "INFO"},
    {"deferred", "Waiting", "WARN"},    {"bounced", "Bounced", "BAD"},  {"refused", "Refused", "BAD"},
    {"discarded", "Discarded", "WARN"}, {"lost", "Broken off", "WARN"}, {"removed", "Removed", "WARN"},
};
enum { OUTCOME_COUNT = sizeof OUTCOMES / sizeof *OUTCOMES };

static const struct {
    const char *value, *label, *outcomes;
} CHOICES[] = {{"delivered", "Delivered here", "delivered"},
               {"relayed", "Sent on", "relayed"},
               {"waiting", "Waiting", "queued,deferred"},
               {"bounced", "Bounced", "bounced"},
               {"refused", "Refused", "refused"},
               {"other", "Discarded, broken off, removed", "discarded,lost,removed"}};
enum { CHOICE_COUNT = sizeof CHOICES / sizeof *CHOICES };

static size_t outcome_of(struct str name) {
    for (size_t i = 0; i < OUTCOME_COUNT; i++)
        if (str_eq(name, str_of(OUTCOMES[i].name)))
            return i;
    return OUTCOME_COUNT - 1;
}

/* ---- what is looked for ---- */

struct wanted {
    struct str address, client, header_id;
    int64_t id;
    bool nothing; /* it can't be anything that is there */
};

static bool is_network_address(struct str text) {
    unsigned char raw[16];
    char c[64];
    return str_to_c(text, c, sizeof c) && (inet_pton(AF_INET, c, raw) == 1 || inet_pton(AF_INET6, c, raw) == 1);
}

static struct wanted understand(struct str text) {
    struct wanted w = {0};
    if (text.n == 0)
        return w;
    if (str_starts(text, STR("<")))
        w.header_id = text;
    else if (is_network_address(text))
        w.client = text;
    else if (str_chr(text, '@') >= 0 || str_chr(text, '.') >= 0)
        w.address = text;
    else if (!queue_id_parse(text, &w.id))
        w.nothing = true;
    return w;
}

struct filter {
    struct wanted wanted;
    struct str whose, choice, from_text, to_text;
    int64_t from, to; /* 0: not given */
};

static void read_filter(struct exchange *x, struct list *l, struct filter *f) {
    static const char *const SORTS[] = {"time", NULL};
    list_read(x, l, SORTS, true);
    *f = (struct filter){.wanted = understand(l->search),
                         .whose = exchange_query(x, "as"),
                         .choice = exchange_query(x, "outcome"),
                         .from_text = exchange_query(x, "from"),
                         .to_text = exchange_query(x, "to")};
    list_keep(l, "as", f->whose);
    list_keep(l, "outcome", f->choice);
    if (day_parse(f->from_text, &f->from))
        list_keep(l, "from", f->from_text);
    else
        f->from_text = STR("");
    if (day_parse(f->to_text, &f->to)) {
        f->to += DAY;
        list_keep(l, "to", f->to_text);
    } else {
        f->to_text = STR("");
    }
}

static const char *outcomes_of(struct str choice) {
    for (size_t i = 0; i < CHOICE_COUNT; i++)
        if (str_eq(choice, str_of(CHOICES[i].value)))
            return CHOICES[i].outcomes;
    return NULL;
}

static void number_or_null(struct db_params *p, int64_t v) {
    if (v)
        db_int8(p, v);
    else
        db_null(p);
}

static void time_or_null(struct db_params *p, int64_t v) {
    if (v)
        db_time(p, v);
    else
        db_null(p);
}

/* The cursor is "id n". */
static PGresult *search(struct exchange *x, const struct db_statement *s, const struct filter *f, struct str cursor,
                        bool down, int rows) {
    struct db_params p = {0};
    uint64_t id = 0;
    uint32_t n = 0;
    struct str rest = cursor, first = {NULL, 0};
    bool from = cursor.n && str_split(&rest, ' ', &first) && str_u64(first, &id) && id <= INT64_MAX &&
                str_u32(rest, &n) && n <= INT32_MAX;
    db_text(&p, f->wanted.address);
    db_text(&p, f->whose);
    db_text(&p, f->wanted.client);
    db_text(&p, f->wanted.header_id);
    number_or_null(&p, f->wanted.nothing ? -1 : f->wanted.id);
    db_text(&p, str_of(outcomes_of(f->choice)));
    time_or_null(&p, f->from);
    time_or_null(&p, f->to);
    number_or_null(&p, from ? (int64_t)id : 0);
    if (from)
        db_int4(&p, (int32_t)n);
    else
        db_null(&p);
    db_bool(&p, down);
    db_int4(&p, rows);
    return exchange_query_db(x, s, &p);
}

/* ---- the list ---- */

static void set_outcome(struct dict *d, struct str outcome) {
    size_t i = outcome_of(outcome);
    dict_set_c(dict_section(d, OUTCOMES[i].badge), "LABEL", OUTCOMES[i].label);
}

static void text_section(struct dict *d, const char *section, struct str text) {
    if (text.n > 0)
        dict_set(dict_section(d, section), "TEXT", text);
}

static void show_row(struct dict *list, const PGresult *r, int row) {
    struct dict *d = dict_section(list, "ENTRY");
    char id[16];
    struct str sender = db_get_str(r, row, 3), recipient = db_get_str(r, row, 4);
    queue_id_text(db_get_int8(r, row, 0), id);
    dict_set_c(d, "ID", id);
    dict_time(d, "AT", db_get_time(r, row, 2));
    dict_set(d, "SENDER", sender.n > 0 ? sender : STR("<>"));
    dict_set(d, "RECIPIENT", recipient.n > 0 ? recipient : STR("(no recipient yet)"));
    text_section(d, "TARGET", db_get_str(r, row, 5));
    set_outcome(d, db_get_str(r, row, 6));
    text_section(d, "REPLIED", db_get_str(r, row, 7));
    text_section(d, "CLIENT", db_get_str(r, row, 8));
}

static struct str row_key(struct exchange *x, const PGresult *r, int row) {
    return arena_printf(&x->arena, "%lld %lld", (long long)db_get_int8(r, row, 0), (long long)db_get_int8(r, row, 1));
}

static void show_filter(struct dict *d, const struct filter *f) {
    for (size_t i = 0; i < CHOICE_COUNT; i++) {
        struct dict *choice = dict_section(d, "CHOICE");
        dict_set_c(choice, "VALUE", CHOICES[i].value);
        dict_set_c(choice, "LABEL", CHOICES[i].label);
        dict_show_if(choice, "CHOSEN", str_eq(f->choice, str_of(CHOICES[i].value)));
    }
    dict_show_if(d, "AS_SENDER", str_eq(f->whose, STR("sender")));
    dict_show_if(d, "AS_RECIPIENT", str_eq(f->whose, STR("recipient")));
    dict_set(d, "FROM", f->from_text);
    dict_set(d, "TO", f->to_text);
}

static void get_list(struct exchange *x) {
    struct list l;
    struct filter f;
    read_filter(x, &l, &f);
    PGresult *r = search(x, &LIST, &f, l.cursor, l.scan_down, LIST_FETCH);
    if (!r)
        return;
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/trace.tpl", "Message trace");
    int rows = list_take(&l, r);
    for (int i = 0; i < rows; i++)
        show_row(d, r, list_row(&l, i));
    if (rows > 0)
        list_pager(x, d, &l, STR("/trace"), row_key(x, r, list_row(&l, 0)), row_key(x, r, list_row(&l, rows - 1)));
    PQclear(r);
    list_state(d, &l);
    show_filter(d, &f);
    page_send(x);
}

/* ---- one message ---- */

/* What happened, in the order of time; within a moment in the order in which it is put here. */
struct happening {
    int64_t at;
    size_t place;
    const char *badge, *label;
    struct str title, text;
};
struct history {
    struct arena *a;
    struct happening *item;
    size_t count, cap;
    int64_t decided_at; /* the last decision, or the beginning */
};

static void happen(struct history *h, struct happening what) {
    if (h->count == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 32;
        struct happening *grown = arena_array(h->a, cap, sizeof *grown);
        if (h->count)
            memcpy(grown, h->item, h->count * sizeof *grown);
        h->item = grown;
        h->cap = cap;
    }
    what.place = h->count;
    h->item[h->count++] = what;
}

static int by_time(const void *a, const void *b) {
    const struct happening *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static bool known(const struct history *h, int64_t at, struct str title, struct str text) {
    for (size_t i = 0; i < h->count; i++)
        if (h->item[i].at == at && str_eq(h->item[i].title, title) && str_eq(h->item[i].text, text))
            return true;
    return false;
}

/* General decisions are in several rows where recipients are in several domains: once is enough. */
static void add_decisions(struct history *h, struct str notes) {
    json_t *all = json_loadb(notes.p ? notes.p : "", notes.n, 0, NULL), *one;
    size_t i;
    json_array_foreach(all, i, one) {
        const char *rule = json_string_value(json_array_get(one, 1)),
                   *verdict = json_string_value(json_array_get(one, 2));
        const char *reason = json_string_value(json_array_get(one, 3));
        int64_t at = json_integer_value(json_array_get(one, 0));
        if (!rule || !verdict || !reason)
            continue;
        struct str title = arena_str(h->a, str_of(rule)), text = arena_str(h->a, str_of(reason));
        if (known(h, at, title, text))
            continue;
        bool pass = strcmp(verdict, "pass") == 0, warn = strcmp(verdict, "warn") == 0;
        happen(h, (struct happening){.at = at,
                                     .badge = pass   ? "GOOD"
                                              : warn ? "WARN"
                                                     : "BAD",
                                     .label = pass   ? "Ok"
                                              : warn ? "Would refuse"
                                                     : "Refused",
                                     .title = title,
                                     .text = text});
        h->decided_at = at > h->decided_at ? at : h->decided_at;
    }
    json_decref(all);
}

/* What the end of the session meant for one recipient. What the queue did later is in its events. */
static void add_outcome(struct history *h, const PGresult *r, int row) {
    struct str outcome = db_get_null(r, row, 20) ? db_get_str(r, row, 6) : STR("queued");
    struct str recipient = db_get_str(r, row, 4), target = db_get_str(r, row, 5), mailbox = db_get_str(r, row, 18);
    struct str rule = db_get_str(r, row, 9);
    struct buf text = BUF_EMPTY;
    size_t i = outcome_of(outcome);
    if (target.n)
        buf_printf(&text, "for %.*s. ", STR_ARG(target));
    if (mailbox.n)
        buf_printf(&text, "into %.*s ", STR_ARG(mailbox));
    if (rule.n)
        buf_printf(&text, "by the rule %.*s: ", STR_ARG(rule));
    if (db_get_null(r, row, 20))
        buf_add_str(&text, db_get_str(r, row, 7));
    happen(h, (struct happening){.at = h->decided_at,
                                 .badge = OUTCOMES[i].badge,
                                 .label = OUTCOMES[i].label,
                                 .title = recipient.n ? recipient : STR("No recipient yet"),
                                 .text = arena_str(h->a, buf_str(&text))});
    buf_free(&text);
}

static void add_events(struct history *h, const PGresult *r) {
    for (int row = 0; row < PQntuples(r); row++) {
        struct str host = db_get_str(r, row, 4), tls = db_get_str(r, row, 5), reply = db_get_str(r, row, 6);
        struct buf text = BUF_EMPTY;
        size_t i = outcome_of(db_get_str(r, row, 2));
        if (db_get_int8(r, row, 3))
            buf_printf(&text, "attempt %lld", (long long)db_get_int8(r, row, 3));
        if (host.n)
            buf_printf(&text, " at %.*s", STR_ARG(host));
        if (host.n)
            buf_printf(&text, " (%.*s)", STR_ARG(tls.n ? tls : STR("without TLS")));
        if (reply.n)
            buf_printf(&text, "%s%.*s", text.n ? ": " : "", STR_ARG(reply));
        happen(h, (struct happening){.at = db_get_time(r, row, 0),
                                     .badge = OUTCOMES[i].badge,
                                     .label = OUTCOMES[i].label,
                                     .title = db_get_str(r, row, 1),
                                     .text = arena_str(h->a, buf_str(&text))});
        buf_free(&text);
    }
}

static void show_history(struct dict *d, struct history *h) {
    qsort(h->item, h->count, sizeof *h->item, by_time);
    for (size_t i = 0; i < h->count; i++) {
        struct dict *one = dict_section(d, "HAPPENING");
        char clock[32];
        time_t seconds = (time_t)(h->item[i].at / CLOCK_SECOND);
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(clock, sizeof clock, "%H:%M:%S", &tm);
        bool same_day = h->item[i].at / DAY == h->item[0].at / DAY;
        struct dict *time = dict_section(one, same_day ? "SAME_DAY" : "LATER_DAY");
        dict_time(time, "AT", h->item[i].at);
        dict_set_c(time, "CLOCK", clock);
        dict_set_c(dict_section(one, h->item[i].badge), "LABEL", h->item[i].label);
        dict_set(one, "TITLE", h->item[i].title);
        text_section(one, "MORE", h->item[i].text);
    }
}

static const char *service_label(struct str service) {
    static const struct {
        const char *name, *label;
    } LABELS[] = {{"smtp", "SMTP, from another server"},
                  {"submission", "submission, by one of our people"},
                  {"lmtp", "LMTP, from a local program"},
                  {"local", "sendmail on this machine"},
                  {"notification", "written by this server"}};
    for (size_t i = 0; i < sizeof LABELS / sizeof *LABELS; i++)
        if (str_eq(service, str_of(LABELS[i].name)))
            return LABELS[i].label;
    return "";
}

static void show_facts(struct exchange *x, struct dict *d, const PGresult *r) {
    struct str sender = db_get_str(r, 0, 3);
    dict_time(d, "AT", db_get_time(r, 0, 2));
    dict_set(d, "SENDER", sender.n > 0 ? sender : STR("<> (a notification, or none yet)"));
    dict_set_c(d, "SERVICE", service_label(db_get_str(r, 0, 10)));
    text_section(d, "CLIENT", db_get_str(r, 0, 8));
    text_section(d, "CLIENT_NAME", db_get_str(r, 0, 11));
    text_section(d, "HELO", db_get_str(r, 0, 12));
    text_section(d, "TLS", db_get_str(r, 0, 13));
    text_section(d, "LOGIN", db_get_str(r, 0, 14));
    text_section(d, "MESSAGE_ID", db_get_str(r, 0, 15));
    if (db_get_int8(r, 0, 16))
        text_section(d, "SIZE", size_text(&x->arena, db_get_int8(r, 0, 16)));
}

static void show_recipients(struct dict *d, const PGresult *r) {
    for (int row = 0; row < PQntuples(r) && row < MAX_RECIPIENTS; row++) {
        struct dict *one = dict_section(d, "RECIPIENT");
        struct str recipient = db_get_str(r, row, 4);
        dict_set(one, "ADDRESS", recipient.n > 0 ? recipient : STR("(no recipient yet)"));
        text_section(one, "TARGET", db_get_str(r, row, 5));
        text_section(one, "MAILBOX", db_get_str(r, row, 18));
        text_section(one, "HOST", db_get_str(r, row, 19));
        text_section(one, "REPLIED", db_get_str(r, row, 7));
        set_outcome(one, db_get_str(r, row, 6));
    }
    dict_show_if(d, "MORE_RECIPIENTS", PQntuples(r) > MAX_RECIPIENTS);
}

static void get_message(struct exchange *x) {
    struct filter f = {0};
    struct history h = {.a = &x->arena};
    struct db_params p = {0};
    struct str text = exchange_segment(x, "id");
    f.whose = STR("");
    if (!queue_id_parse(text, &f.wanted.id)) {
        exchange_not_found(x);
        return;
    }
    PGresult *r = search(x, &MESSAGE, &f, STR(""), false, MAX_RECIPIENTS + 1);
    if (!r)
        return;
    if (PQntuples(r) == 0) {
        PQclear(r);
        exchange_not_found(x);
        return;
    }
    db_int8(&p, f.wanted.id);
    PGresult *events = exchange_query_db(x, &EVENTS, &p);
    if (!events) {
        PQclear(r);
        return;
    }
    struct dict *d = page_begin(x, PAGE_ADMIN, "admin/trace_message.tpl", "Message");
    char id[16];
    queue_id_text(f.wanted.id, id);
    dict_set_c(d, "ID", id);
    show_facts(x, d, r);
    show_recipients(d, r);
    h.decided_at = db_get_time(r, 0, 2);
    for (int row = 0; row < PQntuples(r); row++)
        add_decisions(&h, db_get_str(r, row, 21));
    for (int row = 0; row < PQntuples(r) && row < MAX_RECIPIENTS; row++)
        add_outcome(&h, r, row);
    add_events(&h, events);
    show_history(d, &h);
    PQclear(events);
    PQclear(r);
    page_send(x);
}

const struct route trace_routes[] = {
    {METHOD_GET, "/trace", get_list, ROUTE_OPERATORS},
    {METHOD_GET, "/trace/:id", get_message, ROUTE_OPERATORS},
    {0},
};
