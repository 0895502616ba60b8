#include "cli.h"

#include "base/log.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char DEFAULT_CONF[] = PREFIX "/etc/mansio/mansio.conf";

static enum cli_exit complain(const struct cli *cli, enum cli_exit code) {
    if (cli->err.text[0])
        fprintf(stderr, "mansio: %s\n", cli->err.text);
    return code;
}

static enum cli_exit show_text(struct buf *text, FILE *to) {
    fwrite(text->p, 1, text->n, to);
    buf_free(text);
    return CLI_OK;
}

static enum cli_exit help(struct cli *cli, char **word, int count) {
    struct buf text = BUF_EMPTY;
    const struct cli_subject *s = count ? cli_subject_named(str_of(word[0])) : NULL;
    if (count && !s) {
        err_set(&cli->err, "there is no subject \"%s\"; \"mansio help\" lists them", word[0]);
        return complain(cli, CLI_USAGE);
    }
    if (s)
        cli_help_subject(s, &text);
    else
        cli_help(&text);
    return show_text(&text, stdout);
}

/* Options that stand anywhere; the other words are moved together. False: one lacks its value. */
static bool take_global(struct cli *cli, char **argv, int *argc, bool *want_help, bool *want_version) {
    int n = 0;
    bool options = true;
    for (int i = 0; i < *argc; i++) {
        struct str word = str_of(argv[i]);
        bool config = str_eq(word, STR("-c")) || str_eq(word, STR("--config"));
        options = options && !str_eq(word, STR("--"));
        if (options && config && i + 1 == *argc)
            return err_set(&cli->err, "%s needs the name of a file", argv[i]);
        if (options && config)
            cli->conf_path = argv[++i];
        else if (options && str_starts(word, STR("--config=")))
            cli->conf_path = argv[i] + sizeof "--config=" - 1;
        else if (options && str_eq(word, STR("--json")))
            cli->json = true;
        else if (options && (str_eq(word, STR("-h")) || str_eq(word, STR("--help"))))
            *want_help = true;
        else if (options && (str_eq(word, STR("-V")) || str_eq(word, STR("--version"))))
            *want_version = true;
        else
            argv[n++] = argv[i];
    }
    *argc = n;
    return true;
}

/* Runs the verb within a transaction, and shows its result once that is committed. */
static enum cli_exit run_verb(struct cli *cli, const struct cli_verb *verb, const struct cli_args *args) {
    if (verb->database && !cli_begin(cli))
        return complain(cli, CLI_TEMPORARY);
    enum cli_exit code = verb->run(cli, args);
    if (code == CLI_OK && verb->database && !db_commit(cli->conn, &cli->err))
        code = db_is_broken(cli->conn) ? CLI_TEMPORARY : CLI_REFUSED;
    if (code != CLI_OK && cli->err.text[0])
        return complain(cli, code);
    cli_flush(cli);
    return code;
}

/* The verb behind the subject, which is one word or two; *words of the command line name it with its subject. */
static const struct cli_verb *find_verb(const struct cli_subject *s, char **word, int count, int *words) {
    if (!s->verb->name) {
        *words = 1;
        return s->verb;
    }
    char two[64];
    const struct cli_verb *verb = NULL;
    if (count > 2 && snprintf(two, sizeof two, "%s %s", word[1], word[2]) < (int)sizeof two)
        verb = cli_verb_named(s, str_of(two));
    *words = verb ? 3 : 2;
    return verb || count < 2 ? verb : cli_verb_named(s, str_of(word[1]));
}

static enum cli_exit dispatch(struct cli *cli, char **word, int count) {
    const struct cli_subject *s = cli_subject_named(str_of(word[0]));
    if (!s) {
        err_set(&cli->err, "there is no subject \"%s\"; \"mansio help\" lists them", word[0]);
        return complain(cli, CLI_USAGE);
    }
    int skip;
    const struct cli_verb *verb = find_verb(s, word, count, &skip);
    if (!verb) {
        if (count > 1)
            err_set(&cli->err, "there is no \"%s %s\"; \"mansio help %s\" lists what there is", s->name, word[1],
                    s->name);
        else
            err_set(&cli->err, "what about the %s? \"mansio help %s\" lists what there is", s->name, s->name);
        return complain(cli, CLI_USAGE);
    }
    struct cli_args args;
    if (!cli_args_read(cli, verb, word + skip, count - skip, &args)) {
        complain(cli, CLI_USAGE);
        fprintf(stderr, "mansio: \"mansio help %s\" says more\n", s->name);
        return CLI_USAGE;
    }
    bool do_without = verb->without_conf && access(cli->conf_path, R_OK) != 0;
    if (!do_without && !(cli->conf = conf_read(cli->conf_path, &cli->err)))
        return complain(cli, CLI_REFUSED);
    return run_verb(cli, verb, &args);
}

static enum cli_exit run(struct cli *cli, char **word, int count) {
    bool want_help = false, want_version = false;
    /* Completion gets half-typed words, which must not be taken for options of its own. */
    int at = count > 2 && strcmp(word[0], "-c") == 0 ? 2 : 0;
    if (count > at && strcmp(word[at], "complete-words") == 0) {
        cli->conf_path = at ? word[1] : cli->conf_path;
        cli_complete(cli, word + at + 1, count - at - 1);
        return CLI_OK;
    }
    if (!take_global(cli, word, &count, &want_help, &want_version))
        return complain(cli, CLI_USAGE);
    if (want_version) {
        puts("mansio " MANSIO_VERSION);
        return CLI_OK;
    }
    if (count && strcmp(word[0], "help") == 0)
        return help(cli, word + 1, count - 1);
    if (want_help)
        return help(cli, word, count);
    if (!count) {
        struct buf text = BUF_EMPTY;
        cli_help(&text);
        show_text(&text, stderr);
        return CLI_USAGE;
    }
    return dispatch(cli, word, count);
}

int main(int argc, char **argv) {
    setlocale(LC_CTYPE, "");
    log_open("mansio");
    log_set_level("warn");
    struct cli cli = {.conf_path = DEFAULT_CONF};
    enum cli_exit code = run(&cli, argv + 1, argc - 1);
    cli_disconnect(&cli);
    json_decref(cli.document);
    buf_free(&cli.text);
    conf_free(cli.conf);
    arena_free(&cli.arena);
    if (fflush(stdout) != 0 && code == CLI_OK) {
        fputs("mansio: cannot write the result\n", stderr);
        code = CLI_REFUSED;
    }
    return (int)code;
}
