/*
 * import: one account's mail from one source (move/source.h) into the store (store/import.h): which folders, under
 * which names, what is here already, batches, and what went wrong with which message.
 */
#ifndef MOVE_IMPORT_H
#define MOVE_IMPORT_H

#include "move/progress.h"
#include "move/source.h"
#include "store/store.h"

struct import_names {
    struct str *at;
    size_t count;
};
/* "A,B,C" with "\," for a comma in a name. In the arena. */
struct import_names import_names_read(struct arena *a, struct str text);

struct import_options {
    struct import_names folder, exclude; /* patterns of names at the source, * and ? */
    struct import_names map;             /* "THERE=HERE", with all below */
    int64_t since;                       /* only messages that came since; 0: all */
    bool dry_run;
    bool forget;     /* what was brought before, and so bring it again */
    bool over_quota; /* pass the account's quota */
    bool keep_names; /* do not look at special uses */
    uint32_t reserve;
    struct progress *progress;
};

struct import_target {
    int64_t account_id;
    struct str address;
    struct store_quota quota;
};

struct import_folder {
    struct str name, into;
    uint64_t there, here, brought, left_out, failed, bytes;
    bool renumbered; /* mail programs will read it anew */
};
struct import_error {
    struct str folder, message, why;
};
struct import_report {
    struct arena arena;
    struct import_folder *folder;
    size_t folders;
    struct import_error *error; /* the first IMPORT_MAX_ERRORS */
    size_t errors, errors_kept, cap;
};
enum { IMPORT_MAX_ERRORS = 1000 };

/* False with err: it could not go on; the report says how far it came, and another run goes on there. */
bool import_run(struct store *store, struct source *source, const struct import_target *target,
                const struct import_options *options, struct import_report *report, struct err *err);
void import_report_free(struct import_report *r);

#endif
