"""Ways to log in that are switched off, for a mailbox and for a domain."""

import imaplib
import poplib
import re
import smtplib
import unittest

import harness
from harness.scram import Scram


class Switches(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def off(self, protocols, account=None):
        self.mansio.command("account", "set", (account or self.livia).address, "--protocols-off", protocols)

    def on(self, protocols):
        self.mansio.command("account", "set", self.livia.address, "--protocols-on", protocols)

    def refusal(self, protocol, account=None):
        """What a login is answered with; "" where it succeeds."""
        opened = {"imap": self.mansio.imap, "pop3": self.mansio.pop3, "smtp": self.mansio.submission}[protocol]
        try:
            client = opened(account or self.livia)
        except (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPAuthenticationError) as refused:
            return str(refused)
        getattr(client, "logout", getattr(client, "quit", None))()
        return ""

    def eventually_refused(self, protocol, code):
        return harness.eventually(lambda: code in self.refusal(protocol), what=f"refusal of {protocol}")

    def test_each_protocol_is_refused_alone(self):
        codes = {"imap": "[AUTHORIZATIONFAILED]", "pop3": "[SYS/PERM]", "smtp": "525"}
        for protocol, code in codes.items():
            self.off(protocol)
            self.eventually_refused(protocol, code)
            for other in codes.keys() - {protocol}:
                self.assertEqual(self.refusal(other), "", f"{other} with {protocol} off")
            self.on(protocol)
            harness.eventually(lambda p=protocol: self.refusal(p) == "", what=f"{protocol} again")

    def test_a_domain_switches_off_for_all_of_it(self):
        other = self.mansio.new_account(self.domain)
        self.mansio.command("domain", "set", self.domain, "--protocols-off", "imap,pop3")
        self.eventually_refused("imap", "[AUTHORIZATIONFAILED]")
        self.assertIn("[SYS/PERM]", self.refusal("pop3", other))
        self.assertEqual(self.refusal("smtp", other), "")
        self.assertIn("imap pop3", self.mansio.command("domain", "show", self.domain))
        self.on("imap")  # what the domain has switched off stays off
        self.assertIn("[AUTHORIZATIONFAILED]", self.refusal("imap"))

    def test_a_stranger_hears_what_a_wrong_password_hears_and_the_log_says_why(self):
        self.off("imap pop3")
        self.eventually_refused("imap", "[AUTHORIZATIONFAILED]")
        stranger = harness.Account(self.livia.address, "wrong password")
        self.assertIn("[AUTHENTICATIONFAILED]", self.refusal("imap", stranger))
        self.assertIn("[AUTH]", self.refusal("pop3", stranger))
        self.assertTrue(re.search(rf"switched off.*{re.escape(self.livia.address)}.*IMAP.*mailbox", self.mansio.log("imapd")))

    def test_scram_is_refused_too(self):
        self.off("imap")
        self.eventually_refused("imap", "[AUTHORIZATIONFAILED]")
        scram = Scram(self.livia.address, self.livia.password)
        messages = iter([lambda _: scram.first().encode(), lambda said: scram.final(said.decode()).encode()])
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHORIZATIONFAILED"):
            self.mansio.imap().authenticate("SCRAM-SHA-256", lambda said: next(messages)(said))

    def test_an_open_session_ends(self):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        self.off("imap")
        self.eventually_refused("imap", "[AUTHORIZATIONFAILED]")
        ended = []

        def said_goodbye():
            try:
                _, lines = wire.run(b"NOOP")
                ended.extend(lines)
            except (OSError, EOFError, AssertionError):
                return True
            return any(b"BYE" in line for line in ended)

        harness.eventually(said_goodbye, what="BYE")

    def test_the_webmail_works_without_imap_and_has_a_switch_of_its_own(self):
        self.off("imap pop3 smtp")
        self.eventually_refused("imap", "[AUTHORIZATIONFAILED]")
        web = harness.Web(self.mansio)
        self.assertEqual(web.log_in(self.livia).status, 303)
        self.assertEqual(web.get("/mail/folders").status, 200)
        self.off("web")
        harness.eventually(lambda: web.get("/mail/folders").status != 200, what="the session's end")
        self.assertIn("switched off", harness.Web(self.mansio).log_in(self.livia).text)
        stranger = harness.Account(self.livia.address, "wrong password")
        self.assertNotIn("switched off", harness.Web(self.mansio).log_in(stranger).text)

    def test_access_tokens_obey_the_switch(self):
        token = self.mansio.command("account", "token", "add", self.livia.address, "test").split()
        token = next(word for word in token if word.startswith("mansio_access_"))
        self.off("imap")
        self.eventually_refused("imap", "[AUTHORIZATIONFAILED]")
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHORIZATIONFAILED"):
            self.mansio.imap().authenticate("XOAUTH2", lambda _: f"user={self.livia.address}\1auth=Bearer {token}\1\1".encode())
        self.on("imap")
        harness.eventually(lambda: self.refusal("imap") == "", what="imap again")

    def test_unknown_protocols_and_contradictions_are_refused(self):
        for options in (["--protocols-off", "gopher"], ["--protocols-off", "imap", "--protocols-on", "imap"]):
            done = self.mansio.command("account", "set", self.livia.address, *options, check=False)
            self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.refusal("imap"), "")


class Pages(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia = self.mansio.new_account(self.domain)
        self.browser = harness.Browser(self.mansio)
        self.browser.log_in(self.mansio.new_operator("reseller", self.tenant))
        self.mailbox = self.mansio.sql(f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE d.name = '{self.domain}'")[0]
        self.id = self.mansio.sql(f"SELECT id FROM domain WHERE name = '{self.domain}'")[0]

    def columns(self):
        return self.mansio.sql(f"SELECT d.protocols_off, a.protocols_off FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.id = {self.mailbox}")[0]

    def test_the_forms_switch_a_mailbox_and_a_domain(self):
        page = self.browser.get(f"/mailboxes/{self.mailbox}")
        self.assertEqual(len([e for e in page.all("input", type="checkbox") if "checked" in e and e["name"].startswith("protocol-")]), 4)
        fields = dict(page.form(f"/mailboxes/{self.mailbox}").fields)
        del fields["protocol-pop3"]
        self.browser.post(f"/mailboxes/{self.mailbox}", list(fields.items()))
        self.assertEqual(self.columns(), "{}|{pop3}")
        fields = dict(self.browser.get(f"/domains/{self.id}/settings").form(f"/domains/{self.id}/settings").fields)
        del fields["protocol-imap"]
        self.browser.post(f"/domains/{self.id}/settings", list(fields.items()))
        self.assertEqual(self.columns(), "{imap}|{pop3}")
        page = self.browser.get(f"/mailboxes/{self.mailbox}")
        self.assertIn("Switched off for the whole domain", page.text)
        self.assertFalse([e for e in page.all("input", name="protocol-pop3") if "checked" in e])

    def test_a_person_can_not_switch_its_own(self):
        web = harness.Web(self.mansio)
        web.log_in(self.livia)
        self.assertIn(web.get(f"/mailboxes/{self.mailbox}").status, (403, 404))
        token = self.mansio.sql(f"SELECT count(*) FROM web_session WHERE account_id = {self.mailbox}")[0]
        self.assertEqual(token, "1")


if __name__ == "__main__":
    unittest.main()
