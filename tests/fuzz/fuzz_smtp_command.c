/* fuzz: mta */
/* SMTP commands of any bytes: the grammar reads nothing beyond the line, and what it takes apart lies within it. */
#include "base/log.h"
#include "base/quantity.h"
#include "client/hosts.h"
#include "client/reply.h"
#include "sendmail/compose.h"
#include "settings.h"
#include "smtpd/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str whole, struct str part) {
    if (part.p && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        log_panic("a part lies outside of the line");
}

static void is_text(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            log_panic("a control character in what was decoded");
    if (!str_is_utf8(s))
        log_panic("what was decoded is no UTF-8");
}

/* What a parser of a value appends goes into notifications: it is text, and on failure nothing is there. */
static void try_value(bool (*parse)(struct str value, struct buf *out), struct str value, bool ascii) {
    struct buf out = BUF_EMPTY;
    buf_add_c(&out, "before");
    bool good = parse(value, &out);
    struct str decoded = str_sub(buf_str(&out), 6, out.n);
    if (!good && decoded.n)
        log_panic("something is left of a value that is none");
    is_text(decoded);
    if (ascii && decoded.n && !str_is_ascii(decoded))
        log_panic("what was decoded is not ASCII");
    buf_free(&out);
}

static void parse_values(struct str value) {
    int64_t at;
    try_value(parse_notify, value, true);
    try_value(parse_envid, value, true);
    try_value(parse_orcpt, value, false);
    if (parse_timestamp(value, &at) && (at < -INT64_C(86400000000) || at > INT64_C(260000000000) * 1000000))
        log_panic("a time out of the years that were read");
}

static void parse_parameters(struct str line, struct str rest) {
    struct str keyword, value;
    enum parse_parameter p;
    while ((p = parse_parameter(&rest, &keyword, &value)) == PARAMETER_FOUND) {
        struct buf text = BUF_EMPTY;
        inside(line, keyword);
        inside(line, value);
        if (!keyword.n)
            log_panic("a keyword is empty");
        if (value.p)
            parse_xtext(value, &text);
        parse_values(value);
        buf_free(&text);
    }
}

static void parse_replies(struct str text) {
    struct smtp_reply r = {0};
    struct str line;
    bool last = false;
    while (!last && str_split(&text, '\n', &line) && reply_line(&r, line, &last))
        if (strlen(r.status) >= sizeof r.status || r.code < 200 || r.code > 599)
            log_panic("a reply with code %d", r.code);
    reply_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str line = str_n(data, size), verb, argument, path, rest, host;
    uint64_t bytes;
    int64_t duration;
    uint16_t port = 25;
    parse_command(line, &verb, &argument);
    inside(line, verb);
    inside(line, argument);
    if (parse_path(argument, STR("FROM:"), &path, &rest) || parse_path(argument, STR("TO:"), &path, &rest)) {
        inside(line, path);
        parse_parameters(line, rest);
    }
    parse_helo(argument);
    uint64_t octets;
    bool last;
    if (parse_chunk(argument, &octets, &last) && octets > INT64_MAX)
        log_panic("a chunk of %llu octets", (unsigned long long)octets);
    parse_values(argument);
    parse_replies(line);
    quantity_bytes(line, &bytes);
    quantity_duration(line, &duration);
    if (hosts_parse_next_hop(line, &host, &port) && port == 0)
        log_panic("a next hop with port 0");
    compose_is_header_line(line, true);
    struct arena a = ARENA_EMPTY;
    struct compose c = {
        .sender = STR("s@h.example"), .full_name = STR("Name"), .hostname = STR("h.example"), .want_recipients = true};
    compose(&c, &a, line);
    arena_free(&a);
    return 0;
}
