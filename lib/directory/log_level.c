#include "directory/log_level.h"

#include "base/log.h"
#include "db/db.h"

#include <stdlib.h>

static const struct db_statement READ = {"log_level", "SELECT log_level()"};

struct log_follower {
    char *conninfo;
    struct db_listener *listener;
};

static void read_setting(const struct log_follower *l) {
    struct err err;
    struct db *db = db_open(l->conninfo, 1, &err);
    struct db_conn *c = db ? db_acquire(db, &err) : NULL;
    PGresult *r = c ? db_query(c, &READ, NULL, &err) : NULL;
    if (r && PQntuples(r) == 1 && !log_follow(db_get_str(r, 0, 0)))
        log_warn("the setting log.level is \"%.*s\": it takes debug, info, warn, error, and program=level",
                 STR_ARG(db_get_str(r, 0, 0)));
    if (!r)
        log_warn("the setting log.level can't be read now: %s", err.text);
    PQclear(r);
    if (db)
        db_release(db, c);
    db_close(db);
}

static void on_notify(void *context, const char *channel, struct str payload) {
    if (!*channel || str_eq(payload, STR("setting")))
        read_setting(context);
}

struct log_follower *log_level_follow(const char *conninfo, struct err *err) {
    static const char *const channels[] = {"directory", NULL};
    struct log_follower *l = mem_zero(sizeof *l);
    l->conninfo = str_dup(str_of(conninfo));
    l->listener = db_listen(conninfo, channels, on_notify, l, err);
    if (l->listener)
        return l;
    free(l->conninfo);
    free(l);
    return NULL;
}

void log_level_stop(struct log_follower *l) {
    if (!l)
        return;
    db_listener_stop(l->listener);
    free(l->conninfo);
    free(l);
}
