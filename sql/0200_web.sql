-- What the web application needs beside 0001 and 0005: sessions that end when unused, and indexes for lists that are
-- paged and sorted by the server.

ALTER TABLE web_session ADD COLUMN idle interval NOT NULL DEFAULT '1 hour' CHECK (idle > '0');
COMMENT ON COLUMN web_session.idle IS 'the session is over when it was not used for so long';

CREATE OR REPLACE FUNCTION actor_begin(session_token_hash bytea, client inet DEFAULT NULL)
RETURNS TABLE (role text, tenant_id bigint, operator_id bigint, account_id bigint, login text, name text, csrf text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE s record;
BEGIN
    SELECT coalesce(o.role::text, 'user') AS role, coalesce(o.tenant_id, a.tenant_id) AS tenant_id, o.id AS operator_id,
           a.id AS account_id, coalesce(o.login, a.local_part || '@' || d.name) AS login,
           coalesce(o.name, a.name) AS name, w.csrf, w.seen_at
      INTO s
      FROM web_session w
      LEFT JOIN operator o ON o.id = w.operator_id
      LEFT JOIN account a ON a.id = w.account_id
      LEFT JOIN domain d ON d.id = a.domain_id
      LEFT JOIN tenant t ON t.id = coalesce(o.tenant_id, a.tenant_id)
     WHERE w.token_hash = session_token_hash AND w.expires_at > now() AND w.seen_at > now() - w.idle
       AND o.disabled IS NOT TRUE AND a.active IS NOT FALSE AND d.active IS NOT FALSE AND t.suspended IS NOT TRUE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF s.seen_at < now() - interval '1 minute' THEN
        UPDATE web_session SET seen_at = now() WHERE token_hash = session_token_hash;
    END IF;
    PERFORM set_config('mansio.role', s.role, true), set_config('mansio.tenant', coalesce(s.tenant_id::text, ''), true),
            set_config('mansio.operator', coalesce(s.operator_id::text, ''), true),
            set_config('mansio.account', coalesce(s.account_id::text, ''), true),
            set_config('mansio.actor', s.login, true), set_config('mansio.address', coalesce(host(client), ''), true);
    RETURN QUERY SELECT s.role, s.tenant_id, s.operator_id, s.account_id, s.login, s.name, s.csrf;
END $$;

-- Lists are read in bytewise order from a key on (web/admin/list.h).
CREATE INDEX domain_name_c ON domain (name COLLATE "C");
CREATE INDEX domain_tenant_name_c ON domain (tenant_id, name COLLATE "C");
CREATE INDEX account_local_c ON account (local_part COLLATE "C", id);
CREATE INDEX account_tenant_local_c ON account (tenant_id, local_part COLLATE "C", id);
CREATE INDEX account_domain_local_c ON account (domain_id, local_part COLLATE "C", id);
CREATE INDEX alias_domain_local_c ON alias (domain_id, local_part COLLATE "C");
CREATE INDEX record_zone_c ON record (zone_id, name COLLATE "C", id);
CREATE INDEX zone_problem ON zone (tenant_id) WHERE problem IS NOT NULL;
CREATE INDEX operator_login_c ON operator (login COLLATE "C");

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

-- The same rights as in 0005, asked row by row through an index. As IN (SELECT ...) each query would first gather all that the
-- actor may see, which is a lot for fifty rows of a page; as a scalar subquery it can't.
ALTER POLICY seen ON account_usage USING ((SELECT actor_role()) = 'provider' OR (SELECT true FROM account a WHERE a.id = account_id));
ALTER POLICY seen ON queue_recipient USING ((SELECT actor_role()) = 'provider' OR (SELECT true FROM queue_message m WHERE m.id = message_id));
ALTER POLICY seen ON zone_history USING ((SELECT actor_role()) = 'provider' OR (SELECT true FROM zone z WHERE z.id = zone_id));
-- (A record's tenant is its zone's, by the foreign key.)
ALTER POLICY changed ON record
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND (SELECT true FROM zone z WHERE z.id = zone_id)))
    WITH CHECK ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND (SELECT true FROM zone z WHERE z.id = zone_id)));
