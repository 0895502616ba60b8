/* BIND 9: checked with named-checkzone, controlled with rndc, asked over DNS. */
#include "base/log.h"
#include "base/memory.h"
#include "command.h"
#include "nameserver.h"
#include "zone/soa.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_WORDS = 32, CONTROL_MS = 30000, CHECK_MS = 60000, SINGLY = 20 };

struct nameserver {
    char *words[MAX_WORDS + 4]; /* of dns_control */
    size_t count;
    char *checker; /* NULL: none */
    struct soa_server server;
};

static void bind_close(struct nameserver *n) {
    for (size_t i = 0; i < n->count; i++)
        free(n->words[i]);
    free(n->checker);
    free(n);
}

static bool split_words(struct nameserver *n, const char *text, struct err *err) {
    struct str rest = str_of(text), word;
    while (str_split(&rest, ' ', &word)) {
        if (!word.n)
            continue;
        if (n->count == MAX_WORDS)
            return err_set(err, "dns_control has too many words");
        n->words[n->count++] = str_dup(word);
    }
    if (!n->count || n->words[0][0] != '/')
        return err_set(err, "dns_control must be the full path and the arguments of rndc");
    return access(n->words[0], X_OK) == 0 || err_errno(err, "dns_control: cannot run %s", n->words[0]);
}

static struct nameserver *bind_open(const struct conf *conf, struct err *err) {
    struct nameserver *n = mem_zero(sizeof *n);
    const char *checker = conf_get(conf, "dns_check", NULL);
    if (!split_words(n, conf_get(conf, "dns_control", "/usr/sbin/rndc"), err) ||
        !soa_server_parse(conf_get(conf, "dns_server", "127.0.0.1@53"), &n->server, err)) {
        bind_close(n);
        return NULL;
    }
    if (!checker && access("/usr/bin/named-checkzone", X_OK) == 0)
        checker = "/usr/bin/named-checkzone";
    if (checker && *checker)
        n->checker = str_dup(str_of(checker));
    else
        log_warn("no named-checkzone: zone files reach the nameserver checked by mansio-dns alone");
    return n;
}

/* The line that says what is wrong: the last one that is no summary. */
static struct str reason(struct str output) {
    struct str line, found = STR("no reason given");
    while (str_split(&output, '\n', &line)) {
        line = str_trim(line);
        if (line.n && str_find(line, STR("not loaded due to errors")) < 0)
            found = line;
    }
    return found;
}

static bool bind_check(struct nameserver *n, struct str zone, const char *path, struct err *err) {
    if (!n->checker)
        return true;
    char *name = str_dup(zone), *file = str_dup(str_of(path));
    /* Names elsewhere are not looked up: local. */
    char *argv[] = {n->checker, "-i", "local", "-k", "fail", name, file, NULL};
    struct buf output = BUF_EMPTY;
    int status = command_run(argv, CHECK_MS, &output, err);
    if (status > 0)
        err_set(err, "the nameserver's check refuses the zone: %.*s", STR_ARG(reason(buf_str(&output))));
    buf_free(&output);
    free(name);
    free(file);
    return status == 0;
}

static bool control(struct nameserver *n, const char *verb, struct str zone, struct err *err) {
    char *name = zone.p ? str_dup(zone) : NULL, *word = str_dup(str_of(verb));
    n->words[n->count] = word;
    n->words[n->count + 1] = name;
    n->words[n->count + 2] = NULL;
    struct buf output = BUF_EMPTY;
    int status = command_run(n->words, CONTROL_MS, &output, err);
    if (status > 0)
        err_set(err, "rndc %s: %.*s", verb, STR_ARG(reason(buf_str(&output))));
    n->words[n->count] = NULL;
    buf_free(&output);
    free(name);
    free(word);
    return status == 0;
}

static bool bind_configure(struct nameserver *n, struct err *err) {
    return control(n, "reconfig", (struct str){NULL, 0}, err);
}

/* A few are reloaded by name; for many, one reload of all looks at each file's date only. */
static bool bind_reload(struct nameserver *n, const struct str *zone, size_t count, struct err *err) {
    if (count > SINGLY)
        return control(n, "reload", (struct str){NULL, 0}, err);
    bool good = true;
    for (size_t i = 0; i < count; i++)
        good = control(n, "reload", zone[i], err) && good;
    return good;
}

static enum soa_answer bind_serial(struct nameserver *n, struct str zone, uint32_t *serial, struct err *err) {
    return soa_ask(&n->server, zone, serial, err);
}

const struct nameserver_driver nameserver_bind = {
    "bind", bind_open, bind_close, bind_check, bind_configure, bind_reload, bind_serial,
};
