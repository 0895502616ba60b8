/*
 * csv: comma-separated values (RFC 4180): fields in double quotes may hold commas, line ends and quotes (written
 * twice).
 */
#ifndef MOVE_CSV_H
#define MOVE_CSV_H

#include "base/err.h"
#include "base/memory.h"

/* Takes the next line that is not empty and no comment (#) from *rest. Fields in the arena, at most max of them. False
 * at the end, or with err where a line can't be read; *line counts lines. */
bool csv_next(struct arena *a, struct str *rest, struct str *field, size_t max, size_t *count, size_t *line,
              struct err *err);

#endif
