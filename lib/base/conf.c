#include "base/conf.h"

#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
    char *name, *value;
};

struct conf {
    char *path;
    struct entry *entry;
    size_t count;
};

static bool add_line(struct conf *c, struct str line, int number, struct err *err) {
    line = str_trim(line);
    if (line.n == 0 || line.p[0] == '#')
        return true;
    ptrdiff_t eq = str_chr(line, '=');
    struct str name = eq > 0 ? str_trim(str_sub(line, 0, (size_t)eq)) : STR("");
    if (name.n == 0)
        return err_set(err, "%s line %d: expected \"name = value\"", c->path, number);
    char *key = str_dup(name);
    if (conf_get(c, key, NULL)) {
        err_set(err, "%s line %d: \"%s\" is set a second time", c->path, number, key);
        free(key);
        return false;
    }
    c->entry = mem_resize(c->entry, (c->count + 1) * sizeof *c->entry);
    c->entry[c->count++] = (struct entry){key, str_dup(str_trim(str_sub(line, (size_t)eq + 1, line.n)))};
    return true;
}

struct conf *conf_read(const char *path, struct err *err) {
    FILE *f = fopen(path, "re");
    if (!f) {
        err_errno(err, "cannot open the configuration %s", path);
        return NULL;
    }
    struct conf *c = mem_zero(sizeof *c);
    c->path = str_dup(str_of(path));
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    bool good = true;
    for (int number = 1; good && (n = getline(&line, &cap, f)) >= 0; number++)
        good = add_line(c, str_n(line, (size_t)n), number, err);
    if (good && ferror(f))
        good = err_errno(err, "cannot read the configuration %s", path);
    free(line);
    fclose(f);
    if (!good) {
        conf_free(c);
        return NULL;
    }
    return c;
}

void conf_free(struct conf *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++) {
        free(c->entry[i].name);
        free(c->entry[i].value);
    }
    free(c->entry);
    free(c->path);
    free(c);
}

const char *conf_get(const struct conf *c, const char *name, const char *otherwise) {
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->entry[i].name, name) == 0)
            return c->entry[i].value;
    return otherwise;
}

long conf_number(const struct conf *c, const char *name, long otherwise, long min, long max) {
    const char *value = conf_get(c, name, NULL);
    if (!value)
        return otherwise;
    char *end;
    errno = 0;
    long v = strtol(value, &end, 10);
    if (errno || end == value || *end || v < min || v > max)
        log_fatal("%s: %s = %s: expected a number from %ld to %ld", c->path, name, value, min, max);
    return v;
}

bool conf_bool(const struct conf *c, const char *name, bool otherwise) {
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
    const char *value = conf_get(c, name, NULL);
    if (!value)
        return otherwise;
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(value, yes[i]) == 0)
            return true;
        if (strcmp(value, no[i]) == 0)
            return false;
    }
    log_fatal("%s: %s = %s: expected yes or no", c->path, name, value);
}

bool conf_at(const struct conf *c, size_t i, const char **name, const char **value) {
    if (i >= c->count)
        return false;
    *name = c->entry[i].name;
    *value = c->entry[i].value;
    return true;
}
