/* account_access: the verbs of `mansio account` that have verbs of their own: app-password, token, send-as. */
#ifndef CLI_ACCOUNT_ACCESS_H
#define CLI_ACCOUNT_ACCESS_H

#include "cli.h"

/* Each: add|list|remove ADDRESS [NAME] */
enum cli_exit account_app_password(struct cli *cli, const struct cli_args *args);
enum cli_exit account_token(struct cli *cli, const struct cli_args *args);
enum cli_exit account_send_as(struct cli *cli, const struct cli_args *args);
enum cli_exit account_delegate(struct cli *cli, const struct cli_args *args);

#endif
