/*
 * request: what a browser asked, read from a gateway (FastCGI, or a test) and bounded in every direction. Everything
 * lives in the arena except an upload's bytes, which are mapped from a nameless temporary file until request_free().
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/params.h"

enum method { METHOD_GET = 1, METHOD_POST = 2, METHOD_HEAD = 4, METHOD_OTHER = 8 };

/* Where a request comes from: CGI variables (RFC 3875) and the body as a stream. */
struct request_source {
    const char *(*variable)(void *context, const char *name); /* NULL: not set */
    ptrdiff_t (*read)(void *context, void *p, size_t n);      /* bytes read, 0 at the end */
    void *context;
};

struct request_limits {
    uint64_t form_bytes;   /* of a body that is no upload: kept in memory */
    uint64_t upload_bytes; /* of a multipart body: in memory when small, else in a temporary file */
    const char *spool;     /* folder for temporary files */
};

struct request {
    struct arena *arena;
    const struct request_source *source;
    enum method method;
    struct str path; /* as sent, percent-encoded, beginning with "/" */
    struct str query_string;
    struct params query;
    struct params form; /* of a POST: urlencoded or multipart */
    struct params cookies;
    struct str body;    /* raw; for JSON and the like */
    struct str type;    /* the body's media type, as sent */
    struct str address; /* numeric address of the browser, "" where unknown */
    struct str host;    /* Host header */
    bool https;
    void *mapping; /* of the spooled body, or NULL */
    size_t mapped;
};

/* Reads it all. 0, or the HTTP status to answer with, err holding a sentence for a person; what was read by then (path,
 * https) is set. Call request_free() in each case. */
int request_read(struct request *r, struct arena *a, const struct request_source *source,
                 const struct request_limits *limits, struct err *err);
void request_free(struct request *r);
/* A header: request_header(r, "USER_AGENT"); "" where it was not sent. */
struct str request_header(const struct request *r, const char *cgi_name);

#endif
