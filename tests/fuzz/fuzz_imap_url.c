/* fuzz: imapd */
/* IMAP URLs of any bytes: what is taken out of one lies within bounds, and the rump is where the URL begins. */
#include "imap/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct str s, size_t size) {
    if (s.n > size || (s.n && !s.p) || !str_is_utf8(s))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena = ARENA_EMPTY;
    struct imap_url u;
    struct str text = str_n(data, size);
    if (imap_url_parse(&arena, text, &u)) {
        check(u.user, size), check(u.host, size), check(u.mailbox, size), check(u.section, size);
        check(u.access, size), check(u.mechanism, size), check(u.token, size), check(u.search, size);
        if (u.rump.n && !str_starts(text, u.rump))
            abort();
        if (u.access.p && (!u.absolute || !u.uid || !u.rump.n))
            abort();
        if (u.mechanism.p && (!u.access.p || u.token.n < 32))
            abort();
        if (u.partial && u.offset > INT64_MAX)
            abort();
    }
    arena_free(&arena);
    return 0;
}
