-- DNS: the zones that the exporter (dns/) turns into zone files. Owner names are relative to the zone ("@" is the apex),
-- lower case; rdata is in presentation format (RFC 1035 section 5), checked by lib/zone before it comes here.

CREATE TABLE zone (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id    bigint NOT NULL REFERENCES tenant ON DELETE CASCADE,
    domain_id    bigint UNIQUE REFERENCES domain ON DELETE CASCADE,
    name         text NOT NULL UNIQUE CHECK (name = lower(name) AND length(name) BETWEEN 1 AND 253 AND name !~ '\.$'),
    primary_ns   text NOT NULL,
    contact      text NOT NULL,
    refresh      integer NOT NULL DEFAULT 7200 CHECK (refresh BETWEEN 60 AND 2419200),
    retry        integer NOT NULL DEFAULT 1800 CHECK (retry BETWEEN 60 AND 2419200),
    expire       integer NOT NULL DEFAULT 1209600 CHECK (expire BETWEEN 3600 AND 9676800),
    minimum      integer NOT NULL DEFAULT 3600 CHECK (minimum BETWEEN 0 AND 86400),
    ttl          integer NOT NULL DEFAULT 3600 CHECK (ttl BETWEEN 0 AND 2147483647),
    serial       bigint NOT NULL DEFAULT 0 CHECK (serial BETWEEN 0 AND 4294967295),
    content_hash bytea,
    exported_at  timestamptz,
    problem      text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id)
);
COMMENT ON COLUMN zone.contact IS 'mailbox of the person responsible, as an address; the exporter writes it as a name (RFC 1035 section 8)';
COMMENT ON COLUMN zone.content_hash IS 'SHA-256 of the exported zone without its serial: the serial is raised only when this changes';
COMMENT ON COLUMN zone.problem IS 'why the last export was refused; the nameserver still serves the version before';
CREATE INDEX zone_tenant ON zone (tenant_id);

CREATE TABLE record (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    zone_id    bigint NOT NULL,
    name       text NOT NULL CHECK (name = lower(name) AND length(name) BETWEEN 1 AND 253),
    type       text NOT NULL CHECK (type ~ '^[A-Z][A-Z0-9]{0,9}$'),
    ttl        integer CHECK (ttl BETWEEN 0 AND 2147483647),
    rdata      text NOT NULL CHECK (octet_length(rdata) BETWEEN 1 AND 16384 AND rdata !~ '[\n\r]'),
    managed    boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (zone_id, name, type, rdata),
    FOREIGN KEY (tenant_id, zone_id) REFERENCES zone (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
COMMENT ON COLUMN record.managed IS 'made from the directory (mail records of a domain), not by hand';
CREATE INDEX record_tenant ON record (tenant_id);

CREATE TABLE zone_history (
    zone_id bigint NOT NULL REFERENCES zone ON DELETE CASCADE,
    serial  bigint NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    content text NOT NULL,
    PRIMARY KEY (zone_id, serial)
);
COMMENT ON TABLE zone_history IS 'each version that the nameserver got, as the exported file';

INSERT INTO setting (name, value, comment) VALUES
    ('mail.hostname', 'localhost.localdomain', 'Name of the mail server: MX, SRV and autoconfig of each new zone point to it'),
    ('dns.nameservers', 'ns1.localhost.localdomain', 'Names of the nameservers, separated by blanks; the first is the primary'),
    ('dns.contact', 'hostmaster@localhost.localdomain', 'Address of the person responsible for new zones');

-- The records that make a domain's mail work, from the directory. Called for each new domain; its zone comes by itself.
CREATE FUNCTION zone_add_mail_records(for_zone bigint) RETURNS void LANGUAGE sql AS $$
    WITH z AS (SELECT id, tenant_id FROM zone WHERE id = for_zone),
         host AS (SELECT value || '.' AS name FROM setting WHERE setting.name = 'mail.hostname'),
         wanted (name, type, rdata) AS (
            SELECT '@', 'NS', ns || '.' FROM setting, string_to_table(trim(value), ' ') AS ns
                WHERE setting.name = 'dns.nameservers' AND ns <> ''
            UNION ALL SELECT '@', 'MX', '10 ' || host.name FROM host
            UNION ALL SELECT '@', 'TXT', '"v=spf1 mx -all"'
            UNION ALL SELECT '_dmarc', 'TXT', '"v=DMARC1; p=none"'
            UNION ALL SELECT 'mansio._domainkey', 'TXT', '"v=DKIM1; k=rsa; p="'
            UNION ALL SELECT 'autoconfig', 'CNAME', host.name FROM host
            UNION ALL SELECT srv.name, 'SRV', srv.data || ' ' || host.name FROM host, (VALUES
                ('_submissions._tcp', '0 1 465'), ('_submission._tcp', '10 1 587'),
                ('_imaps._tcp', '0 1 993'), ('_imap._tcp', '10 1 143'),
                ('_pop3s._tcp', '20 1 995')) AS srv (name, data))
    INSERT INTO record (tenant_id, zone_id, name, type, rdata, managed)
    SELECT z.tenant_id, z.id, wanted.name, wanted.type, wanted.rdata, true FROM z, wanted
    ON CONFLICT DO NOTHING
$$;

-- A domain whose zone is served already: the zone becomes the domain's, and gets those mail records whose place is free.
CREATE FUNCTION domain_make_zone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    this   zone;
    made   boolean;
    before bigint[];
BEGIN
    SELECT * INTO this FROM zone WHERE name = NEW.name FOR NO KEY UPDATE;
    made := NOT FOUND;
    IF made THEN
        INSERT INTO zone (tenant_id, domain_id, name, primary_ns, contact)
        SELECT NEW.tenant_id, NEW.id, NEW.name,
               split_part(trim((SELECT value FROM setting WHERE name = 'dns.nameservers')), ' ', 1),
               (SELECT value FROM setting WHERE name = 'dns.contact')
        RETURNING * INTO this;
    ELSIF this.tenant_id <> NEW.tenant_id OR this.domain_id IS NOT NULL THEN
        RAISE EXCEPTION 'the zone % is served here for another reseller', NEW.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'zone_parent';
    ELSE
        UPDATE zone SET domain_id = NEW.id WHERE id = this.id;
    END IF;
    IF made THEN
        PERFORM zone_add_mail_records(this.id);
        RETURN NULL;
    END IF;
    SELECT coalesce(array_agg(id), '{}') INTO before FROM record WHERE zone_id = this.id;
    PERFORM zone_add_mail_records(this.id);
    DELETE FROM record r WHERE r.zone_id = this.id AND NOT r.id = ANY (before)
       AND EXISTS (SELECT FROM record b WHERE b.id = ANY (before) AND b.name = r.name AND (b.type = r.type OR 'CNAME' IN (b.type, r.type)));
    RETURN NULL;
END $$;
CREATE TRIGGER domain_make_zone AFTER INSERT ON domain FOR EACH ROW EXECUTE FUNCTION domain_make_zone();

-- Each change of a zone or its records raises the revision; the exporter notes which it has exported. A table of its own,
-- because the audit log and row security have no business with it.
CREATE TABLE zone_export (
    zone_id  bigint PRIMARY KEY REFERENCES zone ON DELETE CASCADE,
    revision bigint NOT NULL DEFAULT 1,
    exported bigint NOT NULL DEFAULT 0
);
COMMENT ON COLUMN zone_export.exported IS 'the revision that the exporter last dealt with, whether it could be served or not (zone.problem)';
CREATE INDEX zone_export_pending ON zone_export (zone_id) WHERE revision <> exported;

CREATE TABLE zone_removed (
    name text NOT NULL,
    at   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE zone_removed IS 'zones that are gone and that the exporter has not yet taken from the nameserver';

CREATE FUNCTION zone_touched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE zone_export SET revision = revision + 1 WHERE zone_id IN (SELECT zone_id FROM touched);
    RETURN NULL;
END $$;
CREATE TRIGGER zone_touched_insert AFTER INSERT ON record REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION zone_touched();
CREATE TRIGGER zone_touched_update AFTER UPDATE ON record REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION zone_touched();
CREATE TRIGGER zone_touched_delete AFTER DELETE ON record REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION zone_touched();

CREATE FUNCTION zone_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO zone_export (zone_id) VALUES (NEW.id);
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO zone_removed (name) VALUES (OLD.name);
    ELSE
        IF NEW.name <> OLD.name THEN
            INSERT INTO zone_removed (name) VALUES (OLD.name);
        END IF;
        UPDATE zone_export SET revision = revision + 1 WHERE zone_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER zone_changed AFTER INSERT OR DELETE OR UPDATE OF name, primary_ns, contact, refresh, retry, expire, minimum, ttl ON zone
    FOR EACH ROW EXECUTE FUNCTION zone_changed();

-- All tenants' zones are served by the same nameservers, where the longest name wins: a zone below or above that of another
-- tenant would take names away from it. A zone below is taken where the upper zone delegates the name (NS records), which only
-- its owner can add.
CREATE INDEX zone_reversed ON zone (reverse(name) text_pattern_ops);

CREATE FUNCTION zone_parent() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    labels text[] := string_to_array(NEW.name, '.');
    depth  integer := cardinality(labels);
    other  text;
BEGIN
    -- Two at once wait for each other by the last two labels.
    PERFORM pg_advisory_xact_lock(hashtext('zone ' || array_to_string(labels[greatest(depth - 1, 1):], '.')));
    SELECT z.name INTO other FROM zone z
     WHERE z.tenant_id <> NEW.tenant_id
       AND z.name IN (SELECT array_to_string(labels[i:], '.') FROM generate_series(2, depth) AS i)
       AND NOT EXISTS (SELECT FROM record r WHERE r.zone_id = z.id AND r.type = 'NS'
                          AND r.name = left(NEW.name, length(NEW.name) - length(z.name) - 1));
    IF FOUND THEN
        RAISE EXCEPTION '% is within %, which belongs to another reseller: that one must delegate it (NS records) first', NEW.name, other
            USING ERRCODE = 'check_violation', CONSTRAINT = 'zone_parent';
    END IF;
    SELECT z.name INTO other FROM zone z
     WHERE z.tenant_id <> NEW.tenant_id AND reverse(z.name) LIKE replace(replace(reverse(NEW.name), '_', '\_'), '%', '\%') || '.%'
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is served here for another reseller, and is within %', other, NEW.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'zone_parent';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER zone_parent BEFORE INSERT ON zone FOR EACH ROW EXECUTE FUNCTION zone_parent();

CREATE INDEX record_zone_c ON record (zone_id, name COLLATE "C", id);
CREATE INDEX zone_problem ON zone (tenant_id) WHERE problem IS NOT NULL;
