/* form: what the files of lib/filter share: a filter's words as text and as values. */
#ifndef FILTER_FORM_H
#define FILTER_FORM_H

#include "filter/filter.h"

/* A form with every field set, checked and written as the table has it. */
struct filter_row {
    struct filter filter;
    struct str kind, mode, on_failure, found; /* the words */
    struct str *service, *stage;
    size_t services, stages;
    int32_t place, connect_timeout, command_timeout, content_timeout;
};
/* False with err, a sentence for the person. Strings in the arena. */
bool filter_check(struct arena *a, const struct filter_form *f, struct filter_row *out, struct err *err);

#endif
