#include "store/s3.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    IDLE = 32, /* handles with their connections that are kept */
    TRIES = 4,
    FIRST_PAUSE_MS = 200, /* then four times as long each time, and some chance */
    CONNECT_SECONDS = 5,
    SLOW_SECONDS = 15, /* with less than a byte a second */
    REQUEST_SECONDS = 300,
    KEY_BYTES = 512,
    ANSWER_BYTES = 64 * 1024, /* of what an error says */
};

struct s3 {
    char *base; /* endpoint/bucket/ */
    char *user; /* access key:secret key */
    char *signature, *ca;
    pthread_mutex_t lock;
    CURL *idle[IDLE];
    int idles;
};

/* ---- opening ---- */

static bool read_line(struct str *rest, struct str *line) {
    struct str piece;
    while (str_split(rest, '\n', &piece)) {
        *line = str_trim(piece);
        if (line->n && line->p[0] != '#')
            return true;
    }
    return false;
}

/* Two lines: the access key and the secret key. */
static bool read_keys(const char *path, char **user, struct err *err) {
    char text[KEY_BYTES];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "cannot read s3_key_file %s", path);
    ssize_t n = fstat(fd, &st) == 0 ? read(fd, text, sizeof text) : -1;
    close(fd);
    if (n < 0)
        return err_errno(err, "cannot read s3_key_file %s", path);
    struct str rest = str_n(text, (size_t)n), access, secret;
    bool good = read_line(&rest, &access) && read_line(&rest, &secret) && (size_t)n < sizeof text;
    if (st.st_mode & (S_IRWXO | S_IWGRP)) {
        good = err_set(err, "s3_key_file %s may be read or changed by others: chmod 640 it", path);
    } else if (!good) {
        err_set(err, "s3_key_file %s has not two lines, the access key and the secret key", path);
    } else {
        struct buf both = BUF_EMPTY;
        buf_printf(&both, "%.*s:%.*s", STR_ARG(access), STR_ARG(secret));
        *user = both.p;
    }
    explicit_bzero(text, sizeof text);
    return good;
}

static char *printed(const char *fmt, const char *a, const char *b) {
    struct buf out = BUF_EMPTY;
    buf_printf(&out, fmt, a, b);
    return out.p;
}

/* What may stand in a path and in a signature's query as it is. */
static bool plain(const char *s) {
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") == strlen(s);
}

struct s3 *s3_open(const struct blob_options *o, struct err *err) {
    struct str endpoint = str_of(o->s3.endpoint);
    char *user;
    while (endpoint.n && endpoint.p[endpoint.n - 1] == '/')
        endpoint.n--;
    if (!str_starts(endpoint, STR("https://")) && !str_starts(endpoint, STR("http://"))) {
        err_set(err, "s3_endpoint is not https://host or http://host");
        return NULL;
    }
    if (!plain(o->s3.bucket) || !plain(o->s3.region) || (*o->s3.prefix && !plain(o->s3.prefix))) {
        err_set(err, "s3_bucket, s3_region and s3_prefix have letters, digits and . - _ alone");
        return NULL;
    }
    if (!read_keys(o->s3.key_file, &user, err))
        return NULL;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct s3 *s = mem_zero(sizeof *s);
    char *end = str_dup(endpoint);
    s->base = printed("%s/%s/", end, o->s3.bucket);
    s->signature = printed("aws:amz:%s:%s", o->s3.region, "s3");
    s->user = user;
    s->ca = str_dup(str_of(o->s3.ca ? o->s3.ca : ""));
    free(end);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void s3_close(struct s3 *s) {
    if (!s)
        return;
    for (int i = 0; i < s->idles; i++)
        curl_easy_cleanup(s->idle[i]);
    explicit_bzero(s->user, strlen(s->user));
    free(s->user);
    free(s->base);
    free(s->signature);
    free(s->ca);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- one request ---- */

struct request {
    const char *method, *what; /* what: key and query */
    struct str body;           /* of PUT */
    char hash[65];             /* SHA-256 of it */
    char range[64];
    struct buf answer;
    size_t most; /* bytes of an answer */
    long status;
    size_t sent;
};

static CURL *take_handle(struct s3 *s) {
    pthread_mutex_lock(&s->lock);
    CURL *c = s->idles ? s->idle[--s->idles] : NULL;
    pthread_mutex_unlock(&s->lock);
    if (c)
        curl_easy_reset(c); /* connections stay */
    return c ? c : curl_easy_init();
}

static void give_handle(struct s3 *s, CURL *c) {
    pthread_mutex_lock(&s->lock);
    if (s->idles < IDLE) {
        s->idle[s->idles++] = c;
        c = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    curl_easy_cleanup(c);
}

static size_t take_answer(char *p, size_t size, size_t n, void *context) {
    struct request *q = context;
    if (n * size > q->most - q->answer.n)
        return 0;
    buf_add(&q->answer, p, n * size);
    return n * size;
}

static size_t give_body(char *p, size_t size, size_t n, void *context) {
    struct request *q = context;
    struct str part = str_sub(q->body, q->sent, size * n);
    memcpy(p, part.p, part.n);
    q->sent += part.n;
    return part.n;
}

/* libcurl sends the body again where a kept connection turns out to be dead. */
static int rewind_body(void *context, curl_off_t offset, int origin) {
    struct request *q = context;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > q->body.n)
        return CURL_SEEKFUNC_CANTSEEK;
    q->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static void hash_body(struct request *q) {
    unsigned char sum[32];
    unsigned n = sizeof sum;
    if (!EVP_Digest(q->body.p ? q->body.p : "", q->body.n, sum, &n, EVP_sha256(), NULL))
        log_fatal("SHA-256 is not there");
    for (size_t i = 0; i < sizeof sum; i++)
        snprintf(q->hash + 2 * i, 3, "%02x", sum[i]);
}

static struct curl_slist *headers(const struct request *q) {
    struct buf line = BUF_EMPTY;
    buf_printf(&line, "x-amz-content-sha256: %s", q->hash);
    struct curl_slist *list = curl_slist_append(NULL, line.p);
    if (*q->range) {
        buf_reset(&line);
        buf_printf(&line, "Range: %s", q->range);
        list = curl_slist_append(list, line.p);
    }
    buf_free(&line);
    return list;
}

static CURLcode perform(struct s3 *s, struct request *q, char problem[CURL_ERROR_SIZE]) {
    CURL *c = take_handle(s);
    if (!c)
        return CURLE_OUT_OF_MEMORY;
    struct buf url = BUF_EMPTY;
    struct curl_slist *list = headers(q);
    buf_printf(&url, "%s%s", s->base, q->what);
    q->sent = 0;
    buf_reset(&q->answer);
    *problem = 0;
    curl_easy_setopt(c, CURLOPT_URL, url.p);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, problem);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)REQUEST_SECONDS);
    curl_easy_setopt(c, CURLOPT_AWS_SIGV4, s->signature);
    curl_easy_setopt(c, CURLOPT_USERPWD, s->user);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, q);
    if (*s->ca)
        curl_easy_setopt(c, CURLOPT_CAINFO, s->ca);
    if (strcmp(q->method, "PUT") == 0) {
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body.n);
        curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
        curl_easy_setopt(c, CURLOPT_READDATA, q);
        curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, rewind_body);
        curl_easy_setopt(c, CURLOPT_SEEKDATA, q);
    } else if (strcmp(q->method, "GET") != 0) {
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, q->method);
    }
    CURLcode code = curl_easy_perform(c);
    q->status = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &q->status);
    curl_slist_free_all(list);
    buf_free(&url);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
    give_handle(s, c);
    return code;
}

/* What stands in the first element of that name; p NULL: nothing. */
static struct str element(struct str xml, const char *open, const char *close) {
    ptrdiff_t at = str_find(xml, str_of(open));
    if (at < 0)
        return (struct str){NULL, 0};
    struct str rest = str_sub(xml, (size_t)at + strlen(open), xml.n);
    ptrdiff_t end = str_find(rest, str_of(close));
    return end < 0 ? (struct str){NULL, 0} : str_sub(rest, 0, (size_t)end);
}

static bool refused(struct s3 *s, const struct request *q, struct err *err) {
    struct str code = element(buf_str(&q->answer), "<Code>", "</Code>");
    char word[64];
    size_t n = 0;
    for (size_t i = 0; i < code.n && n + 1 < sizeof word; i++)
        if (ascii_alpha(code.p[i]) || ascii_digit(code.p[i]))
            word[n++] = code.p[i];
    word[n] = 0;
    return err_set(err, "the object store at %s answered %ld %s to %s", s->base, q->status, word, q->method);
}

static bool passes(CURLcode code, long status) {
    if (code == CURLE_OK)
        return status >= 500 || status == 429 || status == 408;
    return code != CURLE_PEER_FAILED_VERIFICATION && code != CURLE_SSL_CACERT_BADFILE && code != CURLE_WRITE_ERROR &&
           code != CURLE_OUT_OF_MEMORY && code != CURLE_URL_MALFORMAT && code != CURLE_UNSUPPORTED_PROTOCOL;
}

static void pause_before(int again) {
    int64_t ms = FIRST_PAUSE_MS;
    for (int i = 1; i < again; i++)
        ms *= 4;
    uint32_t chance;
    random_bytes(&chance, sizeof chance);
    ms = ms / 2 + (int64_t)(chance % (uint32_t)ms);
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* True: there was an answer, and its status is not one that passes. */
static bool ask(struct s3 *s, struct request *q, struct err *err) {
    char problem[CURL_ERROR_SIZE];
    hash_body(q);
    for (int i = 0; i < TRIES; i++) {
        if (i)
            pause_before(i);
        CURLcode code = perform(s, q, problem);
        if (code == CURLE_OK && !passes(code, q->status))
            return true;
        if (code == CURLE_OK)
            refused(s, q, err);
        else
            err_set(err, "the object store at %s does not answer: %s", s->base,
                    *problem ? problem : curl_easy_strerror(code));
        if (!passes(code, q->status))
            return false;
        log_debug("s3: %s, try %d of %d", err->text, i + 1, TRIES);
    }
    return false;
}

/* ---- what is asked for ---- */

bool s3_put(struct s3 *s, const char *key, struct str bytes, int fd, struct err *err) {
    void *mapped = NULL;
    if (!bytes.p && bytes.n) {
        mapped = mmap(NULL, bytes.n, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapped == MAP_FAILED)
            return err_errno(err, "cannot read the spooled message");
        bytes.p = mapped;
    }
    struct request q = {.method = "PUT", .what = key, .body = bytes, .most = ANSWER_BYTES};
    bool good = ask(s, &q, err) && (q.status == 200 || refused(s, &q, err));
    buf_free(&q.answer);
    if (mapped)
        munmap(mapped, bytes.n);
    return good;
}

bool s3_get(struct s3 *s, const char *key, uint64_t offset, uint64_t n, struct buf *out, struct err *err) {
    struct request q = {.method = "GET", .what = key, .most = SIZE_MAX / 2};
    if (n == 0)
        return true;
    if (n > UINT64_MAX / 2 - offset)
        snprintf(q.range, sizeof q.range, "bytes=%" PRIu64 "-", offset);
    else
        snprintf(q.range, sizeof q.range, "bytes=%" PRIu64 "-%" PRIu64, offset, offset + n - 1);
    bool good = ask(s, &q, err);
    if (good && q.status == 206)
        buf_add(out, q.answer.p, q.answer.n);
    else if (good && q.status == 200) { /* it knows no ranges */
        struct str part = offset < q.answer.n ? str_sub(buf_str(&q.answer), (size_t)offset, (size_t)n) : STR("");
        buf_add(out, part.p, part.n);
    } else if (good && q.status == 404) {
        good = err_set(err, "the message %s is not in the object store: restore it from a backup", key);
    } else if (good && q.status != 416) { /* 416: it ends before the offset */
        good = refused(s, &q, err);
    }
    buf_free(&q.answer);
    return good;
}

bool s3_delete(struct s3 *s, const char *key, struct err *err) {
    struct request q = {.method = "DELETE", .what = key, .most = ANSWER_BYTES};
    bool good = ask(s, &q, err);
    if (good && q.status != 204 && q.status != 200 && q.status != 404)
        good = refused(s, &q, err);
    buf_free(&q.answer);
    return good;
}

static void add_escaped(struct buf *out, const char *s) {
    for (; *s; s++)
        if (*s == '/')
            buf_add_c(out, "%2F");
        else
            buf_add_byte(out, *s);
}

bool s3_list(struct s3 *s, const char *prefix, const char *after, struct buf *xml, struct err *err) {
    struct buf what = BUF_EMPTY; /* names in their order, as the signature wants them */
    buf_add_c(&what, "?list-type=2&max-keys=1000&prefix=");
    add_escaped(&what, prefix);
    buf_add_c(&what, "&start-after=");
    add_escaped(&what, after);
    struct request q = {.method = "GET", .what = what.p, .most = 4 << 20};
    bool good = ask(s, &q, err) && (q.status == 200 || refused(s, &q, err));
    if (good)
        buf_add(xml, q.answer.p, q.answer.n);
    buf_free(&q.answer);
    buf_free(&what);
    return good;
}

bool s3_next_object(struct str *xml, struct str *key, uint64_t *size) {
    for (;;) {
        struct str one = element(*xml, "<Contents>", "</Contents>");
        if (!one.p)
            return false;
        *xml = str_n(one.p + one.n, (size_t)(xml->p + xml->n - (one.p + one.n)));
        *key = element(one, "<Key>", "</Key>");
        if (key->p && str_chr(*key, '&') < 0 && str_u64(element(one, "<Size>", "</Size>"), size))
            return true;
    }
}
