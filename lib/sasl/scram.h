/*
 * scram: SCRAM (RFC 5802, RFC 7677) as its server, by libgsasl. What the account's passwords are good for is decided
 * here: the main one, and each app password for the service, all with the salt that goes with the name.
 */
#ifndef SASL_SCRAM_H
#define SASL_SCRAM_H

#include "sasl/internal.h"

struct conn;
struct scram;

void scram_init(Gsasl *g); /* once */
/* `mechanism` is libgsasl's name of it. NULL with a line in the log where libgsasl refuses. */
struct scram *scram_begin(struct auth *a, enum auth_service service, const struct conn *c, const char *peer,
                          const char *mechanism, struct arena *arena);
enum scram_result { SCRAM_MORE, SCRAM_PROVEN /* the output goes to the client first */, SCRAM_ENDED };
/* Takes the client's message (decoded) and appends the server's. SCRAM_ENDED: *result says how. */
enum scram_result scram_step(struct scram *s, struct str message, struct buf *out, enum auth_result *result);
const struct auth_try *scram_try(const struct scram *s);
void scram_end(struct scram *s);

#endif
