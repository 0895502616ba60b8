#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/memory.h"
#include "db/db.h"
#include "directory/protocol.h"
#include "sasl/internal.h"
#include "sasl/scram.h"

#include <openssl/hmac.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PROOF_SECONDS = 600,
    MAX_WAITING = 64, /* logins that wait for a core to hash on */
};

struct auth *auth_new(struct directory *d, struct db *db, const char *conninfo, struct err *err) {
    struct auth *a = mem_zero(sizeof *a);
    a->directory = d;
    a->db = db;
    random_bytes(a->key, sizeof a->key);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    a->hashers = cores > 0 ? (int)cores : 1;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->hasher_free, NULL);
    int code = gsasl_init(&a->gsasl);
    if (code == GSASL_OK)
        scram_init(a->gsasl);
    if (code != GSASL_OK)
        err_set(err, "libgsasl can't be used: %s", gsasl_strerror(code));
    else if (password_hash(str_n(a->key, sizeof a->key), &a->nobody, err) &&
             (a->throttle = throttle_new(db, conninfo, err)))
        return a;
    auth_free(a);
    return NULL;
}

void auth_free(struct auth *a) {
    if (!a)
        return;
    throttle_free(a->throttle);
    if (a->gsasl)
        gsasl_done(a->gsasl);
    pthread_cond_destroy(&a->hasher_free);
    pthread_mutex_destroy(&a->lock);
    buf_free(&a->nobody);
    OPENSSL_cleanse(a, sizeof *a);
    free(a);
}

/* ---- passwords that were right ---- */

static void proof_of(const struct auth *a, const struct directory_account *account, struct str password,
                     unsigned char mac[AUTH_KEY_BYTES]) {
    struct buf text = BUF_EMPTY;
    buf_add(&text, &account->id, sizeof account->id);
    buf_add_str(&text, account->password);
    buf_add_byte(&text, 0);
    buf_add_str(&text, password);
    HMAC(EVP_sha256(), a->key, AUTH_KEY_BYTES, (const unsigned char *)text.p, text.n, mac, NULL);
    OPENSSL_cleanse(text.p, text.n);
    buf_free(&text);
}

static size_t proof_slot(const unsigned char mac[AUTH_KEY_BYTES]) {
    size_t slot;
    memcpy(&slot, mac, sizeof slot);
    return slot % AUTH_PROOF_SLOTS;
}

static bool proven(struct auth *a, const unsigned char mac[AUTH_KEY_BYTES]) {
    size_t slot = proof_slot(mac);
    pthread_mutex_lock(&a->lock);
    bool yes = a->proof[slot].until > clock_monotonic() && CRYPTO_memcmp(a->proof[slot].mac, mac, AUTH_KEY_BYTES) == 0;
    pthread_mutex_unlock(&a->lock);
    return yes;
}

static void remember(struct auth *a, const unsigned char mac[AUTH_KEY_BYTES]) {
    size_t slot = proof_slot(mac);
    pthread_mutex_lock(&a->lock);
    memcpy(a->proof[slot].mac, mac, AUTH_KEY_BYTES);
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

bool auth_try_begin(struct auth_try *t, struct auth *a, enum auth_service service, struct arena *arena,
                    struct str login, const char *peer, enum auth_result *result) {
    *t = (struct auth_try){.auth = a, .service = service, .peer = peer, .login = login};
    if (throttle_is_banned(a->throttle, login, peer)) {
        *result = AUTH_THROTTLED;
        return false;
    }
    t->status = directory_account(a->directory, arena, login, &t->account);
    *result = AUTH_TEMPORARY;
    return t->status != DIRECTORY_TEMPORARY;
}

enum auth_result auth_allowed(const struct directory_account *account, enum directory_protocol protocol,
                              const char *peer) {
    if (!(account->protocols_off & protocol))
        return AUTH_OK;
    log_event(LOG_LEVEL_INFO, "auth", "refused, the protocol is switched off", LOG_ABOUT("client", peer),
              LOG_ADDRESS("user", account->address), LOG_WORD("protocol", str_of(protocol_text(protocol))),
              LOG_WORD("for", str_of(account->protocols_off_by_domain & protocol ? "domain" : "mailbox")));
    return AUTH_OFF;
}

enum auth_result auth_try_failed(struct auth_try *t, const char *why) {
    throttle_count(t->auth->throttle, t->login, t->peer, why);
    return AUTH_FAILED;
}

/* The password proper. A name that is not there, or whose hash is of a fast kind, takes as long as any other. */
static enum auth_result check_password(struct auth_try *t, struct str password) {
    struct auth *a = t->auth;
    bool usable = t->status == DIRECTORY_OK && !t->account.app_passwords_only;
    unsigned char mac[AUTH_KEY_BYTES];
    bool busy = false;
    if (usable) {
        proof_of(a, &t->account, password, mac);
        if (proven(a, mac))
            return AUTH_OK;
    }
    bool right = verify_in_turn(a, usable ? t->account.password : buf_str(&a->nobody), password, &busy);
    if (usable && !right && !busy && !str_starts(t->account.password, STR("$argon2id$")))
        verify_in_turn(a, buf_str(&a->nobody), password, &busy);
    if (busy)
        return AUTH_TEMPORARY;
    if (!usable || !right)
        return auth_try_failed(t, "a wrong password");
    remember(a, mac);
    if (!password_is_current(t->account.password))
        auth_renew(a, &t->account, password);
    return AUTH_OK;
}

enum auth_result auth_check(struct auth *a, enum auth_service service, struct arena *arena, struct str login,
                            struct str password, const char *peer, struct directory_account *account) {
    struct auth_try t;
    enum auth_result result;
    int64_t app;
    enum directory_protocol protocol = (enum directory_protocol)service;
    memset(account, 0, sizeof *account);
    if (!auth_try_begin(&t, a, service, arena, login, peer, &result))
        return result;
    if (t.status == DIRECTORY_OK && str_starts(password, STR(AUTH_TOKEN_PREFIX))) {
        protocol = DIRECTORY_WEB;
        result = auth_check_login_token(&t, password);
    } else if (t.status == DIRECTORY_OK && auth_is_app_password(&t, password, &app)) {
        auth_note_use(a, app, peer);
        result = AUTH_OK;
    } else {
        result = check_password(&t, password);
    }
    if (result == AUTH_OK)
        result = auth_allowed(&t.account, protocol, peer);
    if (result == AUTH_OK)
        *account = t.account;
    return result;
}
