#include "directory/address.h"
#include "directory/admin.h"
#include "subjects.h"

static const struct db_statement LIST = {
    "cli_alias_list", "SELECT a.local_part || '@' || d.name, a.targets, t.name, a.active "
                      "FROM alias a JOIN domain d ON d.id = a.domain_id JOIN tenant t ON t.id = a.tenant_id "
                      "WHERE ($1::text IS NULL OR position(lower($1) IN lower(a.local_part || '@' || d.name || ' ' || "
                      "a.targets::text)) > 0) "
                      "AND ($3::text IS NULL OR d.name = $3) ORDER BY d.name, a.local_part LIMIT $2"};
static const struct cli_column list_columns[] = {{"address", "ADDRESS", CLI_TEXT},
                                                 {"targets", "DELIVERED TO", CLI_TEXTS},
                                                 {"tenant", "RESELLER", CLI_TEXT},
                                                 {"active", "ACTIVE", CLI_BOOL},
                                                 {NULL, NULL, CLI_TEXT}};

static enum cli_exit set(struct cli *cli, const struct cli_args *args) {
    struct buf targets = BUF_EMPTY;
    for (int i = 1; i < args->count; i++) {
        buf_add_str(&targets, args->value[i]);
        buf_add_byte(&targets, '\n');
    }
    int64_t id = admin_alias_set(cli->conn, args->value[0], buf_str(&targets), &cli->err);
    buf_free(&targets);
    return cli_done(cli, id, "Mail to %.*s goes to %d address%s now.", STR_ARG(args->value[0]), args->count - 1,
                    args->count == 2 ? "" : "es");
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    struct str domain = cli_option(args, "domain");
    if (!cli_list_params(cli, args, &p) || (domain.p && !domain_to_ascii(&cli->arena, domain, &domain, &cli->err)))
        return CLI_USAGE;
    db_text(&p, domain);
    return cli_list(cli, &LIST, &p, list_columns, "aliases");
}

static enum cli_exit remove_alias(struct cli *cli, const struct cli_args *args) {
    if (!cli_confirm(cli, "This removes the alias %.*s.", STR_ARG(args->value[0])))
        return CLI_REFUSED;
    return cli_done(cli, admin_alias_remove(cli->conn, args->value[0], &cli->err), "Removed the alias %.*s.",
                    STR_ARG(args->value[0]));
}

static const struct cli_verb verbs[] = {
    {.name = "set",
     .arguments = "ADDRESS TARGET...",
     .summary = "Deliver mail for ADDRESS to the targets (adds or replaces).",
     .min = 2,
     .max = 1001,
     .database = true,
     .complete = "alias",
     .run = set},
    {.name = "add",
     .arguments = "ADDRESS TARGET...",
     .summary = "The same as set.",
     .min = 2,
     .max = 1001,
     .database = true,
     .run = set},
    {.name = "list",
     .arguments = "",
     .summary = "List the aliases.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH, CLI_LIMIT, {"domain", "NAME", "only those of this domain"}}},
    {.name = "remove",
     .arguments = "ADDRESS",
     .summary = "Remove an alias.",
     .min = 1,
     .max = 1,
     .database = true,
     .removes = true,
     .complete = "alias",
     .run = remove_alias},
    {0}};

const struct cli_subject subject_alias = {
    "alias", "addresses that lead to others",
    "ADDRESS \"@example.org\" is the catch-all: every address that nothing else matches.", verbs};
