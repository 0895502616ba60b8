#include "move/maildir_name.h"

#include "base/clock.h"
#include "base/codec.h"
#include "mime/utf7.h"
#include "store/store.h"

static const struct {
    char letter;
    uint32_t flag;
} system_flags[] = {
    {'D', STORE_DRAFT}, {'F', STORE_FLAGGED}, {'R', STORE_ANSWERED}, {'S', STORE_SEEN}, {'T', STORE_DELETED}};

static void take_letter(char c, struct maildir_name *out) {
    if (c >= 'a' && c <= 'z')
        out->letters |= UINT32_C(1) << (c - 'a');
    out->forwarded = out->forwarded || c == 'P';
    for (size_t i = 0; i < sizeof system_flags / sizeof *system_flags; i++)
        if (system_flags[i].letter == c)
            out->flags |= system_flags[i].flag;
}

/* The seconds that the name begins with, where they can be a time that mail came at. */
static int64_t delivered_at(struct str base) {
    ptrdiff_t dot = str_chr(base, '.');
    uint64_t seconds;
    static const uint64_t YEAR_1990 = UINT64_C(631152000), YEAR_2100 = UINT64_C(4102444800);
    if (dot < 0 || !str_u64(str_sub(base, 0, (size_t)dot), &seconds) || seconds < YEAR_1990 || seconds > YEAR_2100)
        return 0;
    return (int64_t)seconds * CLOCK_SECOND;
}

void maildir_name_read(struct str file, struct maildir_name *out) {
    ptrdiff_t colon = str_chr(file, ':');
    *out = (struct maildir_name){.base = colon < 0 ? file : str_sub(file, 0, (size_t)colon)};
    struct str info = colon < 0 ? STR("") : str_sub(file, (size_t)colon, file.n);
    if (str_starts(info, STR(":2,")))
        for (size_t i = 3; i < info.n && info.p[i] != ','; i++)
            take_letter(info.p[i], out);
    out->raw = str_find(out->base, STR(",L=raw")) >= 0;
    out->delivered = delivered_at(out->base);
}

void maildir_flags_write(uint32_t flags, uint32_t letters, bool forwarded, struct buf *out) {
    buf_add_c(out, ":2,");
    for (int c = 'A'; c <= 'Z'; c++) {
        if (c == 'P' && forwarded)
            buf_add_byte(out, (char)c);
        for (size_t i = 0; i < sizeof system_flags / sizeof *system_flags; i++)
            if (system_flags[i].letter == c && (flags & system_flags[i].flag))
                buf_add_byte(out, (char)c);
    }
    for (int i = 0; i < MAILDIR_LETTERS; i++)
        if (letters >> i & 1)
            buf_add_byte(out, (char)('a' + i));
}

/* ---- folders ---- */

/* \XX of what a level can hold; the slash can't be in a name here. */
static void unescape(struct str s, struct buf *out) {
    for (size_t i = 0; i < s.n; i++) {
        struct buf byte = BUF_EMPTY;
        bool escaped = s.p[i] == '\\' && i + 2 < s.n && hex_decode(str_sub(s, i + 1, 2), &byte) && byte.n == 1 &&
                       byte.p[0] > ' ' && byte.p[0] < 0x7f && byte.p[0] != '/';
        buf_add_byte(out, escaped ? byte.p[0] : s.p[i]);
        i += escaped ? 2 : 0;
        buf_free(&byte);
    }
}

bool maildir_level_read(struct str level, struct buf *name) {
    struct buf plain = BUF_EMPTY;
    bool good = level.n > 0;
    if (good && !utf7_decode(level, &plain)) {
        good = str_is_utf8(level);
        buf_add_str(&plain, level);
    }
    for (size_t i = 0; good && i < plain.n; i++)
        good = (unsigned char)plain.p[i] >= 0x20 && plain.p[i] != 0x7f;
    size_t start = name->n;
    if (good)
        unescape(buf_str(&plain), name);
    for (size_t i = start; good && i < name->n; i++)
        if (name->p[i] == '/')
            name->p[i] = '_';
    buf_free(&plain);
    return good;
}

bool maildir_folder_read(struct str path, bool dots, struct buf *name) {
    size_t start = name->n;
    struct str level;
    if (dots && str_starts(path, STR(".")))
        path = str_sub(path, 1, path.n);
    while (str_split(&path, dots ? '.' : '/', &level)) {
        if (name->n > start)
            buf_add_byte(name, '/');
        if (!maildir_level_read(level, name)) {
            name->n = start;
            return false;
        }
    }
    return name->n > start;
}

void maildir_level_write(struct str level, const char *special, struct buf *out) {
    struct buf wire = BUF_EMPTY;
    utf7_encode(level, &wire);
    for (size_t i = 0; i < wire.n; i++)
        if (wire.p[i] == '\\' || strchr(special, wire.p[i]))
            buf_printf(out, "\\%02x", (unsigned char)wire.p[i]);
        else
            buf_add_byte(out, wire.p[i]);
    buf_free(&wire);
}

/* In a tree of directories these are a Maildir's own, and what begins with a dot is no folder. */
static const char *special_in_tree(struct str level) {
    bool taken = str_eq(level, STR("cur")) || str_eq(level, STR("new")) || str_eq(level, STR("tmp"));
    return taken ? "cnt" : str_starts(level, STR(".")) ? "." : "";
}

void maildir_folder_write(struct str name, bool dots, struct buf *path) {
    struct str level;
    for (bool first = true; str_split(&name, '/', &level); first = false) {
        if (dots || !first)
            buf_add_byte(path, dots ? '.' : '/');
        maildir_level_write(level, dots ? "." : special_in_tree(level), path);
    }
}
