/*
 * mbox files, one a mailbox, in a directory: FOLDER, and what is below it in FOLDER.sbd/. Each is written whole, under
 * another name first.
 */
#include "base/clock.h"
#include "mime/mime.h"
#include "move/lines.h"
#include "move/maildir_name.h"
#include "move/mbox.h"
#include "move/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER = 1 << 20 };

struct sink_mbox {
    struct sink sink;
    char *path;
    /* of the mailbox at work */
    char *file, *part;
    int fd;
    struct buf out;
    struct store_mailbox box;
    bool first;
};

/* A level that the tree uses itself: hidden, or the folder of another one. */
static void add_level(struct str level, bool last, struct buf *path) {
    bool taken = str_starts(level, STR(".")) || str_ends(level, STR(".sbd")) || str_ends(level, STR(".part"));
    buf_add_byte(path, '/');
    maildir_level_write(level, taken ? "." : "", path);
    if (!last)
        buf_add_c(path, ".sbd");
}

static bool begin(struct sink *sink, const struct store_mailbox *box, const struct store_message *m, size_t count,
                  struct err *err) {
    struct sink_mbox *s = (struct sink_mbox *)sink;
    struct buf path = BUF_EMPTY;
    struct str rest = box->name, level;
    (void)m, (void)count;
    buf_add_c(&path, s->path);
    bool good = true;
    while (str_split(&rest, '/', &level)) {
        add_level(level, !rest.p, &path);
        if (rest.p)
            good = good && sink_make_directory(path.p, err);
    }
    free(s->file), free(s->part);
    s->file = str_dup(buf_str(&path));
    if (asprintf(&s->part, "%s.part", s->file) < 0)
        mem_panic();
    buf_free(&path);
    s->box = *box;
    s->first = true;
    buf_reset(&s->out);
    s->fd = good ? open(s->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    return good && (s->fd >= 0 || err_errno(err, "can't write %s", s->part));
}

static bool flush(struct sink_mbox *s, struct err *err) {
    struct str rest = buf_str(&s->out);
    while (rest.n) {
        ssize_t n = write(s->fd, rest.p, rest.n);
        if (n < 0 && errno != EINTR)
            return err_errno(err, "can't write %s", s->part);
        rest = str_sub(rest, n > 0 ? (size_t)n : 0, rest.n);
    }
    buf_reset(&s->out);
    return true;
}

/* The reverse-path where the message has one. */
static struct str sender_of(struct arena *a, struct str bytes) {
    struct str path = mime_header_get(a, str_sub(bytes, 0, mime_header_length(bytes)), STR("Return-Path"));
    path = path.p ? str_trim(path) : STR("");
    if (path.n > 1 && *path.p == '<' && path.p[path.n - 1] == '>')
        path = str_sub(path, 1, path.n - 2);
    bool good = path.n > 0 && path.n < 255;
    for (size_t i = 0; good && i < path.n; i++)
        good = path.p[i] > ' ' && path.p[i] < 0x7f;
    return good ? path : STR("MAILER-DAEMON");
}

static bool add(struct sink *sink, const struct sink_message *m, struct err *err) {
    struct sink_mbox *s = (struct sink_mbox *)sink;
    struct arena a = ARENA_EMPTY;
    struct buf converted = BUF_EMPTY;
    bool raw;
    struct mbox_message one = {
        .flags = m->of->flags,
        .keyword = m->of->keyword,
        .keyword_count = m->of->keyword_count,
        .uid = m->of->uid,
        .uidvalidity = s->first ? s->box.uidvalidity : 0,
        .uidnext = s->first && s->box.uidnext <= UINT32_MAX ? (uint32_t)s->box.uidnext : 0,
        .date = m->of->internal_date,
        .recent = m->recent,
    };
    one.bytes = lines_to_file(m->bytes, m->crlf, &converted, &raw);
    one.raw = raw;
    mbox_write(&one, sender_of(&a, m->bytes), &s->out);
    s->first = false;
    buf_free(&converted);
    arena_free(&a);
    return s->out.n < BUFFER || flush(s, err);
}

static bool end(struct sink *sink, struct err *err) {
    struct sink_mbox *s = (struct sink_mbox *)sink;
    bool good = flush(s, err);
    if (good && fsync(s->fd) < 0)
        good = err_errno(err, "can't make %s durable", s->part);
    close(s->fd);
    s->fd = -1;
    return good && (rename(s->part, s->file) == 0 || err_errno(err, "can't write %s", s->file));
}

static bool finish(struct sink *sink, const struct store_mailbox *box, size_t count, struct err *err) {
    struct sink_mbox *s = (struct sink_mbox *)sink;
    struct buf list = BUF_EMPTY;
    char *path = NULL;
    for (size_t i = 0; i < count; i++)
        if (box[i].subscribed) {
            maildir_folder_write(box[i].name, false, &list);
            buf_add_byte(&list, '\n');
        }
    if (asprintf(&path, "%s/.subscriptions", s->path) < 0)
        mem_panic();
    bool good = sink_write_file(path, buf_str(&list), err);
    free(path);
    buf_free(&list);
    return good;
}

static void close_mbox(struct sink *sink) {
    struct sink_mbox *s = (struct sink_mbox *)sink;
    if (s->fd >= 0) {
        close(s->fd);
        unlink(s->part);
    }
    free(s->file), free(s->part), free(s->path);
    buf_free(&s->out);
    free(s);
}

static const struct sink_kind kind = {begin, NULL, add, end, finish, close_mbox};

struct sink *sink_mbox_open(struct str path, struct err *err) {
    struct sink_mbox *s = mem_zero(sizeof *s);
    s->sink.kind = &kind;
    s->path = str_dup(path);
    s->fd = -1;
    if (sink_make_directory(s->path, err))
        return &s->sink;
    close_mbox(&s->sink);
    return NULL;
}
