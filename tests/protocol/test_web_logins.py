"""The pages about logging in and sending: a person's app passwords, a mailbox's logins and limits, bans, alarms; and who may use them."""

import re
import unittest

import harness

PASSWORD = "correct horse battery"


class Pages(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia = self.mansio.new_account(self.domain)
        self.id = int(self.sql("SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE d.name = '{}' AND local_part = '{}'",
                               self.domain, self.livia.address.split("@")[0]))  # fmt: skip

    def sql(self, text, *values):
        return self.mansio.sql(text.format(*values))[0]

    def web(self, who):
        web = harness.Web(self.mansio)
        self.assertEqual(web.log_in(who).status, 303)
        return web

    def operator(self, role="reseller", tenant=None):
        operator = self.mansio.new_operator(role, tenant or self.tenant)
        if role == "domain":
            self.mansio.command("operator", "grant", operator.address, self.domain)
        return self.web(operator)

    def imap(self, password):
        with harness.ImapWire(self.mansio) as wire:
            return wire.run(f'LOGIN {self.livia.address} "{password}"')[0].startswith("OK")

    def made(self, web, **form):
        reply = web.post("/profile/apps", {"name": "Phone", "for": "", **form})
        self.assertEqual(reply.status, 200, reply.words())
        return re.search(r'<code id="secret">([^<]+)</code>', reply.text).group(1)

    def test_a_person_makes_uses_and_removes_an_app_password(self):
        web = self.web(self.livia)
        self.assertIn("/profile/apps", web.get("/profile").text)
        secret = self.made(web)
        self.assertRegex(secret, r"^([a-z2-9]{5}-){3}[a-z2-9]{5}$")
        page = web.get("/profile/apps")
        self.assertNotIn(secret, page.text, "shown once")
        self.assertIn("Phone", page.text)
        harness.eventually(lambda: self.imap(secret), 5)
        harness.eventually(lambda: "127.0.0.1" in web.get("/profile/apps").text, 5)
        number = re.search(r"/profile/apps/(\d+)/remove", web.get("/profile/apps").text).group(1)
        self.assertEqual(web.post(f"/profile/apps/{number}/remove").status, 303)
        harness.eventually(lambda: not self.imap(secret), 5)

    def test_a_name_is_needed_and_used_once(self):
        web = self.web(self.livia)
        self.made(web)
        for name, said in (("", "give it a name"), ("Phone", "already"), ("x" * 101, "name")):
            web.get("/profile/apps")
            reply = web.post("/profile/apps", {"name": name, "for": ""})
            self.assertEqual(reply.status, 422, name)
            self.assertIn(said, reply.words().lower())

    def test_a_person_keeps_mail_programs_to_app_passwords(self):
        web = self.web(self.livia)
        secret = self.made(web)
        web.get("/profile/apps")
        self.assertEqual(web.post("/profile/apps/only", {"only": "1"}).status, 303)
        harness.eventually(lambda: not self.imap(PASSWORD), 5)
        self.assertTrue(self.imap(secret))
        self.assertEqual(self.web(self.livia).get("/mail/").status, 200, "the webmail goes on")

    def test_operators_see_and_remove_app_passwords_and_make_none(self):
        self.made(self.web(self.livia))
        for role in ("reseller", "domain", "helpdesk"):
            web = self.operator(role)
            page = web.get(f"/mailboxes/{self.id}/logins")
            self.assertIn("Phone", page.text, role)
            self.assertEqual(web.post("/profile/apps", {"name": "mine", "for": ""}).status, 403)
        number = re.search(rf"/mailboxes/{self.id}/logins/(\d+)/remove", page.text).group(1)
        self.assertEqual(web.post(f"/mailboxes/{self.id}/logins/{number}/remove").status, 303)
        self.assertNotIn("Phone", web.get(f"/mailboxes/{self.id}/logins").text)

    def test_strangers_see_nothing(self):
        web = self.operator("reseller", self.mansio.new_tenant())
        self.assertEqual(web.get(f"/mailboxes/{self.id}/logins").status, 404)
        for path in ("send-as", "limits", "block"):
            self.assertEqual(web.post(f"/mailboxes/{self.id}/logins/{path}", {"address": "a@b.example"}).status, 404)
        self.assertEqual(self.web(self.livia).get(f"/mailboxes/{self.id}/logins").status, 403)

    def test_administrators_let_a_mailbox_send_as_another(self):
        web = self.operator("domain")
        page = f"/mailboxes/{self.id}/logins"
        web.get(page)
        self.assertEqual(web.post(f"{page}/send-as", {"address": f"Office@{self.domain}"}).status, 303)
        shown = web.get(page)
        self.assertIn(f"office@{self.domain}", shown.text)
        reply = web.post(f"{page}/send-as", {"address": "president@elsewhere.example"})
        self.assertEqual(reply.status, 422)
        self.assertIn("own domains", reply.words())
        number = re.search(r"/send-as/(\d+)/remove", shown.text).group(1)
        web.get(page)
        self.assertEqual(web.post(f"{page}/send-as/{number}/remove").status, 303)
        self.assertNotIn(f"office@{self.domain}", web.get(page).text)
        helpdesk = self.operator("helpdesk")
        helpdesk.get(page)
        self.assertEqual(helpdesk.post(f"{page}/send-as", {"address": f"office@{self.domain}"}).status, 403)

    def test_limits_are_set_and_sending_switched_off_and_on(self):
        web = self.operator("reseller")
        page = f"/mailboxes/{self.id}/logins"
        web.get(page)
        form = {"messages_hour": "7", "messages_day": "none", "recipients_hour": "", "recipients_day": ""}
        self.assertEqual(web.post(f"{page}/limits", form).status, 303)
        row = self.sql("SELECT concat_ws(' ', messages_hour, messages_day, recipients_hour IS NULL) FROM send_limit WHERE account_id = {}", self.id)
        self.assertEqual(row, "7 0 t")
        web.get(page)
        self.assertEqual(web.post(f"{page}/limits", {**form, "messages_hour": "many"}).status, 422)
        web.get(page)
        self.assertEqual(web.post(f"{page}/block").status, 303)
        self.assertIn("sending is switched off", web.get(page).words())
        self.assertIn("Can't send", web.get(f"/mailboxes/{self.id}").words().replace("\u2019", "'").replace("&#39;", "'"))
        web.get(page)
        self.assertEqual(web.post(f"{page}/block").status, 303)
        self.assertEqual(self.sql("SELECT sending_blocked = '' FROM account WHERE id = {}", self.id), "t")

    def test_limits_of_a_domain_and_a_reseller_are_set_by_those_above(self):
        reseller = self.operator("reseller")
        provider = self.web(self.mansio.new_operator("provider", None))
        form = {"messages_hour": "", "messages_day": "", "recipients_hour": "50", "recipients_day": "none"}
        for web, whose, status in ((reseller, self.domain, 303), (reseller, self.livia.address, 303), (reseller, self.tenant, 422),
                                   (provider, self.tenant, 303), (reseller, self.mansio.new_domain(), 422), (reseller, "", 422)):  # fmt: skip
            web.get("/limits")
            self.assertEqual(web.post("/limits", {"whose": whose, **form}).status, status, whose)
        page = provider.get("/limits").text
        for whose in (self.domain, self.livia.address, self.tenant):
            self.assertIn(whose, page)
        number = self.sql("SELECT l.id FROM send_limit l JOIN domain d ON d.id = l.domain_id WHERE d.name = '{}'", self.domain)
        stranger = self.operator("reseller", self.mansio.new_tenant())
        stranger.get("/limits")
        self.assertEqual(stranger.post(f"/limits/{number}/remove").status, 404)
        reseller.get("/limits")
        self.assertEqual(reseller.post(f"/limits/{number}/remove").status, 303)

    def test_bans_are_seen_and_lifted_by_those_whose_account_it_is(self):
        for _ in range(10):
            self.imap("wrong")
        harness.eventually(lambda: self.mansio.sql(f"SELECT 1 FROM login_ban WHERE login = '{self.livia.address}'"), 5)
        stranger = self.operator("reseller", self.mansio.new_tenant())
        self.assertNotIn(self.livia.address, stranger.get("/bans").text)
        number = self.sql("SELECT id FROM login_ban WHERE login = '{}'", self.livia.address)
        self.assertEqual(stranger.post(f"/bans/{number}/lift").status, 404)
        web = self.operator("helpdesk")
        self.assertIn(self.livia.address, web.get(f"/bans?q={self.livia.address}").text)
        self.assertFalse(self.imap(PASSWORD))
        self.assertEqual(web.post(f"/bans/{number}/lift").status, 303)
        harness.eventually(lambda: self.imap(PASSWORD), 5)
        self.assertEqual(self.operator("domain").get("/bans").status, 403)
        self.assertIn("login_ban", self.sql("SELECT string_agg(object_kind, ' ') FROM audit WHERE object_name LIKE '{}%'", self.livia.address))

    def test_an_alarm_is_on_the_overview_until_it_was_seen(self):
        self.mansio.sql("INSERT INTO alarm (kind, tenant_id, account_id, text) SELECT 'limit', tenant_id, id, 'It sends too much: '"
                        f" || local_part FROM account WHERE id = {self.id}")  # fmt: skip
        text = "It sends too much: " + self.livia.address.split("@")[0]
        self.assertNotIn(text, self.operator("reseller", self.mansio.new_tenant()).get("/").text)
        for role in ("domain", "reseller"):
            web = self.operator(role)
            page = web.get("/")
            self.assertIn(text, page.text, role)
        number = re.search(r"/alarms/(\d+)/seen", page.text).group(1)
        self.assertEqual(web.post(f"/alarms/{number}/seen").status, 303)
        self.assertNotIn(text, web.get("/").text)


class Database(unittest.TestCase):
    """Whatever SQL the role of the web application sends."""

    setUp, sql = Pages.setUp, Pages.sql

    def act(self, who, sql, role="account"):
        column, table, match = ("account_id", "account", f"id = {self.id}") if role == "account" else ("operator_id", "operator", f"login = '{who}'")
        token = harness.unique("token")
        self.mansio.sql(f"INSERT INTO web_session (token_hash, {column}, csrf, expires_at) SELECT sha256('{token}'), id, 'x', now() + interval '1 hour'"
                        f" FROM {table} WHERE {match}")  # fmt: skip
        return self.mansio.sql(f"BEGIN; SELECT FROM actor_begin(sha256('{token}')); {sql}; ROLLBACK", role="mansio_web")

    def refused(self, who, sql, role="account"):
        with self.assertRaisesRegex(Exception, "permission denied|row-level security|may change|own domains"):
            self.act(who, sql, role)

    def test_secrets_stay_hidden(self):
        for sql in ("SELECT password FROM app_password", "SELECT token_hash FROM access_token", "SELECT value FROM auth_secret",
                    "SELECT password FROM account"):  # fmt: skip
            self.refused(self.livia.address, sql)

    def test_a_person_changes_neither_its_limits_nor_its_senders(self):
        for sql in (f"UPDATE account SET sending_blocked = 'x' WHERE id = {self.id}",
                    f"INSERT INTO send_as (account_id, address) VALUES ({self.id}, 'a@{self.domain}')",
                    f"INSERT INTO send_limit (tenant_id, account_id, messages_hour) SELECT tenant_id, id, 0 FROM account WHERE id = {self.id}",
                    f"SELECT submission_take({self.id}, 1)"):  # fmt: skip
            self.refused(self.livia.address, sql)

    def test_an_app_password_is_made_for_nobody_else(self):
        other = self.mansio.new_account(self.domain).address.split("@")[0]
        number = self.sql("SELECT a.id FROM account a WHERE local_part = '{}'", other)
        self.refused(self.livia.address, f"INSERT INTO app_password (account_id, name, password) VALUES ({number}, 'x', 'x')")

    def test_a_reseller_does_not_raise_its_own_limit(self):
        reseller = self.mansio.new_operator("reseller", self.tenant)
        self.refused(reseller.address, f"INSERT INTO send_limit (tenant_id, messages_hour) SELECT id, 0 FROM tenant WHERE name = '{self.tenant}'",
                     "operator")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
