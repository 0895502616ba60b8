/* fuzz: web */
/* Query strings, cookies and multipart forms of any bytes: no crash, and all that comes out as text is text. The first
 * byte chooses; a multipart form's first line is its Content-Type. */
#include "base/log.h"
#include "http/params.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct params *p, struct arena *a) {
    if (p->count > PARAMS_MAX)
        log_panic("too many");
    for (size_t i = 0; i < p->count; i++) {
        const struct param *one = &p->at[i];
        if (!str_is_utf8(one->name) || str_chr(one->name, 0) >= 0)
            log_panic("a name that is no text");
        if (!one->filename.p && (!str_is_utf8(one->value) || str_chr(one->value, 0) >= 0))
            log_panic("a value that is no text");
        if (!str_eq(url_decode(a, url_encoded(a, one->name), false), one->name))
            log_panic("a name that does not survive encoding");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct arena a = ARENA_EMPTY;
    struct params p = {0};
    struct str text = str_n(data + 1, size - 1), type = STR("");
    switch (data[0] % 3) {
    case 0:
        (void)params_parse_urlencoded(&p, &a, text, NULL);
        break;
    case 1:
        params_parse_cookies(&p, &a, text);
        break;
    default:
        if (text.n > 0)
            str_split(&text, '\n', &type);
        (void)params_parse_multipart(&p, &a, type, text.p ? text : STR(""), NULL);
    }
    check(&p, &a);
    arena_free(&a);
    return 0;
}
