/* fuzz: mta */
/*
 * Data of any bytes, cut in any pieces: it ends where a simple reading of the rule says, whatever the pieces, bare line
 * ends are noted, and what is sent onward is read back as the same text.
 */
#include "base/log.h"
#include "client/stuff.h"
#include "smtpd/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct buf text;
    size_t taken;
    bool end, bare, nul;
};

/* The rule as it stands in RFC 5321, byte for byte. */
static struct reading read_slowly(struct str in) {
    struct reading r = {.text = BUF_EMPTY};
    bool line_start = true;
    size_t i = 0;
    while (i < in.n && !r.end) {
        char c = in.p[i];
        char before = i ? in.p[i - 1] : 0, after = i + 1 < in.n ? in.p[i + 1] : '\n';
        r.nul = r.nul || c == 0;
        r.bare = r.bare || (c == '\n' && before != '\r') || (c == '\r' && after != '\n');
        if (line_start && c == '.') {
            if (str_starts(str_sub(in, i, in.n), STR(".\r\n"))) {
                r.end = true;
                i += 3;
                break;
            }
            line_start = false;
            i++;
            continue;
        }
        buf_add_byte(&r.text, c);
        line_start = c == '\n' && before == '\r';
        i++;
    }
    r.taken = i;
    return r;
}

static struct reading read_in_pieces(struct str in, const uint8_t *cuts, size_t cut_count) {
    struct reading r = {.text = BUF_EMPTY};
    struct data_scanner d = DATA_SCANNER_START;
    for (size_t k = 0; r.taken < in.n && !r.end; k++) {
        size_t piece = cut_count ? 1 + cuts[k % cut_count] : in.n;
        r.taken += data_scan(&d, str_sub(in, r.taken, piece), &r.text, &r.end);
    }
    r.bare = d.bare_cr || d.bare_lf;
    r.nul = d.nul;
    return r;
}

static void send_onward(struct str text) {
    struct stuffer s = STUFFER_START;
    struct data_scanner d = DATA_SCANNER_START;
    struct buf out = BUF_EMPTY, back = BUF_EMPTY;
    bool end;
    stuff(&s, str_sub(text, 0, text.n / 2), &out);
    stuff(&s, str_sub(text, text.n / 2, text.n), &out);
    stuff_end(&s, &out);
    if (data_scan(&d, buf_str(&out), &back, &end) != out.n || !end || d.bare_cr || d.bare_lf)
        log_panic("what was sent is not one message");
    if (text.n && !str_eq(buf_str(&back), text) && !(back.n == text.n + 2 && str_starts(buf_str(&back), text)))
        log_panic("what was sent is another text");
    buf_free(&out);
    buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t cuts = size && data[0] % 8 < size ? data[0] % 8 : 0;
    struct str in = str_n(data + cuts, size - cuts);
    struct reading slow = read_slowly(in), fast = read_in_pieces(in, data, cuts);
    if (slow.end != fast.end || slow.taken != fast.taken || (slow.end && slow.bare != fast.bare) ||
        slow.nul != fast.nul)
        log_panic("the end of the data is not where it should be");
    if (slow.end && !slow.bare) {
        if (!str_eq(buf_str(&slow.text), buf_str(&fast.text)))
            log_panic("the text is another one");
        send_onward(buf_str(&fast.text));
    }
    buf_free(&slow.text);
    buf_free(&fast.text);
    return 0;
}
