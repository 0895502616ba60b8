#include "directory/admin_internal.h"
#include "directory/protocol.h"

#include "base/password.h"
#include "directory/rules.h"
#include "net/network.h"
#include "quota/quota.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistr.h>

enum { TEXT_CHARACTERS = 4000 }; /* of a setting that is a mail's text */

/* ---- what the database says ---- */

int64_t admin_failed(struct db_conn *c, const struct admin_sentence *sentences, struct str subject, struct err *err) {
    const char *state = db_sqlstate(c), *constraint = db_constraint(c);
    if (db_is_broken(c)) {
        err_set(err, "the database can't be reached at the moment; try again");
        return -1;
    }
    for (; sentences && sentences->constraint; sentences++)
        if (strcmp(sentences->constraint, constraint) == 0) {
            err_set(err, sentences->text, STR_ARG(subject));
            return 0;
        }
    /* Raised by our own triggers, whose messages are sentences. */
    bool ours = strcmp(constraint, "domain_limit") == 0 || strcmp(constraint, "account_limit") == 0 ||
                strcmp(constraint, "zone_parent") == 0 || strcmp(constraint, "access_list_limit") == 0 ||
                strcmp(constraint, "account_shared") == 0 || strcmp(constraint, "mailbox_acl_limit") == 0;
    if (ours)
        err_set(err, "%s", db_message(c));
    else if (strcmp(state, "42501") == 0) /* insufficient_privilege: grants and row security */
        err_set(err, "you are not allowed to do that");
    else if (strncmp(state, "23", 2) == 0) /* integrity constraint violation */
        err_set(err, "the database refuses this: %s", db_message(c));
    else
        return -1; /* err holds what the statement said */
    return 0;
}

int64_t admin_insert(struct db_conn *c, const struct db_statement *s, struct db_params *p,
                     const struct admin_sentence *sentences, struct str subject, struct err *err) {
    PGresult *r = db_query(c, s, p, err);
    if (!r)
        return admin_failed(c, sentences, subject, err);
    int64_t id = PQntuples(r) ? db_get_int8(r, 0, 0) : 0;
    PQclear(r);
    return id;
}

int64_t admin_touch(struct db_conn *c, const struct db_statement *s, struct db_params *p, struct err *err,
                    const char *missing, ...) {
    int64_t rows = db_exec(c, s, p, err);
    if (rows < 0)
        return admin_failed(c, NULL, STR(""), err);
    if (rows > 0)
        return 1;
    char text[sizeof err->text];
    va_list ap;
    va_start(ap, missing);
    vsnprintf(text, sizeof text, missing, ap);
    va_end(ap);
    err_set(err, "%s", text);
    return 0;
}

/* ---- what people type ---- */

static bool has_control(struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0))
            return true;
    }
    return false;
}

static bool text_within(struct arena *a, struct str typed, const char *what, size_t most, struct str *out,
                        struct err *err) {
    struct str text = str_trim(typed);
    if (!str_is_utf8(text))
        return err_set(err, "%s is not valid text (UTF-8)", what);
    if (has_control(text))
        return err_set(err, "%s must not contain control characters or line ends", what);
    if (text.n && u8_mbsnlen((const uint8_t *)text.p, text.n) > most)
        return err_set(err, "%s is too long: at most %zu characters", what, most);
    *out = arena_str(a, text);
    return true;
}

bool admin_text(struct arena *a, struct str typed, const char *what, struct str *out, struct err *err) {
    return text_within(a, typed, what, ADMIN_NAME_CHARACTERS, out, err);
}

bool admin_own_address(struct arena *a, struct str typed, bool catch_all, struct str *local, struct str *domain,
                       struct err *err) {
    typed = str_trim(typed);
    if (catch_all && typed.n > 1 && typed.p[0] == '@') {
        *local = STR("");
        return domain_to_ascii(a, str_sub(typed, 1, typed.n), domain, err);
    }
    if (!address_parse(a, typed, local, domain, err))
        return false;
    if (domain->p[0] == '[')
        return err_set(err, "an address here needs a domain name behind the @, not an IP address");
    /* Quoted local parts are legal and break half of the world's programs: none are made here. */
    struct str plain = address_format(a, *local, STR(""));
    if (plain.p[0] == '"')
        return err_set(
            err, "the part before the @ may have letters, digits, dots, hyphens and the like, but no blanks or quotes");
    if (local->p[0] == '-')
        return err_set(err, "an address must not begin with a hyphen: programs take it for an option");
    *local = address_fold(a, *local);
    return local->n <= 64 ||
           err_set(err, "the part before the @ is longer than 64 bytes"); /* RFC 5321 section 4.5.3.1.1 */
}

bool admin_hash_password(struct arena *a, struct str password, struct str login, struct str *hash, struct err *err) {
    if (!password_acceptable(password, login, err))
        return false;
    struct buf out = BUF_EMPTY;
    bool good = password_hash(password, &out, err);
    *hash = arena_str(a, buf_str(&out));
    buf_free(&out);
    return good;
}

static const struct db_statement FIND_DOMAIN = {"admin_find_domain",
                                                "SELECT id, tenant_id, kind::text FROM domain WHERE name = $1"};

int64_t admin_find_domain(struct db_conn *c, struct arena *a, struct str name, struct admin_domain *out,
                          struct err *err) {
    struct db_params p = {0};
    db_text(&p, name);
    PGresult *r = db_query(c, &FIND_DOMAIN, &p, err);
    if (!r)
        return admin_failed(c, NULL, name, err);
    bool found = PQntuples(r) == 1;
    if (found)
        *out = (struct admin_domain){db_get_int8(r, 0, 0), db_get_int8(r, 0, 1), arena_str(a, db_get_str(r, 0, 2))};
    else
        err_set(err, "the domain %.*s is not hosted here", STR_ARG(name));
    PQclear(r);
    return found;
}

static const struct db_statement FIND_ACCOUNT = {
    "admin_find_account",
    "SELECT a.id, a.local_part || '@' || d.name FROM account a JOIN domain d ON d.id = a.domain_id"
    " WHERE a.local_part = $1 AND d.name = $2"};

int64_t admin_find_account(struct db_conn *c, struct arena *a, struct str address, struct admin_account *out,
                           struct err *err) {
    struct str local, domain;
    struct db_params p = {0};
    if (!admin_own_address(a, address, false, &local, &domain, err))
        return 0;
    db_text(&p, local);
    db_text(&p, domain);
    PGresult *r = db_query(c, &FIND_ACCOUNT, &p, err);
    if (!r)
        return admin_failed(c, NULL, address, err);
    bool found = PQntuples(r) == 1;
    if (found)
        *out = (struct admin_account){db_get_int8(r, 0, 0), arena_str(a, db_get_str(r, 0, 1))};
    else
        err_set(err, "there is no mailbox %.*s", STR_ARG(address));
    PQclear(r);
    return found;
}

/* ---- settings ---- */

static bool names_list(struct arena *a, struct str value, struct str *out, struct err *err) {
    struct buf list = BUF_EMPTY;
    struct str rest = value, piece, name;
    bool good = true;
    while (good && str_split(&rest, ' ', &piece)) {
        piece = str_trim(piece);
        if (!piece.n)
            continue;
        good = domain_to_ascii(a, piece, &name, err);
        if (good) {
            buf_add_c(&list, list.n ? " " : "");
            buf_add_str(&list, name);
        }
    }
    if (good && !list.n)
        good = err_set(err, "at least one name is needed");
    if (good)
        *out = arena_str(a, buf_str(&list));
    buf_free(&list);
    return good;
}

static bool services_check(struct str value, struct err *err) {
    static const char *const services[] = {"smtp", "submission", "lmtp"};
    struct str word;
    while (value.n && str_split(&value, ' ', &word)) {
        bool known = word.n == 0;
        for (size_t i = 0; i < sizeof services / sizeof *services; i++)
            known = known || str_eq(word, str_of(services[i]));
        if (!known)
            return err_set(err, "\"%.*s\" is no service: smtp, submission and lmtp are", STR_ARG(word));
    }
    return true;
}

/* Settings that become part of zones must be what their name says. */
static bool setting_check(struct arena *a, struct str name, struct str value, struct str *out, struct err *err) {
    struct str local, domain;
    struct quota_levels levels;
    /* Mails are written in some. */
    size_t most = str_ends(name, STR("_text")) ? TEXT_CHARACTERS : ADMIN_NAME_CHARACTERS;
    if (!text_within(a, value, "the value", most, out, err))
        return false;
    if (str_eq(name, STR("quota.warnings")))
        return quota_levels_parse(*out, &levels, err);
    if (!rule_setting_check(name, *out, err) || !admin_sender_setting_check(name, *out, err))
        return false;
    if (str_eq(name, STR("mta.normalise_clients"))) {
        struct networks networks;
        return networks_parse(a, *out, &networks, err);
    }
    if (str_eq(name, STR("mta.require_tls")))
        return services_check(*out, err);
    if (str_eq(name, STR("mail.hostname")))
        return domain_to_ascii(a, *out, out, err);
    if (str_eq(name, STR("dns.nameservers")))
        return names_list(a, *out, out, err);
    if (str_eq(name, STR("dns.contact"))) {
        if (!address_parse(a, *out, &local, &domain, err))
            return false;
        *out = address_format(a, local, domain);
    }
    return true;
}

static const struct db_statement SET_SETTING = {"admin_setting", "UPDATE setting SET value = $2 WHERE name = $1"};

int64_t admin_setting_set(struct db_conn *c, struct str name, struct str value, struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct str checked;
    int64_t result = 0;
    if (!str_is_utf8(name) || str_chr(name, 0) >= 0)
        err_set(err, "there is no such setting");
    else if (setting_check(&a, name, value, &checked, err)) {
        struct db_params p = {0};
        db_text(&p, name);
        db_text(&p, checked);
        result = admin_touch(c, &SET_SETTING, &p, err, "there is no setting %.*s", STR_ARG(name));
    }
    arena_free(&a);
    return result;
}

void admin_protocols(struct db_params *p, unsigned bits) {
    struct str name[PROTOCOL_COUNT];
    size_t n = 0;
    for (size_t i = 0; i < PROTOCOL_COUNT; i++)
        if (bits & protocols[i].bit)
            name[n++] = str_of(protocols[i].name);
    db_text_array(p, name, n);
}
