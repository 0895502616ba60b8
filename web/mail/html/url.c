#include "mail/html/url.h"

#include "mail/html/html.h"

enum { URL_MAX = 4096, URL_DATA_MAX = 1024 * 1024 };

static const struct {
    const char *scheme;
    enum url_kind kind;
} SCHEMES[] = {
    {"https://", URL_WEB}, {"http://", URL_WEB}, {"mailto:", URL_MAILTO}, {"tel:", URL_TEL}, {"cid:", URL_CID},
};

/* Bitmap formats only: svg can hold scripts and other addresses. */
static const char *const DATA_IMAGES[] = {
    "data:image/png;base64,", "data:image/jpeg;base64,", "data:image/jpg;base64,",
    "data:image/gif;base64,", "data:image/webp;base64,", "data:image/bmp;base64,",
};

static bool is_c0_or_space(char c) { return (unsigned char)c <= ' '; }

static struct str without_borders(struct str s) {
    while (s.n && is_c0_or_space(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_c0_or_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool must_escape(unsigned char c) {
    return c <= ' ' || c == 0x7f || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || c == '\\' ||
           c == '{' || c == '}';
}

static void add_clean(struct str s, struct buf *out) {
    static const char HEX[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\t' || c == '\n' || c == '\r')
            continue;
        if (must_escape(c)) {
            char escaped[3] = {'%', HEX[c >> 4], HEX[c & 15]};
            buf_add(out, escaped, sizeof escaped);
        } else {
            buf_add_byte(out, (char)c);
        }
    }
}

static bool only_base64(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!ascii_alpha(c) && !ascii_digit(c) && c != '+' && c != '/' && c != '=')
            return false;
    }
    return s.n > 0;
}

static enum url_kind data_image(struct str cleaned) {
    for (size_t i = 0; i < sizeof DATA_IMAGES / sizeof *DATA_IMAGES; i++) {
        struct str prefix = str_of(DATA_IMAGES[i]);
        if (str_istarts(cleaned, prefix) && only_base64(str_sub(cleaned, prefix.n, cleaned.n)))
            return URL_DATA_IMAGE;
    }
    return URL_NONE;
}

static enum url_kind kind_of(struct str cleaned) {
    for (size_t i = 0; i < sizeof SCHEMES / sizeof *SCHEMES; i++) {
        struct str scheme = str_of(SCHEMES[i].scheme);
        if (str_istarts(cleaned, scheme) && cleaned.n > scheme.n)
            return SCHEMES[i].kind;
    }
    return data_image(cleaned);
}

enum url_kind url_clean(struct str raw, struct buf *out) {
    size_t before = out->n;
    raw = without_borders(raw);
    if (raw.n > URL_DATA_MAX)
        return URL_NONE;
    if (str_starts(raw, STR("//"))) /* the mail has no scheme of its own to inherit */
        buf_add_c(out, "https:");
    add_clean(raw, out);
    struct str cleaned = str_sub(buf_str(out), before, out->n);
    enum url_kind kind = kind_of(cleaned);
    if (kind == URL_NONE || (kind != URL_DATA_IMAGE && cleaned.n > URL_MAX)) {
        out->n = before;
        return URL_NONE;
    }
    return kind;
}

bool html_link(struct str href, struct buf *out) {
    size_t before = out->n;
    enum url_kind kind = url_clean(href, out);
    if (kind == URL_WEB || kind == URL_MAILTO || kind == URL_TEL)
        return true;
    out->n = before;
    return false;
}
