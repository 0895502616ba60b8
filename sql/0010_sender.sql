-- Who sent it: what follows from the checks of a sender (SPF, DKIM, DMARC, ARC), domain by domain, and the keys that a
-- domain's own mail is signed with.

INSERT INTO setting (name, value, comment) VALUES
    ('sender.check', 'on', 'Whether SPF, DKIM, ARC and DMARC of mail from other servers are checked: on or off'),
    ('sender.timeout', '20s', 'What all look-ups for the checks of one message may take together; then they count as a temporary failure');

CREATE TABLE sender_policy (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id        bigint,
    domain_id        bigint UNIQUE NULLS NOT DISTINCT,
    dmarc_reject     text NOT NULL DEFAULT 'reject' CHECK (dmarc_reject IN ('reject', 'junk', 'tag', 'ignore')),
    dmarc_quarantine text NOT NULL DEFAULT 'junk' CHECK (dmarc_quarantine IN ('reject', 'junk', 'tag', 'ignore')),
    spf_fail         text NOT NULL DEFAULT 'tag' CHECK (spf_fail IN ('reject', 'junk', 'tag', 'ignore')),
    trusted_sealers  text[] NOT NULL DEFAULT '{}'
                     CHECK (cardinality(trusted_sealers) <= 1000 AND array_position(trusted_sealers, NULL) IS NULL),
    CHECK ((tenant_id IS NULL) = (domain_id IS NULL)),
    FOREIGN KEY (tenant_id, domain_id) REFERENCES domain (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
COMMENT ON TABLE sender_policy IS 'What happens to mail for a domain when its sender is not proved. The row without a domain is for all domains without one';
COMMENT ON COLUMN sender_policy.dmarc_reject IS 'when DMARC fails and the domain in From asks for p=reject';
COMMENT ON COLUMN sender_policy.dmarc_quarantine IS 'when it asks for p=quarantine';
COMMENT ON COLUMN sender_policy.spf_fail IS 'when SPF gives fail ("-all") and the domain in From has no DMARC policy';
COMMENT ON COLUMN sender_policy.trusted_sealers IS 'domains whose ARC seal is believed when DMARC fails: mailing lists and forwarders that people here rely on';
INSERT INTO sender_policy DEFAULT VALUES;

ALTER TABLE sender_policy ENABLE ROW LEVEL SECURITY;
CREATE POLICY daemons ON sender_policy TO mansio_mta USING (true) WITH CHECK (true);
GRANT SELECT ON sender_policy TO mansio_mta;
GRANT SELECT, INSERT, DELETE ON sender_policy TO mansio_web;
GRANT UPDATE (dmarc_reject, dmarc_quarantine, spf_fail, trusted_sealers) ON sender_policy TO mansio_web;
CREATE POLICY seen ON sender_policy FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR (domain_id IS NULL AND (SELECT actor_role()) <> '')
           OR (tenant_id = (SELECT actor_tenant()) AND (SELECT actor_role()) IN ('reseller', 'helpdesk'))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())));
CREATE POLICY added ON sender_policy FOR INSERT TO mansio_web
    WITH CHECK ((SELECT actor_role()) = 'provider'
                OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
                OR ((SELECT actor_role()) = 'domain' AND tenant_id = (SELECT actor_tenant()) AND domain_id IN (SELECT actor_domains())));
CREATE POLICY changed ON sender_policy FOR UPDATE TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())));
CREATE POLICY removed ON sender_policy FOR DELETE TO mansio_web
    USING (domain_id IS NOT NULL
           AND ((SELECT actor_role()) = 'provider'
                OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
                OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains()))));

-- In the audit log such a row goes by the name of its domain.
CREATE FUNCTION audit_sender_policy() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after_row  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    shown      jsonb := coalesce(after_row, before_row);
    detail     jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(key, jsonb_build_array(before_row -> key, after_row -> key)), '{}') INTO detail
      FROM jsonb_object_keys(shown) AS key
     WHERE before_row -> key IS DISTINCT FROM after_row -> key AND key NOT IN ('id', 'tenant_id', 'domain_id');
    IF TG_OP = 'UPDATE' AND detail = '{}' THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit (tenant_id, actor, address, action, object_kind, object_id, object_name, detail)
    VALUES ((shown ->> 'tenant_id')::bigint,
            coalesce(nullif(current_setting('mansio.actor', true), ''), session_user::text),
            nullif(current_setting('mansio.address', true), '')::inet,
            lower(TG_OP), TG_TABLE_NAME, (shown ->> 'id')::bigint,
            coalesce((SELECT name FROM domain WHERE id = (shown ->> 'domain_id')::bigint), 'all other domains'), detail);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON sender_policy FOR EACH ROW EXECUTE FUNCTION audit_sender_policy();
CREATE TRIGGER notify_directory AFTER INSERT OR UPDATE OR DELETE ON sender_policy FOR EACH STATEMENT EXECUTE FUNCTION notify_directory();

-- A key's public half is in the domain's zone as long as the key is here, whether or not it signs: mail that was signed with
-- it is under way for days. (Character strings of a TXT record have 255 bytes at most.)
CREATE FUNCTION dkim_rdata(algorithm text, public_key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT string_agg('"' || substr(whole, at, 250) || '"', ' ' ORDER BY at)
      FROM (SELECT 'v=DKIM1; k=' || algorithm || '; p=' || public_key) AS record (whole), generate_series(1, length(whole), 250) AS at
$$;
CREATE FUNCTION dkim_publish() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM record r USING zone z
         WHERE z.id = r.zone_id AND z.domain_id = OLD.domain_id AND r.managed AND r.type = 'TXT'
           AND r.name = OLD.selector || '._domainkey' AND r.rdata = dkim_rdata(OLD.algorithm, OLD.public_key);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        -- the place that a new zone keeps for the first key
        DELETE FROM record r USING zone z
         WHERE z.id = r.zone_id AND z.domain_id = NEW.domain_id AND r.managed AND r.type = 'TXT'
           AND r.name LIKE '%.\_domainkey' AND r.rdata = '"v=DKIM1; k=rsa; p="';
        INSERT INTO record (tenant_id, zone_id, name, type, rdata, managed)
        SELECT z.tenant_id, z.id, NEW.selector || '._domainkey', 'TXT', dkim_rdata(NEW.algorithm, NEW.public_key), true
          FROM zone z WHERE z.domain_id = NEW.domain_id
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dkim_publish AFTER INSERT OR DELETE OR UPDATE OF selector, algorithm, public_key ON dkim_key
    FOR EACH ROW EXECUTE FUNCTION dkim_publish();
REVOKE ALL ON FUNCTION audit_sender_policy, dkim_rdata, dkim_publish FROM PUBLIC;
