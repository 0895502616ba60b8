#include "cli.h"

#include <pwd.h>
#include <unistd.h>

static const struct db_statement SET_ACTOR = {"cli_actor", "SELECT set_config('mansio.actor', $1, true)"};

bool cli_connect(struct cli *cli) {
    if (cli->conn)
        return true;
    const char *conninfo = conf_get(cli->conf, "db_admin", NULL);
    if (!conninfo)
        return err_set(&cli->err, "%s does not set db_admin, the connection string of the database's owner",
                       cli->conf_path);
    if (!cli->db)
        cli->db = db_open(conninfo, 1, &cli->err);
    if (cli->db)
        cli->conn = db_acquire(cli->db, &cli->err);
    return cli->conn != NULL;
}

static struct str unix_user(struct arena *a) {
    const struct passwd *user = getpwuid(getuid());
    return user ? arena_printf(a, "cli:%s", user->pw_name) : arena_printf(a, "cli:%lu", (unsigned long)getuid());
}

bool cli_begin(struct cli *cli) {
    if (!cli_connect(cli) || !db_begin(cli->conn, &cli->err))
        return false;
    struct db_params p = {0};
    db_text(&p, unix_user(&cli->arena));
    return db_exec(cli->conn, &SET_ACTOR, &p, &cli->err) >= 0;
}

void cli_disconnect(struct cli *cli) {
    if (cli->conn)
        db_release(cli->db, cli->conn);
    db_close(cli->db);
    cli->conn = NULL;
    cli->db = NULL;
}
