#include "account_access.h"

#include "directory/admin.h"

#define OF_ACCOUNT                                                                                                     \
    "JOIN account a ON a.id = x.account_id JOIN domain d ON d.id = a.domain_id "                                       \
    "WHERE a.local_part = lower($1) AND d.name = $2 ORDER BY x.id"
static const struct db_statement APPS = {
    "cli_account_apps",
    "SELECT x.name, x.scopes, x.created_at, x.used_at, host(x.used_from) FROM app_password x " OF_ACCOUNT};
static const struct cli_column app_columns[] = {{"name", "NAME", CLI_TEXT},        {"scopes", "FOR", CLI_TEXTS},
                                                {"created_at", "SINCE", CLI_TIME}, {"used_at", "LAST USED", CLI_TIME},
                                                {"used_from", "FROM", CLI_TEXT},   {NULL, NULL, CLI_TEXT}};
static const struct db_statement TOKENS = {
    "cli_account_tokens",
    "SELECT x.name, x.scopes, x.expires_at, x.used_at, host(x.used_from) FROM access_token x " OF_ACCOUNT};
static const struct cli_column token_columns[] = {{"name", "NAME", CLI_TEXT},        {"scopes", "FOR", CLI_TEXTS},
                                                  {"expires_at", "UNTIL", CLI_TIME}, {"used_at", "LAST USED", CLI_TIME},
                                                  {"used_from", "FROM", CLI_TEXT},   {NULL, NULL, CLI_TEXT}};
static const struct db_statement SEND_AS = {"cli_account_send_as",
                                            "SELECT x.address, x.created_at FROM send_as x " OF_ACCOUNT};
static const struct cli_column send_as_columns[] = {
    {"address", "ADDRESS", CLI_TEXT}, {"created_at", "SINCE", CLI_TIME}, {NULL, NULL, CLI_TEXT}};

static const struct db_statement DELEGATES = {
    "cli_account_delegates", "SELECT l.who FROM account a JOIN domain d ON d.id = a.domain_id CROSS JOIN LATERAL"
                             " delegate_list(a.id) l WHERE a.local_part = lower($1) AND d.name = $2"};
static const struct cli_column delegate_columns[] = {{"address", "MAILBOX", CLI_TEXT}, {NULL, NULL, CLI_TEXT}};

static enum cli_exit list(struct cli *cli, struct str address, const struct db_statement *s,
                          const struct cli_column *columns, const char *what) {
    struct db_params p = {0};
    if (!cli_mailbox_params(cli, address, &p))
        return CLI_REFUSED;
    return cli_list(cli, s, &p, columns, what);
}

/* What the first word asks for; "" where it is none of these, or the name is missing or too much. */
static char act(struct cli *cli, const struct cli_args *args) {
    struct str word = args->value[0];
    bool listing = str_eq(word, STR("list"));
    if (!listing && !str_eq(word, STR("add")) && !str_eq(word, STR("remove"))) {
        err_set(&cli->err, "say add, list or remove, not \"%.*s\"", STR_ARG(word));
        return 0;
    }
    if (args->count != (listing ? 2 : 3)) {
        err_set(&cli->err, listing ? "list takes the address alone" : "behind the address comes a name");
        return 0;
    }
    return word.p[0];
}

static void show_secret(struct cli *cli, const char *key, struct str secret) {
    json_object_set_new(cli_object(cli), key, cli_json_str(secret));
    cli_say(cli, "%.*s", STR_ARG(secret));
}

enum cli_exit account_app_password(struct cli *cli, const struct cli_args *args) {
    struct str scopes = cli_option(args, "for");
    struct buf secret = BUF_EMPTY;
    switch (act(cli, args)) {
    case 'l':
        return list(cli, args->value[1], &APPS, app_columns, "app passwords");
    case 'a': {
        int64_t id = admin_app_password_add(cli->conn, args->value[1], args->value[2], scopes, &secret, &cli->err);
        if (id > 0)
            show_secret(cli, "password", buf_str(&secret));
        buf_free(&secret);
        return cli_done(cli, id, "This is the only time that it is shown.");
    }
    case 'r':
        return cli_done(cli, admin_app_password_remove(cli->conn, args->value[1], args->value[2], &cli->err),
                        "Removed the app password %.*s of %.*s.", STR_ARG(args->value[2]), STR_ARG(args->value[1]));
    default:
        return CLI_USAGE;
    }
}

enum cli_exit account_token(struct cli *cli, const struct cli_args *args) {
    struct str scopes = cli_option(args, "for");
    struct buf token = BUF_EMPTY;
    int64_t days;
    switch (act(cli, args)) {
    case 'l':
        return list(cli, args->value[1], &TOKENS, token_columns, "tokens");
    case 'a': {
        if (!cli_number(cli, args, "days", 365, 1, 3650, &days))
            return CLI_USAGE;
        int64_t id =
            admin_access_token_add(cli->conn, args->value[1], args->value[2], scopes, (int32_t)days, &token, &cli->err);
        if (id > 0)
            show_secret(cli, "token", buf_str(&token));
        buf_free(&token);
        return cli_done(cli, id, "This is the only time that it is shown.");
    }
    case 'r':
        return cli_done(cli, admin_access_token_remove(cli->conn, args->value[1], args->value[2], &cli->err),
                        "Removed the token %.*s of %.*s.", STR_ARG(args->value[2]), STR_ARG(args->value[1]));
    default:
        return CLI_USAGE;
    }
}

enum cli_exit account_send_as(struct cli *cli, const struct cli_args *args) {
    switch (act(cli, args)) {
    case 'l':
        return list(cli, args->value[1], &SEND_AS, send_as_columns, "addresses beside its own");
    case 'a':
        return cli_done(cli, admin_send_as_add(cli->conn, args->value[1], args->value[2], &cli->err),
                        "%.*s may send as %.*s now.", STR_ARG(args->value[1]), STR_ARG(args->value[2]));
    case 'r':
        return cli_done(cli, admin_send_as_remove(cli->conn, args->value[1], args->value[2], &cli->err),
                        "%.*s may not send as %.*s any more.", STR_ARG(args->value[1]), STR_ARG(args->value[2]));
    default:
        return CLI_USAGE;
    }
}

enum cli_exit account_delegate(struct cli *cli, const struct cli_args *args) {
    switch (act(cli, args)) {
    case 'l':
        return list(cli, args->value[1], &DELEGATES, delegate_columns, "other mailboxes that send under it");
    case 'a':
        return cli_done(cli, admin_delegate_set(cli->conn, args->value[1], args->value[2], true, &cli->err),
                        "%.*s may send as %.*s now.", STR_ARG(args->value[2]), STR_ARG(args->value[1]));
    case 'r':
        return cli_done(cli, admin_delegate_set(cli->conn, args->value[1], args->value[2], false, &cli->err),
                        "%.*s may not send as %.*s any more.", STR_ARG(args->value[2]), STR_ARG(args->value[1]));
    default:
        return CLI_USAGE;
    }
}
