#include "mail/mail.h"

#include "base/log.h"
#include "session/session.h"

bool mail_token(struct exchange *x, struct buf *out) {
    struct err err;
    if (!exchange_begin(x))
        return false;
    if (!session_mail_token(x, out, &err)) {
        exchange_database_error(x, &err);
        return false;
    }
    return exchange_commit(x);
}

/* Passwords are kept nowhere: each new connection signs in with a token of its own, good as long as the session. */
static bool connect_anew(struct mail *m) {
    struct exchange *x = m->x;
    struct buf token = BUF_EMPTY;
    enum imap_status status;
    struct err err;
    if (mail_token(x, &token)) {
        m->imap =
            imap_open(x->web->mail->pool, x->actor.session, arena_c(&x->arena, x->actor.login), token.p, &status, &err);
        if (!m->imap) {
            log_error("webmail of %.*s: %s", STR_ARG(x->actor.login), err.text);
            exchange_error(x, 503, "Your mail can't be reached at the moment. Nothing is lost; try again in a minute.");
        }
    }
    if (token.p)
        explicit_bzero(token.p, token.cap);
    buf_free(&token);
    m->fresh = true;
    return m->imap != NULL;
}

/* What no mailbox can be called on the wire: modified UTF-7 is printable ASCII. */
static bool is_mailbox_name(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] < ' ' || name.p[i] > '~')
            return false;
    return name.n > 0 && name.n <= 1000;
}

bool mail_open(struct mail *m, struct exchange *x, struct str mailbox) {
    *m = (struct mail){.x = x};
    if (!is_mailbox_name(mailbox)) {
        exchange_not_found(x);
        return false;
    }
    m->imap = imap_take(x->web->mail->pool, x->actor.session, mailbox);
    return m->imap || connect_anew(m);
}

void mail_close(struct mail *m) {
    imap_give(m->x->web->mail->pool, m->imap);
    m->imap = NULL;
}

bool mail_again(struct mail *m, enum imap_status status) {
    if (status != IMAP_BROKEN || m->fresh)
        return false;
    mail_close(m);
    return connect_anew(m);
}

void mail_failed(struct mail *m, enum imap_status status, bool missing, const struct err *err) {
    if (m->x->failed) /* a reply is there already */
        return;
    if (status == IMAP_NO)
        exchange_error(m->x, missing ? 404 : 422, "%s", err->text);
    else
        exchange_error(m->x, 503, "Your mail can't be reached at the moment. Try again in a minute.");
}

bool mail_folders(struct mail *m, bool fresh) {
    struct err err;
    enum imap_status status;
    do
        status = imap_folders(m->imap, fresh, &m->folders, &err);
    while (mail_again(m, status));
    if (status != IMAP_OK)
        mail_failed(m, status, false, &err);
    return status == IMAP_OK;
}
