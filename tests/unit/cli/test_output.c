/* Needs a database, any (MANSIO_TEST_DB): results come from there. */
#include "cli.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>

static struct db *db;
static struct cli cli;

static const struct cli_column columns[] = {
    {"name", "NAME", CLI_TEXT},  {"size", "SIZE", CLI_BYTES}, {"on", "ON", CLI_BOOL},      {"at", "AT", CLI_TIME},
    {"tags", "TAGS", CLI_TEXTS}, {"more", "MORE", CLI_JSON},  {"n", "NUMBER", CLI_NUMBER}, {NULL, NULL, CLI_TEXT}};

static PGresult *query(const struct db_statement *s) {
    struct err err;
    PGresult *r = db_query(cli.conn, s, NULL, &err);
    if (!r)
        fail_msg("%s", err.text);
    return r;
}

static int begin(void **state) {
    (void)state;
    struct err err;
    cli = (struct cli){.json = false};
    cli.conn = db_acquire(db, &err);
    return cli.conn ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    db_release(db, cli.conn);
    json_decref(cli.document);
    buf_free(&cli.text);
    return 0;
}

static void a_table_lines_up_and_a_document_has_types(void **state) {
    (void)state;
    static const struct db_statement rows = {
        "test_rows",
        "SELECT 'a', 2048::bigint, true, '2026-03-01 12:00:00+00'::timestamptz, ARRAY['x', 'y'], '{\"k\": [1]}', 7 "
        "UNION ALL SELECT 'b\xc3\xbc"
        "cher', NULL, false, NULL, '{}', NULL, NULL"};
    PGresult *r = query(&rows);
    setenv("TZ", "UTC", 1);
    cli_table(&cli, r, columns, "rows");
    PQclear(r);
    assert_string_equal(cli.text.p, "NAME         SIZE  ON   AT                   TAGS  MORE       NUMBER\n"
                                    "a         2.0 KiB  yes  2026-03-01 12:00:00  x, y  {\"k\":[1]}       7\n"
                                    "b\xc3\xbc"
                                    "cher  unlimited  no   -                          -               -\n");
    char *text = json_dumps(cli.document, JSON_COMPACT);
    assert_string_equal(
        text, "[{\"name\":\"a\",\"size\":2048,\"on\":true,\"at\":\"2026-03-01T12:00:00Z\",\"tags\":[\"x\",\"y\"],"
              "\"more\":{\"k\":[1]},\"n\":7},{\"name\":\"b\xc3\xbc"
              "cher\",\"size\":null,\"on\":false,"
              "\"at\":null,\"tags\":[],\"more\":null,\"n\":null}]");
    free(text);
}

static void what_others_sent_does_not_steer_the_terminal(void **state) {
    (void)state;
    static const struct db_statement rows = {"test_escape", "SELECT E'a\\x1b[31m\\nb' || chr(155) || 'c'"};
    static const struct cli_column one[] = {{"reply", "REPLY", CLI_TEXT}, {NULL, NULL, CLI_TEXT}};
    PGresult *r = query(&rows);
    cli_table(&cli, r, one, "rows");
    PQclear(r);
    assert_string_equal(cli.text.p, "REPLY\na?[31m?b?c\n");
}

static void an_empty_list_says_so(void **state) {
    (void)state;
    static const struct db_statement rows = {"test_empty", "SELECT 'a' WHERE false"};
    static const struct cli_column one[] = {{"name", "NAME", CLI_TEXT}, {NULL, NULL, CLI_TEXT}};
    PGresult *r = query(&rows);
    cli_table(&cli, r, one, "domains");
    PQclear(r);
    assert_string_equal(cli.text.p, "No domains.\n");
    assert_int_equal(json_array_size(cli.document), 0);
}

static void bytes_that_are_no_text_become_question_marks_in_json(void **state) {
    (void)state;
    json_t *j = cli_json_str(STR("a\xff\xc3"));
    assert_string_equal(json_string_value(j), "a??");
    json_decref(j);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_table_lines_up_and_a_document_has_types, begin, end),
        cmocka_unit_test_setup_teardown(what_others_sent_does_not_steer_the_terminal, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_list_says_so, begin, end),
        cmocka_unit_test_setup_teardown(bytes_that_are_no_text_become_question_marks_in_json, begin, end),
    };
    const char *conninfo = getenv("MANSIO_TEST_DB");
    if (!conninfo) {
        print_message("MANSIO_TEST_DB is not set: skipped\n");
        return 0;
    }
    struct err err;
    db = db_open(conninfo, 1, &err);
    if (!db)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    db_close(db);
    return failed;
}
