/* A domain's record: a list of tags (RFC 7489 sections 6.3 and 6.4, RFC 6376 section 3.2). */
#include "dmarc/dmarc.h"

enum {
    MAX_TAGS = 100,
    INTERVAL = 86400, /* ri= where it is not there */
};

struct reading {
    struct dmarc_record *record;
    bool has_policy, bad_policy, bad_subdomain_policy, has_subdomain_policy;
    const char *ignored; /* what was wrong and does no harm */
    const char *wrong;   /* what is wrong with p= or sp= */
    struct str seen[MAX_TAGS];
    size_t count;
};

static bool policy_of(struct str value, enum dmarc_policy *out) {
    for (enum dmarc_policy p = DMARC_POLICY_NONE; p <= DMARC_POLICY_REJECT; p++)
        if (str_ieq(value, str_of(dmarc_policy_name(p)))) {
            *out = p;
            return true;
        }
    return false;
}

static void read_policy(struct reading *r, struct str value) {
    r->has_policy = policy_of(value, &r->record->policy);
    r->bad_policy = !r->has_policy;
}

static void read_subdomain_policy(struct reading *r, struct str value) {
    r->has_subdomain_policy = policy_of(value, &r->record->subdomain_policy);
    r->bad_subdomain_policy = !r->has_subdomain_policy;
}

static void read_missing_policy(struct reading *r, struct str value) {
    r->record->has_missing_policy = policy_of(value, &r->record->missing_policy);
    if (!r->record->has_missing_policy)
        r->ignored = "the record's np= is none of none, quarantine and reject";
}

static bool read_alignment(struct str value, bool *strict) {
    *strict = str_ieq(value, STR("s"));
    return *strict || str_ieq(value, STR("r"));
}

static void read_adkim(struct reading *r, struct str value) {
    if (!read_alignment(value, &r->record->strict_dkim))
        r->ignored = "the record's adkim= is neither r nor s";
}

static void read_aspf(struct reading *r, struct str value) {
    if (!read_alignment(value, &r->record->strict_spf))
        r->ignored = "the record's aspf= is neither r nor s";
}

static void read_percent(struct reading *r, struct str value) {
    uint32_t v;
    if (value.n <= 3 && str_u32(value, &v) && v <= 100)
        r->record->percent = v;
    else
        r->ignored = "the record's pct= is no number from 0 to 100";
}

/* At least one address to report to: "mailto:address", perhaps with "!10m" behind it. */
static bool has_uri(struct str list) {
    struct str uri;
    while (str_split(&list, ',', &uri)) {
        uri = str_trim(uri);
        ptrdiff_t colon = str_chr(uri, ':');
        if (colon > 0 && (size_t)colon + 1 < uri.n && ascii_alpha(uri.p[0]))
            return true;
    }
    return false;
}

static void read_rua(struct reading *r, struct str value) {
    if (has_uri(value))
        r->record->rua = value;
    else
        r->ignored = "the record's rua= is no address";
}

static void read_ruf(struct reading *r, struct str value) {
    if (has_uri(value))
        r->record->ruf = value;
    else
        r->ignored = "the record's ruf= is no address";
}

static void read_report(struct reading *r, struct str value) {
    struct str word;
    uint32_t report = 0;
    while (str_split(&value, ':', &word)) {
        word = str_trim(word);
        if (str_eq(word, STR("0")))
            report |= DMARC_REPORT_ALL;
        else if (str_eq(word, STR("1")))
            report |= DMARC_REPORT_ANY;
        else if (str_ieq(word, STR("d")))
            report |= DMARC_REPORT_DKIM;
        else if (str_ieq(word, STR("s")))
            report |= DMARC_REPORT_SPF;
        else
            r->ignored = "the record's fo= holds what is none of 0, 1, d and s";
    }
    if (report)
        r->record->report = report;
}

static void read_format(struct reading *r, struct str value) {
    struct str word;
    r->record->afrf = false;
    while (str_split(&value, ':', &word))
        r->record->afrf |= str_ieq(str_trim(word), STR("afrf"));
}

static void read_interval(struct reading *r, struct str value) {
    if (!str_u32(value, &r->record->interval)) {
        r->record->interval = INTERVAL;
        r->ignored = "the record's ri= is no number of seconds";
    }
}

static const struct {
    const char *name;
    void (*read)(struct reading *r, struct str value);
} tags[] = {
    {"p", read_policy},  {"sp", read_subdomain_policy}, {"np", read_missing_policy}, {"adkim", read_adkim},
    {"aspf", read_aspf}, {"pct", read_percent},         {"rua", read_rua},           {"ruf", read_ruf},
    {"fo", read_report}, {"rf", read_format},           {"ri", read_interval},
};

/* Names are case-sensitive in DKIM's grammar; people write P=reject, and mean it. */
static bool read_tag(struct reading *r, struct str name, struct str value) {
    for (size_t i = 0; i < r->count; i++)
        if (str_ieq(r->seen[i], name))
            return false;
    if (r->count < MAX_TAGS)
        r->seen[r->count++] = name;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (str_ieq(name, str_of(tags[i].name)))
            tags[i].read(r, value);
    return true; /* unknown ones are for others */
}

static bool is_tag_name(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_alpha(s.p[i]) && !(i && (ascii_digit(s.p[i]) || s.p[i] == '_')))
            return false;
    return s.n > 0;
}

/* "v=DMARC1", alone or before a semicolon; blanks around "=" are allowed, and the case of DMARC1 counts. */
static bool take_version(struct str *text) {
    struct str version, name;
    *text = str_trim(*text);
    if (!text->p || !str_split(text, ';', &version) || !str_split(&version, '=', &name) || !version.p)
        return false;
    return str_ieq(str_trim(name), STR("v")) && str_eq(str_trim(version), STR("DMARC1"));
}

static enum dmarc_grammar bad(struct str *reason, const char *why) {
    *reason = str_of(why);
    return DMARC_BAD_RECORD;
}

/* Section 6.6.3, step 6: without a usable p=, or with an unusable sp=, a record that wants reports is p=none. */
static enum dmarc_grammar settle(struct reading *r, struct str *reason) {
    struct dmarc_record *out = r->record;
    if (!r->has_policy || r->bad_subdomain_policy) {
        const char *why = r->bad_subdomain_policy ? "the record's sp= is none of none, quarantine and reject"
                          : r->bad_policy         ? "the record's p= is none of none, quarantine and reject"
                                                  : "the record has no p=";
        if (!out->rua.p)
            return bad(reason, why);
        out->policy = out->subdomain_policy = out->missing_policy = DMARC_POLICY_NONE;
        out->has_missing_policy = false;
        r->ignored = why;
    } else {
        if (!r->has_subdomain_policy)
            out->subdomain_policy = out->policy;
        if (!out->has_missing_policy)
            out->missing_policy = out->subdomain_policy;
    }
    if (r->ignored)
        *reason = str_of(r->ignored);
    return DMARC_RECORD;
}

enum dmarc_grammar dmarc_record_read(struct str text, struct dmarc_record *out, struct str *reason) {
    struct reading r = {.record = out};
    *out = (struct dmarc_record){.percent = 100, .report = DMARC_REPORT_ALL, .afrf = true, .interval = INTERVAL};
    *reason = (struct str){NULL, 0};
    text = str_sub(text, 0, DMARC_MAX_RECORD);
    if (!take_version(&text))
        return DMARC_OTHER_RECORD;
    struct str tag, name;
    r.seen[r.count++] = STR("v");
    while (str_split(&text, ';', &tag)) {
        tag = str_trim(tag);
        if (tag.n == 0)
            continue;
        bool has_value = str_split(&tag, '=', &name) && tag.p && is_tag_name(str_trim(name));
        if (!has_value)
            r.ignored = "the record holds what is no tag";
        else if (!read_tag(&r, str_trim(name), str_trim(tag)))
            return bad(reason, "the record has a tag twice");
    }
    return settle(&r, reason);
}
