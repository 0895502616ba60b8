/* zone_check: `mansio zone check`. */
#ifndef CLI_ZONE_CHECK_H
#define CLI_ZONE_CHECK_H

#include "cli.h"
#include "zone/zone_db.h"

enum cli_exit zone_check_all(struct cli *cli, struct zone_row *row);

#endif
