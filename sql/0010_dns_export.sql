-- What the exporter (dns/) needs to find changed zones without looking at all of them, and who may serve which name.

-- Each change of a zone or its records raises the revision; the exporter notes which it has exported. A table of its own,
-- because the audit log and row security have no business with it.
CREATE TABLE zone_export (
    zone_id  bigint PRIMARY KEY REFERENCES zone ON DELETE CASCADE,
    revision bigint NOT NULL DEFAULT 1,
    exported bigint NOT NULL DEFAULT 0
);
COMMENT ON COLUMN zone_export.exported IS 'the revision that the exporter last dealt with, whether it could be served or not (zone.problem)';
CREATE INDEX zone_export_pending ON zone_export (zone_id) WHERE revision <> exported;
INSERT INTO zone_export (zone_id) SELECT id FROM zone;

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

GRANT SELECT, UPDATE (exported) ON zone_export TO mansio_dns;
GRANT SELECT, DELETE ON zone_removed TO mansio_dns;

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

-- A domain whose zone is served already: the zone becomes the domain's, and gets those mail records whose place is free.
CREATE OR REPLACE FUNCTION domain_make_zone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
