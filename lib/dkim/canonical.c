#include "dkim/canonical.h"

#include "base/log.h"

#include <pthread.h>

/* ---- header fields (sections 3.4.1 and 3.4.2) ---- */

static bool is_wsp(char c) { return c == ' ' || c == '\t'; }

/* Line ends count as white space here: in a field they only come before it. */
static bool is_space(char c) { return is_wsp(c) || c == '\r' || c == '\n'; }

static char *relax_name(char *to, struct str name) {
    for (size_t i = 0; i < name.n; i++)
        *to++ = ascii_lower(name.p[i]);
    *to++ = ':';
    return to;
}

/* White space becomes one space, none at the ends. */
static char *relax_value(char *to, struct str value) {
    value = str_trim(value);
    for (size_t i = 0; i < value.n; i++) {
        if (!is_space(value.p[i]))
            *to++ = value.p[i];
        else if (to[-1] != ' ')
            *to++ = ' ';
    }
    return to;
}

void dkim_canonical_field(enum dkim_canonicalization c, struct str raw, struct buf *out) {
    ptrdiff_t colon = str_chr(raw, ':');
    bool ended = str_ends(raw, STR("\r\n"));
    if (c == DKIM_SIMPLE || colon < 0) {
        buf_add_str(out, raw);
        if (!ended) /* the message ends within its header */
            buf_add_c(out, "\r\n");
        return;
    }
    buf_reserve(out, raw.n + 3);
    char *to = relax_name(out->p + out->n, str_trim(str_sub(raw, 0, (size_t)colon)));
    to = relax_value(to, str_sub(raw, (size_t)colon + 1, raw.n));
    out->n = (size_t)(to - out->p);
    buf_add_c(out, "\r\n");
}

void dkim_canonical_signature(enum dkim_canonicalization c, const struct dkim_field *f, size_t from, size_t to,
                              struct buf *out) {
    struct buf without = BUF_EMPTY;
    size_t body_at = (size_t)(f->body.p - f->raw.p);
    buf_add_str(&without, str_sub(f->raw, 0, body_at + from));
    buf_add_str(&without, str_sub(f->raw, body_at + to, f->raw.n));
    if (!str_ends(buf_str(&without), STR("\r\n"))) /* b= came last */
        buf_add_c(&without, "\r\n");
    dkim_canonical_field(c, buf_str(&without), out);
    out->n -= 2;
    out->p[out->n] = 0;
    buf_free(&without);
}

void dkim_gather(struct arena *a, const struct dkim_message *m, struct str names, const struct dkim_field *except,
                 enum dkim_canonicalization c, struct buf *out) {
    struct dkim_picker picker;
    struct str name;
    dkim_picker_begin(a, m, &picker);
    if (except)
        picker.taken[except - m->field] = true;
    while (str_split(&names, ':', &name)) {
        const struct dkim_field *f = dkim_pick(&picker, str_trim(name));
        if (f)
            dkim_canonical_field(c, f->raw, out);
    }
}

/* ---- SHA-256 ---- */

static EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void fetch_sha256(void) {
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!sha256)
        log_panic("OpenSSL has no SHA-256");
}

EVP_MD_CTX *dkim_hash_new(void) {
    pthread_once(&sha256_once, fetch_sha256);
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (!hash)
        mem_panic();
    return hash;
}

void dkim_hash_free(EVP_MD_CTX *hash) { EVP_MD_CTX_free(hash); }

void dkim_hash_start(EVP_MD_CTX *hash) {
    if (EVP_DigestInit_ex2(hash, sha256, NULL) != 1)
        log_panic("SHA-256 does not start");
}

void dkim_hash_add(EVP_MD_CTX *hash, struct str bytes) {
    if (EVP_DigestUpdate(hash, bytes.p, bytes.n) != 1)
        log_panic("SHA-256 takes no bytes");
}

static void finish(EVP_MD_CTX *hash, unsigned char digest[DKIM_DIGEST]) {
    if (EVP_DigestFinal_ex(hash, digest, NULL) != 1)
        log_panic("SHA-256 does not end");
}

void dkim_hash(EVP_MD_CTX *hash, struct str bytes, unsigned char digest[DKIM_DIGEST]) {
    dkim_hash_start(hash);
    dkim_hash_add(hash, bytes);
    finish(hash, digest);
}

void dkim_hash_peek(const EVP_MD_CTX *hash, EVP_MD_CTX *spare, struct str last, unsigned char digest[DKIM_DIGEST]) {
    if (EVP_MD_CTX_copy_ex(spare, hash) != 1)
        log_panic("SHA-256 can't be copied");
    dkim_hash_add(spare, last);
    finish(spare, digest);
}

/* ---- body (sections 3.4.3 and 3.4.4) ---- */

struct sink {
    EVP_MD_CTX *hash;
    uint64_t length, limit;
};

static void put(struct sink *s, const char *p, size_t n) {
    uint64_t room = s->limit > s->length ? s->limit - s->length : 0;
    s->length += n;
    if (room && n)
        dkim_hash_add(s->hash, str_n(p, n < room ? n : (size_t)room));
}

/* The body without the empty lines at its end and without the last line's end. Relaxed: a line of white space is empty,
 * and that at the last line's end goes too. */
static struct str without_tail(struct str body, bool relaxed) {
    size_t n = body.n;
    for (;;) {
        if (n >= 2 && body.p[n - 2] == '\r' && body.p[n - 1] == '\n')
            n -= 2;
        while (relaxed && n > 0 && is_wsp(body.p[n - 1]))
            n--;
        if (n < 2 || body.p[n - 2] != '\r' || body.p[n - 1] != '\n')
            return str_sub(body, 0, n);
    }
}

enum { BLOCK = 64 };

/* Whether BLOCK bytes stay as they are when relaxed: no tab, and no space before white space or a line's end. Looks at
 * one byte behind them. Without branches, so that compilers use the wide registers. */
static bool block_is_plain(const char *p) {
    unsigned char odd = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        unsigned char tab = p[i] == '\t', space = p[i] == ' ';
        unsigned char next = (unsigned char)((p[i + 1] == ' ') | (p[i + 1] == '\t') | (p[i + 1] == '\r'));
        odd |= (unsigned char)(tab | (space & next));
    }
    return odd == 0;
}

/* Bytes that stay as they are go to the hash in one piece, as long as that piece gets. */
static void put_relaxed(struct sink *s, struct str text) {
    size_t from = 0, i = 0;
    while (i < text.n) {
        if (text.n - i > BLOCK && block_is_plain(text.p + i)) {
            i += BLOCK;
            continue;
        }
        for (size_t stop = text.n - i > BLOCK ? i + BLOCK : text.n; i < stop;) {
            if (!is_wsp(text.p[i])) {
                i++;
                continue;
            }
            size_t end = i + 1;
            while (end < text.n && is_wsp(text.p[end]))
                end++;
            bool line_ends = text.n - end >= 2 && text.p[end] == '\r' && text.p[end + 1] == '\n';
            if (line_ends || end - i > 1 || text.p[i] == '\t') {
                put(s, text.p + from, i - from);
                put(s, " ", line_ends ? 0 : 1);
                from = end;
            }
            i = end;
        }
    }
    put(s, text.p + from, text.n - from);
}

void dkim_hash_body(EVP_MD_CTX *hash, struct str body, struct dkim_body_hash *h) {
    struct sink s = {hash, 0, h->limit};
    bool relaxed = h->canonicalization == DKIM_RELAXED;
    struct str text = without_tail(body, relaxed);
    dkim_hash_start(hash);
    if (relaxed)
        put_relaxed(&s, text);
    else
        put(&s, text.p, text.n);
    if (text.n || !relaxed) /* an empty body is nothing when relaxed, and one line end when simple */
        put(&s, "\r\n", 2);
    finish(hash, h->digest);
    h->length = s.length;
}
