/* SPF: a policy, who is asked about and all answers of the DNS are made up. An evaluation ends, asks only so much, and
 * what it says can be shown. The first byte chooses the client's family; up to the first NUL: the sender; up to the
 * next: the helo name; then texts and raw answers, taken in the order in which they are asked for. */
#include "base/clock.h"
#include "base/log.h"
#include "net/sockaddr.h"
#include "spf/evaluate.h"

#include <arpa/nameser.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Policy and explanation, each term's look-up with ten hosts behind, the client's names. */
enum { MAX_QUESTIONS = 2 + SPF_MAX_LOOKUPS * (1 + SPF_MAX_HOSTS) + 1 + SPF_MAX_HOSTS };

struct answers {
    struct str rest;
    unsigned questions;
};

static struct str take(struct str *s) {
    struct str piece = STR("");
    if (s->n == 0)
        return piece;
    ptrdiff_t end = str_chr(*s, 0);
    piece = end < 0 ? *s : str_sub(*s, 0, (size_t)end);
    *s = end < 0 ? STR("") : str_sub(*s, (size_t)end + 1, s->n);
    return piece;
}

static void add_name(struct buf *out, struct str name) {
    struct str rest = name, label;
    while (name.n && str_split(&rest, '.', &label)) {
        buf_add_byte(out, (char)(label.n & 63));
        buf_add_str(out, str_sub(label, 0, label.n & 63));
    }
    buf_add_byte(out, 0);
}

/* Well-formed, for the most part; with a first byte above 'z' it is what is there. */
static struct str rdata(struct arena *a, struct str piece, int type) {
    struct buf b = BUF_EMPTY;
    if (piece.n && piece.p[0] > 'z')
        return str_sub(piece, 1, piece.n);
    if (type == ns_t_txt)
        for (struct str rest = piece; rest.n; rest = str_sub(rest, 255, rest.n)) {
            buf_add_byte(&b, (char)(rest.n < 255 ? rest.n : 255));
            buf_add_str(&b, str_sub(rest, 0, 255));
        }
    else if (type == ns_t_mx || type == ns_t_ptr) {
        if (type == ns_t_mx)
            buf_add(&b, "\0\12", 2);
        add_name(&b, piece);
    } else {
        buf_add_str(&b, str_sub(piece, 0, 16));
        while (b.n < (type == ns_t_a ? 4 : 16))
            buf_add_byte(&b, 1);
        b.n = type == ns_t_a ? 4 : 16;
    }
    struct str out = arena_str(a, buf_str(&b));
    buf_free(&b);
    return out;
}

static enum dns_status answer(void *context, struct arena *a, struct str name, int type, int64_t deadline,
                              struct str **out, size_t *count) {
    struct answers *answers = context;
    (void)deadline;
    if (++answers->questions > MAX_QUESTIONS)
        log_panic("asks too often");
    if (name.n > 253)
        log_panic("a name of %zu bytes", name.n);
    *count = 0;
    struct str how = take(&answers->rest);
    int n = how.n ? (unsigned char)how.p[0] % 32 : 1;
    if (n >= 28)
        return (enum dns_status)(DNS_NODATA + n - 28);
    *out = arena_array(a, 32, sizeof **out);
    for (int i = 0; i < n && answers->rest.n; i++)
        (*out)[(*count)++] = rdata(a, take(&answers->rest), type);
    return *count ? DNS_OK : DNS_NXDOMAIN;
}

static void look(struct str s, size_t most) {
    if (s.n > most)
        log_panic("%zu bytes", s.n);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~')
            log_panic("cannot be shown");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct answers answers = {str_n(data + 1, size ? size - 1 : 0), 0};
    struct spf_resolver resolver = {answer, &answers, 60 * CLOCK_SECOND};
    struct sockaddr_storage client;
    struct spf_answer out;
    if (size == 0)
        return 0;
    struct str sender = take(&answers.rest), helo = take(&answers.rest);
    struct spf_request request = {&client, helo, sender, "mx.receiver.test"};
    sockaddr_from_text(data[0] & 1 ? STR("1.1.1.1") : STR("101:101:101:101:101:101:101:101"), 25, &client);
    spf_check_by(&resolver, &a, &request, &out);
    if (out.reason.n == 0 || (out.explanation.p && out.result != SPF_FAIL))
        log_panic("says too little or too much");
    look(out.reason, 400);
    look(out.domain, 253);
    look(out.mechanism, size);
    look(out.explanation, SPF_MAX_EXPLANATION);
    arena_free(&a);
    return 0;
}
