/*
 * url: IMAP URLs (RFC 5092), absolute ("imap://host/INBOX/;UID=3") and relative to a server ("/INBOX/;UID=3"), to a
 * mailbox (";UID=3/;SECTION=1.2"), with the authorization of RFC 4467.
 */
#ifndef IMAP_URL_H
#define IMAP_URL_H

#include "base/memory.h"
#include "base/str.h"

struct imap_url {
    bool absolute;   /* names the server: user (p NULL: none said), host */
    struct str user; /* decoded, like all that follows */
    struct str auth; /* ";AUTH=", p NULL: none said */
    struct str host;
    uint32_t port;        /* 0: none said */
    struct str mailbox;   /* UTF-8; p NULL: the selected one */
    uint32_t uidvalidity; /* 0: any */
    uint32_t uid;         /* 0: no message */
    struct str section;   /* as in BODY[...]; "" and p NULL: the whole message */
    bool partial;
    uint64_t offset, length; /* length 0: up to the end */
    struct str search;       /* behind "?", p NULL: none */
    /* RFC 4467 */
    int64_t expires;      /* microseconds since 1970; 0: never */
    struct str access;    /* "user+" ...; p NULL: no authorization in it */
    struct str mechanism; /* p NULL: none yet */
    struct str token;     /* its hexadecimal digits */
    struct str rump;      /* the URL up to and with the access, as it was given: what the token is for */
};

/* Strings are in the arena or views of text. False: it is no IMAP URL. */
bool imap_url_parse(struct arena *a, struct str text, struct imap_url *url);

#endif
