#include "mail/mail.h"

#include <jansson.h>
#include <stdlib.h>

/* {"folders": [{"box": "INBOX", "count": 3}, ...], "uidnext": 118}: what the page's script asks for now and then. The
 * count is what stands beside the folder; uidnext, of the mailbox in ?box=, tells whether something came. */
static void get_news(struct exchange *x) {
    struct mail m;
    if (mail_open(&m, x, exchange_query(x, "box")) && mail_folders(&m, true)) {
        json_t *folders = json_array(), *news = json_object();
        const struct folder *here = folder_named(m.folders, exchange_query(x, "box"));
        for (size_t i = 0; i < m.folders->count; i++) {
            const struct folder *f = &m.folders->at[i];
            uint32_t count = f->use == USE_DRAFTS                        ? f->messages
                             : f->use == USE_TRASH || f->use == USE_SENT ? 0
                                                                         : f->unseen;
            json_array_append_new(
                folders, json_pack("{s:s#, s:I}", "box", f->name.p, (int)f->name.n, "count", (json_int_t)count));
        }
        json_object_set_new(news, "folders", folders);
        json_object_set_new(news, "uidnext", json_integer(here ? here->uidnext : 0));
        char *text = json_dumps(news, JSON_COMPACT);
        if (!text)
            mem_panic();
        buf_add_c(&x->reply.body, text);
        reply_type(&x->reply, "application/json");
        free(text);
        json_decref(news);
    }
    mail_close(&m);
}

const struct route mail_news_routes[] = {
    {METHOD_GET, "/mail/news", get_news, MAIL_ROUTE | ROUTE_JSON},
    {0},
};
