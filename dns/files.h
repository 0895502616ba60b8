/*
 * files: the zone files and the include file that names them. A file is written beside its place, synced, and renamed:
 * a reader sees the old one or the new one, whatever happens in between.
 */
#ifndef DNS_FILES_H
#define DNS_FILES_H

#include "base/err.h"
#include "names.h"

/* The path of the zone's file in the folder; appended, NUL-terminated. A name may have a slash (RFC 2317). */
void files_zone_path(struct str folder, struct str zone, struct buf *out);
/* Writes a file beside `path`, synced; its name, appended to `temporary`. */
bool files_prepare(const char *path, struct str content, struct buf *temporary, struct err *err);
bool files_commit(const char *temporary, const char *path, struct err *err); /* the folder is synced by files_sync */
bool files_sync(const char *folder, struct err *err);

/* The include file: one clause a zone. */
bool files_write_include(const char *path, struct str folder, const struct names *zones, struct err *err);
/* The zones that the include file names; none where there is no file yet. */
bool files_read_include(const char *path, struct names *zones, struct err *err);
/* A value that differs when the include file was replaced by another process; 0: there is none. */
uint64_t files_include_version(const char *path);

#endif
