/* Is it there, and what is it? */
#include "filter/clamd.h"
#include "filter/delegate.h"
#include "filter/filter.h"
#include "filter/milter.h"
#include "filter/rspamd.h"

#include <stdio.h>

struct bit {
    uint32_t bit;
    const char *text;
};

static const struct bit changes[] = {
    {MILTER_MAY_ADD_HEADERS, "add header fields"},
    {MILTER_MAY_CHANGE_HEADERS, "change header fields"},
    {MILTER_MAY_CHANGE_BODY, "replace the body"},
    {MILTER_MAY_ADD_RCPT | MILTER_MAY_ADD_RCPT_PARAMETERS, "add recipients"},
    {MILTER_MAY_REMOVE_RCPT, "remove recipients"},
    {MILTER_MAY_CHANGE_FROM, "change the sender"},
    {MILTER_MAY_QUARANTINE, "quarantine messages"},
};
static const struct bit parts[] = {
    {MILTER_NO_CONNECT, "connections"}, {MILTER_NO_HELO, "HELO"},       {MILTER_NO_MAIL, "senders"},
    {MILTER_NO_RCPT, "recipients"},     {MILTER_NO_HEADERS, "headers"}, {MILTER_NO_BODY, "bodies"},
};

/* The texts of the bits that are set (or, inverted, that are not), as a list. */
static void list_bits(struct buf *out, const struct bit *list, size_t n, uint32_t bits) {
    size_t begin = out->n;
    for (size_t i = 0; i < n; i++)
        if (bits & list[i].bit)
            buf_printf(out, "%s%s", out->n > begin ? ", " : "", list[i].text);
    if (out->n == begin)
        buf_add_c(out, "nothing");
}

static bool try_milter(const struct filter *f, struct buf *out, struct err *err) {
    struct milter *m = milter_open(&f->endpoint, f->connect_ms, f->command_ms, err);
    if (!m)
        return false;
    buf_printf(out, "a milter that speaks version %u of the protocol; it looks at ", m->terms.version);
    list_bits(out, parts, sizeof parts / sizeof *parts, ~m->terms.options);
    buf_add_c(out, "; it may ");
    list_bits(out, changes, sizeof changes / sizeof *changes, m->terms.may);
    milter_quit(m);
    return true;
}

/* A question that no server refuses to understand, about addresses that nobody has. */
static bool try_policy(const struct filter *f, struct arena *a, struct buf *out, struct err *err) {
    static const char *const words[] = {"an allowance (DUNNO or OK)",
                                        "REJECT",
                                        "DEFER",
                                        "DEFER_IF_PERMIT",
                                        "DEFER_IF_REJECT",
                                        "a reply code",
                                        "DISCARD",
                                        "HOLD",
                                        "PREPEND",
                                        "WARN",
                                        "INFO",
                                        "REDIRECT",
                                        "BCC",
                                        "FILTER"};
    static const struct {
        const char *name, *value;
    } attributes[] = {{"request", "smtpd_access_policy"},
                      {"protocol_state", "RCPT"},
                      {"protocol_name", "ESMTP"},
                      {"helo_name", "test.invalid"},
                      {"queue_id", "TEST"},
                      {"sender", "test@test.invalid"},
                      {"recipient", "test@test.invalid"},
                      {"recipient_count", "0"},
                      {"client_address", "192.0.2.1"},
                      {"client_name", "test.invalid"},
                      {"reverse_client_name", "test.invalid"},
                      {"instance", "test"},
                      {"size", "0"}};
    struct buf request = BUF_EMPTY;
    struct delegate_answer answer;
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        delegate_put(&request, attributes[i].name, str_of(attributes[i].value));
    delegate_put(&request, "policy_context", f->context);
    bool good = delegate_ask(&f->endpoint, NULL, buf_str(&request), f->connect_ms, f->command_ms, a, &answer, err);
    buf_free(&request);
    if (good)
        buf_printf(out, "a policy server; it answers a question for trial with %s%s%s", words[answer.action],
                   *answer.code ? " " : "", answer.code);
    return good;
}

static bool try_rspamd(const struct filter *f, struct buf *out, struct err *err) {
    struct str rest = f->address, url;
    size_t n = 0;
    while (rest.n && str_split(&rest, ' ', &url)) {
        if (url.n == 0)
            continue;
        if (n++)
            buf_add_c(out, "; ");
        if (!rspamd_version(url, f->connect_ms, f->command_ms, out, err))
            return false;
        buf_printf(out, " at %.*s", STR_ARG(url));
    }
    return true;
}

bool filter_try(const struct filter *f, struct arena *a, struct str *finding, struct err *err) {
    struct buf out = BUF_EMPTY;
    bool good = false;
    switch (f->kind) {
    case FILTER_MILTER:
        good = try_milter(f, &out, err);
        break;
    case FILTER_POLICY:
        good = try_policy(f, a, &out, err);
        break;
    case FILTER_RSPAMD:
        good = try_rspamd(f, &out, err);
        break;
    case FILTER_CLAMD:
        good = clamd_version(&f->endpoint, f->connect_ms, f->command_ms, &out, err);
        break;
    }
    *finding = good ? arena_str(a, buf_str(&out)) : STR("");
    buf_free(&out);
    return good;
}
