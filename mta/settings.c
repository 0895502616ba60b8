#include "settings.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/quantity.h"
#include "directory/directory.h"
#include "net/network.h"

#define MINUTE (60 * CLOCK_SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static struct str get(const struct mta *m, struct arena *a, const char *name) {
    struct str value;
    return directory_setting(m->directory, a, str_of(name), &value) == DIRECTORY_OK ? value : STR("");
}

static int64_t duration(const struct mta *m, struct arena *a, const char *name, int64_t otherwise) {
    struct str value = get(m, a, name);
    int64_t v;
    if (value.n && quantity_duration(value, &v))
        return v;
    if (value.n)
        log_warn("the setting %s is \"%.*s\", which is no time like 90s, 5m, 4h or 2d", name, STR_ARG(value));
    return otherwise;
}

uint64_t settings_message_size(const struct mta *m, struct arena *a) {
    struct str value = get(m, a, "mta.message_size");
    uint64_t v;
    if (value.n && quantity_bytes(value, &v) && v >= 1024)
        return v;
    if (value.n)
        log_warn("the setting mta.message_size is \"%.*s\", which is no size like 50M", STR_ARG(value));
    return UINT64_C(50) << 20;
}

static uint32_t number(const struct mta *m, struct arena *a, const char *name, uint32_t least, uint32_t otherwise) {
    struct str value = get(m, a, name);
    uint32_t v;
    if (value.n && str_u32(str_trim(value), &v))
        return v < least ? least : v;
    if (value.n)
        log_warn("the setting %s is \"%.*s\", which is no number", name, STR_ARG(value));
    return otherwise;
}

/* RFC 5321 4.5.3.1.8: at least 100 */
uint32_t settings_recipients(const struct mta *m, struct arena *a) { return number(m, a, "mta.recipients", 100, 1000); }

uint32_t settings_recipients_own(const struct mta *m, struct arena *a) {
    return number(m, a, "mta.recipients_own", 100, 1000);
}

uint32_t settings_soft_errors(const struct mta *m, struct arena *a) { return number(m, a, "mta.soft_errors", 1, 10); }

uint32_t settings_hard_errors(const struct mta *m, struct arena *a) { return number(m, a, "mta.hard_errors", 2, 20); }

enum settings_vrfy settings_vrfy(const struct mta *m, struct arena *a) {
    struct str value = get(m, a, "mta.vrfy");
    return str_eq(value, STR("on")) ? VRFY_ON : str_eq(value, STR("disabled")) ? VRFY_DISABLED : VRFY_OFF;
}

bool settings_hide_client(const struct mta *m, struct arena *a) {
    struct str value = str_trim(get(m, a, "mta.hide_client"));
    if (value.n && !str_ieq(value, STR("yes")) && !str_ieq(value, STR("no")))
        log_warn("the setting mta.hide_client is \"%.*s\", which is neither yes nor no", STR_ARG(value));
    return str_ieq(value, STR("yes"));
}

struct str settings_postmaster(const struct mta *m, struct arena *a) {
    return str_trim(get(m, a, "mta.postmaster"));
}

bool settings_normalises(const struct mta *m, struct arena *a, const struct sockaddr_storage *client) {
    struct str value = get(m, a, "mta.normalise_clients");
    struct networks n;
    struct err err;
    if (value.n == 0)
        return false;
    if (!networks_parse(a, value, &n, &err))
        log_warn("the setting mta.normalise_clients: %s", err.text);
    return networks_find(&n, client) >= 0;
}

bool settings_requires_tls(const struct mta *m, struct arena *a, const char *service) {
    struct str rest = get(m, a, "mta.require_tls"), word;
    while (rest.n && str_split(&rest, ' ', &word))
        if (str_ieq(str_trim(word), str_of(service)))
            return true;
    return false;
}

int64_t settings_future_release(const struct mta *m, struct arena *a) {
    return duration(m, a, "mta.future_release", 30 * DAY);
}

int64_t settings_lifetime(const struct mta *m, struct arena *a) { return duration(m, a, "queue.lifetime", 5 * DAY); }

int64_t settings_delay_warning(const struct mta *m, struct arena *a) {
    return duration(m, a, "queue.delay_warning", 4 * HOUR);
}

bool settings_sender_check(const struct mta *m, struct arena *a) {
    struct str value = str_trim(get(m, a, "sender.check"));
    if (value.n && !str_ieq(value, STR("on")) && !str_ieq(value, STR("off")))
        log_warn("the setting sender.check is \"%.*s\", which is neither on nor off", STR_ARG(value));
    return !str_ieq(value, STR("off"));
}

int64_t settings_sender_timeout(const struct mta *m, struct arena *a) {
    int64_t v = duration(m, a, "sender.timeout", 20 * CLOCK_SECOND);
    return v < CLOCK_SECOND ? CLOCK_SECOND : v > 5 * MINUTE ? 5 * MINUTE : v;
}

int32_t settings_trace_days(const struct mta *m, struct arena *a) {
    struct str value = str_trim(get(m, a, "trace.days"));
    uint32_t v;
    if (value.n && str_u32(value, &v) && v <= 3650)
        return (int32_t)v;
    if (value.n)
        log_warn("the setting trace.days is \"%.*s\", which is no number of days", STR_ARG(value));
    return 30;
}

int64_t settings_retry_pause(const struct mta *m, struct arena *a, int32_t attempts) {
    struct str rest = get(m, a, "queue.retry"), piece;
    int64_t pause = 0, v;
    for (int32_t i = 0; i < attempts && str_split(&rest, ' ', &piece);) {
        if (piece.n == 0)
            continue;
        if (!quantity_duration(piece, &v) || v < CLOCK_SECOND) {
            log_warn("the setting queue.retry holds \"%.*s\", which is no time like 5m or 1h", STR_ARG(piece));
            break;
        }
        pause = v;
        i++;
    }
    return pause ? pause : 5 * MINUTE;
}
