#include "directory/admin.h"
#include "subjects.h"

static const struct db_statement LIST = {
    "cli_tenant_list",
    "SELECT t.name, (SELECT count(*) FROM domain d WHERE d.tenant_id = t.id), t.max_domains, "
    "(SELECT count(*) FROM account a WHERE a.tenant_id = t.id), t.suspended, t.created_at "
    "FROM tenant t WHERE $1::text IS NULL OR position(lower($1) IN lower(t.name)) > 0 ORDER BY t.name LIMIT $2"};
static const struct cli_column list_columns[] = {{"name", "NAME", CLI_TEXT},
                                                 {"domains", "DOMAINS", CLI_NUMBER},
                                                 {"max_domains", "AT MOST", CLI_NUMBER},
                                                 {"accounts", "MAILBOXES", CLI_NUMBER},
                                                 {"suspended", "SUSPENDED", CLI_BOOL},
                                                 {"created_at", "SINCE", CLI_TIME},
                                                 {NULL, NULL, CLI_TEXT}};

static const struct db_statement SHOW = {
    "cli_tenant_show",
    "SELECT t.name, t.suspended, t.max_domains, (SELECT count(*) FROM domain d WHERE d.tenant_id = t.id), "
    "(SELECT count(*) FROM account a WHERE a.tenant_id = t.id), (SELECT count(*) FROM zone z WHERE z.tenant_id = "
    "t.id), "
    "(SELECT coalesce(sum(u.bytes), 0)::bigint FROM account_usage u JOIN account a ON a.id = u.account_id WHERE "
    "a.tenant_id = t.id), "
    "t.created_at FROM tenant t WHERE t.name = $1"};
static const struct cli_column show_columns[] = {{"name", "Name", CLI_TEXT},
                                                 {"suspended", "Suspended", CLI_BOOL},
                                                 {"max_domains", "Domains at most", CLI_NUMBER},
                                                 {"domains", "Domains", CLI_NUMBER},
                                                 {"accounts", "Mailboxes", CLI_NUMBER},
                                                 {"zones", "Zones", CLI_NUMBER},
                                                 {"bytes", "Stored", CLI_BYTES},
                                                 {"created_at", "Since", CLI_TIME},
                                                 {NULL, NULL, CLI_TEXT}};

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    int64_t max;
    if (!cli_number(cli, args, "max-domains", -1, 0, INT32_MAX, &max))
        return CLI_USAGE;
    int64_t id = admin_tenant_add(cli->conn, args->value[0], (int32_t)max, &cli->err);
    return cli_done(cli, id, "Added the reseller %.*s.", STR_ARG(args->value[0]));
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    return cli_list(cli, &LIST, &p, list_columns, "resellers");
}

/* The reseller's row for `show` and `remove`; NULL with the exit status. */
static PGresult *find(struct cli *cli, const struct cli_args *args, enum cli_exit *code) {
    struct db_params p = {0};
    db_text(&p, args->value[0]);
    PGresult *r = db_query(cli->conn, &SHOW, &p, &cli->err);
    *code = r ? CLI_REFUSED : cli_db_failed(cli);
    if (r && PQntuples(r) == 0) {
        err_set(&cli->err, "there is no reseller \"%.*s\"", STR_ARG(args->value[0]));
        PQclear(r);
        r = NULL;
    }
    return r;
}

static enum cli_exit show(struct cli *cli, const struct cli_args *args) {
    enum cli_exit code;
    PGresult *r = find(cli, args, &code);
    if (!r)
        return code;
    cli_card(cli, r, 0, show_columns);
    PQclear(r);
    return CLI_OK;
}

static enum cli_exit remove_tenant(struct cli *cli, const struct cli_args *args) {
    enum cli_exit code;
    PGresult *r = find(cli, args, &code);
    if (!r)
        return code;
    bool go_on = cli_confirm(
        cli, "This removes the reseller %.*s with %lld domains, %lld mailboxes and their mail, and %lld zones.",
        STR_ARG(args->value[0]), (long long)db_get_int8(r, 0, 3), (long long)db_get_int8(r, 0, 4),
        (long long)db_get_int8(r, 0, 5));
    PQclear(r);
    if (!go_on)
        return CLI_REFUSED;
    return cli_done(cli, admin_tenant_remove(cli->conn, args->value[0], &cli->err), "Removed the reseller %.*s.",
                    STR_ARG(args->value[0]));
}

static enum cli_exit suspend(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_tenant_suspend(cli->conn, args->value[0], true, &cli->err),
                    "Suspended the reseller %.*s: nobody of it can log in.", STR_ARG(args->value[0]));
}

static enum cli_exit resume(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_tenant_suspend(cli->conn, args->value[0], false, &cli->err),
                    "Resumed the reseller %.*s.", STR_ARG(args->value[0]));
}

static const struct cli_verb verbs[] = {
    {.name = "add",
     .arguments = "NAME",
     .summary = "Add a reseller.",
     .min = 1,
     .max = 1,
     .database = true,
     .run = add,
     .options = {{"max-domains", "N", "how many domains it may have (without a limit where not said)"}}},
    {.name = "list",
     .arguments = "",
     .summary = "List the resellers.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH, CLI_LIMIT}},
    {.name = "show",
     .arguments = "NAME",
     .summary = "Show one reseller.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "tenant",
     .run = show},
    {.name = "suspend",
     .arguments = "NAME",
     .summary = "Switch off everything that belongs to it, and keep it.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "tenant",
     .run = suspend},
    {.name = "resume",
     .arguments = "NAME",
     .summary = "Switch it on again.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "tenant",
     .run = resume},
    {.name = "remove",
     .arguments = "NAME",
     .summary = "Remove a reseller with all its domains, mailboxes, mail and zones.",
     .min = 1,
     .max = 1,
     .database = true,
     .removes = true,
     .complete = "tenant",
     .run = remove_tenant},
    {0}};

const struct cli_subject subject_tenant = {"tenant", "resellers", "A reseller owns domains and everything in them.",
                                           verbs};
