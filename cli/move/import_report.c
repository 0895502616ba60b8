#include "move/import_report.h"

struct sums {
    uint64_t there, here, brought, left_out, failed, bytes;
};

static void add_up(struct sums *s, const struct import_folder *f) {
    s->there += f->there;
    s->here += f->here;
    s->brought += f->brought;
    s->left_out += f->left_out;
    s->failed += f->failed;
    s->bytes += f->bytes;
}

static json_t *folder_document(const struct import_folder *f) {
    return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "folder", cli_json_str(f->name), "into",
                     cli_json_str(f->into), "there", (json_int_t)f->there, "already_here", (json_int_t)f->here,
                     "brought", (json_int_t)f->brought, "left_out", (json_int_t)f->left_out, "failed",
                     (json_int_t)f->failed, "bytes", (json_int_t)f->bytes, "new_uidvalidity", (int)f->renumbered);
}

static json_t *job_document(const struct import_job *job) {
    json_t *folders = json_array(), *errors = json_array();
    for (size_t i = 0; i < job->report.folders; i++)
        json_array_append_new(folders, folder_document(&job->report.folder[i]));
    for (size_t i = 0; i < job->report.errors_kept; i++) {
        const struct import_error *e = &job->report.error[i];
        json_array_append_new(errors, json_pack("{s:o, s:o, s:o}", "folder", cli_json_str(e->folder), "message",
                                                cli_json_str(e->message), "why", cli_json_str(e->why)));
    }
    return json_pack("{s:o, s:s, s:o, s:o, s:o}", "address", cli_json_str(job->target.address), "source", job->name,
                     "error", job->good ? json_null() : json_string(job->err.text), "folders", folders, "errors",
                     errors);
}

static void say_folder(struct cli *cli, const struct import_folder *f) {
    bool elsewhere = !str_eq(f->name, f->into);
    cli_say(cli, "%9llu %9llu %9llu %9llu %9llu  %.*s%s%.*s%s", (unsigned long long)f->there,
            (unsigned long long)f->here, (unsigned long long)f->brought, (unsigned long long)f->left_out,
            (unsigned long long)f->failed, STR_ARG(f->name), elsewhere ? " -> " : "",
            STR_ARG(elsewhere ? f->into : STR("")), f->renumbered ? " (new UIDVALIDITY: programs read it anew)" : "");
}

static void say_job(struct cli *cli, const struct import_job *job, bool dry_run) {
    cli_say(cli, "%.*s from %s", STR_ARG(job->target.address), job->name);
    if (job->report.folders)
        cli_say(cli, "%9s %9s %9s %9s %9s  %s", "THERE", "HERE", dry_run ? "TO BRING" : "BROUGHT", "LEFT OUT", "FAILED",
                "FOLDER");
    for (size_t i = 0; i < job->report.folders; i++)
        say_folder(cli, &job->report.folder[i]);
    for (size_t i = 0; i < job->report.errors_kept; i++) {
        const struct import_error *e = &job->report.error[i];
        cli_say(cli, "  not brought: %.*s, message %.*s: %.*s", STR_ARG(e->folder), STR_ARG(e->message),
                STR_ARG(e->why));
    }
    if (job->report.errors > job->report.errors_kept)
        cli_say(cli, "  and %zu more", job->report.errors - job->report.errors_kept);
    if (!job->good)
        cli_say(cli, "  It stopped: %s\n  What was brought stays; run it again to go on.", job->err.text);
}

static void say_sums(struct cli *cli, const struct sums *s, bool dry_run, double seconds) {
    struct buf size = BUF_EMPTY;
    progress_bytes(s->bytes, &size);
    if (dry_run)
        cli_say(cli, "%llu messages (%s) would be brought.", (unsigned long long)s->brought, size.p);
    else
        cli_say(cli, "Brought %llu messages (%s) in %.1f s, %.0f a second.", (unsigned long long)s->brought, size.p,
                seconds, seconds > 0 ? (double)s->brought / seconds : 0);
    buf_free(&size);
}

enum cli_exit import_report_show(struct cli *cli, const struct import_job *job, size_t count, bool dry_run,
                                 double seconds) {
    struct sums s = {0};
    bool good = true;
    json_t *accounts = json_array();
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < job[i].report.folders; k++)
            add_up(&s, &job[i].report.folder[k]);
        good = good && job[i].good && !job[i].report.errors;
        say_job(cli, &job[i], dry_run);
        json_array_append_new(accounts, job_document(&job[i]));
    }
    say_sums(cli, &s, dry_run, seconds);
    cli->document =
        json_pack("{s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:f}", "dry_run", (int)dry_run, "accounts", accounts, "brought",
                  (json_int_t)s.brought, "bytes", (json_int_t)s.bytes, "already_here", (json_int_t)s.here, "left_out",
                  (json_int_t)s.left_out, "failed", (json_int_t)s.failed, "seconds", seconds);
    return good ? CLI_OK : CLI_REFUSED;
}
