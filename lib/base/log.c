#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 2048 };

static const char *const level_name[] = {"debug", "info", "warn", "error", "fatal", "panic"};
static const char *const level_colour[] = {"\033[2m", "", "\033[33m", "\033[31m", "\033[1;31m", "\033[1;31m"};
static char program[32] = "mansio";
static bool colour;
static atomic_int threshold = LOG_LEVEL_INFO;

void log_open(const char *name) {
    snprintf(program, sizeof program, "%s", name);
    colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
}

bool log_set_level(const char *name) {
    for (int i = 0; i <= LOG_LEVEL_ERROR; i++)
        if (strcmp(name, level_name[i]) == 0) {
            atomic_store(&threshold, i);
            return true;
        }
    return false;
}

bool log_enabled(enum log_level level) { return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed); }

/* Replaces control bytes by '?', so that a value from the wire can't start a line of its own. */
static void disarm(char *line) {
    for (; *line; line++)
        if ((unsigned char)*line < 0x20 || *line == 0x7f)
            *line = '?';
}

static void emit(int level, const char *fmt, va_list ap) {
    char text[LINE_BYTES], line[LINE_BYTES + 128];
    vsnprintf(text, sizeof text, fmt, ap);
    disarm(text);
    struct timeval now;
    struct tm tm;
    gettimeofday(&now, NULL);
    gmtime_r(&now.tv_sec, &tm);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    int n = snprintf(line, sizeof line, "%s%s.%03dZ %s %s %s%s\n", colour ? level_colour[level] : "", stamp,
                     (int)(now.tv_usec / 1000), program, level_name[level], text,
                     colour && *level_colour[level] ? "\033[0m" : "");
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        return; /* nowhere left to complain */
}

void log_write(enum log_level level, const char *fmt, ...) {
    if (!log_enabled(level))
        return;
    va_list ap;
    va_start(ap, fmt);
    emit((int)level, fmt, ap);
    va_end(ap);
}

void log_fatal(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    emit(4, fmt, ap);
    va_end(ap);
    exit(1);
}

void log_panic(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    emit(5, fmt, ap);
    va_end(ap);
    abort();
}
