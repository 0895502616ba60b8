#include "arc/arc.h"
#include "check.h"
#include "message.h"

static json_t *set(const struct arc_set *s) {
    return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o}", "instance", (int)s->instance, "cv", arc_status_name(s->cv),
                     "authserv_id", cli_json_str(s->authserv_id), "authentication_results",
                     cli_json_str(s->authentication_results), "message_signature", check_dkim_signature(&s->message),
                     "seal", check_dkim_signature(&s->seal));
}

static json_t *document(const struct arc_chain *chain) {
    json_t *sets = json_array();
    for (size_t i = 0; i < chain->count; i++)
        json_array_append_new(sets, set(&chain->set[i]));
    json_t *o = json_pack("{s:s, s:o, s:i, s:o}", "result", arc_status_name(chain->status), "reason",
                          cli_json_str(chain->reason), "instance", (int)chain->instance, "sets", sets);
    if (chain->status == ARC_PASS)
        json_object_set_new(o, "oldest_pass", json_integer(chain->oldest_pass));
    if (chain->temporary)
        json_object_set_new(o, "temporary", json_true());
    return o;
}

enum cli_exit check_arc(struct cli *cli, const struct cli_args *args) {
    struct cli_message m;
    struct arc_chain chain;
    struct dns *dns = check_resolver(cli, args);
    if (!dns)
        return CLI_REFUSED;
    bool ok = cli_message_read(cli, &m);
    if (ok) {
        arc_verify(dns, &cli->arena, m.text, NULL, &chain);
        cli->json = true;
        cli->document = document(&chain);
        cli_message_free(&m);
    }
    dns_free(dns);
    return ok ? CLI_OK : CLI_REFUSED;
}
