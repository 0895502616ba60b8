/*
 * clamd: asking ClamAV's daemon (clamd(8)): INSTREAM, VERSION. One connection a question.
 */
#ifndef FILTER_CLAMD_H
#define FILTER_CLAMD_H

#include "base/memory.h"
#include "filter/endpoint.h"

enum clamd_result {
    CLAMD_CLEAN,
    CLAMD_FOUND, /* the signature's name is told */
    CLAMD_ERROR,
};

/* Pure: the answer to INSTREAM without its NUL. The name points into answer. */
enum clamd_result clamd_read_answer(struct str answer, struct str *signature, struct err *err);

/* Has the bytes examined, given in pieces that are sent as they are. The signature's name in the arena. */
enum clamd_result clamd_scan(const struct endpoint *e, const struct str *piece, size_t pieces, int connect_ms,
                             int content_ms, struct arena *a, struct str *signature, struct err *err);
/* Its version, after it has answered PING. */
bool clamd_version(const struct endpoint *e, int connect_ms, int command_ms, struct buf *version, struct err *err);

#endif
