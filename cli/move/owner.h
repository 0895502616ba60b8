/*
 * owner: what a command of root's writes into the store has to belong to the user whom the daemons run as.
 */
#ifndef MOVE_OWNER_H
#define MOVE_OWNER_H

#include "base/err.h"

/* As root, becomes the owner of the folder for good, and keeps of root's rights the one to read every file. Else
 * nothing. Before the first thread. */
bool owner_become(const char *folder, struct err *err);

#endif
