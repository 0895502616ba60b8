/* zone: one DNS zone as its pages show it. */
#ifndef ADMIN_ZONE_H
#define ADMIN_ZONE_H

#include "exchange.h"

struct zone_info {
    int64_t id, domain_id; /* domain_id 0: a zone without mail */
    struct str name;
    struct str primary_ns;
    int64_t serial, ttl;
    int64_t exported_at; /* 0: never yet */
    struct str problem;  /* why the last export was refused, or "" */
};

/* Reads the zone that the actor sees by the path's "#zone". False: 404 or an error is in the reply. */
bool zone_info_load(struct exchange *x, struct zone_info *out);

#endif
