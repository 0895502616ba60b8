/* fuzz: imapd */
/* The tokens and arguments of IMAP commands. The first byte chooses what is parsed. */
#include "imap/fetch.h"
#include "imap/parse.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_strings(struct parser *p) {
    struct str s;
    while (parse_astring(p, &s) && parse_space(p))
        continue;
}

static void take_fetch(struct parser *p) {
    struct fetch_request r;
    struct span span;
    if (!fetch_parse(p, true, &r))
        return;
    struct mime_card *card = mime_parse(
        p->arena,
        STR("Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: b\r\n\r\nx\r\n--b--\r\n"));
    for (size_t i = 0; i < r.count; i++) {
        if (r.item[i].kind != FETCH_SECTION ||
            !section_span(&r.item[i].section, card->root, 10, 10 + card->size, &span))
            continue;
        if (span.offset > 10 + card->size || span.n > 10 + card->size - span.offset)
            abort(); /* outside of the message */
        struct buf out = BUF_EMPTY;
        section_fields(&r.item[i].section, STR("Subject: x\r\nTo: y\r\n\r\n"), &out);
        buf_free(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct arena arena = ARENA_EMPTY;
    struct parser p = {.in = str_n(data + 1, size - 1), .arena = &arena, .utf8 = data[0] & 0x80};
    struct flags flags = {0};
    struct str s;
    uint64_t n;
    bool unasked;
    int64_t t;
    switch (data[0] % 8) {
    case 0:
        take_strings(&p);
        break;
    case 1:
        parse_mailbox(&p, &s);
        break;
    case 2:
        parse_store_flags(&p, &flags);
        break;
    case 3:
        parse_date_time(&p, &t);
        break;
    case 4:
        parse_literal_announced(p.in, &n, &unasked);
        break;
    case 5:
        parse_list_mailbox(&p, &s);
        break;
    default:
        take_fetch(&p);
        break;
    }
    if (p.at > p.in.n)
        abort();
    arena_free(&arena);
    return 0;
}
