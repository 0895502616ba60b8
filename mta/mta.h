/*
 * mta: what all parts of the daemon share. main makes it before the first connection; afterwards only the pointed-to
 * modules change, and they are safe for all threads.
 */
#ifndef MTA_H
#define MTA_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct auth;
struct book;
struct db;
struct directory;
struct dns;
struct policy;
struct filter_table;
struct runner;
struct server;
struct store;
struct tls_context;
struct trace;

struct mta {
    const char *hostname; /* in greetings, Received and EHLO */
    const char *spool;    /* folder for messages too big for memory */
    const char *db_conninfo;
    uint16_t remote_port; /* to deliver to at other hosts: 25, but in tests */
    struct db *db;
    struct store *store;
    struct directory *directory;
    struct auth *auth;
    struct dns *dns;
    struct book *book;            /* sender/book.h */
    struct filter_table *filters; /* filtering/table.h */
    struct tls_context *tls_client;
    struct policy *policy;
    struct runner *runner;
    struct trace *trace;
};

#endif
