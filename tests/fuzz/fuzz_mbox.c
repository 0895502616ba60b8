/* fuzz: cli */
/* mbox files: every format is read within bounds, and what we write of a message comes back as it was. */
#include "move/lines.h"
#include "move/mbox.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct str file, enum mbox_format format) {
    struct arena a = ARENA_EMPTY;
    struct buf out = BUF_EMPTY;
    struct mbox_entry e;
    struct mbox_message m;
    while (mbox_next(&file, format, &e)) {
        arena_reset(&a);
        mbox_read(&a, &e, format, &out, &m);
    }
    buf_free(&out);
    arena_free(&a);
}

static void write_and_read(struct str message, uint8_t seed) {
    struct arena a = ARENA_EMPTY;
    struct buf converted = BUF_EMPTY, file = BUF_EMPTY, out = BUF_EMPTY, back = BUF_EMPTY;
    bool raw, crlf;
    struct mbox_message m = {
        .uid = seed, .flags = seed & 31, .date = 1000000 * (int64_t)(seed + 1), .recent = seed & 32};
    m.bytes = lines_to_file(message, false, &converted, &raw);
    m.raw = raw;
    mbox_write(&m, STR("a@b"), &file);
    mbox_write(&m, STR("a@b"), &file);
    struct str rest = buf_str(&file);
    struct mbox_entry e;
    struct mbox_message got;
    for (int i = 0; i < 2; i++) {
        if (!mbox_next(&rest, MBOX_AUTO, &e))
            abort();
        mbox_read(&a, &e, MBOX_AUTO, &out, &got);
        buf_reset(&back);
        if (!str_eq(lines_to_store(got.bytes, got.raw, &back, &crlf), message) || got.flags != m.flags ||
            got.uid != m.uid || got.date != m.date || got.recent != (m.recent && !(m.flags & 1)))
            abort();
    }
    if (mbox_next(&rest, MBOX_AUTO, &e))
        abort();
    buf_free(&converted), buf_free(&file), buf_free(&out), buf_free(&back);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = str_n(data, size);
    for (int format = MBOX_AUTO; format <= MBOX_CL2; format++)
        read_all(in, (enum mbox_format)format);
    write_and_read(size ? in : STR(""), size ? data[0] : 0);
    return 0;
}
