/*
 * A Maildir with folders, which Dovecot and Courier read: UIDs in dovecot-uidlist, keywords in dovecot-keywords (26 of
 * them; where there are more, all of them in courierimapkeywords), subscriptions in both servers' files. A message's
 * file has a name made of its ids, so that another export into the same Maildir only adds what is new.
 */
#include "base/clock.h"
#include "move/lines.h"
#include "move/maildir_files.h"
#include "move/sink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct keyword_count {
    struct str name;
    size_t count;
};

struct maildir {
    struct sink sink;
    char *path;
    bool tree;
    /* of the mailbox at work */
    struct arena arena, scratch; /* of the mailbox; of one message */
    char *folder;
    int fd;
    struct store_mailbox box;
    struct keyword_count *keyword; /* the most used first */
    size_t keywords;
    struct str *there; /* files in cur/ and new/, with their folder: by base */
    size_t theres;
    struct buf uidlist, courier;
};

/* ---- keywords ---- */

static int most_used_first(const void *a, const void *b) {
    const struct keyword_count *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return str_cmp(x->name, y->name);
}

static void count_keyword(struct maildir *d, struct str name, size_t *cap) {
    for (size_t i = 0; i < d->keywords; i++)
        if (str_ieq(d->keyword[i].name, name)) {
            d->keyword[i].count++;
            return;
        }
    if (d->keywords == *cap) {
        *cap = *cap ? *cap * 2 : 32;
        d->keyword = mem_resize(d->keyword, *cap * sizeof *d->keyword);
    }
    d->keyword[d->keywords++] = (struct keyword_count){arena_str(&d->arena, name), 1};
}

static bool write_keywords(struct maildir *d, const struct store_message *m, size_t count, struct err *err) {
    size_t cap = 0;
    free(d->keyword);
    d->keyword = NULL;
    d->keywords = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < m[i].keyword_count; k++)
            count_keyword(d, m[i].keyword[k], &cap);
    if (!d->keywords)
        return true;
    qsort(d->keyword, d->keywords, sizeof *d->keyword, most_used_first);
    struct buf text = BUF_EMPTY;
    for (size_t i = 0; i < d->keywords && i < MAILDIR_LETTERS; i++)
        buf_printf(&text, "%zu %.*s\n", i, STR_ARG(d->keyword[i].name));
    bool good = sink_write_file(arena_printf(&d->arena, "%s/dovecot-keywords", d->folder).p, buf_str(&text), err);
    buf_free(&text);
    return good;
}

static uint32_t letters_of(const struct maildir *d, const struct store_message *m, bool *forwarded) {
    uint32_t letters = 0;
    *forwarded = false;
    for (size_t k = 0; k < m->keyword_count; k++) {
        *forwarded = *forwarded || str_ieq(m->keyword[k], STR("$Forwarded"));
        for (size_t i = 0; i < d->keywords && i < MAILDIR_LETTERS; i++)
            if (str_ieq(d->keyword[i].name, m->keyword[k]))
                letters |= UINT32_C(1) << i;
    }
    return letters;
}

/* A line of courierimapkeywords/:list. */
static void add_courier(struct maildir *d, const struct store_message *m, struct str base) {
    if (d->keywords <= MAILDIR_LETTERS || !m->keyword_count)
        return;
    buf_add_str(&d->courier, base);
    for (size_t k = 0; k < m->keyword_count; k++)
        for (size_t i = 0; i < d->keywords; i++)
            if (str_ieq(d->keyword[i].name, m->keyword[k]))
                buf_printf(&d->courier, "%c%zu", k ? ' ' : ':', i);
    buf_add_byte(&d->courier, '\n');
}

static bool write_courier(struct maildir *d, struct err *err) {
    if (d->keywords <= MAILDIR_LETTERS)
        return true;
    struct buf text = BUF_EMPTY;
    for (size_t i = 0; i < d->keywords; i++)
        buf_printf(&text, "%.*s\n", STR_ARG(d->keyword[i].name));
    buf_add_byte(&text, '\n');
    buf_add_str(&text, buf_str(&d->courier));
    const char *folder = arena_printf(&d->arena, "%s/courierimapkeywords", d->folder).p;
    bool good = sink_make_directory(folder, err) &&
                sink_write_file(arena_printf(&d->arena, "%s/:list", folder).p, buf_str(&text), err);
    buf_free(&text);
    return good;
}

/* ---- what an export before this one left ---- */

static struct str base_of(struct str file) {
    struct maildir_name n;
    maildir_name_read(str_sub(file, 4, file.n), &n);
    return n.base;
}

/* The name without what is only known once the message is read. */
static struct str identity_of(struct str base) {
    ptrdiff_t comma = str_chr(base, ',');
    return comma < 0 ? base : str_sub(base, 0, (size_t)comma);
}

static int by_identity(const void *a, const void *b) {
    return str_cmp(identity_of(base_of(*(const struct str *)a)), identity_of(base_of(*(const struct str *)b)));
}

static void look_for_files(struct maildir *d, const char *sub, size_t *cap) {
    int fd = openat(d->fd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (*e->d_name == '.')
            continue;
        if (d->theres == *cap) {
            *cap = *cap ? *cap * 2 : 256;
            d->there = mem_resize(d->there, *cap * sizeof *d->there);
        }
        d->there[d->theres++] = arena_printf(&d->arena, "%s/%s", sub, e->d_name);
    }
    if (dir)
        closedir(dir);
}

/* ---- a mailbox ---- */

static bool make_maildir(const char *path, struct err *err) {
    static const char *const sub[] = {"cur", "new", "tmp"};
    for (size_t i = 0; i < 3; i++) {
        char *folder = NULL;
        if (asprintf(&folder, "%s/%s", path, sub[i]) < 0)
            mem_panic();
        bool good = sink_make_directory(folder, err);
        free(folder);
        if (!good)
            return false;
    }
    return true;
}

static bool begin(struct sink *s, const struct store_mailbox *box, const struct store_message *m, size_t count,
                  struct err *err) {
    struct maildir *d = (struct maildir *)s;
    struct buf path = BUF_EMPTY;
    bool inbox = str_eq(box->name, STR("INBOX"));
    arena_reset(&d->arena);
    buf_reset(&d->uidlist), buf_reset(&d->courier);
    buf_printf(&path, "%s%s", d->path, inbox ? "" : "/");
    if (!inbox)
        maildir_folder_write(box->name, !d->tree, &path);
    d->folder = arena_c(&d->arena, buf_str(&path));
    buf_free(&path);
    d->box = *box;
    if (!make_maildir(d->folder, err))
        return false;
    if (!inbox && !d->tree && !sink_write_file(arena_printf(&d->arena, "%s/maildirfolder", d->folder).p, STR(""), err))
        return false;
    if (d->fd >= 0)
        close(d->fd);
    d->fd = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0)
        return err_errno(err, "can't open %s", d->folder);
    size_t cap = 0;
    free(d->there);
    d->there = NULL;
    d->theres = 0;
    look_for_files(d, "cur", &cap);
    look_for_files(d, "new", &cap);
    if (d->theres)
        qsort(d->there, d->theres, sizeof *d->there, by_identity);
    return write_keywords(d, m, count, err);
}

/* ---- messages ---- */

static struct str identity(struct maildir *d, const struct store_message *m) {
    int64_t seconds = m->internal_date > 0 ? m->internal_date / CLOCK_SECOND : 0;
    return arena_printf(&d->scratch, "%" PRId64 ".E%" PRIx64 "U%u.mansio", seconds, (uint64_t)m->email_id, m->uid);
}

/* "cur/<base>:2,<flags>", or "new/<base>". */
static struct str file_name(struct maildir *d, const struct sink_message *m, struct str base) {
    bool forwarded;
    uint32_t letters = letters_of(d, m->of, &forwarded);
    if (m->recent && !m->of->flags && !m->of->keyword_count)
        return arena_printf(&d->scratch, "new/%.*s", STR_ARG(base));
    struct buf name = BUF_EMPTY;
    buf_printf(&name, "cur/%.*s", STR_ARG(base));
    maildir_flags_write(m->of->flags, letters, forwarded, &name);
    struct str s = arena_str(&d->scratch, buf_str(&name));
    buf_free(&name);
    return s;
}

static void add_uid(struct maildir *d, const struct sink_message *m, struct str base) {
    buf_printf(&d->uidlist, "%u", m->of->uid);
    if (m->uidl.p)
        buf_printf(&d->uidlist, " P%.*s", STR_ARG(m->uidl));
    buf_printf(&d->uidlist, " :%.*s\n", STR_ARG(base));
    add_courier(d, m->of, base);
}

static bool has(struct sink *s, const struct sink_message *m) {
    struct maildir *d = (struct maildir *)s;
    arena_reset(&d->scratch);
    struct str key = arena_printf(&d->scratch, "cur/%.*s", STR_ARG(identity(d, m->of)));
    const struct str *found = d->theres ? bsearch(&key, d->there, d->theres, sizeof key, by_identity) : NULL;
    if (!found)
        return false;
    struct str base = base_of(*found), name = file_name(d, m, base);
    if (!str_eq(name, *found) && renameat(d->fd, found->p, d->fd, name.p) < 0)
        return false;
    add_uid(d, m, base);
    return true;
}

static bool write_all(int fd, struct str bytes) {
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return false;
        bytes = str_sub(bytes, n > 0 ? (size_t)n : 0, bytes.n);
    }
    return true;
}

/* Its time is when the message came (INTERNALDATE). */
static bool set_time(int fd, int64_t date) {
    struct timespec t = {date / CLOCK_SECOND, date % CLOCK_SECOND * 1000};
    if (t.tv_nsec < 0) {
        t.tv_sec--;
        t.tv_nsec += 1000000000;
    }
    struct timespec both[2] = {t, t};
    return futimens(fd, both) == 0;
}

static size_t bare_line_ends(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r');
    return n;
}

static bool add(struct sink *s, const struct sink_message *m, struct err *err) {
    struct maildir *d = (struct maildir *)s;
    struct buf converted = BUF_EMPTY;
    arena_reset(&d->scratch);
    bool raw;
    struct str file = lines_to_file(m->bytes, m->crlf, &converted, &raw);
    struct str base = arena_printf(&d->scratch, "%.*s,S=%zu,W=%zu%s", STR_ARG(identity(d, m->of)), file.n,
                                   file.n + bare_line_ends(file), raw ? ",L=raw" : "");
    struct str part = arena_printf(&d->scratch, "tmp/%.*s", STR_ARG(base)), name = file_name(d, m, base);
    int fd = openat(d->fd, part.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write_all(fd, file) && set_time(fd, m->of->internal_date);
    if (fd >= 0)
        good = close(fd) == 0 && good;
    good = good && renameat(d->fd, part.p, d->fd, name.p) == 0;
    if (good)
        add_uid(d, m, base);
    else
        err_errno(err, "can't write %s/%s", d->folder, name.p);
    buf_free(&converted);
    return good;
}

/* The list names files that are there, on the disk. */
static bool end(struct sink *s, struct err *err) {
    struct maildir *d = (struct maildir *)s;
    if (syncfs(d->fd) < 0)
        return err_errno(err, "can't make %s durable", d->folder);
    struct buf list = BUF_EMPTY;
    buf_printf(&list, "3 V%u N%" PRIu64 "\n", d->box.uidvalidity, d->box.uidnext);
    buf_add_str(&list, buf_str(&d->uidlist));
    bool good = sink_write_file(arena_printf(&d->arena, "%s/dovecot-uidlist", d->folder).p, buf_str(&list), err) &&
                write_courier(d, err);
    buf_free(&list);
    return good;
}

static bool finish(struct sink *s, const struct store_mailbox *box, size_t count, struct err *err) {
    struct maildir *d = (struct maildir *)s;
    struct buf dovecot = BUF_EMPTY, courier = BUF_EMPTY;
    for (size_t i = 0; i < count; i++) {
        if (!box[i].subscribed)
            continue;
        struct buf path = BUF_EMPTY;
        maildir_folder_write(box[i].name, !d->tree, &path);
        struct str name = str_sub(buf_str(&path), d->tree ? 0 : 1, path.n);
        bool inbox = str_eq(box[i].name, STR("INBOX"));
        buf_printf(&dovecot, "%.*s\n", STR_ARG(name));
        buf_printf(&courier, "INBOX%s%.*s\n", inbox ? "" : ".", inbox ? 0 : (int)name.n, name.p);
        buf_free(&path);
    }
    bool good = sink_write_file(arena_printf(&d->arena, "%s/subscriptions", d->path).p, buf_str(&dovecot), err) &&
                (d->tree || sink_write_file(arena_printf(&d->arena, "%s/courierimapsubscribed", d->path).p,
                                            buf_str(&courier), err));
    buf_free(&dovecot), buf_free(&courier);
    return good;
}

static void close_maildir(struct sink *s) {
    struct maildir *d = (struct maildir *)s;
    if (d->fd >= 0)
        close(d->fd);
    buf_free(&d->uidlist), buf_free(&d->courier);
    free(d->keyword);
    free(d->there);
    free(d->path);
    arena_free(&d->arena), arena_free(&d->scratch);
    free(d);
}

static const struct sink_kind kind = {begin, has, add, end, finish, close_maildir};

struct sink *sink_maildir_open(struct str path, bool tree, struct err *err) {
    struct maildir *d = mem_zero(sizeof *d);
    d->sink.kind = &kind;
    d->path = str_dup(path);
    d->tree = tree;
    d->fd = -1;
    if (make_maildir(d->path, err))
        return &d->sink;
    close_maildir(&d->sink);
    return NULL;
}
