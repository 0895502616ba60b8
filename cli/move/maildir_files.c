#include "move/maildir_files.h"

#include <stdlib.h>

/* The next line of *rest without its end; false behind the last. */
static bool next_line(struct str *rest, struct str *line) {
    if (!rest->p || rest->n == 0 || !str_split(rest, '\n', line))
        return false;
    if (line->n && line->p[line->n - 1] == '\r')
        line->n--;
    return true;
}

static size_t count_lines(struct str s) {
    size_t n = 1;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

static struct str base_of(struct str file) {
    ptrdiff_t colon = str_chr(file, ':');
    return colon < 0 ? file : str_sub(file, 0, (size_t)colon);
}

/* ---- UIDs ---- */

static int compare_uid(const void *a, const void *b) {
    const struct maildir_uid *x = a, *y = b;
    return str_cmp(x->base, y->base);
}

static bool read_head(struct str line, struct maildir_uids *out) {
    struct str word;
    if (!str_split(&line, ' ', &word))
        return false;
    if (str_eq(word, STR("1")))
        return str_split(&line, ' ', &word) && str_u32(word, &out->uidvalidity) && str_split(&line, ' ', &word) &&
               str_u32(word, &out->uidnext);
    if (!str_eq(word, STR("3")))
        return false;
    while (str_split(&line, ' ', &word)) {
        uint32_t *field = word.n < 2       ? NULL
                          : *word.p == 'V' ? &out->uidvalidity
                          : *word.p == 'N' ? &out->uidnext
                                           : NULL;
        if (field && !str_u32(str_sub(word, 1, word.n), field))
            return false;
    }
    return out->uidvalidity != 0;
}

/* "<uid> [fields] :<file>", or "<uid> <file>". */
static bool read_uid(struct str line, bool fields, struct maildir_uid *out) {
    struct str word;
    *out = (struct maildir_uid){.uidl = {NULL, 0}};
    if (!str_split(&line, ' ', &word) || !str_u32(word, &out->uid) || !out->uid || !line.p)
        return false;
    while (fields && line.n && *line.p != ':') {
        if (!str_split(&line, ' ', &word) || !line.p)
            return false;
        if (word.n > 1 && *word.p == 'P')
            out->uidl = str_sub(word, 1, word.n);
    }
    out->base = base_of(fields ? str_sub(line, 1, line.n) : line);
    return out->base.n > 0;
}

bool maildir_uidlist_read(struct arena *a, struct str bytes, struct maildir_uids *out) {
    *out = (struct maildir_uids){0};
    struct str line, rest = bytes;
    if (!next_line(&rest, &line) || !read_head(line, out))
        return false;
    bool fields = *bytes.p == '3';
    out->at = arena_array(a, count_lines(rest), sizeof *out->at);
    while (next_line(&rest, &line))
        if (read_uid(line, fields, &out->at[out->count]))
            out->count++;
    qsort(out->at, out->count, sizeof *out->at, compare_uid);
    return true;
}

const struct maildir_uid *maildir_uid_of(const struct maildir_uids *u, struct str base) {
    struct maildir_uid key = {.base = base};
    return u->count ? bsearch(&key, u->at, u->count, sizeof key, compare_uid) : NULL;
}

/* ---- POP3 ---- */

/* "<uid>[:<uidvalidity>]" into the UIDL; uidvalidity: the header's. */
static struct str uidl_of(struct arena *a, struct str base, struct str field, uint32_t uidvalidity) {
    struct str uid;
    uint32_t n;
    if (!str_split(&field, ':', &uid) || !str_u32(uid, &n) || (field.p && !str_u32(field, &uidvalidity)))
        return (struct str){NULL, 0};
    return n ? arena_printf(a, "UID%u-%u", n, uidvalidity) : base;
}

static bool read_size_line(struct arena *a, struct str line, uint32_t uidvalidity, struct maildir_uid *out) {
    ptrdiff_t last = str_rchr(line, ' ');
    if (last < 0)
        return false;
    struct str field = str_sub(line, (size_t)last + 1, line.n), front = str_sub(line, 0, (size_t)last);
    ptrdiff_t before = str_rchr(front, ' ');
    *out = (struct maildir_uid){.base = base_of(str_sub(front, 0, before < 0 ? 0 : (size_t)before))};
    out->uidl = uidl_of(a, out->base, field, uidvalidity);
    return out->base.n && out->uidl.p;
}

void maildir_sizelist_read(struct arena *a, struct str bytes, struct maildir_uids *u) {
    struct str line, rest = bytes, word;
    uint32_t uidvalidity = 0;
    if (!next_line(&rest, &line) || !str_split(&line, ' ', &word) ||
        (!str_eq(word, STR("/1")) && !str_eq(word, STR("/2"))) || !str_split(&line, ' ', &word) ||
        !str_split(&line, ' ', &word) || !str_u32(word, &uidvalidity))
        return;
    struct maildir_uid *all = arena_array(a, u->count + count_lines(rest), sizeof *all), one;
    size_t n = u->count;
    if (n)
        memcpy(all, u->at, n * sizeof *all);
    struct maildir_uids known = {.at = all, .count = n};
    while (next_line(&rest, &line)) {
        if (!read_size_line(a, line, uidvalidity, &one))
            continue;
        struct maildir_uid *old = (struct maildir_uid *)(uintptr_t)maildir_uid_of(&known, one.base);
        if (old)
            old->uidl = one.uidl;
        else
            all[n++] = one;
    }
    qsort(all, n, sizeof *all, compare_uid);
    u->at = all;
    u->count = n;
}

/* ---- keywords ---- */

void maildir_keywords_read(struct str bytes, struct str name[MAILDIR_LETTERS]) {
    struct str line, word;
    for (int i = 0; i < MAILDIR_LETTERS; i++)
        name[i] = (struct str){NULL, 0};
    while (next_line(&bytes, &line)) {
        uint32_t number;
        if (str_split(&line, ' ', &word) && str_u32(word, &number) && number < MAILDIR_LETTERS && line.p && line.n)
            name[number] = line;
    }
}

static int compare_keyword(const void *a, const void *b) {
    const struct maildir_keyword *x = a, *y = b;
    int c = str_cmp(x->base, y->base);
    return c ? c : str_cmp(x->keyword, y->keyword);
}

void maildir_courier_keywords_read(struct arena *a, struct str bytes, struct maildir_keyword_list *out) {
    *out = (struct maildir_keyword_list){0};
    size_t names = 0, most = count_lines(bytes), words = most;
    struct str *name = arena_array(a, most, sizeof *name), line, word;
    while (next_line(&bytes, &line) && line.n)
        name[names++] = line;
    for (size_t i = 0; i < bytes.n; i++)
        words += bytes.p[i] == ' ';
    out->at = arena_array(a, words, sizeof *out->at);
    while (next_line(&bytes, &line)) {
        ptrdiff_t colon = str_rchr(line, ':');
        struct str base = base_of(line), rest = str_sub(line, (size_t)(colon < 0 ? 0 : colon + 1), line.n);
        while (colon > 0 && str_split(&rest, ' ', &word)) {
            uint32_t number;
            if (str_u32(word, &number) && number < names)
                out->at[out->count++] = (struct maildir_keyword){base, name[number]};
        }
    }
    qsort(out->at, out->count, sizeof *out->at, compare_keyword);
}

size_t maildir_keywords_of(const struct maildir_keyword_list *k, struct str base,
                           const struct maildir_keyword **first) {
    size_t low = 0, high = k->count, n = 0;
    *first = NULL;
    if (!high)
        return 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_cmp(k->at[middle].base, base) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *first = k->at + low;
    while (low + n < k->count && str_eq(k->at[low + n].base, base))
        n++;
    return n;
}

/* ---- subscriptions ---- */

/* "V 2": levels are separated by TAB and are escaped as Dovecot does it (\1 is what \001 quotes). */
static bool read_levels(struct str line, struct buf *name) {
    struct str level;
    size_t start = name->n;
    while (str_split(&line, '\t', &level)) {
        if (name->n > start)
            buf_add_byte(name, '/');
        if (!maildir_level_read(level, name))
            return false;
    }
    return true;
}

struct str *maildir_subscriptions_read(struct arena *a, struct str bytes, bool dots, size_t *count) {
    struct str *list = arena_array(a, count_lines(bytes), sizeof *list), line;
    bool levels = str_starts(bytes, STR("V\t2\n"));
    *count = 0;
    if (levels)
        next_line(&bytes, &line);
    while (next_line(&bytes, &line)) {
        struct buf name = BUF_EMPTY;
        if (str_starts(line, STR("INBOX.")) && dots)
            line = str_sub(line, 6, line.n);
        if (line.n && (levels ? read_levels(line, &name) : maildir_folder_read(line, dots, &name)) && name.n)
            list[(*count)++] = arena_str(a, buf_str(&name));
        buf_free(&name);
    }
    return list;
}
