#include "directory/address.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

/* RFC 5321 section 4.5.3.1 asks for 64 bytes of local part and 256 of path at least, and for no limits where that is
 * possible: generated reverse-paths (VERP, SRS) are often longer. These bounds keep hostile input small. Our own
 * mailboxes have at most 64 (directory/admin). */
enum {
    ADDRESS_BYTES = 512,
    LOCAL_BYTES = 255,
    TYPED_DOMAIN_BYTES = 1000,
    DOMAIN_BYTES = 253,
    LABEL_BYTES = 63,
    SHOWN_BYTES = 80
};

/* What was typed, for the error sentence: valid UTF-8 by now, cut between characters, control bytes replaced. */
static const char *shown(struct arena *a, struct str text) {
    size_t n = text.n;
    if (n > SHOWN_BYTES)
        for (n = SHOWN_BYTES; n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80;)
            n--;
    char *copy = arena_c(a, str_sub(text, 0, n));
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)copy[i] < 0x20 || copy[i] == 0x7f)
            copy[i] = '?';
    return n < text.n ? arena_printf(a, "%s...", copy).p : copy;
}

/* ---- domain names ---- */

/* Letters, digits and hyphens (RFC 1123 section 2.1), lengths as RFC 1035 section 2.3.4. */
static bool label_check(struct arena *a, struct str name, struct str label, struct err *err) {
    if (label.n == 0)
        return err_set(err, "\"%s\" is not a domain name: there is nothing between two dots", shown(a, name));
    if (label.n > LABEL_BYTES)
        return err_set(err, "\"%s\" is not a domain name: a part between dots is longer than 63 letters",
                       shown(a, name));
    if (label.p[0] == '-' || label.p[label.n - 1] == '-')
        return err_set(err, "\"%s\" is not a domain name: a part begins or ends with a hyphen", shown(a, name));
    for (size_t i = 0; i < label.n; i++)
        if (!ascii_alpha(label.p[i]) && !ascii_digit(label.p[i]) && label.p[i] != '-')
            return err_set(err, "\"%s\" is not a domain name: only letters, digits, hyphens and dots are allowed",
                           shown(a, name));
    return true;
}

static bool ldh_check(struct arena *a, struct str name, struct err *err) {
    if (name.n > DOMAIN_BYTES)
        return err_set(err, "\"%s\" is not a domain name: it is longer than 253 letters", shown(a, name));
    struct str rest = name, label;
    while (str_split(&rest, '.', &label))
        if (!label_check(a, name, label, err))
            return false;
    return true;
}

/* IDNA2008 with the mapping of UTS 46 (non-transitional: sharp s and final sigma stay themselves). */
static bool idn_to_ascii(struct arena *a, struct str name, struct str *ascii, struct err *err) {
    uint8_t *found = NULL;
    int rc = idn2_lookup_u8((const uint8_t *)arena_c(a, name), &found, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return err_set(err, "\"%s\" is not a domain name: %s", shown(a, name), idn2_strerror(rc));
    *ascii = arena_lower(a, str_of((const char *)found));
    idn2_free(found);
    return true;
}

bool domain_to_ascii(struct arena *a, struct str typed, struct str *ascii, struct err *err) {
    if (typed.n == 0)
        return err_set(err, "the domain name is missing");
    if (typed.n > TYPED_DOMAIN_BYTES)
        return err_set(err, "the domain name is too long");
    if (!str_is_utf8(typed) || memchr(typed.p, 0, typed.n))
        return err_set(err, "the domain name holds bytes that are not text");
    if (str_is_ascii(typed))
        *ascii = arena_lower(a, typed);
    else if (!idn_to_ascii(a, typed, ascii, err))
        return false;
    if (ascii->n > 1 && ascii->p[ascii->n - 1] == '.')
        ascii->n--;
    return ldh_check(a, *ascii, err);
}

/* Shown as U-labels only where they lead back to the same name: what does not, could be shown as one name and be
 * another. */
struct str domain_to_display(struct arena *a, struct str ascii) {
    if (str_find(ascii, STR("xn--")) < 0 || ascii.n > DOMAIN_BYTES || memchr(ascii.p, 0, ascii.n))
        return ascii;
    char *unicode = NULL;
    if (idn2_to_unicode_8z8z(arena_c(a, ascii), &unicode, 0) != IDN2_OK)
        return ascii;
    struct str display = arena_str(a, str_of(unicode)), back;
    idn2_free(unicode);
    if (display.n > TYPED_DOMAIN_BYTES || !idn_to_ascii(a, display, &back, NULL) || !str_eq(back, ascii))
        return ascii;
    return display;
}

/* ---- addresses ---- */

struct str address_fold(struct arena *a, struct str s) {
    if (str_is_ascii(s))
        return arena_lower(a, s);
    size_t n = 0;
    uint8_t *folded = str_is_utf8(s) ? u8_tolower((const uint8_t *)s.p, s.n, NULL, UNINORM_NFC, NULL, &n) : NULL;
    struct str out = folded ? arena_str(a, str_n(folded, n)) : arena_lower(a, s);
    free(folded);
    return out;
}

static struct str compose(struct arena *a, struct str s) {
    if (str_is_ascii(s))
        return s;
    size_t n = 0;
    uint8_t *composed = u8_normalize(UNINORM_NFC, (const uint8_t *)s.p, s.n, NULL, &n);
    struct str out = composed ? arena_str(a, str_n(composed, n)) : s;
    free(composed);
    return out;
}

static bool is_atext(unsigned char c) {
    /* RFC 5322 section 3.2.3, and RFC 6531 section 3.3: everything beyond ASCII */
    return c >= 0x80 || ascii_alpha((char)c) || ascii_digit((char)c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_dot_string(struct str s) {
    struct str rest = s, atom;
    while (str_split(&rest, '.', &atom)) {
        if (atom.n == 0)
            return false;
        for (size_t i = 0; i < atom.n; i++)
            if (!is_atext((unsigned char)atom.p[i]))
                return false;
    }
    return true;
}

/* Quoted-string (RFC 5321 section 4.1.2): gives what it stands for, and the number of bytes up to the closing quote's
 * end. */
static bool unquote(struct arena *a, struct str text, struct str *local, size_t *used) {
    char *out = arena_c(a, text);
    size_t n = 0;
    for (size_t i = 1; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '"') {
            out[n] = 0;
            *local = str_n(out, n);
            *used = i + 1;
            return true;
        }
        if (c == '\\') {
            if (++i == text.n)
                return false;
            c = (unsigned char)text.p[i];
            if (c >= 0x7f) /* quoted-pairSMTP is printable ASCII */
                return false;
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        out[n++] = (char)c;
    }
    return false;
}

/* C1 controls (U+0080 to U+009F) are invisible and have no place in a name. */
static bool has_c1(struct str s) {
    for (size_t i = 0; i + 1 < s.n; i++)
        if ((unsigned char)s.p[i] == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0)
            return true;
    return false;
}

static bool split_local(struct arena *a, struct str text, struct str *local, struct str *domain, struct err *err) {
    size_t used;
    if (text.p[0] == '"') {
        if (!unquote(a, text, local, &used))
            return err_set(err, "\"%s\" is not a mail address: the quotes before the @ do not match", shown(a, text));
        if (used == text.n || text.p[used] != '@')
            return err_set(err, "\"%s\" is not a mail address: an @ must follow the quotes", shown(a, text));
    } else {
        ptrdiff_t at = str_chr(text, '@');
        if (at < 0)
            return err_set(err, "\"%s\" is not a mail address: the @ is missing", shown(a, text));
        used = (size_t)at;
        *local = str_sub(text, 0, used);
        if (used == 0)
            return err_set(err, "\"%s\" is not a mail address: there is nothing before the @", shown(a, text));
        if (!is_dot_string(*local))
            return err_set(err,
                           "\"%s\" is not a mail address: before the @ there are characters that need quotes, or dots "
                           "that do not separate anything",
                           shown(a, text));
        *local = arena_str(a, *local);
    }
    if (local->n == 0)
        return err_set(err, "\"%s\" is not a mail address: there is nothing before the @", shown(a, text));
    *local = compose(a, *local);
    if (local->n > LOCAL_BYTES || has_c1(*local))
        return err_set(err, "\"%s\" is not a mail address: the part before the @ is too long or not text",
                       shown(a, text));
    *domain = str_sub(text, used + 1, text.n);
    return true;
}

/* RFC 5321 section 4.1.3 */
static bool literal_check(struct arena *a, struct str domain) {
    unsigned char address[16];
    if (domain.p[domain.n - 1] != ']')
        return false;
    struct str inside = str_sub(domain, 1, domain.n - 2);
    if (str_istarts(inside, STR("IPv6:")))
        return inet_pton(AF_INET6, arena_c(a, str_sub(inside, 5, inside.n)), address) == 1;
    return inet_pton(AF_INET, arena_c(a, inside), address) == 1;
}

bool address_parse(struct arena *a, struct str text, struct str *local, struct str *domain, struct err *err) {
    if (text.n == 0)
        return err_set(err, "the mail address is missing");
    if (text.n > ADDRESS_BYTES)
        return err_set(err, "the mail address is too long");
    if (!str_is_utf8(text) || memchr(text.p, 0, text.n))
        return err_set(err, "the mail address holds bytes that are not text");
    struct str typed;
    if (!split_local(a, text, local, &typed, err))
        return false;
    if (typed.n > 1 && typed.p[0] == '[') {
        *domain = arena_str(a, typed);
        return literal_check(a, typed) ||
               err_set(err, "\"%s\" is not a mail address: there is no IP address in the brackets", shown(a, text));
    }
    if (typed.n > 0 && typed.p[typed.n - 1] == '.') /* names in mail have no trailing dot (RFC 5321 section 2.3.5) */
        return err_set(err, "\"%s\" is not a mail address: it ends with a dot", shown(a, text));
    return domain_to_ascii(a, typed, domain, err);
}

struct str address_format(struct arena *a, struct str local, struct str domain) {
    bool quoted = !is_dot_string(local);
    char *out = arena_alloc(a, 2 * local.n + domain.n + 4);
    size_t n = 0;
    if (quoted)
        out[n++] = '"';
    for (size_t i = 0; i < local.n; i++) {
        if (quoted && (local.p[i] == '"' || local.p[i] == '\\'))
            out[n++] = '\\';
        out[n++] = local.p[i];
    }
    if (quoted)
        out[n++] = '"';
    out[n++] = '@';
    if (domain.n)
        memcpy(out + n, domain.p, domain.n);
    return str_n(out, n + domain.n);
}

struct str address_domain(struct str address) {
    ptrdiff_t at = str_rchr(address, '@');
    return at < 0 ? STR("") : str_sub(address, (size_t)at + 1, address.n);
}
