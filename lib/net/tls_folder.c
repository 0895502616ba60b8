#include "net/tls_folder.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/str.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_KEPT = 256, MAX_NAME = 253 };
#define LOOK_AGAIN CLOCK_SECOND

/* What tells one version of a file from another. */
struct version {
    struct timespec changed, modified;
    ino_t inode;
    off_t size;
};

struct kept {
    char *name; /* of the certificate: a host, "*.domain" */
    struct version certificate, key;
    int64_t looked_at, used_at;
    bool good; /* identity is there; false: the files can't be used as they are */
    struct identity identity;
};

struct tls_folder {
    _Atomic int references;
    char *path;
    pthread_mutex_t lock;
    int64_t denied_at; /* when it was last said that files can't be reached */
    struct kept kept[MAX_KEPT];
    size_t count;
};

/* How certificate and key of a name are called. */
static const char *const layout[][2] = {{"%s/%s.pem", "%s/%s.key"}, {"%s/%s/fullchain.pem", "%s/%s/privkey.pem"}};
enum { LAYOUTS = sizeof layout / sizeof *layout };

struct tls_folder *tls_folder_new(const char *path, struct err *err) {
    struct stat st;
    if (stat(path, &st) != 0 || access(path, R_OK | X_OK) != 0) {
        err_errno(err, "can't read the folder of certificates %s", path);
        return NULL;
    }
    if (!S_ISDIR(st.st_mode)) {
        err_set(err, "%s is no folder of certificates", path);
        return NULL;
    }
    struct tls_folder *f = mem_zero(sizeof *f);
    atomic_store(&f->references, 1);
    pthread_mutex_init(&f->lock, NULL);
    f->path = str_dup(str_of(path));
    return f;
}

struct tls_folder *tls_folder_keep(struct tls_folder *f) {
    if (f)
        atomic_fetch_add(&f->references, 1);
    return f;
}

static void drop(struct tls_folder *f, struct kept *k) {
    free(k->name);
    if (k->good)
        identity_free(&k->identity);
    *k = f->kept[--f->count];
    f->kept[f->count] = (struct kept){0};
}

void tls_folder_release(struct tls_folder *f) {
    if (!f || atomic_fetch_sub(&f->references, 1) > 1)
        return;
    while (f->count)
        drop(f, &f->kept[0]);
    pthread_mutex_destroy(&f->lock);
    free(f->path);
    free(f);
}

void tls_folder_forget(struct tls_folder *f) {
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->count; i++) {
        f->kept[i].looked_at = 0;
        f->kept[i].certificate.size = -1;
    }
    pthread_mutex_unlock(&f->lock);
}

size_t tls_folder_count(struct tls_folder *f) {
    pthread_mutex_lock(&f->lock);
    size_t n = f->count;
    pthread_mutex_unlock(&f->lock);
    return n;
}

/* ---- files ---- */

static bool version_of(const char *path, struct version *v) {
    struct stat st;
    memset(v, 0, sizeof *v); /* its padding is compared, too */
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    v->changed = st.st_ctim;
    v->modified = st.st_mtim;
    v->inode = st.st_ino;
    v->size = st.st_size;
    return true;
}

static bool same(const struct version *a, const struct version *b) { return memcmp(a, b, sizeof *a) == 0; }

/* The paths of the name in the first layout of which both files are there. */
static bool find_files(struct tls_folder *f, struct arena *a, const char *name, const char *path[2],
                       struct version v[2]) {
    for (size_t i = 0; i < LAYOUTS; i++) {
        for (int k = 0; k < 2; k++)
            path[k] = arena_printf(a, layout[i][k], f->path, name).p;
        if (version_of(path[0], &v[0]) && version_of(path[1], &v[1]))
            return true;
        int64_t now = clock_monotonic();
        if (errno == EACCES && (!f->denied_at || now - f->denied_at > 60 * CLOCK_SECOND)) {
            log_warn("%s can't be reached as this user: certificates in it are not used", path[0]);
            f->denied_at = now;
        }
    }
    return false;
}

/* ---- what is kept ---- */

static struct kept *find_kept(struct tls_folder *f, const char *name) {
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->kept[i].name, name) == 0)
            return &f->kept[i];
    return NULL;
}

/* A place for one more; the one that was not used for the longest time goes. */
static struct kept *add(struct tls_folder *f, const char *name) {
    if (f->count == MAX_KEPT) {
        struct kept *oldest = &f->kept[0];
        for (size_t i = 1; i < f->count; i++)
            if (f->kept[i].used_at < oldest->used_at)
                oldest = &f->kept[i];
        drop(f, oldest);
    }
    struct kept *k = &f->kept[f->count++];
    *k = (struct kept){.name = str_dup(str_of(name))};
    return k;
}

/* Reads the files; where they can't be used, what was good before stays, and it is said once for each version. */
static void read_files(struct kept *k, const char *const path[2], const struct version v[2]) {
    struct identity i;
    struct err err;
    k->certificate = v[0];
    k->key = v[1];
    if (!identity_read(&i, NULL, path[0], path[1], &err)) {
        log_error("the certificate for %s is not used: %s", k->name, err.text);
        return;
    }
    if (k->good)
        identity_free(&k->identity);
    k->identity = i;
    k->good = true;
}

/* The identity of this name as it is now; NULL: there is none. Under the lock. */
static struct kept *look(struct tls_folder *f, const char *name, int64_t now) {
    struct kept *k = find_kept(f, name);
    if (k && now - k->looked_at < LOOK_AGAIN && k->looked_at) {
        k->used_at = now;
        return k->good ? k : NULL;
    }
    struct arena a = ARENA_EMPTY;
    const char *path[2];
    struct version v[2];
    if (find_files(f, &a, name, path, v)) {
        if (!k)
            k = add(f, name);
        if (!same(&k->certificate, &v[0]) || !same(&k->key, &v[1]))
            read_files(k, path, v);
        k->looked_at = k->used_at = now;
    } else if (k) {
        drop(f, k);
        k = NULL;
    }
    arena_free(&a);
    return k && k->good ? k : NULL;
}

/* ---- by name ---- */

/* Only what can be a host name becomes part of a path. */
static bool is_host(const char *host) {
    struct str rest = str_of(host), label;
    if (rest.n == 0 || rest.n > MAX_NAME)
        return false;
    while (str_split(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63)
            return false;
        for (size_t i = 0; i < label.n; i++)
            if (!ascii_alpha(label.p[i]) && !ascii_digit(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
                return false;
    }
    return true;
}

static struct kept *look_for(struct tls_folder *f, const char *host, int64_t now) {
    char any[MAX_NAME + 3] = "*";
    const char *parent = strchr(host, '.');
    struct kept *k = look(f, host, now);
    if (k || !parent || !str_to_c(str_of(parent), any + 1, sizeof any - 1))
        return k;
    k = look(f, any, now);
    if (!k)
        k = look(f, parent + 1, now);
    return k && X509_check_host(k->identity.leaf, host, 0, 0, NULL) == 1 ? k : NULL;
}

bool tls_folder_find(struct tls_folder *f, const char *host, struct identity *out) {
    if (!is_host(host))
        return false;
    pthread_mutex_lock(&f->lock);
    struct kept *k = look_for(f, host, clock_monotonic());
    if (k)
        *out = identity_copy(&k->identity);
    pthread_mutex_unlock(&f->lock);
    return k != NULL;
}
