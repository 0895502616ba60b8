/*
 * list: tables that are searched, sorted and paged by the database and hold at any length. A page is found by the key
 * of the row it follows (or precedes), not by a number of rows to skip, so that the last page costs what the first
 * does.
 *
 * A list has one pair of statements for each way to sort: [0] scans upwards from the cursor, [1] downwards, both with
 * LIMIT LIST_FETCH. The page after a row in ascending order is an upward scan, the one before it a downward scan turned
 * round, and so on: `scan_down` says which. Text keys are compared COLLATE "C".
 */
#ifndef ADMIN_LIST_H
#define ADMIN_LIST_H

#include "exchange.h"

enum { LIST_ROWS = 50, LIST_FETCH = LIST_ROWS + 1, LIST_MAX_SEARCH = 200, LIST_MAX_KEPT = 6 };
#define LIST_LIMIT "51"

struct list {
    struct str search; /* "q": what to look for, "" for all */
    struct str sort;   /* which column, one of those offered */
    bool descending;
    bool backward;     /* the page before the cursor */
    bool scan_down;    /* which of the two statements */
    struct str cursor; /* "" on the first page */
    int rows;          /* of this page; after list_take() */
    bool more;         /* there are rows beyond, in the direction of the scan */
    size_t kept;
    struct {
        const char *name;
        struct str value;
    } keep[LIST_MAX_KEPT]; /* filters that links must carry */
};

/* Reads q, sort, after and before from the query. sorts: names offered, NULL-terminated; the first is the default. */
void list_read(struct exchange *x, struct list *l, const char *const *sorts, bool descending);
/* A filter of the page that its links keep; not for empty ones. */
void list_keep(struct list *l, const char *name, struct str value);
/* Where to scan from: the cursor, or beyond all keys. */
struct str list_from(const struct list *l);
int64_t list_from_number(const struct list *l);
/* How many of the result's rows are shown (it has one more where there are further pages). */
int list_take(struct list *l, const PGresult *r);
int list_row(const struct list *l, int i); /* the result's row for the i-th shown */
/* {{>PAGER}} with links to the pages around; path is the list's. first and last: keys of the page's rows. */
void list_pager(struct exchange *x, struct dict *d, const struct list *l, struct str path, struct str first,
                struct str last);
/* For a column's heading: <NAME>_HREF sorts by it (turned round where it is sorted by it), <NAME>_UP or <NAME>_DOWN is
 * shown. */
void list_heading(struct exchange *x, struct dict *d, const struct list *l, struct str path, const char *sort,
                  const char *name);
/* SEARCH is the text; shown: SEARCHED with any filter, ROWS where there are some, else NOTHING_FOUND (by the filters)
 * or NOTHING_THERE (at all). */
void list_state(struct dict *d, const struct list *l);

#endif
