/* admin: the administration's subjects, one file each; each gives its routes. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include "exchange.h"

extern const struct route overview_routes[];
extern const struct route domains_routes[];
extern const struct route domain_routes[];
extern const struct route senders_routes[];
extern const struct route mailboxes_routes[];
extern const struct route mailbox_routes[];
extern const struct route alias_routes[];
extern const struct route zone_routes[];
extern const struct route record_routes[];
extern const struct route reseller_routes[];
extern const struct route operator_routes[];
extern const struct route queue_routes[];
extern const struct route trace_routes[];
extern const struct route audit_routes[];
extern const struct route settings_routes[];
extern const struct route rules_routes[];
extern const struct route access_routes[];
extern const struct route filter_routes[];
extern const struct route profile_routes[];
extern const struct route apps_routes[];
extern const struct route logins_routes[];
extern const struct route sharing_routes[];
extern const struct route bans_routes[];
extern const struct route alarms_routes[];
extern const struct route limits_routes[];
extern const struct route removed_routes[];
extern const struct route retention_routes[];

#endif
