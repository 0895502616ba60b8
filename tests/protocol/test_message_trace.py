"""The message trace: what the MTA tells of each message and each refused attempt, who may see it, and how long it stays."""

import json
import re
import socket
import unittest

import harness

TIME = "timestamptz '2020-01-01 00:00:00+00'"


def later(verb, line):
    return "451 4.7.1 later" if verb == "RCPT" else None


class Trace(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def rows(self, *args):
        return json.loads(self.mansio.command("trace", *args, "--json"))

    def wait(self, *args, count=1):
        def look():
            rows = self.rows(*args)
            return rows if len(rows) >= count else None

        return harness.eventually(look, 10, f"{count} rows of the trace for {args}")

    def message(self, identity, outcome=None):
        def look():
            shown = self.rows(identity)
            return shown if outcome is None or any(r["outcome"] == outcome for r in shown["recipients"]) else None

        return harness.eventually(look, 20, f"message {identity} {outcome or ''} in the trace")

    # ---- what is told ----

    def test_a_delivered_message_is_traced_with_all_that_is_known_of_it(self):
        sender = f"Bob.{self.domain}@outside.test"
        self.mansio.send(sender, self.livia.address, raw=f"From: {sender}\r\nMessage-ID: <one.{self.domain}@outside.test>\r\n\r\nSalve\r\n")
        row = self.wait(self.livia.address)[0]
        self.assertEqual((row["sender"], row["recipient"], row["outcome"]), (sender.lower(), self.livia.address, "delivered"))
        shown = self.message(row["id"])
        self.assertEqual(shown["message_id"], f"<one.{self.domain}@outside.test>")
        self.assertEqual((shown["service"], shown["client"], shown["stage"]), ("smtp", "127.0.0.1", "message"))
        self.assertGreater(shown["size"], 50)
        self.assertEqual(shown["recipients"][0]["mailbox"], "INBOX")

    def test_a_message_is_found_by_sender_client_message_id_and_domain_in_any_case(self):
        sender = f"finder.{self.domain}@outside.test"
        self.mansio.send(sender, self.livia.address, raw=f"Message-ID: <two.{self.domain}@outside.test>\r\n\r\nSalve\r\n")
        wanted = self.wait(self.livia.address)[0]["id"]
        for key in (sender, sender.upper(), f"<two.{self.domain}@outside.test>", self.domain):
            self.assertEqual([row["id"] for row in self.rows(key)], [wanted], key)
        self.assertIn(wanted, [row["id"] for row in self.rows("127.0.0.1", "--limit", "1000")])
        self.assertEqual(self.rows(self.livia.address, "--since", "2020-01-01", "--outcome", "refused"), [])
        self.assertEqual(len(self.rows(self.livia.address, "--since", "10m")), 1)

    def test_nothing_of_the_text_or_subject_is_kept(self):
        self.mansio.send("bob@outside.test", self.livia.address, subject="Secret subject", body="Secret text\r\n")
        identity = self.wait(self.livia.address)[0]["id"]
        number = self.mansio.sql(f"SELECT to_json(t)::text FROM trace t WHERE recipient = '{self.livia.address}'")[0]
        self.assertNotIn("Secret", number + json.dumps(self.message(identity)))

    def test_an_unknown_recipient_is_traced_with_the_reply(self):
        with self.mansio.smtp() as smtp:
            smtp.helo("client.outside.test")
            smtp.mail("bob@outside.test")
            code, reply = smtp.rcpt(f"Nobody@{self.domain}")
        self.assertEqual(code, 550)
        row = self.wait(f"nobody@{self.domain}")[0]
        self.assertEqual((row["outcome"], row["sender"]), ("refused", "bob@outside.test"))
        self.assertEqual(row["reply"], f"550 {reply.decode()}")
        self.assertEqual(self.message(row["id"])["helo"], "client.outside.test")

    def test_a_sender_that_is_not_the_users_is_traced(self):
        with self.mansio.submission(self.livia) as smtp:
            code, _ = smtp.mail(f"other@{self.domain}")
        self.assertEqual(code, 553)
        row = self.wait(f"other@{self.domain}")[0]
        shown = self.message(row["id"])
        self.assertEqual((row["outcome"], shown["stage"], shown["login"]), ("refused", "mail", self.livia.address))
        self.assertRegex(shown["tls"], "^TLSv1")

    def test_a_message_that_is_refused_behind_its_end_is_traced_for_each_recipient(self):
        other = self.mansio.new_account(self.domain)
        with self.mansio.smtp() as smtp:
            smtp.ehlo("client.outside.test")
            smtp.mail("bob@outside.test")
            smtp.rcpt(self.livia.address)
            smtp.rcpt(other.address)
            smtp.putcmd("DATA")
            smtp.getreply()
            smtp.send(b"Subject: x\r\n\r\na\nb\r\n.\r\n")
            code, _ = smtp.getreply()
        self.assertEqual(code, 550)
        first, second = self.wait(self.livia.address)[0], self.wait(other.address)[0]
        self.assertEqual((first["id"], first["outcome"]), (second["id"], "refused"))
        self.assertIn("5.6.11", first["reply"])

    def test_a_message_whose_connection_ends_within_the_data_is_traced(self):
        with self.mansio.smtp() as smtp:
            smtp.ehlo("client.outside.test")
            smtp.mail("bob@outside.test")
            smtp.rcpt(self.livia.address)
            smtp.putcmd("DATA")
            smtp.getreply()
            smtp.send(b"Subject: half\r\n")
            smtp.close()
        self.assertEqual(self.wait(self.livia.address)[0]["outcome"], "lost")

    def test_mistakes_in_the_protocol_are_no_attempts(self):
        with self.mansio.smtp() as smtp:
            smtp.ehlo("client.outside.test")
            smtp.docmd("RCPT", f"TO:<{self.livia.address}>")
            smtp.docmd("MAIL", f"FROM:{self.livia.address}>")
            smtp.docmd("MAIL", f"FROM:<mark@{self.domain}>")
            smtp.docmd("RCPT", f"TO:{self.livia.address}>")
            smtp.docmd("RCPT", f"TO:<nobody@{self.domain}>")
        self.wait(f"nobody@{self.domain}")
        self.assertEqual(self.rows(self.livia.address), [])

    def test_an_alias_is_found_by_its_own_name_and_by_where_it_leads(self):
        self.mansio.command("alias", "set", f"office@{self.domain}", self.livia.address)
        self.mansio.send("bob@outside.test", f"office@{self.domain}")
        row = self.wait(f"office@{self.domain}")[0]
        self.assertEqual((row["recipient"], row["target"]), (f"office@{self.domain}", self.livia.address))
        self.assertEqual(self.rows(self.livia.address)[0]["id"], row["id"])

    def test_bytes_that_are_no_text_do_not_stop_the_trace(self):
        self.mansio.send("bob@outside.test", self.livia.address, raw=b"Message-ID: <\xff\xfe\x01@outside.test>\r\n\r\nSalve\r\n")
        self.assertEqual(self.message(self.wait(self.livia.address)[0]["id"])["message_id"], "<???@outside.test>")

    # ---- elsewhere ----

    def test_mail_for_elsewhere_is_followed_until_it_is_there(self):
        kept = []
        with harness.Sink(self.mansio, harness.converse(kept)) as sink:
            far = f"far-{self.domain}".replace(".example", ".test")
            self.mansio.outside_zone(far, [f"@ MX 10 mx", f"mx A {sink.address}"])
            self.mansio.submit(self.livia, f"Bob@{far}")
            row = self.wait(f"bob@{far}", "--outcome", "relayed")[0]
        shown = self.message(row["id"], "relayed")
        self.assertEqual((shown["service"], shown["login"]), ("submission", self.livia.address))
        self.assertEqual([event["outcome"] for event in shown["events"]], ["relayed"])
        self.assertIn(f"mx.{far}[{sink.address}]", shown["events"][0]["host"])
        self.assertRegex(shown["events"][0]["reply"], "^250|Ok|taken")

    def test_a_deferred_and_then_bounced_message_shows_each_attempt(self):
        with harness.Sink(self.mansio, harness.converse([], answer=later)) as sink:
            far = f"later-{self.domain}".replace(".example", ".test")
            self.mansio.outside_zone(far, [f"@ MX 10 mx", f"mx A {sink.address}"])
            self.mansio.submit(self.livia, f"bob@{far}")
            row = self.wait(f"bob@{far}", "--outcome", "deferred")[0]
            self.assertIn("4.7.1 later", row["reply"])
            self.mansio.sql(f"UPDATE queue_message SET expires_at = now() WHERE id = (SELECT id FROM trace WHERE recipient = 'bob@{far}')")
            self.mansio.command("queue", "retry", "--search", far)
            shown = self.message(row["id"], "bounced")
        self.assertEqual([event["outcome"] for event in shown["events"]], ["deferred", "bounced"])
        self.assertEqual([event["attempt"] for event in shown["events"]], [1, 2])
        told = self.wait(self.livia.address, "--outcome", "delivered")[0]
        self.assertEqual(self.message(told["id"])["service"], "notification")

    def test_what_an_operator_takes_out_of_the_queue_is_traced(self):
        with harness.Sink(self.mansio, harness.converse([], answer=later)) as sink:
            far = f"gone-{self.domain}".replace(".example", ".test")
            self.mansio.outside_zone(far, [f"@ MX 10 mx", f"mx A {sink.address}"])
            self.mansio.submit(self.livia, f"bob@{far}")
            self.wait(f"bob@{far}", "--outcome", "deferred")
            self.mansio.command("queue", "remove", "--search", far, "--yes")
        row = self.wait(f"bob@{far}", "--outcome", "removed")[0]
        self.assertIn("taken out of the queue by", row["reply"])

    # ---- who sees what ----

    def seen_by(self, role, tenant, where, grant=None):
        operator = self.mansio.new_operator(role, tenant)
        if grant:
            self.mansio.command("operator", "grant", operator.address, grant)
        number = self.mansio.sql(f"SELECT id FROM operator WHERE login = '{operator.address}'")[0]
        self.mansio.sql("INSERT INTO web_session (token_hash, operator_id, csrf, expires_at)"
                        f" VALUES (sha256('{operator.address}'), {number}, 'x', now() + interval '1 hour')")  # fmt: skip
        rows = self.mansio.sql(
            f"BEGIN; SELECT 'actor' FROM actor_begin(sha256('{operator.address}')); SELECT 'row', coalesce(recipient, ''), coalesce(client, '-')"
            f" FROM trace_search({where}) t;"
            " SELECT 'direct', recipient, '' FROM trace; SELECT 'event', address FROM trace_event; ROLLBACK", role="mansio_web")  # fmt: skip
        return [row.split("|") for row in rows if "|" in row]

    def test_a_tenant_sees_its_own_recipients_and_senders_and_nothing_else(self):
        mine, others = self.mansio.new_tenant(), self.mansio.new_tenant()
        here, there = self.mansio.new_domain(mine), self.mansio.new_domain(others)
        second = self.mansio.new_domain(mine)
        livia, marcus, julia = self.mansio.new_account(here), self.mansio.new_account(there), self.mansio.new_account(second)
        sender = f"bob.{here}@outside.test"
        self.mansio.send(sender, [livia.address, marcus.address, julia.address])
        self.mansio.submit(livia, marcus.address)
        self.wait(marcus.address, count=2)
        self.wait(livia.address, count=2)
        everything = "'{}', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, 51"
        for role in ("reseller", "helpdesk"):
            rows = self.seen_by(role, mine, everything.format(sender))
            self.assertEqual(sorted(row[1] for row in rows if row[0] == "row"), sorted([livia.address, julia.address]), role)
            rows = self.seen_by(role, mine, everything.format(""))
            self.assertEqual(sorted(row[1] for row in rows if row[0] == "row"),
                             sorted([livia.address, julia.address, marcus.address]), role)  # fmt: skip
        rows = self.seen_by("domain", mine, everything.format(""), grant=here)
        self.assertEqual(sorted(row[1] for row in rows if row[0] == "row"), sorted([livia.address, marcus.address]))
        rows = self.seen_by("domain", mine, everything.format(""), grant=second)
        self.assertEqual([row[1] for row in rows if row[0] == "row"], [julia.address])
        self.assertEqual([row[1] for row in rows if row[0] == "direct"], [julia.address])
        self.assertNotIn("event", [row[0] for row in rows])

    def test_where_a_user_sends_from_is_hidden_from_other_tenants(self):
        mine, others = self.mansio.new_tenant(), self.mansio.new_tenant()
        livia, marcus = self.mansio.new_account(self.mansio.new_domain(mine)), self.mansio.new_account(self.mansio.new_domain(others))
        self.mansio.submit(livia, marcus.address)
        self.wait(marcus.address)
        search = f"'{marcus.address}', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, 51"
        client = f"'{marcus.address}', '', '127.0.0.1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true, 51"
        rows = lambda found: [row[2] for row in found if row[0] == "row"]
        self.assertEqual(rows(self.seen_by("reseller", mine, search)), ["127.0.0.1"])
        self.assertEqual(rows(self.seen_by("reseller", others, search)), ["-"])
        self.assertEqual(rows(self.seen_by("reseller", mine, client)), ["127.0.0.1"])
        self.assertEqual(rows(self.seen_by("reseller", others, client)), [])


class Upkeep(unittest.TestCase):
    """What needs an instance of its own: days pass, and PostgreSQL goes away."""

    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.domain = cls.mansio.new_domain()
        cls.addClassCleanup(cls.mansio.remove)

    def days(self, table):
        return self.mansio.sql(f"SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
                               f" WHERE i.inhparent = '{table}'::regclass ORDER BY 1")  # fmt: skip

    def traced(self, address):
        return json.loads(self.mansio.command("trace", address, "--json"))

    def test_days_are_made_ahead_and_dropped_after_the_setting(self):
        today = self.mansio.sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')")[0]
        for table in ("trace", "trace_event"):
            self.assertIn(today, self.days(table))
            self.assertGreaterEqual(len([day for day in self.days(table) if day > today]), 7)
        self.mansio.sql("""DO $$ DECLARE day date; name text; BEGIN
            FOR day IN SELECT generate_series((now() AT TIME ZONE 'UTC')::date - 40, (now() AT TIME ZONE 'UTC')::date - 2, interval '1 day')::date LOOP
                FOREACH name IN ARRAY ARRAY['trace', 'trace_event'] LOOP
                    EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)', name || '_' || to_char(day, 'YYYYMMDD'), name,
                                   trace_id(day::timestamp AT TIME ZONE 'UTC'), trace_id((day + 1)::timestamp AT TIME ZONE 'UTC'));
                END LOOP;
            END LOOP; END $$""")  # fmt: skip
        self.mansio.sql("SELECT trace_maintain(30)", role="mansio_mta")
        first = self.mansio.sql("SELECT to_char((now() AT TIME ZONE 'UTC')::date - 30, 'YYYYMMDD')")[0]
        for table in ("trace", "trace_event"):
            self.assertEqual(self.days(table)[0], first)
        self.mansio.command("setting", "set", "trace.days", "3")
        self.mansio.restart("mta")
        self.mansio.wait_until_ready("mta")
        livia = self.mansio.new_account(self.domain)
        self.mansio.send("bob@outside.test", livia.address)
        harness.eventually(lambda: self.traced(livia.address), 10, "the trace after the restart")
        self.assertEqual(self.days("trace")[0], self.mansio.sql("SELECT to_char((now() AT TIME ZONE 'UTC')::date - 3, 'YYYYMMDD')")[0])

    def test_an_event_of_a_message_older_than_the_trace_harms_nothing(self):
        livia = self.mansio.new_account(self.domain)
        self.mansio.outside_zone("unreachable.test", ["@ A 127.0.0.99"])
        self.mansio.submit(livia, "bob@unreachable.test")
        harness.eventually(lambda: self.mansio.sql("SELECT 1 FROM queue_recipient WHERE address = 'bob@unreachable.test' AND attempts > 0"), 15, "the first attempt")
        self.mansio.sql("BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO queue_message SELECT trace_id(now() - interval '100 days'), blob, size, prefix, sender,"
                        " tenant_id, account_id, source, smtputf8, body_8bit, envid, ret, received_at, expires_at FROM queue_message WHERE id ="
                        " (SELECT message_id FROM queue_recipient WHERE address = 'bob@unreachable.test'); UPDATE queue_recipient SET"
                        " message_id = trace_id(now() - interval '100 days') WHERE address = 'bob@unreachable.test'; COMMIT")  # fmt: skip
        self.mansio.command("queue", "retry", "--all")
        harness.eventually(lambda: self.mansio.sql("SELECT 1 FROM queue_recipient WHERE address = 'bob@unreachable.test' AND attempts > 1"), 15, "the next attempt")
        self.mansio.send("bob@outside.test", livia.address)
        harness.eventually(lambda: [row for row in self.traced(livia.address) if row["recipient"] == livia.address], 10, "the trace goes on")
        self.mansio.command("queue", "remove", "--all", "--yes")

    def test_the_trace_waits_while_postgres_is_away_and_goes_on(self):
        livia = self.mansio.new_account(self.domain)
        self.mansio.send("bob@outside.test", livia.address)
        harness.eventually(lambda: self.traced(livia.address), 10, "the first message")
        with self.mansio.smtp() as smtp:
            smtp.ehlo("client.outside.test")
            smtp.mail("early@outside.test")
            self.mansio.pause("postgres")
            try:
                # refused without the database: the directory can't be asked about an address it has never seen
                code, _ = smtp.rcpt(f"unseen@{self.domain}")
                self.assertEqual(code, 451)
            finally:
                self.mansio.resume("postgres")
        row = harness.eventually(lambda: self.traced(f"unseen@{self.domain}"), 30, "what was refused meanwhile")[0]
        self.assertEqual(row["outcome"], "refused")
        self.assertTrue(row["reply"].startswith("451"))

    def metric(self, sample):
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(20)
            raw.connect(f"{self.mansio.instance.place.run}/mta-metrics.sock")
            raw.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            body = b"".join(iter(lambda: raw.recv(65536), b"")).decode()
        return float(re.search(rf"^{re.escape(sample)} (\S+)$", body, re.M)[1])

    def test_what_waits_for_postgres_is_bounded_and_drops_are_counted(self):
        with self.mansio.smtp() as smtp:
            smtp.ehlo("client.outside.test")
            self.mansio.pause("postgres")
            try:
                for _ in range(400):
                    smtp.sock.sendall(b"MAIL FROM:<many@outside.test> SIZE=99999999999\r\n" * 100)
                    for _ in range(100):
                        self.assertEqual(smtp.getreply()[0], 552)
            finally:
                self.mansio.resume("postgres")
        dropped = self.metric('mansio_trace_rows_total{result="dropped"}')
        self.assertTrue(5000 < dropped < 36000, dropped)
        harness.eventually(lambda: self.metric("mansio_trace_rows_waiting") == 0, 30, "the rest is written")
        self.assertEqual(int(self.mansio.sql("SELECT count(*) FROM trace WHERE sender = 'many@outside.test'")[0]) + dropped, 40000)
        harness.eventually(lambda: "rows dropped so far" in self.mansio.log("mta"), 10, "a warning")
        livia = self.mansio.new_account(self.domain)
        self.mansio.send("bob@outside.test", livia.address)
        harness.eventually(lambda: self.traced(livia.address), 10, "the trace goes on")

    def test_nothing_is_traced_where_the_setting_says_so(self):
        self.addCleanup(self.mansio.command, "setting", "set", "trace.days", "30")
        marcus = self.mansio.new_account(self.domain)

        def again():
            self.mansio.send("bob@outside.test", marcus.address)
            return self.traced(marcus.address)

        def untraced():
            livia = self.mansio.new_account(self.domain)
            self.mansio.command("setting", "set", "trace.days", "0")
            self.mansio.send("bob@outside.test", livia.address)
            self.mansio.wait_for_mail(livia)
            self.mansio.command("setting", "set", "trace.days", "30")
            harness.eventually(again, 15, "the trace after it was switched on")
            return self.traced(livia.address) == []

        # word of the setting may take a moment to reach the MTA
        harness.eventually(untraced, 30, "a message that is not traced")


if __name__ == "__main__":
    unittest.main()
