/* What mailq(1) and sendmail -q ask over the pickup socket. Not SMTP: X is for commands of one's own (RFC 5321
 * section 4.1.5). */
#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "queue/runner.h"
#include "smtpd/session.h"
#include "store/queue.h"

enum { PAGE = 200 }; /* messages in one answer */

static const struct db_statement LIST = {
    "mailq_list",
    "SELECT m.id, m.size, m.sender, m.received_at, r.address, r.last_reply, r.status::text, r.lease_owner IS NOT NULL,"
    "       m.release_at > now()"
    "  FROM (SELECT * FROM queue_message WHERE id > $1 ORDER BY id LIMIT $2) m"
    "  JOIN queue_recipient r ON r.message_id = m.id ORDER BY m.id, r.id"};
static const struct db_statement FLUSH = {
    "mailq_flush", "UPDATE queue_recipient r SET next_attempt_at = now() FROM queue_message m"
                   " WHERE m.id = r.message_id AND r.status = 'pending' AND r.lease_owner IS NULL"
                   "   AND r.next_attempt_at > now() AND (m.release_at IS NULL OR m.release_at <= now())"};

static void away(struct session *s, const struct err *err) {
    log_warn("mailq: %s", err->text);
    REPLY(s, "451 4.3.0 The queue can't be asked just now, try again");
}

/* A value on a line of its own. */
static void add_line(struct buf *out, const char *what, struct str value) {
    buf_add_c(out, what);
    for (size_t i = 0; i < value.n && i < 1000; i++)
        buf_add_byte(out, (unsigned char)value.p[i] < 0x20 ? ' ' : value.p[i]);
    buf_add_c(out, "\r\n");
}

/* "250-M id size received sender", for each of its recipients "250-R state address" and "250-S what was said to it" */
static void list_rows(struct buf *out, const PGresult *r, int64_t *last, int *messages) {
    for (int i = 0; i < PQntuples(r); i++) {
        int64_t id = db_get_int8(r, i, 0);
        if (id != *last || i == 0) {
            char text[16];
            queue_id_text(id, text);
            buf_printf(out, "250-M %s %lld %lld ", text, (long long)db_get_int8(r, i, 1),
                       (long long)(db_get_time(r, i, 3) / CLOCK_SECOND));
            add_line(out, "", db_get_str(r, i, 2));
            *last = id;
            ++*messages;
        }
        struct str state = db_get_str(r, i, 6);
        buf_printf(out, "250-R %s ",
                   db_get_bool(r, i, 7)         ? "active"
                   : str_eq(state, STR("held")) ? "held"
                   : db_get_bool(r, i, 8)       ? "kept"
                                                : "waiting");
        add_line(out, "", db_get_str(r, i, 4));
        add_line(out, "250-S ", db_get_str(r, i, 5));
    }
}

/* XQUEUE [id]: the queue from behind this message on; "250 id" when there may be more behind that one, else "250 end".
 */
enum step xqueue_command(struct session *s, struct str argument) {
    int64_t after = 0;
    struct err err;
    if (argument.n && !queue_id_parse(argument, &after)) {
        REPLY(s, "501 5.5.4 Syntax: XQUEUE [id]");
        return session_error(s);
    }
    struct db_conn *c = db_acquire(s->mta->db, &err);
    struct db_params p = {0};
    db_int8(&p, after);
    db_int8(&p, PAGE);
    PGresult *r = c ? db_query(c, &LIST, &p, &err) : NULL;
    if (r) {
        int messages = 0;
        char text[16];
        list_rows(conn_output(s->conn), r, &after, &messages);
        queue_id_text(after, text);
        conn_printf(s->conn, "250 %s\r\n", messages == PAGE ? text : "end");
    } else {
        away(s, &err);
    }
    PQclear(r);
    db_release(s->mta->db, c);
    return STEP_WAIT;
}

/* XFLUSH: everything that waits is tried now. */
enum step xflush_command(struct session *s, struct str argument) {
    (void)argument;
    struct err err;
    struct db_conn *c = db_acquire(s->mta->db, &err);
    int64_t n = c ? db_exec(c, &FLUSH, NULL, &err) : -1;
    if (n < 0) {
        away(s, &err);
    } else {
        runner_retry(s->mta->runner);
        conn_printf(s->conn, "250 2.0.0 %lld recipients are tried now\r\n", (long long)n);
    }
    db_release(s->mta->db, c);
    return STEP_WAIT;
}
