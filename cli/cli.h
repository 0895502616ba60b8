/*
 * cli: the `mansio` command. Each subject (domain, account, zone, ...) is one file with a table of verbs; main.c reads
 * the command line by these tables, opens the transaction, runs the verb, commits, and only then shows the result.
 * Verbs stay thin over lib/.
 *
 * Results go to standard output: a table or sentence for people, one JSON document with --json. Errors are one sentence
 * on standard error.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/conf.h"
#include "db/db.h"

#include <jansson.h>

enum cli_exit { CLI_OK = 0, CLI_REFUSED = 1, CLI_USAGE = 2, CLI_TEMPORARY = 75 };

struct cli {
    const char *conf_path;
    struct conf *conf; /* NULL: see .without_conf */
    bool json, yes;
    struct arena arena;
    struct db *db;
    struct db_conn *conn; /* with a transaction open, for verbs that have .database */
    struct err err;       /* why the verb did not return CLI_OK; empty where its text says it */
    struct buf text;      /* what a person sees */
    json_t *document;     /* what a program sees; NULL: none */
};

/* ---- the tables ---- */

struct cli_option {
    const char *name;  /* without the dashes */
    const char *value; /* what it takes, as help shows it; NULL: a switch */
    const char *help;
};

enum { CLI_MAX_OPTIONS = 24 };
struct cli_args {
    struct str *value; /* positional arguments */
    int count;
    const struct cli_option *known;
    struct str option[CLI_MAX_OPTIONS]; /* by place in `known`; p NULL: not given */
};

struct cli_verb {
    const char *name; /* NULL: the subject itself is the command */
    const char *arguments;
    const char *summary;
    int min, max;         /* how many positional arguments */
    bool database;        /* needs the connection, and a transaction around it */
    bool without_conf;    /* does its work where there is no mansio.conf too, or none it may read; conf is NULL then */
    bool removes;         /* takes --yes */
    const char *complete; /* what the first argument names: "domain", "account", ...; NULL: nothing known */
    struct cli_option options[CLI_MAX_OPTIONS];
    enum cli_exit (*run)(struct cli *cli, const struct cli_args *args);
};

struct cli_subject {
    const char *name, *summary, *about;
    const struct cli_verb *verb; /* ends with one without run */
};

extern const struct cli_subject *const cli_subjects[]; /* NULL-terminated */
const struct cli_subject *cli_subject_named(struct str name);
const struct cli_verb *cli_verb_named(const struct cli_subject *s, struct str name);

/* ---- arguments (args.c) ---- */

/* Reads what follows the verb. False with cli->err set. */
bool cli_args_read(struct cli *cli, const struct cli_verb *verb, char **argv, int argc, struct cli_args *out);
struct str cli_option(const struct cli_args *args, const char *name); /* p NULL: not given */
bool cli_switch(const struct cli_args *args, const char *name);
/* A number in [min, max], `otherwise` where the option is not given. False with cli->err set. */
bool cli_number(struct cli *cli, const struct cli_args *args, const char *name, int64_t otherwise, int64_t min,
                int64_t max, int64_t *out);
/* A day as "2024-12-31": its beginning, UTC; 0 where the option is not given. False with cli->err set. */
bool cli_day(struct cli *cli, const struct cli_args *args, const char *name, int64_t *out);
/* "500M", "2G", "1024", "none" (-1). */
bool cli_size(struct cli *cli, struct str text, int64_t *out);
/* The id of the tenant that --tenant names; where it is not given, the only one there is. */
enum cli_exit cli_tenant(struct cli *cli, const struct cli_args *args, int64_t *id);

/* Options that every list takes, for db_query: $1 the text to search or NULL, $2 the limit. */
#define CLI_SEARCH                                                                                                     \
    { "search", "TEXT", "only those in which TEXT occurs" }
#define CLI_LIMIT                                                                                                      \
    { "limit", "N", "at most N of them (1000 where not said)" }
bool cli_list_params(struct cli *cli, const struct cli_args *args, struct db_params *p);

/* Adds the two parameters that a mailbox is found by: local part and domain. False with cli->err set. */
bool cli_mailbox_params(struct cli *cli, struct str address, struct db_params *p);

/* A password from standard input (--password-stdin), made up (--generate), or asked for on the terminal. In the arena.
 */
#define CLI_PASSWORD_STDIN                                                                                             \
    { "password-stdin", NULL, "read the password from standard input, one line" }
#define CLI_GENERATE                                                                                                   \
    { "generate", NULL, "make a password up and show it" }
bool cli_password(struct cli *cli, const struct cli_args *args, struct str *password);
/* A password that somebody has already: from standard input (--password-stdin), or asked for on the terminal. */
bool cli_secret(struct cli *cli, const struct cli_args *args, const char *prompt, struct str *secret);
/* Asks before something is destroyed; the sentence says what. False with cli->err set: no. */
bool cli_confirm(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- results (output.c) ---- */

enum cli_column_kind {
    CLI_TEXT,
    CLI_NUMBER,
    CLI_BOOL,
    CLI_TIME,
    CLI_BYTES, /* NULL: without limit */
    CLI_TEXTS,
    CLI_JSON,
    CLI_QUEUE_ID, /* a bigint, shown as replies and logs show it */
};
struct cli_column {
    const char *key, *heading;
    enum cli_column_kind kind;
};

/* A list: the rows of r, whose columns are those in this order, NULL key last. `what` for an empty one: "domains". */
void cli_table(struct cli *cli, const PGresult *r, const struct cli_column *columns, const char *what);
/* The same for rows made by the verb, as JSON objects; takes them. */
void cli_rows(struct cli *cli, json_t *rows, const struct cli_column *columns, const char *what);
/* One row as name: value lines; the document becomes an object. */
void cli_card(struct cli *cli, const PGresult *r, int row, const struct cli_column *columns);
/* The rows of r as an array under `key` of the document that cli_card made, and as a table below it. */
void cli_section(struct cli *cli, const char *key, const char *title, const PGresult *r,
                 const struct cli_column *columns);
void cli_say(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* a line for people */
/* The end of an act: maps the result of admin_*() (id; 0 refused; -1 failed) and says the sentence where it went well.
 */
enum cli_exit cli_done(struct cli *cli, int64_t result, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* After a statement failed: cli->err is set; temporary where the connection is gone. */
enum cli_exit cli_db_failed(struct cli *cli);
/* Runs a list statement with parameters and shows it. */
enum cli_exit cli_list(struct cli *cli, const struct db_statement *s, struct db_params *p,
                       const struct cli_column *columns, const char *what);
json_t *cli_json_str(struct str s); /* null where p is NULL; bytes that are not UTF-8 replaced */
/* The object that is the document, made where there is none. */
json_t *cli_object(struct cli *cli);
void cli_flush(struct cli *cli);

/* ---- help (help.c) and completion (complete.c) ---- */

void cli_help(struct buf *out);
void cli_help_subject(const struct cli_subject *s, struct buf *out);
/* Candidates for the last of the words (those behind "mansio"), one a line; for the shells' completion. */
void cli_complete(struct cli *cli, char **word, int count);

/* ---- the database (database.c) ---- */

/* Opens the connection (role db_admin). False with cli->err set. */
bool cli_connect(struct cli *cli);
/* Opens the transaction, with the Unix user as the actor that the audit log shows. */
bool cli_begin(struct cli *cli);
void cli_disconnect(struct cli *cli);

#endif
