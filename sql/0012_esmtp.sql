-- What extensions of SMTP say about a message, kept until it has gone on: DSN (RFC 3461), BINARYMIME (RFC 3030),
-- REQUIRETLS (RFC 8689), FUTURERELEASE (RFC 4865).

ALTER TABLE queue_message
    ADD COLUMN body_binary boolean NOT NULL DEFAULT false,
    ADD COLUMN require_tls boolean NOT NULL DEFAULT false,
    ADD COLUMN release_at  timestamptz;
COMMENT ON COLUMN queue_message.smtputf8 IS 'its header needs a server with SMTPUTF8; addresses speak for themselves';
COMMENT ON COLUMN queue_message.body_binary IS 'lines of its body may be of any form: BODY=BINARYMIME';
COMMENT ON COLUMN queue_message.require_tls IS 'goes on over verified TLS only, to servers that promise the same';
COMMENT ON COLUMN queue_message.release_at IS 'the sender wants it to be kept until then';

ALTER TABLE queue_recipient ADD COLUMN orcpt text;
COMMENT ON COLUMN queue_recipient.orcpt IS 'ORCPT as the sender gave it, decoded: "rfc822;local@domain"';
COMMENT ON COLUMN queue_recipient.next_hop IS 'domain or host by which recipients share a connection; "local:" for an address here that is delivered later';

INSERT INTO setting (name, value, comment) VALUES
    ('mta.normalise_clients', '', 'Networks (192.0.2.0/24 2001:db8::/32 ...) of old clients whose messages have line ends that are not CR LF: these are mended; from all others such messages are refused'),
    ('mta.require_tls', '', 'Services that take nothing without TLS: any of smtp, submission, lmtp'),
    ('mta.future_release', '30d', 'How long a user may have a message kept before it goes out (HOLDFOR, HOLDUNTIL); 0: not at all');
