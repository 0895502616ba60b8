#include "directory/address.h"
#include "directory/admin.h"
#include "domain_sender.h"
#include "protocols.h"
#include "subjects.h"

static const struct db_statement LIST = {
    "cli_domain_list",
    "SELECT d.name, d.display, d.kind::text, coalesce(x.name, d.relay_host), t.name, "
    "(SELECT count(*) FROM account a WHERE a.domain_id = d.id), (SELECT count(*) FROM alias a WHERE a.domain_id = "
    "d.id), d.active "
    "FROM domain d JOIN tenant t ON t.id = d.tenant_id LEFT JOIN domain x ON x.id = d.target_id "
    "WHERE ($1::text IS NULL OR position(lower($1) IN lower(d.name || ' ' || d.display || ' ' || t.name)) > 0) "
    "AND ($3::text IS NULL OR t.name = $3) ORDER BY d.name LIMIT $2"};
static const struct cli_column list_columns[] = {
    {"name", "NAME", CLI_TEXT},         {"display", "SHOWN AS", CLI_TEXT}, {"kind", "KIND", CLI_TEXT},
    {"target", "TARGET", CLI_TEXT},     {"tenant", "RESELLER", CLI_TEXT},  {"accounts", "MAILBOXES", CLI_NUMBER},
    {"aliases", "ALIASES", CLI_NUMBER}, {"active", "ACTIVE", CLI_BOOL},    {NULL, NULL, CLI_TEXT}};

static const struct db_statement SHOW = {
    "cli_domain_show",
    "SELECT d.name, d.display, d.kind::text, coalesce(x.name, d.relay_host), t.name, d.active, d.max_accounts, "
    "(SELECT count(*) FROM account a WHERE a.domain_id = d.id), (SELECT count(*) FROM alias a WHERE a.domain_id = "
    "d.id), "
    "(SELECT coalesce(sum(u.bytes), 0)::bigint FROM account_usage u JOIN account a ON a.id = u.account_id WHERE "
    "a.domain_id = d.id), "
    "z.serial, z.problem, d.created_at, array_to_string(d.protocols_off, ' ') "
    "FROM domain d JOIN tenant t ON t.id = d.tenant_id LEFT JOIN domain x ON x.id = d.target_id "
    "LEFT JOIN zone z ON z.domain_id = d.id WHERE d.name = $1"};
static const struct cli_column show_columns[] = {{"name", "Name", CLI_TEXT},
                                                 {"display", "Shown as", CLI_TEXT},
                                                 {"kind", "Kind", CLI_TEXT},
                                                 {"target", "Target", CLI_TEXT},
                                                 {"tenant", "Reseller", CLI_TEXT},
                                                 {"active", "Active", CLI_BOOL},
                                                 {"max_accounts", "Mailboxes at most", CLI_NUMBER},
                                                 {"accounts", "Mailboxes", CLI_NUMBER},
                                                 {"aliases", "Aliases", CLI_NUMBER},
                                                 {"bytes", "Stored", CLI_BYTES},
                                                 {"serial", "Zone serial", CLI_NUMBER},
                                                 {"problem", "Zone problem", CLI_TEXT},
                                                 {"created_at", "Since", CLI_TIME},
                                                 {"protocols_off", "Switched off", CLI_TEXT},
                                                 {NULL, NULL, CLI_TEXT}};

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    struct str kind = cli_option(args, "kind"), target = cli_option(args, "target");
    int64_t tenant, max;
    if (!cli_number(cli, args, "max-accounts", -1, 0, INT32_MAX, &max))
        return CLI_USAGE;
    enum cli_exit code = cli_tenant(cli, args, &tenant);
    if (code != CLI_OK)
        return code;
    int64_t id = admin_domain_add(cli->conn, tenant, args->value[0], kind.p ? kind : STR("hosted"),
                                  target.p ? target : STR(""), &cli->err);
    if (id > 0 && max >= 0) {
        int64_t limited = admin_domain_limit(cli->conn, args->value[0], (int32_t)max, &cli->err);
        id = limited == 1 ? id : limited;
    }
    return cli_done(cli, id, "Added the domain %.*s.", STR_ARG(args->value[0]));
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    db_text(&p, cli_option(args, "tenant"));
    return cli_list(cli, &LIST, &p, list_columns, "domains");
}

/* The domain's row for `show` and `remove`; NULL with the exit status. */
static PGresult *find(struct cli *cli, const struct cli_args *args, struct str *name, enum cli_exit *code) {
    *code = CLI_REFUSED;
    if (!domain_to_ascii(&cli->arena, args->value[0], name, &cli->err))
        return NULL;
    struct db_params p = {0};
    db_text(&p, *name);
    PGresult *r = db_query(cli->conn, &SHOW, &p, &cli->err);
    if (!r)
        *code = cli_db_failed(cli);
    else if (PQntuples(r) == 0) {
        err_set(&cli->err, "the domain %.*s is not hosted here", STR_ARG(*name));
        PQclear(r);
        r = NULL;
    }
    return r;
}

static enum cli_exit show(struct cli *cli, const struct cli_args *args) {
    struct str name;
    enum cli_exit code;
    PGresult *r = find(cli, args, &name, &code);
    if (!r)
        return code;
    cli_card(cli, r, 0, show_columns);
    PQclear(r);
    return CLI_OK;
}

static enum cli_exit remove_domain(struct cli *cli, const struct cli_args *args) {
    struct str name;
    enum cli_exit code;
    PGresult *r = find(cli, args, &name, &code);
    if (!r)
        return code;
    bool go_on =
        cli_confirm(cli, "This removes the domain %.*s with %lld mailboxes and their mail, %lld aliases, and its zone.",
                    STR_ARG(name), (long long)db_get_int8(r, 0, 7), (long long)db_get_int8(r, 0, 8));
    PQclear(r);
    if (!go_on)
        return CLI_REFUSED;
    return cli_done(cli, admin_domain_remove(cli->conn, name, &cli->err), "Removed the domain %.*s.", STR_ARG(name));
}

static enum cli_exit enable(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_domain_active(cli->conn, args->value[0], true, &cli->err), "Enabled the domain %.*s.",
                    STR_ARG(args->value[0]));
}

static enum cli_exit disable(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_domain_active(cli->conn, args->value[0], false, &cli->err), "Disabled the domain %.*s.",
                    STR_ARG(args->value[0]));
}

static enum cli_exit set(struct cli *cli, const struct cli_args *args) {
    struct str name;
    enum cli_exit code;
    unsigned off;
    int64_t max;
    bool limited = cli_option(args, "max-accounts").p;
    if (!limited && !cli_protocols_given(args)) {
        err_set(&cli->err, "what shall change? \"mansio help domain\" lists the options");
        return CLI_USAGE;
    }
    if (!cli_number(cli, args, "max-accounts", -1, 0, INT32_MAX, &max))
        return CLI_USAGE;
    PGresult *r = find(cli, args, &name, &code);
    if (!r)
        return code;
    bool good = cli_protocols(cli, args, db_get_str(r, 0, 13), &off);
    PQclear(r);
    if (!good)
        return CLI_USAGE;
    int64_t result = admin_domain_protocols(cli->conn, name, off, &cli->err);
    if (result == 1 && limited)
        result = admin_domain_limit(cli->conn, name, (int32_t)max, &cli->err);
    return cli_done(cli, result, "Changed the domain %.*s.", STR_ARG(name));
}

static const struct cli_verb verbs[] = {
    {.name = "add",
     .arguments = "NAME",
     .summary = "Add a domain; its zone comes by itself.",
     .min = 1,
     .max = 1,
     .database = true,
     .run = add,
     .options = {{"tenant", "NAME", "the reseller it belongs to (where there are several)"},
                 {"kind", "KIND", "hosted, alias (every address is the same one at --target) or relay"},
                 {"target", "NAME", "the domain that an alias stands for; the host that a relay passes on to"},
                 {"max-accounts", "N", "how many mailboxes it may have"}}},
    {.name = "list",
     .arguments = "",
     .summary = "List the domains.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH, CLI_LIMIT, {"tenant", "NAME", "only those of this reseller"}}},
    {.name = "show",
     .arguments = "NAME",
     .summary = "Show one domain.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "domain",
     .run = show},
    {.name = "set",
     .arguments = "NAME",
     .summary = "Change a domain.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "domain",
     .run = set,
     .options = {{"max-accounts", "N", "how many mailboxes it may have"}, CLI_PROTOCOLS_OFF, CLI_PROTOCOLS_ON}},
    {.name = "enable",
     .arguments = "NAME",
     .summary = "Accept mail and logins again.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "domain",
     .run = enable},
    {.name = "disable",
     .arguments = "NAME",
     .summary = "Refuse mail and logins, and keep everything.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "domain",
     .run = disable},
    {.name = "remove",
     .arguments = "NAME",
     .summary = "Remove a domain with its mailboxes, mail, aliases and zone.",
     .min = 1,
     .max = 1,
     .database = true,
     .removes = true,
     .complete = "domain",
     .run = remove_domain},
    {.name = "policy",
     .arguments = "[NAME]",
     .summary = "Show or change what happens to mail for a domain whose sender is not proved. Without NAME: for all "
                "domains that have nothing of their own.",
     .max = 1,
     .database = true,
     .complete = "domain",
     .run = domain_policy,
     .options = {{"dmarc-reject", "ACTION", "DMARC fails and its domain asks to reject: reject, junk, tag or ignore"},
                 {"dmarc-quarantine", "ACTION", "the same where it asks for quarantine"},
                 {"spf-fail", "ACTION", "SPF fails and there is no DMARC"},
                 {"trust", "DOMAINS", "whose ARC seals are believed, separated by blanks; \"\": nobody's"},
                 {"default", NULL, "take the domain's own away"}}},
    {.name = "dkim add",
     .arguments = "NAME",
     .summary = "Make a key, publish it, and sign the domain's mail with it.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "domain",
     .run = domain_dkim_add,
     .options = {{"algorithm", "KIND", "rsa (2048 bits, where not said) or ed25519"},
                 {"selector", "WORD", "its name in the DNS (where not said: made of the date)"}}},
    {.name = "dkim list",
     .arguments = "[NAME]",
     .summary = "List the keys that mail is signed with, and their records.",
     .max = 1,
     .database = true,
     .complete = "domain",
     .run = domain_dkim_list,
     .options = {CLI_SEARCH, CLI_LIMIT}},
    {.name = "dkim activate",
     .arguments = "NAME SELECTOR",
     .summary = "Sign with a key.",
     .min = 2,
     .max = 2,
     .database = true,
     .complete = "domain",
     .run = domain_dkim_activate},
    {.name = "dkim deactivate",
     .arguments = "NAME SELECTOR",
     .summary = "Sign with it no more; its record stays for what is under way.",
     .min = 2,
     .max = 2,
     .database = true,
     .complete = "domain",
     .run = domain_dkim_deactivate},
    {.name = "dkim remove",
     .arguments = "NAME SELECTOR",
     .summary = "Remove a key and its record.",
     .min = 2,
     .max = 2,
     .database = true,
     .removes = true,
     .complete = "domain",
     .run = domain_dkim_remove},
    {0}};

const struct cli_subject subject_domain = {"domain", "domains", "A name may be written with international letters.",
                                           verbs};
