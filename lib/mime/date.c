/*
 * Dates: RFC 5322 section 3.3, the obsolete forms of section 4.3, and what else is met in mail: no weekday, no zone,
 * ctime's order, ISO 8601.
 */
#include "base/clock.h"
#include "mime/internal.h"

struct date {
    int year, month, day; /* month 1 to 12; 0: not seen; year -1: not seen */
    int hour, minute, second;
    int zone; /* minutes east of UTC */
    bool time_seen, zone_seen;
};

static const struct {
    char name[5];
    int minutes;
} zones[] = {{"ut", 0},     {"utc", 0},    {"gmt", 0},    {"z", 0},      {"est", -300}, {"edt", -240},
             {"cst", -360}, {"cdt", -300}, {"mst", -420}, {"mdt", -360}, {"pst", -480}, {"pdt", -420},
             {"cet", 60},   {"cest", 120}, {"bst", 60},   {"jst", 540}};

static int month_of(struct str word) {
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (word.n < 3)
        return 0;
    for (int m = 0; m < 12; m++)
        if (str_ieq(str_sub(word, 0, 3), str_n(names + 3 * m, 3)))
            return m + 1;
    return 0;
}

/* Up to `max` digits at *at; false where there is none. */
static bool digits(struct str s, size_t *at, size_t max, int *value, size_t *count) {
    size_t start = *at;
    *value = 0;
    while (*at < s.n && *at - start < max && ascii_digit(s.p[*at]))
        *value = *value * 10 + (s.p[(*at)++] - '0');
    *count = *at - start;
    return *count > 0;
}

/* "12:34", "12:34:56", "12.34.56", with a fraction that is dropped. */
static bool read_time(struct str s, size_t *at, int hour, struct date *d) {
    size_t n, i = *at;
    char separator = s.p[i++];
    int minute, second = 0;
    if (!digits(s, &i, 2, &minute, &n))
        return false;
    if (i + 1 < s.n && s.p[i] == separator && ascii_digit(s.p[i + 1])) {
        i++;
        digits(s, &i, 2, &second, &n);
    }
    if (i < s.n && s.p[i] == '.')
        while (++i < s.n && ascii_digit(s.p[i]))
            ;
    if (hour > 24 || minute > 59 || second > 60)
        return false;
    d->hour = hour, d->minute = minute, d->second = second;
    d->time_seen = true;
    *at = i;
    return true;
}

/* "+0200", "-05:30", "+02"; the sign is at *at. One that can't be is taken as UTC. */
static void read_offset(struct str s, size_t *at, struct date *d) {
    int sign = s.p[(*at)++] == '-' ? -1 : 1, value, minutes = 0;
    size_t n;
    if (!digits(s, at, 6, &value, &n))
        return;
    if (n <= 2) {
        size_t i = *at + 1;
        if (*at < s.n && s.p[*at] == ':' && digits(s, &i, 2, &minutes, &n))
            *at = i;
        value = value * 100 + minutes;
    }
    d->zone_seen = true;
    d->zone = value / 100 <= 24 && value % 100 < 60 ? sign * (value / 100 * 60 + value % 100) : 0;
}

/* RFC 5322 section 4.3: two digits are 1950 to 2049, three are from 1900 on. */
static int full_year(int value, size_t digit_count) {
    if (digit_count <= 2)
        return value + (value < 50 ? 2000 : 1900);
    return digit_count == 3 ? value + 1900 : value;
}

/* "2026-03-01" with *at behind the year. */
static bool read_iso(struct str s, size_t *at, int year, struct date *d) {
    size_t i = *at + 1, n;
    int month, day;
    if (!digits(s, &i, 2, &month, &n) || i >= s.n || s.p[i] != '-')
        return false;
    i++;
    if (!digits(s, &i, 2, &day, &n))
        return false;
    d->year = year, d->month = month, d->day = day;
    *at = i;
    return true;
}

static bool read_number(struct str s, size_t *at, struct date *d) {
    int value;
    size_t n;
    digits(s, at, 9, &value, &n);
    char next = *at < s.n ? s.p[*at] : 0, after = *at + 1 < s.n ? s.p[*at + 1] : 0;
    if (!d->time_seen && n <= 2 && (next == ':' || (next == '.' && d->month && d->day)) && ascii_digit(after))
        return read_time(s, at, value, d);
    if (n == 4 && next == '-' && ascii_digit(after) && !d->day)
        return read_iso(s, at, value, d);
    if (!d->day && n <= 2)
        d->day = value;
    else if (d->year < 0 && n <= 4)
        d->year = full_year(value, n);
    return n <= 6;
}

static void read_word(struct str word, struct date *d) {
    int month = d->month ? 0 : month_of(word);
    if (month) {
        d->month = month;
        return;
    }
    for (size_t i = 0; d->time_seen && !d->zone_seen && i < sizeof zones / sizeof *zones; i++) {
        if (str_ieq(word, str_of(zones[i].name))) {
            d->zone = zones[i].minutes;
            d->zone_seen = true;
        }
    }
}

static bool read_date(struct str s, struct date *d) {
    for (size_t at = mime_skip_cfws(s, 0); at < s.n; at = mime_skip_cfws(s, at)) {
        char c = s.p[at];
        if (ascii_digit(c)) {
            if (!read_number(s, &at, d))
                return false;
        } else if ((c == '+' || c == '-') && d->time_seen && !d->zone_seen) {
            read_offset(s, &at, d);
        } else if (ascii_alpha(c)) {
            size_t start = at;
            while (at < s.n && ascii_alpha(s.p[at]))
                at++;
            read_word(str_sub(s, start, at - start), d);
        } else {
            at++;
        }
    }
    return true;
}

/* Days from 1970-01-01 in the Gregorian calendar: years counted from March, so that a leap day is a year's last. */
static int64_t days_of(int year, int month, int day) {
    int64_t y = year - (month <= 2), m = (month + 9) % 12;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

static bool valid_day(int year, int month, int day) {
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month >= 1 && month <= 12 && day >= 1 && day <= length[month - 1] + (month == 2 && leap);
}

int64_t mime_parse_date(struct str body) {
    struct date d = {.year = -1};
    if (!read_date(str_sub(body, 0, 200), &d) || d.year < 1900 || !valid_day(d.year, d.month, d.day))
        return INT64_MIN;
    int64_t seconds = days_of(d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60 + d.second - d.zone * 60;
    return seconds * CLOCK_SECOND;
}
