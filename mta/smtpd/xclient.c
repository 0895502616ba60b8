/*
 * XCLIENT and XFORWARD, by which trusted servers in front of this one say whom they pass on (Postfix's XCLIENT_README
 * and XFORWARD_README). With XCLIENT the session begins anew with that client: everything that is decided goes by it.
 * XFORWARD is for the log and the trace alone.
 */
#include "base/log.h"
#include "policy/policy.h"
#include "smtpd/parse.h"
#include "smtpd/session.h"

#include <stdlib.h>

enum { VALUE_BYTES = 255 }; /* of an attribute: names of hosts are no longer */

/* What a value says, beside itself. */
enum given { GIVEN_NOT, GIVEN_UNAVAILABLE, GIVEN_TEMPORARY, GIVEN };

struct attribute {
    const char *name;
    enum given given;
    char value[VALUE_BYTES + 1];
};

enum { NAME, ADDR, PORT, PROTO, HELO, REVERSE_NAME, LOGIN, DESTADDR, DESTPORT, IDENT, SOURCE, ATTRIBUTES };

static const char *const names[ATTRIBUTES] = {"NAME",  "ADDR",     "PORT",     "PROTO", "HELO",  "REVERSE_NAME",
                                              "LOGIN", "DESTADDR", "DESTPORT", "IDENT", "SOURCE"};
static const unsigned of_xclient = 1u << NAME | 1u << ADDR | 1u << PORT | 1u << PROTO | 1u << HELO |
                                   1u << REVERSE_NAME | 1u << LOGIN | 1u << DESTADDR | 1u << DESTPORT;
static const unsigned of_xforward =
    1u << NAME | 1u << ADDR | 1u << PORT | 1u << PROTO | 1u << HELO | 1u << IDENT | 1u << SOURCE;

/* ---- attributes ---- */

/* xtext; what is decoded must be one printable word, since it goes to headers and logs. */
static bool decode(struct str text, struct attribute *a) {
    if (str_ieq(text, STR("[UNAVAILABLE]"))) {
        a->given = GIVEN_UNAVAILABLE;
        return true;
    }
    if (str_ieq(text, STR("[TEMPUNAVAIL]"))) {
        a->given = GIVEN_TEMPORARY;
        return true;
    }
    struct buf plain = BUF_EMPTY;
    bool good = parse_xtext(text, &plain) && plain.n > 0 && str_to_c(buf_str(&plain), a->value, sizeof a->value);
    for (size_t i = 0; good && i < plain.n; i++)
        good = a->value[i] > ' ' && a->value[i] <= '~';
    buf_free(&plain);
    a->given = GIVEN;
    return good;
}

static bool read_attributes(struct str rest, unsigned allowed, struct attribute out[ATTRIBUTES]) {
    struct str word;
    bool any = false;
    memset(out, 0, ATTRIBUTES * sizeof *out);
    while (str_split(&rest, ' ', &word)) {
        if (word.n == 0)
            continue;
        ptrdiff_t equals = str_chr(word, '=');
        int which = 0;
        while (which < ATTRIBUTES && (equals < 0 || !(allowed >> which & 1) ||
                                      !str_ieq(str_sub(word, 0, (size_t)equals), str_of(names[which]))))
            which++;
        if (which == ATTRIBUTES || !decode(str_sub(word, (size_t)equals + 1, word.n), &out[which]))
            return false;
        any = true;
    }
    return any;
}

/* "192.0.2.1", "IPV6:2001:db8::1" */
static bool read_address(const char *text, struct sockaddr_storage *out) {
    struct str s = str_of(text);
    if (str_istarts(s, STR("IPV6:")))
        s = str_sub(s, 5, s.n);
    if (!sockaddr_from_text(s, 0, out))
        return false;
    sockaddr_unmap(out);
    return true;
}

static bool read_port(const char *text, uint16_t *out) {
    uint32_t v;
    if (!str_u32(str_of(text), &v) || v > UINT16_MAX)
        return false;
    *out = (uint16_t)v;
    return true;
}

/* ---- XCLIENT ---- */

struct xclient {
    struct sockaddr_storage address, destination;
    bool has_address, has_destination;
    struct directory_account account; /* id 0: none */
};

static bool check_addresses(const struct session *s, const struct attribute *a, struct xclient *x) {
    uint16_t port;
    x->address = s->client.sockaddr;
    if (a[ADDR].given == GIVEN) {
        if (!read_address(a[ADDR].value, &x->address))
            return false;
        x->has_address = true;
    }
    if (a[PORT].given == GIVEN) {
        if (!read_port(a[PORT].value, &port))
            return false;
        sockaddr_set_port(&x->address, port);
    }
    if (a[DESTADDR].given == GIVEN) {
        if (!read_address(a[DESTADDR].value, &x->destination))
            return false;
        x->has_destination = true;
    }
    if (a[DESTPORT].given == GIVEN) {
        if (!read_port(a[DESTPORT].value, &port))
            return false;
        sockaddr_set_port(&x->destination, port);
    }
    return true;
}

/* Whether the values are such as may be used; *temporary: the directory is away. */
static bool check(struct session *s, const struct attribute *a, struct xclient *x, bool *temporary) {
    *temporary = false;
    if (!check_addresses(s, a, x) || (a[HELO].given == GIVEN && !parse_helo(str_of(a[HELO].value))) ||
        (a[NAME].given == GIVEN && !parse_helo(str_of(a[NAME].value))))
        return false;
    if (a[PROTO].given == GIVEN && !str_ieq(str_of(a[PROTO].value), STR("SMTP")) &&
        !str_ieq(str_of(a[PROTO].value), STR("ESMTP")))
        return false;
    if (a[LOGIN].given == GIVEN && s->kind == SERVICE_SUBMISSION) {
        enum directory_status status =
            directory_account(s->mta->directory, &s->account_arena, str_of(a[LOGIN].value), &x->account);
        *temporary = status == DIRECTORY_TEMPORARY;
        return status == DIRECTORY_OK;
    }
    return true;
}

/* What was said of the name counts; what was not is looked up when it is needed. */
static void set_name(struct session *s, const struct attribute *a) {
    static const enum client_naming naming[] = {[GIVEN_NOT] = CLIENT_NAME_UNASKED,
                                                [GIVEN_UNAVAILABLE] = CLIENT_NAME_NONE,
                                                [GIVEN_TEMPORARY] = CLIENT_NAME_TEMPORARY,
                                                [GIVEN] = CLIENT_NAME_CONFIRMED};
    s->client.naming = naming[a[NAME].given];
    if (a[NAME].given == GIVEN)
        s->client.name = arena_c(&s->arena, str_of(a[NAME].value));
    else if (a[NAME].given == GIVEN_UNAVAILABLE && a[REVERSE_NAME].given == GIVEN)
        s->client.naming = CLIENT_NAME_UNCONFIRMED;
}

/* The session is as it was at its beginning, with another client. */
static void begin_anew(struct session *s, const struct attribute *a, const struct xclient *x) {
    struct session_client before = s->client;
    session_end_transaction(s);
    stage_close(s);
    if (x->has_address) { /* else the name stays with the address */
        arena_free(&s->arena);
        session_set_client(s, &x->address);
        set_name(s, a);
    } else {
        s->client.sockaddr = x->address;
        if (a[NAME].given)
            set_name(s, a);
    }
    s->client.destination = x->has_destination ? x->destination : before.destination;
    free(s->helo);
    s->helo = a[HELO].given == GIVEN ? str_dup(str_of(a[HELO].value)) : NULL;
    s->esmtp = a[PROTO].given == GIVEN && str_ieq(str_of(a[PROTO].value), STR("ESMTP"));
    s->pipelined_early = false;
    s->authenticated = a[LOGIN].given == GIVEN_NOT ? s->authenticated : x->account.id != 0;
    if (a[LOGIN].given)
        s->account = x->account;
}

enum step xclient_command(struct session *s, struct str argument) {
    struct attribute a[ATTRIBUTES];
    struct xclient x = {0};
    bool temporary;
    if (!policy_may_xclient(s)) {
        REPLY(s, "550 5.7.0 You are not trusted with XCLIENT");
        return session_error(s);
    }
    if (s->transaction.open) {
        REPLY(s, "503 5.5.1 Not during a transaction");
        return session_error(s);
    }
    if (!read_attributes(argument, of_xclient, a)) {
        REPLY(s, "501 5.5.4 Syntax: XCLIENT attribute=value ...");
        return session_error(s);
    }
    if (!check(s, a, &x, &temporary)) {
        if (temporary)
            REPLY(s, "451 4.3.0 The directory can't be asked just now, try again");
        else
            REPLY(s, "501 5.5.4 One of the values is none of its kind");
        return STEP_WAIT;
    }
    begin_anew(s, a, &x);
    log_info("smtp: XCLIENT of [%s]: client=[%s]", conn_peer(s->conn), s->client.address);
    return session_greet(s);
}

/* ---- XFORWARD ---- */

enum step xforward_command(struct session *s, struct str argument) {
    struct attribute a[ATTRIBUTES];
    struct buf text = BUF_EMPTY;
    if (!policy_may_xforward(s)) {
        REPLY(s, "550 5.7.0 You are not trusted with XFORWARD");
        return session_error(s);
    }
    if (s->transaction.open) {
        REPLY(s, "503 5.5.1 Not during a transaction");
        return session_error(s);
    }
    if (!read_attributes(argument, of_xforward, a)) {
        REPLY(s, "501 5.5.4 Syntax: XFORWARD attribute=value ...");
        return session_error(s);
    }
    if (s->forwarded) /* long ones come in several commands */
        buf_add_c(&text, s->forwarded);
    for (int i = 0; i < ATTRIBUTES && text.n < 2 * VALUE_BYTES; i++)
        if (a[i].given == GIVEN) {
            struct str name = str_of(names[i]);
            if (text.n)
                buf_add_byte(&text, ' ');
            for (size_t k = 0; k < name.n; k++)
                buf_add_byte(&text, ascii_lower(name.p[k]));
            buf_printf(&text, "=%s", a[i].value);
        }
    free(s->forwarded);
    s->forwarded = text.n ? str_dup(buf_str(&text)) : NULL;
    buf_free(&text);
    REPLY(s, "250 2.0.0 Ok");
    return STEP_WAIT;
}

/* ---- EHLO ---- */

static void announce(struct buf *out, const char *verb, unsigned which) {
    buf_printf(out, "\r\n250-%s", verb);
    for (int i = 0; i < ATTRIBUTES; i++)
        if (which >> i & 1)
            buf_printf(out, " %s", names[i]);
}

void xclient_announce(const struct session *s, struct buf *out) {
    if (policy_may_xclient(s))
        announce(out, "XCLIENT", of_xclient);
    if (policy_may_xforward(s))
        announce(out, "XFORWARD", of_xforward);
}
