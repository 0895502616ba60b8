#include "sign.h"

static bool canonicalization(struct cli *cli, struct str text, struct dkim_signer *s) {
    ptrdiff_t slash = str_chr(text, '/');
    struct str header = slash < 0 ? text : str_sub(text, 0, (size_t)slash);
    struct str body = slash < 0 ? STR("simple") : str_sub(text, (size_t)slash + 1, text.n); /* RFC 6376 section 3.5 */
    s->simple_header = str_eq(header, STR("simple"));
    s->simple_body = str_eq(body, STR("simple"));
    return ((s->simple_header || str_eq(header, STR("relaxed"))) && (s->simple_body || str_eq(body, STR("relaxed")))) ||
           err_set(&cli->err, "\"%.*s\" is no canonicalization: write relaxed/simple", STR_ARG(text));
}

static bool algorithm_fits(struct cli *cli, struct str text, const struct dkim_key *key) {
    const char *name = dkim_algorithm_name(dkim_key_algorithm(key));
    return !text.p || str_eq(text, str_of(name)) ||
           err_set(&cli->err, "the key is for %s, not for \"%.*s\"", name, STR_ARG(text));
}

static enum cli_exit sign(struct cli *cli, const struct cli_args *args, const struct dkim_signer *signer) {
    struct cli_message m;
    struct buf field = BUF_EMPTY;
    if (!cli_message_read(cli, &m))
        return CLI_REFUSED;
    bool ok = dkim_sign(&cli->arena, m.text, signer, 1, &field, &cli->err);
    if (ok)
        sign_show(cli, args, &m, buf_str(&field));
    buf_free(&field);
    cli_message_free(&m);
    return ok ? CLI_OK : CLI_REFUSED;
}

enum cli_exit sign_dkim(struct cli *cli, const struct cli_args *args) {
    struct sign_request r;
    struct str c = cli_option(args, "canonicalization"), identity = cli_option(args, "identity");
    enum cli_exit code = sign_request_read(cli, args, &r);
    if (code != CLI_OK)
        return code;
    struct dkim_signer signer = {.key = r.key,
                                 .domain = r.domain,
                                 .selector = r.selector,
                                 .headers = r.headers,
                                 .time = r.time,
                                 .identity = identity.p ? identity : STR("")};
    bool ok = (!c.p || canonicalization(cli, c, &signer)) &&
              algorithm_fits(cli, cli_option(args, "algorithm"), r.key) &&
              cli_number(cli, args, "lifetime", 0, 1, INT64_C(999999999), &signer.lifetime);
    code = ok ? sign(cli, args, &signer) : CLI_USAGE;
    sign_request_free(&r);
    return code;
}
