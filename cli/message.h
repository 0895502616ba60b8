/*
 * message: a mail message on standard input, for verbs that look at one.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "cli.h"

struct cli_message {
    struct buf given;    /* as it came */
    struct buf crlf;     /* used where a line ended with LF alone */
    struct str text;     /* with CR LF line ends, whatever it came with */
    const char *newline; /* what its lines ended with */
};

/* Reads all of standard input. False with cli->err set. */
bool cli_message_read(struct cli *cli, struct cli_message *out);
void cli_message_free(struct cli_message *m);
/* Shows header fields (CR LF) with the message's own line ends. */
void cli_message_say_fields(struct cli *cli, const struct cli_message *m, struct str fields);

#endif
