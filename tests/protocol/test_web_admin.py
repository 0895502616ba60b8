"""What the administration's forms do: domains, mailboxes, aliases, DNS, resellers, operators, settings, the queue, the audit log."""

import re
import unittest
import urllib.parse

import harness


class Administration(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.web = harness.Web(self.mansio)
        self.operator = self.mansio.new_operator("reseller", self.tenant)
        self.web.log_in(self.operator)

    def one(self, sql):
        return self.mansio.sql(sql)[0]

    def done(self, reply):
        """The page that a form led to, with its message."""
        self.assertEqual(reply.status, 303, reply.words())
        page = self.web.follow(reply)
        while page.status == 303:
            page = self.web.follow(page)
        self.assertEqual(page.status, 200, reply.location)
        return page

    def refused(self, reply, field, sentence):
        """The form again, with the sentence at the field (or above the form)."""
        self.assertEqual(reply.status, 422, reply.words())
        self.assertIn(sentence, reply.words())
        if field:
            self.assertRegex(reply.text, rf'id="{field}"[^>]*aria-invalid="true"')
            self.assertRegex(reply.text, rf'id="{field}"[^>]*aria-describedby="[^"]*{field}-problem')
            self.assertIn(f'id="{field}-problem"', reply.text)

    def new_domain(self):
        name = self.mansio.new_domain(self.tenant)
        return name, int(self.one(f"SELECT id FROM domain WHERE name = '{name}'"))

    # ---- domains ----

    def test_a_domain_is_added_with_its_zone(self):
        name = harness.unique("w") + ".example"
        page = self.done(self.web.post("/domains/new", {"name": name.upper(), "kind": "hosted"}))
        self.assertIn(name, page.words())
        self.assertEqual(self.one(f"SELECT count(*) FROM zone WHERE name = '{name}'"), "1")

    def test_an_international_name_is_kept_in_both_forms(self):
        label = harness.unique("bücher")
        page = self.done(self.web.post("/domains/new", {"name": f"{label}.example", "kind": "hosted"}))
        self.assertIn(f"{label}.example", page.words())
        self.assertIn("xn--", page.words())

    def test_alias_and_relay_domains(self):
        name, _ = self.new_domain()
        page = self.done(self.web.post("/domains/new", {"name": harness.unique("a") + ".example", "kind": "alias", "stands_for": name}))
        self.assertIn(f"stands for {name}", page.words())
        form = {"name": harness.unique("r") + ".example", "kind": "relay", "relay_host": "[192.0.2.1]:2525"}
        self.assertIn("relayed to [192.0.2.1]:2525", self.done(self.web.post("/domains/new", form)).words())

    def test_wrong_domains_are_refused_at_their_field(self):
        name, _ = self.new_domain()
        for typed, sentence in (("", ""), ("no dots", ""), ("a..b.example", ""), ("x" * 64 + ".example", ""), ("-x.example", "")):
            self.refused(self.web.post("/domains/new", {"name": typed, "kind": "hosted"}), "name", sentence)
        self.refused(self.web.post("/domains/new", {"name": name, "kind": "hosted"}), None, f"{name} is already hosted here")
        form = {"name": harness.unique("z") + ".example", "kind": "alias", "stands_for": ""}
        self.refused(self.web.post("/domains/new", form), None, "Which domain does the alias stand for?")

    def test_what_was_typed_is_still_there_after_a_mistake(self):
        reply = self.web.post("/domains/new", {"name": "no dots", "kind": "relay", "relay_host": "mx.example.com"})
        self.assertIn('value="no dots"', reply.text)
        self.assertIn('value="mx.example.com"', reply.text)
        self.assertRegex(reply.text, r'value="relay" checked')

    def test_a_domain_is_deleted_only_when_its_name_is_typed(self):
        name, number = self.new_domain()
        self.mansio.new_account(name)
        page = self.web.get(f"/domains/{number}/delete").words()
        self.assertIn("Mailboxes with all their mail: 1", page)
        reply = self.web.post(f"/domains/{number}/delete", {"typed": "something"})
        self.assertEqual(reply.status, 422)
        self.assertIn("nothing was deleted", reply.words())
        self.done(self.web.post(f"/domains/{number}/delete", {"typed": name}))
        self.assertEqual(self.mansio.sql(f"SELECT id FROM domain WHERE id = {number}"), [])

    def test_a_domain_switched_off_lets_nobody_in(self):
        name, number = self.new_domain()
        account = self.mansio.new_account(name)
        self.done(self.web.post(f"/domains/{number}/settings", {"limit": ""}))
        self.assertEqual(harness.Web(self.mansio).log_in(account).status, 403)
        self.done(self.web.post(f"/domains/{number}/settings", {"limit": "", "active": "1"}))
        self.assertEqual(harness.Web(self.mansio).log_in(account).status, 303)

    def test_limits_hold(self):
        name, number = self.new_domain()
        self.refused(self.web.post(f"/domains/{number}/settings", {"active": "1", "limit": "many"}), "limit", "Write a number")
        self.done(self.web.post(f"/domains/{number}/settings", {"active": "1", "limit": "1"}))
        self.mansio.new_account(name)
        reply = self.web.post(f"/domains/{number}/mailboxes/new", {"local": "second", "how": "made_up"})
        self.assertEqual(reply.status, 422)
        self.assertIn("may have 1 mailboxes", reply.words())

    # ---- mailboxes ----

    def test_a_mailbox_is_made_changed_and_deleted(self):
        name, number = self.new_domain()
        form = {"local": "Livia", "name": "Livia Drusilla", "quota": "1.5 GB", "how": "typed", "password": "correct horse"}
        page = self.done(self.web.post(f"/domains/{number}/mailboxes/new", form))
        self.assertIn(f"livia@{name} Livia Drusilla", page.words())
        self.assertIn("of 1.5 GB", page.words())
        mailbox = self.one(f"SELECT id FROM account WHERE domain_id = {number}")
        page = self.done(self.web.post(f"/mailboxes/{mailbox}", {"name": "Livia", "quota": "", "active": "1"}))
        self.assertIn("Person Livia", page.words())
        self.assertEqual(self.one(f"SELECT coalesce(quota_bytes, -1) FROM account WHERE id = {mailbox}"), "-1")
        self.assertIn("brought back for 14 days", self.web.get(f"/mailboxes/{mailbox}/delete").words())
        self.done(self.web.post(f"/mailboxes/{mailbox}/delete"))
        self.assertEqual(self.mansio.sql(f"SELECT id FROM account WHERE id = {mailbox}"), [])

    def test_a_mailbox_may_hold_so_many_messages(self):
        name, _ = self.new_domain()
        account = self.mansio.new_account(name)
        mailbox = self.one(f"SELECT id FROM account WHERE local_part = '{account.address.split('@')[0]}'")
        form = {"name": "", "quota": "1 GB", "active": "1"}
        page = self.done(self.web.post(f"/mailboxes/{mailbox}", {**form, "quota_messages": "5000"}))
        self.assertIn("0 of 5,000 messages, 0 B of 1 GB", page.words())
        for wrong in ("0", "many", "-1"):
            self.refused(self.web.post(f"/mailboxes/{mailbox}", {**form, "quota_messages": wrong}), "quota_messages", "Write a number")
        page = self.done(self.web.post(f"/mailboxes/{mailbox}", {**form, "quota_messages": ""}))
        self.assertIn("0 messages", page.words())
        self.assertEqual(self.one(f"SELECT coalesce(quota_messages, -1) FROM account WHERE id = {mailbox}"), "-1")

    def test_mailboxes_that_are_nearly_full_are_found(self):
        name, number = self.new_domain()
        full, empty = self.mansio.new_account(name), self.mansio.new_account(name)
        for account in (full, empty):
            self.mansio.command("account", "set", account.address, "--quota-messages", "2")
        with harness.ImapWire(self.mansio, full) as wire:
            harness.eventually(lambda: b"MESSAGE 0 2" in wire.must('GETQUOTA "account"')[0], 5, "the quota")
            for _ in range(2):
                wire.append("Archive", b"Subject: x\r\n\r\nx\r\n")
        harness.eventually(lambda: full.address in self.web.get(f"/domains/{number}/mailboxes?full=1").words(), 10, "the warning")
        for path in (f"/domains/{number}/mailboxes?full=1", f"/mailboxes?full=1&q={full.address}"):
            words = self.web.get(path).words()
            self.assertIn(full.address, words)
            self.assertNotIn(empty.address, words)
        self.assertIn("Mailboxes that are nearly full:", self.web.get("/").words())
        self.assertIn("No mailbox matches", self.web.get(f"/mailboxes?full=1&q={empty.address}").words())

    def test_wrong_mailboxes_are_refused_at_their_field(self):
        name, number = self.new_domain()
        self.mansio.new_account(name, "taken")
        path = f"/domains/{number}/mailboxes/new"
        good = {"local": "new", "how": "typed", "password": "correct horse"}
        for local in ("", "two words", "a@b@c", "x" * 65, ".dot", "-o"):
            self.refused(self.web.post(path, {**good, "local": local}), "local", "")
        self.refused(self.web.post(path, {**good, "local": "taken"}), "local", "exists already")
        self.refused(self.web.post(path, {**good, "password": "short"}), "password", "")
        self.refused(self.web.post(path, {**good, "password": f"new@{name}"}), "password", "")
        self.refused(self.web.post(path, {**good, "quota": "lots"}), "quota", "Write a size like")

    def test_a_whole_address_of_the_domain_is_taken_too(self):
        name, number = self.new_domain()
        self.done(self.web.post(f"/domains/{number}/mailboxes/new", {"local": f"paul@{name}", "how": "typed", "password": "correct horse"}))
        self.assertEqual(self.one(f"SELECT local_part FROM account WHERE domain_id = {number}"), "paul")

    def test_a_mailbox_switched_off_lets_nobody_in(self):
        name, number = self.new_domain()
        account = self.mansio.new_account(name)
        web = harness.Web(self.mansio)
        web.log_in(account)
        mailbox = self.one(f"SELECT id FROM account WHERE domain_id = {number}")
        self.done(self.web.post(f"/mailboxes/{mailbox}", {"name": "", "quota": ""}))
        self.assertEqual(web.get("/profile").status, 303)
        self.assertEqual(harness.Web(self.mansio).log_in(account).status, 403)

    # ---- aliases ----

    def test_an_alias_is_made_changed_and_deleted(self):
        name, number = self.new_domain()
        account = self.mansio.new_account(name)
        page = self.done(self.web.post(f"/domains/{number}/aliases/new", {"local": "info", "targets": f"{account.address}\r\nfriend@remote.example"}))
        self.assertIn(f"info@{name} {account.address} friend@remote.example", page.words())
        alias = self.one(f"SELECT id FROM alias WHERE domain_id = {number}")
        self.done(self.web.post(f"/domains/{number}/aliases/{alias}", {"targets": account.address}))
        self.assertEqual(self.one(f"SELECT cardinality(targets) FROM alias WHERE id = {alias}"), "1")
        self.assertIn("gets no more mail by it", self.web.get(f"/domains/{number}/aliases/{alias}/delete").words())
        self.done(self.web.post(f"/domains/{number}/aliases/{alias}/delete"))
        self.assertIn("No aliases yet", self.web.get(f"/domains/{number}/aliases").words())

    def test_the_catch_all(self):
        name, number = self.new_domain()
        account = self.mansio.new_account(name)
        page = self.done(self.web.post(f"/domains/{number}/aliases/new", {"catch_all": "1", "targets": account.address}))
        self.assertIn("Catch-all every address that nothing else matches", page.words())
        self.mansio.send("someone@outside.test", f"anything@{name}", subject="To the catch-all")
        self.mansio.wait_for_mail(account, subject="To the catch-all")

    def test_a_new_alias_replaces_none(self):
        name, number = self.new_domain()
        self.mansio.command("alias", "set", f"info@{name}", "first@remote.example")
        reply = self.web.post(f"/domains/{number}/aliases/new", {"local": "Info", "targets": "second@remote.example"})
        self.refused(reply, "local", "exists already")
        self.assertIn("second@remote.example", reply.text)
        self.refused(self.web.post(f"/domains/{number}/aliases/new", {"local": "", "targets": "x@y.example"}), "local", "before the @")
        self.refused(self.web.post(f"/domains/{number}/aliases/new", {"local": "new", "targets": "no address"}), "targets", "")
        self.refused(self.web.post(f"/domains/{number}/aliases/new", {"local": "new", "targets": ""}), "targets", "at least one")

    # ---- DNS ----

    def test_a_record_is_answered_within_seconds(self):
        name, _ = self.new_domain()
        zone = self.one(f"SELECT id FROM zone WHERE name = '{name}'")
        page = self.done(self.web.post(f"/zones/{zone}/records/new", {"name": "www", "type": "A", "value": "192.0.2.80", "ttl": "300"}))
        self.assertIn("www A 192.0.2.80", page.words())
        harness.eventually(lambda: "192.0.2.80" in self.mansio.dig(f"www.{name}", "A"))
        record = self.one(f"SELECT id FROM record WHERE zone_id = {zone} AND name = 'www'")
        self.done(self.web.post(f"/zones/{zone}/records/{record}", {"name": "www", "type": "A", "value": "192.0.2.81"}))
        harness.eventually(lambda: "192.0.2.81" in self.mansio.dig(f"www.{name}", "A"))
        self.assertRegex(self.web.get(f"/zones/{zone}").words(), r"Serial \d{10} · at the nameservers since")
        self.done(self.web.post(f"/zones/{zone}/records/{record}/delete"))
        harness.eventually(lambda: not self.mansio.dig(f"www.{name}", "A"))

    def test_a_broken_record_is_refused_at_its_field(self):
        name, _ = self.new_domain()
        zone = self.one(f"SELECT id FROM zone WHERE name = '{name}'")
        path = f"/zones/{zone}/records/new"
        self.refused(self.web.post(path, {"name": "www", "type": "A", "value": "192.0.2.256"}), "value", "")
        self.refused(self.web.post(path, {"name": "www", "type": "MX", "value": "mail.example.org."}), "value", "")
        self.refused(self.web.post(path, {"name": "a..b", "type": "A", "value": "192.0.2.1"}), "name", "")
        self.refused(self.web.post(path, {"name": "www.elsewhere.example.", "type": "A", "value": "192.0.2.1"}), "name", "not within the zone")
        self.refused(self.web.post(path, {"name": "www", "type": "A", "value": "192.0.2.1", "ttl": "soon"}), "ttl", "number of seconds")
        self.refused(self.web.post(path, {"name": "@", "type": "CNAME", "value": "www"}), "name", "can't have a CNAME")
        self.assertIn('value="www.elsewhere.example."',
                      self.web.post(path, {"name": "www.elsewhere.example.", "type": "A", "value": "192.0.2.1"}).text)
        self.assertEqual(self.one(f"SELECT count(*) FROM record WHERE zone_id = {zone} AND NOT managed"), "0")

    def test_a_record_that_spoils_its_zone_is_refused(self):
        name, _ = self.new_domain()
        zone = self.one(f"SELECT id FROM zone WHERE name = '{name}'")
        reply = self.web.post(f"/zones/{zone}/records/new", {"name": "autoconfig", "type": "A", "value": "192.0.2.1"})
        self.assertEqual(reply.status, 422)
        self.assertIn("CNAME", reply.words())

    def test_a_zone_without_mail(self):
        name = harness.unique("zone") + ".example"
        page = self.done(self.web.post("/zones/new", {"name": name}))
        self.assertIn(name, page.words())
        zone = self.one(f"SELECT id FROM zone WHERE name = '{name}'")
        self.assertIn(name, self.web.get(f"/zones?q={name}").words())
        self.done(self.web.post(f"/zones/{zone}/delete", {"typed": name}))
        self.assertEqual(self.mansio.sql(f"SELECT id FROM zone WHERE id = {zone}"), [])

    def test_the_zone_of_a_domain_goes_only_with_it(self):
        name, _ = self.new_domain()
        zone = self.one(f"SELECT id FROM zone WHERE name = '{name}'")
        self.assertEqual(self.web.get(f"/zones/{zone}/delete").status, 404)
        self.assertEqual(self.web.post(f"/zones/{zone}/delete", {"typed": name}).status, 422)

    # ---- operators and resellers ----

    def test_a_reseller_makes_operators(self):
        name, _ = self.new_domain()
        login = harness.unique("dora")
        page = self.done(self.web.post("/operators/new", {"login": login, "name": "Dora", "role": "domain", "how": "typed", "password": "long enough 1"}))
        self.assertIn("sees nothing", page.words())
        number = self.one(f"SELECT id FROM operator WHERE login = '{login}'")
        self.assertIn(name, self.done(self.web.post(f"/operators/{number}/domains", {"domain": name})).words())
        reply = self.web.post(f"/operators/{number}/domains", {"domain": "not-here.example"})
        self.assertEqual(reply.status, 422)
        self.assertIn("not-here.example is not hosted here", reply.words())
        dora = harness.Web(self.mansio)
        dora.log_in((login, "long enough 1"))
        self.assertIn(name, dora.get("/domains").words())
        domain = self.one(f"SELECT id FROM domain WHERE name = '{name}'")
        self.done(self.web.post(f"/operators/{number}/domains/{domain}/revoke"))
        self.assertNotIn(name, dora.get("/domains").words())
        reply = self.web.post(f"/operators/{number}/password", {"how": "typed", "password": "short"})
        self.refused(reply, "password", "")
        self.done(self.web.post(f"/operators/{number}/disable"))
        self.assertEqual(dora.get("/").status, 303)
        self.done(self.web.post(f"/operators/{number}/enable"))
        self.done(self.web.post(f"/operators/{number}/delete"))
        self.assertEqual(self.mansio.sql(f"SELECT id FROM operator WHERE id = {number}"), [])

    def provider(self):
        self.web = harness.Web(self.mansio)
        self.web.log_in(self.mansio.new_operator("provider", None))

    def test_a_provider_makes_resellers(self):
        self.provider()
        name = harness.unique("Reseller ")
        self.refused(self.web.post("/resellers/new", {"name": "", "limit": ""}), "name", "missing")
        self.refused(self.web.post("/resellers/new", {"name": self.tenant, "limit": ""}), "name", "already")
        self.refused(self.web.post("/resellers/new", {"name": name, "limit": "-1"}), "limit", "Write a number")
        page = self.done(self.web.post("/resellers/new", {"name": name, "limit": "1"}))
        self.assertIn("New operator", page.words())
        number = self.one(f"SELECT id FROM tenant WHERE name = '{name}'")
        login = harness.unique("boss")
        form = {"login": login, "role": "reseller", "reseller": number, "how": "typed", "password": "long enough 1"}
        self.done(self.web.post("/operators/new", form))
        boss = harness.Web(self.mansio)
        boss.log_in((login, "long enough 1"))
        self.assertEqual(boss.post("/domains/new", {"name": harness.unique("x") + ".example", "kind": "hosted"}).status, 303)
        reply = boss.post("/domains/new", {"name": harness.unique("x") + ".example", "kind": "hosted"})
        self.assertEqual(reply.status, 422)
        self.assertIn("may have 1 domains", reply.words())
        self.done(self.web.post(f"/resellers/{number}", {"name": name + " GmbH", "limit": ""}))
        self.done(self.web.post(f"/resellers/{number}/suspend"))
        self.assertEqual(boss.get("/").status, 303)
        self.done(self.web.post(f"/resellers/{number}/resume"))
        self.assertEqual(self.web.post(f"/resellers/{number}/delete", {"typed": "x"}).status, 422)
        self.done(self.web.post(f"/resellers/{number}/delete", {"typed": name + " GmbH"}))
        self.assertEqual(self.mansio.sql(f"SELECT id FROM tenant WHERE id = {number}"), [])

    def test_a_provider_adds_a_domain_for_a_reseller_of_its_choice(self):
        self.provider()
        name = harness.unique("p") + ".example"
        self.refused(self.web.post("/domains/new", {"name": name, "kind": "hosted"}), "reseller", "Choose the reseller")
        number = self.one(f"SELECT id FROM tenant WHERE name = '{self.tenant}'")
        self.done(self.web.post("/domains/new", {"name": name, "kind": "hosted", "reseller": number}))
        self.assertEqual(self.one(f"SELECT tenant_id FROM domain WHERE name = '{name}'"), number)

    def test_the_text_of_a_mail_is_written_in_lines(self):
        self.provider()
        before = self.one("SELECT value FROM setting WHERE name = 'quota.full_text'")
        page = self.web.get("/settings")
        self.assertIn(before.replace("\\n", "\n"), page.text)
        self.done(self.web.post("/settings", {"quota.full_text": "Hello {name}\r\n\r\nit is full\r\n"}))
        self.assertEqual(self.one("SELECT value FROM setting WHERE name = 'quota.full_text'"), "Hello {name}\\n\\nit is full")
        self.done(self.web.post("/settings", {"quota.full_text": before.replace("\\n", "\r\n")}))
        self.assertEqual(self.one("SELECT value FROM setting WHERE name = 'quota.full_text'"), before)

    def test_settings_are_checked_at_their_field(self):
        self.provider()
        reply = self.web.post("/settings", {"mail.hostname": "not a name"})
        self.assertEqual(reply.status, 422)
        self.assertIn('id="mail.hostname-problem"', reply.text)
        self.assertNotEqual(self.one("SELECT value FROM setting WHERE name = 'mail.hostname'"), "not a name")
        self.assertIn("Nothing was changed", self.done(self.web.post("/settings", {})).words())

    # ---- queue and audit log ----

    def queue_one(self):
        message = self.one("SELECT nextval('mailbox_id') + 1000000000")
        tenant = self.one(f"SELECT id FROM tenant WHERE name = '{self.tenant}'")
        address = harness.unique("far") + "@nowhere.test"
        self.mansio.sql("INSERT INTO queue_message (id, blob, size, sender, tenant_id, expires_at) VALUES"
                        f" ({message}, gen_random_uuid(), 10, 'a@b.example', {tenant}, now() + interval '1 day');"
                        "INSERT INTO queue_recipient (message_id, address, next_hop, status) VALUES"
                        f" ({message}, '{address}', 'nowhere.test', 'held')")
        return address, self.one(f"SELECT id FROM queue_recipient WHERE message_id = {message}"), message

    def test_the_queue_is_looked_at_held_released_and_deleted(self):
        address, number, message = self.queue_one()
        self.assertIn(f"{address} a@b.example", self.web.get("/queue?status=held").words())
        self.assertIn(address, self.web.get(f"/queue?q={address}").words())
        stranger = harness.Web(self.mansio)
        stranger.log_in(self.mansio.new_operator("reseller", self.mansio.new_tenant()))
        self.assertNotIn("a@b.example", stranger.get("/queue").words())
        self.assertEqual(stranger.post(f"/queue/{number}/delete").status, 404)
        self.assertIn("does not get it", self.web.get(f"/queue/{number}/delete").words())
        self.done(self.web.post(f"/queue/{number}/delete"))
        self.assertEqual(self.mansio.sql(f"SELECT id FROM queue_message WHERE id = {message}"), [])  # nobody is left to get it
        self.assertEqual(self.web.post(f"/queue/{number}/release").status, 404)

    def test_the_audit_log_tells_who_did_what(self):
        name, number = self.new_domain()
        self.done(self.web.post(f"/domains/{number}/mailboxes/new", {"local": "livia", "how": "typed", "password": "correct horse"}))
        words = self.web.get(f"/audit?q=livia@{name}").words()
        self.assertIn(f"{self.operator.address} added the mailbox livia@{name}", words)
        self.assertIn("password changed (not shown)", words)
        self.assertNotIn("argon2", words)
        self.assertIn("From address 127.0.0.1", words)
        self.assertIn("Nothing found", self.web.get(f"/audit?q=livia@{name}&kind=domain").words())
        self.assertIn("Nothing found", self.web.get(f"/audit?q=livia@{name}&to=2020-01-01").words())
        self.assertIn("added the mailbox", self.web.get(f"/audit?q=livia@{name}&from=2020-01-01&kind=account").words())


class Lists(unittest.TestCase):
    """120 domains: pages, there and back, sorted both ways, searched."""

    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        cls.tenant = cls.mansio.new_tenant()
        cls.mark = harness.unique("l")
        cls.mansio.sql("INSERT INTO domain (tenant_id, name, display)"
                       " SELECT t.id, n || '.example', n || '.example' FROM tenant t,"
                       f" (SELECT '{cls.mark}n' || lpad(g::text, 3, '0') AS n FROM generate_series(1, 120) g) s WHERE t.name = '{cls.tenant}'")
        cls.web = harness.Web(cls.mansio)
        cls.web.log_in(cls.mansio.new_operator("reseller", cls.tenant))

    def rows(self, page):
        return [int(n) for n in re.findall(rf">{self.mark}n(\d+)\.example</a>", page.text)]

    def follow(self, page, rel):
        link = re.search(rf'href="([^"]*)" rel="{rel}"', page.text)
        return self.web.get(link.group(1).replace("&amp;", "&")) if link else None

    def walk(self, start):
        page, found = self.web.get(start), []
        while page:
            found.append(self.rows(page))
            last, page = page, self.follow(page, "next")
        return found, last

    def test_every_row_is_on_one_page_and_the_way_back_shows_the_same(self):
        pages, last = self.walk("/domains")
        self.assertEqual([len(p) for p in pages], [50, 50, 20])
        self.assertEqual(sum(pages, []), list(range(1, 121)))
        back = self.follow(last, "prev")
        self.assertEqual(self.rows(back), pages[1])
        back = self.follow(back, "prev")
        self.assertEqual(self.rows(back), pages[0])
        self.assertIsNone(self.follow(back, "prev"))

    def test_sorted_downwards_and_by_age(self):
        self.assertEqual(sum(self.walk("/domains?sort=-name")[0], []), list(range(120, 0, -1)))
        self.assertEqual(sum(self.walk("/domains?sort=created")[0], []), list(range(1, 121)))
        self.assertEqual(sum(self.walk("/domains?sort=-created")[0], []), list(range(120, 0, -1)))

    def test_search_goes_through_all_pages(self):
        found, _ = self.walk(f"/domains?q={self.mark}n0")
        self.assertEqual(sum(found, []), list(range(1, 100)))
        self.assertIn("No domain matches", self.web.get("/domains?q=nothing-of-the-kind").words())

    def test_nonsense_in_the_address_shows_a_page_all_the_same(self):
        for query in ("sort=evil", "after=%F0%9F%93%A7", "before=zzz&after=aaa", "sort=created&after=abc", "q=%25_%27%22", "reseller=abc"):
            self.assertEqual(self.web.get(f"/domains?{query}").status, 200, query)
        for path in ("/mailboxes?after=abc", "/mailboxes?after=9+", "/audit?after=x+y", "/audit?from=yesterday", "/queue?after=x",
                     "/audit?after=99999999999999999999+99999999999999999999", "/operators?before=" + urllib.parse.quote("\u2028")):
            self.assertEqual(self.web.get(path).status, 200, path)


class Outage(unittest.TestCase):
    def test_without_the_database_every_page_says_so(self):
        mansio = harness.private(overrides={"db_web": "host=127.0.0.1 port=1 dbname=none connect_timeout=1"})
        self.addCleanup(mansio.remove)
        web = harness.Web(mansio)
        self.assertEqual(web.get("/login").status, 200)
        reply = web.post("/login", {"login": "a", "password": "b"})
        self.assertEqual(reply.status, 503)
        self.assertIn("The database can't be reached", reply.words())
        web.cookies["__Host-mansio"] = "A" * 43
        reply = web.get("/domains")
        self.assertEqual(reply.status, 503)
        self.assertIn("The database can't be reached", reply.words())

    def test_after_a_crash_of_the_database_pages_work_again_by_themselves(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        web = harness.Web(mansio)
        web.log_in(mansio.new_operator("reseller", mansio.new_tenant()))
        self.assertEqual(web.get("/domains").status, 200)
        mansio.kill("postgres")
        self.assertIn(web.get("/domains").status, (200, 503))
        mansio.wait_until_ready("postgres")
        harness.eventually(lambda: web.get("/domains").status == 200)


if __name__ == "__main__":
    unittest.main()
