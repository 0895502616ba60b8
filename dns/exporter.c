#include "exporter.h"

#include "base/clock.h"
#include "base/log.h"
#include "database.h"
#include "files.h"
#include "job.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SET = 200, CONFIRM_MS = 3000, CONFIRM_EACH_MS = 20, FEW_REMOVALS = 10 };

struct exporter {
    struct db *db;
    const struct nameserver_driver *driver;
    struct nameserver *server;
    struct str folder;
    char *folder_path, *include;
    bool force;
    struct names served; /* what the include file says */
    uint64_t include_version;
    bool to_configure; /* the nameserver has not yet been told what the include file says */
    size_t complained; /* how many removals were refused last */
};

/* ---- opening ---- */

/* The nameserver refuses to start without the file that its configuration includes. */
static bool make_places(struct exporter *e, struct err *err) {
    if (mkdir(e->folder_path, 0755) != 0 && errno != EEXIST)
        return err_errno(err, "cannot make the folder of zone files %s", e->folder_path);
    if (access(e->folder_path, W_OK | X_OK) != 0)
        return err_errno(err, "cannot write to the folder of zone files %s", e->folder_path);
    if (access(e->include, F_OK) != 0 && !files_write_include(e->include, e->folder, &e->served, err))
        return false;
    return true;
}

struct exporter *exporter_open(const struct conf *conf, struct db *db, const struct nameserver_driver *driver,
                               bool force, struct err *err) {
    const char *folder = conf_get(conf, "dns_zones", NULL), *include = conf_get(conf, "dns_conf", NULL);
    if (!folder || !include || folder[0] != '/' || include[0] != '/' || strchr(folder, '"')) {
        err_set(err, "dns_zones and dns_conf must be set: full paths of the folder of zone files and of the file that "
                     "names them");
        return NULL;
    }
    struct exporter *e = mem_zero(sizeof *e);
    e->db = db;
    e->driver = driver;
    e->force = force;
    e->folder_path = str_dup(str_of(folder));
    e->folder = str_of(e->folder_path);
    e->include = str_dup(str_of(include));
    e->to_configure = true;
    if (make_places(e, err) && (e->server = driver->open(conf, err)))
        return e;
    exporter_close(e);
    return NULL;
}

void exporter_close(struct exporter *e) {
    if (!e)
        return;
    if (e->server)
        e->driver->close(e->server);
    names_free(&e->served);
    free(e->folder_path);
    free(e->include);
    free(e);
}

/* ---- the include file ---- */

/* Another exporter may have written it since. */
static bool read_include(struct exporter *e, struct err *err) {
    uint64_t version = files_include_version(e->include);
    if (version && version == e->include_version)
        return true;
    if (!files_read_include(e->include, &e->served, err))
        return false;
    e->include_version = version;
    return true;
}

static bool write_include(struct exporter *e, struct err *err) {
    if (!files_write_include(e->include, e->folder, &e->served, err))
        return false;
    e->include_version = files_include_version(e->include);
    e->to_configure = true;
    return true;
}

static bool configure(struct exporter *e, struct err *err) {
    if (!e->to_configure)
        return true;
    if (!e->driver->configure(e->server, err))
        return false;
    e->to_configure = false;
    return true;
}

/* ---- one set of zones ---- */

static bool reserve(struct db_conn *c, struct arena *a, const struct job *job, size_t n, struct err *err) {
    int64_t *id = arena_array(a, n + 1, sizeof *id), *serial = arena_array(a, n + 1, sizeof *serial);
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (job[i].state == JOB_WRITE && job[i].raised) {
            id[count] = job[i].row->id;
            serial[count++] = job[i].serial;
        }
    return export_reserve(c, id, serial, count, err);
}

static void fail_all(struct job *job, size_t n, const struct err *why) {
    for (size_t i = 0; i < n; i++)
        if (job[i].state == JOB_LOAD) {
            job[i].state = JOB_FAILED;
            job[i].problem = *why;
        }
}

/* New zones by the include file, the others by name. */
static bool load(struct exporter *e, struct arena *a, struct job *job, size_t n, struct err *err) {
    struct str *fresh = arena_array(a, n + 1, sizeof *fresh), *known = arena_array(a, n + 1, sizeof *known);
    size_t freshes = 0, knowns = 0;
    for (size_t i = 0; i < n; i++) {
        if (job[i].state != JOB_LOAD)
            continue;
        struct str name = job[i].row->zone.name;
        if (names_has(&e->served, name))
            known[knowns++] = name;
        else
            fresh[freshes++] = name;
    }
    if (!freshes && !knowns)
        return true;
    if (!files_sync(e->folder_path, err))
        return false;
    if (names_add(&e->served, fresh, freshes) && !write_include(e, err))
        return false;
    if (!configure(e, err))
        return false;
    return knowns == 0 || e->driver->reload(e->server, known, knowns, err);
}

/* Loading takes the nameserver some moments, and it says nothing at the end: the zone's serial does. */
static void confirm(const struct job_context *x, struct job *job, size_t n) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        left += job[i].state == JOB_LOAD;
    int64_t deadline = clock_monotonic() + ((int64_t)CONFIRM_MS + (int64_t)left * CONFIRM_EACH_MS) * 1000;
    for (long pause = 1; left && clock_monotonic() < deadline; pause = pause < 50 ? 2 * pause : 50) {
        for (size_t i = 0; i < n && clock_monotonic() < deadline; i++)
            if (job[i].state == JOB_LOAD && job_is_served(job + i, x)) {
                job[i].state = JOB_SERVED;
                left--;
            }
        if (left)
            nanosleep(&(struct timespec){.tv_nsec = pause * 1000000}, NULL);
    }
    for (size_t i = 0; i < n; i++)
        if (job[i].state == JOB_LOAD) {
            job[i].state = JOB_FAILED;
            if (!job[i].problem.text[0])
                err_set(&job[i].problem, "the nameserver did not answer in time");
        }
}

static void tell(const struct job *j) {
    struct str name = j->row->zone.name;
    if (j->state == JOB_SERVED)
        log_info("zone %.*s: serial %u is served", STR_ARG(name), j->serial);
    else if (j->state == JOB_REFUSED || j->state == JOB_FAILED)
        log_warn("zone %.*s: %s: %s", STR_ARG(name), j->state == JOB_REFUSED ? "refused" : "failed, to be tried again",
                 j->problem.text);
}

static bool record(struct db_conn *c, struct arena *a, struct job *job, size_t n, struct exporter_result *result,
                   struct err *err) {
    struct export_outcome o = {.id = arena_array(a, n + 1, sizeof *o.id),
                               .revision = arena_array(a, n + 1, sizeof *o.revision),
                               .serial = arena_array(a, n + 1, sizeof *o.serial),
                               .hash = arena_array(a, n + 1, sizeof *o.hash),
                               .content = arena_array(a, n + 1, sizeof *o.content),
                               .problem = arena_array(a, n + 1, sizeof *o.problem),
                               .count = n};
    for (size_t i = 0; i < n; i++) {
        const struct job *j = job + i;
        bool served = j->state == JOB_SERVED, wrong = j->state == JOB_REFUSED || j->state == JOB_FAILED;
        o.id[i] = j->row->id;
        o.revision[i] = j->state == JOB_FAILED ? 0 : j->revision;
        o.serial[i] = j->serial;
        if (served) {
            o.hash[i] = str_n(j->hash, sizeof j->hash);
            o.content[i] = buf_str(&j->file);
        }
        if (wrong)
            o.problem[i] = str_of(j->problem.text);
        result->exported += served;
        result->refused += j->state == JOB_REFUSED;
        result->failed += j->state == JOB_FAILED;
        tell(j);
    }
    return export_record(c, &o, err);
}

static bool run_jobs(struct exporter *e, struct db_conn *c, const struct job_context *x, struct job *job, size_t n,
                     struct exporter_result *result, struct err *err) {
    struct err why;
    if (!reserve(c, x->a, job, n, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (job[i].state == JOB_WRITE)
            job_write(job + i, x);
    if (load(e, x->a, job, n, &why))
        confirm(x, job, n);
    else
        fail_all(job, n, &why);
    return record(c, x->a, job, n, result, err);
}

static bool export_jobs(struct exporter *e, struct db_conn *c, struct arena *a, struct export_set *set, bool always,
                        struct exporter_result *result, struct err *err) {
    struct job *job = arena_array(a, set->count + 1, sizeof *job);
    struct job_context x = {.a = a, .folder = e->folder, .driver = e->driver, .server = e->server, .always = always};
    for (size_t i = 0; i < set->count; i++)
        job_prepare(job + i, &x, set->row + i, set->revision[i]);
    bool good = run_jobs(e, c, &x, job, set->count, result, err);
    for (size_t i = 0; i < set->count; i++)
        job_free(job + i);
    return good;
}

static bool export_changed(struct exporter *e, struct db_conn *c, struct exporter_result *result, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct export_set set = {.last_id = 0};
    bool good;
    for (int64_t after = 0;; after = set.last_id) {
        arena_reset(&a);
        good = export_pending(c, &a, after, SET, &set, err);
        if (!good || set.last_id == 0)
            break;
        good = export_jobs(e, c, &a, &set, false, result, err);
        if (!good)
            break;
    }
    arena_free(&a);
    return good;
}

/* ---- zones that are gone ---- */

static bool removal_allowed(struct exporter *e, size_t count) {
    if (e->force || count <= FEW_REMOVALS || 2 * count <= e->served.count)
        return true;
    if (e->complained != count)
        log_error(
            "%zu of %zu zones are gone from the database: that looks like an accident, and they are still served. "
            "If it is meant, run mansio-dns --once --force",
            count, e->served.count);
    e->complained = count;
    return false;
}

static bool take_away(struct exporter *e, const struct str *name, size_t count, struct exporter_result *result,
                      struct err *err) {
    bool changed = false;
    for (size_t i = 0; i < count; i++)
        if (names_remove(&e->served, name[i])) {
            changed = true;
            result->removed++;
            log_info("zone %.*s: removed", STR_ARG(name[i]));
        }
    if ((changed && !write_include(e, err)) || !configure(e, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct buf path = BUF_EMPTY;
        files_zone_path(e->folder, name[i], &path);
        if (unlink(path.p) != 0 && errno != ENOENT)
            log_warn("cannot remove %s: %m", path.p);
        buf_free(&path);
    }
    return true;
}

/* Names beyond those served are of zones that never were. */
static size_t keep_served(const struct exporter *e, struct str *name, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (names_has(&e->served, name[i]))
            name[kept++] = name[i];
    return kept;
}

static enum exporter_state remove_gone(struct exporter *e, struct db_conn *c, struct exporter_result *result,
                                       struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str *name;
    size_t count;
    enum exporter_state state = EXPORTER_AWAY;
    if (export_removed(c, &a, &name, &count, err)) {
        struct str *all = arena_array(&a, count + 1, sizeof *all);
        memcpy(all, name, count * sizeof *all);
        size_t served = keep_served(e, name, count);
        state = EXPORTER_DONE;
        if (!removal_allowed(e, served))
            result->removal_refused = true;
        else if (count && !take_away(e, all, count, result, err))
            state = EXPORTER_FAILED;
        else if (!export_forget(c, all, count, err))
            state = EXPORTER_AWAY;
    }
    arena_free(&a);
    return state;
}

/* ---- the look at everything ---- */

static bool has_file(const struct exporter *e, struct str name) {
    struct buf path = BUF_EMPTY;
    files_zone_path(e->folder, name, &path);
    bool there = access(path.p, F_OK) == 0;
    buf_free(&path);
    return there;
}

static bool export_lost(struct exporter *e, struct db_conn *c, const int64_t *id, size_t n,
                        struct exporter_result *result, struct err *err) {
    struct arena a = ARENA_EMPTY;
    bool good = true;
    for (size_t i = 0; good && i < n; i += SET) {
        struct export_set set;
        arena_reset(&a);
        good = export_these(c, &a, id + i, n - i < SET ? n - i : SET, &set, err) &&
               export_jobs(e, c, &a, &set, true, result, err);
    }
    arena_free(&a);
    return good;
}

/* Served, and not in the database (whose names are sorted). */
static size_t find_strays(const struct exporter *e, struct arena *a, const struct str *name, size_t count,
                          struct str **out) {
    *out = arena_array(a, e->served.count + 1, sizeof **out);
    size_t strays = 0, k = 0;
    for (size_t i = 0; i < e->served.count; i++) {
        struct str served = str_of(e->served.name[i]);
        while (k < count && str_cmp(name[k], served) < 0)
            k++;
        if (k == count || !str_eq(name[k], served))
            (*out)[strays++] = arena_str(a, served);
    }
    return strays;
}

/* Zones that were exported once and are not there (a lost disk), and those that nobody told us are gone. */
static enum exporter_state compare_all(struct exporter *e, struct db_conn *c, struct exporter_result *result,
                                       struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str *name, *stray;
    int64_t *id;
    bool *exported;
    size_t count, lost = 0;
    enum exporter_state state = EXPORTER_AWAY;
    if (export_all(c, &a, &name, &id, &exported, &count, err)) {
        int64_t *again = arena_array(&a, count + 1, sizeof *again);
        for (size_t i = 0; i < count; i++)
            if (exported[i] && (!names_has(&e->served, name[i]) || !has_file(e, name[i])))
                again[lost++] = id[i];
        size_t strays = find_strays(e, &a, name, count, &stray);
        state = export_lost(e, c, again, lost, result, err) ? EXPORTER_DONE : EXPORTER_AWAY;
        if (state == EXPORTER_DONE && !removal_allowed(e, strays))
            result->removal_refused = true;
        else if (state == EXPORTER_DONE && strays && !take_away(e, stray, strays, result, err))
            state = EXPORTER_FAILED;
    }
    arena_free(&a);
    return state;
}

static enum exporter_state look(struct exporter *e, struct db_conn *c, bool full, struct exporter_result *result,
                                struct err *err) {
    if (!read_include(e, err))
        return EXPORTER_FAILED;
    if (!export_changed(e, c, result, err))
        return EXPORTER_AWAY;
    enum exporter_state state = remove_gone(e, c, result, err);
    if (state == EXPORTER_DONE && full)
        state = compare_all(e, c, result, err);
    if (state == EXPORTER_DONE && !configure(e, err))
        state = EXPORTER_FAILED;
    if (state == EXPORTER_DONE && result->failed) {
        err_set(err, "%zu zones are to be tried again", result->failed);
        state = EXPORTER_FAILED;
    }
    return state;
}

enum exporter_state exporter_look(struct exporter *e, bool full, struct exporter_result *result, struct err *err) {
    *result = (struct exporter_result){.removed = 0};
    struct db_conn *c = db_acquire(e->db, err);
    bool got = false;
    if (!c)
        return EXPORTER_AWAY;
    enum exporter_state state = EXPORTER_AWAY;
    if (export_lock(c, &got, err)) {
        state = got ? look(e, c, full, result, err) : EXPORTER_BUSY;
        if (got)
            export_unlock(c);
        else
            err_set(err, "another mansio-dns is at work");
    }
    db_release(e->db, c);
    return state;
}
