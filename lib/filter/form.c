/* What a person types, checked. */
#include "filter/form.h"

#include "filter/rspamd.h"

struct word {
    const char *text;
    unsigned value;
};
static const struct word kinds[] = {{"milter", FILTER_MILTER},
                                    {"policy", FILTER_POLICY},
                                    {"rspamd", FILTER_RSPAMD},
                                    {"clamd", FILTER_CLAMD},
                                    {NULL, 0}};
static const struct word modes[] = {{"off", 0}, {"warn", 1}, {"enforce", 2}, {NULL, 0}};
static const struct word failures[] = {{"tempfail", 0}, {"accept", 1}, {NULL, 0}};
static const struct word founds[] = {{"junk", FILTER_JUNK}, {"reject", FILTER_REJECT}, {"tag", FILTER_TAG}, {NULL, 0}};
static const struct word services[] = {{"relay", FILTER_RELAY},
                                       {"submission", FILTER_SUBMISSION},
                                       {"lmtp", FILTER_LMTP},
                                       {"pickup", FILTER_PICKUP},
                                       {NULL, 0}};
static const struct word stages[] = {
    {"rcpt", FILTER_AT_RCPT}, {"data", FILTER_AT_DATA}, {"message", FILTER_AT_MESSAGE}, {NULL, 0}};

enum { MAX_WORDS = 8, MAX_SECONDS = 3600, MAX_PLACE = 1000 };

struct filter_form filter_defaults(void) {
    return (struct filter_form){.name = STR(""),
                                .kind = STR("milter"),
                                .endpoint = STR(""),
                                .place = STR("10"),
                                .mode = STR("enforce"),
                                .on_failure = STR("tempfail"),
                                .services = STR("relay"),
                                .connect_timeout = STR("10"),
                                .command_timeout = STR("30"),
                                .content_timeout = STR("300"),
                                .max_size = STR(""),
                                .found = STR(""),
                                .stages = STR("rcpt"),
                                .context = STR("")};
}

static const struct word *find(const struct word *list, struct str typed) {
    while (list->text && !str_ieq(str_of(list->text), typed))
        list++;
    return list->text ? list : NULL;
}

static bool take_word(const struct word *list, struct str typed, const char *what, struct str *text, unsigned *value,
                      struct err *err) {
    const struct word *w = find(list, str_trim(typed));
    if (w) {
        *text = str_of(w->text);
        *value = w->value;
        return true;
    }
    struct buf all = BUF_EMPTY;
    for (size_t i = 0; list[i].text; i++)
        buf_printf(&all, "%s%s", i == 0 ? "" : list[i + 1].text ? ", " : " or ", list[i].text);
    err_set(err, "%s is %s", what, all.p);
    buf_free(&all);
    return false;
}

/* Words separated by commas or blanks, each once, at least one. */
static bool take_words(struct arena *a, const struct word *list, struct str typed, const char *what, struct str **out,
                       size_t *count, unsigned *bits, struct err *err) {
    *out = arena_array(a, MAX_WORDS, sizeof **out);
    *count = 0;
    *bits = 0;
    size_t at = 0;
    while (at < typed.n) {
        size_t end = at;
        while (end < typed.n && typed.p[end] != ',' && typed.p[end] != ' ')
            end++;
        struct str piece = str_sub(typed, at, end - at), word;
        unsigned value;
        at = end + 1;
        if (piece.n == 0)
            continue;
        if (!take_word(list, piece, what, &word, &value, err))
            return false;
        if (!(*bits & value))
            (*out)[(*count)++] = word;
        *bits |= value;
    }
    return *count > 0 || take_word(list, STR(""), what, &(struct str){0}, bits, err);
}

static bool take_number(struct str typed, int32_t least, int32_t most, const char *what, int32_t *out,
                        struct err *err) {
    uint32_t v;
    if (!str_u32(str_trim(typed), &v) || v < (uint32_t)least || v > (uint32_t)most)
        return err_set(err, "%s is a number from %d to %d", what, least, most);
    *out = (int32_t)v;
    return true;
}

static bool take_seconds(struct str typed, const char *what, int32_t *out, int *ms, struct err *err) {
    typed = str_trim(typed);
    if (typed.n > 1 && typed.p[typed.n - 1] == 's')
        typed.n--;
    if (!take_number(typed, 1, MAX_SECONDS, what, out, err))
        return false;
    *ms = *out * 1000;
    return true;
}

/* "10M", "500000", "" or "none": no limit. */
static bool take_size(struct str typed, uint64_t *out, struct err *err) {
    typed = str_trim(typed);
    *out = 0;
    if (typed.n == 0 || str_ieq(typed, STR("none")))
        return true;
    uint64_t factor = 1;
    struct str digits = typed;
    if (str_iends(digits, STR("B")))
        digits.n--;
    switch (digits.n ? ascii_lower(digits.p[digits.n - 1]) : 0) {
    case 'k':
        factor = 1 << 10;
        break;
    case 'm':
        factor = 1 << 20;
        break;
    case 'g':
        factor = 1 << 30;
        break;
    }
    digits.n -= factor > 1;
    if (!str_u64(str_trim(digits), out) || *out == 0 || *out > INT64_MAX / factor)
        return err_set(err, "write the largest size like 500K, 10M or 1G, or leave it empty for no limit");
    *out *= factor;
    return true;
}

static bool take_name(struct arena *a, struct str typed, struct str *out, struct err *err) {
    struct str name = arena_lower(a, str_trim(typed));
    bool good = name.n > 0 && name.n <= 40 && (ascii_alpha(name.p[0]) || ascii_digit(name.p[0]));
    for (size_t i = 0; i < name.n; i++)
        good = good && (ascii_alpha(name.p[i]) || ascii_digit(name.p[i]) || strchr("._-", name.p[i]));
    *out = name;
    return good || err_set(err, "the name is a word of letters, digits, dots and dashes, like spam or clamav");
}

static bool take_endpoint(struct arena *a, struct str typed, struct filter *f, struct err *err) {
    f->address = arena_str(a, str_trim(typed));
    return f->kind == FILTER_RSPAMD ? rspamd_check_urls(f->address, err)
                                    : endpoint_parse(f->address, &f->endpoint, err);
}

static bool take_found(struct str typed, struct filter_row *out, struct err *err) {
    unsigned value;
    if (str_trim(typed).n == 0) /* what most want: viruses don't come in, spam goes into Junk */
        typed = out->filter.kind == FILTER_CLAMD ? STR("reject") : STR("junk");
    if (!take_word(founds, typed, "what becomes of what it finds", &out->found, &value, err))
        return false;
    out->filter.found = value;
    return true;
}

static bool take_context(struct arena *a, struct str typed, struct str *out, struct err *err) {
    *out = arena_str(a, str_trim(typed));
    for (size_t i = 0; i < out->n; i++)
        if ((unsigned char)out->p[i] < ' ')
            return err_set(err, "the context is one line");
    return (out->n <= 200 && str_is_utf8(*out)) || err_set(err, "the context has at most 200 characters");
}

static bool take_choices(const struct filter_form *f, struct filter_row *out, struct err *err) {
    unsigned kind, mode, failure;
    if (!take_word(kinds, f->kind, "the kind", &out->kind, &kind, err) ||
        !take_word(modes, f->mode, "the mode", &out->mode, &mode, err) ||
        !take_word(failures, f->on_failure, "what happens on failure", &out->on_failure, &failure, err))
        return false;
    out->filter.kind = kind;
    out->filter.warn_only = mode == 1;
    out->filter.open = failure == 1;
    return true;
}

bool filter_check(struct arena *a, const struct filter_form *f, struct filter_row *out, struct err *err) {
    struct filter *v = &out->filter;
    *out = (struct filter_row){0};
    return take_name(a, f->name, &v->name, err) && take_choices(f, out, err) && take_endpoint(a, f->endpoint, v, err) &&
           take_number(f->place, 0, MAX_PLACE, "the place in the order", &out->place, err) &&
           take_words(a, services, f->services, "each service", &out->service, &out->services, &v->services, err) &&
           take_words(a, stages, f->stages, "each stage", &out->stage, &out->stages, &v->stages, err) &&
           take_seconds(f->connect_timeout, "the time to connect, in seconds,", &out->connect_timeout, &v->connect_ms,
                        err) &&
           take_seconds(f->command_timeout, "the time for an answer, in seconds,", &out->command_timeout,
                        &v->command_ms, err) &&
           take_seconds(f->content_timeout, "the time for the message, in seconds,", &out->content_timeout,
                        &v->content_ms, err) &&
           take_size(f->max_size, &v->max_size, err) && take_found(f->found, out, err) &&
           take_context(a, f->context, &v->context, err);
}

bool filter_of_form(struct arena *a, const struct filter_form *f, struct filter *out, struct err *err) {
    struct filter_row row;
    if (!filter_check(a, f, &row, err))
        return false;
    *out = row.filter;
    return true;
}
