#include "move/progress.h"

#include "base/clock.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_MS = 200, LINE_MS = 10000, MIN_BAR = 10, MAX_BAR = 30 };

struct progress {
    FILE *to;
    const char *what;
    bool terminal;
    pthread_mutex_t lock;
    int64_t began, shown;
    uint64_t done, expected, bytes, expected_bytes;
};

struct progress *progress_start(FILE *to, const char *what) {
    struct progress *p = mem_zero(sizeof *p);
    p->to = to;
    p->what = what;
    p->terminal = isatty(fileno(to)) == 1;
    p->began = p->shown = clock_monotonic();
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

void progress_bytes(uint64_t bytes, struct buf *out) {
    static const char *const unit[] = {"B", "KB", "MB", "GB", "TB"};
    double v = (double)bytes;
    size_t i = 0;
    for (; v >= 1000 && i + 1 < sizeof unit / sizeof *unit; i++)
        v /= 1000;
    buf_printf(out, i && v < 100 ? "%.1f %s" : "%.0f %s", v, unit[i]);
}

static void add_time(double seconds, struct buf *out) {
    uint64_t s = (uint64_t)(seconds + 0.5);
    if (s >= 3600)
        buf_printf(out, "%llu:%02llu:%02llu", (unsigned long long)s / 3600, (unsigned long long)s / 60 % 60,
                   (unsigned long long)s % 60);
    else
        buf_printf(out, "%llu:%02llu", (unsigned long long)s / 60, (unsigned long long)s % 60);
}

static void add_bar(double part, int columns, struct buf *out) {
    int width = columns - 70;
    width = width > MAX_BAR ? MAX_BAR : width;
    if (width < MIN_BAR)
        return;
    buf_add_c(out, " [");
    for (int i = 0; i < width; i++)
        buf_add_byte(out, i < (int)(part * width) ? '#' : '.');
    buf_add_byte(out, ']');
}

/* What is done is measured by bytes where those are known: messages differ much in size. */
static double part_done(uint64_t done, uint64_t expected, uint64_t bytes, uint64_t expected_bytes) {
    double part = expected_bytes ? (double)bytes / (double)expected_bytes
                  : expected     ? (double)done / (double)expected
                                 : 0;
    return part > 1 || (expected && done >= expected) ? 1 : part;
}

void progress_line(const char *what, uint64_t done, uint64_t expected, uint64_t bytes, uint64_t expected_bytes,
                   double seconds, int columns, struct buf *out) {
    double part = part_done(done, expected, bytes, expected_bytes);
    buf_printf(out, "%s %3d %%", what, (int)(part * 100));
    add_bar(part, columns, out);
    buf_printf(out, " %llu of %llu, ", (unsigned long long)done, (unsigned long long)expected);
    progress_bytes(bytes, out);
    if (seconds < 1)
        return;
    buf_printf(out, ", %.0f/s", (double)done / seconds);
    if (part <= 0 || part >= 1)
        return;
    buf_add_c(out, ", ");
    add_time(seconds * (1 - part) / part, out);
    buf_add_c(out, " left");
}

static int columns_of(FILE *f) {
    struct winsize w;
    return ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

/* With the lock. */
static void show(struct progress *p) {
    int64_t now = clock_monotonic();
    if (now - p->shown < (p->terminal ? BAR_MS : LINE_MS) * INT64_C(1000))
        return;
    p->shown = now;
    struct buf line = BUF_EMPTY;
    int columns = p->terminal ? columns_of(p->to) : 0;
    progress_line(p->what, p->done, p->expected, p->bytes, p->expected_bytes, (double)(now - p->began) / CLOCK_SECOND,
                  columns, &line);
    if (p->terminal)
        fprintf(p->to, "\r%.*s\033[K", line.n < (size_t)columns ? (int)line.n : columns - 1, line.p);
    else
        fprintf(p->to, "%s\n", line.p);
    fflush(p->to);
    buf_free(&line);
}

void progress_expect(struct progress *p, uint64_t messages, uint64_t bytes) {
    pthread_mutex_lock(&p->lock);
    p->expected += messages;
    p->expected_bytes += bytes;
    pthread_mutex_unlock(&p->lock);
}

void progress_add(struct progress *p, uint64_t messages, uint64_t bytes) {
    pthread_mutex_lock(&p->lock);
    p->done += messages;
    p->bytes += bytes;
    show(p);
    pthread_mutex_unlock(&p->lock);
}

double progress_end(struct progress *p) {
    double seconds = (double)(clock_monotonic() - p->began) / CLOCK_SECOND;
    if (p->terminal)
        fputs("\r\033[K", p->to);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return seconds;
}
