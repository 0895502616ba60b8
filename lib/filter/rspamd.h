/*
 * rspamd: asking rspamd over HTTP (POST /checkv2, https://rspamd.com/doc/developers/protocol.html) through libcurl;
 * its JSON answer taken apart by jansson.
 */
#ifndef FILTER_RSPAMD_H
#define FILTER_RSPAMD_H

#include "base/err.h"
#include "base/memory.h"
#include "base/str.h"
#include "filter/idle.h"

enum rspamd_action {
    RSPAMD_NO_ACTION,
    RSPAMD_GREYLIST,
    RSPAMD_ADD_HEADER,
    RSPAMD_REWRITE_SUBJECT,
    RSPAMD_SOFT_REJECT,
    RSPAMD_REJECT,
    RSPAMD_QUARANTINE,
    RSPAMD_DISCARD,
};

struct rspamd_symbol {
    struct str name;
    double score;
};
struct rspamd_field { /* of the header, to add */
    struct str name, value;
    int64_t place; /* from 0, the top; -1: at the end */
};
struct rspamd_removal {
    struct str name;
    int64_t nth; /* from 1; 0: all; negative: from the end */
};

struct rspamd_answer {
    enum rspamd_action action;
    struct str action_name;
    bool skipped;
    double score, required;
    struct str message; /* for the client, "" where it has none */
    struct str subject; /* for RSPAMD_REWRITE_SUBJECT; "" */
    struct rspamd_symbol *symbol;
    size_t symbols;
    struct rspamd_field *add;
    size_t adds;
    struct rspamd_removal *remove;
    size_t removals;
    struct str *signature; /* values of DKIM-Signature fields to add */
    size_t signatures;
};

/* Pure. Everything in the arena. False with err: not an answer of rspamd. */
bool rspamd_read_answer(struct arena *a, struct str json, struct rspamd_answer *out, struct err *err);

/* "http://host:port" or "https://..." words, or "unix:/path"; false with err, a sentence for the administrator. */
bool rspamd_check_urls(struct str urls, struct err *err);

struct rspamd_header { /* of the request */
    const char *name;
    struct str value;
};

/* Asks each of the URLs (separated by blanks) until one answers. The message is given in pieces that are sent as they
 * are. Connections are kept in idle (items of rspamd_close). */
bool rspamd_ask(struct str urls, struct idle *idle, const struct rspamd_header *header, size_t headers,
                const struct str *piece, size_t pieces, int connect_ms, int content_ms, struct arena *a,
                struct rspamd_answer *out, struct err *err);
void rspamd_close(void *handle); /* for idle_init */
/* What the server calls itself, after it has answered /ping. */
bool rspamd_version(struct str url, int connect_ms, int command_ms, struct buf *version, struct err *err);

#endif
