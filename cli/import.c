/*
 * import: mail from elsewhere into mailboxes here. One account (ADDRESS, --from), or several from a CSV file, some at a
 * time, each with a thread, a source and a report of its own (move/import.h).
 */
#include "base/clock.h"
#include "move/accounts.h"
#include "move/csv.h"
#include "move/import_report.h"
#include "subjects.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_PARALLEL = 32, CSV_FIELDS = 5, DEFAULT_PARALLEL = 4 };

/* Jobs are taken one after the other by the threads. */
struct jobs {
    struct store *store;
    const struct import_options *options;
    struct import_job *job;
    size_t count, next;
    pthread_mutex_t lock;
};

static void work_on(struct jobs *j, struct import_job *job) {
    struct source *source = source_open(job->uri, &job->source, &job->err);
    job->good = source && import_run(j->store, source, &job->target, j->options, &job->report, &job->err);
    job->name = source ? str_dup(str_of(source->name)) : str_dup(job->uri);
    source_close(source);
}

static void *worker(void *context) {
    struct jobs *j = context;
    for (;;) {
        pthread_mutex_lock(&j->lock);
        struct import_job *job = j->next < j->count ? &j->job[j->next++] : NULL;
        pthread_mutex_unlock(&j->lock);
        if (!job)
            return NULL;
        work_on(j, job);
    }
}

static bool run_jobs(struct cli *cli, struct jobs *j, size_t threads) {
    pthread_t thread[MAX_PARALLEL];
    size_t started = 0;
    pthread_mutex_init(&j->lock, NULL);
    threads = threads > j->count ? j->count : threads;
    while (started < threads && pthread_create(&thread[started], NULL, worker, j) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    pthread_mutex_destroy(&j->lock);
    return started || err_set(&cli->err, "can't start a thread");
}

/* ---- what was asked for ---- */

static bool read_map(struct cli *cli, const struct import_names *map) {
    for (size_t i = 0; i < map->count; i++) {
        ptrdiff_t eq = str_chr(map->at[i], '=');
        if (eq <= 0 || (size_t)eq + 1 == map->at[i].n)
            return err_set(&cli->err, "--map %.*s: write THERE=HERE", STR_ARG(map->at[i]));
    }
    return true;
}

static bool read_options(struct cli *cli, const struct cli_args *args, struct import_options *o) {
    int64_t reserve;
    *o = (struct import_options){
        .folder = import_names_read(&cli->arena, cli_option(args, "folder")),
        .exclude = import_names_read(&cli->arena, cli_option(args, "exclude")),
        .map = import_names_read(&cli->arena, cli_option(args, "map")),
        .dry_run = cli_switch(args, "dry-run"),
        .forget = cli_switch(args, "again"),
        .over_quota = cli_switch(args, "over-quota"),
        .keep_names = cli_switch(args, "keep-names"),
    };
    if (!cli_day(cli, args, "since", &o->since) || !read_map(cli, &o->map) ||
        !cli_number(cli, args, "reserve", 0, 0, 1000000, &reserve))
        return false;
    o->reserve = (uint32_t)reserve;
    return true;
}

static bool one_of(struct str s, const char *const *list) {
    for (; *list; list++)
        if (str_eq(s, str_of(*list)))
            return true;
    return false;
}

static bool read_source_options(struct cli *cli, const struct cli_args *args, struct source_options *o) {
    static const char *const formats[] = {"auto", "o", "rd", "cl", "cl2", NULL}, *const mechanisms[] = {
                                                                                     "plain", "login", "xoauth2", NULL};
    struct str mbox = cli_option(args, "mbox"), ca = cli_option(args, "ca");
    *o = (struct source_options){
        .mbox = mbox.p ? arena_c(&cli->arena, mbox) : "auto",
        .uidl = cli_option(args, "uidl"),
        .user = cli_option(args, "user"),
        .master = cli_option(args, "master"),
        .mechanism = cli_option(args, "auth"),
        .ca = ca.p ? arena_c(&cli->arena, ca) : NULL,
        .unverified = cli_switch(args, "unverified"),
        .plaintext = cli_switch(args, "plaintext"),
    };
    if (mbox.p && !one_of(mbox, formats))
        return err_set(&cli->err, "--mbox %.*s: there are auto, o, rd, cl and cl2", STR_ARG(mbox));
    if (o->mechanism.p && !one_of(o->mechanism, mechanisms))
        return err_set(&cli->err, "--auth %.*s: there are plain, login and xoauth2", STR_ARG(o->mechanism));
    return true;
}

static bool needs_password(struct str uri) { return str_istarts(uri, STR("imap")); }

/* A word without a scheme is a host. */
static struct str uri_of(struct cli *cli, struct str word) {
    return str_chr(word, ':') < 0 && str_chr(word, '/') < 0 ? arena_printf(&cli->arena, "imaps://%.*s", STR_ARG(word))
                                                            : word;
}

static enum cli_exit one_job(struct cli *cli, const struct cli_args *args, const struct source_options *common,
                             struct jobs *j) {
    struct str from = cli_option(args, "from");
    if (!args->count || !from.p) {
        err_set(&cli->err, "say which mailbox and --from where, or --csv FILE");
        return CLI_USAGE;
    }
    struct import_job *job = j->job = arena_alloc(&cli->arena, sizeof *job);
    j->count = 1;
    job->uri = uri_of(cli, from);
    job->source = *common;
    if (!job->source.user.p)
        job->source.user = args->value[0];
    enum cli_exit code = accounts_find(cli, args->value[0], &job->target);
    if (code == CLI_OK && needs_password(job->uri) && !cli_secret(cli, args, "Password there: ", &job->source.password))
        code = CLI_REFUSED;
    return code;
}

/* ---- CSV ---- */

static bool is_heading(const struct str *field, size_t n) { return n > 0 && str_ieq(field[0], STR("source")); }

/* SOURCE,USER,PASSWORD,ADDRESS[,MASTER] */
static enum cli_exit csv_job(struct cli *cli, const struct source_options *common, const struct str *field, size_t n,
                             struct import_job *job) {
    if (n < 4) {
        err_set(&cli->err, "it needs SOURCE,USER,PASSWORD,ADDRESS");
        return CLI_REFUSED;
    }
    job->uri = uri_of(cli, field[0]);
    job->source = *common;
    job->source.user = field[1].n ? field[1] : field[3];
    job->source.password = field[2];
    if (n > 4 && field[4].n)
        job->source.master = field[4];
    return accounts_find(cli, field[3], &job->target);
}

static enum cli_exit read_csv(struct cli *cli, struct str text, const struct source_options *common, struct jobs *j) {
    struct str field[CSV_FIELDS], rest = text;
    size_t n, line = 0, most = 1;
    for (size_t i = 0; i < text.n; i++)
        most += text.p[i] == '\n';
    j->job = arena_array(&cli->arena, most, sizeof *j->job);
    while (csv_next(&cli->arena, &rest, field, CSV_FIELDS, &n, &line, &cli->err)) {
        if (j->count == 0 && is_heading(field, n))
            continue;
        enum cli_exit code = csv_job(cli, common, field, n, &j->job[j->count++]);
        if (code != CLI_OK) {
            struct err why = cli->err;
            err_set(&cli->err, "line %zu: %s", line, why.text);
            return code;
        }
    }
    if (cli->err.text[0])
        return CLI_REFUSED;
    if (!j->count)
        err_set(&cli->err, "it names no account");
    return j->count ? CLI_OK : CLI_REFUSED;
}

static enum cli_exit csv_jobs(struct cli *cli, const struct cli_args *args, const struct source_options *common,
                              struct jobs *j) {
    struct buf bytes = BUF_EMPTY;
    const char *path = arena_c(&cli->arena, cli_option(args, "csv"));
    if (args->count || cli_option(args, "from").p || cli_option(args, "user").p) {
        err_set(&cli->err, "--csv says which mailboxes and from where: leave out ADDRESS, --from and --user");
        return CLI_USAGE;
    }
    enum cli_exit code = source_read_file(AT_FDCWD, path, &bytes, &cli->err) ? CLI_OK : CLI_REFUSED;
    if (code == CLI_OK) {
        struct str text = arena_str(&cli->arena, buf_str(&bytes));
        code = read_csv(cli, text, common, j);
        if (code != CLI_OK) {
            struct err why = cli->err;
            err_set(&cli->err, "%s: %s", path, why.text);
        }
    }
    buf_free(&bytes);
    return code;
}

/* ---- the verb ---- */

static enum cli_exit hold_all(struct cli *cli, struct jobs *j) {
    for (size_t i = 0; i < j->count; i++) {
        for (size_t k = 0; k < i; k++)
            if (j->job[k].target.account_id == j->job[i].target.account_id && str_eq(j->job[k].uri, j->job[i].uri) &&
                str_eq(j->job[k].source.user, j->job[i].source.user)) {
                err_set(&cli->err, "%.*s is named twice with the same source", STR_ARG(j->job[i].target.address));
                return CLI_REFUSED;
            }
        enum cli_exit code = accounts_hold(cli, &j->job[i].target);
        if (code != CLI_OK)
            return code;
    }
    return CLI_OK;
}

static enum cli_exit run(struct cli *cli, struct jobs *j, struct import_options *options, size_t threads) {
    struct move_store opened;
    enum cli_exit code = options->dry_run ? CLI_OK : hold_all(cli, j);
    if (code != CLI_OK)
        return code;
    if (!accounts_open_store(cli, (int)threads, true, &opened)) {
        accounts_close_store(&opened);
        return CLI_REFUSED;
    }
    j->store = opened.store;
    j->options = options;
    options->progress = progress_start(stderr, options->dry_run ? "Looking" : "Importing");
    bool good = run_jobs(cli, j, threads);
    double seconds = progress_end(options->progress);
    accounts_close_store(&opened);
    code = good ? import_report_show(cli, j->job, j->count, options->dry_run, seconds) : CLI_REFUSED;
    for (size_t i = 0; i < j->count; i++) {
        import_report_free(&j->job[i].report);
        free(j->job[i].name);
    }
    return code;
}

static enum cli_exit import(struct cli *cli, const struct cli_args *args) {
    struct import_options options;
    struct source_options common;
    struct jobs jobs = {0};
    int64_t threads;
    if (!read_options(cli, args, &options) || !read_source_options(cli, args, &common) ||
        !cli_number(cli, args, "parallel", DEFAULT_PARALLEL, 1, MAX_PARALLEL, &threads))
        return CLI_USAGE;
    if (!cli_connect(cli))
        return CLI_TEMPORARY;
    enum cli_exit code =
        cli_option(args, "csv").p ? csv_jobs(cli, args, &common, &jobs) : one_job(cli, args, &common, &jobs);
    return code == CLI_OK ? run(cli, &jobs, &options, (size_t)threads) : code;
}

static const struct cli_verb verbs[] = {
    {.arguments = "ADDRESS --from SOURCE | --csv FILE",
     .summary = "Bring mail from a Maildir, mbox files or another IMAP server.",
     .max = 1,
     .complete = "account",
     .run = import,
     .options = {{"from", "SOURCE", "maildir:PATH, mbox:PATH, imaps://HOST[:PORT], imap://HOST[:PORT] (STARTTLS)"},
                 {"csv", "FILE", "several accounts, a line each: SOURCE,USER,PASSWORD,ADDRESS[,MASTER]"},
                 {"parallel", "N", "so many accounts at a time (4 where not said)"},
                 {"dry-run", NULL, "say what would be brought, and change nothing"},
                 {"folder", "PATTERNS", "only these folders of the source: \"INBOX,Work*\""},
                 {"exclude", "PATTERNS", "not these: \"Trash,Spam*\""},
                 {"since", "DATE", "only messages that came since: 2024-12-31"},
                 {"map", "THERE=HERE,...", "put folders elsewhere: \"Sent Items=Sent,Spam=Junk\""},
                 {"keep-names", NULL, "do not put Sent, Trash and their like where they are here"},
                 {"again", NULL, "bring once more what was brought before"},
                 {"over-quota", NULL, "pass the mailbox's quota"},
                 {"reserve", "N", "leave N UIDs free for what the old server still takes"},
                 {"user", "NAME", "the login there (ADDRESS where not said)"},
                 CLI_PASSWORD_STDIN,
                 {"master", "NAME", "log in as this administrator on behalf of the user"},
                 {"auth", "MECHANISM", "plain, login or xoauth2 (the password is the token then)"},
                 {"ca", "FILE", "authorities to trust for TLS, PEM (the system's where not said)"},
                 {"unverified", NULL, "take any certificate: whoever is in between can read the password"},
                 {"plaintext", NULL, "go on without TLS where the server has none"},
                 {"mbox", "FORMAT", "how lines that begin with From are quoted: auto, o, rd, cl, cl2"},
                 {"uidl", "FORMAT", "POP3's UIDLs there, of %u and %v: %08Xu%08Xv is Dovecot's"}}},
    {0}};

const struct cli_subject subject_import = {
    "import", "bring mail from elsewhere",
    "A second run brings only what is new, also after a run that was interrupted at any moment.", verbs};
