-- What SEARCH looks at, folded and packed, kept by imapd in the background (imapd/index). Never the truth, only quicker: a message
-- that is not in it is read. Rows follow those of email.

CREATE SEQUENCE search_id AS bigint CACHE 10;

CREATE TABLE search_account (
    account_id bigint PRIMARY KEY,
    enabled    boolean NOT NULL DEFAULT true,
    version    integer NOT NULL DEFAULT 0,
    indexed_to bigint NOT NULL DEFAULT 0
);
COMMENT ON TABLE search_account IS 'How far the index of an account goes; locked by who works on it';
COMMENT ON COLUMN search_account.version IS 'of the text in the blocks (INDEX_VERSION in imapd/index/block.h); another one is made anew';
COMMENT ON COLUMN search_account.indexed_to IS 'emails up to this id are in blocks';

CREATE TABLE search_block (
    account_id  bigint NOT NULL,
    id          bigint NOT NULL DEFAULT nextval('search_id'),
    whole       boolean NOT NULL,
    segment     bigint,
    slot        smallint CHECK (slot BETWEEN 0 AND 63),
    first_email bigint NOT NULL,
    last_email  bigint NOT NULL,
    emails      bigint[] NOT NULL,
    bytes       integer NOT NULL,
    text        bytea NOT NULL,
    PRIMARY KEY (account_id, id)
);
COMMENT ON TABLE search_block IS 'The searched text of some emails, packed together (zstd)';
COMMENT ON COLUMN search_block.whole IS 'false: the one that is still being filled';
COMMENT ON COLUMN search_block.bytes IS 'of the text unpacked';
ALTER TABLE search_block ALTER COLUMN text SET STORAGE EXTERNAL;

CREATE TABLE search_segment (
    account_id bigint NOT NULL,
    id         bigint NOT NULL,
    filter     bytea NOT NULL,
    PRIMARY KEY (account_id, id)
);
COMMENT ON TABLE search_segment IS 'For 64 whole blocks: which of them (a bit each) have which three bytes in a row (65,536 hashes of 8 bytes)';
ALTER TABLE search_segment ALTER COLUMN filter SET STORAGE EXTERNAL; -- a few bytes of it are read without the rest

CREATE TABLE search_gone (
    account_id bigint NOT NULL,
    email_id   bigint NOT NULL
);
COMMENT ON TABLE search_gone IS 'Emails that were deleted: their text is still to be taken out';
CREATE INDEX search_gone_account ON search_gone (account_id);

CREATE FUNCTION search_email_gone() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO search_gone (account_id, email_id) SELECT account_id, id FROM gone_rows;
    RETURN NULL;
END $$;
CREATE TRIGGER search_email_gone AFTER DELETE ON email REFERENCING OLD TABLE AS gone_rows
    FOR EACH STATEMENT EXECUTE FUNCTION search_email_gone();

REVOKE ALL ON FUNCTION search_email_gone FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON search_account, search_block, search_segment, search_gone TO mansio_imapd;
GRANT USAGE ON SEQUENCE search_id TO mansio_imapd;
