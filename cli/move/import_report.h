/* import_report: what an import of one or several accounts did, as text and as JSON. */
#ifndef MOVE_IMPORT_REPORT_H
#define MOVE_IMPORT_REPORT_H

#include "cli.h"
#include "move/import.h"

struct import_job {
    struct str uri;
    struct source_options source;
    struct import_target target;
    /* results */
    struct import_report report;
    char *name; /* the source's */
    bool good;
    struct err err;
};

/* CLI_OK where every message that was wanted is here now. */
enum cli_exit import_report_show(struct cli *cli, const struct import_job *job, size_t count, bool dry_run,
                                 double seconds);

#endif
