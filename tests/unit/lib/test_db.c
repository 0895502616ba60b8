/* Needs a database: the environment's MANSIO_TEST_DB (a conninfo), made by tests/run; skipped without one. */
#include "base/clock.h"
#include "db/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *conninfo;

static void needs_database(void) {
    if (!conninfo)
        skip();
}

static void values_of_every_type_round_trip(void **state) {
    (void)state;
    needs_database();
    struct err err;
    struct db *db = db_open(conninfo, 2, &err);
    struct db_conn *c = db_acquire(db, &err);
    assert_non_null(c);
    static const struct db_statement ECHO = {
        "echo", "SELECT $1, $2, $3, $4::text, $5::bytea, $6::timestamptz, $7::text[], $8::int8[], $9::uuid, $10::text"};
    struct db_params p = {0};
    struct str texts[] = {STR("a"), STR(""), STR("gr\xc3\xbc\xc3\x9f")};
    int64_t numbers[] = {-1, INT64_MAX};
    unsigned char uuid[16] = {1, 2, 3, 15};
    int64_t now = clock_now();
    db_int8(&p, INT64_MIN), db_int4(&p, -7), db_bool(&p, true), db_text(&p, STR("x'\"\\")),
        db_bytes(&p, str_n("\0\xff", 2));
    db_time(&p, now), db_text_array(&p, texts, 3), db_int8_array(&p, numbers, 2), db_uuid(&p, uuid),
        db_text(&p, (struct str){NULL, 0});
    PGresult *r = db_query(c, &ECHO, &p, &err);
    assert_non_null(r);
    assert_true(db_get_int8(r, 0, 0) == INT64_MIN && db_get_int8(r, 0, 1) == -7 && db_get_bool(r, 0, 2));
    assert_true(str_eq(db_get_str(r, 0, 3), STR("x'\"\\")) && str_eq(db_get_str(r, 0, 4), str_n("\0\xff", 2)));
    assert_true(db_get_time(r, 0, 5) == now);
    struct arena a = ARENA_EMPTY;
    struct str *got;
    assert_int_equal(db_get_texts(r, 0, 6, &a, &got), 3);
    assert_true(str_eq(got[0], texts[0]) && got[1].n == 0 && str_eq(got[2], texts[2]));
    assert_memory_equal(db_get_str(r, 0, 8).p, uuid, 16);
    assert_true(db_get_null(r, 0, 9) && !db_get_str(r, 0, 9).p);
    PQclear(r);
    arena_free(&a);
    db_release(db, c);
    db_close(db);
}

struct scanned {
    int rows;
    int64_t sum;
    struct arena arena;
};

static void take_row(void *context, const struct str *column) {
    struct scanned *x = context;
    struct str *text;
    x->rows++;
    x->sum += db_value_int8(column[0]) + db_value_int8(column[1]) + db_value_int8(column[2]);
    assert_int_equal(db_value_time(column[3]), INT64_C(1000000) * x->rows);
    assert_int_equal(db_value_texts(column[4], &x->arena, &text), x->rows % 2 ? 2 : 0);
    assert_true(x->rows % 2 == 0 || (str_eq(text[0], STR("a")) && str_eq(text[1], STR("b c"))));
}

static void count_row(void *context, const struct str *column) {
    struct scanned *x = context;
    x->rows += column[0].p != NULL;
}

static void a_scan_gives_every_row_and_a_failed_one_says_why(void **state) {
    (void)state;
    needs_database();
    struct err err;
    struct db *db = db_open(conninfo, 1, &err);
    struct db_conn *c = db_acquire(db, &err);
    struct scanned x = {.arena = ARENA_EMPTY};
    assert_non_null(c);
    assert_true(
        db_scan(c,
                "SELECT n::int8, -n::int4, 1::int2, to_timestamp(n), CASE WHEN n % 2 = 1 THEN '{a,b c}'::text[] END"
                " FROM generate_series(1, 30000) AS n",
                5, take_row, &x, &err));
    assert_int_equal(x.rows, 30000);
    assert_int_equal(x.sum, 30000);
    assert_true(db_scan(c, "SELECT 1 WHERE false", 1, take_row, &x, &err));
    assert_int_equal(x.rows, 30000);
    x.rows = 0;
    assert_false(db_scan(c, "SELECT 1, 2", 5, count_row, &x, &err));
    assert_false(db_scan(c, "SELECT 1 / (3 - n) FROM generate_series(1, 5) AS n", 1, count_row, &x, &err));
    assert_string_equal(db_sqlstate(c), "22012");
    assert_int_equal(x.rows, 2);
    assert_false(db_scan(c, "no SQL", 1, count_row, &x, &err));
    assert_true(db_begin(c, &err) && db_commit(c, &err)); /* the connection is good for more */
    arena_free(&x.arena);
    db_release(db, c);
    db_close(db);
}

static void a_failed_pipeline_rolls_back_and_the_connection_stays_usable(void **state) {
    (void)state;
    needs_database();
    struct err err;
    struct db *db = db_open(conninfo, 1, &err);
    static const struct db_statement BEGIN = {"begin", "BEGIN"}, COMMIT = {"commit", "COMMIT"},
                                     TABLE = {"table", "CREATE TEMP TABLE t (x int8 PRIMARY KEY)"},
                                     ADD = {"add", "INSERT INTO t VALUES ($1)"},
                                     COUNT = {"count", "SELECT count(*) FROM t"};
    struct db_conn *c = db_acquire(db, &err);
    assert_int_equal(db_exec(c, &TABLE, NULL, &err), 0);
    for (int round = 0; round < 3; round++) {
        struct db_params p = {0};
        assert_true(db_pipeline(c, &err));
        db_send(c, &BEGIN, NULL, &err);
        db_int8(&p, round);
        db_send(c, &ADD, &p, &err);
        db_int8(&p, round);
        db_send(c, &ADD, &p, &err);
        db_send(c, &COMMIT, NULL, &err);
        db_sync(c, &err);
        PGresult *first = db_receive(c, &err), *second = db_receive(c, &err), *third = db_receive(c, &err);
        assert_non_null(first);
        assert_non_null(second);
        assert_null(third);
        assert_string_equal(db_sqlstate(c), "23505");
        assert_null(db_receive(c, &err));
        assert_false(db_pipeline_end(c, &err));
        PQclear(first);
        PQclear(second);
        db_rollback(c);
        assert_false(db_is_broken(c));
    }
    PGresult *r = db_query(c, &COUNT, NULL, &err);
    assert_int_equal(db_get_int8(r, 0, 0), 0);
    PQclear(r);
    db_release(db, c);
    db_close(db);
}

static void an_unfinished_transaction_is_rolled_back_at_release(void **state) {
    (void)state;
    needs_database();
    struct err err;
    struct db *db = db_open(conninfo, 1, &err);
    struct db_conn *c = db_acquire(db, &err);
    assert_true(db_begin(c, &err));
    db_release(db, c);
    struct db_conn *again = db_acquire(db, &err);
    assert_ptr_equal(c, again);
    assert_int_equal(PQtransactionStatus(db_raw(again)), PQTRANS_IDLE);
    db_release(db, again);
    db_close(db);
}

static void a_connection_that_the_server_ended_is_replaced(void **state) {
    (void)state;
    needs_database();
    struct err err;
    struct db *db = db_open(conninfo, 2, &err);
    struct db_conn *a = db_acquire(db, &err), *b = db_acquire(db, &err);
    static const struct db_statement KILL = {"kill", "SELECT pg_terminate_backend($1)"},
                                     ONE = {"one", "SELECT 1::int8"};
    struct db_params p = {0};
    db_int4(&p, PQbackendPID(db_raw(a)));
    db_release(db, a);
    assert_true(db_exec(b, &KILL, &p, &err) >= 0);
    usleep(100000);
    struct db_conn *fresh = db_acquire(db, &err);
    assert_non_null(fresh);
    PGresult *r = db_query(fresh, &ONE, NULL, &err);
    assert_int_equal(db_get_int8(r, 0, 0), 1);
    PQclear(r);
    db_release(db, fresh);
    db_release(db, b);
    db_close(db);
}

struct heard {
    pthread_mutex_t lock;
    pthread_cond_t more;
    int connected, count;
    char last[64];
};

static void on_notify(void *context, const char *channel, struct str payload) {
    struct heard *h = context;
    pthread_mutex_lock(&h->lock);
    if (!*channel)
        h->connected++;
    else {
        h->count++;
        str_to_c(payload, h->last, sizeof h->last);
    }
    pthread_cond_broadcast(&h->more);
    pthread_mutex_unlock(&h->lock);
}

static void notifications_of_one_key_are_gathered_and_the_newest_arrives(void **state) {
    (void)state;
    needs_database();
    struct err err;
    struct heard h = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, ""};
    const char *channels[] = {"test_gather", NULL};
    struct db_listener *l = db_listen(conninfo, channels, on_notify, &h, &err);
    pthread_mutex_lock(&h.lock);
    while (!h.connected)
        pthread_cond_wait(&h.more, &h.lock);
    pthread_mutex_unlock(&h.lock);
    struct db_notifier *n = db_notifier_new(conninfo, "test_gather", &err);
    for (int i = 0; i <= 1000; i++) {
        char text[16];
        int len = snprintf(text, sizeof text, "v%d", i);
        db_notifier_send(n, STR("k"), str_n(text, (size_t)len));
    }
    pthread_mutex_lock(&h.lock);
    while (strcmp(h.last, "v1000") != 0)
        pthread_cond_wait(&h.more, &h.lock);
    assert_in_range(h.count, 1, 20);
    pthread_mutex_unlock(&h.lock);
    db_notifier_stop(n);
    db_listener_stop(l);
}

static void a_server_that_vanishes_without_a_word_is_noticed(void **state) {
    (void)state;
    needs_database();
    struct err err;
    struct db *db = db_open(conninfo, 1, &err);
    struct db_conn *c = db_acquire(db, &err);
    assert_non_null(c);
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    int fd = PQsocket(db_raw(c)), idle = 0, user = 0;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    if (a.ss_family != AF_UNIX) {
        n = sizeof idle;
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &n), 0);
        assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user, &n), 0);
        assert_true(idle > 0 && idle <= 60 && user > 0 && user <= 60000);
    }
    db_release(db, c);
    db_close(db);
}

static void a_server_that_is_away_is_a_clear_error(void **state) {
    (void)state;
    struct err err;
    struct db *db = db_open("host=127.0.0.1 port=1 dbname=x", 1, &err);
    assert_null(db_acquire(db, &err));
    assert_non_null(strstr(err.text, "cannot reach PostgreSQL"));
    db_close(db);
    assert_null(db_open("nonsense=1", 1, &err));
}

int main(void) {
    conninfo = getenv("MANSIO_TEST_DB");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type_round_trip),
        cmocka_unit_test(a_scan_gives_every_row_and_a_failed_one_says_why),
        cmocka_unit_test(a_failed_pipeline_rolls_back_and_the_connection_stays_usable),
        cmocka_unit_test(an_unfinished_transaction_is_rolled_back_at_release),
        cmocka_unit_test(a_connection_that_the_server_ended_is_replaced),
        cmocka_unit_test(notifications_of_one_key_are_gathered_and_the_newest_arrives),
        cmocka_unit_test(a_server_that_vanishes_without_a_word_is_noticed),
        cmocka_unit_test(a_server_that_is_away_is_a_clear_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
