-- UIDVALIDITY (RFC 9051 section 2.3.1.1): a name that is deleted and comes back, even within the same second, has a greater one.
-- One sequence for all mailboxes never gives a value twice; it begins where the seconds since 1970 stand, above what a server
-- that was here before may have given.

CREATE SEQUENCE mailbox_uidvalidity AS bigint MAXVALUE 4294967295;
SELECT setval('mailbox_uidvalidity', greatest(extract(epoch FROM now())::bigint, (SELECT max(uidvalidity) FROM mailbox)));
ALTER TABLE mailbox ALTER COLUMN uidvalidity SET DEFAULT nextval('mailbox_uidvalidity');
GRANT USAGE ON SEQUENCE mailbox_uidvalidity TO mansio_mta, mansio_imapd;
