/* soa: asks one nameserver for a zone's SOA record, without a resolver between: what it says is what it serves. */
#ifndef ZONE_SOA_H
#define ZONE_SOA_H

#include "base/err.h"
#include "base/str.h"

#include <sys/socket.h>

enum soa_answer {
    SOA_SERVES,  /* *serial is set */
    SOA_REFUSES, /* it answers, but not for this zone */
    SOA_SILENT,  /* no answer */
};

struct soa_server {
    struct sockaddr_storage address;
    socklen_t length;
};

/* "addr@port" or "addr" (port 53). */
bool soa_server_parse(const char *text, struct soa_server *out, struct err *err);
enum soa_answer soa_ask(const struct soa_server *server, struct str zone, uint32_t *serial, struct err *err);

/* ---- the messages (RFC 1035 section 4) ---- */

/* A question for the zone's SOA; its length, 0 where the name is none. */
size_t soa_question(struct str zone, uint16_t id, unsigned char out[512]);
/* Reads the answer to that question. false: it is none (another's, broken). */
bool soa_read(const unsigned char *question, size_t question_bytes, const unsigned char *message, size_t n,
              enum soa_answer *answer, uint32_t *serial);

#endif
