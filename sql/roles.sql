-- The database roles, made once by a superuser (make start does it for a private instance, INSTALL for production).
-- mansio_owner owns the schema and is used by `mansio migrate` and the command line only; each daemon has a role that
-- can do its own job and nothing else (the grants are in the migrations). Passwords are set by the installer.
DO $$
DECLARE role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['mansio_owner', 'mansio_mta', 'mansio_imapd', 'mansio_web', 'mansio_dns'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', role_name);
        END IF;
    END LOOP;
END $$;
