#include "mail/imap/connection.h"

#include <stdlib.h>

static const struct {
    unsigned flag;
    const char *name;
} FLAGS[] = {
    {MAIL_SEEN, "\\Seen"},   {MAIL_ANSWERED, "\\Answered"}, {MAIL_FLAGGED, "\\Flagged"},
    {MAIL_DRAFT, "\\Draft"}, {MAIL_DELETED, "\\Deleted"},   {MAIL_FORWARDED, "$Forwarded"},
};

const char *flag_names(struct arena *a, unsigned flags) {
    struct buf names = BUF_EMPTY;
    for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS; i++)
        if (flags & FLAGS[i].flag)
            buf_printf(&names, "%s%s", names.n ? " " : "", FLAGS[i].name);
    const char *text = arena_c(a, buf_str(&names));
    buf_free(&names);
    return text;
}

uint32_t imap_uidvalidity(const struct imap *c) {
    return c->selected ? c->session->imap_selection_info->sel_uidvalidity : 0;
}

/* A mailbox that is selected stays so. (Its news come with the next command.) */
enum imap_status imap_select(struct imap *c, struct str mailbox, struct err *err) {
    if (c->selected && str_eq(str_of(c->selected), mailbox))
        return IMAP_OK;
    struct arena a = ARENA_EMPTY;
    free(c->selected);
    c->selected = NULL;
    c->window_good = false;
    if (c->session->imap_selection_info)
        mailimap_selection_info_free(c->session->imap_selection_info);
    c->session->imap_selection_info = mailimap_selection_info_new();
    if (!c->session->imap_selection_info)
        mem_panic();
    enum imap_status status = pipeline_one(c, err, "SELECT %s", pipeline_string(&a, mailbox));
    arena_free(&a);
    if (status == IMAP_OK)
        c->selected = str_dup(mailbox);
    return status;
}

enum imap_status imap_flag(struct imap *c, struct str mailbox, struct str uids, unsigned flags, bool on,
                           struct err *err) {
    struct arena a = ARENA_EMPTY;
    c->folders_at = 0;
    c->window_good = false;
    enum imap_status status = imap_select(c, mailbox, err);
    if (status == IMAP_OK)
        status = pipeline_one(c, err, "UID STORE %.*s %sFLAGS.SILENT (%s)", STR_ARG(uids), on ? "+" : "-",
                              flag_names(&a, flags));
    arena_free(&a);
    return status;
}

enum imap_status imap_move(struct imap *c, struct str mailbox, struct str uids, struct str to, struct err *err) {
    struct arena a = ARENA_EMPTY;
    c->folders_at = 0;
    c->window_good = false;
    enum imap_status status = imap_select(c, mailbox, err);
    if (status == IMAP_OK)
        status = pipeline_one(c, err, "UID MOVE %.*s %s", STR_ARG(uids), pipeline_string(&a, to));
    arena_free(&a);
    return status;
}

enum imap_status imap_expunge(struct imap *c, struct str mailbox, struct str uids, struct err *err) {
    enum imap_status status = imap_flag(c, mailbox, uids, MAIL_DELETED, true, err);
    return status == IMAP_OK ? pipeline_one(c, err, "UID EXPUNGE %.*s", STR_ARG(uids)) : status;
}

static struct mailimap_flag_list *flag_list(unsigned flags) {
    struct mailimap_flag_list *list = mailimap_flag_list_new_empty();
    if (list && flags & MAIL_SEEN)
        mailimap_flag_list_add(list, mailimap_flag_new_seen());
    if (list && flags & MAIL_DRAFT)
        mailimap_flag_list_add(list, mailimap_flag_new_draft());
    return list;
}

enum imap_status imap_append(struct imap *c, struct str mailbox, struct str message, unsigned flags, uint32_t *uid,
                             struct err *err) {
    struct mailimap_flag_list *list = flag_list(flags);
    char *name = str_dup(mailbox);
    uint32_t uidvalidity = 0;
    *uid = 0;
    c->folders_at = 0;
    c->window_good = false;
    int r = list ? mailimap_uidplus_append(c->session, name, list, NULL, message.p, message.n, &uidvalidity, uid)
                 : MAILIMAP_ERROR_MEMORY;
    if (list)
        mailimap_flag_list_free(list);
    free(name);
    return pipeline_status(c, r, err);
}
