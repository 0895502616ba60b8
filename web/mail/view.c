#include "mail/mail.h"

#include "base/clock.h"
#include "http/url.h"

#include <time.h>

struct str mail_folder_path(struct arena *a, struct str mailbox) {
    if (str_ieq(mailbox, STR("INBOX")))
        return STR("/mail/");
    return arena_printf(a, "/mail/folder/%.*s", STR_ARG(url_encoded(a, mailbox)));
}

struct str mail_message_path(struct arena *a, const char *page, struct str mailbox, uint32_t uid) {
    return arena_printf(a, "/mail/%s/%.*s/%u", page, STR_ARG(url_encoded(a, mailbox)), uid);
}

static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static struct tm parts_of(int64_t t) {
    time_t seconds = (time_t)(t / CLOCK_SECOND);
    struct tm tm;
    if (!gmtime_r(&seconds, &tm))
        return (struct tm){.tm_mday = 1, .tm_year = 70};
    return tm;
}

struct str mail_short_date(struct arena *a, int64_t t) {
    struct tm then = parts_of(t), now = parts_of(clock_now());
    if (then.tm_year == now.tm_year && then.tm_yday == now.tm_yday)
        return arena_printf(a, "%02d:%02d", then.tm_hour, then.tm_min);
    if (then.tm_year == now.tm_year)
        return arena_printf(a, "%d %s", then.tm_mday, MONTHS[then.tm_mon]);
    return arena_printf(a, "%d %s %d", then.tm_mday, MONTHS[then.tm_mon], then.tm_year + 1900);
}

struct str mail_long_date(struct arena *a, int64_t t) {
    struct tm tm = parts_of(t);
    return arena_printf(a, "%d %s %d, %02d:%02d UTC", tm.tm_mday, MONTHS[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour,
                        tm.tm_min);
}

struct str mail_machine_date(struct arena *a, int64_t t) {
    static const struct str FORM = {"0000-00-00T00:00:00Z", 20};
    struct tm tm = parts_of(t);
    int values[] = {tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
    static const int LAST_DIGIT[] = {3, 6, 9, 12, 15, 18};
    char *text = arena_c(a, FORM);
    for (int i = 0; i < 6; i++)
        for (int at = LAST_DIGIT[i], v = values[i]; v > 0 && ascii_digit(text[at]); at--, v /= 10)
            text[at] = (char)('0' + v % 10);
    return str_n(text, FORM.n);
}

struct str mail_size(struct arena *a, uint64_t bytes) {
    if (bytes < 1000)
        return arena_printf(a, "%u B", (unsigned)bytes);
    if (bytes < 1000 * 1000)
        return arena_printf(a, "%.0f KB", (double)bytes / 1000);
    return arena_printf(a, "%.1f MB", (double)bytes / 1000 / 1000);
}

static size_t sequence_length(struct str s) {
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return n > s.n ? s.n : n;
}

/* The first letter of a word, in upper case where it is an ASCII one; "" where the word begins with none. */
static struct str initial(struct arena *a, struct str word) {
    if (word.n == 0 || (!ascii_alpha(word.p[0]) && !ascii_digit(word.p[0]) && (unsigned char)word.p[0] < 0x80))
        return STR("");
    struct str letter = arena_str(a, str_sub(word, 0, sequence_length(word)));
    if (letter.n == 1)
        ((char *)(uintptr_t)letter.p)[0] = ascii_upper(letter.p[0]);
    return letter;
}

struct str mail_initials(struct arena *a, struct str name) {
    struct str first = STR(""), last = STR(""), word;
    for (struct str rest = name; str_split(&rest, ' ', &word);) {
        struct str letter = initial(a, word);
        if (letter.n && !first.n)
            first = letter;
        else if (letter.n)
            last = letter;
    }
    if (!first.n)
        return STR("?");
    return arena_printf(a, "%.*s%.*s", STR_ARG(first), STR_ARG(last));
}

int mail_colour(struct str address) {
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < address.n; i++)
        h = (h ^ (unsigned char)ascii_lower(address.p[i])) * 16777619u;
    return (int)(h % 8) + 1;
}

const char *mail_folder_icon(enum folder_use use) {
    static const char *const ICONS[] = {"folder", "inbox", "draft", "sent", "archive", "junk", "trash"};
    return ICONS[use];
}

uint32_t mail_query_number(const struct exchange *x, const char *name, uint32_t max) {
    uint32_t n;
    if (!str_u32(exchange_query(x, name), &n) || n == 0)
        return 0;
    return n > max ? max : n - 1;
}

uint32_t mail_uid(const struct exchange *x) {
    int64_t uid = exchange_id(x, "uid");
    return uid > 0 && uid <= UINT32_MAX ? (uint32_t)uid : 0;
}
