#include "metrics/metrics.h"

#include "metrics/process.h"

#include <math.h>
#include <stdio.h>

void metrics_tally(struct metrics_tally *t, struct str value) {
    char key[sizeof t->one[0].value];
    if (!str_to_c(str_sub(value, 0, sizeof key - 1), key, sizeof key))
        return;
    pthread_mutex_lock(&t->lock);
    size_t i = 0;
    while (i < t->values && strcmp(t->one[i].value, key) != 0)
        i++;
    if (i == t->values && i <= METRICS_TALLY) {
        str_to_c(i < METRICS_TALLY ? str_of(key) : STR("other"), t->one[i].value, sizeof t->one[i].value);
        t->values++;
    }
    t->one[i < METRICS_TALLY ? i : METRICS_TALLY].count++;
    pthread_mutex_unlock(&t->lock);
}

void metrics_observe(struct metrics_histogram *h, int64_t microseconds) {
    size_t i = 0;
    uint64_t us = microseconds > 0 ? (uint64_t)microseconds : 0;
    while (i < h->bounds && (double)us > h->bound[i] * 1e6)
        i++;
    atomic_fetch_add_explicit(&h->bucket[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->microseconds, us, memory_order_relaxed);
}

/* ---- the text format ---- */

void metrics_head(struct buf *out, const char *name, const char *type, const char *help) {
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and line feed are escaped, other bytes must be UTF-8. */
static void add_value(struct buf *out, struct str value) {
    bool utf8 = str_is_utf8(value);
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\\' || c == '"')
            buf_add_byte(out, '\\');
        buf_add_byte(out, (unsigned char)c < 0x20 || ((unsigned char)c >= 0x80 && !utf8) ? '?' : c);
    }
}

static void add_number(struct buf *out, double number) {
    if (number == floor(number) && fabs(number) < 1e15)
        buf_printf(out, "%.0f", number);
    else
        buf_printf(out, "%.9g", number);
}

void metrics_sample(struct buf *out, const char *name, const char *label, struct str value, double number) {
    buf_add_c(out, name);
    if (label) {
        buf_printf(out, "{%s=\"", label);
        add_value(out, value);
        buf_add_c(out, "\"}");
    }
    buf_add_byte(out, ' ');
    add_number(out, number);
    buf_add_byte(out, '\n');
}

static uint64_t load(const _Atomic uint64_t *v) { return atomic_load_explicit(v, memory_order_relaxed); }

static void write_counter(const struct metrics_counter *c, struct buf *out) {
    metrics_head(out, c->name, "counter", c->help);
    for (size_t i = 0; i < (c->values ? c->values : 1); i++)
        metrics_sample(out, c->name, c->label, str_of(c->label ? c->value[i] : ""), (double)load(&c->count[i]));
}

static void write_tally(struct metrics_tally *t, struct buf *out) {
    metrics_head(out, t->name, "counter", t->help);
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->values; i++)
        metrics_sample(out, t->name, t->label, str_of(t->one[i].value), (double)t->one[i].count);
    pthread_mutex_unlock(&t->lock);
}

static void write_histogram(const struct metrics_histogram *h, struct buf *out) {
    char name[128], bound[32];
    uint64_t sum = 0;
    metrics_head(out, h->name, "histogram", h->help);
    snprintf(name, sizeof name, "%s_bucket", h->name);
    for (size_t i = 0; i <= h->bounds; i++) {
        sum += load(&h->bucket[i]);
        if (i < h->bounds)
            snprintf(bound, sizeof bound, "%g", h->bound[i]);
        metrics_sample(out, name, "le", i < h->bounds ? str_of(bound) : STR("+Inf"), (double)sum);
    }
    snprintf(name, sizeof name, "%s_sum", h->name);
    metrics_sample(out, name, NULL, STR(""), (double)load(&h->microseconds) / 1e6);
    snprintf(name, sizeof name, "%s_count", h->name);
    metrics_sample(out, name, NULL, STR(""), (double)sum);
}

void metrics_write(const struct metrics_set *set, struct buf *out) {
    for (size_t i = 0; set->counter && set->counter[i]; i++)
        write_counter(set->counter[i], out);
    for (size_t i = 0; set->tally && set->tally[i]; i++)
        write_tally(set->tally[i], out);
    for (size_t i = 0; set->histogram && set->histogram[i]; i++)
        write_histogram(set->histogram[i], out);
    if (set->gauges)
        set->gauges(set->context, out);
    metrics_process(set->program, out);
}
