-- What administrators attach to the receiving of mail: milters, policy servers, rspamd, clamd (lib/filter/filter.h). None at first.

CREATE TYPE filter_kind AS ENUM ('milter', 'policy', 'rspamd', 'clamd');
CREATE TYPE filter_mode AS ENUM ('off', 'warn', 'enforce');
CREATE TYPE filter_failure AS ENUM ('tempfail', 'accept');
CREATE TYPE filter_found AS ENUM ('junk', 'reject', 'tag');

CREATE TABLE filter (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,39}$'),
    kind            filter_kind NOT NULL,
    endpoint        text NOT NULL CHECK (endpoint <> ''),
    place           integer NOT NULL DEFAULT 10 CHECK (place BETWEEN 0 AND 1000),
    mode            filter_mode NOT NULL DEFAULT 'enforce',
    on_failure      filter_failure NOT NULL DEFAULT 'tempfail',
    services        text[] NOT NULL DEFAULT '{relay}' CHECK (services <@ '{relay,submission,lmtp,pickup}' AND services <> '{}'),
    connect_timeout integer NOT NULL DEFAULT 10 CHECK (connect_timeout BETWEEN 1 AND 3600),
    command_timeout integer NOT NULL DEFAULT 30 CHECK (command_timeout BETWEEN 1 AND 3600),
    content_timeout integer NOT NULL DEFAULT 300 CHECK (content_timeout BETWEEN 1 AND 3600),
    max_size        bigint CHECK (max_size > 0),
    found           filter_found NOT NULL DEFAULT 'junk',
    stages          text[] NOT NULL DEFAULT '{rcpt}' CHECK (stages <@ '{rcpt,data,message}' AND stages <> '{}'),
    context         text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN filter.endpoint IS 'inet:host:port or unix:/path; for rspamd one or more URLs, separated by blanks';
COMMENT ON COLUMN filter.place IS 'they are asked in this order, then by name';
COMMENT ON COLUMN filter.mode IS 'warn: asked, and what it says is only told in the log and the message trace';
COMMENT ON COLUMN filter.on_failure IS 'where it can''t be asked: the mail comes again later, or is taken without it';
COMMENT ON COLUMN filter.services IS 'on which ports it is asked';
COMMENT ON COLUMN filter.connect_timeout IS 'seconds; likewise command_timeout for answers before the message, content_timeout for those to it';
COMMENT ON COLUMN filter.max_size IS 'bytes; larger messages are taken without it';
COMMENT ON COLUMN filter.found IS 'what becomes of spam that rspamd marks, and of what clamd finds';
COMMENT ON COLUMN filter.stages IS 'when a policy server is asked';
COMMENT ON COLUMN filter.context IS 'policy_context that a policy server is told';

GRANT SELECT ON filter TO mansio_mta;
GRANT SELECT, INSERT, DELETE ON filter TO mansio_web;
GRANT UPDATE (name, kind, endpoint, place, mode, on_failure, services, connect_timeout, command_timeout, content_timeout, max_size, found,
              stages, context) ON filter TO mansio_web;

ALTER TABLE filter ENABLE ROW LEVEL SECURITY;
CREATE POLICY daemons ON filter TO mansio_mta USING (true);
CREATE POLICY provider ON filter TO mansio_web
    USING ((SELECT actor_role()) = 'provider') WITH CHECK ((SELECT actor_role()) = 'provider');

CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON filter FOR EACH ROW EXECUTE FUNCTION audit_row();
CREATE TRIGGER notify_directory AFTER INSERT OR UPDATE OR DELETE ON filter FOR EACH STATEMENT EXECUTE FUNCTION notify_directory();
