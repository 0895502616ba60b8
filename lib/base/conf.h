/*
 * conf: the small configuration file that every program reads before it can reach the database (mansio.conf):
 *
 *     # comment
 *     name = value
 *
 * Everything else is a setting in PostgreSQL. Unknown names are kept (one file serves all programs) and
 * `mansio doctor` reports them. A name set twice is an error.
 */
#ifndef BASE_CONF_H
#define BASE_CONF_H

#include "base/err.h"
#include "base/str.h"

struct conf;

/* Reads the file. NULL with err set where it can't be read or a line is not `name = value`. */
struct conf *conf_read(const char *path, struct err *err);
void conf_free(struct conf *c);
/* The value, or `otherwise` where the file does not set it. Lives as long as c. */
const char *conf_get(const struct conf *c, const char *name, const char *otherwise);
/* A number in [min, max]; ends the program with a clear message where the value is something else. */
long conf_number(const struct conf *c, const char *name, long otherwise, long min, long max);
bool conf_bool(const struct conf *c, const char *name, bool otherwise); /* yes/no, true/false, on/off, 1/0 */
/* The i-th line in the file's order; false behind the last. */
bool conf_at(const struct conf *c, size_t i, const char **name, const char **value);

#endif
