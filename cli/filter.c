#include "filter/filter.h"

#include "subjects.h"

static const struct db_statement LIST = {
    "cli_filter_list",
    "SELECT name, kind::text, endpoint, place, mode::text, on_failure::text, services, max_size, found::text, stages, "
    "context, connect_timeout, command_timeout, content_timeout FROM filter "
    "WHERE $1::text IS NULL OR position(lower($1) IN lower(name || ' ' || kind || ' ' || endpoint)) > 0 "
    "ORDER BY place, name LIMIT $2"};
static const struct cli_column columns[] = {{"name", "NAME", CLI_TEXT},
                                            {"kind", "KIND", CLI_TEXT},
                                            {"endpoint", "ENDPOINT", CLI_TEXT},
                                            {"order", "ORDER", CLI_NUMBER},
                                            {"mode", "MODE", CLI_TEXT},
                                            {"on_failure", "ON FAILURE", CLI_TEXT},
                                            {"services", "SERVICES", CLI_TEXTS},
                                            {"max_size", "MAX SIZE", CLI_BYTES},
                                            {"found", "FOUND", CLI_TEXT},
                                            {"stages", "STAGES", CLI_TEXTS},
                                            {"context", "CONTEXT", CLI_TEXT},
                                            {"connect_timeout", "CONNECT", CLI_NUMBER},
                                            {"command_timeout", "COMMAND", CLI_NUMBER},
                                            {"content_timeout", "CONTENT", CLI_NUMBER},
                                            {NULL, NULL, CLI_TEXT}};

static struct filter_form form_of(const struct cli_args *args) {
    return (struct filter_form){.name = cli_option(args, "name"),
                                .kind = cli_option(args, "kind"),
                                .endpoint = cli_option(args, "endpoint"),
                                .place = cli_option(args, "order"),
                                .mode = cli_option(args, "mode"),
                                .on_failure = cli_option(args, "on-failure"),
                                .services = cli_option(args, "services"),
                                .max_size = cli_option(args, "max-size"),
                                .found = cli_option(args, "found"),
                                .stages = cli_option(args, "stages"),
                                .context = cli_option(args, "context")};
}

/* --timeouts CONNECT,COMMAND,CONTENT; what stands between the commas may be missing. */
static void take_timeouts(const struct cli_args *args, struct filter_form *f) {
    struct str rest = cli_option(args, "timeouts"), piece;
    struct str *field[] = {&f->connect_timeout, &f->command_timeout, &f->content_timeout};
    for (size_t i = 0; i < 3 && rest.p && str_split(&rest, ',', &piece); i++)
        if (piece.n)
            *field[i] = piece;
}

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_list_params(cli, args, &p))
        return CLI_USAGE;
    return cli_list(cli, &LIST, &p, columns, "filters");
}

static enum cli_exit add(struct cli *cli, const struct cli_args *args) {
    struct filter_form f = form_of(args);
    f.name = args->value[0];
    f.kind = args->value[1];
    f.endpoint = args->value[2];
    take_timeouts(args, &f);
    return cli_done(cli, filter_add(cli->conn, &f, &cli->err), "Added the filter %.*s; it is in force now.",
                    STR_ARG(f.name));
}

static enum cli_exit change(struct cli *cli, const struct cli_args *args) {
    struct filter_form f = form_of(args);
    take_timeouts(args, &f);
    return cli_done(cli, filter_change(cli->conn, args->value[0], &f, &cli->err), "Changed the filter %.*s.",
                    STR_ARG(args->value[0]));
}

static enum cli_exit remove_filter(struct cli *cli, const struct cli_args *args) {
    if (!cli_confirm(cli, "This removes the filter %.*s: mail is taken without it from now on.",
                     STR_ARG(args->value[0])))
        return CLI_REFUSED;
    return cli_done(cli, filter_remove(cli->conn, args->value[0], &cli->err), "Removed the filter %.*s.",
                    STR_ARG(args->value[0]));
}

static enum cli_exit test(struct cli *cli, const struct cli_args *args) {
    struct filter_form f;
    struct filter filter;
    struct str finding;
    int64_t found = filter_load(cli->conn, &cli->arena, args->value[0], &f, &cli->err);
    if (found < 0)
        return cli_db_failed(cli);
    if (!found || !filter_of_form(&cli->arena, &f, &filter, &cli->err) ||
        !filter_try(&filter, &cli->arena, &finding, &cli->err))
        return CLI_REFUSED;
    cli_say(cli, "%.*s: %.*s.", STR_ARG(f.name), STR_ARG(finding));
    cli->document = json_pack("{s:o, s:o}", "name", cli_json_str(f.name), "finding", cli_json_str(finding));
    return CLI_OK;
}

#define FILTER_OPTIONS                                                                                                 \
    {"order", "N", "its place among the others, from 0; 10 where not said"},                                           \
        {"mode", "MODE", "enforce, warn (asked, and only the log tells what it says) or off"},                         \
        {"on-failure", "HOW", "tempfail: mail comes again later; accept: it is taken without the filter"},             \
        {"services", "LIST", "of relay, submission, lmtp, pickup; relay where not said"},                              \
        {"timeouts", "A,B,C", "seconds to connect, for an answer, for the message; 10,30,300"},                        \
        {"max-size", "SIZE", "larger messages are taken without it: 10M; none"},                                       \
        {"found", "WHAT", "for what rspamd marks and clamd finds: junk, reject or tag"},                               \
        {"stages", "LIST", "when a policy server is asked, of rcpt, data, message"}, {                                 \
        "context", "TEXT", "what a policy server is told as policy_context"                                            \
    }

static const struct cli_verb verbs[] = {{.name = "list",
                                         .arguments = "",
                                         .summary = "List the filters in the order in which they are asked.",
                                         .database = true,
                                         .run = list,
                                         .options = {CLI_SEARCH, CLI_LIMIT}},
                                        {.name = "add",
                                         .arguments = "NAME KIND ENDPOINT",
                                         .summary = "Attach a milter, policy server, rspamd or clamd.",
                                         .min = 3,
                                         .max = 3,
                                         .database = true,
                                         .run = add,
                                         .options = {FILTER_OPTIONS}},
                                        {.name = "change",
                                         .arguments = "NAME",
                                         .summary = "Change what is said, and nothing else.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .complete = "filter",
                                         .run = change,
                                         .options = {FILTER_OPTIONS,
                                                     {"name", "NAME", "another name"},
                                                     {"kind", "KIND", "milter, policy, rspamd or clamd"},
                                                     {"endpoint", "WHERE", "where it listens"}}},
                                        {.name = "remove",
                                         .arguments = "NAME",
                                         .summary = "Take one away.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .removes = true,
                                         .complete = "filter",
                                         .run = remove_filter},
                                        {.name = "test",
                                         .arguments = "NAME",
                                         .summary = "Connect to one and say what is there.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .complete = "filter",
                                         .run = test},
                                        {0}};

const struct cli_subject subject_filter = {
    "filter", "programs that look at mail on its way in",
    "A filter is a program of its own: KIND is milter, policy (Postfix's policy delegation), rspamd or clamd. ENDPOINT "
    "is inet:HOST:PORT or unix:/PATH; for rspamd http://HOST:PORT, several with blanks between them.",
    verbs};
