/*
 * pipeline: what the client has sent already behind the command that runs (RFC 3501 section 5.5). The commands of a
 * connection run one after another; what is ambiguous is only which messages the numbers in a later one mean, where
 * others expunge some meanwhile. Numbers are what the client knew when it wrote the command: so as long as one that
 * uses numbers is among those sent, no EXPUNGE of others is told. Commands that change the numbers themselves end that:
 * who sends more behind them has reckoned with it.
 */
#ifndef IMAP_PIPELINE_H
#define IMAP_PIPELINE_H

#include "imap/session.h"

/* Whether a command that uses sequence numbers is waiting, before any that breaks them. */
bool pipeline_uses_sequence(const struct session *s);

#endif
