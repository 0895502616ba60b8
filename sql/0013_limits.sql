-- How much an account, a domain and a tenant may send, so that a stolen password does not make a spammer of the host; and
-- what operators are told of it.

INSERT INTO setting (name, value, comment) VALUES
    ('mta.limit_messages', '500/h 3000/d', 'Messages that a mailbox may send in an hour and in a day (0: any number), where nothing else is set for it'),
    ('mta.limit_recipients', '1000/h 5000/d', 'Recipients that a mailbox may send to in an hour and in a day (0: any number), where nothing else is set for it'),
    ('mta.limit_block', '5', 'How many times over its limit a mailbox may try to send within an hour before its sending is switched off (0: never)');

ALTER TABLE account ADD COLUMN sending_blocked text NOT NULL DEFAULT '' CHECK (length(sending_blocked) <= 200);
COMMENT ON COLUMN account.sending_blocked IS 'Why it may not send; empty: it may';
GRANT SELECT (sending_blocked), UPDATE (sending_blocked) ON account TO mansio_web;

-- What is set for one account, for all of a domain, or for all of a tenant (both ids NULL).
CREATE TABLE send_limit (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id       bigint NOT NULL REFERENCES tenant ON DELETE CASCADE,
    domain_id       bigint REFERENCES domain ON DELETE CASCADE,
    account_id      bigint REFERENCES account ON DELETE CASCADE,
    messages_hour   integer CHECK (messages_hour >= 0),
    messages_day    integer CHECK (messages_day >= 0),
    recipients_hour integer CHECK (recipients_hour >= 0),
    recipients_day  integer CHECK (recipients_day >= 0),
    CHECK (num_nonnulls(domain_id, account_id) <= 1),
    UNIQUE NULLS NOT DISTINCT (tenant_id, domain_id, account_id)
);
COMMENT ON TABLE send_limit IS 'NULL: as the settings say for an account, without limit for a domain and a tenant; 0: without limit';
CREATE INDEX send_limit_account ON send_limit (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX send_limit_domain ON send_limit (domain_id) WHERE domain_id IS NOT NULL;

-- Of each account that sends, and of each domain and tenant with a limit. An hour and a day begin with their first message.
CREATE TABLE send_count (
    kind            "char" NOT NULL CHECK (kind IN ('a', 'd', 't')),
    id              bigint NOT NULL,
    hour_at         timestamptz NOT NULL DEFAULT now(),
    hour_messages   integer NOT NULL DEFAULT 0,
    hour_recipients integer NOT NULL DEFAULT 0,
    hour_refused    integer NOT NULL DEFAULT 0,
    day_at          timestamptz NOT NULL DEFAULT now(),
    day_messages    integer NOT NULL DEFAULT 0,
    day_recipients  integer NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, id)
) WITH (fillfactor = 50);
COMMENT ON COLUMN send_count.hour_refused IS 'recipients that were refused because of a limit';

CREATE TABLE alarm (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    hour       timestamptz NOT NULL DEFAULT date_trunc('hour', now()),
    kind       text NOT NULL,
    tenant_id  bigint NOT NULL REFERENCES tenant ON DELETE CASCADE,
    account_id bigint REFERENCES account ON DELETE CASCADE,
    text       text NOT NULL,
    seen_at    timestamptz,
    UNIQUE (kind, account_id, hour)
);
COMMENT ON TABLE alarm IS 'What an operator should look at; one of a kind for an account in an hour';
CREATE INDEX alarm_open ON alarm (at DESC) WHERE seen_at IS NULL;

-- ---- counting ----

-- The limits in force for a scope. The numbers of a setting look like "500/h 3000/d".
CREATE FUNCTION setting_rate(setting_name text, unit text, otherwise integer) RETURNS integer
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT (regexp_match(value, '(\d{1,9})\s*/\s*' || unit))[1]::integer FROM setting WHERE name = setting_name), otherwise)
$$;

CREATE FUNCTION send_limits(scope "char", scope_id bigint)
RETURNS TABLE (messages_hour integer, messages_day integer, recipients_hour integer, recipients_day integer)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce(l.messages_hour, CASE scope WHEN 'a' THEN setting_rate('mta.limit_messages', 'h', 200) ELSE 0 END),
           coalesce(l.messages_day, CASE scope WHEN 'a' THEN setting_rate('mta.limit_messages', 'd', 1000) ELSE 0 END),
           coalesce(l.recipients_hour, CASE scope WHEN 'a' THEN setting_rate('mta.limit_recipients', 'h', 300) ELSE 0 END),
           coalesce(l.recipients_day, CASE scope WHEN 'a' THEN setting_rate('mta.limit_recipients', 'd', 1500) ELSE 0 END)
      FROM (SELECT 1) AS one LEFT JOIN send_limit l
        ON (scope = 'a' AND l.account_id = scope_id) OR (scope = 'd' AND l.domain_id = scope_id)
        OR (scope = 't' AND l.tenant_id = scope_id AND l.domain_id IS NULL AND l.account_id IS NULL)
$$;

-- One message to so many recipients: counts it where it is within all limits (refused is '' then), else says which one it
-- would pass. Rows are locked in the order account, domain, tenant, so that sessions at once can't pass a limit together
-- and don't wait for each other in circles. Nothing is lost with a count, so nobody waits for the disk.
CREATE FUNCTION submission_take(of_account bigint, recipients integer,
                                OUT refused text, OUT never boolean, OUT alarmed text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    who      record;
    scope    record;
    limits   record;
    counted  send_count;
    taken    "char"[] := '{}';
    factor   integer;
    attempts bigint;
    largest  bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    refused := '';
    never := false;
    SELECT a.tenant_id, a.domain_id, a.sending_blocked, a.local_part || '@' || d.name AS address, d.name AS domain, t.name AS tenant
      INTO who FROM account a JOIN domain d ON d.id = a.domain_id JOIN tenant t ON t.id = a.tenant_id WHERE a.id = of_account;
    IF NOT FOUND OR who.sending_blocked <> '' THEN
        refused := 'sending is switched off for this mailbox, ask its administrator';
        never := true;
        RETURN;
    END IF;
    FOR scope IN SELECT * FROM (VALUES (1, 'a'::"char", of_account, who.address), (2, 'd', who.domain_id, 'the domain ' || who.domain),
                                       (3, 't', who.tenant_id, 'all domains of ' || who.tenant)) AS s (place, kind, id, name) ORDER BY place LOOP
        SELECT * INTO limits FROM send_limits(scope.kind, scope.id);
        CONTINUE WHEN greatest(limits.messages_hour, limits.messages_day, limits.recipients_hour, limits.recipients_day) = 0
                      AND scope.kind <> 'a';
        INSERT INTO send_count AS c (kind, id, hour_messages, hour_recipients, day_messages, day_recipients)
        VALUES (scope.kind, scope.id, 1, recipients, 1, recipients)
        ON CONFLICT (kind, id) DO UPDATE SET
            hour_at = CASE WHEN c.hour_at > now() - interval '1 hour' THEN c.hour_at ELSE now() END,
            hour_messages = CASE WHEN c.hour_at > now() - interval '1 hour' THEN c.hour_messages ELSE 0 END + 1,
            hour_recipients = CASE WHEN c.hour_at > now() - interval '1 hour' THEN c.hour_recipients ELSE 0 END + recipients,
            hour_refused = CASE WHEN c.hour_at > now() - interval '1 hour' THEN c.hour_refused ELSE 0 END,
            day_at = CASE WHEN c.day_at > now() - interval '1 day' THEN c.day_at ELSE now() END,
            day_messages = CASE WHEN c.day_at > now() - interval '1 day' THEN c.day_messages ELSE 0 END + 1,
            day_recipients = CASE WHEN c.day_at > now() - interval '1 day' THEN c.day_recipients ELSE 0 END + recipients
        RETURNING * INTO counted;
        taken := taken || scope.kind;
        SELECT format('%s %s in %s for %s', w.allowed, w.what, w.period, scope.name), recipients > w.allowed AND w.what = 'recipients'
          INTO refused, never
          FROM (VALUES (limits.recipients_hour, 'recipients', 'an hour', counted.hour_recipients),
                       (limits.recipients_day, 'recipients', 'a day', counted.day_recipients),
                       (limits.messages_hour, 'messages', 'an hour', counted.hour_messages),
                       (limits.messages_day, 'messages', 'a day', counted.day_messages)) AS w (allowed, what, period, used)
         WHERE w.allowed > 0 AND w.used > w.allowed LIMIT 1;
        EXIT WHEN refused IS NOT NULL;
        refused := '';
        never := false;
    END LOOP;
    IF refused = '' THEN
        RETURN;
    END IF;
    -- it does not count after all
    UPDATE send_count c
       SET hour_messages = c.hour_messages - 1, hour_recipients = c.hour_recipients - recipients,
           day_messages = c.day_messages - 1, day_recipients = c.day_recipients - recipients,
           hour_refused = c.hour_refused + recipients
     WHERE c.kind = ANY (taken) AND c.id = CASE c.kind WHEN 'a' THEN of_account WHEN 'd' THEN who.domain_id ELSE who.tenant_id END;
    INSERT INTO alarm (kind, tenant_id, account_id, text)
    VALUES ('limit', who.tenant_id, of_account, format('%s has reached a limit of sending: %s', who.address, refused))
    ON CONFLICT (kind, account_id, hour) DO NOTHING RETURNING text INTO alarmed;
    -- far beyond its limit it is no person any more
    SELECT value::integer INTO factor FROM setting WHERE name = 'mta.limit_block' AND value ~ '^\d{1,6}$';
    SELECT c.hour_refused + c.hour_recipients INTO attempts FROM send_count c WHERE c.kind = 'a' AND c.id = of_account;
    SELECT l.recipients_hour INTO largest FROM send_limits('a', of_account) l;
    IF coalesce(factor, 5) > 0 AND largest > 0 AND attempts > largest * coalesce(factor, 5) THEN
        UPDATE account SET sending_blocked = 'it tried to send far more than its limit' WHERE id = of_account AND sending_blocked = '';
        INSERT INTO alarm (kind, tenant_id, account_id, text)
        VALUES ('blocked', who.tenant_id, of_account,
                format('The sending of %s is switched off: it tried to reach %s recipients within an hour, %s are allowed. Its password may be stolen.',
                       who.address, attempts, largest))
        ON CONFLICT (kind, account_id, hour) DO UPDATE SET at = alarm.at RETURNING text INTO alarmed;
    END IF;
END $$;
REVOKE ALL ON FUNCTION submission_take, send_limits, setting_rate FROM PUBLIC;
GRANT EXECUTE ON FUNCTION submission_take TO mansio_mta;
GRANT EXECUTE ON FUNCTION send_limits, setting_rate TO mansio_mta, mansio_web;

-- ---- who may see and change ----

GRANT SELECT ON send_limit, send_count, alarm TO mansio_mta;
GRANT SELECT, INSERT, DELETE ON send_limit TO mansio_web;
GRANT UPDATE (messages_hour, messages_day, recipients_hour, recipients_day) ON send_limit TO mansio_web;
GRANT SELECT ON send_count, alarm TO mansio_web;
GRANT UPDATE (seen_at) ON alarm TO mansio_web;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['send_limit', 'send_count', 'alarm'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY daemons ON %I TO mansio_mta USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;
-- Nobody sets its own limit: a tenant's is the provider's to set, a domain's the reseller's, an account's the domain
-- administrator's. What is above holds together with what is below.
CREATE POLICY seen ON send_limit FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) IN ('reseller', 'helpdesk') AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain'
               AND (domain_id IN (SELECT actor_domains()) OR (SELECT true FROM account a WHERE a.id = account_id))));
CREATE POLICY changed ON send_limit TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()) AND num_nonnulls(domain_id, account_id) = 1)
           OR ((SELECT actor_role()) = 'domain' AND (SELECT true FROM account a WHERE a.id = account_id)))
    WITH CHECK ((SELECT actor_role()) = 'provider'
           OR (tenant_id = (SELECT actor_tenant())
               AND (((SELECT actor_role()) = 'reseller' AND num_nonnulls(domain_id, account_id) = 1
                     AND (domain_id IS NULL OR (SELECT true FROM domain d WHERE d.id = domain_id))
                     AND (account_id IS NULL OR (SELECT true FROM account a WHERE a.id = account_id)))
                    OR ((SELECT actor_role()) = 'domain' AND (SELECT true FROM account a WHERE a.id = account_id)))));
CREATE POLICY seen ON send_count FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR (kind = 'a' AND (SELECT true FROM account a WHERE a.id = send_count.id))
           OR (kind = 'd' AND (SELECT true FROM domain d WHERE d.id = send_count.id AND (SELECT actor_role()) <> 'user')));
CREATE POLICY seen ON alarm TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) IN ('reseller', 'helpdesk') AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND (SELECT true FROM account a WHERE a.id = account_id)));
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON send_limit FOR EACH ROW EXECUTE FUNCTION audit_row();
