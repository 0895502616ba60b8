#include "mail/letter.h"

static const struct db_statement LIST = {"web_mail_senders", "SELECT address, name, others FROM sender_list($1)"};

static void read_rows(struct exchange *x, const PGresult *r, struct senders *out) {
    struct arena *a = &x->arena;
    int n = PQntuples(r);
    out->at = arena_array(a, (size_t)n + 1, sizeof *out->at);
    for (int i = 0; i < n; i++) {
        struct str address = arena_str(a, db_get_str(r, i, 0));
        bool others = db_get_bool(r, i, 2);
        if (str_starts(address, STR("@")))
            out->domains = true;
        else
            out->at[out->count++] = (struct sender){.address = address,
                                                    .name = others            ? arena_str(a, db_get_str(r, i, 1))
                                                            : x->actor.name.p ? x->actor.name
                                                                              : STR(""),
                                                    .others = others};
    }
}

const struct senders *senders_load(struct mail *m, const struct str *asked, size_t count) {
    struct exchange *x = m->x;
    struct db_params p = {0};
    if (!exchange_begin(x))
        return NULL;
    db_text_array(&p, asked, count);
    PGresult *r = exchange_query_db(x, &LIST, &p);
    if (!r)
        return NULL;
    struct senders *s = arena_alloc(&x->arena, sizeof *s);
    *s = (struct senders){0};
    read_rows(x, r, s);
    PQclear(r);
    return exchange_commit(x) ? s : NULL;
}

const struct sender *senders_find(const struct senders *s, struct str address) {
    for (size_t i = 0; i < s->count; i++)
        if (str_ieq(s->at[i].address, address))
            return &s->at[i];
    return NULL;
}
