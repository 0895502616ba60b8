/* The index that SEARCH of IMAP uses (imapd/index): how far it is, and making it anew. */
#include "subjects.h"

#define ACCOUNT                                                                                                        \
    "WITH who AS (SELECT a.id, a.local_part || '@' || d.name AS address FROM account a JOIN domain d "                 \
    "ON d.id = a.domain_id WHERE $1::text IS NULL OR (a.local_part = lower($1) AND d.name = $2)) "
#define SIZES                                                                                                          \
    "coalesce(s.enabled, true), (SELECT count(*) FROM email e WHERE e.account_id = who.id), "                          \
    "(SELECT coalesce(sum(cardinality(b.emails)), 0)::bigint FROM search_block b WHERE b.account_id = who.id), "       \
    "(SELECT count(*) FROM search_gone g WHERE g.account_id = who.id), "                                               \
    "(SELECT coalesce(sum(b.bytes), 0)::bigint FROM search_block b WHERE b.account_id = who.id), "                     \
    "(SELECT coalesce(sum(octet_length(b.text)), 0)::bigint FROM search_block b WHERE b.account_id = who.id) + "       \
    "(SELECT coalesce(sum(octet_length(g.filter)), 0)::bigint FROM search_segment g WHERE g.account_id = who.id) "     \
    "FROM who LEFT JOIN search_account s ON s.account_id = who.id"

static const struct db_statement SHOW = {"cli_index_show", ACCOUNT "SELECT " SIZES};
static const struct cli_column show_columns[] = {{"enabled", "Kept", CLI_BOOL},
                                                 {"emails", "Messages", CLI_NUMBER},
                                                 {"indexed", "Of these in the index", CLI_NUMBER},
                                                 {"removing", "To be taken out", CLI_NUMBER},
                                                 {"text_bytes", "Text", CLI_BYTES},
                                                 {"stored_bytes", "Size of the index", CLI_BYTES},
                                                 {NULL, NULL, CLI_TEXT}};
static const struct db_statement LIST = {
    "cli_index_list", "WITH who AS (SELECT a.id, a.local_part || '@' || d.name AS address FROM account a JOIN domain d "
                      "ON d.id = a.domain_id WHERE $1::text IS NULL OR position(lower($1) IN a.local_part || '@' || "
                      "d.name) > 0 ORDER BY 2 LIMIT $2) SELECT who.address, " SIZES " ORDER BY who.address"};
static const struct cli_column list_columns[] = {
    {"address", "OF", CLI_TEXT},          {"enabled", "KEPT", CLI_BOOL},
    {"emails", "MESSAGES", CLI_NUMBER},   {"indexed", "INDEXED", CLI_NUMBER},
    {"removing", "REMOVING", CLI_NUMBER}, {"text_bytes", "TEXT", CLI_BYTES},
    {"stored_bytes", "INDEX", CLI_BYTES}, {NULL, NULL, CLI_TEXT}};
/* The row first: who works on the index has it locked. */
static const struct db_statement RESET = {
    "cli_index_reset",
    ACCOUNT "INSERT INTO search_account AS s (account_id, enabled) SELECT id, coalesce($3, true) FROM who "
            "ON CONFLICT (account_id) DO UPDATE SET indexed_to = 0, enabled = coalesce($3, s.enabled) "
            "RETURNING account_id"};
static const struct db_statement DROP_BLOCKS = {"cli_index_drop_blocks",
                                                "DELETE FROM search_block WHERE account_id = ANY ($1)"};
static const struct db_statement DROP_SEGMENTS = {"cli_index_drop_segments",
                                                  "DELETE FROM search_segment WHERE account_id = ANY ($1)"};
static const struct db_statement TELL = {"cli_index_tell",
                                         "SELECT pg_notify('search_index', id::text) FROM unnest($1::bigint[]) AS id"};

static enum cli_exit nobody(struct cli *cli, struct str address) {
    err_set(&cli->err, "there is no mailbox %.*s", STR_ARG(address));
    return CLI_REFUSED;
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    return cli_list(cli, &LIST, &p, list_columns, "mailboxes");
}

static enum cli_exit show(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_mailbox_params(cli, args->value[0], &p))
        return CLI_REFUSED;
    PGresult *r = db_query(cli->conn, &SHOW, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool found = PQntuples(r) > 0;
    if (found)
        cli_card(cli, r, 0, show_columns);
    PQclear(r);
    return found ? CLI_OK : nobody(cli, args->value[0]);
}

static bool drop(struct cli *cli, const int64_t *account, size_t n) {
    const struct db_statement *const all[] = {&DROP_BLOCKS, &DROP_SEGMENTS, &TELL};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct db_params p = {0};
        db_int8_array(&p, account, n);
        PGresult *r = db_query(cli->conn, all[i], &p, &cli->err);
        PQclear(r);
        if (!r)
            return false;
    }
    return true;
}

/* Empties the index of one account, or with address.p NULL of all; where `enabled` is not NULL, sets whether it is
 * kept. */
static enum cli_exit reset(struct cli *cli, struct str address, const bool *enabled, const char *said) {
    struct db_params p = {0};
    if (!address.p)
        db_text(&p, address), db_text(&p, address);
    else if (!cli_mailbox_params(cli, address, &p))
        return CLI_REFUSED;
    if (enabled)
        db_bool(&p, *enabled);
    else
        db_null(&p);
    PGresult *r = db_query(cli->conn, &RESET, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    size_t n = (size_t)PQntuples(r);
    int64_t *account = arena_array(&cli->arena, n ? n : 1, sizeof *account);
    for (size_t i = 0; i < n; i++)
        account[i] = db_get_int8(r, (int)i, 0);
    PQclear(r);
    if (n == 0 && address.p)
        return nobody(cli, address);
    if (!drop(cli, account, n))
        return cli_db_failed(cli);
    cli_say(cli, "%s", said);
    return CLI_OK;
}

static enum cli_exit rebuild(struct cli *cli, const struct cli_args *args) {
    static const char said[] = "Emptied. It is made anew in the background; until then searches read the messages.";
    if (cli_switch(args, "all") == (args->count == 1)) {
        err_set(&cli->err, "say which mailbox, or --all");
        return CLI_USAGE;
    }
    return reset(cli, args->count ? args->value[0] : (struct str){NULL, 0}, NULL, said);
}

static enum cli_exit on(struct cli *cli, const struct cli_args *args) {
    const bool yes = true;
    return reset(cli, args->value[0], &yes, "An index is kept. It is made in the background.");
}

static enum cli_exit off(struct cli *cli, const struct cli_args *args) {
    const bool no = false;
    return reset(cli, args->value[0], &no, "No index is kept any more. Searches find the same, and take longer.");
}

static const struct cli_verb verbs[] = {{.name = "list",
                                         .arguments = "",
                                         .summary = "List mailboxes with what of them is indexed.",
                                         .database = true,
                                         .run = list,
                                         .options = {CLI_SEARCH, CLI_LIMIT}},
                                        {.name = "show",
                                         .arguments = "ADDRESS",
                                         .summary = "Show how far the index of a mailbox is, and its size.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .complete = "account",
                                         .run = show},
                                        {.name = "rebuild",
                                         .arguments = "ADDRESS | --all",
                                         .summary = "Make the index anew, in the background.",
                                         .max = 1,
                                         .database = true,
                                         .complete = "account",
                                         .run = rebuild,
                                         .options = {{"all", NULL, "of all mailboxes"}}},
                                        {.name = "off",
                                         .arguments = "ADDRESS",
                                         .summary = "Remove the index of a mailbox and keep none.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .complete = "account",
                                         .run = off},
                                        {.name = "on",
                                         .arguments = "ADDRESS",
                                         .summary = "Keep one again.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .complete = "account",
                                         .run = on},
                                        {0}};

const struct cli_subject subject_index = {"index", "the index that searches in mail use",
                                          "The index changes how long SEARCH takes and never what it finds. It holds "
                                          "the text of all messages, folded and packed.",
                                          verbs};
