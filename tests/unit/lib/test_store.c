/* Needs a database with the schema (MANSIO_TEST_DB); works on account numbers of its own, which no directory row has.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "db/db.h"
#include "store/blob.h"
#include "store/queue.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

static const char *conninfo;
static struct db *db;
static struct store *store;
static struct arena arena;
static char folder[] = "/tmp/mansio-test-store-XXXXXX";
static int64_t account;
static struct blob_options places;
static struct err err;

static int setup(void **state) {
    (void)state;
    if (!conninfo)
        return 0;
    if (!mkdtemp(folder))
        return -1;
    snprintf(places.folder, sizeof places.folder, "%s", folder);
    db = db_open(conninfo, 30, &err);
    store = store_open(db, conninfo, &places, &err);
    uint32_t noise;
    random_bytes(&noise, sizeof noise);
    account = (INT64_C(1) << 50) + ((int64_t)noise << 8);
    return store ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    if (!conninfo)
        return 0;
    for (int i = 0; i < 20; i++)
        store_sweep(store, 0, &err);
    store_close(store);
    db_close(db);
    arena_free(&arena);
    struct buf command = BUF_EMPTY;
    buf_printf(&command, "rm -rf '%s'", folder);
    int code = system(command.p);
    buf_free(&command);
    return code;
}

static int each(void **state) {
    (void)state;
    if (!conninfo)
        skip();
    account++;
    return 0;
}

static struct store_delivery deliver(struct str message, const char *mailbox, uint32_t flags, int64_t quota) {
    struct store_delivery d = {.account_id = account,
                               .mailbox = str_of(mailbox),
                               .quota_bytes = quota,
                               .flags = flags,
                               .prefix = STR("Return-Path: <a@b>\r\n")};
    assert_int_equal(store_deliver(store, message, -1, STR("card"), &d, 1, NULL, &err), STORE_OK);
    return d;
}

static struct store_mailbox find(const char *name) {
    struct store_mailbox box;
    assert_int_equal(store_mailbox_find(store, &arena, account, str_of(name), &box, &err), STORE_OK);
    return box;
}

static struct str read_all(int64_t mailbox, uint32_t uid) {
    struct uid_range one = {uid, uid};
    struct store_card *card;
    size_t n;
    assert_int_equal(store_cards(store, &arena, account, mailbox, &one, 1, &card, &n, &err), STORE_OK);
    assert_int_equal(n, 1);
    struct buf out = BUF_EMPTY;
    assert_int_equal(store_read(store, card, 0, UINT64_MAX, &out, &err), STORE_OK);
    struct str copy = arena_str(&arena, buf_str(&out));
    buf_free(&out);
    return copy;
}

static void a_new_account_has_its_mailboxes(void **state) {
    (void)state;
    struct store_mailbox *box;
    size_t n;
    assert_int_equal(store_mailbox_list(store, &arena, account, &box, &n, &err), STORE_OK);
    assert_int_equal(n, 6);
    assert_true(str_eq(box[0].name, STR("INBOX")) && !box[0].special_use.p);
    assert_true(str_eq(find("Sent").special_use, STR("\\Sent")));
    assert_int_equal(find("inbox").id, box[0].id);
}

static void a_delivery_is_counted_and_reads_back(void **state) {
    (void)state;
    struct store_delivery d = deliver(STR("Subject: x\r\n\r\nhello\r\n"), NULL, 0, -1);
    assert_int_equal(d.status, STORE_OK);
    assert_int_equal(d.uid, 1);
    struct store_mailbox box = find("INBOX");
    assert_int_equal(box.messages, 1);
    assert_int_equal(box.unseen, 1);
    assert_int_equal(box.uidnext, 2);
    assert_true(box.highestmodseq == d.modseq);
    struct str got = read_all(box.id, 1);
    assert_true(str_eq(got, STR("Return-Path: <a@b>\r\nSubject: x\r\n\r\nhello\r\n")));
    assert_int_equal(box.bytes, got.n);
    uint64_t bytes, messages;
    store_usage(store, account, &bytes, &messages, &err);
    assert_int_equal(bytes, got.n);
}

static void parts_are_read_across_prefix_and_blob(void **state) {
    (void)state;
    deliver(STR("0123456789"), NULL, 0, -1);
    struct uid_range one = {1, 1};
    struct store_card *card;
    size_t n;
    store_cards(store, &arena, account, find("INBOX").id, &one, 1, &card, &n, &err);
    struct buf out = BUF_EMPTY;
    assert_int_equal(store_read(store, card, 18, 5, &out, &err), STORE_OK);
    assert_true(str_eq(buf_str(&out), STR("\r\n012")));
    buf_reset(&out);
    assert_int_equal(store_read(store, card, 25, 100, &out, &err), STORE_OK);
    assert_true(str_eq(buf_str(&out), STR("56789")));
    buf_reset(&out);
    assert_int_equal(store_read(store, card, 1000, 1, &out, &err), STORE_OK);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void over_quota_one_recipient_fails_and_the_other_gets_it(void **state) {
    (void)state;
    struct store_delivery d[2] = {{.account_id = account, .quota_bytes = 3},
                                  {.account_id = account + 100000, .quota_bytes = 1000}};
    assert_int_equal(store_deliver(store, STR("12345"), -1, STR("card"), d, 2, NULL, &err), STORE_OK);
    assert_int_equal(d[0].status, STORE_QUOTA);
    assert_int_equal(d[1].status, STORE_OK);
    assert_int_equal(find("INBOX").messages, 0);
}

static void an_unknown_folder_falls_back_to_the_inbox(void **state) {
    (void)state;
    struct store_delivery d = deliver(STR("x"), "No/Such", 0, -1);
    assert_int_equal(d.into_mailbox, find("INBOX").id);
    struct store_delivery gone = {.account_id = account, .mailbox_id = INT64_MAX, .quota_bytes = -1};
    assert_int_equal(store_deliver(store, STR("x"), -1, STR("card"), &gone, 1, NULL, &err), STORE_OK);
    assert_int_equal(gone.status, STORE_NOT_FOUND);
}

enum { THREADS = 16, EACH = 40 };

static void *deliver_many(void *arg) {
    int64_t base = *(int64_t *)arg;
    for (int i = 0; i < EACH; i++) {
        struct store_delivery d = {.account_id = base + i % 3, .quota_bytes = -1};
        struct err e;
        if (store_deliver(store, STR("message"), -1, STR("card"), &d, 1, NULL, &e) != STORE_OK || d.status != STORE_OK)
            return (void *)1;
    }
    return NULL;
}

static void many_threads_deliver_each_message_once(void **state) {
    (void)state;
    account += 1000;
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, deliver_many, &account);
    for (int i = 0; i < THREADS; i++) {
        void *bad;
        pthread_join(thread[i], &bad);
        assert_null(bad);
    }
    size_t total = 0;
    for (int k = 0; k < 3; k++, account++) {
        struct store_mailbox box = find("INBOX");
        struct store_message *m;
        size_t n;
        assert_int_equal(store_messages(store, &arena, account, box.id, 1, 0, &m, &n, &err), STORE_OK);
        assert_int_equal(n, box.messages);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(m[i].uid, i + 1);
        total += n;
    }
    assert_int_equal(total, THREADS * EACH);
    account += 1000;
}

static void flags_change_with_counters_and_modseq(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++)
        deliver(STR("x"), NULL, 0, -1);
    struct store_mailbox box = find("INBOX");
    struct uid_range range[2] = {{1, 1}, {3, 100}};
    struct str keyword[] = {STR("$Label1"), STR("work")}, drop[] = {STR("WORK")};
    struct store_flag_change x = {STORE_ADD, STORE_SEEN | STORE_FLAGGED, keyword, 2, .unchanged_since = 0};
    assert_int_equal(store_change_flags(store, &arena, account, box.id, range, 2, &x, &err), STORE_OK);
    assert_int_equal(x.count, 2);
    assert_true(x.message[0].uid == 1 && x.message[1].uid == 3 && x.message[1].keyword_count == 2 &&
                x.message[1].flags == (STORE_SEEN | STORE_FLAGGED));
    struct store_mailbox after = find("INBOX");
    assert_int_equal(after.unseen, 1);
    assert_true(after.highestmodseq == box.highestmodseq + 1 && x.message[0].modseq == after.highestmodseq);
    /* the same again changes nothing, so it moves no modseq */
    x = (struct store_flag_change){STORE_ADD, STORE_SEEN, keyword, 1, .unchanged_since = 0};
    assert_int_equal(store_change_flags(store, &arena, account, box.id, range, 2, &x, &err), STORE_OK);
    assert_true(find("INBOX").highestmodseq == after.highestmodseq);
    /* unchanged_since rules out what changed later */
    struct uid_range all = {1, UINT32_MAX};
    x = (struct store_flag_change){STORE_SET, STORE_DELETED, NULL, 0, .unchanged_since = box.highestmodseq};
    store_change_flags(store, &arena, account, box.id, &all, 1, &x, &err);
    assert_true(x.count == 1 && x.message[0].uid == 2 && x.failed_count == 2 && x.failed[0] == 1 && x.failed[1] == 3);
    assert_int_equal(find("INBOX").deleted, 1);
    struct uid_range first = {1, 1};
    x = (struct store_flag_change){STORE_REMOVE, STORE_FLAGGED, drop, 1, .unchanged_since = 0};
    store_change_flags(store, &arena, account, box.id, &first, 1, &x, &err);
    assert_true(x.count == 1 && x.message[0].flags == STORE_SEEN && x.message[0].keyword_count == 1 &&
                str_eq(x.message[0].keyword[0], STR("$Label1")));
    assert_int_equal(store_change_flags(store, &arena, account, box.id + 1000000, &first, 1, &x, &err),
                     STORE_NOT_FOUND);
}

struct flagger {
    pthread_t thread;
    int number;
    int64_t box;
    uint64_t modseq[50];
};

/* Each sets a keyword of its own on the same messages, and a flag to and fro. */
static void *set_flags(void *context) {
    struct flagger *f = context;
    struct arena a = ARENA_EMPTY;
    struct err e;
    struct uid_range all = {1, 4};
    for (int i = 0; i < 50; i++) {
        struct str keyword = arena_printf(&a, "k%d-%d", f->number, i);
        struct store_flag_change x = {i % 2 ? STORE_ADD : STORE_REMOVE, STORE_SEEN, NULL, 0, .unchanged_since = 0};
        assert_int_equal(store_change_flags(store, &a, account, f->box, &all, 1, &x, &e), STORE_OK);
        x = (struct store_flag_change){STORE_ADD, 0, &keyword, 1, .unchanged_since = 0};
        assert_int_equal(store_change_flags(store, &a, account, f->box, &all, 1, &x, &e), STORE_OK);
        assert_int_equal(x.count, 4);
        f->modseq[i] = x.message[0].modseq;
    }
    arena_free(&a);
    return NULL;
}

static int by_modseq(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void changes_that_share_a_commit_lose_nothing_and_have_a_modseq_each(void **state) {
    (void)state;
    enum { SESSIONS = 8 };
    static struct flagger f[SESSIONS];
    static uint64_t modseq[SESSIONS * 50];
    for (int i = 0; i < 4; i++)
        deliver(STR("x"), NULL, 0, -1);
    struct store_mailbox box = find("INBOX");
    for (int i = 0; i < SESSIONS; i++) {
        f[i] = (struct flagger){.number = i, .box = box.id};
        pthread_create(&f[i].thread, NULL, set_flags, &f[i]);
    }
    for (int i = 0; i < SESSIONS; i++) {
        pthread_join(f[i].thread, NULL);
        memcpy(modseq + i * 50, f[i].modseq, sizeof f[i].modseq);
    }
    qsort(modseq, SESSIONS * 50, sizeof *modseq, by_modseq);
    for (int i = 1; i < SESSIONS * 50; i++)
        assert_true(modseq[i] > modseq[i - 1]);
    struct store_message *m;
    size_t n, seen = 0;
    assert_int_equal(store_messages(store, &arena, account, box.id, 1, 0, &m, &n, &err), STORE_OK);
    assert_int_equal(n, 4);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(m[i].keyword_count, SESSIONS * 50);
        seen += m[i].flags & STORE_SEEN ? 1 : 0;
    }
    box = find("INBOX");
    assert_int_equal(box.unseen, n - seen);
    assert_true(box.highestmodseq >= modseq[SESSIONS * 50 - 1]);
}

/* Messages that were appended together: their UIDs follow each other even while others deliver. */
static void *append_threes(void *arg) {
    int64_t box = *(int64_t *)arg;
    for (int i = 0; i < 20; i++) {
        struct store_append m[3] = {{STR("one"), STR("c")}, {STR("second"), STR("c")}, {STR("3"), STR("c")}};
        struct store_delivery d[3];
        struct err why;
        for (int k = 0; k < 3; k++)
            d[k] = (struct store_delivery){.account_id = account, .mailbox_id = box, .quota_bytes = -1};
        assert_int_equal(store_append(store, m, d, 3, &why), STORE_OK);
        assert_true(d[1].uid == d[0].uid + 1 && d[2].uid == d[0].uid + 2);
        assert_true(d[0].modseq == d[2].modseq && d[0].email_id != d[1].email_id);
    }
    return NULL;
}

static void messages_appended_together_stay_together(void **state) {
    (void)state;
    pthread_t thread[4];
    int64_t inbox = find("INBOX").id;
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, append_threes, &inbox);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    struct store_mailbox box = find("INBOX");
    assert_true(box.messages == 240 && box.uidnext == 241 && box.bytes == 80 * 10);
    for (uint32_t uid = 1; uid <= 240; uid += 3) {
        assert_true(str_eq(read_all(box.id, uid), STR("one")));
        assert_true(str_eq(read_all(box.id, uid + 1), STR("second")));
        assert_true(str_eq(read_all(box.id, uid + 2), STR("3")));
    }
}

static void messages_appended_together_are_all_there_or_none(void **state) {
    (void)state;
    struct store_append m[3] = {{STR("12345"), STR("c")}, {STR("12345"), STR("c")}, {STR("12345"), STR("c")}};
    struct store_delivery d[3];
    int64_t box = find("INBOX").id;
    for (int k = 0; k < 3; k++)
        d[k] = (struct store_delivery){.account_id = account, .mailbox_id = box, .quota_bytes = 14};
    assert_int_equal(store_append(store, m, d, 3, &err), STORE_QUOTA);
    assert_true(find("INBOX").messages == 0 && find("INBOX").uidnext == 1);
    assert_int_equal(store_append(store, m, d, 2, &err), STORE_OK);
    for (int k = 0; k < 3; k++)
        d[k] = (struct store_delivery){.account_id = account, .mailbox_id = INT64_MAX, .quota_bytes = -1};
    assert_int_equal(store_append(store, m, d, 3, &err), STORE_NOT_FOUND);
    assert_true(find("INBOX").messages == 2 && find("INBOX").uidnext == 3);
}

static void a_replaced_message_goes_with_the_commit_of_the_new_one(void **state) {
    (void)state;
    deliver(STR("old"), NULL, STORE_SEEN, -1);
    deliver(STR("other"), NULL, 0, -1);
    struct store_mailbox inbox = find("INBOX");
    struct store_append m = {STR("new message"), STR("c")};
    struct store_delivery d = {
        .account_id = account, .mailbox_id = inbox.id, .quota_bytes = -1, .flags = STORE_DELETED};
    assert_int_equal(store_replace(store, &arena, account, inbox.id, 1, &m, &d, &err), STORE_OK);
    struct store_mailbox now = find("INBOX");
    assert_true(d.uid == 3 && now.uidnext == 4 && now.messages == 2 && now.unseen == 2 && now.deleted == 1);
    assert_true(str_eq(read_all(inbox.id, 3), STR("new message")));
    struct store_expunged *gone;
    size_t n;
    assert_int_equal(store_expunged(store, &arena, account, inbox.id, inbox.highestmodseq, &gone, &n, &err), STORE_OK);
    assert_true(n == 1 && gone[0].uid == 1 && gone[0].modseq == now.highestmodseq && d.modseq < now.highestmodseq);
    uint64_t bytes, messages;
    store_usage(store, account, &bytes, &messages, &err);
    assert_true(messages == 2 && bytes == now.bytes);
    assert_int_equal(store_replace(store, &arena, account, inbox.id, 1, &m, &d, &err), STORE_INVALID);
    d.mailbox_id = INT64_MAX;
    assert_int_equal(store_replace(store, &arena, account, inbox.id, 2, &m, &d, &err), STORE_NOT_FOUND);
    assert_true(find("INBOX").messages == 2 && find("INBOX").uidnext == 4);
}

static void expunge_removes_only_what_is_deleted_and_remembers_it(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++)
        deliver(STR("x"), NULL, i % 2 ? STORE_DELETED : 0, -1);
    struct store_mailbox box = find("INBOX");
    uint32_t *gone;
    size_t n;
    uint64_t modseq;
    assert_int_equal(store_expunge(store, &arena, account, box.id, NULL, 0, &gone, &n, &modseq, &err), STORE_OK);
    assert_true(n == 2 && gone[0] == 2 && gone[1] == 4);
    struct store_mailbox after = find("INBOX");
    assert_true(after.messages == 2 && after.deleted == 0 && after.uidnext == 5 && after.highestmodseq == modseq);
    struct store_expunged *list;
    store_expunged(store, &arena, account, box.id, box.highestmodseq, &list, &n, &err);
    assert_true(n == 2 && list[0].uid == 2 && list[1].uid == 4 && list[1].modseq == modseq);
    uint64_t bytes, messages;
    store_usage(store, account, &bytes, &messages, &err);
    assert_true(messages == 2 && bytes == after.bytes);
}

static void a_copy_shares_the_bytes_until_the_last_is_gone(void **state) {
    (void)state;
    deliver(STR("shared bytes"), NULL, 0, -1);
    struct store_mailbox inbox = find("INBOX"), archive = find("Archive");
    struct uid_range all = {1, UINT32_MAX};
    size_t n;
    struct store_copying c = {account, inbox.id, 0, account, archive.id, .quota = {-1, 0}};
    assert_int_equal(store_copy(store, &arena, &all, 1, &c, &err), STORE_OK);
    assert_true(c.count == 1 && c.from[0] == 1 && c.to[0] == 1 && c.to_uidvalidity == archive.uidvalidity);
    assert_true(str_ends(read_all(archive.id, 1), STR("shared bytes")));
    uint32_t *gone;
    struct store_flag_change x = {STORE_ADD, STORE_DELETED, NULL, 0, .unchanged_since = 0};
    store_change_flags(store, &arena, account, inbox.id, &all, 1, &x, &err);
    store_expunge(store, &arena, account, inbox.id, NULL, 0, &gone, &n, NULL, &err);
    assert_true(str_ends(read_all(archive.id, 1), STR("shared bytes")));
    c = (struct store_copying){account, archive.id, 0, account, inbox.id, .quota = {10, 0}};
    assert_int_equal(store_copy(store, &arena, &all, 1, &c, &err), STORE_QUOTA);
}

static void a_move_takes_the_messages_along_exactly_once(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++)
        deliver(STR("x"), NULL, i == 1 ? STORE_SEEN : 0, -1);
    struct store_mailbox inbox = find("INBOX"), trash = find("Trash");
    struct uid_range two = {2, 3};
    size_t n;
    struct store_copying c = {account, inbox.id, 0, account, trash.id, .move = true, .quota = {-1, 0}};
    assert_int_equal(store_copy(store, &arena, &two, 1, &c, &err), STORE_OK);
    assert_int_equal(c.count, 2);
    inbox = find("INBOX"), trash = find("Trash");
    assert_true(inbox.messages == 1 && inbox.unseen == 1 && trash.messages == 2 && trash.unseen == 1);
    struct store_expunged *list;
    store_expunged(store, &arena, account, inbox.id, 0, &list, &n, &err);
    assert_int_equal(n, 2);
}

static void folders_are_made_renamed_and_deleted(void **state) {
    (void)state;
    struct str none = {NULL, 0};
    assert_int_equal(store_mailbox_create(store, account, STR("Work/Plans/2026"), none, &err), STORE_OK);
    assert_int_equal(store_mailbox_create(store, account, STR("Work"), none, &err), STORE_EXISTS);
    assert_int_equal(store_mailbox_create(store, account, STR("a//b"), none, &err), STORE_INVALID);
    assert_int_equal(store_mailbox_create(store, account, STR("a\xff"), none, &err), STORE_INVALID);
    struct store_delivery d = deliver(STR("x"), "Work/Plans/2026", 0, -1);
    assert_int_equal(store_mailbox_rename(store, account, STR("Work"), STR("Job/Old"), &err), STORE_OK);
    assert_int_equal(find("Job/Old/Plans/2026").id, d.into_mailbox);
    assert_int_equal(find("Job").messages, 0);
    assert_int_equal(store_mailbox_rename(store, account, STR("Job"), STR("Job/Below"), &err), STORE_INVALID);
    assert_int_equal(store_mailbox_rename(store, account, STR("Job"), STR("Sent"), &err), STORE_EXISTS);
    uint32_t validity = find("Job/Old/Plans/2026").uidvalidity;
    assert_int_equal(store_mailbox_delete(store, account, STR("Job/Old/Plans/2026"), &err), STORE_OK);
    assert_int_equal(store_mailbox_create(store, account, STR("Job/Old/Plans/2026"), none, &err), STORE_OK);
    assert_true(find("Job/Old/Plans/2026").uidvalidity > validity);
    assert_int_equal(store_mailbox_delete(store, account, STR("inbox"), &err), STORE_INVALID);
    deliver(STR("y"), NULL, 0, -1);
    assert_int_equal(store_mailbox_rename(store, account, STR("INBOX"), STR("Saved"), &err), STORE_OK);
    assert_true(find("INBOX").messages == 0 && find("Saved").messages == 1);
    uint64_t bytes, messages;
    store_usage(store, account, &bytes, &messages, &err);
    assert_int_equal(messages, 1);
}

static bool is_claimed(int64_t id, int64_t *release_at) {
    struct queue_job *job = NULL;
    size_t n;
    bool found = false;
    assert_int_equal(queue_claim(store, &arena, "test", 60, 1000, &job, &n, &err), STORE_OK);
    for (size_t i = 0; i < n; i++)
        if (job[i].message_id == id) {
            found = true;
            *release_at = job[i].release_at;
        }
    return found;
}

static void a_message_is_not_claimed_before_its_time(void **state) {
    (void)state;
    struct store_queued_recipient to = {.address = STR("a@far.example"), .original = STR(""), .next_hop = STR("")};
    int64_t soon = clock_now() + CLOCK_SECOND, release_at = 0;
    struct store_queued q = {
        .id = queue_new_id(), .sender = STR("me@here.example"), .recipient = &to, .count = 1, .release_at = soon};
    assert_int_equal(store_deliver(store, STR("later"), -1, STR("card"), NULL, 0, &q, &err), STORE_OK);
    if (clock_now() < soon)
        assert_false(is_claimed(q.id, &release_at));
    while (clock_now() < soon + CLOCK_SECOND / 20)
        usleep(20000);
    assert_true(is_claimed(q.id, &release_at));
    assert_int_equal(release_at, soon);
}

static void a_queued_message_is_claimed_once_deferred_and_finished(void **state) {
    (void)state;
    struct store_queued_recipient to[] = {{.address = STR("a@far.example"), .original = STR(""), .next_hop = STR("")},
                                          {.address = STR("b@far.example"),
                                           .original = STR(""),
                                           .next_hop = STR(""),
                                           .notify = STR("NEVER"),
                                           .orcpt = STR("rfc822;c@far.example")}};
    struct store_queued q = {.id = queue_new_id(),
                             .sender = STR("me@here.example"),
                             .recipient = to,
                             .count = 2,
                             .body_binary = true,
                             .require_tls = true,
                             .envid = STR("an id"),
                             .ret = STR("HDRS")};
    struct store_delivery d = {.account_id = account, .quota_bytes = -1};
    assert_int_equal(store_deliver(store, STR("both ways"), -1, STR("card"), &d, 1, &q, &err), STORE_OK);
    assert_int_equal(find("INBOX").messages, 1);
    struct queue_job *job = NULL, *mine = NULL;
    size_t n;
    assert_int_equal(queue_claim(store, &arena, "test", 60, 1000, &job, &n, &err), STORE_OK);
    for (size_t i = 0; i < n; i++)
        if (job[i].message_id == q.id)
            mine = &job[i];
    assert_non_null(mine);
    assert_int_equal(mine->count, 2);
    assert_true(str_eq(mine->domain, STR("far.example")) && str_eq(mine->sender, STR("me@here.example")));
    assert_true(mine->body_binary && mine->require_tls && !mine->smtputf8 && mine->release_at == 0);
    assert_true(str_eq(mine->envid, STR("an id")) && str_eq(mine->ret, STR("HDRS")));
    assert_true(!mine->recipient[0].orcpt.p && str_eq(mine->recipient[1].orcpt, STR("rfc822;c@far.example")));
    assert_true(!mine->recipient[0].notify.p && str_eq(mine->recipient[1].notify, STR("NEVER")));
    struct buf out = BUF_EMPTY;
    assert_int_equal(queue_read(store, mine, 0, 100, &out, &err), STORE_OK);
    assert_true(str_eq(buf_str(&out), STR("both ways")));
    buf_free(&out);
    struct queue_job *other;
    assert_int_equal(queue_claim(store, &arena, "other", 60, 1000, &other, &n, &err), STORE_OK);
    for (size_t i = 0; i < n; i++)
        assert_true(other[i].message_id != q.id);
    assert_int_equal(queue_extend(store, mine, "other", 60, &err), STORE_NOT_FOUND);
    assert_int_equal(queue_extend(store, mine, "test", 60, &err), STORE_OK);
    struct queue_result result[2] = {{&mine->recipient[0], QUEUE_DELIVERED, 0, false, STR("250 ok")},
                                     {&mine->recipient[1], QUEUE_DEFERRED, clock_now() - 1, true, STR("451 later")}};
    struct str none = {NULL, 0};
    assert_int_equal(queue_finish(store, mine, "test", result, 2, none, none, NULL, 0, NULL, &err), STORE_OK);
    mine = NULL;
    assert_int_equal(queue_claim(store, &arena, "test", 60, 1000, &job, &n, &err), STORE_OK);
    for (size_t i = 0; i < n; i++)
        if (job[i].message_id == q.id)
            mine = &job[i];
    assert_non_null(mine);
    assert_true(mine->count == 1 && mine->recipient[0].attempts == 1 && mine->recipient[0].delay_notified);
    assert_true(str_eq(mine->recipient[0].last_reply, STR("451 later")));
    struct queue_result failed = {&mine->recipient[0], QUEUE_FAILED, 0, false, STR("550 no")};
    struct store_delivery bounce = {.account_id = account, .quota_bytes = -1};
    assert_int_equal(
        queue_finish(store, mine, "test", &failed, 1, STR("a bounce"), STR("card"), &bounce, 1, NULL, &err), STORE_OK);
    assert_int_equal(find("INBOX").messages, 2);
    char text[16];
    int64_t back;
    queue_id_text(q.id, text);
    assert_true(queue_id_parse(str_of(text), &back) && back == q.id);
    assert_false(queue_id_parse(STR("U!"), &back));
}

static bool count_blob(void *context, const blob_id id, uint64_t size, int64_t written_at) {
    (void)id, (void)size, (void)written_at;
    ++*(size_t *)context;
    return true;
}

static int segments(const char *path) {
    struct dirent **entry;
    int n = scandir(path, &entry, NULL, NULL), found = 0;
    for (int i = 0; i < n; i++) {
        found += str_ends(str_of(entry[i]->d_name), STR(".seg"));
        free(entry[i]);
    }
    free(entry);
    return found;
}

static void a_blob_is_immutable_checked_and_swept_when_nobody_names_it(void **state) {
    (void)state;
    char own[] = "/tmp/mansio-test-blob-XXXXXX";
    assert_non_null(mkdtemp(own));
    struct blob_options of_own = {.compress = false};
    snprintf(of_own.folder, sizeof of_own.folder, "%s", own);
    struct blob_store *b = blob_open(&of_own, &err);
    blob_id one, two;
    assert_true(blob_put(b, STR("first"), -1, one, &err) && blob_put(b, STR(""), -1, two, &err) && blob_sync(b, &err));
    struct buf out = BUF_EMPTY;
    assert_true(blob_get(b, one, 1, 3, &out, &err) && str_eq(buf_str(&out), STR("irs")));
    size_t n = 0;
    assert_true(blob_list(b, count_blob, &n, &err) && n == 2);
    assert_true(blob_delete(b, one, &err) && blob_delete(b, one, &err));
    assert_false(blob_get(b, one, 0, 5, &out, &err));
    n = 0;
    assert_true(blob_list(b, count_blob, &n, &err) && n == 1);
    assert_true(blob_delete(b, two, &err));
    assert_int_equal(segments(own), 1); /* it is being written */
    assert_true(blob_put(b, STR("third"), -1, one, &err) && blob_sync(b, &err));
    blob_close(b);
    b = blob_open(&of_own, &err); /* and now it is not: with its last blob it goes */
    buf_reset(&out);
    assert_true(blob_get(b, one, 0, 100, &out, &err) && str_eq(buf_str(&out), STR("third")));
    assert_true(blob_delete(b, one, &err));
    assert_int_equal(segments(own), 0);
    blob_close(b);
    buf_free(&out);
    struct buf command = BUF_EMPTY;
    buf_printf(&command, "rm -rf '%s'", own);
    assert_int_equal(system(command.p), 0);
    buf_free(&command);
}

static void changed(void *context, int64_t a, int64_t mailbox, uint64_t modseq, bool own) {
    (void)modseq;
    int64_t *seen = context;
    if (a == account && mailbox && !own)
        __atomic_store_n(seen, clock_monotonic(), __ATOMIC_SEQ_CST);
}

static void another_process_learns_of_a_delivery_within_100_ms(void **state) {
    (void)state;
    static int64_t seen;
    struct store *other = store_open(db, conninfo, &places, &err);
    store_watch(other, &(struct store_watcher){.changed = changed, .context = &seen});
    usleep(200000); /* the listening connection */
    deliver(STR("x"), NULL, 0, -1);
    int64_t start = clock_monotonic();
    while (!__atomic_load_n(&seen, __ATOMIC_SEQ_CST) && clock_monotonic() < start + CLOCK_SECOND)
        usleep(500);
    int64_t took = clock_monotonic() - start;
    store_close(other);
    assert_in_range(took, 0, 100000);
}

int main(void) {
    conninfo = getenv("MANSIO_TEST_DB");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_account_has_its_mailboxes, each),
        cmocka_unit_test_setup(a_delivery_is_counted_and_reads_back, each),
        cmocka_unit_test_setup(parts_are_read_across_prefix_and_blob, each),
        cmocka_unit_test_setup(over_quota_one_recipient_fails_and_the_other_gets_it, each),
        cmocka_unit_test_setup(an_unknown_folder_falls_back_to_the_inbox, each),
        cmocka_unit_test_setup(many_threads_deliver_each_message_once, each),
        cmocka_unit_test_setup(flags_change_with_counters_and_modseq, each),
        cmocka_unit_test_setup(changes_that_share_a_commit_lose_nothing_and_have_a_modseq_each, each),
        cmocka_unit_test_setup(messages_appended_together_stay_together, each),
        cmocka_unit_test_setup(messages_appended_together_are_all_there_or_none, each),
        cmocka_unit_test_setup(a_replaced_message_goes_with_the_commit_of_the_new_one, each),
        cmocka_unit_test_setup(expunge_removes_only_what_is_deleted_and_remembers_it, each),
        cmocka_unit_test_setup(a_copy_shares_the_bytes_until_the_last_is_gone, each),
        cmocka_unit_test_setup(a_move_takes_the_messages_along_exactly_once, each),
        cmocka_unit_test_setup(folders_are_made_renamed_and_deleted, each),
        cmocka_unit_test_setup(a_queued_message_is_claimed_once_deferred_and_finished, each),
        cmocka_unit_test_setup(a_message_is_not_claimed_before_its_time, each),
        cmocka_unit_test_setup(a_blob_is_immutable_checked_and_swept_when_nobody_names_it, each),
        cmocka_unit_test_setup(another_process_learns_of_a_delivery_within_100_ms, each),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
