-- Who may do what. Each daemon has its own role with only the grants its job needs. The web application works for many
-- people with one role: at the start of each transaction it calls actor_begin() with the hash of the session's cookie,
-- and row security then shows and takes only what that actor may see and change, whatever SQL is sent.

-- ---- the actor of this transaction ----

CREATE FUNCTION actor_role() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT coalesce(current_setting('mansio.role', true), '') $$;
CREATE FUNCTION actor_tenant() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('mansio.tenant', true), '')::bigint $$;
CREATE FUNCTION actor_operator() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('mansio.operator', true), '')::bigint $$;
CREATE FUNCTION actor_account() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('mansio.account', true), '')::bigint $$;
CREATE FUNCTION actor_name() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT coalesce(nullif(current_setting('mansio.actor', true), ''), session_user::text) $$;
-- The domains that an operator of role domain administers; security definer so that policies on domain can ask it.
CREATE FUNCTION actor_domains() RETURNS SETOF bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
    $$ SELECT domain_id FROM operator_domain
       WHERE operator_id = nullif(current_setting('mansio.operator', true), '')::bigint $$;

CREATE FUNCTION actor_begin(session_token_hash bytea, client inet DEFAULT NULL)
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
COMMENT ON FUNCTION actor_begin IS 'Names the actor of this transaction by its session; no row: the session is over';

-- Login: the one way by which the web role gets at a password hash, for one login at a time.
CREATE FUNCTION login_lookup(wanted text)
RETURNS TABLE (operator_id bigint, account_id bigint, password text, usable boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT o.id, NULL::bigint, o.password, NOT o.disabled AND t.suspended IS NOT TRUE
      FROM operator o LEFT JOIN tenant t ON t.id = o.tenant_id WHERE o.login = lower(wanted)
    UNION ALL
    SELECT NULL, a.id, a.password, a.active AND d.active AND NOT t.suspended
      FROM account a JOIN domain d ON d.id = a.domain_id JOIN tenant t ON t.id = a.tenant_id
     WHERE a.local_part = lower(substring(wanted FROM '^(.*)@')) AND d.name = lower(substring(wanted FROM '@([^@]*)$'))
    LIMIT 1
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO mansio_mta, mansio_imapd, mansio_web, mansio_dns;
GRANT EXECUTE ON FUNCTION actor_role, actor_tenant, actor_operator, actor_account, actor_name, actor_domains
    TO mansio_mta, mansio_imapd, mansio_web, mansio_dns;
GRANT EXECUTE ON FUNCTION actor_begin, login_lookup TO mansio_web;

-- ---- the daemons' grants ----

GRANT SELECT ON setting, tenant, domain, account, alias, login_token TO mansio_mta, mansio_imapd;
GRANT SELECT ON dkim_key TO mansio_mta;
GRANT UPDATE (password) ON account TO mansio_mta, mansio_imapd;
GRANT SELECT, INSERT, UPDATE, DELETE ON mailbox, email, message, expunged, account_usage, blob_garbage TO mansio_imapd;
GRANT SELECT, INSERT, UPDATE ON mailbox, email, message, account_usage, blob_garbage TO mansio_mta;
GRANT DELETE ON blob_garbage TO mansio_mta;
GRANT SELECT, INSERT, UPDATE, DELETE ON queue_message, queue_recipient TO mansio_mta;
GRANT SELECT ON queue_message TO mansio_imapd; -- the sweeper asks whether a blob is still named
GRANT USAGE ON SEQUENCE mailbox_id, mailbox_uidvalidity, queue_recipient_id_seq TO mansio_mta;
GRANT USAGE ON SEQUENCE mailbox_id, mailbox_uidvalidity TO mansio_imapd;

GRANT SELECT ON setting, tenant, domain, zone, record TO mansio_dns;
GRANT SELECT (id, tenant_id, domain_id, selector, algorithm, public_key, active) ON dkim_key TO mansio_dns;
GRANT UPDATE (serial, content_hash, exported_at, problem) ON zone TO mansio_dns;
GRANT SELECT, INSERT, DELETE ON zone_history TO mansio_dns;
GRANT SELECT, UPDATE (exported) ON zone_export TO mansio_dns;
GRANT SELECT, DELETE ON zone_removed TO mansio_dns;

GRANT SELECT ON setting, tenant, domain, operator_domain, alias, zone, record, zone_history, audit TO mansio_web;
GRANT SELECT (id, tenant_id, role, login, name, disabled, created_at) ON operator TO mansio_web;
GRANT SELECT (id, tenant_id, domain_id, local_part, name, quota_bytes, active, created_at) ON account TO mansio_web;
GRANT SELECT (id, tenant_id, domain_id, selector, algorithm, public_key, active, created_at) ON dkim_key TO mansio_web;
GRANT SELECT ON account_usage TO mansio_web;
GRANT INSERT, DELETE ON tenant, operator, domain, operator_domain, account, alias, zone, record TO mansio_web;
-- What a row is and whose does not change; for that it is removed and made anew.
GRANT UPDATE (name, max_domains, suspended) ON tenant TO mansio_web;
GRANT UPDATE (name, password, role, disabled) ON operator TO mansio_web;
GRANT UPDATE (display, kind, target_id, relay_host, max_accounts, active) ON domain TO mansio_web;
GRANT UPDATE (name, password, quota_bytes, active) ON account TO mansio_web;
GRANT UPDATE (targets, active) ON alias TO mansio_web;
GRANT UPDATE (primary_ns, contact, refresh, retry, expire, minimum, ttl) ON zone TO mansio_web;
GRANT UPDATE (name, type, ttl, rdata, managed) ON record TO mansio_web;
GRANT UPDATE ON setting TO mansio_web;
GRANT INSERT, DELETE ON dkim_key TO mansio_web;
GRANT UPDATE (active) ON dkim_key TO mansio_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON web_session, login_token, login_failure TO mansio_web;
GRANT SELECT ON queue_message, queue_recipient TO mansio_web;
GRANT UPDATE (status, next_attempt_at), DELETE ON queue_recipient TO mansio_web;

-- ---- row security ----

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['setting', 'tenant', 'operator', 'domain', 'operator_domain', 'account', 'alias', 'dkim_key', 'zone',
                                'record', 'zone_history', 'audit', 'account_usage', 'queue_message', 'queue_recipient'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY daemons ON %I TO mansio_mta, mansio_imapd, mansio_dns USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;

CREATE POLICY provider ON setting TO mansio_web
    USING ((SELECT actor_role()) <> '') WITH CHECK ((SELECT actor_role()) = 'provider');
CREATE POLICY seen ON tenant FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR id = (SELECT actor_tenant()));
CREATE POLICY changed ON tenant TO mansio_web
    USING ((SELECT actor_role()) = 'provider') WITH CHECK ((SELECT actor_role()) = 'provider');
CREATE POLICY seen ON operator FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR id = (SELECT actor_operator())
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant())));
CREATE POLICY changed ON operator TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant())))
    WITH CHECK ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()) AND role <> 'provider'));
CREATE POLICY own ON operator FOR UPDATE TO mansio_web
    USING (id = (SELECT actor_operator())) WITH CHECK (id = (SELECT actor_operator()));
CREATE POLICY seen ON operator_domain FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR operator_id = (SELECT actor_operator())
           OR (SELECT true FROM operator o WHERE o.id = operator_id));
CREATE POLICY changed ON operator_domain TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND (SELECT true FROM operator o WHERE o.id = operator_id)
               AND (SELECT true FROM domain d WHERE d.id = domain_id)));

-- What may be seen: the provider everything, reseller and helpdesk their tenant's, a domain administrator its domains', a
-- user what is its own.
CREATE POLICY seen ON domain FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR (tenant_id = (SELECT actor_tenant()) AND (SELECT actor_role()) IN ('reseller', 'helpdesk'))
           OR ((SELECT actor_role()) = 'domain' AND id IN (SELECT actor_domains()))
           OR ((SELECT actor_role()) = 'user' AND id = (SELECT a.domain_id FROM account a WHERE a.id = (SELECT actor_account()))));
CREATE POLICY added ON domain FOR INSERT TO mansio_web
    WITH CHECK ((SELECT actor_role()) = 'provider'
                OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant())));
CREATE POLICY changed ON domain FOR UPDATE TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant())))
    WITH CHECK ((SELECT actor_role()) = 'provider' OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant())));
CREATE POLICY removed ON domain FOR DELETE TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant())));

CREATE POLICY seen ON account FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR (tenant_id = (SELECT actor_tenant()) AND (SELECT actor_role()) IN ('reseller', 'helpdesk'))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains()))
           OR ((SELECT actor_role()) = 'user' AND id = (SELECT actor_account())));
CREATE POLICY added ON account FOR INSERT TO mansio_web
    WITH CHECK ((SELECT actor_role()) = 'provider'
                OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
                OR ((SELECT actor_role()) = 'domain' AND tenant_id = (SELECT actor_tenant()) AND domain_id IN (SELECT actor_domains())));
CREATE POLICY changed ON account FOR UPDATE TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR (tenant_id = (SELECT actor_tenant()) AND (SELECT actor_role()) IN ('reseller', 'helpdesk'))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains()))
           OR ((SELECT actor_role()) = 'user' AND id = (SELECT actor_account())))
    WITH CHECK ((SELECT actor_role()) = 'provider'
           OR (tenant_id = (SELECT actor_tenant())
               AND ((SELECT actor_role()) IN ('reseller', 'helpdesk')
                    OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains()))
                    OR ((SELECT actor_role()) = 'user' AND id = (SELECT actor_account())))));
CREATE POLICY removed ON account FOR DELETE TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())));

-- Helpdesk may set passwords and nothing else; a user its own password and display name. (Grants are by database role, and
-- the web application has one, so this is a trigger.)
CREATE FUNCTION account_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE allowed account;
BEGIN
    IF actor_role() IN ('helpdesk', 'user') THEN
        allowed := NEW;
        allowed.password := OLD.password;
        IF actor_role() = 'user' THEN
            allowed.name := OLD.name;
        END IF;
        IF allowed IS DISTINCT FROM OLD THEN
            RAISE EXCEPTION 'this role may change only the password' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_guard BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION account_guard();

-- An operator may change its own name and password; what it may do, and for whom, only those above it.
CREATE FUNCTION operator_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF actor_role() <> '' AND NEW.id = actor_operator()
       AND (NEW.tenant_id, NEW.role, NEW.login, NEW.disabled) IS DISTINCT FROM (OLD.tenant_id, OLD.role, OLD.login, OLD.disabled) THEN
        RAISE EXCEPTION 'you may change only your own name and password' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF actor_role() NOT IN ('', 'provider') AND NEW.tenant_id IS DISTINCT FROM OLD.tenant_id THEN
        RAISE EXCEPTION 'an operator stays with its reseller' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER operator_guard BEFORE UPDATE ON operator FOR EACH ROW EXECUTE FUNCTION operator_guard();

CREATE POLICY seen ON alias FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR (tenant_id = (SELECT actor_tenant()) AND (SELECT actor_role()) IN ('reseller', 'helpdesk'))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())));
CREATE POLICY changed ON alias TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())))
    WITH CHECK ((SELECT actor_role()) = 'provider'
           OR (tenant_id = (SELECT actor_tenant())
               AND ((SELECT actor_role()) = 'reseller'
                    OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())))));
CREATE POLICY changed ON dkim_key TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())));
CREATE POLICY changed ON zone TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())));
-- Rows that belong to a row are asked for one by one, as a scalar subquery through an index. As IN (SELECT ...) each query would first
-- gather all that the actor may see, which is a lot for the fifty rows of a page.
-- (A record's tenant is its zone's, by the foreign key.)
CREATE POLICY changed ON record TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND (SELECT true FROM zone z WHERE z.id = zone_id)))
    WITH CHECK ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND (SELECT true FROM zone z WHERE z.id = zone_id)));
CREATE POLICY seen ON zone_history FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR (SELECT true FROM zone z WHERE z.id = zone_id));
CREATE POLICY seen ON audit FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant())));
CREATE POLICY seen ON account_usage FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR (SELECT true FROM account a WHERE a.id = account_id));
CREATE POLICY seen ON queue_message TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant())));
CREATE POLICY seen ON queue_recipient TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR (SELECT true FROM queue_message m WHERE m.id = message_id));

-- ---- audit and notification, by triggers ----

CREATE FUNCTION audit_row() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after_row  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    shown      jsonb := coalesce(after_row, before_row);
    detail     jsonb;
    label      text;
BEGIN
    SELECT coalesce(jsonb_object_agg(key, CASE WHEN key IN ('password', 'private_key') THEN '"(hidden)"'::jsonb
                                               ELSE jsonb_build_array(before_row -> key, after_row -> key) END), '{}')
      INTO detail
      FROM jsonb_object_keys(shown) AS key
     WHERE before_row -> key IS DISTINCT FROM after_row -> key
       AND key NOT IN ('id', 'created_at', 'serial', 'content_hash', 'exported_at', 'problem');
    IF TG_OP = 'UPDATE' AND detail = '{}' THEN
        RETURN NULL;
    END IF;
    label := CASE TG_TABLE_NAME
        WHEN 'account' THEN (shown ->> 'local_part') || '@' || coalesce((SELECT name FROM domain WHERE id = (shown ->> 'domain_id')::bigint), '?')
        WHEN 'alias' THEN (shown ->> 'local_part') || '@' || coalesce((SELECT name FROM domain WHERE id = (shown ->> 'domain_id')::bigint), '?')
        WHEN 'record' THEN concat_ws(' ', shown ->> 'name', shown ->> 'type', shown ->> 'rdata', 'in', (SELECT name FROM zone WHERE id = (shown ->> 'zone_id')::bigint))
        WHEN 'operator' THEN shown ->> 'login'
        WHEN 'dkim_key' THEN shown ->> 'selector'
        ELSE shown ->> 'name' END;
    INSERT INTO audit (tenant_id, actor, address, action, object_kind, object_id, object_name, detail)
    VALUES (CASE WHEN TG_TABLE_NAME = 'tenant' THEN (shown ->> 'id')::bigint ELSE (shown ->> 'tenant_id')::bigint END,
            coalesce(nullif(current_setting('mansio.actor', true), ''), session_user::text),
            nullif(current_setting('mansio.address', true), '')::inet,
            lower(TG_OP), TG_TABLE_NAME, (shown ->> 'id')::bigint, coalesce(label, ''), detail);
    RETURN NULL;
END $$;

-- Daemons drop what they know of the directory when told "directory"; the exporter looks at the zone it is told by "zone".
CREATE FUNCTION notify_directory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('directory', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE FUNCTION notify_zone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_notify('zone', TG_TABLE_NAME);
    RETURN NULL;
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenant', 'operator', 'domain', 'account', 'alias', 'zone', 'record', 'dkim_key', 'setting'] LOOP
        EXECUTE format('CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION audit_row()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['tenant', 'domain', 'account', 'alias', 'dkim_key', 'setting'] LOOP
        EXECUTE format('CREATE TRIGGER notify_directory AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION notify_directory()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['zone', 'record'] LOOP
        EXECUTE format('CREATE TRIGGER notify_zone_insert AFTER INSERT OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION notify_zone()', name);
    END LOOP;
    CREATE TRIGGER notify_zone_update AFTER UPDATE ON record FOR EACH STATEMENT EXECUTE FUNCTION notify_zone();
    CREATE TRIGGER notify_zone_update AFTER UPDATE OF primary_ns, contact, refresh, retry, expire, minimum, ttl, name ON zone
        FOR EACH STATEMENT EXECUTE FUNCTION notify_zone();
END $$;
