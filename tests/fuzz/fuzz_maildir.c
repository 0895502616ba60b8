/* fuzz: cli */
/* What stands in a Maildir beside the messages, and its names: read within bounds; folders' names come back. */
#include "move/csv.h"
#include "move/maildir_files.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void names(struct arena *a, struct str in) {
    struct maildir_name n;
    maildir_name_read(in, &n);
    for (int dots = 0; dots < 2; dots++) {
        struct buf name = BUF_EMPTY, path = BUF_EMPTY, again = BUF_EMPTY;
        if (maildir_folder_read(in, dots, &name)) {
            if (!str_is_utf8(buf_str(&name)))
                abort();
            maildir_folder_write(buf_str(&name), dots, &path);
            if (!maildir_folder_read(buf_str(&path), dots, &again) || !str_eq(buf_str(&name), buf_str(&again)))
                abort();
        }
        buf_free(&name), buf_free(&path), buf_free(&again);
    }
    (void)a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct str in = arena_str(&a, str_n(data, size)), rest = in, field[5], letter[MAILDIR_LETTERS];
    struct maildir_uids u;
    struct maildir_keyword_list k;
    const struct maildir_keyword *first;
    struct err err;
    size_t n, line = 0;
    maildir_uidlist_read(&a, in, &u);
    maildir_sizelist_read(&a, in, &u);
    for (size_t i = 0; i < u.count; i++)
        if (!maildir_uid_of(&u, u.at[i].base))
            abort();
    maildir_keywords_read(in, letter);
    maildir_courier_keywords_read(&a, in, &k);
    for (size_t i = 0; i < k.count; i++)
        if (!maildir_keywords_of(&k, k.at[i].base, &first))
            abort();
    maildir_subscriptions_read(&a, in, true, &n);
    maildir_subscriptions_read(&a, in, false, &n);
    while (csv_next(&a, &rest, field, 5, &n, &line, &err))
        continue;
    names(&a, in);
    arena_free(&a);
    return 0;
}
