#include "move/accounts.h"

#include "directory/address.h"
#include "move/owner.h"
#include "store/blob.h"

#include <stdio.h>
#include <stdlib.h>

static const struct db_statement FIND = {
    "move_account",
    "SELECT a.id, a.quota_bytes, coalesce(a.quota_messages, 0), a.local_part || '@' || d.name FROM account a"
    " JOIN domain d ON d.id = a.domain_id WHERE a.local_part = lower($1) AND d.name = $2"};
/* One of PostgreSQL's advisory locks; its first word says what for. */
static const struct db_statement HOLD = {
    "move_hold", "SELECT pg_try_advisory_lock(hashtextextended('mansio import ' || ($1::int8)::text, 0))"};

bool accounts_open_store(struct cli *cli, int threads, bool write, struct move_store *out) {
    const char *conninfo = conf_get(cli->conf, "db_admin", NULL);
    struct blob_options blobs;
    *out = (struct move_store){0};
    if (!conninfo)
        return err_set(&cli->err, "%s does not set db_admin, the connection string of the database's owner",
                       cli->conf_path);
    bool good = blob_options_read(cli->conf, &blobs, &cli->err) && (!write || owner_become(blobs.folder, &cli->err)) &&
                (out->db = db_open(conninfo, threads + 1, &cli->err)) &&
                (out->store = store_open(out->db, conninfo, &blobs, &cli->err));
    return good;
}

void accounts_close_store(struct move_store *s) {
    store_close(s->store);
    db_close(s->db);
}

enum cli_exit accounts_find(struct cli *cli, struct str address, struct import_target *out) {
    struct str local, domain;
    if (!address_parse(&cli->arena, address, &local, &domain, &cli->err))
        return CLI_REFUSED;
    struct db_params p = {0};
    db_text(&p, local), db_text(&p, domain);
    PGresult *r = db_query(cli->conn, &FIND, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool found = PQntuples(r) == 1;
    if (found)
        *out = (struct import_target){
            .account_id = db_get_int8(r, 0, 0),
            .quota = {db_get_null(r, 0, 1) ? -1 : db_get_int8(r, 0, 1), db_get_int8(r, 0, 2)},
            .address = arena_str(&cli->arena, db_get_str(r, 0, 3)),
        };
    else
        err_set(&cli->err, "there is no mailbox %.*s: add it first (mansio account add)", STR_ARG(address));
    PQclear(r);
    return found ? CLI_OK : CLI_REFUSED;
}

enum cli_exit accounts_hold(struct cli *cli, const struct import_target *target) {
    struct db_params p = {0};
    db_int8(&p, target->account_id);
    PGresult *r = db_query(cli->conn, &HOLD, &p, &cli->err);
    if (!r)
        return cli_db_failed(cli);
    bool held = db_get_bool(r, 0, 0);
    PQclear(r);
    if (held)
        return CLI_OK;
    err_set(&cli->err, "another import into %.*s is under way", STR_ARG(target->address));
    return CLI_REFUSED;
}
