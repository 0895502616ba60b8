/*
 * lines: line ends on their way between a file and the store. Files of Maildir and mbox have LF; the store has messages
 * as they go over the wire, with CR LF. Both ways together give back every byte, whatever the message:
 *
 *   - a file without any CR LF gets a CR before each LF; every other file is taken as it is;
 *   - a message whose line ends are all CR LF (and no CR before one) loses the CRs; every other one is written as it
 * is.
 *
 * Two cases need a mark to come back as they were: a file with CR LF throughout (`crlf`, kept in the store), and a
 * message whose line ends are all bare LF (`raw`, kept in the file's name or header).
 */
#ifndef MOVE_LINES_H
#define MOVE_LINES_H

#include "base/str.h"

/* The message as the store has it: the file itself, or built in out. raw: the file's mark. */
struct str lines_to_store(struct str file, bool raw, struct buf *out, bool *crlf);
/* The bytes of its file: the message itself, or built in out. crlf: the store's mark. */
struct str lines_to_file(struct str message, bool crlf, struct buf *out, bool *raw);

#endif
