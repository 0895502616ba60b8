/*
 * Charsets to UTF-8. Only the charsets of the table are converted, by glibc's iconv: a message can't make us load any
 * other conversion module. Opening a converter costs far more than a header's conversion, so each thread keeps its last
 * few. What the table does not know is UTF-8 where it is valid as such, and otherwise windows-1252.
 */
#include "mime/internal.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>

/* windows-1252 at 0x80 to 0x9f; 0: not assigned. The rest is ISO 8859-1. */
static const uint16_t windows_1252[32] = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                          0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
                                          0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                          0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

/* Sorted by name. A charset is read as its widest variant in use, as browsers do (WHATWG Encoding): mail is often
 * labelled with the narrow one. */
static const struct charset {
    const char *name;
    const char *iconv;
} charsets[] = {{"big5", "BIG5-HKSCS"},
                {"big5-hkscs", "BIG5-HKSCS"},
                {"cn-big5", "BIG5-HKSCS"},
                {"cp1250", "CP1250"},
                {"cp1251", "CP1251"},
                {"cp1253", "CP1253"},
                {"cp1254", "CP1254"},
                {"cp1255", "CP1255"},
                {"cp1256", "CP1256"},
                {"cp1257", "CP1257"},
                {"cp1258", "CP1258"},
                {"cp437", "CP437"},
                {"cp850", "CP850"},
                {"cp852", "CP852"},
                {"cp866", "CP866"},
                {"cp874", "CP874"},
                {"cp932", "CP932"},
                {"cp936", "GB18030"},
                {"cp949", "CP949"},
                {"cp950", "BIG5-HKSCS"},
                {"euc-jp", "EUC-JP"},
                {"euc-kr", "CP949"},
                {"euc-tw", "EUC-TW"},
                {"gb18030", "GB18030"},
                {"gb2312", "GB18030"},
                {"gbk", "GB18030"},
                {"ibm437", "CP437"},
                {"ibm850", "CP850"},
                {"ibm852", "CP852"},
                {"ibm866", "CP866"},
                {"iso-2022-jp", "ISO-2022-JP"},
                {"iso-2022-jp-2", "ISO-2022-JP-2"},
                {"iso-2022-kr", "ISO-2022-KR"},
                {"iso-8859-10", "ISO-8859-10"},
                {"iso-8859-11", "CP874"},
                {"iso-8859-13", "ISO-8859-13"},
                {"iso-8859-14", "ISO-8859-14"},
                {"iso-8859-15", "ISO-8859-15"},
                {"iso-8859-16", "ISO-8859-16"},
                {"iso-8859-2", "ISO-8859-2"},
                {"iso-8859-3", "ISO-8859-3"},
                {"iso-8859-4", "ISO-8859-4"},
                {"iso-8859-5", "ISO-8859-5"},
                {"iso-8859-6", "ISO-8859-6"},
                {"iso-8859-7", "ISO-8859-7"},
                {"iso-8859-8", "ISO-8859-8"},
                {"iso-8859-8-i", "ISO-8859-8"},
                {"iso-8859-9", "CP1254"},
                {"koi8-r", "KOI8-R"},
                {"koi8-u", "KOI8-U"},
                {"ks_c_5601-1987", "CP949"},
                {"macintosh", "MACINTOSH"},
                {"shift-jis", "CP932"},
                {"shift_jis", "CP932"},
                {"sjis", "CP932"},
                {"tis-620", "CP874"},
                {"uhc", "CP949"},
                {"unicode-1-1-utf-7", "UTF-7"},
                {"utf-16", "UTF-16"},
                {"utf-16be", "UTF-16BE"},
                {"utf-16le", "UTF-16LE"},
                {"utf-32", "UTF-32"},
                {"utf-32be", "UTF-32BE"},
                {"utf-32le", "UTF-32LE"},
                {"utf-7", "UTF-7"},
                {"windows-1250", "CP1250"},
                {"windows-1251", "CP1251"},
                {"windows-1253", "CP1253"},
                {"windows-1254", "CP1254"},
                {"windows-1255", "CP1255"},
                {"windows-1256", "CP1256"},
                {"windows-1257", "CP1257"},
                {"windows-1258", "CP1258"},
                {"windows-31j", "CP932"},
                {"windows-874", "CP874"},
                {"windows-949", "CP949"},
                {"x-gbk", "GB18030"},
                {"x-mac-roman", "MACINTOSH"},
                {"x-sjis", "CP932"}};

static const char *const western[] = {"iso-8859-1", "iso8859-1",    "latin1", "latin-1",
                                      "iso_8859-1", "windows-1252", "cp1252"};

struct converter {
    const char *name; /* of the table; NULL: free */
    iconv_t cd;
    uint64_t used;
};

enum { CONVERTERS = 6 };
static _Thread_local struct converter converters[CONVERTERS];
static _Thread_local uint64_t uses;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit_of_thread;

/* iconv loads and unloads its modules in here; glibc locks that too, but in a way ThreadSanitizer can't see. */
static pthread_mutex_t modules = PTHREAD_MUTEX_INITIALIZER;

static iconv_t open_converter(const char *name) {
    pthread_mutex_lock(&modules);
    iconv_t cd = iconv_open("UTF-8", name);
    pthread_mutex_unlock(&modules);
    return cd;
}

static void close_converter(struct converter *c) {
    if (!c->name)
        return;
    pthread_mutex_lock(&modules);
    iconv_close(c->cd);
    pthread_mutex_unlock(&modules);
    c->name = NULL;
}

static void close_converters(void *at) {
    struct converter *c = at;
    for (size_t i = 0; i < CONVERTERS; i++)
        close_converter(&c[i]);
}

static void make_key(void) {
    if (pthread_key_create(&at_exit_of_thread, close_converters) != 0)
        mem_panic();
}

/* A converter of this thread, opened where it has none; NULL where iconv lacks the charset. */
static struct converter *converter_for(const char *name) {
    struct converter *oldest = &converters[0];
    for (size_t i = 0; i < CONVERTERS; i++) {
        struct converter *c = &converters[i];
        if (c->name == name) {
            c->used = ++uses;
            iconv(c->cd, NULL, NULL, NULL, NULL);
            return c;
        }
        if (!c->name || (oldest->name && c->used < oldest->used))
            oldest = c;
    }
    iconv_t cd = open_converter(name);
    if (cd == (iconv_t)-1) // NOLINT(performance-no-int-to-ptr): iconv's own way to say so
        return NULL;
    pthread_once(&once, make_key);
    pthread_setspecific(at_exit_of_thread, converters);
    close_converter(oldest);
    *oldest = (struct converter){name, cd, ++uses};
    return oldest;
}

static void add_windows_1252(struct str text, struct buf *out) {
    for (size_t i = 0; i < text.n;) {
        size_t ascii = mime_ascii_run(text.p + i, text.n - i);
        buf_add(out, text.p + i, ascii);
        i += ascii;
        for (; i < text.n && (unsigned char)text.p[i] >= 0x80; i++) {
            unsigned char c = (unsigned char)text.p[i];
            uint32_t codepoint = c >= 0xa0 ? c : windows_1252[c - 0x80];
            mime_add_utf8(out, codepoint ? codepoint : 0xfffd);
        }
    }
}

/* Appends text with U+FFFD for each bad byte; false (and nothing appended) where no character beyond ASCII is right. */
static bool add_utf8(struct str text, struct buf *out) {
    size_t start = out->n, good = 0, bad = 0;
    for (size_t i = 0; i < text.n;) {
        size_t ascii = mime_ascii_run(text.p + i, text.n - i);
        buf_add(out, text.p + i, ascii);
        i += ascii;
        if (i == text.n)
            break;
        size_t n = mime_utf8_sequence(text.p + i, text.n - i);
        if (n)
            good++, buf_add(out, text.p + i, n);
        else
            bad++, mime_add_utf8(out, 0xfffd);
        i += n ? n : 1;
    }
    if (bad && !good) {
        out->n = start;
        return false;
    }
    return true;
}

/* Bytes of the smallest unit, by which reading goes on behind a bad one. */
static size_t unit_of(const char *iconv_name) {
    return strncmp(iconv_name, "UTF-16", 6) == 0 ? 2 : strncmp(iconv_name, "UTF-32", 6) == 0 ? 4 : 1;
}

/* Converts; what the charset does not have becomes U+FFFD. */
static void convert(iconv_t cd, size_t unit, struct str text, struct buf *out) {
    struct buf got = BUF_EMPTY;
    char *in = (char *)text.p; // iconv's prototype lacks the const it keeps
    size_t left = text.n;
    buf_reserve(&got, text.n + text.n / 2 + 16);
    for (bool flushing = false;;) {
        char *to = got.p + got.n;
        size_t room = got.cap - got.n - 1;
        size_t r = flushing ? iconv(cd, NULL, NULL, &to, &room) : iconv(cd, &in, &left, &to, &room);
        got.n = (size_t)(to - got.p);
        if (r != (size_t)-1) {
            if (flushing)
                break;
            flushing = true;
        } else if (errno == E2BIG) {
            buf_reserve(&got, got.cap + 16);
        } else if (flushing || left == 0) {
            break;
        } else {
            mime_add_utf8(&got, 0xfffd);
            size_t bad = unit < left ? unit : left;
            in += bad, left -= bad;
        }
    }
    if (!add_utf8(buf_str(&got), out)) /* iconv gave what is no UTF-8 */
        add_windows_1252(text, out);
    buf_free(&got);
}

static int by_name(const void *name, const void *entry) { return strcmp(name, ((const struct charset *)entry)->name); }

static const char *iconv_name(const char *lower) {
    const struct charset *found =
        bsearch(lower, charsets, sizeof charsets / sizeof *charsets, sizeof *charsets, by_name);
    return found ? found->iconv : NULL;
}

static bool is_western(const char *lower) {
    for (size_t i = 0; i < sizeof western / sizeof *western; i++)
        if (strcmp(lower, western[i]) == 0)
            return true;
    return false;
}

/* The name in lower case with the usual variants of "iso-8859-x" undone; empty where it is none we could know. */
static void normal_name(struct str charset, char *to, size_t size) {
    charset = str_trim(charset);
    to[0] = 0;
    if (charset.n + 3 > size)
        return;
    size_t n = 0;
    if (str_istarts(charset, STR("x-iso")))
        charset = str_sub(charset, 2, charset.n);
    if (str_istarts(charset, STR("iso8859")) || str_istarts(charset, STR("iso_8859"))) {
        memcpy(to, "iso-8859", n = 8);
        charset = str_sub(charset, charset.p[3] == '_' ? 8 : 7, charset.n);
    }
    for (size_t i = 0; i < charset.n; i++)
        to[n++] = charset.p[i] ? ascii_lower(charset.p[i]) : '?';
    to[n] = 0;
}

void mime_decode_charset(struct str charset, struct str text, struct buf *out) {
    char name[40];
    normal_name(charset, name, sizeof name);
    const char *known = iconv_name(name);
    struct converter *converter = known ? converter_for(known) : NULL;
    if (converter) {
        convert(converter->cd, unit_of(known), text, out);
        return;
    }
    size_t ascii = mime_ascii_run(text.p, text.n);
    if (ascii == text.n)
        buf_add_str(out, text);
    else if (is_western(name) || (strncmp(name, "utf", 3) != 0 && !str_is_utf8(text)) || !add_utf8(text, out))
        add_windows_1252(text, out);
}
