#include "http/reply.h"

#include "base/log.h"
#include "http/url.h"

/* Nothing but this site's own files, no inline script or style, no framing. */
#define POLICY                                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "                 \
    "connect-src 'self'; frame-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "          \
    "base-uri 'none'"

void reply_begin(struct reply *r, struct arena *a) {
    *r = (struct reply){.arena = a, .status = 200};
    reply_set_c(r, "Content-Type", "text/html; charset=utf-8");
    reply_set_c(r, "Content-Security-Policy", POLICY);
    reply_set_c(r, "X-Content-Type-Options", "nosniff");
    reply_set_c(r, "X-Frame-Options", "DENY");
    reply_set_c(r, "Referrer-Policy", "same-origin");
    reply_set_c(r, "Cross-Origin-Opener-Policy", "same-origin");
    reply_set_c(r, "Cross-Origin-Resource-Policy", "same-origin");
    reply_set_c(r, "Permissions-Policy", "camera=(), geolocation=(), microphone=()");
    reply_set_c(r, "Cache-Control", "no-store");
}

void reply_free(struct reply *r) { buf_free(&r->body); }

static struct str header_value(struct reply *r, struct str value) {
    struct str copy = arena_str(r->arena, value);
    char *p = (char *)(uintptr_t)copy.p;
    size_t n = 0;
    for (size_t i = 0; i < value.n; i++) {
        if ((unsigned char)value.p[i] >= ' ' && value.p[i] != 0x7f)
            p[n++] = value.p[i];
    }
    return str_n(p, n);
}

static void add(struct reply *r, const char *name, struct str value) {
    if (r->headers == REPLY_MAX_HEADERS)
        log_panic("reply: more than %d headers", REPLY_MAX_HEADERS);
    r->header[r->headers++] = (struct reply_header){arena_str(r->arena, str_of(name)), header_value(r, value)};
}

void reply_unset(struct reply *r, const char *name) {
    size_t kept = 0;
    for (size_t i = 0; i < r->headers; i++) {
        if (!str_ieq(r->header[i].name, str_of(name)))
            r->header[kept++] = r->header[i];
    }
    r->headers = kept;
}

void reply_set(struct reply *r, const char *name, struct str value) {
    reply_unset(r, name);
    add(r, name, value);
}

void reply_set_c(struct reply *r, const char *name, const char *value) { reply_set(r, name, str_of(value)); }
void reply_type(struct reply *r, const char *media_type) { reply_set_c(r, "Content-Type", media_type); }

void reply_cookie(struct reply *r, struct str name, struct str value, long max_age, bool secure) {
    struct buf b = BUF_EMPTY;
    buf_printf(&b, "%.*s=%.*s; Path=/; HttpOnly; SameSite=Lax", STR_ARG(name), STR_ARG(value));
    if (max_age >= 0)
        buf_printf(&b, "; Max-Age=%ld", max_age);
    if (secure)
        buf_add_c(&b, "; Secure");
    add(r, "Set-Cookie", buf_str(&b));
    buf_free(&b);
}

void reply_redirect(struct reply *r, struct str path) {
    r->status = 303;
    buf_reset(&r->body);
    reply_set(r, "Location", url_is_local_path(path) ? path : STR("/"));
}

void reply_filename(struct reply *r, struct str filename, bool is_inline) {
    struct buf b = BUF_EMPTY;
    buf_add_c(&b, is_inline ? "inline; filename=\"" : "attachment; filename=\"");
    for (size_t i = 0; i < filename.n && i < 200; i++) {
        unsigned char c = (unsigned char)filename.p[i];
        buf_add_byte(&b, c > ' ' - 1 && c < 0x7f && c != '"' && c != '\\' && c != '/' ? (char)c : '_');
    }
    buf_add_c(&b, "\"; filename*=UTF-8''");
    url_encode(&b, str_sub(filename, 0, 600));
    reply_set(r, "Content-Disposition", buf_str(&b));
    buf_free(&b);
}

static const struct {
    int status;
    const char *reason;
} REASONS[] = {
    {200, "OK"},
    {204, "No Content"},
    {206, "Partial Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

const char *reply_reason(int status) {
    for (size_t i = 0; i < sizeof REASONS / sizeof *REASONS; i++) {
        if (REASONS[i].status == status)
            return REASONS[i].reason;
    }
    return "Status";
}

void reply_head(const struct reply *r, struct buf *out) {
    buf_printf(out, "Status: %d %s\r\n", r->status, reply_reason(r->status));
    for (size_t i = 0; i < r->headers; i++) {
        buf_add_str(out, r->header[i].name);
        buf_add_c(out, ": ");
        buf_add_str(out, r->header[i].value);
        buf_add_c(out, "\r\n");
    }
    buf_printf(out, "Content-Length: %zu\r\n\r\n", r->body.n);
}
