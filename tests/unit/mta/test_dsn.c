#include "dsn/dsn.h"
#include "mime/mime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct mta mta = {.hostname = "mail.example.org"};

static struct buf build(const struct dsn *d) {
    struct buf out = BUF_EMPTY;
    dsn_build(&mta, d, "DSN1", 0, &out);
    return out;
}

static const struct dsn_recipient failed = {.address = STR("a@far.test"),
                                            .original = STR("fwd@here.test"),
                                            .action = DSN_FAILED,
                                            .status = STR("5.1.1"),
                                            .reply = STR("550 5.1.1 No such user"),
                                            .host = STR("mx.far.test")};

static void a_bounce_is_a_report_of_three_parts(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct dsn d = {.sender = STR("s@here.test"),
                    .id = "ID7",
                    .arrived_at = 0,
                    .recipient = &failed,
                    .count = 1,
                    .original = STR("Subject: x\r\n\r\nbody\r\n"),
                    .complete = true};
    struct buf m = build(&d);
    struct mime_card *card = mime_parse(&a, buf_str(&m));
    struct mime_part *part = card->root->child;
    assert_true(str_eq(card->root->subtype, STR("report")));
    assert_true(str_eq(part->type, STR("text")));
    assert_true(str_eq(part->next->type, STR("message")) && str_eq(part->next->subtype, STR("delivery-status")));
    assert_true(str_eq(part->next->next->subtype, STR("rfc822")) && !part->next->next->next);
    struct str status = str_sub(buf_str(&m), part->next->body_offset, part->next->body_bytes);
    assert_true(str_find(status, STR("Reporting-MTA: dns; mail.example.org\r\n")) == 0);
    assert_true(
        str_find(status,
                 STR("\r\n\r\nOriginal-Recipient: rfc822; fwd@here.test\r\nFinal-Recipient: rfc822; a@far.test\r\n"
                     "Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.far.test\r\n"
                     "Diagnostic-Code: smtp; 550 5.1.1 No such user\r\n")) > 0);
    assert_non_null(strstr(m.p, "Auto-Submitted: auto-replied\r\n"));
    assert_non_null(strstr(m.p, "To: <s@here.test>\r\n"));
    buf_free(&m);
    arena_free(&a);
}

static void a_warning_says_until_when_it_is_tried(void **state) {
    (void)state;
    struct dsn_recipient late = failed;
    late.action = DSN_DELAYED;
    late.will_retry_until = 86400000000;
    struct dsn d = {
        .sender = STR("s@here.test"), .id = "ID7", .recipient = &late, .count = 1, .original = STR("Subject: x\r\n")};
    struct buf m = build(&d);
    assert_non_null(strstr(m.p, "Subject: Your message is delayed\r\n"));
    assert_non_null(strstr(m.p, "Action: delayed\r\n"));
    assert_non_null(strstr(m.p, "Will-Retry-Until: Fri, 02 Jan 1970 00:00:00 +0000\r\n"));
    assert_non_null(strstr(m.p, "text/rfc822-headers"));
    buf_free(&m);
}

static void what_others_said_can_not_break_out_of_its_line(void **state) {
    (void)state;
    struct dsn_recipient evil = failed;
    evil.reply = STR("550 a\r\nFinal-Recipient: rfc822; x@y\n\xff\x01");
    struct dsn d = {.sender = STR("s@here.test"), .id = "ID7", .recipient = &evil, .count = 1, .original = STR("")};
    struct buf m = build(&d);
    assert_null(strstr(m.p, "\nFinal-Recipient: rfc822; x@y"));
    assert_true(str_is_ascii(buf_str(&m)));
    buf_free(&m);
}

static void success_is_told_of_with_what_the_sender_gave(void **state) {
    (void)state;
    struct dsn_recipient done[] = {{.address = STR("livia@here.test"),
                                    .orcpt = STR("rfc822;info@here.test"),
                                    .action = DSN_DELIVERED,
                                    .status = STR("2.1.5")},
                                   {.address = STR("all@here.test"), .action = DSN_EXPANDED, .status = STR("2.1.5")}};
    struct dsn d = {.sender = STR("s@far.test"),
                    .id = "ID7",
                    .envid = STR("my id"),
                    .recipient = done,
                    .count = 2,
                    .original = STR("Subject: x\r\n")};
    struct buf m = build(&d);
    assert_non_null(strstr(m.p, "Subject: Your message was delivered\r\n"));
    assert_non_null(strstr(m.p, "Original-Envelope-Id: my id\r\n"));
    assert_non_null(strstr(m.p, "Original-Recipient: rfc822; info@here.test\r\nFinal-Recipient: rfc822; "
                                "livia@here.test\r\nAction: delivered\r\nStatus: 2.1.5\r\n\r\nFinal-Recipient"));
    assert_non_null(strstr(m.p, "rfc822; all@here.test\r\nAction: expanded\r\n"));
    buf_free(&m);
}

static void beyond_ascii_it_is_of_the_global_kind(void **state) {
    (void)state;
    struct dsn_recipient r = failed;
    r.address = STR("gr\xc3\xbcn@far.test");
    struct dsn d = {.sender = STR("s@here.test"),
                    .id = "ID7",
                    .recipient = &r,
                    .count = 1,
                    .original = STR("Subject: gr\xc3\xbcn\r\n\r\n"),
                    .complete = true};
    struct buf m = build(&d);
    assert_non_null(strstr(m.p, "Content-Type: message/global-delivery-status\r\n"));
    assert_non_null(strstr(m.p, "Final-Recipient: utf-8; gr\xc3\xbcn@far.test\r\n"));
    assert_non_null(strstr(m.p, "Content-Type: message/global\r\n"));
    assert_non_null(strstr(m.p, "report-type=delivery-status"));
    buf_free(&m);
}

static void notify_says_who_hears_of_what(void **state) {
    (void)state;
    assert_true(dsn_wanted((struct str){NULL, 0}, DSN_FAILED) && dsn_wanted((struct str){NULL, 0}, DSN_DELAYED));
    assert_true(dsn_wanted(STR("success,FAILURE"), DSN_FAILED));
    assert_false(dsn_wanted(STR("SUCCESS,FAILURE"), DSN_DELAYED));
    assert_false(dsn_wanted(STR("NEVER"), DSN_FAILED));
    assert_false(dsn_wanted((struct str){NULL, 0}, DSN_DELIVERED));
    assert_true(dsn_wanted(STR("SUCCESS"), DSN_DELIVERED) && dsn_wanted(STR("SUCCESS"), DSN_RELAYED));
    assert_false(dsn_wanted(STR("FAILURE,DELAY"), DSN_EXPANDED));
}

static void a_large_message_goes_back_as_its_header(void **state) {
    (void)state;
    bool complete;
    assert_int_equal(dsn_original_bytes(100, (struct str){NULL, 0}, true, &complete), 100);
    assert_true(complete);
    assert_int_equal(dsn_original_bytes(100, STR("HDRS"), true, &complete), 100);
    assert_false(complete);
    assert_int_equal(dsn_original_bytes(10 << 20, STR("FULL"), true, &complete), DSN_HEADER_BYTES);
    assert_false(complete);
    dsn_original_bytes(100, STR("FULL"), false, &complete);
    assert_false(complete);
    assert_true(str_eq(dsn_original(STR("A: b\r\n\r\nbody\r\n"), false), STR("A: b\r\n\r\n")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bounce_is_a_report_of_three_parts),
        cmocka_unit_test(a_warning_says_until_when_it_is_tried),
        cmocka_unit_test(what_others_said_can_not_break_out_of_its_line),
        cmocka_unit_test(success_is_told_of_with_what_the_sender_gave),
        cmocka_unit_test(beyond_ascii_it_is_of_the_global_kind),
        cmocka_unit_test(notify_says_who_hears_of_what),
        cmocka_unit_test(a_large_message_goes_back_as_its_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
