#include "mail/imap/connection.h"

#include "base/clock.h"
#include "mail/imap/name.h"

#include <stdlib.h>

enum { FOLDERS_GOOD_SECONDS = 4, FOLDERS_MAX = 2000, STATUS_AT_ONCE = 100 };

static const struct {
    const char *attribute; /* RFC 6154 */
    enum folder_use use;
} USES[] = {
    {"Drafts", USE_DRAFTS}, {"Sent", USE_SENT}, {"Archive", USE_ARCHIVE}, {"Junk", USE_JUNK}, {"Trash", USE_TRASH},
};

static enum folder_use use_of(const struct mailimap_mailbox_list *entry) {
    if (str_ieq(str_of(entry->mb_name), STR("INBOX")))
        return USE_INBOX;
    if (!entry->mb_flag)
        return USE_NONE;
    for (clistiter *i = clist_begin(entry->mb_flag->mbf_oflags); i; i = clist_next(i)) {
        const struct mailimap_mbx_list_oflag *flag = clist_content(i);
        if (flag->of_type != MAILIMAP_MBX_LIST_OFLAG_FLAG_EXT || !flag->of_flag_ext)
            continue;
        struct str name = str_of(flag->of_flag_ext);
        if (str_starts(name, STR("\\")))
            name = str_sub(name, 1, name.n);
        for (size_t u = 0; u < sizeof USES / sizeof *USES; u++)
            if (str_ieq(name, str_of(USES[u].attribute)))
                return USES[u].use;
    }
    return USE_NONE;
}

static bool is_selectable(const struct mailimap_mailbox_list *entry) {
    return !entry->mb_flag || entry->mb_flag->mbf_type != MAILIMAP_MBX_LIST_FLAGS_SFLAG ||
           entry->mb_flag->mbf_sflag != MAILIMAP_MBX_LIST_SFLAG_NOSELECT;
}

static void read_names(struct arena *a, struct folder *f) {
    struct str name = name_decode(a, f->name), rest = name, part;
    struct buf path = BUF_EMPTY;
    f->depth = -1;
    while (str_split(&rest, f->delimiter ? f->delimiter : '\0', &part)) {
        if (path.n)
            buf_add_c(&path, " / ");
        buf_add_str(&path, part);
        f->display = part;
        f->depth++;
    }
    f->path = arena_str(a, buf_str(&path));
    if (f->use == USE_INBOX)
        f->display = f->path = STR("Inbox");
    buf_free(&path);
}

static int place_of(const struct folder *f) { return f->depth == 0 && f->use != USE_NONE ? (int)f->use : 100; }

static int compare(const void *x, const void *y) {
    const struct folder *a = x, *b = y;
    int places = place_of(a) - place_of(b);
    return places ? places : str_icmp(a->path, b->path);
}

static enum imap_status list(struct imap *c, struct err *err) {
    struct arena *a = &c->folder_memory;
    enum imap_status status = pipeline_one(c, err, "LIST \"\" \"*\"");
    if (status != IMAP_OK)
        return status;
    clist *entries = c->session->imap_response_info->rsp_mailbox_list;
    size_t n = (size_t)clist_count(entries);
    n = n > FOLDERS_MAX ? FOLDERS_MAX : n;
    c->folders.at = arena_array(a, n + 1, sizeof *c->folders.at);
    for (clistiter *i = clist_begin(entries); i && c->folders.count < n; i = clist_next(i)) {
        const struct mailimap_mailbox_list *entry = clist_content(i);
        struct folder *f = &c->folders.at[c->folders.count++];
        f->name = arena_str(a, str_of(entry->mb_name));
        f->delimiter = entry->mb_delimiter;
        f->use = use_of(entry);
        f->selectable = is_selectable(entry);
        read_names(a, f);
    }
    qsort(c->folders.at, c->folders.count, sizeof *c->folders.at, compare);
    return IMAP_OK;
}

static void read_counts(const struct mailimap_mailbox_data_status *status, struct folder *f) {
    for (clistiter *i = status->st_info_list ? clist_begin(status->st_info_list) : NULL; i; i = clist_next(i)) {
        const struct mailimap_status_info *info = clist_content(i);
        if (info->st_att == MAILIMAP_STATUS_ATT_MESSAGES)
            f->messages = info->st_value;
        if (info->st_att == MAILIMAP_STATUS_ATT_UNSEEN)
            f->unseen = info->st_value;
        if (info->st_att == MAILIMAP_STATUS_ATT_UIDNEXT)
            f->uidnext = info->st_value;
    }
}

/* Counts of the folders from `first` on, as many as may be under way at once: were it all of some thousands, both sides
 * could end up writing and nobody reading. A mailbox that was deleted since LIST has no counts: that is not this page's
 * failure. */
static enum imap_status counts(struct imap *c, size_t first, struct err *err) {
    struct arena scratch = ARENA_EMPTY;
    size_t end = first + STATUS_AT_ONCE < c->folders.count ? first + STATUS_AT_ONCE : c->folders.count;
    for (size_t i = first; i < end; i++)
        if (c->folders.at[i].selectable)
            pipeline_send(c, "STATUS %s (MESSAGES UNSEEN UIDNEXT)", pipeline_string(&scratch, c->folders.at[i].name));
    arena_free(&scratch);
    for (size_t i = first; i < end; i++) {
        if (!c->folders.at[i].selectable)
            continue;
        enum imap_status status = pipeline_receive(c, err);
        if (status == IMAP_BROKEN)
            return status;
        if (status == IMAP_OK && c->session->imap_response_info->rsp_status)
            read_counts(c->session->imap_response_info->rsp_status, &c->folders.at[i]);
    }
    return IMAP_OK;
}

enum imap_status imap_folders(struct imap *c, bool fresh, const struct folders **out, struct err *err) {
    int64_t now = clock_monotonic();
    *out = &c->folders;
    if (!fresh && c->folders_at && now - c->folders_at < FOLDERS_GOOD_SECONDS * CLOCK_SECOND)
        return IMAP_OK;
    arena_reset(&c->folder_memory);
    c->folders = (struct folders){0};
    c->folders_at = 0;
    enum imap_status status = list(c, err);
    for (size_t first = 0; status == IMAP_OK && first < c->folders.count; first += STATUS_AT_ONCE)
        status = counts(c, first, err);
    if (status == IMAP_OK)
        c->folders_at = now;
    return status;
}

const struct folder *folder_named(const struct folders *f, struct str name) {
    bool inbox = str_ieq(name, STR("INBOX"));
    for (size_t i = 0; i < f->count; i++)
        if (str_eq(f->at[i].name, name) || (inbox && f->at[i].use == USE_INBOX))
            return &f->at[i];
    return NULL;
}

const struct folder *folder_used(const struct folders *f, enum folder_use use) {
    for (size_t i = 0; i < f->count; i++)
        if (f->at[i].use == use)
            return &f->at[i];
    return NULL;
}

static enum imap_status change(struct imap *c, struct err *err, const char *command, struct str first,
                               const char *rest) {
    struct arena a = ARENA_EMPTY;
    c->folders_at = 0;
    enum imap_status status = pipeline_one(c, err, "%s %s%s", command, pipeline_string(&a, first), rest);
    arena_free(&a);
    return status;
}

enum imap_status imap_create(struct imap *c, struct str name, const char *use, struct err *err) {
    char rest[60] = "";
    if (use)
        snprintf(rest, sizeof rest, " (USE (%s))", use); /* RFC 6154 section 3 */
    enum imap_status status = change(c, err, "CREATE", name, rest);
    if (status == IMAP_OK)
        status = change(c, err, "SUBSCRIBE", name, "");
    return status;
}

enum imap_status imap_rename(struct imap *c, struct str from, struct str to, struct err *err) {
    struct buf rest = BUF_EMPTY;
    struct arena a = ARENA_EMPTY;
    buf_printf(&rest, " %s", pipeline_string(&a, to));
    free(c->selected);
    c->selected = NULL;
    enum imap_status status = change(c, err, "RENAME", from, rest.p);
    buf_free(&rest);
    arena_free(&a);
    return status;
}

enum imap_status imap_delete(struct imap *c, struct str name, struct err *err) {
    if (c->selected && str_eq(str_of(c->selected), name)) { /* left first: it cannot be selected and gone */
        enum imap_status status = imap_select(c, STR("INBOX"), err);
        if (status != IMAP_OK)
            return status;
    }
    return change(c, err, "DELETE", name, "");
}
