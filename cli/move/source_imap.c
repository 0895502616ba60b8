/*
 * Another IMAP server. Folders are opened with EXAMINE and messages read with BODY.PEEK, so that nothing changes there.
 * The next FETCH is sent before the answer to the last one is read, so the server works while we store. The messages'
 * keys are their UIDs.
 */
#include "base/clock.h"
#include "mime/utf7.h"
#include "move/imap_client.h"
#include "move/imap_parse.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    CHUNK_MESSAGES = 100,
    CHUNK_BYTES = 4 << 20,
    PORT_IMAP = 143,
    PORT_IMAPS = 993,
};

struct source_imap {
    struct source source;
    struct source_options options;
    char *host;
    uint16_t port;
    bool implicit_tls;
    struct imap_client *client;
    struct imap_namespaces names;
    struct arena arena; /* of the source */
};

/* After a failure: whether it is the connection that failed. */
static bool failed(struct source_imap *s) {
    s->source.broken = !s->client || imap_is_broken(s->client);
    return false;
}

/* ---- folders ---- */

struct found {
    struct source_imap *s;
    struct arena *a;
    struct source_folder *at;
    size_t count, cap;
    bool lsub; /* the answers say what is subscribed */
};

static bool on_namespace(void *context, struct str response) {
    struct source_imap *s = context;
    if (!str_istarts(response, STR("NAMESPACE ")))
        return true;
    struct imap_namespaces names;
    if (imap_read_namespaces(&s->arena, arena_str(&s->arena, str_sub(response, 10, response.n)), &names))
        s->names = names;
    return true;
}

/* The name without its namespace's prefix; p NULL for what belongs to others. */
static struct str own_name(const struct imap_namespaces *n, struct str name) {
    size_t longest = 0;
    for (size_t i = 0; i < n->personals; i++)
        if (str_starts(name, n->personal[i]) && n->personal[i].n > longest)
            longest = n->personal[i].n;
    for (size_t i = 0; i < n->other_count; i++)
        if (n->others[i].n > longest && str_starts(name, n->others[i]))
            return (struct str){NULL, 0};
    return str_sub(name, longest, name.n);
}

static void add_level(struct str level, struct buf *out) {
    size_t start = out->n;
    if (!utf7_decode(level, out)) {
        for (size_t i = 0; i < level.n; i++)
            buf_add_byte(out, level.p[i]);
        if (!str_is_utf8(str_n(out->p + start, out->n - start)))
            for (size_t i = start; i < out->n; i++)
                out->p[i] = (unsigned char)out->p[i] < 0x80 ? out->p[i] : '_';
    }
    for (size_t i = start; i < out->n; i++)
        if (out->p[i] == '/' || (unsigned char)out->p[i] < 0x20 || out->p[i] == 0x7f)
            out->p[i] = '_';
}

static struct str readable(struct arena *a, struct str wire, char delimiter) {
    struct buf name = BUF_EMPTY;
    struct str level;
    if (delimiter && wire.n && wire.p[wire.n - 1] == delimiter)
        wire.n--;
    while (delimiter ? str_split(&wire, delimiter, &level) : (level = wire, wire.p != NULL)) {
        if (name.n)
            buf_add_byte(&name, '/');
        add_level(level, &name);
        if (!delimiter)
            break;
    }
    struct str s = arena_str(a, buf_str(&name));
    buf_free(&name);
    return s;
}

static struct source_folder *find(struct found *f, struct str wire) {
    for (size_t i = 0; i < f->count; i++)
        if (str_eq(*(const struct str *)f->at[i].own, wire))
            return &f->at[i];
    return NULL;
}

static void add_folder(struct found *f, const struct imap_list *l, struct str name) {
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 64;
        f->at = mem_resize(f->at, f->cap * sizeof *f->at);
    }
    struct str *wire = arena_alloc(f->a, sizeof *wire);
    *wire = arena_str(f->a, l->name);
    f->at[f->count++] = (struct source_folder){.name = name,
                                               .special_use = l->special_use,
                                               .subscribed = l->subscribed,
                                               .left_out = l->left_out,
                                               .by_uid = true,
                                               .own = wire};
}

static bool on_list(void *context, struct str response) {
    struct found *f = context;
    struct imap_list l;
    struct str in;
    if (str_istarts(response, STR("LIST ")))
        in = str_sub(response, 5, response.n);
    else if (str_istarts(response, STR("LSUB ")))
        in = str_sub(response, 5, response.n);
    else
        return true;
    if (!imap_read_list(f->a, in, &l))
        return true; /* a name that we can't read is one that we can't bring */
    struct source_folder *known = find(f, l.name);
    if (f->lsub || known) {
        if (known)
            known->subscribed = known->subscribed || f->lsub || l.subscribed;
        return true;
    }
    bool inbox = str_ieq(l.name, STR("INBOX"));
    struct str own = inbox ? STR("INBOX") : own_name(&f->s->names, l.name);
    struct str name = inbox ? own : readable(f->a, own, l.delimiter);
    if (!l.no_select && own.p && name.n)
        add_folder(f, &l, name);
    return true;
}

static bool list_folders(struct source_imap *s, struct found *f, struct err *err) {
    bool extended = imap_can(s->client, "LIST-EXTENDED") || imap_can(s->client, "IMAP4rev2");
    bool special = imap_can(s->client, "SPECIAL-USE") || imap_can(s->client, "IMAP4rev2");
    if (imap_can(s->client, "NAMESPACE") && !imap_command(s->client, STR("NAMESPACE"), on_namespace, s, err))
        return false;
    if (extended)
        return imap_command(s->client,
                            special ? STR("LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE)")
                                    : STR("LIST \"\" \"*\" RETURN (SUBSCRIBED)"),
                            on_list, f, err);
    if (!imap_command(s->client, STR("LIST \"\" \"*\""), on_list, f, err))
        return false;
    f->lsub = true;
    return imap_command(s->client, STR("LSUB \"\" \"*\""), on_list, f, err);
}

static bool folders(struct source *source, struct arena *a, struct source_folder **out, size_t *count,
                    struct err *err) {
    struct source_imap *s = (struct source_imap *)source;
    struct found f = {.s = s, .a = a};
    bool good = list_folders(s, &f, err) || failed(s);
    *out = arena_array(a, f.count, sizeof **out);
    *count = f.count;
    if (f.count)
        memcpy(*out, f.at, f.count * sizeof **out);
    free(f.at);
    return good;
}

/* ---- the messages of a folder ---- */

struct listing {
    struct source_imap *s;
    struct source_folder *folder;
    struct arena *a;
    struct source_message *at;
    size_t count, cap;
    uint64_t exists;
};

static void read_code(struct str response, const char *code, uint64_t *out) {
    ptrdiff_t at = str_find(response, str_of(code));
    if (at < 0)
        return;
    struct str rest = str_sub(response, (size_t)at + strlen(code), response.n);
    ptrdiff_t end = str_chr(rest, ']');
    str_u64(str_sub(rest, 0, end < 0 ? 0 : (size_t)end), out);
}

static bool on_examine(void *context, struct str response) {
    struct listing *l = context;
    uint64_t uidvalidity = l->folder->uidvalidity;
    struct str number;
    read_code(response, "[UIDVALIDITY ", &uidvalidity);
    read_code(response, "[UIDNEXT ", &l->folder->uidnext);
    l->folder->uidvalidity = uidvalidity <= UINT32_MAX ? (uint32_t)uidvalidity : 0;
    if (imap_atom(&response, &number) && imap_skip(&response, ' ') && str_istarts(response, STR("EXISTS")))
        str_u64(number, &l->exists);
    return true;
}

/* "12 FETCH (...)"; false: another response. */
static bool is_fetch(struct str response, struct str *items) {
    struct str number;
    uint32_t n;
    if (!imap_atom(&response, &number) || !str_u32(number, &n) || !imap_skip(&response, ' ') ||
        !str_istarts(response, STR("FETCH ")))
        return false;
    *items = str_sub(response, 6, response.n);
    return true;
}

static bool on_message(void *context, struct str response) {
    struct listing *l = context;
    struct imap_fetch m;
    struct str items;
    if (!is_fetch(response, &items) || !imap_read_fetch(l->a, items, &m) || !m.uid)
        return true;
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 1024;
        l->at = mem_resize(l->at, l->cap * sizeof *l->at);
    }
    struct source_message *to = &l->at[l->count++];
    *to = (struct source_message){.key = arena_printf(l->a, "%u", m.uid),
                                  .uid = m.uid,
                                  .flags = m.flags,
                                  .keyword_count = m.keyword_count,
                                  .date = m.date,
                                  .size = m.size,
                                  .uidl = {NULL, 0}};
    to->keyword = arena_array(l->a, m.keyword_count, sizeof *to->keyword);
    if (m.keyword_count)
        memcpy(to->keyword, m.keyword, m.keyword_count * sizeof *to->keyword);
    if (l->s->options.uidl.p)
        to->uidl = source_uidl(l->a, l->s->options.uidl, m.uid, l->folder->uidvalidity);
    return true;
}

static int by_uid(const void *a, const void *b) {
    const struct source_message *x = a, *y = b;
    return (x->uid > y->uid) - (x->uid < y->uid);
}

static bool examine(struct source_imap *s, struct listing *l, struct err *err) {
    struct buf command = BUF_EMPTY;
    l->folder->uidvalidity = 0;
    l->folder->uidnext = 0;
    buf_add_c(&command, "EXAMINE ");
    bool good = imap_add_quoted(&command, *(const struct str *)l->folder->own)
                    ? imap_command(s->client, buf_str(&command), on_examine, l, err)
                    : err_set(err, "its name can't be said in a command");
    buf_free(&command);
    return good && (l->folder->uidvalidity || err_set(err, "the server gives it no UIDVALIDITY"));
}

static bool list(struct source *source, struct source_folder *f, struct arena *a, struct source_message **out,
                 size_t *count, struct err *err) {
    struct source_imap *s = (struct source_imap *)source;
    struct listing l = {.s = s, .folder = f, .a = a};
    bool good = examine(s, &l, err);
    if (good && l.exists)
        good = imap_command(s->client, STR("UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)"), on_message, &l, err);
    size_t kept = 0;
    if (l.count)
        qsort(l.at, l.count, sizeof *l.at, by_uid);
    for (size_t i = 0; i < l.count; i++) /* changes of flags meanwhile come as answers of their own */
        if (!kept || l.at[kept - 1].uid != l.at[i].uid)
            l.at[kept++] = l.at[i];
    *out = arena_array(a, kept, sizeof **out);
    *count = kept;
    if (kept)
        memcpy(*out, l.at, kept * sizeof **out);
    free(l.at);
    return good || failed(s);
}

/* ---- reading ---- */

struct chunk {
    struct source_message **message; /* ascending by UID */
    size_t count;
    uint32_t number; /* of the command */
};

struct reading {
    struct source_imap *s;
    struct chunk *chunk[2]; /* asked for: servers may answer both at the same time; NULL: none */
    struct arena arena;     /* of one response */
    bool (*got)(void *context, const struct source_message *m, const struct source_content *content);
    void *context;
    bool stopped; /* got() said so */
};

static struct source_message **wanted(const struct reading *r, uint32_t uid) {
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; r->chunk[k] && i < r->chunk[k]->count; i++)
            if (r->chunk[k]->message[i] && r->chunk[k]->message[i]->uid == uid)
                return &r->chunk[k]->message[i];
    return NULL;
}

static bool on_body(void *context, struct str response) {
    struct reading *r = context;
    struct imap_fetch m;
    struct str items;
    arena_reset(&r->arena);
    if (!is_fetch(response, &items) || !imap_read_fetch(&r->arena, items, &m) || !m.uid || !m.has_body)
        return true;
    struct source_message **of = wanted(r, m.uid);
    if (!of)
        return true;
    struct source_content c = {.bytes = m.body.n ? m.body : STR("")};
    r->stopped = !r->got(r->context, *of, &c);
    *of = NULL;
    return !r->stopped;
}

/* As many as go in one command. */
static struct chunk next_chunk(struct source_message **message, size_t count) {
    struct chunk c = {.message = message};
    uint64_t bytes = 0;
    while (c.count < count && c.count < CHUNK_MESSAGES && (c.count == 0 || bytes < CHUNK_BYTES)) {
        if (message[c.count])
            bytes += message[c.count]->size;
        c.count++;
    }
    return c;
}

static bool ask(struct source_imap *s, struct chunk *c, struct err *err) {
    struct buf command = BUF_EMPTY;
    uint32_t first = 0, last = 0; /* of a range */
    buf_add_c(&command, "UID FETCH ");
    size_t before = command.n;
    for (size_t i = 0; i <= c->count; i++) {
        uint32_t uid = i < c->count && c->message[i] ? c->message[i]->uid : 0;
        if (i < c->count && !uid)
            continue;
        if (first && uid == last + 1) {
            last = uid;
            continue;
        }
        if (first)
            buf_printf(&command, last > first ? "%s%u:%u" : "%s%u", command.n > before ? "," : "", first, last);
        first = last = uid;
    }
    buf_add_c(&command, " (UID BODY.PEEK[])");
    bool good = imap_send(s->client, buf_str(&command), &c->number, err);
    buf_free(&command);
    return good;
}

/* The server said OK, and some did not come: they were removed meanwhile. */
static bool give_up(struct reading *r, struct chunk *c, const char *why) {
    for (size_t i = 0; i < c->count && !r->stopped; i++) {
        if (!c->message[i])
            continue;
        struct source_content none = {.gone = why == NULL, .why = why};
        r->stopped = !r->got(r->context, c->message[i], &none);
        c->message[i] = NULL;
    }
    return !r->stopped;
}

/* next: the one that was asked for meanwhile, or NULL. *refused: the server said no; what did not come is still in the
 * chunk. */
static bool finish_chunk(struct reading *r, struct chunk *c, struct chunk *next, struct err *refused) {
    refused->text[0] = 0;
    r->chunk[0] = c;
    r->chunk[1] = next;
    if (imap_wait(r->s->client, c->number, on_body, r, refused))
        return give_up(r, c, NULL);
    return !r->stopped && !imap_is_broken(r->s->client);
}

/* Messages of commands that were refused, each by itself: so that one that the server can't read is not the fault of
 * its neighbours. */
static bool fetch_alone(struct reading *r, struct source_message **message, size_t count, struct err *err) {
    for (size_t i = 0; i < count; i++) {
        struct chunk one = {.message = &message[i], .count = 1};
        struct err why;
        if (!message[i])
            continue;
        if (!ask(r->s, &one, err))
            return false;
        if (!finish_chunk(r, &one, NULL, &why)) {
            *err = r->stopped ? *err : why;
            return false;
        }
        if (message[i] && !give_up(r, &one, why.text))
            return false;
    }
    return true;
}

static bool fetch_all(struct reading *r, struct source_message **message, size_t count, struct err *err) {
    struct chunk now = next_chunk(message, count), next;
    bool good = !count || ask(r->s, &now, err);
    while (good && now.count) {
        struct err refused;
        message += now.count;
        count -= now.count;
        next = next_chunk(message, count);
        if (next.count && !ask(r->s, &next, err))
            return false;
        good = finish_chunk(r, &now, &next, &refused);
        if (!good && !r->stopped)
            *err = refused;
        now = next;
    }
    return good;
}

static bool fetch(struct source *source, const struct source_folder *f, struct source_message **message, size_t count,
                  bool (*got)(void *context, const struct source_message *m, const struct source_content *content),
                  void *context, struct err *err) {
    struct source_imap *s = (struct source_imap *)source;
    struct reading r = {.s = s, .got = got, .context = context};
    (void)f;
    bool good = fetch_all(&r, message, count, err) && fetch_alone(&r, message, count, err);
    arena_free(&r.arena);
    return good || failed(s);
}

/* ---- opening ---- */

static bool again(struct source *source, struct err *err) {
    struct source_imap *s = (struct source_imap *)source;
    imap_close(s->client);
    s->client = imap_open(s->host, s->port, s->implicit_tls, &s->options, err);
    s->source.broken = !s->client;
    return s->client != NULL;
}

static void close_imap(struct source *source) {
    struct source_imap *s = (struct source_imap *)source;
    imap_close(s->client);
    arena_free(&s->arena);
    free(s->host);
    free(s->source.name);
    free(s);
}

static const struct source_kind kind = {folders, list, fetch, again, close_imap};

/* "//[user@]host[:port][/]" */
static bool read_uri(struct source_imap *s, struct str uri, struct err *err) {
    s->implicit_tls = str_istarts(uri, STR("imaps:"));
    s->port = s->implicit_tls ? PORT_IMAPS : PORT_IMAP;
    struct str rest = str_sub(uri, s->implicit_tls ? 8 : 7, uri.n);
    if (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    ptrdiff_t at = str_rchr(rest, '@');
    if (at >= 0) {
        s->options.user = arena_str(&s->arena, str_sub(rest, 0, (size_t)at));
        rest = str_sub(rest, (size_t)at + 1, rest.n);
    }
    bool bracket = rest.n && *rest.p == '[';
    ptrdiff_t end = bracket ? str_chr(rest, ']') : str_chr(rest, ':');
    struct str host =
        bracket ? str_sub(rest, 1, end < 1 ? 0 : (size_t)end - 1) : str_sub(rest, 0, end < 0 ? rest.n : (size_t)end);
    struct str port = str_sub(rest, bracket ? (size_t)(end + 1) : host.n, rest.n);
    uint32_t number = s->port;
    if (!host.n || (bracket && end < 1) ||
        (port.n && (*port.p != ':' || !str_u32(str_sub(port, 1, port.n), &number))) || !number || number > UINT16_MAX)
        return err_set(err, "\"%.*s\": write imaps://host or imaps://host:port", STR_ARG(uri));
    s->port = (uint16_t)number;
    s->host = str_dup(host);
    return true;
}

struct source *source_imap_open(struct str uri, const struct source_options *options, struct err *err) {
    struct source_imap *s = mem_zero(sizeof *s);
    s->source.kind = &kind;
    s->options = *options;
    if (!read_uri(s, uri, err) || !again(&s->source, err)) {
        close_imap(&s->source);
        return NULL;
    }
    char port[8] = "";
    if (s->port != PORT_IMAP && s->port != PORT_IMAPS) /* the same server, whichever of these two */
        snprintf(port, sizeof port, ":%u", s->port);
    if (asprintf(&s->source.name, "imap:%.*s@%s%s", STR_ARG(s->options.user), s->host, port) < 0)
        mem_panic();
    return &s->source;
}
