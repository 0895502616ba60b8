/*
 * slots: a place for each connection, that outlives it. Whoever holds a slot_id can ask for the connection at any time
 * from any thread; where it is gone, and even where its place has been taken by another, nothing happens.
 *
 * A slot's state is one atomic word: the generation (upper half), and what is due (lower half). A connection is run
 * by whoever sets SLOT_RUNNING, and by nobody else until it is parked; what becomes due in the meantime is left in the
 * word, and parking fails until it has been taken out. So nothing is lost and no lock is held.
 */
#ifndef NET_SLOTS_H
#define NET_SLOTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct conn;

enum {
    SLOT_USED = 1,    /* there is a connection */
    SLOT_RUNNING = 2, /* a worker owns it, or it waits in the ready queue for one */
    SLOT_IO = 4,      /* its descriptor is ready */
    SLOT_WAKE = 8,    /* server_wake() */
    SLOT_TIMER = 16,  /* its deadline may have passed */
    SLOT_STOP = 32,   /* the server is stopping */
    SLOT_KILL = 64,   /* the server can't wait any longer */
    SLOT_EOF = 128,   /* the peer has closed its sending side: reading goes on until that shows */
    SLOT_ERROR = 256, /* the connection is broken, or closed both ways */
};

typedef uint64_t slot_id; /* generation << 32 | index; never 0 */

struct slot {
    _Atomic uint64_t state;
    struct conn *conn;
    _Atomic int64_t deadline; /* when to look at it, monotonic microseconds; INT64_MAX: never */
    _Atomic int64_t queued;   /* when the timers will look; INT64_MAX: not queued (net/timers.h) */
    uint32_t heap_place;      /* of the timers, under their lock */
    uint32_t next;            /* in the free list or the ready queue */
};

struct slots {
    struct slot *slot;
    uint32_t count;           /* places there are */
    _Atomic uint32_t touched; /* places used so far: those behind it were never touched, nor their memory */
    uint32_t free;            /* first free place, or SLOT_NONE */
    pthread_mutex_t lock;
};

#define SLOT_NONE UINT32_MAX

void slots_init(struct slots *s, uint32_t count);
void slots_destroy(struct slots *s);
/* A place for c, owned (SLOT_RUNNING) by the caller. 0 when all are taken. */
slot_id slots_take(struct slots *s, struct conn *c);
/* Gives the place back; the caller owns it, and has taken it out of the timers. */
void slots_give(struct slots *s, uint32_t index);

static inline uint32_t slot_index(slot_id id) { return (uint32_t)id; }
/* Makes `due` known. True when nobody runs the connection: then the caller now owns it and must see to it that it runs.
 */
bool slots_claim(struct slots *s, slot_id id, uint32_t due);
/* The same for whichever connection is in that place now. */
bool slots_claim_index(struct slots *s, uint32_t index, uint32_t due);
/* The owner takes what is due. */
uint32_t slots_due(struct slots *s, uint32_t index);
/* The owner lets go; false (and still the owner) when something has become due. */
bool slots_park(struct slots *s, uint32_t index);

#endif
