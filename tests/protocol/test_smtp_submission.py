"""Submission: who may send, under which name, and what is added to the message."""

import base64
import email
import email.policy
import smtplib
import ssl
import unittest

import harness


class Submission(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.marcus = self.mansio.new_account(self.domain)

    def plain(self, name="submission"):
        wire = harness.Wire(self.mansio.host, self.mansio.port[name])
        self.addCleanup(wire.close)
        return wire

    def test_nothing_is_taken_before_tls(self):
        wire = self.plain()
        extensions = wire.greet()
        self.assertIn("STARTTLS", extensions)
        self.assertFalse([e for e in extensions if e.startswith("AUTH")])
        code, text = wire.say("MAIL FROM:<a@b.test>")
        self.assertEqual((code, text[:5]), (530, "5.7.0"))
        code, text = wire.say("AUTH PLAIN " + base64.b64encode(f"\0{self.livia.address}\0{self.livia.password}".encode()).decode())
        self.assertEqual((code, text[:6]), (538, "5.7.11"))

    def test_under_tls_auth_comes_first(self):
        client = self.mansio.submission()
        client.ehlo()
        self.assertLessEqual({"PLAIN", "LOGIN", "SCRAM-SHA-256-PLUS"}, set(client.esmtp_features["auth"].split()))
        code, text = client.docmd("MAIL FROM:<a@b.test>")
        self.assertEqual((code, text[:5]), (530, b"5.7.0"))
        client.quit()

    def test_implicit_tls_works_the_same(self):
        with smtplib.SMTP_SSL("localhost", self.mansio.port["submissions"], context=self.mansio.trust(), timeout=20) as client:
            client.login(self.livia.address, self.livia.password)
            client.sendmail(self.livia.address, [self.marcus.address], b"Subject: implicit\r\n\r\n")
        self.mansio.wait_for_mail(self.marcus, "implicit")

    def test_plain_text_on_the_tls_port_gets_nothing(self):
        wire = self.plain("submissions")
        wire.send(b"EHLO client.test\r\n")
        self.assertNotIn(b"220", wire.file.read(100))

    def test_old_tls_versions_are_refused(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        except ValueError:
            self.skipTest("this OpenSSL has no TLS 1.1")
        with self.assertRaises((ssl.SSLError, OSError)):
            smtplib.SMTP_SSL("localhost", self.mansio.port["submissions"], context=context, timeout=20)

    def login(self, mechanism, *lines, account=None):
        account = account or self.livia
        client = self.mansio.submission()
        self.addCleanup(client.close)
        client.ehlo()
        code, text = client.docmd("AUTH", mechanism)
        for line in lines:
            self.assertEqual(code, 334, text)
            code, text = client.docmd(line)
        return client, code, text

    @staticmethod
    def b64(text):
        return base64.b64encode(text.encode()).decode()

    def test_plain_with_and_without_an_initial_response(self):
        message = self.b64(f"\0{self.livia.address}\0{self.livia.password}")
        self.assertEqual(self.login(f"PLAIN {message}")[1:], (235, b"2.7.0 Authentication successful"))
        self.assertEqual(self.login("PLAIN", message)[1], 235)
        self.assertEqual(self.login("plain", message)[1], 235)

    def test_login_with_and_without_an_initial_response(self):
        name, password = self.b64(self.livia.address), self.b64(self.livia.password)
        self.assertEqual(self.login("LOGIN", name, password)[1], 235)
        self.assertEqual(self.login(f"LOGIN {name}", password)[1], 235)

    def test_a_wrong_password_is_refused_without_saying_what_was_wrong(self):
        answers = {
            self.login("PLAIN " + self.b64(f"\0{login}\0{password}"))[1:]
            for login, password in ((self.livia.address, "wrong password"), (f"nobody@{self.domain}", "x"), ("x@nowhere.test", "x"))
        }
        self.assertEqual(answers, {(535, b"5.7.8 Authentication failed")})

    def test_a_disabled_account_can_not_log_in(self):
        self.mansio.command("account", "set", self.livia.address, "--disable")
        message = self.b64(f"\0{self.livia.address}\0{self.livia.password}")
        harness.eventually(lambda: self.login("PLAIN " + message)[1] == 535, 5)

    def test_another_authorization_identity_is_refused(self):
        self.assertEqual(self.login("PLAIN " + self.b64(f"{self.marcus.address}\0{self.livia.address}\0{self.livia.password}"))[1], 535)

    def test_malformed_exchanges_are_errors_and_the_session_goes_on(self):
        self.assertEqual(self.login("PLAIN ****")[1], 501)
        self.assertEqual(self.login("PLAIN", "*")[1], 501)
        self.assertEqual(self.login("LOGIN", "*")[1], 501)
        self.assertEqual(self.login("GSSAPI")[1], 504)
        self.assertEqual(self.login("")[1], 504)
        self.assertEqual(self.login("PLAIN =")[1], 535)
        client, code, _ = self.login("PLAIN", "a\0b")
        self.assertEqual(code, 500)
        self.assertEqual(client.docmd("NOOP")[0], 250, "the exchange is over")
        client, code, _ = self.login("PLAIN", "x" * 20000)
        self.assertEqual(code, 500)
        self.assertEqual(client.docmd("NOOP")[0], 250)

    def test_nobody_logs_in_twice(self):
        client = self.mansio.submission(self.livia)
        self.assertEqual(client.docmd("AUTH", "PLAIN " + self.b64(f"\0{self.livia.address}\0{self.livia.password}"))[0], 503)
        client.close()

    def test_after_some_failures_the_connection_is_closed(self):
        mansio = harness.private()
        account = mansio.new_account(mansio.new_domain())
        client = mansio.submission()
        client.ehlo()
        attempt = "AUTH PLAIN " + self.b64(f"\0{account.address}\0wrong") + "\r\n"
        client.send(attempt * 10)
        self.assertEqual([client.getreply()[0] for _ in range(6)], [535] * 5 + [421])
        client.close()
        mansio.remove()

    def refused_sender(self, sender, raw=b"Subject: x\r\n\r\n"):
        with self.mansio.submission(self.livia) as client:
            try:
                client.sendmail(sender, [self.marcus.address], raw)
            except smtplib.SMTPSenderRefused as error:
                return error.smtp_code, error.smtp_error[:5]
            except smtplib.SMTPDataError as error:
                return error.smtp_code, error.smtp_error[:5]
        return 250, b""

    def test_nobody_sends_as_somebody_else(self):
        self.assertEqual(self.refused_sender(self.marcus.address), (553, b"5.7.1"))
        self.assertEqual(self.refused_sender("president@elsewhere.test"), (553, b"5.7.1"))
        self.assertEqual(self.refused_sender(f"nobody@{self.domain}"), (553, b"5.7.1"))

    def test_nor_does_the_author_in_the_header_lie(self):
        for author in (self.marcus.address, f'"{self.livia.address}" <{self.marcus.address}>', f"{self.livia.address}, {self.marcus.address}"):
            self.assertEqual(self.refused_sender(self.livia.address, f"From: {author}\r\n\r\n".encode()), (553, b"5.7.1"), author)

    def test_own_aliases_and_the_null_sender_are_fine(self):
        self.mansio.command("alias", "set", f"boss@{self.domain}", self.livia.address)
        harness.eventually(lambda: self.refused_sender(f"boss@{self.domain}") == (250, b""), 5)
        self.assertEqual(self.refused_sender("<>"), (250, b""))
        self.assertEqual(self.refused_sender(self.livia.address, f"From: Boss <boss@{self.domain}>\r\n\r\n".encode()), (250, b""))

    def test_a_message_sent_again_keeps_its_author(self):
        raw = f"From: stranger@elsewhere.test\r\nResent-From: {self.livia.address}\r\n\r\n".encode()
        self.assertEqual(self.refused_sender(self.livia.address, raw), (250, b""))

    def test_what_the_header_lacks_is_added(self):
        self.mansio.submit(self.livia, self.marcus.address, raw=b"Subject: bare\r\n\r\nbody\r\n")
        got = self.mansio.wait_for_mail(self.marcus, "bare")
        self.assertEqual(got["From"].addresses[0].addr_spec, self.livia.address)
        self.assertRegex(got["Message-ID"], r"^<\S+@mail\.mansio\.example>$")
        self.assertIsNotNone(got["Date"].datetime)

    def test_what_the_header_has_is_left_alone(self):
        raw = f"Subject: full\r\nFrom: L <{self.livia.address}>\r\nDate: Thu, 01 Jan 1970 00:00:00 +0000\r\nMessage-ID: <x@y>\r\n\r\n"
        self.mansio.submit(self.livia, self.marcus.address, raw=raw.encode())
        (_, body), = self.mansio.mail(self.marcus)
        self.assertTrue(body.endswith(raw.encode()))
        got = email.message_from_bytes(body, policy=email.policy.default)
        self.assertEqual(len(got.get_all("Date")), 1)

    def test_mail_from_outside_is_not_completed(self):
        self.mansio.send("someone@outside.test", self.livia.address, raw=b"Subject: bare\r\n\r\nbody\r\n")
        got = self.mansio.wait_for_mail(self.livia, "bare")
        self.assertIsNone(got["Message-ID"])
        self.assertIsNone(got["Date"])

    def test_received_says_that_the_client_was_authenticated(self):
        self.mansio.submit(self.livia, self.marcus.address, subject="auth")
        self.assertIn("with ESMTPSA id", self.mansio.wait_for_mail(self.marcus, "auth")["Received"])

    def test_our_people_may_send_to_anybody(self):
        with harness.Outside(self.mansio, f"far-{self.domain}") as far:
            self.mansio.submit(self.livia, [f"bob@{far.domain}", self.marcus.address], subject="both")
            self.assertEqual(far.wait_for_mail().rcpt_tos, [f"bob@{far.domain}"])
            self.mansio.wait_for_mail(self.marcus, "both")

    def test_but_not_to_what_does_not_exist_here(self):
        with self.mansio.submission(self.livia) as client:
            client.mail(self.livia.address)
            self.assertEqual(client.rcpt(f"nobody@{self.domain}")[0], 550)


if __name__ == "__main__":
    unittest.main()
