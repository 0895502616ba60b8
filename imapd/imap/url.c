#include "imap/url.h"

#include "imap/parse.h"

/* ---- characters, RFC 5092 section 11 ---- */

/* bchar: what may stand for itself in a mailbox's name or a section; "/" between the levels of a name, too. */
static bool is_bchar(char c) {
    static const char others[] = "-._~!$'()*+,&=:@/";
    return ascii_alpha(c) || ascii_digit(c) || (c && strchr(others, c));
}

/* achar: in a user's name, without ":", "@" and "/". */
static bool is_achar(char c) { return is_bchar(c) && c != ':' && c != '@' && c != '/'; }

static int hex(char c) {
    if (ascii_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes %XX; every other byte has to be one that may stand for itself. */
static bool decode(struct arena *a, struct str s, bool (*may)(char), struct str *out) {
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            if (!may(s.p[i]))
                return false;
            to[n++] = s.p[i];
            continue;
        }
        int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1, low = i + 2 < s.n ? hex(s.p[i + 2]) : -1;
        if (high < 0 || low < 0 || (high | low) == 0)
            return false;
        to[n++] = (char)(high << 4 | low);
        i += 2;
    }
    *out = str_n(to, n);
    return str_is_utf8(*out);
}

/* ---- the server ---- */

static bool take_server(struct arena *a, struct str s, struct imap_url *u) {
    ptrdiff_t at = str_rchr(s, '@');
    if (at >= 0) {
        struct str who = str_sub(s, 0, (size_t)at);
        ptrdiff_t semicolon = str_chr(who, ';');
        if (semicolon >= 0) {
            struct str auth = str_sub(who, (size_t)semicolon, who.n);
            if (!str_istarts(auth, STR(";AUTH=")) || !decode(a, str_sub(auth, 6, auth.n), is_achar, &u->auth))
                return false;
            who = str_sub(who, 0, (size_t)semicolon);
        }
        if (who.n && !decode(a, who, is_achar, &u->user))
            return false;
        if (!who.n && semicolon < 0)
            return false;
        s = str_sub(s, (size_t)at + 1, s.n);
    }
    ptrdiff_t colon = str_rchr(s, ':');
    bool literal = str_starts(s, STR("[")); /* of IPv6 */
    if (colon >= 0 && !(literal && str_ends(s, STR("]")))) {
        if (!str_u32(str_sub(s, (size_t)colon + 1, s.n), &u->port) || u->port == 0 || u->port > 65535)
            return false;
        s = str_sub(s, 0, (size_t)colon);
    }
    u->host = s;
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_alpha(s.p[i]) && !ascii_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' &&
            !(literal && strchr("[]:", s.p[i])))
            return false;
    return s.n > 0;
}

/* ---- what is behind a semicolon ---- */

/* ";NAME=value" at the start of *s up to the next '/', ';', '?' or the end: moves behind it. */
static bool take_parameter(struct str *s, struct str name, struct str *value) {
    if (!str_istarts(*s, name))
        return false;
    struct str rest = str_sub(*s, name.n, s->n);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != ';' && rest.p[n] != '?')
        n++;
    *value = str_sub(rest, 0, n);
    *s = str_sub(rest, n, rest.n);
    return true;
}

static bool take_number(struct str value, uint32_t *n) { return str_u32(value, n) && *n > 0; }

/* "/" before a component, unless it is the first of a relative URL. */
static bool begins(struct str *s, bool first, struct str name) {
    struct str rest = *s;
    if (!first) {
        if (!str_starts(rest, STR("/")))
            return false;
        rest = str_sub(rest, 1, rest.n);
    }
    if (!str_istarts(rest, name))
        return false;
    *s = rest;
    return true;
}

static bool take_partial(struct str value, struct imap_url *u) {
    ptrdiff_t dot = str_chr(value, '.');
    u->partial = true;
    if (dot >= 0 && (!str_u64(str_sub(value, (size_t)dot + 1, value.n), &u->length) || u->length == 0))
        return false;
    return str_u64(dot >= 0 ? str_sub(value, 0, (size_t)dot) : value, &u->offset) && u->offset <= INT64_MAX;
}

/* A section may have slashes in it (names of header fields can't, but who knows): it ends before "/;PARTIAL=", ";" or
 * "?". */
static bool take_section(struct arena *a, struct str *s, struct imap_url *u) {
    struct str rest = str_sub(*s, STR(";SECTION=").n, s->n);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != ';' && rest.p[n] != '?' && !str_starts(str_sub(rest, n, 2), STR("/;")))
        n++;
    *s = str_sub(rest, n, rest.n);
    return n > 0 && decode(a, str_sub(rest, 0, n), is_bchar, &u->section);
}

static bool take_message(struct arena *a, struct str *s, bool first, struct imap_url *u) {
    struct str value;
    if (begins(s, first, STR(";UID="))) {
        if (!take_parameter(s, STR(";UID="), &value) || !take_number(value, &u->uid))
            return false;
        first = false;
    }
    if (begins(s, first, STR(";SECTION="))) {
        if (!take_section(a, s, u))
            return false;
        first = false;
    }
    if (begins(s, first, STR(";PARTIAL=")))
        return take_parameter(s, STR(";PARTIAL="), &value) && take_partial(value, u);
    return true;
}

/* ---- authorization, RFC 4467 section 9 ---- */

/* An ISO 8601 date and time as of RFC 3339, "2026-11-21T12:00:00Z". */
static bool take_expiry(struct arena *a, struct str text, int64_t *out) {
    static const char *const month[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint32_t m;
    if (text.n < 20 || text.p[4] != '-' || text.p[7] != '-' || ascii_lower(text.p[10]) != 't' ||
        !str_u32(str_sub(text, 5, 2), &m) || m < 1 || m > 12)
        return false;
    struct str zone = str_sub(text, 19, text.n);
    if (str_starts(zone, STR("."))) { /* fractions of a second */
        size_t n = 1;
        while (n < zone.n && ascii_digit(zone.p[n]))
            n++;
        zone = str_sub(zone, n, zone.n);
    }
    if (str_ieq(zone, STR("Z")))
        zone = STR("+00:00");
    if (zone.n != 6 || zone.p[3] != ':')
        return false;
    struct parser p = {.arena = a};
    p.in = arena_printf(a, "\"%.*s-%s-%.*s %.*s %.*s%.*s\"", STR_ARG(str_sub(text, 8, 2)), month[m - 1],
                        STR_ARG(str_sub(text, 0, 4)), STR_ARG(str_sub(text, 11, 8)), STR_ARG(str_sub(zone, 0, 3)),
                        STR_ARG(str_sub(zone, 4, 2)));
    return parse_date_time(&p, out) && p.at == p.in.n && *out > 0;
}

static bool take_access(struct str text, struct imap_url *u) {
    static const struct str with_user[] = {{"submit+", 7}, {"user+", 5}};
    for (size_t i = 0; i < sizeof with_user / sizeof *with_user; i++)
        if (str_istarts(text, with_user[i]) && text.n > with_user[i].n) {
            u->access = text;
            return true;
        }
    u->access = text;
    return str_ieq(text, STR("authuser")) || str_ieq(text, STR("anonymous"));
}

static bool take_mechanism(struct str text, struct imap_url *u) {
    ptrdiff_t colon = str_chr(text, ':');
    if (colon <= 0)
        return false;
    u->mechanism = str_sub(text, 0, (size_t)colon);
    u->token = str_sub(text, (size_t)colon + 1, text.n);
    for (size_t i = 0; i < u->token.n; i++)
        if (hex(u->token.p[i]) < 0)
            return false;
    return u->token.n >= 32;
}

/* [";EXPIRE=" date-time] ";URLAUTH=" access [":" mechanism ":" token] */
static bool take_authorization(struct arena *a, struct str text, struct str rest, struct imap_url *u) {
    struct str value;
    if (take_parameter(&rest, STR(";EXPIRE="), &value) && !take_expiry(a, value, &u->expires))
        return false;
    if (!str_istarts(rest, STR(";URLAUTH=")))
        return false;
    rest = str_sub(rest, STR(";URLAUTH=").n, rest.n);
    ptrdiff_t colon = str_chr(rest, ':');
    struct str raw = colon >= 0 ? str_sub(rest, 0, (size_t)colon) : rest;
    u->rump = str_sub(text, 0, (size_t)(raw.p - text.p) + raw.n);
    return decode(a, raw, is_achar, &value) && take_access(value, u) &&
           (colon < 0 || take_mechanism(str_sub(rest, (size_t)colon + 1, rest.n), u));
}

/* ---- the path ---- */

/* The mailbox's name ends before "/;", ";" or "?". */
static bool take_mailbox(struct arena *a, struct str *s, struct imap_url *u) {
    size_t n = 0;
    struct str value;
    while (n < s->n && s->p[n] != ';' && s->p[n] != '?' && !str_starts(str_sub(*s, n, 2), STR("/;")))
        n++;
    if (n == 0)
        return true;
    if (!decode(a, str_sub(*s, 0, n), is_bchar, &u->mailbox) || u->mailbox.n > PARSE_MAX_NAME_BYTES)
        return false;
    *s = str_sub(*s, n, s->n);
    return !str_istarts(*s, STR(";UIDVALIDITY=")) ||
           (take_parameter(s, STR(";UIDVALIDITY="), &value) && take_number(value, &u->uidvalidity));
}

static bool take_path(struct arena *a, struct str text, struct str s, struct imap_url *u) {
    bool rooted = str_starts(s, STR("/"));
    if (rooted)
        s = str_sub(s, 1, s.n);
    if (rooted && s.n == 0) /* the server itself */
        return true;
    if (!take_mailbox(a, &s, u) || (rooted && !u->mailbox.p) || !take_message(a, &s, !u->mailbox.p, u))
        return false;
    if ((u->section.p || u->partial) && u->mailbox.p && !u->uid) /* of which message? */
        return false;
    if (str_starts(s, STR("?")) && !u->uid) {
        u->search = str_sub(s, 1, s.n);
        return u->mailbox.p != NULL;
    }
    return s.n == 0 || (u->absolute && u->uid && take_authorization(a, text, s, u));
}

/* "http:..." is a URL of another kind, not a mailbox (RFC 3986 section 4.2). */
static bool has_scheme(struct str s) {
    size_t n = 0;
    while (n < s.n && s.p[n] != '/' && s.p[n] != ';' && s.p[n] != '?' && s.p[n] != ':')
        n++;
    return n < s.n && s.p[n] == ':';
}

bool imap_url_parse(struct arena *a, struct str text, struct imap_url *u) {
    *u = (struct imap_url){0};
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] >= 0x7f)
            return false;
    struct str rest = text;
    if (str_istarts(rest, STR("imap:")))
        rest = str_sub(rest, 5, rest.n);
    u->absolute = str_starts(rest, STR("//"));
    if (!u->absolute && has_scheme(text))
        return false;
    if (u->absolute) {
        rest = str_sub(rest, 2, rest.n);
        ptrdiff_t slash = str_chr(rest, '/');
        struct str server = slash >= 0 ? str_sub(rest, 0, (size_t)slash) : rest;
        if (!take_server(a, server, u))
            return false;
        rest = str_sub(rest, server.n, rest.n);
        if (rest.n == 0)
            return true;
    }
    return rest.n > 0 && take_path(a, text, rest, u);
}
