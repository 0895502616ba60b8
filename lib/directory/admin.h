/*
 * admin: what administrators do to the directory, for the web application and the command line alike: input as a person
 * typed it is checked and normalised here, and each failure is a sentence for that person. Call within a transaction of
 * the caller's (the web's has its actor set; row security decides what it may touch). The audit log and the
 * notifications are the database's own triggers.
 *
 * Each function returns the new row's id (or 1 for changes), 0 with err set for wrong input or a refused act,
 * -1 with err set when the database is away or failed. After 0 or -1 the caller rolls back.
 */
#ifndef DIRECTORY_ADMIN_H
#define DIRECTORY_ADMIN_H

#include "db/db.h"

int64_t admin_tenant_add(struct db_conn *c, struct str name, int32_t max_domains /* -1: no limit */, struct err *err);
int64_t admin_tenant_change(struct db_conn *c, struct str name, struct str new_name, int32_t max_domains,
                            struct err *err);
int64_t admin_tenant_suspend(struct db_conn *c, struct str name, bool suspended, struct err *err);
int64_t admin_tenant_remove(struct db_conn *c, struct str name, struct err *err); /* with everything in it */
int64_t admin_operator_add(struct db_conn *c, int64_t tenant_id /* 0 for role provider */, struct str role,
                           struct str login, struct str name, struct str password, struct err *err);
int64_t admin_operator_password(struct db_conn *c, struct str login, struct str password, struct err *err);
int64_t admin_operator_rename(struct db_conn *c, struct str login, struct str name, struct err *err); /* the person's */
int64_t admin_operator_disable(struct db_conn *c, struct str login, bool disabled,
                               struct err *err); /* ends its sessions */
int64_t admin_operator_remove(struct db_conn *c, struct str login, struct err *err);
/* An operator of role domain administers this domain too (no longer). */
int64_t admin_operator_grant(struct db_conn *c, struct str login, struct str domain, struct err *err);
int64_t admin_operator_revoke(struct db_conn *c, struct str login, struct str domain, struct err *err);

/* kind "hosted", "alias" (target: the domain it stands for) or "relay" (target: host, or "" for its MX). name may be an
 * IDN. */
int64_t admin_domain_add(struct db_conn *c, int64_t tenant_id, struct str name, struct str kind, struct str target,
                         struct err *err);
int64_t admin_domain_active(struct db_conn *c, struct str name, bool active, struct err *err);
int64_t admin_domain_limit(struct db_conn *c, struct str name, int32_t max_accounts /* -1: no limit */,
                           struct err *err);
/* Which ways to log in are switched off: bits of enum directory_protocol (directory/protocol.h). */
int64_t admin_domain_protocols(struct db_conn *c, struct str name, unsigned off, struct err *err);
int64_t admin_domain_remove(struct db_conn *c, struct str name, struct err *err); /* with everything in it */

int64_t admin_account_add(struct db_conn *c, struct str address, struct str name, struct str password,
                          int64_t quota_bytes /* -1: none */, struct err *err);
/* The same with the password's hash as another server stores it (base/password.h). */
int64_t admin_account_import(struct db_conn *c, struct str address, struct str name, struct str stored,
                             int64_t quota_bytes, struct err *err);
int64_t admin_account_password(struct db_conn *c, struct str address, struct str password,
                               struct err *err); /* ends its web sessions */
int64_t admin_account_password_hash(struct db_conn *c, struct str address, struct str stored, struct err *err);
/* How many messages it may hold; 0: any number. */
int64_t admin_account_quota_messages(struct db_conn *c, struct str address, int64_t messages, struct err *err);
int64_t admin_account_change(struct db_conn *c, struct str address, struct str name, int64_t quota_bytes, bool active,
                             struct err *err);
int64_t admin_account_protocols(struct db_conn *c, struct str address, unsigned off, struct err *err);
int64_t admin_account_remove(struct db_conn *c, struct str address, struct err *err);

/* What mail programs log in with instead of the password. scopes: "smtp imap pop3" or some of them, "" all. The secret
 * is appended to the buffer, and can't be had again. */
int64_t admin_app_password_add(struct db_conn *c, struct str address, struct str name, struct str scopes,
                               struct buf *secret, struct err *err);
int64_t admin_app_password_remove(struct db_conn *c, struct str address, struct str name, struct err *err);
/* Mail programs can't use the password then; the web can. */
int64_t admin_account_app_passwords_only(struct db_conn *c, struct str address, bool only, struct err *err);
/* For OAUTHBEARER and XOAUTH2. */
int64_t admin_access_token_add(struct db_conn *c, struct str address, struct str name, struct str scopes, int32_t days,
                               struct buf *token, struct err *err);
int64_t admin_access_token_remove(struct db_conn *c, struct str address, struct str name, struct err *err);
/* The account may send under this address, or "@domain", too. */
int64_t admin_send_as_add(struct db_conn *c, struct str address, struct str other, struct err *err);
int64_t admin_send_as_remove(struct db_conn *c, struct str address, struct str other, struct err *err);

/* A mailbox that nobody logs in to: those read it whom its access lists name. */
int64_t admin_account_add_shared(struct db_conn *c, struct str address, struct str name, int64_t quota_bytes,
                                 struct err *err);
/* One entry of a folder's access list. folder "*": all there are, and those to come. who: an address of the same
 * reseller, or "anyone" of the domain; behind "-" the rights are taken away. rights: bits of enum store_right
 * (store/sharing.h); 0 takes the entry out. */
int64_t admin_share_set(struct db_conn *c, struct str address, struct str folder, struct str who, unsigned rights,
                        struct err *err);
/* Another mailbox of the same reseller may send under this one's address, or no longer: admin_send_as_*() from the
 * other side, which its owner may do, too. */
int64_t admin_delegate_set(struct db_conn *c, struct str address, struct str who, bool allowed, struct err *err);

/* address "@domain" is the catch-all; targets: addresses separated by commas, blanks or line ends. Adds or replaces. */
int64_t admin_alias_set(struct db_conn *c, struct str address, struct str targets, struct err *err);
int64_t admin_alias_remove(struct db_conn *c, struct str address, struct err *err);

int64_t admin_zone_add(struct db_conn *c, int64_t tenant_id, struct str name,
                       struct err *err); /* a zone without mail */
int64_t admin_zone_remove(struct db_conn *c, struct str name, struct err *err);
/* Checks the record (lib/zone), alone and with the rest of its zone. ttl -1: the zone's. name: relative, "@", or
 * absolute with a trailing dot within the zone. */
int64_t admin_record_add(struct db_conn *c, struct str zone, struct str name, struct str type, int32_t ttl,
                         struct str rdata, struct err *err);
int64_t admin_record_change(struct db_conn *c, int64_t record_id, struct str name, struct str type, int32_t ttl,
                            struct str rdata, struct err *err);
int64_t admin_record_remove(struct db_conn *c, int64_t record_id, struct err *err);

/* What follows when the sender of mail for a domain is not proved: words "reject", "junk", "tag" or "ignore". A p that
 * is NULL: as it is (for a new row: the column's default). trusted: domains whose ARC seals are believed, separated by
 * commas, blanks or line ends. domain "": the row of all domains that have none. */
struct admin_sender_policy {
    struct str dmarc_reject, dmarc_quarantine, spf_fail, trusted;
};
int64_t admin_sender_policy_set(struct db_conn *c, struct str domain, const struct admin_sender_policy *policy,
                                struct err *err);
/* Takes a domain's own row away. */
int64_t admin_sender_policy_reset(struct db_conn *c, struct str domain, struct err *err);

/* Makes a key by which the domain's mail is signed from now on, and its record in the zone. algorithm "rsa" (2048 bits)
 * or "ed25519"; selector "": one is made of the date. */
int64_t admin_dkim_add(struct db_conn *c, struct str domain, struct str selector, struct str algorithm,
                       struct err *err);
/* Whether mail is signed with it; its record stays. */
int64_t admin_dkim_active(struct db_conn *c, struct str domain, struct str selector, bool active, struct err *err);
int64_t admin_dkim_remove(struct db_conn *c, struct str domain, struct str selector, struct err *err);

/* Who may send, or not: action "allow", "deny", "greylist" or "no-greylist"; kind "sender" (an address, its domain, or
 * .domain for what is below it), "network", "helo" (a name or .domain) or "any" (pattern "*", for the last two
 * actions). For the recipients of `domain`; domain "": all of the tenant; tenant 0: of everybody. */
int64_t admin_access_add(struct db_conn *c, int64_t tenant_id, struct str domain, struct str action, struct str kind,
                         struct str pattern, struct str note, struct err *err);
int64_t admin_access_remove(struct db_conn *c, int64_t id, struct err *err);

int64_t admin_setting_set(struct db_conn *c, struct str name, struct str value,
                          struct err *err); /* only names that exist */

#endif
