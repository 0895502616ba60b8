/*
 * command: the table of commands. What a command is allowed to do to sequence numbers is declared here, and the order
 * of pipelined commands follows from it (RFC 3501 section 5.5).
 */
#ifndef IMAP_COMMAND_H
#define IMAP_COMMAND_H

#include "imap/session.h"

enum {
    ANY_STATE = NOT_AUTHENTICATED | AUTHENTICATED | SELECTED,
    LOGGED_IN = AUTHENTICATED | SELECTED,
};

enum command_flag {
    USES_SEQUENCE = 1,   /* its arguments are sequence numbers: nothing before it may have changed them silently */
    KEEPS_SEQUENCE = 2,  /* no EXPUNGE during it (RFC 3501 section 7.4.1) */
    BREAKS_SEQUENCE = 4, /* numbers mean other messages behind it, or none: it expunges, or leaves the mailbox */
};

struct command {
    const char *name;
    unsigned states; /* in which it is allowed */
    unsigned flags;
    enum outcome (*run)(struct session *s, struct parser *p);
};

/* NULL: no such command. uid: the one behind "UID". */
const struct command *command_find(struct str name, bool uid);

/* auth.c */
enum outcome command_capability(struct session *s, struct parser *p);
enum outcome command_noop(struct session *s, struct parser *p);
enum outcome command_logout(struct session *s, struct parser *p);
enum outcome command_id(struct session *s, struct parser *p);
enum outcome command_enable(struct session *s, struct parser *p);
enum outcome command_starttls(struct session *s, struct parser *p);
enum outcome command_login(struct session *s, struct parser *p);
enum outcome command_authenticate(struct session *s, struct parser *p);
enum outcome command_unauthenticate(struct session *s, struct parser *p);
/* compress.c */
enum outcome command_compress(struct session *s, struct parser *p);
/* mailbox.c */
enum outcome command_create(struct session *s, struct parser *p);
enum outcome command_delete(struct session *s, struct parser *p);
enum outcome command_rename(struct session *s, struct parser *p);
enum outcome command_subscribe(struct session *s, struct parser *p);
enum outcome command_unsubscribe(struct session *s, struct parser *p);
enum outcome command_status(struct session *s, struct parser *p);
enum outcome command_namespace(struct session *s, struct parser *p);
/* acl.c */
enum outcome command_setacl(struct session *s, struct parser *p);
enum outcome command_deleteacl(struct session *s, struct parser *p);
enum outcome command_getacl(struct session *s, struct parser *p);
enum outcome command_listrights(struct session *s, struct parser *p);
enum outcome command_myrights(struct session *s, struct parser *p);
/* list.c */
enum outcome command_list(struct session *s, struct parser *p);
enum outcome command_lsub(struct session *s, struct parser *p);
/* select.c */
enum outcome command_select(struct session *s, struct parser *p);
enum outcome command_examine(struct session *s, struct parser *p);
enum outcome command_check(struct session *s, struct parser *p);
enum outcome command_close(struct session *s, struct parser *p);
enum outcome command_unselect(struct session *s, struct parser *p);
enum outcome command_expunge(struct session *s, struct parser *p);
/* fetch.c, store.c, search_tell.c, multisearch.c, sort.c, thread_command.c, copy.c, append.c, idle.c */
enum outcome command_fetch(struct session *s, struct parser *p);
enum outcome command_store(struct session *s, struct parser *p);
enum outcome command_search(struct session *s, struct parser *p);
enum outcome command_cancelupdate(struct session *s, struct parser *p);
enum outcome command_esearch(struct session *s, struct parser *p);
enum outcome command_sort(struct session *s, struct parser *p);
enum outcome command_thread(struct session *s, struct parser *p);
enum outcome command_copy(struct session *s, struct parser *p);
enum outcome command_move(struct session *s, struct parser *p);
enum outcome command_append(struct session *s, struct parser *p);
enum outcome command_replace(struct session *s, struct parser *p);
/* urlauth.c, urlfetch.c */
enum outcome command_genurlauth(struct session *s, struct parser *p);
enum outcome command_resetkey(struct session *s, struct parser *p);
enum outcome command_urlfetch(struct session *s, struct parser *p);
enum outcome command_idle(struct session *s, struct parser *p);
/* metadata.c */
enum outcome command_getmetadata(struct session *s, struct parser *p);
enum outcome command_setmetadata(struct session *s, struct parser *p);
/* notify.c */
enum outcome command_notify(struct session *s, struct parser *p);
/* quota.c */
enum outcome command_getquota(struct session *s, struct parser *p);
enum outcome command_getquotaroot(struct session *s, struct parser *p);
enum outcome command_setquota(struct session *s, struct parser *p);

#endif
