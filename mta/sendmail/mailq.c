/* The queue as mailq(1) shows it. */
#include "sendmail/talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <sysexits.h>
#include <time.h>

struct totals {
    uint64_t messages, bytes;
};

/* "id size received sender" */
static void print_message(struct str line, struct totals *t) {
    struct str id, size, at;
    uint64_t bytes = 0, seconds = 0;
    if (!str_split(&line, ' ', &id) || !str_split(&line, ' ', &size) || !str_split(&line, ' ', &at) ||
        !str_u64(size, &bytes) || !str_u64(at, &seconds))
        return;
    char when[64] = "";
    time_t received = (time_t)seconds;
    struct tm tm;
    if (localtime_r(&received, &tm))
        strftime(when, sizeof when, "%a %b %e %H:%M:%S", &tm);
    if (t->messages == 0)
        printf("%-14s %9s  %-19s  %s\n", "-Queue ID-----", "--Size---", "---Arrival Time----",
               "-Sender/Recipient------");
    printf("%-14.*s %9" PRIu64 "  %-19s  %.*s\n", STR_ARG(id), bytes, when,
           STR_ARG(line.n ? line : STR("MAILER-DAEMON")));
    t->messages++;
    t->bytes += bytes;
}

static void print_recipient(struct str line) {
    struct str state;
    if (str_split(&line, ' ', &state))
        printf("%47s %.*s%s%.*s\n", "", STR_ARG(line), str_eq(state, STR("waiting")) ? "" : "  ",
               STR_ARG(str_eq(state, STR("waiting")) ? STR("") : state));
}

static void print_lines(struct str lines, struct totals *t, struct str *last) {
    struct str line;
    while (str_split(&lines, '\n', &line)) {
        *last = line;
        struct str rest = str_sub(line, 2, line.n);
        if (str_starts(line, STR("M ")))
            print_message(rest, t);
        else if (str_starts(line, STR("R ")))
            print_recipient(rest);
        else if (str_starts(line, STR("S ")) && rest.n)
            printf("%20s(%.*s)\n", "", STR_ARG(rest));
    }
}

int mailq_print(struct talk *t) {
    struct totals totals = {0};
    struct err err;
    char from[32] = "";
    for (bool more = true; more;) {
        struct str last = STR("");
        if (!talk_say(t, &err, "XQUEUE%s%s", *from ? " " : "", from)) {
            fprintf(stderr, "mailq: %s\n", err.text);
            return EX_TEMPFAIL;
        }
        if (t->reply.code != 250) {
            fprintf(stderr, "mailq: %.*s\n", STR_ARG(buf_str(&t->reply.whole)));
            return EX_TEMPFAIL;
        }
        print_lines(buf_str(&t->reply.text), &totals, &last);
        more = last.n && !str_eq(last, STR("end")) && str_to_c(last, from, sizeof from);
    }
    if (totals.messages)
        printf("-- %" PRIu64 " Kbytes in %" PRIu64 " message%s.\n", (totals.bytes + 1023) / 1024, totals.messages,
               totals.messages == 1 ? "" : "s");
    else
        printf("Mail queue is empty\n");
    return EX_OK;
}
