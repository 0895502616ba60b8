/*
 * Importing: batches of messages, each one transaction, in three round trips (as in deliver.c): lock the mailbox and
 * the account's usage, insert the rows while the bytes become durable, commit.
 */
#include "store/import.h"

#include "base/clock.h"
#include "base/log.h"
#include "mime/mime.h"
#include "store/store_internal.h"

#include <openssl/sha.h>
#include <stdlib.h>

enum { DIGEST_BYTES = 16, MAX_UIDL = 70 };

static const struct db_statement FOLDER_FIND = {
    "import_folder_find", "SELECT f.id, f.mailbox_id, m.id IS NOT NULL FROM import_folder f LEFT JOIN mailbox m"
                          " ON m.account_id = f.account_id AND m.id = f.mailbox_id"
                          " WHERE f.account_id = $1 AND f.source = $2 AND f.folder = $3 AND f.uidvalidity = $4"};
static const struct db_statement FOLDER_ADD = {
    "import_folder_add",
    "INSERT INTO import_folder AS f (account_id, source, folder, uidvalidity, mailbox_id) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (account_id, source, folder, uidvalidity) DO UPDATE SET mailbox_id = $5, kept_to = 0 RETURNING id"};
/* What was deleted here keeps its UID for itself, so that only a mailbox that never gave one out can take others. */
static const struct db_statement ADOPT = {
    "import_adopt", "UPDATE mailbox SET uidvalidity = $3 WHERE account_id = $1 AND id = $2 AND uidnext = 1 AND"
                    " messages = 0"};
/* Mailboxes made later have greater values still (see mailbox_uidvalidity), in spite of those made in between. */
static const struct db_statement PASS_UIDVALIDITY = {
    "import_pass_uidvalidity", "SELECT setval('mailbox_uidvalidity', $1 + 1000) FROM mailbox_uidvalidity"
                               " WHERE last_value <= $1"};
static const struct db_statement KNOWN = {
    "import_known", "SELECT key, uid, flags, digest FROM import_message WHERE account_id = $1 AND folder_id = $2"};
static const struct db_statement KNOWN_BEFORE = {
    "import_known_before",
    "SELECT i.key, i.uid, i.flags, i.digest FROM import_folder n JOIN import_folder f ON f.account_id = n.account_id"
    " AND f.source = n.source AND f.folder = n.folder AND f.id <> n.id JOIN import_message i"
    " ON i.account_id = f.account_id AND i.folder_id = f.id WHERE n.account_id = $1 AND n.id = $2"};
static const struct db_statement FORGET_MESSAGES = {
    "import_forget_messages",
    "DELETE FROM import_message i USING import_folder f WHERE f.account_id = $1 AND f.source = $2"
    " AND i.account_id = f.account_id AND i.folder_id = f.id"};
static const struct db_statement FORGET_FOLDERS = {"import_forget_folders",
                                                   "DELETE FROM import_folder WHERE account_id = $1 AND source = $2"};
static const struct db_statement FINISH = {
    "import_finish",
    "WITH m AS (UPDATE mailbox SET uidnext = greatest(uidnext, $6) + $4 WHERE account_id = $1 AND id = $2"
    " AND uidvalidity = $3 AND greatest(uidnext, $6) + $4 <= 4294967295 RETURNING uidnext)"
    " UPDATE import_folder SET kept_to = m.uidnext - 1 FROM m WHERE account_id = $1 AND id = $5 AND $4 > 0"};
static const struct db_statement KEPT_TO = {"import_kept_to",
                                            "SELECT kept_to FROM import_folder WHERE account_id = $1 AND id = $2"};
static const struct db_statement ADD_EMAILS = {
    "import_emails",
    "INSERT INTO email (account_id, id, thread_id, blob, size, card, received_at)"
    " SELECT $1, i, i, b, s, c, t FROM unnest($2::int8[], $3::uuid[], $4::int8[], $5::bytea[], $6::timestamptz[])"
    " AS e (i, b, s, c, t)"};
static const struct db_statement ADD_MESSAGES = {
    "import_messages",
    "INSERT INTO message (account_id, mailbox_id, uid, email_id, modseq, flags, keywords, size, internal_date)"
    " SELECT $1, $2, u, e, $3, f, CASE k WHEN '' THEN '{}'::text[] ELSE string_to_array(k, ' ') END, s, t"
    " FROM unnest($4::int8[], $5::int8[], $6::int4[], $7::text[], $8::int8[], $9::timestamptz[])"
    " AS d (u, e, f, k, s, t)"};
static const struct db_statement ADD_KNOWN = {
    "import_add_known", "INSERT INTO import_message (account_id, folder_id, key, uid, flags, digest)"
                        " SELECT $1, $2, k, u, f, d FROM unnest($3::bytea[], $4::int8[], $5::int4[], $6::bytea[])"
                        " AS d (k, u, f, d)"};
static const struct db_statement ADD_CRLF = {
    "import_add_crlf", "INSERT INTO email_crlf (account_id, email_id) SELECT $1, unnest($2::int8[])"};
static const struct db_statement ADD_UIDLS = {"import_add_uidls",
                                              "INSERT INTO pop3_uidl (account_id, mailbox_id, uid, uidl)"
                                              " SELECT $1, $2, u, l FROM unnest($3::int8[], $4::text[]) AS d (u, l)"};
static const struct db_statement RAISE = {
    "import_raise", "UPDATE mailbox SET uidnext = $3, highestmodseq = $4, messages = messages + $5,"
                    " unseen = unseen + $6, deleted = deleted + $7, bytes = bytes + $8"
                    " WHERE account_id = $1 AND id = $2"};
/* What POP3 called the messages that are there stays what it calls them. */
static const struct db_statement KEEP_UIDLS = {
    "import_keep_uidls", "INSERT INTO pop3_uidl (account_id, mailbox_id, uid, uidl)"
                         " SELECT m.account_id, m.mailbox_id, m.uid, b.uidvalidity || '.' || m.uid FROM message m"
                         " JOIN mailbox b ON b.account_id = m.account_id AND b.id = m.mailbox_id"
                         " WHERE m.account_id = $1 AND m.mailbox_id = $2 ON CONFLICT DO NOTHING"};
static const struct db_statement RENUMBER = {"import_renumber",
                                             "UPDATE mailbox SET uidvalidity = nextval('mailbox_uidvalidity')"
                                             " WHERE account_id = $1 AND id = $2"};
static const struct db_statement CRLF = {"import_crlf",
                                         "SELECT email_id FROM email_crlf WHERE account_id = $1 ORDER BY email_id"};
static const struct db_statement UIDLS = {
    "import_uidls", "SELECT uid, uidl FROM pop3_uidl WHERE account_id = $1 AND mailbox_id = $2 ORDER BY uid"};

/* ---- folders ---- */

/* Finds the mailbox, or makes it. */
static enum store_status have_mailbox(struct store *s, struct arena *a, int64_t account, struct str name,
                                      struct store_mailbox *out, struct err *err) {
    enum store_status status = store_mailbox_find(s, a, account, name, out, err);
    if (status != STORE_NOT_FOUND)
        return status;
    status = store_mailbox_create(s, account, name, (struct str){NULL, 0}, err);
    return status == STORE_OK || status == STORE_EXISTS ? store_mailbox_find(s, a, account, name, out, err) : status;
}

/* A value that lies ahead of ours can't be taken over: some day one of our own would be equal to it. */
static bool may_adopt(uint32_t uidvalidity) {
    return uidvalidity && uidvalidity <= (clock_now() + 86400 * CLOCK_SECOND) / CLOCK_SECOND;
}

static bool adopt(struct db_conn *c, int64_t account, int64_t mailbox, uint32_t uidvalidity, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox), db_int8(&p, uidvalidity);
    int64_t n = db_exec(c, &ADOPT, &p, err);
    if (n <= 0)
        return n == 0;
    db_int8(&p, uidvalidity);
    return db_exec(c, &PASS_UIDVALIDITY, &p, err) >= 0;
}

static enum store_status add_folder(struct store *s, struct db_conn *c, struct str source, struct str folder,
                                    int64_t key_validity, struct str into, struct store_import_folder *out,
                                    struct err *err) {
    struct arena a = ARENA_EMPTY;
    struct store_mailbox box;
    enum store_status status = have_mailbox(s, &a, out->account_id, into, &box, err);
    arena_free(&a);
    if (status != STORE_OK)
        return status;
    out->mailbox_id = box.id;
    struct db_params p = {0};
    bool good =
        db_begin(c, err) && (!may_adopt(out->uidvalidity) || adopt(c, out->account_id, box.id, out->uidvalidity, err));
    if (!good)
        return store_failed(err);
    db_int8(&p, out->account_id), db_text(&p, source), db_text(&p, folder), db_int8(&p, key_validity);
    db_int8(&p, box.id);
    PGresult *r = db_query(c, &FOLDER_ADD, &p, err);
    good = r != NULL;
    if (good)
        out->id = db_get_int8(r, 0, 0);
    PQclear(r);
    return good && db_commit(c, err) ? STORE_OK : store_failed(err);
}

/* STORE_NOT_FOUND: it was not imported before, or its mailbox is gone (*id is set then). */
static enum store_status find_folder(struct db_conn *c, struct str source, struct str folder, int64_t key_validity,
                                     struct store_import_folder *out, struct err *err) {
    struct db_params p = {0};
    db_int8(&p, out->account_id), db_text(&p, source), db_text(&p, folder), db_int8(&p, key_validity);
    PGresult *r = db_query(c, &FOLDER_FIND, &p, err);
    if (!r)
        return store_failed(err);
    bool there = PQntuples(r) == 1;
    if (there) {
        out->id = db_get_int8(r, 0, 0);
        out->mailbox_id = db_get_int8(r, 0, 1);
        there = db_get_bool(r, 0, 2);
    }
    PQclear(r);
    return there ? STORE_OK : STORE_NOT_FOUND;
}

enum store_status store_import_folder(struct store *s, int64_t account, struct str source, struct str folder,
                                      uint32_t uidvalidity, bool by_uid, struct str into,
                                      struct store_import_folder *out, struct err *err) {
    *out = (struct store_import_folder){.account_id = account, .uidvalidity = uidvalidity};
    int64_t key_validity = by_uid ? uidvalidity : 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    enum store_status status = find_folder(c, source, folder, key_validity, out, err);
    if (status == STORE_NOT_FOUND) {
        out->fresh = true;
        status = add_folder(s, c, source, folder, key_validity, into, out, err);
    }
    db_release(s->db, c);
    return status;
}

static enum store_status read_known(struct db_conn *c, struct arena *a, const struct db_statement *statement,
                                    const struct store_import_folder *f, struct store_import_known **out, size_t *count,
                                    struct err *err) {
    struct db_params p = {0};
    db_int8(&p, f->account_id), db_int8(&p, f->id);
    PGresult *r = db_query(c, statement, &p, err);
    if (!r)
        return store_failed(err);
    *count = (size_t)PQntuples(r);
    *out = arena_array(a, *count, sizeof **out);
    for (size_t i = 0; i < *count; i++) {
        struct store_import_known *k = &(*out)[i];
        k->key = arena_str(a, db_get_str(r, (int)i, 0));
        k->uid = (uint32_t)db_get_int8(r, (int)i, 1);
        k->flags = (uint32_t)db_get_int8(r, (int)i, 2);
        memcpy(k->digest, db_get_str(r, (int)i, 3).p, DIGEST_BYTES);
    }
    PQclear(r);
    return STORE_OK;
}

enum store_status store_import_known(struct store *s, struct arena *a, const struct store_import_folder *f,
                                     bool of_predecessors, struct store_import_known **out, size_t *count,
                                     struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    enum store_status status = read_known(c, a, of_predecessors ? &KNOWN_BEFORE : &KNOWN, f, out, count, err);
    db_release(s->db, c);
    return status;
}

enum store_status store_import_look(struct store *s, struct arena *a, int64_t account, struct str source,
                                    struct str folder, uint32_t uidvalidity, bool by_uid,
                                    struct store_import_known **out, size_t *count, struct err *err) {
    struct store_import_folder f = {.account_id = account};
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    enum store_status status = find_folder(c, source, folder, by_uid ? uidvalidity : 0, &f, err);
    if (f.id)
        status = read_known(c, a, &KNOWN, &f, out, count, err);
    db_release(s->db, c);
    return status == STORE_NOT_FOUND ? STORE_OK : status;
}

enum store_status store_import_forget(struct store *s, int64_t account, struct str source, struct err *err) {
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, account), db_text(&p, source);
    bool good = db_begin(c, err) && db_exec(c, &FORGET_MESSAGES, &p, err) >= 0;
    db_int8(&p, account), db_text(&p, source);
    good = good && db_exec(c, &FORGET_FOLDERS, &p, err) >= 0 && db_commit(c, err);
    db_release(s->db, c);
    return good ? STORE_OK : store_failed(err);
}

enum store_status store_import_finish(struct store *s, const struct store_import_folder *f, uint32_t reserve,
                                      struct err *err) {
    if (!f->uidvalidity)
        return STORE_OK;
    struct db_conn *c = db_acquire(s->db, err);
    if (!c)
        return store_failed(err);
    struct db_params p = {0};
    db_int8(&p, f->account_id), db_int8(&p, f->mailbox_id), db_int8(&p, f->uidvalidity), db_int8(&p, reserve);
    db_int8(&p, f->id), db_int8(&p, (int64_t)f->uidnext);
    bool good = db_exec(c, &FINISH, &p, err) >= 0;
    db_release(s->db, c);
    return good ? STORE_OK : store_failed(err);
}

/* ---- a batch ---- */

struct entry {
    blob_id blob;
    uint64_t size;
    struct str card, keywords;
    unsigned char digest[DIGEST_BYTES];
    uint32_t wanted; /* its UID at the source */
    bool note;       /* only noted */
    int64_t email;
};

struct store_import {
    struct store *s;
    struct store_import_folder folder;
    struct store_quota quota;
    struct arena arena;
    struct entry *entry;
    struct store_import_message *message;
    size_t count, cap;
    uint64_t bytes;
    bool committed; /* and so emptied by the next addition */
};

struct store_import *store_import_new(struct store *s) {
    struct store_import *i = mem_zero(sizeof *i);
    i->s = s;
    return i;
}

static void empty(struct store_import *i) {
    i->count = 0;
    i->bytes = 0;
    i->committed = false;
    arena_reset(&i->arena);
}

void store_import_free(struct store_import *i) {
    if (!i)
        return;
    arena_free(&i->arena);
    free(i->entry);
    free(i->message);
    free(i);
}

void store_import_into(struct store_import *i, const struct store_import_folder *f, struct store_quota quota) {
    empty(i);
    i->folder = *f;
    i->quota = quota;
}

size_t store_import_count(const struct store_import *i) { return i->committed ? 0 : i->count; }

uint64_t store_import_bytes(const struct store_import *i) { return i->committed ? 0 : i->bytes; }

void store_import_digest(struct str bytes, unsigned char digest[16]) {
    unsigned char whole[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(bytes.p ? bytes.p : ""), bytes.n, whole);
    memcpy(digest, whole, DIGEST_BYTES);
}

static bool is_uidl(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x21 || s.p[i] > 0x7e) /* RFC 1939 section 7 */
            return false;
    return s.n > 0 && s.n <= MAX_UIDL;
}

static struct str join_keywords(struct arena *a, const struct store_import_message *m) {
    struct buf b = BUF_EMPTY;
    for (size_t i = 0; i < m->keyword_count; i++) {
        if (i)
            buf_add_byte(&b, ' ');
        buf_add_str(&b, m->keyword[i]);
    }
    struct str s = b.n ? arena_str(a, buf_str(&b)) : STR("");
    buf_free(&b);
    return s;
}

static struct entry *new_entry(struct store_import *i, struct str bytes, const struct store_import_message *m) {
    if (i->committed)
        empty(i);
    if (i->count == i->cap) {
        i->cap = i->cap ? i->cap * 2 : 256;
        i->entry = mem_resize(i->entry, i->cap * sizeof *i->entry);
        i->message = mem_resize(i->message, i->cap * sizeof *i->message);
    }
    struct entry *e = &i->entry[i->count];
    *e = (struct entry){.size = bytes.n, .keywords = join_keywords(&i->arena, m), .wanted = m->uid};
    store_import_digest(bytes, e->digest);
    struct store_import_message *copy = &i->message[i->count];
    *copy = *m;
    copy->key = arena_str(&i->arena, m->key);
    copy->keyword = NULL;
    copy->keyword_count = 0;
    copy->uidl = m->uidl.p && is_uidl(m->uidl) ? arena_str(&i->arena, m->uidl) : (struct str){NULL, 0};
    return e;
}

bool store_import_add(struct store_import *i, struct str bytes, const struct store_import_message *m, struct err *err) {
    struct entry *e = new_entry(i, bytes, m);
    struct arena parsed = ARENA_EMPTY;
    struct buf card = BUF_EMPTY;
    if (!bytes.p)
        bytes = STR("");
    mime_card_encode(mime_parse(&parsed, bytes), &card);
    e->card = arena_str(&i->arena, buf_str(&card));
    buf_free(&card);
    arena_free(&parsed);
    if (!blob_put(i->s->blobs, bytes, -1, e->blob, err)) {
        store_failed(err);
        return false;
    }
    i->count++;
    i->bytes += bytes.n;
    return true;
}

void store_import_note(struct store_import *i, struct str bytes, const struct store_import_message *m) {
    new_entry(i, bytes, m)->note = true;
    i->count++;
}

/* ---- its transaction ---- */

struct counters {
    uint64_t uidnext, modseq;
    uint32_t uidvalidity;
    int64_t kept_to, used_bytes, used_messages;
    int64_t messages, unseen, deleted, bytes;
    bool renumber;
};

static bool send_locks(struct store_import *i, struct db_conn *c, struct err *err) {
    const struct store_import_folder *f = &i->folder;
    struct db_params p = {0};
    db_int8(&p, f->account_id), db_int8_array(&p, &f->mailbox_id, 1);
    if (!db_pipeline(c, err) || !db_send(c, &STORE_BEGIN, NULL, err) || !db_send(c, &STORE_LOCK_MAILBOX, &p, err))
        return false;
    db_int8(&p, f->account_id);
    if (!db_send(c, &STORE_LOCK_USAGE, &p, err))
        return false;
    db_int8(&p, f->account_id), db_int8(&p, f->id);
    return db_send(c, &KEPT_TO, &p, err) && db_sync(c, err);
}

/* STORE_NOT_FOUND: the mailbox, or what is known of the folder, is gone. */
static enum store_status receive_locks(struct db_conn *c, struct counters *n, struct err *err) {
    PQclear(db_receive(c, err));
    PGresult *box = db_receive(c, err), *usage = box ? db_receive(c, err) : NULL,
             *kept = usage ? db_receive(c, err) : NULL;
    enum store_status status = kept ? STORE_OK : STORE_TEMPORARY;
    if (kept && (PQntuples(box) != 1 || PQntuples(kept) != 1)) {
        err_set(err, "the mailbox was removed while mail was imported into it: run the import again");
        status = STORE_NOT_FOUND;
    } else if (kept) {
        n->uidnext = (uint64_t)db_get_int8(box, 0, 2);
        n->modseq = (uint64_t)db_get_int8(box, 0, 3) + 1;
        n->uidvalidity = (uint32_t)db_get_int8(box, 0, 4);
        n->used_bytes = PQntuples(usage) ? db_get_int8(usage, 0, 0) : 0;
        n->used_messages = PQntuples(usage) ? db_get_int8(usage, 0, 1) : 0;
        n->kept_to = db_get_int8(kept, 0, 0);
    }
    PQclear(box), PQclear(usage), PQclear(kept);
    return status;
}

/* Its UID here: that of the source where this is possible. */
static uint32_t allot_uid(const struct store_import *i, struct counters *n, uint32_t wanted) {
    bool kept = i->folder.uidvalidity && n->uidvalidity == i->folder.uidvalidity && !n->renumber;
    if (kept && !wanted && n->uidnext < i->folder.uidnext)
        n->uidnext = i->folder.uidnext;
    else if (kept && wanted >= n->uidnext)
        n->uidnext = wanted;
    else if (kept && wanted && wanted > n->kept_to)
        n->renumber = true;
    return (uint32_t)n->uidnext++;
}

static bool is_over(const struct store_import *i, const struct counters *n, uint64_t size) {
    return (i->quota.bytes >= 0 && n->used_bytes + n->bytes + (int64_t)size > i->quota.bytes) ||
           (i->quota.messages && n->used_messages + n->messages >= i->quota.messages);
}

static enum store_status allot(struct store_import *i, struct counters *n, struct err *err) {
    for (size_t k = 0; k < i->count; k++) {
        struct store_import_message *m = &i->message[k];
        struct entry *e = &i->entry[k];
        m->status = STORE_OK;
        m->uid = 0;
        if (e->note)
            continue;
        if (is_over(i, n, e->size)) {
            m->status = STORE_QUOTA;
            continue;
        }
        m->uid = allot_uid(i, n, e->wanted);
        if (n->uidnext > (uint64_t)UINT32_MAX + 1 || !m->uid) {
            err_set(err, "the mailbox has no UIDs left: move its messages to a new one");
            return STORE_INVALID;
        }
        e->email = store_new_id();
        n->messages++;
        n->unseen += !(m->flags & STORE_SEEN);
        n->deleted += !!(m->flags & STORE_DELETED);
        n->bytes += (int64_t)e->size;
    }
    return STORE_OK;
}

static bool send_messages(struct store_import *i, struct arena *a, struct db_conn *c, const struct counters *by,
                          struct err *err) {
    size_t n = (size_t)by->messages, at = 0;
    int64_t *uid = arena_array(a, n, 8), *email = arena_array(a, n, 8), *size = arena_array(a, n, 8),
            *date = arena_array(a, n, 8);
    int32_t *flags = arena_array(a, n, 4);
    struct str *card = arena_array(a, n, sizeof *card), *keywords = arena_array(a, n, sizeof *keywords);
    unsigned char(*blob)[16] = arena_array(a, n, 16);
    for (size_t k = 0; k < i->count; k++) {
        const struct entry *e = &i->entry[k];
        const struct store_import_message *m = &i->message[k];
        if (e->note || m->status != STORE_OK)
            continue;
        uid[at] = m->uid, email[at] = e->email, size[at] = (int64_t)e->size, date[at] = m->internal_date;
        flags[at] = (int32_t)m->flags, card[at] = e->card, keywords[at] = e->keywords;
        memcpy(blob[at++], e->blob, 16);
    }
    struct db_params p = {0};
    db_int8(&p, i->folder.account_id), db_int8_array(&p, email, n);
    db_uuid_array(&p, (const unsigned char(*)[16])blob, n), db_int8_array(&p, size, n), db_bytes_array(&p, card, n);
    db_time_array(&p, date, n);
    if (!db_send(c, &ADD_EMAILS, &p, err))
        return false;
    db_int8(&p, i->folder.account_id), db_int8(&p, i->folder.mailbox_id), db_int8(&p, (int64_t)by->modseq);
    db_int8_array(&p, uid, n), db_int8_array(&p, email, n), db_int4_array(&p, flags, n);
    db_text_array(&p, keywords, n), db_int8_array(&p, size, n), db_time_array(&p, date, n);
    return db_send(c, &ADD_MESSAGES, &p, err);
}

static bool send_known(struct store_import *i, struct arena *a, struct db_conn *c, struct err *err) {
    size_t n = 0;
    struct str *key = arena_array(a, i->count, sizeof *key), *digest = arena_array(a, i->count, sizeof *digest);
    int64_t *uid = arena_array(a, i->count, 8);
    int32_t *flags = arena_array(a, i->count, 4);
    for (size_t k = 0; k < i->count; k++) {
        if (i->message[k].status != STORE_OK)
            continue;
        key[n] = i->message[k].key, uid[n] = i->message[k].uid, flags[n] = (int32_t)i->message[k].flags;
        digest[n++] = str_n(i->entry[k].digest, DIGEST_BYTES);
    }
    struct db_params p = {0};
    db_int8(&p, i->folder.account_id), db_int8(&p, i->folder.id), db_bytes_array(&p, key, n);
    db_int8_array(&p, uid, n), db_int4_array(&p, flags, n), db_bytes_array(&p, digest, n);
    return db_send(c, &ADD_KNOWN, &p, err);
}

static bool send_extras(struct store_import *i, struct arena *a, struct db_conn *c, struct err *err) {
    int64_t *email = arena_array(a, i->count, 8), *uid = arena_array(a, i->count, 8);
    struct str *uidl = arena_array(a, i->count, sizeof *uidl);
    size_t emails = 0, uidls = 0;
    for (size_t k = 0; k < i->count; k++) {
        const struct store_import_message *m = &i->message[k];
        if (!m->uid)
            continue;
        if (m->crlf)
            email[emails++] = i->entry[k].email;
        if (m->uidl.p)
            uid[uidls] = m->uid, uidl[uidls++] = m->uidl;
    }
    struct db_params p = {0};
    if (emails) {
        db_int8(&p, i->folder.account_id), db_int8_array(&p, email, emails);
        if (!db_send(c, &ADD_CRLF, &p, err))
            return false;
    }
    if (!uidls)
        return true;
    db_int8(&p, i->folder.account_id), db_int8(&p, i->folder.mailbox_id);
    db_int8_array(&p, uid, uidls), db_text_array(&p, uidl, uidls);
    return db_send(c, &ADD_UIDLS, &p, err);
}

static bool send_counters(struct store_import *i, struct db_conn *c, const struct counters *n, struct err *err) {
    const struct store_import_folder *f = &i->folder;
    struct db_params p = {0};
    if (n->renumber) {
        db_int8(&p, f->account_id), db_int8(&p, f->mailbox_id);
        if (!db_send(c, &KEEP_UIDLS, &p, err))
            return false;
        db_int8(&p, f->account_id), db_int8(&p, f->mailbox_id);
        if (!db_send(c, &RENUMBER, &p, err))
            return false;
    }
    db_int8(&p, f->account_id), db_int8(&p, f->mailbox_id), db_int8(&p, (int64_t)n->uidnext);
    db_int8(&p, (int64_t)n->modseq), db_int4(&p, (int32_t)n->messages), db_int4(&p, (int32_t)n->unseen);
    db_int4(&p, (int32_t)n->deleted), db_int8(&p, n->bytes);
    if (!db_send(c, &RAISE, &p, err))
        return false;
    db_int8(&p, f->account_id), db_int8(&p, n->bytes), db_int8(&p, n->messages);
    return db_send(c, &STORE_ADD_USAGE, &p, err);
}

static enum store_status commit_batch(struct store_import *i, struct arena *a, struct db_conn *c, struct counters *n,
                                      struct err *err) {
    if (!send_locks(i, c, err))
        return STORE_TEMPORARY;
    enum store_status status = receive_locks(c, n, err);
    if (status == STORE_OK)
        status = allot(i, n, err);
    if (status != STORE_OK)
        return status;
    bool good =
        !n->messages || (send_messages(i, a, c, n, err) && send_extras(i, a, c, err) && send_counters(i, c, n, err));
    good = good && send_known(i, a, c, err) && db_sync(c, err);
    /* PostgreSQL works during the sync */
    good = good && (!n->messages || blob_sync(i->s->blobs, err)) && db_pipeline_end(c, err) && db_commit(c, err);
    return good ? STORE_OK : STORE_TEMPORARY;
}

enum store_status store_import_commit(struct store_import *i, const struct store_import_message **message,
                                      size_t *count, bool *renumbered, struct err *err) {
    *message = i->message;
    *count = store_import_count(i);
    *renumbered = false;
    if (!*count)
        return STORE_OK;
    struct arena a = ARENA_EMPTY;
    struct counters n = {0};
    struct db_conn *c = db_acquire(i->s->db, err);
    enum store_status status = c ? commit_batch(i, &a, c, &n, err) : STORE_TEMPORARY;
    db_release(i->s->db, c);
    arena_free(&a);
    i->committed = true;
    if (status == STORE_TEMPORARY)
        return store_failed(err);
    if (status == STORE_OK && n.messages) {
        *renumbered = n.renumber;
        store_tell(i->s, i->folder.account_id, i->folder.mailbox_id, n.modseq);
    }
    return status;
}

/* ---- for export and POP3 ---- */

enum store_status store_emails_crlf(struct store *s, struct arena *a, int64_t account, int64_t **out, size_t *count,
                                    struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    struct db_params p = {0};
    db_int8(&p, account);
    PGresult *r = c ? db_query(c, &CRLF, &p, err) : NULL;
    if (r) {
        *count = (size_t)PQntuples(r);
        *out = arena_array(a, *count, sizeof **out);
        for (size_t i = 0; i < *count; i++)
            (*out)[i] = db_get_int8(r, (int)i, 0);
    }
    bool good = r != NULL;
    PQclear(r);
    db_release(s->db, c);
    return good ? STORE_OK : store_failed(err);
}

enum store_status store_uidls(struct store *s, struct arena *a, int64_t account, int64_t mailbox,
                              struct store_uidl **out, size_t *count, struct err *err) {
    *count = 0;
    struct db_conn *c = db_acquire(s->db, err);
    struct db_params p = {0};
    db_int8(&p, account), db_int8(&p, mailbox);
    PGresult *r = c ? db_query(c, &UIDLS, &p, err) : NULL;
    if (r) {
        *count = (size_t)PQntuples(r);
        *out = arena_array(a, *count, sizeof **out);
        for (size_t i = 0; i < *count; i++)
            (*out)[i] =
                (struct store_uidl){(uint32_t)db_get_int8(r, (int)i, 0), arena_str(a, db_get_str(r, (int)i, 1))};
    }
    bool good = r != NULL;
    PQclear(r);
    db_release(s->db, c);
    return good ? STORE_OK : store_failed(err);
}
