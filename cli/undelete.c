/* Mail that was removed: looking at it, and bringing it back. */
#include "store/removed.h"
#include "subjects.h"

enum { MOST = 20000, MAX_IDS = 500 };

static const struct db_statement ACCOUNT = {
    "cli_undelete_account", "SELECT a.id, undelete_days(a.id) FROM account a JOIN domain d ON d.id = a.domain_id"
                            " WHERE a.local_part = lower($1) AND d.name = $2"};
static const struct db_statement SINCE = {"cli_undelete_since",
                                          "SELECT CASE WHEN $1::text ~ '^[0-9]+ *[smhd]$' THEN now() - "
                                          "$1::text::interval ELSE $1::text::timestamptz END"};
static const struct db_statement TIME_TEXT = {"cli_undelete_time",
                                              "SELECT to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
                                              " FROM unnest($1::timestamptz[]) WITH ORDINALITY AS x (t, i) ORDER BY i"};
static const struct cli_column columns[] = {{"id", "ID", CLI_TEXT},
                                            {"removed_at", "REMOVED", CLI_TIME},
                                            {"keep_until", "KEPT UNTIL", CLI_TIME},
                                            {"folder", "FOLDER", CLI_TEXT},
                                            {"from", "FROM", CLI_TEXT},
                                            {"subject", "SUBJECT", CLI_TEXT},
                                            {"bytes", "SIZE", CLI_BYTES},
                                            {NULL, NULL, CLI_TEXT}};

struct wish {
    int64_t account, days;
    struct removed_filter filter;
};

/* CLI_OK, or why not. */
static enum cli_exit find_account(struct cli *cli, struct str address, struct wish *w) {
    struct db_params p = {0};
    if (!cli_mailbox_params(cli, address, &p))
        return CLI_REFUSED;
    PGresult *r = db_query(cli->conn, &ACCOUNT, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool there = PQntuples(r) == 1;
    if (there) {
        w->account = db_get_int8(r, 0, 0);
        w->days = db_get_int8(r, 0, 1);
    } else {
        err_set(&cli->err, "there is no mailbox %.*s; one that was deleted comes back with \"mansio account undelete\"",
                STR_ARG(address));
    }
    PQclear(r);
    return there ? CLI_OK : CLI_REFUSED;
}

static enum cli_exit read_wish(struct cli *cli, const struct cli_args *args, struct wish *w) {
    int64_t limit;
    struct str since = cli_option(args, "since");
    if (!cli_number(cli, args, "limit", cli_switch(args, "all") ? MOST : 100, 1, MOST, &limit))
        return CLI_USAGE;
    w->filter = (struct removed_filter){
        .folder = cli_option(args, "folder"), .search = cli_option(args, "search"), .most = (size_t)limit};
    if (since.p) {
        struct db_params p = {0};
        db_text(&p, since);
        PGresult *r = db_query(cli->conn, &SINCE, &p, &cli->err);
        if (!r && db_is_broken(cli->conn))
            return CLI_TEMPORARY;
        if (!r) {
            err_set(&cli->err, "--since %.*s: expected a date, or how long ago: 90m, 12h, 3d", STR_ARG(since));
            return CLI_USAGE;
        }
        w->filter.since = db_get_time(r, 0, 0);
        PQclear(r);
    }
    return find_account(cli, args->value[0], w);
}

static json_t *text_of(const PGresult *r, size_t i) { return cli_json_str(db_get_str(r, (int)i, 0)); }

static enum cli_exit show(struct cli *cli, const struct wish *w, const struct removed_message *m, size_t n) {
    int64_t *at = arena_array(&cli->arena, 2 * n, sizeof *at);
    for (size_t i = 0; i < n; i++) {
        at[2 * i] = m[i].removed_at;
        at[2 * i + 1] = m[i].keep_until;
    }
    struct db_params p = {0};
    db_time_array(&p, at, 2 * n);
    PGresult *times = db_query(cli->conn, &TIME_TEXT, &p, &cli->err);
    if (!times)
        return cli_db_failed(cli);
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "id", cli_json_str(m[i].key));
        json_object_set_new(row, "removed_at", text_of(times, 2 * i));
        json_object_set_new(row, "keep_until", text_of(times, 2 * i + 1));
        json_object_set_new(row, "folder", cli_json_str(m[i].folder));
        json_object_set_new(row, "from", cli_json_str(m[i].from));
        json_object_set_new(row, "subject", cli_json_str(m[i].subject));
        json_object_set_new(row, "bytes", json_integer((json_int_t)m[i].size));
        json_array_append_new(rows, row);
    }
    PQclear(times);
    cli_rows(cli, rows, columns, "messages that can be brought back");
    if (n == w->filter.most)
        cli_say(cli, "These are the newest %zu; --limit shows more.", n);
    if (n)
        cli_say(cli, "Removed mail is kept for %lld days. Bring messages back by their ids, or with --all.",
                (long long)w->days);
    return CLI_OK;
}

static enum cli_exit bring_back(struct cli *cli, const struct wish *w, const struct str *key, size_t n,
                                struct str folder) {
    int64_t back = n ? removed_bring_back(cli->conn, w->account, key, n, folder, &cli->err) : 0;
    if (back < 0)
        return cli_db_failed(cli);
    if (back == 0 && !*cli->err.text)
        err_set(&cli->err, "no such message can be brought back");
    if (back > 0)
        json_object_set_new(cli_object(cli), "messages", json_integer(back));
    return cli_done(cli, back, "%lld message%s brought back.", (long long)back, back == 1 ? "" : "s");
}

static enum cli_exit undelete(struct cli *cli, const struct cli_args *args) {
    struct wish w = {0};
    bool all = cli_switch(args, "all");
    struct str folder = cli_option(args, "into");
    if (all && args->count > 1) {
        err_set(&cli->err, "say ids, or --all: not both");
        return CLI_USAGE;
    }
    if (folder.p && !all && args->count == 1) {
        err_set(&cli->err, "--into says where to, but not what: add ids, or --all");
        return CLI_USAGE;
    }
    enum cli_exit code = read_wish(cli, args, &w);
    if (code != CLI_OK)
        return code;
    if (args->count > 1)
        return bring_back(cli, &w, args->value + 1, (size_t)args->count - 1, folder);
    struct removed_message *m;
    size_t n;
    if (!removed_list(cli->conn, &cli->arena, w.account, &w.filter, &m, &n, &cli->err))
        return cli_db_failed(cli);
    if (!all)
        return show(cli, &w, m, n);
    struct str *key = arena_array(&cli->arena, n, sizeof *key);
    for (size_t i = 0; i < n; i++)
        key[i] = m[i].key;
    return bring_back(cli, &w, key, n, folder);
}

static const struct cli_verb verbs[] = {
    {.arguments = "ADDRESS [ID]...",
     .summary = "List removed mail; with ids or --all, bring it back.",
     .min = 1,
     .max = 1 + MAX_IDS,
     .database = true,
     .complete = "account",
     .run = undelete,
     .options = {{"since", "TIME", "only what was removed then or later: 90m, 12h, 3d, or a date"},
                 {"folder", "NAME", "only what was in this folder"},
                 {"search", "TEXT", "only those with TEXT in subject or addresses"},
                 {"all", NULL, "bring all of these back"},
                 {"into", "NAME", "bring them back into this folder, not where they were"},
                 {"limit", "N", "at most N of them (100 where not said)"}}},
    {0}};

const struct cli_subject subject_undelete = {
    "undelete", "mail that was removed",
    "Expunged mail, and mail of deleted folders, is kept for store.undelete_days days, or what its domain says.",
    verbs};
