#include "imap/notify.h"

#include "base/log.h"
#include "imap/access.h"
#include "imap/command.h"
#include "imap/fetch.h"
#include "imap/mailbox.h"
#include "imap/metadata.h"
#include "watch/watch.h"

#include <stdlib.h>

enum {
    MOST_SHARES = 100,     /* accounts of others that a session follows */
    MOST_PENDING = 8 << 20 /* bytes of messages told of by themselves that the client did not take yet */
};

/* ---- the selected mailbox ---- */

bool notify_hears_selected(const struct session *s) { return !s->notify || s->notify->selected != 0; }

bool notify_hears_flags(const struct session *s) { return !s->notify || s->notify->selected & NOTIFY_FLAGS; }

void notify_selected(struct session *s) {
    int64_t selected = s->client ? s->mailbox : 0;
    if (s->watch)
        watch_selected(s->watch, selected);
    for (size_t i = 0; i < s->shares; i++)
        watch_selected(s->shared[i], selected);
    if (s->client && !s->idling)
        view_wait(s->client, s->notify && s->notify->selected != 0);
}

void notify_own_messages(struct session *s, int64_t mailbox, uint32_t first, uint32_t last) {
    if (s->notify && s->client && s->mailbox == mailbox)
        s->own_messages = (struct uid_range){first, last};
}

/* As if NOTIFY NONE had come (section 5.8). */
static void overflow(struct session *s) {
    struct err err;
    conn_write(s->conn, STR("* OK [NOTIFICATIONOVERFLOW] Too much happened: nothing is told any more by itself\r\n"));
    free(s->notify);
    s->notify = mem_zero(sizeof *s->notify);
    notify_selected(s);
    if (notify_follow(s, &err) != STORE_OK) /* what is still watched can be told */
        log_debug("notify: %s", err.text);
}

void notify_fetch_new(struct session *s, uint32_t first) {
    const struct notify *n = s->notify;
    if (!n || !n->fetch.n || !(n->selected & NOTIFY_NEW))
        return;
    struct parser p = {.in = n->fetch, .arena = &s->arena, .utf8 = s->utf8, .uid_only = s->uid_only};
    struct fetch_request r = {0};
    if (!fetch_parse(&p, false, &r))
        return; /* it was parsed before */
    r.sets_seen = false;
    struct uid_range own = s->own_messages;
    for (uint32_t seq = first; seq <= s->client->count; seq++) {
        uint32_t uid = view_uid(s->client, seq);
        if (uid >= own.first && uid <= own.last)
            continue;
        if (!fetch_untagged(s, &r, seq, MOST_PENDING)) {
            overflow(s);
            return;
        }
    }
}

/* ---- other mailboxes ---- */

static bool matches(const struct notify_group *g, struct str name, bool subscribed) {
    switch (g->filter) {
    case NOTIFY_INBOXES:
    case NOTIFY_PERSONAL:
        return !str_starts(name, STR(STORE_OTHER_USERS "/")) && !str_starts(name, STR(STORE_SHARED_FOLDERS "/"));
    case NOTIFY_SUBSCRIBED:
        return subscribed;
    default:
        break;
    }
    for (size_t i = 0; i < g->names; i++) {
        struct str n = g->name[i];
        if (str_eq(name, n))
            return true;
        if (g->filter == NOTIFY_SUBTREE && name.n > n.n && str_starts(name, n) && name.p[n.n] == '/')
            return true;
    }
    return false;
}

/* What of a mailbox the client wants to hear. */
static unsigned events_of(const struct session *s, struct str name, bool subscribed) {
    unsigned events = 0;
    for (size_t i = 0; s->notify && i < s->notify->groups; i++)
        if (matches(&s->notify->group[i], name, subscribed))
            events |= s->notify->group[i].events;
    return events;
}

static unsigned all_events(const struct session *s) {
    unsigned events = 0;
    for (size_t i = 0; s->notify && i < s->notify->groups; i++)
        events |= s->notify->group[i].events;
    return events;
}

/* Sections 5.1 to 5.3. */
static unsigned status_items(const struct session *s, unsigned events) {
    unsigned items = 0;
    if (events & NOTIFY_NEW)
        items |= STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY;
    if (events & NOTIFY_EXPUNGE)
        items |= STATUS_MESSAGES | STATUS_UIDNEXT;
    if (events & NOTIFY_FLAGS)
        items |= STATUS_UIDVALIDITY | STATUS_UNSEEN;
    if (items && s->condstore)
        items |= STATUS_HIGHESTMODSEQ;
    return items;
}

/* m: the mailbox as the session sees it. */
static void tell_messages(struct session *s, const struct watch_event *e, const struct store_mailbox *m) {
    static const struct {
        unsigned change, event;
    } of[] = {{WATCH_NEW, NOTIFY_NEW}, {WATCH_EXPUNGED, NOTIFY_EXPUNGE}, {WATCH_FLAGS, NOTIFY_FLAGS}};
    unsigned wanted = events_of(s, m->name, m->subscribed), told = 0;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (e->change & of[i].change)
            told |= wanted & of[i].event;
    /* New messages change the number of unseen ones, which is told to those who follow flags. */
    if (told & (NOTIFY_NEW | NOTIFY_EXPUNGE) && wanted & NOTIFY_FLAGS)
        told |= NOTIFY_FLAGS;
    if (told)
        status_reply(s, m, status_items(s, told));
}

struct list {
    struct store_mailbox *box;
    size_t count;
};

static const struct store_mailbox *find_name(const struct list *all, struct str name) {
    for (size_t i = 0; i < all->count; i++)
        if (str_eq(all->box[i].name, name))
            return &all->box[i];
    return NULL;
}

static bool is_below(struct str name, struct str above) {
    return name.n > above.n && str_starts(name, above) && name.p[above.n] == '/';
}

/* "* LIST" with the attributes that the name has now. */
static void tell_name(struct session *s, const struct list *all, struct str name, struct str old) {
    const struct store_mailbox *m = find_name(all, name);
    bool children = false;
    for (size_t i = 0; i < all->count && !children; i++)
        children = is_below(all->box[i].name, name);
    struct str attributes = arena_printf(
        &s->arena, "%s%s%s%s%.*s", m ? "" : "\\NonExistent ", children ? "\\HasChildren" : "\\HasNoChildren",
        m && m->subscribed ? " \\Subscribed" : "", m && m->special_use.p ? " " : "",
        m && m->special_use.p ? (int)m->special_use.n : 0, m && m->special_use.p ? m->special_use.p : "");
    session_list(s, attributes, name, old.n ? old : name);
}

/* What a mailbox is below of is touched, too, when it comes or goes (section 5.4). */
static void tell_parent(struct session *s, const struct list *all, struct str name) {
    ptrdiff_t slash = str_rchr(name, '/');
    struct str parent = slash > 0 ? str_sub(name, 0, (size_t)slash) : STR("");
    const struct store_mailbox *m = parent.n ? find_name(all, parent) : NULL;
    if (parent.n && events_of(s, parent, m && m->subscribed) & NOTIFY_NAME)
        tell_name(s, all, parent, STR(""));
}

static bool is_own(const struct session *s, const struct watch_event *e) {
    struct str own = s->own_mailbox;
    return own.n && (str_eq(e->box.name, own) || str_eq(e->other, own) ||
                     (e->kind == WATCH_CREATED && is_below(own, e->box.name)));
}

static void tell_list(struct session *s, const struct list *all, const struct watch_event *e) {
    bool subscription = e->kind == WATCH_SUBSCRIBED;
    unsigned wanted = events_of(s, e->box.name, e->box.subscribed || subscription);
    if (e->kind == WATCH_RENAMED)
        wanted |= events_of(s, e->other, e->box.subscribed);
    if (is_own(s, e) || !(wanted & (subscription ? NOTIFY_SUBSCRIPTION : NOTIFY_NAME)))
        return;
    tell_name(s, all, e->box.name, e->kind == WATCH_RENAMED ? e->other : STR(""));
    if (e->kind == WATCH_CREATED || e->kind == WATCH_DELETED)
        tell_parent(s, all, e->box.name);
}

/* "* METADATA mailbox entry" of entries that follow each other; m NULL: of the server. */
static void tell_annotations(struct session *s, const struct watch_event *e, size_t count,
                             const struct store_mailbox *m) {
    unsigned wanted =
        m ? events_of(s, m->name, m->subscribed) & NOTIFY_MAILBOX_METADATA : all_events(s) & NOTIFY_SERVER_METADATA;
    struct buf *out = session_out(s);
    bool begun = false;
    for (size_t i = 0; i < count && (wanted || s->metadata); i++) {
        if (e[i].by == conn_get_id(s->conn))
            continue;
        if (!begun) {
            buf_add_c(out, "* METADATA ");
            session_mailbox_name(s, m ? m->name : STR(""), out);
        }
        begun = true;
        buf_add_byte(out, ' ');
        metadata_write_entry(e[i].other, out);
    }
    if (begun)
        buf_add_c(out, "\r\n");
}

/* Word of some may have been lost: all that there are may be others now (RFC 5465 section 5.6). */
static void tell_all_annotations(struct session *s) {
    struct store_annotation *found;
    struct store_mailbox m;
    struct err err;
    size_t count, n;
    if (store_annotations_all(s->service->store, &s->arena, s->account, s->account, &found, &count, &err) != STORE_OK)
        return;
    struct watch_event *e = arena_array(&s->arena, count ? count : 1, sizeof *e);
    for (size_t i = 0; i < count; i += n) {
        for (n = 0; i + n < count && found[i + n].mailbox == found[i].mailbox; n++)
            e[n] = (struct watch_event){.kind = WATCH_ANNOTATED, .other = found[i + n].entry};
        if (found[i].mailbox == 0)
            tell_annotations(s, e, n, NULL);
        else if (store_mailbox_get(s->service->store, &s->arena, s->account, found[i].mailbox, &m, &err) == STORE_OK)
            tell_annotations(s, e, n, &m);
    }
}

/* How many events from here on are of annotations of the same mailbox. */
static size_t same_annotated(const struct watch_event *e, size_t count) {
    size_t n = 0;
    while (n < count && e[n].kind == WATCH_ANNOTATED && e[n].box.id == e->box.id)
        n++;
    return n;
}

static void tell(struct session *s, const struct watch_event *e, size_t count) {
    struct list all = {NULL, 0};
    struct store_mailbox m;
    struct err err;
    for (size_t i = 0; i < count;) {
        size_t n = same_annotated(e + i, count - i);
        if (n && e[i].box.id == WATCH_ANY)
            tell_all_annotations(s);
        else if (n && e[i].box.id == 0)
            tell_annotations(s, e + i, n, NULL);
        else if (n) { /* what is gone has no annotations any more */
            if (store_mailbox_get(s->service->store, &s->arena, s->account, e[i].box.id, &m, &err) == STORE_OK)
                tell_annotations(s, e + i, n, &m);
        } else if (e[i].kind == WATCH_CHANGED) {
            tell_messages(s, &e[i], &e[i].box);
        } else {
            if (!all.box)
                all.count = watch_mailboxes(s->watch, &s->arena, &all.box);
            tell_list(s, &all, &e[i]);
        }
        i += n ? n : 1;
    }
}

/* ---- mailboxes of others ---- */

/* The mailbox by the name that the session knows, and with what it has seen; NULL: it may not look any more. */
static const struct store_mailbox *find_shared(const struct list *shared, int64_t account, int64_t mailbox) {
    for (size_t i = 0; i < shared->count; i++)
        if (shared->box[i].account_id == account && shared->box[i].id == mailbox)
            return &shared->box[i];
    return NULL;
}

/* The rights are asked for now: they may have been taken away since (section 5.9). */
static void tell_shared(struct session *s, const struct watch_client *c, const struct watch_event *e, size_t count) {
    struct list all;
    struct err err;
    if (count == 0 || access_list(s, true, &all.box, &all.count, &err) != STORE_OK)
        return;
    for (size_t i = 0; i < count;) {
        size_t n = same_annotated(e + i, count - i);
        const struct store_mailbox *m = find_shared(&all, watch_account(c), e[i].box.id);
        if (m && m->rights & RIGHT_READ) {
            if (n)
                tell_annotations(s, e + i, n, m);
            else if (e[i].kind == WATCH_CHANGED)
                tell_messages(s, &e[i], m);
        }
        i += n ? n : 1;
    }
}

void notify_own_mailbox(struct session *s, struct str name) {
    if (s->watch)
        s->own_mailbox = arena_str(&s->arena, name);
}

/* What one account's log has for the session. False: too much, and NOTIFY is over. */
static bool read_events(struct session *s, struct watch_client *c, struct watch_event **e, size_t *count) {
    struct err err;
    *count = 0;
    if (watch_refresh(c, &err) != STORE_OK) /* then the next time */
        return true;
    if (watch_events(c, &s->arena, e, count))
        return true;
    if (s->notify)
        overflow(s);
    return false;
}

void notify_others(struct session *s) {
    struct watch_event *e;
    size_t count;
    if (s->watch && !read_events(s, s->watch, &e, &count))
        return;
    if (s->watch)
        tell(s, e, count);
    for (size_t i = 0; i < s->shares; i++) {
        if (!read_events(s, s->shared[i], &e, &count))
            return;
        tell_shared(s, s->shared[i], e, count);
    }
}

void notify_wake(struct session *s) {
    struct err err;
    if ((!s->watch && !s->notify) || s->resume || s->take_input || s->closing)
        return;
    s->command = NULL;
    if (s->client && s->notify && s->notify->selected && view_refresh(s->client, -1, &err) == STORE_OK)
        session_announce(s, s->notify->immediate && session_may_expunge(s));
    notify_others(s);
}

/* ---- the command ---- */

static unsigned wishes_of(const struct session *s) {
    unsigned events = all_events(s), wishes = 0;
    if (events & NOTIFY_MESSAGES)
        wishes |= WATCH_MESSAGES;
    if (events & (NOTIFY_NAME | NOTIFY_SUBSCRIPTION))
        wishes |= WATCH_LIST;
    if (events & (NOTIFY_MAILBOX_METADATA | NOTIFY_SERVER_METADATA) || s->metadata)
        wishes |= WATCH_ANNOTATIONS;
    return wishes;
}

/* Whether mailboxes of others may be among those asked for. */
static bool wants_shared(const struct session *s) {
    for (size_t i = 0; s->notify && i < s->notify->groups; i++) {
        const struct notify_group *g = &s->notify->group[i];
        if (g->filter == NOTIFY_SUBSCRIBED)
            return true;
        for (size_t k = 0; k < g->names; k++)
            if (str_starts(g->name[k], STR(STORE_OTHER_USERS)) || str_starts(g->name[k], STR(STORE_SHARED_FOLDERS)))
                return true;
    }
    return s->metadata;
}

static void close_shared(struct watch_client **c, size_t count) {
    for (size_t i = 0; i < count; i++)
        watch_close(c[i]);
    free(c);
}

static bool has_account(struct watch_client *const *c, size_t count, int64_t account) {
    for (size_t i = 0; i < count; i++)
        if (watch_account(c[i]) == account)
            return true;
    return false;
}

/* Each account that shares a mailbox with the session. */
static enum store_status open_shared(struct session *s, unsigned wishes, struct watch_client ***out, size_t *count,
                                     struct err *err) {
    struct list all;
    *out = NULL;
    *count = 0;
    wishes &= WATCH_MESSAGES | WATCH_ANNOTATIONS;
    if (!wishes || !wants_shared(s))
        return STORE_OK;
    enum store_status status = access_list(s, false, &all.box, &all.count, err);
    if (status != STORE_OK)
        return status;
    *out = mem_zero(MOST_SHARES * sizeof **out);
    for (size_t i = 0; i < all.count && *count < MOST_SHARES && status == STORE_OK; i++) {
        int64_t account = all.box[i].account_id;
        if (account == s->account || has_account(*out, *count, account))
            continue;
        (*out)[*count] =
            watch_open(s->service->watches, account, s->account, conn_get_id(s->conn), wishes, &status, err);
        *count += status == STORE_OK;
    }
    return status;
}

enum store_status notify_follow(struct session *s, struct err *err) {
    enum store_status status = STORE_OK;
    unsigned wishes = wishes_of(s);
    struct watch_client *fresh = NULL, **shared = NULL;
    size_t shares = 0;
    if (wishes)
        fresh = watch_open(s->service->watches, s->account, s->account, conn_get_id(s->conn), wishes, &status, err);
    if (status == STORE_OK)
        status = open_shared(s, wishes, &shared, &shares, err);
    if (status != STORE_OK) {
        watch_close(fresh);
        close_shared(shared, shares);
        return status;
    }
    watch_close(s->watch);
    close_shared(s->shared, s->shares);
    s->watch = fresh;
    s->shared = shared;
    s->shares = shares;
    notify_selected(s);
    return STORE_OK;
}

void notify_forget(struct session *s) {
    watch_close(s->watch);
    close_shared(s->shared, s->shares);
    s->watch = NULL;
    s->shared = NULL;
    s->shares = 0;
    free(s->notify);
    s->notify = NULL;
}

static void tell_status(struct session *s) {
    struct list all = {NULL, 0};
    struct err err;
    if (s->shares && access_list(s, true, &all.box, &all.count, &err) != STORE_OK)
        all.count = 0;
    if (s->watch && !s->shares)
        all.count = watch_mailboxes(s->watch, &s->arena, &all.box);
    for (size_t i = 0; i < all.count; i++) {
        const struct store_mailbox *m = &all.box[i];
        unsigned items = status_items(s, events_of(s, m->name, m->subscribed));
        if (items && !(s->client && s->mailbox == m->id) && m->rights & RIGHT_READ)
            status_reply(s, m, items);
    }
}

/* What gathered in the selected mailbox is told in full first (section 3.1). */
static enum store_status catch_up(struct session *s, struct err *err) {
    if (!s->client)
        return STORE_OK;
    enum store_status status = view_refresh(s->client, NOOP_LOOK_MS, err);
    struct notify *n = s->notify;
    s->notify = NULL;
    if (status == STORE_OK)
        session_announce(s, true);
    s->notify = n;
    return status;
}

enum outcome command_notify(struct session *s, struct parser *p) {
    struct notify asked, *old = s->notify;
    struct err err;
    switch (notify_parse(p, &asked)) {
    case NOTIFY_SYNTAX:
        return session_syntax(s, p);
    case NOTIFY_BADEVENT:
        return session_no(s, "[BADEVENT (%s)] One of the events is not known here", notify_event_names);
    case NOTIFY_TOO_MUCH:
        return session_no(s, "[NOTIFICATIONOVERFLOW] That is too much to watch");
    case NOTIFY_GOOD:
        break;
    }
    enum store_status status = asked.set ? catch_up(s, &err) : STORE_OK;
    if (status == STORE_OK) {
        s->notify = notify_keep(&asked);
        status = notify_follow(s, &err);
    }
    if (status != STORE_OK) { /* what was asked for before holds on */
        if (s->notify != old)
            free(s->notify);
        s->notify = old;
        return session_refused(s, status, NULL, &err);
    }
    free(old);
    if (asked.status)
        tell_status(s);
    return session_ok(s, "Done");
}
