#include "submit/alarm.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "hops/hops.h"
#include "mime/mime.h"
#include "queue/runner.h"
#include "route/plan.h"
#include "route/route.h"
#include "store/store.h"

static void compose(const struct mta *m, struct str to, struct str text, const char *id, struct buf *out) {
    char token[24];
    random_token(token, sizeof token, 9);
    buf_printf(out, "From: Mansio <postmaster@%s>\r\nTo: <%.*s>\r\nDate: ", m->hostname, STR_ARG(to));
    clock_rfc5322(clock_now(), out);
    buf_printf(out,
               "\r\nMessage-ID: <%s.%s@%s>\r\nSubject: Alarm: a mailbox sends too much\r\n"
               "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
               "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
               id, token, m->hostname);
    struct buf body = BUF_EMPTY, base64 = BUF_EMPTY;
    buf_printf(&body,
               "%.*s\r\n\r\nThe overview of the admin pages has this alarm, too; \"mansio alarm list\" shows all.\r\n",
               STR_ARG(text));
    base64_encode(buf_str(&body), &base64);
    for (size_t at = 0; at < base64.n; at += 76) {
        buf_add_str(out, str_sub(buf_str(&base64), at, 76));
        buf_add_c(out, "\r\n");
    }
    buf_free(&body);
    buf_free(&base64);
}

void alarm_mail(const struct mta *m, struct arena *a, struct str text) {
    struct directory_route route;
    struct plan plan;
    struct err err;
    struct str host = str_of(m->hostname), to = arena_printf(a, "postmaster@%s", m->hostname);
    log_warn("alarm: %.*s", STR_ARG(text));
    if (route_recipient_of(m, a, STR("postmaster"), host, false, &route) != DIRECTORY_OK) {
        log_error("alarm: no mail is sent: the setting mta.postmaster leads nowhere");
        return;
    }
    int64_t id = queue_new_id();
    char id_text[16];
    queue_id_text(id, id_text);
    struct buf message = BUF_EMPTY, card = BUF_EMPTY;
    compose(m, to, text, id_text, &message);
    mime_card_encode(mime_parse(a, buf_str(&message)), &card);
    plan_begin(&plan, a);
    plan_add(&plan, &route, (struct plan_origin){.address = to, .notify = STR("NEVER")});
    for (size_t i = 0; i < plan.delivery_count; i++)
        plan.delivery[i].prefix = hops_prefix(a, STR(""), plan.address[i]);
    struct store_queued *queued = plan_queued(&plan, m, id, STR(""));
    if (queued)
        queued->source = STR("alarm");
    if (store_deliver(m->store, buf_str(&message), -1, buf_str(&card), plan.delivery, plan.delivery_count, queued,
                      &err) != STORE_OK)
        log_error("alarm: no mail is sent: %s", err.text);
    else if (queued)
        runner_wake(m->runner);
    buf_free(&message);
    buf_free(&card);
}
