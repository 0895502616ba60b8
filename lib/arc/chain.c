#include "arc/chain.h"

#include "dkim/tags.h"

bool arc_status_parse(struct str text, enum arc_status *out) {
    for (enum arc_status s = ARC_NONE; s <= ARC_FAIL; s++)
        if (str_ieq(text, str_of(arc_status_name(s)))) {
            *out = s;
            return true;
        }
    return false;
}

/* position = 1*2DIGIT ; 1 - 50 */
static bool parse_instance(struct str text, unsigned *out) {
    uint32_t n;
    if (text.n == 0 || text.n > 2 || !str_u32(text, &n) || n == 0 || n > ARC_MAX_SETS)
        return false;
    *out = n;
    return true;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* CFWS (RFC 5322 section 3.2.2): white space and comments, which may lie within each other. */
struct str arc_skip_cfws(struct str s) {
    size_t i = 0;
    unsigned depth = 0;
    for (; i < s.n; i++) {
        if (s.p[i] == '(')
            depth++;
        else if (s.p[i] == ')' && depth)
            depth--;
        else if (s.p[i] == '\\' && depth && i + 1 < s.n)
            i++;
        else if (!depth && !is_space(s.p[i]))
            break;
    }
    return str_sub(s, i, s.n);
}

static bool take(struct str *s, char c) {
    *s = arc_skip_cfws(*s);
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

struct str arc_results_payload(struct str body, unsigned *instance) {
    static const struct str none = {NULL, 0};
    size_t digits = 0;
    if (!take(&body, 'i') || !take(&body, '='))
        return none;
    body = arc_skip_cfws(body);
    while (digits < body.n && ascii_digit(body.p[digits]))
        digits++;
    struct str number = str_sub(body, 0, digits);
    body = str_sub(body, digits, body.n);
    return take(&body, ';') && parse_instance(number, instance) ? str_trim(body) : none;
}

static bool instance_of(struct arena *a, const struct dkim_field *f, bool results, unsigned *instance,
                        struct dkim_tags *tags) {
    const char *problem;
    *tags = (struct dkim_tags){0};
    if (results)
        return arc_results_payload(f->body, instance).p != NULL;
    return dkim_tags_parse(a, f->body, tags, &problem) && parse_instance(dkim_tag_value(tags, "i"), instance);
}

static const struct dkim_field **place_for(struct arc_fields *set, const struct dkim_field *f) {
    if (str_ieq(f->name, STR("ARC-Seal")))
        return &set->seal;
    if (str_ieq(f->name, STR("ARC-Message-Signature")))
        return &set->message;
    return str_ieq(f->name, STR("ARC-Authentication-Results")) ? &set->results : NULL;
}

/* A broken one does not end the search: what the newest set says is still of interest to who seals. */
static void add(struct arena *a, struct arc_structure *out, const struct dkim_field *f) {
    unsigned instance = 0;
    struct dkim_tags tags;
    enum arc_status cv;
    const struct dkim_field **place = place_for(&out->set[0], f);
    if (!place)
        return;
    out->any = true;
    if (!instance_of(a, f, place == &out->set[0].results, &instance, &tags)) {
        out->broken = "a field of ARC has no valid instance (i=)";
        return;
    }
    if (instance > out->highest) {
        out->highest = instance;
        out->closed = false;
    }
    place = place_for(&out->set[instance], f);
    if (*place)
        out->broken = "a set has a field twice";
    *place = f;
    if (instance == out->highest && f == out->set[instance].seal &&
        arc_status_parse(dkim_tag_value(&tags, "cv"), &cv) && cv == ARC_FAIL)
        out->closed = true;
}

enum { MAX_FIELDS = 3 * ARC_MAX_SETS };

void arc_structure_read(struct arena *a, const struct dkim_message *m, struct arc_structure *out) {
    size_t seen = 0;
    *out = (struct arc_structure){0};
    for (size_t i = 0; i < m->count; i++) {
        if (m->field[i].name.n < 8 || !str_istarts(m->field[i].name, STR("ARC-")))
            continue;
        if (++seen > MAX_FIELDS) {
            out->broken = "there are more than 50 sets";
            return;
        }
        add(a, out, &m->field[i]);
    }
    for (unsigned i = 1; i <= out->highest && !out->broken; i++)
        if (!out->set[i].results || !out->set[i].message || !out->set[i].seal)
            out->broken = "a set lacks one of its three fields";
}
