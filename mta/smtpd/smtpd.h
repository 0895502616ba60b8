/*
 * smtpd: the SMTP server (RFC 5321): the relay port, submission (RFC 6409), LMTP (RFC 2033), and the pickup socket by
 * which sendmail(1) hands in mail of programs on this machine. Plugs into lib/net/server as a protocol; one session a
 * connection.
 *
 *     session.c   the connection: greeting, lines, pipelining, time-outs, the end
 *     command.c   the table of commands and those that need no file of their own
 *     auth.c      AUTH                     envelope.c  MAIL, RCPT
 *     parse.c     grammar of the commands  data.c      line ends and dots of the data
 *     message.c   where the bytes go       accept.c    the end of data: checks, delivery, reply
 */
#ifndef SMTPD_SMTPD_H
#define SMTPD_SMTPD_H

#include "mta.h"
#include "net/server.h"

enum service_kind {
    SERVICE_RELAY = 1,      /* mail from other servers, for addresses here */
    SERVICE_SUBMISSION = 2, /* mail from our users, for anybody; they log in first */
    SERVICE_LMTP = 4,       /* mail for addresses here, an answer for each recipient */
    SERVICE_PICKUP = 8,     /* mail from programs on this machine, for anybody */
};

/* What a listener offers: the context of its listener_options. Lives as long as the server. */
struct service {
    const struct mta *mta;
    enum service_kind kind;
};

extern const struct protocol smtpd_protocol;

#endif
