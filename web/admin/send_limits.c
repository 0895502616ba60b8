#include "admin/send_limits.h"

enum { MOST = 1000000000 };

const char *const send_limit_field[SEND_LIMITS] = {"messages_hour", "messages_day", "recipients_hour",
                                                   "recipients_day"};
const char *const send_limit_name[SEND_LIMITS] = {"MESSAGES_HOUR", "MESSAGES_DAY", "RECIPIENTS_HOUR", "RECIPIENTS_DAY"};

static bool read_limit(struct str typed, struct db_params *p, struct err *err) {
    uint32_t n = 0;
    if (typed.n == 0) {
        db_null(p);
        return true;
    }
    if (!str_ieq(typed, STR("none")) && (!str_u32(typed, &n) || n > MOST))
        return err_set(err, "\"%.*s\" is no number: leave it empty for what the settings say, or type none",
                       STR_ARG(typed));
    db_int4(p, (int32_t)n);
    return true;
}

bool send_limits_read(struct exchange *x, struct db_params *p, struct err *err) {
    for (int i = 0; i < SEND_LIMITS; i++)
        if (!read_limit(exchange_form(x, send_limit_field[i]), p, err))
            return false;
    return true;
}
