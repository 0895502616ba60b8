#include "imap/pipeline.h"

#include "imap/command.h"

/* The command's name, at the start of its first line; NULL: there is none, or not all of it has come. */
static const struct command *command_of(struct str line) {
    struct str tag, name;
    struct parser p = {.in = line};
    if (!parse_tag(&p, &tag) || !parse_space(&p) || !parse_atom(&p, &name))
        return NULL;
    bool uid = str_ieq(name, STR("UID"));
    if (uid && (!parse_space(&p) || !parse_atom(&p, &name)))
        return NULL;
    return command_find(name, uid);
}

/* Moves *in behind the command at its start, its literals included; to the end where not all of it has come. */
static void skip_command(struct str *in) {
    for (;;) {
        ptrdiff_t newline = str_chr(*in, '\n');
        if (newline < 0) {
            *in = STR("");
            return;
        }
        struct str line = str_sub(*in, 0, (size_t)newline);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        *in = str_sub(*in, (size_t)newline + 1, in->n);
        uint64_t size;
        bool unasked;
        if (!parse_literal_announced(line, &size, &unasked))
            return;
        *in = str_sub(*in, size < in->n ? (size_t)size : in->n, in->n);
    }
}

bool pipeline_uses_sequence(const struct session *s) {
    struct str in = conn_input(s->conn);
    for (in = str_sub(in, s->command_bytes, in.n); in.n; skip_command(&in)) {
        const struct command *next = command_of(in);
        if (next && next->flags & USES_SEQUENCE)
            return true;
        if (next && next->flags & BREAKS_SEQUENCE)
            return false;
    }
    return false;
}
