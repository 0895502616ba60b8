#include "imap/command.h"

#include <stdlib.h>

/* Sorted by name. */
static const struct command commands[] = {
    {"APPEND", LOGGED_IN, 0, command_append},
    {"AUTHENTICATE", NOT_AUTHENTICATED, 0, command_authenticate},
    {"CANCELUPDATE", SELECTED, 0, command_cancelupdate},
    {"CAPABILITY", ANY_STATE, 0, command_capability},
    {"CHECK", SELECTED, 0, command_check},
    {"CLOSE", SELECTED, BREAKS_SEQUENCE, command_close},
    {"COMPRESS", LOGGED_IN, 0, command_compress},
    {"COPY", SELECTED, USES_SEQUENCE, command_copy},
    {"CREATE", LOGGED_IN, 0, command_create},
    {"DELETE", LOGGED_IN, 0, command_delete},
    {"DELETEACL", LOGGED_IN, 0, command_deleteacl},
    {"ENABLE", LOGGED_IN, 0, command_enable},
    {"ESEARCH", LOGGED_IN, 0, command_esearch},
    {"EXAMINE", LOGGED_IN, BREAKS_SEQUENCE, command_examine},
    {"EXPUNGE", SELECTED, BREAKS_SEQUENCE, command_expunge},
    {"FETCH", SELECTED, USES_SEQUENCE | KEEPS_SEQUENCE, command_fetch},
    {"GENURLAUTH", LOGGED_IN, 0, command_genurlauth},
    {"GETACL", LOGGED_IN, 0, command_getacl},
    {"GETMETADATA", LOGGED_IN, 0, command_getmetadata},
    {"GETQUOTA", LOGGED_IN, 0, command_getquota},
    {"GETQUOTAROOT", LOGGED_IN, 0, command_getquotaroot},
    {"ID", ANY_STATE, 0, command_id},
    {"IDLE", LOGGED_IN, 0, command_idle},
    {"LIST", LOGGED_IN, 0, command_list},
    {"LISTRIGHTS", LOGGED_IN, 0, command_listrights},
    {"LOGIN", NOT_AUTHENTICATED, 0, command_login},
    {"LOGOUT", ANY_STATE, BREAKS_SEQUENCE, command_logout},
    {"LSUB", LOGGED_IN, 0, command_lsub},
    {"MOVE", SELECTED, USES_SEQUENCE | BREAKS_SEQUENCE, command_move},
    {"MYRIGHTS", LOGGED_IN, 0, command_myrights},
    {"NAMESPACE", LOGGED_IN, 0, command_namespace},
    {"NOOP", ANY_STATE, 0, command_noop},
    {"NOTIFY", LOGGED_IN, 0, command_notify},
    {"RENAME", LOGGED_IN, 0, command_rename},
    {"REPLACE", SELECTED, USES_SEQUENCE | BREAKS_SEQUENCE, command_replace},
    {"RESETKEY", LOGGED_IN, 0, command_resetkey},
    {"SEARCH", SELECTED, USES_SEQUENCE | KEEPS_SEQUENCE, command_search},
    {"SELECT", LOGGED_IN, BREAKS_SEQUENCE, command_select},
    {"SETACL", LOGGED_IN, 0, command_setacl},
    {"SETMETADATA", LOGGED_IN, 0, command_setmetadata},
    {"SETQUOTA", LOGGED_IN, 0, command_setquota},
    {"SORT", SELECTED, USES_SEQUENCE | KEEPS_SEQUENCE, command_sort},
    {"STARTTLS", NOT_AUTHENTICATED, 0, command_starttls},
    {"STATUS", LOGGED_IN, 0, command_status},
    {"STORE", SELECTED, USES_SEQUENCE | KEEPS_SEQUENCE, command_store},
    {"SUBSCRIBE", LOGGED_IN, 0, command_subscribe},
    {"THREAD", SELECTED, USES_SEQUENCE | KEEPS_SEQUENCE, command_thread},
    {"UNAUTHENTICATE", LOGGED_IN, BREAKS_SEQUENCE, command_unauthenticate},
    {"UNSELECT", SELECTED, BREAKS_SEQUENCE, command_unselect},
    {"UNSUBSCRIBE", LOGGED_IN, 0, command_unsubscribe},
    {"URLFETCH", LOGGED_IN, 0, command_urlfetch},
};

/* Behind "UID". A search key may hold sequence numbers there too. */
static const struct command uid_commands[] = {
    {"COPY", SELECTED, 0, command_copy},
    {"EXPUNGE", SELECTED, BREAKS_SEQUENCE, command_expunge},
    {"FETCH", SELECTED, 0, command_fetch},
    {"MOVE", SELECTED, BREAKS_SEQUENCE, command_move},
    {"REPLACE", SELECTED, BREAKS_SEQUENCE, command_replace},
    {"SEARCH", SELECTED, USES_SEQUENCE, command_search},
    {"SORT", SELECTED, USES_SEQUENCE, command_sort},
    {"STORE", SELECTED, 0, command_store},
    {"THREAD", SELECTED, USES_SEQUENCE, command_thread},
};

static int by_name(const void *name, const void *command) {
    return str_icmp(*(const struct str *)name, str_of(((const struct command *)command)->name));
}

const struct command *command_find(struct str name, bool uid) {
    if (uid)
        return bsearch(&name, uid_commands, sizeof uid_commands / sizeof *uid_commands, sizeof *uid_commands, by_name);
    return bsearch(&name, commands, sizeof commands / sizeof *commands, sizeof *commands, by_name);
}
