/* Authentication-Results of any bytes. What is built of them must be read again as ours, on lines that can begin no
 * other field. */
#include "authres/authres.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_lines(struct str value) {
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\n' && (i == 0 || value.p[i - 1] != '\r' || i + 1 == value.n || value.p[i + 1] != '\t'))
            log_panic("a line end that is no fold: %.*s", STR_ARG(value));
        if (c == '\r' && (i + 1 == value.n || value.p[i + 1] != '\n'))
            log_panic("a CR alone: %.*s", STR_ARG(value));
        if ((unsigned char)c >= 0x7f || (c < ' ' && !strchr("\r\n\t", c)) || c == 0)
            log_panic("a byte that is no text: %.*s", STR_ARG(value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct str text = str_n(data, size), id;
    struct buf out = BUF_EMPTY;
    bool read = authres_id(&a, text, &id);
    if (read && id.n > size)
        log_panic("an id longer than the field");
    authres_claims(text, "mx.example.org");
    struct str result, from;
    if (authres_find(&a, text, "dmarc", "header.from", &result, &from) && (result.n == 0 || from.n > size))
        log_panic("a result of nothing");
    authres_begin(&out, "mx.example.org");
    authres_method(&out, "spf", "fail");
    authres_comment(&out, text);
    authres_reason(&out, text);
    authres_property(&out, "smtp", "mailfrom", text);
    authres_property(&out, "smtp", "helo", str_sub(text, size / 2, size));
    authres_end(&out);
    check_lines(buf_str(&out));
    if (!authres_claims(buf_str(&out), "MX.example.ORG") || authres_claims(buf_str(&out), "mx.example.com"))
        log_panic("not recognised: %.*s", STR_ARG(buf_str(&out)));
    buf_free(&out);
    arena_free(&a);
    return 0;
}
