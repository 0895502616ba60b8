/* Message-IDs that tie a message into its thread. */
#include "mime/internal.h"

enum { MAX_ID_BYTES = 500 };

/* The next "<id>" of s from *at on; anything else (words, comments, broken ids) is passed over. */
static bool next_id(struct str s, size_t *at, struct str *id) {
    size_t start = s.n;
    for (size_t i = *at; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '<') {
            start = i;
        } else if (c <= ' ' || c == 0x7f) {
            start = s.n;
        } else if (c == '>' && start < s.n) {
            size_t n = i + 1 - start;
            *at = i + 1;
            if (n > 2 && n <= MAX_ID_BYTES) {
                *id = str_sub(s, start, n);
                return true;
            }
            start = s.n;
        }
    }
    *at = s.n;
    return false;
}

static bool has(const struct str *ids, size_t n, struct str id) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(ids[i], id))
            return true;
    return false;
}

/* The thread's first message and its latest ones are what threading needs: where there are too many, the middle goes.
 */
static size_t add_ids(struct str *ids, size_t n, struct str s, size_t *added) {
    struct str id;
    for (size_t at = 0; next_id(s, &at, &id);) {
        if (has(ids, n, id))
            continue;
        if (n == MIME_MAX_REFERENCES)
            memmove(&ids[1], &ids[2], (--n - 1) * sizeof *ids);
        ids[n++] = id;
        ++*added;
    }
    return n;
}

struct str mime_message_ids(struct arena *a, struct str references, struct str in_reply_to, uint32_t *reply_ids) {
    struct str ids[MIME_MAX_REFERENCES];
    size_t ignored = 0, added = 0, limit = MIME_MAX_REFERENCES;
    size_t n = add_ids(ids, add_ids(ids, 0, references, &ignored), in_reply_to, &added);
    *reply_ids = (uint32_t)(added < limit - 1 ? added : limit - 1);
    if (n == 0)
        return STR("");
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += ids[i].n + 1;
    char *to = arena_alloc(a, total);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (i)
            to[at++] = ' ';
        memcpy(to + at, ids[i].p, ids[i].n);
        at += ids[i].n;
    }
    return (struct str){to, at};
}
