/* Whom the message says it is from (RFC 7489 sections 3.1 and 6.6.1). */
#include "directory/address.h"
#include "dmarc/dmarc.h"
#include "mime/mime.h"

enum { DOMAIN_BYTES = 253, LABEL_BYTES = 63 };

/* A name that could be asked for. What the DNS could not hold is none; what is merely unusual (an underscore) is one,
 * or a domain's policy could be got around by a subdomain with such a name. */
static bool is_domain(struct str name) {
    struct str rest = name, label;
    if (name.n == 0 || name.n > DOMAIN_BYTES || name.p[0] == '[')
        return false;
    while (str_split(&rest, '.', &label))
        if (label.n == 0 || label.n > LABEL_BYTES)
            return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= ' ' || name.p[i] > '~')
            return false;
    return true;
}

static bool domain_of(struct arena *a, struct str written, struct str *out) {
    written = str_trim(written);
    if (!str_is_ascii(written))
        return domain_to_ascii(a, written, out, NULL) && is_domain(*out);
    *out = arena_lower(a, written);
    if (out->n && out->p[out->n - 1] == '.')
        out->n--;
    return is_domain(*out);
}

/* False where there is no more room. */
static bool add(struct str *domain, size_t *count, struct str name) {
    for (size_t i = 0; i < *count; i++)
        if (str_eq(domain[i], name))
            return true;
    if (*count == DMARC_MAX_AUTHORS)
        return false;
    domain[(*count)++] = name;
    return true;
}

struct str *dmarc_author_domains(struct arena *a, struct str message, size_t *count, size_t *fields, bool *odd) {
    struct str *domain = arena_array(a, DMARC_MAX_AUTHORS, sizeof *domain), name;
    struct mime_field f;
    *count = *fields = 0;
    *odd = false;
    while (mime_next_field(&message, &f)) {
        if (!str_ieq(f.name, STR("From")))
            continue;
        ++*fields;
        struct mime_addresses authors = mime_parse_addresses(a, f.body);
        for (size_t i = 0; i < authors.count; i++) {
            const struct mime_address *author = &authors.at[i];
            if (!author->host.p) /* the bounds of a group */
                continue;
            if (!domain_of(a, author->host, &name) || !add(domain, count, name))
                *odd = true;
        }
        if (*fields > DMARC_MAX_AUTHORS) { /* enough is known of it */
            *odd = true;
            break;
        }
    }
    return domain;
}
