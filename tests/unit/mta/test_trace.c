#include "trace/batch.h"
#include "trace/notes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

static void equal(struct str got, const char *wanted) {
    assert_int_equal(got.n, strlen(wanted));
    assert_memory_equal(got.p, wanted, got.n);
}

static void notes_are_json_whatever_is_in_them(void **state) {
    (void)state;
    struct notes session = {0}, own = {0};
    struct buf out = BUF_EMPTY;
    notes_join(&session, &out);
    notes_end(&out);
    assert_int_equal(out.n, 0);
    notes_add(&session, 5, "helo", "pass", STR("say \"EHLO\" \\ now"));
    notes_add(&session, 6, "spf", "refuse", STR("\xff\n\x7f"));
    notes_add(&own, 7, "greylist", "refuse", STR("v\xc3\xa9rit\xc3\xa9"));
    notes_join(&session, &out);
    notes_join(&own, &out);
    notes_end(&out);
    json_t *all = json_loadb(out.p, out.n, 0, NULL);
    assert_non_null(all);
    assert_int_equal(json_array_size(all), 3);
    assert_string_equal(json_string_value(json_array_get(json_array_get(all, 0), 3)), "say \"EHLO\" \\ now");
    assert_string_equal(json_string_value(json_array_get(json_array_get(all, 1), 3)), "???");
    assert_string_equal(json_string_value(json_array_get(json_array_get(all, 2), 3)), "v\xc3\xa9rit\xc3\xa9");
    assert_int_equal(json_integer_value(json_array_get(json_array_get(all, 2), 0)), 7);
    json_decref(all);
    buf_free(&out);
    notes_free(&session);
    notes_free(&own);
}

static void notes_are_bounded_in_number_and_length(void **state) {
    (void)state;
    struct notes n = {0};
    char long_reason[5000];
    memset(long_reason, 'x', sizeof long_reason);
    for (int i = 0; i < 10000; i++)
        notes_add(&n, i, "rule", "warn", str_n(long_reason, sizeof long_reason));
    assert_true(n.text.n < 32 << 10);
    assert_true(str_find(buf_str(&n.text), STR("further decisions are not kept")) > 0);
    notes_free(&n);
}

static void rows_are_clean_copies_with_addresses_in_lower_case(void **state) {
    (void)state;
    struct batch b = {0};
    char sender[] = "Bob@Example.ORG", long_reply[3000];
    memset(long_reply, 'r', sizeof long_reply);
    struct trace_message m = {.id = 1,
                              .service = "smtp",
                              .stage = "rcpt",
                              .sender = str_of(sender),
                              .helo = STR("\xff.example"),
                              .message_id = STR("<a\x01@b>")};
    struct trace_recipient r = {.recipient = STR("Livia@Here"),
                                .target = STR("livia@here"),
                                .outcome = TRACE_REFUSED,
                                .reply = str_n(long_reply, sizeof long_reply)};
    batch_add_row(&b, &m, &r);
    memset(sender, 0, sizeof sender);
    equal(b.row[0].m.sender, "bob@example.org");
    equal(b.row[0].m.helo, "?.example");
    equal(b.row[0].m.message_id, "<a?@b>");
    equal(b.row[0].r.recipient, "livia@here");
    equal(b.row[0].r.target, "");
    assert_int_equal(b.row[0].r.reply.n, 1000);
    assert_true(b.bytes > 1000);
    batch_reset(&b);
    assert_int_equal(b.rows + b.events + b.bytes, 0);
    batch_free(&b);
}

static void a_cut_does_not_leave_half_a_character(void **state) {
    (void)state;
    struct batch b = {0};
    char reply[1001];
    memset(reply, 'r', sizeof reply);
    memcpy(reply + 998, "\xe2\x82\xac", 3); /* the euro sign over the edge */
    struct trace_event e = {.id = 1, .address = STR("A@b"), .reply = str_n(reply, sizeof reply)};
    batch_add_event(&b, &e);
    assert_int_equal(b.event[0].reply.n, 998);
    assert_true(str_is_utf8(b.event[0].reply));
    equal(b.event[0].address, "a@b");
    batch_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_are_json_whatever_is_in_them),
        cmocka_unit_test(notes_are_bounded_in_number_and_length),
        cmocka_unit_test(rows_are_clean_copies_with_addresses_in_lower_case),
        cmocka_unit_test(a_cut_does_not_leave_half_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
