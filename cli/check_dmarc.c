#include "check.h"
#include "dmarc/dmarc.h"
#include "message.h"
#include "net/sockaddr.h"
#include "spf/spf.h"

/* What is known of the envelope; without --ip there is no SPF. */
static bool read_client(struct cli *cli, const struct cli_args *args, struct sockaddr_storage *client, bool *given) {
    struct str ip = cli_option(args, "ip");
    *given = ip.p != NULL;
    if (ip.p && !sockaddr_from_text(ip, 0, client))
        return err_set(&cli->err, "\"%.*s\" is no address of IPv4 or IPv6", STR_ARG(ip));
    return true;
}

static json_t *spf_document(const struct spf_answer *spf, bool aligned) {
    return json_pack("{s:s, s:o, s:o, s:b}", "result", spf_result_text(spf->result), "reason",
                     cli_json_str(spf->reason), "domain", cli_json_str(spf->domain), "aligned", aligned);
}

static json_t *document(const struct dmarc_answer *x, const struct dmarc_request *q) {
    json_t *all = json_array();
    for (size_t i = 0; i < q->signatures; i++) {
        json_t *one = check_dkim_signature(&q->signature[i]);
        bool aligned = dmarc_aligned(q->signature[i].domain, x->domain, x->record.strict_dkim);
        json_object_set_new(one, "aligned", json_boolean(aligned));
        json_array_append_new(all, one);
    }
    json_t *o =
        json_pack("{s:s, s:o, s:o, s:s, s:s, s:o}", "result", dmarc_result_name(x->result), "reason",
                  cli_json_str(x->reason), "domain", cli_json_str(x->domain), "policy", dmarc_policy_name(x->policy),
                  "published", dmarc_policy_name(x->published), "signatures", all);
    if (x->record_domain.n) {
        json_object_set_new(o, "record_domain", cli_json_str(x->record_domain));
        json_object_set_new(o, "percent", json_integer(x->record.percent));
    }
    if (q->spf)
        json_object_set_new(o, "spf", spf_document(q->spf, x->spf_aligned));
    return o;
}

static void check(struct cli *cli, const struct cli_args *args, struct dns *dns, const struct sockaddr_storage *client,
                  struct str message) {
    struct spf_answer spf;
    struct dkim_signature *signature;
    struct dmarc_request q = {.message = message};
    struct dmarc_answer answer;
    if (client) {
        struct str helo = cli_option(args, "helo"), from = cli_option(args, "from");
        struct spf_request s = {.client = client,
                                .helo = helo.p ? helo : STR(""),
                                .sender = check_without_brackets(from),
                                .receiver = cli->conf ? conf_get(cli->conf, "hostname", NULL) : NULL};
        spf_check(dns, &cli->arena, &s, &spf);
        q.spf = &spf;
    }
    dkim_verify(dns, &cli->arena, message, NULL, &signature, &q.signatures);
    q.signature = signature;
    dmarc_check(dns, &cli->arena, &q, &answer);
    cli->json = true;
    cli->document = document(&answer, &q);
}

enum cli_exit check_dmarc(struct cli *cli, const struct cli_args *args) {
    struct sockaddr_storage client;
    struct cli_message m;
    bool given;
    if (!read_client(cli, args, &client, &given))
        return CLI_USAGE;
    struct dns *dns = check_resolver(cli, args);
    if (!dns)
        return CLI_REFUSED;
    bool ok = cli_message_read(cli, &m);
    if (ok) {
        check(cli, args, dns, given ? &client : NULL, m.text);
        cli_message_free(&m);
    }
    dns_free(dns);
    return ok ? CLI_OK : CLI_REFUSED;
}
