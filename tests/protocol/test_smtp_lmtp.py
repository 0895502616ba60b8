"""LMTP: the same server, with a reply for each recipient (RFC 2033)."""

import unittest

import harness


class Lmtp(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia, self.marcus = self.mansio.new_account(self.domain), self.mansio.new_account(self.domain)
        self.wire = harness.Wire(self.mansio.host, self.mansio.port["lmtp"])
        self.addCleanup(self.wire.close)

    def test_it_greets_with_lhlo_only(self):
        self.assertIn("LMTP", self.wire.reply()[1])
        self.assertEqual(self.wire.say("EHLO client.test")[0], 500)
        self.assertEqual(self.wire.say("HELO client.test")[0], 500)
        self.assertEqual(self.wire.say("LHLO client.test")[0], 250)

    def send(self, recipients, size=100, sender="someone@outside.test"):
        self.assertEqual(self.wire.say(f"MAIL FROM:<{sender}>")[0], 250)
        for r in recipients:
            self.assertEqual(self.wire.say(f"RCPT TO:<{r}>")[0], 250)
        self.assertEqual(self.wire.say("DATA")[0], 354)
        self.wire.send(b"Subject: lmtp\r\n\r\n" + b"x" * size + b"\r\n.\r\n")
        return [self.wire.reply() for _ in recipients]

    def test_each_recipient_has_a_reply(self):
        self.wire.greet(verb="LHLO")
        self.mansio.command("account", "set", self.livia.address, "--quota", "10K")
        replies = self.send([self.livia.address, self.marcus.address], size=50_000)
        self.assertEqual([code for code, _ in replies], [552, 250])
        self.assertTrue(replies[0][1].startswith(f"5.2.2 <{self.livia.address}>"), replies)
        self.assertEqual(self.mansio.mail(self.livia), [])
        self.assertIn(b" with LMTP id ", self.mansio.mail(self.marcus)[0][1])
        self.assertEqual(self.wire.say("NOOP")[0], 250)

    def test_what_an_alias_hides_is_told_by_mail(self):
        self.wire.greet(verb="LHLO")
        sender = self.mansio.new_account(self.domain)
        self.mansio.command("account", "set", self.livia.address, "--quota", "10K")
        both = f"both@{self.domain}"
        self.mansio.command("alias", "set", both, self.livia.address, self.marcus.address)
        replies = self.send([both], size=50_000, sender=sender.address)
        self.assertEqual([code for code, _ in replies], [250])
        self.assertIn(b"5.2.2", self.mansio.wait_for_mail(sender).as_bytes())

    def test_a_refused_message_is_refused_for_each(self):
        self.wire.greet(verb="LHLO")
        self.wire.say("MAIL FROM:<someone@outside.test>")
        for account in (self.livia, self.marcus):
            self.wire.say(f"RCPT TO:<{account.address}>")
        self.wire.say("DATA")
        self.wire.send(b"Subject: bare\n\r\n.\r\n")
        self.assertEqual([self.wire.reply()[0] for _ in range(2)], [550, 550])

    def test_it_delivers_and_does_not_relay(self):
        self.wire.greet(verb="LHLO")
        self.wire.say("MAIL FROM:<someone@outside.test>")
        self.assertEqual(self.wire.say("RCPT TO:<a@elsewhere.test>")[0], 554)


if __name__ == "__main__":
    unittest.main()
