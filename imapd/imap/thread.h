/*
 * thread: messages as trees of who answers whom (RFC 5256). Knows nothing of the protocol: it gets the messages one
 * after another, in the order of their numbers, and writes the trees.
 *
 * Message-IDs and subjects are kept as hashes of 16 bytes, so memory is bounded by their number and not by their
 * length. All work is linear but for sorting; links that could only be checked by walking further than a budget allows
 * (messages made for that) are left out.
 */
#ifndef IMAP_THREAD_H
#define IMAP_THREAD_H

#include "base/memory.h"
#include "mime/mime.h"

struct threads;

struct threads *threads_new(struct arena *a, size_t messages); /* at most so many are added */
/* date: for comparing (gather_date). */
void threads_add(struct threads *t, const struct mime_card *card, int64_t date, struct arena *scratch);
/* Make the trees. */
void threads_by_references(struct threads *t);
void threads_by_subject(struct threads *t); /* ORDEREDSUBJECT */
/* Appends "(2)(3 6 (4 23)(44 7 96))"; number[i] is that of the i-th message added. */
void threads_write(const struct threads *t, const uint32_t *number, struct buf *out);

#endif
