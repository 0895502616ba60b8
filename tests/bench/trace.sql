-- Fills the message trace with ten million rows of thirty days: 1,000 domains of 50 tenants with 100 mailboxes each; two thirds
-- delivered, a sixth refused, a sixth sent elsewhere, with an event of the queue each. For a database of its own, migrated and
-- empty, as its owner; takes some minutes and 6 GB. docs/performance.md has what searches cost then.
\set ON_ERROR_STOP on
INSERT INTO tenant (name) SELECT 'tenant ' || i FROM generate_series(1, 50) i;
INSERT INTO domain (tenant_id, name, display) SELECT t.id, 'd' || t.id || '-' || i || '.example', 'd' FROM tenant t, generate_series(1, 20) i;

DO $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day   date;
BEGIN
    FOR day IN SELECT generate_series(today - 29, today - 2, interval '1 day')::date LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF trace FOR VALUES FROM (%s) TO (%s)', 'trace_' || to_char(day, 'YYYYMMDD'),
                       trace_id(day::timestamp AT TIME ZONE 'UTC'), trace_id((day + 1)::timestamp AT TIME ZONE 'UTC'));
        EXECUTE format('CREATE TABLE %I PARTITION OF trace_event FOR VALUES FROM (%s) TO (%s)', 'trace_event_' || to_char(day, 'YYYYMMDD'),
                       trace_id(day::timestamp AT TIME ZONE 'UTC'), trace_id((day + 1)::timestamp AT TIME ZONE 'UTC'));
    END LOOP;
END $$;
-- Indexes are made afterwards, which is quicker.
CREATE TEMP TABLE made AS SELECT indexdef FROM pg_indexes WHERE tablename = 'trace' AND indexname <> 'trace_pkey';
SELECT format('DROP INDEX %I', indexname) FROM pg_indexes WHERE tablename = 'trace' AND indexname <> 'trace_pkey' \gexec

CREATE TEMP TABLE place AS SELECT row_number() OVER () AS k, id, tenant_id, name FROM domain;
CREATE UNIQUE INDEX ON place (k);
ANALYZE place;
INSERT INTO trace (id, n, service, client, helo, tls, login, sender, message_id, size, recipient, tenant_id, domain_id, sender_tenant_id,
                   sender_domain_id, stage, outcome, rule, reply, host, mailbox, attempts, notes)
SELECT (trace_id((current_date - 29)::timestamptz) + i * ((trace_id((current_date + 1)::timestamptz) - trace_id((current_date - 29)::timestamptz)) / 10000001)),
       0, CASE WHEN kind = 5 THEN 'submission' ELSE 'smtp' END, ('10.' || i % 7 || '.' || i % 251 || '.' || i % 241)::inet,
       'mail' || i % 9973 || '.example.org', 'TLSv1.3 TLS_AES_256_GCM_SHA384', CASE WHEN kind = 5 THEN u || '@' || p.name END,
       CASE WHEN kind = 5 THEN u || '@' || p.name ELSE 's' || hashint8(i) % 300000 || '@m' || i % 9973 || '.example.org' END,
       CASE WHEN kind <> 4 THEN i || '.' || hashint8(i) || '@m' || i % 9973 || '.example.org' END, CASE WHEN kind <> 4 THEN 4000 + i % 60000 END,
       CASE WHEN kind = 5 THEN 'r' || hashint8(i) % 300000 || '@m' || i % 9973 || '.example.org' ELSE u || '@' || p.name END,
       CASE WHEN kind <> 5 THEN p.tenant_id END, CASE WHEN kind <> 5 THEN p.id END,
       CASE WHEN kind = 5 THEN p.tenant_id END, CASE WHEN kind = 5 THEN p.id END,
       CASE WHEN kind = 4 THEN 'rcpt' ELSE 'message' END,
       CASE WHEN kind = 4 THEN 'refused' WHEN kind = 5 AND i % 997 = 0 THEN 'bounced' WHEN kind = 5 THEN 'relayed' ELSE 'delivered' END,
       CASE WHEN kind = 4 THEN 'dnsbl' END, CASE WHEN kind = 4 THEN '554 5.7.1 Refused by dnsbl: listed at zen.example' WHEN kind = 5 THEN '250 2.0.0 Ok: queued as ABCDEF' END,
       CASE WHEN kind = 5 THEN 'mx.m' || i % 9973 || '.example.org[192.0.2.1]' END, CASE WHEN kind < 4 THEN 'INBOX' END, CASE WHEN kind = 5 THEN 1 ELSE 0 END,
       '[[1795260724000000,"helo","pass","mail.example.org is a host name and has an address"],[1795260724000000,"spf","pass","192.0.2.1 may send for example.org"]]'
  FROM generate_series(1, 10000000) i,
       LATERAL (SELECT i % 6 AS kind, 'u' || abs(hashint8(i * 7)) % 100 AS u, 1 + abs(hashint8(i * 3)) % 1000 AS place_k) x
  JOIN place p ON p.k = place_k;
INSERT INTO trace_event (id, at, address, outcome, attempt, host, tls, reply)
SELECT id, trace_time(id), recipient, outcome, 1, host, tls, reply FROM trace WHERE sender_tenant_id IS NOT NULL;
SELECT replace(indexdef, ' ON ONLY ', ' ON ') FROM made \gexec
ANALYZE trace, trace_event;
SELECT count(*), pg_size_pretty(sum(pg_total_relation_size(inhrelid))) FROM pg_inherits WHERE inhparent = 'trace'::regclass;
