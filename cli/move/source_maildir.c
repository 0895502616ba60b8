/*
 * A Maildir with folders, in Maildir++ (.Sub.Folder) and Dovecot's LAYOUT=fs (Sub/Folder), with what Dovecot and
 * Courier keep beside it. The messages' keys are the file names without their flags.
 */
#include "base/clock.h"
#include "move/lines.h"
#include "move/maildir_files.h"
#include "move/source.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 32 };

struct maildir {
    struct source source;
    char *path;
    struct str uidl; /* --uidl */
    int fd;          /* of the folder listed last, or -1 */
};

/* ---- folders ---- */

struct found {
    struct arena *a;
    struct source_folder *at;
    size_t count, cap;
};

static bool is_folder(int fd, const char *path) {
    struct stat st;
    return fstatat(fd, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static void add_folder(struct found *f, struct str name, struct str path) {
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 32;
        f->at = mem_resize(f->at, f->cap * sizeof *f->at);
    }
    f->at[f->count++] = (struct source_folder){
        .name = arena_str(f->a, name), .special_use = {NULL, 0}, .subscribed = true, .own = arena_c(f->a, path)};
}

/* A directory below the Maildir: a folder where it has cur/, and in the layout `fs` one that may have others in it. */
static bool look_into(struct found *f, const struct maildir *m, int root, struct str path, int depth, struct err *err);

static bool visit(struct found *f, const struct maildir *m, int root, struct str path, bool dots, int depth,
                  struct err *err) {
    char *c = arena_c(f->a, path);
    if (!is_folder(root, c))
        return true;
    if (is_folder(root, arena_printf(f->a, "%s/cur", c).p)) {
        struct buf name = BUF_EMPTY;
        bool good = maildir_folder_read(path, dots, &name);
        if (good && !str_ieq(buf_str(&name), STR("INBOX")))
            add_folder(f, buf_str(&name), path);
        buf_free(&name);
        if (!good)
            return err_set(err, "the folder %s/%s has a name that no mailbox can have here: rename it, or leave it out",
                           m->path, c);
    }
    return dots || look_into(f, m, root, path, depth + 1, err);
}

static bool look_into(struct found *f, const struct maildir *m, int root, struct str path, int depth, struct err *err) {
    if (depth > MAX_DEPTH)
        return true;
    int fd = openat(root, path.n ? path.p : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d)
        return err_errno(err, "can't look into %s/%.*s", m->path, STR_ARG(path));
    bool good = true;
    for (struct dirent *e; good && (e = readdir(d));) {
        struct str name = str_of(e->d_name);
        if (str_eq(name, STR(".")) || str_eq(name, STR("..")) || str_eq(name, STR("cur")) || str_eq(name, STR("new")) ||
            str_eq(name, STR("tmp")) || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN && e->d_type != DT_LNK))
            continue;
        bool dot = *e->d_name == '.';
        if (dot && path.n)
            continue; /* Maildir++ folders are in the Maildir itself */
        struct str below = path.n ? arena_printf(f->a, "%.*s/%s", STR_ARG(path), e->d_name) : arena_str(f->a, name);
        good = visit(f, m, root, below, dot, depth, err);
    }
    closedir(d);
    return good;
}

static bool in_list(const struct str *list, size_t n, struct str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(list[i], name))
            return true;
    return false;
}

static void take_subscriptions(int root, struct found *f) {
    static const char *const files[] = {"subscriptions", "courierimapsubscribed"};
    struct buf bytes = BUF_EMPTY;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct err none;
        buf_reset(&bytes);
        if (!source_read_file(root, files[i], &bytes, &none))
            continue;
        size_t dotted, slashed;
        struct str text = arena_str(f->a, buf_str(&bytes));
        struct str *dot = maildir_subscriptions_read(f->a, text, true, &dotted);
        struct str *slash = maildir_subscriptions_read(f->a, text, false, &slashed);
        for (size_t k = 0; k < f->count; k++) {
            bool tree = *(const char *)f->at[k].own != '.';
            f->at[k].subscribed =
                (tree ? in_list(slash, slashed, f->at[k].name) : in_list(dot, dotted, f->at[k].name)) ||
                str_eq(f->at[k].name, STR("INBOX"));
        }
        break;
    }
    buf_free(&bytes);
}

static bool folders(struct source *s, struct arena *a, struct source_folder **out, size_t *count, struct err *err) {
    struct maildir *m = (struct maildir *)s;
    struct found f = {.a = a};
    int root = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return err_errno(err, "can't open the Maildir %s", m->path);
    if (is_folder(root, "cur"))
        add_folder(&f, STR("INBOX"), STR("."));
    bool good = look_into(&f, m, root, STR(""), 0, err);
    if (good && !f.count)
        good = err_set(err, "%s is no Maildir: it has no cur/, and no folders with one", m->path);
    if (good)
        take_subscriptions(root, &f);
    *out = arena_array(a, f.count, sizeof **out);
    *count = f.count;
    if (f.count)
        memcpy(*out, f.at, f.count * sizeof **out);
    free(f.at);
    close(root);
    return good;
}

/* ---- the messages of a folder ---- */

struct listing {
    struct arena *a;
    struct source_message *at;
    size_t count, cap;
    struct maildir_uids uids;
    struct str letter[MAILDIR_LETTERS];
    struct maildir_keyword_list courier;
    struct str uidl; /* the template, p NULL: none */
};

static void add_keyword(struct listing *l, struct source_message *m, struct str name) {
    name = source_keyword(l->a, name);
    for (size_t i = 0; i < m->keyword_count; i++)
        if (str_ieq(m->keyword[i], name))
            return;
    if (name.n)
        m->keyword[m->keyword_count++] = name;
}

static void take_keywords(struct listing *l, struct source_message *m, const struct maildir_name *n) {
    const struct maildir_keyword *courier;
    size_t more = maildir_keywords_of(&l->courier, n->base, &courier);
    if (!n->letters && !n->forwarded && !more)
        return;
    m->keyword = arena_array(l->a, MAILDIR_LETTERS + 1 + more, sizeof *m->keyword);
    for (int i = 0; i < MAILDIR_LETTERS; i++)
        if ((n->letters >> i & 1) && l->letter[i].p)
            add_keyword(l, m, l->letter[i]);
    for (size_t i = 0; i < more; i++)
        add_keyword(l, m, courier[i].keyword);
    if (n->forwarded)
        add_keyword(l, m, STR("$Forwarded"));
}

/* Its file's time is when it came; a copy made without its times is newer than the name says. */
static int64_t date_of(const struct stat *st, const struct maildir_name *name) {
    int64_t written = (int64_t)st->st_mtim.tv_sec * CLOCK_SECOND + st->st_mtim.tv_nsec / 1000;
    bool copied = name->delivered && written / CLOCK_SECOND > name->delivered / CLOCK_SECOND;
    return copied ? name->delivered : written;
}

static void add_message(struct listing *l, int folder, const char *sub, const char *file) {
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 1024;
        l->at = mem_resize(l->at, l->cap * sizeof *l->at);
    }
    struct maildir_name n;
    struct source_message *m = &l->at[l->count++];
    struct str path = arena_printf(l->a, "%s/%s", sub, file);
    maildir_name_read(str_sub(path, 4, path.n), &n);
    const struct maildir_uid *known = maildir_uid_of(&l->uids, n.base);
    *m = (struct source_message){.key = n.base, .flags = n.flags, .path = path, .uidl = {NULL, 0}};
    struct stat st;
    if (fstatat(folder, file, &st, 0) == 0) {
        m->date = date_of(&st, &n);
        m->size = (uint64_t)st.st_size;
    }
    m->uid = known ? known->uid : 0;
    if (known && known->uidl.p)
        m->uidl = known->uidl;
    else if (m->uid && l->uidl.p)
        m->uidl = source_uidl(l->a, l->uidl, m->uid, l->uids.uidvalidity);
    take_keywords(l, m, &n);
}

static bool read_folder(const struct maildir *m, const char *folder, struct listing *l, const char *sub,
                        struct err *err) {
    int fd = openat(m->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? true : err_errno(err, "can't look into %s/%s/%s", m->path, folder, sub);
    DIR *d = fdopendir(fd);
    if (!d)
        return err_errno(err, "can't look into %s/%s/%s", m->path, folder, sub);
    for (struct dirent *e; (e = readdir(d));)
        if (*e->d_name != '.' && e->d_type != DT_DIR)
            add_message(l, fd, sub, e->d_name);
    closedir(d);
    return true;
}

static struct str side_file(const struct maildir *m, struct arena *a, const char *name) {
    struct buf bytes = BUF_EMPTY;
    struct err none;
    struct str s = {NULL, 0};
    if (source_read_file(m->fd, name, &bytes, &none))
        s = bytes.n ? arena_str(a, buf_str(&bytes)) : STR("");
    buf_free(&bytes);
    return s;
}

/* What stands beside the messages. Dovecot's default for POP3 is UID and UIDVALIDITY in hexadecimal. */
static void read_side_files(const struct maildir *m, struct listing *l) {
    struct str list = side_file(m, l->a, "dovecot-uidlist");
    bool dovecot = list.p && maildir_uidlist_read(l->a, list, &l->uids);
    if (!dovecot && (list = side_file(m, l->a, "courierimapuiddb")).p)
        maildir_uidlist_read(l->a, list, &l->uids);
    l->uidl = m->uidl.p ? m->uidl : dovecot ? STR("%08Xu%08Xv") : (struct str){NULL, 0};
    if (!dovecot && (list = side_file(m, l->a, "courierpop3dsizelist")).p)
        maildir_sizelist_read(l->a, list, &l->uids);
    maildir_keywords_read(side_file(m, l->a, "dovecot-keywords"), l->letter);
    if ((list = side_file(m, l->a, "courierimapkeywords/:list")).p)
        maildir_courier_keywords_read(l->a, list, &l->courier);
}

static int by_uid(const void *a, const void *b) {
    const struct source_message *x = a, *y = b;
    if (!x->uid != !y->uid)
        return x->uid ? -1 : 1;
    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    return str_cmp(x->key, y->key);
}

/* A message is moved from new/ to cur/ under its name while others look: each is taken once. */
static size_t drop_doubles(struct source_message *m, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!kept || !str_eq(m[kept - 1].key, m[i].key))
            m[kept++] = m[i];
    return kept;
}

static bool list(struct source *s, struct source_folder *f, struct arena *a, struct source_message **out, size_t *count,
                 struct err *err) {
    struct maildir *m = (struct maildir *)s;
    struct listing l = {.a = a};
    char *path = NULL;
    if (asprintf(&path, "%s/%s", m->path, (const char *)f->own) < 0)
        mem_panic();
    if (m->fd >= 0)
        close(m->fd);
    m->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = m->fd >= 0 || err_errno(err, "can't open the folder %s", path);
    free(path);
    if (good) {
        read_side_files(m, &l);
        good = read_folder(m, f->own, &l, "cur", err) && read_folder(m, f->own, &l, "new", err);
    }
    if (l.count)
        qsort(l.at, l.count, sizeof *l.at, by_uid);
    l.count = drop_doubles(l.at, l.count);
    *out = arena_array(a, l.count, sizeof **out);
    *count = l.count;
    if (l.count)
        memcpy(*out, l.at, l.count * sizeof **out);
    free(l.at);
    f->uidvalidity = l.uids.uidvalidity;
    f->uidnext = l.uids.uidnext;
    return good;
}

/* ---- reading ---- */

/* The file, or where it is now: mail programs give it other flags, or take it out of new/, at any time. */
static int open_message(const struct maildir *m, const struct source_message *of, struct maildir_name *name) {
    int fd = openat(m->fd, of->path.p, O_RDONLY | O_CLOEXEC);
    maildir_name_read(str_sub(of->path, 4, of->path.n), name);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    int folder = openat(m->fd, "cur", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = folder < 0 ? NULL : fdopendir(folder);
    for (struct dirent *e; d && fd < 0 && (e = readdir(d));) {
        struct maildir_name other;
        maildir_name_read(str_of(e->d_name), &other);
        if (str_eq(other.base, of->key))
            fd = openat(folder, e->d_name, O_RDONLY | O_CLOEXEC);
    }
    if (d)
        closedir(d);
    errno = fd < 0 ? ENOENT : 0;
    return fd;
}

static bool read_message(const struct maildir *m, struct source_message *of, struct buf *file,
                         struct maildir_name *name, bool *gone, struct err *why) {
    struct stat st;
    int fd = open_message(m, of, name);
    *gone = fd < 0 && errno == ENOENT;
    if (fd < 0)
        return err_errno(why, "its file can't be opened; make it readable and run this again");
    bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    for (buf_reset(file); good;) {
        buf_reserve(file, (size_t)st.st_size + 4096);
        ssize_t n = read(fd, file->p + file->n, file->cap - file->n - 1);
        if (n == 0)
            break;
        good = n > 0 || errno == EINTR;
        file->n += n > 0 ? (size_t)n : 0;
    }
    if (good)
        of->date = date_of(&st, name);
    else
        err_errno(why, "its file can't be read; see whether the disk is well, and run this again");
    close(fd);
    return good;
}

static bool fetch(struct source *s, const struct source_folder *f, struct source_message **message, size_t count,
                  bool (*got)(void *context, const struct source_message *m, const struct source_content *content),
                  void *context, struct err *err) {
    (void)f, (void)err;
    struct maildir *m = (struct maildir *)s;
    struct buf file = BUF_EMPTY, converted = BUF_EMPTY;
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        struct maildir_name name;
        struct err why = {""};
        struct source_content c = {.why = why.text};
        buf_reset(&converted);
        if (read_message(m, message[i], &file, &name, &c.gone, &why)) {
            c.why = NULL;
            c.bytes = lines_to_store(buf_str(&file), name.raw, &converted, &c.crlf);
        }
        good = got(context, message[i], &c);
        message[i] = NULL;
    }
    buf_free(&file), buf_free(&converted);
    return good;
}

static void close_maildir(struct source *s) {
    struct maildir *m = (struct maildir *)s;
    if (m->fd >= 0)
        close(m->fd);
    free(m->path);
    free(m->source.name);
    free(m);
}

static const struct source_kind kind = {folders, list, fetch, NULL, close_maildir};

struct source *source_maildir_open(struct str path, const struct source_options *options, struct err *err) {
    char *given = str_dup(path), *whole = realpath(given, NULL);
    if (!whole) {
        err_errno(err, "can't open the Maildir %s", given);
        free(given);
        return NULL;
    }
    free(given);
    struct maildir *m = mem_zero(sizeof *m);
    m->source.kind = &kind;
    m->path = whole;
    m->uidl = options->uidl;
    m->fd = -1;
    if (asprintf(&m->source.name, "maildir:%s", whole) < 0)
        mem_panic();
    return &m->source;
}
