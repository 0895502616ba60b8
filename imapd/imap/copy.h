/* copy: sets of UIDs as response codes give them (RFC 4315). */
#ifndef IMAP_COPY_H
#define IMAP_COPY_H

#include "base/str.h"

/* "304,319:320"; uid ascending. */
void copy_write_uids(const uint32_t *uid, size_t count, struct buf *out);

#endif
