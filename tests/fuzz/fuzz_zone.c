/* Records of any bytes: what is accepted must stay as it is when read again, and stay on its line of the zone file.
 * Input: the name, the type and the data, each ended by a NUL. */
#include "base/log.h"
#include "zone/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_zone(struct arena *a, struct zone_record *r) {
    struct zone_record records[2] = {{STR("@"), STR("NS"), -1, STR("ns1.example.net.")}, *r};
    struct zone z = {.name = STR("example.org"),
                     .primary_ns = STR("ns1.example.net"),
                     .contact = STR("a@example.net"),
                     .record = records,
                     .count = 2};
    struct buf file = BUF_EMPTY;
    zone_check(a, &z, NULL);
    zone_write(&z, &file);
    size_t lines = 0;
    for (size_t i = 0; i < file.n; i++)
        lines += file.p[i] == '\n';
    if (lines != 5)
        log_panic("%zu lines", lines);
    buf_free(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct str rest = str_n(data, size), name, type, rdata;
    struct zone_record once, twice;
    struct err err;
    if (str_split(&rest, 0, &name) && str_split(&rest, 0, &type) && str_split(&rest, 0, &rdata) &&
        zone_record_check(&a, STR("example.org"), name, type, rdata, &once, &err)) {
        if (!zone_record_check(&a, STR("example.org"), once.name, once.type, once.rdata, &twice, &err))
            log_panic("not read again: %.*s %.*s %.*s: %s", STR_ARG(once.name), STR_ARG(once.type), STR_ARG(once.rdata),
                      err.text);
        if (!str_eq(once.name, twice.name) || !str_eq(once.rdata, twice.rdata))
            log_panic("read differently: %.*s %.*s", STR_ARG(once.name), STR_ARG(once.rdata));
        check_zone(&a, &once);
    }
    arena_free(&a);
    return 0;
}
