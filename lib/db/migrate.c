#include "db/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FILES = 10000, MAX_FILE_BYTES = 16 << 20, LOCK_SECONDS = 60 };

static const struct db_statement TABLE_EXISTS = {"migrate_table_exists",
                                                 "SELECT to_regclass('schema_migration') IS NOT NULL"};
static const struct db_statement APPLIED = {
    "migrate_applied", "SELECT version, name, sha256, applied_at FROM schema_migration ORDER BY version"};
static const struct db_statement RECORD = {"migrate_record",
                                           "INSERT INTO schema_migration (version, name, sha256) VALUES ($1, $2, $3)"};
/* The key is the project's name; any number serves as long as it stays the same. */
static const struct db_statement TRY_LOCK = {"migrate_lock", "SELECT pg_try_advisory_lock(hashtext('mansio migrate'))"};
static const struct db_statement UNLOCK = {"migrate_unlock", "SELECT pg_advisory_unlock(hashtext('mansio migrate'))"};
static const struct db_statement MISSING_ROLES = {
    "migrate_roles",
    "SELECT string_agg(r, ', ') FROM unnest(ARRAY['mansio_mta', 'mansio_imapd', 'mansio_web', 'mansio_dns']) AS r "
    "WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r)"};
static const char CREATE_TABLE[] = "CREATE TABLE IF NOT EXISTS schema_migration ("
                                   "version integer PRIMARY KEY, name text NOT NULL, "
                                   "applied_at timestamptz NOT NULL DEFAULT now(), sha256 bytea NOT NULL)";

static enum migrate_result failure(const struct db_conn *c) {
    return db_is_broken(c) ? MIGRATE_TEMPORARY : MIGRATE_REFUSED;
}

/* ---- the folder ---- */

/* NNNN_name.sql; other files (roles.sql) are not migrations. */
static int is_migration(const struct dirent *entry) {
    struct str name = str_of(entry->d_name);
    if (!str_ends(name, STR(".sql")) || name.n < sizeof "0001_a.sql" - 1 || name.p[4] != '_')
        return 0;
    uint32_t version;
    return str_u32(str_sub(name, 0, 4), &version);
}

static bool read_file(struct arena *a, const char *path, struct str *out, struct err *err) {
    FILE *f = fopen(path, "re");
    if (!f)
        return err_errno(err, "cannot open %s", path);
    struct buf b = BUF_EMPTY;
    char chunk[8192];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0 && b.n <= MAX_FILE_BYTES)
        buf_add(&b, chunk, n);
    bool good = !ferror(f) || err_errno(err, "cannot read %s", path);
    fclose(f);
    if (good && b.n > MAX_FILE_BYTES)
        good = err_set(err, "%s is larger than a migration may be", path);
    if (good && memchr(b.p ? b.p : "", 0, b.n))
        good = err_set(err, "%s holds a NUL byte", path);
    if (good)
        *out = arena_str(a, buf_str(&b));
    buf_free(&b);
    return good;
}

static bool load_file(struct arena *a, const char *folder, const char *name, struct migration *m, struct err *err) {
    uint32_t version = 0;
    str_u32(str_sub(str_of(name), 0, 4), &version);
    m->version = (int32_t)version;
    m->name = arena_str(a, str_of(name));
    if (!read_file(a, arena_printf(a, "%s/%s", folder, name).p, &m->sql, err))
        return false;
    if (EVP_Digest(m->sql.p, m->sql.n, m->sha256, NULL, EVP_sha256(), NULL) != 1)
        return err_set(err, "cannot compute the SHA-256 of %s", name);
    return true;
}

static bool load_folder(struct arena *a, const char *folder, struct migration **out, size_t *count, struct err *err) {
    struct dirent **entry;
    int n = scandir(folder, &entry, is_migration, alphasort);
    if (n < 0)
        return err_errno(err, "cannot read the folder of migrations %s", folder);
    bool good = n > 0 || err_set(err, "there are no migrations (NNNN_name.sql) in %s", folder);
    if (n > MAX_FILES)
        good = err_set(err, "there are too many migrations in %s", folder);
    *out = arena_array(a, (size_t)n + 1, sizeof **out);
    *count = 0;
    for (int i = 0; i < n; i++) {
        struct migration *m = *out + *count;
        if (good)
            good = load_file(a, folder, entry[i]->d_name, m, err);
        if (good && *count && m[-1].version == m->version)
            good = err_set(err, "%s and %s have the same number", m[-1].name.p, m->name.p);
        *count += good;
        free(entry[i]);
    }
    free(entry);
    return good;
}

/* ---- what was applied ---- */

static struct migration *find_version(struct migration *m, size_t count, int32_t version) {
    for (size_t i = 0; i < count; i++)
        if (m[i].version == version)
            return m + i;
    return NULL;
}

static int by_version(const void *a, const void *b) {
    const struct migration *x = a, *y = b;
    return (x->version > y->version) - (x->version < y->version);
}

/* Marks what was applied; what has no file here is added. */
static void merge_applied(struct arena *a, const PGresult *r, struct migration **list, size_t *count) {
    int rows = PQntuples(r);
    struct migration *all = arena_array(a, *count + (size_t)rows, sizeof *all);
    size_t files = *count;
    memcpy(all, *list, files * sizeof *all);
    for (int i = 0; i < rows; i++) {
        int32_t version = (int32_t)db_get_int8(r, i, 0);
        struct str sha256 = db_get_str(r, i, 2);
        struct migration *m = find_version(all, files, version);
        if (!m) {
            m = all + (*count)++;
            m->version = version;
            m->name = arena_str(a, db_get_str(r, i, 1));
        } else {
            m->changed = !str_eq(sha256, str_n(m->sha256, sizeof m->sha256));
        }
        m->applied = true;
        m->applied_at = db_get_time(r, i, 3);
    }
    qsort(all, *count, sizeof *all, by_version);
    *list = all;
}

enum migrate_result migrate_status(struct db_conn *c, const char *folder, struct arena *a, struct migration **out,
                                   size_t *count, struct err *err) {
    if (!load_folder(a, folder, out, count, err))
        return MIGRATE_REFUSED;
    PGresult *r = db_query(c, &TABLE_EXISTS, NULL, err);
    if (!r)
        return failure(c);
    bool exists = db_get_bool(r, 0, 0);
    PQclear(r);
    if (!exists)
        return MIGRATE_OK;
    r = db_query(c, &APPLIED, NULL, err);
    if (!r)
        return failure(c);
    merge_applied(a, r, out, count);
    PQclear(r);
    return MIGRATE_OK;
}

/* ---- applying ---- */

static bool take_lock(struct db_conn *c, struct err *err) {
    for (int tries = 0; tries < LOCK_SECONDS * 10; tries++) {
        PGresult *r = db_query(c, &TRY_LOCK, NULL, err);
        if (!r)
            return false;
        bool taken = db_get_bool(r, 0, 0);
        PQclear(r);
        if (taken)
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return err_set(err, "another migration of this database has been running for a minute; try again later");
}

static void release_lock(struct db_conn *c) {
    PQclear(db_query(c, &UNLOCK, NULL, NULL)); /* where it fails, the connection's end releases it */
}

static int line_of(struct str sql, const char *position) {
    uint32_t at;
    if (!position || !str_u32(str_of(position), &at))
        return 0;
    int line = 1;
    for (size_t i = 0, characters = 1; i < sql.n && characters < at; i++) {
        line += sql.p[i] == '\n';
        characters += ((unsigned char)sql.p[i] & 0xc0) != 0x80;
    }
    return line;
}

/* Sends SQL as it is (many statements), which prepared statements can't. */
static bool run_sql(struct db_conn *c, struct str name, struct str sql, struct err *err) {
    PGresult *r = PQexec(db_raw(c), sql.p);
    ExecStatusType status = PQresultStatus(r);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (!good) {
        const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
        err_set(err, "%.*s line %d: %s", STR_ARG(name), line_of(sql, PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION)),
                message ? message : PQerrorMessage(db_raw(c)));
    }
    PQclear(r);
    return good;
}

static bool apply_one(struct db_conn *c, const struct migration *m, struct err *err) {
    if (!db_begin(c, err))
        return false;
    /* Rewriting a large table takes as long as it takes. */
    bool good = run_sql(c, m->name, STR("SET LOCAL statement_timeout = 0"), err) && run_sql(c, m->name, m->sql, err);
    if (good && PQtransactionStatus(db_raw(c)) != PQTRANS_INTRANS)
        good = err_set(err, "%s ends the transaction it is run in; a migration must not", m->name.p);
    if (good) {
        struct db_params p = {0};
        db_int4(&p, m->version);
        db_text(&p, m->name);
        db_bytes(&p, str_n(m->sha256, sizeof m->sha256));
        good = db_exec(c, &RECORD, &p, err) == 1;
    }
    if (good)
        return db_commit(c, err);
    db_rollback(c);
    return false;
}

static bool check_history(const struct migration *m, size_t count, struct err *err) {
    for (size_t i = 0; i < count; i++) {
        if (m[i].changed)
            return err_set(
                err, "%s was changed after it was applied here: restore it, and put the change into a new migration",
                m[i].name.p);
        if (m[i].applied && !m[i].sql.p)
            return err_set(err,
                           "%s was applied here but is not among the files: this program is older than the database",
                           m[i].name.p);
    }
    return true;
}

static bool check_roles(struct db_conn *c, struct err *err) {
    PGresult *r = db_query(c, &MISSING_ROLES, NULL, err);
    if (!r)
        return false;
    bool good =
        db_get_null(r, 0, 0) || err_set(err, "the database roles %.*s are missing: run roles.sql as a superuser first",
                                        STR_ARG(db_get_str(r, 0, 0)));
    PQclear(r);
    return good;
}

static enum migrate_result apply_missing(struct db_conn *c, const char *folder, struct arena *a,
                                         void (*applied)(void *context, const struct migration *m), void *context,
                                         struct err *err) {
    struct migration *m;
    size_t count;
    if (!check_roles(c, err) || !run_sql(c, STR("schema_migration"), str_of(CREATE_TABLE), err))
        return failure(c);
    enum migrate_result result = migrate_status(c, folder, a, &m, &count, err);
    if (result != MIGRATE_OK)
        return result;
    if (!check_history(m, count, err))
        return MIGRATE_REFUSED;
    for (size_t i = 0; i < count; i++) {
        if (m[i].applied)
            continue;
        if (!apply_one(c, m + i, err))
            return failure(c);
        applied(context, m + i);
    }
    return MIGRATE_OK;
}

enum migrate_result migrate_apply(struct db_conn *c, const char *folder, struct arena *a,
                                  void (*applied)(void *context, const struct migration *m), void *context,
                                  struct err *err) {
    if (!take_lock(c, err))
        return MIGRATE_TEMPORARY;
    enum migrate_result result = apply_missing(c, folder, a, applied, context, err);
    release_lock(c);
    return result;
}
