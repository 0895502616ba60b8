#include "base/quantity.h"

#include "base/clock.h"

#define MINUTE (60 * CLOCK_SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* A number and a unit out of `units`; the unit may be missing where unit[0] says so by name 0. */
struct unit {
    char name;
    int64_t factor;
};

static bool parse_with_unit(struct str text, const struct unit *unit, size_t count, uint64_t *out) {
    text = str_trim(text);
    if (text.n == 0)
        return false;
    char last = ascii_lower(text.p[text.n - 1]);
    if (ascii_digit(last))
        last = 0;
    else
        text.n--;
    for (size_t i = 0; i < count; i++)
        if (unit[i].name == last) {
            uint64_t v;
            return str_u64(text, &v) && !__builtin_mul_overflow(v, (uint64_t)unit[i].factor, out) && *out <= INT64_MAX;
        }
    return false;
}

bool quantity_bytes(struct str text, uint64_t *bytes) {
    static const struct unit unit[] = {{0, 1}, {'k', 1 << 10}, {'m', 1 << 20}, {'g', 1 << 30}};
    return parse_with_unit(text, unit, sizeof unit / sizeof *unit, bytes);
}

bool quantity_duration(struct str text, int64_t *microseconds) {
    static const struct unit unit[] = {{'s', CLOCK_SECOND}, {'m', MINUTE}, {'h', HOUR}, {'d', DAY}};
    uint64_t v;
    if (str_eq(str_trim(text), STR("0")))
        v = 0;
    else if (!parse_with_unit(text, unit, sizeof unit / sizeof *unit, &v))
        return false;
    *microseconds = (int64_t)v;
    return true;
}
