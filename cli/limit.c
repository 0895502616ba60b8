/* How much may be sent, and what was alarming about it. */
#include "directory/address.h"
#include "directory/admin.h"
#include "subjects.h"

/* The account, domain or tenant that the first argument names: $1 local part or NULL, $2 domain or NULL, $3 tenant or
 * NULL. */
#define TARGET                                                                                                         \
    "WITH target AS ("                                                                                                 \
    "SELECT 'a'::\"char\" AS kind, a.id, a.tenant_id, NULL::bigint AS domain_id, a.id AS account_id FROM account a "   \
    "JOIN domain d ON d.id = a.domain_id WHERE a.local_part = lower($1) AND d.name = $2 "                              \
    "UNION ALL SELECT 'd', d.id, d.tenant_id, d.id, NULL FROM domain d WHERE $1 IS NULL AND d.name = $2 "              \
    "UNION ALL SELECT 't', t.id, t.id, NULL, NULL FROM tenant t WHERE t.name = $3) "
static const struct db_statement LIST = {
    "cli_limit_list",
    "SELECT coalesce(a.local_part || '@' || ad.name, d.name, t.name), l.messages_hour, l.messages_day, "
    "l.recipients_hour, l.recipients_day FROM send_limit l JOIN tenant t ON t.id = l.tenant_id "
    "LEFT JOIN domain d ON d.id = l.domain_id LEFT JOIN account a ON a.id = l.account_id "
    "LEFT JOIN domain ad ON ad.id = a.domain_id WHERE ($1::text IS NULL OR position(lower($1) IN "
    "lower(coalesce(a.local_part || '@' || ad.name, d.name, t.name))) > 0) ORDER BY 1 LIMIT $2"};
static const struct cli_column list_columns[] = {{"name", "OF", CLI_TEXT},
                                                 {"messages_hour", "MESSAGES/H", CLI_NUMBER},
                                                 {"messages_day", "MESSAGES/D", CLI_NUMBER},
                                                 {"recipients_hour", "RECIPIENTS/H", CLI_NUMBER},
                                                 {"recipients_day", "RECIPIENTS/D", CLI_NUMBER},
                                                 {NULL, NULL, CLI_TEXT}};
#define SENT(column, window, length)                                                                                   \
    "CASE WHEN c." window " > now() - interval '" length "' THEN c." column " ELSE 0 END"
static const struct db_statement SHOW = {
    "cli_limit_show", TARGET
    "SELECT l.messages_hour, l.messages_day, l.recipients_hour, l.recipients_day, "
    "coalesce(" SENT(
        "hour_messages", "hour_at",
        "1 hour") ", 0), "
                  "coalesce(" SENT(
                      "day_messages", "day_at",
                      "1 day") ", 0), "
                               "coalesce(" SENT(
                                   "hour_recipients", "hour_at",
                                   "1 hour") ", 0), "
                                             "coalesce(" SENT(
                                                 "day_recipients", "day_at",
                                                 "1 day") ", 0), "
                                                          "coalesce((SELECT a.sending_blocked FROM account a WHERE "
                                                          "a.id = x.account_id), '') "
                                                          "FROM target x CROSS JOIN LATERAL send_limits(x.kind, x.id) "
                                                          "l LEFT JOIN send_count c ON c.kind = x.kind AND "
                                                          "c.id = x.id"};
static const struct cli_column show_columns[] = {{"messages_hour", "Messages in an hour", CLI_NUMBER},
                                                 {"messages_day", "Messages in a day", CLI_NUMBER},
                                                 {"recipients_hour", "Recipients in an hour", CLI_NUMBER},
                                                 {"recipients_day", "Recipients in a day", CLI_NUMBER},
                                                 {"sent_messages_hour", "Messages, this hour", CLI_NUMBER},
                                                 {"sent_messages_day", "Messages, this day", CLI_NUMBER},
                                                 {"sent_recipients_hour", "Recipients, this hour", CLI_NUMBER},
                                                 {"sent_recipients_day", "Recipients, this day", CLI_NUMBER},
                                                 {"sending_blocked", "Switched off, because", CLI_TEXT},
                                                 {NULL, NULL, CLI_TEXT}};
static const struct db_statement SET = {
    "cli_limit_set",
    TARGET "INSERT INTO send_limit AS l (tenant_id, domain_id, account_id, messages_hour, messages_day, "
           "recipients_hour, recipients_day) SELECT tenant_id, domain_id, account_id, $4, $5, $6, $7 FROM target "
           "ON CONFLICT (tenant_id, domain_id, account_id) DO UPDATE SET "
           "messages_hour = coalesce(excluded.messages_hour, l.messages_hour), "
           "messages_day = coalesce(excluded.messages_day, l.messages_day), "
           "recipients_hour = coalesce(excluded.recipients_hour, l.recipients_hour), "
           "recipients_day = coalesce(excluded.recipients_day, l.recipients_day)"};
static const struct db_statement REMOVE = {
    "cli_limit_remove",
    TARGET "DELETE FROM send_limit l USING target x WHERE l.tenant_id = x.tenant_id AND l.domain_id "
           "IS NOT DISTINCT FROM x.domain_id AND l.account_id IS NOT DISTINCT FROM x.account_id"};
static const struct db_statement BLOCK = {
    "cli_limit_block", "UPDATE account a SET sending_blocked = $3 FROM domain d WHERE d.id = a.domain_id AND "
                       "a.local_part = lower($1) AND d.name = $2"};
static const struct db_statement FORGET = {
    "cli_limit_forget",
    "DELETE FROM send_count c USING account a, domain d WHERE d.id = a.domain_id AND a.local_part = "
    "lower($1) AND d.name = $2 AND c.kind = 'a' AND c.id = a.id"};
static const struct db_statement ALARMS = {
    "cli_alarm_list", "SELECT id, at, kind, text, seen_at FROM alarm WHERE ($1::text IS NULL OR position(lower($1) IN "
                      "lower(text)) > 0) AND ($3 OR seen_at IS NULL) ORDER BY at DESC, id DESC LIMIT $2"};
static const struct cli_column alarm_columns[] = {{"id", "ID", CLI_NUMBER},      {"at", "AT", CLI_TIME},
                                                  {"kind", "KIND", CLI_TEXT},    {"text", "WHAT", CLI_TEXT},
                                                  {"seen_at", "SEEN", CLI_TIME}, {NULL, NULL, CLI_TEXT}};
static const struct db_statement SEEN = {
    "cli_alarm_seen", "UPDATE alarm SET seen_at = now() WHERE seen_at IS NULL AND ($1::text = 'all' OR id::text = $1)"};

/* local@domain, a domain, or the name of a reseller. */
static bool name_target(struct cli *cli, struct str name, struct db_params *p) {
    struct str local = {NULL, 0}, domain = {NULL, 0}, tenant = {NULL, 0};
    struct err ignored;
    if (str_chr(name, '@') >= 0) {
        if (!address_parse(&cli->arena, name, &local, &domain, &cli->err))
            return false;
    } else if (str_chr(name, '.') < 0 || !domain_to_ascii(&cli->arena, name, &domain, &ignored)) {
        tenant = name;
    }
    db_text(p, local);
    db_text(p, domain);
    db_text(p, tenant);
    return true;
}

static enum cli_exit nothing(struct cli *cli, struct str name) {
    err_set(&cli->err, "there is no mailbox, domain or reseller %.*s", STR_ARG(name));
    return CLI_REFUSED;
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    return cli_list(cli, &LIST, &p, list_columns, "limits beside those in the settings");
}

static enum cli_exit show(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!name_target(cli, args->value[0], &p))
        return CLI_REFUSED;
    PGresult *r = db_query(cli->conn, &SHOW, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool found = PQntuples(r) > 0;
    if (found)
        cli_card(cli, r, 0, show_columns);
    PQclear(r);
    return found ? CLI_OK : nothing(cli, args->value[0]);
}

static enum cli_exit set(struct cli *cli, const struct cli_args *args) {
    static const char *const option[] = {"messages-hour", "messages-day", "recipients-hour", "recipients-day"};
    struct db_params p = {0};
    bool any = false;
    if (!name_target(cli, args->value[0], &p))
        return CLI_REFUSED;
    for (size_t i = 0; i < 4; i++) {
        int64_t number;
        if (!cli_number(cli, args, option[i], -1, 0, 1000000000, &number))
            return CLI_USAGE;
        if (number < 0)
            db_null(&p);
        else
            db_int4(&p, (int32_t)number);
        any = any || number >= 0;
    }
    if (!any) {
        err_set(&cli->err, "which limit? Say --messages-hour, --messages-day, --recipients-hour or --recipients-day");
        return CLI_USAGE;
    }
    int64_t rows = db_exec(cli->conn, &SET, &p, &cli->err);
    if (rows < 0)
        return cli_db_failed(cli);
    return rows ? cli_done(cli, 1, "Set the limits of %.*s.", STR_ARG(args->value[0])) : nothing(cli, args->value[0]);
}

static enum cli_exit remove_limit(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!name_target(cli, args->value[0], &p))
        return CLI_REFUSED;
    int64_t rows = db_exec(cli->conn, &REMOVE, &p, &cli->err);
    if (rows < 0)
        return cli_db_failed(cli);
    if (rows == 0)
        err_set(&cli->err, "%.*s has no limits of its own", STR_ARG(args->value[0]));
    return cli_done(cli, rows, "%.*s has the limits of the settings again.", STR_ARG(args->value[0]));
}

static enum cli_exit switch_sending(struct cli *cli, const struct cli_args *args, struct str why) {
    struct db_params p = {0};
    if (!cli_mailbox_params(cli, args->value[0], &p))
        return CLI_REFUSED;
    struct db_params again = p;
    db_text(&p, why);
    int64_t rows = db_exec(cli->conn, &BLOCK, &p, &cli->err);
    if (rows < 0 || (why.n == 0 && db_exec(cli->conn, &FORGET, &again, &cli->err) < 0))
        return cli_db_failed(cli);
    if (rows == 0)
        err_set(&cli->err, "there is no mailbox %.*s", STR_ARG(args->value[0]));
    return cli_done(cli, rows, why.n ? "%.*s can't send any more." : "%.*s can send again.", STR_ARG(args->value[0]));
}

static enum cli_exit block(struct cli *cli, const struct cli_args *args) {
    struct str why = cli_option(args, "reason");
    return switch_sending(cli, args, why.p && why.n ? why : STR("by hand"));
}

static enum cli_exit allow(struct cli *cli, const struct cli_args *args) { return switch_sending(cli, args, STR("")); }

static enum cli_exit alarms(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    db_bool(&p, cli_switch(args, "all"));
    return cli_list(cli, &ALARMS, &p, alarm_columns, "alarms");
}

static enum cli_exit seen(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    db_text(&p, args->value[0]);
    int64_t rows = db_exec(cli->conn, &SEEN, &p, &cli->err);
    if (rows < 0)
        return cli_db_failed(cli);
    if (rows == 0)
        err_set(&cli->err, "there is no open alarm %.*s", STR_ARG(args->value[0]));
    return cli_done(cli, rows, "%lld seen.", (long long)rows);
}

static const struct cli_verb limit_verbs[] = {{.name = "list",
                                               .arguments = "",
                                               .summary = "List what has limits of its own.",
                                               .database = true,
                                               .run = list,
                                               .options = {CLI_SEARCH, CLI_LIMIT}},
                                              {.name = "show",
                                               .arguments = "ADDRESS|DOMAIN|RESELLER",
                                               .summary = "Show the limits in force (0: none), and what was sent.",
                                               .min = 1,
                                               .max = 1,
                                               .database = true,
                                               .complete = "account",
                                               .run = show},
                                              {.name = "set",
                                               .arguments = "ADDRESS|DOMAIN|RESELLER",
                                               .summary = "Set limits of its own; 0 is without limit.",
                                               .min = 1,
                                               .max = 1,
                                               .database = true,
                                               .complete = "account",
                                               .run = set,
                                               .options = {{"messages-hour", "N", "messages in an hour"},
                                                           {"messages-day", "N", "messages in a day"},
                                                           {"recipients-hour", "N", "recipients in an hour"},
                                                           {"recipients-day", "N", "recipients in a day"}}},
                                              {.name = "remove",
                                               .arguments = "ADDRESS|DOMAIN|RESELLER",
                                               .summary = "Back to the limits of the settings.",
                                               .min = 1,
                                               .max = 1,
                                               .database = true,
                                               .complete = "account",
                                               .run = remove_limit},
                                              {.name = "block",
                                               .arguments = "ADDRESS",
                                               .summary = "Switch a mailbox's sending off.",
                                               .min = 1,
                                               .max = 1,
                                               .database = true,
                                               .complete = "account",
                                               .run = block,
                                               .options = {{"reason", "TEXT", "why, for other operators"}}},
                                              {.name = "allow",
                                               .arguments = "ADDRESS",
                                               .summary = "Let a mailbox send again, and count from zero.",
                                               .min = 1,
                                               .max = 1,
                                               .database = true,
                                               .complete = "account",
                                               .run = allow},
                                              {0}};

const struct cli_subject subject_limit = {
    "limit", "how much may be sent",
    "The settings mta.limit_messages and mta.limit_recipients hold for each mailbox that has no limits of its own.",
    limit_verbs};

static const struct cli_verb alarm_verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = "List the alarms that nobody has seen yet.",
     .database = true,
     .run = alarms,
     .options = {CLI_SEARCH, CLI_LIMIT, {"all", NULL, "those that were seen, too"}}},
    {.name = "seen",
     .arguments = "ID|all",
     .summary = "Take an alarm off the list.",
     .min = 1,
     .max = 1,
     .database = true,
     .run = seen},
    {0}};

const struct cli_subject subject_alarm = {"alarm", "what somebody should look at", "", alarm_verbs};
