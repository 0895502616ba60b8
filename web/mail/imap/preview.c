#include "mail/imap/preview.h"

#include "base/memory.h"

#include <stdlib.h>

enum { PREVIEW_MAX = 4096 };

static struct mailimap_extension_api preview_extension;

/* "..." at *at, which is moved behind it. NULL where it is none. */
static char *read_quoted(const MMAPString *buffer, size_t *at) {
    struct buf text = BUF_EMPTY;
    for (size_t i = *at + 1; i < buffer->len; i++) {
        char c = buffer->str[i];
        if (c == '"') {
            *at = i + 1;
            char *copy = str_dup(buf_str(&text));
            buf_free(&text);
            return copy;
        }
        if (c == '\\' && i + 1 < buffer->len)
            c = buffer->str[++i];
        buf_add_byte(&text, c);
    }
    buf_free(&text);
    return NULL;
}

/* {n}, line end, n bytes: read from the stream, and the line that follows with them. */
static char *read_literal(mailstream *stream, MMAPString *buffer, size_t *at) {
    struct str line = str_n(buffer->str + *at, buffer->len - *at);
    ptrdiff_t close = str_chr(line, '}');
    uint32_t n;
    if (close < 2 || !str_u32(str_sub(line, 1, (size_t)close - 1), &n) || n > PREVIEW_MAX)
        return NULL;
    size_t start = buffer->len;
    char bytes[PREVIEW_MAX];
    for (uint32_t got = 0; got < n;) {
        ssize_t r = mailstream_read(stream, bytes + got, n - got);
        if (r <= 0)
            return NULL;
        got += (uint32_t)r;
    }
    if (!mmap_string_append_len(buffer, bytes, n) || !mailstream_read_line_append(stream, buffer))
        return NULL;
    *at = start + n;
    return str_dup(str_n(bytes, n));
}

static int parse(int calling_parser, mailstream *stream, MMAPString *buffer, struct mailimap_parser_context *context,
                 size_t *index, struct mailimap_extension_data **result, size_t progress_rate,
                 progress_function *progress) {
    (void)context, (void)progress_rate, (void)progress;
    static const struct str NAME = {"PREVIEW ", 8}, NOTHING = {"NIL", 3};
    if (calling_parser != MAILIMAP_EXTENDED_PARSER_FETCH_DATA ||
        !str_istarts(str_n(buffer->str + *index, buffer->len - *index), NAME))
        return MAILIMAP_ERROR_PARSE;
    size_t at = *index + NAME.n;
    char *text = NULL;
    if (str_istarts(str_n(buffer->str + at, buffer->len - at), NOTHING)) {
        text = str_dup(STR(""));
        at += NOTHING.n;
    } else if (at < buffer->len && buffer->str[at] == '"') {
        text = read_quoted(buffer, &at);
    } else if (at < buffer->len && buffer->str[at] == '{') {
        text = read_literal(stream, buffer, &at);
    }
    if (!text)
        return MAILIMAP_ERROR_PARSE;
    *result = mailimap_extension_data_new(&preview_extension, 0, text);
    if (!*result)
        mem_panic();
    *index = at;
    return MAILIMAP_NO_ERROR;
}

static void release(struct mailimap_extension_data *data) {
    free(data->ext_data);
    free(data);
}

static char extension_name[] = "PREVIEW";
static struct mailimap_extension_api preview_extension = {
    .ext_name = extension_name, .ext_id = -1, .ext_parser = parse, .ext_free = release};

void preview_register(void) {
    if (mailimap_extension_register(&preview_extension) != MAILIMAP_NO_ERROR)
        mem_panic();
}

struct str preview_text(const struct mailimap_extension_data *data) {
    return data->ext_extension == &preview_extension ? str_of(data->ext_data) : STR("");
}
