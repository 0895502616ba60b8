#include "check.h"

#include "subjects.h"

struct dns *check_resolver(struct cli *cli, const struct cli_args *args) {
    struct str given = cli_option(args, "resolver");
    const char *otherwise = cli->conf ? conf_get(cli->conf, "resolver", "") : "system";
    return dns_new(given.p ? arena_c(&cli->arena, given) : otherwise, &cli->err);
}

struct str check_without_brackets(struct str path) {
    return path.n >= 2 && path.p[0] == '<' && path.p[path.n - 1] == '>' ? str_sub(path, 1, path.n - 2) : path;
}

static const struct cli_verb verbs[] = {
    {.name = "spf",
     .arguments = "",
     .summary = "Say whether the host with this address may send mail for this sender (RFC 7208).",
     .without_conf = true,
     .run = check_spf,
     .options = {{"ip", "ADDRESS", "the address of the host that sends"},
                 {"helo", "NAME", "what it says in HELO"},
                 {"from", "ADDRESS", "the reverse-path; empty or left out: none, and the helo name is asked about"},
                 {"receiver", "NAME", "who is asking, for explanations that name it (the hostname of mansio.conf)"},
                 CHECK_RESOLVER}},
    {.name = "dkim",
     .arguments = "< MESSAGE",
     .summary = "Verify a message's DKIM signatures (RFC 6376).",
     .without_conf = true,
     .run = check_dkim,
     .options = {CHECK_RESOLVER}},
    {.name = "dmarc",
     .arguments = "< MESSAGE",
     .summary = "Say whether the domain in From stands behind a message, and what it asks for (RFC 7489).",
     .without_conf = true,
     .run = check_dmarc,
     .options = {{"ip", "ADDRESS", "the address of the host that sends, for SPF; without it DKIM decides alone"},
                 {"helo", "NAME", "what it says in HELO"},
                 {"from", "ADDRESS", "the reverse-path"},
                 CHECK_RESOLVER}},
    {.name = "arc",
     .arguments = "< MESSAGE",
     .summary = "Validate a message's ARC chain (RFC 8617).",
     .without_conf = true,
     .run = check_arc,
     .options = {CHECK_RESOLVER}},
    {0}};

const struct cli_subject subject_check = {
    "check", "what mail servers find out about a message's sender",
    "Each writes one JSON object with the result and the reason of it, and ends with 0 whatever the result.\n"
    "They need neither mansio.conf nor the database.",
    verbs};
