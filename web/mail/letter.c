#include "mail/letter.h"

#include "http/url.h"
#include "page.h"

bool reference_parse(struct arena *a, struct str text, struct reference *out) {
    struct str mailbox, uid;
    *out = (struct reference){0};
    if (!text.n || !str_split(&text, '/', &mailbox) || !str_split(&text, '/', &uid) || !str_u32(uid, &out->uid) ||
        !out->uid)
        return false;
    mailbox = url_decode(a, mailbox, false);
    if (!mailbox.n || !str_is_utf8(mailbox) || str_chr(mailbox, '\0') >= 0)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_digit(text.p[i]) && text.p[i] != '.')
            return false;
    out->mailbox = mailbox;
    out->section = text;
    return true;
}

struct str reference_text(struct arena *a, const struct reference *r) {
    if (!r->mailbox.n)
        return STR("");
    struct str box = url_encoded(a, r->mailbox);
    return r->section.n ? arena_printf(a, "%.*s/%u/%.*s", STR_ARG(box), r->uid, STR_ARG(r->section))
                        : arena_printf(a, "%.*s/%u", STR_ARG(box), r->uid);
}

struct str reference_in_query(struct arena *a, const struct reference *r) {
    struct reference encoded = *r;
    encoded.mailbox = url_encoded(a, r->mailbox);
    return reference_text(a, &encoded);
}

bool letter_from_form(struct mail *m, struct letter *l) {
    struct exchange *x = m->x;
    struct arena *a = &x->arena;
    *l = (struct letter){.to = exchange_form(x, "to"), .cc = exchange_form(x, "cc"), .bcc = exchange_form(x, "bcc")};
    l->from = exchange_form(x, "from");
    l->subject = exchange_form(x, "subject");
    l->text = params_get(&x->request.form, STR("text"));
    l->in_reply_to = exchange_form(x, "in_reply_to");
    l->references = exchange_form(x, "references");
    l->forwards = str_eq(exchange_form(x, "forwards"), STR("1"));
    reference_parse(a, exchange_form(x, "origin"), &l->origin);
    reference_parse(a, exchange_form(x, "draft"), &l->draft);
    for (size_t i = 0; i < x->request.form.count && l->taken_count < LETTER_MAX_TAKEN; i++) {
        struct taken *t = &l->taken[l->taken_count];
        if (!str_eq(x->request.form.at[i].name, STR("taken")) ||
            !reference_parse(a, x->request.form.at[i].value, &t->from))
            continue;
        if (!letter_read_taken(m, t)) {
            if (!x->failed)
                exchange_error(x, 409, "An attachment's mail is not there any more. Nothing was sent.");
            return false;
        }
        l->taken_count++;
    }
    return true;
}

static void show_taken(struct dict *d, struct arena *a, const struct letter *l) {
    struct dict *list = l->taken_count ? dict_section(d, "TAKEN") : NULL;
    for (size_t i = 0; i < l->taken_count; i++) {
        struct dict *one = dict_section(list, "PART");
        dict_set(one, "REFERENCE", reference_text(a, &l->taken[i].from));
        dict_set(one, "NAME", l->taken[i].name);
        dict_set(one, "SIZE", mail_size(a, l->taken[i].size));
    }
}

/* A chooser where there is a choice; where each address of a domain will do, one that can be written into. */
static void show_senders(struct exchange *x, struct dict *d, const struct letter *l, const struct senders *s) {
    const struct sender *chosen = senders_find(s, l->from);
    bool one = s->count < 2 && !s->domains;
    struct dict *list = dict_section(d, one ? "FROM_ONE" : s->domains ? "FROM_ANY" : "FROM_LIST");
    dict_set(list, "ADDRESS", l->from.n ? l->from : x->actor.login);
    for (size_t i = 0; i < s->count; i++) {
        const struct sender *f = &s->at[i];
        struct dict *option = dict_section(list, "SENDER");
        dict_set(option, "ADDRESS", f->address);
        dict_set(option, "NAME",
                 f->name.n ? arena_printf(&x->arena, "%.*s <%.*s>", STR_ARG(f->name), STR_ARG(f->address))
                           : f->address);
        dict_show_if(option, "CHOSEN", chosen ? f == chosen : i == 0);
    }
}

void letter_show(struct mail *m, const struct letter *l, const char *problem) {
    struct exchange *x = m->x;
    struct arena *a = &x->arena;
    const struct senders *senders = l->senders ? l->senders : senders_load(m, &l->from, 1);
    if (!senders || !mail_folders(m, false))
        return;
    struct dict *d = mail_page(m, "mail/write.tpl", l->subject.n ? l->subject : STR("New mail"), STR(""), STR(""));
    const struct folder *drafts = folder_used(m->folders, USE_DRAFTS);
    dict_set(d, "TO", l->to);
    dict_set(d, "CC", l->cc);
    dict_set(d, "BCC", l->bcc);
    dict_set(d, "SUBJECT", l->subject);
    dict_set(d, "TEXT", l->text);
    dict_set(d, "IN_REPLY_TO", l->in_reply_to);
    dict_set(d, "REFERENCES", l->references);
    dict_set(d, "ORIGIN", reference_text(a, &l->origin));
    dict_set(d, "DRAFT", reference_text(a, &l->draft));
    dict_set_c(d, "FORWARDS", l->forwards ? "1" : "");
    show_senders(x, d, l, senders);
    dict_set(d, "BACK", l->draft.mailbox.n && drafts ? mail_folder_path(a, drafts->name) : STR("/mail/"));
    dict_show_if(d, "IS_ANSWER", l->origin.mailbox.n && !l->forwards);
    dict_show_if(d, "IS_NEW", !l->origin.mailbox.n || l->forwards);
    dict_show_if(d, "COPIES", l->cc.n || l->bcc.n);
    if (l->draft.mailbox.n)
        dict_show(d, "HAS_DRAFT");
    if (problem)
        dict_set_c(dict_section(d, "PROBLEM"), "TEXT", problem);
    show_taken(d, a, l);
    page_send(x);
}
