#include "directory/admin.h"
#include "subjects.h"
#include "zone/zone.h"
#include "zone_find.h"

static const struct db_statement LIST = {"cli_record_list",
                                         "SELECT r.id, r.name, coalesce(r.ttl, z.ttl), r.type, r.rdata, r.managed FROM "
                                         "record r JOIN zone z ON z.id = r.zone_id "
                                         "WHERE z.name = $3 AND ($1::text IS NULL OR position(lower($1) IN "
                                         "lower(r.name || ' ' || r.type || ' ' || r.rdata)) > 0) "
                                         "ORDER BY r.name <> '@', r.name, r.type, r.rdata LIMIT $2"};
static const struct cli_column list_columns[] = {{"id", "ID", CLI_NUMBER},    {"name", "NAME", CLI_TEXT},
                                                 {"ttl", "TTL", CLI_NUMBER},  {"type", "TYPE", CLI_TEXT},
                                                 {"rdata", "DATA", CLI_TEXT}, {"managed", "AUTOMATIC", CLI_BOOL},
                                                 {NULL, NULL, CLI_TEXT}};
static const struct db_statement FIND = {
    "cli_record_find", "SELECT r.id, r.name || ' ' || r.type || ' ' || r.rdata || ' in ' || z.name FROM record r "
                       "JOIN zone z ON z.id = r.zone_id WHERE r.id = $1"};

/* Data may be given in several words: 10 mail.example.org. */
static struct str joined(struct cli *cli, const struct cli_args *args, int from) {
    struct buf text = BUF_EMPTY;
    for (int i = from; i < args->count; i++) {
        buf_add_c(&text, i > from ? " " : "");
        buf_add_str(&text, args->value[i]);
    }
    struct str out = arena_str(&cli->arena, buf_str(&text));
    buf_free(&text);
    return out;
}

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    int64_t ttl;
    if (!cli_number(cli, args, "ttl", -1, 0, INT32_MAX, &ttl))
        return CLI_USAGE;
    int64_t id = admin_record_add(cli->conn, args->value[0], args->value[1], args->value[2], (int32_t)ttl,
                                  joined(cli, args, 3), &cli->err);
    return cli_done(cli, id, "Added the %.*s record of %.*s in %.*s.", STR_ARG(args->value[2]), STR_ARG(args->value[1]),
                    STR_ARG(args->value[0]));
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    struct zone_row row;
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    enum cli_exit code = cli_zone_find(cli, args->value[0], &row);
    if (code != CLI_OK)
        return code;
    db_text(&p, row.zone.name);
    return cli_list(cli, &LIST, &p, list_columns, "records");
}

/* The one record that ZONE NAME TYPE [DATA] means. */
static enum cli_exit find_by_name(struct cli *cli, const struct cli_args *args, int64_t *id) {
    struct zone_row row;
    struct zone_record like;
    struct str data = joined(cli, args, 3);
    size_t hits = 0;
    enum cli_exit code = cli_zone_find(cli, args->value[0], &row);
    if (code != CLI_OK)
        return code;
    bool whole =
        data.n && zone_record_check(&cli->arena, row.zone.name, args->value[1], args->value[2], data, &like, &cli->err);
    if (data.n && !whole)
        return CLI_REFUSED;
    for (size_t i = 0; i < row.zone.count; i++) {
        const struct zone_record *r = row.zone.record + i;
        bool same = whole ? str_eq(r->name, like.name) && str_eq(r->type, like.type) && str_eq(r->rdata, like.rdata)
                          : str_ieq(r->name, args->value[1]) && str_ieq(r->type, args->value[2]);
        if (same) {
            *id = row.record_id[i];
            hits++;
        }
    }
    if (hits != 1)
        err_set(&cli->err, hits ? "there are %zu such records: say the data too, or the id" : "there is no such record",
                hits);
    return hits == 1 ? CLI_OK : CLI_REFUSED;
}

static enum cli_exit remove_record(struct cli *cli, const struct cli_args *args) {
    int64_t id = 0;
    uint64_t number;
    if (args->count == 1 && str_u64(args->value[0], &number) && number < INT64_MAX) {
        id = (int64_t)number;
    } else if (args->count < 3) {
        err_set(&cli->err, "which record? Say its id (mansio record list), or ZONE NAME TYPE [DATA]");
        return CLI_USAGE;
    } else {
        enum cli_exit code = find_by_name(cli, args, &id);
        if (code != CLI_OK)
            return code;
    }
    struct db_params p = {0};
    db_int8(&p, id);
    PGresult *r = db_query(cli->conn, &FIND, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    struct str what = PQntuples(r) ? arena_str(&cli->arena, db_get_str(r, 0, 1)) : STR("");
    PQclear(r);
    if (what.n && !cli_confirm(cli, "This removes the record %.300s.", what.p))
        return CLI_REFUSED;
    return cli_done(cli, admin_record_remove(cli->conn, id, &cli->err), "Removed the record %.300s.", what.p);
}

static const struct cli_verb verbs[] = {
    {.name = "add",
     .arguments = "ZONE NAME TYPE DATA...",
     .summary = "Add a record. NAME is relative to the zone; @ is the zone itself.",
     .min = 4,
     .max = 1000,
     .database = true,
     .complete = "zone",
     .run = add,
     .options = {{"ttl", "SECONDS", "how long it may be cached (the zone's own value where not said)"}}},
    {.name = "list",
     .arguments = "ZONE",
     .summary = "List the records of a zone.",
     .min = 1,
     .max = 1,
     .database = true,
     .complete = "zone",
     .run = list,
     .options = {CLI_SEARCH, CLI_LIMIT}},
    {.name = "remove",
     .arguments = "ID | ZONE NAME TYPE [DATA...]",
     .summary = "Remove a record.",
     .min = 1,
     .max = 1000,
     .database = true,
     .removes = true,
     .complete = "zone",
     .run = remove_record},
    {0}};

const struct cli_subject subject_record = {"record", "DNS records",
                                           "Data is written as in zone files: \"10 mail.example.org.\" for an MX "
                                           "record. A name without a dot at its end is relative\n"
                                           "to the zone, unless it ends in the zone's own name.",
                                           verbs};
