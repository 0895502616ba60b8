-- Logging in and sending: what there is beside an account's password, who is kept out for a while, and whose addresses an
-- account may send under beside its own.

-- ---- the salts of SCRAM ----

-- A client that uses SCRAM is told the salt of its password before it has proved anything. So that this does not tell
-- which names exist, each name's salt, also that of a name that is not there, follows from this secret.
CREATE TABLE auth_secret (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    value bytea NOT NULL CHECK (octet_length(value) = 32)
);
INSERT INTO auth_secret (value) VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

CREATE FUNCTION scram_salt(login text) RETURNS bytea LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
    $$ SELECT substr(sha256(value || convert_to(login, 'UTF8')), 1, 16) FROM auth_secret $$;
REVOKE ALL ON FUNCTION scram_salt FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scram_salt TO mansio_mta, mansio_imapd, mansio_web;

COMMENT ON COLUMN account.password IS 'The hash, and the keys for SCRAM behind it (lib/base/password.h)';
ALTER TABLE account ADD COLUMN app_passwords_only boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN account.app_passwords_only IS 'Mail programs log in with app passwords only; the password is for the web';
GRANT SELECT (app_passwords_only), UPDATE (app_passwords_only) ON account TO mansio_web;

-- ---- app passwords and access tokens ----

-- Both are random and long, so a fast hash is enough.
CREATE TABLE app_password (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    password   text NOT NULL,
    scopes     text[] NOT NULL DEFAULT '{smtp,imap,pop3}'
               CHECK (cardinality(scopes) > 0 AND scopes <@ '{smtp,imap,pop3}'),
    used_at    timestamptz,
    used_from  inet,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, name)
);
COMMENT ON COLUMN app_password.password IS 'SHA-256 in hexadecimal, and the keys for SCRAM behind it';

CREATE TABLE access_token (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    scopes     text[] NOT NULL DEFAULT '{smtp,imap,pop3}'
               CHECK (cardinality(scopes) > 0 AND scopes <@ '{smtp,imap,pop3}'),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    used_from  inet,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, name)
);
COMMENT ON COLUMN access_token.token_hash IS 'SHA-256 of the token';

-- ---- who is kept out ----

CREATE TABLE login_ban (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('address', 'account', 'pair')),
    login      text NOT NULL DEFAULT '' CHECK (octet_length(login) <= 400),
    address    text NOT NULL DEFAULT '' CHECK (octet_length(address) <= 50),
    tenant_id  bigint REFERENCES tenant ON DELETE CASCADE,
    failures   integer NOT NULL DEFAULT 0,
    times      integer NOT NULL DEFAULT 1,
    reason     text NOT NULL DEFAULT '' CHECK (length(reason) <= 200),
    until      timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, login, address),
    CHECK ((login <> '') = (kind <> 'address') AND (address <> '') = (kind <> 'account'))
);
COMMENT ON TABLE login_ban IS 'Who can''t log in for a while: an address, an account, or an account from one address';
COMMENT ON COLUMN login_ban.address IS 'an IPv4 address, or the /64 network of an IPv6 one';
COMMENT ON COLUMN login_ban.tenant_id IS 'of the account; NULL where there is no such account';
CREATE INDEX login_ban_until ON login_ban (until);

-- The daemons hear of each ban that is made or lifted.
CREATE FUNCTION notify_login_ban() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.until > now() THEN
            PERFORM pg_notify('login_ban', concat_ws(' ', 'lifted', OLD.kind, coalesce(nullif(OLD.address, ''), '-'), OLD.login));
        END IF;
    ELSE
        PERFORM pg_notify('login_ban', 'made');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER notify_login_ban AFTER INSERT OR UPDATE OR DELETE ON login_ban FOR EACH ROW EXECUTE FUNCTION notify_login_ban();

-- What a daemon writes when it has seen too many failures. An address that comes back is kept out for longer.
CREATE FUNCTION login_ban_add(what text, who text, from_address text, failed integer, why text) RETURNS timestamptz
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DELETE FROM login_ban WHERE until < now() - interval '1 day';
    INSERT INTO login_ban AS b (kind, login, address, tenant_id, failures, reason, until)
    VALUES (what, who, from_address,
            (SELECT a.tenant_id FROM account a JOIN domain d ON d.id = a.domain_id
              WHERE who <> '' AND a.local_part = substring(who FROM '^(.*)@') AND d.name = substring(who FROM '@([^@]*)$')),
            failed, why, now() + interval '10 minutes')
    ON CONFLICT (kind, login, address) DO UPDATE
       SET failures = b.failures + excluded.failures, reason = excluded.reason, created_at = now(),
           times = CASE WHEN b.until > now() THEN b.times ELSE b.times + 1 END,
           until = greatest(b.until, now() + CASE WHEN b.kind = 'address' THEN least(interval '10 minutes' * power(2, least(b.times, 8)), interval '1 day')
                                                  ELSE interval '10 minutes' END)
    RETURNING until
$$;
REVOKE ALL ON FUNCTION login_ban_add FROM PUBLIC;
GRANT EXECUTE ON FUNCTION login_ban_add TO mansio_mta, mansio_imapd;

-- ---- under which addresses an account sends ----

CREATE TABLE send_as (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    address    text NOT NULL CHECK (address = lower(address) AND address ~ '^[^[:cntrl:]]{0,64}@[^@[:cntrl:][:space:]]{1,253}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, address)
);
COMMENT ON COLUMN send_as.address IS 'local@domain, or @domain for each address of it';

-- An administrator gives away only what is its own: an address of a domain that it sees, in the account's tenant. The
-- provider may allow any.
CREATE FUNCTION send_as_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF actor_role() NOT IN ('', 'provider')
       AND NOT EXISTS (SELECT FROM domain d WHERE d.name = substring(NEW.address FROM '@([^@]*)$') AND d.tenant_id = NEW.tenant_id) THEN
        RAISE EXCEPTION 'only addresses of your own domains can be given' USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'send_as_guard';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER send_as_guard BEFORE INSERT OR UPDATE ON send_as FOR EACH ROW EXECUTE FUNCTION send_as_guard();

INSERT INTO setting (name, value, comment) VALUES
    ('mta.hide_client', 'no', 'Leave the address of people''s own computers out of the messages that they send (yes or no)');

-- ---- what belongs to an account has its tenant ----

CREATE FUNCTION account_part() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    SELECT a.tenant_id INTO STRICT NEW.tenant_id FROM account a WHERE a.id = NEW.account_id;
    RETURN NEW;
END $$;
-- The audit log names the account and the thing, and no secret. What goes with its account is in the account's own line.
CREATE FUNCTION audit_account_part() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    shown jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
    whose text;
BEGIN
    SELECT a.local_part || '@' || d.name INTO whose FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.id = (shown ->> 'account_id')::bigint;
    IF FOUND THEN
        INSERT INTO audit (tenant_id, actor, address, action, object_kind, object_id, object_name)
        VALUES ((shown ->> 'tenant_id')::bigint, actor_name(), nullif(current_setting('mansio.address', true), '')::inet, lower(TG_OP),
                TG_TABLE_NAME, (shown ->> 'id')::bigint, whose || ': ' || coalesce(shown ->> 'name', shown ->> 'address'));
    END IF;
    RETURN NULL;
END $$;

-- A person has lifted a ban before its time: the failed logins of browsers are forgiven with it.
CREATE FUNCTION login_ban_lifted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM login_failure f WHERE OLD.login <> '' AND f.login = OLD.login;
    DELETE FROM login_failure f WHERE OLD.kind = 'address' AND f.address = OLD.address::inet;
    INSERT INTO audit (tenant_id, actor, address, action, object_kind, object_id, object_name)
    VALUES (OLD.tenant_id, actor_name(), nullif(current_setting('mansio.address', true), '')::inet, 'delete', 'login_ban', OLD.id,
            concat_ws(' from ', nullif(OLD.login, ''), nullif(OLD.address, '')));
    RETURN NULL;
END $$;
CREATE TRIGGER login_ban_lifted AFTER DELETE ON login_ban FOR EACH ROW WHEN (OLD.until > now()) EXECUTE FUNCTION login_ban_lifted();

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['app_password', 'access_token', 'send_as'] LOOP
        EXECUTE format('CREATE TRIGGER a_account_part BEFORE INSERT ON %I FOR EACH ROW EXECUTE FUNCTION account_part()', name);
        EXECUTE format('CREATE TRIGGER audit_account_part AFTER INSERT OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION audit_account_part()', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['app_password', 'send_as'] LOOP
        EXECUTE format('CREATE TRIGGER notify_directory AFTER INSERT OR DELETE ON %I FOR EACH STATEMENT EXECUTE FUNCTION notify_directory()', name);
    END LOOP;
END $$;

-- ---- grants and row security ----

GRANT SELECT ON auth_secret, app_password, access_token, login_ban, send_as TO mansio_mta, mansio_imapd;
GRANT UPDATE (used_at, used_from) ON app_password, access_token TO mansio_mta, mansio_imapd;
GRANT SELECT (id, tenant_id, account_id, name, scopes, used_at, used_from, created_at) ON app_password TO mansio_web;
GRANT SELECT (id, tenant_id, account_id, name, scopes, expires_at, used_at, used_from, created_at) ON access_token TO mansio_web;
GRANT INSERT, DELETE ON app_password TO mansio_web;
GRANT DELETE ON access_token TO mansio_web;
GRANT SELECT, DELETE ON login_ban TO mansio_web;
GRANT SELECT, INSERT, DELETE ON send_as TO mansio_web;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['app_password', 'access_token', 'login_ban', 'send_as'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY daemons ON %I TO mansio_mta, mansio_imapd USING (true) WITH CHECK (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['app_password', 'access_token', 'send_as'] LOOP
        EXECUTE format('CREATE POLICY seen ON %I FOR SELECT TO mansio_web
            USING ((SELECT actor_role()) = ''provider'' OR (SELECT true FROM account a WHERE a.id = account_id))', name);
    END LOOP;
    -- Each role that sees the account may end its secrets; only the person itself makes them.
    FOREACH name IN ARRAY ARRAY['app_password', 'access_token'] LOOP
        EXECUTE format('CREATE POLICY removed ON %I FOR DELETE TO mansio_web
            USING ((SELECT actor_role()) = ''provider'' OR (SELECT true FROM account a WHERE a.id = account_id))', name);
    END LOOP;
END $$;
ALTER TABLE auth_secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY daemons ON auth_secret FOR SELECT TO mansio_mta, mansio_imapd USING (true);
CREATE POLICY added ON app_password FOR INSERT TO mansio_web
    WITH CHECK ((SELECT actor_role()) = 'user' AND account_id = (SELECT actor_account()));
CREATE POLICY added ON send_as FOR INSERT TO mansio_web
    WITH CHECK ((SELECT actor_role()) = 'provider'
                OR ((SELECT actor_role()) IN ('reseller', 'domain') AND (SELECT true FROM account a WHERE a.id = account_id)));
CREATE POLICY removed ON send_as FOR DELETE TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR ((SELECT actor_role()) IN ('reseller', 'domain') AND (SELECT true FROM account a WHERE a.id = account_id)));
CREATE POLICY seen ON login_ban TO mansio_web
    USING ((SELECT actor_role()) = 'provider'
           OR (kind <> 'address' AND tenant_id = (SELECT actor_tenant()) AND (SELECT actor_role()) IN ('reseller', 'helpdesk')));

-- Helpdesk may set passwords and nothing else; a user its own password, display name, and how its programs log in.
CREATE OR REPLACE FUNCTION account_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE allowed account;
BEGIN
    IF actor_role() IN ('helpdesk', 'user') THEN
        allowed := NEW;
        allowed.password := OLD.password;
        IF actor_role() = 'user' THEN
            allowed.name := OLD.name;
            allowed.app_passwords_only := OLD.app_passwords_only;
        END IF;
        IF allowed IS DISTINCT FROM OLD THEN
            RAISE EXCEPTION 'this role may change only the password' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- ---- for the login page, which has no actor yet ----

-- Until when this login, or this address, can't log in; NULL: it can.
CREATE FUNCTION login_banned(who text, client text) RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT max(until) FROM login_ban
     WHERE until > now() AND (login = '' OR login = who)
       AND (address = '' OR address = CASE family(client::inet) WHEN 6 THEN network(set_masklen(client::inet, 64))::text ELSE host(client::inet) END)
$$;

-- A password that was right is stored in today's form; nothing happens where it was changed meanwhile.
CREATE FUNCTION password_renew(account bigint, old text, new text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE account SET password = new WHERE id = $1 AND password = old
$$;
REVOKE ALL ON FUNCTION login_banned, password_renew FROM PUBLIC;
GRANT EXECUTE ON FUNCTION login_banned, password_renew TO mansio_web;
