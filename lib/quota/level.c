/* When a warning is due, and its words. */
#include "quota/quota.h"

#include <stdio.h>

enum { FULL = 100 };

bool quota_levels_parse(struct str text, struct quota_levels *out, struct err *err) {
    struct str word, rest = text;
    *out = (struct quota_levels){.count = 0};
    while (rest.n && str_split(&rest, ' ', &word)) {
        uint32_t n;
        if (!word.n)
            continue;
        if (!str_u32(word, &n) || n < 1 || n > FULL)
            return err_set(err, "\"%.*s\" is no percentage from 1 to 100", STR_ARG(word));
        if (out->count == QUOTA_MAX_LEVELS)
            return err_set(err, "at most %d percentages are possible", QUOTA_MAX_LEVELS);
        if (out->count && (int16_t)n <= out->percent[out->count - 1])
            return err_set(err, "the percentages have to grow: %u follows %d", n, out->percent[out->count - 1]);
        out->percent[out->count++] = (int16_t)n;
    }
    return true;
}

static int16_t level_of(const struct quota_levels *l, int64_t percent) {
    int16_t level = 0;
    for (size_t i = 0; i < l->count && l->percent[i] <= percent; i++)
        level = l->percent[i];
    return level;
}

int16_t quota_next_level(const struct quota_levels *levels, const struct quota_state *s, bool *tell) {
    int16_t last = levels->count ? levels->percent[levels->count - 1] : 0;
    int16_t almost = levels->count > 1 ? levels->percent[levels->count - 2] : last;
    int16_t level = level_of(levels, s->percent), warned = s->warned, before = level_of(levels, s->percent_before);
    if (last == FULL && s->refused && s->percent >= almost)
        level = FULL;
    if (warned == FULL && s->percent_before >= almost) /* still full, though not to the last byte */
        before = FULL;
    if (before < warned) /* it was below in between */
        warned = before;
    *tell = level > warned;
    return level > warned ? level : warned;
}

static bool put(const char *name, struct str value, struct str *rest, struct buf *out) {
    struct str word = str_of(name);
    if (!str_starts(*rest, word))
        return false;
    buf_add_str(out, value);
    *rest = str_sub(*rest, word.n, rest->n);
    return true;
}

void quota_fill_in(struct str text, const struct quota_words *w, struct buf *out) {
    char percent[24];
    snprintf(percent, sizeof percent, "%lld", (long long)w->percent);
    while (text.n) {
        if (put("{address}", w->address, &text, out) || put("{name}", w->name, &text, out) ||
            put("{percent}", str_of(percent), &text, out) || put("{used}", w->used, &text, out) ||
            put("{limit}", w->limit, &text, out) || put("\\n", STR("\r\n"), &text, out))
            continue;
        buf_add_byte(out, text.p[0]);
        text = str_sub(text, 1, text.n);
    }
}
