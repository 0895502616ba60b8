#include "smtpd/stage.h"

#include "filtering/filtering.h"
#include "policy/policy.h"
#include "sender/sender.h"
#include "smtpd/session.h"
#include "submit/limit.h"

/* Who is asked, in this order: what costs least and refuses most comes first. */
static const struct examiner *const examiners[] = {
    &policy_examiner, &limit_examiner, &sender_examiner, &filtering_examiner, NULL,
};

struct verdict stage_ask(struct session *s, enum stage stage) {
    for (size_t i = 0; examiners[i]; i++) {
        struct verdict v = {.action = VERDICT_PASS, .rule = examiners[i]->name};
        if (examiners[i]->examine[stage])
            examiners[i]->examine[stage](s, &v);
        if (v.action != VERDICT_PASS)
            return v;
    }
    return (struct verdict){.action = VERDICT_PASS};
}

bool stage_pass(struct session *s, enum stage stage, enum step *step) {
    struct verdict v = stage_ask(s, stage);
    if (v.action == VERDICT_PASS)
        return true;
    if (v.action == VERDICT_DISCARD) {
        s->transaction.discard = true;
        return true;
    }
    str_to_c(str_of(v.rule), s->refused_by, sizeof s->refused_by);
    reply(s, v.reply);
    reply(s, STR("\r\n"));
    *step = v.action == VERDICT_CLOSE ? STEP_CLOSE : STEP_WAIT;
    return false;
}

void stage_refused_recipient(struct session *s, struct str address, const char *code, const char *why) {
    for (size_t i = 0; examiners[i]; i++)
        if (examiners[i]->refused_recipient)
            examiners[i]->refused_recipient(s, address, str_of(code), str_of(why));
}

struct verdict stage_unknown_command(struct session *s, struct str line) {
    struct verdict v = {.action = VERDICT_PASS};
    for (size_t i = 0; examiners[i] && v.action == VERDICT_PASS; i++)
        if (examiners[i]->unknown_command)
            examiners[i]->unknown_command(s, line, &v);
    return v;
}

void stage_end_transaction(struct session *s) {
    for (size_t i = 0; examiners[i]; i++)
        if (examiners[i]->end_transaction)
            examiners[i]->end_transaction(s);
}

void stage_close(struct session *s) {
    for (size_t i = 0; examiners[i]; i++)
        if (examiners[i]->close)
            examiners[i]->close(s);
}
