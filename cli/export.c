/* export: the mail of a mailbox into a Maildir or mbox files. */
#include "move/export.h"
#include "base/clock.h"
#include "move/accounts.h"
#include "subjects.h"

static json_t *folder_document(const struct export_folder *f) {
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "folder", cli_json_str(f->name), "there", (json_int_t)f->there,
                     "written", (json_int_t)f->written, "kept", (json_int_t)f->kept, "left_out",
                     (json_int_t)f->left_out, "bytes", (json_int_t)f->bytes);
}

static void show(struct cli *cli, const struct import_target *t, struct str to, const struct export_report *r,
                 double seconds) {
    uint64_t written = 0, bytes = 0;
    json_t *folders = json_array();
    cli_say(cli, "%9s %9s %9s %9s  %s", "THERE", "WRITTEN", "KEPT", "LEFT OUT", "FOLDER");
    for (size_t i = 0; i < r->folders; i++) {
        const struct export_folder *f = &r->folder[i];
        cli_say(cli, "%9llu %9llu %9llu %9llu  %.*s", (unsigned long long)f->there, (unsigned long long)f->written,
                (unsigned long long)f->kept, (unsigned long long)f->left_out, STR_ARG(f->name));
        json_array_append_new(folders, folder_document(f));
        written += f->written;
        bytes += f->bytes;
    }
    struct buf size = BUF_EMPTY;
    progress_bytes(bytes, &size);
    cli_say(cli, "Wrote %llu messages (%s) of %.*s to %.*s in %.1f s, %.0f a second.", (unsigned long long)written,
            size.p, STR_ARG(t->address), STR_ARG(to), seconds, seconds > 0 ? (double)written / seconds : 0);
    buf_free(&size);
    cli->document =
        json_pack("{s:o, s:o, s:o, s:I, s:I, s:f}", "address", cli_json_str(t->address), "to", cli_json_str(to),
                  "folders", folders, "written", (json_int_t)written, "bytes", (json_int_t)bytes, "seconds", seconds);
}

static enum cli_exit write_out(struct cli *cli, const struct import_target *t, struct str to, bool tree,
                               struct export_options *options) {
    struct move_store opened;
    struct export_report report = {0};
    struct sink *sink = sink_open(to, tree, &cli->err);
    if (!sink)
        return CLI_REFUSED;
    bool good = accounts_open_store(cli, 1, false, &opened);
    if (good) {
        options->progress = progress_start(stderr, "Exporting");
        good = export_run(opened.store, sink, t->account_id, options, &report, &cli->err);
        double seconds = progress_end(options->progress);
        if (good)
            show(cli, t, to, &report, seconds);
    }
    accounts_close_store(&opened);
    sink_close(sink);
    arena_free(&report.arena);
    return good ? CLI_OK : CLI_REFUSED;
}

static enum cli_exit export_account(struct cli *cli, const struct cli_args *args) {
    struct str to = cli_option(args, "to"), layout = cli_option(args, "layout");
    struct export_options options = {.folder = import_names_read(&cli->arena, cli_option(args, "folder")),
                                     .exclude = import_names_read(&cli->arena, cli_option(args, "exclude"))};
    struct import_target target;
    bool tree = str_eq(layout, STR("fs"));
    if (!to.p)
        err_set(&cli->err, "say where with --to maildir:PATH or --to mbox:PATH");
    else if (layout.p && !tree && !str_eq(layout, STR("maildir++")))
        err_set(&cli->err, "--layout %.*s: there are maildir++ and fs", STR_ARG(layout));
    if (cli->err.text[0] || !cli_day(cli, args, "since", &options.since))
        return CLI_USAGE;
    if (!cli_connect(cli))
        return CLI_TEMPORARY;
    enum cli_exit code = accounts_find(cli, args->value[0], &target);
    return code == CLI_OK ? write_out(cli, &target, to, tree, &options) : code;
}

static const struct cli_verb verbs[] = {
    {.arguments = "ADDRESS --to maildir:PATH|mbox:PATH",
     .summary = "Write the mail of a mailbox to a Maildir, or to a directory of mbox files.",
     .min = 1,
     .max = 1,
     .complete = "account",
     .run = export_account,
     .options = {{"to", "SINK", "maildir:PATH or mbox:PATH; a Maildir that is there gets what is new"},
                 {"folder", "PATTERNS", "only these folders: \"INBOX,Work*\""},
                 {"exclude", "PATTERNS", "not these: \"Trash,Junk\""},
                 {"since", "DATE", "only messages that came since: 2024-12-31"},
                 {"layout", "NAME", "of the Maildir's folders: maildir++ (.A.B) or fs (A/B)"}}},
    {0}};

const struct cli_subject subject_export = {"export", "write mail to files", NULL, verbs};
