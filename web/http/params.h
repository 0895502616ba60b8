/*
 * params: ordered lists of names and values: query strings, forms, cookies, and the parts of multipart forms, as parsed
 * from foreign bytes with bounds on count and size. Views point into the parsed text or into the arena.
 *
 * Every name and value that is text is valid UTF-8 without NUL: what is not is refused here, with a sentence, so that
 * nothing behind this line has to think of it (PostgreSQL takes neither).
 */
#ifndef HTTP_PARAMS_H
#define HTTP_PARAMS_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"

enum {
    PARAMS_MAX = 2000,             /* pairs in one list */
    PARAMS_MAX_NAME = 200,         /* bytes of a name, decoded */
    PARAMS_MAX_TEXT = 1024 * 1024, /* bytes of a value that is text, decoded */
};

struct param {
    struct str name;
    struct str value;    /* text; for an uploaded file its bytes, whatever they are */
    struct str filename; /* p NULL: not a file. As the browser sent it: for showing, never for opening */
    struct str type;     /* of a file: its media type as sent, "" where none */
};

struct params {
    struct param *at;
    size_t count;
    size_t capacity;
};

/* The first value of that name; p NULL where there is none. Files are not found by it. */
struct str params_get(const struct params *p, struct str name);
/* The i-th part (from 0) of that name which is a file, or NULL. A file field left empty by the user is none. */
const struct param *params_file(const struct params *p, struct str name, size_t i);
bool params_has(const struct params *p, struct str name);
/* Appends; false where the list is full, the name too long, or text broken. */
bool params_add(struct params *p, struct arena *a, struct param one, struct err *err);

/* application/x-www-form-urlencoded (WHATWG URL 5.1), for query strings and forms: "a=1&b=two+words". Appends to out.
 */
bool params_parse_urlencoded(struct params *out, struct arena *a, struct str text, struct err *err);
/* The Cookie header (RFC 6265 section 5.4): "a=1; b=2". Pairs that are malformed are skipped: other programs of the
 * same host may have set them. */
void params_parse_cookies(struct params *out, struct arena *a, struct str header);
/* multipart/form-data (RFC 7578); content_type is the header with its boundary. Values are views into body. */
bool params_parse_multipart(struct params *out, struct arena *a, struct str content_type, struct str body,
                            struct err *err);

#endif
