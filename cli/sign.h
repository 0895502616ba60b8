/*
 * sign: what the `sign` subject's verbs share. Each reads a message on standard input and writes it signed. They need
 * neither a configuration nor the database.
 */
#ifndef CLI_SIGN_H
#define CLI_SIGN_H

#include "cli.h"
#include "dkim/dkim.h"
#include "message.h"

/* What both take: whose signature, by what key, over what, and when. */
struct sign_request {
    struct str domain, selector, headers;
    struct dkim_key *key;
    int64_t time; /* 0: now */
};

/* Reads --domain, --selector, --key, --headers and --time. CLI_OK, or an exit code with cli->err set. */
enum cli_exit sign_request_read(struct cli *cli, const struct cli_args *args, struct sign_request *out);
void sign_request_free(struct sign_request *r);
/* Shows the fields, and with them the message where --field does not say otherwise. */
void sign_show(struct cli *cli, const struct cli_args *args, const struct cli_message *m, struct str fields);

enum cli_exit sign_dkim(struct cli *cli, const struct cli_args *args);
enum cli_exit sign_arc(struct cli *cli, const struct cli_args *args);

#endif
