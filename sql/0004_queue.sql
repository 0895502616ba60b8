-- The queue of mail for elsewhere. A runner claims recipients with FOR UPDATE SKIP LOCKED under a lease that expires by
-- itself, so that any number of nodes share one queue and a dead one leaves nothing stuck.

CREATE TABLE queue_message (
    id          bigint PRIMARY KEY,
    blob        uuid NOT NULL,
    size        bigint NOT NULL,
    prefix      bytea NOT NULL DEFAULT '',
    sender      text NOT NULL,
    tenant_id   bigint,
    account_id  bigint,
    source      text NOT NULL DEFAULT '',
    smtputf8    boolean NOT NULL DEFAULT false,
    body_8bit   boolean NOT NULL DEFAULT false,
    envid       text,
    ret         text CHECK (ret IN ('FULL', 'HDRS')),
    received_at timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
COMMENT ON COLUMN queue_message.sender IS 'reverse-path; empty for notifications (RFC 5321 section 4.5.5)';
COMMENT ON COLUMN queue_message.source IS 'the client that handed it in, for the operator';
CREATE INDEX queue_message_blob ON queue_message (blob);

CREATE TYPE queue_status AS ENUM ('pending', 'held');

CREATE TABLE queue_recipient (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id      bigint NOT NULL REFERENCES queue_message ON DELETE CASCADE,
    address         text NOT NULL,
    original        text NOT NULL DEFAULT '',
    next_hop        text NOT NULL,
    status          queue_status NOT NULL DEFAULT 'pending',
    attempts        integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_until     timestamptz,
    lease_owner     text,
    delay_notified  boolean NOT NULL DEFAULT false,
    notify          text,
    last_reply      text NOT NULL DEFAULT '',
    last_attempt_at timestamptz
);
COMMENT ON COLUMN queue_recipient.next_hop IS 'domain or host by which recipients share a connection';
COMMENT ON COLUMN queue_recipient.original IS 'the address that the sender gave, where it was rewritten (alias)';
CREATE INDEX queue_recipient_due ON queue_recipient (next_attempt_at) WHERE status = 'pending';
CREATE INDEX queue_recipient_message ON queue_recipient (message_id);

-- What an operator deletes from the queue: a message without recipients goes, and its bytes are given to the sweeper. (The
-- MTA does this itself, with its results.)
CREATE FUNCTION queue_drop_message() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    WITH gone AS (
        DELETE FROM queue_message m WHERE m.id = OLD.message_id
           AND NOT EXISTS (SELECT FROM queue_recipient r WHERE r.message_id = m.id) RETURNING blob)
    INSERT INTO blob_garbage (blob) SELECT blob FROM gone;
    RETURN NULL;
END $$;
CREATE TRIGGER queue_drop_message AFTER DELETE ON queue_recipient FOR EACH ROW
    WHEN (current_user <> 'mansio_mta') EXECUTE FUNCTION queue_drop_message();
