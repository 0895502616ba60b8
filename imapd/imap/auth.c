#include "imap/auth.h"

#include "base/clock.h"
#include "base/log.h"
#include "imap/command.h"
#include "imap/limit.h"
#include "imap/notify.h"
#include "limits.h"
#include "measure.h"
#include "sasl/sasl.h"

#include <stdlib.h>

bool auth_is_safe(const struct session *s) { return s->trusted || conn_is_tls(s->conn); }

/* After login, a line for those of one kind; beside them what depends on the connection or the configuration. */
static const char *const offered[] = {
    "IDLE NAMESPACE UNSELECT MOVE UIDPLUS",
    "CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE",
    "ESEARCH SEARCHRES PARTIAL WITHIN CONTEXT=SEARCH MULTISEARCH SEARCH=FUZZY",
    "SORT SORT=DISPLAY ESORT THREAD=REFERENCES THREAD=ORDEREDSUBJECT I18NLEVEL=1",
    "CONDSTORE QRESYNC",
    "BINARY MULTIAPPEND CATENATE REPLACE URLAUTH URLAUTH=BINARY",
    "PREVIEW SNIPPET=FUZZY SAVEDATE OBJECTID",
    "QUOTA QUOTA=RES-STORAGE QUOTA=RES-MESSAGE",
    "METADATA LIST-METADATA NOTIFY",
    "ACL RIGHTS=kxte LIST-MYRIGHTS",
    "UTF8=ACCEPT UIDONLY INPROGRESS",
};

void session_capabilities(const struct session *s, struct buf *out) {
    buf_add_c(out, "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE");
    if (s->state != NOT_AUTHENTICATED) {
        for (size_t i = 0; i < sizeof offered / sizeof *offered; i++)
            buf_printf(out, " %s", offered[i]);
        if (s->service->unauthenticate)
            buf_add_c(out, " UNAUTHENTICATE");
        if (!conn_is_deflated(s->conn))
            buf_add_c(out, " COMPRESS=DEFLATE");
        limit_capability(s, out);
        buf_printf(out, " APPENDLIMIT=%llu", (unsigned long long)s->service->append_limit);
        return;
    }
    if (conn_tls_available(s->conn))
        buf_add_c(out, " STARTTLS");
    if (auth_is_safe(s))
        sasl_names(s->conn, " AUTH=", out);
    else
        buf_add_c(out, " LOGINDISABLED");
}

enum outcome command_capability(struct session *s, struct parser *p) {
    if (!parse_end(p))
        return session_syntax(s, p);
    struct buf *out = session_out(s);
    buf_add_c(out, "* CAPABILITY ");
    session_capabilities(s, out);
    buf_add_c(out, "\r\n");
    return session_ok(s, "Done");
}

/* With a mailbox selected this asks the store itself, unless that was done just now. */
enum outcome command_noop(struct session *s, struct parser *p) {
    struct err err;
    if (!parse_end(p))
        return session_syntax(s, p);
    if (s->state == SELECTED) {
        enum store_status status = view_refresh(s->client, NOOP_LOOK_MS, &err);
        if (status != STORE_OK)
            return session_refused(s, status, NULL, &err);
    }
    return session_ok(s, "Done");
}

enum outcome command_logout(struct session *s, struct parser *p) {
    if (!parse_end(p))
        return session_syntax(s, p);
    conn_write(s->conn, STR("* BYE Goodbye\r\n"));
    session_unselect(s);
    s->closing = true;
    return session_ok(s, "Logged out");
}

/* RFC 2971. What the client says of itself is for the operator's log. */
enum outcome command_id(struct session *s, struct parser *p) {
    struct str name, value;
    bool ok = parse_space(p);
    if (ok && !parse_skip_word(p, STR("NIL"))) {
        ok = parse_byte(p, '(');
        for (int i = 0; ok && parse_peek(p) != ')'; i++) {
            ok = (i == 0 || parse_space(p)) && i < 30 && parse_string(p, &name) && parse_space(p) &&
                 parse_nstring(p, &value);
            if (ok)
                log_debug("imap %s: client %.*s=<%.*s>", conn_peer(s->conn), STR_ARG(name), STR_ARG(value));
        }
        ok = ok && parse_byte(p, ')');
    }
    if (!ok || !parse_end(p))
        return session_syntax(s, p);
    conn_write(s->conn, STR("* ID (\"name\" \"Mansio\" \"version\" \"" MANSIO_VERSION "\")\r\n"));
    return session_ok(s, "Done");
}

static const struct {
    const char *name;
    bool condstore, qresync, utf8, rev2, uid_only, metadata; /* what it switches on */
} features[] = {
    {"CONDSTORE", .condstore = true},
    {"QRESYNC", .qresync = true},              /* and CONDSTORE, RFC 7162 section 3.2.3 */
    {"UTF8=ACCEPT", .utf8 = true},             /* RFC 6855 */
    {"IMAP4rev2", .rev2 = true, .utf8 = true}, /* RFC 9051 */
    {"UIDONLY", .uid_only = true},             /* RFC 9586 */
    {"METADATA", .metadata = true},            /* RFC 5464 section 4.4 */
};

/* RFC 5161. Unknown names are passed over. */
enum outcome command_enable(struct session *s, struct parser *p) {
    struct str name;
    struct err err;
    bool wanted[sizeof features / sizeof *features] = {false};
    do {
        if (!parse_space(p) || !parse_atom(p, &name))
            return session_syntax(s, p);
        for (size_t i = 0; i < sizeof features / sizeof *features; i++)
            wanted[i] = wanted[i] || str_ieq(name, str_of(features[i].name));
    } while (parse_peek(p) == ' ');
    if (!parse_end(p))
        return session_syntax(s, p);
    wanted[0] = wanted[0] || wanted[1];
    struct buf *out = session_out(s);
    buf_add_c(out, "* ENABLED");
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (!wanted[i])
            continue;
        s->condstore |= features[i].condstore, s->qresync |= features[i].qresync, s->utf8 |= features[i].utf8;
        s->rev2 |= features[i].rev2, s->uid_only |= features[i].uid_only, s->metadata |= features[i].metadata;
        buf_printf(out, " %s", features[i].name);
    }
    buf_add_c(out, "\r\n");
    if (s->metadata && notify_follow(s, &err) != STORE_OK)
        log_debug("imap: annotations are not followed: %s", err.text);
    return session_ok(s, "Done");
}

enum outcome command_starttls(struct session *s, struct parser *p) {
    if (!parse_end(p))
        return session_syntax(s, p);
    if (!conn_tls_available(s->conn))
        return session_bad(s, "%s", conn_is_tls(s->conn) ? "TLS is on already" : "TLS is not available");
    s->start_tls = true;
    return session_ok(s, "Begin the TLS handshake");
}

/* ---- logging in ---- */

/* RFC 5530 */
static enum outcome too_many(struct session *s, const struct directory_account *account) {
    measure_login(MEASURE_LOGIN_THROTTLED);
    log_event(LOG_LEVEL_INFO, "imap", "login refused, too many connections", LOG_ABOUT("client", conn_peer(s->conn)),
              LOG_ADDRESS("user", account->address));
    return session_no(s, "[LIMIT] This mailbox has too many connections already");
}

static enum outcome welcome(struct session *s, const struct directory_account *account, const char *mechanism) {
    if (!s->trusted && !limits_take_account(s->service->limits, account->id))
        return too_many(s, account);
    s->counted = !s->trusted;
    measure_login(MEASURE_LOGIN_OK);
    s->state = AUTHENTICATED;
    s->account = account->id;
    s->login = str_dup(account->address);
    s->failures = 0;
    s->looked_up = clock_monotonic();
    conn_set_timeout(s->conn, limits_imap_ms(s->service->limits));
    log_event(LOG_LEVEL_INFO, "imap", "logged in", LOG_ABOUT("client", conn_peer(s->conn)),
              LOG_ADDRESS("user", str_of(s->login)), LOG_WORD("with", str_of(mechanism)),
              LOG_WORD("tls", str_of(conn_tls_version(s->conn))));
    struct buf capabilities = BUF_EMPTY;
    session_capabilities(s, &capabilities);
    session_ok(s, "[CAPABILITY %.*s] Logged in", STR_ARG(buf_str(&capabilities)));
    buf_free(&capabilities);
    return COMMAND_DONE;
}

static enum outcome refuse(struct session *s, bool throttled, struct str login) {
    measure_login(throttled ? MEASURE_LOGIN_THROTTLED : MEASURE_LOGIN_FAILED);
    if (throttled)
        session_no(s, "[LIMIT] Too many failures, try again later");
    else
        session_no(s, "[AUTHENTICATIONFAILED] Wrong name or password");
    log_event(LOG_LEVEL_INFO, "imap", "login failed", LOG_ABOUT("client", conn_peer(s->conn)),
              LOG_ADDRESS("user", str_sub(login, 0, 200)));
    if (++s->failures >= MAX_LOGIN_FAILURES) {
        conn_write(s->conn, STR("* BYE Too many failures\r\n"));
        s->closing = true;
    }
    return COMMAND_DONE;
}

/* RFC 5530: the password is right */
static enum outcome switched_off(struct session *s) {
    measure_login(MEASURE_LOGIN_FAILED);
    session_no(s, "[AUTHORIZATIONFAILED] This way to log in is switched off for this mailbox");
    if (++s->failures >= MAX_LOGIN_FAILURES) {
        conn_write(s->conn, STR("* BYE Too many failures\r\n"));
        s->closing = true;
    }
    return COMMAND_DONE;
}

static enum outcome not_now(struct session *s) {
    measure_login(MEASURE_LOGIN_TEMPORARY);
    return session_no(s, "[UNAVAILABLE] Logging in is not possible at the moment, try again later");
}

enum outcome command_login(struct session *s, struct parser *p) {
    struct str login, password;
    struct directory_account account;
    if (!parse_space(p) || !parse_astring(p, &login) || !parse_space(p) || !parse_astring(p, &password) ||
        !parse_end(p))
        return session_syntax(s, p);
    if (!auth_is_safe(s))
        return session_no(s, "[PRIVACYREQUIRED] Passwords go over TLS only: use STARTTLS or the TLS port");
    enum auth_result result =
        auth_check(s->service->auth, AUTH_IMAP, &s->arena, login, password, conn_peer(s->conn), &account);
    switch (result) {
    case AUTH_OK:
        return welcome(s, &account, "LOGIN");
    case AUTH_OFF:
        return switched_off(s);
    case AUTH_TEMPORARY:
        return not_now(s);
    default:
        return refuse(s, result == AUTH_THROTTLED, login);
    }
}

static enum outcome take_answer(struct session *s);

/* One step of the exchange; line.p is NULL where the client gave none. */
static enum outcome exchange(struct session *s, struct str line) {
    struct buf challenge = BUF_EMPTY;
    enum sasl_result result = sasl_step(s->sasl, line, &challenge);
    enum outcome o = COMMAND_DONE;
    switch (result) {
    case SASL_CHALLENGE:
        conn_printf(s->conn, "+ %.*s\r\n", STR_ARG(buf_str(&challenge)));
        s->take_input = take_answer;
        o = COMMAND_INPUT;
        break;
    case SASL_OK:
        o = welcome(s, sasl_account(s->sasl), sasl_mechanism(s->sasl));
        break;
    case SASL_OFF:
        o = switched_off(s);
        break;
    case SASL_TEMPORARY:
        o = not_now(s);
        break;
    case SASL_CANCELLED:
        o = session_bad(s, "Cancelled");
        break;
    case SASL_MALFORMED:
        o = session_bad(s, "That is no base64");
        break;
    case SASL_THROTTLED:
    case SASL_FAILED:
        o = refuse(s, result == SASL_THROTTLED, sasl_login(s->sasl));
        break;
    }
    buf_free(&challenge);
    if (o != COMMAND_INPUT)
        auth_end_exchange(s);
    return o;
}

void auth_end_exchange(struct session *s) {
    sasl_end(s->sasl);
    s->sasl = NULL;
}

/* The line that answers "+ ". */
static enum outcome take_answer(struct session *s) {
    struct str in = conn_input(s->conn);
    ptrdiff_t newline = str_chr(in, '\n');
    if (newline < 0 && in.n <= SASL_MAX_LINE)
        return COMMAND_INPUT;
    if (newline < 0) {
        s->closing = true;
        auth_end_exchange(s);
        return session_bad(s, "The line is too long");
    }
    struct str line = str_trim(str_sub(in, 0, (size_t)newline));
    if (!line.p)
        line.p = "";
    enum outcome o = exchange(s, line);
    conn_consume(s->conn, (size_t)newline + 1);
    return o;
}

enum outcome command_authenticate(struct session *s, struct parser *p) {
    struct str mechanism, initial = {NULL, 0};
    bool ok = parse_space(p) && parse_atom(p, &mechanism);
    if (ok && parse_peek(p) == ' ') { /* RFC 4959 */
        p->at++;
        size_t from = p->at;
        while (parse_peek(p) > ' ')
            p->at++;
        initial = str_sub(p->in, from, p->at - from);
    }
    if (!ok || !parse_end(p))
        return session_syntax(s, p);
    if (!auth_is_safe(s))
        return session_no(s, "[PRIVACYREQUIRED] Passwords go over TLS only: use STARTTLS or the TLS port");
    s->sasl = sasl_begin(s->service->auth, AUTH_IMAP, s->conn, conn_peer(s->conn), mechanism);
    if (!s->sasl)
        return session_no(s, "[CANNOT] This mechanism is not known here");
    return exchange(s, initial.n ? initial : (struct str){NULL, 0});
}

/* False where the account, or this way to use it, is gone or switched off; without the database everything stays as it
 * was. */
static bool look_up(struct session *s, struct directory_account *account) {
    enum directory_status status = directory_account(s->service->directory, &s->arena, str_of(s->login), account);
    if (status == DIRECTORY_TEMPORARY) {
        account->quota_bytes = -1; /* the store is away too, and says so */
        account->quota_messages = 0;
        return true;
    }
    enum directory_protocol protocol = s->trusted ? DIRECTORY_WEB : DIRECTORY_IMAP;
    return status == DIRECTORY_OK && account->id == s->account && !(account->protocols_off & protocol);
}

bool auth_still_valid(struct session *s) {
    struct directory_account account;
    int64_t now = clock_monotonic();
    if (now - s->looked_up < CLOCK_SECOND)
        return true;
    s->looked_up = now;
    return look_up(s, &account);
}

struct store_quota session_quota(struct session *s) {
    struct directory_account account;
    if (!look_up(s, &account))
        return (struct store_quota){0, 0};
    return (struct store_quota){account.quota_bytes, account.quota_messages};
}

void auth_leave(struct session *s) {
    if (s->counted)
        limits_give_account(s->service->limits, s->account);
    s->counted = false;
}

/* RFC 8437 */
enum outcome command_unauthenticate(struct session *s, struct parser *p) {
    if (!parse_end(p))
        return session_syntax(s, p);
    if (!s->service->unauthenticate) /* RFC 8437 section 8: for proxies that let everything through after the login */
        return session_bad(s, "UNAUTHENTICATE is switched off");
    session_unselect(s);
    auth_leave(s);
    notify_forget(s);
    log_event(LOG_LEVEL_INFO, "imap", "logged out", LOG_ABOUT("client", conn_peer(s->conn)),
              LOG_ADDRESS("user", str_of(s->login)));
    free(s->login);
    s->login = NULL;
    s->account = 0;
    s->utf8 = s->condstore = s->qresync = s->rev2 = s->uid_only = s->metadata = false;
    if (conn_is_deflated(s->conn)) /* what the client sends behind this command is not compressed */
        s->layer = STEP_PLAIN;
    s->state = NOT_AUTHENTICATED;
    conn_set_timeout(s->conn, limits_login_ms(s->service->limits));
    return session_ok(s, "Logged out");
}
