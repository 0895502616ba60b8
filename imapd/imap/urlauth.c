/* GENURLAUTH, RESETKEY, and what a URL's authorization is worth. */
#include "imap/urlauth.h"

#include "base/clock.h"
#include "base/codec.h"
#include "directory/directory.h"
#include "imap/command.h"
#include "mime/mime.h"

#include <openssl/hmac.h>

static enum store_status refused(struct err *err) {
    err_set(err, "the URL gives no right to what it names");
    return STORE_NOT_FOUND;
}

/* The token, in hexadecimal. */
static void sign(const struct store_url_key *key, struct str rump, struct buf *out) {
    unsigned char mac[32];
    HMAC(EVP_sha256(), key->bytes, sizeof key->bytes, (const unsigned char *)rump.p, rump.n, mac, NULL);
    hex_encode(str_n(mac, sizeof mac), out);
}

static enum store_status find_key(struct session *s, struct arena *a, int64_t account, const struct imap_url *u,
                                  bool made, struct store_url_key *key, struct err *err) {
    struct store_mailbox m;
    struct store *store = s->service->store;
    enum store_status status = store_mailbox_find(store, a, account, u->mailbox, &m, err);
    return status == STORE_OK ? store_url_key(store, account, m.id, made, key, err) : status;
}

bool urlauth_is_here(const struct session *s, const struct imap_url *u) {
    return u->absolute && str_ieq(u->host, str_of(s->service->hostname));
}

/* ---- checking ---- */

/* Whether this session belongs to a server that submits messages for this user: the platform's own, which come by the
 * trusted socket as that user, or the one that the administrator names. */
static bool submits_for(struct session *s, struct arena *a, struct str user) {
    struct str login = str_of(s->login), submission;
    if (s->trusted && str_ieq(user, login))
        return true;
    return directory_setting(s->service->directory, a, STR("imap.submission_user"), &submission) == DIRECTORY_OK &&
           submission.n && str_ieq(submission, login);
}

/* RFC 4467 section 3: the access identifier. */
static bool may_use(struct session *s, struct arena *a, struct str access) {
    if (str_ieq(access, STR("anonymous")) || str_ieq(access, STR("authuser")))
        return true;
    if (str_istarts(access, STR("user+")))
        return str_ieq(str_sub(access, 5, access.n), str_of(s->login));
    return str_istarts(access, STR("submit+")) && submits_for(s, a, str_sub(access, 7, access.n));
}

static bool token_is_right(const struct store_url_key *key, const struct imap_url *u) {
    struct buf right = BUF_EMPTY, given = BUF_EMPTY;
    sign(key, u->rump, &right);
    for (size_t i = 0; i < u->token.n; i++)
        buf_add_byte(&given, ascii_lower(u->token.p[i]));
    bool same = bytes_equal(buf_str(&right), buf_str(&given));
    buf_free(&right);
    buf_free(&given);
    return same;
}

enum store_status urlauth_check(struct session *s, struct arena *a, const struct imap_url *u, int64_t *account,
                                struct err *err) {
    struct directory_account owner;
    struct store_url_key key;
    if (!urlauth_is_here(s, u) || !u->user.p || !u->mailbox.p || !str_ieq(u->mechanism, STR("INTERNAL")) ||
        (u->expires && u->expires <= clock_now()) || !may_use(s, a, u->access))
        return refused(err);
    enum directory_status known = directory_account(s->service->directory, a, u->user, &owner);
    if (known != DIRECTORY_OK) {
        refused(err);
        return known == DIRECTORY_TEMPORARY ? STORE_TEMPORARY : STORE_NOT_FOUND;
    }
    enum store_status status = find_key(s, a, owner.id, u, false, &key, err);
    if (status != STORE_OK)
        return status;
    *account = owner.id;
    return token_is_right(&key, u) ? STORE_OK : refused(err);
}

/* ---- GENURLAUTH ---- */

/* RFC 4467 section 7: on this server, of this user, complete but for the token. */
static const char *why_not(struct session *s, struct str text, struct str mechanism, struct imap_url *u) {
    if (!str_ieq(mechanism, STR("INTERNAL")))
        return "The only mechanism is INTERNAL";
    if (!imap_url_parse(&s->arena, text, u))
        return "This is no IMAP URL";
    if (!u->access.p || u->mechanism.p)
        return "The URL has to end with ;URLAUTH= and to whom it gives access";
    if (!urlauth_is_here(s, u) || !u->user.p || !str_ieq(u->user, str_of(s->login)))
        return "The URL has to name this server and your own address";
    return u->expires && u->expires <= clock_now() ? "The URL's time is over" : NULL;
}

static enum store_status generate(struct session *s, const struct imap_url *u, struct buf *out, struct err *err) {
    struct store_url_key key;
    enum store_status status = find_key(s, &s->arena, s->account, u, true, &key, err);
    if (status != STORE_OK)
        return status;
    struct buf url = BUF_EMPTY;
    buf_add_str(&url, u->rump);
    buf_add_c(&url, ":INTERNAL:");
    sign(&key, u->rump, &url);
    buf_add_byte(out, ' ');
    mime_render_nstring(buf_str(&url), out);
    buf_free(&url);
    return STORE_OK;
}

static bool take_pair(struct parser *p, struct str *url, struct str *mechanism) {
    return parse_space(p) && parse_astring(p, url) && parse_space(p) && parse_atom(p, mechanism);
}

enum outcome command_genurlauth(struct session *s, struct parser *p) {
    struct buf urls = BUF_EMPTY;
    struct str text, mechanism;
    struct err err;
    enum store_status status = STORE_OK;
    const char *why = NULL;
    do {
        struct imap_url u;
        if (!take_pair(p, &text, &mechanism))
            break;
        why = why_not(s, text, mechanism, &u);
        if (!why)
            status = generate(s, &u, &urls, &err);
    } while (!why && status == STORE_OK && parse_peek(p) == ' ');
    enum outcome o;
    if (why)
        o = session_bad(s, "%s", why);
    else if (status != STORE_OK)
        o = session_refused(s, status, NULL, &err);
    else if (p->error || !parse_end(p))
        o = session_syntax(s, p);
    else {
        struct buf *out = session_out(s);
        buf_add_c(out, "* GENURLAUTH");
        buf_add_str(out, buf_str(&urls));
        buf_add_c(out, "\r\n");
        o = session_ok(s, "Done");
    }
    buf_free(&urls);
    return o;
}

/* ---- RESETKEY ---- */

enum outcome command_resetkey(struct session *s, struct parser *p) {
    struct store_mailbox m = {.id = 0};
    struct str name = {NULL, 0}, mechanism;
    struct err err;
    enum store_status status = STORE_OK;
    bool known = true;
    if (parse_peek(p) == ' ') {
        if (!parse_space(p) || !parse_mailbox(p, &name))
            return session_syntax(s, p);
        while (parse_peek(p) == ' ') {
            if (!parse_space(p) || !parse_atom(p, &mechanism))
                return session_syntax(s, p);
            known = known && str_ieq(mechanism, STR("INTERNAL"));
        }
    }
    if (!parse_end(p))
        return session_syntax(s, p);
    if (!known)
        return session_no(s, "[CANNOT] The only mechanism is INTERNAL");
    if (name.p)
        status = store_mailbox_find(s->service->store, &s->arena, s->account, name, &m, &err);
    if (status == STORE_OK)
        status = store_url_keys_drop(s->service->store, s->account, m.id, &err);
    if (status != STORE_OK)
        return session_refused(s, status, NULL, &err);
    return session_ok(s, "%sURLs that were given out are worthless now", name.p ? "[URLMECH INTERNAL] " : "");
}
