/* static_version: a short text that changes when any file of static/ does, so that browsers may keep them for long. */
#ifndef STATIC_VERSION_H
#define STATIC_VERSION_H

/* Reads the folder (not below it). Lives as long as the process. */
const char *static_version(const char *folder);

#endif
