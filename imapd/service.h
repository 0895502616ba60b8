/*
 * service: what all connections of the process share. Made by main, read by everybody.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "base/str.h"

struct server;
struct store;
struct directory;
struct auth;
struct views;
struct cards;
struct limits;
struct holds;
struct watches;
struct db;
struct indexer;

struct service {
    struct server *server;
    struct store *store;
    struct directory *directory;
    struct auth *auth;
    struct views *views;
    struct cards *cards;
    struct limits *limits;
    struct holds *holds; /* pop3/hold.h */
    struct watches *watches;
    struct db *db;
    struct indexer *indexer; /* NULL: this process does not keep the search index */
    const char *hostname;
    const char *spool;                  /* folder for messages that are being appended */
    uint64_t append_limit;              /* bytes of a message */
    uint32_t message_limit, save_limit; /* messages of one command (imap/limit.h); 0: any number */
    bool unauthenticate;                /* is offered (RFC 8437) */
    int progress_ms;                    /* between two words on how far a command is (imap/progress.h) */
};

/* A listener's context. */
struct endpoint {
    struct service *service;
    bool trusted; /* the webmail's socket: as good as TLS */
};

enum {
    MAX_INPUT = 80 * 1024,    /* bytes of a connection buffered */
    MAX_LOGIN_FAILURES = 5,   /* in one connection */
    OUTPUT_HIGH = 256 * 1024, /* more than this unsent: wait until it is gone */
};

#endif
