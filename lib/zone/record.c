/* One record, checked alone; and the zone's own names. */
#include "zone/rdata.h"
#include "zone/zone.h"

enum { CONTACT_BYTES = 320 };

bool zone_name_check(struct arena *a, struct str typed, struct str *name, struct err *err) {
    struct zone_name wire;
    struct err why;
    typed = str_trim(typed);
    if (typed.n == 0)
        return err_set(err, "the name of the zone is missing");
    if (!zone_name_parse(a, typed, NULL, &wire, &why))
        return err_set(err, "this is not a name for a zone: %s", why.text);
    if (wire.n == 1)
        return err_set(err, "the root zone can't be hosted here");
    struct str text = zone_name_text(a, &wire);
    if (str_chr(text, '*') >= 0 || str_chr(text, '\\') >= 0)
        return err_set(err, "the name of a zone has only letters, digits, hyphens and the like");
    *name = str_sub(text, 0, text.n - 1);
    return true;
}

bool zone_contact_name(struct arena *a, struct str address, struct str *name, struct err *err) {
    ptrdiff_t at = str_rchr(address, '@');
    struct zone_name domain;
    if (at <= 0 || address.n > CONTACT_BYTES || !str_is_ascii(address))
        return err_set(err, "the contact must be a mail address");
    if (at > 63)
        return err_set(err, "the contact's part before the @ is longer than 63 bytes");
    if (!zone_name_parse(a, str_sub(address, (size_t)at + 1, address.n), NULL, &domain, err))
        return false;
    struct buf text = BUF_EMPTY;
    for (ptrdiff_t i = 0; i < at; i++) {
        char c = address.p[i];
        if (ascii_alpha(c) || ascii_digit(c) || c == '-' || c == '_' || c == '+')
            buf_add_byte(&text, c);
        else if (c > 0x20 && c < 0x7f)
            buf_printf(&text, "\\%c", c);
        else
            buf_printf(&text, "\\%03u", (unsigned char)c);
    }
    buf_add_byte(&text, '.');
    buf_add_str(&text, zone_name_text(a, &domain));
    *name = arena_str(a, buf_str(&text));
    buf_free(&text);
    struct zone_name whole;
    return domain.n > 1 ? zone_name_parse(a, *name, NULL, &whole, err)
                        : err_set(err, "the contact must be a mail address");
}

/* A star stands for itself unless it is the whole first label (RFC 4592 section 2.1.1), which nobody means. */
static bool stars_good(const struct zone_name *name) {
    for (size_t i = 0; name->byte[i]; i += name->byte[i] + 1u)
        if (memchr(name->byte + i + 1, '*', name->byte[i]) && (i > 0 || name->byte[i] > 1))
            return false;
    return true;
}

static bool owner_check(struct arena *a, struct str typed, const struct zone_name *origin,
                        const struct rdata_type *type, struct zone_name *out, struct err *err) {
    struct err why;
    typed = str_trim(typed);
    if (!zone_name_parse(a, typed, origin, out, &why))
        return err_set(err, "the record's name: %s", why.text);
    if (!zone_name_within(out, origin))
        return err_set(
            err,
            "the record's name is not within the zone: leave the dot at its end away, or use @ for the zone itself");
    if (!stars_good(out))
        return err_set(err, "a * in a name must stand alone in front, as in *.example.org");
    if ((type->flags & RDATA_OWNER_HOST) && !zone_name_is_host(out, true))
        return err_set(err, "the name of %s %s record has only letters, digits and hyphens between its dots",
                       strchr("AM", type->name[0]) ? "an" : "a", type->name);
    if ((type->flags & RDATA_NOT_AT_APEX) && out->n == origin->n)
        return err_set(err, "%s",
                       type->name[0] == 'D' ? "the DS record of a zone belongs to the zone above it"
                                            : "the zone itself (@) can't have a CNAME record: use A and AAAA records");
    return true;
}

static struct str upper(struct arena *a, struct str s) {
    char *copy = arena_c(a, s);
    for (size_t i = 0; i < s.n; i++)
        copy[i] = ascii_upper(copy[i]);
    return str_n(copy, s.n);
}

bool zone_record_check(struct arena *a, struct str zone, struct str name, struct str type, struct str rdata,
                       struct zone_record *out, struct err *err) {
    struct zone_name origin, owner;
    struct rdata data;
    type = str_trim(type);
    const struct rdata_type *known = rdata_type_named(type, err);
    if (!known || !zone_name_parse(a, zone, NULL, &origin, err) || !owner_check(a, name, &origin, known, &owner, err) ||
        !rdata_parse(a, known, &owner, &origin, str_trim(rdata), &data, err))
        return false;
    out->name = zone_name_relative(a, &owner, &origin);
    out->type = upper(a, type);
    out->rdata = data.text;
    out->ttl = -1;
    return true;
}

bool zone_normalise(struct arena *a, struct zone *z, struct err *err) {
    struct err why;
    for (size_t i = 0; i < z->count; i++) {
        struct zone_record *r = z->record + i, checked;
        if (!zone_record_check(a, z->name, r->name, r->type, r->rdata, &checked, &why))
            return err_set(err, "%.*s %.*s: %s", r->name.n > 80 ? 80 : (int)r->name.n, r->name.p, STR_ARG(r->type),
                           why.text);
        checked.ttl = r->ttl;
        *r = checked;
    }
    return true;
}

bool zone_record_wire(struct arena *a, struct str zone, const struct zone_record *r, int *type, struct str *owner,
                      struct str *rdata) {
    struct zone_name origin, name;
    struct rdata data;
    const struct rdata_type *known = rdata_type_named(r->type, NULL);
    if (!known || !known->number || !zone_name_parse(a, zone, NULL, &origin, NULL) ||
        !zone_name_parse(a, r->name, &origin, &name, NULL) ||
        !rdata_parse(a, known, &name, &origin, r->rdata, &data, NULL) || !data.wire.p)
        return false;
    struct str text = zone_name_text(a, &name);
    *type = known->number;
    *owner = str_sub(text, 0, text.n - 1);
    *rdata = data.wire;
    return true;
}
