/* fuzz: mta */
/*
 * Data of any bytes, cut in any pieces: it ends where a simple reading of the rule says, whatever the pieces, bare line
 * ends are noted, and what is sent onward is read back as the same text. In chunks it is the same text as a whole;
 * where line ends are mended, what comes out has no others, and ends nowhere else.
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

/* ---- chunks ---- */

struct chunks {
    struct buf text;
    struct data_scanner d;
};

static struct chunks read_chunks(struct str in, const uint8_t *cuts, size_t cut_count, bool normalise) {
    struct chunks c = {.text = BUF_EMPTY, .d = {.normalise = normalise}};
    size_t taken = 0;
    for (size_t k = 0; taken < in.n; k++) {
        struct str piece = str_sub(in, taken, cut_count ? 1 + cuts[k % cut_count] : in.n);
        data_scan_chunk(&c.d, piece, &c.text);
        taken += piece.n;
    }
    data_end_chunks(&c.d, &c.text);
    return c;
}

static bool has_bare(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r')) ||
            (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')))
            return true;
    return false;
}

static void check_chunks(struct str in, const uint8_t *cuts, size_t cut_count) {
    struct chunks c = read_chunks(in, cuts, cut_count, false), mended = read_chunks(in, cuts, cut_count, true);
    if ((c.d.bare_cr || c.d.bare_lf) != has_bare(in) || c.d.nul != (in.n && memchr(in.p, 0, in.n)))
        log_panic("what is wrong with the text was not noted");
    if (!str_starts(buf_str(&c.text), in) || c.text.n > in.n + 2)
        log_panic("the text of the chunks is another one");
    if (has_bare(buf_str(&mended.text)))
        log_panic("a line end was not mended");
    if (!has_bare(in) && !str_eq(buf_str(&mended.text), buf_str(&c.text)))
        log_panic("a text was mended that needed none");
    buf_free(&c.text);
    buf_free(&mended.text);
}

/* The end of the data is where it is without mending, or, where bare CR stand before it, at CR LF . CR LF nevertheless.
 */
static void check_mended(struct str in, const uint8_t *cuts, size_t cut_count, const struct reading *slow) {
    struct data_scanner d = {.normalise = true};
    struct buf out = BUF_EMPTY;
    size_t taken = 0;
    bool end = false;
    for (size_t k = 0; taken < in.n && !end; k++)
        taken += data_scan(&d, str_sub(in, taken, cut_count ? 1 + cuts[k % cut_count] : in.n), &out, &end);
    if (end != slow->end || (end && taken != slow->taken))
        log_panic("where line ends are mended the data ends elsewhere");
    if (end && has_bare(buf_str(&out)))
        log_panic("a line end was not mended");
    if (end && !slow->bare && !str_eq(buf_str(&out), buf_str(&slow->text)))
        log_panic("a text was mended that needed none");
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t cuts = size && data[0] % 8 < size ? data[0] % 8 : 0;
    struct str in = str_n(data + cuts, size - cuts);
    struct reading slow = read_slowly(in), fast = read_in_pieces(in, data, cuts);
    if (slow.end != fast.end || slow.taken != fast.taken || (slow.end && slow.bare != fast.bare) ||
        slow.nul != fast.nul)
        log_panic("the end of the data is not where it should be");
    check_chunks(in, data, cuts);
    check_mended(in, data, cuts, &slow);
    if (slow.end && !slow.bare) {
        if (!str_eq(buf_str(&slow.text), buf_str(&fast.text)))
            log_panic("the text is another one");
        send_onward(buf_str(&fast.text));
    }
    buf_free(&slow.text);
    buf_free(&fast.text);
    return 0;
}
