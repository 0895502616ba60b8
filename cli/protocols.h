/* protocols: the options that switch ways to log in off and on, for domains and mailboxes. */
#ifndef CLI_PROTOCOLS_H
#define CLI_PROTOCOLS_H

#include "cli.h"

#define CLI_PROTOCOLS_OFF                                                                                              \
    { "protocols-off", "LIST", "ways to log in that may not be used: imap, pop3, smtp, web" }
#define CLI_PROTOCOLS_ON                                                                                               \
    { "protocols-on", "LIST", "those that may be used again" }

/* Whether one of the options is given. */
bool cli_protocols_given(const struct cli_args *args);
/* What is off after them. now: the names that are off, separated by blanks. False with cli->err set. */
bool cli_protocols(struct cli *cli, const struct cli_args *args, struct str now, unsigned *off);

#endif
