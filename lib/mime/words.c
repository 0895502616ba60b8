/* Encoded words (RFC 2047) both ways. */
#include "mime/internal.h"

#include "base/codec.h"

/* ---- decoding ---- */

struct word {
    struct str charset; /* without RFC 2231's language suffix */
    char encoding;      /* 'q' or 'b' */
    struct str text;
    size_t end;
};

/* Index of the "?=" that ends the text which starts at `at`, or s.n. A '?' inside the text is borne, for mailers forget
 * to escape it; "=?" is not: another word begins there, so that each byte is looked at by two words at the most. */
static size_t text_end(struct str s, size_t at) {
    for (size_t i = at; i + 1 < s.n; i++) {
        const char *mark = memchr(s.p + i, '?', s.n - 1 - i);
        if (!mark)
            return s.n;
        i = (size_t)(mark - s.p);
        if (s.p[i + 1] == '=')
            return i;
        if (i > at && s.p[i - 1] == '=')
            return s.n;
    }
    return s.n;
}

/* Reads "=?charset*language?encoding?text?=" at `at`. */
static bool read_word(struct str s, size_t at, struct word *w) {
    size_t start = at + 2, i = start;
    while (i < s.n && i - start < 60 && (unsigned char)s.p[i] > ' ' && s.p[i] != '?' && (unsigned char)s.p[i] < 0x7f)
        i++;
    if (i == start || i + 3 >= s.n || s.p[i] != '?' || s.p[i + 2] != '?')
        return false;
    w->charset = str_sub(s, start, i - start);
    ptrdiff_t language = str_chr(w->charset, '*');
    if (language >= 0)
        w->charset.n = (size_t)language;
    w->encoding = ascii_lower(s.p[i + 1]);
    if (w->encoding != 'q' && w->encoding != 'b')
        return false;
    size_t end = text_end(s, i + 3);
    if (end == s.n)
        return false;
    w->text = str_sub(s, i + 3, end - i - 3);
    w->end = end + 2;
    return true;
}

static bool all_blank(struct str s) { return str_trim(s).n == 0; }

/* Words of one charset that follow each other are decoded as one, for mailers split characters across words. */
struct joined {
    struct buf bytes;
    struct str charset;
    bool open;
};

static void flush_words(struct joined *j, struct buf *out) {
    if (j->open)
        mime_decode_charset(j->charset, buf_str(&j->bytes), out);
    buf_reset(&j->bytes);
    j->open = false;
}

/* False where the text is not base64 at all: the word then stays as it is. */
static bool decode_word(const struct word *w, struct buf *bytes) {
    size_t before = bytes->n;
    if (w->encoding == 'q') {
        mime_decode_q(w->text, bytes);
        return true;
    }
    mime_decode_base64(w->text, bytes);
    return bytes->n > before || w->text.n == 0;
}

static void decode_all(struct str s, struct buf *out) {
    struct joined joined = {.bytes = BUF_EMPTY};
    size_t literal = 0, from = 0;
    for (;;) {
        ptrdiff_t found = str_find(str_sub(s, from, s.n), STR("=?"));
        if (found < 0)
            break;
        size_t at = from + (size_t)found;
        struct word w;
        from = at + 2;
        if (!read_word(s, at, &w))
            continue;
        struct str between = str_sub(s, literal, at - literal);
        if (!joined.open || !all_blank(between)) { /* RFC 2047 section 6.2: blanks between words are not shown */
            flush_words(&joined, out);
            mime_decode_charset(MIME_NO_STR, between, out);
        } else if (!str_ieq(joined.charset, w.charset)) {
            flush_words(&joined, out);
        }
        if (!decode_word(&w, &joined.bytes)) {
            flush_words(&joined, out);
            mime_decode_charset(MIME_NO_STR, str_sub(s, at, w.end - at), out);
        } else {
            joined.open = true;
            joined.charset = w.charset;
        }
        literal = from = w.end;
    }
    flush_words(&joined, out);
    mime_decode_charset(MIME_NO_STR, str_sub(s, literal, s.n), out);
    buf_free(&joined.bytes);
}

static bool is_plain(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < ' ' || s.p[i] > '~' || (s.p[i] == '=' && i + 1 < s.n && s.p[i + 1] == '?'))
            return false;
    return true;
}

struct str mime_decode_words(struct arena *a, struct str raw) {
    if (is_plain(raw))
        return arena_str(a, raw);
    struct buf text = BUF_EMPTY, line = BUF_EMPTY;
    decode_all(raw, &text);
    mime_add_line(&line, buf_str(&text));
    struct str decoded = arena_str(a, buf_str(&line));
    buf_free(&text), buf_free(&line);
    return decoded;
}

/* ---- encoding ---- */

enum {
    LINE_COLUMNS = 76,     /* RFC 2047 section 2: of a line with encoded words */
    FIRST_COLUMN = 24,     /* room for "Content-Description: " before the value */
    WORD_OVERHEAD = 12,    /* "=?utf-8?q??=" */
    PLAIN_WORD_BYTES = 900 /* of a word that is sent as it is: RFC 5322 section 2.1.1 has lines under 998 */
};

struct line_writer {
    struct buf *out;
    size_t column;
    bool blank_pending; /* a space is owed before what comes next: there a line may be folded */
    bool started;
};

/* Bytes that a Q word in a phrase may hold as they are (RFC 2047 section 5 (3)). */
static bool q_plain(char c) { return ascii_alpha(c) || ascii_digit(c) || (c && strchr("!*+-/", c)); }

static size_t q_length(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += q_plain(s.p[i]) || s.p[i] == ' ' ? 1 : 3;
    return n;
}

static size_t b_length(size_t n) { return (n + 2) / 3 * 4; }

static void add_q(struct str s, struct buf *out) {
    static const char digit[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == ' ') {
            buf_add_byte(out, '_');
        } else if (q_plain((char)c)) {
            buf_add_byte(out, (char)c);
        } else {
            char escape[3] = {'=', digit[c >> 4], digit[c & 15]};
            buf_add(out, escape, 3);
        }
    }
}

/* Writes the owed blank, folded where `need` more columns don't fit. */
static void separate(struct line_writer *w, size_t need) {
    if (!w->blank_pending)
        return;
    if (w->column + 1 + need > LINE_COLUMNS) {
        buf_add(w->out, "\r\n ", 3);
        w->column = 1;
    } else {
        buf_add_byte(w->out, ' ');
        w->column++;
    }
    w->blank_pending = false;
}

/* The most whole characters of s whose encoding fits in `room` columns. */
static size_t fitting(struct str s, bool q, size_t room) {
    size_t used = 0, at = 0;
    while (at < s.n) {
        size_t n = mime_utf8_sequence(s.p + at, s.n - at);
        size_t cost = q ? used + q_length(str_sub(s, at, n)) : b_length(at + n);
        if (cost > room)
            break;
        used = cost;
        at += n;
    }
    return at;
}

static void add_encoded(struct line_writer *w, struct str s) {
    bool q = q_length(s) <= b_length(s.n);
    while (s.n) {
        if (w->blank_pending && w->column + 1 + WORD_OVERHEAD + 12 > LINE_COLUMNS)
            separate(w, LINE_COLUMNS);
        separate(w, 0);
        size_t n = fitting(s, q, LINE_COLUMNS - WORD_OVERHEAD - w->column);
        buf_add_c(w->out, q ? "=?utf-8?q?" : "=?utf-8?b?");
        size_t before = w->out->n;
        if (q)
            add_q(str_sub(s, 0, n), w->out);
        else
            base64_encode(str_sub(s, 0, n), w->out);
        w->column += w->out->n - before + WORD_OVERHEAD;
        buf_add_c(w->out, "?=");
        s = str_sub(s, n, s.n);
        w->blank_pending = true;
    }
}

/* Must be sent encoded: not ASCII, or it would be read as an encoded word, or longer than a line may be. */
static bool needs_encoding(struct str word) {
    return mime_ascii_run(word.p, word.n) < word.n || str_find(word, STR("=?")) >= 0 || word.n > PLAIN_WORD_BYTES;
}

/* Length of the run of words from the start of s that go into encoded words together, their blanks included. */
static size_t encoded_run(struct str s) {
    size_t run = 0;
    for (size_t at = 0; at < s.n;) {
        while (at < s.n && s.p[at] == ' ')
            at++;
        size_t start = at;
        while (at < s.n && s.p[at] != ' ')
            at++;
        if (at == start || !needs_encoding(str_sub(s, start, at - start)))
            break;
        run = at;
    }
    return run;
}

static void encode_line(struct str s, struct buf *out) {
    struct line_writer w = {.out = out, .column = FIRST_COLUMN};
    while (s.n) {
        if (s.p[0] == ' ') {
            if (w.blank_pending) { /* one blank more than the owed one */
                buf_add_byte(out, ' ');
                w.column++;
            }
            w.blank_pending = true;
            s = str_sub(s, 1, s.n);
            continue;
        }
        size_t run = encoded_run(s);
        if (run) {
            add_encoded(&w, str_sub(s, 0, run));
            w.blank_pending = false;
        } else {
            ptrdiff_t blank = str_chr(s, ' ');
            run = blank < 0 ? s.n : (size_t)blank;
            separate(&w, run);
            buf_add(out, s.p, run);
            w.column += run;
        }
        s = str_sub(s, run, s.n);
    }
}

/* Valid UTF-8 on one line: no line end gets through, so that nobody adds a field of his own. */
static struct str make_line(struct str text, struct buf *to) {
    struct buf utf8 = BUF_EMPTY;
    mime_decode_charset(STR(""), text, &utf8);
    mime_add_line(to, buf_str(&utf8));
    buf_free(&utf8);
    return str_trim(buf_str(to));
}

void mime_encode_words(struct str utf8, struct buf *out) {
    struct buf line = BUF_EMPTY;
    encode_line(make_line(utf8, &line), out);
    buf_free(&line);
}

enum { LONGEST_QUOTED = 60 };

void mime_encode_phrase(struct str utf8, struct buf *out) {
    struct buf buf = BUF_EMPTY;
    struct str line = make_line(utf8, &buf);
    bool words = true; /* atoms with one blank between (RFC 5322 section 3.2.5) */
    for (size_t i = 0; i < line.n; i++) {
        bool blank = line.p[i] == ' ' && line.p[i + 1] != ' ';
        words &= blank || ascii_alpha(line.p[i]) || ascii_digit(line.p[i]) || strchr("!#$%&'*+-/=?^_`{|}~", line.p[i]);
    }
    bool encoded = mime_ascii_run(line.p, line.n) < line.n || str_find(line, STR("=?")) >= 0;
    if (encoded || line.n > LONGEST_QUOTED) {
        struct line_writer w = {.out = out, .column = FIRST_COLUMN};
        add_encoded(&w, line);
    } else if (words) {
        buf_add_str(out, line);
    } else {
        mime_add_quoted(line, out);
    }
    buf_free(&buf);
}
