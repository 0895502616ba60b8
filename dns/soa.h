/* soa: asks one nameserver for a zone's SOA record, without a resolver between: what it says is what it serves. */
#ifndef DNS_SOA_H
#define DNS_SOA_H

#include "nameserver.h"

#include <sys/socket.h>

struct soa_server {
    struct sockaddr_storage address;
    socklen_t length;
};

/* "addr@port" or "addr" (port 53). */
bool soa_server_parse(const char *text, struct soa_server *out, struct err *err);
enum nameserver_answer soa_ask(const struct soa_server *server, struct str zone, uint32_t *serial, struct err *err);

/* ---- the messages (RFC 1035 section 4) ---- */

/* A question for the zone's SOA; its length, 0 where the name is none. */
size_t soa_question(struct str zone, uint16_t id, unsigned char out[512]);
/* Reads the answer to that question. false: it is none (another's, broken). */
bool soa_answer(const unsigned char *question, size_t question_bytes, const unsigned char *message, size_t n,
                enum nameserver_answer *answer, uint32_t *serial);

#endif
