#include "dkim/sign.h"

#include "base/clock.h"
#include "base/codec.h"
#include "dkim/private_key.h"
#include "dkim/signature.h"

/* ---- writing the field ---- */

enum { LINE = 76 };

struct line {
    struct buf *out;
    size_t column;
};

static void put(struct line *l, struct str s) {
    buf_add_str(l->out, s);
    l->column += s.n;
}

/* Blanks, for there are verifiers of ARC that look for " i=". */
static void fold(struct line *l) {
    buf_add_c(l->out, "\r\n    ");
    l->column = 4;
}

static void put_names(struct line *l, struct str names) {
    struct str rest = names, name;
    while (str_split(&rest, ':', &name)) {
        bool first = name.p == names.p;
        if (!first)
            put(l, STR(":"));
        if (!first && l->column + name.n + 1 > LINE)
            fold(l);
        put(l, name);
    }
}

static void put_base64(struct line *l, struct str value) {
    while (value.n) {
        if (l->column >= LINE)
            fold(l);
        struct str piece = str_sub(value, 0, LINE - l->column);
        put(l, piece);
        value = str_sub(value, piece.n, value.n);
    }
}

static void put_tag(struct line *l, const struct dkim_new_tag *tag, bool first) {
    struct str name = str_of(tag->name);
    size_t room = name.n + 1 + tag->value.n + 1;
    if (!first)
        put(l, STR(";"));
    if (!first && (tag->fold == DKIM_FOLD_BASE64 || l->column + 1 + room > LINE))
        fold(l);
    else
        put(l, STR(" "));
    put(l, name);
    put(l, STR("="));
    if (tag->fold == DKIM_FOLD_NAMES && l->column + tag->value.n > LINE)
        put_names(l, tag->value);
    else if (tag->fold == DKIM_FOLD_BASE64)
        put_base64(l, tag->value);
    else
        put(l, tag->value);
}

void dkim_field_write(const char *name, const struct dkim_new_tag *tag, size_t count, struct buf *out) {
    struct line l = {out, 0};
    bool first = true;
    put(&l, str_of(name));
    put(&l, STR(":"));
    for (size_t i = 0; i < count; i++) {
        if (!tag[i].value.p)
            continue;
        put_tag(&l, &tag[i], first);
        first = false;
    }
    buf_add_c(out, "\r\n");
}

bool dkim_field_sign(struct arena *a, const struct dkim_key *key, enum dkim_canonicalization c,
                     struct buf *signed_before, const char *name, struct dkim_new_tag *tag, size_t count, size_t b,
                     struct buf *out, struct err *err) {
    struct buf unsigned_field = BUF_EMPTY, b64 = BUF_EMPTY;
    unsigned char digest[DKIM_DIGEST];
    tag[b].value = STR("");
    dkim_field_write(name, tag, count, &unsigned_field);
    dkim_canonical_field(c, buf_str(&unsigned_field), signed_before);
    EVP_MD_CTX *hash = dkim_hash_new();
    dkim_hash(hash, str_sub(buf_str(signed_before), 0, signed_before->n - 2), digest); /* without its last line end */
    dkim_hash_free(hash);
    bool ok = dkim_key_sign(key, digest, &b64, err);
    if (ok) {
        tag[b].value = arena_str(a, buf_str(&b64));
        dkim_field_write(name, tag, count, out);
    }
    buf_free(&unsigned_field);
    buf_free(&b64);
    return ok;
}

/* ---- which fields ---- */

/* RFC 6376 section 5.4.1, and what decides how a message is shown. `twice`: a second one would change what people
 * see, so it is signed that there is none. */
static const struct {
    struct str name;
    bool twice;
} worth_signing[] = {
    {STR("from"), true},
    {STR("sender"), false},
    {STR("reply-to"), true},
    {STR("subject"), true},
    {STR("date"), true},
    {STR("to"), true},
    {STR("cc"), true},
    {STR("message-id"), false},
    {STR("in-reply-to"), false},
    {STR("references"), false},
    {STR("mime-version"), false},
    {STR("content-type"), false},
    {STR("content-transfer-encoding"), false},
    {STR("content-id"), false},
    {STR("content-description"), false},
    {STR("resent-date"), false},
    {STR("resent-from"), false},
    {STR("resent-sender"), false},
    {STR("resent-to"), false},
    {STR("resent-cc"), false},
    {STR("resent-message-id"), false},
    {STR("list-id"), false},
    {STR("list-help"), false},
    {STR("list-unsubscribe"), false},
    {STR("list-unsubscribe-post"), false},
    {STR("list-subscribe"), false},
    {STR("list-post"), false},
    {STR("list-owner"), false},
    {STR("list-archive"), false},
};

enum { MAX_SAME = 20 /* fields of one name that are signed */ };

static void add_names(struct buf *out, struct str name, size_t times) {
    for (size_t i = 0; i < times; i++) {
        if (out->n)
            buf_add_byte(out, ':');
        buf_add_str(out, name);
    }
}

static size_t at_most(size_t n, size_t max) { return n < max ? n : max; }

struct str dkim_default_headers(struct arena *a, const struct dkim_message *m, bool twice, bool signatures) {
    struct buf names = BUF_EMPTY;
    for (size_t i = 0; i < sizeof worth_signing / sizeof *worth_signing; i++) {
        size_t there = at_most(dkim_message_count(m, worth_signing[i].name), MAX_SAME);
        add_names(&names, worth_signing[i].name, there + (twice && worth_signing[i].twice));
    }
    if (signatures)
        add_names(&names, STR("dkim-signature"), at_most(dkim_message_count(m, STR("DKIM-Signature")), MAX_SAME));
    struct str out = arena_str(a, buf_str(&names));
    buf_free(&names);
    return out;
}

static bool is_field_name(struct str name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ';' || name.p[i] == ':')
            return false;
    return name.n > 0;
}

struct str dkim_header_list(struct arena *a, struct str list, struct err *err) {
    struct buf names = BUF_EMPTY;
    struct str rest = list, name, out = {NULL, 0};
    size_t count = 0;
    bool ok = true;
    while (ok && str_split(&rest, ':', &name)) {
        name = str_trim(name);
        ok = is_field_name(name) && ++count <= DKIM_MAX_NAMES;
        add_names(&names, name, 1);
    }
    if (ok)
        out = arena_str(a, buf_str(&names));
    else
        err_set(err, "'%.*s' is not a list of header fields: write from:to:subject", STR_ARG(str_sub(list, 0, 80)));
    buf_free(&names);
    return out;
}

/* ---- DKIM-Signature ---- */

struct signing {
    struct arena *a;
    struct dkim_message message;
    EVP_MD_CTX *hash;
    struct str bh[2]; /* base64 by canonicalization; p NULL: not computed yet */
};

static struct str body_hash(struct signing *g, enum dkim_canonicalization c) {
    struct dkim_body_hash h = {.canonicalization = c, .limit = UINT64_MAX};
    struct buf b64 = BUF_EMPTY;
    if (!g->bh[c].p) {
        dkim_hash_body(g->hash, g->message.body, &h);
        base64_encode(str_n(h.digest, DKIM_DIGEST), &b64);
        g->bh[c] = arena_str(g->a, buf_str(&b64));
        buf_free(&b64);
    }
    return g->bh[c];
}

static struct str seconds_text(struct arena *a, int64_t seconds) { return arena_printf(a, "%lld", (long long)seconds); }

static bool is_usable(struct signing *g, const struct dkim_signer *s, struct err *err) {
    if (!dkim_domain(g->a, s->domain).p)
        return err_set(err, "'%.*s' is not a domain to sign for", STR_ARG(s->domain));
    if (!dkim_domain(g->a, s->selector).p)
        return err_set(err, "'%.*s' is not a selector", STR_ARG(s->selector));
    if (s->identity.n && (!str_is_ascii(s->identity) || str_chr(s->identity, ';') >= 0))
        return err_set(err, "'%.*s' can't be an identity (i=)", STR_ARG(s->identity));
    return true;
}

static bool header_names(struct signing *g, const struct dkim_signer *s, struct str *out, struct err *err) {
    if (!s->headers.n) {
        *out = dkim_default_headers(g->a, &g->message, true, false);
        return true;
    }
    *out = dkim_header_list(g->a, s->headers, err);
    return out->p && (dkim_tag_has_word(*out, "From") || err_set(err, "From must be among the signed header fields"));
}

static bool sign_one(struct signing *g, const struct dkim_signer *s, struct buf *out, struct err *err) {
    enum dkim_canonicalization hc = s->simple_header ? DKIM_SIMPLE : DKIM_RELAXED,
                               bc = s->simple_body ? DKIM_SIMPLE : DKIM_RELAXED;
    int64_t time = s->time ? s->time : clock_now() / CLOCK_SECOND;
    struct str names, none = {NULL, 0};
    struct buf gathered = BUF_EMPTY;
    if (!is_usable(g, s, err) || !header_names(g, s, &names, err))
        return false;
    struct dkim_new_tag tag[] = {
        {"v", STR("1"), DKIM_FOLD_NEVER},
        {"a", str_of(dkim_algorithm_name(dkim_key_algorithm(s->key))), DKIM_FOLD_NEVER},
        {"c",
         arena_printf(g->a, "%s/%s", hc == DKIM_SIMPLE ? "simple" : "relaxed",
                      bc == DKIM_SIMPLE ? "simple" : "relaxed"),
         DKIM_FOLD_NEVER},
        {"d", dkim_domain(g->a, s->domain), DKIM_FOLD_NEVER},
        {"s", dkim_domain(g->a, s->selector), DKIM_FOLD_NEVER},
        {"i", s->identity.n ? s->identity : none, DKIM_FOLD_NEVER},
        {"t", time > 0 ? seconds_text(g->a, time) : none, DKIM_FOLD_NEVER},
        {"x", time > 0 && s->lifetime > 0 ? seconds_text(g->a, time + s->lifetime) : none, DKIM_FOLD_NEVER},
        {"h", names, DKIM_FOLD_NAMES},
        {"bh", body_hash(g, bc), DKIM_FOLD_NEVER},
        {"b", none, DKIM_FOLD_BASE64},
    };
    size_t count = sizeof tag / sizeof *tag;
    dkim_gather(g->a, &g->message, names, NULL, hc, &gathered);
    bool ok = dkim_field_sign(g->a, s->key, hc, &gathered, "DKIM-Signature", tag, count, count - 1, out, err);
    buf_free(&gathered);
    return ok;
}

bool dkim_sign(struct arena *a, struct str message, const struct dkim_signer *signer, size_t count, struct buf *out,
               struct err *err) {
    struct signing g = {.a = a};
    size_t before = out->n;
    dkim_message_split(a, message, &g.message);
    if (!dkim_message_takes_field(message))
        return err_set(err, "the message begins with white space: no field can be put in front of it");
    if (g.message.too_many)
        return err_set(err, "the message has more than %d header fields", DKIM_MAX_FIELDS);
    if (!dkim_message_count(&g.message, STR("From")))
        return err_set(err, "the message has no From field, which DKIM must sign");
    if (count > DKIM_MAX_SIGNERS)
        return err_set(err, "a message can have %d signers at most", DKIM_MAX_SIGNERS);
    g.hash = dkim_hash_new();
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        ok = sign_one(&g, &signer[i], out, err);
    dkim_hash_free(g.hash);
    if (!ok && out->n > before) {
        out->n = before;
        out->p[before] = 0;
    }
    return ok;
}
