"""The pages about senders: what happens to mail that is not proved, the keys that sign; who may see and change them."""

import json
import unittest

import harness


class Senders(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.name = self.mansio.new_domain(self.tenant)
        self.domain = int(self.mansio.sql(f"SELECT id FROM domain WHERE name = '{self.name}'")[0])
        self.web = self.log_in("reseller")

    def log_in(self, role, tenant=None):
        web = harness.Web(self.mansio)
        operator = self.mansio.new_operator(role, None if role == "provider" else tenant or self.tenant)
        if role == "domain":
            self.mansio.command("operator", "grant", operator.address, self.name)
        web.log_in(operator)
        return web

    def done(self, reply, web=None):
        self.assertEqual(reply.status, 303, reply.words())
        page = (web or self.web).follow(reply)
        self.assertEqual(page.status, 200, reply.location)
        return page

    def policy(self):
        return json.loads(self.mansio.command("--json", "domain", "policy", self.name))

    FORM = {"dmarc_reject": "junk", "dmarc_quarantine": "tag", "spf_fail": "ignore", "trusted": "Lists.Example.org\r\nmünchen.example"}

    def test_a_domain_gets_a_policy_of_its_own_and_loses_it(self):
        page = self.web.get(f"/domains/{self.domain}/senders")
        self.assertIn("As for all domains. Saving gives this one its own.", page.words())
        page = self.done(self.web.post(f"/domains/{self.domain}/senders", self.FORM))
        self.assertRegex(page.text, r'value="junk" selected')
        found = self.policy()
        self.assertEqual((found["own"], found["dmarc_reject"], found["dmarc_quarantine"], found["spf_fail"]), (True, "junk", "tag", "ignore"))
        self.assertEqual(found["trusted_sealers"], ["lists.example.org", "xn--mnchen-3ya.example"])
        page = self.done(self.web.post(f"/domains/{self.domain}/senders/default", {}))
        self.assertFalse(self.policy()["own"])
        self.assertIn("As for all domains.", page.words())

    def test_a_wrong_domain_is_shown_again_with_the_reason(self):
        reply = self.web.post(f"/domains/{self.domain}/senders", self.FORM | {"trusted": "no_domain!"})
        self.assertEqual(reply.status, 422)
        self.assertRegex(reply.text, r'id="trusted"[^>]*aria-invalid="true"')
        self.assertIn("no_domain!", reply.text)
        self.assertEqual(self.web.post(f"/domains/{self.domain}/senders", self.FORM | {"spf_fail": "explode"}).status, 422)

    def test_keys_are_made_rest_and_go(self):
        page = self.done(self.web.post(f"/domains/{self.domain}/keys", {"algorithm": "ed25519", "selector": "Spring"}))
        self.assertIn("spring", page.words())
        self.assertIn(f"spring._domainkey.{self.name} TXT", page.words())
        [key] = json.loads(self.mansio.command("--json", "domain", "dkim", "list", self.name))
        self.assertTrue(key["active"])
        harness.eventually(lambda: self.mansio.dig(f"spring._domainkey.{self.name}", "TXT") == [f'"{key["record"]}"'], 30, "the record")
        number = self.mansio.sql(f"SELECT id FROM dkim_key WHERE domain_id = {self.domain}")[0]
        reply = self.web.post(f"/domains/{self.domain}/keys", {"algorithm": "rsa", "selector": "spring"})
        self.assertEqual(reply.status, 422)
        self.assertIn("There is a key with the selector spring already", reply.words())
        page = self.done(self.web.post(f"/domains/{self.domain}/keys/{number}/active", {}))
        self.assertIn("Published only", page.words())
        self.assertIn("still under way", self.web.get(f"/domains/{self.domain}/keys/{number}/delete").words())
        page = self.done(self.web.post(f"/domains/{self.domain}/keys/{number}/delete", {}))
        self.assertIn("None yet", page.words())

    def test_an_rsa_key_signs_with_a_name_made_of_the_date(self):
        self.done(self.web.post(f"/domains/{self.domain}/keys", {"algorithm": "rsa", "selector": ""}))
        [key] = json.loads(self.mansio.command("--json", "domain", "dkim", "list", self.name))
        self.assertRegex(key["selector"], r"^r20\d{6}$")

    def test_administrators_of_the_domain_may_do_it_and_others_may_not(self):
        web = self.log_in("domain")
        self.done(web.post(f"/domains/{self.domain}/senders", self.FORM), web)
        self.done(web.post(f"/domains/{self.domain}/keys", {"algorithm": "ed25519", "selector": "x"}), web)
        for role, tenant in (("helpdesk", None), ("reseller", self.mansio.new_tenant())):
            other = self.log_in(role, tenant)
            self.assertIn(other.get(f"/domains/{self.domain}/senders").status, (403, 404), role)
            self.assertIn(other.post(f"/domains/{self.domain}/senders", self.FORM).status, (403, 404), role)
            self.assertIn(other.post(f"/domains/{self.domain}/keys", {"algorithm": "rsa"}).status, (403, 404), role)

    def test_only_providers_change_what_holds_for_all(self):
        provider = self.log_in("provider")
        page = provider.get("/settings/senders")
        self.assertIn("It holds for each domain that has nothing of its own.", page.words())
        form = {"dmarc_reject": "reject", "dmarc_quarantine": "junk", "spf_fail": "tag", "trusted": ""}
        self.done(provider.post("/settings/senders", form), provider)
        self.assertEqual(self.web.post("/settings/senders", form).status, 403)

    def test_settings_that_make_no_sense_are_refused(self):
        for name, value in (("sender.check", "maybe"), ("sender.timeout", "soon"), ("sender.timeout", "0s"), ("sender.timeout", "6m")):
            self.assertNotEqual(self.mansio.command("setting", "set", name, value, check=False).returncode, 0, (name, value))
        self.mansio.command("setting", "set", "sender.timeout", "20s")

    def test_the_audit_log_has_the_policy_and_no_private_key(self):
        self.done(self.web.post(f"/domains/{self.domain}/senders", self.FORM))
        self.done(self.web.post(f"/domains/{self.domain}/keys", {"algorithm": "ed25519", "selector": "x"}))
        rows = self.mansio.sql(f"SELECT object_kind, detail::text FROM audit WHERE object_name IN ('{self.name}', 'x') AND object_id IN"
                               f" (SELECT id FROM sender_policy WHERE domain_id = {self.domain} UNION SELECT id FROM dkim_key"
                               f" WHERE domain_id = {self.domain}) AND object_kind IN ('sender_policy', 'dkim_key')")  # fmt: skip
        self.assertEqual(sorted(row.split("|")[0] for row in rows), ["dkim_key", "sender_policy"])
        self.assertNotIn("PRIVATE", "".join(rows))
        self.assertIn("(hidden)", "".join(rows))


if __name__ == "__main__":
    unittest.main()
