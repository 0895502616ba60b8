/* domain_sender: the verbs of `mansio domain` about who sent it: what follows from the checks of a sender, and the keys
 * that the domain's own mail is signed with. Their rows are in the table of domain.c. */
#ifndef CLI_DOMAIN_SENDER_H
#define CLI_DOMAIN_SENDER_H

#include "cli.h"

enum cli_exit domain_policy(struct cli *cli, const struct cli_args *args);
enum cli_exit domain_dkim_add(struct cli *cli, const struct cli_args *args);
enum cli_exit domain_dkim_list(struct cli *cli, const struct cli_args *args);
enum cli_exit domain_dkim_activate(struct cli *cli, const struct cli_args *args);
enum cli_exit domain_dkim_deactivate(struct cli *cli, const struct cli_args *args);
enum cli_exit domain_dkim_remove(struct cli *cli, const struct cli_args *args);

#endif
