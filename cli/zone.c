#include "zone/zone.h"
#include "directory/admin.h"
#include "subjects.h"
#include "zone/zone_db.h"
#include "zone_check.h"
#include "zone_find.h"

static const struct db_statement LIST = {
    "cli_zone_list", "SELECT z.name, t.name, z.domain_id IS NOT NULL, (SELECT count(*) FROM record r WHERE r.zone_id = "
                     "z.id), z.serial, z.exported_at, "
                     "z.problem FROM zone z JOIN tenant t ON t.id = z.tenant_id "
                     "WHERE ($1::text IS NULL OR position(lower($1) IN z.name || ' ' || lower(t.name)) > 0) "
                     "AND ($3::boolean IS NOT TRUE OR z.problem IS NOT NULL) ORDER BY z.name LIMIT $2"};
static const struct cli_column list_columns[] = {
    {"name", "NAME", CLI_TEXT},       {"tenant", "RESELLER", CLI_TEXT},
    {"mail", "MAIL", CLI_BOOL},       {"records", "RECORDS", CLI_NUMBER},
    {"serial", "SERIAL", CLI_NUMBER}, {"exported_at", "EXPORTED", CLI_TIME},
    {"problem", "PROBLEM", CLI_TEXT}, {NULL, NULL, CLI_TEXT}};
static const struct db_statement SHOW = {"cli_zone_show",
                                         "SELECT z.name, t.name, d.name, z.primary_ns, z.contact, z.refresh, z.retry, "
                                         "z.expire, z.minimum, z.ttl, z.serial, z.exported_at, "
                                         "z.problem FROM zone z JOIN tenant t ON t.id = z.tenant_id LEFT JOIN domain d "
                                         "ON d.id = z.domain_id WHERE z.id = $1"};
static const struct cli_column show_columns[] = {{"name", "Name", CLI_TEXT},
                                                 {"tenant", "Reseller", CLI_TEXT},
                                                 {"domain", "Of the domain", CLI_TEXT},
                                                 {"primary_ns", "Primary nameserver", CLI_TEXT},
                                                 {"contact", "Contact", CLI_TEXT},
                                                 {"refresh", "Refresh", CLI_NUMBER},
                                                 {"retry", "Retry", CLI_NUMBER},
                                                 {"expire", "Expire", CLI_NUMBER},
                                                 {"minimum", "Negative TTL", CLI_NUMBER},
                                                 {"ttl", "TTL", CLI_NUMBER},
                                                 {"serial", "Serial", CLI_NUMBER},
                                                 {"exported_at", "Exported", CLI_TIME},
                                                 {"problem", "Problem", CLI_TEXT},
                                                 {NULL, NULL, CLI_TEXT}};
static const struct db_statement RECORDS = {"cli_zone_records",
                                            "SELECT id, name, ttl, type, rdata, managed FROM record WHERE zone_id = $1 "
                                            "ORDER BY name <> '@', name, type, rdata"};
static const struct cli_column record_columns[] = {{"id", "ID", CLI_NUMBER},    {"name", "NAME", CLI_TEXT},
                                                   {"ttl", "TTL", CLI_NUMBER},  {"type", "TYPE", CLI_TEXT},
                                                   {"rdata", "DATA", CLI_TEXT}, {"managed", "AUTOMATIC", CLI_BOOL},
                                                   {NULL, NULL, CLI_TEXT}};
static const struct db_statement HISTORY = {
    "cli_zone_history",
    "SELECT serial, at, length(content) FROM zone_history WHERE zone_id = $1 ORDER BY at DESC LIMIT 20"};
static const struct cli_column history_columns[] = {{"serial", "SERIAL", CLI_NUMBER},
                                                    {"at", "SERVED SINCE", CLI_TIME},
                                                    {"bytes", "BYTES", CLI_NUMBER},
                                                    {NULL, NULL, CLI_TEXT}};

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    int64_t tenant;
    enum cli_exit code = cli_tenant(cli, args, &tenant);
    if (code != CLI_OK)
        return code;
    return cli_done(cli, admin_zone_add(cli->conn, tenant, args->value[0], &cli->err), "Added the zone %.*s.",
                    STR_ARG(args->value[0]));
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    db_bool(&p, cli_switch(args, "problems"));
    return cli_list(cli, &LIST, &p, list_columns, "zones");
}

enum cli_exit cli_zone_find(struct cli *cli, struct str typed, struct zone_row *row) {
    struct str name;
    if (!zone_name_check(&cli->arena, typed, &name, &cli->err))
        return CLI_REFUSED;
    int found = zone_load(cli->conn, &cli->arena, name, 0, false, row, &cli->err);
    if (found < 0)
        return cli_db_failed(cli);
    if (!found)
        err_set(&cli->err, "the zone %.*s is not served here", STR_ARG(name));
    return found ? CLI_OK : CLI_REFUSED;
}

static bool add_section(struct cli *cli, const struct db_statement *s, int64_t zone_id, const char *key,
                        const char *title, const struct cli_column *columns) {
    struct db_params p = {0};
    db_int8(&p, zone_id);
    PGresult *r = db_query(cli->conn, s, &p, &cli->err);
    if (!r)
        return false;
    if (key)
        cli_section(cli, key, title, r, columns);
    else
        cli_card(cli, r, 0, columns);
    PQclear(r);
    return true;
}

static enum cli_exit show(struct cli *cli, const struct cli_args *args) {
    struct zone_row row;
    enum cli_exit code = cli_zone_find(cli, args->value[0], &row);
    if (code != CLI_OK)
        return code;
    bool good = add_section(cli, &SHOW, row.id, NULL, NULL, show_columns) &&
                add_section(cli, &RECORDS, row.id, "records", "Records", record_columns) &&
                add_section(cli, &HISTORY, row.id, "history", "Versions", history_columns);
    return good ? CLI_OK : cli_db_failed(cli);
}

static enum cli_exit remove_zone(struct cli *cli, const struct cli_args *args) {
    struct zone_row row;
    enum cli_exit code = cli_zone_find(cli, args->value[0], &row);
    if (code != CLI_OK)
        return code;
    if (!cli_confirm(cli, "This removes the zone %.*s with %zu records.", STR_ARG(row.zone.name), row.zone.count))
        return CLI_REFUSED;
    return cli_done(cli, admin_zone_remove(cli->conn, row.zone.name, &cli->err), "Removed the zone %.*s.",
                    STR_ARG(row.zone.name));
}

static enum cli_exit export_zone(struct cli *cli, const struct cli_args *args) {
    struct zone_row row;
    enum cli_exit code = cli_zone_find(cli, args->value[0], &row);
    if (code != CLI_OK)
        return code;
    if (!zone_normalise(&cli->arena, &row.zone, &cli->err))
        return CLI_REFUSED;
    struct buf file = BUF_EMPTY;
    zone_write(&row.zone, &file);
    if (!cli->json)
        buf_add_str(&cli->text, buf_str(&file));
    cli->document = json_pack("{s:o, s:I, s:o}", "name", cli_json_str(row.zone.name), "serial",
                              (json_int_t)row.zone.serial, "zone", cli_json_str(buf_str(&file)));
    buf_free(&file);
    return CLI_OK;
}

static enum cli_exit check(struct cli *cli, const struct cli_args *args) {
    struct zone_row row;
    enum cli_exit code = cli_zone_find(cli, args->value[0], &row);
    return code == CLI_OK ? zone_check_all(cli, &row) : code;
}

static const struct cli_verb verbs[] = {
    {.name = "list",
     .arguments = "",
     .summary = "List the zones.",
     .database = true,
     .run = list,
     .options = {CLI_SEARCH,
                 CLI_LIMIT,
                 {"problems", NULL, "only those that the nameserver does not have as they should be"}}},
    {.name = "show",
     .arguments = "NAME",
     .summary = "Show a zone with its records and versions.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "zone",
     .run = show},
    {.name = "add",
     .arguments = "NAME",
     .summary = "Add a zone without mail (a domain's zone comes with the domain).",
     .min = 1,
     .max = 1,
     .database = true,
     .run = add,
     .options = {{"tenant", "NAME", "the reseller it belongs to (where there are several)"}}},
    {.name = "check",
     .arguments = "NAME",
     .summary = "Compare what the nameserver and the world say with what should be there.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "zone",
     .run = check},
    {.name = "export",
     .arguments = "NAME",
     .summary = "Print the zone file.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "zone",
     .run = export_zone},
    {.name = "remove",
     .arguments = "NAME",
     .summary = "Remove a zone.",
     .min = 1,
     .max = 1,
     .database = true,
     .removes = true,
     .complete = "zone",
     .run = remove_zone},
    {0}};

const struct cli_subject subject_zone = {"zone", "DNS zones", NULL, verbs};
