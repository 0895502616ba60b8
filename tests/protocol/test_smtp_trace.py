"""The header lines by which a message's way can be followed, and what they tell about circles."""

import re
import smtplib
import unittest

import harness


class Trace(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def deliver(self, raw, sender="someone@outside.test", recipients=None):
        with self.mansio.smtp() as client:
            client.sendmail(sender, recipients or [self.livia.address], raw)
        return self.mansio.mail(self.livia)[-1][1]

    def test_a_delivered_message_begins_with_its_trace(self):
        body = self.deliver(b"Subject: x\r\n\r\nbody\r\n").decode()
        pattern = (
            r"Return-Path: <someone@outside\.test>\r\n"
            rf"Delivered-To: {re.escape(self.livia.address)}\r\n"
            r"Received: from client\.test \(\[127\.0\.0\.1\]\)\r\n"
            r"\tby mail\.mansio\.example \(Mansio\) with ESMTP id [0-9A-Z]+\r\n"
            rf"\tfor <{re.escape(self.livia.address)}>;\r\n"
            r"\t\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n"
            r"Authentication-Results: mail\.mansio\.example;\r\n(\t[^\r]+\r\n)+"
            r"Subject: x\r\n\r\nbody\r\n"
        )
        self.assertRegex(body, r"\A" + pattern + r"\Z")

    def test_the_id_of_the_reply_is_the_id_in_the_header_and_in_the_log(self):
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("someone@outside.test")
            client.rcpt(self.livia.address)
            _, text = client.data(b"Subject: x\r\n\r\n")
        queue_id = text.decode().split()[-1]
        self.assertIn(f" id {queue_id}\r\n".encode(), self.mansio.mail(self.livia)[0][1])
        self.assertIn(f"smtp {queue_id}: accepted from=<someone@outside.test>", self.mansio.log("mta"))

    def test_the_null_sender_is_an_empty_return_path(self):
        self.assertTrue(self.deliver(b"Subject: x\r\n\r\n", sender="<>").startswith(b"Return-Path: <>\r\n"))

    def test_several_recipients_do_not_see_each_other(self):
        marcus = self.mansio.new_account(self.domain)
        body = self.deliver(b"Subject: x\r\n\r\n", recipients=[self.livia.address, marcus.address])
        self.assertNotIn(marcus.address.encode(), body)
        self.assertNotIn(b"for <", body)

    def test_tls_is_noted(self):
        client = self.mansio.smtp()
        client._host = "localhost"
        client.starttls(context=self.mansio.trust())
        client.sendmail("someone@outside.test", [self.livia.address], b"Subject: x\r\n\r\n")
        client.quit()
        self.assertRegex(self.mansio.mail(self.livia)[-1][1], rb"with ESMTPS id \w+\r\n\t\(TLSv1\.[23] \S+\)\r\n")

    def test_helo_is_smtp_without_e(self):
        with self.mansio.smtp() as client:
            client.helo("client.test")
            client.mail("someone@outside.test")
            client.rcpt(self.livia.address)
            client.data(b"Subject: x\r\n\r\n")
        self.assertIn(b" with SMTP id ", self.mansio.mail(self.livia)[-1][1])

    def refused(self, raw):
        with self.assertRaises(smtplib.SMTPDataError) as caught:
            self.deliver(raw)
        self.assertTrue(caught.exception.smtp_error.startswith(b"5.4.6"), caught.exception)
        self.assertEqual(caught.exception.smtp_code, 554)

    def test_too_many_hops_are_a_circle(self):
        hop = b"Received: from a.test by b.test; Thu, 01 Jan 1970 00:00:00 +0000\r\n"
        self.deliver(hop * 100 + b"Subject: x\r\n\r\n")
        self.refused(hop * 101 + b"Subject: x\r\n\r\n")

    def test_a_mailbox_does_not_take_what_it_had_before(self):
        self.refused(f"Delivered-To: {self.livia.address}\r\nSubject: x\r\n\r\n".encode())
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_the_other_mailboxes_take_it_and_the_sender_hears(self):
        marcus, sender = self.mansio.new_account(self.domain), self.mansio.new_account(self.domain)
        raw = f"Delivered-To: {marcus.address}\r\nSubject: round\r\n\r\n".encode()
        with self.mansio.smtp() as client:
            client.sendmail(sender.address, [self.livia.address, marcus.address], raw)
        self.mansio.wait_for_mail(self.livia, "round")
        bounce = self.mansio.wait_for_mail(sender)
        self.assertIn("5.4.6", bounce.as_string())
        self.assertEqual(self.mansio.mail(marcus), [])


if __name__ == "__main__":
    unittest.main()
