#include "imap/access.h"

#include "base/clock.h"
#include "directory/directory.h"

#include <stdlib.h>

/* "Other Users/<address>/<name>"; a local part may hold "/", so the address ends at the first one behind its "@". */
static bool split(struct str name, bool *shared, struct str *address, struct str *rest) {
    if (str_starts(name, STR(STORE_OTHER_USERS "/")))
        *shared = false;
    else if (str_starts(name, STR(STORE_SHARED_FOLDERS "/")))
        *shared = true;
    else
        return false;
    name = str_sub(name, (size_t)str_chr(name, '/') + 1, name.n);
    ptrdiff_t at = str_chr(name, '@');
    ptrdiff_t slash = at < 0 ? -1 : str_chr(str_sub(name, (size_t)at, name.n), '/');
    size_t end = slash < 0 ? name.n : (size_t)(at + slash);
    *address = str_sub(name, 0, end);
    *rest = slash < 0 ? STR("") : str_sub(name, end + 1, name.n);
    return true;
}

/* The session's own account; without the database the store says so later. */
static enum directory_status own_account(struct session *s, struct directory_account *out) {
    return directory_account(s->service->directory, &s->arena, str_of(s->login), out);
}

enum store_status access_place(struct session *s, struct str name, struct access_place *out, struct err *err) {
    struct directory_account me = {0}, owner = {0};
    bool shared;
    struct str address, rest;
    *out = (struct access_place){.account = s->account, .own = true, .name = name, .address = str_of(s->login)};
    if (!split(name, &shared, &address, &rest)) {
        if (own_account(s, &me) == DIRECTORY_TEMPORARY)
            me.quota_bytes = -1;
        out->domain = me.domain_id;
        out->quota = (struct store_quota){me.quota_bytes, me.quota_messages};
        return STORE_OK;
    }
    out->own = false;
    err_set(err, "there is no such mailbox");
    enum directory_status mine = own_account(s, &me),
                          theirs = directory_account(s->service->directory, &s->arena, address, &owner);
    if (mine == DIRECTORY_TEMPORARY || theirs == DIRECTORY_TEMPORARY)
        return STORE_TEMPORARY;
    if (mine != DIRECTORY_OK || theirs != DIRECTORY_OK || owner.tenant_id != me.tenant_id || owner.id == s->account ||
        owner.shared != shared || rest.n == 0)
        return STORE_NOT_FOUND;
    *out = (struct access_place){
        owner.id, false, shared, owner.address, owner.domain_id, {owner.quota_bytes, owner.quota_messages}, rest};
    return STORE_OK;
}

static struct str whole_name(struct arena *a, bool shared, struct str address, struct str name) {
    return arena_printf(a, "%s/%.*s/%.*s", shared ? STORE_SHARED_FOLDERS : STORE_OTHER_USERS, STR_ARG(address),
                        STR_ARG(name));
}

enum store_status access_find(struct session *s, struct str name, unsigned need, struct store_mailbox *out,
                              struct access_place *place, struct err *err) {
    struct access_place where;
    if (!place)
        place = &where;
    enum store_status status = access_place(s, name, place, err);
    if (status != STORE_OK)
        return status;
    status = store_shared_find(s->service->store, &s->arena, s->account, place->account, place->name, out, err);
    if (status != STORE_OK || place->own)
        return status;
    out->name = whole_name(&s->arena, place->shared, place->address, out->name);
    if ((out->rights & need) == need)
        return STORE_OK;
    if (out->rights & RIGHT_LOOKUP)
        return STORE_DENIED;
    err_set(err, "there is no such mailbox");
    return STORE_NOT_FOUND;
}

enum store_status access_may_create(struct session *s, const struct access_place *place, struct err *err) {
    if (place->own)
        return STORE_OK;
    struct store_mailbox above;
    struct str name = place->name;
    enum store_status status = STORE_NOT_FOUND;
    ptrdiff_t slash;
    unsigned rights = 0;
    while (status == STORE_NOT_FOUND && (slash = str_rchr(name, '/')) > 0) {
        name = str_sub(name, 0, (size_t)slash);
        /* By the owner's eyes: one that the session may not see is above it nevertheless. */
        status = store_mailbox_find(s->service->store, &s->arena, place->account, name, &above, err);
    }
    if (status != STORE_OK && status != STORE_NOT_FOUND)
        return status;
    int64_t mailbox = status == STORE_OK ? above.id : 0;
    status = store_rights(s->service->store, s->account, place->account, mailbox, &rights, err);
    if (status != STORE_OK || rights & RIGHT_CREATE)
        return status;
    err_set(err, "there is no such mailbox");
    return rights & RIGHT_LOOKUP ? STORE_DENIED : STORE_NOT_FOUND;
}

enum store_status access_list(struct session *s, bool with_unseen, struct store_mailbox **out, size_t *count,
                              struct err *err) {
    struct store_mailbox *own;
    struct store_share *share;
    size_t owns, shares;
    enum store_status status = store_mailbox_list(s->service->store, &s->arena, s->account, &own, &owns, err);
    if (status == STORE_OK)
        status = store_shared_list(s->service->store, &s->arena, s->account, with_unseen, &share, &shares, err);
    if (status != STORE_OK)
        return status;
    *out = own;
    *count = owns + shares;
    if (shares == 0)
        return STORE_OK;
    *out = arena_array(&s->arena, *count, sizeof **out);
    memcpy(*out, own, owns * sizeof *own);
    for (size_t i = 0; i < shares; i++) {
        (*out)[owns + i] = share[i].box;
        (*out)[owns + i].name = whole_name(&s->arena, share[i].shared, share[i].owner, share[i].box.name);
    }
    return STORE_OK;
}

uint32_t access_flags(unsigned rights) {
    return (rights & RIGHT_SEEN ? STORE_SEEN : 0u) | (rights & RIGHT_DELETE ? STORE_DELETED : 0u) |
           (rights & RIGHT_WRITE ? STORE_ANSWERED | STORE_FLAGGED | STORE_DRAFT : 0u);
}

void access_limit_flags(unsigned rights, struct flags *flags) {
    flags->system &= access_flags(rights);
    if (!(rights & RIGHT_WRITE))
        flags->count = 0;
}

bool access_still_valid(struct session *s) {
    struct err err;
    unsigned rights;
    int64_t now = clock_monotonic();
    if (s->owner == s->account || now - s->rights_at < CLOCK_SECOND)
        return true;
    s->rights_at = now;
    if (store_rights(s->service->store, s->account, s->owner, s->mailbox, &rights, &err) != STORE_OK)
        return true; /* the store is away, and says so */
    if (rights == s->rights)
        return true;
    s->rights = rights;
    if (rights & RIGHT_READ) /* RFC 4314 section 5.1.1 */
        session_keywords(s, true);
    return rights & RIGHT_READ;
}
