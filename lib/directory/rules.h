/*
 * rules: the rules for incoming mail, for those who show and change them (web, cli) and for the MTA, which applies them
 * (mta/policy). Each rule's mode is the setting "policy.<name>"; its parameters are settings beside it.
 */
#ifndef DIRECTORY_RULES_H
#define DIRECTORY_RULES_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

enum rule_mode { RULE_OFF, RULE_WARN, RULE_ENFORCE };

/* In the order in which the rules are applied. */
enum rule_id {
    RULE_RATE,
    RULE_EARLY_TALKER,
    RULE_PIPELINING,
    RULE_ACCESS,
    RULE_HELO_SYNTAX,
    RULE_HELO_OWN,
    RULE_HELO_FQDN,
    RULE_SENDER_DOMAIN,
    RULE_REVERSE_EXISTS,
    RULE_REVERSE_MATCH,
    RULE_DNSBL,
    RULE_GREYLIST,
    RULE_COUNT,
};

enum { RULE_MAX_PARAMETERS = 5 };

struct rule_info {
    const char *name;    /* "helo_syntax": in replies, logs and "policy.helo_syntax" */
    const char *setting; /* "policy.helo_syntax" */
    const char *title, *explanation;
    const char *parameter[RULE_MAX_PARAMETERS]; /* names of settings; NULL-terminated */
};

extern const struct rule_info rules[RULE_COUNT];
extern const char *const rule_mode_names[3]; /* off, warn, enforce */

/* False: no such rule, or mode. */
bool rule_find(struct str name, enum rule_id *out);
bool rule_mode_parse(struct str text, enum rule_mode *out);

/* Whether a value is good for the setting of that name; settings of others are. */
bool rule_setting_check(struct str name, struct str value, struct err *err);

#endif
