#include "domain_sender.h"

#include "directory/address.h"
#include "directory/admin.h"

static const struct db_statement SHOW_POLICY = {
    "cli_sender_policy",
    "SELECT coalesce(d.name, '*'), p.domain_id IS NOT NULL, p.dmarc_reject, p.dmarc_quarantine, p.spf_fail, "
    "p.trusted_sealers FROM sender_policy p LEFT JOIN domain d ON d.name = $1 "
    "WHERE p.domain_id = d.id OR p.domain_id IS NULL ORDER BY p.domain_id NULLS LAST LIMIT 1"};
static const struct cli_column policy_columns[] = {{"domain", "Domain", CLI_TEXT},
                                                   {"own", "Has a policy of its own", CLI_BOOL},
                                                   {"dmarc_reject", "DMARC fails, p=reject", CLI_TEXT},
                                                   {"dmarc_quarantine", "DMARC fails, p=quarantine", CLI_TEXT},
                                                   {"spf_fail", "SPF fails, no DMARC", CLI_TEXT},
                                                   {"trusted_sealers", "ARC seals believed", CLI_TEXTS},
                                                   {NULL, NULL, CLI_TEXT}};

static const struct db_statement LIST_KEYS = {
    "cli_dkim_list",
    "SELECT d.name, k.selector, k.algorithm, k.active, k.created_at, k.selector || '._domainkey.' || d.name, "
    "'v=DKIM1; k=' || k.algorithm || '; p=' || k.public_key "
    "FROM dkim_key k JOIN domain d ON d.id = k.domain_id WHERE ($3::text IS NULL OR d.name = $3) "
    "AND ($1::text IS NULL OR position(lower($1) IN d.name || ' ' || k.selector) > 0) "
    "ORDER BY d.name, k.created_at, k.selector LIMIT $2"};
static const struct cli_column key_columns[] = {
    {"domain", "DOMAIN", CLI_TEXT},       {"selector", "SELECTOR", CLI_TEXT},
    {"algorithm", "ALGORITHM", CLI_TEXT}, {"active", "SIGNS", CLI_BOOL},
    {"created_at", "SINCE", CLI_TIME},    {"record_name", "RECORD", CLI_TEXT},
    {"record", "TEXT", CLI_TEXT},         {NULL, NULL, CLI_TEXT}};

/* ---- policy ---- */

static enum cli_exit show_policy(struct cli *cli, struct str name) {
    struct db_params p = {0};
    db_text(&p, name.n ? name : (struct str){NULL, 0});
    PGresult *r = db_query(cli->conn, &SHOW_POLICY, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool hosted = PQntuples(r) == 1 && (name.n == 0 || !str_eq(db_get_str(r, 0, 0), STR("*")));
    if (hosted)
        cli_card(cli, r, 0, policy_columns);
    else
        err_set(&cli->err, "the domain %.*s is not hosted here", STR_ARG(name));
    PQclear(r);
    return hosted ? CLI_OK : CLI_REFUSED;
}

enum cli_exit domain_policy(struct cli *cli, const struct cli_args *args) {
    struct str name = STR("");
    const struct admin_sender_policy policy = {cli_option(args, "dmarc-reject"), cli_option(args, "dmarc-quarantine"),
                                               cli_option(args, "spf-fail"), cli_option(args, "trust")};
    bool changes = policy.dmarc_reject.p || policy.dmarc_quarantine.p || policy.spf_fail.p || policy.trusted.p;
    bool resets = cli_switch(args, "default");
    if (args->count && !domain_to_ascii(&cli->arena, args->value[0], &name, &cli->err))
        return CLI_REFUSED;
    if (resets && (changes || !args->count)) {
        err_set(&cli->err, "--default goes with the name of a domain, and with nothing else");
        return CLI_USAGE;
    }
    int64_t done = 1;
    if (resets)
        done = admin_sender_policy_reset(cli->conn, name, &cli->err);
    else if (changes)
        done = admin_sender_policy_set(cli->conn, name, &policy, &cli->err);
    if (done <= 0)
        return cli_done(cli, done, "%s", "");
    return show_policy(cli, name);
}

/* ---- keys ---- */

enum cli_exit domain_dkim_add(struct cli *cli, const struct cli_args *args) {
    struct str selector = cli_option(args, "selector"), algorithm = cli_option(args, "algorithm");
    return cli_done(cli,
                    admin_dkim_add(cli->conn, args->value[0], selector.p ? selector : STR(""),
                                   algorithm.p ? algorithm : STR("rsa"), &cli->err),
                    "Mail of %.*s is signed with the new key. Its record is in the zone that is served here; "
                    "\"mansio domain dkim list %.*s\" shows it for another nameserver.",
                    STR_ARG(args->value[0]), STR_ARG(args->value[0]));
}

enum cli_exit domain_dkim_list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    struct str name = {NULL, 0};
    if (args->count && !domain_to_ascii(&cli->arena, args->value[0], &name, &cli->err))
        return CLI_REFUSED;
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    db_text(&p, name);
    return cli_list(cli, &LIST_KEYS, &p, key_columns, "keys");
}

enum cli_exit domain_dkim_activate(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_dkim_active(cli->conn, args->value[0], args->value[1], true, &cli->err),
                    "Mail of %.*s is signed with %.*s.", STR_ARG(args->value[0]), STR_ARG(args->value[1]));
}

enum cli_exit domain_dkim_deactivate(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_dkim_active(cli->conn, args->value[0], args->value[1], false, &cli->err),
                    "Mail of %.*s is not signed with %.*s any more; its record stays.", STR_ARG(args->value[0]),
                    STR_ARG(args->value[1]));
}

enum cli_exit domain_dkim_remove(struct cli *cli, const struct cli_args *args) {
    if (!cli_confirm(cli,
                     "This removes the key %.*s of %.*s and its record: mail that was signed with it and is still "
                     "under way can't be verified any more.",
                     STR_ARG(args->value[1]), STR_ARG(args->value[0])))
        return CLI_REFUSED;
    return cli_done(cli, admin_dkim_remove(cli->conn, args->value[0], args->value[1], &cli->err),
                    "Removed the key %.*s of %.*s.", STR_ARG(args->value[1]), STR_ARG(args->value[0]));
}
