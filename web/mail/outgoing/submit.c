#include "mail/outgoing/outgoing.h"

#include "base/log.h"
#include "mail/imap/connection.h"

enum { TIMEOUT_SECONDS = 60 };

static enum submit_status why(mailsmtp *session, const char *what, struct err *err) {
    const char *text = session->response ? session->response : "";
    struct str words = str_trim(str_of(text));
    if (session->response_code >= 500 && session->response_code < 600) {
        err_set(err, "%s: %.*s", what, STR_ARG(words));
        return SUBMIT_REFUSED;
    }
    if (session->response_code >= 400)
        err_set(err, "%s for now: %.*s", what, STR_ARG(words));
    else
        err_set(err, "The mail server did not answer. Nothing was sent.");
    return SUBMIT_TEMPORARY;
}

static enum submit_status add_recipients(mailsmtp *session, const struct recipients *list, struct err *err) {
    for (size_t i = 0; i < list->count; i++) {
        char address[400], what[500];
        if (!str_to_c(list->at[i].address, address, sizeof address)) {
            err_set(err, "The address %.*s is too long.", STR_ARG(list->at[i].address));
            return SUBMIT_REFUSED;
        }
        snprintf(what, sizeof what, "Nothing was sent. The mail server does not take mail to %s", address);
        if (mailsmtp_rcpt(session, address) != MAILSMTP_NO_ERROR)
            return why(session, what, err);
    }
    return SUBMIT_OK;
}

static enum submit_status transact(mailsmtp *session, const char *login, const char *password, const struct outgoing *o,
                                   struct str message, struct err *err) {
    char from[400];
    if (mailesmtp_ehlo(session) != MAILSMTP_NO_ERROR)
        return why(session, "The mail server does not talk to us", err);
    int code = mailsmtp_auth_type(session, login, password, MAILSMTP_AUTH_PLAIN);
    if (code != MAILSMTP_NO_ERROR && session->response_code < 400) /* it was not even asked */
        log_error("libetpan can't do AUTH PLAIN (%d); is the package libsasl2-modules installed?", code);
    if (code != MAILSMTP_NO_ERROR)
        return why(session, "The mail server did not accept the login", err);
    if (!str_to_c(o->from.address, from, sizeof from) || mailsmtp_mail(session, from) != MAILSMTP_NO_ERROR)
        return why(session, "The mail server does not take mail from this address", err);
    enum submit_status status = add_recipients(session, &o->to, err);
    if (status == SUBMIT_OK)
        status = add_recipients(session, &o->cc, err);
    if (status == SUBMIT_OK)
        status = add_recipients(session, &o->bcc, err);
    if (status != SUBMIT_OK)
        return status;
    if (mailsmtp_data(session) != MAILSMTP_NO_ERROR ||
        mailsmtp_data_message(session, message.p, message.n) != MAILSMTP_NO_ERROR)
        return why(session, "The mail server did not take the mail", err);
    return SUBMIT_OK;
}

enum submit_status submit(const char *address, const char *login, const char *password, const struct outgoing *o,
                          struct str message, struct err *err) {
    int fd;
    struct err connect_err;
    mailstream *stream = connect_stream(address, TIMEOUT_SECONDS, &fd, &connect_err);
    if (!stream) {
        err_set(err, "Mail can't be sent at the moment: %s. Nothing was sent; try again in a minute.",
                connect_err.text);
        return SUBMIT_TEMPORARY;
    }
    mailsmtp *session = mailsmtp_new(0, NULL);
    if (!session)
        mem_panic();
    mailsmtp_set_timeout(session, TIMEOUT_SECONDS);
    enum submit_status status = mailsmtp_connect(session, stream) == MAILSMTP_NO_ERROR
                                    ? transact(session, login, password, o, message, err)
                                    : why(session, "The mail server does not talk to us", err);
    if (session->stream)
        mailsmtp_quit(session);
    mailsmtp_free(session);
    return status;
}
