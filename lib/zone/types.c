#include "zone/rdata.h"
#include "zone/zone.h"

/* ---- what must hold between the fields ---- */

static bool check_mx(const struct rdata *d, const struct zone_name *owner, struct err *err) {
    (void)owner;
    bool null_mx = d->name[0].n == 1;
    return !null_mx || d->number[0] == 0 ||
           err_set(err, "\".\" says that there is no mail here, and needs the preference 0");
}

/* RFC 8659 section 4 */
static bool check_caa(const struct rdata *d, const struct zone_name *owner, struct err *err) {
    (void)owner;
    struct str tag = d->string[0], value = d->string[1];
    if (d->number[0] != 0 && d->number[0] != 128)
        return err_set(err, "the flags must be 0, or 128 (critical)");
    if (str_eq(tag, STR("iodef")))
        return str_istarts(value, STR("mailto:")) || str_istarts(value, STR("https://")) ||
               str_istarts(value, STR("http://")) ||
               err_set(err, "the value of iodef must be a mailto: or https: address");
    if (!str_eq(tag, STR("issue")) && !str_eq(tag, STR("issuewild")) && !str_eq(tag, STR("issuemail")))
        return true;
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || (unsigned char)value.p[i] > 0x7e)
            return err_set(err, "the value must be the name of an authority, in ASCII");
    return true;
}

static bool check_length(struct str bytes, size_t want, const char *what, struct err *err) {
    return bytes.n == want ||
           err_set(err, "%s must have %zu hexadecimal digits, and has %zu", what, 2 * want, 2 * bytes.n);
}

/* RFC 6698 section 2.1, RFC 8162 */
static bool check_tlsa(const struct rdata *d, const struct zone_name *owner, struct err *err) {
    (void)owner;
    static const size_t digest[] = {0, 32, 64};
    if (d->number[0] > 3)
        return err_set(err, "the usage must be 0, 1, 2 or 3");
    if (d->number[1] > 1)
        return err_set(err, "the selector must be 0 (certificate) or 1 (key)");
    if (d->number[2] > 2)
        return err_set(err, "the matching type must be 0 (whole), 1 (SHA-256) or 2 (SHA-512)");
    return d->number[2] == 0 || check_length(d->bytes, digest[d->number[2]], "the digest", err);
}

/* RFC 4255, RFC 6594, RFC 7479, RFC 8709 */
static bool check_sshfp(const struct rdata *d, const struct zone_name *owner, struct err *err) {
    (void)owner;
    uint32_t algorithm = d->number[0], type = d->number[1];
    if (algorithm < 1 || algorithm > 6 || algorithm == 5)
        return err_set(err, "the algorithm must be 1 (RSA), 2 (DSA), 3 (ECDSA), 4 (Ed25519) or 6 (Ed448)");
    if (type != 1 && type != 2)
        return err_set(err, "the type must be 1 (SHA-1) or 2 (SHA-256)");
    return check_length(d->bytes, type == 1 ? 20 : 32, "the fingerprint", err);
}

/* RFC 4034 section 5, RFC 4509, RFC 6605 */
static bool check_ds(const struct rdata *d, const struct zone_name *owner, struct err *err) {
    (void)owner;
    uint32_t type = d->number[2];
    if (d->number[1] == 0)
        return err_set(err, "0 is not an algorithm of a key");
    if (type != 1 && type != 2 && type != 4)
        return err_set(err, "the digest type must be 1 (SHA-1), 2 (SHA-256) or 4 (SHA-384)");
    return check_length(d->bytes, type == 1 ? 20 : type == 2 ? 32 : 48, "the digest", err);
}

/* RFC 3402 section 3.2: delimiter, expression, delimiter, replacement, delimiter, flags. */
static bool is_substitution(struct str s) {
    if (s.n == 0)
        return true;
    char delimiter = s.p[0];
    if (ascii_digit(delimiter) || delimiter == '\\' || delimiter == 'i')
        return false;
    size_t seen = 0, last = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == delimiter) {
            seen++;
            last = i;
        }
    }
    struct str flags = str_sub(s, last + 1, s.n);
    return seen == 3 && (flags.n == 0 || str_eq(flags, STR("i")));
}

/* RFC 3403 section 4.1 */
static bool check_naptr(const struct rdata *d, const struct zone_name *owner, struct err *err) {
    (void)owner;
    struct str flags = d->string[0], expression = d->string[2];
    for (size_t i = 0; i < flags.n; i++)
        if (!ascii_alpha(flags.p[i]) && !ascii_digit(flags.p[i]))
            return err_set(err, "the flags must be letters and digits");
    if (!is_substitution(expression))
        return err_set(err, "the expression must be like !^.*$!sip:info@example.org!");
    return expression.n == 0 || d->name[0].n == 1 ||
           err_set(err, "with an expression the replacement must be \".\"; they exclude each other");
}

/* RFC 9460 section 2.4.1: an alias has no parameters; string[0] is there where parameters were. */
static bool check_svcb(const struct rdata *d, const struct zone_name *owner, struct err *err) {
    (void)owner;
    return d->number[0] != 0 || d->strings == 0 || err_set(err, "with priority 0 (an alias) there are no parameters");
}

static bool check_uri(const struct rdata *d, const struct zone_name *owner, struct err *err) {
    (void)owner;
    return d->bytes.n > 0 || err_set(err, "the address is missing"); /* RFC 7553 section 4.4 */
}

/* ---- the table ---- */

const struct rdata_type rdata_types[] = {
    {.name = "A",
     .number = 1,
     .field = {{RDATA_IP4, "the address"}},
     .flags = RDATA_OWNER_HOST,
     .example = "192.0.2.1"},
    {.name = "AAAA",
     .number = 28,
     .field = {{RDATA_IP6, "the address"}},
     .flags = RDATA_OWNER_HOST,
     .example = "2001:db8::1"},
    {.name = "CNAME",
     .number = 5,
     .field = {{RDATA_NAME, "the target"}},
     .flags = RDATA_NOT_AT_APEX | RDATA_SINGLE | RDATA_ALONE | RDATA_TARGET,
     .example = "www.example.org."},
    {.name = "MX",
     .number = 15,
     .field = {{RDATA_U16, "the preference"}, {RDATA_HOST_OR_ROOT, "the mail server"}},
     .flags = RDATA_OWNER_HOST | RDATA_TARGET | RDATA_TARGET_HOST,
     .example = "10 mail.example.org.",
     .check = check_mx},
    {.name = "TXT", .number = 16, .field = {{RDATA_TEXT, "the text"}}, .example = "\"any text\""},
    {.name = "SRV",
     .number = 33,
     .field = {{RDATA_U16, "the priority"},
               {RDATA_U16, "the weight"},
               {RDATA_U16, "the port"},
               {RDATA_HOST_OR_ROOT, "the target"}},
     .flags = RDATA_TARGET | RDATA_TARGET_HOST,
     .example = "0 1 443 server.example.org."},
    {.name = "NS",
     .number = 2,
     .field = {{RDATA_HOST, "the nameserver"}},
     .flags = RDATA_TARGET | RDATA_TARGET_HOST,
     .example = "ns1.example.org."},
    {.name = "CAA",
     .number = 257,
     .field = {{RDATA_U8, "the flags"}, {RDATA_WORD, "the tag"}, {RDATA_LONG_STRING, "the value"}},
     .example = "0 issue \"letsencrypt.org\"",
     .check = check_caa},
    {.name = "PTR",
     .number = 12,
     .field = {{RDATA_NAME, "the name"}},
     .flags = RDATA_TARGET,
     .example = "host.example.org."},
    {.name = "TLSA",
     .number = 52,
     .field = {{RDATA_U8, "the usage"},
               {RDATA_U8, "the selector"},
               {RDATA_U8, "the matching type"},
               {RDATA_HEX, "the data"}},
     .example = "3 1 1 and the 64 hexadecimal digits of the SHA-256 digest",
     .check = check_tlsa},
    {.name = "SSHFP",
     .number = 44,
     .field = {{RDATA_U8, "the algorithm"}, {RDATA_U8, "the type"}, {RDATA_HEX, "the fingerprint"}},
     .example = "4 2 and the 64 hexadecimal digits of the fingerprint",
     .check = check_sshfp},
    {.name = "DS",
     .number = 43,
     .field = {{RDATA_U16, "the key tag"},
               {RDATA_U8, "the algorithm"},
               {RDATA_U8, "the digest type"},
               {RDATA_HEX, "the digest"}},
     .flags = RDATA_NOT_AT_APEX,
     .example = "12345 13 2 and the 64 hexadecimal digits of the digest",
     .check = check_ds},
    {.name = "HTTPS",
     .number = 65,
     .field = {{RDATA_U16, "the priority"}, {RDATA_NAME, "the target"}, {RDATA_CUSTOM, "the parameters"}},
     .example = "1 . alpn=h2,h3 ipv4hint=192.0.2.1",
     .custom = rdata_svcb_params,
     .check = check_svcb},
    {.name = "SVCB",
     .number = 64,
     .field = {{RDATA_U16, "the priority"}, {RDATA_NAME, "the target"}, {RDATA_CUSTOM, "the parameters"}},
     .example = "1 server.example.org. alpn=dot port=853",
     .custom = rdata_svcb_params,
     .check = check_svcb},
    {.name = "NAPTR",
     .number = 35,
     .field = {{RDATA_U16, "the order"},
               {RDATA_U16, "the preference"},
               {RDATA_STRING, "the flags"},
               {RDATA_STRING, "the service"},
               {RDATA_STRING, "the expression"},
               {RDATA_NAME, "the replacement"}},
     .example = "100 10 \"S\" \"SIP+D2U\" \"\" _sip._udp.example.org.",
     .check = check_naptr},
    {.name = "LOC",
     .number = 29,
     .field = {{RDATA_CUSTOM, "the place"}},
     .example = "52 22 23.000 N 4 53 32.000 E -2m",
     .custom = rdata_loc},
    {.name = "DNAME",
     .number = 39,
     .field = {{RDATA_NAME, "the target"}},
     .flags = RDATA_SINGLE,
     .example = "other.example.org."},
    {.name = "URI",
     .number = 256,
     .field = {{RDATA_U16, "the priority"}, {RDATA_U16, "the weight"}, {RDATA_LONG_STRING, "the address"}},
     .example = "10 1 \"https://www.example.org/\"",
     .check = check_uri},
    {.name = "SMIMEA",
     .number = 53,
     .field = {{RDATA_U8, "the usage"},
               {RDATA_U8, "the selector"},
               {RDATA_U8, "the matching type"},
               {RDATA_HEX, "the data"}},
     .example = "3 0 1 and the 64 hexadecimal digits of the SHA-256 digest",
     .check = check_tlsa},
    {.name = "OPENPGPKEY", .number = 61, .field = {{RDATA_BASE64, "the key"}}, .example = "the key in base64"},
    {.name = "CERT",
     .number = 37,
     .field = {{RDATA_U16, "the type"},
               {RDATA_U16, "the key tag"},
               {RDATA_U8, "the algorithm"},
               {RDATA_BASE64, "the certificate"}},
     .example = "1 12345 8 and the certificate in base64"},
    {.name = "AFSDB",
     .number = 18,
     .field = {{RDATA_U16, "the subtype"}, {RDATA_HOST, "the server"}},
     .flags = RDATA_TARGET,
     .example = "1 afs.example.org."},
    {.name = "HINFO",
     .number = 13,
     .field = {{RDATA_STRING, "the processor"}, {RDATA_STRING, "the system"}},
     .example = "\"x86-64\" \"Linux\""},
    {.name = "RP",
     .number = 17,
     .field = {{RDATA_NAME, "the mailbox"}, {RDATA_NAME, "the text's name"}},
     .example = "jane.example.org. ."},
    {.name = NULL}};

static const struct rdata_type generic = {
    .name = "TYPE", .field = {{RDATA_CUSTOM, "the data"}}, .example = "\\# 4 c0000201", .custom = rdata_generic};

enum { KNOWN_TYPES = sizeof rdata_types / sizeof *rdata_types };

const char *const *zone_types(void) {
    static const char *const names[] = {"A",     "AAAA",  "CNAME", "MX",    "TXT",    "SRV",        "NS",
                                        "CAA",   "PTR",   "TLSA",  "SSHFP", "DS",     "HTTPS",      "SVCB",
                                        "NAPTR", "LOC",   "DNAME", "URI",   "SMIMEA", "OPENPGPKEY", "CERT",
                                        "AFSDB", "HINFO", "RP",    NULL};
    _Static_assert(sizeof names / sizeof *names == KNOWN_TYPES, "each type of the table has its name here");
    return names;
}

const struct rdata_type *rdata_type_named(struct str name, struct err *err) {
    static const char *const made_by_the_server[] = {"DNSKEY", "RRSIG",   "NSEC", "NSEC3", "NSEC3PARAM",
                                                     "CDS",    "CDNSKEY", "SIG",  "KEY"};
    for (const struct rdata_type *t = rdata_types; t->name; t++)
        if (str_ieq(name, str_of(t->name)))
            return t;
    uint32_t number;
    if (str_istarts(name, STR("TYPE")) && str_u32(str_sub(name, 4, name.n), &number) && number > 257 &&
        number < 65535 && name.p[4] != '0')
        return &generic;
    for (size_t i = 0; i < sizeof made_by_the_server / sizeof *made_by_the_server; i++)
        if (str_ieq(name, str_of(made_by_the_server[i]))) {
            err_set(err, "%s records are made by the nameserver itself", made_by_the_server[i]);
            return NULL;
        }
    if (str_ieq(name, STR("SOA")))
        err_set(err, "the SOA record is made from the zone's own values");
    else if (str_ieq(name, STR("SPF")))
        err_set(err, "the type SPF is not used any more: make it a TXT record"); /* RFC 7208 section 3.1 */
    else
        err_set(err, "\"%.*s\" is not a type of record that can be served here", name.n > 20 ? 20 : (int)name.n,
                name.p);
    return NULL;
}
