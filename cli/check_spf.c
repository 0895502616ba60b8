#include "check.h"
#include "net/sockaddr.h"
#include "spf/spf.h"

static json_t *document(const struct spf_answer *answer) {
    json_t *o = json_pack("{s:s, s:o, s:o, s:s}", "result", spf_result_text(answer->result), "reason",
                          cli_json_str(answer->reason), "domain", cli_json_str(answer->domain), "identity",
                          answer->helo ? "helo" : "mailfrom");
    if (answer->mechanism.n)
        json_object_set_new(o, "mechanism", cli_json_str(answer->mechanism));
    if (answer->explanation.p)
        json_object_set_new(o, "explanation", cli_json_str(answer->explanation));
    return o;
}

enum cli_exit check_spf(struct cli *cli, const struct cli_args *args) {
    struct sockaddr_storage client;
    struct spf_answer answer;
    struct str ip = cli_option(args, "ip"), helo = cli_option(args, "helo"), receiver = cli_option(args, "receiver");
    struct spf_request request = {
        .client = &client,
        .helo = helo.p ? helo : STR(""),
        .sender = check_without_brackets(cli_option(args, "from")),
        .receiver = receiver.p  ? arena_c(&cli->arena, receiver)
                    : cli->conf ? conf_get(cli->conf, "hostname", NULL)
                                : NULL,
    };
    if (!ip.p || (!helo.p && !cli_option(args, "from").p)) {
        err_set(&cli->err, "say --ip ADDRESS, and --helo NAME or --from ADDRESS or both");
        return CLI_USAGE;
    }
    if (!sockaddr_from_text(ip, 0, &client)) {
        err_set(&cli->err, "\"%.*s\" is no address of IPv4 or IPv6", STR_ARG(ip));
        return CLI_USAGE;
    }
    struct dns *dns = check_resolver(cli, args);
    if (!dns)
        return CLI_REFUSED;
    spf_check(dns, &cli->arena, &request, &answer);
    dns_free(dns);
    cli->json = true;
    cli->document = document(&answer);
    return CLI_OK;
}
