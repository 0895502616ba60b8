#include "smtpd/parse.h"

#include "base/codec.h"

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
