#include "arc/arc.h"
#include "base/log.h"
#include "check.h"
#include "sign.h"

/* "id; method=result ...", of text that may begin with the id or not. */
static void given_results(struct str text, struct str id, struct buf *out) {
    ptrdiff_t semicolon = str_chr(text, ';');
    struct str first = str_trim(semicolon < 0 ? text : str_sub(text, 0, (size_t)semicolon));
    bool has_id = str_istarts(first, id) && str_chr(first, '=') < 0;
    if (!has_id) {
        buf_add_str(out, id);
        buf_add_c(out, "; ");
    }
    /* it may come from a file */
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
            buf_add_byte(out, '\r');
        buf_add_byte(out, text.p[i]);
    }
}

/* Where nothing is known of the message, what has just been found out of its chain is. */
static void results(struct cli *cli, const struct cli_args *args, struct str message, const struct arc_chain *chain,
                    struct buf *out) {
    struct str given = cli_option(args, "authentication-results"), id = cli_option(args, "authserv-id");
    if (given.n)
        given_results(given, id, out);
    else
        arc_collect_results(&cli->arena, message, id, out);
    if (out->n)
        return;
    buf_add_str(out, id);
    arc_authentication_results(chain, out);
}

/* The host may have changed the message since it validated the chain, and have written down what it found then. That
 * can't make a chain out of none, or of fields that are none. */
static void believe(struct cli *cli, struct str found, struct arc_chain *chain) {
    enum arc_status said;
    if (chain->count == 0 || !arc_collected_status(&cli->arena, found, &said) || said == ARC_NONE)
        return;
    chain->status = said;
    chain->temporary = false;
}

static bool seal(struct cli *cli, const struct cli_args *args, const struct cli_message *m, struct dns *dns,
                 const struct arc_sealer *sealer) {
    struct arc_chain chain;
    struct buf found = BUF_EMPTY, fields = BUF_EMPTY;
    arc_verify(dns, &cli->arena, m->text, NULL, &chain);
    results(cli, args, m->text, &chain, &found);
    believe(cli, buf_str(&found), &chain);
    bool ok = true;
    if (chain.closed) /* RFC 8617 section 5.1: nothing is to be added, so there is nothing wrong with that */
        log_warn("the chain ends with cv=fail: nothing was added");
    else
        ok = arc_seal(&cli->arena, m->text, &chain, sealer, buf_str(&found), &fields, &cli->err);
    if (ok)
        sign_show(cli, args, m, buf_str(&fields));
    buf_free(&found);
    buf_free(&fields);
    return ok;
}

enum cli_exit sign_arc(struct cli *cli, const struct cli_args *args) {
    struct sign_request r;
    struct cli_message m;
    if (!cli_option(args, "authserv-id").n) {
        err_set(&cli->err, "say --authserv-id, the name of the host whose findings they are");
        return CLI_USAGE;
    }
    enum cli_exit code = sign_request_read(cli, args, &r);
    if (code != CLI_OK)
        return code;
    struct arc_sealer sealer = {.key = r.key,
                                .domain = r.domain,
                                .selector = r.selector,
                                .headers = r.headers,
                                .time = r.time,
                                .alphabetical = !cli_switch(args, "instance-first")};
    struct dns *dns = check_resolver(cli, args);
    bool have = dns && cli_message_read(cli, &m);
    bool ok = have && seal(cli, args, &m, dns, &sealer);
    if (have)
        cli_message_free(&m);
    dns_free(dns);
    sign_request_free(&r);
    return ok ? CLI_OK : CLI_REFUSED;
}
