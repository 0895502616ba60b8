/* multipart/form-data as browsers send it (RFC 7578, RFC 2046 section 5.1; names as WHATWG HTML 4.10.21.8 writes them).
 */
#include "http/params.h"
#include "http/url.h"

enum { MAX_BOUNDARY = 70 /* RFC 2046 section 5.1.1 */, MAX_PART_HEADER = 8192 };

/* The value of a parameter in a header such as `form-data; name="a"; filename="b.txt"`. Quoted values are as browsers
 * write them: %22, %0D and %0A stand for the bytes that can't be there, and a backslash is itself. p NULL: not there.
 */
static struct str parameter(struct str header, struct str wanted) {
    ptrdiff_t at = str_chr(header, ';');
    while (at >= 0) {
        header = str_trim(str_sub(header, (size_t)at + 1, header.n));
        ptrdiff_t equals = str_chr(header, '=');
        if (equals < 0)
            break;
        struct str name = str_trim(str_sub(header, 0, (size_t)equals));
        header = str_trim(str_sub(header, (size_t)equals + 1, header.n));
        struct str value;
        if (header.n > 0 && header.p[0] == '"') {
            struct str rest = str_sub(header, 1, header.n);
            ptrdiff_t end = str_chr(rest, '"');
            if (end < 0)
                break;
            value = str_sub(rest, 0, (size_t)end);
            header = str_sub(rest, (size_t)end + 1, rest.n);
            at = str_chr(header, ';');
        } else {
            at = str_chr(header, ';');
            value = str_trim(at < 0 ? header : str_sub(header, 0, (size_t)at));
        }
        if (str_ieq(name, wanted))
            return value.p ? value : STR("");
    }
    return (struct str){NULL, 0};
}

static struct str browser_unescape(struct arena *a, struct str s) {
    char *out = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        struct str three = str_sub(s, i, 3);
        if (str_ieq(three, STR("%22")) || str_ieq(three, STR("%0D")) || str_ieq(three, STR("%0A"))) {
            out[n++] = three.p[1] == '2' ? '"' : ascii_lower(three.p[2]) == 'd' ? '\r' : '\n';
            i += 2;
        } else {
            out[n++] = s.p[i];
        }
    }
    return str_n(out, n);
}

/* One part's header lines. False where it is no form field. */
static bool read_part_header(struct arena *a, struct str header, struct param *one) {
    bool named = false;
    struct str line;
    while (str_split(&header, '\n', &line)) {
        line = str_trim(line);
        ptrdiff_t colon = str_chr(line, ':');
        if (colon < 0)
            continue;
        struct str name = str_trim(str_sub(line, 0, (size_t)colon));
        struct str value = str_trim(str_sub(line, (size_t)colon + 1, line.n));
        if (str_ieq(name, STR("Content-Disposition"))) {
            struct str field = parameter(value, STR("name")), filename = parameter(value, STR("filename"));
            named = field.p != NULL && str_istarts(value, STR("form-data"));
            one->name = browser_unescape(a, field);
            if (filename.p != NULL)
                one->filename = browser_unescape(a, filename);
        } else if (str_ieq(name, STR("Content-Type"))) {
            one->type = value;
        }
    }
    return named;
}

/* Index behind the next "\r\n--boundary" at or after `from`, its start in *start; -1 where there is none. */
static ptrdiff_t next_delimiter(struct str body, struct str delimiter, size_t from, size_t *start) {
    ptrdiff_t at = str_find(str_sub(body, from, body.n), delimiter);
    if (at < 0)
        return -1;
    *start = from + (size_t)at;
    return (ptrdiff_t)(*start + delimiter.n);
}

bool params_parse_multipart(struct params *out, struct arena *a, struct str content_type, struct str body,
                            struct err *err) {
    struct str boundary = parameter(content_type, STR("boundary"));
    if (boundary.n == 0 || boundary.n > MAX_BOUNDARY)
        return err_set(err, "The form came without a usable boundary between its parts.");
    struct str delimiter = arena_printf(a, "\r\n--%.*s", STR_ARG(boundary));
    struct str first = str_sub(delimiter, 2, delimiter.n);
    size_t start = 0;
    ptrdiff_t at = str_starts(body, first) ? (ptrdiff_t)first.n : next_delimiter(body, delimiter, 0, &start);
    while (at >= 0) {
        struct str rest = str_sub(body, (size_t)at, body.n);
        if (str_starts(rest, STR("--")))
            return true;
        if (!str_starts(rest, STR("\r\n")))
            break;
        /* The header ends at an empty line; searched from the line end before it, so that an empty header is found too.
         */
        ptrdiff_t header_end = str_find(str_sub(rest, 0, MAX_PART_HEADER), STR("\r\n\r\n"));
        if (header_end < 0)
            break;
        struct param one = {.type = STR("")};
        bool named = read_part_header(a, str_sub(rest, 0, (size_t)header_end), &one);
        size_t value = (size_t)at + (size_t)header_end + 4;
        /* An empty value's delimiter begins with the line end that ends the header. */
        at = next_delimiter(body, delimiter, value - 2, &start);
        if (at < 0)
            break;
        one.value = start >= value ? str_sub(body, value, start - value) : STR("");
        if (named && !params_add(out, a, one, err))
            return false;
    }
    return err_set(err, "The form was cut off or is malformed; send it again.");
}
