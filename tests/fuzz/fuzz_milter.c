/*
 * What a milter sends: replies of any kind, the negotiation, and the text that goes on to an SMTP client, which must be
 * replies of one code whatever the milter wrote.
 */
#include "base/log.h"
#include "filter/milter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct str part, struct str whole) {
    if (part.n && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        log_panic("a string that is not of the packet");
}

/* Each line: the code, a dash (a blank in the last), text without control bytes. */
static void check_smtp(struct str reply) {
    struct str rest = reply, line;
    while (str_split(&rest, '\n', &line)) {
        if (rest.p) {
            if (line.n == 0 || line.p[line.n - 1] != '\r')
                log_panic("a line that does not end with CR LF");
            line.n--;
        }
        if (line.n < 4 || !str_eq(str_sub(line, 0, 3), str_sub(reply, 0, 3)) || line.p[3] != (rest.p ? '-' : ' '))
            log_panic("a line that is no reply");
        if (line.p[0] != '4' && line.p[0] != '5')
            log_panic("a reply that refuses nothing");
        for (size_t i = 0; i < line.n; i++)
            if ((unsigned char)line.p[i] < ' ' || line.p[i] == 127)
                log_panic("a control byte in a reply");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct milter_reply reply;
    struct milter_terms terms;
    struct buf smtp = BUF_EMPTY;
    struct err err;
    if (size == 0)
        return 0;
    struct str rest = str_n(data + 1, size - 1);
    if (milter_read_reply((char)data[0], rest, &reply, &err)) {
        check_within(reply.name, rest);
        check_within(reply.text, rest);
        if (reply.kind == MILTER_REPLY_CODE && milter_smtp_reply(reply.text, &smtp, &err))
            check_smtp(buf_str(&smtp));
    }
    buf_reset(&smtp);
    if (milter_smtp_reply(rest, &smtp, &err))
        check_smtp(buf_str(&smtp));
    if (milter_read_terms(rest, &terms, &err))
        for (int i = 0; i < MILTER_STAGES; i++)
            check_within(terms.macros[i], rest);
    buf_free(&smtp);
    return 0;
}
