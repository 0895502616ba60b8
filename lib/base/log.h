/*
 * log: one line an event on standard error, for systemd's journal or a terminal; as text, or as a JSON object:
 *
 *     2026-03-01T12:00:00.123Z mta info queue 7F3A: delivered to=<a@example.org> relay=mx.example.org
 *     {"time":"2026-03-01T12:00:00.123Z","level":"info","program":"mta","subject":"queue","queue_id":"7F3A",
 *      "event":"delivered","to":"a@example.org","relay":"mx.example.org"}
 *
 * Control bytes in values are escaped, so that nobody outside can forge a line. Secrets are never passed here.
 * Levels: debug, info, warn (odd, goes on), error (an act failed), fatal (the process can't go on, exit 1),
 * panic (our own bug, abort).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/str.h"

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

void log_open(const char *program);    /* the program's name in each line; colour when stderr is a terminal */
bool log_set_level(const char *name);  /* "debug" ... "error"; false where the name is none of them */
bool log_set_format(const char *name); /* "text", "json"; false where the name is neither */
bool log_enabled(enum log_level level);

/* What an operator sets while the programs run: "debug", or "info mta=debug" for one of them; "" is what log_set_level
 * had said. False where a word can't be understood; the others count. */
bool log_follow(struct str setting);
/* Debug, and back again: for a signal, where the database can't be asked. Says which it is now. */
void log_toggle_debug(void);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void log_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void log_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define log_debug(...) (log_enabled(LOG_LEVEL_DEBUG) ? log_write(LOG_LEVEL_DEBUG, __VA_ARGS__) : (void)0)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

/* ---- events that programs read, with keys ---- */

/*     log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_ID(x->id_text), LOG_ADDRESS("from", t->sender),
 *               LOG_NUMBER("size", n), LOG_CLIENT(address), LOG_REPLY(line));
 *
 *     smtp 7F3A: refused from=<a@b> size=5 client=[192.0.2.1]: 550 5.7.1 No
 *
 * What is about it all stands before the colon (LOG_ID, LOG_ABOUT), and what was said at the end (LOG_REPLY), whatever
 * their place in the list. event "": text has no word for it, JSON leaves it out. */
enum log_kind {
    LOG_END,
    LOG_KIND_ABOUT,
    LOG_KIND_TEXT,
    LOG_KIND_ADDRESS,
    LOG_KIND_BRACKETS,
    LOG_KIND_NUMBER,
    LOG_KIND_REPLY
};
struct log_field {
    enum log_kind kind;
    const char *key;
    struct str text;
    long long number;
};
#define LOG_ID(c) ((struct log_field){LOG_KIND_ABOUT, "queue_id", str_of(c), 0})
#define LOG_ABOUT(key, c) ((struct log_field){LOG_KIND_ABOUT, key, str_of(c), 0})
#define LOG_ADDRESS(key, s) ((struct log_field){LOG_KIND_ADDRESS, key, s, 0})
#define LOG_CLIENT(c) ((struct log_field){LOG_KIND_BRACKETS, "client", str_of(c), 0})
#define LOG_WORD(key, s) ((struct log_field){LOG_KIND_TEXT, key, s, 0})
#define LOG_NUMBER(key, n) ((struct log_field){LOG_KIND_NUMBER, key, {NULL, 0}, (long long)(n)})
#define LOG_REPLY(s) ((struct log_field){LOG_KIND_REPLY, "reply", s, 0})
#define log_event(level, subject, event, ...)                                                                          \
    log_event_write(level, subject, event, (const struct log_field[]){__VA_ARGS__, {LOG_END, NULL, {NULL, 0}, 0}})
void log_event_write(enum log_level level, const char *subject, const char *event, const struct log_field *field);

#endif
