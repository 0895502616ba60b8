#include "mail/mail.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Messages as their parts' header lines; what is shown and what is attached, as sections. */
static void shows(const char *message, bool prefer_html, const char *shown, const char *attached) {
    struct arena a = ARENA_EMPTY;
    struct buf got = BUF_EMPTY;
    struct mail_parts parts;
    struct mime_card *card = mime_parse(&a, str_of(message));
    mail_parts_find(card->root, prefer_html, &parts);
    for (size_t i = 0; i < parts.shown_count; i++)
        buf_printf(&got, "%s%.*s", i ? " " : "", STR_ARG(mail_part_section(&a, parts.shown[i])));
    if (!str_eq(buf_str(&got), str_of(shown)))
        fail_msg("shown: %s, not %s", got.p ? got.p : "", shown);
    buf_reset(&got);
    for (size_t i = 0; i < parts.attachments; i++)
        buf_printf(&got, "%s%.*s", i ? " " : "", STR_ARG(mail_part_section(&a, parts.attachment[i])));
    if (!str_eq(buf_str(&got), str_of(attached)))
        fail_msg("attached: %s, not %s", got.p ? got.p : "", attached);
    buf_free(&got);
    arena_free(&a);
}

#define MULTIPART(subtype, boundary) "Content-Type: multipart/" subtype "; boundary=" boundary "\n\n"
#define PART(boundary, header) "--" boundary "\n" header "\n\nx\n"
#define END(boundary) "--" boundary "--\n"

static void a_plain_message_is_its_text(void **state) {
    (void)state;
    shows("Subject: x\n\nhello\n", true, "1", "");
    shows("Content-Type: application/pdf\n\nx\n", true, "", "1");
    shows("Content-Type: text/html\nContent-Disposition: attachment\n\nx\n", true, "", "1");
}

static const char ALTERNATIVE[] = MULTIPART("alternative", "a") PART("a", "Content-Type: text/plain")
    PART("a", "Content-Type: text/html") PART("a", "Content-Type: text/calendar") END("a");

static void of_alternatives_the_preferred_form_is_shown(void **state) {
    (void)state;
    shows(ALTERNATIVE, true, "2", "3");
    shows(ALTERNATIVE, false, "1", "3");
}

static const char RELATED[] = MULTIPART("mixed", "m") "--m\n" MULTIPART("alternative", "a")
    PART("a", "Content-Type: text/plain") "--a\n" MULTIPART("related", "r") PART("r", "Content-Type: text/html")
        PART("r", "Content-Type: image/png\nContent-ID: <x>")
            PART("r", "Content-Type: image/png\nContent-ID: <y>\nContent-Disposition: attachment") END("r") END("a")
                PART("m", "Content-Type: application/zip") PART("m", "Content-Type: text/plain") END("m");

static void pictures_of_the_html_are_no_attachments_unless_they_say_so(void **state) {
    (void)state;
    shows(RELATED, true, "1.2.1 3", "1.2.3 2");
    shows(RELATED, false, "1.1 3", "2");
}

static void a_message_within_is_attached_whole(void **state) {
    (void)state;
    shows(MULTIPART("mixed", "m") PART(
              "m", "Content-Type: text/plain") "--m\nContent-Type: message/rfc822\n\nSubject: y\n\ninner\n" END("m"),
          true, "1", "2");
}

static void sections_lead_to_their_parts(void **state) {
    (void)state;
    struct arena a = ARENA_EMPTY;
    const struct mime_part *root = mime_parse(&a, str_of(RELATED))->root;
    assert_true(str_eq(mail_part_at(root, STR("1.2.2"))->id, STR("<x>")));
    assert_null(mail_part_at(root, STR("9")));
    assert_null(mail_part_at(root, STR("1..2")));
    assert_null(mail_part_at(root, STR("1.2.")));
    assert_null(mail_part_at(root, STR("x")));
    arena_free(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_message_is_its_text),
        cmocka_unit_test(of_alternatives_the_preferred_form_is_shown),
        cmocka_unit_test(pictures_of_the_html_are_no_attachments_unless_they_say_so),
        cmocka_unit_test(a_message_within_is_attached_whole),
        cmocka_unit_test(sections_lead_to_their_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
