/*
 * accounts: what import and export share: the account behind an address, one run at a time for each, and the store.
 */
#ifndef MOVE_ACCOUNTS_H
#define MOVE_ACCOUNTS_H

#include "cli.h"
#include "move/import.h"

struct store;

/* Opens the store as the command's own process, with room for so many threads. write: for an import; see
 * move/owner.h. */
struct move_store {
    struct db *db;
    struct store *store;
};
bool accounts_open_store(struct cli *cli, int threads, bool write, struct move_store *out);
void accounts_close_store(struct move_store *s);

/* The account; CLI_REFUSED with cli->err where there is none. */
enum cli_exit accounts_find(struct cli *cli, struct str address, struct import_target *out);
/* Holds the account for this process until it ends: another import into it is refused. */
enum cli_exit accounts_hold(struct cli *cli, const struct import_target *target);

#endif
