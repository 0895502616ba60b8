#include "cli.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct cli_verb verb = {
    .name = "do",
    .arguments = "ONE [TWO]",
    .min = 1,
    .max = 2,
    .removes = true,
    .options = {{"name", "TEXT", ""}, {"count", "N", ""}, {"quick", NULL, ""}},
};

static struct cli cli;
static struct cli_args args;

static bool read(int argc, const char *const *argv) {
    char *word[16];
    for (int i = 0; i < argc; i++)
        word[i] = (char *)argv[i];
    cli.err.text[0] = 0;
    cli.yes = false;
    return cli_args_read(&cli, &verb, word, argc, &args);
}

#define READ(...) read(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

static void refused(bool accepted, const char *words) {
    assert_false(accepted);
    if (!strstr(cli.err.text, words))
        fail_msg("\"%s\" is not in: %s", words, cli.err.text);
}

static void options_stand_anywhere_with_or_without_an_equals_sign(void **state) {
    (void)state;
    assert_true(READ("--name", "x", "one", "--quick", "two", "--count=5"));
    assert_int_equal(args.count, 2);
    assert_true(str_eq(args.value[1], STR("two")));
    assert_true(str_eq(cli_option(&args, "name"), STR("x")));
    assert_true(cli_switch(&args, "quick") && !cli.yes);
    int64_t n;
    assert_true(cli_number(&cli, &args, "count", 1, 0, 10, &n) && n == 5);
    assert_true(READ("one", "--name="));
    assert_true(cli_option(&args, "name").p && cli_option(&args, "name").n == 0);
    assert_true(READ("one", "--yes") && cli.yes);
}

static void two_dashes_end_the_options(void **state) {
    (void)state;
    assert_true(READ("--", "--name", "-x"));
    assert_int_equal(args.count, 2);
    assert_true(str_eq(args.value[0], STR("--name")));
    assert_true(READ("-x", "--name", "--")); /* a value may look like anything */
    assert_true(str_eq(cli_option(&args, "name"), STR("--")));
}

static void wrong_words_are_named(void **state) {
    (void)state;
    refused(READ("--name", "x"), "missing: ONE");
    refused(READ("a", "b", "c"), "\"c\"");
    refused(READ("a", "--nosuch"), "--nosuch");
    refused(READ("a", "--name"), "TEXT");
    refused(READ("a", "--quick=1"), "takes no value");
    refused(READ("a", "--name=1", "--name=2"), "twice");
    int64_t n;
    assert_true(READ("a", "--count=11"));
    refused(cli_number(&cli, &args, "count", 1, 0, 10, &n), "from 0 to 10");
    assert_true(READ("a", "--count=x"));
    refused(cli_number(&cli, &args, "count", 1, 0, 10, &n), "x");
}

static void sizes_have_units(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"0", 0},
                {"1024", 1024},
                {"5k", 5120},
                {"500M", 524288000},
                {"2G", INT64_C(2) << 30},
                {"1TB", INT64_C(1) << 40},
                {"none", -1}};
    int64_t n;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(cli_size(&cli, str_of(good[i].text), &n) && n == good[i].bytes);
    static const char *const bad[] = {"", "M", "B", "-1", "1.5G", "5X", "9223372036854775808", "8388608T", "1 G"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(cli_size(&cli, str_of(bad[i]), &n), "is not a size");
}

static int finish(void **state) {
    (void)state;
    arena_free(&cli.arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere_with_or_without_an_equals_sign),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(wrong_words_are_named),
        cmocka_unit_test(sizes_have_units),
    };
    return cmocka_run_group_tests(tests, NULL, finish);
}
