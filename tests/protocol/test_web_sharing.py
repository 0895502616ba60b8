"""The pages on which folders are shared and others let send under an address, and who may use them."""

import unittest

import harness


class Pages(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia = self.mansio.new_account(self.domain, "livia")
        self.marcus = self.mansio.new_account(self.domain, "marcus")
        self.id = self.number(self.livia.address)

    def number(self, address):
        local, domain = address.split("@")
        return self.mansio.sql("SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id"
                               f" WHERE a.local_part = '{local}' AND d.name = '{domain}'")[0]  # fmt: skip

    def web(self, who):
        web = harness.Web(self.mansio)
        self.assertEqual(web.log_in(who).status, 303)
        return web

    def operator(self, role="reseller", tenant=None):
        operator = self.mansio.new_operator(role, tenant or self.tenant)
        if role == "domain":
            self.mansio.command("operator", "grant", operator.address, self.domain)
        return self.web(operator)

    def may_read(self, account, name):
        with harness.ImapWire(self.mansio, account) as wire:
            return wire.run(f'SELECT "{name}"')[0].startswith("OK")

    def test_a_person_shares_its_folders_and_stops(self):
        web, inbox = self.web(self.livia), f"Other Users/{self.livia.address}/INBOX"
        self.assertIn("/profile/sharing", web.get("/profile").text)
        web.get("/profile/sharing")
        self.assertEqual(web.post("/profile/sharing", {"folder": "INBOX", "who": self.marcus.address, "rights": "read"}).status, 303)
        self.assertTrue(self.may_read(self.marcus, inbox))
        page = web.get("/profile/sharing")
        self.assertIn(self.marcus.address, page.words())
        self.assertIn("lrs", page.words())
        self.assertEqual(web.post("/profile/sharing/remove", {"folder": "INBOX", "who": self.marcus.address}).status, 303)
        self.assertFalse(self.may_read(self.marcus, inbox))

    def test_a_person_lets_another_send_under_its_address(self):
        web = self.web(self.livia)
        web.get("/profile/sharing")
        self.assertEqual(web.post("/profile/sharing/delegates", {"delegate": self.marcus.address}).status, 303)
        self.assertIn(self.livia.address, self.mansio.command("account", "send-as", "list", self.marcus.address))
        self.assertIn(self.marcus.address, web.get("/profile/sharing").words())
        self.assertEqual(web.post("/profile/sharing/delegates/remove", {"delegate": self.marcus.address}).status, 303)
        self.assertNotIn(self.livia.address, self.mansio.command("account", "send-as", "list", self.marcus.address))

    def test_what_is_wrong_is_said(self):
        stranger = self.mansio.new_account(self.mansio.new_domain(), "stranger")
        web = self.web(self.livia)
        for form, said in (
            ({"folder": "INBOX", "who": stranger.address, "rights": "read"}, "no mailbox"),
            ({"folder": "Nothing", "who": self.marcus.address, "rights": "read"}, "no folder"),
            ({"folder": "INBOX", "who": self.livia.address, "rights": "read"}, "all rights"),
            ({"folder": "INBOX", "who": self.marcus.address, "rights": "x"}, "choose"),
        ):
            web.get("/profile/sharing")
            reply = web.post("/profile/sharing", form)
            self.assertEqual(reply.status, 422, form)
            self.assertIn(said, reply.words().lower())
        web.get("/profile/sharing")
        self.assertEqual(web.post("/profile/sharing/delegates", {"delegate": stranger.address}).status, 422)

    def test_administrators_make_a_shared_mailbox_and_say_who_uses_it(self):
        web = self.operator("domain")
        number = self.mansio.sql(f"SELECT id FROM domain WHERE name = '{self.domain}'")[0]
        web.get(f"/domains/{number}/mailboxes/new")
        reply = web.post(f"/domains/{number}/mailboxes/new", {"local": "info", "name": "Info", "quota": "", "how": "shared", "password": ""})
        self.assertEqual(reply.status, 303, reply.words())
        page = f"/mailboxes/{self.number(f'info@{self.domain}')}/sharing"
        self.assertIn("Shared mailbox", web.get(page).words())
        self.assertEqual(web.post(page, {"folder": "*", "who": self.marcus.address, "rights": "edit"}).status, 303)
        self.assertTrue(self.may_read(self.marcus, f"Shared Folders/info@{self.domain}/Sent"))
        self.assertIn("New folders", web.get(page).words())

    def test_the_helpdesk_looks_and_changes_nothing(self):
        self.mansio.command("share", "set", self.livia.address, "INBOX", self.marcus.address, "read")
        web = self.operator("helpdesk")
        self.assertIn(self.marcus.address, web.get(f"/mailboxes/{self.id}/sharing").words())
        self.assertIn(web.post(f"/mailboxes/{self.id}/sharing", {"folder": "INBOX", "who": "anyone", "rights": "read"}).status, (403, 404))

    def test_others_see_nothing_of_it(self):
        self.mansio.command("share", "set", self.livia.address, "INBOX", self.marcus.address, "read")
        other = self.operator(tenant=self.mansio.new_tenant())
        self.assertEqual(other.get(f"/mailboxes/{self.id}/sharing").status, 404)
        marcus = self.web(self.marcus)
        self.assertIn(marcus.get(f"/mailboxes/{self.id}/sharing").status, (403, 404))
        self.assertNotIn(self.livia.address, marcus.get("/profile/sharing").words())


class Functions(unittest.TestCase):
    """What the database refuses, whatever page asks (the role of the web application)."""

    def test_without_an_actor_nothing_is_shown_or_changed(self):
        mansio = harness.shared()
        livia = mansio.new_account(mansio.new_domain(), "livia")
        mansio.command("share", "set", livia.address, "INBOX", "anyone", "read")
        number = mansio.sql(f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE d.name = '{livia.address.split('@')[1]}'")[0]
        for call in (f"SELECT * FROM share_list({number})", f"SELECT * FROM delegate_list({number})", f"SELECT * FROM folder_names({number})",
                     "SELECT * FROM mailbox_acl"):  # fmt: skip
            self.assertEqual(mansio.sql(call, role="mansio_web"), [], call)
        self.assertEqual(mansio.sql(f"SELECT share_set({number}, 'INBOX', 'anyone', 2047)", role="mansio_web"), ["there is no such mailbox"])


if __name__ == "__main__":
    unittest.main()
