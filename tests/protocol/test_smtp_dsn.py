"""What a sender hears of mail for addresses here, as it asked for (RFC 3461)."""

import unittest

import harness


class Notifications(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.marcus = self.mansio.new_account(self.domain)
        self.wire = harness.Wire(self.mansio.host, self.mansio.port["smtp"])
        self.addCleanup(self.wire.close)
        self.extensions = self.wire.greet()

    def send(self, *to, sender=None, mail="", code=250):
        """Each of `to` is an address and its parameters. The sender is livia, so that she hears of it."""
        self.assertEqual(self.wire.say(f"MAIL FROM:<{self.livia.address if sender is None else sender}>{mail}")[0], 250)
        for address, parameters in to:
            self.assertEqual(self.wire.say(f"RCPT TO:<{address}>{parameters}")[0], 250)
        self.assertEqual(self.wire.say("DATA")[0], 354)
        self.assertEqual(self.wire.say("Subject: asked\r\n\r\nbody\r\n.")[0], code)

    def report(self):
        got = self.mansio.wait_for_mail(self.livia)
        self.assertEqual(got.get_content_type(), "multipart/report")
        self.assertEqual(got["Return-Path"], "<>")
        return got

    def test_it_is_offered(self):
        self.assertIn("DSN", self.extensions)

    def test_delivery_is_told_of_where_it_was_asked_for(self):
        self.send((self.marcus.address, " NOTIFY=SUCCESS ORCPT=rfc822;m+2Bx@there.test"), mail=" ENVID=QQ+2B1 RET=FULL")
        report = self.report()
        message, recipient = report.get_payload(1).get_payload()
        self.assertEqual(message["Original-Envelope-Id"], "QQ+1")
        self.assertEqual(recipient["Original-Recipient"], "rfc822; m+x@there.test")
        self.assertEqual(recipient["Final-Recipient"], f"rfc822; {self.marcus.address}")
        self.assertEqual((recipient["Action"], recipient["Status"]), ("delivered", "2.1.5"))
        self.assertEqual(report.get_payload(2).get_content_type(), "text/rfc822-headers", "of success only the header comes back")
        self.assertIn("Subject: asked", report.get_payload(2).get_payload())

    def test_and_nowhere_else(self):
        self.send((self.marcus.address, ""))
        self.send((self.marcus.address, " NOTIFY=FAILURE,DELAY"))
        self.send((self.marcus.address, " NOTIFY=NEVER"))
        self.assertEqual(len(self.mansio.mail(self.marcus)), 3)
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_an_alias_with_one_target_is_delivered(self):
        self.mansio.command("alias", "set", f"one@{self.domain}", self.marcus.address)
        self.send((f"one@{self.domain}", " NOTIFY=SUCCESS"))
        recipient = self.report().get_payload(1).get_payload()[1]
        self.assertEqual(recipient["Action"], "delivered")
        self.assertEqual(recipient["Original-Recipient"], f"rfc822; one@{self.domain}")

    def test_an_alias_with_several_is_expanded_and_that_is_all(self):
        with harness.Outside(self.mansio, f"exp-{self.domain}".replace(".example", ".test")) as elsewhere:
            self.mansio.command("alias", "set", f"all@{self.domain}", self.marcus.address, f"bob@{elsewhere.domain}")
            self.send((f"all@{self.domain}", " NOTIFY=SUCCESS,FAILURE"))
            blocks = self.report().get_payload(1).get_payload()
            self.assertEqual([b["Action"] for b in blocks[1:]], ["expanded"])
            elsewhere.wait_for_mail()
            harness.eventually(lambda: f"delivered to=<bob@{elsewhere.domain}>" in self.mansio.log("mta"), 10)
        self.assertEqual(len(self.mansio.mail(self.livia)), 1)

    def test_several_recipients_are_told_of_in_one(self):
        self.send((self.marcus.address, " NOTIFY=SUCCESS"), (self.livia.address, " NOTIFY=NEVER"))
        blocks = [m for m, body in ((m, b) for m, b in self.mansio.mail(self.livia)) if b"multipart/report" in body]
        self.assertEqual(len(blocks), 1)

    def test_a_notification_causes_no_other(self):
        self.send((self.marcus.address, " NOTIFY=SUCCESS"), sender="")
        self.assertEqual(len(self.mansio.mail(self.marcus)), 1)
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_what_goes_back_elsewhere_asks_for_nothing(self):
        kept = []
        sink = harness.Sink(self.mansio, harness.converse(kept, extensions=("PIPELINING", "DSN")))
        self.enterContext(sink)
        domain = f"back-{self.domain}".replace(".example", ".test")
        self.mansio.outside_zone(domain, ["@ MX 10 mx", f"mx A {sink.address}"])
        self.send((self.marcus.address, " NOTIFY=SUCCESS"), sender=f"bob@{domain}")
        harness.eventually(lambda: kept, 10)
        self.assertTrue(kept[0].lines[1].startswith("MAIL FROM:<>"))
        self.assertIn(f"RCPT TO:<bob@{domain}> NOTIFY=NEVER", kept[0].lines)

    def test_a_full_mailbox_is_told_of_unless_the_sender_does_not_want_it(self):
        for notify, reports in ((" NOTIFY=NEVER", 0), (" NOTIFY=SUCCESS", 0), (" NOTIFY=FAILURE", 1)):
            full = self.mansio.new_account(self.domain)
            self.mansio.command("account", "set", full.address, "--quota", "100")
            self.send((full.address, notify), (self.marcus.address, " NOTIFY=NEVER"))
            self.assertEqual(len(self.mansio.mail(self.livia)), reports, notify)

    def test_values_are_checked(self):
        for mail in ("RET=ALL", "RET", "ENVID", "ENVID=a+0A", "ENVID=" + "x" * 101, "RET=FULL RET=HDRS"):
            self.assertEqual(self.wire.say(f"MAIL FROM:<a@outside.test> {mail}")[0], 501, mail)
        self.wire.say("MAIL FROM:<a@outside.test>")
        for rcpt in ("NOTIFY=NEVER,SUCCESS", "NOTIFY", "NOTIFY=OFTEN", "ORCPT=a@b", "ORCPT=;a@b", "ORCPT=rfc822;a+FF", "ORCPT=rfc822;a+0Ab", "NOTIFY=NEVER NOTIFY=NEVER"):
            self.assertEqual(self.wire.say(f"RCPT TO:<{self.marcus.address}> {rcpt}")[0], 501, rcpt)


if __name__ == "__main__":
    unittest.main()
