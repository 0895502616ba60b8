#include "imap/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena = ARENA_EMPTY;

static int reset(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static struct imap_url parsed(const char *text) {
    struct imap_url u;
    if (!imap_url_parse(&arena, str_of(text), &u))
        fail_msg("%s is not taken", text);
    return u;
}

#define assert_str(s, text) assert_true(str_eq(s, STR(text)))

static void an_absolute_url_names_server_and_user(void **state) {
    (void)state;
    struct imap_url u = parsed("imap://joe%40x.test;AUTH=*@Example.com:993/gray%20council;UIDVALIDITY=7/;UID=20/"
                               ";SECTION=1.2.HEADER.FIELDS%20(To)/;PARTIAL=5.1024");
    assert_true(u.absolute);
    assert_str(u.user, "joe@x.test");
    assert_str(u.auth, "*");
    assert_str(u.host, "Example.com");
    assert_int_equal(u.port, 993);
    assert_str(u.mailbox, "gray council");
    assert_int_equal(u.uidvalidity, 7);
    assert_int_equal(u.uid, 20);
    assert_str(u.section, "1.2.HEADER.FIELDS (To)");
    assert_true(u.partial && u.offset == 5 && u.length == 1024);
    u = parsed("imap://[2001:db8::1]:143/INBOX");
    assert_str(u.host, "[2001:db8::1]");
    assert_int_equal(u.port, 143);
    assert_null(u.user.p);
    assert_str(parsed("imap://[::1]").host, "[::1]");
    assert_str(parsed("//example.com/a/b/;UID=1").mailbox, "a/b");
    assert_null(parsed("imap://example.com/").mailbox.p);
}

static void relative_urls_leave_out_what_is_known(void **state) {
    (void)state;
    struct imap_url u = parsed("/Plans/caf%C3%A9/;uid=3");
    assert_true(!u.absolute && u.uid == 3 && !u.section.p && !u.partial);
    assert_str(u.mailbox, "Plans/caf\xc3\xa9");
    u = parsed(";UID=4/;SECTION=1");
    assert_true(!u.mailbox.p && u.uid == 4);
    assert_str(u.section, "1");
    u = parsed(";SECTION=2/;PARTIAL=0.5");
    assert_true(u.uid == 0 && u.partial && u.length == 5);
    assert_true(parsed(";PARTIAL=7").offset == 7 && parsed(";PARTIAL=7").length == 0);
    assert_str(parsed("Plans?SUBJECT%20x").search, "SUBJECT%20x");
    assert_str(parsed("INBOX").mailbox, "INBOX");
}

static void authorization_is_taken_apart(void **state) {
    (void)state;
    static const char rump[] = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;EXPIRE=2026-11-21T12:00:00Z"
                               ";urlauth=submit+fred%2btag";
    struct imap_url u = parsed("imap://joe@example.com/INBOX/;uid=20/;section=1.2;EXPIRE=2026-11-21T12:00:00Z"
                               ";urlauth=submit+fred%2btag:internal:91354a473744909de610943775f92038");
    assert_str(u.section, "1.2");
    assert_str(u.access, "submit+fred+tag");
    assert_str(u.mechanism, "internal");
    assert_str(u.token, "91354a473744909de610943775f92038");
    assert_true(str_eq(u.rump, str_of(rump)));
    assert_true(u.expires == INT64_C(1795262400000000));
    u = parsed(rump);
    assert_null(u.mechanism.p);
    assert_true(str_eq(u.rump, str_of(rump)));
    assert_true(parsed("imap://j@h/I/;UID=1;EXPIRE=2026-11-21T13:30:00.25+01:30;URLAUTH=anonymous").expires ==
                INT64_C(1795262400000000));
    assert_true(parsed("imap://j@h/I/;UID=1/;PARTIAL=1.2;URLAUTH=AUTHUSER").partial);
}

static void what_is_no_imap_url_is_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "",
        "http://example.com/INBOX",
        "imap:INBOX",
        "imap://",
        "imap:///INBOX",
        "imap://@example.com/",
        "imap://joe@/INBOX",
        "imap://a b/INBOX",
        "imap://h:0/INBOX",
        "imap://h:70000/INBOX",
        "imap://joe;MODE=x@h/INBOX",
        "/INBOX/;UID=0",
        "/INBOX/;UID=x",
        "/INBOX/;UID=4294967296",
        "/INBOX/;UID=1/;SECTION=",
        "/INBOX/;UID=1/;PARTIAL=",
        "/INBOX/;UID=1/;PARTIAL=1.0",
        "/INBOX/;UID=1/;PARTIAL=1.x",
        "/INBOX/;UID=1/;PARTIAL=18446744073709551616",
        "/INBOX/;UID=1/",
        "/INBOX/;UID=1;",
        "/INBOX/;UID=1/;UID=2",
        "/INBOX/;SECTION=1",
        "/INBOX;UIDVALIDITY=0/;UID=1",
        "/INBOX;UIDVALIDITY=1;UID=1",
        "/;UID=1",
        "?x",
        "/INBOX%",
        "/INBOX%2",
        "/INBOX%zz",
        "/INBOX%00",
        "/INBOX%ff",
        "/IN BOX",
        "/INBOX\"",
        "/caf\xc3\xa9",
        "/INBOX/;UID=1;URLAUTH=anonymous", /* says nothing of whose it is */
        "imap://j@h/INBOX;URLAUTH=anonymous",
        "imap://j@h/INBOX/;UID=1;URLAUTH=",
        "imap://j@h/INBOX/;UID=1;URLAUTH=user+",
        "imap://j@h/INBOX/;UID=1;URLAUTH=everybody",
        "imap://j@h/INBOX/;UID=1;URLAUTH=anonymous:",
        "imap://j@h/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:",
        "imap://j@h/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:0123",
        "imap://j@h/INBOX/;UID=1;URLAUTH=anonymous:INTERNAL:0123456789abcdef0123456789abcdeX",
        "imap://j@h/INBOX/;UID=1;EXPIRE=tomorrow;URLAUTH=anonymous",
        "imap://j@h/INBOX/;UID=1;EXPIRE=2026-13-21T12:00:00Z;URLAUTH=anonymous",
        "imap://j@h/INBOX/;UID=1;EXPIRE=2026-11-21T12:00:00;URLAUTH=anonymous",
        "imap://j@h/INBOX/;UID=1;EXPIRE=2026-11-21T12:00:00Z",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct imap_url u;
        if (imap_url_parse(&arena, str_of(wrong[i]), &u))
            fail_msg("%s is taken", wrong[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(an_absolute_url_names_server_and_user, reset),
        cmocka_unit_test_teardown(relative_urls_leave_out_what_is_known, reset),
        cmocka_unit_test_teardown(authorization_is_taken_apart, reset),
        cmocka_unit_test_teardown(what_is_no_imap_url_is_refused, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
