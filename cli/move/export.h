/* export: one account's mail from the store into a sink (move/sink.h), mailbox by mailbox. */
#ifndef MOVE_EXPORT_H
#define MOVE_EXPORT_H

#include "move/import.h"
#include "move/sink.h"

struct export_options {
    struct import_names folder, exclude; /* patterns of names, * and ? */
    int64_t since;                       /* only messages that came since; 0: all */
    struct progress *progress;
};
struct export_folder {
    struct str name;
    uint64_t there, written, kept, left_out, bytes; /* kept: an export before this one wrote them */
};
struct export_report {
    struct arena arena;
    struct export_folder *folder;
    size_t folders;
};

/* False with err: it could not go on. */
bool export_run(struct store *store, struct sink *sink, int64_t account, const struct export_options *options,
                struct export_report *report, struct err *err);

#endif
