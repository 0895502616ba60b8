"""What each role sees and may do. What is not one's own looks like what is not there."""

import unittest

import harness


class Tenants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = mansio = harness.shared()
        cls.tenant, cls.other_tenant = mansio.new_tenant(), mansio.new_tenant()
        cls.domain = mansio.new_domain(cls.tenant)
        cls.account = mansio.new_account(cls.domain)
        mansio.command("alias", "set", f"info@{cls.domain}", cls.account.address)
        cls.owner = mansio.new_operator("reseller", cls.tenant)
        cls.stranger = mansio.new_operator("reseller", cls.other_tenant)
        local = cls.account.address.split("@")[0]
        one = lambda sql: int(mansio.sql(sql)[0])  # noqa: E731
        cls.ids = {
            "tenant": one(f"SELECT id FROM tenant WHERE name = '{cls.tenant}'"),
            "domain": one(f"SELECT id FROM domain WHERE name = '{cls.domain}'"),
            "account": one(f"SELECT id FROM account WHERE local_part = '{local}'"),
            "alias": one(f"SELECT a.id FROM alias a JOIN domain d ON d.id = a.domain_id WHERE d.name = '{cls.domain}'"),
            "zone": one(f"SELECT id FROM zone WHERE name = '{cls.domain}'"),
            "operator": one(f"SELECT id FROM operator WHERE login = '{cls.owner.address}'"),
        }
        cls.ids["record"] = one(f"SELECT min(id) FROM record WHERE zone_id = {cls.ids['zone']}")

    def pages(self):
        n = self.ids
        return {
            f"/domains/{n['domain']}": ["settings", "senders", "delete", "mailboxes", "mailboxes/new", "aliases", "aliases/new",
                                        f"aliases/{n['alias']}", f"aliases/{n['alias']}/delete"],
            f"/mailboxes/{n['account']}": ["password", "delete"],
            f"/zones/{n['zone']}": ["records/new", f"records/{n['record']}", f"records/{n['record']}/delete"],
            f"/operators/{n['operator']}": ["delete"],
        }

    def web(self, operator):
        web = harness.Web(self.mansio)
        self.assertEqual(web.log_in(operator).status, 303)
        return web

    def test_the_owner_reaches_all_of_it(self):
        web = self.web(self.owner)
        for start, below in self.pages().items():
            for path in [start] + [f"{start}/{part}" for part in below]:
                self.assertIn(web.get(path).status, (200, 303), path)

    def test_another_reseller_finds_nothing_by_address(self):
        web = self.web(self.stranger)
        missing = web.get("/domains/999999999").words()
        for start, below in self.pages().items():
            for path in [start] + [f"{start}/{part}" for part in below]:
                reply = web.get(path)
                self.assertEqual(reply.status, 404, path)
                self.assertEqual(reply.words(), missing, path)  # not a hint that it exists

    def test_another_reseller_changes_nothing_by_address(self):
        web, n = self.web(self.stranger), self.ids
        before = self.mansio.sql("SELECT md5(string_agg(a.*::text || d.*::text, '')) FROM account a JOIN domain d ON d.id = a.domain_id"
                                 f" WHERE d.id = {n['domain']}")
        for path, form in {
            f"/domains/{n['domain']}/settings": {}, f"/domains/{n['domain']}/delete": {"typed": self.domain},
            f"/domains/{n['domain']}/mailboxes/new": {"local": "mine", "how": "made_up"},
            f"/domains/{n['domain']}/aliases/new": {"local": "mine", "targets": "x@evil.test"},
            f"/domains/{n['domain']}/aliases/{n['alias']}": {"targets": "x@evil.test"},
            f"/domains/{n['domain']}/aliases/{n['alias']}/delete": {},
            f"/mailboxes/{n['account']}": {"name": "Mine"}, f"/mailboxes/{n['account']}/delete": {},
            f"/mailboxes/{n['account']}/password": {"how": "typed", "password": "taken over 1"},
            f"/zones/{n['zone']}/records/new": {"name": "evil", "type": "A", "value": "192.0.2.66"},
            f"/zones/{n['zone']}/records/{n['record']}": {"name": "evil", "type": "A", "value": "192.0.2.66"},
            f"/zones/{n['zone']}/records/{n['record']}/delete": {},
            f"/operators/{n['operator']}/password": {"how": "typed", "password": "taken over 1"},
            f"/operators/{n['operator']}/disable": {}, f"/operators/{n['operator']}/delete": {},
        }.items():
            self.assertEqual(web.post(path, form).status, 404, path)
        after = self.mansio.sql("SELECT md5(string_agg(a.*::text || d.*::text, '')) FROM account a JOIN domain d ON d.id = a.domain_id"
                                f" WHERE d.id = {n['domain']}")
        self.assertEqual(before, after)
        self.assertEqual(harness.Web(self.mansio).log_in(self.owner).status, 303)

    def test_another_reseller_finds_nothing_by_search(self):
        web = self.web(self.stranger)
        local = self.account.address.split("@")[0]
        for path, text in ((f"/domains?q={self.domain}", self.domain), (f"/mailboxes?q={local}", self.account.address),
                           (f"/mailboxes?q={self.account.address}", self.domain), (f"/operators?q={self.owner.address}", "Reseller"),
                           (f"/audit?q={self.domain}", self.owner.address), (f"/zones?q={self.domain}", "Fine"),
                           (f"/domains?reseller={self.ids['tenant']}", self.domain)):
            reply = web.get(path)
            self.assertEqual(reply.status, 200, path)
            found = reply.text.split("<tbody>")[1] if "<tbody>" in reply.text else ""
            self.assertNotIn(text, found, path)

    def test_the_owner_finds_it_by_search(self):
        web = self.web(self.owner)
        for path, text in ((f"/domains?q={self.domain[:-9].upper()}", self.domain), (f"/mailboxes?q={self.account.address}", self.account.address),
                           (f"/operators?q={self.owner.address}", self.owner.address), (f"/audit?q={self.domain}", self.domain)):
            self.assertIn(text, web.get(path).words().replace("Search", ""), path)

    def test_another_reseller_s_domain_can_be_no_target(self):
        web = self.web(self.stranger)
        reply = web.post("/domains/new", {"name": harness.unique("t") + ".example", "kind": "alias", "stands_for": self.domain})
        self.assertEqual(reply.status, 422)
        reply = web.post("/domains/new", {"name": self.domain, "kind": "hosted"})
        self.assertEqual(reply.status, 422)
        self.assertIn("already hosted here", reply.words())

    def test_the_database_itself_shows_a_session_only_its_own(self):
        web = self.web(self.stranger)
        begin = f"SELECT FROM actor_begin('\\x{web.session_hash()}')"
        for table, column, name in (("domain", "name", self.domain), ("account", "id", self.ids["account"]), ("alias", "id", self.ids["alias"]),
                                    ("zone", "name", self.domain), ("record", "id", self.ids["record"]), ("tenant", "name", self.tenant)):
            rows = self.mansio.sql(f"BEGIN; {begin}; SELECT 'seen' FROM {table} WHERE {column} = '{name}'; COMMIT", role="mansio_web")
            self.assertNotIn("seen", rows, table)
        rows = self.mansio.sql(f"SELECT 'seen' FROM domain WHERE name = '{self.domain}'", role="mansio_web")
        self.assertNotIn("seen", rows)  # without an actor nothing at all


class Roles(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain, self.second = self.mansio.new_domain(self.tenant), self.mansio.new_domain(self.tenant)
        self.account = self.mansio.new_account(self.domain)
        self.web = harness.Web(self.mansio)

    def id_of(self, table, column, value):
        return int(self.mansio.sql(f"SELECT id FROM {table} WHERE {column} = '{value}'")[0])

    def log_in(self, role, tenant):
        operator = self.mansio.new_operator(role, tenant)
        self.web.log_in(operator)
        return operator

    def test_helpdesk_resets_a_password_and_nothing_else(self):
        self.log_in("helpdesk", self.tenant)
        local = self.account.address.split("@")[0]
        number = self.id_of("account", "local_part", local)
        self.assertIn(self.account.address, self.web.get(f"/mailboxes?q={local}").words())
        page = self.web.get(f"/mailboxes/{number}")
        self.assertEqual(page.status, 200)
        self.assertNotIn("Delete", page.words())
        for method, path in (("GET", "/domains"), ("GET", "/domains/new"), ("GET", "/operators"), ("GET", "/audit"), ("GET", "/queue"),
                             ("GET", "/settings"), ("GET", "/resellers"), ("GET", f"/mailboxes/{number}/delete"),
                             ("POST", f"/mailboxes/{number}"), ("POST", f"/mailboxes/{number}/delete")):
            reply = self.web.get(path) if method == "GET" else self.web.post(path, {"name": "Changed"})
            self.assertEqual(reply.status, 403, path)
        reply = self.web.post(f"/mailboxes/{number}/password", {"how": "typed", "password": "set by helpdesk"})
        self.assertEqual(reply.status, 303, reply.words())
        self.assertEqual(harness.Web(self.mansio).log_in((self.account.address, "set by helpdesk")).status, 303)
        self.assertEqual(harness.Web(self.mansio).log_in(self.account).status, 422)

    def test_a_made_up_password_is_shown_once_and_works(self):
        self.log_in("helpdesk", self.tenant)
        number = self.id_of("account", "local_part", self.account.address.split("@")[0])
        reply = self.web.post(f"/mailboxes/{number}/password", {"how": "made_up"})
        self.assertEqual((reply.status, reply.headers["Cache-Control"]), (200, "no-store"))
        password = reply.text.split('<code id="secret">')[1].split("</code>")[0]
        self.assertRegex(password, r"^[a-z2-9]{5}(-[a-z2-9]{5}){3}$")
        self.assertEqual(harness.Web(self.mansio).log_in((self.account.address, password)).status, 303)
        self.assertNotIn(password, self.web.get(f"/mailboxes/{number}").text)
        self.assertNotIn(password, "\n".join(self.mansio.sql("SELECT detail FROM audit WHERE object_kind = 'account'")))

    def test_helpdesk_of_another_reseller_finds_no_mailbox(self):
        self.log_in("helpdesk", self.mansio.new_tenant())
        number = self.id_of("account", "local_part", self.account.address.split("@")[0])
        self.assertEqual(self.web.get(f"/mailboxes/{number}/password").status, 404)
        self.assertEqual(self.web.post(f"/mailboxes/{number}/password", {"how": "made_up"}).status, 404)

    def test_domain_administrator_sees_the_granted_domain_alone(self):
        operator = self.log_in("domain", self.tenant)
        self.mansio.command("operator", "grant", operator.address, self.domain)
        words = self.web.get("/domains").words()
        self.assertIn(self.domain, words)
        self.assertNotIn(self.second, words)
        mine, other = self.id_of("domain", "name", self.domain), self.id_of("domain", "name", self.second)
        self.assertEqual(self.web.get(f"/domains/{mine}/mailboxes").status, 200)
        self.assertEqual(self.web.get(f"/domains/{other}/mailboxes").status, 404)
        self.assertEqual(self.web.post(f"/domains/{mine}/mailboxes/new", {"local": "new", "how": "made_up"}).status, 200)
        self.assertEqual(self.web.post(f"/domains/{other}/mailboxes/new", {"local": "new", "how": "made_up"}).status, 404)
        self.assertEqual(self.web.get("/domains/new").status, 403)
        self.assertEqual(self.web.post(f"/domains/{mine}/delete", {"typed": self.domain}).status, 403)
        self.assertEqual(self.web.post(f"/domains/{mine}/settings", {}).status, 403)

    def test_reseller_makes_no_provider_and_reaches_no_provider_page(self):
        self.log_in("reseller", self.tenant)
        for path in ("/resellers", "/resellers/new", "/settings"):
            self.assertEqual(self.web.get(path).status, 403, path)
        login = harness.unique("evil")
        reply = self.web.post("/operators/new", {"login": login, "role": "provider", "how": "typed", "password": "long enough 1"})
        self.assertEqual(reply.status, 422)
        self.assertEqual(self.mansio.sql(f"SELECT count(*) FROM operator WHERE login = '{login}'"), ["0"])

    def test_a_reseller_s_form_can_name_no_other_tenant(self):
        other = self.mansio.new_tenant()
        number = self.id_of("tenant", "name", other)
        self.log_in("reseller", self.tenant)
        name = harness.unique("n") + ".example"
        self.web.post("/domains/new", {"name": name, "kind": "hosted", "reseller": str(number)})
        self.assertEqual(self.mansio.sql(f"SELECT t.name FROM domain d JOIN tenant t ON t.id = d.tenant_id WHERE d.name = '{name}'"), [self.tenant])

    def test_nobody_switches_off_or_deletes_oneself(self):
        operator = self.log_in("reseller", self.tenant)
        number = self.id_of("operator", "login", operator.address)
        self.assertEqual(self.web.post(f"/operators/{number}/disable").status, 422)
        self.assertEqual(self.web.post(f"/operators/{number}/delete").status, 422)
        self.assertEqual(self.web.get("/").status, 200)


if __name__ == "__main__":
    unittest.main()
