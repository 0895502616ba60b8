/*
 * batch: what trace.c gathers and write.c writes. Strings are clean: UTF-8 without control characters, cut to what a
 * page can show; addresses in lower case.
 */
#ifndef TRACE_BATCH_H
#define TRACE_BATCH_H

#include "base/memory.h"
#include "db/db.h"
#include "trace/trace.h"

struct batch_row {
    struct trace_message m;
    struct trace_recipient r;
};

struct batch {
    struct arena arena;
    size_t bytes; /* some */
    struct batch_row *row;
    size_t rows, row_cap;
    struct trace_event *event;
    size_t events, event_cap;
};

/* Appends a clean copy. */
void batch_add_row(struct batch *b, const struct trace_message *m, const struct trace_recipient *r);
void batch_add_event(struct batch *b, const struct trace_event *e);
/* Empty, with its arrays kept. */
void batch_reset(struct batch *b);
void batch_free(struct batch *b);

/* Makes the partitions of the days to come, and drops what is older than that. *lowest: ids below have no place. */
bool write_maintain(struct db_conn *c, int32_t days, int64_t *lowest, struct err *err);
/* Writes all of it in one transaction. */
bool write_batch(struct db_conn *c, const struct batch *b, int64_t lowest, struct err *err);

#endif
