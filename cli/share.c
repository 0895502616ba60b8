#include "directory/admin.h"
#include "store/sharing.h"
#include "subjects.h"

static const struct db_statement LIST = {
    "cli_share_list",
    "SELECT coalesce(l.folder, '(new folders)'), l.who, l.rights FROM account a JOIN domain d ON d.id = a.domain_id"
    " CROSS JOIN LATERAL share_list(a.id) l WHERE a.local_part = lower($1) AND d.name = $2"};
static const struct cli_column columns[] = {
    {"folder", "FOLDER", CLI_TEXT}, {"who", "WHO", CLI_TEXT}, {"rights", "RIGHTS", CLI_TEXT}, {NULL, NULL, CLI_TEXT}};

static enum cli_exit list(struct cli *cli, const struct cli_args *args) {
    struct db_params p = {0};
    if (!cli_mailbox_params(cli, args->value[0], &p))
        return CLI_REFUSED;
    return cli_list(cli, &LIST, &p, columns, "folders that are shared");
}

static enum cli_exit set(struct cli *cli, const struct cli_args *args) {
    unsigned rights;
    char unknown;
    if (!rights_named(args->value[3], &rights) && (!rights_parse(args->value[3], &rights, &unknown) || !rights)) {
        err_set(&cli->err, "rights are read, edit, manage, or letters of lrswipkxtea, not \"%.*s\"",
                STR_ARG(args->value[3]));
        return CLI_USAGE;
    }
    return cli_done(cli, admin_share_set(cli->conn, args->value[0], args->value[1], args->value[2], rights, &cli->err),
                    "%.*s has rights in %.*s of %.*s now.", STR_ARG(args->value[2]), STR_ARG(args->value[1]),
                    STR_ARG(args->value[0]));
}

static enum cli_exit remove_entry(struct cli *cli, const struct cli_args *args) {
    return cli_done(cli, admin_share_set(cli->conn, args->value[0], args->value[1], args->value[2], 0, &cli->err),
                    "%.*s is in the list of %.*s of %.*s no more.", STR_ARG(args->value[2]), STR_ARG(args->value[1]),
                    STR_ARG(args->value[0]));
}

static const struct cli_verb verbs[] = {{.name = "list",
                                         .arguments = "ADDRESS",
                                         .summary = "List who may use the folders of a mailbox.",
                                         .min = 1,
                                         .max = 1,
                                         .database = true,
                                         .complete = "account",
                                         .run = list},
                                        {.name = "set",
                                         .arguments = "ADDRESS FOLDER WHO RIGHTS",
                                         .summary = "Let somebody use a folder, or change what it may.",
                                         .min = 4,
                                         .max = 4,
                                         .database = true,
                                         .complete = "account",
                                         .run = set},
                                        {.name = "remove",
                                         .arguments = "ADDRESS FOLDER WHO",
                                         .summary = "Take somebody out of a folder's list.",
                                         .min = 3,
                                         .max = 3,
                                         .database = true,
                                         .complete = "account",
                                         .run = remove_entry},
                                        {0}};

const struct cli_subject subject_share = {
    "share", "who may use a mailbox's folders beside its owner",
    "FOLDER is a folder, or * for all there are and all to come. WHO is the address of a mailbox of the same reseller, "
    "or "
    "anyone of its domain; -WHO takes the rights away whatever else is said. RIGHTS is read (lrs), edit (lrswite), "
    "manage (all of them), or letters as RFC 4314 has them.",
    verbs};
