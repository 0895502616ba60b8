#include "sign.h"

#include "check.h"
#include "subjects.h"

#include <stdio.h>

enum { MAX_KEY_FILE = 64 * 1024 };

static bool read_key(struct cli *cli, struct str path, struct dkim_key **out) {
    char text[MAX_KEY_FILE];
    FILE *f = fopen(arena_c(&cli->arena, path), "rb");
    if (!f)
        return err_errno(&cli->err, "can't open the key %.*s", STR_ARG(path));
    size_t n = fread(text, 1, sizeof text, f);
    bool failed = ferror(f) != 0;
    fclose(f);
    *out = failed ? NULL : dkim_key_read(str_n(text, n), &cli->err);
    explicit_bzero(text, sizeof text);
    return *out || err_set(&cli->err, "%.*s: %s", STR_ARG(path),
                           failed ? "it can't be read" : arena_c(&cli->arena, str_of(cli->err.text)));
}

enum cli_exit sign_request_read(struct cli *cli, const struct cli_args *args, struct sign_request *out) {
    struct str key = cli_option(args, "key"), headers = cli_option(args, "headers");
    *out = (struct sign_request){.domain = cli_option(args, "domain"), .selector = cli_option(args, "selector")};
    out->headers = headers.p ? headers : STR("");
    if (!out->domain.n || !out->selector.n || !key.n) {
        err_set(&cli->err, "say --domain, --selector and --key");
        return CLI_USAGE;
    }
    if (!cli_number(cli, args, "time", 0, 1, INT64_C(999999999999), &out->time))
        return CLI_USAGE;
    return read_key(cli, key, &out->key) ? CLI_OK : CLI_REFUSED;
}

void sign_request_free(struct sign_request *r) { dkim_key_free(r->key); }

void sign_show(struct cli *cli, const struct cli_args *args, const struct cli_message *m, struct str fields) {
    cli->json = false; /* a message is shown as it is */
    cli_message_say_fields(cli, m, fields);
    if (!cli_switch(args, "field"))
        buf_add_str(&cli->text, buf_str(&m->given));
}

#define SIGN_OPTIONS                                                                                                   \
    {"domain", "DOMAIN", "who signs (d=)"}, {"selector", "NAME", "which of its keys (s=)"},                            \
        {"key", "FILE", "the private key, PEM: RSA or Ed25519"},                                                       \
        {"headers", "A:B:C", "the header fields to sign (else a good choice)"},                                        \
        {"time", "SECONDS", "the time to sign with, since 1970 (else now)"}, {                                         \
        "field", NULL, "write only what is added, without the message"                                                 \
    }

static const struct cli_verb verbs[] = {
    {.name = "dkim",
     .arguments = "< MESSAGE",
     .summary = "Sign with DKIM (RFC 6376, RFC 8463).",
     .without_conf = true,
     .run = sign_dkim,
     .options = {SIGN_OPTIONS,
                 {"canonicalization", "HEADER/BODY", "each simple or relaxed (relaxed/relaxed)"},
                 {"algorithm", "NAME", "rsa-sha256 or ed25519-sha256 (that of the key)"},
                 {"identity", "ADDRESS", "on whose behalf (i=)"},
                 {"lifetime", "SECONDS", "how long the signature is good (x=; else for ever)"}}},
    {.name = "arc",
     .arguments = "< MESSAGE",
     .summary = "Validate the ARC chain and add a set to it (RFC 8617).",
     .without_conf = true,
     .run = sign_arc,
     .options = {SIGN_OPTIONS,
                 {"authserv-id", "ID", "whose findings they are"},
                 {"authentication-results", "TEXT", "the findings (else the message's Authentication-Results of ID)"},
                 {"instance-first", NULL, "begin with i=, as the server does (else tags in the alphabet's order)"},
                 CHECK_RESOLVER}},
    {0}};

const struct cli_subject subject_sign = {
    "sign", "sign messages",
    "Each reads a message from standard input and writes it with the signature in front.\n"
    "They need neither mansio.conf nor the database.",
    verbs};
