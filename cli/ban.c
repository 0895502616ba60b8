#include "base/err.h"
#include "subjects.h"

#include <arpa/inet.h>

static const struct db_statement LIST = {
    "cli_ban_list",
    "SELECT id, kind, login, address, failures, reason, created_at, until FROM login_ban "
    "WHERE until > now() AND ($1::text IS NULL OR position(lower($1) IN lower(login || ' ' || address)) > 0) "
    "ORDER BY until DESC, id LIMIT $2"};
static const struct cli_column list_columns[] = {
    {"id", "ID", CLI_NUMBER},          {"kind", "KIND", CLI_TEXT},           {"login", "LOGIN", CLI_TEXT},
    {"address", "ADDRESS", CLI_TEXT},  {"failures", "FAILURES", CLI_NUMBER}, {"reason", "REASON", CLI_TEXT},
    {"created_at", "SINCE", CLI_TIME}, {"until", "UNTIL", CLI_TIME},         {NULL, NULL, CLI_TEXT}};
static const struct db_statement LIFT = {
    "cli_ban_lift", "DELETE FROM login_ban WHERE login = lower($1) OR address = $1 OR id::text = $1 "
                    "OR address = network(set_masklen($2::text::inet, 64))::text"};
static const struct db_statement ADD = {
    "cli_ban_add", "INSERT INTO login_ban AS b (kind, login, address, tenant_id, reason, until) VALUES ($1, $2, "
                   "coalesce(CASE WHEN family($3::text::inet) = 6 THEN network(set_masklen($3::text::inet, 64))::text "
                   "ELSE host($3::text::inet) END, ''), "
                   "(SELECT a.tenant_id FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.local_part = "
                   "substring($2 FROM '^(.*)@') AND d.name = substring($2 FROM '@([^@]*)$')), "
                   "$4, now() + make_interval(mins => $5)) "
                   "ON CONFLICT (kind, login, address) DO UPDATE SET until = excluded.until, reason = excluded.reason"};

static bool is_address(struct str s, bool *v6) {
    char text[INET6_ADDRSTRLEN], bytes[16];
    if (!str_to_c(s, text, sizeof text))
        return false;
    *v6 = inet_pton(AF_INET6, text, bytes) == 1;
    return *v6 || inet_pton(AF_INET, text, bytes) == 1;
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    return cli_list(cli, &LIST, &p, list_columns, "bans");
}

static enum cli_exit lift(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    bool v6 = false;
    is_address(args->value[0], &v6);
    db_text(&p, args->value[0]);
    db_text(&p, v6 ? args->value[0] : (struct str){NULL, 0});
    int64_t rows = db_exec(cli->conn, &LIFT, &p, &cli->err);
    if (rows < 0)
        return cli_db_failed(cli);
    if (rows == 0)
        err_set(&cli->err, "nothing is banned under %.*s", STR_ARG(args->value[0]));
    return cli_done(cli, rows, "Lifted %lld ban%s.", (long long)rows, rows == 1 ? "" : "s");
}

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    struct str who = args->value[0], why = cli_option(args, "reason");
    int64_t minutes;
    bool v6, address = is_address(who, &v6);
    if (!cli_number(cli, args, "minutes", 24 * 60, 1, 365 * 24 * 60, &minutes))
        return CLI_USAGE;
    if (!address && str_chr(who, '@') <= 0) {
        err_set(&cli->err, "\"%.*s\" is neither an IP address nor a login", STR_ARG(who));
        return CLI_USAGE;
    }
    struct db_params p = {0};
    db_text(&p, address ? STR("address") : STR("account"));
    db_text(&p, address ? STR("") : arena_lower(&cli->arena, who));
    db_text(&p, address ? who : (struct str){NULL, 0});
    db_text(&p, why.p ? why : STR("by hand"));
    db_int4(&p, (int32_t)minutes);
    if (db_exec(cli->conn, &ADD, &p, &cli->err) < 0)
        return cli_db_failed(cli);
    return cli_done(cli, 1, "%.*s can't log in for %lld minutes.", STR_ARG(who), (long long)minutes);
}

static const struct cli_verb verbs[] = {{.name = "list",
                                         .arguments = "",
                                         .summary = "List who can't log in just now, because it failed too often.",
                                         .database = true,
                                         .run = list,
                                         .options = {CLI_SEARCH, CLI_LIMIT}},
                                        {.name = "lift",
                                         .arguments = "ADDRESS|LOGIN|ID",
                                         .summary = "Let an IP address or a login try again at once.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .run = lift},
                                        {.name = "add",
                                         .arguments = "ADDRESS|LOGIN",
                                         .summary = "Keep an IP address or a login out for a while.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .run = add,
                                         .options = {{"minutes", "N", "for how long (a day where not said)"},
                                                     {"reason", "TEXT", "what others are told in lists"}}},
                                        {0}};

const struct cli_subject subject_ban = {
    "ban", "who can't log in for a while",
    "Too many failed logins ban an address, an account, or an account from an address.", verbs};
