#include "mail/imap/name.h"

#include "mime/utf7.h"

struct str name_decode(struct arena *a, struct str wire) {
    struct buf out = BUF_EMPTY;
    struct str name = arena_str(a, utf7_decode(wire, &out) ? buf_str(&out) : wire);
    if (!str_is_utf8(name))
        for (size_t i = 0; i < name.n; i++)
            if ((unsigned char)name.p[i] >= 0x80)
                ((char *)name.p)[i] = '?';
    buf_free(&out);
    return name;
}

struct str name_encode(struct arena *a, struct str utf8) {
    struct buf out = BUF_EMPTY;
    utf7_encode(utf8, &out);
    struct str wire = arena_str(a, buf_str(&out));
    buf_free(&out);
    return wire;
}
