"""Large messages, strange messages, full mailboxes, a full spool."""

import os
import re
import shutil
import smtplib
import unittest

import harness


def memory(pid):
    """Resident anonymous memory in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"RssAnon:\s+(\d+) kB", file.read())[1]) * 1024


class Size(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def envelope(self, wire, size=""):
        self.assertEqual(wire.say(f"MAIL FROM:<someone@outside.test>{size}")[0], 250)
        self.assertEqual(wire.say(f"RCPT TO:<{self.livia.address}>")[0], 250)
        self.assertEqual(wire.say("DATA")[0], 354)

    def test_a_large_message_arrives_unharmed(self):
        lines = b"".join(b"%08d " % n + bytes(33 + (n + i) % 90 for i in range(60)) + b"\r\n" for n in range(100_000))
        raw = b"Subject: large\r\n\r\n" + lines.replace(b"\r\n.", b"\r\n,")
        self.mansio.send("someone@outside.test", self.livia.address, raw=raw)
        (_, body), = self.mansio.mail(self.livia)
        self.assertTrue(body.endswith(raw), len(body))

    def test_very_long_lines_arrive_unharmed(self):
        raw = b"Subject: long\r\n\r\n" + b"x" * 3_000_000 + b"\r\n.\r\ny\r\n"
        self.mansio.send("someone@outside.test", self.livia.address, raw=raw)
        (_, body), = self.mansio.mail(self.livia)
        self.assertTrue(body.endswith(raw), len(body))

    def test_dots_between_the_pieces_in_which_a_message_comes(self):
        raw = b"Subject: dots\r\n\r\n" + b".\r\n..\r\n" * 200_000
        self.mansio.send("someone@outside.test", self.livia.address, raw=raw)
        (_, body), = self.mansio.mail(self.livia)
        self.assertTrue(body.endswith(raw), len(body))

    def test_a_header_of_nearly_a_megabyte_is_kept(self):
        raw = b"".join(b"X-Field-%d: %s\r\n" % (n, b"y" * 60) for n in range(13_000)) + b"\r\nbody\r\n"
        self.mansio.send("someone@outside.test", self.livia.address, raw=raw)
        (_, body), = self.mansio.mail(self.livia)
        self.assertTrue(body.endswith(raw), len(body))

    def test_an_empty_message_and_one_without_a_header_are_messages(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            for text in (b"", b"no header, just text\r\n", b"\r\n"):
                self.envelope(wire)
                wire.send(text + b".\r\n")
                self.assertEqual(wire.reply()[0], 250)
        self.assertEqual(len(self.mansio.mail(self.livia)), 3)

    def test_a_message_with_nul_is_refused(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            self.envelope(wire)
            wire.send(b"Subject: x\r\n\r\na\0b\r\n.\r\n")
            code, text = wire.reply()
            self.assertEqual((code, text[:5]), (550, "5.6.0"))

    def test_eight_bit_messages_arrive_as_they_are(self):
        raw = "Subject: gr\u00fcn\r\n\r\n\u00e4\u00f6\u00fc\r\n".encode() + bytes(range(128, 256)) + b"\r\n"
        with self.mansio.smtp() as client:
            client.sendmail("someone@outside.test", [self.livia.address], raw, mail_options=["BODY=8BITMIME"])
        (_, body), = self.mansio.mail(self.livia)
        self.assertTrue(body.endswith(raw))

    def test_what_is_over_the_limit_is_refused_when_it_is_announced_and_when_it_comes(self):
        mansio = harness.private()
        livia = mansio.new_account(mansio.new_domain())
        mansio.command("setting", "set", "mta.message_size", "2M")

        def limit():
            with mansio.smtp() as client:
                client.ehlo()
                return client.esmtp_features["size"] == str(2 << 20)

        harness.eventually(limit, 5)
        self.mansio, self.livia = mansio, livia
        with harness.Wire(mansio.host, mansio.port["smtp"]) as wire:
            wire.greet()
            code, text = wire.say("MAIL FROM:<a@b.test> SIZE=2097153")
            self.assertEqual((code, text[:5]), (552, "5.3.4"))
            self.envelope(wire, " SIZE=1000")
            before = memory(mansio.pid("mta"))
            for _ in range(300):
                wire.send(b"x" * 998 + b"\r\n" + b"y" * 999_000 + b"\r\n")
            grown = memory(mansio.pid("mta")) - before
            wire.send(b".\r\n")
            code, text = wire.reply()
            self.assertEqual((code, text[:5]), (552, "5.3.4"))
            self.assertLess(grown, 16 << 20)
            self.envelope(wire)
            wire.send(b"Subject: small\r\n\r\n.\r\n")
            self.assertEqual(wire.reply()[0], 250)
        self.assertEqual(len(mansio.mail(livia)), 1)
        mansio.remove()

    def test_a_large_message_is_not_held_in_memory(self):
        mansio = harness.private()
        self.mansio, self.livia = mansio, mansio.new_account(mansio.new_domain())
        with harness.Wire(mansio.host, mansio.port["smtp"]) as wire:
            wire.greet()
            self.envelope(wire)
            before = memory(mansio.pid("mta"))
            wire.send(b"Subject: x\r\n\r\n")
            for _ in range(40):
                wire.send(b"y" * 998 + b"\r\n" + (b"z" * 70 + b"\r\n") * 13_000)
            grown = memory(mansio.pid("mta")) - before
            wire.send(b".\r\n")
            self.assertEqual(wire.reply()[0], 250)
            self.assertLess(grown, 16 << 20)
        self.assertEqual(len(mansio.mail(self.livia)), 1)
        mansio.remove()

    def test_without_room_in_the_spool_large_messages_wait_and_small_ones_pass(self):
        mansio = harness.private()
        self.mansio, self.livia = mansio, mansio.new_account(mansio.new_domain())
        spool = mansio.instance.place.data / "spool"
        shutil.rmtree(spool)
        with harness.Wire(mansio.host, mansio.port["smtp"]) as wire:
            wire.greet()
            self.envelope(wire)
            wire.send(b"Subject: x\r\n\r\n" + (b"z" * 70 + b"\r\n") * 50_000 + b".\r\n")
            code, text = wire.reply()
            self.assertEqual((code, text[:5]), (452, "4.3.1"))
            self.envelope(wire)
            wire.send(b"Subject: small\r\n\r\n.\r\n")
            self.assertEqual(wire.reply()[0], 250)
            os.mkdir(spool, 0o777)
            os.chmod(spool, 0o777)
            self.envelope(wire)
            wire.send(b"Subject: large\r\n\r\n" + (b"z" * 70 + b"\r\n") * 50_000 + b".\r\n")
            self.assertEqual(wire.reply()[0], 250)
        mansio.remove()


class Quota(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.mansio.command("account", "set", self.livia.address, "--quota", "20K")

    def fill(self):
        self.mansio.send("someone@outside.test", self.livia.address, raw=b"Subject: fill\r\n\r\n" + b"x" * 15_000 + b"\r\n")

    def unannounced(self, sender, recipients, raw):
        """Sends it without SIZE, so that what is too big shows only when it is there."""
        with self.mansio.smtp() as client:
            client.ehlo()
            del client.esmtp_features["size"]
            client.sendmail(sender, recipients, raw)

    def refused(self, *recipients, size=10_000):
        with self.assertRaises(smtplib.SMTPDataError) as caught:
            self.unannounced("someone@outside.test", list(recipients), b"Subject: more\r\n\r\n" + b"x" * size + b"\r\n")
        return caught.exception.smtp_code, caught.exception.smtp_error[:5]

    def test_a_size_that_was_announced_and_does_not_fit_is_refused_at_rcpt(self):
        self.fill()
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            for size, expected in ((1000, (250, "2.1.5")), (10_000, (452, "4.2.2")), (30_000, (552, "5.2.2"))):
                wire.say(f"MAIL FROM:<someone@outside.test> SIZE={size}")
                code, text = wire.say(f"RCPT TO:<{self.livia.address}>")
                self.assertEqual((code, text[:5]), expected)
                wire.say("RSET")

    def test_a_full_mailbox_can_be_tried_again(self):
        self.fill()
        self.assertEqual(self.refused(self.livia.address), (452, b"4.2.2"))
        self.assertEqual(len(self.mansio.mail(self.livia)), 1)

    def test_what_can_never_fit_is_refused_for_good(self):
        self.assertEqual(self.refused(self.livia.address, size=30_000), (552, b"5.2.2"))

    def test_a_mailbox_known_to_be_full_is_refused_at_rcpt_until_there_is_room(self):
        self.fill()
        self.refused(self.livia.address)
        self.mansio.command("account", "set", self.livia.address, "--quota", "10K")

        def ask():
            with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
                wire.greet()
                wire.say("MAIL FROM:<someone@outside.test>")
                return wire.say(f"RCPT TO:<{self.livia.address}>")

        harness.eventually(lambda: ask()[0] == 452, 5)
        self.assertEqual(ask()[1][:5], "4.2.2")
        self.mansio.command("account", "set", self.livia.address, "--quota", "1M")
        harness.eventually(lambda: ask()[0] == 250, 5)

    def test_others_get_their_copy_and_the_sender_hears_of_the_full_one(self):
        self.fill()
        marcus, sender = self.mansio.new_account(self.domain), self.mansio.new_account(self.domain)
        raw = b"Subject: both\r\n\r\n" + b"x" * 10_000 + b"\r\n"
        self.unannounced(sender.address, [self.livia.address, marcus.address], raw)
        self.mansio.wait_for_mail(marcus, "both")
        bounce = self.mansio.wait_for_mail(sender)
        self.assertEqual(bounce["Return-Path"], "<>")
        self.assertEqual(bounce.get_content_type(), "multipart/report")
        status = bounce.get_payload(1).as_string()
        self.assertIn(f"Final-Recipient: rfc822; {self.livia.address}", status)
        self.assertRegex(status, r"Status: 5\.2\.2")

    def test_a_notification_about_a_notification_is_never_written(self):
        self.fill()
        marcus = self.mansio.new_account(self.domain)
        raw = b"Subject: null\r\n\r\n" + b"x" * 10_000 + b"\r\n"
        self.unannounced("<>", [self.livia.address, marcus.address], raw)
        self.mansio.wait_for_mail(marcus, "null")
        self.assertEqual(self.mansio.sql(f"SELECT count(*) FROM queue_message WHERE sender = '' AND source LIKE '%{self.domain}%'"), ["0"])


if __name__ == "__main__":
    unittest.main()
