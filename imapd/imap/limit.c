#include "imap/limit.h"

enum { BATCH = 256 };

static uint32_t saving(const struct session *s) {
    return s->service->message_limit ? s->service->message_limit : s->service->save_limit;
}

void limit_capability(const struct session *s, struct buf *out) {
    if (s->service->message_limit)
        buf_printf(out, " MESSAGELIMIT=%u", s->service->message_limit);
    else if (s->service->save_limit)
        buf_printf(out, " SAVELIMIT=%u", s->service->save_limit);
}

uint64_t limit_count(const struct sequence *set) {
    uint64_t n = 0;
    for (size_t i = 0; i < set->count; i++)
        n += (uint64_t)set->range[i].last - set->range[i].first + 1;
    return n;
}

/* Takes everything below this number out of the set. */
static void cut_below(struct session *s, struct sequence *set, uint32_t seq) {
    size_t n = 0;
    while (n < set->count && set->range[n].last < seq)
        n++;
    set->range += n;
    set->count -= n;
    if (set->count && set->range[0].first < seq)
        set->range[0].first = seq;
    s->limited_at = view_uid(s->client, seq);
}

void limit_keep_highest(struct session *s, struct sequence *set) {
    uint64_t left = s->service->message_limit;
    if (!left || limit_count(set) <= left)
        return;
    for (size_t i = set->count; i-- > 0;) {
        uint64_t n = (uint64_t)set->range[i].last - set->range[i].first + 1;
        if (n >= left) {
            cut_below(s, set, (uint32_t)(set->range[i].last - left + 1));
            return;
        }
        left -= n;
    }
}

void limit_keep_flagged(struct session *s, struct sequence *set, uint32_t flags) {
    struct view_message m[BATCH];
    uint64_t left = s->service->message_limit;
    uint32_t lowest = 0;
    if (!left || limit_count(set) <= left)
        return;
    for (size_t i = set->count; i-- > 0;) {
        for (uint32_t last = set->range[i].last; last >= set->range[i].first;) {
            uint32_t n = last - set->range[i].first + 1 < BATCH ? last - set->range[i].first + 1 : BATCH;
            view_read(s->client, last - n + 1, n, m);
            for (uint32_t k = n; k-- > 0;) {
                if (m[k].gone || (m[k].flags & flags) != flags)
                    continue;
                if (left-- == 0) {
                    cut_below(s, set, lowest);
                    return;
                }
                lowest = last - n + 1 + k;
            }
            last -= n;
        }
    }
}

bool limit_forbids(const struct session *s, uint64_t count) {
    return s->service->message_limit && count > s->service->message_limit;
}

bool limit_forbids_saving(const struct session *s, uint64_t count) { return saving(s) && count > saving(s); }

enum outcome limit_refuse(struct session *s) {
    return session_no(s, "[MESSAGELIMIT %u] Too many messages for one command", saving(s));
}

void limit_code(const struct session *s, struct buf *out) {
    if (s->limited_at)
        buf_printf(out, "[MESSAGELIMIT %u %u] ", s->service->message_limit, s->limited_at);
}
