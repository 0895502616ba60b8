/*
 * nameserver: what the exporter asks of the server that serves its zone files, as a table of functions, so that another
 * server is another table (and tests have one that only remembers). Calls come from one thread.
 */
#ifndef DNS_NAMESERVER_H
#define DNS_NAMESERVER_H

#include "base/conf.h"
#include "base/err.h"
#include "zone/soa.h"

struct nameserver;

struct nameserver_driver {
    const char *name; /* dns_driver in the configuration */
    struct nameserver *(*open)(const struct conf *conf, struct err *err);
    void (*close)(struct nameserver *n);
    /* Whether the server would take the file. True where it has no means to say. */
    bool (*check)(struct nameserver *n, struct str zone, const char *path, struct err *err);
    /* The zones it is to serve were written to the include file (files.h): new ones start, missing ones stop. */
    bool (*configure)(struct nameserver *n, struct err *err);
    /* The files of these zones, which it serves already, were changed. */
    bool (*reload)(struct nameserver *n, const struct str *zone, size_t count, struct err *err);
    /* What it serves now. */
    enum soa_answer (*serial)(struct nameserver *n, struct str zone, uint32_t *serial, struct err *err);
};

extern const struct nameserver_driver nameserver_bind;

#endif
