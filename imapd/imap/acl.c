#include "imap/acl.h"

#include "directory/directory.h"
#include "imap/access.h"
#include "imap/command.h"

#include <stdlib.h>

static const char ANYONE[] = "anyone";

/* An identifier: the account, or everybody of the owner's domain; behind "-" its rights are taken away. */
static bool take_identifier(struct parser *p, struct str *identifier) {
    return parse_space(p) && parse_astring(p, identifier) && (identifier->n > 0 || parse_fail(p, "Who?")) &&
           (str_is_utf8(*identifier) || parse_fail(p, "The identifier is no UTF-8"));
}

static void write_string(const struct session *s, struct str text, struct buf *out) {
    bool plain = true;
    for (size_t i = 0; i < text.n; i++)
        plain = plain && (s->utf8 || (unsigned char)text.p[i] < 0x80);
    if (!plain) { /* RFC 4314 section 9: UTF-8; quoted it would need UTF8=ACCEPT */
        buf_printf(out, "{%zu}\r\n%.*s", text.n, STR_ARG(text));
        return;
    }
    buf_add_byte(out, '"');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"' || text.p[i] == '\\')
            buf_add_byte(out, '\\');
        buf_add_byte(out, text.p[i]);
    }
    buf_add_byte(out, '"');
}

static void write_rights(unsigned rights, struct buf *out) {
    buf_add_byte(out, '"');
    rights_write(rights, true, out);
    buf_add_byte(out, '"');
}

/* ---- who is meant ---- */

/* Finds the account or the domain. Whoever is not of the owner's reseller does not exist here. */
static bool resolve(struct session *s, const struct access_place *place, struct str identifier,
                    struct store_grant *out) {
    struct directory_account me, who;
    *out = (struct store_grant){.kind = 'a'};
    if (identifier.n > 1 && identifier.p[0] == '-') {
        out->negative = true;
        identifier = str_sub(identifier, 1, identifier.n);
    }
    if (str_ieq(identifier, STR("anyone"))) {
        out->kind = 'd';
        out->id = place->domain;
        return true;
    }
    if (str_chr(identifier, '@') < 0) /* somebody of the owner's domain */
        identifier =
            arena_printf(&s->arena, "%.*s%.*s", STR_ARG(identifier),
                         STR_ARG(str_sub(place->address, (size_t)str_rchr(place->address, '@'), place->address.n)));
    if (directory_account(s->service->directory, &s->arena, str_of(s->login), &me) != DIRECTORY_OK ||
        directory_account(s->service->directory, &s->arena, identifier, &who) != DIRECTORY_OK ||
        who.tenant_id != me.tenant_id || who.shared)
        return false;
    out->id = who.id;
    return true;
}

/* "anyone" is how people know their own domain. */
static struct str shown_name(struct session *s, const struct access_place *place, const struct store_grant *g) {
    struct str name = g->kind == 'd' && g->id == place->domain ? str_of(ANYONE) : g->name;
    return g->negative ? arena_printf(&s->arena, "-%.*s", STR_ARG(name)) : name;
}

/* ---- the commands ---- */

static bool take_mailbox(struct parser *p, struct str *name) { return parse_space(p) && parse_mailbox(p, name); }

static enum outcome change(struct session *s, struct str name, struct str identifier, enum store_change what,
                           unsigned rights) {
    struct access_place place;
    struct store_mailbox m;
    struct store_grant grant;
    struct err err;
    enum store_status status = access_find(s, name, RIGHT_ADMIN, &m, &place, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    if (!resolve(s, &place, identifier, &grant))
        return session_no(s, "[CANNOT] There is no such user");
    if (grant.kind == 'a' && grant.id == place.account)
        return session_no(s, "[CANNOT] The owner has all rights, always");
    grant.rights = rights;
    status = store_acl_change(s->service->store, place.account, m.id, &grant, what, str_of(s->login), &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    return session_ok(s, "Done");
}

/* RFC 4314 section 3.1: "+lr" adds, "-lr" takes away, "lr" sets. */
enum outcome command_setacl(struct session *s, struct parser *p) {
    struct str name, identifier, text;
    enum store_change what = STORE_SET;
    unsigned rights;
    char unknown;
    if (!take_mailbox(p, &name) || !take_identifier(p, &identifier) || !parse_space(p) || !parse_astring(p, &text) ||
        !parse_end(p))
        return session_syntax(s, p);
    if (text.n && (text.p[0] == '+' || text.p[0] == '-')) {
        what = text.p[0] == '+' ? STORE_ADD : STORE_REMOVE;
        text = str_sub(text, 1, text.n);
    }
    if (!rights_parse(text, &rights, &unknown))
        return session_bad(s, "There is no such right");
    return change(s, name, identifier, what, rights);
}

/* By its name in the list: who is not active any more can be taken out, too. */
enum outcome command_deleteacl(struct session *s, struct parser *p) {
    struct str name, identifier;
    struct access_place place;
    struct store_mailbox m;
    struct store_grant *g;
    size_t count;
    struct err err;
    if (!take_mailbox(p, &name) || !take_identifier(p, &identifier) || !parse_end(p))
        return session_syntax(s, p);
    enum store_status status = access_find(s, name, RIGHT_ADMIN, &m, &place, &err);
    if (status == STORE_OK)
        status = store_acl(s->service->store, &s->arena, place.account, m.id, &g, &count, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    for (size_t i = 0; i < count; i++) {
        struct str shown = shown_name(s, &place, &g[i]);
        struct str local = str_sub(shown, 0, str_rchr(shown, '@') < 0 ? shown.n : (size_t)str_rchr(shown, '@'));
        struct store_grant none = {.kind = g[i].kind, .id = g[i].id, .negative = g[i].negative};
        bool same = str_ieq(shown, identifier) ||
                    (str_chr(identifier, '@') < 0 && str_ieq(local, identifier) &&
                     str_ieq(str_sub(shown, local.n, shown.n),
                             str_sub(place.address, (size_t)str_rchr(place.address, '@'), place.address.n)));
        if (!same)
            continue;
        status = store_acl_change(s->service->store, place.account, m.id, &none, STORE_SET, str_of(s->login), &err);
        return status == STORE_OK ? session_ok(s, "Done") : session_refused(s, status, NULL, &err);
    }
    return session_no(s, "[CANNOT] Nothing is in the list under that name");
}

enum outcome command_getacl(struct session *s, struct parser *p) {
    struct str name;
    struct access_place place;
    struct store_mailbox m;
    struct store_grant *g;
    size_t count;
    struct err err;
    if (!take_mailbox(p, &name) || !parse_end(p))
        return session_syntax(s, p);
    enum store_status status = access_find(s, name, RIGHT_ADMIN, &m, &place, &err);
    if (status == STORE_OK)
        status = store_acl(s->service->store, &s->arena, place.account, m.id, &g, &count, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    struct buf *out = session_out(s);
    buf_add_c(out, "* ACL ");
    session_mailbox_name(s, m.name, out);
    if (!place.shared) {
        buf_add_byte(out, ' ');
        write_string(s, place.address, out);
        buf_add_byte(out, ' ');
        write_rights(RIGHTS_ALL, out);
    }
    for (size_t i = 0; i < count; i++) {
        buf_add_byte(out, ' ');
        write_string(s, shown_name(s, &place, &g[i]), out);
        buf_add_byte(out, ' ');
        write_rights(g[i].rights, out);
    }
    buf_add_c(out, "\r\n");
    return session_ok(s, "Done");
}

/* Each right can be given by itself; the owner has all of them in any case (section 3.7). */
enum outcome command_listrights(struct session *s, struct parser *p) {
    struct str name, identifier;
    struct access_place place;
    struct store_mailbox m;
    struct store_grant grant;
    struct err err;
    if (!take_mailbox(p, &name) || !take_identifier(p, &identifier) || !parse_end(p))
        return session_syntax(s, p);
    enum store_status status = access_find(s, name, RIGHT_ADMIN, &m, &place, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    if (!resolve(s, &place, identifier, &grant))
        return session_no(s, "[CANNOT] There is no such user");
    struct buf *out = session_out(s);
    buf_add_c(out, "* LISTRIGHTS ");
    session_mailbox_name(s, m.name, out);
    buf_add_byte(out, ' ');
    write_string(s, identifier, out);
    buf_add_byte(out, ' ');
    if (grant.kind == 'a' && grant.id == place.account)
        write_rights(RIGHTS_ALL, out);
    else
        buf_add_c(out, "\"\" l r s w i p k x t e a c d");
    buf_add_c(out, "\r\n");
    return session_ok(s, "Done");
}

void acl_write_myrights(struct session *s, const struct store_mailbox *m) {
    struct buf *out = session_out(s);
    buf_add_c(out, "* MYRIGHTS ");
    session_mailbox_name(s, m->name, out);
    buf_add_byte(out, ' ');
    rights_write(m->rights, true, out);
    buf_add_c(out, "\r\n");
}

/* Section 4: one of these is enough to ask. */
enum outcome command_myrights(struct session *s, struct parser *p) {
    const unsigned any = RIGHT_LOOKUP | RIGHT_READ | RIGHT_INSERT | RIGHT_CREATE | RIGHT_REMOVE | RIGHT_ADMIN;
    struct str name;
    struct store_mailbox m;
    struct err err;
    if (!take_mailbox(p, &name) || !parse_end(p))
        return session_syntax(s, p);
    enum store_status status = access_find(s, name, 0, &m, NULL, &err);
    if (status == STORE_OK && !(m.rights & any))
        status = STORE_NOT_FOUND;
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    acl_write_myrights(s, &m);
    return session_ok(s, "Done");
}
