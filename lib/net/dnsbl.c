#include "net/dnsbl.h"

#include "base/clock.h"

#include <arpa/nameser.h>

enum { MAX_TEXT = 200, MAX_WEIGHT = 1000 };

static bool byte_value(struct str s, unsigned *out) {
    uint32_t v;
    if (!str_u32(s, &v) || v > 255)
        return false;
    *out = v;
    return true;
}

/* "2..11" or "2" */
static bool parse_range(struct str s, uint64_t set[4]) {
    unsigned first, last;
    ptrdiff_t dots = str_find(s, STR(".."));
    if (!byte_value(dots < 0 ? s : str_sub(s, 0, (size_t)dots), &first))
        return false;
    last = first;
    if (dots >= 0 && !byte_value(str_sub(s, (size_t)dots + 2, s.n), &last))
        return false;
    for (unsigned v = first; v <= last; v++)
        set[v / 64] |= UINT64_C(1) << v % 64;
    return first <= last;
}

/* One of the four numbers at the start of *s, taken off. */
static bool parse_number(struct str *s, uint64_t set[4]) {
    struct str rest, piece;
    if (s->n && s->p[0] == '[') {
        ptrdiff_t end = str_chr(*s, ']');
        if (end < 0)
            return false;
        rest = str_sub(*s, 1, (size_t)end - 1);
        *s = str_sub(*s, (size_t)end + 1, s->n);
        while (str_split(&rest, ';', &piece))
            if (!parse_range(piece, set))
                return false;
        return true;
    }
    size_t n = 0;
    while (n < s->n && ascii_digit(s->p[n]))
        n++;
    piece = str_sub(*s, 0, n);
    *s = str_sub(*s, n, s->n);
    return parse_range(piece, set);
}

static bool parse_filter(struct str s, struct dnsbl_list *l) {
    l->filtered = true;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (s.n == 0 || s.p[0] != '.'))
            return false;
        if (i > 0)
            s = str_sub(s, 1, s.n);
        if (!parse_number(&s, l->allowed[i]))
            return false;
    }
    return s.n == 0;
}

static bool parse_weight(struct str s, int32_t *out) {
    bool negative = s.n && s.p[0] == '-';
    uint32_t v;
    if (!str_u32(negative ? str_sub(s, 1, s.n) : s, &v) || v == 0 || v > MAX_WEIGHT)
        return false;
    *out = negative ? -(int32_t)v : (int32_t)v;
    return true;
}

static bool is_domain(struct str s) {
    if (s.n == 0 || s.n > 180 || s.p[0] == '.' || s.p[s.n - 1] == '.' || str_find(s, STR("..")) >= 0)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && !strchr("-_.", s.p[i]))
            return false;
    return str_chr(s, '.') > 0;
}

static bool parse_list(struct arena *a, struct str word, struct dnsbl_list *out) {
    *out = (struct dnsbl_list){.weight = 1};
    ptrdiff_t star = str_rchr(word, '*');
    if (star >= 0) {
        if (!parse_weight(str_sub(word, (size_t)star + 1, word.n), &out->weight))
            return false;
        word = str_sub(word, 0, (size_t)star);
    }
    ptrdiff_t equals = str_chr(word, '=');
    if (equals >= 0) {
        if (!parse_filter(str_sub(word, (size_t)equals + 1, word.n), out))
            return false;
        word = str_sub(word, 0, (size_t)equals);
    }
    out->domain = arena_lower(a, word);
    return is_domain(word);
}

bool dnsbl_parse(struct arena *a, struct str text, struct dnsbl *out, struct err *err) {
    bool good = true;
    *out = (struct dnsbl){.list = arena_array(a, DNSBL_MAX_LISTS, sizeof *out->list)};
    for (struct str word; str_word(&text, &word);) {
        if (out->count == DNSBL_MAX_LISTS)
            return err_set(err, "there may be %d lists at the most", DNSBL_MAX_LISTS);
        if (parse_list(a, word, &out->list[out->count]))
            out->count++;
        else
            good = err_set(err,
                           "\"%.*s\" is no list: write bad.example.org, bad.example.org=127.0.0.[2..11]*3 or"
                           " good.example.net*-2",
                           STR_ARG(str_sub(word, 0, 80)));
    }
    return good;
}

bool dnsbl_matches(const struct dnsbl_list *l, const unsigned char answer[4]) {
    if (!l->filtered)
        return answer[0] == 127; /* RFC 5782 2.1; anything else is a domain that was given up and sold */
    for (int i = 0; i < 4; i++)
        if (!(l->allowed[i][answer[i] / 64] >> answer[i] % 64 & 1))
            return false;
    return true;
}

static bool listed(const struct dnsbl_list *l, const struct dns_question *q) {
    for (size_t i = 0; q->status == DNS_OK && i < q->count; i++)
        if (q->rdata[i].n == 4 && dnsbl_matches(l, (const unsigned char *)q->rdata[i].p))
            return true;
    return false;
}

/* What stands before the list's domain: the client's address backwards. */
static struct str reversed(struct arena *a, const struct sockaddr_storage *client) {
    struct str name = dns_reverse_name(a, client);
    static const char *const ends[] = {"in-addr.arpa", "ip6.arpa"};
    for (size_t i = 0; i < 2; i++)
        if (str_ends(name, str_of(ends[i])))
            return str_sub(name, 0, name.n - strlen(ends[i]));
    return STR("");
}

static struct str printable(struct arena *a, struct str text) {
    struct str out = arena_str(a, str_sub(text, 0, MAX_TEXT));
    for (size_t i = 0; i < out.n; i++)
        if (out.p[i] < ' ' || out.p[i] > '~')
            ((char *)(uintptr_t)out.p)[i] = '?';
    return out;
}

void dnsbl_check(const struct dnsbl *lists, struct dns *dns, struct arena *a, const struct sockaddr_storage *client,
                 int timeout_ms, struct dnsbl_result *out) {
    int64_t deadline = clock_monotonic() + timeout_ms * (CLOCK_SECOND / 1000);
    struct str front = reversed(a, client);
    *out = (struct dnsbl_result){.text = STR("")};
    if (front.n == 0 || lists->count == 0)
        return;
    struct dns_question *q = arena_array(a, lists->count, sizeof *q);
    for (size_t i = 0; i < lists->count; i++) {
        q[i].name = arena_printf(a, "%.*s%.*s", STR_ARG(front), STR_ARG(lists->list[i].domain));
        q[i].type = ns_t_a;
    }
    dns_query_all(dns, a, q, lists->count, deadline);
    struct str name = STR("");
    for (size_t i = 0; i < lists->count; i++) {
        const struct dnsbl_list *l = &lists->list[i];
        if (!listed(l, &q[i]))
            continue;
        out->score += l->weight;
        if (l->weight > 0 && (!out->worst || l->weight > out->worst->weight)) {
            out->worst = l;
            name = q[i].name;
        }
    }
    struct str *text;
    size_t count;
    if (out->worst && dns_query_until(dns, a, name, ns_t_txt, deadline, &text, &count) == DNS_OK)
        out->text = printable(a, dns_rdata_text(a, text[0]));
}
