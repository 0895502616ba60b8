/* process: what Prometheus's clients say of every process, under the names that dashboards know. */
#ifndef METRICS_PROCESS_H
#define METRICS_PROCESS_H

#include "base/str.h"

void metrics_process(const char *program, struct buf *out);

#endif
