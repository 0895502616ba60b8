/*
 * settings: what the installation has set in the table "setting" for the MTA (sql/0006_mta.sql and those behind it
 * explain each). They come from the directory's cache and are asked for when they are used, so that a change is in
 * force at once. A value that can't be read counts as the default, and is logged.
 */
#ifndef MTA_SETTINGS_H
#define MTA_SETTINGS_H

#include "base/memory.h"
#include "mta.h"

#include <sys/socket.h>

uint64_t settings_message_size(const struct mta *m, struct arena *a); /* mta.message_size, bytes */
uint32_t settings_recipients(const struct mta *m, struct arena *a);   /* mta.recipients */
struct str settings_postmaster(const struct mta *m, struct arena *a); /* mta.postmaster, "" where unset */
bool settings_hide_client(const struct mta *m, struct arena *a);      /* mta.hide_client */
/* Line ends of this client's messages are mended: mta.normalise_clients. */
bool settings_normalises(const struct mta *m, struct arena *a, const struct sockaddr_storage *client);
/* The service ("smtp", "submission", "lmtp") takes nothing without TLS: mta.require_tls. */
bool settings_requires_tls(const struct mta *m, struct arena *a, const char *service);
int64_t settings_future_release(const struct mta *m, struct arena *a); /* mta.future_release, microseconds, 0: never */
int64_t settings_lifetime(const struct mta *m, struct arena *a);       /* queue.lifetime, microseconds */
int64_t settings_delay_warning(const struct mta *m, struct arena *a);  /* queue.delay_warning, microseconds, 0: never */
int32_t settings_trace_days(const struct mta *m, struct arena *a);     /* trace.days, 0: no trace */
/* The same for users who are logged in and for clients in mta.networks: mta.recipients_own. */
uint32_t settings_recipients_own(const struct mta *m, struct arena *a);
uint32_t settings_soft_errors(const struct mta *m, struct arena *a); /* mta.soft_errors */
uint32_t settings_hard_errors(const struct mta *m, struct arena *a); /* mta.hard_errors */
enum settings_vrfy { VRFY_OFF, VRFY_ON, VRFY_DISABLED };
enum settings_vrfy settings_vrfy(const struct mta *m, struct arena *a); /* mta.vrfy */
/* The pause after the attempts so far (1 or more), from queue.retry, microseconds. */
int64_t settings_retry_pause(const struct mta *m, struct arena *a, int32_t attempts);

bool settings_sender_check(const struct mta *m, struct arena *a);      /* sender.check */
int64_t settings_sender_timeout(const struct mta *m, struct arena *a); /* sender.timeout, microseconds */

#endif
