#include "move/export.h"

#include "store/import.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>

enum { BATCH = 100 };

struct run {
    struct store *store;
    struct sink *sink;
    int64_t account;
    const struct export_options *options;
    struct export_report *report;
    struct err *err;
    struct arena arena, of_folder, of_batch;
    int64_t *crlf; /* ids of the emails that came with CR LF */
    size_t crlfs;
    struct store_uidl *uidl;
    size_t uidls;
    struct export_folder *line;
};

static bool matches(const struct import_names *patterns, struct str name) {
    for (size_t i = 0; i < patterns->count; i++)
        if (fnmatch(patterns->at[i].p, name.p, FNM_CASEFOLD) == 0)
            return true;
    return false;
}

static bool wanted(const struct export_options *o, struct str name) {
    return !matches(&o->exclude, name) && (!o->folder.count || matches(&o->folder, name));
}

static int by_id(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int by_uid(const void *a, const void *b) {
    const struct store_uidl *x = a, *y = b;
    return (x->uid > y->uid) - (x->uid < y->uid);
}

static struct sink_message describe(const struct run *r, const struct store_mailbox *box,
                                    const struct store_message *m) {
    struct store_uidl key = {.uid = m->uid};
    const struct store_uidl *uidl = r->uidls ? bsearch(&key, r->uidl, r->uidls, sizeof key, by_uid) : NULL;
    return (struct sink_message){
        .of = m,
        .recent = m->uid >= box->first_recent,
        .crlf = r->crlfs && bsearch(&m->email_id, r->crlf, r->crlfs, sizeof *r->crlf, by_id),
        .uidl = uidl ? uidl->uidl : (struct str){NULL, 0},
    };
}

/* Reads the messages in one go, and writes them. */
static bool write_batch(struct run *r, const struct store_mailbox *box, const struct store_message **m, size_t n) {
    struct uid_range range[BATCH];
    struct store_card *card;
    size_t cards;
    struct buf bytes = BUF_EMPTY;
    arena_reset(&r->of_batch);
    for (size_t i = 0; i < n; i++)
        range[i] = (struct uid_range){m[i]->uid, m[i]->uid};
    bool good =
        !n || store_cards(r->store, &r->of_batch, r->account, box->id, range, n, &card, &cards, r->err) == STORE_OK;
    for (size_t i = 0, k = 0; good && n && i < cards; i++) {
        while (k < n && m[k]->uid < card[i].uid)
            k++;
        struct sink_message one = describe(r, box, m[k]);
        buf_reset(&bytes);
        good = store_read(r->store, &card[i], 0, UINT64_MAX, &bytes, r->err) == STORE_OK;
        one.bytes = bytes.p ? buf_str(&bytes) : STR("");
        good = good && r->sink->kind->add(r->sink, &one, r->err);
        if (!good)
            break;
        r->line->written++;
        r->line->bytes += bytes.n;
        progress_add(r->options->progress, 1, bytes.n);
    }
    buf_free(&bytes);
    return good;
}

static bool write_messages(struct run *r, const struct store_mailbox *box, const struct store_message *m,
                           size_t count) {
    const struct store_message *batch[BATCH];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        struct sink_message one = describe(r, box, &m[i]);
        if (r->options->since && m[i].internal_date < r->options->since) {
            r->line->left_out++;
            progress_add(r->options->progress, 1, m[i].size);
            continue;
        }
        if (r->sink->kind->has && r->sink->kind->has(r->sink, &one)) {
            r->line->kept++;
            progress_add(r->options->progress, 1, m[i].size);
            continue;
        }
        batch[n++] = &m[i];
        if (n == BATCH) {
            if (!write_batch(r, box, batch, n))
                return false;
            n = 0;
        }
    }
    return write_batch(r, box, batch, n);
}

static bool write_mailbox(struct run *r, const struct store_mailbox *box) {
    struct store_message *m;
    size_t count;
    arena_reset(&r->of_folder);
    if (store_messages(r->store, &r->of_folder, r->account, box->id, 1, 0, &m, &count, r->err) != STORE_OK ||
        store_uidls(r->store, &r->of_folder, r->account, box->id, &r->uidl, &r->uidls, r->err) != STORE_OK)
        return false;
    r->line->there = count;
    struct store_mailbox now = *box; /* mail that came in since */
    if (count && now.uidnext <= m[count - 1].uid)
        now.uidnext = (uint64_t)m[count - 1].uid + 1;
    return r->sink->kind->begin(r->sink, &now, m, count, r->err) && write_messages(r, box, m, count) &&
           r->sink->kind->end(r->sink, r->err);
}

static bool run_all(struct run *r) {
    struct store_mailbox *box;
    size_t all, n = 0;
    if (store_mailbox_list(r->store, &r->arena, r->account, &box, &all, r->err) != STORE_OK ||
        store_emails_crlf(r->store, &r->arena, r->account, &r->crlf, &r->crlfs, r->err) != STORE_OK)
        return false;
    for (size_t i = 0; i < all; i++)
        if (wanted(r->options, box[i].name)) {
            progress_expect(r->options->progress, box[i].messages, box[i].bytes);
            box[n++] = box[i];
        }
    if (!n)
        return err_set(r->err, "no folder is wanted");
    r->report->folder = arena_array(&r->report->arena, n, sizeof *r->report->folder);
    for (size_t i = 0; i < n; i++) {
        r->line = &r->report->folder[r->report->folders++];
        r->line->name = arena_str(&r->report->arena, box[i].name);
        if (!write_mailbox(r, &box[i]))
            return false;
    }
    return r->sink->kind->finish(r->sink, box, n, r->err);
}

bool export_run(struct store *store, struct sink *sink, int64_t account, const struct export_options *options,
                struct export_report *report, struct err *err) {
    struct run r = {.store = store, .sink = sink, .account = account, .options = options, .report = report, .err = err};
    bool good = run_all(&r);
    arena_free(&r.of_batch), arena_free(&r.of_folder), arena_free(&r.arena);
    return good;
}
