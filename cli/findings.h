/* findings: what `doctor` and `zone check` say: a list of ok, warn and FAIL, each with what to do. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include "cli.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

/* Adds a line for people, and an object to the array that is the document. */
void finding(struct cli *cli, enum finding level, const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The end: CLI_REFUSED where something failed, with the text as the answer. */
enum cli_exit findings_end(struct cli *cli);

#endif
