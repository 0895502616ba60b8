#include "imap/idle.h"

#include "imap/command.h"
#include "imap/notify.h"
#include "limits.h"

#include <stdlib.h>

enum {
    LOOK_MS = 5 * 60 * 1000, /* a word to the client, and a look at the store in case that a notification was lost */
};

static void end_idle(struct session *s) {
    s->idling = false;
    s->idle_looks = 0;
    if (s->client)
        view_wait(s->client, false);
    notify_selected(s);
    conn_set_timeout(s->conn, limits_imap_ms(s->service->limits));
}

void idle_forget(struct session *s) {
    free(s->idle_tag);
    s->idle_tag = NULL;
    s->idling = false;
}

/* "DONE" */
static enum outcome take_done(struct session *s) {
    struct str in = conn_input(s->conn);
    ptrdiff_t newline = str_chr(in, '\n');
    if (newline < 0 && in.n < 64)
        return COMMAND_INPUT;
    bool done = newline >= 0 && str_ieq(str_trim(str_sub(in, 0, (size_t)newline)), STR("DONE"));
    end_idle(s);
    s->tag = arena_str(&s->arena, str_of(s->idle_tag));
    s->command = command_find(STR("IDLE"), false);
    idle_forget(s);
    if (!done) {
        s->closing = newline < 0;
        enum outcome o = session_bad(s, "IDLE ends with DONE");
        conn_consume(s->conn, newline < 0 ? in.n : (size_t)newline + 1);
        return o;
    }
    conn_consume(s->conn, (size_t)newline + 1);
    return session_ok(s, "Done");
}

/* Tells what has happened; asks the store where the last look is older than this. */
static void look(struct session *s, int max_age_ms) {
    struct err err;
    if (s->client && notify_hears_selected(s) && view_refresh(s->client, max_age_ms, &err) == STORE_OK)
        session_announce(s, session_may_expunge(s));
    notify_others(s);
}

void idle_changed(struct session *s) { look(s, -1); }

bool idle_still_here(struct session *s) {
    /* Then the client should have begun anew (RFC 2177). */
    if (++s->idle_looks >= limits_imap_ms(s->service->limits) / LOOK_MS)
        return false;
    conn_write(s->conn, STR("* OK Still here\r\n"));
    look(s, LOOK_MS / 2);
    arena_free(&s->arena);
    return true;
}

enum outcome command_idle(struct session *s, struct parser *p) {
    if (!parse_end(p))
        return session_syntax(s, p);
    conn_write(s->conn, STR("+ idling\r\n"));
    s->idle_tag = str_dup(s->tag);
    s->idling = true;
    s->idle_looks = 0;
    s->take_input = take_done;
    if (s->client)
        view_wait(s->client, true); /* before the look: what comes between is not missed */
    look(s, NOOP_LOOK_MS);
    conn_set_timeout(s->conn, LOOK_MS);
    return COMMAND_INPUT;
}
