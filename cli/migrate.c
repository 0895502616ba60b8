#include "db/migrate.h"
#include "subjects.h"

static const char *sql_folder(struct cli *cli, const struct cli_args *args) {
    struct str given = cli_option(args, "sql");
    return given.p ? arena_c(&cli->arena, given) : conf_get(cli->conf, "sql", PREFIX "/share/mansio/sql");
}

static enum cli_exit exit_of(enum migrate_result result) {
    return result == MIGRATE_OK ? CLI_OK : result == MIGRATE_TEMPORARY ? CLI_TEMPORARY : CLI_REFUSED;
}

static const char *state_of(const struct migration *m) {
    if (!m->applied)
        return "to be applied";
    return m->changed ? "applied, then CHANGED" : m->sql.p ? "applied" : "applied, file is GONE";
}

static enum cli_exit show_status(struct cli *cli, const char *folder) {
    struct migration *m;
    size_t count;
    enum migrate_result result = migrate_status(cli->conn, folder, &cli->arena, &m, &count, &cli->err);
    if (result != MIGRATE_OK)
        return exit_of(result);
    cli->document = json_array();
    for (size_t i = 0; i < count; i++) {
        cli_say(cli, "%-28.*s  %s", STR_ARG(m[i].name), state_of(m + i));
        json_array_append_new(cli->document, json_pack("{s:i, s:o, s:b, s:b, s:b}", "version", m[i].version, "name",
                                                       cli_json_str(m[i].name), "applied", m[i].applied, "changed",
                                                       m[i].changed, "missing", m[i].sql.p == NULL));
    }
    return CLI_OK;
}

static void on_applied(void *context, const struct migration *m) {
    struct cli *cli = context;
    cli_say(cli, "Applied %.*s.", STR_ARG(m->name));
    json_array_append_new(json_object_get(cli->document, "applied"), cli_json_str(m->name));
}

static enum cli_exit migrate(struct cli *cli, const struct cli_args *args) {
    if (!cli_connect(cli))
        return CLI_TEMPORARY;
    const char *folder = sql_folder(cli, args);
    if (cli_switch(args, "status"))
        return show_status(cli, folder);
    cli->document = json_pack("{s:[]}", "applied");
    enum migrate_result result = migrate_apply(cli->conn, folder, &cli->arena, on_applied, cli, &cli->err);
    if (result == MIGRATE_OK && json_array_size(json_object_get(cli->document, "applied")) == 0)
        cli_say(cli, "The database is up to date.");
    return exit_of(result);
}

static const struct cli_verb verbs[] = {
    {.summary = "Apply the migrations that are missing, each in a transaction of its own.",
     .options = {{"status", NULL, "show what is applied and what is not, and change nothing"},
                 {"sql", "DIR",
                  "the folder of migrations (" PREFIX "/share/mansio/sql, or \"sql\" in the configuration)"}},
     .run = migrate},
    {0}};

const struct cli_subject subject_migrate = {"migrate", "bring the database's schema up to date", NULL, verbs};
