#include "http/request.h"

#include "base/log.h"
#include "http/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_TARGET = 8192, MAX_COOKIES = 16384, SMALL_UPLOAD = 256 * 1024, CHUNK = 64 * 1024 };

static struct str variable(const struct request *r, const char *name) {
    const char *value = r->source->variable(r->source->context, name);
    return str_of(value ? value : "");
}

struct str request_header(const struct request *r, const char *cgi_name) {
    char name[64];
    if (snprintf(name, sizeof name, "HTTP_%s", cgi_name) >= (int)sizeof name)
        return STR("");
    return variable(r, name);
}

/* "" for what is no address, such as nginx's "unix:". */
static struct str numeric_address(struct str text) {
    unsigned char binary[sizeof(struct in6_addr)];
    bool valid = inet_pton(AF_INET, text.p, binary) == 1 || inet_pton(AF_INET6, text.p, binary) == 1;
    return valid ? text : STR("");
}

static enum method method_of(struct str name) {
    if (str_eq(name, STR("GET")))
        return METHOD_GET;
    if (str_eq(name, STR("HEAD")))
        return METHOD_HEAD;
    return str_eq(name, STR("POST")) ? METHOD_POST : METHOD_OTHER;
}

/* The path as the browser sent it (REQUEST_URI): what nginx decodes would no longer tell "%2F" from "/". */
static int read_target(struct request *r, struct err *err) {
    struct str target = variable(r, "REQUEST_URI");
    if (target.n > MAX_TARGET) {
        err_set(err, "The address is longer than %d bytes.", MAX_TARGET);
        return 414;
    }
    ptrdiff_t question = str_chr(target, '?');
    r->path = question < 0 ? target : str_sub(target, 0, (size_t)question);
    r->query_string = question < 0 ? STR("") : str_sub(target, (size_t)question + 1, target.n);
    if (r->path.n == 0 || r->path.p[0] != '/') {
        r->path = STR("/");
        err_set(err, "The address does not begin with \"/\".");
        return 400;
    }
    return params_parse_urlencoded(&r->query, r->arena, r->query_string, err) ? 0 : 400;
}

static bool read_into(struct request *r, char *out, uint64_t length, struct err *err) {
    uint64_t have = 0;
    while (have < length) {
        ptrdiff_t n = r->source->read(r->source->context, out + have, (size_t)(length - have));
        if (n <= 0)
            return err_set(err, "The request was cut off before its end; send it again.");
        have += (uint64_t)n;
    }
    return true;
}

/* A file without a name: gone when it is closed, whatever happens to this process. */
static int open_spool(const char *folder, struct err *err) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
        if (fd < 0)
            err_errno(err, "cannot make a temporary file in %s", folder);
        return fd;
    }
    char name[4096];
    if (snprintf(name, sizeof name, "%s/upload-XXXXXX", folder) >= (int)sizeof name) {
        err_set(err, "the name of the folder for temporary files is too long");
        return -1;
    }
    fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        err_errno(err, "cannot make a temporary file in %s", folder);
    else
        unlink(name);
    return fd;
}

static bool write_all(int fd, const char *p, size_t n) {
    while (n > 0) {
        ssize_t wrote = write(fd, p, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        p += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

static int spool_into(struct request *r, int fd, uint64_t length, struct err *err) {
    char *chunk = arena_alloc(r->arena, CHUNK);
    for (uint64_t have = 0; have < length;) {
        uint64_t want = length - have < CHUNK ? length - have : CHUNK;
        if (!read_into(r, chunk, want, err))
            return 400;
        if (!write_all(fd, chunk, (size_t)want)) {
            log_error("cannot write an upload to the spool folder: %s", strerror(errno));
            err_set(err, "There is no room for this upload at the moment; try again later.");
            return 503;
        }
        have += want;
    }
    return 0;
}

/* A large upload goes to a file and is mapped: parsed in place, it costs no memory of its own. */
static int spool_body(struct request *r, const char *folder, uint64_t length, struct err *err) {
    struct err why;
    int fd = open_spool(folder, &why);
    if (fd < 0) {
        log_error("%s", why.text);
        err_set(err, "Uploads can't be taken at the moment; try again later.");
        return 503;
    }
    int status = spool_into(r, fd, length, err);
    if (status == 0) {
        void *mapping = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapping == MAP_FAILED) {
            log_error("cannot map an upload of %llu bytes: %s", (unsigned long long)length, strerror(errno));
            err_set(err, "Uploads can't be taken at the moment; try again later.");
            status = 503;
        } else {
            r->mapping = mapping;
            r->mapped = (size_t)length;
            r->body = str_n(mapping, (size_t)length);
        }
    }
    close(fd);
    return status;
}

static int read_body(struct request *r, const struct request_limits *limits, struct err *err) {
    struct str length_text = variable(r, "CONTENT_LENGTH");
    uint64_t length = 0;
    if (length_text.n > 0 && !str_u64(length_text, &length)) {
        err_set(err, "The request's length is not a number.");
        return 400;
    }
    r->type = variable(r, "CONTENT_TYPE");
    bool multipart = str_istarts(r->type, STR("multipart/form-data"));
    uint64_t limit = multipart ? limits->upload_bytes : limits->form_bytes;
    if (length > limit) {
        err_set(err, "What was sent is larger than the %llu KiB that are accepted here.",
                (unsigned long long)limit / 1024);
        return 413;
    }
    if (length > SMALL_UPLOAD && multipart) {
        int status = spool_body(r, limits->spool, length, err);
        if (status != 0)
            return status;
    } else if (length > 0) {
        char *body = arena_alloc(r->arena, (size_t)length);
        if (!read_into(r, body, length, err))
            return 400;
        r->body = str_n(body, (size_t)length);
    }
    if (multipart)
        return params_parse_multipart(&r->form, r->arena, r->type, r->body, err) ? 0 : 400;
    if (str_istarts(r->type, STR("application/x-www-form-urlencoded")))
        return params_parse_urlencoded(&r->form, r->arena, r->body, err) ? 0 : 400;
    return 0;
}

int request_read(struct request *r, struct arena *a, const struct request_source *source,
                 const struct request_limits *limits, struct err *err) {
    *r = (struct request){.arena = a, .source = source, .body = STR(""), .type = STR("")};
    r->method = method_of(variable(r, "REQUEST_METHOD"));
    r->https = str_ieq(variable(r, "HTTPS"), STR("on")) || str_eq(variable(r, "REQUEST_SCHEME"), STR("https"));
    r->address = numeric_address(variable(r, "REMOTE_ADDR"));
    r->host = request_header(r, "HOST");
    int status = read_target(r, err);
    if (status != 0)
        return status;
    struct str cookies = request_header(r, "COOKIE");
    if (cookies.n > MAX_COOKIES) {
        err_set(err, "The browser sent more than %d bytes of cookies; delete this site's cookies and try again.",
                MAX_COOKIES);
        return 400;
    }
    params_parse_cookies(&r->cookies, a, cookies);
    return r->method == METHOD_POST ? read_body(r, limits, err) : 0;
}

void request_free(struct request *r) {
    if (r->mapping)
        munmap(r->mapping, r->mapped);
    r->mapping = NULL;
}
