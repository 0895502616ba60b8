#include "job.h"

#include "base/clock.h"
#include "files.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The same bytes on the disk already: a look before was interrupted, or the nameserver failed to load them. */
static bool is_in_place(const struct job *j) {
    FILE *f = fopen(j->path.p, "re");
    if (!f)
        return false;
    struct buf have = BUF_EMPTY;
    buf_reserve(&have, j->file.n + 1);
    have.n = fread(have.p, 1, j->file.n + 1, f);
    bool same = str_eq(buf_str(&have), buf_str(&j->file));
    fclose(f);
    buf_free(&have);
    return same;
}

static void render(struct job *j, uint32_t serial) {
    j->row->zone.serial = serial;
    buf_reset(&j->file);
    zone_write(&j->row->zone, &j->file);
    j->serial = serial;
}

/* SHA-256 of the file with the serial 0. */
static bool hash_content(struct job *j) {
    render(j, 0);
    return EVP_Digest(j->file.p, j->file.n, j->hash, NULL, EVP_sha256(), NULL) == 1 ||
           err_set(&j->problem, "cannot compute the SHA-256 of the zone");
}

/* Later than what the nameserver serves too: after a restored backup the database may be behind. */
static uint32_t next_serial(const struct job *j, uint32_t last, struct job_context *x) {
    uint32_t served;
    enum soa_answer answer = x->silent ? SOA_SILENT : x->driver->serial(x->server, j->row->zone.name, &served, NULL);
    x->silent = answer == SOA_SILENT;
    if (answer == SOA_SERVES && zone_serial_later(served, last))
        last = served;
    return zone_next_serial(last, clock_now());
}

void job_prepare(struct job *j, struct job_context *x, struct zone_row *row, int64_t revision) {
    *j = (struct job){.row = row, .revision = revision};
    uint32_t last = row->zone.serial;
    files_zone_path(x->folder, row->zone.name, &j->path);
    if (!zone_normalise(x->a, &row->zone, &j->problem) || !zone_check(x->a, &row->zone, &j->problem)) {
        j->state = JOB_REFUSED;
        return;
    }
    if (!hash_content(j)) {
        j->state = JOB_FAILED;
        return;
    }
    bool same_content = str_eq(row->content_hash, str_n(j->hash, sizeof j->hash));
    render(j, last);
    if (last != 0 && is_in_place(j)) {
        j->state = same_content && !x->always && !row->problem.n ? JOB_UNCHANGED : JOB_LOAD;
        return;
    }
    if (!same_content || last == 0) {
        render(j, next_serial(j, last, x));
        j->raised = true;
    }
    j->state = JOB_WRITE;
}

void job_write(struct job *j, const struct job_context *x) {
    if (!files_prepare(j->path.p, buf_str(&j->file), &j->temporary, &j->problem)) {
        j->state = JOB_FAILED;
    } else if (!x->driver->check(x->server, j->row->zone.name, j->temporary.p, &j->problem)) {
        unlink(j->temporary.p);
        j->state = JOB_REFUSED;
    } else {
        j->state = files_commit(j->temporary.p, j->path.p, &j->problem) ? JOB_LOAD : JOB_FAILED;
    }
}

/* A nameserver that signs the zone itself counts on from our serial. */
bool job_is_served(struct job *j, const struct job_context *x) {
    uint32_t served = 0;
    if (x->driver->serial(x->server, j->row->zone.name, &served, &j->problem) != SOA_SERVES)
        return false;
    if (served == j->serial || zone_serial_later(served, j->serial)) {
        j->problem.text[0] = 0;
        return true;
    }
    return err_set(&j->problem, "the nameserver still serves the serial %u, not %u", served, j->serial);
}

void job_free(struct job *j) {
    buf_free(&j->path);
    buf_free(&j->file);
    buf_free(&j->temporary);
}
