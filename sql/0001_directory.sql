-- The directory: who hosts what. Read by every daemon, written by the web application and the command line.
--
-- Addresses: domain names are A-labels in lower case without a trailing dot; local parts are kept in lower case (Mansio's
-- mailboxes do not tell case apart). Every row belongs to a tenant; row security (0005) keeps tenants apart.

CREATE TABLE setting (
    name    text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_.]*$'),
    value   text NOT NULL,
    comment text NOT NULL
);
COMMENT ON TABLE setting IS 'What the whole installation has once; edited by providers';

CREATE TABLE tenant (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (name <> '' AND length(name) <= 200),
    max_domains integer CHECK (max_domains >= 0),
    suspended   boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tenant IS 'A reseller: owns domains and everything in them';

CREATE TYPE operator_role AS ENUM ('provider', 'reseller', 'domain', 'helpdesk');

CREATE TABLE operator (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint REFERENCES tenant ON DELETE CASCADE,
    role       operator_role NOT NULL,
    login      text NOT NULL UNIQUE CHECK (login = lower(login) AND login ~ '^[^[:space:][:cntrl:]]{1,254}$'),
    name       text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
    password   text NOT NULL,
    disabled   boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((role = 'provider') = (tenant_id IS NULL))
);
COMMENT ON TABLE operator IS 'A person who administers: of the provider, of a reseller, of some domains, or helpdesk of a reseller';

CREATE TYPE domain_kind AS ENUM ('hosted', 'alias', 'relay');

CREATE TABLE domain (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id    bigint NOT NULL REFERENCES tenant ON DELETE CASCADE,
    name         text NOT NULL UNIQUE
                 CHECK (length(name) <= 253 AND name ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$'),
    display      text NOT NULL CHECK (display <> ''),
    kind         domain_kind NOT NULL DEFAULT 'hosted',
    target_id    bigint REFERENCES domain ON DELETE CASCADE,
    relay_host   text,
    max_accounts integer CHECK (max_accounts >= 0),
    active       boolean NOT NULL DEFAULT true,
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, id),
    CHECK ((kind = 'alias') = (target_id IS NOT NULL)),
    CHECK (target_id <> id),
    CHECK (relay_host IS NULL OR kind = 'relay')
);
COMMENT ON COLUMN domain.display IS 'The name as people write it (U-labels)';
COMMENT ON COLUMN domain.kind IS 'hosted: mailboxes and aliases; alias: each address is the same local part at target_id; relay: passed on to relay_host (or the MX)';
CREATE INDEX domain_tenant ON domain (tenant_id);
CREATE INDEX domain_target ON domain (target_id) WHERE target_id IS NOT NULL;

CREATE TABLE operator_domain (
    operator_id bigint NOT NULL REFERENCES operator ON DELETE CASCADE,
    domain_id   bigint NOT NULL REFERENCES domain ON DELETE CASCADE,
    PRIMARY KEY (operator_id, domain_id)
);
CREATE INDEX operator_domain_domain ON operator_domain (domain_id);
COMMENT ON TABLE operator_domain IS 'What an operator of role domain administers';

CREATE TABLE account (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id   bigint NOT NULL,
    domain_id   bigint NOT NULL,
    local_part  text NOT NULL CHECK (local_part = lower(local_part) AND octet_length(local_part) BETWEEN 1 AND 64
                                     AND local_part !~ '[[:cntrl:]]'),
    name        text NOT NULL DEFAULT '' CHECK (length(name) <= 200),
    password    text NOT NULL,
    quota_bytes bigint CHECK (quota_bytes >= 0),
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, local_part),
    FOREIGN KEY (tenant_id, domain_id) REFERENCES domain (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
COMMENT ON TABLE account IS 'A person with mail: local_part@domain is the login';
COMMENT ON COLUMN account.quota_bytes IS 'NULL: without limit';
CREATE INDEX account_tenant ON account (tenant_id);

CREATE TABLE alias (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  bigint NOT NULL,
    domain_id  bigint NOT NULL,
    local_part text NOT NULL CHECK (local_part = lower(local_part) AND octet_length(local_part) <= 64
                                    AND local_part !~ '[[:cntrl:]]'),
    targets    text[] NOT NULL CHECK (cardinality(targets) BETWEEN 1 AND 1000 AND array_position(targets, NULL) IS NULL),
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, local_part),
    FOREIGN KEY (tenant_id, domain_id) REFERENCES domain (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
COMMENT ON COLUMN alias.local_part IS 'empty: the catch-all, for every address of the domain that nothing else matches';
COMMENT ON COLUMN alias.targets IS 'full addresses, here or elsewhere; an alias that names itself also delivers to the account of that name';
CREATE INDEX alias_tenant ON alias (tenant_id);

CREATE TABLE dkim_key (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id   bigint NOT NULL,
    domain_id   bigint NOT NULL,
    selector    text NOT NULL CHECK (selector ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    algorithm   text NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
    private_key text NOT NULL,
    public_key  text NOT NULL,
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, selector),
    FOREIGN KEY (tenant_id, domain_id) REFERENCES domain (tenant_id, id) ON DELETE CASCADE ON UPDATE CASCADE
);
COMMENT ON COLUMN dkim_key.public_key IS 'base64 of the p= tag (RFC 6376 section 3.6.1)';

-- Sessions of the browser, and the short-lived tokens by which the webmail signs in to imapd and submission as its user.
CREATE TABLE web_session (
    token_hash  bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    operator_id bigint REFERENCES operator ON DELETE CASCADE,
    account_id  bigint REFERENCES account ON DELETE CASCADE,
    csrf        text NOT NULL,
    address     inet,
    agent       text NOT NULL DEFAULT '' CHECK (length(agent) <= 400),
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    idle        interval NOT NULL DEFAULT '1 hour' CHECK (idle > '0'),
    CHECK (num_nonnulls(operator_id, account_id) = 1)
);
COMMENT ON COLUMN web_session.idle IS 'the session is over when it was not used for so long';
COMMENT ON COLUMN web_session.token_hash IS 'SHA-256 of the cookie; the cookie itself is kept nowhere';
CREATE INDEX web_session_operator ON web_session (operator_id) WHERE operator_id IS NOT NULL;
CREATE INDEX web_session_account ON web_session (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX web_session_expires ON web_session (expires_at);

CREATE TABLE login_token (
    token_hash   bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    account_id   bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    session_hash bytea NOT NULL REFERENCES web_session ON DELETE CASCADE,
    expires_at   timestamptz NOT NULL
);
COMMENT ON TABLE login_token IS 'Good as a password of its account at imapd and submission until it expires or the session ends';
CREATE INDEX login_token_session ON login_token (session_hash);
CREATE INDEX login_token_account ON login_token (account_id);

CREATE TABLE login_failure (
    at      timestamptz NOT NULL DEFAULT now(),
    login   text NOT NULL,
    address inet
);
COMMENT ON TABLE login_failure IS 'Failed logins of the browser, for throttling; swept after a day';
CREATE INDEX login_failure_login ON login_failure (login, at);
CREATE INDEX login_failure_address ON login_failure (address, at);

-- Who did what. Written by triggers, so that no program can forget it; never changed.
CREATE TABLE audit (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    tenant_id   bigint,
    actor       text NOT NULL,
    address     inet,
    action      text NOT NULL,
    object_kind text NOT NULL,
    object_id   bigint,
    object_name text NOT NULL DEFAULT '',
    detail      jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN audit.detail IS 'changed columns: {"column": [old, new]}; secrets only as "(hidden)"';
CREATE INDEX audit_tenant_at ON audit (tenant_id, at DESC, id DESC);
CREATE INDEX audit_at ON audit (at DESC, id DESC);

-- What a provider allowed a tenant, and a reseller a domain. Counted under a lock on the parent's row, so that two at once
-- can't both take the last place.
CREATE FUNCTION domain_limit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE allowed integer;
BEGIN
    SELECT max_domains INTO allowed FROM tenant WHERE id = NEW.tenant_id FOR NO KEY UPDATE;
    IF allowed IS NOT NULL AND (SELECT count(*) FROM domain WHERE tenant_id = NEW.tenant_id) >= allowed THEN
        RAISE EXCEPTION 'this reseller may have % domains and has them', allowed USING ERRCODE = 'check_violation', CONSTRAINT = 'domain_limit';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER domain_limit BEFORE INSERT ON domain FOR EACH ROW EXECUTE FUNCTION domain_limit();

CREATE FUNCTION account_limit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE allowed integer;
BEGIN
    SELECT max_accounts INTO allowed FROM domain WHERE id = NEW.domain_id FOR NO KEY UPDATE;
    IF allowed IS NOT NULL AND (SELECT count(*) FROM account WHERE domain_id = NEW.domain_id) >= allowed THEN
        RAISE EXCEPTION 'this domain may have % mailboxes and has them', allowed USING ERRCODE = 'check_violation', CONSTRAINT = 'account_limit';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER account_limit BEFORE INSERT ON account FOR EACH ROW EXECUTE FUNCTION account_limit();

-- Lists are read in bytewise order from a key on (web/admin/list.h).
CREATE INDEX domain_name_c ON domain (name COLLATE "C");
CREATE INDEX domain_tenant_name_c ON domain (tenant_id, name COLLATE "C");
CREATE INDEX account_local_c ON account (local_part COLLATE "C", id);
CREATE INDEX account_tenant_local_c ON account (tenant_id, local_part COLLATE "C", id);
CREATE INDEX account_domain_local_c ON account (domain_id, local_part COLLATE "C", id);
CREATE INDEX alias_domain_local_c ON alias (domain_id, local_part COLLATE "C");
CREATE INDEX operator_login_c ON operator (login COLLATE "C");
