/* The message trace: what became of mail. */
#include "store/queue.h"
#include "subjects.h"

#include <arpa/inet.h>

/* $1 address or domain, $2 client, $3 Message-ID, $4 queue id, $5 outcome, $6 since, $7 rows; each NULL where it does
 * not matter. A time is a date, or how long ago: 90m, 12h, 3d. */
#define TRACE(columns)                                                                                                 \
    "SELECT " columns " FROM trace_search($1::text, '', $2::text::inet, $3::text, $4::bigint,"                         \
    " CASE WHEN $5::text IS NOT NULL THEN ARRAY[$5::text::trace_outcome] END,"                                         \
    " CASE WHEN $6::text ~ '^[0-9]+ *[smhd]$' THEN now() - $6::text::interval ELSE $6::text::timestamptz END, NULL,"   \
    " NULL, NULL, true, $7::integer)"

static const struct db_statement LIST = {
    "cli_trace_list", TRACE("at, id, client, sender, recipient, target, outcome, coalesce(rule, ''), reply")};
static const struct cli_column list_columns[] = {{"at", "WHEN", CLI_TIME},       {"id", "ID", CLI_QUEUE_ID},
                                                 {"client", "CLIENT", CLI_TEXT}, {"sender", "FROM", CLI_TEXT},
                                                 {"recipient", "TO", CLI_TEXT},  {"target", "LED TO", CLI_TEXT},
                                                 {"outcome", "WHAT", CLI_TEXT},  {"rule", "RULE", CLI_TEXT},
                                                 {"reply", "REPLY", CLI_TEXT},   {NULL, NULL, CLI_TEXT}};

static const struct db_statement MESSAGE = {
    "cli_trace_message",
    TRACE("id, at, service, client, client_name, helo, tls, login, sender, message_id, size, stage") " LIMIT 1"};
static const struct cli_column message_columns[] = {{"id", "Id", CLI_QUEUE_ID},
                                                    {"at", "When", CLI_TIME},
                                                    {"service", "By way of", CLI_TEXT},
                                                    {"client", "Client", CLI_TEXT},
                                                    {"client_name", "Its name", CLI_TEXT},
                                                    {"helo", "HELO", CLI_TEXT},
                                                    {"tls", "TLS", CLI_TEXT},
                                                    {"login", "Login", CLI_TEXT},
                                                    {"sender", "From", CLI_TEXT},
                                                    {"message_id", "Message-ID", CLI_TEXT},
                                                    {"size", "Bytes", CLI_NUMBER},
                                                    {"stage", "Came to", CLI_TEXT},
                                                    {NULL, NULL, CLI_TEXT}};

static const struct db_statement RECIPIENTS = {
    "cli_trace_recipients",
    TRACE("recipient, target, outcome, mailbox, host, attempts, changed_at, rule, reply") " ORDER BY n"};
static const struct cli_column recipient_columns[] = {
    {"recipient", "TO", CLI_TEXT},     {"target", "LED TO", CLI_TEXT},
    {"outcome", "WHAT", CLI_TEXT},     {"mailbox", "MAILBOX", CLI_TEXT},
    {"host", "HOST", CLI_TEXT},        {"attempts", "TRIED", CLI_NUMBER},
    {"changed_at", "SINCE", CLI_TIME}, {"rule", "RULE", CLI_TEXT},
    {"reply", "REPLY", CLI_TEXT},      {NULL, NULL, CLI_TEXT}};

/* General decisions are in several rows where recipients are in several domains: once is enough. */
static const struct db_statement DECISIONS = {
    "cli_trace_decisions", "SELECT DISTINCT timestamptz 'epoch' + make_interval(secs => (d ->> 0)::numeric / 1000000), "
                           "d ->> 1, d ->> 2, d ->> 3"
                           " FROM trace t, json_array_elements(t.notes) d WHERE t.id = $1 ORDER BY 1"};
static const struct cli_column decision_columns[] = {{"at", "WHEN", CLI_TIME},
                                                     {"rule", "RULE", CLI_TEXT},
                                                     {"verdict", "VERDICT", CLI_TEXT},
                                                     {"reason", "REASON", CLI_TEXT},
                                                     {NULL, NULL, CLI_TEXT}};

static const struct db_statement EVENTS = {
    "cli_trace_events",
    "SELECT at, address, outcome::text, attempt, host, tls, reply FROM trace_event WHERE id = $1 ORDER BY at"};
static const struct cli_column event_columns[] = {{"at", "WHEN", CLI_TIME},      {"address", "TO", CLI_TEXT},
                                                  {"outcome", "WHAT", CLI_TEXT}, {"attempt", "TRY", CLI_NUMBER},
                                                  {"host", "HOST", CLI_TEXT},    {"tls", "TLS", CLI_TEXT},
                                                  {"reply", "REPLY", CLI_TEXT},  {NULL, NULL, CLI_TEXT}};

/* What is looked for: at most one of these. */
struct wanted {
    struct str address, client, header_id;
    int64_t id;
};

static bool is_network_address(struct cli *cli, struct str text) {
    unsigned char raw[16];
    const char *c = arena_c(&cli->arena, text);
    return inet_pton(AF_INET, c, raw) == 1 || inet_pton(AF_INET6, c, raw) == 1;
}

static bool understand(struct cli *cli, const struct cli_args *args, struct wanted *w) {
    *w = (struct wanted){0};
    if (args->count == 0)
        return true;
    struct str text = args->value[0];
    if (str_starts(text, STR("<")))
        w->header_id = text;
    else if (is_network_address(cli, text))
        w->client = text;
    else if (str_chr(text, '@') >= 0 || str_chr(text, '.') >= 0)
        w->address = text;
    else if (!queue_id_parse(text, &w->id))
        return err_set(&cli->err, "\"%.*s\" is no address, no id of the queue, no <Message-ID> and no client's address",
                       STR_ARG(text));
    return true;
}

static void params(struct db_params *p, const struct cli_args *args, const struct wanted *w, int64_t limit) {
    db_text(p, w->address);
    db_text(p, w->client);
    db_text(p, w->header_id);
    if (w->id)
        db_int8(p, w->id);
    else
        db_null(p);
    db_text(p, cli_option(args, "outcome"));
    db_text(p, cli_option(args, "since"));
    db_int4(p, (int32_t)limit);
}

static bool add_section(struct cli *cli, const struct db_statement *s, struct db_params *p, const char *key,
                        const char *title, const struct cli_column *columns) {
    PGresult *r = db_query(cli->conn, s, p, &cli->err);
    if (!r)
        return false;
    cli_section(cli, key, title, r, columns);
    PQclear(r);
    return true;
}

static enum cli_exit show(struct cli *cli, const struct cli_args *args, const struct wanted *w) {
    struct db_params p = {0}, rows = {0}, decisions = {0}, events = {0};
    params(&p, args, w, 1);
    PGresult *r = db_query(cli->conn, &MESSAGE, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool found = PQntuples(r) == 1;
    if (found)
        cli_card(cli, r, 0, message_columns);
    else
        err_set(&cli->err, "nothing is known of %.*s (any more)", STR_ARG(args->value[0]));
    PQclear(r);
    if (!found)
        return CLI_REFUSED;
    params(&rows, args, w, 10000);
    db_int8(&decisions, w->id);
    db_int8(&events, w->id);
    bool good = add_section(cli, &RECIPIENTS, &rows, "recipients", "Recipients", recipient_columns) &&
                add_section(cli, &DECISIONS, &decisions, "decisions", "Decisions", decision_columns) &&
                add_section(cli, &EVENTS, &events, "events", "On its way", event_columns);
    return good ? CLI_OK : cli_db_failed(cli);
}

static enum cli_exit trace(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    struct wanted w;
    int64_t limit;
    if (!understand(cli, args, &w) || !cli_number(cli, args, "limit", 50, 1, 100000, &limit))
        return CLI_USAGE;
    if (w.id)
        return show(cli, args, &w);
    params(&p, args, &w, limit);
    return cli_list(cli, &LIST, &p, list_columns, "such mail in the trace");
}

static const struct cli_verb verbs[] = {
    {.arguments = "[ADDRESS | DOMAIN | ID | <MESSAGE-ID> | CLIENT]",
     .summary = "Show what became of mail, newest first; with the id of one message, all that is known of it.",
     .max = 1,
     .database = true,
     .run = trace,
     .options = {{"since", "TIME", "only what came then or later: 90m, 12h, 3d, or a date"},
                 {"outcome", "WORD",
                  "only delivered, queued, relayed, deferred, bounced, refused, discarded, lost or removed"},
                 {"limit", "N", "at most N recipients (50 where not said)"}}},
    {0}};

const struct cli_subject subject_trace = {"trace", "what became of each message", NULL, verbs};
