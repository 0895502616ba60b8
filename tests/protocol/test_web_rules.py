"""The pages for incoming mail rules and for allow and deny lists."""

import re
import unittest

import harness


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.addClassCleanup(cls.mansio.remove)
        cls.mansio.command("setting", "set", "mta.xclient_networks", "127.0.0.1")
        cls.mansio.command("setting", "set", "policy.sender_domain", "off")
        cls.mansio.command("setting", "set", "policy.greet_delay", "0")

    def web(self, role, tenant=None):
        operator = self.mansio.new_operator(role, tenant)
        web = harness.Web(self.mansio)
        web.log_in(operator)
        web.operator = operator
        return web

    def done(self, web, reply):
        self.assertEqual(reply.status, 303, reply.words())
        return web.follow(reply)

    def ask(self, to, helo="mx.client.test", sender="a@client.test"):
        with harness.Stranger(self.mansio, "192.0.2.50") as stranger:
            return stranger.try_recipient(sender, to, helo)[0]

    # ---- rules ----

    def test_each_rule_is_explained_and_can_be_switched(self):
        web = self.web("provider")
        page = web.get("/rules")
        self.assertEqual(page.status, 200)
        for name in ("helo_syntax", "greylist", "dnsbl", "rate", "pipelining"):
            self.assertIn(f'name="policy.{name}"', page.text)
        names = re.findall(r' name="((?:policy|mta)\.[a-z_]+)"', page.text)
        self.assertEqual(sorted(names), sorted(set(names)), "each setting is there once")
        self.assertIn("policy.dnsbl_lists", names)
        self.assertIn("mta.networks", names)
        self.assertIn("Greylisting The first mail of a sender", page.words())
        self.assertRegex(page.text, r'value="off"\s+selected', "greylisting is off")
        account = self.mansio.new_account(self.mansio.new_domain())
        self.assertEqual(self.ask(account.address, helo="localhost"), 250)
        page = self.done(web, web.post("/rules", {"policy.helo_fqdn": "enforce"}))
        self.assertIn("saved and in effect", page.words())
        harness.eventually(lambda: self.ask(account.address, helo="localhost") == 550, 5, "the rule")
        self.done(web, web.post("/rules", {"policy.helo_fqdn": "warn"}))
        self.assertIn("Nothing was changed", self.done(web, web.post("/rules", {"policy.helo_fqdn": "warn"})).words())

    def test_wrong_values_are_refused_at_their_field(self):
        web = self.web("provider")
        for name, value, why in (("policy.dnsbl_lists", "no list", "is no list"), ("policy.helo_own", "perhaps", "off, warn or enforce"),
                                 ("mta.networks", "here", "is no network"), ("policy.greylist_delay", "a while", "a time")):  # fmt: skip
            reply = web.post("/rules", {name: value})
            self.assertEqual(reply.status, 422, name)
            self.assertIn("-problem", reply.text)
            self.assertIn(why, reply.words())
            self.assertNotEqual(self.mansio.sql(f"SELECT value FROM setting WHERE name = '{name}'"), [value])

    def test_the_settings_page_leaves_them_out(self):
        page = self.web("provider").get("/settings")
        self.assertNotIn("policy.", page.text)

    def test_rules_are_the_providers(self):
        reseller = self.web("reseller", self.mansio.new_tenant())
        self.assertIn(reseller.get("/rules").status, (403, 404))
        self.assertIn(reseller.post("/rules", {"policy.helo_own": "off"}).status, (403, 404))
        self.assertEqual(self.mansio.sql("SELECT value FROM setting WHERE name = 'policy.helo_own'"), ["enforce"])
        self.assertNotIn("/rules", reseller.get("/").text)

    # ---- lists ----

    def entries(self, web):
        return re.findall(r"/access/(\d+)/delete", web.get("/access").text)

    def test_a_reseller_denies_a_sender_for_its_recipients(self):
        tenant = self.mansio.new_tenant()
        here = self.mansio.new_account(self.mansio.new_domain(tenant)).address
        there = self.mansio.new_account(self.mansio.new_domain()).address
        web = self.web("reseller", tenant)
        self.assertIn("No entries", web.get("/access").words())
        form = {"action": "deny", "kind": "sender", "pattern": "Web1.test", "domain": "", "note": "too much"}
        page = self.done(web, web.post("/access", form))
        self.assertIn("web1.test Sender address or domain: too much", page.words())
        harness.eventually(lambda: self.ask(here, sender="x@web1.test") == 554, 5, "the entry")
        self.assertEqual(self.ask(there, sender="x@web1.test"), 250)
        (entry,) = self.entries(web)
        self.assertIn("Delete this entry?", web.get(f"/access/{entry}/delete").words())
        self.done(web, web.post(f"/access/{entry}/delete"))
        harness.eventually(lambda: self.ask(here, sender="x@web1.test") == 250, 5, "the end of the entry")
        self.assertIn("deny sender web1.test", web.get("/audit").words())

    def test_wrong_entries_are_refused_with_a_sentence(self):
        tenant = self.mansio.new_tenant()
        web = self.web("reseller", tenant)
        foreign = self.mansio.new_domain()
        for form, why in (({"action": "deny", "kind": "network", "pattern": "nowhere"}, "is no network"),
                          ({"action": "deny", "kind": "sender", "pattern": "a b"}, ""),
                          ({"action": "allow", "kind": "any", "pattern": ""}, "greylist"),
                          ({"action": "deny", "kind": "sender", "pattern": "x.test", "domain": foreign}, "not hosted here")):  # fmt: skip
            reply = web.post("/access", form)
            self.assertEqual(reply.status, 422, form)
            self.assertIn(why, reply.words())
        self.assertEqual(self.entries(web), [])

    def test_nobody_sees_or_touches_another_ones_entries(self):
        tenant = self.mansio.new_tenant()
        domain = self.mansio.new_domain(tenant)
        self.mansio.command("access", "add", "deny", "sender", "mine.test", "--tenant", tenant)
        self.mansio.command("access", "add", "deny", "sender", "installation.test")
        owner, stranger, provider = self.web("reseller", tenant), self.web("reseller", self.mansio.new_tenant()), self.web("provider")
        self.assertIn("mine.test", owner.get("/access").words())
        self.assertNotIn("installation.test", owner.get("/access").words())
        self.assertNotIn("mine.test", stranger.get("/access").words())
        (entry,) = self.entries(owner)
        self.assertEqual(stranger.get(f"/access/{entry}/delete").status, 404)
        self.assertEqual(stranger.post(f"/access/{entry}/delete").status, 404)
        self.assertIn("mine.test", provider.get("/access?q=mine").words())
        self.assertIn("installation.test", provider.get("/access").words())
        manager = self.web("domain", tenant)
        self.mansio.command("operator", "grant", manager.operator.address, domain)
        self.assertNotIn("mine.test", manager.get("/access").words())
        self.assertEqual(manager.post("/access", {"action": "deny", "kind": "sender", "pattern": "y.test", "domain": ""}).status, 422)
        sibling = self.mansio.new_domain(tenant)
        self.assertEqual(manager.post("/access", {"action": "deny", "kind": "sender", "pattern": "y.test", "domain": sibling}).status, 422)
        self.done(manager, manager.post("/access", {"action": "deny", "kind": "sender", "pattern": "y.test", "domain": domain}))
        self.assertEqual(len(self.entries(manager)), 1)

    def test_the_provider_names_a_reseller_or_everybody(self):
        web, tenant = self.web("provider"), self.mansio.new_tenant()
        number = self.mansio.sql(f"SELECT id FROM tenant WHERE name = '{tenant}'")[0]
        self.done(web, web.post("/access", {"action": "allow", "kind": "network", "pattern": "203.0.113.77", "reseller": number}))
        self.done(web, web.post("/access", {"action": "no-greylist", "kind": "any", "reseller": number}))
        self.done(web, web.post("/access", {"action": "allow", "kind": "helo", "pattern": ".friends.test", "reseller": ""}))
        rows = self.mansio.sql("SELECT coalesce(tenant_id, 0), name FROM access_list WHERE pattern IN ('203.0.113.77', '*', '.friends.test')"
                               " ORDER BY id")  # fmt: skip
        self.assertEqual(rows, [f"{number}|allow network 203.0.113.77", f"{number}|no-greylist any *", "0|allow helo .friends.test"])


if __name__ == "__main__":
    unittest.main()
