/* The languages of header fields and bodies. The first byte says which, and for charsets which one. */
#include "mime/mime.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition) {
    if (!condition)
        abort();
}

/* Valid UTF-8 without control characters, those of U+0080 to U+009F among them. */
static bool one_line(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f ||
            (s.p[i] == '\xc2' && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0))
            return false;
    return str_is_utf8(s);
}

/* Lines behind the first begin with a blank and are not empty: no field can be added. */
static void check_value(struct str s) {
    require(s.n == 0 || str_is_ascii(s));
    for (size_t i = 0; i < s.n; i++)
        require(s.p[i] != '\r' ? s.p[i] != '\n' || (i && s.p[i - 1] == '\r')
                               : i + 3 < s.n && s.p[i + 1] == '\n' && s.p[i + 2] == ' ' && s.p[i + 3] != '\r');
}

static void addresses(struct arena *a, struct str s) {
    struct mime_addresses list = mime_parse_addresses(a, s);
    require(list.count <= MIME_MAX_ADDRESSES);
    size_t open = 0;
    for (size_t i = 0; i < list.count; i++) {
        const struct mime_address *at = &list.at[i];
        require(at->mailbox.p || !at->host.p);
        if (!at->host.p)
            open = at->mailbox.p ? open + 1 : open - 1;
        require(open <= 1);
        struct str strings[] = {at->name, at->mailbox, at->host, at->route};
        for (size_t k = 0; k < 4; k++)
            require(!strings[k].n || !memchr(strings[k].p, '\n', strings[k].n));
    }
    require(open == 0);
}

static void words(struct arena *a, struct str s) {
    require(one_line(mime_decode_words(a, s)));
    struct buf out = BUF_EMPTY;
    mime_encode_words(s, &out);
    check_value(buf_str(&out));
    if (one_line(s) && !str_is_ascii(s))
        require(str_eq(mime_decode_words(a, buf_str(&out)), str_trim(s)));
    buf_reset(&out);
    mime_encode_phrase(s, &out);
    check_value(buf_str(&out));
    buf_free(&out);
}

static void parameters(struct arena *a, struct str s) {
    struct buf message = BUF_EMPTY;
    buf_add_c(&message, "Content-Type: a/b");
    mime_encode_parameter(STR("name"), s, &message);
    check_value(buf_str(&message));
    buf_add_c(&message, "\r\n\r\n");
    struct mime_part *p = mime_parse(a, buf_str(&message))->root;
    struct str back = mime_parameter_get(p->parameter, p->parameter_count, STR("name"));
    require(back.p && one_line(back));
    if (one_line(s) && str_find(s, STR("=?")) < 0)
        require(str_eq(back, s));
    buf_reset(&message);
    buf_add_c(&message, "Content-Type: a/b;");
    buf_add_str(&message, s);
    p = mime_parse(a, buf_str(&message))->root;
    for (size_t i = 0; i < p->parameter_count; i++)
        require(str_eq(p->parameter[i].name, STR("boundary")) || one_line(p->parameter[i].value));
    buf_free(&message);
}

static void transfer(struct str s) {
    static const char *const encodings[] = {"base64", "quoted-printable", "x-uuencode", "8bit"};
    struct buf out = BUF_EMPTY, coded = BUF_EMPTY, back = BUF_EMPTY;
    for (size_t i = 0; i < 4; i++)
        mime_decode_transfer(str_of(encodings[i]), s, &out);
    mime_encode_base64(s, &coded);
    mime_decode_transfer(STR("base64"), buf_str(&coded), &back);
    require(str_eq(buf_str(&back), s));
    buf_reset(&coded), buf_reset(&back), buf_reset(&out);
    mime_encode_quoted_printable(s, &coded);
    mime_decode_transfer(STR("quoted-printable"), buf_str(&coded), &back);
    for (size_t i = 0; i < s.n; i++) { /* line ends come back as CR LF */
        if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
            buf_add_byte(&out, '\r');
        buf_add_byte(&out, s.p[i]);
    }
    require(str_eq(buf_str(&back), buf_str(&out)));
    buf_free(&out), buf_free(&coded), buf_free(&back);
}

static void charset(unsigned which, struct str s) {
    static const char *const names[] = {"utf-8",        "us-ascii",     "iso-8859-1", "iso-2022-jp",   "iso-2022-kr",
                                        "utf-7",        "utf-16",       "utf-32be",   "gb18030",       "big5",
                                        "euc-tw",       "euc-jp",       "shift_jis",  "iso-2022-jp-2", "euc-kr",
                                        "windows-1255", "windows-1258", "cp874"};
    struct buf out = BUF_EMPTY;
    mime_decode_charset(str_of(names[which % (sizeof names / sizeof *names)]), s, &out);
    require(str_is_utf8(buf_str(&out)));
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    struct arena a = ARENA_EMPTY;
    struct str s = str_n(data + 2, size - 2), header = s;
    struct mime_field field;
    switch (data[0] % 7) {
    case 0:
        addresses(&a, s);
        break;
    case 1:
        words(&a, s);
        break;
    case 2:
        mime_parse_date(s);
        break;
    case 3:
        parameters(&a, s);
        break;
    case 4:
        transfer(s);
        break;
    case 5:
        charset(data[1], s);
        break;
    case 6:
        while (mime_next_field(&header, &field))
            require(field.name.n && field.raw.n > field.name.n);
        mime_header_get(&a, s, STR("subject"));
        require(mime_header_length(s) <= s.n);
        break;
    }
    arena_free(&a);
    return 0;
}
