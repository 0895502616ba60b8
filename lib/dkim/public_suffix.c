#include "dkim/public_suffix.h"

#include <libpsl.h>
#include <pthread.h>

static const psl_ctx_t *list; /* NULL: this machine has none, then only single labels are suffixes */
static pthread_once_t list_once = PTHREAD_ONCE_INIT;

/* Lives as long as the process. */
static void load(void) { list = psl_latest(NULL); }

bool dkim_is_public_suffix(struct str domain) {
    char text[256];
    if (str_chr(domain, '.') < 0)
        return true;
    pthread_once(&list_once, load);
    return list && str_to_c(domain, text, sizeof text) && psl_is_public_suffix2(list, text, PSL_TYPE_ICANN);
}
