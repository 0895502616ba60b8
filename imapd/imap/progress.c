#include "imap/progress.h"

#include "base/clock.h"

static int64_t next_time(const struct session *s) {
    return clock_monotonic() + s->service->progress_ms * INT64_C(1000);
}

void progress_begin(struct session *s, uint64_t goal) {
    s->progress.goal = goal;
    s->progress.base = 0;
    s->progress.next = next_time(s);
}

void progress_base(struct session *s, uint64_t done) { s->progress.base = done; }

void progress_end(struct session *s) { s->progress.goal = 0; }

/* A "]" in the tag would end the response code for who does not look at quotes (RFC 9585 section 4). */
bool progress_tick(struct session *s, uint64_t done) {
    done += s->progress.base;
    if (done >= s->progress.goal || clock_monotonic() < s->progress.next)
        return true;
    struct buf *out = session_out(s);
    if (str_chr(s->tag, ']') >= 0)
        buf_add_c(out, "* OK [INPROGRESS (NIL ");
    else
        buf_printf(out, "* OK [INPROGRESS (\"%.*s\" ", STR_ARG(s->tag));
    buf_printf(out, "%llu %llu)] Still working\r\n", (unsigned long long)done, (unsigned long long)s->progress.goal);
    s->progress.next = next_time(s);
    return conn_flush(s->conn);
}
