#include "metrics/process.h"

#include "base/clock.h"
#include "metrics/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

/* Pages in memory; 0 where /proc is not there. */
static double resident_bytes(void) {
    unsigned long long all = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%llu %llu", &all, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void) {
    double n = 0;
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n > 0 ? n - 1 : 0; /* without that of the folder itself */
}

static double started_at;
__attribute__((constructor)) static void note_start(void) { started_at = (double)clock_now() / 1e6; }

void metrics_process(const char *program, struct buf *out) {
    struct rusage use;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &use) == 0) {
        metrics_head(out, "process_cpu_seconds_total", "counter", "Processor time used, in seconds.");
        metrics_sample(out, "process_cpu_seconds_total", NULL, STR(""), seconds(use.ru_utime) + seconds(use.ru_stime));
    }
    metrics_head(out, "process_resident_memory_bytes", "gauge", "Memory in use, in bytes.");
    metrics_sample(out, "process_resident_memory_bytes", NULL, STR(""), resident_bytes());
    metrics_head(out, "process_open_fds", "gauge", "Open file descriptors.");
    metrics_sample(out, "process_open_fds", NULL, STR(""), open_descriptors());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        metrics_head(out, "process_max_fds", "gauge", "File descriptors that may be open.");
        metrics_sample(out, "process_max_fds", NULL, STR(""), (double)limit.rlim_cur);
    }
    metrics_head(out, "process_start_time_seconds", "gauge", "When the process was started, in seconds since 1970.");
    metrics_sample(out, "process_start_time_seconds", NULL, STR(""), started_at);
    metrics_head(out, "mansio_build_info", "gauge", "Always 1; what runs here.");
    buf_printf(out, "mansio_build_info{program=\"%s\",version=\"%s\"} 1\n", program, MANSIO_VERSION);
}
