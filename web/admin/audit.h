/* audit: one entry of the audit log, for the log itself and the overview. */
#ifndef ADMIN_AUDIT_H
#define ADMIN_AUDIT_H

#include "exchange.h"

/* An ENTRY of admin/audit_entries.tpl. The row's columns: id, at, actor, address, action, object_kind, object_id,
 * object_name, detail as text. */
void audit_show(struct exchange *x, struct dict *list, const PGresult *r, int row);

#endif
