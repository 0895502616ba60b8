#include "filter/rspamd.h"

#include "base/log.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

enum { MAX_ANSWER = 4 << 20, MAX_URLS = 16 };

/* The body of a request while it goes out, and of the answer while it comes in. */
struct transfer {
    const struct str *piece;
    size_t pieces, at, offset; /* which piece, and how far */
    struct buf answer;
    struct buf server; /* the header field of that name */
};

static void set_up(void) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        log_panic("libcurl can't be set up");
}

static size_t give(char *to, size_t size, size_t count, void *context) {
    struct transfer *t = context;
    size_t room = size * count, done = 0;
    while (done < room && t->at < t->pieces) {
        struct str rest = str_sub(t->piece[t->at], t->offset, room - done);
        if (rest.n == 0) {
            t->at++;
            t->offset = 0;
            continue;
        }
        memcpy(to + done, rest.p, rest.n);
        done += rest.n;
        t->offset += rest.n;
    }
    return done;
}

/* libcurl starts again where a kept connection turned out to be closed. */
static int rewind_to(void *context, curl_off_t offset, int origin) {
    struct transfer *t = context;
    if (origin != SEEK_SET || offset != 0)
        return CURL_SEEKFUNC_CANTSEEK;
    t->at = t->offset = 0;
    return CURL_SEEKFUNC_OK;
}

static size_t take(char *p, size_t size, size_t count, void *context) {
    struct transfer *t = context;
    size_t n = size * count;
    if (t->answer.n + n > MAX_ANSWER)
        return 0;
    buf_add(&t->answer, p, n);
    return n;
}

static size_t take_header(char *p, size_t size, size_t count, void *context) {
    struct transfer *t = context;
    struct str line = str_trim(str_n(p, size * count));
    if (str_istarts(line, STR("Server:")) && line.n < 200) {
        buf_reset(&t->server);
        buf_add_str(&t->server, str_trim(str_sub(line, 7, line.n)));
    }
    return size * count;
}

/* ---- one URL ---- */

static bool is_url(struct str s) { return str_istarts(s, STR("http://")) || str_istarts(s, STR("https://")); }

bool rspamd_check_urls(struct str urls, struct err *err) {
    struct str rest = str_trim(urls), one;
    size_t n = 0;
    while (rest.n && str_split(&rest, ' ', &one)) {
        if (one.n == 0)
            continue;
        bool good = is_url(one) ? one.n > 8 && one.n < 500 : str_starts(one, STR("unix:/")) && one.n < 100;
        for (size_t i = 0; i < one.n; i++)
            good = good && one.p[i] > ' ' && one.p[i] <= '~';
        if (!good || ++n > MAX_URLS)
            return err_set(err, "write the address of rspamd's normal worker: http://127.0.0.1:11333");
    }
    return n > 0 || err_set(err, "write the address of rspamd's normal worker: http://127.0.0.1:11333");
}

static CURL *handle_for(struct str url, const char *path, struct transfer *t, CURL *c, int connect_ms, int content_ms) {
    struct buf full = BUF_EMPTY;
    if (str_starts(url, STR("unix:"))) {
        char *socket = str_dup(str_sub(url, 5, url.n));
        curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket);
        free(socket);
        buf_add_c(&full, "http://localhost");
    } else {
        while (url.n && url.p[url.n - 1] == '/')
            url.n--;
        buf_add_str(&full, url);
    }
    buf_add_c(&full, path);
    curl_easy_setopt(c, CURLOPT_URL, full.p);
    buf_free(&full);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)connect_ms + content_ms);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    return c;
}

static CURL *new_handle(struct idle *idle) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_up);
    CURL *c = idle ? idle_take(idle) : NULL;
    if (c)
        curl_easy_reset(c); /* its connections stay */
    else if (!(c = curl_easy_init()))
        log_panic("libcurl gives no handle");
    return c;
}

static bool perform(CURL *c, struct str url, struct err *err) {
    char detail[CURL_ERROR_SIZE] = "";
    long status = 0;
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
    CURLcode result = curl_easy_perform(c);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, NULL);
    if (result != CURLE_OK)
        return err_set(err, "%.*s: %s", STR_ARG(url), *detail ? detail : curl_easy_strerror(result));
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 || err_set(err, "%.*s answers with the HTTP status %ld", STR_ARG(url), status);
}

void rspamd_close(void *handle) { curl_easy_cleanup(handle); }

bool rspamd_version(struct str url, int connect_ms, int command_ms, struct buf *version, struct err *err) {
    struct transfer t = {.answer = BUF_EMPTY, .server = BUF_EMPTY};
    CURL *c = handle_for(url, "/ping", &t, new_handle(NULL), connect_ms, command_ms);
    bool good = perform(c, url, err);
    if (good && !str_eq(str_trim(buf_str(&t.answer)), STR("pong")))
        good = err_set(err, "%.*s does not answer /ping with pong: not rspamd?", STR_ARG(url));
    if (good)
        buf_add_str(version, t.server.n ? buf_str(&t.server) : STR("rspamd"));
    buf_free(&t.answer);
    buf_free(&t.server);
    curl_easy_cleanup(c);
    return good;
}

/* ---- the question ---- */

static struct curl_slist *request_headers(const struct rspamd_header *header, size_t headers) {
    struct curl_slist *list = NULL;
    struct buf line = BUF_EMPTY;
    for (size_t i = 0; i < headers; i++) {
        if (header[i].value.n == 0)
            continue;
        buf_reset(&line);
        buf_printf(&line, "%s: ", header[i].name);
        for (size_t k = 0; k < header[i].value.n && k < 2000; k++) {
            unsigned char c = (unsigned char)header[i].value.p[k];
            buf_add_byte(&line, c < ' ' || c == 127 ? ' ' : (char)c);
        }
        list = curl_slist_append(list, line.p);
    }
    buf_free(&line);
    list = curl_slist_append(list, "Content-Type: message/rfc822");
    return curl_slist_append(list, "Expect:"); /* no round trip before the message */
}

static bool ask_one(struct str url, struct idle *idle, struct curl_slist *headers, struct transfer *t, int connect_ms,
                    int content_ms, struct err *err) {
    CURL *c = handle_for(url, "/checkv2", t, new_handle(idle), connect_ms, content_ms);
    uint64_t bytes = 0;
    for (size_t i = 0; i < t->pieces; i++)
        bytes += t->piece[i].n;
    t->at = t->offset = 0;
    buf_reset(&t->answer);
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(c, CURLOPT_READDATA, t);
    curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, rewind_to);
    curl_easy_setopt(c, CURLOPT_SEEKDATA, t);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    bool good = perform(c, url, err);
    if (good && idle)
        idle_put(idle, c);
    else
        curl_easy_cleanup(c);
    return good;
}

bool rspamd_ask(struct str urls, struct idle *idle, const struct rspamd_header *header, size_t headers,
                const struct str *piece, size_t pieces, int connect_ms, int content_ms, struct arena *a,
                struct rspamd_answer *out, struct err *err) {
    struct transfer t = {.piece = piece, .pieces = pieces, .answer = BUF_EMPTY, .server = BUF_EMPTY};
    struct curl_slist *list = request_headers(header, headers);
    struct str rest = str_trim(urls), url;
    bool good = false;
    err_set(err, "no address of rspamd is set");
    while (!good && rest.n && str_split(&rest, ' ', &url))
        if (url.n)
            good = ask_one(url, idle, list, &t, connect_ms, content_ms, err) &&
                   rspamd_read_answer(a, buf_str(&t.answer), out, err);
    curl_slist_free_all(list);
    buf_free(&t.answer);
    buf_free(&t.server);
    return good;
}
