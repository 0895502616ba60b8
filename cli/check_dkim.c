#include "check.h"
#include "dkim/dkim.h"
#include "message.h"

json_t *check_dkim_signature(const struct dkim_signature *s) {
    json_t *o =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "result", dkim_result_name(s->result), "reason",
                  cli_json_str(s->reason), "domain", cli_json_str(s->domain), "selector", cli_json_str(s->selector),
                  "algorithm", cli_json_str(s->algorithm_text), "b", cli_json_str(s->b));
    if (s->key_bits)
        json_object_set_new(o, "key_bits", json_integer(s->key_bits));
    if (s->testing)
        json_object_set_new(o, "testing", json_true());
    if (s->partly_signed)
        json_object_set_new(o, "partly_signed", json_true());
    if (s->signed_at >= 0)
        json_object_set_new(o, "signed_at", json_integer(s->signed_at));
    if (s->expires_at >= 0)
        json_object_set_new(o, "expires_at", json_integer(s->expires_at));
    return o;
}

static json_t *signature(const struct dkim_signature *s) {
    json_t *o = check_dkim_signature(s);
    json_object_set_new(o, "identity", cli_json_str(s->identity));
    return o;
}

/* The first signature with the overall result says why. */
static struct str reason_of(const struct dkim_signature *s, size_t count, enum dkim_result overall) {
    for (size_t i = 0; i < count; i++)
        if (s[i].result == overall)
            return s[i].reason;
    return STR("the message has no signature");
}

static json_t *document(const struct dkim_signature *s, size_t count) {
    enum dkim_result overall = dkim_overall(s, count);
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, signature(&s[i]));
    return json_pack("{s:s, s:o, s:o}", "result", dkim_result_name(overall), "reason",
                     cli_json_str(reason_of(s, count, overall)), "signatures", all);
}

enum cli_exit check_dkim(struct cli *cli, const struct cli_args *args) {
    struct cli_message m;
    struct dkim_signature *s;
    size_t count;
    struct dns *dns = check_resolver(cli, args);
    if (!dns)
        return CLI_REFUSED;
    bool ok = cli_message_read(cli, &m);
    if (ok) {
        dkim_verify(dns, &cli->arena, m.text, NULL, &s, &count);
        cli->json = true;
        cli->document = document(s, count);
        cli_message_free(&m);
    }
    dns_free(dns);
    return ok ? CLI_OK : CLI_REFUSED;
}
