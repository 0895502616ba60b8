/* Where an organization's domain begins (RFC 7489 section 3.2), and alignment (section 3.1). */
#include "dmarc/dmarc.h"

#include <libpsl.h>
#include <pthread.h>

enum { DOMAIN_BYTES = 253 };

static const psl_ctx_t *suffixes;

/* The newest list there is: the distribution's file where it was updated since libpsl was built. Kept until the end. */
static void load_suffixes(void) {
    suffixes = psl_latest(NULL);
    if (!suffixes)
        suffixes = psl_builtin();
}

struct str dmarc_organization(struct str domain) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char name[DOMAIN_BYTES + 1];
    pthread_once(&once, load_suffixes);
    if (!suffixes || !str_to_c(domain, name, sizeof name))
        return domain;
    const char *registered = psl_registrable_domain(suffixes, name);
    return registered ? str_sub(domain, (size_t)(registered - name), domain.n) : domain;
}

bool dmarc_aligned(struct str identifier, struct str author, bool strict) {
    if (identifier.n == 0 || author.n == 0)
        return false;
    if (str_ieq(identifier, author))
        return true;
    return !strict && str_ieq(dmarc_organization(identifier), dmarc_organization(author));
}
