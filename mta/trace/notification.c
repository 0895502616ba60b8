#include "trace/notification.h"

#include "trace/trace.h"

void notification_trace(const struct mta *m, int64_t id, const struct plan *plan) {
    struct trace_message message = {
        .id = id ? id : queue_new_id(), .service = "notification", .stage = "message", .sender = STR("")};
    int32_t n = 0;
    for (size_t i = 0; i < plan->delivery_count; i++) {
        bool good = plan->delivery[i].status == STORE_OK;
        struct trace_recipient to = {.n = n,
                                     .recipient = plan->address[i],
                                     .outcome = good ? TRACE_DELIVERED : TRACE_DISCARDED,
                                     .mailbox = good ? STR("INBOX") : STR(""),
                                     .reply = good ? STR("") : STR("the mailbox is full")};
        trace_add(m->trace, &message, &to);
        n++;
    }
    for (size_t i = 0; i < plan->remote_count; i++) {
        struct trace_recipient to = {.n = n,
                                     .recipient = plan->remote[i].original.n ? plan->remote[i].original
                                                                             : plan->remote[i].address,
                                     .target = plan->remote[i].address,
                                     .outcome = TRACE_QUEUED};
        trace_add(m->trace, &message, &to);
        n++;
    }
}
