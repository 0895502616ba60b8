/* The SEARCH command, its answers, and what is kept of them. */
#include "imap/command.h"
#include "imap/condstore.h"
#include "imap/context.h"
#include "imap/copy.h"
#include "imap/limit.h"
#include "imap/progress.h"
#include "imap/search.h"

#include <stdlib.h>

size_t search_page(const struct search_page *page, size_t count, size_t *from) {
    *from = 0;
    if (page->first > count)
        return 0;
    size_t last = page->last < count ? page->last : count;
    *from = page->from_end ? count - last : page->first - 1;
    return last - page->first + 1;
}

struct sequence search_ranges(struct arena *a, const uint32_t *n, size_t count) {
    size_t ranges = 0;
    for (size_t i = 0; i < count; i++)
        ranges += i == 0 || n[i] != n[i - 1] + 1;
    struct sequence set = {arena_array(a, ranges ? ranges : 1, sizeof *set.range), 0, false};
    for (size_t i = 0; i < count; i++) {
        if (i && n[i] == n[i - 1] + 1)
            set.range[set.count - 1].last = n[i];
        else
            set.range[set.count++] = (struct uid_range){n[i], n[i]};
    }
    return set;
}

/* ---- what is saved (RFC 5182) ---- */

void search_forget_saved(struct session *s) {
    free(s->saved.range);
    s->saved = (struct sequence){NULL, 0, false};
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* With MIN, MAX or PARTIAL alone just those messages (RFC 5182 section 2.4, RFC 9394 section 3.2). */
static size_t choose_saved(const struct search_request *r, const struct search_found *f, uint32_t *out) {
    size_t n = 0, from;
    bool some = r->returns & (SEARCH_RETURN_MIN | SEARCH_RETURN_MAX | SEARCH_RETURN_PARTIAL);
    if (!some || r->returns & (SEARCH_RETURN_ALL | SEARCH_RETURN_COUNT)) {
        memcpy(out, f->seq, f->count * sizeof *out);
        return f->count;
    }
    if (r->returns & SEARCH_RETURN_PARTIAL) {
        n = search_page(&r->page, f->count, &from);
        memcpy(out, f->seq + from, n * sizeof *out);
    }
    if (r->returns & SEARCH_RETURN_MIN)
        out[n++] = f->seq[0];
    if (r->returns & SEARCH_RETURN_MAX)
        out[n++] = f->seq[f->count - 1];
    return n;
}

static void save(struct session *s, const struct search_request *r, const struct search_found *f) {
    search_forget_saved(s);
    if (f->count == 0)
        return;
    uint32_t *seq = arena_array(&s->arena, f->count + 2, sizeof *seq);
    size_t n = choose_saved(r, f, seq), kept = 0;
    qsort(seq, n, sizeof *seq, by_number);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || seq[i] != seq[kept - 1])
            seq[kept++] = seq[i];
    struct sequence ranges = search_ranges(&s->arena, seq, kept);
    struct sequence uids = session_uids(s, &ranges);
    s->saved.range = mem_alloc(uids.count * sizeof *uids.range);
    memcpy(s->saved.range, uids.range, uids.count * sizeof *uids.range);
    s->saved.count = uids.count;
}

/* ---- the answer ---- */

static void write_list(struct session *s, const struct search_request *r, const char *word,
                       const struct search_found *f) {
    struct buf *out = session_out(s);
    buf_add_c(out, "* ");
    buf_add_c(out, word);
    for (size_t i = 0; i < f->count; i++) {
        buf_add_byte(out, ' ');
        buf_add_u64(out, f->seq[i]);
    }
    if (r->modseq && f->count)
        buf_printf(out, " (MODSEQ %llu)", (unsigned long long)f->modseq);
    buf_add_c(out, "\r\n");
}

static uint64_t modseq_at(struct session *s, uint32_t seq) {
    struct view_message m;
    view_read(s->client, seq, 1, &m);
    return m.gone ? 0 : m.modseq;
}

/* Of what is told: one message, or all that were found (RFC 4731 section 3.2). */
static uint64_t modseq_of(struct session *s, unsigned returns, const struct search_found *f) {
    uint64_t first = modseq_at(s, f->seq[0]), last = modseq_at(s, f->seq[f->count - 1]);
    unsigned told = returns & SEARCH_RETURN_RESULT;
    if (told == SEARCH_RETURN_MIN && first)
        return first;
    if (told == SEARCH_RETURN_MAX && last)
        return last;
    if (told == (SEARCH_RETURN_MIN | SEARCH_RETURN_MAX) && first && last)
        return first > last ? first : last;
    return f->modseq;
}

static void write_page(const struct search_request *r, const struct search_found *f, struct buf *out) {
    size_t from, n = search_page(&r->page, f->count, &from);
    buf_printf(out, " PARTIAL (%.*s ", STR_ARG(r->page.text));
    if (n)
        copy_write_uids(f->seq + from, n, out);
    else
        buf_add_c(out, "NIL");
    buf_add_byte(out, ')');
}

/* RFC 6203 section 4: in the order of the messages; with PARTIAL alone those of the page. */
static void write_scores(const struct search_request *r, const struct search_found *f, struct buf *out) {
    size_t from = 0, n = f->count;
    if (r->returns & SEARCH_RETURN_PARTIAL && !(r->returns & SEARCH_RETURN_ALL))
        n = search_page(&r->page, f->count, &from);
    buf_add_c(out, " RELEVANCY (");
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_byte(out, ' ');
        buf_add_u64(out, f->score ? f->score[from + i] : 100);
    }
    buf_add_byte(out, ')');
}

/* RFC 4731. The numbers are UIDs where those are wanted; modseq 0: not wanted. */
static void write_esearch(struct session *s, const struct search_request *r, const struct search_found *f,
                          uint64_t modseq) {
    struct buf *out = session_out(s);
    buf_printf(out, "* ESEARCH (TAG \"%.*s\"", STR_ARG(s->tag));
    if (r->box) {
        buf_add_c(out, " MAILBOX ");
        session_mailbox_name(s, r->box->name, out);
        buf_printf(out, " UIDVALIDITY %u", r->box->uidvalidity);
    }
    buf_add_c(out, s->uid ? ") UID" : ")");
    if (f->count && r->returns & SEARCH_RETURN_MIN)
        buf_printf(out, " MIN %u", f->seq[0]);
    if (f->count && r->returns & SEARCH_RETURN_MAX)
        buf_printf(out, " MAX %u", f->seq[f->count - 1]);
    if (r->returns & SEARCH_RETURN_COUNT)
        buf_printf(out, " COUNT %zu", f->count);
    if (r->returns & SEARCH_RETURN_PARTIAL)
        write_page(r, f, out);
    if (f->count && r->returns & SEARCH_RETURN_ALL) {
        buf_add_c(out, " ALL ");
        copy_write_uids(f->seq, f->count, out);
    }
    if (f->count && r->returns & SEARCH_RETURN_RELEVANCY)
        write_scores(r, f, out);
    if (modseq)
        buf_printf(out, " MODSEQ %llu", (unsigned long long)modseq);
    buf_add_c(out, "\r\n");
}

void search_tell(struct session *s, const struct search_request *r, const char *word, struct search_found *f) {
    uint64_t modseq = r->modseq && f->count ? modseq_of(s, r->returns, f) : 0;
    if (r->returns & SEARCH_RETURN_SAVE)
        save(s, r, f);
    for (size_t i = 0; s->uid && i < f->count; i++)
        f->seq[i] = view_uid(s->client, f->seq[i]);
    if (!r->extended)
        write_list(s, r, word, f);
    else if (r->returns & SEARCH_RETURN_RESULT)
        write_esearch(s, r, f, modseq);
}

enum outcome command_search(struct session *s, struct parser *p) {
    struct search_request r;
    struct search_found f;
    struct err err;
    if (!search_parse(p, &r))
        return session_syntax(s, p);
    if (s->rev2 && !r.extended) { /* RFC 9051 section 6.4.4: as with RETURN () */
        r.extended = true;
        r.returns = SEARCH_RETURN_ALL;
    }
    if (r.modseq)
        condstore_enable(s);
    if (r.returns & SEARCH_RETURN_UPDATE && context_exists(s))
        return session_bad(s, "That tag is in use for another search");
    uint64_t modseq = view_modseq(s->client);
    search_resolve(s, r.key);
    if (r.returns & SEARCH_RETURN_SAVE && r.bad_charset)
        search_forget_saved(s);
    if (r.bad_charset)
        return session_no(s, "[BADCHARSET (US-ASCII UTF-8)] Search in UTF-8");
    struct sequence scope = search_scope(s, r.key);
    limit_keep_highest(s, &scope);
    if (s->limited_at)
        search_narrow(s, r.key, &scope);
    progress_begin(s, limit_count(&scope));
    enum store_status status = search_run(s, r.key, &f, &err);
    progress_end(s);
    if (status != STORE_OK && r.returns & SEARCH_RETURN_SAVE)
        search_forget_saved(s);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    if (r.returns & SEARCH_RETURN_UPDATE)
        context_begin(s, &r, &f, modseq);
    search_tell(s, &r, "SEARCH", &f);
    return session_ok(s, "Done");
}
