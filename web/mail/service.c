#include "mail/mail.h"

#include "base/conf.h"
#include "mail/imap/preview.h"

#include <stdlib.h>

/* libetpan's select() leaves 1024 descriptors; the web server's connections and the database need some too. */
enum { MAX_CONNECTIONS = 500, MAX_PER_LOGIN = 12 };

struct mail_service *mail_service_new(const struct conf *c, struct err *err) {
    const char *imap = conf_get(c, "web_imap", ""), *submission = conf_get(c, "web_submission", "");
    if (!*imap || !*submission) {
        err_set(err, "the configuration sets no %s: the webmail can't work without",
                *imap ? "web_submission" : "web_imap");
        return NULL;
    }
    preview_register();
    struct mail_service *s = mem_zero(sizeof *s);
    s->imap = imap;
    s->submission = submission;
    s->pool = imap_pool_new(imap, MAX_CONNECTIONS, MAX_PER_LOGIN);
    return s;
}

void mail_service_free(struct mail_service *s) {
    if (!s)
        return;
    imap_pool_free(s->pool);
    mailimap_extension_unregister_all();
    free(s);
}
