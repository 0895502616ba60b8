"""Addresses beyond ASCII (RFC 6531): who may name them, how they are compared, and what is stored."""

import smtplib
import unittest

import harness

GRUEN = "gr\u00fcn"


class International(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.gruen = self.mansio.new_account(self.domain, local=GRUEN)
        self.wire = harness.Wire(self.mansio.host, self.mansio.port["smtp"])
        self.addCleanup(self.wire.close)
        self.extensions = self.wire.greet()

    def deliver(self, to, sender="a@outside.test", parameters=" SMTPUTF8", subject="x"):
        self.assertEqual(self.wire.say(f"MAIL FROM:<{sender}>{parameters}")[0], 250)
        self.assertEqual(self.wire.say(f"RCPT TO:<{to}>")[0], 250)
        self.assertEqual(self.wire.say("DATA")[0], 354)
        code, text = self.wire.say(f"Subject: {subject}\r\n\r\nbody\r\n.")
        self.assertEqual(code, 250, text)

    def bodies(self, login=None):
        return [body for _, body in self.mansio.mail(login or self.gruen)]

    def test_it_is_offered_and_has_to_be_asked_for(self):
        self.assertIn("SMTPUTF8", self.extensions)
        self.assertEqual(self.wire.say(f"MAIL FROM:<{GRUEN}@outside.test>")[0], 553)
        self.assertEqual(self.wire.say("MAIL FROM:<a@outside.test>")[0], 250)
        code, text = self.wire.say(f"RCPT TO:<{self.gruen.address}>")
        self.assertEqual((code, text[:5]), (553, "5.6.7"))
        self.wire.say("RSET")
        self.assertEqual(self.wire.say("MAIL FROM:<a@outside.test> SMTPUTF8=yes")[0], 501)

    def test_a_mailbox_gets_its_mail(self):
        self.deliver(self.gruen.address, sender=f"{GRUEN}@outside.test", subject=f"Sch\u00f6n {GRUEN}")
        (body,) = self.bodies()
        self.assertIn(f"Return-Path: <{GRUEN}@outside.test>\r\nDelivered-To: {self.gruen.address}\r\n".encode(), body)
        self.assertIn(f"Subject: Sch\u00f6n {GRUEN}\r\n".encode(), body)
        self.assertRegex(body, rb"with UTF8SMTP id")

    def test_in_any_case_and_in_any_composition(self):
        for local in (GRUEN.upper(), "gru\u0308n", "GRU\u0308N", f"{GRUEN}+tag"):
            self.deliver(f"{local}@{self.domain}")
        self.assertEqual(len(self.bodies()), 4)

    def test_no_such_address_is_refused(self):
        self.assertEqual(self.wire.say("MAIL FROM:<a@outside.test> SMTPUTF8")[0], 250)
        code, text = self.wire.say(f"RCPT TO:<sch\u00f6n@{self.domain}>")
        self.assertEqual((code, text[:5]), (550, "5.1.1"))
        self.assertEqual(self.wire.say("RCPT TO:<\u00ff\u0085@outside.test>")[0], 501)

    def test_bytes_that_are_no_text_are_refused(self):
        self.wire.send(b"MAIL FROM:<\xff\xfe@outside.test> SMTPUTF8\r\n")
        self.assertEqual(self.wire.reply()[0], 501)

    def test_a_domain_may_be_written_in_its_own_letters(self):
        name = f"b\u00fccher-{self.domain}"
        self.mansio.command("domain", "add", name, "--tenant", self.mansio.new_tenant())
        login = self.mansio.new_account(name, local="livia")
        self.deliver(f"livia@B\u00dcCHER-{self.domain}")
        ascii_name = name.encode("idna").decode()
        self.assertNotEqual(ascii_name, name)
        self.deliver(f"livia@{ascii_name}", parameters="")
        self.assertEqual(len(self.bodies(login)), 2)

    def test_an_alias_leads_on(self):
        self.mansio.command("alias", "set", f"\u0438\u0432\u0430\u043d@{self.domain}", self.gruen.address)
        self.deliver(f"\u0418\u0412\u0410\u041d@{self.domain}")
        self.assertEqual(len(self.bodies()), 1)

    def test_vrfy_and_expn_take_the_parameter(self):
        self.assertEqual(self.wire.say(f"VRFY {GRUEN}")[0], 553)
        self.assertEqual(self.wire.say(f"VRFY {GRUEN} SMTPUTF8")[0], 252)
        self.assertEqual(self.wire.say(f"EXPN {GRUEN} SMTPUTF8")[0], 502)

    def test_lmtp_knows_it_too(self):
        with harness.Wire(self.mansio.host, self.mansio.port["lmtp"]) as wire:
            self.assertIn("SMTPUTF8", wire.greet(verb="LHLO"))
            wire.say("MAIL FROM:<> SMTPUTF8")
            self.assertEqual(wire.say(f"RCPT TO:<{self.gruen.address}>")[0], 250)
            wire.say("DATA")
            code, text = wire.say("Subject: x\r\n\r\nbody\r\n.")
            self.assertEqual(code, 250)
            self.assertIn(self.gruen.address, text)
        self.assertRegex(self.bodies()[0], rb"with UTF8LMTP id")

    def test_our_users_need_not_say_it(self):
        with self.mansio.submission(self.gruen) as client:
            for line, code in ((f"MAIL FROM:<{self.gruen.address}>", 250), (f"RCPT TO:<{self.gruen.address}>", 250), ("DATA", 354),
                               (f"From: {self.gruen.address}\r\nSubject: own\r\n\r\nbody\r\n.", 250)):  # fmt: skip
                client.sock.sendall(line.encode() + b"\r\n")
                self.assertEqual(client.getreply()[0], code, line)
        (body,) = self.bodies()
        self.assertRegex(body, rb"with UTF8SMTPSA id")

    def test_nobody_sends_as_another(self):
        other = self.mansio.new_account(self.domain, local="sch\u00f6n")
        with self.mansio.submission(self.gruen) as client:
            client.sock.sendall(f"MAIL FROM:<{other.address}> SMTPUTF8\r\n".encode())
            self.assertEqual(client.getreply()[0], 553)

    def test_pythons_own_client_sends_it(self):
        with smtplib.SMTP(self.mansio.host, self.mansio.port["smtp"]) as client:
            message = harness.message(f"{GRUEN}@outside.test", self.gruen.address, subject=f"{GRUEN} ist sch\u00f6n")
            client.send_message(message)
        self.assertEqual(self.mansio.wait_for_mail(self.gruen)["Subject"], f"{GRUEN} ist sch\u00f6n")


if __name__ == "__main__":
    unittest.main()
