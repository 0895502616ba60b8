/* Do the filters answer? */
#include "doctor.h"
#include "filter/filter.h"
#include "findings.h"

enum { MAX_WAIT_MS = 5000 };

static int at_most(int ms) { return ms < MAX_WAIT_MS ? ms : MAX_WAIT_MS; }

void doctor_filters(struct cli *cli) {
    struct filter *list;
    size_t count;
    struct err err;
    if (!cli->conn)
        return;
    if (!filter_read_all(cli->conn, &cli->arena, &list, &count, &err)) {
        finding(cli, FINDING_FAIL, "filters", "%s", err.text);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct filter *f = &list[i];
        struct str said;
        char *subject = arena_c(&cli->arena, arena_printf(&cli->arena, "filter %.*s", STR_ARG(f->name)));
        f->connect_ms = at_most(f->connect_ms);
        f->command_ms = at_most(f->command_ms);
        if (filter_try(f, &cli->arena, &said, &err))
            finding(cli, FINDING_OK, subject, "%.*s", STR_ARG(said));
        else if (f->warn_only)
            finding(cli, FINDING_WARN, subject, "%s", err.text);
        else
            finding(cli, f->open ? FINDING_WARN : FINDING_FAIL, subject, "%s; meanwhile mail is %s", err.text,
                    f->open ? "taken without it" : "told to come again later");
    }
}
