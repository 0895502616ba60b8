/* zone_db: zones out of the database (tables zone and record). */
#ifndef ZONE_ZONE_DB_H
#define ZONE_ZONE_DB_H

#include "db/db.h"
#include "zone/zone.h"

struct zone_row {
    int64_t id, tenant_id;
    int64_t domain_id;       /* 0: a zone without mail */
    struct zone zone;        /* records as they are in the database, by id */
    int64_t *record_id;      /* one for each of zone.record */
    struct str content_hash; /* of what the nameserver has; empty: nothing yet */
    struct str problem;      /* why the last export was refused; empty: it was not */
};

/* Loads one zone by name or, where name.p is NULL, by id. lock: nobody else changes it before this transaction ends. In
 * the arena. 1; 0 where there is none (err is not touched); -1 with err set. */
int zone_load(struct db_conn *c, struct arena *a, struct str name, int64_t id, bool lock, struct zone_row *out,
              struct err *err);
/* Loads many by id, in the order of their ids; those that are gone are left out. */
bool zone_load_set(struct db_conn *c, struct arena *a, const int64_t *id, size_t n, struct zone_row **out,
                   size_t *count, struct err *err);

#endif
