#include "arc/chain.h"
#include "authres/authres.h"
#include "base/clock.h"
#include "base/codec.h"
#include "dkim/sign.h"
#include "dkim/signature.h"

enum {
    MAX_RESULTS = 16 * 1024, /* of one set's findings */
    MAX_B64_LINE = 700,      /* bytes of base64 that are left in one piece */
};

/* b= stays in one piece where it is to be compared, unless a large key made it too long for a line of mail. */
static enum dkim_fold b_fold(const struct arc_sealer *s) {
    bool long_line = dkim_key_algorithm(s->key) == DKIM_RSA_SHA256 && dkim_key_bits(s->key) / 6 > MAX_B64_LINE;
    return s->alphabetical && !long_line ? DKIM_FOLD_NEVER : DKIM_FOLD_BASE64;
}

/* Puts tags that are in the order of the alphabet into the order wanted; gives back where b= is then. */
static size_t arrange(const struct arc_sealer *s, struct dkim_new_tag *tag, size_t count) {
    static const char *const order[] = {"i", "a", "c", "cv", "d", "s", "t", "h", "bh", "b"};
    size_t at = 0, b = 0;
    for (size_t k = 0; !s->alphabetical && k < sizeof order / sizeof *order; k++)
        for (size_t i = at; i < count; i++)
            if (strcmp(tag[i].name, order[k]) == 0) {
                struct dkim_new_tag one = tag[i];
                tag[i] = tag[at];
                tag[at++] = one;
                break;
            }
    while (strcmp(tag[b].name, "b") != 0)
        b++;
    return b;
}

struct sealing {
    struct arena *a;
    const struct arc_sealer *sealer;
    struct dkim_message message;
    unsigned instance;
    enum arc_status cv;
    struct str domain, selector, headers, algorithm, number, time;
};

static bool prepare(struct sealing *g, struct str message, const struct arc_chain *chain, struct err *err) {
    const struct arc_sealer *s = g->sealer;
    int64_t time = s->time ? s->time : clock_now() / CLOCK_SECOND;
    dkim_message_split(g->a, message, &g->message);
    g->instance = chain->instance + 1;
    g->cv = chain->status;
    g->domain = dkim_domain(g->a, s->domain);
    g->selector = dkim_domain(g->a, s->selector);
    g->algorithm = str_of(dkim_algorithm_name(dkim_key_algorithm(s->key)));
    g->number = arena_printf(g->a, "%u", g->instance);
    g->time = arena_printf(g->a, "%lld", (long long)time);
    if (!dkim_message_takes_field(message))
        return err_set(err, "the message begins with white space: no field can be put in front of it");
    if (g->message.too_many)
        return err_set(err, "the message has more than %d header fields", DKIM_MAX_FIELDS);
    if (chain->closed)
        return err_set(err, "the chain ends with cv=fail: nothing is to be added to it (RFC 8617 section 5.1)");
    if (chain->temporary)
        return err_set(err, "the chain can't be validated just now: %.*s", STR_ARG(chain->reason));
    if (g->instance > ARC_MAX_SETS)
        return err_set(err, "the chain has %d sets already, which is the most (RFC 8617 section 4.2.1)", ARC_MAX_SETS);
    if (!g->domain.p)
        return err_set(err, "'%.*s' is not a domain to seal for", STR_ARG(s->domain));
    if (!g->selector.p)
        return err_set(err, "'%.*s' is not a selector", STR_ARG(s->selector));
    g->headers =
        s->headers.n ? dkim_header_list(g->a, s->headers, err) : dkim_default_headers(g->a, &g->message, true, true);
    if (!g->headers.p)
        return false;
    return !dkim_tag_has_word(g->headers, "ARC-Seal") ||
           err_set(err, "ARC-Seal can't be among the signed header fields (RFC 8617 section 4.1.2)");
}

/* ---- ARC-Authentication-Results ---- */

/* Line ends are allowed where white space follows; anything else would end the field, or the header. */
static bool results_are_safe(struct str results) {
    for (size_t i = 0; i < results.n; i++) {
        char c = results.p[i], next = i + 2 < results.n ? results.p[i + 2] : '\0';
        if (c == '\r' && i + 1 < results.n && results.p[i + 1] == '\n' && (next == ' ' || next == '\t'))
            i++;
        else if (c == '\r' || c == '\n' || c == '\0')
            return false;
    }
    return results.n > 0 && results.n <= MAX_RESULTS;
}

static bool write_results(const struct sealing *g, struct str results, struct buf *field, struct err *err) {
    results = str_trim(results);
    if (!results_are_safe(results))
        return err_set(err,
                       "these can't be authentication results: \"mx.example.org; spf=pass ...\" is expected, of at "
                       "most %d bytes",
                       MAX_RESULTS);
    buf_printf(field, "ARC-Authentication-Results: i=%u; ", g->instance);
    buf_add_str(field, results);
    buf_add_c(field, "\r\n");
    return true;
}

/* ---- ARC-Message-Signature ---- */

/* h= may name fields of ARC; the set's own findings are then on top of the message. */
static void gather_message(struct sealing *g, struct str results_field, struct buf *out) {
    struct dkim_message with = {.count = g->message.count + 1};
    with.field = arena_array(g->a, with.count, sizeof *with.field);
    struct str name = STR("ARC-Authentication-Results");
    with.field[0] = (struct dkim_field){.raw = results_field, .name = name, .hash = dkim_name_hash(name)};
    memcpy(with.field + 1, g->message.field, g->message.count * sizeof *with.field);
    dkim_gather(g->a, &with, g->headers, NULL, DKIM_RELAXED, out);
}

static struct str body_hash(struct sealing *g) {
    struct dkim_body_hash h = {.canonicalization = DKIM_RELAXED, .limit = UINT64_MAX};
    struct buf b64 = BUF_EMPTY;
    EVP_MD_CTX *hash = dkim_hash_new();
    dkim_hash_body(hash, g->message.body, &h);
    dkim_hash_free(hash);
    base64_encode(str_n(h.digest, DKIM_DIGEST), &b64);
    struct str out = arena_str(g->a, buf_str(&b64));
    buf_free(&b64);
    return out;
}

static bool write_message_signature(struct sealing *g, struct str results_field, struct buf *field, struct err *err) {
    const struct dkim_key *key = g->sealer->key;
    struct buf signed_before = BUF_EMPTY;
    struct dkim_new_tag tag[] = {
        {"a", g->algorithm, DKIM_FOLD_NEVER},  {"b", STR(""), b_fold(g->sealer)},
        {"bh", body_hash(g), DKIM_FOLD_NEVER}, {"c", STR("relaxed/relaxed"), DKIM_FOLD_NEVER},
        {"d", g->domain, DKIM_FOLD_NEVER},     {"h", g->headers, DKIM_FOLD_NAMES},
        {"i", g->number, DKIM_FOLD_NEVER},     {"s", g->selector, DKIM_FOLD_NEVER},
        {"t", g->time, DKIM_FOLD_NEVER},
    };
    size_t count = sizeof tag / sizeof *tag;
    gather_message(g, results_field, &signed_before);
    bool ok = dkim_field_sign(g->a, key, DKIM_RELAXED, &signed_before, "ARC-Message-Signature", tag, count,
                              arrange(g->sealer, tag, count), field, err);
    buf_free(&signed_before);
    return ok;
}

/* ---- ARC-Seal ---- */

/* A seal that says cv=fail is over its own set alone, since nobody knows what the others are (section 5.1.2). */
static void gather_sets(struct sealing *g, struct buf *out) {
    struct arc_structure s;
    if (g->cv == ARC_FAIL)
        return;
    arc_structure_read(g->a, &g->message, &s);
    for (unsigned i = 1; i <= s.highest && !s.broken; i++) {
        dkim_canonical_field(DKIM_RELAXED, s.set[i].results->raw, out);
        dkim_canonical_field(DKIM_RELAXED, s.set[i].message->raw, out);
        dkim_canonical_field(DKIM_RELAXED, s.set[i].seal->raw, out);
    }
}

static bool write_seal(struct sealing *g, struct str results_field, struct str message_field, struct buf *field,
                       struct err *err) {
    struct buf signed_before = BUF_EMPTY;
    struct dkim_new_tag tag[] = {
        {"a", g->algorithm, DKIM_FOLD_NEVER},
        {"b", STR(""), b_fold(g->sealer)},
        {"cv", str_of(arc_status_name(g->cv)), DKIM_FOLD_NEVER},
        {"d", g->domain, DKIM_FOLD_NEVER},
        {"i", g->number, DKIM_FOLD_NEVER},
        {"s", g->selector, DKIM_FOLD_NEVER},
        {"t", g->time, DKIM_FOLD_NEVER},
    };
    size_t count = sizeof tag / sizeof *tag;
    gather_sets(g, &signed_before);
    dkim_canonical_field(DKIM_RELAXED, results_field, &signed_before);
    dkim_canonical_field(DKIM_RELAXED, message_field, &signed_before);
    bool ok = dkim_field_sign(g->a, g->sealer->key, DKIM_RELAXED, &signed_before, "ARC-Seal", tag, count,
                              arrange(g->sealer, tag, count), field, err);
    buf_free(&signed_before);
    return ok;
}

bool arc_seal(struct arena *a, struct str message, const struct arc_chain *chain, const struct arc_sealer *sealer,
              struct str results, struct buf *out, struct err *err) {
    struct sealing g = {.a = a, .sealer = sealer};
    struct buf found = BUF_EMPTY, signature = BUF_EMPTY, seal = BUF_EMPTY;
    bool ok = prepare(&g, message, chain, err) && write_results(&g, results, &found, err) &&
              write_message_signature(&g, buf_str(&found), &signature, err) &&
              write_seal(&g, buf_str(&found), buf_str(&signature), &seal, err);
    if (ok) {
        buf_add_str(out, buf_str(&seal));
        buf_add_str(out, buf_str(&signature));
        buf_add_str(out, buf_str(&found));
    }
    buf_free(&found);
    buf_free(&signature);
    buf_free(&seal);
    return ok;
}

/* ---- Authentication-Results that are there already ---- */

/* What follows the id and perhaps a version: the methods behind ';'. */
static struct str methods_of(struct str body) {
    ptrdiff_t semicolon = str_chr(body, ';');
    struct str rest = semicolon < 0 ? STR("") : str_trim(str_sub(body, (size_t)semicolon + 1, body.n));
    return rest.n && rest.p[rest.n - 1] == ';' ? str_trim(str_sub(rest, 0, rest.n - 1)) : rest;
}

void arc_collect_results(struct arena *a, struct str message, struct str authserv_id, struct buf *out) {
    static const struct str name = STR("Authentication-Results");
    struct dkim_message m;
    uint32_t hash = dkim_name_hash(name);
    bool any = false;
    dkim_message_split(a, message, &m);
    for (size_t i = 0; i < m.count; i++) {
        struct str id, body = m.field[i].body;
        if (!dkim_field_is(&m.field[i], hash, name) || !authres_id(a, body, &id) || !str_ieq(id, authserv_id))
            continue;
        struct str methods = methods_of(body);
        if (!any)
            buf_add_str(out, authserv_id);
        any = true;
        if (methods.n && !str_ieq(methods, STR("none"))) {
            buf_add_c(out, ";\r\n\t");
            buf_add_str(out, methods);
        }
    }
    if (any && str_chr(buf_str(out), ';') < 0)
        buf_add_c(out, "; none");
}

/* Without comments and quoted strings, in which a ';' or "arc=" means nothing. */
static struct str bare(struct arena *a, struct str text) {
    char *out = arena_alloc(a, text.n + 1);
    size_t n = 0;
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\\' && (quoted || depth)) {
            i++;
        } else if (quoted) {
            quoted = c != '"';
        } else if (c == '(') {
            depth++;
        } else if (depth) {
            depth -= c == ')';
        } else if (c == '"') {
            quoted = true;
        } else {
            out[n++] = c;
        }
    }
    return str_n(out, n);
}

/* method ["/" version] "=" result, then its properties. */
static bool read_arc_method(struct str text, enum arc_status *out) {
    ptrdiff_t eq = str_chr(text, '=');
    struct str method = str_sub(text, 0, eq < 0 ? 0 : (size_t)eq);
    ptrdiff_t slash = str_chr(method, '/');
    if (eq < 0 || !str_ieq(str_trim(slash < 0 ? method : str_sub(method, 0, (size_t)slash)), STR("arc")))
        return false;
    struct str result = str_trim(str_sub(text, (size_t)eq + 1, text.n));
    size_t n = 0;
    while (n < result.n && ascii_alpha(result.p[n]))
        n++;
    return arc_status_parse(str_sub(result, 0, n), out);
}

bool arc_collected_status(struct arena *a, struct str results, enum arc_status *out) {
    struct str rest = bare(a, results), piece;
    bool found = false;
    while (str_split(&rest, ';', &piece)) {
        enum arc_status this_one;
        if (!read_arc_method(piece, &this_one))
            continue;
        *out = found && *out != this_one ? ARC_FAIL : this_one;
        found = true;
    }
    return found;
}
