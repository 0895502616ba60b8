/* clamd: what has a signature does not come in, or goes into Junk, or gets a header field. */
#include "filter/clamd.h"

#include "filtering/state.h"

static struct str printable(struct question *q, struct str name) {
    char *out = arena_c(q->arena, str_sub(name, 0, 200));
    for (char *p = out; *p; p++)
        if (*p <= ' ' || *p > '~')
            *p = '_';
    return str_of(out);
}

static void found(struct question *q, struct str signature) {
    signature = printable(q, signature);
    switch (q->filter->found) {
    case FILTER_REJECT:
        decide_refuse(q, arena_printf(q->arena, "554 5.7.1 The message has a virus: %.*s", STR_ARG(signature)),
                      "found %.*s", STR_ARG(signature));
        break;
    case FILTER_JUNK:
        decide_quarantine(q, "found %.*s", STR_ARG(signature));
        break;
    case FILTER_TAG:
        decide_note(q, NOTE_WARN, "found %.*s", STR_ARG(signature));
        break;
    }
    if (q->filter->found != FILTER_REJECT && !q->filter->warn_only)
        edit_insert(&q->s->transaction.edit, 0, STR("X-Virus-Found"), signature);
}

/* What somebody else wrote there is no finding of ours. */
static void remove_forged(struct question *q) {
    if (q->filter->warn_only)
        return;
    while (edit_remove(&q->s->transaction.edit, STR("X-Virus-Found"), 1))
        ;
}

void clamd_examine(struct question *q) {
    struct str piece[2], signature;
    struct err err;
    uint64_t bytes = message_bytes(q->s);
    if (q->filter->max_size && bytes > q->filter->max_size) {
        decide_note(q, NOTE_PASS, "not shown to it: %llu bytes are over its limit", (unsigned long long)bytes);
        return;
    }
    remove_forged(q);
    size_t pieces = message_pieces(q->s, piece);
    switch (clamd_scan(&q->filter->endpoint, piece, pieces, q->filter->connect_ms, q->filter->content_ms, q->arena,
                       &signature, &err)) {
    case CLAMD_CLEAN:
        decide_note(q, NOTE_PASS, "nothing found");
        break;
    case CLAMD_FOUND:
        found(q, signature);
        break;
    case CLAMD_ERROR:
        decide_failed(q, &err);
        break;
    }
}
