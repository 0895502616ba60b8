/* The THREAD command (RFC 5256). */
#include "imap/command.h"
#include "imap/condstore.h"
#include "imap/gather.h"
#include "imap/limit.h"
#include "imap/progress.h"
#include "imap/thread.h"

static void take_message(void *context, size_t index, const struct view_message *m, const struct mime_card *card,
                         struct arena *scratch) {
    (void)index;
    threads_add(context, card, gather_date(m, card), scratch);
}

static enum store_status write_threads(struct session *s, struct search_found *f, bool by_subject, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct threads *t = threads_new(&a, f->count);
    struct gather g = {.cards = true, .each = take_message, .context = t};
    enum store_status status = gather_found(s, f, &g, err);
    if (status == STORE_OK) {
        if (by_subject)
            threads_by_subject(t);
        else
            threads_by_references(t);
        for (size_t i = 0; s->uid && i < f->count; i++)
            f->seq[i] = view_uid(s->client, f->seq[i]);
        struct buf *out = session_out(s);
        buf_add_c(out, f->count ? "* THREAD " : "* THREAD");
        threads_write(t, f->seq, out);
        buf_add_c(out, "\r\n");
    }
    arena_free(&a);
    return status;
}

enum outcome command_thread(struct session *s, struct parser *p) {
    struct search_request r = {0};
    struct search_found f;
    struct str algorithm;
    struct err err;
    if (!parse_space(p) || !parse_atom(p, &algorithm) || !parse_space(p) || !search_parse_charset(p, &r) ||
        !search_parse_keys(p, &r))
        return session_syntax(s, p);
    bool by_subject = str_ieq(algorithm, STR("ORDEREDSUBJECT"));
    if (!by_subject && !str_ieq(algorithm, STR("REFERENCES")))
        return session_bad(s, "Thread by REFERENCES or ORDEREDSUBJECT");
    if (r.modseq)
        condstore_enable(s);
    if (r.bad_charset)
        return session_no(s, "[BADCHARSET (US-ASCII UTF-8)] Search in UTF-8");
    search_resolve(s, r.key);
    struct sequence scope = search_scope(s, r.key);
    uint64_t count = limit_count(&scope);
    if (limit_forbids(s, count))
        return limit_refuse(s);
    progress_begin(s, 2 * count); /* finding, then reading what was found */
    enum store_status status = search_run(s, r.key, &f, &err);
    progress_base(s, status == STORE_OK ? 2 * count - f.count : 0);
    if (status == STORE_OK)
        status = write_threads(s, &f, by_subject, &err);
    progress_end(s);
    return status == STORE_OK ? session_ok(s, "Done") : session_refused(s, status, NULL, &err);
}
