/*
 * mbox: one file, which is INBOX, or a directory of files and directories: FOLDER, SUB/FOLDER, and Thunderbird's
 * FOLDER.sbd/SUB for what is below FOLDER. Files that are no mbox are passed over. A message's key is the digest of its
 * bytes and how many like it stand before it: programs rewrite these files, and nothing else in them stays.
 */
#include "move/lines.h"
#include "move/maildir_files.h"
#include "move/mbox.h"
#include "move/source.h"
#include "store/import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 32, FIRST_LINE = 1024, DIGEST = 16 };

struct source_mbox {
    struct source source;
    char *path;
    enum mbox_format format;
    struct str uidl;
    void *mapped; /* the folder listed last */
    size_t size;
};

/* ---- folders ---- */

struct found {
    struct arena *a;
    const struct source_mbox *s;
    struct source_folder *at;
    size_t count, cap;
};

static void add_folder(struct found *f, struct str name, const char *path) {
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 32;
        f->at = mem_resize(f->at, f->cap * sizeof *f->at);
    }
    f->at[f->count++] = (struct source_folder){.name = arena_str(f->a, name),
                                               .special_use = {NULL, 0},
                                               .subscribed = true,
                                               .own = arena_c(f->a, str_of(path))};
}

static bool is_mbox(const char *path, const struct stat *st) {
    char head[FIRST_LINE];
    if (!S_ISREG(st->st_mode))
        return false;
    if (st->st_size == 0)
        return true;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    if (fd >= 0)
        close(fd);
    return n > 0 && mbox_is(str_n(head, (size_t)n));
}

static bool look_into(struct found *f, const char *directory, struct str parent, int depth, struct err *err);

static bool visit(struct found *f, const char *path, struct str file, struct str parent, int depth, struct err *err) {
    struct stat st;
    if (stat(path, &st) < 0)
        return errno == ENOENT || err_errno(err, "can't look at %s", path);
    bool directory = S_ISDIR(st.st_mode);
    if (!directory && !is_mbox(path, &st))
        return true;
    if (directory && str_ends(file, STR(".sbd")))
        file.n -= 4;
    struct buf name = BUF_EMPTY;
    if (parent.n)
        buf_printf(&name, "%.*s/", STR_ARG(parent));
    bool good = maildir_level_read(file, &name);
    struct str whole = good ? arena_str(f->a, buf_str(&name)) : file;
    buf_free(&name);
    if (!good)
        return err_set(err, "%s has a name that no mailbox can have here: rename it", path);
    if (directory)
        return look_into(f, path, whole, depth + 1, err);
    add_folder(f, str_ieq(whole, STR("inbox")) ? STR("INBOX") : whole, path);
    return true;
}

static bool look_into(struct found *f, const char *directory, struct str parent, int depth, struct err *err) {
    DIR *d = depth > MAX_DEPTH ? NULL : opendir(directory);
    if (!d)
        return depth > MAX_DEPTH || err_errno(err, "can't look into %s", directory);
    bool good = true;
    for (struct dirent *e; good && (e = readdir(d));)
        if (*e->d_name != '.')
            good = visit(f, arena_printf(f->a, "%s/%s", directory, e->d_name).p,
                         str_of(arena_c(f->a, str_of(e->d_name))), parent, depth, err);
    closedir(d);
    return good;
}

/* Dovecot's ".subscriptions"; folders that it does not name are not subscribed. */
static void take_subscriptions(struct found *f) {
    struct buf bytes = BUF_EMPTY;
    struct err none;
    if (source_read_file(AT_FDCWD, arena_printf(f->a, "%s/.subscriptions", f->s->path).p, &bytes, &none)) {
        size_t n;
        struct str *list = maildir_subscriptions_read(f->a, arena_str(f->a, buf_str(&bytes)), false, &n);
        for (size_t k = 0; k < f->count; k++) {
            f->at[k].subscribed = str_eq(f->at[k].name, STR("INBOX"));
            for (size_t i = 0; i < n; i++)
                f->at[k].subscribed = f->at[k].subscribed || str_eq(f->at[k].name, list[i]);
        }
    }
    buf_free(&bytes);
}

static bool folders(struct source *source, struct arena *a, struct source_folder **out, size_t *count,
                    struct err *err) {
    struct source_mbox *s = (struct source_mbox *)source;
    struct found f = {.a = a, .s = s};
    struct stat st;
    bool good = stat(s->path, &st) == 0 || err_errno(err, "can't open %s", s->path);
    if (good && S_ISDIR(st.st_mode)) {
        good = look_into(&f, s->path, STR(""), 0, err);
        take_subscriptions(&f);
    } else if (good) {
        add_folder(&f, STR("INBOX"), s->path);
        good =
            is_mbox(s->path, &st) || err_set(err, "%s is no mbox: it does not begin with a line \"From ...\"", s->path);
    }
    if (good && !f.count)
        good = err_set(err, "there is no mbox in %s", s->path);
    *out = arena_array(a, f.count, sizeof **out);
    *count = f.count;
    if (f.count)
        memcpy(*out, f.at, f.count * sizeof **out);
    free(f.at);
    return good;
}

/* ---- the messages of a folder ---- */

static void unmap(struct source_mbox *s) {
    if (s->mapped)
        munmap(s->mapped, s->size);
    s->mapped = NULL;
    s->size = 0;
}

static bool map(struct source_mbox *s, const char *path, struct err *err) {
    struct stat st;
    unmap(s);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &st) == 0;
    if (good && st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        good = p != MAP_FAILED;
        if (good) {
            s->mapped = p;
            s->size = (size_t)st.st_size;
        }
    }
    if (!good)
        err_errno(err, "can't open %s", path);
    if (fd >= 0)
        close(fd);
    return good;
}

struct listing {
    struct arena *a;
    struct source_message *at;
    size_t count, cap;
};

static struct source_message *new_message(struct listing *l) {
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 1024;
        l->at = mem_resize(l->at, l->cap * sizeof *l->at);
    }
    return &l->at[l->count++];
}

static void add_message(struct listing *l, const struct source_mbox *s, const struct mbox_entry *e,
                        const struct mbox_message *m, uint32_t uidvalidity) {
    struct source_message *to = new_message(l);
    char digest[DIGEST];
    store_import_digest(m->bytes, (unsigned char *)digest);
    *to = (struct source_message){
        .key = arena_str(l->a, str_n(digest, DIGEST)),
        .uid = m->uid,
        .flags = m->flags,
        .date = m->date,
        .size = m->bytes.n,
        .offset = (uint64_t)(e->from.p - (const char *)s->mapped),
        .uidl = s->uidl.p && m->uid ? source_uidl(l->a, s->uidl, m->uid, uidvalidity) : (struct str){NULL, 0},
    };
    to->keyword = arena_array(l->a, m->keyword_count, sizeof *to->keyword);
    for (size_t i = 0; i < m->keyword_count; i++)
        to->keyword[to->keyword_count++] = source_keyword(l->a, m->keyword[i]);
}

static int by_digest(const void *a, const void *b) {
    const struct source_message *x = a, *y = b;
    int c = memcmp(x->key.p, y->key.p, DIGEST);
    return c ? c : (x->offset > y->offset) - (x->offset < y->offset);
}

static int by_uid(const void *a, const void *b) {
    const struct source_message *x = a, *y = b;
    if (!x->uid != !y->uid)
        return x->uid ? -1 : 1;
    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The second of two that are the same has another key than the first. */
static void number_equal_ones(struct listing *l) {
    if (l->count)
        qsort(l->at, l->count, sizeof *l->at, by_digest);
    size_t same = 0;
    for (size_t i = 0; i < l->count; i++) {
        bool again = i > 0 && memcmp(l->at[i - 1].key.p, l->at[i].key.p, DIGEST) == 0;
        same = again ? same + 1 : 0;
        if (same) {
            struct str number = arena_printf(l->a, "................#%zu", same);
            memcpy((char *)(uintptr_t)number.p, l->at[i].key.p, DIGEST);
            l->at[i].key = number;
        }
    }
    if (l->count)
        qsort(l->at, l->count, sizeof *l->at, by_uid);
}

static bool list(struct source *source, struct source_folder *f, struct arena *a, struct source_message **out,
                 size_t *count, struct err *err) {
    struct source_mbox *s = (struct source_mbox *)source;
    struct listing l = {.a = a};
    if (!map(s, f->own, err))
        return false;
    struct str rest = str_n(s->mapped ? s->mapped : "", s->size);
    struct mbox_entry e;
    struct arena scratch = ARENA_EMPTY;
    struct buf bytes = BUF_EMPTY;
    f->uidvalidity = 0;
    f->uidnext = 0;
    while (mbox_next(&rest, s->format, &e)) {
        struct mbox_message m;
        arena_reset(&scratch);
        mbox_read(&scratch, &e, s->format, &bytes, &m);
        if (m.uidvalidity && !f->uidvalidity) {
            f->uidvalidity = m.uidvalidity;
            f->uidnext = m.uidnext;
        }
        if (!m.internal)
            add_message(&l, s, &e, &m, f->uidvalidity);
    }
    buf_free(&bytes);
    arena_free(&scratch);
    number_equal_ones(&l);
    *out = arena_array(a, l.count, sizeof **out);
    *count = l.count;
    if (l.count)
        memcpy(*out, l.at, l.count * sizeof **out);
    free(l.at);
    return true;
}

static bool fetch(struct source *source, const struct source_folder *f, struct source_message **message, size_t count,
                  bool (*got)(void *context, const struct source_message *m, const struct source_content *content),
                  void *context, struct err *err) {
    struct source_mbox *s = (struct source_mbox *)source;
    struct arena scratch = ARENA_EMPTY;
    struct buf bytes = BUF_EMPTY, converted = BUF_EMPTY;
    bool good = true;
    (void)f, (void)err;
    for (size_t i = 0; good && i < count; i++) {
        size_t at = (size_t)message[i]->offset - 5; /* "From " */
        struct str rest = str_n((const char *)s->mapped + at, s->size - at);
        struct mbox_entry e;
        struct mbox_message m;
        struct source_content c = {.why = NULL};
        arena_reset(&scratch);
        buf_reset(&converted);
        mbox_next(&rest, s->format, &e);
        mbox_read(&scratch, &e, s->format, &bytes, &m);
        c.bytes = lines_to_store(m.bytes, m.raw, &converted, &c.crlf);
        good = got(context, message[i], &c);
        message[i] = NULL;
    }
    buf_free(&bytes), buf_free(&converted);
    arena_free(&scratch);
    return good;
}

static void close_mbox(struct source *source) {
    struct source_mbox *s = (struct source_mbox *)source;
    unmap(s);
    free(s->path);
    free(s->source.name);
    free(s);
}

static const struct source_kind kind = {folders, list, fetch, NULL, close_mbox};

static enum mbox_format format_named(const char *name) {
    static const char *const names[] = {"auto", "o", "rd", "cl", "cl2"};
    for (int i = 0; i < 5; i++)
        if (strcmp(name, names[i]) == 0)
            return (enum mbox_format)i;
    return MBOX_AUTO;
}

struct source *source_mbox_open(struct str path, const struct source_options *options, struct err *err) {
    char *given = str_dup(path), *whole = realpath(given, NULL);
    if (!whole) {
        err_errno(err, "can't open %s", given);
        free(given);
        return NULL;
    }
    free(given);
    struct source_mbox *s = mem_zero(sizeof *s);
    s->source.kind = &kind;
    s->path = whole;
    s->uidl = options->uidl;
    s->format = format_named(options->mbox);
    if (asprintf(&s->source.name, "mbox:%s", whole) < 0)
        mem_panic();
    return &s->source;
}
