-- The message trace: what became of each message, and of each attempt to hand one in, for some weeks (setting trace.days).
--
-- One row a recipient, complete in itself, so that a search is one index and a message to one mailbox costs one row. What
-- the queue does later is a row of trace_event each, and changes the recipient's outcome. The id is the queue's; it grows
-- with time (store_new_id), so that the day's partition, the order of time and the way from a queue id to its rows all
-- follow from it, and what is old goes as a whole table. No subject, no text, no names of attachments are kept.

CREATE FUNCTION trace_time(id bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT timestamptz '2020-01-01 00:00:00+00' + make_interval(secs => (id >> 10) / 1000000.0) $$;
CREATE FUNCTION trace_id(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT (greatest(extract(epoch FROM at) - 1577836800, 0) * 1000000)::bigint << 10 $$;
COMMENT ON FUNCTION trace_id IS 'The lowest id of that moment (see store_new_id in lib/store)';

-- No enum: its comparison is not leakproof, so that row security would keep it from being looked up in an index.
CREATE DOMAIN trace_outcome AS text COLLATE "C" CHECK (VALUE IN ('delivered', 'queued', 'relayed', 'deferred', 'bounced', 'refused', 'discarded', 'lost', 'removed'));

CREATE TABLE trace (
    id               bigint NOT NULL,
    n                integer NOT NULL,
    service          text NOT NULL,
    client           inet,
    client_name      text,
    helo             text,
    tls              text,
    login            text,
    sender           text COLLATE "C" NOT NULL DEFAULT '',
    message_id       text COLLATE "C",
    size             bigint,
    recipient        text COLLATE "C",
    target           text COLLATE "C",
    tenant_id        bigint,
    domain_id        bigint,
    sender_tenant_id bigint,
    sender_domain_id bigint,
    target_tenant_id bigint,
    target_domain_id bigint,
    stage            text NOT NULL,
    outcome          trace_outcome NOT NULL,
    rule             text,
    reply            text,
    host             text,
    mailbox          text,
    attempts         integer NOT NULL DEFAULT 0,
    changed_at       timestamptz,
    notes            json,
    PRIMARY KEY (id, n)
) PARTITION BY RANGE (id);
COMMENT ON TABLE trace IS 'A recipient of a message, or an attempt that was refused before there was one; written by the MTA, bundled and a moment later';
COMMENT ON COLUMN trace.service IS 'smtp, submission, lmtp, local (sendmail on this machine), notification (written here)';
COMMENT ON COLUMN trace.target IS 'where the recipient led to, in lower case; NULL: to itself';
COMMENT ON COLUMN trace.tenant_id IS 'whose domain the recipient is in; sender_tenant_id: whose account sent it; target_tenant_id: whose domain the target is in, where that is another than the recipient''s';
COMMENT ON COLUMN trace.stage IS 'how far it came: connect, helo, mail, rcpt, data, message';
COMMENT ON COLUMN trace.notes IS '[[microseconds since 1970, rule, "pass" | "warn" | "refuse", reason], ...]; in the first row of those that share a domain';

CREATE INDEX trace_recipient ON trace (recipient, id) WHERE recipient IS NOT NULL;
CREATE INDEX trace_target ON trace (target, id) WHERE target IS NOT NULL;
CREATE INDEX trace_sender ON trace (sender, id) WHERE sender <> '';
CREATE INDEX trace_client ON trace (client, id) WHERE client IS NOT NULL;
CREATE INDEX trace_message_id ON trace (message_id, id) WHERE message_id IS NOT NULL;
CREATE INDEX trace_outcome ON trace (outcome, id) WHERE outcome <> 'delivered';
CREATE INDEX trace_tenant ON trace (tenant_id, id) WHERE tenant_id IS NOT NULL;
CREATE INDEX trace_domain ON trace (domain_id, id) WHERE domain_id IS NOT NULL;
CREATE INDEX trace_sender_tenant ON trace (sender_tenant_id, id) WHERE sender_tenant_id IS NOT NULL;
CREATE INDEX trace_tenant_outcome ON trace (tenant_id, outcome, id) WHERE outcome <> 'delivered' AND tenant_id IS NOT NULL;
CREATE INDEX trace_sender_tenant_outcome ON trace (sender_tenant_id, outcome, id) WHERE outcome <> 'delivered' AND sender_tenant_id IS NOT NULL;
CREATE INDEX trace_sender_domain ON trace (sender_domain_id, id) WHERE sender_domain_id IS NOT NULL;
CREATE INDEX trace_target_tenant ON trace (target_tenant_id, id) WHERE target_tenant_id IS NOT NULL;
CREATE INDEX trace_target_domain ON trace (target_domain_id, id) WHERE target_domain_id IS NOT NULL;

CREATE TABLE trace_event (
    id      bigint NOT NULL,
    at      timestamptz NOT NULL,
    address text COLLATE "C" NOT NULL,
    outcome trace_outcome NOT NULL,
    attempt integer,
    host    text,
    tls     text,
    reply   text
) PARTITION BY RANGE (id);
COMMENT ON TABLE trace_event IS 'What the queue did about a recipient, by the id of its message';
CREATE INDEX trace_event_id ON trace_event (id, at);

-- ---- partitions ----

-- A security definer function that the MTA calls, so that there is nothing to be set up beside the daemons, and the MTA's
-- role owns no tables. One node does it, the others see it done.
CREATE FUNCTION trace_maintain(days integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day   date;
    part  record;
BEGIN
    IF pg_try_advisory_xact_lock(hashtext('mansio trace_maintain')) THEN
        FOR day IN SELECT generate_series(today - 1, today + 7, interval '1 day')::date LOOP
            CONTINUE WHEN to_regclass('trace_' || to_char(day, 'YYYYMMDD')) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF trace FOR VALUES FROM (%s) TO (%s)', 'trace_' || to_char(day, 'YYYYMMDD'),
                           trace_id(day::timestamp AT TIME ZONE 'UTC'), trace_id((day + 1)::timestamp AT TIME ZONE 'UTC'));
            EXECUTE format('CREATE TABLE %I PARTITION OF trace_event FOR VALUES FROM (%s) TO (%s)', 'trace_event_' || to_char(day, 'YYYYMMDD'),
                           trace_id(day::timestamp AT TIME ZONE 'UTC'), trace_id((day + 1)::timestamp AT TIME ZONE 'UTC'));
        END LOOP;
        FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                     WHERE i.inhparent IN ('trace'::regclass, 'trace_event'::regclass)
                       AND to_date(right(c.relname, 8), 'YYYYMMDD') < today - greatest(days, 1) LOOP
            EXECUTE format('DROP TABLE %I', part.relname);
        END LOOP;
    END IF;
    RETURN (SELECT trace_id(min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp AT TIME ZONE 'UTC')
              FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'trace_event'::regclass);
END $$;
COMMENT ON FUNCTION trace_maintain IS 'Makes the partitions of the days to come and drops those older than that; gives the lowest id that has a place';
REVOKE ALL ON FUNCTION trace_maintain FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trace_maintain TO mansio_mta;

INSERT INTO setting (name, value, comment) VALUES
    ('trace.days', '30', 'For how many days the message trace is kept; 0: nothing is traced');

-- ---- who may write and see what ----

GRANT SELECT, INSERT ON trace, trace_event TO mansio_mta;
GRANT UPDATE (outcome, host, reply, attempts, changed_at) ON trace TO mansio_mta;
GRANT SELECT ON trace, trace_event TO mansio_web;
GRANT EXECUTE ON FUNCTION trace_time, trace_id TO mansio_mta, mansio_web;

ALTER TABLE trace ENABLE ROW LEVEL SECURITY;
ALTER TABLE trace_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY daemons ON trace TO mansio_mta USING (true) WITH CHECK (true);
CREATE POLICY daemons ON trace_event TO mansio_mta USING (true) WITH CHECK (true);
CREATE POLICY seen ON trace FOR SELECT TO mansio_web USING (
    (SELECT actor_role()) = 'provider'
    OR ((SELECT actor_role()) IN ('reseller', 'helpdesk')
        AND (tenant_id = (SELECT actor_tenant()) OR sender_tenant_id = (SELECT actor_tenant()) OR target_tenant_id = (SELECT actor_tenant())))
    OR ((SELECT actor_role()) = 'domain'
        AND (domain_id IN (SELECT actor_domains()) OR sender_domain_id IN (SELECT actor_domains()) OR target_domain_id IN (SELECT actor_domains()))));
CREATE POLICY seen ON trace_event FOR SELECT TO mansio_web USING (
    (SELECT actor_role()) = 'provider'
    OR (SELECT true FROM trace t WHERE t.id = trace_event.id AND coalesce(t.target, t.recipient) = trace_event.address LIMIT 1));

-- ---- searching ----

-- The newest rows first that fit all that is given, from (cursor_id, cursor_n) on downwards, or upwards from there. Each way to
-- search is one index read in order of the id, so that a page costs the same at any length; what can be found by one of
-- several indexes (an address as sender or recipient) is read from each and put together. The text of the query depends on what
-- is given, which is why it is made here. Row security applies: this runs as who calls it.
CREATE FUNCTION trace_search(address text, as_role text, client_address inet, header_id text, queue_id bigint, wanted trace_outcome[],
                             since timestamptz, until timestamptz, cursor_id bigint, cursor_n integer, down boolean, rows integer)
RETURNS TABLE (id bigint, n integer, at timestamptz, service text, client text, client_name text, helo text, tls text, login text,
               sender text, message_id text, size bigint, recipient text, target text, stage text, outcome text, rule text,
               reply text, host text, mailbox text, attempts integer, changed_at timestamptz, notes text)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    role     text := actor_role();
    tenant   bigint := actor_tenant();
    every    text := 'true';  -- what each row must fulfil
    branch   text[] := '{}';  -- each is read by its index
    by_outcome boolean := false;
    one      text;
    parts    text[] := '{}';
    ordering text := CASE WHEN down THEN 'id DESC, n DESC' ELSE 'id, n' END;
    -- Who sends from here must not be located by other tenants: their client is not shown, nor found.
    hidden   text := CASE WHEN role IN ('', 'provider') THEN 'false'
                          ELSE format('login IS NOT NULL AND sender_tenant_id IS DISTINCT FROM %L::bigint', tenant) END;
BEGIN
    IF address LIKE '%@%' THEN
        branch := CASE as_role WHEN 'sender' THEN ARRAY[format('sender = %L', lower(address))]
                               WHEN 'recipient' THEN ARRAY[format('recipient = %L', lower(address)), format('target = %L', lower(address))]
                               ELSE ARRAY[format('recipient = %L', lower(address)), format('target = %L', lower(address)),
                                          format('sender = %L', lower(address))] END;
    ELSIF address <> '' THEN
        SELECT CASE as_role WHEN 'sender' THEN ARRAY[format('sender_domain_id = %s', d.id)]
                            WHEN 'recipient' THEN ARRAY[format('domain_id = %s', d.id), format('target_domain_id = %s', d.id)]
                            ELSE ARRAY[format('domain_id = %s', d.id), format('target_domain_id = %s', d.id), format('sender_domain_id = %s', d.id)] END
          INTO branch FROM domain d WHERE d.name = lower(address);
        branch := coalesce(branch, ARRAY['false']);
    END IF;
    IF queue_id IS NOT NULL THEN
        every := every || format(' AND id = %s', queue_id);
    END IF;
    IF header_id IS NOT NULL THEN
        every := every || format(' AND message_id = %L', header_id);
    END IF;
    IF client_address IS NOT NULL THEN
        every := every || format(' AND client = %L::inet AND NOT (%s)', client_address, hidden);
    END IF;
    IF since IS NOT NULL THEN
        every := every || format(' AND id >= %s', trace_id(since));
    END IF;
    IF until IS NOT NULL THEN
        every := every || format(' AND id < %s', trace_id(until));
    END IF;
    IF cursor_id IS NOT NULL THEN
        every := every || format(' AND (id, n) %s (%s, %s) AND id %s %s', CASE WHEN down THEN '<' ELSE '>' END, cursor_id, cursor_n,
                                 CASE WHEN down THEN '<=' ELSE '>=' END, cursor_id);
    END IF;
    -- Without anything else to go by: what the actor may see, or the outcomes wanted.
    IF branch = '{}' AND queue_id IS NULL AND header_id IS NULL AND client_address IS NULL THEN
        IF role IN ('reseller', 'helpdesk', 'domain') AND cardinality(wanted) > 0 AND NOT 'delivered' = ANY (wanted) THEN
            SELECT array_agg(format('%s = %L::bigint AND outcome = %L', c, tenant, w)) || format('target_tenant_id = %L::bigint AND outcome = ANY (%L::text[])', tenant, wanted)
              INTO branch FROM unnest(wanted) w, unnest(ARRAY['tenant_id', 'sender_tenant_id']) c;
            by_outcome := true;
        ELSIF role IN ('reseller', 'helpdesk') THEN
            branch := ARRAY[format('tenant_id = %L::bigint', tenant), format('sender_tenant_id = %L::bigint', tenant),
                            format('target_tenant_id = %L::bigint', tenant)];
        ELSIF role = 'domain' THEN
            SELECT coalesce(array_agg(format(c, d)), ARRAY['false']) INTO branch
              FROM actor_domains() d, unnest(ARRAY['domain_id = %s', 'sender_domain_id = %s', 'target_domain_id = %s']) c;
        ELSIF cardinality(wanted) > 0 AND NOT 'delivered' = ANY (wanted) THEN
            SELECT array_agg(format('outcome = %L', w)) INTO branch FROM unnest(wanted) w;
            by_outcome := true;
        END IF;
    END IF;
    IF cardinality(wanted) > 0 AND NOT by_outcome THEN
        every := every || format(' AND outcome = ANY (%L::text[])', wanted);
    END IF;
    IF branch = '{}' THEN
        branch := ARRAY['true'];
    END IF;
    FOREACH one IN ARRAY branch LOOP
        parts := parts || format('(SELECT * FROM trace WHERE %s AND %s ORDER BY %s LIMIT %s)', one, every, ordering, rows);
    END LOOP;
    RETURN QUERY EXECUTE format(
        'SELECT t.id, t.n, trace_time(t.id), t.service, CASE WHEN NOT (%1$s) THEN host(t.client) END, CASE WHEN NOT (%1$s) THEN t.client_name END,'
        ' CASE WHEN NOT (%1$s) THEN t.helo END, t.tls, t.login, t.sender, t.message_id, t.size, t.recipient, t.target, t.stage, t.outcome::text,'
        ' t.rule, t.reply, t.host, t.mailbox, t.attempts, t.changed_at, t.notes::text'
        ' FROM (SELECT DISTINCT ON (id, n) * FROM (%2$s) u ORDER BY %3$s LIMIT %4$s) t ORDER BY %3$s',
        hidden, array_to_string(parts, ' UNION ALL '), ordering, rows);
END $$;
REVOKE ALL ON FUNCTION trace_search FROM PUBLIC;
GRANT EXECUTE ON FUNCTION trace_search TO mansio_web;

-- ---- the queue, by hand ----

-- What an operator takes out of the queue. A message older than the trace has no place in it any more.
CREATE FUNCTION trace_removed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    BEGIN
        INSERT INTO trace_event (id, at, address, outcome, reply)
        VALUES (OLD.message_id, now(), lower(OLD.address), 'removed', 'taken out of the queue by ' || actor_name());
        UPDATE trace SET outcome = 'removed', reply = 'taken out of the queue by ' || actor_name(), changed_at = now()
         WHERE id = OLD.message_id AND coalesce(target, recipient) = lower(OLD.address);
    EXCEPTION WHEN check_violation THEN
        NULL;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER trace_removed AFTER DELETE ON queue_recipient FOR EACH ROW
    WHEN (current_user <> 'mansio_mta') EXECUTE FUNCTION trace_removed();

SELECT trace_maintain(30);

-- ---- what the log tells ----

INSERT INTO setting (name, value, comment) VALUES
    ('log.level', '', 'What the log tells, at once: debug, info, warn or error for all programs, and words such as mta=debug for one of them (mta, imapd, web, dns); empty: what mansio.conf says');

-- The daemons obey it; the web application's role sees settings only for somebody who is logged in.
CREATE FUNCTION log_level() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
    $$ SELECT value FROM setting WHERE name = 'log.level' $$;
REVOKE ALL ON FUNCTION log_level FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log_level TO mansio_mta, mansio_imapd, mansio_web, mansio_dns;
