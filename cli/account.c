#include "account_access.h"
#include "directory/address.h"
#include "directory/admin.h"
#include "protocols.h"
#include "subjects.h"

#define CLI_PASSWORD_HASH                                                                                              \
    { "password-hash", "HASH", "take over a hash of another server: {SHA512-CRYPT}$6$..., {SSHA}..., $2y$..." }

static const struct db_statement LIST = {
    "cli_account_list",
    "SELECT a.local_part || '@' || d.name, a.name, coalesce(u.bytes, 0), a.quota_bytes, "
    "quota_percent(u.bytes, a.quota_bytes, u.messages, a.quota_messages), t.name, a.active "
    "FROM account a JOIN domain d ON d.id = a.domain_id JOIN tenant t ON t.id = a.tenant_id "
    "LEFT JOIN account_usage u ON u.account_id = a.id "
    "WHERE ($1::text IS NULL OR position(lower($1) IN lower(a.local_part || '@' || d.name || ' ' || a.name)) > 0) "
    "AND ($3::text IS NULL OR d.name = $3) "
    "AND ($4 < 0 OR quota_percent(u.bytes, a.quota_bytes, u.messages, a.quota_messages) >= $4) ORDER BY d.name, "
    "a.local_part LIMIT $2"};
static const struct cli_column list_columns[] = {{"address", "ADDRESS", CLI_TEXT},  {"name", "NAME", CLI_TEXT},
                                                 {"bytes", "STORED", CLI_BYTES},    {"quota_bytes", "QUOTA", CLI_BYTES},
                                                 {"percent", "FULL %", CLI_NUMBER}, {"tenant", "RESELLER", CLI_TEXT},
                                                 {"active", "ACTIVE", CLI_BOOL},    {NULL, NULL, CLI_TEXT}};

static const struct db_statement SHOW = {
    "cli_account_show",
    "SELECT a.local_part || '@' || d.name, a.name, a.active, a.quota_bytes, coalesce(u.bytes, 0), "
    "(SELECT count(*) FROM mailbox m WHERE m.account_id = a.id), t.name, a.created_at, "
    "a.app_passwords_only, (SELECT count(*) FROM app_password x WHERE x.account_id = a.id), "
    "array_to_string(a.protocols_off, ' '), array_to_string(d.protocols_off, ' '), "
    "a.quota_messages, coalesce(u.messages, 0) "
    "FROM account a JOIN domain d ON d.id = a.domain_id JOIN tenant t ON t.id = a.tenant_id "
    "LEFT JOIN account_usage u ON u.account_id = a.id WHERE a.local_part = lower($1) AND d.name = $2"};
static const struct cli_column show_columns[] = {{"address", "Address", CLI_TEXT},
                                                 {"name", "Name", CLI_TEXT},
                                                 {"active", "Active", CLI_BOOL},
                                                 {"quota_bytes", "Quota", CLI_BYTES},
                                                 {"bytes", "Stored", CLI_BYTES},
                                                 {"mailboxes", "Folders", CLI_NUMBER},
                                                 {"tenant", "Reseller", CLI_TEXT},
                                                 {"created_at", "Since", CLI_TIME},
                                                 {"app_passwords_only", "App passwords only", CLI_BOOL},
                                                 {"app_passwords", "App passwords", CLI_NUMBER},
                                                 {"protocols_off", "Switched off", CLI_TEXT},
                                                 {"domain_protocols_off", "Switched off for the domain", CLI_TEXT},
                                                 {"quota_messages", "Quota of messages", CLI_NUMBER},
                                                 {"messages", "Messages", CLI_NUMBER},
                                                 {NULL, NULL, CLI_TEXT}};

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    struct str name = cli_option(args, "name"), size = cli_option(args, "quota"), password;
    struct str hash = cli_option(args, "password-hash");
    int64_t quota = -1, number, id;
    if (!cli_number(cli, args, "quota-messages", 0, 0, INT64_MAX, &number) ||
        (size.p && !cli_size(cli, size, &quota)) ||
        (!hash.p && !cli_switch(args, "shared") && !cli_password(cli, args, &password)))
        return CLI_USAGE;
    name = name.p ? name : STR("");
    if (cli_switch(args, "shared"))
        id = admin_account_add_shared(cli->conn, args->value[0], name, quota, &cli->err);
    else if (hash.p)
        id = admin_account_import(cli->conn, args->value[0], name, hash, quota, &cli->err);
    else
        id = admin_account_add(cli->conn, args->value[0], name, password, quota, &cli->err);
    if (id > 0 && number && admin_account_quota_messages(cli->conn, args->value[0], number, &cli->err) < 0)
        id = -1;
    return cli_done(cli, id, "Added the mailbox %.*s.", STR_ARG(args->value[0]));
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    struct str domain = cli_option(args, "domain");
    int64_t full;
    if (!cli_list_params(cli, args, &p) || (domain.p && !domain_to_ascii(&cli->arena, domain, &domain, &cli->err)) ||
        !cli_number(cli, args, "full", -1, 0, 100, &full))
        return CLI_USAGE;
    db_text(&p, domain);
    db_int8(&p, full);
    return cli_list(cli, &LIST, &p, list_columns, "mailboxes");
}

/* The mailbox's row; NULL with the exit status. */
static PGresult *find(struct cli *cli, const struct cli_args *args, enum cli_exit *code) {
    struct db_params p = {0};
    *code = CLI_REFUSED;
    if (!cli_mailbox_params(cli, args->value[0], &p))
        return NULL;
    PGresult *r = db_query(cli->conn, &SHOW, &p, &cli->err);
    if (!r)
        *code = cli_db_failed(cli);
    else if (PQntuples(r) == 0) {
        err_set(&cli->err, "there is no mailbox %.*s", STR_ARG(args->value[0]));
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

static enum cli_exit set_password(struct cli *cli, const struct cli_args *args) {
    struct str password, hash = cli_option(args, "password-hash");
    int64_t result;
    if (!hash.p && !cli_password(cli, args, &password))
        return CLI_USAGE;
    if (hash.p)
        result = admin_account_password_hash(cli->conn, args->value[0], hash, &cli->err);
    else
        result = admin_account_password(cli->conn, args->value[0], password, &cli->err);
    return cli_done(cli, result, "Changed the password of %.*s and ended its web sessions.", STR_ARG(args->value[0]));
}

static enum cli_exit set(struct cli *cli, const struct cli_args *args) {
    struct str name = cli_option(args, "name"), size = cli_option(args, "quota");
    bool on = cli_switch(args, "enable"), off = cli_switch(args, "disable");
    bool only = cli_switch(args, "app-passwords-only"), any = cli_switch(args, "any-password");
    int64_t quota = -1, number;
    if (!cli_number(cli, args, "quota-messages", -1, 0, INT64_MAX, &number))
        return CLI_USAGE;
    if (!name.p && !size.p && number < 0 && !on && !off && !only && !any && !cli_protocols_given(args)) {
        err_set(&cli->err, "what shall change? \"mansio help account\" lists the options");
        return CLI_USAGE;
    }
    if (only && any) {
        err_set(&cli->err, "--app-passwords-only and --any-password exclude each other");
        return CLI_USAGE;
    }
    if (on && off) {
        err_set(&cli->err, "--enable and --disable exclude each other");
        return CLI_USAGE;
    }
    if (size.p && !cli_size(cli, size, &quota))
        return CLI_USAGE;
    enum cli_exit code;
    PGresult *r = find(cli, args, &code);
    if (!r)
        return code;
    unsigned protocols_off;
    if (!cli_protocols(cli, args, db_get_str(r, 0, 10), &protocols_off)) {
        PQclear(r);
        return CLI_USAGE;
    }
    if (!name.p)
        name = db_get_str(r, 0, 1);
    if (!size.p)
        quota = db_get_null(r, 0, 3) ? -1 : db_get_int8(r, 0, 3);
    bool active = on || (!off && db_get_bool(r, 0, 2));
    int64_t result = admin_account_change(cli->conn, args->value[0], name, quota, active, &cli->err);
    PQclear(r);
    if (result == 1 && number >= 0)
        result = admin_account_quota_messages(cli->conn, args->value[0], number, &cli->err);
    if (result == 1 && (only || any))
        result = admin_account_app_passwords_only(cli->conn, args->value[0], only, &cli->err);
    if (result == 1 && cli_protocols_given(args))
        result = admin_account_protocols(cli->conn, args->value[0], protocols_off, &cli->err);
    return cli_done(cli, result, "Changed the mailbox %.*s.", STR_ARG(args->value[0]));
}

static enum cli_exit remove_account(struct cli *cli, const struct cli_args *args) {
    enum cli_exit code;
    PGresult *r = find(cli, args, &code);
    if (!r)
        return code;
    bool go_on = cli_confirm(cli, "This removes the mailbox %.*s with %lld folders and %lld bytes of mail.",
                             STR_ARG(args->value[0]), (long long)db_get_int8(r, 0, 5), (long long)db_get_int8(r, 0, 4));
    PQclear(r);
    if (!go_on)
        return CLI_REFUSED;
    return cli_done(cli, admin_account_remove(cli->conn, args->value[0], &cli->err), "Removed the mailbox %.*s.",
                    STR_ARG(args->value[0]));
}

static const struct db_statement REMOVED = {
    "cli_account_removed",
    "SELECT address, name, messages, bytes, removed_at, removed_by, keep_until FROM removed_accounts($1, $2)"};
static const struct cli_column removed_columns[] = {
    {"address", "ADDRESS", CLI_TEXT},       {"name", "NAME", CLI_TEXT},
    {"messages", "MESSAGES", CLI_NUMBER},   {"bytes", "STORED", CLI_BYTES},
    {"removed_at", "DELETED", CLI_TIME},    {"removed_by", "BY", CLI_TEXT},
    {"keep_until", "KEPT UNTIL", CLI_TIME}, {NULL, NULL, CLI_TEXT}};
/* The one that was deleted last, where there were several of that name. */
static const struct db_statement UNDELETE = {
    "cli_account_undelete",
    "SELECT u.address, u.refused, r.account_id FROM (SELECT account_id FROM removed_accounts($1, 1000)"
    " WHERE address = $1 ORDER BY removed_at DESC LIMIT 1) r CROSS JOIN LATERAL account_undelete(r.account_id, $2) u"};

static enum cli_exit undelete(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (args->count == 0) {
        if (!cli_list_params(cli, args, &p))
            return CLI_USAGE;
        return cli_list(cli, &REMOVED, &p, removed_columns, "deleted mailboxes that can be brought back");
    }
    struct str local, domain, new_local = {NULL, 0}, as = cli_option(args, "as");
    if (!address_parse(&cli->arena, args->value[0], &local, &domain, &cli->err))
        return CLI_REFUSED;
    if (as.p) {
        struct str other;
        if (!address_parse(&cli->arena, as, &new_local, &other, &cli->err))
            return CLI_REFUSED;
        if (!str_eq(other, domain)) {
            err_set(&cli->err, "%.*s is not of the domain %.*s", STR_ARG(as), STR_ARG(domain));
            return CLI_REFUSED;
        }
    }
    db_text(&p, address_format(&cli->arena, address_fold(&cli->arena, local), domain));
    db_text(&p, new_local.p ? address_fold(&cli->arena, new_local) : new_local);
    PGresult *r = db_query(cli->conn, &UNDELETE, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    int64_t id = 0;
    struct str address = STR("");
    if (PQntuples(r) == 0)
        err_set(&cli->err, "there is no deleted mailbox %.*s that can be brought back", STR_ARG(args->value[0]));
    else if (db_get_str(r, 0, 1).n)
        err_set(&cli->err, "%.*s", STR_ARG(db_get_str(r, 0, 1)));
    else {
        id = db_get_int8(r, 0, 2);
        address = arena_str(&cli->arena, db_get_str(r, 0, 0));
    }
    PQclear(r);
    return cli_done(cli, id, "The mailbox %.*s is back, with its mail and its password.", STR_ARG(address));
}

static const struct cli_verb verbs[] = {
    {.name = "add",
     .arguments = "ADDRESS",
     .summary = "Add a mailbox.",
     .min = 1,
     .max = 1,
     .database = true,
     .run = add,
     .options = {{"name", "TEXT", "the person's name"},
                 {"quota", "SIZE", "how much it may hold: 500M, 2G, none"},
                 {"quota-messages", "N", "how many messages it may hold; 0: any number"},
                 {"shared", NULL, "nobody logs in to it: it is for those whom \"mansio share\" names"},
                 CLI_PASSWORD_STDIN,
                 CLI_GENERATE,
                 CLI_PASSWORD_HASH}},
    {.name = "list",
     .arguments = "",
     .summary = "List the mailboxes.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH,
                 CLI_LIMIT,
                 {"domain", "NAME", "only those of this domain"},
                 {"full", "PERCENT", "only those that are so full, of what they may hold"}}},
    {.name = "show",
     .arguments = "ADDRESS",
     .summary = "Show one mailbox.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "account",
     .run = show},
    {.name = "password",
     .arguments = "ADDRESS",
     .summary = "Set the password, and end the web sessions.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "account",
     .run = set_password,
     .options = {CLI_PASSWORD_STDIN, CLI_GENERATE, CLI_PASSWORD_HASH}},
    {.name = "app-password",
     .arguments = "add|list|remove ADDRESS [NAME]",
     .summary = "Passwords for mail programs, made up here, each with a name.",
     .min = 2,
     .max = 3,
     .database = true,
     .run = account_app_password,
     .options = {{"for", "SCOPES", "what a new one is for: smtp, imap, pop3 (all where not said)"}}},
    {.name = "token",
     .arguments = "add|list|remove ADDRESS [NAME]",
     .summary = "Access tokens for OAUTHBEARER and XOAUTH2.",
     .min = 2,
     .max = 3,
     .database = true,
     .run = account_token,
     .options = {{"for", "SCOPES", "what a new one is for: smtp, imap, pop3 (all where not said)"},
                 {"days", "N", "how long a new one is good (365 where not said)"}}},
    {.name = "send-as",
     .arguments = "add|list|remove ADDRESS [OTHER]",
     .summary = "Addresses beside its own that a mailbox may send under; \"@example.org\" is a whole domain.",
     .min = 2,
     .max = 3,
     .database = true,
     .run = account_send_as},
    {.name = "delegate",
     .arguments = "add|list|remove ADDRESS [OTHER]",
     .summary = "Other mailboxes of the reseller that may send under the address.",
     .min = 2,
     .max = 3,
     .database = true,
     .run = account_delegate},
    {.name = "set",
     .arguments = "ADDRESS",
     .summary = "Change a mailbox.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "account",
     .run = set,
     .options = {{"name", "TEXT", "the person's name"},
                 {"quota", "SIZE", "how much it may hold: 500M, 2G, none"},
                 {"quota-messages", "N", "how many messages it may hold; 0: any number"},
                 {"enable", NULL, "accept mail and logins"},
                 {"disable", NULL, "refuse mail and logins, and keep the mail"},
                 {"app-passwords-only", NULL, "mail programs log in with app passwords alone"},
                 {"any-password", NULL, "mail programs may use the password, too"},
                 CLI_PROTOCOLS_OFF,
                 CLI_PROTOCOLS_ON}},
    {.name = "remove",
     .arguments = "ADDRESS",
     .summary = "Remove a mailbox and its mail. They can be brought back for a while.",
     .min = 1,
     .max = 1,
     .database = true,
     .removes = true,
     .complete = "account",
     .run = remove_account},
    {.name = "undelete",
     .arguments = "[ADDRESS]",
     .summary = "List the mailboxes that were removed, or bring one back.",
     .max = 1,
     .database = true,
     .run = undelete,
     .options = {{"as", "ADDRESS", "bring it back under this address, where its own is taken"}, CLI_SEARCH, CLI_LIMIT}},
    {0}};

const struct cli_subject subject_account = {"account", "mailboxes", "The address is the login.", verbs};
