#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CHUNK_BYTES = 8192,
    OWN_MAPPING = 256 << 10, /* larger objects have a mapping of their own */
    HEAPS = 4,
};

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap;
    _Alignas(max_align_t) char data[];
};

void mem_panic(void) {
    fputs("panic: out of memory\n", stderr);
    abort();
}

void mem_share_heaps(void) {
    mallopt(M_MMAP_THRESHOLD, OWN_MAPPING); /* set, it no longer grows with what is freed */
    mallopt(M_ARENA_MAX, HEAPS);
}

void *mem_alloc(size_t n) {
    void *p = malloc(n ? n : 1);
    if (!p)
        mem_panic();
    return p;
}

void *mem_zero(size_t n) {
    void *p = calloc(1, n ? n : 1);
    if (!p)
        mem_panic();
    return p;
}

void *mem_resize(void *p, size_t n) {
    void *q = realloc(p, n ? n : 1);
    if (!q)
        mem_panic();
    return q;
}

static void *arena_raw(struct arena *a, size_t n) {
    size_t align = _Alignof(max_align_t);
    if (n > SIZE_MAX / 2)
        mem_panic();
    n = (n + align - 1) & ~(align - 1);
    if (!a->chunk || n > a->chunk->cap - a->used) {
        size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;
        struct arena_chunk *c = mem_alloc(sizeof *c + cap);
        c->cap = cap;
        c->next = a->chunk;
        a->chunk = c;
        a->used = 0;
    }
    void *p = a->chunk->data + a->used;
    a->used += n;
    return p;
}

void *arena_alloc(struct arena *a, size_t n) {
    void *p = arena_raw(a, n);
    memset(p, 0, n);
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        mem_panic();
    return arena_alloc(a, n);
}

struct str arena_str(struct arena *a, struct str s) {
    return (struct str){arena_c(a, s), s.n};
}

char *arena_c(struct arena *a, struct str s) {
    char *p = arena_raw(a, s.n + 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

struct str arena_printf(struct arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    struct str s = {NULL, 0};
    if (n >= 0) {
        char *p = arena_raw(a, (size_t)n + 1);
        vsnprintf(p, (size_t)n + 1, fmt, again);
        s = (struct str){p, (size_t)n};
    }
    va_end(again);
    return s;
}

struct str arena_lower(struct arena *a, struct str s) {
    char *p = arena_c(a, s);
    for (size_t i = 0; i < s.n; i++)
        p[i] = ascii_lower(p[i]);
    return (struct str){p, s.n};
}

void arena_reset(struct arena *a) {
    if (!a->chunk)
        return;
    while (a->chunk->next) {
        struct arena_chunk *next = a->chunk->next;
        free(a->chunk);
        a->chunk = next;
    }
    if (a->chunk->cap > CHUNK_BYTES) {
        free(a->chunk);
        a->chunk = NULL;
    }
    a->used = 0;
}

void arena_free(struct arena *a) {
    while (a->chunk) {
        struct arena_chunk *next = a->chunk->next;
        free(a->chunk);
        a->chunk = next;
    }
    a->used = 0;
}
