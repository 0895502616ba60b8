/*
 * log: one line an event on standard error, for systemd's journal or a terminal:
 *
 *     2026-03-01T12:00:00.123Z mta info queue 7F3A: delivered to=<a@example.org> relay=mx.example.org
 *
 * Control bytes in values are escaped, so that nobody outside can forge a line. Secrets are never passed here.
 * Levels: debug, info, warn (odd, goes on), error (an act failed), fatal (the process can't go on, exit 1),
 * panic (our own bug, abort).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

void log_open(const char *program);   /* the program's name in each line; colour when stderr is a terminal */
bool log_set_level(const char *name); /* "debug" ... "error"; false where the name is none of them */
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void log_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void log_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define log_debug(...) (log_enabled(LOG_LEVEL_DEBUG) ? log_write(LOG_LEVEL_DEBUG, __VA_ARGS__) : (void)0)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
