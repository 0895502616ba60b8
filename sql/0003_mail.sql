-- Mail. Written by lib/store only. Every primary key starts with account_id, so that the tables can be split by account
-- over machines; no foreign key crosses accounts (and none points to the directory: a deleted account's mail is swept
-- by mail_sweep). Message bytes are in the blob store.

CREATE SEQUENCE mailbox_id AS bigint CACHE 10;

-- UIDVALIDITY (RFC 9051 section 2.3.1.1): a name that is deleted and comes back, even within the same second, has a greater one.
-- One sequence for all mailboxes never gives a value twice; it begins where the seconds since 1970 stand, above what a server
-- that was here before may have given.
CREATE SEQUENCE mailbox_uidvalidity AS bigint MAXVALUE 4294967295;
SELECT setval('mailbox_uidvalidity', extract(epoch FROM now())::bigint);

CREATE TABLE mailbox (
    account_id    bigint NOT NULL,
    id            bigint NOT NULL DEFAULT nextval('mailbox_id'),
    name          text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 1000),
    uidvalidity   bigint NOT NULL DEFAULT nextval('mailbox_uidvalidity') CHECK (uidvalidity BETWEEN 1 AND 4294967295),
    uidnext       bigint NOT NULL DEFAULT 1 CHECK (uidnext <= 4294967296),
    highestmodseq bigint NOT NULL DEFAULT 1,
    flags_modseq  bigint NOT NULL DEFAULT 1,
    first_recent  bigint NOT NULL DEFAULT 1,
    messages      integer NOT NULL DEFAULT 0 CHECK (messages >= 0),
    unseen        integer NOT NULL DEFAULT 0 CHECK (unseen >= 0),
    deleted       integer NOT NULL DEFAULT 0 CHECK (deleted >= 0),
    bytes         bigint NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    special_use   text CHECK (special_use IN ('\Archive', '\Drafts', '\Flagged', '\Junk', '\Sent', '\Trash')),
    subscribed    boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, name)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON COLUMN mailbox.name IS 'UTF-8, hierarchy separator "/"; the inbox is "INBOX"';
COMMENT ON COLUMN mailbox.flags_modseq IS 'modseq of the last change of flags of a message that was there before: deliveries do not move it';
COMMENT ON COLUMN mailbox.first_recent IS 'UIDs from here on were in no session yet: \Recent';
COMMENT ON COLUMN mailbox.unseen IS 'counters are kept by the transactions that change messages, so that STATUS costs one row';

CREATE TABLE email (
    account_id  bigint NOT NULL,
    id          bigint NOT NULL,
    thread_id   bigint NOT NULL,
    blob        uuid NOT NULL,
    size        bigint NOT NULL CHECK (size >= 0),
    card        bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
);
COMMENT ON TABLE email IS 'An immutable message; id is its EMAILID (RFC 8474), card what lib/mime read from it at delivery';
ALTER TABLE email ALTER COLUMN card SET STORAGE EXTERNAL;
CREATE INDEX email_blob ON email (blob);

CREATE TABLE message (
    account_id    bigint NOT NULL,
    mailbox_id    bigint NOT NULL,
    uid           bigint NOT NULL CHECK (uid BETWEEN 1 AND 4294967295),
    email_id      bigint NOT NULL,
    modseq        bigint NOT NULL,
    flags         integer NOT NULL DEFAULT 0,
    keywords      text[] NOT NULL DEFAULT '{}',
    size          bigint NOT NULL,
    internal_date timestamptz NOT NULL,
    saved_at      timestamptz NOT NULL DEFAULT now(),
    prefix        bytea NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, mailbox_id, uid)
) WITH (fillfactor = 90);
COMMENT ON TABLE message IS 'A message in a mailbox. Flag changes touch no indexed column, so they stay HOT';
COMMENT ON COLUMN message.flags IS 'bits of enum store_flag (lib/store/store.h)';
COMMENT ON COLUMN message.prefix IS 'header lines of this recipient alone (Return-Path, Delivered-To), before the blob''s bytes; size counts them';
CREATE INDEX message_email ON message (account_id, email_id);

CREATE TABLE expunged (
    account_id bigint NOT NULL,
    mailbox_id bigint NOT NULL,
    modseq     bigint NOT NULL,
    uid        bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, mailbox_id, modseq, uid)
);
COMMENT ON TABLE expunged IS 'What went, for QRESYNC (RFC 7162)';

CREATE TABLE account_usage (
    account_id bigint PRIMARY KEY,
    bytes      bigint NOT NULL DEFAULT 0,
    messages   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE account_usage IS 'What quota is measured by: the sum over the mailboxes of an account';

CREATE TABLE blob_garbage (
    blob uuid NOT NULL,
    at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE blob_garbage IS 'Blobs that lost a row: the sweeper deletes those that no row names, after a grace period';
CREATE INDEX blob_garbage_at ON blob_garbage (at);
