"""Policy delegation: what a policy server is told, what becomes of each of its answers, failures; and Debian's Postgrey, really running."""

import os
import pwd
import smtplib
import socket
import tempfile
import unittest

import harness
from harness.filters import Daemon, Filtered, Policy, free_port

MAIL_TEXT = b"Subject: policy\r\n\r\nBody\r\n"


class PolicyTest(Filtered):
    def server(self, answer="DUNNO", *options, name="policy"):
        server = Policy(answer)
        self.addCleanup(server.close)
        self.attach("policy", server.endpoint, *options, name=name)
        return server

    def rcpt(self, to=None, sender="a@outside.test"):
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail(sender)
            code, text = client.rcpt(to or self.livia.address)
            return code, text.decode()

    def arrived(self, raw=MAIL_TEXT, account=None, folder="INBOX", to=None):
        account = account or self.livia
        before = {uid for uid, _ in self.mails(account, folder)}
        with self.mansio.smtp() as client:
            client.sendmail("a@outside.test", to or [self.livia.address], raw)
        new = [body for uid, body in self.mails(account, folder) if uid not in before]
        self.assertEqual(len(new), 1)
        return new[0]


class Questions(PolicyTest):
    def test_the_attributes_at_rcpt(self):
        server = self.server("DUNNO", "--context", "some context")
        with self.mansio.smtp() as client:
            client.ehlo()
            client.docmd("MAIL FROM:<a@outside.test> SIZE=1234")
            client.rcpt(self.livia.address)
        (asked,) = server.asked
        told = {
            "request": "smtpd_access_policy", "protocol_state": "RCPT", "protocol_name": "ESMTP", "helo_name": "client.test",
            "sender": "a@outside.test", "recipient": self.livia.address, "recipient_count": "0", "client_address": "127.0.0.1",
            "client_name": "localhost", "reverse_client_name": "localhost", "sasl_method": "", "sasl_username": "", "sasl_sender": "",
            "size": "1234", "ccert_subject": "", "ccert_issuer": "", "ccert_fingerprint": "", "ccert_pubkey_fingerprint": "",
            "encryption_protocol": "", "encryption_cipher": "", "encryption_keysize": "", "etrn_domain": "", "stress": "",
            "policy_context": "some context", "server_address": "127.0.0.1", "server_port": str(self.mansio.port["smtp"]),
        }  # fmt: skip
        for name, value in told.items():
            self.assertEqual(asked.get(name), value, name)
        self.assertRegex(asked["client_port"], r"^\d+$")
        self.assertRegex(asked["queue_id"], r"^[0-9A-Z]+$")
        self.assertTrue(asked["instance"] and asked["mail_version"] and asked["compatibility_level"])

    def test_each_recipient_is_asked_about_with_the_same_instance(self):
        server = self.server()
        self.arrived(to=[self.livia.address, self.marcus.address])
        self.assertEqual([a["recipient"] for a in server.asked], [self.livia.address, self.marcus.address])
        self.assertEqual(len({a["instance"] for a in server.asked}), 1)

    def test_the_later_stages_are_asked_where_it_is_set(self):
        server = self.server("DUNNO", "--stages", "data,message")
        self.arrived(to=[self.livia.address, self.marcus.address])
        self.arrived()
        self.assertEqual([a["protocol_state"] for a in server.asked], ["DATA", "END-OF-MESSAGE"] * 2)
        self.assertEqual([a["recipient_count"] for a in server.asked], ["2", "2", "1", "1"])
        self.assertEqual([a["recipient"] for a in server.asked], ["", "", self.livia.address, self.livia.address])
        self.assertEqual(server.asked[3]["size"], str(len(MAIL_TEXT)))

    def test_tls_and_login_are_told(self):
        server = self.server("DUNNO", "--services", "submission")
        self.mansio.submit(self.livia, self.marcus.address)
        (asked,) = server.asked
        self.assertEqual((asked["sasl_method"], asked["sasl_username"]), ("PLAIN", self.livia.address))
        self.assertEqual(asked["encryption_protocol"], "TLSv1.3")
        self.assertRegex(asked["encryption_cipher"], "^TLS_")
        self.assertIn(asked["encryption_keysize"], ("128", "256"))

    def test_connections_are_kept(self):
        server = self.server()
        for _ in range(3):
            self.arrived()
        self.assertEqual(server.connections, 1)


class Answers(PolicyTest):
    def test_no_objection(self):
        for answer in ("DUNNO", "OK", "permit", "dunno whatever it adds", "1"):
            with self.subTest(answer=answer):
                self.server(answer)
                self.assertEqual(self.rcpt()[0], 250)
                self.detach("policy")

    def test_refusals_have_their_code_and_text(self):
        for answer, code, text in (("REJECT", 554, '5.7.1 <ADDRESS>: Refused by the filter "policy"'),
                                   ("REJECT no such luck", 554, "5.7.1 <ADDRESS>: no such luck"),
                                   ("reject 5.1.8 forged", 554, "5.1.8 <ADDRESS>: forged"),
                                   ("DEFER", 450, '4.7.1 <ADDRESS>: Refused by the filter "policy"'),
                                   ("DEFER busy", 450, "4.7.1 <ADDRESS>: busy"),
                                   ("DEFER_IF_PERMIT greylisted", 450, "4.7.1 <ADDRESS>: greylisted"),
                                   ("450 4.2.1 come back", 450, "4.2.1 <ADDRESS>: come back"),
                                   ("550 nobody", 550, "5.7.1 <ADDRESS>: nobody"),
                                   ("451", 451, '4.7.1 <ADDRESS>: Refused by the filter "policy"')):  # fmt: skip
            with self.subTest(answer=answer):
                self.server(answer)
                self.assertEqual(self.rcpt(), (code, text.replace("ADDRESS", self.livia.address)))
                self.detach("policy")

    def test_421_closes_the_connection(self):
        self.server("421 4.7.0 go away")
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.say("MAIL FROM:<a@outside.test>")
            self.assertEqual(wire.say(f"RCPT TO:<{self.livia.address}>")[0], 421)
            self.assertIsNone(wire.line())

    def test_deferring_gives_way_to_who_refuses(self):
        self.server("DEFER_IF_PERMIT later", "--order", "1", name="first")
        self.server("REJECT never", "--order", "2", name="second")
        self.assertEqual(self.rcpt()[0], 554)

    def test_who_refuses_is_made_to_say_later(self):
        self.server("DEFER_IF_REJECT dns trouble", "--order", "1", name="first")
        self.assertEqual(self.rcpt()[0], 250)
        self.server("REJECT never", "--order", "2", name="second")
        self.assertEqual(self.rcpt(), (450, f"4.7.1 <{self.livia.address}>: never"))

    def test_discard(self):
        self.server("DISCARD")
        before = len(self.mansio.mail(self.livia))
        self.mansio.send("a@outside.test", self.livia.address)
        self.assertEqual(len(self.mansio.mail(self.livia)), before)

    def test_hold_is_junk_here(self):
        self.server("HOLD let somebody look")
        self.arrived(folder="Junk")

    def test_prepend_puts_fields_on_top_in_their_order(self):
        answers = {self.livia.address: "PREPEND X-One: 1", self.marcus.address: "PREPEND X-Two: 2"}
        self.server(lambda asked: answers[asked["recipient"]])
        raw = self.arrived(to=[self.livia.address, self.marcus.address])
        self.assertIn(b"\r\nX-One: 1\r\n", raw)
        self.assertIn(b"\r\nX-Two: 2\r\n", raw)
        self.assertLess(raw.index(b"X-One"), raw.index(b"Subject:"))

    def test_redirect_sends_it_to_somebody_else_alone(self):
        self.server(f"REDIRECT {self.marcus.address}")
        before = len(self.mansio.mail(self.livia))
        self.arrived(account=self.marcus)
        self.assertEqual(len(self.mansio.mail(self.livia)), before)

    def test_redirect_to_nobody_is_refused_for_now(self):
        self.server(f"REDIRECT nobody@{self.domain}")
        with self.assertRaises(smtplib.SMTPDataError) as caught:
            self.mansio.send("a@outside.test", self.livia.address)
        self.assertEqual(caught.exception.smtp_code, 451)

    def test_bcc_sends_a_copy(self):
        self.server(f"BCC {self.marcus.address}")
        before = len(self.mansio.mail(self.marcus))
        self.arrived()
        self.assertEqual(len(self.mansio.mail(self.marcus)), before + 1)

    def test_warn_info_and_filter_are_only_told(self):
        for answer, said in (("WARN suspicious one", "suspicious one"), ("INFO looked at", "looked at"), ("FILTER smtp:[127.0.0.1]:1", "is not possible here")):
            with self.subTest(answer=answer):
                self.server(answer)
                self.arrived()
                self.assertIn(said, self.mansio.log("mta"))
                self.detach("policy")

    def test_in_warn_mode_nothing_happens(self):
        self.server("REJECT never", "--mode", "warn")
        self.assertEqual(self.rcpt()[0], 250)
        self.assertIn("would refuse", self.mansio.log("mta"))


class Failures(PolicyTest):
    def test_servers_that_fail(self):
        for answer in (None, "NONSENSE", b"\n", b"action", b"action=" + b"x" * 20000 + b"\n\n", b"a=b\n" * 500, b"", "PREPEND", "REDIRECT"):
            with self.subTest(answer=answer):
                self.server(answer, "--timeouts", "2,1,1")
                code, text = self.rcpt()
                self.assertEqual(code, 451, text)
                self.assertIn('"policy"', text)
                self.change("policy", "--on-failure", "accept")
                self.assertEqual(self.rcpt()[0], 250)
                self.detach("policy")

    def test_one_that_does_not_answer_is_left_alone_for_some_seconds(self):
        server = self.server(b"", "--timeouts", "2,2,2", "--on-failure", "accept")
        for _ in range(5):
            self.assertEqual(self.rcpt()[0], 250)
        self.assertEqual(len(server.asked), 1)
        self.assertIn("gave no answer a moment ago", self.mansio.log("mta"))
        server.answer = "REJECT"
        self.assertEqual(harness.eventually(lambda: self.rcpt()[0] == 554 and 554), 554)

    def test_one_that_is_not_there(self):
        self.attach("policy", f"inet:127.0.0.1:{free_port()}")
        self.assertEqual(self.rcpt()[0], 451)
        self.change("policy", "--on-failure", "accept")
        self.assertEqual(self.rcpt()[0], 250)

    def test_a_kept_connection_that_has_gone_is_replaced(self):
        server = self.server()
        self.assertEqual(self.rcpt()[0], 250)
        for connection in server.open:
            connection.shutdown(socket.SHUT_RDWR)
        self.assertEqual(self.rcpt()[0], 250)


class Postgrey(PolicyTest):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        empty = os.path.join(self.folder.name, "whitelist")
        with open(empty, "w", encoding="utf-8"):
            pass
        user, port = pwd.getpwuid(os.getuid()).pw_name, free_port()
        self.postgrey = Daemon(["/usr/sbin/postgrey", f"--inet=127.0.0.1:{port}", f"--dbdir={self.folder.name}", f"--user={user}",
                                f"--group={user}", "--delay=1", f"--pidfile={self.folder.name}/pid", f"--whitelist-clients={empty}",
                                f"--whitelist-recipients={empty}"], port)  # fmt: skip
        self.addCleanup(self.postgrey.stop)
        self.attach("policy", f"inet:127.0.0.1:{port}", name="postgrey")

    def test_the_first_attempt_is_greylisted_and_a_later_one_passes(self):
        code, text = self.rcpt(sender="new@outside.test")
        self.assertEqual(code, 450, text)
        self.assertIn("Greylisted", text)
        self.assertIn(b"X-Greylist: delayed", self.arrived_from("new@outside.test"))

    def arrived_from(self, sender):
        def deliver():
            self.mansio.send(sender, self.livia.address, raw=MAIL_TEXT)
            return self.mansio.mail(self.livia)[-1][1]

        return self.later(deliver)

    def later(self, deliver):
        def attempt():
            try:
                return deliver()
            except smtplib.SMTPRecipientsRefused as refused:
                raise AssertionError(str(refused)) from refused

        return harness.eventually(attempt)

    def test_the_test_says_what_it_answers(self):
        self.assertIn("policy server", self.mansio.command("filter", "test", "postgrey"))


if __name__ == "__main__":
    unittest.main()
