-- Which protocols a domain and a mailbox may be used by; how many connections and how much silence imapd allows; and who
-- holds a maildrop.

-- ---- switches ----

ALTER TABLE domain ADD COLUMN protocols_off text[] NOT NULL DEFAULT '{}'
    CHECK (protocols_off <@ '{smtp,imap,pop3,web,sieve}' AND array_position(protocols_off, NULL) IS NULL);
ALTER TABLE account ADD COLUMN protocols_off text[] NOT NULL DEFAULT '{}'
    CHECK (protocols_off <@ '{smtp,imap,pop3,web,sieve}' AND array_position(protocols_off, NULL) IS NULL);
COMMENT ON COLUMN domain.protocols_off IS 'Ways to log in that nobody of this domain may use: smtp (submission), imap, pop3, web, sieve (ManageSieve)';
COMMENT ON COLUMN account.protocols_off IS 'The same for this mailbox, together with those of its domain';
GRANT SELECT (protocols_off), UPDATE (protocols_off) ON account TO mansio_web;
GRANT UPDATE (protocols_off) ON domain TO mansio_web;

-- The web login of a mailbox whose password is right, but that may not use the web.
CREATE OR REPLACE FUNCTION login_lookup(wanted text)
RETURNS TABLE (operator_id bigint, account_id bigint, password text, usable boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id, NULL::bigint, o.password, NOT o.disabled AND t.suspended IS NOT TRUE
      FROM operator o LEFT JOIN tenant t ON t.id = o.tenant_id WHERE o.login = lower(wanted)
    UNION ALL
    SELECT NULL, a.id, a.password,
           a.active AND d.active AND NOT t.suspended AND NOT 'web' = ANY (a.protocols_off || d.protocols_off)
      FROM account a JOIN domain d ON d.id = a.domain_id JOIN tenant t ON t.id = a.tenant_id
     WHERE a.local_part = lower(substring(wanted FROM '^(.*)@')) AND d.name = lower(substring(wanted FROM '@([^@]*)$'))
    LIMIT 1
$$;

-- Switching the web off ends the sessions in the browser that there are.
CREATE FUNCTION protocols_end_sessions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_TABLE_NAME = 'account' THEN
        DELETE FROM web_session WHERE account_id = NEW.id;
    ELSE
        DELETE FROM web_session WHERE account_id IN (SELECT a.id FROM account a WHERE a.domain_id = NEW.id);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER protocols_end_sessions AFTER UPDATE OF protocols_off ON account FOR EACH ROW
    WHEN ('web' = ANY (NEW.protocols_off) AND NOT 'web' = ANY (OLD.protocols_off)) EXECUTE FUNCTION protocols_end_sessions();
CREATE TRIGGER protocols_end_sessions AFTER UPDATE OF protocols_off ON domain FOR EACH ROW
    WHEN ('web' = ANY (NEW.protocols_off) AND NOT 'web' = ANY (OLD.protocols_off)) EXECUTE FUNCTION protocols_end_sessions();

-- ---- what imapd allows ----

INSERT INTO setting (name, value, comment) VALUES
    ('imapd.connections_account', '50', 'Connections of IMAP and POP3 that a mailbox may have at a time (0: any number); each server counts for itself, and the webmail''s don''t count'),
    ('imapd.connections_address', '200', 'Connections of IMAP and POP3 that an address, or an IPv6 network of 64 bits, may have at a time (0: any number); this machine''s own don''t count'),
    ('imapd.login_timeout', '2m', 'Silence before login after which IMAP and POP3 hang up, at least 10s'),
    ('imapd.imap_timeout', '30m', 'Silence after which IMAP logs out, at least 30m as its standard asks'),
    ('imapd.pop3_timeout', '10m', 'Silence after which POP3 logs out, at least 10m as its standard asks'),
    ('imapd.pop3_login_delay', '0', 'Time that must pass between two logins of a mailbox by POP3, like 1m (0: none)');

-- ---- who holds a maildrop (RFC 1939 section 8) ----

-- A POP3 session holds its mailbox alone. The row says which process holds it, and that process is alive as long as it
-- keeps the advisory lock `holder` on a connection of its own: one lock and one connection a process, however many
-- sessions it has. The token is a new one for each session, and what a session deletes, it deletes only while its token
-- is there; so a session that lost its hold without knowing does no harm.
CREATE SEQUENCE pop3_token;
CREATE TABLE pop3_hold (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    holder     bigint NOT NULL,
    token      bigint, -- NULL: free
    taken_at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE pop3_hold IS 'POP3 sessions, each of which has its mailbox for itself';

-- A token; 0 where somebody else has it; -seconds where it is too early after the last login.
CREATE FUNCTION pop3_take(account bigint, process bigint, delay_seconds integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held pop3_hold;
    made bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true); -- the fence makes up for a hold that a crash forgets
    INSERT INTO pop3_hold AS h (account_id, holder, token) VALUES (account, process, nextval('pop3_token'))
    ON CONFLICT (account_id) DO NOTHING RETURNING token INTO made;
    IF made IS NOT NULL THEN
        RETURN made;
    END IF;
    SELECT * INTO held FROM pop3_hold h WHERE h.account_id = account FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0; -- the account is being removed
    END IF;
    -- shared, so that two who look at the same dead process don't take each other for it
    IF held.token IS NOT NULL AND NOT pg_try_advisory_xact_lock_shared(held.holder) THEN
        RETURN 0;
    END IF;
    IF delay_seconds > 0 AND held.taken_at > now() - make_interval(secs => delay_seconds) THEN
        RETURN -greatest(1, ceil(extract(epoch FROM held.taken_at + make_interval(secs => delay_seconds) - now())))::bigint;
    END IF;
    UPDATE pop3_hold h SET holder = process, token = nextval('pop3_token'), taken_at = now() WHERE h.account_id = account
    RETURNING h.token INTO made;
    RETURN made;
END $$;

CREATE FUNCTION pop3_give(account bigint, held bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    UPDATE pop3_hold h SET token = NULL WHERE h.account_id = account AND h.token = held;
END $$;

-- Within the transaction that deletes: an error where the session does not have the mailbox any more.
CREATE FUNCTION pop3_fence(account bigint, held bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM pop3_hold h WHERE h.account_id = account AND h.token = held FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another POP3 session has taken the mailbox meanwhile' USING ERRCODE = 'lock_not_available';
    END IF;
END $$;

ALTER TABLE pop3_hold ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON FUNCTION pop3_take, pop3_give, pop3_fence FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pop3_take, pop3_give, pop3_fence TO mansio_imapd;
