#include "hops/hops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void received_says_from_by_with_id_for_and_when(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    struct hops_hop hop = {.hostname = "mail.example.org",
                           .helo = STR("client.test"),
                           .peer = "2001:db8::1",
                           .local_user = -1,
                           .with = "ESMTPS",
                           .tls_version = "TLSv1.3",
                           .tls_cipher = "TLS_AES_256_GCM_SHA384",
                           .id = "ABC",
                           .recipient = STR("a@b"),
                           .at = 0};
    hops_received(&hop, &out);
    assert_string_equal(
        out.p,
        "Received: from client.test ([IPv6:2001:db8::1])\r\n\tby mail.example.org (Mansio) with ESMTPS id ABC\r\n"
        "\t(TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n\tfor <a@b>;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n");
    buf_free(&out);
}

static void received_has_the_clients_name_where_it_is_known(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    struct hops_hop hop = {.hostname = "h",
                           .helo = STR("c"),
                           .peer = "192.0.2.1",
                           .name = "mx.client.test",
                           .local_user = -1,
                           .with = "ESMTP",
                           .tls_version = "",
                           .tls_cipher = "",
                           .id = "X"};
    hops_received(&hop, &out);
    assert_non_null(strstr(out.p, "from c (mx.client.test [192.0.2.1])\r\n"));
    buf_free(&out);
}

static void several_recipients_do_not_see_each_other(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    struct hops_hop hop = {.hostname = "h",
                           .helo = STR("c"),
                           .peer = "unix",
                           .local_user = 1000,
                           .with = "ESMTP",
                           .tls_version = "",
                           .tls_cipher = "",
                           .id = "X"};
    hops_received(&hop, &out);
    assert_null(strstr(out.p, "for <"));
    assert_non_null(strstr(out.p, "(local user 1000)"));
    buf_free(&out);
}

static void the_prefix_is_return_path_and_delivered_to(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    assert_true(str_eq(hops_prefix(&a, STR("s@x"), STR("r@y")), STR("Return-Path: <s@x>\r\nDelivered-To: r@y\r\n")));
    assert_true(str_eq(hops_prefix(&a, STR(""), STR("r@y")), STR("Return-Path: <>\r\nDelivered-To: r@y\r\n")));
    arena_free(&a);
}

static void hops_and_former_deliveries_are_read(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct hops_header h;
    hops_read(&a,
              STR("received: one\r\nReceived: two\r\n\tfolded\r\nDelivered-To: A@B.example\r\nDATE: "
                  "x\r\n\r\nReceived: body\r\n"),
              &h);
    assert_int_equal(h.hops, 2);
    assert_true(h.date && !h.message_id && h.from_count == 0);
    assert_true(hops_was_delivered_to(&h, STR("a@b.example")));
    assert_false(hops_was_delivered_to(&h, STR("c@b.example")));
    arena_free(&a);
}

static void who_sends_a_message_again_is_in_resent_from(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct hops_header h;
    hops_read(&a, STR("From: other@x\r\nResent-From: me@y\r\n\r\n"), &h);
    assert_true(h.resent);
    assert_int_equal(h.from_count, 1);
    assert_non_null(memmem(h.from[0].p, h.from[0].n, "me@y", 4));
    hops_read(&a, STR("Resent-From: me@y\r\nFrom: other@x\r\n\r\n"), &h);
    assert_int_equal(h.from_count, 1);
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(received_says_from_by_with_id_for_and_when),
        cmocka_unit_test(received_has_the_clients_name_where_it_is_known),
        cmocka_unit_test(several_recipients_do_not_see_each_other),
        cmocka_unit_test(the_prefix_is_return_path_and_delivered_to),
        cmocka_unit_test(hops_and_former_deliveries_are_read),
        cmocka_unit_test(who_sends_a_message_again_is_in_resent_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
