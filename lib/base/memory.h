/*
 * memory: allocation that never returns NULL (running out is a panic: the process is supervised and nothing
 * acknowledged depends on its memory), and arenas.
 *
 * An arena serves one request: allocate freely, reset at the end; nothing is freed by hand. Not thread-safe.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include "base/str.h"

#include <stddef.h>

void *mem_alloc(size_t n); /* uninitialised */
void *mem_zero(size_t n);  /* zeroed */
void *mem_resize(void *p, size_t n);
_Noreturn void mem_panic(void);
/* For a process of many threads, before the first of them: by itself malloc keeps what a few large objects (messages,
 * password hashing) took, in a heap for each thread, for good. Few heaps, and large objects go back when freed. */
void mem_share_heaps(void);

struct arena_chunk;
struct arena {
    struct arena_chunk *chunk; /* newest first */
    size_t used;               /* bytes used of the newest chunk */
};

#define ARENA_EMPTY ((struct arena){NULL, 0})

void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for any object; lives until reset or free */
void *arena_array(struct arena *a, size_t count, size_t size); /* count * size bytes, overflow checked */
struct str arena_str(struct arena *a, struct str s);           /* a copy, NUL-terminated behind its length */
char *arena_c(struct arena *a, struct str s);                  /* the same as a C string */
struct str arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct str arena_lower(struct arena *a, struct str s); /* a copy with ASCII letters in lower case */
void arena_reset(struct arena *a);                     /* everything gone; one chunk is kept for reuse */
void arena_free(struct arena *a);                      /* everything gone, memory returned */

#endif
