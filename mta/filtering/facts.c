/* What filters are told of the client and the session. */
#include "filtering/state.h"
#include "net/dns.h"
#include "net/sockaddr.h"
#include "store/queue.h"

enum { MAX_NAMES = 3 }; /* of an address that are looked at */

static bool is_this_machine(const struct session *s) { return sockaddr_is_local(&s->client.sockaddr); }

const char *fact_address(const struct session *s) {
    return s->client.sockaddr.ss_family == AF_UNIX ? "127.0.0.1" : s->client.address;
}

uint16_t fact_port(const struct session *s) { return sockaddr_port(&s->client.sockaddr); }

/* Whether the name has that address, too. */
static bool leads_back(struct question *q, struct str name) {
    struct dns_address *list;
    size_t n;
    char text[SOCKADDR_TEXT];
    if (dns_addresses(q->s->mta->dns, q->arena, name, &list, &n, NULL) != DNS_OK)
        return false;
    for (size_t i = 0; i < n; i++) {
        sockaddr_text(&list[i].address, text);
        if (strcmp(text, q->s->client.address) == 0)
            return true;
    }
    return false;
}

/* Looks the names up, once for an address. */
static void find_names(struct question *q) {
    struct filtering *f = q->f;
    const struct session *s = q->s;
    if (f->name && strcmp(f->names_of, s->client.address) == 0)
        return;
    f->name = f->reverse = is_this_machine(s) ? "localhost" : "unknown";
    str_to_c(str_of(s->client.address), f->names_of, sizeof f->names_of);
    struct str *name;
    size_t n;
    if (is_this_machine(s))
        return;
    if (s->client.name) /* a rule has asked before us (policy/reverse.c) */
        f->name = f->reverse = s->client.name;
    if (s->client.naming != CLIENT_NAME_UNASKED && s->client.naming != CLIENT_NAME_UNCONFIRMED)
        return;
    if (dns_ptr(s->mta->dns, q->arena, &s->client.sockaddr, &name, &n) != DNS_OK)
        return;
    f->reverse = arena_c(&q->s->arena, name[0]);
    for (size_t i = 0; i < n && i < MAX_NAMES; i++)
        if (leads_back(q, name[i])) {
            f->name = f->reverse = arena_c(&q->s->arena, name[i]);
            return;
        }
}

const char *fact_name(struct question *q) {
    find_names(q);
    return q->f->name;
}

const char *fact_reverse(struct question *q) {
    find_names(q);
    return q->f->reverse;
}

const char *fact_protocol(const struct session *s) {
    return s->kind == SERVICE_LMTP ? "LMTP" : s->esmtp ? "ESMTP" : "SMTP";
}

const char *fact_login(const struct session *s) { return s->authenticated ? s->account.address.p : ""; }

const char *fact_login_method(const struct session *s) {
    return s->authenticated && s->login_method ? s->login_method : "";
}

const char *fact_cipher_bits(const struct session *s) {
    struct str cipher = str_of(conn_tls_cipher(s->conn));
    if (cipher.n == 0)
        return "";
    bool long_key = str_find(cipher, STR("AES_256")) >= 0 || str_find(cipher, STR("AES256")) >= 0 ||
                    str_find(cipher, STR("CHACHA20")) >= 0;
    return long_key ? "256" : "128";
}

struct str fact_queue_id(struct question *q) {
    char text[16];
    queue_id_text(q->s->transaction.id, text);
    return arena_str(q->arena, str_of(text));
}

struct str fact_local_address(const struct question *q, uint16_t *port) {
    struct sockaddr_storage local = q->s->client.destination;
    if (local.ss_family == 0)
        conn_local_address(q->s->conn, &local);
    char text[SOCKADDR_TEXT];
    *port = 0;
    if (local.ss_family != AF_INET && local.ss_family != AF_INET6)
        return STR("127.0.0.1");
    sockaddr_text(&local, text);
    *port = sockaddr_port(&local);
    return arena_str(q->arena, str_of(text));
}

uint64_t fact_size(const struct question *q) {
    const struct transaction *t = &q->s->transaction;
    return q->stage == STAGE_MESSAGE ? t->message.size : t->size;
}
