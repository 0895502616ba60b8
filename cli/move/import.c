#include "move/import.h"

#include "base/clock.h"
#include "store/import.h"

#include <fnmatch.h>
#include <stdlib.h>

enum {
    BATCH_MESSAGES = 500,
    BATCH_BYTES = 16 << 20,
    BATCH_SECONDS = 2, /* what is brought shows soon, and blobs do not wait long for their rows */
    MAX_TRIES = 5,     /* of a broken connection, in a row without any progress */
};

struct run {
    struct store *store;
    struct source *source;
    const struct import_target *target;
    const struct import_options *options;
    struct import_report *report;
    struct store_import *batch;
    struct arena arena; /* of the run */
    struct source_folder *folder;
    size_t folders;
    struct err *err;
    /* of the folder at work */
    struct arena of_folder;
    struct import_folder *line;
    struct store_import_folder state;
    struct store_import_known *known, *before; /* by key; by digest */
    size_t knowns, befores;
    bool *before_used;
    bool stopped; /* the store failed: there is no use in trying again */
    int64_t batch_began;
};

void import_report_free(struct import_report *r) {
    free(r->error);
    arena_free(&r->arena);
    *r = (struct import_report){0};
}

struct import_names import_names_read(struct arena *a, struct str text) {
    struct import_names list = {arena_array(a, text.n + 1, sizeof *list.at), 0};
    struct buf name = BUF_EMPTY;
    for (size_t i = 0; i <= text.n; i++) {
        bool escaped = i + 1 < text.n && text.p[i] == '\\' && text.p[i + 1] == ',';
        if (i < text.n && (text.p[i] != ',' || escaped)) {
            buf_add_byte(&name, text.p[i += escaped]);
            continue;
        }
        struct str trimmed = str_trim(buf_str(&name));
        if (trimmed.n)
            list.at[list.count++] = arena_str(a, trimmed);
        buf_reset(&name);
    }
    buf_free(&name);
    return list;
}

/* ---- what went wrong ---- */

static void fail(struct run *r, struct str message, const char *why) {
    struct import_report *report = r->report;
    report->errors++;
    r->line->failed++;
    if (report->errors_kept == IMPORT_MAX_ERRORS)
        return;
    if (report->errors_kept == report->cap) {
        report->cap = report->cap ? report->cap * 2 : 16;
        report->error = mem_resize(report->error, report->cap * sizeof *report->error);
    }
    report->error[report->errors_kept++] = (struct import_error){r->line->name, arena_str(&report->arena, message),
                                                                 arena_str(&report->arena, str_of(why))};
}

/* ---- which folders, and where to ---- */

static bool matches(const struct import_names *patterns, struct arena *a, struct str name) {
    for (size_t i = 0; i < patterns->count; i++)
        if (fnmatch(patterns->at[i].p, arena_c(a, name), FNM_CASEFOLD) == 0)
            return true;
    return false;
}

static bool wanted(struct run *r, const struct source_folder *f) {
    const struct import_options *o = r->options;
    if (matches(&o->exclude, &r->arena, f->name))
        return false;
    if (o->folder.count)
        return matches(&o->folder, &r->arena, f->name);
    return !f->left_out;
}

static struct str mapped(struct run *r, struct str name) {
    const struct import_names *map = &r->options->map;
    for (size_t i = 0; i < map->count; i++) {
        struct str to = map->at[i], from;
        str_split(&to, '=', &from);
        if (!to.p || !str_starts(name, from))
            continue;
        if (name.n == from.n)
            return to;
        if (name.p[from.n] == '/')
            return arena_printf(&r->arena, "%.*s%.*s", STR_ARG(to), STR_ARG(str_sub(name, from.n, name.n)));
    }
    return (struct str){NULL, 0};
}

/* The mailbox here that is for the same: "Gesendet" with \Sent goes to Sent. */
static struct str with_same_use(const struct store_mailbox *box, size_t n, struct str use) {
    for (size_t i = 0; use.p && i < n; i++)
        if (box[i].special_use.p && str_ieq(box[i].special_use, use))
            return box[i].name;
    return (struct str){NULL, 0};
}

static int inbox_first(const void *a, const void *b) {
    const struct source_folder *x = a, *y = b;
    bool inbox_x = str_ieq(x->name, STR("INBOX")), inbox_y = str_ieq(y->name, STR("INBOX"));
    return inbox_x != inbox_y ? (inbox_x ? -1 : 1) : str_cmp(x->name, y->name);
}

static bool choose_folders(struct run *r) {
    struct store_mailbox *box;
    size_t boxes, kept = 0;
    if (!r->source->kind->folders(r->source, &r->arena, &r->folder, &r->folders, r->err))
        return false;
    if (store_mailbox_list(r->store, &r->arena, r->target->account_id, &box, &boxes, r->err) != STORE_OK)
        return false;
    for (size_t i = 0; i < r->folders; i++)
        if (wanted(r, &r->folder[i]))
            r->folder[kept++] = r->folder[i];
    r->folders = kept;
    if (!kept)
        return err_set(r->err, "no folder of %s is wanted", r->source->name);
    qsort(r->folder, kept, sizeof *r->folder, inbox_first);
    r->report->folder = arena_array(&r->report->arena, kept, sizeof *r->report->folder);
    for (size_t i = 0; i < kept; i++) {
        struct str into = mapped(r, r->folder[i].name);
        if (!into.p && !r->options->keep_names)
            into = with_same_use(box, boxes, r->folder[i].special_use);
        if (!into.p)
            into = r->folder[i].name;
        r->report->folder[i] = (struct import_folder){.name = arena_str(&r->report->arena, r->folder[i].name),
                                                      .into = arena_str(&r->report->arena, into)};
    }
    r->report->folders = kept;
    return true;
}

/* ---- what is here already ---- */

static int by_key(const void *a, const void *b) {
    const struct store_import_known *x = a, *y = b;
    return str_cmp(x->key, y->key);
}

static int by_digest(const void *a, const void *b) {
    const struct store_import_known *x = a, *y = b;
    return memcmp(x->digest, y->digest, sizeof x->digest);
}

static bool is_known(const struct run *r, struct str key) {
    struct store_import_known k = {.key = key};
    return r->knowns && bsearch(&k, r->known, r->knowns, sizeof k, by_key);
}

/* A message of the folder as it was before it got another UIDVALIDITY; each counts once. */
static bool was_brought(struct run *r, const unsigned char digest[16]) {
    struct store_import_known k;
    if (!r->befores)
        return false;
    memcpy(k.digest, digest, sizeof k.digest);
    struct store_import_known *found = bsearch(&k, r->before, r->befores, sizeof k, by_digest);
    if (!found)
        return false;
    size_t at = (size_t)(found - r->before);
    while (at > 0 && by_digest(&r->before[at - 1], &k) == 0)
        at--;
    for (; at < r->befores && by_digest(&r->before[at], &k) == 0; at++)
        if (!r->before_used[at])
            return r->before_used[at] = true;
    return false;
}

/* The messages of the folder that are to be brought. */
static bool to_do(struct run *r, struct source_folder *f, struct source_message ***out, size_t *count,
                  uint64_t *bytes) {
    struct source_message *all;
    size_t n;
    if (!r->source->kind->list(r->source, f, &r->of_folder, &all, &n, r->err))
        return false;
    struct import_folder *line = r->line;
    line->there = n;
    line->here = line->left_out = 0;
    if (r->options->forget)
        r->knowns = 0;
    else if (store_import_look(r->store, &r->of_folder, r->target->account_id, str_of(r->source->name), f->name,
                               f->uidvalidity, f->by_uid, &r->known, &r->knowns, r->err) != STORE_OK)
        return false;
    if (r->knowns)
        qsort(r->known, r->knowns, sizeof *r->known, by_key);
    *out = arena_array(&r->of_folder, n, sizeof **out);
    *count = 0;
    *bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_known(r, all[i].key)) {
            line->here++;
        } else if (r->options->since && all[i].date && all[i].date < r->options->since) {
            line->left_out++;
        } else {
            (*out)[(*count)++] = &all[i];
            *bytes += all[i].size;
        }
    }
    return true;
}

static bool survey(struct run *r) {
    for (size_t i = 0; i < r->folders; i++) {
        struct source_message **todo;
        size_t n = 0;
        uint64_t bytes = 0;
        arena_reset(&r->of_folder);
        r->line = &r->report->folder[i];
        if (!to_do(r, &r->folder[i], &todo, &n, &bytes) && r->source->broken)
            return false;
        progress_expect(r->options->progress, n, bytes);
        if (r->options->dry_run) {
            r->line->brought = n;
            r->line->bytes = bytes;
        }
    }
    return true;
}

/* ---- bringing ---- */

static bool commit(struct run *r) {
    const struct store_import_message *m;
    size_t n;
    bool renumbered;
    enum store_status status = store_import_commit(r->batch, &m, &n, &renumbered, r->err);
    if (status != STORE_OK)
        return false;
    r->line->renumbered = r->line->renumbered || renumbered;
    for (size_t i = 0; i < n; i++) {
        if (m[i].status == STORE_QUOTA)
            fail(r, m[i].key,
                 "the account's quota would be passed: raise it (mansio account set), or say --over-quota");
        else if (m[i].uid)
            r->line->brought++;
        else
            r->line->here++;
    }
    return true;
}

static bool batch_is_full(const struct run *r) {
    return store_import_count(r->batch) >= BATCH_MESSAGES || store_import_bytes(r->batch) >= BATCH_BYTES ||
           clock_monotonic() - r->batch_began >= BATCH_SECONDS * CLOCK_SECOND;
}

static bool take(void *context, const struct source_message *m, const struct source_content *c) {
    struct run *r = context;
    if (c->gone) {
        r->line->there--;
        progress_add(r->options->progress, 1, m->size);
        return true;
    }
    if (c->why) {
        fail(r, m->key, c->why);
        progress_add(r->options->progress, 1, m->size);
        return true;
    }
    if (!store_import_count(r->batch))
        r->batch_began = clock_monotonic();
    struct store_import_message one = {
        .key = m->key,
        .uid = m->uid,
        .flags = m->flags,
        .keyword = m->keyword,
        .keyword_count = m->keyword_count,
        .internal_date = m->date,
        .uidl = str_eq(r->line->into, STR("INBOX")) ? m->uidl : (struct str){NULL, 0},
        .crlf = c->crlf,
    };
    unsigned char digest[16];
    if (r->befores)
        store_import_digest(c->bytes, digest);
    if (r->befores && was_brought(r, digest)) {
        store_import_note(r->batch, c->bytes, &one);
    } else {
        if (!store_import_add(r->batch, c->bytes, &one, r->err))
            return !(r->stopped = true);
        r->line->bytes += c->bytes.n;
    }
    progress_add(r->options->progress, 1, m->size);
    r->stopped = batch_is_full(r) && !commit(r);
    return !r->stopped;
}

/* The mailbox for a folder with a special use that nothing here has yet. */
static bool make_mailbox(struct run *r, const struct source_folder *f) {
    if (!f->special_use.p || r->options->keep_names)
        return true;
    enum store_status status =
        store_mailbox_create(r->store, r->target->account_id, r->line->into, f->special_use, r->err);
    return status == STORE_OK || status == STORE_EXISTS;
}

static bool open_folder(struct run *r, const struct source_folder *f) {
    enum store_status status = make_mailbox(r, f) ? STORE_OK : STORE_INVALID;
    if (status == STORE_OK)
        status = store_import_folder(r->store, r->target->account_id, str_of(r->source->name), f->name, f->uidvalidity,
                                     f->by_uid, r->line->into, &r->state, r->err);
    r->state.uidnext = f->uidnext;
    if (status == STORE_OK && r->state.fresh)
        status = store_mailbox_subscribe(r->store, r->target->account_id, r->line->into, f->subscribed, r->err);
    if (status == STORE_OK && f->by_uid)
        status = store_import_known(r->store, &r->of_folder, &r->state, true, &r->before, &r->befores, r->err);
    if (status != STORE_OK)
        return false;
    if (r->befores)
        qsort(r->before, r->befores, sizeof *r->before, by_digest);
    r->before_used = arena_array(&r->of_folder, r->befores, sizeof *r->before_used);
    for (size_t i = 0; i < r->knowns; i++) /* those that a run before this one met already */
        was_brought(r, r->known[i].digest);
    store_import_into(r->batch, &r->state, r->options->over_quota ? (struct store_quota){-1, 0} : r->target->quota);
    return true;
}

/* What is still missing. */
static size_t compact(struct source_message **todo, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (todo[i])
            todo[kept++] = todo[i];
    return kept;
}

/* Connects again to a source that broke, and to its folder as it was. */
static bool go_back(struct run *r, struct source_folder *f) {
    struct source_message *all;
    size_t count;
    uint32_t uidvalidity = f->uidvalidity;
    struct arena a = ARENA_EMPTY;
    bool good =
        r->source->kind->again(r->source, r->err) && r->source->kind->list(r->source, f, &a, &all, &count, r->err);
    arena_free(&a);
    return good && (f->uidvalidity == uidvalidity || err_set(r->err, "it was made anew meanwhile: run this again"));
}

static bool fetch(struct run *r, struct source_folder *f, struct source_message **todo, size_t n) {
    for (int tries = 0; n;) {
        r->err->text[0] = 0;
        if (r->source->kind->fetch(r->source, f, todo, n, take, r, r->err))
            return true;
        size_t left = compact(todo, n);
        tries = left < n ? 1 : tries + 1;
        n = left;
        if (r->stopped || !r->source->kind->again || tries > MAX_TRIES || !go_back(r, f))
            return false;
    }
    return true;
}

static bool bring_folder(struct run *r, struct source_folder *f) {
    struct source_message **todo;
    size_t n;
    uint64_t bytes;
    r->befores = 0;
    if (!to_do(r, f, &todo, &n, &bytes)) {
        fail(r, STR("(all)"), r->err->text); /* the others can be brought all the same */
        return !r->source->broken;
    }
    if (!open_folder(r, f))
        return false;
    bool good = fetch(r, f, todo, n);
    struct err why = *r->err;
    bool committed = commit(r); /* what came before it broke is kept */
    if (!good && why.text[0])
        *r->err = why;
    if (!good || !committed)
        return false;
    return store_import_finish(r->store, &r->state, r->options->reserve, r->err) == STORE_OK;
}

static bool bring(struct run *r) {
    if (r->options->forget &&
        store_import_forget(r->store, r->target->account_id, str_of(r->source->name), r->err) != STORE_OK)
        return false;
    for (size_t i = 0; i < r->folders; i++) {
        arena_reset(&r->of_folder);
        r->line = &r->report->folder[i];
        if (!bring_folder(r, &r->folder[i])) {
            struct err why = *r->err;
            return err_set(r->err, "folder %.*s: %s", STR_ARG(r->line->name), why.text);
        }
    }
    return true;
}

bool import_run(struct store *store, struct source *source, const struct import_target *target,
                const struct import_options *options, struct import_report *report, struct err *err) {
    struct run r = {.store = store,
                    .source = source,
                    .target = target,
                    .options = options,
                    .report = report,
                    .batch = store_import_new(store),
                    .err = err};
    bool good = choose_folders(&r) && survey(&r) && (options->dry_run || bring(&r));
    store_import_free(r.batch);
    arena_free(&r.of_folder);
    arena_free(&r.arena);
    return good;
}
