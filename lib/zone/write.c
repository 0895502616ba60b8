/* The zone file, and its serial. */
#include "zone/name.h"
#include "zone/zone.h"

#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

struct line {
    struct str key; /* of the owner */
    const struct zone_record *record;
};

/* The apex's NS records in front, then by owner, type and data. */
static int by_place(const void *a, const void *b) {
    const struct line *x = a, *y = b;
    int order = str_cmp(x->key, y->key);
    if (order)
        return order;
    bool nx = str_eq(x->record->type, STR("NS")), ny = str_eq(y->record->type, STR("NS"));
    if (nx != ny)
        return nx ? -1 : 1;
    order = str_cmp(x->record->type, y->record->type);
    return order ? order : str_cmp(x->record->rdata, y->record->rdata);
}

static struct line *sorted(struct arena *a, const struct zone *z) {
    struct line *line = arena_array(a, z->count + 1, sizeof *line);
    struct zone_name origin, owner;
    if (!zone_name_parse(a, z->name, NULL, &origin, NULL))
        origin = (struct zone_name){.n = 1};
    for (size_t i = 0; i < z->count; i++) {
        line[i].record = z->record + i;
        line[i].key = zone_name_parse(a, z->record[i].name, &origin, &owner, NULL) ? zone_name_key(a, &owner) : STR("");
    }
    qsort(line, z->count, sizeof *line, by_place);
    return line;
}

void zone_write(const struct zone *z, struct buf *out) {
    struct arena a = ARENA_EMPTY;
    struct str contact = STR(".");
    zone_contact_name(&a, z->contact, &contact, NULL);
    buf_printf(out, "$ORIGIN %.*s.\n$TTL %u\n", STR_ARG(z->name), z->ttl);
    buf_printf(out, "@ IN SOA %.*s. %.*s %u %u %u %u %u\n", STR_ARG(z->primary_ns), STR_ARG(contact), z->serial,
               z->refresh, z->retry, z->expire, z->minimum);
    struct line *line = sorted(&a, z);
    for (size_t i = 0; i < z->count; i++) {
        const struct zone_record *r = line[i].record;
        buf_add_str(out, r->name);
        if (r->ttl >= 0)
            buf_printf(out, " %lld", (long long)r->ttl);
        buf_add_c(out, " IN ");
        buf_add_str(out, r->type);
        buf_add_byte(out, ' ');
        buf_add_str(out, r->rdata);
        buf_add_byte(out, '\n');
    }
    arena_free(&a);
}

bool zone_serial_later(uint32_t x, uint32_t y) {
    uint32_t ahead = x - y;
    return ahead != 0 && ahead < UINT32_C(0x80000000);
}

uint32_t zone_next_serial(uint32_t old, int64_t now) {
    time_t seconds = (time_t)(now / CLOCK_SECOND);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    uint32_t dated = (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday) * 100u;
    uint32_t next = zone_serial_later(dated, old) ? dated : old + 1;
    return next ? next : 1; /* some secondaries take 0 for "none yet" */
}
