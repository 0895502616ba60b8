#include "mail/letter.h"

#include "mail/html/url.h"

/* The form for a mail: empty, or begun with another one:
 *   /mail/write?to=ADDRESS        ?reply=REFERENCE  ?all=REFERENCE  ?forward=REFERENCE  ?draft=REFERENCE */
static bool begin(struct mail *m, struct letter *l) {
    struct exchange *x = m->x;
    struct arena *a = &x->arena;
    struct reference from;
    if (reference_parse(a, exchange_query(x, "reply"), &from))
        return letter_answer(m, &from, false, l);
    if (reference_parse(a, exchange_query(x, "all"), &from))
        return letter_answer(m, &from, true, l);
    if (reference_parse(a, exchange_query(x, "forward"), &from))
        return letter_forward(m, &from, l);
    if (reference_parse(a, exchange_query(x, "draft"), &from))
        return letter_continue(m, &from, l);
    *l = (struct letter){
        .to = exchange_query(x, "to"), .subject = exchange_query(x, "subject"), .text = exchange_query(x, "text")};
    return true;
}

static void get_write(struct exchange *x) {
    struct mail m;
    struct letter *l = arena_alloc(&x->arena, sizeof *l);
    if (mail_open(&m, x, STR("INBOX")) && begin(&m, l))
        letter_show(&m, l, NULL);
    mail_close(&m);
}

const struct route mail_write_routes[] = {
    {METHOD_GET, "/mail/write", get_write, MAIL_ROUTE},
    {0},
};
