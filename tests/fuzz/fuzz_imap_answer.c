/* fuzz: cli */
/* Answers of another IMAP server: read within bounds, whatever it says. */
#include "move/imap_parse.h"
#include "move/source.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct str in = arena_str(&a, str_n(data, size)), rest = in;
    struct imap_fetch m;
    struct imap_list l;
    struct imap_namespaces n;
    uint64_t literal;
    if (imap_read_fetch(&a, in, &m))
        for (size_t i = 0; i < m.keyword_count; i++)
            if (m.keyword[i].n > 100)
                abort();
    imap_read_list(&a, in, &l);
    imap_read_namespaces(&a, in, &n);
    imap_read_date(in);
    imap_literal_at_end(in, &literal);
    imap_skip_value(&rest);
    arena_free(&a);
    return 0;
}
