#include "protocols.h"

#include "directory/protocol.h"

bool cli_protocols_given(const struct cli_args *args) {
    return cli_option(args, "protocols-off").p || cli_option(args, "protocols-on").p;
}

bool cli_protocols(struct cli *cli, const struct cli_args *args, struct str now, unsigned *off) {
    unsigned more, fewer;
    struct err ignored;
    if (!protocols_parse(cli_option(args, "protocols-off"), &more, &cli->err) ||
        !protocols_parse(cli_option(args, "protocols-on"), &fewer, &cli->err))
        return false;
    if (more & fewer)
        return err_set(&cli->err, "--protocols-off and --protocols-on name the same protocol");
    protocols_parse(now, off, &ignored);
    *off = (*off | more) & ~fewer;
    return true;
}
