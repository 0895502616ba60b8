-- Settings of the MTA (mta/settings.h), and how a runner of the queue learns that somebody changed the queue by hand.

INSERT INTO setting (name, value, comment) VALUES
    ('mta.message_size', '50M', 'Largest message that is taken, in bytes (or with K, M or G behind it)'),
    ('mta.recipients', '1000', 'Recipients that one message may have in one transaction'),
    ('mta.postmaster', '', 'Where mail for the postmaster of this server goes, and for users of the machine itself (root, cron): an address that is hosted here'),
    ('queue.retry', '5m 10m 20m 40m 1h 2h 4h', 'Pauses between attempts to deliver elsewhere; the last one repeats (s, m, h or d behind each number)'),
    ('queue.lifetime', '5d', 'When a message that could not be delivered goes back to its sender'),
    ('queue.delay_warning', '4h', 'After what time the sender is told, once, that a message is still waiting; 0: never');

-- The runners wake themselves for what they do; this is for retry, hold and delete by an operator.
CREATE FUNCTION notify_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('queue', '');
    RETURN NULL;
END $$;
CREATE TRIGGER notify_queue AFTER UPDATE ON queue_recipient FOR EACH STATEMENT
    WHEN (current_user <> 'mansio_mta') EXECUTE FUNCTION notify_queue();
