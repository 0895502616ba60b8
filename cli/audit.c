#include "subjects.h"

static const struct db_statement LIST = {
    "cli_audit_list",
    "SELECT a.at, a.actor, host(a.address), a.action, a.object_kind, a.object_name, t.name, a.detail::text "
    "FROM audit a LEFT JOIN tenant t ON t.id = a.tenant_id "
    "WHERE $1::text IS NULL OR position(lower($1) IN lower(concat_ws(' ', a.actor, a.action, a.object_kind, "
    "a.object_name))) > 0 "
    "ORDER BY a.at DESC, a.id DESC LIMIT $2"};
static const struct cli_column columns[] = {
    {"at", "WHEN", CLI_TIME},         {"actor", "WHO", CLI_TEXT},      {"address", "FROM", CLI_TEXT},
    {"action", "DID", CLI_TEXT},      {"kind", "WHAT", CLI_TEXT},      {"name", "NAME", CLI_TEXT},
    {"tenant", "RESELLER", CLI_TEXT}, {"detail", "CHANGES", CLI_JSON}, {NULL, NULL, CLI_TEXT}};

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    int64_t limit;
    if (!cli_number(cli, args, "limit", 50, 1, 10000000, &limit))
        return CLI_USAGE;
    db_text(&p, cli_option(args, "search"));
    db_int8(&p, limit);
    return cli_list(cli, &LIST, &p, columns, "entries");
}

static const struct cli_verb verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = "List who changed what, newest first.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH, {"limit", "N", "at most N entries (50 where not said)"}}},
    {0}};

const struct cli_subject subject_audit = {"audit", "who changed what", NULL, verbs};
