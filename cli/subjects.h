/* subjects: what `mansio` knows, one file each. */
#ifndef CLI_SUBJECTS_H
#define CLI_SUBJECTS_H

#include "cli.h"

extern const struct cli_subject subject_migrate, subject_tenant, subject_operator, subject_domain, subject_account,
    subject_alias, subject_ban, subject_limit, subject_alarm, subject_zone, subject_record, subject_queue,
    subject_trace, subject_setting, subject_audit, subject_doctor, subject_rule, subject_access, subject_check,
    subject_sign, subject_import, subject_export, subject_undelete, subject_retention;
extern const struct cli_subject subject_filter;
extern const struct cli_subject subject_index, subject_share;

#endif
