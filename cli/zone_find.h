/* zone_find: the zone that a command names, for the files about zones. */
#ifndef CLI_ZONE_FIND_H
#define CLI_ZONE_FIND_H

#include "cli.h"
#include "zone/zone_db.h"

/* Loads it into the arena. Not CLI_OK: cli->err says why. */
enum cli_exit cli_zone_find(struct cli *cli, struct str typed, struct zone_row *row);

#endif
