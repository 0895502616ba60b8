/*
 * check: what the `check` subject's verbs share. Each verb is one file (check_spf.c, ...) with its function here and
 * its row in the table of check.c. They need neither a configuration nor the database, and write one JSON object each,
 * whether or not --json is there.
 */
#ifndef CLI_CHECK_H
#define CLI_CHECK_H

#include "cli.h"
#include "net/dns.h"

#define CHECK_RESOLVER                                                                                                 \
    { "resolver", "ADDR@PORT", "ask this name server (else that of mansio.conf, else the system's)" }

/* The resolver of --resolver, else of mansio.conf, else the system's; the caller frees it. NULL with cli->err set. */
struct dns *check_resolver(struct cli *cli, const struct cli_args *args);

/* What is known of a signature, of DKIM or of ARC. */
struct dkim_signature;
json_t *check_dkim_signature(const struct dkim_signature *s);

enum cli_exit check_dmarc(struct cli *cli, const struct cli_args *args);
enum cli_exit check_arc(struct cli *cli, const struct cli_args *args);
enum cli_exit check_dkim(struct cli *cli, const struct cli_args *args);
/* A reverse-path as in MAIL FROM:<...>, without its brackets. */
struct str check_without_brackets(struct str path);

enum cli_exit check_spf(struct cli *cli, const struct cli_args *args);

#endif
