-- What is removed can be brought back for some days, and then it is really gone; and how long mail stays in a folder.
--
-- Expunging moves a message's row from `message` to `removed_message` and leaves its email alone, so that it costs no more than before; the
-- counters and the quota forget it at once. The sweeper (lib/store/sweep.c) takes what is past its time.

INSERT INTO setting (name, value, comment) VALUES
    ('store.undelete_days', '14', 'Days for which expunged mail and deleted mailboxes can be brought back, where a domain says nothing else (0: not at all)'),
    ('store.trash_days', '0', 'Days after which mail in Trash is removed, where nothing else is set for a domain or a mailbox (0: never)'),
    ('store.junk_days', '0', 'Days after which mail in Junk is removed, where nothing else is set for a domain or a mailbox (0: never)');

CREATE FUNCTION setting_days(setting_name text, otherwise integer) RETURNS integer LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT value::integer FROM setting WHERE name = setting_name AND value ~ '^\d{1,5}$'), otherwise)
$$;

ALTER TABLE domain ADD COLUMN undelete_days integer CHECK (undelete_days BETWEEN 0 AND 3650);
COMMENT ON COLUMN domain.undelete_days IS 'NULL: as the setting store.undelete_days says';
GRANT UPDATE (undelete_days) ON domain TO mansio_web;

-- ---- expunged mail ----

CREATE TABLE removed_message (
    account_id    bigint NOT NULL,
    email_id      bigint NOT NULL,
    mailbox_id    bigint NOT NULL,
    uid           bigint NOT NULL,
    flags         integer NOT NULL,
    keywords      text[] NOT NULL,
    size          bigint NOT NULL,
    internal_date timestamptz NOT NULL,
    prefix        bytea NOT NULL,
    removed_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, email_id, mailbox_id, uid)
);
COMMENT ON TABLE removed_message IS 'A message that was expunged and can be brought back; it keeps its email, and counts nowhere';
CREATE INDEX removed_message_at ON removed_message (account_id, removed_at);

CREATE TABLE removed_mailbox (
    account_id  bigint NOT NULL,
    id          bigint NOT NULL,
    name        text NOT NULL,
    special_use text,
    subscribed  boolean NOT NULL,
    removed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, id)
);
COMMENT ON TABLE removed_mailbox IS 'A folder that was deleted: what its messages are brought back to';

-- ---- deleted mailboxes (accounts) ----

CREATE TABLE removed_account (
    account_id bigint PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    domain_id  bigint NOT NULL,
    local_part text NOT NULL,
    domain     text NOT NULL,
    name       text NOT NULL,
    removed_by text NOT NULL,
    removed_at timestamptz NOT NULL DEFAULT now(),
    kept       jsonb NOT NULL
);
COMMENT ON TABLE removed_account IS 'An account that was deleted and can be brought back; its mail waits as long';
COMMENT ON COLUMN removed_account.kept IS 'the row of account, and those that went with it, by table; has secrets';
CREATE INDEX removed_account_at ON removed_account (removed_at);

-- Everything that a foreign key takes along with the account is kept, but for what ends with it by nature.
CREATE FUNCTION account_parts() RETURNS TABLE (part text, of_column text) LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT c.conrelid::regclass::text, a.attname::text
      FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
     WHERE c.contype = 'f' AND c.confrelid = 'account'::regclass AND c.confdeltype = 'c' AND cardinality(c.conkey) = 1
       AND c.conrelid::regclass::text NOT IN ('web_session', 'login_token', 'alarm')
$$;
CREATE FUNCTION account_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kept jsonb := jsonb_build_object('account', to_jsonb(OLD));
    rows jsonb;
    p    record;
BEGIN
    FOR p IN SELECT * FROM account_parts() LOOP
        EXECUTE format('SELECT jsonb_agg(to_jsonb(x)) FROM %s x WHERE x.%I = $1', p.part, p.of_column) INTO rows USING OLD.id;
        IF rows IS NOT NULL THEN
            kept := kept || jsonb_build_object(p.part, rows);
        END IF;
    END LOOP;
    INSERT INTO removed_account (account_id, tenant_id, domain_id, local_part, domain, name, removed_by, kept)
    VALUES (OLD.id, OLD.tenant_id, OLD.domain_id, OLD.local_part,
            coalesce((SELECT d.name FROM domain d WHERE d.id = OLD.domain_id), (SELECT g.name FROM removed_domain g WHERE g.id = OLD.domain_id), ''),
            OLD.name, actor_name(), kept)
    ON CONFLICT (account_id) DO UPDATE SET kept = excluded.kept, removed_at = now(), removed_by = excluded.removed_by;
    RETURN OLD;
END $$;
CREATE TRIGGER account_kept BEFORE DELETE ON account FOR EACH ROW EXECUTE FUNCTION account_kept();

-- Accounts that go with their domain: its row is gone when theirs are deleted.
CREATE TABLE removed_domain (
    id            bigint PRIMARY KEY,
    name          text NOT NULL,
    undelete_days integer,
    removed_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE removed_domain IS 'The names of domains that are gone, as long as an account of theirs can be brought back';
CREATE FUNCTION domain_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO removed_domain (id, name, undelete_days) VALUES (OLD.id, OLD.name, OLD.undelete_days) ON CONFLICT DO NOTHING;
    RETURN OLD;
END $$;
CREATE TRIGGER domain_kept BEFORE DELETE ON domain FOR EACH ROW EXECUTE FUNCTION domain_kept();

-- ---- who may look and bring back ----

-- As the policies of `account` say it, for functions that see all rows. The command line and the daemons may everything.
CREATE FUNCTION actor_sees(of_tenant bigint, of_domain bigint, of_account bigint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT session_user <> 'mansio_web' OR actor_role() = 'provider'
        OR (actor_role() IN ('reseller', 'helpdesk') AND of_tenant = actor_tenant())
        OR (actor_role() = 'domain' AND of_domain IN (SELECT actor_domains()))
        OR (actor_role() = 'user' AND of_account = actor_account())
$$;

-- For how many days what an account removed is kept.
CREATE FUNCTION undelete_days(of_account bigint) RETURNS integer LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce((SELECT d.undelete_days FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.id = of_account),
                    setting_days('store.undelete_days', 14))
$$;

-- The newest first, `most` of them behind the given one (NULL: from the newest on).
CREATE FUNCTION removed_mail(of_account bigint, since timestamptz, in_folder text, before timestamptz, before_key text, most integer)
RETURNS TABLE (key text, folder text, removed_at timestamptz, keep_until timestamptz, size bigint, flags integer, internal_date timestamptz, card bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE days integer := undelete_days(of_account);
BEGIN
    IF NOT (SELECT actor_sees(a.tenant_id, a.domain_id, a.id) FROM account a WHERE a.id = of_account) THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT x.k, coalesce(m.name, g.name, 'INBOX'), r.removed_at, r.removed_at + make_interval(days => days), r.size, r.flags, r.internal_date, e.card
          FROM removed_message r CROSS JOIN LATERAL (SELECT concat_ws('-', r.email_id, r.mailbox_id, r.uid) AS k) x
          JOIN email e ON e.account_id = r.account_id AND e.id = r.email_id
          LEFT JOIN mailbox m ON m.account_id = r.account_id AND m.id = r.mailbox_id
          LEFT JOIN removed_mailbox g ON g.account_id = r.account_id AND g.id = r.mailbox_id
         WHERE r.account_id = of_account AND r.removed_at > now() - make_interval(days => days)
           AND (since IS NULL OR r.removed_at >= since) AND (in_folder IS NULL OR coalesce(m.name, g.name, 'INBOX') = in_folder)
           AND (before IS NULL OR r.removed_at <= before) AND (before IS NULL OR (r.removed_at, x.k) < (before, before_key))
         ORDER BY r.removed_at DESC, x.k DESC LIMIT most;
END $$;

-- What the keys name, and the folder it goes to.
CREATE FUNCTION removed_named(of_account bigint, keys text[], into_folder text)
RETURNS TABLE (email_id bigint, mailbox_id bigint, uid bigint, size bigint, folder text) LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT r.email_id, r.mailbox_id, r.uid, r.size, coalesce(into_folder, m.name, g.name, 'INBOX')
      FROM (SELECT DISTINCT k FROM unnest(keys) AS k WHERE k ~ '^\d{1,18}-\d{1,18}-\d{1,10}$' OFFSET 0) AS x
      JOIN removed_message r ON r.account_id = of_account AND r.email_id = split_part(k, '-', 1)::bigint
       AND r.mailbox_id = split_part(k, '-', 2)::bigint AND r.uid = split_part(k, '-', 3)::bigint
      LEFT JOIN mailbox m ON m.account_id = of_account AND m.id = r.mailbox_id
      LEFT JOIN removed_mailbox g ON g.account_id = of_account AND g.id = r.mailbox_id
     WHERE r.removed_at > now() - make_interval(days => undelete_days(of_account))
$$;

-- Brings the messages back to the folders they were in, made anew where they are gone, or to into_folder. They get new UIDs and
-- the next modseq of their folder, keep flags, keywords and dates, and count again. Locks as lib/store does: mailboxes by id, then
-- the usage row. Refused as a whole where the quota would be passed.
CREATE FUNCTION mail_undelete(of_account bigint, keys text[], into_folder text, OUT restored integer, OUT refused text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    whose   record;
    box     record;
    more    record;
    made    boolean;
    targets bigint[];
    used    account_usage;
    adds    record;
BEGIN
    restored := 0;
    refused := '';
    SELECT a.id, a.tenant_id, a.quota_bytes, a.quota_messages, a.local_part || '@' || d.name AS address INTO whose
      FROM account a JOIN domain d ON d.id = a.domain_id
     WHERE a.id = of_account AND actor_sees(a.tenant_id, a.domain_id, a.id);
    IF NOT FOUND THEN
        refused := 'there is no such mailbox';
        RETURN;
    END IF;
    into_folder := CASE WHEN upper(into_folder) = 'INBOX' THEN 'INBOX' ELSE into_folder END;
    IF into_folder ~ '[[:cntrl:]]|^/|/$|//|^$' OR octet_length(into_folder) > 1000 THEN
        refused := 'that is no name of a folder';
        RETURN;
    END IF;
    -- folders that are gone, each with those above it
    WITH wanted AS (
        SELECT DISTINCT ON (name) array_to_string(p.parts[:depth], '/') AS name,
               CASE WHEN depth = cardinality(p.parts) THEN g.special_use END AS special_use,
               depth < cardinality(p.parts) OR coalesce(g.subscribed, true) AS subscribed
          FROM (SELECT DISTINCT u.folder, u.mailbox_id FROM removed_named(of_account, keys, into_folder) u) f
         CROSS JOIN LATERAL (SELECT string_to_array(f.folder, '/') AS parts) p
         CROSS JOIN LATERAL generate_series(1, cardinality(p.parts)) AS depth
          LEFT JOIN removed_mailbox g ON g.account_id = of_account AND g.id = f.mailbox_id AND g.name = f.folder
         ORDER BY name, special_use NULLS LAST)
    INSERT INTO mailbox (account_id, name, special_use, subscribed)
    SELECT of_account, w.name,
           CASE WHEN NOT EXISTS (SELECT FROM mailbox o WHERE o.account_id = of_account AND o.special_use = w.special_use) THEN w.special_use END,
           w.subscribed
      FROM wanted w ON CONFLICT DO NOTHING;
    made := FOUND;
    SELECT array_agg(DISTINCT m.id) INTO targets
      FROM removed_named(of_account, keys, into_folder) u JOIN mailbox m ON m.account_id = of_account AND m.name = u.folder;
    PERFORM FROM mailbox m WHERE m.account_id = of_account AND m.id = ANY (targets) ORDER BY m.id FOR NO KEY UPDATE;
    INSERT INTO account_usage AS a (account_id) VALUES (of_account) ON CONFLICT (account_id) DO UPDATE SET bytes = a.bytes RETURNING a.* INTO used;
    -- from here on nobody else brings these back or sweeps them: both take the usage row
    SELECT coalesce(sum(u.size), 0) AS bytes, count(*) AS messages INTO adds FROM removed_named(of_account, keys, into_folder) u;
    IF adds.messages > 0 AND used.bytes + adds.bytes > whose.quota_bytes THEN
        RAISE EXCEPTION 'the quota of % would be passed by % bytes: allow the mailbox more, or bring back less', whose.address,
              used.bytes + adds.bytes - whose.quota_bytes USING ERRCODE = 'check_violation', CONSTRAINT = 'mail_undelete_quota';
    ELSIF adds.messages > 0 AND used.messages + adds.messages > whose.quota_messages THEN
        RAISE EXCEPTION 'the quota of % would be passed by % messages: allow the mailbox more, or bring back less', whose.address,
              used.messages + adds.messages - whose.quota_messages USING ERRCODE = 'check_violation', CONSTRAINT = 'mail_undelete_quota';
    END IF;
    FOR box IN SELECT m.id, m.name, m.uidnext, m.highestmodseq FROM mailbox m WHERE m.account_id = of_account AND m.id = ANY (targets) ORDER BY m.id LOOP
        WITH back AS (
            DELETE FROM removed_message r USING removed_named(of_account, keys, into_folder) u
             WHERE u.folder = box.name AND r.account_id = of_account AND r.email_id = u.email_id AND r.mailbox_id = u.mailbox_id AND r.uid = u.uid
            RETURNING r.*
        ), added AS (
            INSERT INTO message (account_id, mailbox_id, uid, email_id, modseq, flags, keywords, size, internal_date, saved_at, prefix)
            SELECT of_account, box.id, box.uidnext - 1 + row_number() OVER (ORDER BY b.mailbox_id, b.uid), b.email_id, box.highestmodseq + 1, b.flags & ~8,
                   b.keywords, b.size, b.internal_date, now(), b.prefix
              FROM back b RETURNING flags, size
        )
        SELECT count(*) AS messages, count(*) FILTER (WHERE flags & 1 = 0) AS unseen, coalesce(sum(size), 0)::bigint AS bytes INTO more FROM added;
        CONTINUE WHEN more.messages = 0;
        UPDATE mailbox m SET uidnext = m.uidnext + more.messages, highestmodseq = m.highestmodseq + 1, messages = m.messages + more.messages,
               unseen = m.unseen + more.unseen, bytes = m.bytes + more.bytes
         WHERE m.account_id = of_account AND m.id = box.id;
        UPDATE account_usage u SET bytes = u.bytes + more.bytes, messages = u.messages + more.messages WHERE u.account_id = of_account;
        PERFORM pg_notify('mailbox', format('%s:%s:%s:0', of_account, box.id, box.highestmodseq + 1));
        restored := restored + more.messages;
    END LOOP;
    IF made THEN
        PERFORM pg_notify('mailbox', format('%s:0:0:0', of_account));
    END IF;
    IF restored > 0 THEN
        INSERT INTO audit (tenant_id, actor, address, action, object_kind, object_id, object_name, detail)
        VALUES (whose.tenant_id, actor_name(), nullif(current_setting('mansio.address', true), '')::inet, 'undelete', 'mail', whose.id, whose.address,
                jsonb_build_object('messages', jsonb_build_array(0, restored)));
    END IF;
END $$;

CREATE FUNCTION removed_account_until(r removed_account) RETURNS timestamptz LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT r.removed_at + make_interval(days => coalesce((SELECT d.undelete_days FROM domain d WHERE d.name = r.domain),
                                                         (SELECT g.undelete_days FROM removed_domain g WHERE g.id = r.domain_id),
                                                         setting_days('store.undelete_days', 14)))
$$;

-- The accounts that can be brought back.
CREATE FUNCTION removed_accounts(wanted text, most bigint)
RETURNS TABLE (account_id bigint, address text, name text, messages bigint, bytes bigint, removed_at timestamptz, removed_by text, keep_until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.account_id, r.local_part || '@' || r.domain, r.name, coalesce(u.messages, 0), coalesce(u.bytes, 0), r.removed_at, r.removed_by, k.until
      FROM removed_account r LEFT JOIN account_usage u ON u.account_id = r.account_id
      CROSS JOIN LATERAL (SELECT removed_account_until(r) AS until) k
     WHERE actor_sees(r.tenant_id, r.domain_id, NULL) AND k.until > now()
       AND (wanted IS NULL OR position(lower(wanted) IN lower(r.local_part || '@' || r.domain || ' ' || r.name)) > 0)
     ORDER BY r.removed_at DESC, r.account_id LIMIT most
$$;

-- Brings an account back under its address (or another local part), with its password and all that was set for it. Refused
-- with a sentence where that can't be.
CREATE FUNCTION account_undelete(of_account bigint, new_local text, OUT address text, OUT refused text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    r       removed_account;
    d       record;
    part    text;
    columns text;
    role    text;
BEGIN
    refused := '';
    SELECT * INTO r FROM removed_account x
     WHERE x.account_id = of_account AND actor_sees(x.tenant_id, x.domain_id, NULL) AND removed_account_until(x) > now() FOR UPDATE;
    IF NOT FOUND THEN
        refused := 'there is no such deleted mailbox';
        RETURN;
    END IF;
    IF session_user = 'mansio_web' AND actor_role() NOT IN ('provider', 'reseller', 'domain') THEN
        refused := 'this role may not bring mailboxes back';
        RETURN;
    END IF;
    SELECT x.id, x.tenant_id, x.name INTO d FROM domain x WHERE x.name = r.domain AND x.kind = 'hosted';
    IF NOT FOUND THEN
        refused := format('the domain %s is not here: add it first', r.domain);
        RETURN;
    END IF;
    IF NOT actor_sees(d.tenant_id, d.id, NULL) THEN
        refused := format('the domain %s is not yours any more', r.domain);
        RETURN;
    END IF;
    address := coalesce(lower(new_local), r.local_part) || '@' || d.name;
    IF EXISTS (SELECT FROM account a WHERE a.domain_id = d.id AND a.local_part = coalesce(lower(new_local), r.local_part)) THEN
        refused := format('there is a mailbox %s already: bring the deleted one back under another name', address);
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM operator o WHERE o.login = account_undelete.address) THEN
        refused := format('%s is the login of an operator now', address);
        RETURN;
    END IF;
    INSERT INTO account OVERRIDING SYSTEM VALUE
    SELECT (jsonb_populate_record(NULL::account, r.kept -> 'account'
            || jsonb_build_object('tenant_id', d.tenant_id, 'domain_id', d.id, 'local_part', coalesce(lower(new_local), r.local_part)))).*;
    -- what others had given the account, this actor need not be able to give
    role := actor_role();
    PERFORM set_config('mansio.role', '', true);
    FOR part IN SELECT k FROM jsonb_object_keys(r.kept) AS k JOIN account_parts() p ON p.part = k LOOP
        SELECT string_agg(quote_ident(attname), ', ') INTO columns FROM pg_attribute
         WHERE attrelid = part::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
        EXECUTE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_recordset(NULL::%1$s, $1) ON CONFLICT DO NOTHING',
                       part::regclass, columns)
          USING CASE WHEN r.tenant_id = d.tenant_id THEN r.kept -> part
                     ELSE (SELECT jsonb_agg(CASE WHEN e ? 'tenant_id' THEN e || jsonb_build_object('tenant_id', d.tenant_id) ELSE e END)
                             FROM jsonb_array_elements(r.kept -> part) AS e) END;
    END LOOP;
    PERFORM set_config('mansio.role', role, true);
    DELETE FROM removed_account WHERE account_id = of_account;
    INSERT INTO audit (tenant_id, actor, address, action, object_kind, object_id, object_name)
    VALUES (d.tenant_id, actor_name(), nullif(current_setting('mansio.address', true), '')::inet, 'undelete', 'account', of_account, account_undelete.address);
END $$;

-- ---- how long mail stays in a folder ----

CREATE TABLE retention (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    domain_id  bigint NOT NULL,
    account_id bigint REFERENCES account ON DELETE CASCADE,
    folder     text NOT NULL CHECK (octet_length(folder) BETWEEN 1 AND 1000),
    days       integer NOT NULL CHECK (days BETWEEN 0 AND 36500),
    FOREIGN KEY (tenant_id, domain_id) REFERENCES domain (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE,
    UNIQUE NULLS NOT DISTINCT (domain_id, account_id, folder)
);
COMMENT ON TABLE retention IS 'Mail that is in a folder, or one below it, for so many days is removed: for all mailboxes of a domain, or one';
COMMENT ON COLUMN retention.folder IS 'a name, or "\Trash", "\Junk" ...: the folder with that use, whatever its name; the longest that fits counts';
COMMENT ON COLUMN retention.days IS '0: it stays, whatever is said elsewhere';
CREATE INDEX retention_account ON retention (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX retention_tenant ON retention (tenant_id);

CREATE FUNCTION audit_retention() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    shown retention := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    whose text;
BEGIN
    SELECT concat(a.local_part || '@', d.name) INTO whose
      FROM domain d LEFT JOIN account a ON a.id = shown.account_id WHERE d.id = shown.domain_id AND (shown.account_id IS NULL OR a.id IS NOT NULL);
    IF FOUND THEN -- else it went with its domain or mailbox
        INSERT INTO audit (tenant_id, actor, address, action, object_kind, object_id, object_name, detail)
        VALUES (shown.tenant_id, actor_name(), nullif(current_setting('mansio.address', true), '')::inet, lower(TG_OP), 'retention', shown.id,
                whose || ': ' || shown.folder,
                jsonb_build_object('days', jsonb_build_array(CASE WHEN TG_OP <> 'INSERT' THEN OLD.days END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.days END)));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER audit_retention AFTER INSERT OR UPDATE OR DELETE ON retention FOR EACH ROW EXECUTE FUNCTION audit_retention();

-- The folders of the accounts in (after, up_to] in which mail is past its time. What is said for the mailbox counts before what is said for
-- its domain, and that before the settings; then the longest name.
CREATE FUNCTION retention_due(after bigint, up_to bigint) RETURNS TABLE (account_id bigint, mailbox_id bigint, days integer)
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    WITH rules AS (
        SELECT a.id AS account_id, r.folder, r.days, CASE WHEN r.account_id IS NULL THEN 1 ELSE 2 END AS rank
          FROM account a JOIN retention r ON r.domain_id = a.domain_id AND (r.account_id IS NULL OR r.account_id = a.id)
         WHERE a.id > after AND a.id <= up_to
        UNION ALL
        SELECT a.id, s.folder, s.days, 0
          FROM (VALUES ('\Trash', setting_days('store.trash_days', 0)), ('\Junk', setting_days('store.junk_days', 0))) AS s (folder, days)
          JOIN account a ON a.id > after AND a.id <= up_to WHERE s.days > 0
    ), named AS (
        SELECT r.account_id, m.name, r.days, r.rank FROM rules r JOIN mailbox m ON m.account_id = r.account_id AND (m.name = r.folder OR m.special_use = r.folder)
    ), chosen AS (
        SELECT DISTINCT ON (m.account_id, m.id) m.account_id, m.id, n.days
          FROM named n JOIN mailbox m ON m.account_id = n.account_id AND (m.name = n.name OR starts_with(m.name, n.name || '/'))
         WHERE m.messages > 0 OR n.days = 0 ORDER BY m.account_id, m.id, n.rank DESC, length(n.name) DESC
    )
    SELECT c.account_id, c.id, c.days FROM chosen c
     WHERE c.days > 0 AND (SELECT x.saved_at FROM message x WHERE x.account_id = c.account_id AND x.mailbox_id = c.id ORDER BY x.uid LIMIT 1)
                          < now() - make_interval(days => c.days)
$$;

-- ---- grants and row security ----

REVOKE ALL ON FUNCTION setting_days, account_parts, actor_sees, undelete_days, removed_mail, removed_named, mail_undelete, removed_account_until,
    removed_accounts, account_undelete, retention_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION setting_days, undelete_days, removed_account_until, retention_due TO mansio_imapd;
GRANT EXECUTE ON FUNCTION setting_days, undelete_days, removed_mail, mail_undelete, removed_accounts, account_undelete TO mansio_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON removed_message, removed_mailbox TO mansio_imapd;
GRANT SELECT, DELETE ON removed_account, removed_domain TO mansio_imapd;
GRANT SELECT ON retention TO mansio_imapd;
GRANT SELECT, INSERT, DELETE ON retention TO mansio_web;
GRANT UPDATE (days) ON retention TO mansio_web;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['removed_account', 'removed_domain', 'retention'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY daemons ON %I TO mansio_imapd USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;
CREATE POLICY seen ON retention FOR SELECT TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) IN ('reseller', 'helpdesk') AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())));
CREATE POLICY changed ON retention TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
           OR ((SELECT actor_role()) = 'domain' AND domain_id IN (SELECT actor_domains())))
    WITH CHECK (((SELECT actor_role()) = 'provider'
                 OR ((SELECT actor_role()) = 'reseller' AND tenant_id = (SELECT actor_tenant()))
                 OR ((SELECT actor_role()) = 'domain' AND tenant_id = (SELECT actor_tenant()) AND domain_id IN (SELECT actor_domains())))
                AND (account_id IS NULL OR (SELECT true FROM account a WHERE a.id = account_id AND a.domain_id = retention.domain_id)));
