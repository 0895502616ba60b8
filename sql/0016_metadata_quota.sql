-- Quota by number of messages beside their size, who was told that a mailbox is nearly full, and annotations of mailboxes
-- (IMAP METADATA, RFC 5464).

-- ---- quota ----

ALTER TABLE account ADD COLUMN quota_messages bigint CHECK (quota_messages > 0);
COMMENT ON COLUMN account.quota_messages IS 'NULL: any number';
GRANT SELECT (quota_messages), UPDATE (quota_messages) ON account TO mansio_web;

ALTER TABLE account_usage ADD COLUMN warned smallint NOT NULL DEFAULT 0;
COMMENT ON COLUMN account_usage.warned IS 'of quota.warnings, the percentage that its owner was told of last; 0: it is below all of them';
-- Few rows have one, and deliveries do not change it, so that they stay HOT.
CREATE INDEX account_usage_warned ON account_usage (warned) WHERE warned > 0;

-- How full a mailbox is, in percent of what it may hold: the worse of size and number. NULL: it has no limit.
CREATE FUNCTION quota_percent(bytes bigint, quota_bytes bigint, messages bigint, quota_messages bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(CASE WHEN quota_bytes > 0 THEN bytes * 100 / quota_bytes WHEN quota_bytes = 0 THEN 100 END,
                    messages * 100 / quota_messages)
$$;
REVOKE ALL ON FUNCTION quota_percent FROM PUBLIC;
GRANT EXECUTE ON FUNCTION quota_percent TO mansio_mta, mansio_imapd, mansio_web;

INSERT INTO setting (name, value, comment) VALUES
    ('quota.warnings', '80 95 100', 'At how many percent of its space a mailbox gets a warning by mail; empty: never'),
    ('quota.warning_subject', 'Your mailbox is {percent} % full',
     'Subject of the warning that a mailbox is nearly full; {address}, {name}, {percent}, {used} and {limit} are filled in'),
    ('quota.warning_text',
     'Hello {name},\n\nyour mailbox {address} holds {used} of {limit}: it is {percent} % full. When it is full, mail to you is sent back.\n\nDelete mail that you no longer need, and empty the trash.',
     'Text of that warning; \n begins a new line'),
    ('quota.full_subject', 'Your mailbox is full', 'Subject of the warning at 100 percent: there is no room for more mail'),
    ('quota.full_text',
     'Hello {name},\n\nyour mailbox {address} is full: it holds {used} of {limit}. Mail to you is refused, and its senders are told so.\n\nDelete mail that you no longer need, and empty the trash.',
     'Text of the warning at 100 percent; \n begins a new line');

-- ---- annotations ----

CREATE TABLE annotation (
    account_id bigint NOT NULL,
    mailbox_id bigint,
    reader_id  bigint NOT NULL,
    entry      text NOT NULL CHECK (octet_length(entry) BETWEEN 2 AND 255 AND entry = lower(entry)),
    value      bytea NOT NULL,
    UNIQUE NULLS NOT DISTINCT (account_id, mailbox_id, reader_id, entry),
    FOREIGN KEY (account_id, mailbox_id) REFERENCES mailbox (account_id, id) ON DELETE CASCADE
);
CREATE INDEX annotation_reader ON annotation (reader_id) WHERE reader_id <> 0;
COMMENT ON TABLE annotation IS 'What clients keep with a mailbox, or (mailbox_id NULL) with the server for an account';
COMMENT ON COLUMN annotation.account_id IS 'whose mailbox it is';
COMMENT ON COLUMN annotation.reader_id IS 'the account whose /private entry it is; 0: a /shared one, the same for all who see the mailbox';
COMMENT ON COLUMN annotation.entry IS 'as in RFC 5464, in lower case: "/shared/comment"';

GRANT SELECT, INSERT, UPDATE, DELETE ON annotation TO mansio_imapd;
ALTER TABLE annotation ENABLE ROW LEVEL SECURITY;
CREATE POLICY daemons ON annotation TO mansio_imapd USING (true) WITH CHECK (true);

INSERT INTO setting (name, value, comment) VALUES
    ('imap.comment', '', 'What mail programs are told about this server (annotation /shared/comment); empty: nothing'),
    ('imap.admin', '', 'Where its users find help, as a URI such as mailto:help@example.org (annotation /shared/admin); empty: not told');
