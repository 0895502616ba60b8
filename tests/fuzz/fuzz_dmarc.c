/* A hostile domain's record and a hostile header: first line a record, the rest a message. What is read of a record
 * must be within its bounds, and an answer must come whatever the message holds. */
#include "base/log.h"
#include "dmarc/dmarc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum dns_status look_up(void *context, struct arena *a, struct str name, struct str **out, size_t *count) {
    if (name.n > 253 + sizeof "_dmarc.")
        log_panic("asked for a name that can't be");
    *out = arena_array(a, 1, sizeof **out);
    (*out)[0] = *(struct str *)context;
    *count = 1;
    return DNS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct str all = str_n(data, size), record = all;
    ptrdiff_t lf = str_chr(all, '\n');
    if (lf >= 0)
        record = str_sub(all, 0, (size_t)lf);
    struct str message = str_sub(all, record.n + (lf >= 0), size), reason;
    struct dmarc_record r;
    if (dmarc_record_read(record, &r, &reason) == DMARC_RECORD &&
        (r.percent > 100 || r.policy > DMARC_POLICY_REJECT || r.subdomain_policy > DMARC_POLICY_REJECT))
        log_panic("out of bounds");
    struct spf_answer spf = {.result = SPF_PASS, .domain = STR("example.org")};
    struct dkim_signature signature = {.result = DKIM_FAIL, .domain = STR("example.com")};
    struct dmarc_request q = {.message = message,
                              .spf = &spf,
                              .signature = &signature,
                              .signatures = 1,
                              .txt = look_up,
                              .txt_context = &record};
    struct dmarc_answer out;
    dmarc_check(NULL, &a, &q, &out);
    if (out.result != DMARC_FAIL && out.policy != DMARC_POLICY_NONE)
        log_panic("a policy without a failure");
    if (out.policy > out.published)
        log_panic("stricter than the domain asks");
    arena_free(&a);
    return 0;
}
