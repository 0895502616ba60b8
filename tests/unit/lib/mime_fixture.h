/* What the tests of lib/mime share: reading messages, and short ways to ask. */
#ifndef TESTS_MIME_FIXTURE_H
#define TESTS_MIME_FIXTURE_H

#include "mime/mime.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

/* The file's bytes; false where there is none. */
static inline bool read_file(const char *path, struct buf *out) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_add(out, chunk, n);
    fclose(f);
    return true;
}

/* Line ends of a file as they are on the wire. */
static inline void add_with_crlf(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
            buf_add_byte(out, '\r');
        buf_add_byte(out, text.p[i]);
    }
}

static inline void assert_str(struct str got, const char *want) {
    if (!str_eq(got, str_of(want)))
        fail_msg("got \"%.*s\", want \"%s\"", STR_ARG(got), want);
}

#endif
