-- How administrators, and people for what is their own, share mailboxes and let others send under an address: the pages and
-- the command line call these. Each returns the refusal as a sentence, or an empty text.

-- Whether the actor may decide who uses the account: its administrators, and the person itself.
CREATE FUNCTION actor_shares(of_tenant bigint, of_domain bigint, of_account bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT session_user <> 'mansio_web' OR actor_role() = 'provider'
        OR (of_tenant = actor_tenant()
            AND (actor_role() = 'reseller' OR (actor_role() = 'domain' AND of_domain IN (SELECT actor_domains()))
                 OR (actor_role() = 'user' AND of_account = actor_account())))
$$;

-- The account of this address in the tenant; NULL: none.
CREATE FUNCTION account_named(of_tenant bigint, address text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id
     WHERE a.tenant_id = of_tenant AND a.local_part = lower(substring(address FROM '^(.*)@'))
       AND d.name = lower(substring(address FROM '@([^@]*)$'))
$$;

-- One entry of an access list; rights 0 takes it out. folder '*': all folders there are, and those to come. who: an address,
-- or anyone (of the domain); behind - the rights are taken away.
CREATE FUNCTION share_set(of_account bigint, folder text, who text, new_rights integer) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    owner    account;
    minus    boolean := starts_with(who, '-');
    named    text := CASE WHEN starts_with(who, '-') THEN substr(who, 2) ELSE who END;
    kind     "char" := 'a';
    reader   bigint;
    boxes    bigint[];
BEGIN
    SELECT * INTO owner FROM account a WHERE a.id = of_account AND actor_shares(a.tenant_id, a.domain_id, a.id);
    IF NOT FOUND THEN
        RETURN 'there is no such mailbox';
    END IF;
    IF lower(named) = 'anyone' THEN
        kind := 'd';
        reader := owner.domain_id;
    ELSE
        reader := account_named(owner.tenant_id, named);
        IF reader IS NULL OR (SELECT a.shared FROM account a WHERE a.id = reader) THEN
            RETURN 'there is no mailbox ' || named || ' that somebody logs in to';
        END IF;
        IF reader = owner.id THEN
            RETURN 'the mailbox itself has all rights already';
        END IF;
    END IF;
    INSERT INTO mailbox (account_id, name, special_use)
    SELECT owner.id, d.folder, d.special_use
      FROM (VALUES ('INBOX', NULL), ('Archive', '\Archive'), ('Drafts', '\Drafts'), ('Junk', '\Junk'), ('Sent', '\Sent'),
                   ('Trash', '\Trash')) AS d (folder, special_use)
     WHERE NOT EXISTS (SELECT FROM mailbox m WHERE m.account_id = owner.id AND m.name = 'INBOX') ON CONFLICT DO NOTHING;
    IF folder = '*' THEN
        SELECT array_agg(m.id) || 0::bigint INTO boxes FROM mailbox m WHERE m.account_id = owner.id;
    ELSE
        SELECT array_agg(m.id) INTO boxes FROM mailbox m
         WHERE m.account_id = owner.id AND m.name = CASE WHEN upper(folder) = 'INBOX' THEN 'INBOX' ELSE folder END;
        IF boxes IS NULL THEN
            RETURN 'there is no folder ' || folder;
        END IF;
    END IF;
    IF new_rights = 0 THEN
        DELETE FROM mailbox_acl x WHERE x.account_id = owner.id AND x.mailbox_id = ANY (boxes) AND x.grantee = kind
           AND x.grantee_id = reader AND x.negative = minus;
    ELSE
        INSERT INTO mailbox_acl (account_id, mailbox_id, grantee, grantee_id, negative, rights)
        SELECT owner.id, b, kind, reader, minus, new_rights FROM unnest(boxes) AS b
        ON CONFLICT (account_id, mailbox_id, grantee, grantee_id, negative) DO UPDATE SET rights = excluded.rights;
    END IF;
    RETURN '';
END $$;

-- The account's lists; what new folders begin with is folder NULL.
CREATE FUNCTION share_list(of_account bigint) RETURNS TABLE (folder text, who text, rights text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT m.name, CASE WHEN x.negative THEN '-' ELSE '' END ||
           CASE WHEN x.grantee = 'd' AND x.grantee_id = o.domain_id THEN 'anyone'
                WHEN x.grantee = 'd' THEN '@' || (SELECT d.name FROM domain d WHERE d.id = x.grantee_id)
                ELSE (SELECT a.local_part || '@' || d.name FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.id = x.grantee_id) END,
           rights_text(x.rights)
      FROM account o JOIN mailbox_acl x ON x.account_id = o.id LEFT JOIN mailbox m ON m.account_id = o.id AND m.id = x.mailbox_id
     WHERE o.id = of_account AND (m.id IS NOT NULL OR x.mailbox_id = 0)
       AND (actor_shares(o.tenant_id, o.domain_id, o.id) OR (actor_role() = 'helpdesk' AND o.tenant_id = actor_tenant()))
     ORDER BY m.name NULLS FIRST, 2
$$;

-- Another mailbox of the same reseller may send under the account's address, or not any more.
CREATE FUNCTION delegate_set(of_account bigint, who text, allowed boolean) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    owner record;
    other bigint;
BEGIN
    SELECT a.id, a.tenant_id, a.local_part || '@' || d.name AS address INTO owner FROM account a JOIN domain d ON d.id = a.domain_id
     WHERE a.id = of_account AND actor_shares(a.tenant_id, a.domain_id, a.id);
    IF NOT FOUND THEN
        RETURN 'there is no such mailbox';
    END IF;
    other := account_named(owner.tenant_id, who);
    IF other IS NULL OR (SELECT a.shared FROM account a WHERE a.id = other) THEN
        RETURN 'there is no mailbox ' || who || ' that somebody logs in to';
    END IF;
    IF other = owner.id THEN
        RETURN 'the mailbox sends under its own address already';
    END IF;
    IF allowed THEN
        INSERT INTO send_as (account_id, address) VALUES (other, owner.address) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM send_as s WHERE s.account_id = other AND s.address = owner.address;
    END IF;
    RETURN '';
END $$;

CREATE FUNCTION delegate_list(of_account bigint) RETURNS TABLE (who text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.local_part || '@' || ad.name FROM account o JOIN domain d ON d.id = o.domain_id
      JOIN send_as s ON s.address = o.local_part || '@' || d.name AND s.tenant_id = o.tenant_id
      JOIN account a ON a.id = s.account_id JOIN domain ad ON ad.id = a.domain_id
     WHERE o.id = of_account
       AND (actor_shares(o.tenant_id, o.domain_id, o.id) OR (actor_role() = 'helpdesk' AND o.tenant_id = actor_tenant()))
     ORDER BY 1
$$;
CREATE INDEX send_as_address ON send_as (address);

REVOKE ALL ON FUNCTION actor_shares, account_named, share_set, share_list, delegate_set, delegate_list FROM PUBLIC;
GRANT EXECUTE ON FUNCTION share_set, share_list, delegate_set, delegate_list TO mansio_web;
