#include "directory/admin.h"
#include "subjects.h"

static const struct db_statement LIST = {
    "cli_setting_list",
    "SELECT name, value, comment FROM setting "
    "WHERE $1::text IS NULL OR position(lower($1) IN lower(name || ' ' || value || ' ' || comment)) > 0 "
    "ORDER BY name LIMIT $2"};
static const struct db_statement GET = {"cli_setting_get", "SELECT name, value, comment FROM setting WHERE name = $1"};
static const struct cli_column columns[] = {{"name", "NAME", CLI_TEXT},
                                            {"value", "VALUE", CLI_TEXT},
                                            {"comment", "WHAT IT IS", CLI_TEXT},
                                            {NULL, NULL, CLI_TEXT}};

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    return cli_list(cli, &LIST, &p, columns, "settings");
}

static enum cli_exit get(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    db_text(&p, args->value[0]);
    PGresult *r = db_query(cli->conn, &GET, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool found = PQntuples(r) == 1;
    if (found) {
        cli_say(cli, "%.*s", STR_ARG(db_get_str(r, 0, 1)));
        cli->document =
            json_pack("{s:o, s:o}", "name", cli_json_str(args->value[0]), "value", cli_json_str(db_get_str(r, 0, 1)));
    } else {
        err_set(&cli->err, "there is no setting %.*s", STR_ARG(args->value[0]));
    }
    PQclear(r);
    return found ? CLI_OK : CLI_REFUSED;
}

static enum cli_exit set(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_setting_set(cli->conn, args->value[0], args->value[1], &cli->err), "%.*s = %.*s",
                    STR_ARG(args->value[0]), STR_ARG(args->value[1]));
}

static const struct cli_verb verbs[] = {{.name = "list",
                                         .arguments = "",
                                         .summary = "List the settings.",
                                         .database = true,
                                         .run = list,
                                         .options = {CLI_SEARCH, CLI_LIMIT}},
                                        {.name = "get",
                                         .arguments = "NAME",
                                         .summary = "Show the value of one.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .complete = "setting",
                                         .run = get},
                                        {.name = "set",
                                         .arguments = "NAME VALUE",
                                         .summary = "Change one.",
                                         .min = 2,
                                         .max = 2,
                                         .database = true,
                                         .complete = "setting",
                                         .run = set},
                                        {0}};

const struct cli_subject subject_setting = {"setting", "what the whole installation has once", NULL, verbs};
