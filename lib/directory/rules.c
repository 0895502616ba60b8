#include "directory/rules.h"

#include "base/clock.h"
#include "base/quantity.h"
#include "net/dnsbl.h"
#include "net/network.h"

const char *const rule_mode_names[3] = {"off", "warn", "enforce"};

const struct rule_info rules[RULE_COUNT] = {
    [RULE_RATE] = {"rate",
                   "policy.rate",
                   "Rates of a client",
                   "A client, or an IPv6 network of 64 bits, may have so many connections at a time, and make so many"
                   " connections, messages and recipients in a minute. Each server counts for itself.",
                   {"policy.connections", "policy.connection_rate", "policy.message_rate", "policy.recipient_rate"}},
    [RULE_EARLY_TALKER] = {"early_talker",
                           "policy.early_talker",
                           "Wait for the greeting",
                           "A client that is not known yet is greeted after a pause. One that talks before it was"
                           " greeted is a program that does not listen, and is sent away. Who waited is greeted at once"
                           " for a day.",
                           {"policy.greet_delay"}},
    [RULE_PIPELINING] = {"pipelining",
                         "policy.pipelining",
                         "No talking ahead",
                         "A client that sends on where it must wait for an answer does not speak SMTP but plays back a"
                         " script, and is sent away at DATA.",
                         {NULL}},
    [RULE_ACCESS] = {"access",
                     "policy.access",
                     "Allow and deny lists",
                     "The lists of the installation, of resellers and of domains. An allowed client or sender is spared"
                     " the rules below; a denied one is refused for those recipients.",
                     {NULL}},
    [RULE_HELO_SYNTAX] = {"helo_syntax",
                          "policy.helo_syntax",
                          "HELO is a name",
                          "What the client calls itself must be a host name or an address in brackets.",
                          {NULL}},
    [RULE_HELO_OWN] = {"helo_own",
                       "policy.helo_own",
                       "HELO is not our name",
                       "Nobody else may call itself by this server's name or address.",
                       {NULL}},
    [RULE_HELO_FQDN] = {"helo_fqdn",
                        "policy.helo_fqdn",
                        "HELO is fully qualified",
                        "What the client calls itself must have a domain behind the host. Some honest servers are set"
                        " up carelessly here.",
                        {NULL}},
    [RULE_SENDER_DOMAIN] = {"sender_domain",
                            "policy.sender_domain",
                            "The sender's domain exists",
                            "It must have an MX or an address in the DNS, so that an answer could be sent; a domain"
                            " that says that it has no mail (null MX) sends none. While the DNS gives no answer the"
                            " client is asked to come again.",
                            {NULL}},
    [RULE_REVERSE_EXISTS] = {"reverse_exists",
                             "policy.reverse_exists",
                             "The client's address has a name",
                             "There must be a PTR record for the client's address.",
                             {NULL}},
    [RULE_REVERSE_MATCH] = {"reverse_match",
                            "policy.reverse_match",
                            "The name leads back to the address",
                            "One of the names of the client's address must lead back to that address in the DNS. Many"
                            " honest servers fail here.",
                            {NULL}},
    [RULE_DNSBL] = {"dnsbl",
                    "policy.dnsbl",
                    "Lists in the DNS",
                    "Lists of clients that send spam, or that never do, each with a weight. From the threshold on a"
                    " client is refused.",
                    {"policy.dnsbl_lists", "policy.dnsbl_threshold", "policy.dnswl_threshold"}},
    [RULE_GREYLIST] = {"greylist",
                       "policy.greylist",
                       "Greylisting",
                       "The first mail of a sender from an unknown network to a recipient is put off for some minutes:"
                       " servers try again, many spammers don't. Networks that came back often enough, and senders"
                       " whose SPF policy names the client, pass at once.",
                       {"policy.greylist_delay", "policy.greylist_window", "policy.greylist_lifetime",
                        "policy.greylist_clients"}},
};

bool rule_find(struct str name, enum rule_id *out) {
    for (int i = 0; i < RULE_COUNT; i++)
        if (str_eq(name, str_of(rules[i].name))) {
            *out = (enum rule_id)i;
            return true;
        }
    return false;
}

bool rule_mode_parse(struct str text, enum rule_mode *out) {
    for (int i = 0; i < 3; i++)
        if (str_eq(text, str_of(rule_mode_names[i]))) {
            *out = (enum rule_mode)i;
            return true;
        }
    return false;
}

/* ---- values ---- */

static bool check_mode(struct str value, struct err *err) {
    enum rule_mode mode;
    return rule_mode_parse(value, &mode) || err_set(err, "a rule is off, warn or enforce");
}

static bool check_number(struct str value, struct err *err) {
    uint32_t v;
    return (str_u32(value, &v) && v <= 1000000) || err_set(err, "a number is needed, from 0 to 1000000");
}

static bool check_score(struct str value, struct err *err) {
    uint32_t v;
    bool negative = value.n && value.p[0] == '-';
    return (str_u32(negative ? str_sub(value, 1, value.n) : value, &v) && v <= 1000000) ||
           err_set(err, "a number is needed, like 3 or -2");
}

static bool check_duration(struct str value, struct err *err) {
    int64_t v;
    return quantity_duration(value, &v) || err_set(err, "a time is needed, like 90s, 5m, 4h or 2d");
}

/* A time that is `least` at least; what is below makes no sense, or breaks a standard. */
static bool check_timeout(struct str value, int64_t least, const char *example, struct err *err) {
    int64_t v;
    return (quantity_duration(value, &v) && v >= least) || err_set(err, "a time is needed, %s at least", example);
}

static bool check_login_timeout(struct str value, struct err *err) {
    return check_timeout(value, 10 * CLOCK_SECOND, "10s", err);
}

/* RFC 3501 5.4 */
static bool check_imap_timeout(struct str value, struct err *err) {
    return check_timeout(value, 1800 * CLOCK_SECOND, "30m", err);
}

/* RFC 1939 3 */
static bool check_pop3_timeout(struct str value, struct err *err) {
    return check_timeout(value, 600 * CLOCK_SECOND, "10m", err);
}

static bool check_greet_delay(struct str value, struct err *err) {
    uint32_t v;
    return str_eq(value, STR("0")) ||
           (value.n && value.p[value.n - 1] == 's' && str_u32(str_sub(value, 0, value.n - 1), &v) && v <= 30) ||
           err_set(err, "the pause is 0 to 30 seconds, like 2s");
}

static bool check_networks(struct str value, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct networks n;
    bool good = networks_parse(&a, value, &n, err);
    arena_free(&a);
    return good;
}

static bool check_dnsbl(struct str value, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct dnsbl lists;
    bool good = dnsbl_parse(&a, value, &lists, err);
    arena_free(&a);
    return good;
}

static bool check_vrfy(struct str value, struct err *err) {
    return str_eq(value, STR("off")) || str_eq(value, STR("on")) || str_eq(value, STR("disabled")) ||
           err_set(err, "off, on or disabled is needed");
}

static const struct {
    const char *name;
    bool (*check)(struct str value, struct err *err);
} checked[] = {
    {"policy.connections", check_number},
    {"policy.connection_rate", check_number},
    {"policy.message_rate", check_number},
    {"policy.recipient_rate", check_number},
    {"policy.greet_delay", check_greet_delay},
    {"policy.dnsbl_lists", check_dnsbl},
    {"policy.dnsbl_threshold", check_score},
    {"policy.dnswl_threshold", check_score},
    {"policy.greylist_delay", check_duration},
    {"policy.greylist_window", check_duration},
    {"policy.greylist_lifetime", check_duration},
    {"policy.greylist_clients", check_number},
    {"mta.networks", check_networks},
    {"mta.spared_networks", check_networks},
    {"mta.xclient_networks", check_networks},
    {"mta.xforward_networks", check_networks},
    {"mta.recipients_own", check_number},
    {"mta.soft_errors", check_number},
    {"mta.hard_errors", check_number},
    {"mta.vrfy", check_vrfy},
    {"imapd.connections_account", check_number},
    {"imapd.connections_address", check_number},
    {"imapd.login_timeout", check_login_timeout},
    {"imapd.imap_timeout", check_imap_timeout},
    {"imapd.pop3_timeout", check_pop3_timeout},
    {"imapd.pop3_login_delay", check_duration},
};

bool rule_setting_check(struct str name, struct str value, struct err *err) {
    for (int i = 0; i < RULE_COUNT; i++)
        if (str_eq(name, str_of(rules[i].setting)))
            return check_mode(value, err);
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++)
        if (str_eq(name, str_of(checked[i].name)))
            return checked[i].check(value, err);
    return true;
}
