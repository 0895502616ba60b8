/* ARC: a message whose key records are made up too (in front of it, one a line, up to an empty one) is validated and
 * sealed. A seal never turns what failed into something that passes, and what it adds to a chain that passes, or to
 * none, passes. */
#include "arc/arc.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char private_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                                  "-----END PRIVATE KEY-----\n"; /* RFC 8463 appendix A.2 */

struct answers {
    struct str text, rest;
    struct str own; /* the record of the private key */
};

static enum dns_status answer(void *context, struct arena *a, struct str name, struct str **out, size_t *count) {
    struct answers *answers = context;
    *out = arena_array(a, 1, sizeof **out);
    *count = 1;
    if (str_eq(name, STR("own._domainkey.example.org")))
        **out = answers->own;
    else if (!str_split(&answers->rest, '\n', *out))
        return DNS_NXDOMAIN;
    return DNS_OK;
}

static void validate(struct arena *a, struct str message, struct answers *answers, struct arc_chain *chain) {
    struct dkim_options options = {.txt = answer, .txt_context = answers, .now = 1700000000000000};
    struct buf text = BUF_EMPTY;
    answers->rest = answers->text;
    arc_verify(NULL, a, message, &options, chain);
    arc_authentication_results(chain, &text);
    if (chain->count > ARC_MAX_SETS || chain->oldest_pass > chain->instance)
        log_panic("a chain can't be like this");
    buf_free(&text);
}

static void seal(struct arena *a, struct str message, const struct arc_chain *before, const struct dkim_key *key,
                 struct answers *answers) {
    struct arc_sealer sealer = {.key = key, .domain = STR("example.org"), .selector = STR("own"), .time = 1};
    struct arc_chain after;
    struct buf out = BUF_EMPTY, found = BUF_EMPTY;
    struct err err;
    enum arc_status said;
    arc_collect_results(a, message, STR("mx"), &found);
    (void)arc_collected_status(a, buf_str(&found), &said);
    if (arc_seal(a, message, before, &sealer, STR("mx; none"), &out, &err)) {
        buf_add_str(&out, message);
        validate(a, buf_str(&out), answers, &after);
        bool right = after.status == (before->status == ARC_FAIL ? ARC_FAIL : ARC_PASS);
        if (!right && !str_eq(after.reason, STR("the message has too many header fields")))
            log_panic("sealed, it is %s: %.*s", arc_status_name(after.status), STR_ARG(after.reason));
    }
    buf_reset(&out);
    (void)arc_seal(a, message, before, &sealer, buf_str(&found), &out, &err);
    buf_free(&out);
    buf_free(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct dkim_key *key;
    static struct buf record;
    if (!key) {
        key = dkim_key_read(str_of(private_key), NULL);
        dkim_key_record(key, &record);
    }
    struct arena a = ARENA_EMPTY;
    struct str input = str_n(data, size);
    ptrdiff_t end = str_find(input, STR("\n\n"));
    struct answers answers = {.text = str_sub(input, 0, end < 0 ? 0 : (size_t)end), .own = buf_str(&record)};
    struct str message = end < 0 ? input : str_sub(input, (size_t)end + 2, size);
    struct arc_chain chain;
    validate(&a, message, &answers, &chain);
    seal(&a, message, &chain, key, &answers);
    arena_free(&a);
    return 0;
}
