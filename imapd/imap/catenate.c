#include "imap/catenate.h"

#include "base/log.h"
#include "imap/url_data.h"
#include "imap/urlauth.h"

enum {
    PIECE = 128 * 1024,
    MAX_SHOWN = 200, /* bytes of a URL in a response */
};

/* The URL goes back to the client as text (RFC 4469 section 5, url-resp-text): without what would end the response
 * code. */
static struct str bad_url(struct session *s, struct str url) {
    struct buf shown = BUF_EMPTY;
    for (size_t i = 0; i < url.n && i < MAX_SHOWN; i++) {
        unsigned char c = (unsigned char)url.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == ']')
            buf_printf(&shown, "%%%02X", c);
        else
            buf_add_byte(&shown, (char)c);
    }
    struct str text =
        arena_printf(&s->arena, "[BADURL \"%.*s\"] There is nothing at this URL", STR_ARG(buf_str(&shown)));
    buf_free(&shown);
    return text;
}

static enum store_status copy(struct session *s, const struct url_data *d, struct spool *spool, bool *nul,
                              struct err *err) {
    struct buf piece = BUF_EMPTY;
    enum store_status status = STORE_OK;
    for (uint64_t at = 0; status == STORE_OK && at < d->span.n; at += PIECE) {
        buf_reset(&piece);
        status = url_data_read(s, d, at, d->span.n - at < PIECE ? d->span.n - at : PIECE, &piece, err);
        *nul = *nul || (piece.n && memchr(piece.p, 0, piece.n));
        if (status == STORE_OK && !spool_add(spool, buf_str(&piece), err)) {
            log_error("imap: %s", err->text);
            status = STORE_TEMPORARY;
        }
    }
    buf_free(&piece);
    return status;
}

/* In whose account the URL is: of this user on this server, or with a token that gives him the right (RFC 4467). */
static enum store_status find_account(struct session *s, const struct imap_url *u, struct url_data *d, int64_t *account,
                                      struct err *err) {
    *account = s->account;
    if (u->mechanism.p)
        return urlauth_check(s, &d->arena, u, account, err);
    bool own = !u->absolute || (urlauth_is_here(s, u) && (!u->user.p || str_ieq(u->user, str_of(s->login))));
    return own && !u->access.p ? STORE_OK : STORE_NOT_FOUND;
}

bool catenate_add(struct session *s, struct str url, uint64_t room, struct spool *spool, bool *nul, struct str *why) {
    struct imap_url u;
    struct url_data d = {0};
    struct err err;
    int64_t account;
    enum store_status status = STORE_NOT_FOUND;
    *why = STR("");
    if (imap_url_parse(&d.arena, url, &u))
        status = find_account(s, &u, &d, &account, &err);
    if (status == STORE_OK)
        status = url_data_open(s, account, &u, &d, &err);
    if (status == STORE_NOT_FOUND)
        *why = bad_url(s, url);
    else if (status == STORE_OK && d.span.n > room)
        *why = STR("[TOOBIG] The message is larger than this server takes");
    else if (status != STORE_OK || copy(s, &d, spool, nul, &err) != STORE_OK)
        *why = STR("[UNAVAILABLE] The mail store can't be reached at the moment, try again later");
    url_data_close(&d);
    return why->n == 0;
}
