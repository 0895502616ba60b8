#include "base/clock.h"
#include "cli.h"
#include "directory/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int option_index(const struct cli_option *known, struct str name) {
    for (int i = 0; i < CLI_MAX_OPTIONS && known[i].name; i++)
        if (str_eq(str_of(known[i].name), name))
            return i;
    return -1;
}

/* One word that begins with "--"; *next is the word behind it, taken (NULL) where it is this option's value. */
static bool read_option(struct cli *cli, struct cli_args *out, const struct cli_verb *verb, struct str word,
                        char **next) {
    struct str value = {NULL, 0}, name = str_sub(word, 2, word.n);
    ptrdiff_t eq = str_chr(name, '=');
    if (eq >= 0) {
        value = str_sub(name, (size_t)eq + 1, name.n);
        name.n = (size_t)eq;
    }
    if (verb->removes && str_eq(name, STR("yes")) && !value.p) {
        cli->yes = true;
        return true;
    }
    int i = option_index(verb->options, name);
    if (i < 0)
        return err_set(&cli->err, "there is no option --%.*s here", STR_ARG(name));
    if (out->option[i].p)
        return err_set(&cli->err, "--%.*s is given twice", STR_ARG(name));
    const struct cli_option *option = verb->options + i;
    if (!option->value && value.p)
        return err_set(&cli->err, "--%s takes no value", option->name);
    if (option->value && !value.p) {
        if (!*next)
            return err_set(&cli->err, "--%s needs a value: %s", option->name, option->value);
        value = str_of(*next);
        *next = NULL;
    }
    out->option[i] = value.p ? value : STR("");
    return true;
}

bool cli_args_read(struct cli *cli, const struct cli_verb *verb, char **argv, int argc, struct cli_args *out) {
    *out = (struct cli_args){.known = verb->options};
    out->value = arena_array(&cli->arena, (size_t)argc + 1, sizeof *out->value);
    bool options = true;
    for (int i = 0; i < argc; i++) {
        struct str word = str_of(argv[i]);
        if (options && str_eq(word, STR("--"))) {
            options = false;
        } else if (options && str_starts(word, STR("--"))) {
            char *given = i + 1 < argc ? argv[i + 1] : NULL, *next = given;
            if (!read_option(cli, out, verb, word, &next))
                return false;
            i += given && !next;
        } else {
            out->value[out->count++] = word;
        }
    }
    if (out->count < verb->min)
        return err_set(&cli->err, "an argument is missing: %s", verb->arguments);
    if (out->count > verb->max)
        return err_set(&cli->err, "too many arguments, beginning with \"%.*s\"", STR_ARG(out->value[verb->max]));
    return true;
}

struct str cli_option(const struct cli_args *args, const char *name) {
    int i = option_index(args->known, str_of(name));
    return i < 0 ? (struct str){NULL, 0} : args->option[i];
}

bool cli_switch(const struct cli_args *args, const char *name) { return cli_option(args, name).p != NULL; }

bool cli_number(struct cli *cli, const struct cli_args *args, const char *name, int64_t otherwise, int64_t min,
                int64_t max, int64_t *out) {
    struct str text = cli_option(args, name);
    uint64_t v;
    *out = otherwise;
    if (!text.p)
        return true;
    if (!str_u64(text, &v) || v > INT64_MAX || (int64_t)v < min || (int64_t)v > max)
        return err_set(&cli->err, "--%s %.*s: expected a number from %lld to %lld", name, STR_ARG(text), (long long)min,
                       (long long)max);
    *out = (int64_t)v;
    return true;
}

bool cli_day(struct cli *cli, const struct cli_args *args, const char *name, int64_t *out) {
    struct tm tm = {0};
    struct str text = cli_option(args, name);
    const char *end = text.p ? strptime(arena_c(&cli->arena, text), "%Y-%m-%d", &tm) : "";
    *out = text.p ? (int64_t)timegm(&tm) * CLOCK_SECOND : 0;
    return (end && !*end) || err_set(&cli->err, "--%s %.*s: write a day as 2024-12-31", name, STR_ARG(text));
}

bool cli_size(struct cli *cli, struct str text, int64_t *out) {
    static const char unit[] = "KMGT";
    if (str_ieq(text, STR("none"))) {
        *out = -1;
        return true;
    }
    int shift = 0;
    struct str digits = text;
    if (digits.n && ascii_upper(digits.p[digits.n - 1]) == 'B')
        digits.n--;
    const char *at = digits.n ? memchr(unit, ascii_upper(digits.p[digits.n - 1]), sizeof unit - 1) : NULL;
    if (at) {
        shift = 10 * (int)(at - unit + 1);
        digits.n--;
    }
    uint64_t v;
    if (!str_u64(digits, &v) || v > (uint64_t)INT64_MAX >> shift)
        return err_set(&cli->err, "\"%.*s\" is not a size: write 500M, 2G, a number of bytes, or none", STR_ARG(text));
    *out = (int64_t)(v << shift);
    return true;
}

static const struct db_statement FIND_TENANT = {"cli_tenant_find", "SELECT id FROM tenant WHERE name = $1"};
static const struct db_statement ONLY_TENANT = {"cli_tenant_only", "SELECT count(*), min(id) FROM tenant"};

static enum cli_exit only_tenant(struct cli *cli, int64_t *id) {
    PGresult *r = db_query(cli->conn, &ONLY_TENANT, NULL, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    int64_t count = db_get_int8(r, 0, 0);
    *id = db_get_int8(r, 0, 1);
    PQclear(r);
    if (count == 1)
        return CLI_OK;
    err_set(&cli->err, count ? "there are several resellers: say which with --tenant NAME"
                             : "there is no reseller yet: make one with \"mansio tenant add NAME\"");
    return CLI_REFUSED;
}

enum cli_exit cli_tenant(struct cli *cli, const struct cli_args *args, int64_t *id) {
    struct str name = cli_option(args, "tenant");
    if (!name.p)
        return only_tenant(cli, id);
    struct db_params p = {0};
    db_text(&p, name);
    PGresult *r = db_query(cli->conn, &FIND_TENANT, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool found = PQntuples(r) == 1;
    if (found)
        *id = db_get_int8(r, 0, 0);
    else
        err_set(&cli->err, "there is no reseller \"%.*s\"", STR_ARG(name));
    PQclear(r);
    return found ? CLI_OK : CLI_REFUSED;
}

bool cli_list_params(struct cli *cli, const struct cli_args *args, struct db_params *p) {
    int64_t limit;
    if (!cli_number(cli, args, "limit", 1000, 1, 10000000, &limit))
        return false;
    db_text(p, cli_option(args, "search"));
    db_int8(p, limit);
    return true;
}

bool cli_mailbox_params(struct cli *cli, struct str address, struct db_params *p) {
    struct str local, domain;
    if (!address_parse(&cli->arena, address, &local, &domain, &cli->err))
        return false;
    db_text(p, local);
    db_text(p, domain);
    return true;
}

bool cli_confirm(struct cli *cli, const char *fmt, ...) {
    char what[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (cli->yes)
        return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return err_set(&cli->err, "%s Say --yes to do it.", what);
    fprintf(stderr, "%s\nGo on? [y/N] ", what);
    char answer[16];
    if (fgets(answer, sizeof answer, stdin) && ascii_lower(answer[0]) == 'y')
        return true;
    return err_set(&cli->err, "nothing was changed");
}
