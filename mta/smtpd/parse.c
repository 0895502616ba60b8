#include "smtpd/parse.h"

#include "base/clock.h"
#include "base/codec.h"

#include <time.h>
#include <unistr.h>

void parse_command(struct str line, struct str *verb, struct str *argument) {
    while (line.n && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t'))
        line.n--;
    ptrdiff_t blank = str_chr(line, ' ');
    if (blank < 0) {
        *verb = line;
        *argument = str_sub(line, line.n, 0);
        return;
    }
    *verb = str_sub(line, 0, (size_t)blank);
    *argument = str_sub(line, (size_t)blank, line.n);
    while (argument->n && argument->p[0] == ' ')
        *argument = str_sub(*argument, 1, argument->n);
}

/* Index of the '>' that closes the path, not looking at one in a quoted local part; -1: there is none. */
static ptrdiff_t path_end(struct str s) {
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        if (quoted && s.p[i] == '\\')
            i++;
        else if (s.p[i] == '"')
            quoted = !quoted;
        else if (s.p[i] == '>' && !quoted)
            return (ptrdiff_t)i;
    }
    return -1;
}

bool parse_path(struct str argument, struct str keyword, struct str *path, struct str *rest) {
    if (!str_istarts(argument, keyword))
        return false;
    struct str s = str_sub(argument, keyword.n, argument.n);
    while (s.n && s.p[0] == ' ') /* "FROM: <a@b>" is wrong and common */
        s = str_sub(s, 1, s.n);
    if (s.n < 2 || s.p[0] != '<')
        return false;
    s = str_sub(s, 1, s.n);
    ptrdiff_t end = path_end(s);
    if (end < 0)
        return false;
    *path = str_sub(s, 0, (size_t)end);
    *rest = str_sub(s, (size_t)end + 1, s.n);
    if (rest->n && rest->p[0] != ' ')
        return false;
    if (path->n && path->p[0] == '@') { /* "@hop1,@hop2:user@host" */
        ptrdiff_t colon = str_chr(*path, ':');
        if (colon < 0)
            return false;
        *path = str_sub(*path, (size_t)colon + 1, path->n);
    }
    return true;
}

static bool is_keyword(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && (s.p[i] != '-' || i == 0))
            return false;
    return s.n > 0;
}

enum parse_parameter parse_parameter(struct str *rest, struct str *keyword, struct str *value) {
    while (rest->n && rest->p[0] == ' ')
        *rest = str_sub(*rest, 1, rest->n);
    if (rest->n == 0)
        return PARAMETER_END;
    ptrdiff_t blank = str_chr(*rest, ' ');
    struct str one = blank < 0 ? *rest : str_sub(*rest, 0, (size_t)blank);
    *rest = str_sub(*rest, one.n, rest->n);
    ptrdiff_t eq = str_chr(one, '=');
    *keyword = eq < 0 ? one : str_sub(one, 0, (size_t)eq);
    *value = eq < 0 ? (struct str){NULL, 0} : str_sub(one, (size_t)eq + 1, one.n);
    for (size_t i = 0; i < one.n; i++) /* esmtp-value: printable, or UTF-8 (RFC 6531 section 3.3) */
        if ((unsigned char)one.p[i] < 0x21 || one.p[i] == 0x7f)
            return PARAMETER_BAD;
    if (!is_keyword(*keyword) || (value->p && value->n == 0))
        return PARAMETER_BAD;
    return PARAMETER_FOUND;
}

bool parse_helo(struct str argument) {
    if (argument.n == 0 || argument.n > 255)
        return false;
    for (size_t i = 0; i < argument.n; i++) {
        char c = argument.p[i];
        if (!ascii_alpha(c) && !ascii_digit(c) && (c == 0 || !strchr("-._:[]+%", c)))
            return false;
    }
    return true;
}

bool parse_xtext(struct str text, struct buf *out) {
    size_t before = out->n;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '+') {
            if (!hex_decode(str_sub(text, i + 1, 2), out) || text.n - i < 3) {
                out->n = before;
                return false;
            }
            i += 2;
        } else if (c < 0x21 || c > 0x7e || c == '=') {
            out->n = before;
            return false;
        } else {
            buf_add_byte(out, (char)c);
        }
    }
    return true;
}

bool parse_chunk(struct str argument, uint64_t *octets, bool *last) {
    ptrdiff_t blank = str_chr(argument, ' ');
    struct str number = blank < 0 ? argument : str_sub(argument, 0, (size_t)blank);
    struct str rest = blank < 0 ? STR("") : str_trim(str_sub(argument, (size_t)blank, argument.n));
    *last = str_ieq(rest, STR("LAST"));
    return str_u64(number, octets) && *octets <= INT64_MAX && (*last || rest.n == 0);
}

/* ---- DSN ---- */

bool parse_notify(struct str value, struct buf *out) {
    static const char *const known[] = {"NEVER", "SUCCESS", "FAILURE", "DELAY"};
    size_t before = out->n;
    unsigned seen = 0;
    struct str word;
    if (!value.p)
        return false;
    while (str_split(&value, ',', &word)) {
        unsigned k = 0;
        while (k < 4 && !str_ieq(word, str_of(known[k])))
            k++;
        if (k == 4 || (seen & 1u << k) || (seen && k == 0) || (seen & 1)) { /* NEVER stands alone */
            out->n = before;
            return false;
        }
        buf_add_c(out, seen ? "," : "");
        buf_add_c(out, known[k]);
        seen |= 1u << k;
    }
    return true;
}

static bool is_printable(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
            return false;
    return true;
}

/* "\x{1F600}": appends the character. *used is the length of what was read. */
static bool parse_embedded(struct str text, struct buf *out, size_t *used) {
    ptrdiff_t end = str_chr(text, '}');
    uint32_t c = 0;
    uint8_t utf8[6];
    if (!str_starts(text, STR("\\x{")) || end < 5 || end > 9)
        return false;
    for (ptrdiff_t i = 3; i < end; i++) {
        char d = ascii_upper(text.p[i]);
        if (!ascii_digit(d) && (d < 'A' || d > 'F'))
            return false;
        c = c * 16 + (uint32_t)(ascii_digit(d) ? d - '0' : d - 'A' + 10);
    }
    int n = u8_uctomb(utf8, c, sizeof utf8);
    if (c < 0x20 || c == 0x7f || n <= 0)
        return false;
    buf_add(out, utf8, (size_t)n);
    *used = (size_t)end + 1;
    return true;
}

/* utf-8-addr-xtext and utf-8-addr-unitext (RFC 6533 section 3) */
static bool parse_utf8_address(struct str text, struct buf *out) {
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        size_t used = 1;
        if (c == '\\') {
            if (!parse_embedded(str_sub(text, i, text.n), out, &used))
                return false;
        } else if (c < 0x21 || c == 0x7f || c == '+' || c == '=') {
            return false;
        } else {
            buf_add_byte(out, (char)c);
        }
        i += used;
    }
    return true;
}

/* Text without control characters. */
static bool is_shown(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return str_is_utf8(s);
}

bool parse_orcpt(struct str value, struct buf *out) {
    struct buf address = BUF_EMPTY;
    ptrdiff_t semicolon = str_chr(value, ';');
    struct str type = str_sub(value, 0, semicolon < 0 ? 0 : (size_t)semicolon);
    struct str text = str_sub(value, (size_t)(semicolon + 1), value.n);
    bool utf8 = str_ieq(type, STR("utf-8"));
    bool good = is_keyword(type) && type.n <= 20 &&
                (utf8 ? parse_utf8_address(text, &address) : parse_xtext(text, &address)) && address.n &&
                is_shown(buf_str(&address));
    if (good) {
        /* Postfix writes UTF-8 as xtext, with the type of ASCII. */
        utf8 = utf8 || (str_ieq(type, STR("rfc822")) && !str_is_ascii(buf_str(&address)));
        for (size_t i = 0; i < type.n && !utf8; i++)
            buf_add_byte(out, ascii_lower(type.p[i]));
        buf_add_c(out, utf8 ? "utf-8;" : ";");
        buf_add_str(out, buf_str(&address));
    }
    buf_free(&address);
    return good;
}

bool parse_envid(struct str value, struct buf *out) {
    size_t before = out->n;
    if (value.p && value.n <= 100 && parse_xtext(value, out) && is_printable(str_sub(buf_str(out), before, out->n)))
        return true;
    out->n = before;
    return false;
}

/* ---- time ---- */

/* `digits` digits at *at, which moves behind them, and behind the one of `after` that must follow (0: none). */
static bool take_number(struct str text, size_t *at, size_t digits, int low, int high, char after, int *out) {
    uint32_t v;
    struct str s = str_sub(text, *at, digits);
    if (s.n != digits || !str_u32(s, &v) || (int)v < low || (int)v > high)
        return false;
    *out = (int)v;
    *at += digits;
    if (after && (*at >= text.n || ascii_upper(text.p[(*at)++]) != after))
        return false;
    return true;
}

bool parse_timestamp(struct str text, int64_t *at) {
    struct tm tm = {0};
    size_t i = 0;
    int month, hours = 0, minutes = 0;
    if (!take_number(text, &i, 4, 1970, 9999, '-', &tm.tm_year) || !take_number(text, &i, 2, 1, 12, '-', &month) ||
        !take_number(text, &i, 2, 1, 31, 'T', &tm.tm_mday) || !take_number(text, &i, 2, 0, 23, ':', &tm.tm_hour) ||
        !take_number(text, &i, 2, 0, 59, ':', &tm.tm_min) || !take_number(text, &i, 2, 0, 60, 0, &tm.tm_sec))
        return false;
    if (i < text.n && text.p[i] == '.') {
        size_t fraction = ++i;
        while (i < text.n && ascii_digit(text.p[i]))
            i++;
        if (i == fraction)
            return false;
    }
    struct str zone = str_sub(text, i, text.n);
    if (!str_ieq(zone, STR("Z"))) {
        size_t k = 1;
        if (zone.n != 6 || (zone.p[0] != '+' && zone.p[0] != '-') || !take_number(zone, &k, 2, 0, 23, ':', &hours) ||
            !take_number(zone, &k, 2, 0, 59, 0, &minutes))
            return false;
        if (zone.p[0] == '-')
            hours = -hours, minutes = -minutes;
    }
    tm.tm_year -= 1900;
    tm.tm_mon = month - 1;
    tm.tm_sec -= tm.tm_sec == 60; /* a leap second */
    int day = tm.tm_mday;
    time_t seconds = timegm(&tm);
    *at = ((int64_t)seconds - hours * 3600 - minutes * 60) * CLOCK_SECOND;
    return tm.tm_mday == day; /* no 31st of June */
}
