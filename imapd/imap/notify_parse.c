/* The arguments of NOTIFY (RFC 5465 section 8). */
#include "imap/fetch.h"
#include "imap/notify.h"

enum {
    MAX_GROUPS = 50,
    MAX_NAMES = 1000, /* in all groups */
};

const char notify_event_names[] = "MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange "
                                  "MailboxMetadataChange ServerMetadataChange";

static const struct {
    const char *name;
    unsigned event;
} events[] = {
    {"MessageNew", NOTIFY_NEW},
    {"MessageExpunge", NOTIFY_EXPUNGE},
    {"FlagChange", NOTIFY_FLAGS},
    {"MailboxName", NOTIFY_NAME},
    {"SubscriptionChange", NOTIFY_SUBSCRIPTION},
    {"MailboxMetadataChange", NOTIFY_MAILBOX_METADATA},
    {"ServerMetadataChange", NOTIFY_SERVER_METADATA},
};

static const struct {
    const char *name;
    enum notify_filter filter;
} filters[] = {
    {"selected-delayed", NOTIFY_SELECTED_DELAYED},
    {"selected", NOTIFY_SELECTED},
    {"inboxes", NOTIFY_INBOXES},
    {"personal", NOTIFY_PERSONAL},
    {"subscribed", NOTIFY_SUBSCRIBED},
    {"subtree", NOTIFY_SUBTREE},
    {"mailboxes", NOTIFY_MAILBOXES},
};

struct state {
    struct parser *p;
    struct notify *n;
    size_t names;
    bool selected; /* there was a group for the selected mailbox */
    bool unknown_event, too_much;
};

static bool take_filter(struct parser *p, enum notify_filter *out) {
    struct str word;
    if (!parse_atom(p, &word))
        return false;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        if (str_ieq(word, str_of(filters[i].name))) {
            *out = filters[i].filter;
            return true;
        }
    return parse_fail(p, "Unknown choice of mailboxes");
}

static bool take_names(struct state *x, struct notify_group *g) {
    struct parser *p = x->p;
    bool several = parse_peek(p) == '(';
    struct str *name = arena_array(p->arena, MAX_NAMES, sizeof *name);
    p->at += several;
    do {
        if ((g->names && !parse_space(p)) || !parse_mailbox(p, &name[g->names]))
            return false;
        g->names++;
        if (++x->names >= MAX_NAMES) {
            x->too_much = true;
            return false;
        }
    } while (several && parse_peek(p) == ' ');
    if (several && !parse_byte(p, ')'))
        return false;
    g->name = arena_array(p->arena, g->names, sizeof *g->name);
    memcpy(g->name, name, g->names * sizeof *name);
    return true;
}

/* "(fetch-att ...)" behind MessageNew: kept as it is written, since what comes of parsing it belongs to a command. */
static bool take_fetch(struct state *x, bool selected) {
    struct parser *p = x->p;
    struct fetch_request r = {0};
    size_t from = p->at;
    if (!fetch_parse(p, false, &r))
        return false;
    if (selected)
        x->n->fetch = str_sub(p->in, from, p->at - from);
    return true;
}

static bool take_event(struct state *x, bool selected, unsigned *out) {
    struct parser *p = x->p;
    struct str word;
    unsigned event = 0;
    if (!parse_atom(p, &word))
        return false;
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (str_ieq(word, str_of(events[i].name)))
            event = events[i].event;
    if (!event) {
        x->unknown_event = true;
        return false;
    }
    if (selected && !(event & NOTIFY_MESSAGES))
        return parse_fail(p, "Of the selected mailbox only messages can be watched");
    *out |= event;
    if (event == NOTIFY_NEW && parse_peek(p) == ' ' && p->at + 1 < p->in.n && p->in.p[p->at + 1] == '(') {
        p->at++;
        return take_fetch(x, selected);
    }
    return true;
}

static bool take_events(struct state *x, bool selected, unsigned *out) {
    struct parser *p = x->p;
    *out = 0;
    if (parse_skip_word(p, STR("NONE")))
        return true;
    if (!parse_byte(p, '('))
        return false;
    do {
        if ((*out && !parse_space(p)) || !take_event(x, selected, out))
            return false;
    } while (parse_peek(p) == ' ');
    if (!parse_byte(p, ')'))
        return false;
    /* Section 5: they are told by the same responses. */
    unsigned both = *out & (NOTIFY_NEW | NOTIFY_EXPUNGE);
    if (both && both != (NOTIFY_NEW | NOTIFY_EXPUNGE))
        return parse_fail(p, "MessageNew and MessageExpunge go together");
    if (*out & NOTIFY_FLAGS && !both)
        return parse_fail(p, "FlagChange needs MessageNew and MessageExpunge");
    return true;
}

static bool take_group(struct state *x) {
    struct parser *p = x->p;
    struct notify_group g = {0};
    if (!parse_byte(p, '(') || !take_filter(p, &g.filter) || !parse_space(p))
        return false;
    bool selected = g.filter == NOTIFY_SELECTED || g.filter == NOTIFY_SELECTED_DELAYED;
    if (selected && x->selected)
        return parse_fail(p, "The selected mailbox is there twice");
    if (g.filter == NOTIFY_SUBTREE || g.filter == NOTIFY_MAILBOXES)
        if (!take_names(x, &g) || !parse_space(p))
            return false;
    if (!take_events(x, selected, &g.events) || !parse_byte(p, ')'))
        return false;
    if (!selected && x->n->groups == MAX_GROUPS) {
        x->too_much = true;
        return false;
    }
    if (selected) {
        x->selected = true;
        x->n->selected = g.events;
        x->n->immediate = g.filter == NOTIFY_SELECTED;
    } else {
        x->n->group[x->n->groups++] = g;
    }
    return true;
}

static bool take_all(struct state *x) {
    struct parser *p = x->p;
    if (!parse_space(p))
        return false;
    if (parse_skip_word(p, STR("NONE")))
        return parse_end(p);
    if (!parse_skip_word(p, STR("SET")))
        return parse_fail(p, "Expected SET or NONE");
    x->n->set = true;
    x->n->group = arena_array(p->arena, MAX_GROUPS, sizeof *x->n->group);
    x->n->status = parse_skip_word(p, STR(" STATUS"));
    do {
        if (!parse_space(p) || !take_group(x))
            return false;
    } while (parse_peek(p) == ' ');
    return parse_end(p);
}

enum notify_parsed notify_parse(struct parser *p, struct notify *out) {
    struct state x = {.p = p, .n = out};
    *out = (struct notify){0};
    if (take_all(&x))
        return NOTIFY_GOOD;
    return x.unknown_event ? NOTIFY_BADEVENT : x.too_much ? NOTIFY_TOO_MUCH : NOTIFY_SYNTAX;
}

static struct str keep_str(char **at, struct str s) {
    struct str kept = {*at, s.n};
    if (s.n)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return kept;
}

/* One block: the struct, the groups, the lists of names, the text. */
struct notify *notify_keep(const struct notify *n) {
    size_t names = 0, bytes = n->fetch.n;
    for (size_t i = 0; i < n->groups; i++) {
        names += n->group[i].names;
        for (size_t k = 0; k < n->group[i].names; k++)
            bytes += n->group[i].name[k].n;
    }
    struct notify *kept = mem_alloc(sizeof *kept + n->groups * sizeof *n->group + names * sizeof(struct str) + bytes);
    *kept = *n;
    kept->group = (struct notify_group *)(kept + 1);
    struct str *name = (struct str *)(kept->group + n->groups);
    char *text = (char *)(name + names);
    for (size_t i = 0; i < n->groups; i++) {
        kept->group[i] = n->group[i];
        kept->group[i].name = name;
        for (size_t k = 0; k < n->group[i].names; k++)
            *name++ = keep_str(&text, n->group[i].name[k]);
    }
    kept->fetch = keep_str(&text, n->fetch);
    return kept;
}
