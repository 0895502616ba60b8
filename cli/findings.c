#include "findings.h"

#include <stdio.h>
#include <unistd.h>

static const char *const level_name[] = {"ok", "warn", "FAIL"};
static const char *const level_colour[] = {"\033[32m", "\033[33m", "\033[31m"};

/* Values from elsewhere must not steer the terminal. */
static void disarm(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

void finding(struct cli *cli, enum finding level, const char *subject, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    disarm(text);
    bool colour = isatty(STDOUT_FILENO);
    cli_say(cli, "%s%-4s%s  %s: %s", colour ? level_colour[level] : "", level_name[level], colour ? "\033[0m" : "",
            subject, text);
    if (!cli->document)
        cli->document = json_array();
    json_t *object = json_object();
    json_object_set_new(object, "level", json_string(level == FINDING_FAIL ? "fail" : level_name[level]));
    json_object_set_new(object, "subject", cli_json_str(str_of(subject)));
    json_object_set_new(object, "text", cli_json_str(str_of(text)));
    json_array_append_new(cli->document, object);
}

enum cli_exit findings_end(struct cli *cli) {
    size_t i;
    json_t *one;
    int count[3] = {0, 0, 0};
    json_array_foreach(cli->document, i, one) {
        char first = json_string_value(json_object_get(one, "level"))[0];
        count[first == 'o' ? FINDING_OK : first == 'w' ? FINDING_WARN : FINDING_FAIL]++;
    }
    cli_say(cli, "\n%d ok, %d to look at, %d failed", count[FINDING_OK], count[FINDING_WARN], count[FINDING_FAIL]);
    cli->err.text[0] = 0; /* the findings say it */
    return count[FINDING_FAIL] ? CLI_REFUSED : CLI_OK;
}
