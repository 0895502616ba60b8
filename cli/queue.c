#include "store/queue.h"
#include "subjects.h"

/* A recipient whose lease holds is with a runner at this moment: it is left alone. */
#define FREE "(r.lease_until IS NULL OR r.lease_until < now())"
#define MATCHES                                                                                                        \
    "($1::text IS NULL OR position(lower($1) IN lower(m.sender || ' ' || r.address || ' ' || r.next_hop || ' ' || "    \
    "r.last_reply)) > 0)"

static const struct db_statement LIST = {
    "cli_queue_list",
    "SELECT m.id, m.received_at, m.size, m.sender, r.address, r.status::text, r.attempts, "
    "r.next_attempt_at, NOT " FREE ", r.last_reply "
    "FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id "
    "WHERE " MATCHES " AND ($3::boolean IS NOT TRUE OR r.status = 'held') ORDER BY m.id, r.id LIMIT $2"};
static const struct cli_column list_columns[] = {{"id", "ID", CLI_QUEUE_ID},
                                                 {"received_at", "RECEIVED", CLI_TIME},
                                                 {"size", "SIZE", CLI_BYTES},
                                                 {"sender", "FROM", CLI_TEXT},
                                                 {"recipient", "TO", CLI_TEXT},
                                                 {"status", "STATUS", CLI_TEXT},
                                                 {"attempts", "TRIED", CLI_NUMBER},
                                                 {"next_attempt_at", "NEXT", CLI_TIME},
                                                 {"in_delivery", "NOW", CLI_BOOL},
                                                 {"last_reply", "LAST REPLY", CLI_TEXT},
                                                 {NULL, NULL, CLI_TEXT}};

static const struct db_statement SHOW = {
    "cli_queue_show",
    "SELECT m.id, m.sender, m.size, m.received_at, m.expires_at, m.source, t.name, a.local_part || '@' || d.name, "
    "m.envid, m.release_at "
    "FROM queue_message m LEFT JOIN tenant t ON t.id = m.tenant_id LEFT JOIN account a ON a.id = m.account_id "
    "LEFT JOIN domain d ON d.id = a.domain_id WHERE m.id = $1"};
static const struct cli_column show_columns[] = {{"id", "Id", CLI_QUEUE_ID},
                                                 {"sender", "From", CLI_TEXT},
                                                 {"size", "Size", CLI_BYTES},
                                                 {"received_at", "Received", CLI_TIME},
                                                 {"expires_at", "Given up", CLI_TIME},
                                                 {"source", "Handed in by", CLI_TEXT},
                                                 {"tenant", "Reseller", CLI_TEXT},
                                                 {"account", "Account", CLI_TEXT},
                                                 {"envid", "Envelope id", CLI_TEXT},
                                                 {"release_at", "Kept until", CLI_TIME},
                                                 {NULL, NULL, CLI_TEXT}};
static const struct db_statement RECIPIENTS = {
    "cli_queue_recipients",
    "SELECT r.address, r.original, r.next_hop, r.status::text, r.attempts, r.last_attempt_at, "
    "r.next_attempt_at, NOT " FREE ", r.last_reply FROM queue_recipient r WHERE r.message_id = $1 ORDER BY r.id"};
static const struct cli_column recipient_columns[] = {
    {"recipient", "TO", CLI_TEXT},          {"original", "ORIGINALLY", CLI_TEXT},
    {"next_hop", "BY", CLI_TEXT},           {"status", "STATUS", CLI_TEXT},
    {"attempts", "TRIED", CLI_NUMBER},      {"last_attempt_at", "LAST", CLI_TIME},
    {"next_attempt_at", "NEXT", CLI_TIME},  {"in_delivery", "NOW", CLI_BOOL},
    {"last_reply", "LAST REPLY", CLI_TEXT}, {NULL, NULL, CLI_TEXT}};

/* $1: text to search or NULL; $2: id or NULL. */
#define SELECTED                                                                                                       \
    " FROM queue_message m WHERE m.id = r.message_id AND ($2::bigint IS NULL OR m.id = $2) AND " MATCHES " AND " FREE
static const struct db_statement RETRY = {
    "cli_queue_retry", "UPDATE queue_recipient r SET next_attempt_at = now()" SELECTED " AND r.status = 'pending'"
                       /* what its sender wants to be kept goes when it is named, not with all the others */
                       " AND ($2::bigint IS NOT NULL OR m.release_at IS NULL OR m.release_at <= now())"};
static const struct db_statement HOLD = {"cli_queue_hold", "UPDATE queue_recipient r SET status = 'held'" SELECTED
                                                           " AND r.status = 'pending'"};
static const struct db_statement RELEASE = {
    "cli_queue_release",
    "UPDATE queue_recipient r SET status = 'pending', next_attempt_at = now()" SELECTED " AND r.status = 'held'"};
static const struct db_statement REMOVE = {
    "cli_queue_remove", "DELETE FROM queue_recipient r USING queue_message m WHERE m.id = r.message_id "
                        "AND ($2::bigint IS NULL OR m.id = $2) AND " MATCHES " AND " FREE};
static const struct db_statement COUNT = {
    "cli_queue_count", "SELECT count(*) FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id "
                       "WHERE ($2::bigint IS NULL OR m.id = $2) AND " MATCHES};

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    db_bool(&p, cli_switch(args, "held"));
    return cli_list(cli, &LIST, &p, list_columns, "mail is waiting: the queue is empty");
}

static bool parse_id(struct cli *cli, struct str text, int64_t *id) {
    return queue_id_parse(text, id) ||
           err_set(&cli->err, "\"%.*s\" is not an id of the queue (mansio queue list)", STR_ARG(text));
}

static enum cli_exit show(struct cli *cli, const struct cli_args *args) {
    int64_t id;
    if (!parse_id(cli, args->value[0], &id))
        return CLI_USAGE;
    struct db_params p = {0}, of_message = {0};
    db_int8(&p, id);
    PGresult *r = db_query(cli->conn, &SHOW, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool found = PQntuples(r) == 1;
    if (found)
        cli_card(cli, r, 0, show_columns);
    else
        err_set(&cli->err, "there is no message %.*s in the queue (any more)", STR_ARG(args->value[0]));
    PQclear(r);
    if (!found)
        return CLI_REFUSED;
    db_int8(&of_message, id);
    r = db_query(cli->conn, &RECIPIENTS, &of_message, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    cli_section(cli, "recipients", "Recipients", r, recipient_columns);
    PQclear(r);
    return CLI_OK;
}

/* What ID, --search and --all mean. */
static enum cli_exit select_what(struct cli *cli, const struct cli_args *args, struct db_params *p) {
    int64_t id = 0;
    struct str search = cli_option(args, "search");
    int ways = (args->count > 0) + (search.p != NULL) + cli_switch(args, "all");
    if (ways != 1) {
        err_set(&cli->err, "which mail? Say one of ID, --search TEXT and --all");
        return CLI_USAGE;
    }
    if (args->count && !parse_id(cli, args->value[0], &id))
        return CLI_USAGE;
    db_text(p, search);
    if (args->count)
        db_int8(p, id);
    else
        db_null(p);
    return CLI_OK;
}

static enum cli_exit change(struct cli *cli, const struct cli_args *args, const struct db_statement *s,
                            const char *done) {
    struct db_params p = {0};
    enum cli_exit code = select_what(cli, args, &p);
    if (code != CLI_OK)
        return code;
    int64_t rows = db_exec(cli->conn, s, &p, &cli->err);
    if (rows < 0)
        return cli_db_failed(cli);
    if (rows == 0) {
        err_set(&cli->err, "there is nothing to be done: no such mail, or a delivery is under way");
        return CLI_REFUSED;
    }
    cli_say(cli, "%s %lld recipient%s.", done, (long long)rows, rows == 1 ? "" : "s");
    json_object_set_new(cli_object(cli), "recipients", json_integer(rows));
    return CLI_OK;
}

static enum cli_exit retry(struct cli *cli, const struct cli_args *args) {
    return change(cli, args, &RETRY, "Trying again for");
}

static enum cli_exit hold(struct cli *cli, const struct cli_args *args) {
    return change(cli, args, &HOLD, "Holding the mail to");
}

static enum cli_exit release(struct cli *cli, const struct cli_args *args) {
    return change(cli, args, &RELEASE, "Released the mail to");
}

static enum cli_exit remove_mail(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    enum cli_exit code = select_what(cli, args, &p);
    if (code != CLI_OK)
        return code;
    PGresult *r = db_query(cli->conn, &COUNT, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    int64_t count = db_get_int8(r, 0, 0);
    PQclear(r);
    if (count && !cli_confirm(cli, "This removes mail to %lld recipient%s from the queue; nobody is told.",
                              (long long)count, count == 1 ? "" : "s"))
        return CLI_REFUSED;
    return change(cli, args, &REMOVE, "Removed the mail to");
}

#define SELECT_OPTIONS                                                                                                 \
    {"search", "TEXT", "all in whose addresses or last reply TEXT occurs"}, { "all", NULL, "all" }

static const struct cli_verb verbs[] = {{.name = "list",
                                         .arguments = "",
                                         .summary = "List the mail that waits to be sent elsewhere.",
                                         .database = true,
                                         .run = list,
                                         .options = {CLI_SEARCH, CLI_LIMIT, {"held", NULL, "only what is held"}}},
                                        {.name = "show",
                                         .arguments = "ID",
                                         .summary = "Show one message with its recipients.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .run = show},
                                        {.name = "retry",
                                         .arguments = "ID | --search TEXT | --all",
                                         .summary = "Try again now.",
                                         .max = 1,
                                         .database = true,
                                         .run = retry,
                                         .options = {SELECT_OPTIONS}},
                                        {.name = "hold",
                                         .arguments = "ID | --search TEXT | --all",
                                         .summary = "Keep mail back until it is released.",
                                         .max = 1,
                                         .database = true,
                                         .run = hold,
                                         .options = {SELECT_OPTIONS}},
                                        {.name = "release",
                                         .arguments = "ID | --search TEXT | --all",
                                         .summary = "Send what is held.",
                                         .max = 1,
                                         .database = true,
                                         .run = release,
                                         .options = {SELECT_OPTIONS}},
                                        {.name = "remove",
                                         .arguments = "ID | --search TEXT | --all",
                                         .summary = "Remove mail from the queue, without a bounce.",
                                         .max = 1,
                                         .database = true,
                                         .removes = true,
                                         .run = remove_mail,
                                         .options = {SELECT_OPTIONS}},
                                        {0}};

const struct cli_subject subject_queue = {"queue", "mail for elsewhere that waits", NULL, verbs};
