#include "mail/mail.h"

#include "http/url.h"
#include "page.h"

/* One act on some messages of a mailbox: fields box, uidvalidity, uid (each), back (the page to return to), and the
 * button's name. */

enum { MAX_MESSAGES = 1000 };

enum act_kind { ACT_FLAG, ACT_MOVE, ACT_DELETE };

static const struct act {
    const char *name;
    enum act_kind kind;
    unsigned flags;
    bool on;
    enum folder_use to; /* ACT_MOVE; USE_NONE: the field "to" */
    const char *done;   /* "%s": "3 messages" */
} ACTS[] = {
    {"read", ACT_FLAG, MAIL_SEEN, true, USE_NONE, ""},
    {"unread", ACT_FLAG, MAIL_SEEN, false, USE_NONE, "%s marked as unread."},
    {"flag", ACT_FLAG, MAIL_FLAGGED, true, USE_NONE, ""},
    {"unflag", ACT_FLAG, MAIL_FLAGGED, false, USE_NONE, ""},
    {"archive", ACT_MOVE, 0, false, USE_ARCHIVE, "%s archived."},
    {"junk", ACT_MOVE, 0, false, USE_JUNK, "%s moved to Junk."},
    {"not-junk", ACT_MOVE, 0, false, USE_INBOX, "%s moved to the inbox."},
    {"move", ACT_MOVE, 0, false, USE_NONE, "%s moved to %s."},
    {"delete", ACT_MOVE, 0, false, USE_TRASH, "%s moved to the trash."},
    {"destroy", ACT_DELETE, 0, false, USE_NONE, "%s deleted for good."},
};

static const struct act *act_named(struct str name) {
    for (size_t i = 0; i < sizeof ACTS / sizeof *ACTS; i++)
        if (str_eq(name, str_of(ACTS[i].name)))
            return &ACTS[i];
    return NULL;
}

/* What is to be done; a row's own star stands for that row alone, whatever is selected. */
static const struct act *act_of(struct exchange *x, struct str *one) {
    *one = exchange_form(x, "flag-one");
    if (one->n)
        return act_named(STR("flag"));
    *one = exchange_form(x, "unflag-one");
    return act_named(one->n ? STR("unflag") : exchange_form(x, "act"));
}

/* The messages as a sequence set. */
static struct str uids_of(struct exchange *x, struct str one, size_t *count) {
    struct buf set = BUF_EMPTY;
    uint32_t uid;
    *count = 0;
    if (str_u32(one, &uid) && uid) {
        *count = 1;
        return one;
    }
    for (size_t i = 0; i < x->request.form.count && *count < MAX_MESSAGES; i++)
        if (str_eq(x->request.form.at[i].name, STR("uid")) && str_u32(x->request.form.at[i].value, &uid) && uid) {
            buf_printf(&set, "%s%u", set.n ? "," : "", uid);
            ++*count;
        }
    struct str s = arena_str(&x->arena, buf_str(&set));
    buf_free(&set);
    return s;
}

static const char *use_name(enum folder_use use) {
    static const char *const NAMES[] = {"", "INBOX", "Drafts", "Sent", "Archive", "Junk", "Trash"};
    return NAMES[use];
}

/* The mailbox of a use, made where the account has none. */
static bool target_of(struct mail *m, enum folder_use use, struct str *name, struct err *err,
                      enum imap_status *status) {
    const struct folder *f = folder_used(m->folders, use);
    if (f) {
        *name = f->name;
        return true;
    }
    *name = str_of(use_name(use));
    char attribute[20];
    snprintf(attribute, sizeof attribute, "\\%s", use_name(use));
    *status = imap_create(m->imap, *name, attribute, err);
    return *status == IMAP_OK;
}

static void say(struct exchange *x, const struct act *act, size_t count, struct str to) {
    struct str what = count == 1 ? STR("1 message") : arena_printf(&x->arena, "%zu messages", count);
    if (*act->done)
        page_flash(x, act->done, arena_c(&x->arena, what), arena_c(&x->arena, to));
}

static bool apply(struct mail *m, const struct act *act, struct str box, struct str uids, size_t count) {
    struct exchange *x = m->x;
    struct err err;
    struct str to = exchange_form(x, "to");
    enum imap_status status = imap_select(m->imap, box, &err);
    uint32_t uidvalidity;
    if (status == IMAP_OK &&
        (!str_u32(exchange_form(x, "uidvalidity"), &uidvalidity) || uidvalidity != imap_uidvalidity(m->imap))) {
        exchange_error(x, 409, "This mailbox was replaced by another of the same name. Load the page again.");
        return false;
    }
    if (status == IMAP_OK && act->kind == ACT_FLAG)
        status = imap_flag(m->imap, box, uids, act->flags, act->on, &err);
    if (status == IMAP_OK && act->kind == ACT_DELETE)
        status = imap_expunge(m->imap, box, uids, &err);
    if (status == IMAP_OK && act->kind == ACT_MOVE &&
        (act->to == USE_NONE || target_of(m, act->to, &to, &err, &status)))
        status = imap_move(m->imap, box, uids, to, &err);
    if (status != IMAP_OK) {
        mail_failed(m, status, false, &err);
        return false;
    }
    const struct folder *f = folder_named(m->folders, to);
    say(x, act, count, f ? f->path : to);
    return true;
}

static void post_act(struct exchange *x) {
    struct mail m;
    size_t count;
    struct str one, box = exchange_form(x, "box"), back = exchange_form(x, "back");
    const struct act *act = act_of(x, &one);
    struct str uids = uids_of(x, one, &count);
    if (!url_is_local_path(back) || !str_starts(back, STR("/mail/")))
        back = mail_folder_path(&x->arena, box);
    if (!act || (act->kind == ACT_MOVE && act->to == USE_NONE && exchange_form(x, "to").n == 0)) {
        page_flash(x, act ? "Choose a folder to move to." : "That can't be done.");
        exchange_redirect(x, "%.*s", STR_ARG(back));
        return;
    }
    if (count == 0) {
        page_flash(x, "Nothing was selected.");
        exchange_redirect(x, "%.*s", STR_ARG(back));
        return;
    }
    if (mail_open(&m, x, box) && mail_folders(&m, false) && apply(&m, act, box, uids, count))
        exchange_redirect(x, "%.*s", STR_ARG(back));
    mail_close(&m);
}

const struct route mail_act_routes[] = {
    {METHOD_POST, "/mail/act", post_act, MAIL_ROUTE},
    {0},
};
