#include "sasl/auth.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/password.h"
#include "db/db.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    KEY_BYTES = 32,
    PROOF_SLOTS = 16384, /* passwords remembered as right */
    PROOF_SECONDS = 600,
    FAILURE_SLOTS = 8192,
    FAILURE_SECONDS = 600,  /* a count of failures starts anew after so long without one */
    PAIR_FAILURES = 10,     /* of one account from one address */
    PEER_FAILURES = 50,     /* of one address */
    ACCOUNT_FAILURES = 200, /* of one account: high, or strangers could lock it */
    MAX_WAITING = 64,       /* logins that wait for a core to hash on */
};

struct failure {
    uint64_t key;
    int64_t last;
    uint32_t count;
};

struct auth {
    struct directory *directory;
    struct db *db;
    unsigned char key[KEY_BYTES];
    struct buf nobody; /* the hash that unknown logins are checked against, so that they take as long */
    pthread_mutex_t lock;
    pthread_cond_t hasher_free;
    int hashers, waiting;
    struct {
        unsigned char mac[KEY_BYTES];
        int64_t until;
    } proof[PROOF_SLOTS];
    struct failure failure[FAILURE_SLOTS];
};

static const struct db_statement FIND_TOKEN = {
    "auth_token", "SELECT 1 FROM login_token WHERE token_hash = $1 AND account_id = $2 AND expires_at > now()"};

struct auth *auth_new(struct directory *d, struct db *db) {
    struct auth *a = mem_zero(sizeof *a);
    a->directory = d;
    a->db = db;
    random_bytes(a->key, sizeof a->key);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    a->hashers = cores > 0 ? (int)cores : 1;
    struct err err;
    if (!password_hash(str_n(a->key, sizeof a->key), &a->nobody, &err))
        log_fatal("%s", err.text);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->hasher_free, NULL);
    return a;
}

void auth_free(struct auth *a) {
    if (!a)
        return;
    pthread_cond_destroy(&a->hasher_free);
    pthread_mutex_destroy(&a->lock);
    buf_free(&a->nobody);
    OPENSSL_cleanse(a, sizeof *a);
    free(a);
}

/* ---- failures ---- */

static uint64_t failure_key(const struct auth *a, struct str login, const char *peer) {
    unsigned char mac[EVP_MAX_MD_SIZE];
    struct arena arena = ARENA_EMPTY;
    struct str text = arena_printf(&arena, "%.*s\n%s", STR_ARG(arena_lower(&arena, login)), peer);
    HMAC(EVP_sha256(), a->key, KEY_BYTES, (const unsigned char *)text.p, text.n, mac, NULL);
    arena_free(&arena);
    uint64_t key;
    memcpy(&key, mac, sizeof key);
    return key;
}

static uint32_t failures(struct auth *a, uint64_t key) {
    const struct failure *f = &a->failure[key % FAILURE_SLOTS];
    return f->key == key && f->last + FAILURE_SECONDS * CLOCK_SECOND > clock_monotonic() ? f->count : 0;
}

static void count_failure(struct auth *a, uint64_t key) {
    struct failure *f = &a->failure[key % FAILURE_SLOTS];
    uint32_t before = failures(a, key);
    *f = (struct failure){key, clock_monotonic(), before + 1};
}

static bool throttled(struct auth *a, const uint64_t key[3]) {
    pthread_mutex_lock(&a->lock);
    bool yes = failures(a, key[0]) >= PAIR_FAILURES || failures(a, key[1]) >= PEER_FAILURES ||
               failures(a, key[2]) >= ACCOUNT_FAILURES;
    pthread_mutex_unlock(&a->lock);
    return yes;
}

/* ---- passwords that were right ---- */

static void proof_of(const struct auth *a, const struct directory_account *account, struct str password,
                     unsigned char mac[KEY_BYTES]) {
    struct buf text = BUF_EMPTY;
    buf_add(&text, &account->id, sizeof account->id);
    buf_add_str(&text, account->password);
    buf_add_byte(&text, 0);
    buf_add_str(&text, password);
    HMAC(EVP_sha256(), a->key, KEY_BYTES, (const unsigned char *)text.p, text.n, mac, NULL);
    OPENSSL_cleanse(text.p, text.n);
    buf_free(&text);
}

static size_t proof_slot(const unsigned char mac[KEY_BYTES]) {
    size_t slot;
    memcpy(&slot, mac, sizeof slot);
    return slot % PROOF_SLOTS;
}

static bool proven(struct auth *a, const unsigned char mac[KEY_BYTES]) {
    size_t slot = proof_slot(mac);
    pthread_mutex_lock(&a->lock);
    bool yes = a->proof[slot].until > clock_monotonic() && CRYPTO_memcmp(a->proof[slot].mac, mac, KEY_BYTES) == 0;
    pthread_mutex_unlock(&a->lock);
    return yes;
}

static void remember(struct auth *a, const unsigned char mac[KEY_BYTES]) {
    size_t slot = proof_slot(mac);
    pthread_mutex_lock(&a->lock);
    memcpy(a->proof[slot].mac, mac, KEY_BYTES);
    a->proof[slot].until = clock_monotonic() + PROOF_SECONDS * CLOCK_SECOND;
    pthread_mutex_unlock(&a->lock);
}

/* Verifies on one of the few cores' turns. False in *busy: too many wait already. */
static bool verify_in_turn(struct auth *a, struct str stored, struct str password, bool *busy) {
    pthread_mutex_lock(&a->lock);
    *busy = a->hashers == 0 && a->waiting >= MAX_WAITING;
    if (*busy) {
        pthread_mutex_unlock(&a->lock);
        return false;
    }
    a->waiting++;
    while (a->hashers == 0)
        pthread_cond_wait(&a->hasher_free, &a->lock);
    a->waiting--;
    a->hashers--;
    pthread_mutex_unlock(&a->lock);
    bool right = password_verify(stored, password);
    pthread_mutex_lock(&a->lock);
    a->hashers++;
    pthread_cond_signal(&a->hasher_free);
    pthread_mutex_unlock(&a->lock);
    return right;
}

/* ---- checking ---- */

static enum auth_result check_token(struct auth *a, const struct directory_account *account, struct str token) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token.p, token.n, hash);
    struct err err;
    struct db_conn *c = db_acquire(a->db, &err);
    if (!c) {
        log_warn("auth: %s", err.text);
        return AUTH_TEMPORARY;
    }
    struct db_params p = {0};
    db_bytes(&p, str_n(hash, sizeof hash));
    db_int8(&p, account->id);
    PGresult *r = db_query(c, &FIND_TOKEN, &p, &err);
    enum auth_result result = !r ? AUTH_TEMPORARY : PQntuples(r) ? AUTH_OK : AUTH_FAILED;
    if (!r)
        log_warn("auth: %s", err.text);
    PQclear(r);
    db_release(a->db, c);
    return result;
}

static enum auth_result check_account(struct auth *a, bool known, const struct directory_account *account,
                                      struct str password) {
    if (known && str_starts(password, STR(AUTH_TOKEN_PREFIX)))
        return check_token(a, account, password);
    unsigned char mac[KEY_BYTES];
    bool busy = false, right = false;
    if (known) {
        proof_of(a, account, password, mac);
        if (proven(a, mac))
            return AUTH_OK;
    }
    right = verify_in_turn(a, known ? account->password : buf_str(&a->nobody), password, &busy);
    if (busy)
        return AUTH_TEMPORARY;
    if (!known || !right)
        return AUTH_FAILED;
    remember(a, mac);
    return AUTH_OK;
}

enum auth_result auth_check(struct auth *a, struct arena *arena, struct str login, struct str password,
                            const char *peer, struct directory_account *account) {
    bool local = strcmp(peer, "unix") == 0; /* the webmail throttles its own logins */
    const uint64_t key[3] = {failure_key(a, login, peer), failure_key(a, STR(""), peer), failure_key(a, login, "")};
    if (!local && throttled(a, key))
        return AUTH_THROTTLED;
    enum directory_status status = directory_account(a->directory, arena, login, account);
    if (status == DIRECTORY_TEMPORARY)
        return AUTH_TEMPORARY;
    enum auth_result result = check_account(a, status == DIRECTORY_OK, account, password);
    if (result == AUTH_FAILED && !local) {
        pthread_mutex_lock(&a->lock);
        for (size_t i = 0; i < 3; i++)
            count_failure(a, key[i]);
        pthread_mutex_unlock(&a->lock);
    }
    if (result != AUTH_OK)
        memset(account, 0, sizeof *account);
    return result;
}

bool sasl_plain_parse(struct str message, struct str *authcid, struct str *password) {
    struct str authzid;
    return message.n && str_split(&message, 0, &authzid) && str_split(&message, 0, authcid) &&
           str_split(&message, 0, password) && message.p == NULL && authcid->n > 0 && password->n > 0 &&
           (authzid.n == 0 || str_eq(authzid, *authcid));
}
