/*
 * What policy servers, clamd and rspamd answer. The first byte says which of them.
 */
#include "base/log.h"
#include "filter/clamd.h"
#include "filter/delegate.h"
#include "filter/rspamd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct str part, struct str whole) {
    if (part.n && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        log_panic("a string that is not of the answer");
}

static void read_policy(struct str in) {
    struct delegate_answer answer;
    struct err err;
    if (!delegate_read_action(in, &answer, &err))
        return;
    check_within(answer.text, in);
    check_within(answer.status, in);
    if (answer.action == DELEGATE_CODE && answer.code[0] != '4' && answer.code[0] != '5')
        log_panic("a code that refuses nothing");
}

static void read_clamd(struct str in) {
    struct str signature;
    struct err err;
    if (clamd_read_answer(in, &signature, &err) == CLAMD_FOUND && signature.n == 0)
        log_panic("a signature without a name");
    check_within(signature, in);
}

static void read_rspamd(struct str in) {
    struct arena a = ARENA_EMPTY;
    struct rspamd_answer answer;
    struct err err;
    size_t bytes = 0;
    if (rspamd_read_answer(&a, in, &answer, &err)) {
        for (size_t i = 0; i < answer.symbols; i++)
            bytes += answer.symbol[i].name.n;
        for (size_t i = 0; i < answer.adds; i++)
            bytes += answer.add[i].name.n + answer.add[i].value.n;
        for (size_t i = 0; i < answer.signatures; i++)
            bytes += answer.signature[i].n;
        if (bytes > in.n * 3)
            log_panic("more came out of an answer than was in it");
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const read[])(struct str in) = {read_policy, read_clamd, read_rspamd};
    if (size)
        read[data[0] % 3](str_n(data + 1, size - 1));
    return 0;
}
