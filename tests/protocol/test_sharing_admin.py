"""Mailboxes that belong to nobody in particular, sharing by administrators, and sending under another's address."""

import smtplib
import unittest

import harness

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia = self.mansio.new_account(self.domain, "livia")
        self.marcus = self.mansio.new_account(self.domain, "marcus")

    def session(self, account):
        wire = harness.ImapWire(self.mansio, account)
        self.addCleanup(wire.close)
        return wire

    def listed(self, wire, pattern="*"):
        return sorted(line.rsplit(b'"', 2)[1].decode() for line in wire.must(f'LIST "" "{pattern}"'))

    def refusal(self, *args):
        done = self.mansio.command(*args, check=False)
        self.assertNotEqual(done.returncode, 0, args)
        return done.stderr


class SharedMailboxes(Case):
    def setUp(self):
        super().setUp()
        self.info = f"info@{self.domain}"
        self.mansio.command("account", "add", self.info, "--shared")
        self.tree = f"Shared Folders/{self.info}"

    def test_those_in_its_lists_use_it_and_its_address_gets_mail(self):
        self.mansio.command("share", "set", self.info, "*", self.livia.address, "manage")
        self.mansio.command("share", "set", self.info, "INBOX", self.marcus.address, "read")
        self.mansio.send("someone@outside.test", self.info, subject="Salve")
        livia, marcus = self.session(self.livia), self.session(self.marcus)
        self.assertEqual(self.listed(marcus, "Shared*"), ["Shared Folders", self.tree, f"{self.tree}/INBOX"])
        self.assertIn(f"{self.tree}/Sent", self.listed(livia, "Shared*"))
        harness.eventually(lambda: b"* 1 EXISTS" in marcus.must(f'SELECT "{self.tree}/INBOX"'))
        marcus.must("FETCH 1 BODY[]")
        self.assertIn(b"UNSEEN 1", livia.must(f'STATUS "{self.tree}/INBOX" (UNSEEN)')[0])
        self.assertIn(b"UNSEEN 0", marcus.must(f'STATUS "{self.tree}/INBOX" (UNSEEN)')[0])
        livia.must(f'CREATE "{self.tree}/Orders"')
        livia.must(f'SELECT "{self.tree}/INBOX"')
        livia.must(f'MOVE 1 "{self.tree}/Orders"')
        self.assertEqual(livia.must(f'GETACL "{self.tree}/Orders"'),
                         [f'* ACL "{self.tree}/Orders" "{self.livia.address}" "lrswipkxteacd"'.encode()])  # fmt: skip

    def test_nobody_logs_in_to_it(self):
        account = harness.Account(self.info, "!")
        wire = harness.ImapWire(self.mansio)
        self.addCleanup(wire.close)
        self.assertTrue(wire.login(account)[0].startswith("NO [AUTHENTICATIONFAILED]"))
        done = self.mansio.command("account", "password", self.info, "--password-stdin", check=False, stdin="correct horse battery\n")
        self.assertIn("nobody logs in to", done.stderr)
        self.assertIn("nobody logs in to", self.refusal("account", "app-password", "add", self.info, "phone"))

    def test_it_is_no_other_users(self):
        self.mansio.command("share", "set", self.info, "INBOX", self.livia.address, "read")
        livia = self.session(self.livia)
        self.assertTrue(livia.run(f'SELECT "Other Users/{self.info}/INBOX"')[0].startswith("NO [NONEXISTENT]"))
        livia.must(f'SELECT "{self.tree}/INBOX"')


class ByAdministrators(Case):
    def test_lists_are_shown_and_changed(self):
        self.mansio.command("share", "set", self.livia.address, "Archive", self.marcus.address, "edit")
        self.mansio.command("share", "set", self.livia.address, "inbox", "anyone", "lr")
        self.mansio.command("share", "set", self.livia.address, "INBOX", f"-{self.marcus.address}", "r")
        lines = [line.split() for line in self.mansio.command("share", "list", self.livia.address).splitlines()]
        self.assertIn(["Archive", self.marcus.address, "lrswite"], lines)
        self.assertIn(["INBOX", "anyone", "lr"], lines)
        self.assertIn(["INBOX", f"-{self.marcus.address}", "r"], lines)
        tree = f"Other Users/{self.livia.address}"
        self.assertTrue(self.session(self.marcus).run(f'SELECT "{tree}/INBOX"')[0].startswith("NO [NOPERM]"))
        self.mansio.command("share", "remove", self.livia.address, "INBOX", f"-{self.marcus.address}")
        self.session(self.marcus).must(f'SELECT "{tree}/INBOX"')

    def test_what_is_refused(self):
        stranger = self.mansio.new_account(self.mansio.new_domain(), "stranger")
        share = ("share", "set", self.livia.address)
        self.assertIn("there is no mailbox", self.refusal(*share, "INBOX", stranger.address, "read"))
        self.assertIn("there is no mailbox", self.refusal(*share, "INBOX", f"nobody@{self.domain}", "read"))
        self.assertIn("there is no folder", self.refusal(*share, "Nothing", self.marcus.address, "read"))
        self.assertIn("all rights already", self.refusal(*share, "INBOX", self.livia.address, "read"))
        self.assertIn("rights are", self.refusal(*share, "INBOX", self.marcus.address, "everything"))


class Sending(Case):
    def send(self, account, sender):
        with self.mansio.submission(account) as client:
            return client.sendmail(sender, [self.livia.address], f"From: {sender}\r\nSubject: x\r\n\r\nx\r\n")

    def test_a_delegate_sends_under_the_address_until_it_ends(self):
        with self.assertRaises(smtplib.SMTPException):
            self.send(self.marcus, self.livia.address)
        self.mansio.command("account", "delegate", "add", self.livia.address, self.marcus.address)
        self.assertIn(self.marcus.address, self.mansio.command("account", "delegate", "list", self.livia.address))
        self.assertIn(self.livia.address, self.mansio.command("account", "send-as", "list", self.marcus.address))
        self.send(self.marcus, self.livia.address)
        self.mansio.command("account", "delegate", "remove", self.livia.address, self.marcus.address)

        def refused():
            try:
                self.send(self.marcus, self.livia.address)
            except smtplib.SMTPException:
                return True
            return False

        harness.eventually(refused)

    def test_under_the_address_of_a_shared_mailbox(self):
        info = f"info@{self.domain}"
        self.mansio.command("account", "add", info, "--shared")
        self.mansio.command("account", "delegate", "add", info, self.marcus.address)
        self.send(self.marcus, info)

    def test_only_to_people_of_the_same_reseller(self):
        stranger = self.mansio.new_account(self.mansio.new_domain(), "stranger")
        for who in (stranger.address, f"nobody@{self.domain}"):
            self.assertIn("there is no mailbox", self.refusal("account", "delegate", "add", self.livia.address, who))


if __name__ == "__main__":
    unittest.main()
