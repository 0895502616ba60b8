#include "directory/address.h"
#include "directory/admin.h"
#include "subjects.h"

static const struct db_statement LIST = {
    "cli_access_list", "SELECT l.id, l.action, l.kind, l.pattern, coalesce(d.name, ''), coalesce(t.name, ''), l.note"
                       "  FROM access_list l LEFT JOIN domain d ON d.id = l.domain_id"
                       "  LEFT JOIN tenant t ON t.id = l.tenant_id"
                       " WHERE ($1::text IS NULL OR position(lower($1) IN lower(l.name || ' ' || l.note)) > 0)"
                       "   AND ($3::text IS NULL OR t.name = $3) AND ($4::text IS NULL OR d.name = $4)"
                       " ORDER BY t.name NULLS FIRST, d.name NULLS FIRST, l.kind, l.pattern LIMIT $2"};
static const struct cli_column columns[] = {{"id", "ID", CLI_NUMBER},           {"action", "ACTION", CLI_TEXT},
                                            {"kind", "KIND", CLI_TEXT},         {"pattern", "WHO", CLI_TEXT},
                                            {"domain", "FOR DOMAIN", CLI_TEXT}, {"tenant", "RESELLER", CLI_TEXT},
                                            {"note", "NOTE", CLI_TEXT},         {NULL, NULL, CLI_TEXT}};

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    struct str domain = cli_option(args, "domain");
    if (!cli_list_params(cli, args, &p) || (domain.p && !domain_to_ascii(&cli->arena, domain, &domain, &cli->err)))
        return CLI_USAGE;
    db_text(&p, cli_option(args, "tenant"));
    db_text(&p, domain);
    return cli_list(cli, &LIST, &p, columns, "entries");
}

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    struct str domain = cli_option(args, "domain"), note = cli_option(args, "note");
    struct str pattern = args->count > 2 ? args->value[2] : STR("*");
    int64_t tenant_id = 0;
    if (cli_option(args, "tenant").p) {
        enum cli_exit found = cli_tenant(cli, args, &tenant_id);
        if (found != CLI_OK)
            return found;
    }
    int64_t id = admin_access_add(cli->conn, tenant_id, domain.p ? domain : STR(""), args->value[0], args->value[1],
                                  pattern, note.p ? note : STR(""), &cli->err);
    return cli_done(cli, id, "Entry %lld: %.*s %.*s %.*s.", (long long)id, STR_ARG(args->value[0]),
                    STR_ARG(args->value[1]), STR_ARG(pattern));
}

static enum cli_exit remove_entry(struct cli *cli, const struct cli_args *args) {
    uint64_t id;
    if (!str_u64(args->value[0], &id) || id > INT64_MAX) {
        err_set(&cli->err, "an entry is named by its number; \"mansio access list\" shows them");
        return CLI_USAGE;
    }
    if (!cli_confirm(cli, "This removes the entry %llu.", (unsigned long long)id))
        return CLI_REFUSED;
    return cli_done(cli, admin_access_remove(cli->conn, (int64_t)id, &cli->err), "Removed the entry %llu.",
                    (unsigned long long)id);
}

static const struct cli_verb verbs[] = {{.name = "list",
                                         .arguments = "",
                                         .summary = "List the entries.",
                                         .database = true,
                                         .run = list,
                                         .options = {CLI_SEARCH,
                                                     CLI_LIMIT,
                                                     {"tenant", "NAME", "only those of this reseller"},
                                                     {"domain", "NAME", "only those of this domain"}}},
                                        {.name = "add",
                                         .arguments = "ACTION KIND [WHO]",
                                         .summary = "Allow or deny mail, or switch greylisting.",
                                         .min = 2,
                                         .max = 3,
                                         .database = true,
                                         .run = add,
                                         .options = {{"tenant", "NAME", "for the recipients of this reseller"},
                                                     {"domain", "NAME", "for the recipients of this domain"},
                                                     {"note", "TEXT", "why"}}},
                                        {.name = "remove",
                                         .arguments = "ID",
                                         .summary = "Remove an entry.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .removes = true,
                                         .run = remove_entry},
                                        {0}};

const struct cli_subject subject_access = {
    "access", "allow and deny lists for incoming mail",
    "ACTION is allow, deny, greylist or no-greylist. KIND is sender (WHO is an address, its domain, or .domain for all "
    "below it), network (192.0.2.0/24, 2001:db8::/32, an address), helo (a name or .domain) or any (without WHO, for "
    "the last two actions). Without --tenant and --domain an entry holds for everybody.",
    verbs};
