#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

/* What is written to standard error while `act` runs. */
static struct buf told(void (*act)(void)) {
    struct buf out = BUF_EMPTY;
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    assert_true(file && before >= 0);
    dup2(fileno(file), STDERR_FILENO);
    act();
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_add(&out, piece, n);
    fclose(file);
    return out;
}

static void tell_refusal(void) {
    log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_REPLY(STR("550 No\r\nforged")), LOG_ID("7F3A"),
              LOG_ADDRESS("from", STR("")), LOG_ADDRESS("to", STR("a\"b\\c\xff\n@x")), LOG_NUMBER("size", 5),
              LOG_CLIENT("192.0.2.1"), LOG_WORD("login", STR("")));
}

static void tell_too_much(void) {
    char *much = malloc(100000);
    memset(much, '\n', 100000);
    struct str s = str_n(much, 100000);
    log_event(LOG_LEVEL_INFO, "smtp", "refused", LOG_WORD("a", s), LOG_WORD("b", s), LOG_WORD("c", s), LOG_WORD("d", s),
              LOG_REPLY(s));
    free(much);
}

static void an_event_as_text_is_one_line_with_the_reply_at_its_end(void **state) {
    (void)state;
    log_set_format("text");
    struct buf out = told(tell_refusal);
    assert_non_null(strstr(
        out.p, " info smtp 7F3A: refused from=<> to=<a\"b\\c\xff?@x> size=5 client=[192.0.2.1]: 550 No??forged\n"));
    assert_int_equal(str_chr(buf_str(&out), '\n'), out.n - 1);
    buf_free(&out);
}

static void an_event_as_json_is_one_object_whatever_is_in_it(void **state) {
    (void)state;
    assert_true(log_set_format("json"));
    struct buf out = told(tell_refusal);
    json_t *o = json_loadb(out.p, out.n, 0, NULL);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(o, "queue_id")), "7F3A");
    assert_string_equal(json_string_value(json_object_get(o, "event")), "refused");
    assert_string_equal(json_string_value(json_object_get(o, "to")), "a\"b\\c?\n@x");
    assert_string_equal(json_string_value(json_object_get(o, "from")), "");
    assert_string_equal(json_string_value(json_object_get(o, "reply")), "550 No\r\nforged");
    assert_int_equal(json_integer_value(json_object_get(o, "size")), 5);
    assert_null(json_object_get(o, "login"));
    assert_int_equal(str_chr(buf_str(&out), '\n'), out.n - 1);
    json_decref(o);
    buf_free(&out);
    log_set_format("text");
}

static void values_without_end_are_cut_and_it_stays_json(void **state) {
    (void)state;
    log_set_format("json");
    struct buf out = told(tell_too_much);
    json_t *o = json_loadb(out.p, out.n, 0, NULL);
    assert_non_null(o);
    assert_true(out.n <= 16384);
    json_decref(o);
    buf_free(&out);
    log_set_format("text");
}

static void the_setting_names_all_programs_or_one(void **state) {
    (void)state;
    log_open("mta");
    log_set_level("warn");
    assert_true(log_follow(STR("error mta=debug")));
    assert_true(log_enabled(LOG_LEVEL_DEBUG));
    assert_true(log_follow(STR("info imapd=debug")));
    assert_true(log_enabled(LOG_LEVEL_INFO) && !log_enabled(LOG_LEVEL_DEBUG));
    assert_true(log_follow(STR("imapd=debug")));
    assert_true(log_enabled(LOG_LEVEL_WARN) && !log_enabled(LOG_LEVEL_INFO));
    assert_false(log_follow(STR("loud")));
    assert_true(log_enabled(LOG_LEVEL_WARN) && !log_enabled(LOG_LEVEL_INFO));
    assert_true(log_follow(STR("")));
    assert_true(log_enabled(LOG_LEVEL_WARN) && !log_enabled(LOG_LEVEL_INFO));
    log_set_level("info");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_as_text_is_one_line_with_the_reply_at_its_end),
        cmocka_unit_test(an_event_as_json_is_one_object_whatever_is_in_it),
        cmocka_unit_test(values_without_end_are_cut_and_it_stays_json),
        cmocka_unit_test(the_setting_names_all_programs_or_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
