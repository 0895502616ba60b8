/* doctor: looks at an installation from outside. Each function adds findings about one subject (findings.h). */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli.h"

struct doctor_listener {
    const char *setting; /* name in mansio.conf whose value are addresses */
    const char *program;
    const char *greeting; /* what the server says first; NULL: nothing */
    bool implicit_tls;
};
extern const struct doctor_listener doctor_listeners[]; /* ends with setting NULL */

void doctor_configuration(struct cli *cli); /* names, permissions */
void doctor_places(struct cli *cli);        /* directories, disk space */
void doctor_certificate(struct cli *cli);
void doctor_database(struct cli *cli); /* roles, schema, settings, queue */
void doctor_resolver(struct cli *cli);
void doctor_services(struct cli *cli); /* what listens */
void doctor_zones(struct cli *cli);    /* what the nameserver serves */
void doctor_filters(struct cli *cli);  /* whether they answer */

#endif
