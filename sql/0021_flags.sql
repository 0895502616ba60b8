-- Changing flags of many messages.

-- Nearly every message is changed once at least (\Seen). With as much room in a page as it has rows, the new version lies
-- beside the old one, however many are changed at once, and no index hears of it (HOT): a quarter of the time and a fifth of
-- the log. Pages that are there already get their room as they are rewritten.
ALTER TABLE message SET (fillfactor = 50);

-- Ranges of UIDs that get the same value. The caller holds the mailboxes' locks, and every message that is in a range differs.
-- A statement a range, since the planner knows nothing of their ends and would join by hashing whole mailboxes.
CREATE FUNCTION message_set_flags(accounts bigint[], mailboxes bigint[], firsts bigint[], lasts bigint[], modseqs bigint[],
                                  new_flags integer[], new_keywords text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT * FROM unnest(accounts, mailboxes, firsts, lasts, modseqs, new_flags,
                                  new_keywords) AS u (account, mailbox, first, last, modseq, flags, keywords)
    LOOP
        UPDATE message SET flags = r.flags, modseq = r.modseq,
               keywords = CASE r.keywords WHEN '' THEN '{}'::text[] ELSE string_to_array(r.keywords, ' ') END
         WHERE account_id = r.account AND mailbox_id = r.mailbox AND uid BETWEEN r.first AND r.last;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION message_set_flags FROM PUBLIC;
GRANT EXECUTE ON FUNCTION message_set_flags TO mansio_mta, mansio_imapd;
