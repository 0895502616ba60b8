-- Mailboxes that several people use: who may do what in them (RFC 4314), what each has seen, and accounts that belong to
-- nobody in particular.

-- ---- shared accounts ----

ALTER TABLE account ADD COLUMN shared boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN account.shared IS 'Nobody logs in to it: it is used by those whom its access lists name, below "Shared Folders/"';
GRANT SELECT (shared) ON account TO mansio_web;

-- It has no password, and gets none.
CREATE FUNCTION account_shared() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.password := '!';
    ELSIF NEW.password <> '!' THEN
        RAISE EXCEPTION 'nobody logs in to a shared mailbox, so it has no password' USING ERRCODE = 'check_violation', CONSTRAINT = 'account_shared';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_shared BEFORE INSERT OR UPDATE ON account FOR EACH ROW WHEN (NEW.shared) EXECUTE FUNCTION account_shared();
CREATE FUNCTION account_shared_part() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF (SELECT a.shared FROM account a WHERE a.id = NEW.account_id) THEN
        RAISE EXCEPTION 'nobody logs in to a shared mailbox, so it has no passwords' USING ERRCODE = 'check_violation', CONSTRAINT = 'account_shared';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_shared_part BEFORE INSERT ON app_password FOR EACH ROW EXECUTE FUNCTION account_shared_part();
CREATE TRIGGER account_shared_part BEFORE INSERT ON access_token FOR EACH ROW EXECUTE FUNCTION account_shared_part();

-- ---- access lists ----

-- The owner has all rights and is in no list. What matches adds up, and what negative entries take away is gone
-- (RFC 4314 section 2).
CREATE TABLE mailbox_acl (
    account_id bigint NOT NULL,
    mailbox_id bigint NOT NULL,
    grantee    "char" NOT NULL CHECK (grantee IN ('a', 'd')),
    grantee_id bigint NOT NULL,
    negative   boolean NOT NULL DEFAULT false,
    rights     integer NOT NULL CHECK (rights BETWEEN 0 AND 2047),
    PRIMARY KEY (account_id, mailbox_id, grantee, grantee_id, negative),
    CHECK (grantee <> 'a' OR grantee_id <> account_id)
);
COMMENT ON COLUMN mailbox_acl.mailbox_id IS '0: what mailboxes on the first level begin with, and who may make some there';
COMMENT ON COLUMN mailbox_acl.grantee IS 'a: an account; d: everybody of a domain';
COMMENT ON COLUMN mailbox_acl.rights IS 'bits of enum store_right (lib/store/sharing.h)';
CREATE INDEX mailbox_acl_grantee ON mailbox_acl (grantee_id, grantee, account_id, mailbox_id);

-- What stays within an account's tenant is decided here, whoever asks.
CREATE FUNCTION mailbox_acl_guard() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE of_owner bigint; of_grantee bigint;
BEGIN
    SELECT tenant_id INTO of_owner FROM account WHERE id = NEW.account_id;
    IF NEW.grantee = 'a' THEN
        SELECT tenant_id INTO of_grantee FROM account WHERE id = NEW.grantee_id;
    ELSE
        SELECT tenant_id INTO of_grantee FROM domain WHERE id = NEW.grantee_id;
    END IF;
    IF of_owner IS NULL OR of_grantee IS DISTINCT FROM of_owner THEN
        RAISE EXCEPTION 'a mailbox is shared within its reseller only' USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'mailbox_acl_guard';
    END IF;
    IF (SELECT count(*) FROM mailbox_acl WHERE account_id = NEW.account_id AND mailbox_id = NEW.mailbox_id) >= 1000 THEN
        RAISE EXCEPTION 'an access list has at most 1000 entries' USING ERRCODE = 'check_violation', CONSTRAINT = 'mailbox_acl_limit';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER mailbox_acl_guard BEFORE INSERT OR UPDATE ON mailbox_acl FOR EACH ROW EXECUTE FUNCTION mailbox_acl_guard();

-- Who is gone, or has gone to another reseller, is in no list.
CREATE FUNCTION mailbox_acl_account() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM mailbox_acl WHERE grantee = 'a' AND grantee_id = OLD.id;
    ELSE
        DELETE FROM mailbox_acl x
         WHERE (x.account_id = NEW.id OR (x.grantee = 'a' AND x.grantee_id = NEW.id) OR (x.grantee = 'd' AND x.grantee_id = NEW.domain_id))
           AND (SELECT o.tenant_id FROM account o WHERE o.id = x.account_id) IS DISTINCT FROM
               CASE x.grantee WHEN 'a' THEN (SELECT g.tenant_id FROM account g WHERE g.id = x.grantee_id)
                              ELSE (SELECT d.tenant_id FROM domain d WHERE d.id = x.grantee_id) END;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER mailbox_acl_account AFTER DELETE ON account FOR EACH ROW EXECUTE FUNCTION mailbox_acl_account();
CREATE TRIGGER mailbox_acl_moved AFTER UPDATE OF tenant_id ON account FOR EACH ROW
    WHEN (OLD.tenant_id <> NEW.tenant_id) EXECUTE FUNCTION mailbox_acl_account();
CREATE FUNCTION mailbox_acl_domain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM mailbox_acl WHERE grantee = 'd' AND grantee_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER mailbox_acl_domain AFTER DELETE ON domain FOR EACH ROW EXECUTE FUNCTION mailbox_acl_domain();

-- What `reader` may do in another account's mailbox; 0 across tenants, whatever a list says.
CREATE FUNCTION mailbox_rights(owner bigint, box bigint, reader bigint) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce(bit_or(x.rights) FILTER (WHERE NOT x.negative), 0) & ~coalesce(bit_or(x.rights) FILTER (WHERE x.negative), 0)
      FROM account me JOIN account o ON o.id = owner AND o.tenant_id = me.tenant_id AND o.active
      JOIN mailbox_acl x ON x.account_id = o.id AND x.mailbox_id = box
       AND ((x.grantee = 'a' AND x.grantee_id = me.id) OR (x.grantee = 'd' AND x.grantee_id = me.domain_id))
     WHERE me.id = reader
$$;

-- ---- what others than the owner have seen, and subscribed to ----

-- The owner's own \Seen is in message.flags. A row that says "not seen" stays for its modseq (RFC 7162).
CREATE TABLE message_seen (
    account_id bigint NOT NULL,
    reader_id  bigint NOT NULL,
    mailbox_id bigint NOT NULL,
    uid        bigint NOT NULL,
    seen       boolean NOT NULL,
    modseq     bigint NOT NULL,
    PRIMARY KEY (account_id, reader_id, mailbox_id, uid)
) WITH (fillfactor = 80);
COMMENT ON TABLE message_seen IS '\Seen of those who read in an account''s mailbox without being its owner';
CREATE INDEX message_seen_uid ON message_seen (account_id, mailbox_id, uid);

CREATE TABLE mailbox_subscription (
    account_id bigint NOT NULL,
    owner_id   bigint NOT NULL,
    mailbox_id bigint NOT NULL,
    PRIMARY KEY (account_id, owner_id, mailbox_id)
);
COMMENT ON TABLE mailbox_subscription IS 'Mailboxes of others that an account subscribed to';

-- ---- names ----

-- The first levels that lead to others' mailboxes are nobody's own.
UPDATE mailbox SET name = 'My ' || name
 WHERE name IN ('Other Users', 'Shared Folders') OR starts_with(name, 'Other Users/') OR starts_with(name, 'Shared Folders/');
ALTER TABLE mailbox ADD CONSTRAINT mailbox_own_name
    CHECK (split_part(name, '/', 1) NOT IN ('Other Users', 'Shared Folders'));

-- ---- audit ----

CREATE FUNCTION rights_text(rights integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(string_agg(substr('lrswipkxtea', bit + 1, 1), '' ORDER BY bit), '') FROM generate_series(0, 10) AS bit
     WHERE rights & (1 << bit) <> 0
$$;

CREATE FUNCTION audit_mailbox_acl() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    acl   mailbox_acl := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    whose record;
BEGIN
    SELECT a.tenant_id, a.local_part || '@' || d.name AS address INTO whose
      FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.id = acl.account_id;
    IF NOT FOUND OR (TG_OP = 'UPDATE' AND OLD.rights = NEW.rights) THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit (tenant_id, actor, address, action, object_kind, object_id, object_name, detail)
    VALUES (whose.tenant_id, actor_name(), nullif(current_setting('mansio.address', true), '')::inet, lower(TG_OP), 'mailbox_acl', NULL,
            concat_ws(' ', whose.address || ':', coalesce((SELECT m.name FROM mailbox m WHERE m.account_id = acl.account_id AND m.id = acl.mailbox_id),
                                                         'new folders'), 'for',
                      CASE WHEN acl.negative THEN '-' ELSE '' END ||
                      CASE acl.grantee WHEN 'a' THEN (SELECT g.local_part || '@' || d.name FROM account g JOIN domain d ON d.id = g.domain_id WHERE g.id = acl.grantee_id)
                                       ELSE (SELECT '@' || d.name FROM domain d WHERE d.id = acl.grantee_id) END),
            jsonb_build_object('rights', jsonb_build_array(CASE WHEN TG_OP <> 'INSERT' THEN rights_text(OLD.rights) END,
                                                           CASE WHEN TG_OP <> 'DELETE' THEN rights_text(NEW.rights) END)));
    RETURN NULL;
END $$;
CREATE TRIGGER audit_mailbox_acl AFTER INSERT OR UPDATE OR DELETE ON mailbox_acl FOR EACH ROW EXECUTE FUNCTION audit_mailbox_acl();

-- ---- grants and row security ----

REVOKE ALL ON mailbox_acl, message_seen, mailbox_subscription FROM PUBLIC;
REVOKE ALL ON FUNCTION account_shared, account_shared_part, mailbox_acl_guard, mailbox_acl_account, mailbox_acl_domain, mailbox_rights,
    rights_text, audit_mailbox_acl FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mailbox_rights TO mansio_imapd;
GRANT EXECUTE ON FUNCTION rights_text TO mansio_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON mailbox_acl, message_seen, mailbox_subscription TO mansio_imapd;
GRANT SELECT, INSERT, UPDATE, DELETE ON mailbox_acl TO mansio_web;
-- A delivery may make an account's first mailboxes, which begin with the account's list, and say what was seen of it.
GRANT SELECT, INSERT ON mailbox_acl, message_seen TO mansio_mta;

ALTER TABLE mailbox_acl ENABLE ROW LEVEL SECURITY;
CREATE POLICY daemons ON mailbox_acl TO mansio_mta, mansio_imapd USING (true) WITH CHECK (true);
CREATE POLICY seen ON mailbox_acl FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider' OR (SELECT true FROM account a WHERE a.id = account_id));
-- Who administers the account, and the person itself.
CREATE POLICY changed ON mailbox_acl TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) IN ('reseller', 'domain', 'user') AND (SELECT true FROM account a WHERE a.id = account_id)))
    WITH CHECK ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) IN ('reseller', 'domain', 'user') AND (SELECT true FROM account a WHERE a.id = account_id)));

-- The names of an account's folders, for the pages that share them; the web application reads nothing else of a mailbox.
CREATE FUNCTION folder_names(of_account bigint) RETURNS TABLE (mailbox_id bigint, folder text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.id, m.name FROM account a JOIN mailbox m ON m.account_id = a.id
     WHERE a.id = of_account
       AND (actor_role() = 'provider'
            OR (a.tenant_id = actor_tenant()
                AND (actor_role() = 'reseller' OR (actor_role() = 'domain' AND a.domain_id IN (SELECT actor_domains()))
                     OR (actor_role() = 'user' AND a.id = actor_account()))))
$$;
REVOKE ALL ON FUNCTION folder_names FROM PUBLIC;
GRANT EXECUTE ON FUNCTION folder_names TO mansio_web;
