#include "admin/list.h"

#include "base/log.h"
#include "http/url.h"

#include <stdio.h>

/* The last character there is (U+10FFFF), behind every key. */
#define BEYOND "\xf4\x8f\xbf\xbf"

void list_read(struct exchange *x, struct list *l, const char *const *sorts, bool descending) {
    *l = (struct list){.sort = str_of(sorts[0]), .descending = descending};
    l->search = str_sub(exchange_query(x, "q"), 0, LIST_MAX_SEARCH);
    while (l->search.n > 0 && !str_is_utf8(l->search)) /* cut within a character */
        l->search.n--;
    struct str wanted = exchange_query(x, "sort");
    bool down = str_starts(wanted, STR("-"));
    for (size_t i = 0; sorts[i]; i++) {
        if (str_eq(str_sub(wanted, down, wanted.n), str_of(sorts[i]))) {
            l->sort = str_of(sorts[i]);
            l->descending = down;
        }
    }
    struct str after = exchange_query(x, "after"), before = exchange_query(x, "before");
    l->backward = after.n == 0 && before.n > 0;
    l->cursor = l->backward ? before : after;
    l->scan_down = l->descending != l->backward;
}

void list_keep(struct list *l, const char *name, struct str value) {
    if (value.n == 0)
        return;
    if (l->kept == LIST_MAX_KEPT)
        log_panic("a list with more than %d filters", LIST_MAX_KEPT);
    l->keep[l->kept].name = name;
    l->keep[l->kept++].value = value;
}

struct str list_from(const struct list *l) {
    if (l->cursor.n > 0)
        return l->cursor;
    return l->scan_down ? STR(BEYOND) : STR("");
}

int64_t list_from_number(const struct list *l) {
    uint64_t v;
    if (l->cursor.n > 0 && str_u64(l->cursor, &v) && v <= INT64_MAX)
        return (int64_t)v;
    return l->scan_down ? INT64_MAX : 0;
}

int list_take(struct list *l, const PGresult *r) {
    int n = PQntuples(r);
    l->more = n > LIST_ROWS;
    l->rows = l->more ? LIST_ROWS : n;
    return l->rows;
}

int list_row(const struct list *l, int i) { return l->backward ? l->rows - 1 - i : i; }

/* ---- links ---- */

static void add_query(struct buf *b, const char *name, struct str value) {
    if (value.n == 0)
        return;
    buf_add_byte(b, b->n > 0 && memchr(b->p, '?', b->n) ? '&' : '?');
    buf_add_c(b, name);
    buf_add_byte(b, '=');
    url_encode(b, value);
}

static struct str link_to(struct exchange *x, const struct list *l, struct str path, struct str sort,
                          const char *cursor_name, struct str cursor) {
    struct buf b = BUF_EMPTY;
    buf_add_str(&b, path);
    add_query(&b, "q", l->search);
    for (size_t i = 0; i < l->kept; i++)
        add_query(&b, l->keep[i].name, l->keep[i].value);
    add_query(&b, "sort", sort);
    if (cursor_name)
        add_query(&b, cursor_name, cursor);
    struct str copy = arena_str(&x->arena, buf_str(&b));
    buf_free(&b);
    return copy;
}

static struct str sort_text(struct exchange *x, struct str sort, bool descending) {
    return descending ? arena_printf(&x->arena, "-%.*s", STR_ARG(sort)) : sort;
}

void list_pager(struct exchange *x, struct dict *d, const struct list *l, struct str path, struct str first,
                struct str last) {
    bool earlier = l->backward ? l->more : l->cursor.n > 0, later = l->backward ? true : l->more;
    if (l->rows == 0 || (!earlier && !later))
        return;
    struct dict *pager = dict_include(d, "PAGER", "admin/pager.tpl");
    struct str sort = sort_text(x, l->sort, l->descending);
    if (earlier)
        dict_set(dict_section(pager, "EARLIER"), "HREF", link_to(x, l, path, sort, "before", first));
    if (later)
        dict_set(dict_section(pager, "LATER"), "HREF", link_to(x, l, path, sort, "after", last));
}

void list_heading(struct exchange *x, struct dict *d, const struct list *l, struct str path, const char *sort,
                  const char *name) {
    bool current = str_eq(l->sort, str_of(sort));
    char label[40];
    snprintf(label, sizeof label, "%s_HREF", name);
    struct str target = sort_text(x, str_of(sort), current && !l->descending);
    dict_set(d, label, link_to(x, l, path, target, NULL, STR("")));
    if (current) {
        snprintf(label, sizeof label, l->descending ? "%s_DOWN" : "%s_UP", name);
        dict_show(d, label);
    }
}

void list_state(struct dict *d, const struct list *l) {
    dict_set(d, "SEARCH", l->search);
    bool narrowed = l->search.n > 0 || l->kept > 0;
    dict_show_if(d, "SEARCHED", narrowed);
    dict_show_if(d, "NOTHING_FOUND", l->rows == 0 && (narrowed || l->cursor.n > 0));
    dict_show_if(d, "NOTHING_THERE", l->rows == 0 && !narrowed && l->cursor.n == 0);
    dict_show_if(d, "ROWS", l->rows > 0);
}
