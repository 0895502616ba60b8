/*
 * exporter: brings what the nameserver serves to what the database says. A look finds the zones that changed, checks
 * them, writes their files, has the nameserver load them, asks it what it serves now, and notes the outcome in the
 * zone's row:
 *
 *   - a zone that is wrong in itself keeps its old version with the nameserver, and the reason stands in zone.problem
 * until the zone is changed;
 *   - where the nameserver or the disk fails, the zone stays to be done and is tried again;
 *   - the serial is raised only where the content changed, and before a file with it can be seen, so that no serial
 * ever stands for two contents;
 *   - zones that are gone leave the nameserver, but not more than half of all at once: that looks like an accident.
 *
 * Any number of exporters may run; one works at a time.
 */
#ifndef DNS_EXPORTER_H
#define DNS_EXPORTER_H

#include "base/conf.h"
#include "db/db.h"
#include "nameserver.h"

struct exporter;

/* force: remove any number of zones. The folder of zone files and the include file are in the configuration (dns_zones,
 * dns_conf). */
struct exporter *exporter_open(const struct conf *conf, struct db *db, const struct nameserver_driver *driver,
                               bool force, struct err *err);
void exporter_close(struct exporter *e);

enum exporter_state {
    EXPORTER_DONE,
    EXPORTER_FAILED, /* something is to be tried again */
    EXPORTER_BUSY,   /* another exporter is at work */
    EXPORTER_AWAY,   /* PostgreSQL is away */
};

struct exporter_result {
    size_t exported, refused, failed, removed;
    bool removal_refused;
};

/* full: compares all zones with the nameserver's, not only those marked as changed. */
enum exporter_state exporter_look(struct exporter *e, bool full, struct exporter_result *result, struct err *err);

#endif
