-- Keys with which URLs of a mailbox's messages are authorized (IMAP URLAUTH, RFC 4467): made when the first URL is, and
-- dropped to make all that were given out worthless.

CREATE TABLE url_key (
    account_id bigint NOT NULL,
    mailbox_id bigint NOT NULL,
    key        bytea NOT NULL CHECK (octet_length(key) = 32),
    PRIMARY KEY (account_id, mailbox_id),
    FOREIGN KEY (account_id, mailbox_id) REFERENCES mailbox (account_id, id) ON DELETE CASCADE
);

GRANT SELECT, INSERT, DELETE ON url_key TO mansio_imapd;
ALTER TABLE url_key ENABLE ROW LEVEL SECURITY;
CREATE POLICY daemons ON url_key TO mansio_imapd USING (true) WITH CHECK (true);

INSERT INTO setting (name, value, comment) VALUES
    ('imap.submission_user', '', 'Address of the mailbox as which a submission server (BURL) logs in to fetch URLs that were authorized for submission by their owner; empty: none does');
