#include "net/tls.h"

#include "base/log.h"
#include "base/memory.h"
#include "net/tls_context.h"
#include "net/tls_folder.h"
#include "net/tls_identity.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

/* The identities beside the default one, sorted by host. Belongs to its SSL_CTX, and goes with it when the last
 * connection that was begun with it is gone. */
struct identities {
    pthread_rwlock_t lock;
    struct identity *at;
    size_t count;
    struct tls_folder *folder; /* what else there is by name; NULL: nothing */
};

struct tls_context {
    pthread_mutex_t lock; /* guards ctx, and keeps adding and reloading apart */
    SSL_CTX *ctx;
    struct identity fallback; /* a server's default identity */
};

/* Mozilla's "intermediate" set of 2023 for TLS 1.2; TLS 1.3 has good ones only. */
static const char server_ciphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";

/* ---- identities ---- */

static int by_host(const void *a, const void *b) {
    return strcmp(((const struct identity *)a)->host, ((const struct identity *)b)->host);
}

static struct identity *identities_find(struct identities *ids, const char *host) {
    struct identity wanted = {.host = (char *)(uintptr_t)host};
    return ids->count ? bsearch(&wanted, ids->at, ids->count, sizeof *ids->at, by_host) : NULL;
}

/* Adds or replaces; takes what i holds. */
static void identities_put(struct identities *ids, struct identity *i) {
    pthread_rwlock_wrlock(&ids->lock);
    struct identity *old = identities_find(ids, i->host);
    if (old) {
        identity_free(old);
        *old = *i;
    } else {
        size_t at = ids->count; /* from behind: a reload adds them in order */
        while (at > 0 && by_host(&ids->at[at - 1], i) > 0)
            at--;
        ids->at = mem_resize(ids->at, (ids->count + 1) * sizeof *ids->at);
        memmove(ids->at + at + 1, ids->at + at, (ids->count - at) * sizeof *ids->at);
        ids->at[at] = *i;
        ids->count++;
    }
    pthread_rwlock_unlock(&ids->lock);
}

static void identities_free(struct identities *ids) {
    for (size_t i = 0; i < ids->count; i++)
        identity_free(&ids->at[i]);
    free(ids->at);
    tls_folder_release(ids->folder);
    pthread_rwlock_destroy(&ids->lock);
    free(ids);
}

/* ---- choosing by name ---- */

static void lower_name(const char *name, char *out, size_t size) {
    size_t n = 0;
    for (; name[n] && n + 1 < size; n++)
        out[n] = ascii_lower(name[n]);
    if (n && out[n - 1] == '.')
        n--;
    out[n] = 0;
}

/* Where the folder has nothing the default stays. */
static int use_from_folder(SSL *ssl, struct tls_folder *folder, const char *name) {
    struct identity i;
    char host[256];
    lower_name(name, host, sizeof host);
    if (!tls_folder_find(folder, host, &i))
        return 1;
    SSL_certs_clear(ssl);
    int ok = SSL_use_cert_and_key(ssl, i.leaf, i.key, i.chain, 1);
    identity_free(&i);
    return ok;
}

/* Called by OpenSSL when the client's hello has been read, except when a session is resumed. */
static int choose_certificate(SSL *ssl, void *arg) {
    struct identities *ids = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    char host[256];
    if (!name)
        return 1;
    lower_name(name, host, sizeof host);
    pthread_rwlock_rdlock(&ids->lock);
    struct identity *i = identities_find(ids, host);
    char *dot = strchr(host, '.');
    if (!i && dot && dot > host) {
        dot[-1] = '*'; /* "*.example.org" stands for one label */
        i = identities_find(ids, dot - 1);
    }
    int ok = 1;
    if (i) {
        SSL_certs_clear(ssl); /* else a default certificate with another kind of key stays eligible */
        ok = SSL_use_cert_and_key(ssl, i->leaf, i->key, i->chain, 1);
    }
    struct tls_folder *folder = i ? NULL : ids->folder;
    pthread_rwlock_unlock(&ids->lock);
    return folder ? use_from_folder(ssl, folder, name) : ok;
}

/* Tells the client that its name was understood (RFC 6066 section 3); the certificate is chosen later. */
static int accept_name(SSL *ssl, int *alert, void *arg) {
    (void)alert, (void)arg;
    return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static int identities_slot = -1;

static void free_with_context(void *parent, void *p, CRYPTO_EX_DATA *ad, int index, long argl, void *argp) {
    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    if (p)
        identities_free(p);
}

static void make_identities_slot(void) {
    identities_slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_with_context);
    if (identities_slot < 0)
        mem_panic();
}

static struct identities *identities_of(SSL_CTX *ctx) { return SSL_CTX_get_ex_data(ctx, identities_slot); }

/* ---- contexts ---- */

static SSL_CTX *ctx_new(const SSL_METHOD *method) {
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        mem_panic();
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                 SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(ctx, 1); /* one read a record, not two */
    return ctx;
}

static SSL_CTX *server_ctx(const struct identity *fallback) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_identities_slot);
    SSL_CTX *ctx = ctx_new(TLS_server_method());
    struct identities *ids = mem_zero(sizeof *ids);
    pthread_rwlock_init(&ids->lock, NULL);
    SSL_CTX_set_ex_data(ctx, identities_slot, ids);
    SSL_CTX_set_cipher_list(ctx, server_ciphers);
    SSL_CTX_set_dh_auto(ctx, 1);
    /* Sessions are resumed by tickets, which the client keeps; a cache would cost memory for each session. */
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"mansio", 6);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_tlsext_servername_callback(ctx, accept_name);
    SSL_CTX_set_cert_cb(ctx, choose_certificate, ids);
    if (SSL_CTX_use_cert_and_key(ctx, fallback->leaf, fallback->key, fallback->chain, 1) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

struct tls_context *tls_server_new(const char *certificate_path, const char *key_path, struct err *err) {
    struct identity fallback;
    if (!identity_read(&fallback, NULL, certificate_path, key_path, err))
        return NULL;
    SSL_CTX *ctx = server_ctx(&fallback);
    if (!ctx) {
        tls_openssl_error(err, "OpenSSL refuses the certificate", certificate_path);
        identity_free(&fallback);
        return NULL;
    }
    struct tls_context *t = mem_zero(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->ctx = ctx;
    t->fallback = fallback;
    return t;
}

bool tls_server_add(struct tls_context *t, const char *host, const char *certificate_path, const char *key_path,
                    struct err *err) {
    struct identity i;
    if (!*host || strlen(host) > 253)
        return err_set(err, "'%s' is no host name", host);
    if (!identity_read(&i, host, certificate_path, key_path, err))
        return false;
    pthread_mutex_lock(&t->lock);
    identities_put(identities_of(t->ctx), &i);
    pthread_mutex_unlock(&t->lock);
    return true;
}

bool tls_server_folder(struct tls_context *t, const char *path, struct err *err) {
    struct tls_folder *folder = tls_folder_new(path, err);
    if (!folder)
        return false;
    pthread_mutex_lock(&t->lock);
    struct identities *ids = identities_of(t->ctx);
    pthread_rwlock_wrlock(&ids->lock);
    tls_folder_release(ids->folder);
    ids->folder = folder;
    pthread_rwlock_unlock(&ids->lock);
    pthread_mutex_unlock(&t->lock);
    return true;
}

/* Reads an identity again; where that fails, gives the old one, and false. */
static bool read_again(const struct identity *old, struct identity *out, struct err *err) {
    if (identity_read(out, old->host, old->certificate_path, old->key_path, err))
        return true;
    *out = identity_copy(old);
    return false;
}

/* A new context from the files of t's; the first failure is left in err. */
static SSL_CTX *reloaded(struct tls_context *t, struct identity *fallback, bool *all, struct err *err) {
    struct err ignored, *report = err;
    *all = read_again(&t->fallback, fallback, report);
    SSL_CTX *ctx = server_ctx(fallback);
    if (!ctx)
        return NULL;
    struct identities *old = identities_of(t->ctx);
    identities_of(ctx)->folder = tls_folder_keep(old->folder);
    tls_folder_forget(old->folder);
    for (size_t n = 0; n < old->count; n++) {
        struct identity i;
        if (!read_again(&old->at[n], &i, *all ? report : &ignored))
            *all = false;
        identities_put(identities_of(ctx), &i);
    }
    return ctx;
}

bool tls_server_reload(struct tls_context *t, struct err *err) {
    struct identity fallback;
    bool all;
    pthread_mutex_lock(&t->lock);
    SSL_CTX *ctx = reloaded(t, &fallback, &all, err), *old = NULL;
    if (ctx) {
        old = t->ctx;
        t->ctx = ctx;
        identity_free(&t->fallback);
        t->fallback = fallback;
    } else {
        all = tls_openssl_error(err, "OpenSSL refuses the certificate", fallback.certificate_path);
        identity_free(&fallback);
    }
    pthread_mutex_unlock(&t->lock);
    SSL_CTX_free(old);
    return all;
}

struct tls_context *tls_client_new(const char *ca_path, struct err *err) {
    SSL_CTX *ctx = ctx_new(TLS_client_method());
    ERR_clear_error();
    int ok = ca_path ? SSL_CTX_load_verify_file(ctx, ca_path) : SSL_CTX_set_default_verify_paths(ctx);
    if (ok != 1) {
        tls_openssl_error(err, "can't read the certificates of trusted authorities",
                          ca_path ? ca_path : "of the system");
        SSL_CTX_free(ctx);
        return NULL;
    }
    struct tls_context *t = mem_zero(sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->ctx = ctx;
    return t;
}

SSL_CTX *tls_context_get(struct tls_context *t) {
    pthread_mutex_lock(&t->lock);
    SSL_CTX *ctx = t->ctx;
    SSL_CTX_up_ref(ctx);
    pthread_mutex_unlock(&t->lock);
    return ctx;
}

void tls_free(struct tls_context *t) {
    if (!t)
        return;
    SSL_CTX_free(t->ctx);
    identity_free(&t->fallback);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
