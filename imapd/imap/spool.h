/*
 * spool: bytes kept for the length of a command, however many: in memory as long as they are few, then in a file
 * without a name in the folder for that.
 */
#ifndef IMAP_SPOOL_H
#define IMAP_SPOOL_H

#include "base/err.h"
#include "base/str.h"

struct spool {
    const char *folder;
    struct buf memory;
    int fd; /* -1: in memory */
    uint64_t n;
    void *map;
    size_t mapped;
};

void spool_init(struct spool *s, const char *folder);
void spool_free(struct spool *s);
bool spool_add(struct spool *s, struct str bytes, struct err *err);
/* Takes back what is behind the first n bytes. */
bool spool_cut(struct spool *s, uint64_t n, struct err *err);
/* Appends [offset, offset + n), which are there, to out. */
bool spool_read(struct spool *s, uint64_t offset, uint64_t n, struct buf *out, struct err *err);
/* All of it, to look at. Good until the spool is changed or freed. */
bool spool_view(struct spool *s, struct str *all, struct err *err);

#endif
