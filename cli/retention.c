/* How long mail stays in a folder, and how long removed mail is kept. */
#include "directory/address.h"
#include "subjects.h"

/* The domain or mailbox that the first argument names: $1 local part or NULL, $2 domain. */
#define TARGET                                                                                                         \
    "WITH target AS ("                                                                                                 \
    "SELECT a.tenant_id, a.domain_id, a.id AS account_id FROM account a JOIN domain d ON d.id = a.domain_id "          \
    "WHERE a.local_part = lower($1) AND d.name = $2 "                                                                  \
    "UNION ALL SELECT d.tenant_id, d.id, NULL FROM domain d WHERE $1 IS NULL AND d.name = $2) "
static const struct db_statement LIST = {
    "cli_retention_list",
    "SELECT concat(a.local_part || '@', d.name) AS whose, r.folder, r.days FROM retention r"
    " JOIN domain d ON d.id = r.domain_id LEFT JOIN account a ON a.id = r.account_id"
    " WHERE ($1::text IS NULL OR position(lower($1) IN lower(concat(a.local_part || '@', d.name))) > 0)"
    " UNION ALL SELECT 'everybody', CASE name WHEN 'store.trash_days' THEN '\\Trash' ELSE '\\Junk' END, value::integer"
    " FROM setting WHERE name IN ('store.trash_days', 'store.junk_days') AND value ~ '^\\d{1,5}$' AND value <> '0'"
    " AND $1::text IS NULL ORDER BY 1, 2 LIMIT $2"};
static const struct cli_column list_columns[] = {
    {"name", "OF", CLI_TEXT}, {"folder", "FOLDER", CLI_TEXT}, {"days", "DAYS", CLI_NUMBER}, {NULL, NULL, CLI_TEXT}};
static const struct db_statement SET = {
    "cli_retention_set",
    TARGET "INSERT INTO retention (tenant_id, domain_id, account_id, folder, days) SELECT tenant_id, domain_id, "
           "account_id, $3,"
           " $4 FROM target ON CONFLICT (domain_id, account_id, folder) DO UPDATE SET days = excluded.days"};
static const struct db_statement REMOVE = {
    "cli_retention_remove", TARGET
    "DELETE FROM retention r USING target x WHERE r.domain_id = x.domain_id AND r.account_id IS NOT DISTINCT FROM"
    " x.account_id AND r.folder = $3"};
static const struct db_statement KEEP = {"cli_retention_keep", "UPDATE domain SET undelete_days = $2 WHERE name = $1"};

/* local@domain, or a domain. */
static bool read_whose(struct cli *cli, struct str typed, struct db_params *p) {
    struct str local = {NULL, 0}, domain;
    bool good = str_chr(typed, '@') >= 0 ? address_parse(&cli->arena, typed, &local, &domain, &cli->err)
                                         : domain_to_ascii(&cli->arena, typed, &domain, &cli->err);
    if (good) {
        db_text(p, local);
        db_text(p, domain);
    }
    return good;
}

static enum cli_exit done(struct cli *cli, int64_t rows, struct str whose, const char *said) {
    if (rows < 0)
        return cli_db_failed(cli);
    if (rows == 0)
        err_set(&cli->err, "there is no such mailbox, domain or rule: %.*s", STR_ARG(whose));
    return cli_done(cli, rows, "%s", said);
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    return cli_list(cli, &LIST, &p, list_columns, "rules");
}

static bool read_days(struct cli *cli, struct str text, uint32_t most, uint32_t *days) {
    if (str_u32(text, days) && *days <= most)
        return true;
    return err_set(&cli->err, "%.*s is no number of days from 0 to %u", STR_ARG(text), most);
}

static enum cli_exit set(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    uint32_t days;
    struct str folder = args->value[1];
    if (!read_days(cli, args->value[2], 36500, &days))
        return CLI_USAGE;
    if (!read_whose(cli, args->value[0], &p))
        return CLI_REFUSED;
    db_text(&p, str_ieq(folder, STR("INBOX")) ? STR("INBOX") : folder);
    db_int4(&p, (int32_t)days);
    const char *said = days ? "Set. Mail that is there longer is removed, and can be brought back for a while."
                            : "Set. Mail stays there.";
    return done(cli, db_exec(cli->conn, &SET, &p, &cli->err), args->value[0], said);
}

static enum cli_exit remove_rule(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!read_whose(cli, args->value[0], &p))
        return CLI_REFUSED;
    db_text(&p, args->value[1]);
    return done(cli, db_exec(cli->conn, &REMOVE, &p, &cli->err), args->value[0], "Removed the rule.");
}

static enum cli_exit keep(struct cli *cli, const struct cli_args *args) {
    struct str domain;
    uint32_t days;
    bool otherwise = str_eq(args->value[1], STR("default"));
    if (!otherwise && !read_days(cli, args->value[1], 3650, &days))
        return CLI_USAGE;
    if (!domain_to_ascii(&cli->arena, args->value[0], &domain, &cli->err))
        return CLI_REFUSED;
    struct db_params p = {0};
    db_text(&p, domain);
    if (otherwise)
        db_null(&p);
    else
        db_int4(&p, (int32_t)days);
    return done(cli, db_exec(cli->conn, &KEEP, &p, &cli->err), args->value[0], "Set.");
}

static const struct cli_verb verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = "List how long mail stays in folders.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH, CLI_LIMIT}},
    {.name = "set",
     .arguments = "ADDRESS|DOMAIN FOLDER DAYS",
     .summary = "Remove mail that is in a folder, or one below it, for so many days (0: it stays).",
     .min = 3,
     .max = 3,
     .database = true,
     .complete = "account",
     .run = set},
    {.name = "remove",
     .arguments = "ADDRESS|DOMAIN FOLDER",
     .summary = "Back to what holds otherwise.",
     .min = 2,
     .max = 2,
     .database = true,
     .complete = "account",
     .run = remove_rule},
    {.name = "undelete-days",
     .arguments = "DOMAIN DAYS|default",
     .summary = "For how many days a domain's removed mail can be brought back.",
     .min = 2,
     .max = 2,
     .database = true,
     .complete = "domain",
     .run = keep},
    {0}};

const struct cli_subject subject_retention = {
    "retention", "how long mail stays in a folder",
    "FOLDER is a name, or \\Trash, \\Junk, \\Sent ...: the folder with that use. What is said for a mailbox counts "
    "before what "
    "is said for its domain, and that before the settings store.trash_days and store.junk_days.",
    verbs};
