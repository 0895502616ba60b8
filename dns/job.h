/* job: one zone on its way to the nameserver. */
#ifndef DNS_JOB_H
#define DNS_JOB_H

#include "nameserver.h"
#include "zone/zone_db.h"

enum job_state {
    JOB_UNCHANGED, /* the nameserver has it */
    JOB_WRITE,     /* the file is to be written */
    JOB_LOAD,      /* the file is in its place, the nameserver is to load it */
    JOB_SERVED,
    JOB_REFUSED, /* wrong in itself: nothing to be done until it is changed */
    JOB_FAILED,  /* to be tried again */
};

struct job {
    enum job_state state;
    struct zone_row *row;
    int64_t revision;
    uint32_t serial; /* that the file has */
    bool raised;     /* the serial is a new one */
    struct buf path, file, temporary;
    unsigned char hash[32]; /* of the content, apart from the serial */
    struct err problem;
};

struct job_context {
    struct arena *a;
    struct str folder;
    const struct nameserver_driver *driver;
    struct nameserver *server;
    bool always; /* load it even where nothing changed */
    bool silent; /* the nameserver did not answer: it is not asked again while jobs are prepared */
};

/* Checks the zone and decides whether its file is to be written, and with which serial. */
void job_prepare(struct job *j, struct job_context *x, struct zone_row *row, int64_t revision);
/* Writes the file, has it checked, puts it in its place. */
void job_write(struct job *j, const struct job_context *x);
/* Asks the nameserver once; true: it serves the zone as it should. */
bool job_is_served(struct job *j, const struct job_context *x);
void job_free(struct job *j);

#endif
