-- Mail that came from elsewhere (`mansio import`): what was brought already, so that a second run brings only what is
-- new, and what else of a message has to survive the move. Written by lib/store/import.c in the transaction that adds the
-- messages: after a crash at any moment a message and its line here are there together or not at all.

CREATE SEQUENCE import_folder_id AS bigint CACHE 10;

CREATE TABLE import_folder (
    account_id  bigint NOT NULL,
    id          bigint NOT NULL DEFAULT nextval('import_folder_id'),
    source      text NOT NULL CHECK (octet_length(source) BETWEEN 1 AND 2000),
    folder      text NOT NULL CHECK (octet_length(folder) BETWEEN 1 AND 2000),
    uidvalidity bigint NOT NULL DEFAULT 0,
    mailbox_id  bigint NOT NULL,
    kept_to     bigint NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id),
    UNIQUE (account_id, source, folder, uidvalidity)
);
COMMENT ON TABLE import_folder IS 'A folder of another server, or of a Maildir or mbox, and the mailbox that its messages went to';
COMMENT ON COLUMN import_folder.uidvalidity IS 'of the folder there, where that is what its keys depend on (IMAP); else 0';
COMMENT ON COLUMN import_folder.kept_to IS 'UIDs up to here were left free for what the other server still gives out';

CREATE TABLE import_message (
    account_id bigint NOT NULL,
    folder_id  bigint NOT NULL,
    key        bytea NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 1000),
    uid        bigint NOT NULL,
    flags      integer NOT NULL,
    digest     bytea NOT NULL CHECK (octet_length(digest) = 16),
    PRIMARY KEY (account_id, folder_id, key)
);
COMMENT ON TABLE import_message IS 'A message that is here already; key is what its source calls it: a UID, a file name';
COMMENT ON COLUMN import_message.digest IS 'the first half of SHA-256 over its bytes: knows it again when the source changes its UIDVALIDITY';

CREATE TABLE email_crlf (
    account_id bigint NOT NULL,
    email_id   bigint NOT NULL,
    PRIMARY KEY (account_id, email_id)
);
COMMENT ON TABLE email_crlf IS 'Messages whose file had CR LF at its line ends: `mansio export` writes them so again';

CREATE TABLE pop3_uidl (
    account_id bigint NOT NULL,
    mailbox_id bigint NOT NULL,
    uid        bigint NOT NULL,
    uidl       text NOT NULL CHECK (octet_length(uidl) BETWEEN 1 AND 70),
    PRIMARY KEY (account_id, mailbox_id, uid)
);
COMMENT ON TABLE pop3_uidl IS 'UIDLs (RFC 1939) that another server gave: mail programs do not fetch these messages again';

-- The daemons read UIDLs and sweep up after deleted accounts.
GRANT SELECT, DELETE ON import_folder, import_message, email_crlf, pop3_uidl TO mansio_imapd;
