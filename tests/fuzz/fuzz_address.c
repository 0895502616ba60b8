/* Addresses and domain names of any bytes: what is accepted must come out the same when formatted and read again. */
#include "base/log.h"
#include "directory/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_EMPTY;
    struct str text = str_n(data, size), local, domain, again_local, again_domain;
    if (address_parse(&a, text, &local, &domain, NULL)) {
        struct str formatted = address_format(&a, local, domain);
        struct err err;
        if (formatted.n <= 512) {
            if (!address_parse(&a, formatted, &again_local, &again_domain, &err))
                log_panic("not read again: %.*s: %s", STR_ARG(formatted), err.text);
            if (!str_eq(local, again_local) || !str_eq(domain, again_domain))
                log_panic("read differently: %.*s", STR_ARG(formatted));
        }
    }
    if (domain_to_ascii(&a, text, &domain, NULL)) {
        struct str display = domain_to_display(&a, domain);
        if (!domain_to_ascii(&a, display, &again_domain, NULL) || !str_eq(domain, again_domain))
            log_panic("another name: %.*s", STR_ARG(display));
    } else {
        domain_to_display(&a, text);
    }
    arena_free(&a);
    return 0;
}
