#include "mail/imap/connection.h"

#include "base/clock.h"
#include "mail/imap/preview.h"

#include <stdlib.h>

/*
 * What a list shows of a message never changes but for its flags (RFC 3501 section 2.3.1.1: a UID names the same bytes
 * for ever), so it is fetched once and kept with the connection; a page that was shown before costs one short exchange.
 */
enum { CACHE_SLOTS = 2048, CACHE_MAX = 1200, WINDOW_MAX = 100 };

struct row_cache {
    struct arena memory;
    uint32_t uidvalidity;
    char *mailbox;
    size_t count;
    struct mail_row *slot[CACHE_SLOTS];
    /* The page asked for last, with its flags. It holds until the server tells of a change (pipeline.c) or this
     * connection makes one (change.c). */
    struct mail_row window[WINDOW_MAX];
    size_t window_count;
    uint32_t window_exists, window_page, window_per_page;
};

void rows_forget(struct imap *c) {
    if (!c->rows)
        return;
    arena_free(&c->rows->memory);
    free(c->rows->mailbox);
    free(c->rows);
    c->rows = NULL;
}

static struct mail_row **slot_of(struct row_cache *cache, uint32_t uid) {
    size_t i = uid * 2654435761u % CACHE_SLOTS;
    while (cache->slot[i] && cache->slot[i]->uid != uid)
        i = (i + 1) % CACHE_SLOTS;
    return &cache->slot[i];
}

/* The cache for the selected mailbox, emptied where it was another's, or could not take one page more. */
static struct row_cache *cache_for(struct imap *c, uint32_t page) {
    struct row_cache *cache = c->rows;
    uint32_t uidvalidity = imap_uidvalidity(c);
    if (cache && (strcmp(cache->mailbox, c->selected) != 0 || cache->uidvalidity != uidvalidity ||
                  cache->count + page > CACHE_MAX))
        rows_forget(c);
    if (!c->rows) {
        c->rows = mem_zero(sizeof *c->rows);
        c->rows->mailbox = str_dup(str_of(c->selected));
        c->rows->uidvalidity = uidvalidity;
    }
    return c->rows;
}

/* ---- reading FETCH answers ---- */

int64_t time_of(const struct mailimap_date_time *t) {
    struct tm tm = {.tm_year = t->dt_year - 1900,
                    .tm_mon = t->dt_month - 1,
                    .tm_mday = t->dt_day,
                    .tm_hour = t->dt_hour,
                    .tm_min = t->dt_min,
                    .tm_sec = t->dt_sec};
    int zone = t->dt_zone / 100 * 60 + t->dt_zone % 100;
    return ((int64_t)timegm(&tm) - zone * 60) * CLOCK_SECOND;
}

unsigned flags_of(const struct mailimap_msg_att_dynamic *dynamic) {
    unsigned flags = 0;
    for (clistiter *i = dynamic->att_list ? clist_begin(dynamic->att_list) : NULL; i; i = clist_next(i)) {
        const struct mailimap_flag_fetch *f = clist_content(i);
        if (f->fl_type != MAILIMAP_FLAG_FETCH_OTHER)
            continue;
        switch (f->fl_flag->fl_type) {
        case MAILIMAP_FLAG_SEEN:
            flags |= MAIL_SEEN;
            break;
        case MAILIMAP_FLAG_ANSWERED:
            flags |= MAIL_ANSWERED;
            break;
        case MAILIMAP_FLAG_FLAGGED:
            flags |= MAIL_FLAGGED;
            break;
        case MAILIMAP_FLAG_DRAFT:
            flags |= MAIL_DRAFT;
            break;
        case MAILIMAP_FLAG_DELETED:
            flags |= MAIL_DELETED;
            break;
        case MAILIMAP_FLAG_KEYWORD:
            if (str_ieq(str_of(f->fl_flag->fl_data.fl_keyword), STR("$Forwarded")))
                flags |= MAIL_FORWARDED;
            break;
        default:
            break;
        }
    }
    return flags;
}

static struct str decoded(struct arena *a, const char *raw) {
    return raw ? mime_decode_words(a, str_of(raw)) : STR("");
}

static struct str address_of(struct arena *a, const struct mailimap_address *address) {
    if (!address->ad_host_name || !*address->ad_host_name)
        return decoded(a, address->ad_mailbox_name);
    return arena_printf(a, "%s@%s", address->ad_mailbox_name ? address->ad_mailbox_name : "", address->ad_host_name);
}

static struct str name_of(struct arena *a, const struct mailimap_address *address) {
    struct str name = str_trim(decoded(a, address->ad_personal_name));
    return name.n ? name : address_of(a, address);
}

static struct str names_of(struct arena *a, const clist *addresses) {
    struct buf names = BUF_EMPTY;
    int n = 0;
    for (clistiter *i = clist_begin(addresses); i && n < 5; i = clist_next(i)) {
        const struct mailimap_address *address = clist_content(i);
        if (!address->ad_host_name) /* a group's beginning or end */
            continue;
        if (n++)
            buf_add_c(&names, ", ");
        buf_add_str(&names, name_of(a, address));
    }
    struct str s = arena_str(a, buf_str(&names));
    buf_free(&names);
    return s;
}

static void read_envelope(struct arena *a, const struct mailimap_envelope *e, struct mail_row *row) {
    row->subject = decoded(a, e->env_subject);
    if (e->env_from && e->env_from->frm_list && clist_begin(e->env_from->frm_list)) {
        const struct mailimap_address *from = clist_content(clist_begin(e->env_from->frm_list));
        row->from_name = name_of(a, from);
        row->from_address = address_of(a, from);
    }
    if (e->env_to && e->env_to->to_list)
        row->to = names_of(a, e->env_to->to_list);
}

static bool is_attachment(const struct mailimap_body_type_1part *part) {
    const struct mailimap_body_ext_1part *more = part->bd_ext_1part;
    if (more && more->bd_disposition && str_ieq(str_of(more->bd_disposition->dsp_type), STR("attachment")))
        return true;
    if (part->bd_type == MAILIMAP_BODY_TYPE_1PART_MSG)
        return true;
    bool basic = part->bd_type == MAILIMAP_BODY_TYPE_1PART_BASIC;
    return basic && part->bd_data.bd_type_basic->bd_media_basic->med_type == MAILIMAP_MEDIA_BASIC_APPLICATION;
}

static bool has_attachment(const struct mailimap_body *body, int depth) {
    if (depth > MIME_MAX_DEPTH)
        return false;
    if (body->bd_type == MAILIMAP_BODY_1PART)
        return is_attachment(body->bd_data.bd_body_1part);
    for (clistiter *i = clist_begin(body->bd_data.bd_body_mpart->bd_list); i; i = clist_next(i))
        if (has_attachment(clist_content(i), depth + 1))
            return true;
    return false;
}

static void read_static(struct arena *a, const struct mailimap_msg_att_static *s, struct mail_row *row) {
    switch (s->att_type) {
    case MAILIMAP_MSG_ATT_UID:
        row->uid = s->att_data.att_uid;
        break;
    case MAILIMAP_MSG_ATT_INTERNALDATE:
        row->date = time_of(s->att_data.att_internal_date);
        break;
    case MAILIMAP_MSG_ATT_ENVELOPE:
        read_envelope(a, s->att_data.att_env, row);
        break;
    case MAILIMAP_MSG_ATT_BODYSTRUCTURE:
        row->attachment = has_attachment(s->att_data.att_bodystructure, 0);
        break;
    default:
        break;
    }
}

static void read_row(struct arena *a, const struct mailimap_msg_att *att, struct mail_row *row) {
    row->sequence = att->att_number;
    for (clistiter *i = clist_begin(att->att_list); i; i = clist_next(i)) {
        const struct mailimap_msg_att_item *item = clist_content(i);
        if (item->att_type == MAILIMAP_MSG_ATT_ITEM_DYNAMIC)
            row->flags = flags_of(item->att_data.att_dyn);
        else if (item->att_type == MAILIMAP_MSG_ATT_ITEM_STATIC)
            read_static(a, item->att_data.att_static, row);
        else if (item->att_type == MAILIMAP_MSG_ATT_ITEM_EXTENSION)
            row->preview = arena_str(a, preview_text(item->att_data.att_extension_data));
    }
}

/* ---- a page ---- */

/* The page's messages by number, newest first, with flags only. */
static void read_flags(struct imap *c, struct arena *a, struct mail_page *out, uint32_t max) {
    clist *list = c->session->imap_response_info->rsp_fetch_list;
    out->row = arena_array(a, max + 1, sizeof *out->row);
    out->count = 0;
    for (clistiter *i = clist_end(list); i && out->count < max; i = clist_previous(i)) {
        struct mail_row row = {0};
        read_row(a, clist_content(i), &row);
        if (row.uid) /* without: other clients' changes, told by the way */
            out->row[out->count++] = row;
    }
}

static int newest_first(const void *x, const void *y) {
    const struct mail_row *a = x, *b = y;
    return (a->uid < b->uid) - (a->uid > b->uid);
}

static enum imap_status fetch_missing(struct imap *c, struct str uids, struct err *err) {
    struct row_cache *cache = c->rows;
    enum imap_status status = pipeline_one(c, err, "UID FETCH %.*s (UID INTERNALDATE ENVELOPE BODYSTRUCTURE%s)",
                                           STR_ARG(uids), c->previews ? " PREVIEW" : "");
    if (status != IMAP_OK)
        return status;
    for (clistiter *i = clist_begin(c->session->imap_response_info->rsp_fetch_list); i; i = clist_next(i)) {
        struct mail_row row = {0};
        read_row(&cache->memory, clist_content(i), &row);
        struct mail_row **slot = row.uid && row.subject.p ? slot_of(cache, row.uid) : NULL;
        if (!slot || *slot || cache->count >= CACHE_MAX)
            continue;
        *slot = arena_alloc(&cache->memory, sizeof row);
        **slot = row;
        cache->count++;
    }
    return IMAP_OK;
}

/* Completes the rows from the cache, fetching what it lacks. */
static enum imap_status complete(struct imap *c, struct mail_page *page, struct err *err) {
    struct row_cache *cache = cache_for(c, (uint32_t)page->count);
    struct buf missing = BUF_EMPTY;
    enum imap_status status = IMAP_OK;
    for (size_t i = 0; i < page->count; i++)
        if (!*slot_of(cache, page->row[i].uid))
            buf_printf(&missing, "%s%u", missing.n ? "," : "", page->row[i].uid);
    if (missing.n)
        status = fetch_missing(c, buf_str(&missing), err);
    buf_free(&missing);
    for (size_t i = 0; i < page->count; i++) {
        const struct mail_row *known = *slot_of(cache, page->row[i].uid);
        struct mail_row row = known ? *known : page->row[i];
        row.flags = page->row[i].flags;
        row.sequence = page->row[i].sequence;
        page->row[i] = row;
    }
    return status;
}

static void read_selection(struct imap *c, struct mail_page *out) {
    const struct mailimap_selection_info *s = c->session->imap_selection_info;
    out->exists = s->sel_exists;
    out->uidvalidity = s->sel_uidvalidity;
    out->uidnext = s->sel_uidnext;
}

/* Message numbers of a page; false where it has none. */
static bool window(uint32_t exists, uint32_t page, uint32_t per_page, uint32_t *first, uint32_t *last) {
    uint64_t skipped = (uint64_t)page * per_page;
    if (skipped >= exists)
        return false;
    *last = exists - (uint32_t)skipped;
    *first = *last > per_page ? *last - per_page + 1 : 1;
    return true;
}

static bool has_window(const struct imap *c, uint32_t exists, uint32_t page, uint32_t per_page) {
    const struct row_cache *r = c->rows;
    return c->window_good && r && strcmp(r->mailbox, c->selected) == 0 && r->window_exists == exists &&
           r->window_page == page && r->window_per_page == per_page;
}

static void keep_window(struct imap *c, const struct mail_page *p, uint32_t page, uint32_t per_page) {
    struct row_cache *r = c->rows;
    c->window_good = r && p->count <= WINDOW_MAX;
    if (!c->window_good)
        return;
    for (size_t i = 0; i < p->count; i++)
        r->window[i] = p->row[i];
    r->window_count = p->count;
    r->window_exists = p->exists;
    r->window_page = page;
    r->window_per_page = per_page;
}

static void read_window(struct imap *c, struct arena *a, struct mail_page *out) {
    out->row = arena_array(a, c->rows->window_count + 1, sizeof *out->row);
    for (out->count = 0; out->count < c->rows->window_count; out->count++)
        out->row[out->count] = c->rows->window[out->count];
}

/* News come with NOOP, in the same exchange as the page that they may move; where they did, the page is asked for
 * again. A page that is known is not asked for at all unless there are news. */
static enum imap_status page_of_all(struct imap *c, struct arena *a, uint32_t page, uint32_t per_page,
                                    struct mail_page *out, bool *known, struct err *err) {
    for (int tries = 0; tries < 4; tries++) {
        uint32_t exists = c->session->imap_selection_info->sel_exists, first = 0, last = 0;
        *known = has_window(c, exists, page, per_page);
        bool any = !*known && window(exists, page, per_page, &first, &last);
        c->stale = false;
        pipeline_send(c, "NOOP");
        if (any)
            pipeline_send(c, "FETCH %u:%u (UID FLAGS)", first, last);
        enum imap_status status = pipeline_receive(c, err);
        if (status != IMAP_OK)
            return pipeline_finish(c, NULL) == IMAP_OK ? status : IMAP_BROKEN;
        if (any)
            status = pipeline_receive(c, err);
        bool moved = c->session->imap_selection_info->sel_exists != exists || (*known && !c->window_good);
        if (status == IMAP_BROKEN || (status == IMAP_NO && !moved))
            return status;
        if (moved)
            continue;
        if (*known)
            read_window(c, a, out);
        else if (any)
            read_flags(c, a, out, per_page);
        break;
    }
    read_selection(c, out);
    out->found = out->exists;
    return IMAP_OK;
}

static int descending(const void *x, const void *y) {
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a < b) - (a > b);
}

static enum imap_status page_of_search(struct imap *c, struct arena *a, struct str search, uint32_t page,
                                       uint32_t per_page, struct mail_page *out, struct err *err) {
    enum imap_status status = pipeline_one(c, err, "UID SEARCH CHARSET UTF-8 TEXT %s", pipeline_string(a, search));
    if (status != IMAP_OK)
        return status;
    clist *list = c->session->imap_response_info->rsp_search_result;
    size_t n = 0;
    uint32_t *uid = arena_array(a, (size_t)(list ? clist_count(list) : 0) + 1, sizeof *uid);
    for (clistiter *i = list ? clist_begin(list) : NULL; i; i = clist_next(i))
        uid[n++] = *(uint32_t *)clist_content(i);
    qsort(uid, n, sizeof *uid, descending);
    read_selection(c, out);
    out->found = (uint32_t)n;
    struct buf set = BUF_EMPTY;
    for (size_t i = (size_t)page * per_page; i < n && i < (size_t)(page + 1) * per_page; i++)
        buf_printf(&set, "%s%u", set.n ? "," : "", uid[i]);
    if (set.n && (status = pipeline_one(c, err, "UID FETCH %s (UID FLAGS)", set.p)) == IMAP_OK)
        read_flags(c, a, out, per_page);
    buf_free(&set);
    return status;
}

enum imap_status imap_page(struct imap *c, struct arena *a, struct str mailbox, struct str search, uint32_t page,
                           uint32_t per_page, struct mail_page *out, struct err *err) {
    *out = (struct mail_page){0};
    bool known = false;
    enum imap_status status = imap_select(c, mailbox, err);
    if (status == IMAP_OK)
        status = search.n ? page_of_search(c, a, search, page, per_page, out, err)
                          : page_of_all(c, a, page, per_page, out, &known, err);
    if (status != IMAP_OK || out->count == 0 || known)
        return status;
    qsort(out->row, out->count, sizeof *out->row, newest_first);
    status = complete(c, out, err);
    if (status == IMAP_OK && !search.n)
        keep_window(c, out, page, per_page);
    return status;
}
