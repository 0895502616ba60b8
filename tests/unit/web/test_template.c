#include "template/template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PRAGMA "{{%AUTOESCAPE context=\"HTML\"}}\n"

static char folder[] = "/tmp/mansio-templates-XXXXXX";

static void put(const char *name, const char *content) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(content, f);
    fclose(f);
}

static void drop(const char *name) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static void assert_renders(struct templates *t, const char *file, const struct dict *d, const char *want) {
    struct buf out = BUF_EMPTY;
    struct err err = {""};
    if (!templates_render(t, file, d, &out, &err))
        fail_msg("%s", err.text);
    assert_string_equal(out.p ? out.p : "", want);
    buf_free(&out);
}

static struct templates *open_folder(void) {
    struct err err = {""};
    struct templates *t = templates_open(folder, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

static void values_are_escaped_for_the_place_they_stand_in(void **state) {
    (void)state;
    put("a.tpl", PRAGMA "<p title=\"{{X}}\">{{X}}</p><a href=\"{{U}}\"></a><a href=\"/q?x={{X}}\"></a>");
    struct templates *t = open_folder();
    struct dict *d = dict_new();
    dict_set_c(d, "X", "<b>\"&' x");
    dict_set_c(d, "U", "javascript:alert(1)");
    assert_renders(t, "a.tpl", d,
                   "<p title=\"&lt;b&gt;&quot;&amp;&#39; x\">&lt;b&gt;&quot;&amp;&#39; x</p><a href=\"#\"></a>"
                   "<a href=\"/q?x=&lt;b&gt;&quot;&amp;&#39; x\"></a>");
    dict_free(d);
    templates_free(t);
    drop("a.tpl");
}

static void sections_repeat_includes_see_globals_and_values_are_copied(void **state) {
    (void)state;
    put("a.tpl", PRAGMA "{{#ROW}}[{{N}}{{OUTER}}]{{/ROW}}{{#NONE}}never{{/NONE}}{{>PART}}");
    put("b.tpl", PRAGMA "({{G}}{{OUTER}}{{OWN}})");
    struct templates *t = open_folder();
    struct dict *d = dict_new();
    char text[] = "o";
    dict_set_c(d, "OUTER", text);
    text[0] = 'x';
    dict_global(d, "G", STR("g"));
    for (int i = 1; i < 3; i++)
        dict_set_int(dict_section(d, "ROW"), "N", i);
    dict_set(dict_include(d, "PART", "b.tpl"), "OWN", STR("w"));
    dict_show_if(d, "NONE", false);
    assert_renders(t, "a.tpl", d, "[1o][2o](gw)");
    dict_free(d);
    templates_free(t);
    drop("a.tpl");
    drop("b.tpl");
}

static void a_file_that_does_not_escape_is_refused(void **state) {
    (void)state;
    static const char *const BAD[] = {"<p>{{X}}</p>", "\n" PRAGMA "x", PRAGMA "{{X:none}}", PRAGMA "{{#OPEN}}",
                                      "{{%AUTOESCAPE context=\"TEXT\"}}\n{{X}}"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct err err = {""};
        put("bad.tpl", BAD[i]);
        assert_null(templates_open(folder, &err));
        assert_non_null(strstr(err.text, "bad.tpl"));
    }
    drop("bad.tpl");
}

static void a_broken_reload_keeps_what_was_there(void **state) {
    (void)state;
    struct err err = {""};
    put("a.tpl", PRAGMA "old");
    struct templates *t = open_folder();
    struct dict *d = dict_new();
    put("a.tpl", "unsafe");
    assert_false(templates_reload(t, &err));
    assert_renders(t, "a.tpl", d, "old");
    put("a.tpl", PRAGMA "new");
    assert_true(templates_reload(t, &err));
    assert_renders(t, "a.tpl", d, "new");
    dict_free(d);
    templates_free(t);
    drop("a.tpl");
}

static void a_missing_file_is_an_error_and_no_half_page(void **state) {
    (void)state;
    struct err err = {""};
    put("a.tpl", PRAGMA "x{{>PART}}");
    struct templates *t = open_folder();
    struct dict *d = dict_new();
    struct buf out = BUF_EMPTY;
    assert_false(templates_render(t, "none.tpl", d, &out, &err));
    dict_include(d, "PART", "gone.tpl");
    assert_false(templates_render(t, "a.tpl", d, &out, &err));
    assert_null(templates_open("/nonexistent-folder", &err));
    buf_free(&out);
    dict_free(d);
    templates_free(t);
    drop("a.tpl");
}

/* The shipped ones: each is there, well formed and escaping. */
static void all_templates_of_the_tree_load(void **state) {
    (void)state;
    struct err err = {""};
    struct templates *t = templates_open("templates", &err);
    if (!t)
        fail_msg("%s", err.text);
    templates_free(t);
}

int main(void) {
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_escaped_for_the_place_they_stand_in),
        cmocka_unit_test(sections_repeat_includes_see_globals_and_values_are_copied),
        cmocka_unit_test(a_file_that_does_not_escape_is_refused),
        cmocka_unit_test(a_broken_reload_keeps_what_was_there),
        cmocka_unit_test(a_missing_file_is_an_error_and_no_half_page),
        cmocka_unit_test(all_templates_of_the_tree_load),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
