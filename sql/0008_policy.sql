-- Rules for incoming mail (lib/directory/rules.h, mta/policy), the access lists, and what greylisting remembers.

INSERT INTO setting (name, value, comment) VALUES
    ('mta.networks', '', 'Clients that may send to everybody over the relay port without logging in, and that no rule for incoming mail applies to: networks like 192.0.2.0/24 and addresses, separated by blanks'),
    ('mta.spared_networks', '127.0.0.0/8 ::1', 'Clients that no rule for incoming mail applies to, and that may not relay for that: this machine; empty: the rules apply to it, too'),
    ('mta.xclient_networks', '', 'Servers in front of this one that may say whom they pass on (XCLIENT): networks and addresses'),
    ('mta.xforward_networks', '', 'Filters that may say for the log whose mail they bring back (XFORWARD): networks and addresses'),
    ('mta.recipients_own', '1000', 'Recipients that one message of users who are logged in, and of clients in mta.networks, may have in one transaction'),
    ('mta.soft_errors', '10', 'After so many errors in a session each answer takes a second'),
    ('mta.hard_errors', '20', 'After so many errors in a session the connection is closed'),
    ('mta.vrfy', 'off', 'VRFY: off (neither confirms nor denies, RFC 5321 section 7.3), on (tells which addresses exist), disabled (502)'),
    ('policy.rate', 'enforce', 'Rule: rates of a client (off, warn, enforce)'),
    ('policy.connections', '50', 'Connections of a client at a time; 0: any number'),
    ('policy.connection_rate', '300', 'Connections of a client in a minute; 0: any number'),
    ('policy.message_rate', '600', 'Messages of a client in a minute; 0: any number'),
    ('policy.recipient_rate', '6000', 'Recipients of a client in a minute; 0: any number'),
    ('policy.early_talker', 'enforce', 'Rule: wait for the greeting (off, warn, enforce)'),
    ('policy.greet_delay', '2s', 'Pause before the greeting for clients that are not known; 0: none'),
    ('policy.pipelining', 'enforce', 'Rule: no talking ahead (off, warn, enforce)'),
    ('policy.access', 'enforce', 'Rule: allow and deny lists (off, warn, enforce)'),
    ('policy.helo_syntax', 'enforce', 'Rule: HELO is a name (off, warn, enforce)'),
    ('policy.helo_own', 'enforce', 'Rule: HELO is not our name (off, warn, enforce)'),
    ('policy.helo_fqdn', 'warn', 'Rule: HELO is fully qualified (off, warn, enforce)'),
    ('policy.sender_domain', 'enforce', 'Rule: the sender''s domain exists (off, warn, enforce)'),
    ('policy.reverse_exists', 'warn', 'Rule: the client''s address has a name (off, warn, enforce)'),
    ('policy.reverse_match', 'warn', 'Rule: the name leads back to the address (off, warn, enforce)'),
    ('policy.dnsbl', 'enforce', 'Rule: lists in the DNS (off, warn, enforce)'),
    ('policy.dnsbl_lists', '', 'The lists: words like bad.example.org, bad.example.org=127.0.0.[2..11]*3 (which answers count, and the weight) or good.example.net*-2'),
    ('policy.dnsbl_threshold', '1', 'A client is refused when the weights of the lists it is on are this or more together'),
    ('policy.dnswl_threshold', '-1', 'A client is spared greylisting when they are this or less'),
    ('policy.greylist', 'off', 'Rule: greylisting (off, warn, enforce)'),
    ('policy.greylist_delay', '5m', 'How long the first mail is put off'),
    ('policy.greylist_window', '2d', 'When a sender that did not try again is forgotten'),
    ('policy.greylist_lifetime', '35d', 'When one that did, and a known network, is forgotten after its last mail'),
    ('policy.greylist_clients', '5', 'A network is known after so many mails that came back; 0: never');

-- ---- allow and deny lists ----

CREATE TABLE access_list (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint REFERENCES tenant ON DELETE CASCADE,
    domain_id  bigint,
    action     text NOT NULL CHECK (action IN ('allow', 'deny', 'greylist', 'no-greylist')),
    kind       text NOT NULL CHECK (kind IN ('sender', 'network', 'helo', 'any')),
    pattern    text NOT NULL CHECK (octet_length(pattern) BETWEEN 1 AND 320),
    note       text NOT NULL DEFAULT '' CHECK (length(note) <= 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    name       text NOT NULL GENERATED ALWAYS AS (action || ' ' || kind || ' ' || pattern) STORED,
    UNIQUE NULLS NOT DISTINCT (tenant_id, domain_id, kind, pattern),
    FOREIGN KEY (tenant_id, domain_id) REFERENCES domain (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE,
    CHECK (domain_id IS NULL OR tenant_id IS NOT NULL),
    CHECK (kind <> 'any' OR (pattern = '*' AND action IN ('greylist', 'no-greylist')))
);
COMMENT ON TABLE access_list IS 'Who may always send, or never: to the recipients of a domain, of a reseller, or (without tenant) to all';
COMMENT ON COLUMN access_list.pattern IS 'a sender address, its domain, or .domain for all below it; a network; a HELO name, or .domain; * for any';
CREATE INDEX access_list_domain ON access_list (domain_id) WHERE domain_id IS NOT NULL;

-- Lists are kept in memory by the MTA, so they have an end.
CREATE FUNCTION access_list_limit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT count(*) FROM access_list WHERE tenant_id IS NOT DISTINCT FROM NEW.tenant_id) >= 10000 THEN
        RAISE EXCEPTION 'there are 10000 entries already' USING ERRCODE = 'check_violation', CONSTRAINT = 'access_list_limit';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER access_list_limit BEFORE INSERT ON access_list FOR EACH ROW EXECUTE FUNCTION access_list_limit();
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON access_list FOR EACH ROW EXECUTE FUNCTION audit_row();
CREATE TRIGGER notify_directory AFTER INSERT OR UPDATE OR DELETE ON access_list FOR EACH STATEMENT EXECUTE FUNCTION notify_directory();

REVOKE ALL ON access_list FROM PUBLIC;
GRANT SELECT ON access_list TO mansio_mta;
GRANT SELECT, DELETE, INSERT (tenant_id, domain_id, action, kind, pattern, note) ON access_list TO mansio_web;
ALTER TABLE access_list ENABLE ROW LEVEL SECURITY;
CREATE POLICY daemons ON access_list TO mansio_mta USING (true);
CREATE POLICY changed ON access_list TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())))
    WITH CHECK ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND tenant_id = (SELECT actor_tenant()) AND domain_id IN (SELECT actor_domains())));

-- ---- greylisting ----

-- One row for each network, sender and recipient that was put off; the key is a hash of the three.
CREATE TABLE greylist (
    key      bytea PRIMARY KEY CHECK (octet_length(key) = 16),
    first_at timestamptz NOT NULL DEFAULT now(),
    seen_at  timestamptz NOT NULL DEFAULT now(),
    passed   boolean NOT NULL DEFAULT false
);
CREATE INDEX greylist_seen ON greylist (seen_at);
CREATE TABLE greylist_network (
    network inet PRIMARY KEY,
    passes  integer NOT NULL DEFAULT 0,
    seen_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE greylist_network IS 'Networks whose mail came back after it was put off, and how often';

-- Seconds that are left to wait; 0: it waited; -1: the network is known. Times in seconds.
CREATE FUNCTION greylist_check(wanted bytea, client inet, delay integer, retry integer, life integer, enough integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE found_row greylist; known greylist_network;
BEGIN
    SELECT * INTO known FROM greylist_network WHERE network = client;
    IF enough > 0 AND known.passes >= enough AND known.seen_at > now() - make_interval(secs => life) THEN
        IF known.seen_at < now() - interval '1 hour' THEN
            UPDATE greylist_network SET seen_at = now() WHERE network = client;
        END IF;
        RETURN -1;
    END IF;
    INSERT INTO greylist AS g (key) VALUES (wanted) ON CONFLICT (key) DO UPDATE SET seen_at = now(),
        first_at = CASE WHEN g.seen_at < now() - make_interval(secs => CASE WHEN g.passed THEN life ELSE retry END) THEN now() ELSE g.first_at END,
        passed = g.passed AND g.seen_at >= now() - make_interval(secs => life)
        RETURNING * INTO found_row;
    IF found_row.passed THEN
        RETURN 0;
    END IF;
    IF found_row.first_at > now() - make_interval(secs => delay) THEN
        RETURN greatest(1, ceil(extract(epoch FROM found_row.first_at + make_interval(secs => delay) - now()))::integer);
    END IF;
    UPDATE greylist SET passed = true WHERE key = wanted;
    INSERT INTO greylist_network AS n (network, passes) VALUES (client, 1) ON CONFLICT (network) DO UPDATE SET seen_at = now(),
        passes = CASE WHEN n.seen_at < now() - make_interval(secs => life) THEN 1 ELSE n.passes + 1 END;
    RETURN 0;
END $$;

CREATE FUNCTION greylist_sweep(retry integer, life integer) RETURNS void LANGUAGE sql AS $$
    DELETE FROM greylist WHERE key IN (SELECT key FROM greylist WHERE seen_at < now() - make_interval(secs => least(retry, life))
        AND seen_at < now() - make_interval(secs => CASE WHEN passed THEN life ELSE retry END) LIMIT 10000);
    DELETE FROM greylist_network WHERE seen_at < now() - make_interval(secs => life);
$$;

REVOKE ALL ON greylist, greylist_network FROM PUBLIC;
REVOKE ALL ON FUNCTION access_list_limit, greylist_check, greylist_sweep FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON greylist, greylist_network TO mansio_mta;
GRANT EXECUTE ON FUNCTION greylist_check, greylist_sweep TO mansio_mta;
