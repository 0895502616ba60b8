/*
 * dmarc: does the domain that a message's From names stand behind it, and if not, what does it ask to be done?
 * Domain-based Message Authentication, Reporting and Conformance (RFC 7489), on the results of SPF and DKIM.
 *
 *     record.c   the grammar of a domain's record        organization.c  domains: alignment, where a domain ends
 *     author.c   the domains in From                     dmarc.c         finding the record, and the verdict
 *
 * The result is a word of RFC 8601 section 2.7.5 (IANA's registry; RFC 7489 section 11.2):
 *
 *     none       the domain has no policy (or several, which counts as none)
 *     pass       an identifier that SPF or DKIM proved is aligned with From
 *     fail       none is
 *     temperror  the DNS did not answer, and it depends on that
 *     permerror  From names no usable domain, or the policy can't be understood
 *
 * Organizational domains come from the Public Suffix List as libpsl has it. Keeps no state besides that list; may be
 * called from any thread.
 */
#ifndef DMARC_DMARC_H
#define DMARC_DMARC_H

#include "dkim/dkim.h"
#include "spf/spf.h"

enum dmarc_limit {
    DMARC_MAX_AUTHORS = 10,     /* different domains in From that are looked at */
    DMARC_MAX_RECORD = 8 * 1024 /* bytes of a record that is looked at */
};

enum dmarc_result { DMARC_NONE, DMARC_PASS, DMARC_FAIL, DMARC_TEMPERROR, DMARC_PERMERROR };
enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };

const char *dmarc_result_name(enum dmarc_result r);
const char *dmarc_policy_name(enum dmarc_policy p);

/* ---- records (section 6.3) ---- */

enum { DMARC_REPORT_ALL = 1, DMARC_REPORT_ANY = 2, DMARC_REPORT_DKIM = 4, DMARC_REPORT_SPF = 8 }; /* fo= */

struct dmarc_record {
    enum dmarc_policy policy;           /* p= */
    enum dmarc_policy subdomain_policy; /* sp=, or p= where there is none */
    enum dmarc_policy missing_policy;   /* np=: of subdomains that do not exist (draft-ietf-dmarc-dmarcbis); or sp= */
    bool has_missing_policy;
    bool strict_dkim, strict_spf; /* adkim=, aspf= */
    uint32_t percent;             /* pct=, 100 where it is not there */
    struct str rua, ruf;          /* as written; p NULL: none */
    uint32_t report;              /* fo=, DMARC_REPORT_* */
    bool afrf;                    /* rf= has afrf, or is not there */
    uint32_t interval;            /* ri=, seconds */
};

enum dmarc_grammar {
    DMARC_RECORD,       /* it is one */
    DMARC_OTHER_RECORD, /* it does not begin with v=DMARC1: something else lives there */
    DMARC_BAD_RECORD,   /* it is one, and can't be understood */
};
/* Reads a record's text. Strings point into it. *reason (p NULL where all is well) says what is wrong, or what was
 * ignored. */
enum dmarc_grammar dmarc_record_read(struct str text, struct dmarc_record *out, struct str *reason);

/* ---- domains ---- */

/* The organizational domain (section 3.2) of a name in lower-case A-labels: the public suffix and one label more; the
 * name itself where it is not longer. A view into it. */
struct str dmarc_organization(struct str domain);
/* Section 3.1: the same, or, relaxed, of the same organization. */
bool dmarc_aligned(struct str identifier, struct str author, bool strict);
/* The different domains of the authors in a header, in lower-case A-labels, in the arena; at most DMARC_MAX_AUTHORS.
 * *fields is the number of From fields; *odd that there were more, or some that are no domain names. */
struct str *dmarc_author_domains(struct arena *a, struct str message, size_t *count, size_t *fields, bool *odd);

/* ---- the verdict ---- */

struct dmarc_request {
    struct str message;                     /* its header is looked at */
    const struct spf_answer *spf;           /* of the reverse-path (of HELO where that is empty); NULL: not asked */
    const struct dkim_signature *signature; /* all of the message's */
    size_t signatures;
    dkim_txt_lookup *txt; /* instead of the resolver (tests); NULL: dns_txt() */
    void *txt_context;
    uint32_t sample; /* 1 to 100: the place of this message among a hundred (pct); 0: by chance */
};

/* Strings live in the arena. */
struct dmarc_answer {
    enum dmarc_result result;
    enum dmarc_policy published; /* what the domain asks to be done with what fails: p=, sp= or np= */
    enum dmarc_policy policy;    /* the same for this message: "none" unless it fails, and lessened by pct= */
    struct str domain;           /* of From; where From has several, of the one that decides. "" where there is none */
    struct str record_domain;    /* where its record was found; "" where there is none */
    struct dmarc_record record;
    bool spf_aligned, dkim_aligned; /* a pass of theirs is aligned */
    bool sampled_out;               /* pct= left this message out: policy is a step milder than published */
    size_t from_fields;             /* more than one: nobody knows which of them is shown */
    struct str reason;              /* a sentence without a full stop */
};

/* Always gives an answer. Several domains in From: each must pass, and the strictest policy of those that fail counts
 * (section 6.6.1). */
void dmarc_check(struct dns *dns, struct arena *a, const struct dmarc_request *request, struct dmarc_answer *out);

#endif
