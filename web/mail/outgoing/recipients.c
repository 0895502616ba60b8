#include "mail/outgoing/outgoing.h"

#include "directory/address.h"
#include "mime/mime.h"

/* Group syntax is flattened: only who is in it counts. */
static bool add_one(struct arena *a, const struct mime_address *typed, struct recipients *out, struct err *err) {
    struct str local, domain;
    if (!typed->mailbox.p || !typed->host.p || !typed->mailbox.n || !typed->host.n) {
        bool group = (typed->mailbox.n > 0 && !typed->host.p && !typed->name.p) || !typed->mailbox.p;
        struct str shown = typed->mailbox.n ? typed->mailbox : typed->name.p ? typed->name : STR("");
        return group || err_set(err, "\"%.*s\" is no mail address: it needs an @ and a domain.", STR_ARG(shown));
    }
    struct str text = arena_printf(a, "%.*s@%.*s", STR_ARG(typed->mailbox), STR_ARG(typed->host));
    struct err why;
    if (str_chr(typed->mailbox, '@') >= 0)
        return err_set(err, "%.*s: write a comma between two addresses.", STR_ARG(text));
    if (!address_parse(a, address_format(a, typed->mailbox, typed->host), &local, &domain, &why))
        return err_set(err, "%.*s: %s", STR_ARG(text), why.text);
    if (!str_is_ascii(local))
        return err_set(err, "%.*s: addresses with other letters than a to z before the @ can't be written to yet.",
                       STR_ARG(text));
    if (out->count == OUTGOING_MAX_RECIPIENTS)
        return err_set(err, "One mail can go to %d recipients at the most.", OUTGOING_MAX_RECIPIENTS);
    struct recipient *r = &out->at[out->count++];
    r->name = arena_str(a, typed->name.p ? typed->name : STR(""));
    r->address = address_format(a, local, domain);
    return true;
}

bool recipients_add(struct arena *a, struct str typed, struct recipients *out, struct err *err) {
    struct mime_addresses list = mime_parse_addresses(a, typed);
    for (size_t i = 0; i < list.count; i++)
        if (!add_one(a, &list.at[i], out, err))
            return false;
    if (list.count == 0 && str_trim(typed).n)
        return err_set(err, "\"%.*s\" is no mail address.", STR_ARG(str_trim(typed)));
    return true;
}
