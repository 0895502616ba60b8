/*
 * str: byte strings. `struct str` is a view (pointer and length, owns nothing, may hold NUL and any byte);
 * `struct buf` is a growing, owned byte buffer for building. Nothing here knows mail.
 *
 * Growing a buf beyond memory is a panic: every caller bounds what it appends.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/* A view of a string literal. */
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_ARG(s) (int)((s).n > 1 << 20 ? 1 << 20 : (s).n), (s).p ? (s).p : ""

static inline struct str str_of(const char *c) { return (struct str){c, c ? strlen(c) : 0}; }
static inline struct str str_n(const void *p, size_t n) { return (struct str){(const char *)p, n}; }
static inline bool str_eq(struct str a, struct str b) { return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0); }

bool str_ieq(struct str a, struct str b); /* equal, ASCII letters without case */
int str_cmp(struct str a, struct str b);  /* bytewise order, as memcmp */
int str_icmp(struct str a, struct str b); /* bytewise order, ASCII letters without case */
bool str_starts(struct str s, struct str prefix);
bool str_istarts(struct str s, struct str prefix); /* ASCII letters without case */
bool str_ends(struct str s, struct str suffix);
bool str_iends(struct str s, struct str suffix);
/* The part of s from `from` on, at most n bytes; clipped to s, never out of it. */
struct str str_sub(struct str s, size_t from, size_t n);
/* Index of the first (last) byte c, or -1. */
ptrdiff_t str_chr(struct str s, char c);
ptrdiff_t str_rchr(struct str s, char c);
/* Index of the first needle in s, or -1; an empty needle is at 0. */
ptrdiff_t str_find(struct str s, struct str needle);
/* Without leading and trailing space, TAB, CR and LF. */
struct str str_trim(struct str s);
/* Takes the part of *s before the first `sep` and moves *s behind it (to empty, p kept, when there is none).
 * False when *s is exhausted, that is when s->p is NULL; the last piece sets s->p to NULL. */
bool str_split(struct str *s, char sep, struct str *piece);
/* Takes the next word off a list as people write it: words with spaces, TABs, commas or line ends between them. False
 * where none is left. */
bool str_word(struct str *list, struct str *word);
/* Decimal numbers: the whole of s must be digits and fit; false otherwise. */
bool str_u32(struct str s, uint32_t *out);
bool str_u64(struct str s, uint64_t *out);
/* All bytes are valid UTF-8 (RFC 3629: no surrogates, no overlong forms) / 7-bit and not NUL. */
bool str_is_utf8(struct str s);
bool str_is_ascii(struct str s);
/* A NUL-terminated copy for the caller to free. */
char *str_dup(struct str s);
/* Copies into dst of `size` bytes with NUL; false (and dst empty) when it does not fit or s holds NUL. */
bool str_to_c(struct str s, char *dst, size_t size);

static inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static inline char ascii_upper(char c) { return c >= 'a' && c <= 'z' ? (char)(c - 32) : c; }
static inline bool ascii_digit(char c) { return c >= '0' && c <= '9'; }
static inline bool ascii_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct buf {
    char *p; /* NULL or malloc'd; kept NUL-terminated behind n */
    size_t n;
    size_t cap;
};

#define BUF_EMPTY ((struct buf){NULL, 0, 0})

static inline struct str buf_str(const struct buf *b) { return (struct str){b->p, b->n}; }
void buf_free(struct buf *b); /* frees the memory; b is empty and usable again */
static inline void buf_reset(struct buf *b) { b->n = 0; }
void buf_reserve(struct buf *b, size_t more); /* room for `more` bytes behind n */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_c(struct buf *b, const char *c); /* a C string */
void buf_add_byte(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t v); /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap);
void buf_consume(struct buf *b, size_t n); /* drops the first n bytes */

#endif
