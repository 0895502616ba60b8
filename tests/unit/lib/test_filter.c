/* What filters answer, and how they are written down: the parts that need no server. */
#include "filter/clamd.h"
#include "filter/delegate.h"
#include "filter/filter.h"
#include "filter/milter.h"
#include "filter/rspamd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_str(struct str got, const char *expected) {
    assert_int_equal(got.n, strlen(expected));
    assert_memory_equal(got.p ? got.p : "", expected, got.n);
}

/* ---- endpoints ---- */

static void endpoints_are_hosts_with_ports_or_paths(void **state) {
    (void)state;
    static const struct {
        const char *text, *host, *port, *path;
    } good[] = {
        {"inet:127.0.0.1:8891", "127.0.0.1", "8891", ""},
        {" inet:mail.example:1 ", "mail.example", "1", ""},
        {"inet:[::1]:25", "::1", "25", ""},
        {"inet6:[::1]:25", "::1", "25", ""},
        {"inet:8891@localhost", "localhost", "8891", ""},
        {"localhost:10023", "localhost", "10023", ""},
        {"unix:/run/a", "", "", "/run/a"},
        {"local:/run/a", "", "", "/run/a"},
    };
    static const char *const bad[] = {"",           "inet:",   "inet:host",  "inet:host:0", "inet:host:65536",
                                      "unix:",      "unix:a",  "inet:a b:1", "inet::1",     "inet:h:1x",
                                      "http://h:1", "inet:h@1"};
    struct endpoint e;
    struct err err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(endpoint_parse(str_of(good[i].text), &e, &err));
        assert_string_equal(e.host, good[i].host);
        assert_string_equal(e.port, good[i].port);
        assert_string_equal(e.path, good[i].path);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err.text[0] = 0;
        assert_false(endpoint_parse(str_of(bad[i]), &e, &err));
        assert_true(err.text[0] != 0);
    }
}

static void rspamd_is_reached_by_urls(void **state) {
    (void)state;
    struct err err;
    assert_true(rspamd_check_urls(STR("http://127.0.0.1:11333"), &err));
    assert_true(rspamd_check_urls(STR(" https://a.test/x  http://[::1]:1 "), &err));
    assert_true(rspamd_check_urls(STR("unix:/run/rspamd.sock"), &err));
    assert_false(rspamd_check_urls(STR(""), &err));
    assert_false(rspamd_check_urls(STR("file:///etc/passwd"), &err));
    assert_false(rspamd_check_urls(STR("http://a.test ftp://b.test"), &err));
}

/* ---- milter ---- */

static void a_reply_code_becomes_smtp(void **state) {
    (void)state;
    static const struct {
        const char *text, *smtp;
    } cases[] = {
        {"550 5.7.1 no", "550 5.7.1 no"},
        {"550", "550 "},
        {"450 100%% sure", "450 100% sure"},
        {"550-a\r\n550 b", "550-a\r\n550 b"},
        {"550-a\n550-b\n", "550-a\r\n550 b"},
        {"550 a\r\n550 b", "550-a\r\n550 b"},
        {"550 a\tb\rc", "550 a b c"},
        {"250 ok", NULL},
        {"55", NULL},
        {"", NULL},
        {"5x0 a", NULL},
        {"550:a", NULL},
        {"550 a\r\n450 b", NULL},
        {"550 a\r\n\r\nb", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_EMPTY;
        struct err err;
        assert_int_equal(milter_smtp_reply(str_of(cases[i].text), &out, &err), cases[i].smtp != NULL);
        if (cases[i].smtp)
            assert_str(buf_str(&out), cases[i].smtp);
        buf_free(&out);
    }
}

static void replies_are_taken_apart(void **state) {
    (void)state;
    struct milter_reply r;
    struct err err;
    assert_true(milter_read_reply('i', str_n("\0\0\1\2X-A\0b\n\tc\0", 14), &r, &err));
    assert_int_equal(r.index, 258);
    assert_str(r.name, "X-A");
    assert_str(r.text, "b\n\tc");
    assert_true(milter_read_reply('2', str_n("<a@b>\0NOTIFY=NEVER\0", 19), &r, &err));
    assert_str(r.name, "<a@b>");
    assert_str(r.text, "NOTIFY=NEVER");
    assert_true(milter_read_reply('b', STR("any \0 bytes"), &r, &err));
    assert_int_equal(r.text.n, 11);
    assert_false(milter_read_reply('i', str_n("\0\0", 2), &r, &err));
    assert_false(milter_read_reply('h', STR("name"), &r, &err));
    assert_false(milter_read_reply('h', str_n("\0v\0", 3), &r, &err));
    assert_false(milter_read_reply('y', STR("550 no end"), &r, &err));
    assert_false(milter_read_reply('?', STR(""), &r, &err));
}

static void terms_have_lists_of_macros(void **state) {
    (void)state;
    struct milter_terms t;
    struct err err;
    assert_true(milter_read_terms(str_n("\0\0\0\6\0\0\0\1\0\x10\0\0\0\0\0\3i {x}\0", 22), &t, &err));
    assert_int_equal(t.version, 6);
    assert_int_equal(t.may, 1);
    assert_int_equal(t.options, MILTER_LEADING_SPACE);
    assert_str(t.macros[MILTER_AT_RCPT], "i {x}");
    assert_null(t.macros[MILTER_AT_CONNECT].p);
    assert_false(milter_read_terms(str_n("\0\0\0\6\0\0\0\1\0\0\0", 11), &t, &err));
    assert_false(milter_read_terms(str_n("\0\0\0\1\0\0\0\1\0\0\0\0", 12), &t, &err));
    assert_false(milter_read_terms(str_n("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\7i\0", 18), &t, &err));
    assert_false(milter_read_terms(str_n("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\1i", 17), &t, &err));
}

/* ---- policy delegation ---- */

static void actions_of_policy_servers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum delegate_action action;
        const char *code, *status, *rest;
    } cases[] = {
        {"DUNNO", DELEGATE_DUNNO, "", "", ""},
        {" ok  fine ", DELEGATE_DUNNO, "", "", "fine"},
        {"12345", DELEGATE_DUNNO, "", "", ""},
        {"250 no refusal", DELEGATE_DUNNO, "", "", "no refusal"},
        {"REJECT", DELEGATE_REJECT, "", "", ""},
        {"reject 5.1.8 bad sender", DELEGATE_REJECT, "", "5.1.8", "bad sender"},
        {"451 4.7.1 later", DELEGATE_CODE, "451", "4.7.1", "later"},
        {"550 127.0.0.1 is bad", DELEGATE_CODE, "550", "", "127.0.0.1 is bad"},
        {"550 5.7 is bad", DELEGATE_CODE, "550", "", "5.7 is bad"},
        {"PREPEND X-A: b", DELEGATE_PREPEND, "", "", "X-A: b"},
        {"defer_if_permit Greylisted", DELEGATE_DEFER_IF_PERMIT, "", "", "Greylisted"},
        {"FILTER smtp:[::1]:25", DELEGATE_FILTER, "", "", "smtp:[::1]:25"},
    };
    struct delegate_answer a;
    struct err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(delegate_read_action(str_of(cases[i].text), &a, &err));
        assert_int_equal(a.action, cases[i].action);
        assert_string_equal(a.code, cases[i].code);
        assert_str(a.status, cases[i].status);
        assert_str(a.text, cases[i].rest);
    }
    assert_false(delegate_read_action(STR(""), &a, &err));
    assert_false(delegate_read_action(STR("my_restriction"), &a, &err));
    assert_false(delegate_read_action(STR("BCC"), &a, &err));
}

static void an_attribute_is_one_line(void **state) {
    (void)state;
    struct buf b = BUF_EMPTY;
    delegate_put(&b, "helo_name", str_n("a\r\nsender=x\0y", 13));
    assert_str(buf_str(&b), "helo_name=asender=xy\n");
    buf_free(&b);
}

/* ---- clamd ---- */

static void answers_of_clamd(void **state) {
    (void)state;
    struct str name;
    struct err err;
    assert_int_equal(clamd_read_answer(STR("stream: OK"), &name, &err), CLAMD_CLEAN);
    assert_int_equal(clamd_read_answer(STR("stream: Eicar-Test FOUND\n"), &name, &err), CLAMD_FOUND);
    assert_str(name, "Eicar-Test");
    assert_int_equal(clamd_read_answer(STR("INSTREAM size limit exceeded. ERROR"), &name, &err), CLAMD_ERROR);
    assert_int_equal(clamd_read_answer(STR("stream: FOUND"), &name, &err), CLAMD_ERROR);
    assert_int_equal(clamd_read_answer(STR(""), &name, &err), CLAMD_ERROR);
}

/* ---- rspamd ---- */

static void answers_of_rspamd(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct rspamd_answer r;
    struct err err;
    assert_true(rspamd_read_answer(
        &a,
        STR("{\"is_skipped\":false,\"score\":7.5,\"required_score\":15.0,\"action\":\"rewrite "
            "subject\",\"subject\":\"[SPAM] x\","
            "\"symbols\":{\"A\":{\"score\":7.5,\"options\":[\"x\"]},\"B\":{}},\"messages\":{\"smtp_message\":\"no\"},"
            "\"dkim-signature\":\"v=1\",\"milter\":{\"add_headers\":{\"X\":{\"value\":\"1\",\"order\":0},\"Y\":[\"2\","
            "\"3\"]},"
            "\"remove_headers\":{\"Z\":0,\"W\":[1,-1]}}}"),
        &r, &err));
    assert_int_equal(r.action, RSPAMD_REWRITE_SUBJECT);
    assert_true(r.score > 7.4 && r.score < 7.6);
    assert_str(r.subject, "[SPAM] x");
    assert_str(r.message, "no");
    assert_int_equal(r.symbols, 2);
    assert_str(r.symbol[0].name, "A");
    assert_int_equal(r.adds, 3);
    assert_int_equal(r.add[0].place, 0);
    assert_int_equal(r.add[2].place, -1);
    assert_int_equal(r.removals, 3);
    assert_int_equal(r.remove[2].nth, -1);
    assert_int_equal(r.signatures, 1);
    assert_false(rspamd_read_answer(&a, STR("{}"), &r, &err));
    assert_false(rspamd_read_answer(&a, STR("{\"action\":\"sing\"}"), &r, &err));
    assert_false(rspamd_read_answer(&a, STR("[1"), &r, &err));
    assert_false(rspamd_read_answer(&a, STR(""), &r, &err));
    arena_free(&a);
}

/* ---- forms ---- */

static void a_form_becomes_a_filter(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct filter_form f = filter_defaults();
    struct filter out;
    struct err err;
    f.name = STR(" Virus ");
    f.kind = STR("clamd");
    f.endpoint = STR("unix:/run/c");
    f.services = STR("relay, submission relay");
    f.max_size = STR("10MB");
    f.mode = STR("warn");
    assert_true(filter_of_form(&a, &f, &out, &err));
    assert_str(out.name, "virus");
    assert_int_equal(out.services, FILTER_RELAY | FILTER_SUBMISSION);
    assert_int_equal(out.max_size, 10 << 20);
    assert_int_equal(out.found, FILTER_REJECT);
    assert_true(out.warn_only);
    assert_false(out.open);
    f.max_size = STR("99999999999G");
    assert_false(filter_of_form(&a, &f, &out, &err));
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_are_hosts_with_ports_or_paths),
        cmocka_unit_test(rspamd_is_reached_by_urls),
        cmocka_unit_test(a_reply_code_becomes_smtp),
        cmocka_unit_test(replies_are_taken_apart),
        cmocka_unit_test(terms_have_lists_of_macros),
        cmocka_unit_test(actions_of_policy_servers),
        cmocka_unit_test(an_attribute_is_one_line),
        cmocka_unit_test(answers_of_clamd),
        cmocka_unit_test(answers_of_rspamd),
        cmocka_unit_test(a_form_becomes_a_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
