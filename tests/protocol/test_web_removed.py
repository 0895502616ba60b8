"""The pages by which the helpdesk brings removed mail back, and administrators deleted mailboxes; and rules of retention."""

import json
import unittest

import harness

OPERATOR = "INSERT INTO web_session (token_hash, operator_id, csrf, expires_at) SELECT sha256('{token}'), id, 'x', now() + interval '1 hour' FROM operator WHERE login = '{login}'"


class Pages(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia = self.mansio.new_account(self.domain)
        client = self.mansio.imap(self.livia)
        for subject in ("Plan <b>one</b>", "Plan two"):
            client.append("INBOX", "", None, f"From: Marcus <marcus@outside.test>\r\nSubject: {subject}\r\n\r\nx\r\n".encode())
        client.select()
        client.store("1:2", "+FLAGS", "\\Deleted")
        client.expunge()
        client.logout()
        self.account = self.mansio.sql(
            f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE d.name = '{self.domain}' AND a.local_part = '{self.livia.address.split('@')[0]}'"
        )[0]
        self.path = f"/mailboxes/{self.account}/removed"

    def browser(self, role, tenant=None):
        browser = harness.Browser(self.mansio)
        browser.operator = self.mansio.new_operator(role, tenant or self.tenant)
        browser.log_in(browser.operator)
        return browser

    def keys(self):
        return [m["id"] for m in json.loads(self.mansio.command("undelete", self.livia.address, "--json"))]

    def choose(self, browser, page, keys):
        """Sends the form with the messages (the one with the same address is the search)."""
        fields = next(form.fields for form in page.forms if form.action == self.path and form.method == "post")
        return browser.post(self.path, fields + [("key", key) for key in keys])

    def test_the_helpdesk_brings_chosen_messages_back_and_the_log_says_who(self):
        helpdesk = self.browser("helpdesk")
        page = helpdesk.get(self.path)
        self.assertEqual(page.status, 200)
        self.assertIn("Plan <b>one</b>", page.text)
        self.assertNotIn(b"<b>one", page.body)
        self.assertEqual(self.choose(helpdesk, page, []).status, 422)
        page = helpdesk.get(self.path + "?q=two")
        self.assertNotIn("one</b>", page.text)
        boxes = page.all("input", type="checkbox", name="key")
        self.assertEqual(len(boxes), 1)
        page = self.choose(helpdesk, page, [boxes[0]["value"]])
        self.assertIn("1 message was brought back", page.text)
        self.assertEqual(len(self.mansio.mail(self.livia)), 1)
        entry = [e for e in json.loads(self.mansio.command("audit", "list", "--json", "--search", self.livia.address)) if e["action"] == "undelete"]
        self.assertEqual([e["actor"] for e in entry], [helpdesk.operator.address])
        self.assertEqual(self.mansio.command("undelete", self.livia.address).count("Plan"), 1)

    def test_what_is_not_ones_own_looks_like_what_is_not_there(self):
        stranger = self.browser("helpdesk", self.mansio.new_tenant())
        self.assertEqual(stranger.get(self.path).status, 404)
        self.mansio.sql(OPERATOR.format(token=f"removed {self.tenant}", login=stranger.operator.address))
        act = f"BEGIN; SELECT 'role ' || role FROM actor_begin(sha256('removed {self.tenant}'));"
        keys = ", ".join(f"'{key}'" for key in self.keys())
        got = self.mansio.sql(f"{act} SELECT count(*) FROM removed_mail({self.account}, NULL, NULL, NULL, NULL, 10); ROLLBACK", role="mansio_web")
        self.assertIn("0", got)
        got = self.mansio.sql(f"{act} SELECT restored FROM mail_undelete({self.account}, ARRAY[{keys}], NULL); COMMIT", role="mansio_web")
        self.assertIn("0", got)
        for table in ("removed_message", "removed_mailbox", "removed_account", "email"):
            with self.assertRaises(Exception):
                self.mansio.sql(f"{act} SELECT count(*) FROM {table}; ROLLBACK", role="mansio_web")
        self.assertEqual(len(self.keys()), 2)
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_a_deleted_mailbox_comes_back_by_a_click_of_its_administrator_alone(self):
        reseller, stranger = self.browser("reseller"), self.browser("reseller", self.mansio.new_tenant())
        page = reseller.get(f"/mailboxes/{self.account}/delete")
        self.assertIn("brought back for 14 days", page.text)
        reseller.submit(page, f"/mailboxes/{self.account}/delete")
        self.assertEqual(reseller.get(f"/mailboxes/{self.account}").status, 404)
        self.assertNotIn(self.livia.address, stranger.get("/mailboxes/removed").text)
        self.assertIn(self.browser("helpdesk").get("/mailboxes/removed").status, (403, 404))
        page = reseller.get("/mailboxes/removed?q=" + self.livia.address)
        self.assertIn(self.livia.address, page.text)
        self.mansio.sql(OPERATOR.format(token=f"account {self.tenant}", login=stranger.operator.address))
        act = f"BEGIN; SELECT 'role ' || role FROM actor_begin(sha256('account {self.tenant}'));"
        got = self.mansio.sql(f"{act} SELECT refused FROM account_undelete({self.account}, NULL); COMMIT", role="mansio_web")
        self.assertIn("there is no such deleted mailbox", got)
        page = reseller.submit(page, f"/mailboxes/removed/{self.account}")
        self.assertIn("is back", page.text)
        self.assertEqual(len(self.keys()), 2)
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_rules_are_set_by_those_whose_domain_it_is(self):
        reseller, stranger = self.browser("reseller"), self.browser("reseller", self.mansio.new_tenant())
        page = reseller.get("/retention")
        page = reseller.submit(page, "/retention", whose=self.domain, folder="\\Trash", days="30")
        self.assertIn("\\Trash", page.text)
        self.assertIn("30 days", page.text)
        self.assertEqual(reseller.submit(page, "/retention", whose=self.domain, folder="\\Trash", days="soon").status, 422)
        page = reseller.submit(page, "/retention", whose=self.livia.address, folder="Trash", days="0")
        self.assertIn("for ever", page.text)
        other = stranger.get("/retention")
        self.assertNotIn(self.domain, other.text)
        self.assertEqual(stranger.submit(other, "/retention", whose=self.domain, folder="\\Trash", days="1").status, 422)
        rules = json.loads(self.mansio.command("retention", "list", "--search", self.domain, "--json"))
        self.assertEqual(sorted((r["folder"], r["days"]) for r in rules), [("Trash", 0), ("\\Trash", 30)])
        rule = self.mansio.sql(f"SELECT r.id FROM retention r JOIN domain d ON d.id = r.domain_id WHERE d.name = '{self.domain}' AND r.days = 30")[0]
        page = reseller.submit(reseller.get("/retention"), f"/retention/{rule}/remove")
        self.assertNotIn("30 days", page.text)


if __name__ == "__main__":
    unittest.main()
