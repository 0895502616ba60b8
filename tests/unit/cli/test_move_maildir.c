#include "move/lines.h"
#include "move/maildir_files.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SAME(s, text) assert_true(str_eq(s, STR(text)))

/* ---- line ends ---- */

static void every_file_comes_back_as_it_was(struct str file) {
    struct buf one = BUF_EMPTY, two = BUF_EMPTY;
    bool crlf, raw;
    struct str message = lines_to_store(file, false, &one, &crlf);
    struct str back = lines_to_file(message, crlf, &two, &raw);
    assert_true(str_eq(back, file));
    assert_false(raw);
    buf_free(&one), buf_free(&two);
}

static void every_message_comes_back_as_it_was(struct str message) {
    struct buf one = BUF_EMPTY, two = BUF_EMPTY;
    bool crlf, raw;
    struct str file = lines_to_file(message, false, &one, &raw);
    assert_true(str_eq(lines_to_store(file, raw, &two, &crlf), message));
    buf_free(&one), buf_free(&two);
}

/* All strings of up to seven of these bytes. */
static void line_ends_come_back_in_both_directions(void **state) {
    (void)state;
    static const char letter[] = {'a', '\r', '\n', 0};
    for (size_t n = 0; n <= 7; n++)
        for (size_t k = 0; k < (size_t)1 << (2 * n); k++) {
            char text[8];
            for (size_t i = 0; i < n; i++)
                text[i] = letter[k >> (2 * i) & 3];
            every_file_comes_back_as_it_was(str_n(text, n));
            every_message_comes_back_as_it_was(str_n(text, n));
        }
}

static void a_unix_file_is_mail_with_crlf_in_the_store(void **state) {
    (void)state;
    struct buf out = BUF_EMPTY;
    bool crlf;
    SAME(lines_to_store(STR("a: b\n\nc"), false, &out, &crlf), "a: b\r\n\r\nc");
    assert_false(crlf);
    buf_free(&out);
}

/* ---- names ---- */

static void file_names_carry_flags_and_keywords(void **state) {
    (void)state;
    struct maildir_name n;
    maildir_name_read(STR("1700000000.M1P2.host,S=10,W=12:2,DFPRSTac"), &n);
    SAME(n.base, "1700000000.M1P2.host,S=10,W=12");
    assert_int_equal(n.flags, STORE_DRAFT | STORE_FLAGGED | STORE_ANSWERED | STORE_SEEN | STORE_DELETED);
    assert_int_equal(n.letters, 5);
    assert_true(n.forwarded);
    assert_false(n.raw);
    assert_int_equal(n.delivered, INT64_C(1700000000000000));
    struct buf out = BUF_EMPTY;
    maildir_flags_write(n.flags, n.letters, n.forwarded, &out);
    SAME(buf_str(&out), ":2,DFPRSTac");
    buf_free(&out);
}

static void file_names_without_flags_and_of_other_programs_are_read(void **state) {
    (void)state;
    struct maildir_name n;
    maildir_name_read(STR("1700000000.x.host"), &n);
    assert_int_equal(n.flags, 0);
    maildir_name_read(STR("note.txt,L=raw:1,exp"), &n);
    assert_true(n.raw);
    assert_int_equal(n.flags, 0);
    assert_int_equal(n.delivered, 0);
    maildir_name_read(STR("99999999999999999999.x:2,S,extra=D"), &n);
    assert_int_equal(n.delivered, 0);
    assert_int_equal(n.flags, STORE_SEEN);
}

static void folders_have_their_name_in_both_layouts(void **state) {
    (void)state;
    static const struct {
        const char *name, *dots, *tree;
    } folders[] = {
        {"Sent", ".Sent", "Sent"},
        {"Work/Projects", ".Work.Projects", "Work/Projects"},
        {"Entw\xc3\xbcrfe", ".Entw&APw-rfe", "Entw&APw-rfe"},
        {"v1.0", ".v1\\2e0", "v1.0"},
        {"a\\b & c", ".a\\5cb &- c", "a\\5cb &- c"},
        {"new/x", ".new.x", "\\6eew/x"},
        {".dot", ".\\2edot", "\\2edot"},
    };
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        struct buf out = BUF_EMPTY, name = BUF_EMPTY;
        maildir_folder_write(str_of(folders[i].name), true, &out);
        assert_string_equal(out.p, folders[i].dots);
        assert_true(maildir_folder_read(buf_str(&out), true, &name));
        assert_string_equal(name.p, folders[i].name);
        buf_reset(&out), buf_reset(&name);
        maildir_folder_write(str_of(folders[i].name), false, &out);
        assert_string_equal(out.p, folders[i].tree);
        assert_true(maildir_folder_read(buf_str(&out), false, &name));
        assert_string_equal(name.p, folders[i].name);
        buf_free(&out), buf_free(&name);
    }
}

static void folder_names_in_plain_utf8_are_read_and_impossible_ones_refused(void **state) {
    (void)state;
    struct buf name = BUF_EMPTY;
    assert_true(maildir_folder_read(STR(".Entw\xc3\xbcrfe"), true, &name));
    assert_string_equal(name.p, "Entw\xc3\xbcrfe");
    assert_false(maildir_folder_read(STR(".a..b"), true, &name));
    assert_false(maildir_folder_read(STR(".a\x01"), true, &name));
    assert_false(maildir_folder_read(STR(".a\xff"), true, &name));
    assert_false(maildir_folder_read(STR("."), true, &name));
    buf_free(&name);
}

/* ---- the files beside them ---- */

static void dovecots_uidlist_gives_uids_and_uidls(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct maildir_uids u;
    assert_true(maildir_uidlist_read(&a,
                                     STR("3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n"
                                         "25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,\n"
                                         "25017 W2481 P0001abc :b.host:2,S\n"
                                         "x :bad\n"
                                         "0 :zero\n"
                                         "25018\n"
                                         "25020 W1 "),
                                     &u));
    assert_int_equal(u.uidvalidity, 1275660208);
    assert_int_equal(u.uidnext, 25022);
    assert_int_equal(u.count, 2);
    const struct maildir_uid *m = maildir_uid_of(&u, STR("b.host"));
    assert_int_equal(m->uid, 25017);
    SAME(m->uidl, "0001abc");
    assert_int_equal(maildir_uid_of(&u, STR("1276528487.M364837P9451.kurkku,S=1355,W=1394"))->uid, 25006);
    assert_null(maildir_uid_of(&u, STR("other")));
    assert_false(maildir_uidlist_read(&a, STR("7 V1 N2\n"), &u));
    assert_false(maildir_uidlist_read(&a, STR(""), &u));
    arena_free(&a);
}

static void couriers_uids_and_uidls_are_read(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct maildir_uids u;
    assert_true(maildir_uidlist_read(&a, STR("1 1100000000 8\n5 a.host\n7 b.host\n"), &u));
    assert_int_equal(u.uidvalidity, 1100000000);
    maildir_sizelist_read(&a, STR("/2 9 77\na.host 100 3:77\nb.host:2,S 20 0:0\nc.host 1 4:5\nnonsense\n"), &u);
    SAME(maildir_uid_of(&u, STR("a.host"))->uidl, "UID3-77");
    assert_int_equal(maildir_uid_of(&u, STR("a.host"))->uid, 5);
    SAME(maildir_uid_of(&u, STR("b.host"))->uidl, "b.host");
    SAME(maildir_uid_of(&u, STR("c.host"))->uidl, "UID4-5");
    assert_int_equal(maildir_uid_of(&u, STR("c.host"))->uid, 0);
    arena_free(&a);
}

static void keywords_of_dovecot_and_courier_are_read(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    struct str name[MAILDIR_LETTERS];
    maildir_keywords_read(STR("0 $Label1\n2 Work\n26 toofar\nbad\n"), name);
    SAME(name[0], "$Label1");
    assert_null(name[1].p);
    SAME(name[2], "Work");
    struct maildir_keyword_list k;
    const struct maildir_keyword *first;
    maildir_courier_keywords_read(&a, STR("Red\nBlue\n\na.host:0 1\nb.host:1 9\nnocolon\n"), &k);
    assert_int_equal(maildir_keywords_of(&k, STR("a.host"), &first), 2);
    SAME(first[0].keyword, "Blue");
    SAME(first[1].keyword, "Red");
    assert_int_equal(maildir_keywords_of(&k, STR("b.host"), &first), 1);
    SAME(first->keyword, "Blue");
    assert_int_equal(maildir_keywords_of(&k, STR("c.host"), &first), 0);
    arena_free(&a);
}

static void subscriptions_of_both_servers_are_read(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    size_t n;
    struct str *list = maildir_subscriptions_read(&a, STR("Sent\nWork.Projects\nEntw&APw-rfe\n"), true, &n);
    assert_int_equal(n, 3);
    SAME(list[1], "Work/Projects");
    SAME(list[2], "Entw\xc3\xbcrfe");
    list = maildir_subscriptions_read(&a, STR("INBOX.Sent\nINBOX\n"), true, &n);
    assert_int_equal(n, 2);
    SAME(list[0], "Sent");
    SAME(list[1], "INBOX");
    list = maildir_subscriptions_read(&a, STR("V\t2\n\nSent\nWork\tv1.0\n"), true, &n);
    assert_int_equal(n, 2);
    SAME(list[1], "Work/v1.0");
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_ends_come_back_in_both_directions),
        cmocka_unit_test(a_unix_file_is_mail_with_crlf_in_the_store),
        cmocka_unit_test(file_names_carry_flags_and_keywords),
        cmocka_unit_test(file_names_without_flags_and_of_other_programs_are_read),
        cmocka_unit_test(folders_have_their_name_in_both_layouts),
        cmocka_unit_test(folder_names_in_plain_utf8_are_read_and_impossible_ones_refused),
        cmocka_unit_test(dovecots_uidlist_gives_uids_and_uidls),
        cmocka_unit_test(couriers_uids_and_uidls_are_read),
        cmocka_unit_test(keywords_of_dovecot_and_courier_are_read),
        cmocka_unit_test(subscriptions_of_both_servers_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
