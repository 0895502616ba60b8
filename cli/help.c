#include "cli.h"

static void add_verb(struct buf *out, const struct cli_subject *s, const struct cli_verb *v) {
    buf_printf(out, "  mansio %s", s->name);
    if (v->name)
        buf_printf(out, " %s", v->name);
    if (v->arguments && *v->arguments)
        buf_printf(out, " %s", v->arguments);
    buf_printf(out, "\n      %s\n", v->summary);
    for (int i = 0; i < CLI_MAX_OPTIONS && v->options[i].name; i++) {
        const struct cli_option *o = v->options + i;
        size_t start = out->n;
        buf_printf(out, "      --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        while (out->n - start < 30)
            buf_add_byte(out, ' ');
        buf_printf(out, "  %s\n", o->help);
    }
    if (v->removes)
        buf_add_c(out, "      --yes                     do not ask\n");
}

void cli_help_subject(const struct cli_subject *s, struct buf *out) {
    buf_printf(out, "mansio %s: %s\n\n", s->name, s->summary);
    if (s->about)
        buf_printf(out, "%s\n\n", s->about);
    for (const struct cli_verb *v = s->verb; v->run; v++)
        add_verb(out, s, v);
}

void cli_help(struct buf *out) {
    buf_add_c(out, "mansio [-c FILE] [--json] SUBJECT VERB ...\n\n");
    for (size_t i = 0; cli_subjects[i]; i++) {
        const struct cli_subject *s = cli_subjects[i];
        buf_printf(out, "  %-9s %s", s->name, s->summary);
        if (s->verb->name)
            buf_add_c(out, " (");
        for (const struct cli_verb *v = s->verb; v->run && v->name; v++)
            buf_printf(out, "%s%s", v->name, v[1].run ? ", " : ")");
        buf_add_byte(out, '\n');
    }
    buf_add_c(out, "\n  help SUBJECT           what can be done with it, and the options\n"
                   "\n  -c, --config FILE      the configuration (" PREFIX "/etc/mansio/mansio.conf)"
                   "\n      --json             one JSON document on standard output"
                   "\n  -h, --help    -V, --version\n"
                   "\nExit status: 0 done, 1 refused or failed, 2 wrong use, 75 try again later.\n");
}
