/* What clients send to log in, and what administrators hand in as a hash, of any bytes. The first byte chooses. */
#include "base/log.h"
#include "base/password.h"
#include "sasl/sasl.h"
#include "sasl/throttle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str whole, struct str part) {
    if (part.p && part.n && (part.p < whole.p || part.p + part.n > whole.p + whole.n))
        log_panic("a part lies outside of the message");
}

static void parse_plain(struct str message) {
    struct str user, password;
    if (!sasl_plain_parse(message, &user, &password))
        return;
    inside(message, user);
    inside(message, password);
    if (!user.n || !password.n || str_chr(user, 0) >= 0 || str_chr(password, 0) >= 0)
        log_panic("PLAIN gave no name or no password");
}

static void parse_tokens(struct str message) {
    struct arena a = ARENA_EMPTY;
    struct str user, token;
    if (sasl_oauthbearer_parse(&a, message, &user, &token)) {
        inside(message, token);
        if (!token.n)
            log_panic("OAUTHBEARER gave no token");
    }
    if (sasl_xoauth2_parse(message, &user, &token)) {
        inside(message, user);
        inside(message, token);
        if (!token.n || !user.n)
            log_panic("XOAUTH2 gave no name or no token");
    }
    arena_free(&a);
}

/* crypt(3), argon2 and PBKDF2 take as long as the hash says: what takes long is looked at, and not computed. */
static bool is_quick(struct str stored) {
    static const char *const slow[] = {"CRYPT", "crypt", "$", "ARGON", "PBKDF", "SCRAM"};
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++)
        if (str_find(stored, str_of(slow[i])) >= 0)
            return false;
    return stored.n && stored.p[0] == '{' && str_chr(stored, 'r') < 0 && str_chr(stored, 'a') < 0;
}

static void read_hash(struct str stored) {
    struct password_keys keys;
    for (int which = 0; which < 2; which++)
        if (password_scram_keys(stored, (enum password_scram)which, &keys)) {
            inside(stored, keys.salt);
            if (!keys.iterations || !keys.salt.n || (keys.key_bytes != 32 && keys.key_bytes != 20))
                log_panic("keys of SCRAM that are none");
        }
    if (password_is_current(stored) && !password_is_known(stored))
        log_panic("a hash of ours is not known");
    if (is_quick(stored) && password_verify(stored, STR("Tace et fac")) && !password_is_known(stored))
        log_panic("a password fits what is no hash");
}

static void name_network(struct str peer) {
    char out[THROTTLE_NETWORK_BYTES], *text = str_dup(str_sub(peer, 0, 45));
    throttle_network(text, out);
    if (strlen(out) >= sizeof out)
        log_panic("a network's name is too long");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str in = str_n(data, size);
    if (size == 0)
        return 0;
    struct str rest = str_sub(in, 1, in.n);
    switch (data[0] % 4) {
    case 0:
        parse_plain(rest);
        break;
    case 1:
        parse_tokens(rest);
        break;
    case 2:
        read_hash(rest);
        break;
    default:
        name_network(rest);
    }
    return 0;
}
