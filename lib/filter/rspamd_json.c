/* What rspamd answers. */
#include "filter/rspamd.h"

#include <jansson.h>

enum { MAX_LIST = 1000, MAX_TEXT = 64 << 10 };

static const struct {
    const char *name;
    enum rspamd_action action;
} actions[] = {
    {"no action", RSPAMD_NO_ACTION},     {"greylist", RSPAMD_GREYLIST},
    {"add header", RSPAMD_ADD_HEADER},   {"rewrite subject", RSPAMD_REWRITE_SUBJECT},
    {"soft reject", RSPAMD_SOFT_REJECT}, {"reject", RSPAMD_REJECT},
    {"quarantine", RSPAMD_QUARANTINE},   {"discard", RSPAMD_DISCARD},
};

static struct str text_of(struct arena *a, const json_t *v) {
    if (!json_is_string(v) || json_string_length(v) > MAX_TEXT)
        return STR("");
    return arena_str(a, str_n(json_string_value(v), json_string_length(v)));
}

static struct str member(struct arena *a, const json_t *object, const char *name) {
    return text_of(a, json_object_get(object, name));
}

static bool read_action(struct rspamd_answer *out, struct err *err) {
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (str_eq(out->action_name, str_of(actions[i].name))) {
            out->action = actions[i].action;
            return true;
        }
    return err_set(err, "rspamd answers with the action \"%.*s\", which is not known here",
                   (int)(out->action_name.n > 80 ? 80 : out->action_name.n), out->action_name.p);
}

static void read_symbols(struct arena *a, json_t *object, struct rspamd_answer *out) {
    const char *name;
    json_t *one;
    size_t n = json_object_size(object);
    out->symbol = arena_array(a, n > MAX_LIST ? MAX_LIST : n, sizeof *out->symbol);
    json_object_foreach(object, name, one) {
        if (out->symbols < MAX_LIST)
            out->symbol[out->symbols++] =
                (struct rspamd_symbol){arena_str(a, str_of(name)), json_number_value(json_object_get(one, "score"))};
    }
}

/* "value", {"value": "...", "order": 1} */
static void read_field(struct arena *a, const char *name, const json_t *v, struct rspamd_answer *out) {
    struct rspamd_field f = {.name = arena_str(a, str_of(name)), .place = -1};
    const json_t *order = json_object_get(v, "order");
    f.value = json_is_object(v) ? member(a, v, "value") : text_of(a, v);
    if (json_is_integer(order) && json_integer_value(order) >= 0)
        f.place = json_integer_value(order);
    if (out->adds < MAX_LIST && f.name.n)
        out->add[out->adds++] = f;
}

static void read_added(struct arena *a, json_t *object, struct rspamd_answer *out) {
    const char *name;
    json_t *one, *each;
    size_t i;
    out->add = arena_array(a, MAX_LIST, sizeof *out->add);
    json_object_foreach(object, name, one) {
        if (json_is_array(one)) {
            json_array_foreach(one, i, each) read_field(a, name, each, out);
        } else {
            read_field(a, name, one, out);
        }
    }
}

static void read_removed(struct arena *a, json_t *object, struct rspamd_answer *out) {
    const char *name;
    json_t *one, *each;
    size_t i;
    out->remove = arena_array(a, MAX_LIST, sizeof *out->remove);
    json_object_foreach(object, name, one) {
        if (json_is_integer(one) && out->removals < MAX_LIST)
            out->remove[out->removals++] = (struct rspamd_removal){arena_str(a, str_of(name)), json_integer_value(one)};
        json_array_foreach(one, i, each) {
            if (json_is_integer(each) && out->removals < MAX_LIST)
                out->remove[out->removals++] =
                    (struct rspamd_removal){arena_str(a, str_of(name)), json_integer_value(each)};
        }
    }
}

static void read_signatures(struct arena *a, const json_t *v, struct rspamd_answer *out) {
    size_t n = json_is_array(v) ? json_array_size(v) : json_is_string(v);
    n = n > 20 ? 20 : n;
    out->signature = arena_array(a, n, sizeof *out->signature);
    for (size_t i = 0; i < n; i++) {
        struct str one = text_of(a, json_is_array(v) ? json_array_get(v, i) : v);
        if (one.n)
            out->signature[out->signatures++] = one;
    }
}

/* {"smtp_message": "..."}, or a list of sentences in older versions */
static struct str read_message(struct arena *a, const json_t *v) {
    return json_is_array(v) ? text_of(a, json_array_get(v, 0)) : member(a, v, "smtp_message");
}

bool rspamd_read_answer(struct arena *a, struct str json, struct rspamd_answer *out, struct err *err) {
    *out = (struct rspamd_answer){.message = STR(""), .subject = STR("")};
    json_error_t why;
    json_t *root = json_loadb(json.p ? json.p : "", json.n, 0, &why);
    if (!root)
        return err_set(err, "rspamd's answer is not JSON: %s", why.text);
    json_t *milter = json_object_get(root, "milter");
    out->skipped = json_is_true(json_object_get(root, "is_skipped"));
    out->score = json_number_value(json_object_get(root, "score"));
    out->required = json_number_value(json_object_get(root, "required_score"));
    out->message = read_message(a, json_object_get(root, "messages"));
    out->subject = member(a, root, "subject");
    read_symbols(a, json_object_get(root, "symbols"), out);
    read_added(a, json_object_get(milter, "add_headers"), out);
    read_removed(a, json_object_get(milter, "remove_headers"), out);
    read_signatures(a, json_object_get(root, "dkim-signature"), out);
    out->action_name = member(a, root, "action");
    struct str error = member(a, root, "error");
    json_decref(root);
    if (out->action_name.n == 0)
        return err_set(err, "rspamd answers without an action: %.*s", (int)(error.n > 160 ? 160 : error.n),
                       error.n ? error.p : "(no reason given)");
    return read_action(out, err);
}
