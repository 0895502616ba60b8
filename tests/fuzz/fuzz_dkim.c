/* DKIM: a message, whose key records are made up too (in front of it, one a line, up to an empty one), verified in both
 * kinds of hurry; then signed, which must verify. */
#include "base/log.h"
#include "dkim/dkim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char private_key[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                                  "-----END PRIVATE KEY-----\n"; /* RFC 8463 appendix A.2 */

struct answers {
    struct str rest;
    struct str own; /* the record of the private key */
};

static enum dns_status answer(void *context, struct arena *a, struct str name, struct str **out, size_t *count) {
    struct answers *answers = context;
    *out = arena_array(a, 2, sizeof **out);
    *count = 1;
    if (str_eq(name, STR("own._domainkey.example.org"))) {
        **out = answers->own;
        return DNS_OK;
    }
    if (!str_split(&answers->rest, '\n', *out))
        return DNS_NXDOMAIN;
    if ((*out)->n == 1)
        return (enum dns_status)((*out)->p[0] & 3);
    (*out)[1] = str_sub(**out, 1, (*out)->n);
    *count = 2;
    return DNS_OK;
}

static void check_signed(struct arena *a, struct str message, const struct dkim_key *key, bool simple,
                         const struct dkim_options *options) {
    struct dkim_signer signer = {.key = key,
                                 .domain = STR("example.org"),
                                 .selector = STR("own"),
                                 .simple_header = simple,
                                 .simple_body = simple,
                                 .time = 1};
    struct buf out = BUF_EMPTY;
    struct err err;
    struct dkim_signature *s;
    size_t count;
    if (dkim_sign(a, message, &signer, 1, &out, &err)) {
        buf_add_str(&out, message);
        dkim_verify(NULL, a, buf_str(&out), options, &s, &count);
        /* with the signature there may be one field too many */
        if (count == 0 || (s->result != DKIM_PASS && s->result != DKIM_NEUTRAL && s->result != DKIM_POLICY))
            log_panic("what was signed does not verify: %.*s", STR_ARG(s->reason));
    }
    buf_free(&out);
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
    struct answers answers = {str_sub(input, 0, end < 0 ? 0 : (size_t)end), buf_str(&record)};
    struct str message = end < 0 ? input : str_sub(input, (size_t)end + 2, size);
    struct dkim_options options = {.txt = answer, .txt_context = &answers, .now = 1700000000000000};
    struct dkim_signature *s;
    struct buf text = BUF_EMPTY;
    size_t count;
    dkim_verify(NULL, &a, message, &options, &s, &count);
    dkim_authentication_results(s, count, &text);
    if (str_find(buf_str(&text), STR("\n\n")) >= 0 || str_chr(buf_str(&text), '\0') >= 0)
        log_panic("the results would end the header");
    check_signed(&a, message, key, size & 1, &options);
    buf_free(&text);
    arena_free(&a);
    return 0;
}
