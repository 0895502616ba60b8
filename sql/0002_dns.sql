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

CREATE FUNCTION domain_make_zone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE new_zone bigint;
BEGIN
    INSERT INTO zone (tenant_id, domain_id, name, primary_ns, contact)
    SELECT NEW.tenant_id, NEW.id, NEW.name,
           split_part(trim((SELECT value FROM setting WHERE name = 'dns.nameservers')), ' ', 1),
           (SELECT value FROM setting WHERE name = 'dns.contact')
    ON CONFLICT (name) DO NOTHING
    RETURNING id INTO new_zone;
    IF new_zone IS NOT NULL THEN
        PERFORM zone_add_mail_records(new_zone);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER domain_make_zone AFTER INSERT ON domain FOR EACH ROW EXECUTE FUNCTION domain_make_zone();
