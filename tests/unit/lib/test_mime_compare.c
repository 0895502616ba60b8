/*
 * Our reading of Python's own mail corpus (Debian's libpython3.11-testsuite) beside that of Python's email package:
 * compare_email.py prints what Python makes of each message, this test prints the same from our card.
 */
#include "mime_fixture.h"

#include <glob.h>

#define CORPUS "/usr/lib/python3.*/test/test_email/data/*.txt"

/* Where the two differ and ours is right. */
static const struct {
    const char *file, *why;
} differs[] = {
    {"msg_15.txt",
     "An inner multipart has the boundary of the outer one. A closing line ends the innermost, so that the image is "
     "found; Python takes it for the epilogue. Blanks at line ends are taken off quoted-printable text (RFC 2045 "
     "section 6.7 rule 3), which Python leaves."},
    {"msg_36.txt", "message/external-body is shown as a leaf as IMAP has it; Python parses every message/*."},
    {"msg_39.txt", "Inner multiparts have the boundary of the one around them: as msg_15."},
};

static uint64_t fnv(struct str s) {
    uint64_t v = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++)
        v = (v ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    return v;
}

static void add_one_line(struct buf *out, struct str s) {
    size_t start = out->n;
    for (size_t i = 0; i < s.n; i++) {
        bool blank = s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n';
        if (!blank)
            buf_add_byte(out, s.p[i]);
        else if (out->n > start && out->p[out->n - 1] != ' ')
            buf_add_byte(out, ' ');
    }
    if (out->n > start && out->p[out->n - 1] == ' ')
        out->n--;
}

static void show_part(struct buf *out, const struct mime_part *p, struct str message, int depth) {
    buf_printf(out, "part %d %.*s/%.*s", depth, STR_ARG(p->type), STR_ARG(p->subtype));
    if (mime_part_filename(p).n) {
        buf_add_c(out, " name=");
        add_one_line(out, mime_part_filename(p));
    }
    bool status = str_eq(p->subtype, STR("delivery-status"));
    if (!p->child && !status && !str_eq(p->type, STR("multipart"))) {
        struct buf body = BUF_EMPTY;
        mime_decode_transfer(p->encoding, str_sub(message, p->body_offset, p->body_bytes), &body);
        buf_printf(out, " %zu %016llx", body.n, (unsigned long long)fnv(buf_str(&body)));
        buf_free(&body);
    }
    buf_add_byte(out, '\n');
    for (const struct mime_part *child = p->child; child; child = child->next)
        show_part(out, child, message, depth + 1);
}

static void show_addresses(struct buf *out, const char *field, const struct mime_addresses *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct mime_address *a = &list->at[i];
        if (!a->host.p)
            continue;
        buf_printf(out, "%s ", field);
        add_one_line(out, a->name);
        buf_printf(out, " <%.*s%s%.*s>\n", STR_ARG(a->mailbox), a->host.n ? "@" : "", STR_ARG(a->host));
    }
}

static void show_message(struct buf *out, struct str message) {
    struct arena a = ARENA_EMPTY;
    struct mime_card *card = mime_parse(&a, message);
    show_part(out, card->root, message, 0);
    show_addresses(out, "from", &card->envelope->from);
    show_addresses(out, "to", &card->envelope->to);
    show_addresses(out, "cc", &card->envelope->cc);
    if (card->sent_at == INT64_MIN)
        buf_add_c(out, "date -\n");
    else
        buf_printf(out, "date %lld\n", (long long)(card->sent_at / 1000000));
    buf_add_c(out, "subject ");
    add_one_line(out, card->subject);
    buf_add_byte(out, '\n');
    arena_free(&a);
}

static bool may_differ(struct str path) {
    for (size_t i = 0; i < sizeof differs / sizeof *differs; i++)
        if (str_ends(path, str_of(differs[i].file)))
            return true;
    return false;
}

/* Python's report on all files: "== path" and the lines on it. */
static void run_python(const glob_t *files, struct buf *out) {
    struct buf command = BUF_EMPTY;
    buf_add_c(&command, "/usr/bin/python3 tests/unit/lib/compare_email.py");
    for (size_t i = 0; i < files->gl_pathc; i++)
        buf_printf(&command, " '%s'", files->gl_pathv[i]);
    FILE *pipe = popen(command.p, "r");
    assert_non_null(pipe);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        buf_add(out, chunk, n);
    assert_int_equal(pclose(pipe), 0);
    buf_free(&command);
}

/* Takes "== path" and its lines off *report. */
static struct str take_report(struct str *report, struct str *path) {
    *path = str_sub(*report, 3, (size_t)str_chr(*report, '\n') - 3);
    *report = str_sub(*report, path->n + 4, report->n);
    ptrdiff_t end = str_find(*report, STR("\n== "));
    struct str lines = end < 0 ? *report : str_sub(*report, 0, (size_t)end + 1);
    *report = str_sub(*report, lines.n, report->n);
    return lines;
}

static void our_reading_is_that_of_python(void **state) {
    (void)state;
    glob_t files;
    if (glob(CORPUS, 0, NULL, &files) != 0) {
        print_message("libpython3.11-testsuite is not installed\n");
        skip();
    }
    struct buf theirs = BUF_EMPTY;
    run_python(&files, &theirs);
    struct str report = buf_str(&theirs), path;
    size_t compared = 0, different = 0;
    while (report.n) {
        struct str want = take_report(&report, &path);
        struct buf message = BUF_EMPTY, got = BUF_EMPTY;
        char name[512];
        assert_true(str_to_c(path, name, sizeof name) && read_file(name, &message));
        show_message(&got, buf_str(&message));
        bool same = str_eq(buf_str(&got), want);
        if (same == may_differ(path)) {
            print_error("%s %s\nours:\n%s\nPython's:\n%.*s\n", name, same ? "is no difference any more" : "differs",
                        got.p, STR_ARG(want));
            different++;
        }
        compared++;
        buf_free(&message), buf_free(&got);
    }
    assert_int_equal(compared, files.gl_pathc);
    assert_int_equal(different, 0);
    buf_free(&theirs);
    globfree(&files);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(our_reading_is_that_of_python)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
