#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE_BYTES = 2048,
    VALUE_BYTES = LINE_BYTES, /* of one value */
    JSON_BYTES = 16384,       /* room for many of them, each byte of which may be escaped */
    LEVEL_FATAL = LOG_LEVEL_ERROR + 1,
    LEVEL_PANIC,
    NO_LEVEL = -1,
};

static const char *const level_name[] = {"debug", "info", "warn", "error", "fatal", "panic"};
static const char *const level_colour[] = {"\033[2m", "", "\033[33m", "\033[31m", "\033[1;31m", "\033[1;31m"};
static char program[32] = "mansio";
static bool colour, json;
static atomic_int threshold = LOG_LEVEL_INFO;
/* Of which threshold follows: what the configuration says, what the operator has set since, a signal. */
static atomic_int configured = LOG_LEVEL_INFO, followed = NO_LEVEL;
static atomic_bool debugging;

void log_open(const char *name) {
    snprintf(program, sizeof program, "%s", name);
    colour = isatty(STDERR_FILENO) && !getenv("NO_COLOR");
}

/* ---- levels ---- */

static int level_named(struct str name) {
    for (int i = 0; i <= LOG_LEVEL_ERROR; i++)
        if (str_eq(name, str_of(level_name[i])))
            return i;
    return NO_LEVEL;
}

static void set_threshold(void) {
    int set = atomic_load(&followed);
    if (set == NO_LEVEL)
        set = atomic_load(&configured);
    atomic_store(&threshold, atomic_load(&debugging) ? LOG_LEVEL_DEBUG : set);
}

bool log_set_level(const char *name) {
    int level = level_named(str_of(name));
    if (level == NO_LEVEL)
        return false;
    atomic_store(&configured, level);
    set_threshold();
    return true;
}

bool log_follow(struct str setting) {
    int everybody = NO_LEVEL, own = NO_LEVEL;
    bool good = true;
    struct str word;
    while (str_split(&setting, ' ', &word)) {
        struct str rest = word, who = {NULL, 0};
        if (word.n == 0)
            continue;
        bool named = str_chr(word, '=') >= 0 && str_split(&rest, '=', &who);
        int level = level_named(rest);
        good = good && level != NO_LEVEL;
        if (!named)
            everybody = level != NO_LEVEL ? level : everybody;
        else if (str_eq(who, str_of(program)))
            own = level;
    }
    atomic_store(&followed, own != NO_LEVEL ? own : everybody);
    set_threshold();
    return good;
}

void log_toggle_debug(void) {
    bool on = !atomic_load(&debugging);
    atomic_store(&debugging, on);
    set_threshold();
    log_warn("the log tells %s now", on ? "everything (debug)" : "what the settings say");
}

bool log_enabled(enum log_level level) { return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed); }

/* ---- lines ---- */

bool log_set_format(const char *name) {
    json = strcmp(name, "json") == 0;
    return json || strcmp(name, "text") == 0;
}

/* A line that is being built; what has no room is left out. */
struct line {
    char *p;
    size_t n, cap;
};

static void add(struct line *l, const char *p, size_t n) {
    n = n < l->cap - l->n ? n : l->cap - l->n;
    memcpy(l->p + l->n, p, n);
    l->n += n;
}

static void add_c(struct line *l, const char *c) { add(l, c, strlen(c)); }

/* Replaces control bytes by '?', so that a value from the wire can't start a line of its own. */
static void add_disarmed(struct line *l, struct str s) {
    size_t from = l->n;
    add(l, s.p ? s.p : "", s.n);
    for (; from < l->n; from++)
        if ((unsigned char)l->p[from] < 0x20 || l->p[from] == 0x7f)
            l->p[from] = '?';
}

/* A JSON string; a long one is cut, bytes that are no UTF-8 are replaced. */
static void add_json(struct line *l, struct str s) {
    if (s.n > VALUE_BYTES)
        for (s.n = VALUE_BYTES; s.n > 0 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
            s.n--;
    bool utf8 = str_is_utf8(s);
    add_c(l, "\"");
    for (size_t i = 0; i < s.n && l->cap - l->n > 16; i++) { /* there is always room for its end */
        unsigned char c = (unsigned char)s.p[i];
        char escaped[8];
        if (c == '"' || c == '\\') {
            add(l, (char[]){'\\', s.p[i]}, 2);
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
            add_c(l, escaped);
        } else {
            add(l, c >= 0x80 && !utf8 ? "?" : s.p + i, 1);
        }
    }
    add_c(l, "\"");
}

static bool has_room(const struct line *l) { return l->cap - l->n > 128; }

static void add_pair(struct line *l, const char *key, struct str value) {
    if (!has_room(l))
        return;
    add_c(l, ",\"");
    add_c(l, key);
    add_c(l, "\":");
    add_json(l, value);
}

static void begin(struct line *l, int level) {
    struct timeval now;
    struct tm tm;
    char stamp[32], head[160];
    gettimeofday(&now, NULL);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    int ms = (int)(now.tv_usec / 1000);
    if (json)
        snprintf(head, sizeof head, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"program\":\"%s\"", stamp, ms,
                 level_name[level], program);
    else
        snprintf(head, sizeof head, "%s%s.%03dZ %s %s ", colour ? level_colour[level] : "", stamp, ms, program,
                 level_name[level]);
    add_c(l, head);
}

/* cap has room for this. */
static void end(struct line *l, int level) {
    const char *tail = json ? "}\n" : colour && *level_colour[level] ? "\033[0m\n" : "\n";
    l->cap += 16;
    add_c(l, tail);
    if (write(STDERR_FILENO, l->p, l->n) < 0)
        return; /* nowhere left to complain */
}

static void emit(int level, const char *fmt, va_list ap) {
    char text[LINE_BYTES], room[JSON_BYTES];
    struct line l = {room, 0, sizeof room - 16};
    vsnprintf(text, sizeof text, fmt, ap);
    begin(&l, level);
    if (json)
        add_pair(&l, "message", str_of(text));
    else
        add_disarmed(&l, str_of(text));
    end(&l, level);
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
    emit(LEVEL_FATAL, fmt, ap);
    va_end(ap);
    exit(1);
}

void log_panic(const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    emit(LEVEL_PANIC, fmt, ap);
    va_end(ap);
    abort();
}

/* ---- events ---- */

static void add_field_json(struct line *l, const struct log_field *f) {
    char number[32];
    if (f->kind != LOG_KIND_NUMBER) {
        add_pair(l, f->key, f->text);
        return;
    }
    if (!has_room(l))
        return;
    snprintf(number, sizeof number, "\":%lld", f->number);
    add_c(l, ",\"");
    add_c(l, f->key);
    add_c(l, number);
}

static void event_as_json(struct line *l, const char *subject, const char *event, const struct log_field *field) {
    add_pair(l, "subject", str_of(subject));
    if (*event)
        add_pair(l, "event", str_of(event));
    for (; field->kind != LOG_END; field++)
        if (field->text.n || field->kind == LOG_KIND_NUMBER || field->kind == LOG_KIND_ADDRESS)
            add_field_json(l, field);
}

static void add_field_text(struct line *l, const struct log_field *f) {
    static const char *const open[] = {[LOG_KIND_ADDRESS] = "<", [LOG_KIND_BRACKETS] = "["};
    static const char *const close[] = {[LOG_KIND_ADDRESS] = ">", [LOG_KIND_BRACKETS] = "]"};
    bool enclosed = f->kind == LOG_KIND_ADDRESS || f->kind == LOG_KIND_BRACKETS;
    char number[32];
    add_c(l, " ");
    add_c(l, f->key);
    add_c(l, "=");
    add_c(l, enclosed ? open[f->kind] : "");
    snprintf(number, sizeof number, "%lld", f->number);
    add_disarmed(l, f->kind == LOG_KIND_NUMBER ? str_of(number) : str_sub(f->text, 0, VALUE_BYTES));
    add_c(l, enclosed ? close[f->kind] : "");
}

static void event_as_text(struct line *l, const char *subject, const char *event, const struct log_field *field) {
    add_c(l, subject);
    for (const struct log_field *f = field; f->kind != LOG_END; f++)
        if (f->kind == LOG_KIND_ABOUT) {
            add_c(l, " ");
            add_disarmed(l, f->text);
        }
    add_c(l, *event ? ": " : ":");
    add_c(l, event);
    for (const struct log_field *f = field; f->kind != LOG_END; f++)
        if (f->kind != LOG_KIND_ABOUT && f->kind != LOG_KIND_REPLY &&
            (f->text.n || f->kind == LOG_KIND_NUMBER || f->kind == LOG_KIND_ADDRESS))
            add_field_text(l, f);
    for (const struct log_field *f = field; f->kind != LOG_END; f++)
        if (f->kind == LOG_KIND_REPLY) {
            add_c(l, ": ");
            add_disarmed(l, str_sub(f->text, 0, VALUE_BYTES));
        }
}

void log_event_write(enum log_level level, const char *subject, const char *event, const struct log_field *field) {
    char room[JSON_BYTES];
    struct line l = {room, 0, sizeof room - 16};
    if (!log_enabled(level))
        return;
    begin(&l, (int)level);
    if (json)
        event_as_json(&l, subject, event, field);
    else
        event_as_text(&l, subject, event, field);
    end(&l, (int)level);
}
