#include "directory/admin.h"
#include "directory/rules.h"
#include "subjects.h"

/* The rules in their order, with their modes. */
static const struct db_statement LIST = {
    "cli_rule_list",
    "SELECT r.name, s.value, r.title FROM unnest($3::text[], $4::text[]) WITH ORDINALITY"
    " AS r (name, title, place) JOIN setting s ON s.name = 'policy.' || r.name"
    " WHERE $1::text IS NULL OR position(lower($1) IN lower(r.name || ' ' || s.value || ' ' || r.title))"
    " > 0 ORDER BY r.place LIMIT $2"};
static const struct db_statement ONE = {
    "cli_rule_one", "SELECT r.name, s.value, r.title, r.explanation FROM (SELECT $1::text, $2::text, $3::text)"
                    " AS r (name, title, explanation) JOIN setting s ON s.name = 'policy.' || r.name"};
static const struct db_statement PARAMETERS = {
    "cli_rule_parameters", "SELECT name, value, comment FROM setting WHERE name = ANY ($1) ORDER BY name"};
static const struct cli_column list_columns[] = {{"name", "RULE", CLI_TEXT},
                                                 {"mode", "MODE", CLI_TEXT},
                                                 {"title", "WHAT IT ASKS FOR", CLI_TEXT},
                                                 {NULL, NULL, CLI_TEXT}};
static const struct cli_column card_columns[] = {{"name", "Rule", CLI_TEXT},
                                                 {"mode", "Mode", CLI_TEXT},
                                                 {"title", "Asks for", CLI_TEXT},
                                                 {"explanation", "That is", CLI_TEXT},
                                                 {NULL, NULL, CLI_TEXT}};
static const struct cli_column parameter_columns[] = {{"name", "SETTING", CLI_TEXT},
                                                      {"value", "VALUE", CLI_TEXT},
                                                      {"comment", "WHAT IT IS", CLI_TEXT},
                                                      {NULL, NULL, CLI_TEXT}};

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    struct str name[RULE_COUNT], title[RULE_COUNT];
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    for (int i = 0; i < RULE_COUNT; i++) {
        name[i] = str_of(rules[i].name);
        title[i] = str_of(rules[i].title);
    }
    db_text_array(&p, name, RULE_COUNT);
    db_text_array(&p, title, RULE_COUNT);
    return cli_list(cli, &LIST, &p, list_columns, "rules");
}

static bool find(struct cli *cli, struct str name, enum rule_id *id) {
    return rule_find(name, id) ||
           err_set(&cli->err, "there is no rule %.*s; \"mansio rule list\" shows them", STR_ARG(name));
}

static enum cli_exit show_parameters(struct cli *cli, const struct rule_info *rule) {
    struct str name[RULE_MAX_PARAMETERS];
    size_t count = 0;
    while (count < RULE_MAX_PARAMETERS && rule->parameter[count]) {
        name[count] = str_of(rule->parameter[count]);
        count++;
    }
    struct db_params p = {0};
    db_text_array(&p, name, count);
    PGresult *r = db_query(cli->conn, &PARAMETERS, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    cli_section(cli, "settings", "Settings", r, parameter_columns);
    PQclear(r);
    return CLI_OK;
}

static enum cli_exit show(struct cli *cli, const struct cli_args *args) {
    enum rule_id id;
    if (!find(cli, args->value[0], &id))
        return CLI_REFUSED;
    struct db_params p = {0};
    db_text(&p, str_of(rules[id].name));
    db_text(&p, str_of(rules[id].title));
    db_text(&p, str_of(rules[id].explanation));
    PGresult *r = db_query(cli->conn, &ONE, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    if (PQntuples(r) == 1)
        cli_card(cli, r, 0, card_columns);
    PQclear(r);
    return show_parameters(cli, &rules[id]);
}

static enum cli_exit set(struct cli *cli, const struct cli_args *args) {
    enum rule_id id;
    if (!find(cli, args->value[0], &id))
        return CLI_REFUSED;
    return cli_done(cli, admin_setting_set(cli->conn, str_of(rules[id].setting), args->value[1], &cli->err),
                    "The rule %s is on %.*s.", rules[id].name, STR_ARG(args->value[1]));
}

static const struct cli_verb verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = "List the rules and their modes.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH, CLI_LIMIT}},
    {.name = "show",
     .arguments = "RULE",
     .summary = "Show what a rule is for, and its settings.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "rule",
     .run = show},
    {.name = "set",
     .arguments = "RULE off|warn|enforce",
     .summary = "Switch a rule; warn: it tells the log and the trace, and refuses nothing.",
     .min = 2,
     .max = 2,
     .database = true,
     .complete = "rule",
     .run = set},
    {0}};

const struct cli_subject subject_rule = {"rule", "rules for incoming mail", NULL, verbs};
