#include "sendmail/compose.h"

#include "directory/address.h"
#include "mime/mime.h"

struct composing {
    struct compose *c;
    struct arena *a;
    struct buf out;
    size_t cap;
    bool resent, from;
};

static bool one_of(struct str name, const char *const *names) {
    for (; *names; names++)
        if (str_ieq(name, str_of(*names)))
            return true;
    return false;
}

bool compose_is_header_line(struct str line, bool first) {
    if (line.n == 0)
        return false;
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return !first;
    ptrdiff_t colon = str_chr(line, ':');
    for (ptrdiff_t i = 0; i < colon; i++)
        if ((unsigned char)line.p[i] <= ' ' || (unsigned char)line.p[i] > '~')
            return str_trim(str_sub(line, 0, (size_t)colon)).n ==
                   (size_t)i; /* blanks before the colon are known to occur */
    return colon > 0;
}

/* local@domain as it goes over the wire; the server's name where there is none. */
static struct str wire_address(struct composing *x, const struct mime_address *at) {
    struct str domain = at->host.p && at->host.n ? at->host : x->c->hostname, ascii;
    if (!str_is_ascii(domain) && domain_to_ascii(x->a, domain, &ascii, NULL))
        domain = ascii;
    return address_format(x->a, at->mailbox, domain);
}

static void add_recipient(struct composing *x, const struct mime_address *at) {
    struct compose *c = x->c;
    if (!at->mailbox.p || c->count == COMPOSE_MAX_RECIPIENTS || (!at->host.p && at->mailbox.n == 0))
        return;
    if (c->count == x->cap) {
        x->cap = x->cap ? x->cap * 2 : 16;
        struct str *grown = arena_array(x->a, x->cap, sizeof *grown);
        if (c->count)
            memcpy(grown, c->recipient, c->count * sizeof *grown);
        c->recipient = grown;
    }
    c->recipient[c->count++] = wire_address(x, at);
}

/* The bounds of a group: {name, no host} and {no name}. A lone mailbox without a host has an empty one. */
static bool is_group_bound(const struct mime_address *at) { return !at->mailbox.p || !at->host.p; }

static void take_recipients(struct composing *x, struct str body) {
    struct mime_addresses list = mime_parse_addresses(x->a, body);
    for (size_t i = 0; i < list.count; i++)
        if (!is_group_bound(&list.at[i]))
            add_recipient(x, &list.at[i]);
}

static void add_name(struct composing *x, struct str name) {
    buf_add_byte(&x->out, '"');
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '"' || name.p[i] == '\\')
            buf_add_byte(&x->out, '\\');
        if ((unsigned char)name.p[i] >= ' ')
            buf_add_byte(&x->out, name.p[i]);
    }
    buf_add_byte(&x->out, '"');
}

static void add_address(struct composing *x, const struct mime_address *at) {
    if (at->name.n) {
        add_name(x, at->name);
        buf_add_byte(&x->out, ' ');
    }
    buf_add_byte(&x->out, '<');
    buf_add_str(&x->out, address_format(x->a, at->mailbox, at->host.n ? at->host : x->c->hostname));
    buf_add_byte(&x->out, '>');
}

/* Writes the field anew where one of its addresses has no host ("To: root"). False: it can stay as it is. */
static bool complete_addresses(struct composing *x, const struct mime_field *f) {
    struct mime_addresses list = mime_parse_addresses(x->a, f->body);
    bool missing = false;
    for (size_t i = 0; i < list.count; i++) {
        if (is_group_bound(&list.at[i]))
            return false;
        missing = missing || list.at[i].host.n == 0;
    }
    if (!missing)
        return false;
    buf_add_str(&x->out, f->name);
    buf_add_c(&x->out, ": ");
    for (size_t i = 0; i < list.count; i++) {
        if (i)
            buf_add_c(&x->out, ",\n\t");
        add_address(x, &list.at[i]);
    }
    buf_add_byte(&x->out, '\n');
    return true;
}

static void take_field(struct composing *x, const struct mime_field *f) {
    static const char *const to[] = {"To", "Cc", "Bcc", NULL}, *const resent_to[] = {"Resent-To", "Resent-Cc",
                                                                                     "Resent-Bcc", NULL};
    static const char *const blind[] = {"Bcc", "Resent-Bcc", NULL};
    static const char *const addresses[] = {"From",        "To",        "Cc",        "Sender",        "Reply-To",
                                            "Resent-From", "Resent-To", "Resent-Cc", "Resent-Sender", NULL};
    if (x->c->want_recipients && one_of(f->name, x->resent ? resent_to : to))
        take_recipients(x, f->body);
    if (one_of(f->name, blind))
        return;
    x->from = x->from || str_ieq(f->name, STR("From"));
    if (!one_of(f->name, addresses) || !complete_addresses(x, f))
        buf_add_str(&x->out, f->raw);
}

static bool is_resent(struct str header) {
    struct mime_field f;
    while (mime_next_field(&header, &f))
        if (str_istarts(f.name, STR("Resent-")))
            return true;
    return false;
}

void compose(struct compose *c, struct arena *a, struct str header) {
    struct composing x = {.c = c, .a = a, .resent = is_resent(header)};
    struct mime_field f;
    c->recipient = NULL;
    c->count = 0;
    while (mime_next_field(&header, &f))
        take_field(&x, &f);
    if (!x.from && c->sender.n) {
        buf_add_c(&x.out, "From: ");
        if (c->full_name.n) {
            struct buf name = BUF_EMPTY;
            if (str_is_ascii(c->full_name))
                add_name(&x, c->full_name);
            else
                mime_encode_words(c->full_name, &name);
            buf_add_str(&x.out, buf_str(&name));
            buf_free(&name);
            buf_add_byte(&x.out, ' ');
        }
        buf_printf(&x.out, "<%.*s>\n", STR_ARG(c->sender));
    }
    c->header = arena_str(a, buf_str(&x.out));
    buf_free(&x.out);
}
