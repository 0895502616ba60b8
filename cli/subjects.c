#include "subjects.h"

const struct cli_subject *const cli_subjects[] = {
    &subject_migrate,   &subject_tenant,  &subject_operator, &subject_domain,
    &subject_account,   &subject_alias,   &subject_ban,      &subject_limit,
    &subject_alarm,     &subject_zone,    &subject_record,   &subject_queue,
    &subject_trace,     &subject_setting, &subject_filter,   &subject_rule,
    &subject_access,    &subject_audit,   &subject_doctor,   &subject_check,
    &subject_sign,      &subject_import,  &subject_export,   &subject_undelete,
    &subject_retention, &subject_index,   &subject_share,    NULL,
};

const struct cli_subject *cli_subject_named(struct str name) {
    for (size_t i = 0; cli_subjects[i]; i++)
        if (str_eq(name, str_of(cli_subjects[i]->name)))
            return cli_subjects[i];
    return NULL;
}

const struct cli_verb *cli_verb_named(const struct cli_subject *s, struct str name) {
    for (const struct cli_verb *v = s->verb; v->run; v++)
        if (v->name && str_eq(name, str_of(v->name)))
            return v;
    return NULL;
}
