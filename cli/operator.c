#include "directory/admin.h"
#include "subjects.h"

static const struct db_statement LIST = {
    "cli_operator_list",
    "SELECT o.login, o.name, o.role::text, t.name, coalesce(array_agg(d.name ORDER BY d.name) FILTER (WHERE d.id IS "
    "NOT NULL), '{}'), "
    "o.disabled, o.created_at FROM operator o LEFT JOIN tenant t ON t.id = o.tenant_id "
    "LEFT JOIN operator_domain od ON od.operator_id = o.id LEFT JOIN domain d ON d.id = od.domain_id "
    "WHERE $1::text IS NULL OR position(lower($1) IN lower(o.login || ' ' || o.name || ' ' || coalesce(t.name, ''))) > "
    "0 "
    "GROUP BY o.id, t.id ORDER BY o.role, t.name NULLS FIRST, o.login LIMIT $2"};
static const struct cli_column list_columns[] = {{"login", "LOGIN", CLI_TEXT},      {"name", "NAME", CLI_TEXT},
                                                 {"role", "ROLE", CLI_TEXT},        {"tenant", "RESELLER", CLI_TEXT},
                                                 {"domains", "DOMAINS", CLI_TEXTS}, {"disabled", "DISABLED", CLI_BOOL},
                                                 {"created_at", "SINCE", CLI_TIME}, {NULL, NULL, CLI_TEXT}};

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    struct str role = cli_option(args, "role"), name = cli_option(args, "name"), password;
    int64_t tenant = 0;
    if (!role.p) {
        err_set(&cli->err, "which role? Say --role provider, reseller, domain or helpdesk");
        return CLI_USAGE;
    }
    if (!str_eq(role, STR("provider")) || cli_switch(args, "tenant")) {
        enum cli_exit code = cli_tenant(cli, args, &tenant);
        if (code != CLI_OK)
            return code;
    }
    if (!cli_password(cli, args, &password))
        return CLI_USAGE;
    int64_t id =
        admin_operator_add(cli->conn, tenant, role, args->value[0], name.p ? name : STR(""), password, &cli->err);
    return cli_done(cli, id, "Added the operator %.*s with the role %.*s.", STR_ARG(args->value[0]), STR_ARG(role));
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    return cli_list(cli, &LIST, &p, list_columns, "operators");
}

static enum cli_exit set_password(struct cli *cli, const struct cli_args *args) {
    struct str password;
    if (!cli_password(cli, args, &password))
        return CLI_USAGE;
    return cli_done(cli, admin_operator_password(cli->conn, args->value[0], password, &cli->err),
                    "Changed the password of %.*s and ended its sessions.", STR_ARG(args->value[0]));
}

static enum cli_exit grant(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_operator_grant(cli->conn, args->value[0], args->value[1], &cli->err),
                    "%.*s administers %.*s now.", STR_ARG(args->value[0]), STR_ARG(args->value[1]));
}

static enum cli_exit revoke(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_operator_revoke(cli->conn, args->value[0], args->value[1], &cli->err),
                    "%.*s does not administer %.*s any more.", STR_ARG(args->value[0]), STR_ARG(args->value[1]));
}

static enum cli_exit disable(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_operator_disable(cli->conn, args->value[0], true, &cli->err),
                    "Disabled the operator %.*s.", STR_ARG(args->value[0]));
}

static enum cli_exit enable(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_operator_disable(cli->conn, args->value[0], false, &cli->err),
                    "Enabled the operator %.*s.", STR_ARG(args->value[0]));
}

static enum cli_exit remove_operator(struct cli *cli, const struct cli_args *args) {
    if (!cli_confirm(cli, "This removes the operator %.*s.", STR_ARG(args->value[0])))
        return CLI_REFUSED;
    return cli_done(cli, admin_operator_remove(cli->conn, args->value[0], &cli->err), "Removed the operator %.*s.",
                    STR_ARG(args->value[0]));
}

static const struct cli_verb verbs[] = {
    {.name = "add",
     .arguments = "LOGIN",
     .summary = "Add an operator.",
     .min = 1,
     .max = 1,
     .database = true,
     .run = add,
     .options = {{"role", "ROLE",
                  "provider, reseller, domain (single domains, see grant) or helpdesk (passwords only)"},
                 {"tenant", "NAME", "the reseller it belongs to; not for the role provider"},
                 {"name", "TEXT", "the person's name"},
                 CLI_PASSWORD_STDIN,
                 CLI_GENERATE}},
    {.name = "list",
     .arguments = "",
     .summary = "List the operators.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH, CLI_LIMIT}},
    {.name = "password",
     .arguments = "LOGIN",
     .summary = "Set the password, and end the sessions.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "operator",
     .run = set_password,
     .options = {CLI_PASSWORD_STDIN, CLI_GENERATE}},
    {.name = "grant",
     .arguments = "LOGIN DOMAIN",
     .summary = "Let an operator of the role domain administer a domain.",
     .min = 2,
     .max = 2,
     .database = true,
     .complete = "operator",
     .run = grant},
    {.name = "revoke",
     .arguments = "LOGIN DOMAIN",
     .summary = "Take that away.",
     .min = 2,
     .max = 2,
     .database = true,
     .complete = "operator",
     .run = revoke},
    {.name = "disable",
     .arguments = "LOGIN",
     .summary = "Refuse logins, and end the sessions.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "operator",
     .run = disable},
    {.name = "enable",
     .arguments = "LOGIN",
     .summary = "Accept logins again.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "operator",
     .run = enable},
    {.name = "remove",
     .arguments = "LOGIN",
     .summary = "Remove an operator.",
     .min = 1,
     .max = 1,
     .database = true,
     .removes = true,
     .complete = "operator",
     .run = remove_operator},
    {0}};

const struct cli_subject subject_operator = {"operator", "people who administer", NULL, verbs};
