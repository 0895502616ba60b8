"""Debian's Postfix as the server before and behind ours: SMTPUTF8, DSN, 8-bit and binary content between two programs of different hands."""

import email
import os
import pathlib
import shutil
import smtplib
import subprocess
import sys
import tempfile
import unittest

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))
import postfix  # noqa: E402

GRUEN = "gr\u00fcn"


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("postfix"), "Postfix is started by root")
class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        cls.peer = postfix.Postfix()
        cls.addClassCleanup(cls.peer.close)
        cls.far = f"peer{os.getpid()}.example"
        cls.set(virtual_mailbox_domains=cls.far, virtual_mailbox_maps="static:livia/", smtputf8_enable="yes", disable_dns_lookups="yes",
                relayhost=f"[127.0.0.1]:{cls.mansio.port['smtp']}", smtpd_forbid_bare_newline="no")  # fmt: skip
        cls.mansio.command("domain", "add", cls.far, "--tenant", cls.mansio.new_tenant(), "--kind", "relay", "--target", f"[127.0.0.1]:{cls.peer.port}")

    @classmethod
    def set(cls, **values):
        subprocess.run(["postconf", "-c", cls.peer.dir / "etc", "-e", *(f"{name}={value}" for name, value in values.items())], check=True)
        cls.peer.control("reload")

    def setUp(self):
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.gruen = self.mansio.new_account(self.domain, local=GRUEN)

    def arrived(self, subject):
        """The message with this subject that Postfix has delivered, as bytes."""

        def look():
            for path in self.peer.new.iterdir() if self.peer.new.exists() else ():
                if f"Subject: {subject}".encode() in path.read_bytes().replace(b"\r\n", b"\n"):
                    return path.read_bytes()
            return None

        return harness.eventually(look, 20, f"{subject} at Postfix: {self.log()}")

    def log(self):
        return (self.peer.dir / "log" / "mail.log").read_text(errors="replace")[-2000:]

    def submit(self, to, text, mail=(), rcpt=(), chunked=False):
        with self.mansio.submission(self.livia) as client:
            lines = [(" ".join([f"MAIL FROM:<{self.livia.address}>", *mail]), 250), (" ".join([f"RCPT TO:<{to}>", *rcpt]), 250)]
            for line, code in lines if chunked else [*lines, ("DATA", 354)]:
                client.sock.sendall(line.encode() + b"\r\n")
                self.assertEqual(client.getreply()[0], code, line)
            client.sock.sendall(b"BDAT %d LAST\r\n" % len(text) + text if chunked else text + b".\r\n")
            self.assertEqual(client.getreply()[0], 250)

    def hand_to_postfix(self, sender, to, text, mail=(), rcpt=()):
        with smtplib.SMTP("127.0.0.1", self.peer.port, timeout=30) as client:
            client.ehlo("client.test")
            for line, code in ((" ".join([f"MAIL FROM:<{sender}>", *mail]), 250), (" ".join([f"RCPT TO:<{to}>", *rcpt]), 250), ("DATA", 354)):
                client.sock.sendall(line.encode() + b"\r\n")
                self.assertEqual(client.getreply()[0], code, line)
            client.sock.sendall(text + b".\r\n")
            self.assertEqual(client.getreply()[0], 250)

    # ---- from us to Postfix ----

    def test_international_mail_goes_to_postfix(self):
        self.submit(f"{GRUEN}@{self.far}", f"Subject: to {GRUEN}\r\n\r\nbody\r\n".encode(), ["SMTPUTF8"])
        got = self.arrived(f"to {GRUEN}")
        self.assertIn(f"X-Original-To: {GRUEN}@{self.far}".encode(), got)
        self.assertIn(b"with UTF8SMTP id", got, "Postfix knows it for what it is")

    def test_postfix_tells_of_the_delivery_what_our_user_asked_it_to(self):
        self.submit(f"bob@{self.far}", b"Subject: told\r\n\r\nbody\r\n", ["RET=HDRS", "ENVID=number+2B7"], ["NOTIFY=SUCCESS", "ORCPT=rfc822;robert@there.test"])
        report = self.mansio.wait_for_mail(self.livia)
        message, recipient = report.get_payload(1).get_payload()[:2]
        self.assertEqual(message["Reporting-MTA"], "dns; peer.test")
        self.assertEqual(message["Original-Envelope-Id"], "number+7")
        self.assertEqual(recipient["Original-Recipient"], "rfc822;robert@there.test")
        self.assertEqual(recipient["Action"], "delivered")

    def test_binary_content_arrives_whole_where_postfix_does_not_take_it(self):
        content = bytes(range(256)) + b"\n.\r\n.\r\n\r.\r"
        self.submit(f"bob@{self.far}", b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n" + content,
                    ["BODY=BINARYMIME"], chunked=True)  # fmt: skip
        self.assertEqual(email.message_from_bytes(self.arrived("binary")).get_payload(decode=True), content)

    def test_8bit_text_is_encoded_where_postfix_does_not_take_it(self):
        self.set(smtpd_discard_ehlo_keywords="8bitmime, chunking")
        try:
            harness.eventually(lambda: b"8BITMIME" not in self.extensions(), 10)
            self.submit(f"bob@{self.far}", f"Subject: eight\r\n\r\n{GRUEN}\r\n".encode())
            got = self.arrived("eight")
            self.assertTrue(got.isascii())
            self.assertEqual(email.message_from_bytes(got).get_payload(decode=True).decode().strip(), GRUEN)
        finally:
            self.set(smtpd_discard_ehlo_keywords="")

    def extensions(self):
        with smtplib.SMTP("127.0.0.1", self.peer.port, timeout=30) as client:
            return client.ehlo("client.test")[1]

    # ---- from Postfix to us ----

    def test_international_mail_comes_from_postfix(self):
        self.hand_to_postfix(f"{GRUEN}@{self.far}", self.gruen.address, f"From: {GRUEN}@{self.far}\r\nSubject: from {GRUEN}\r\n\r\nbody\r\n".encode(), ["SMTPUTF8"])
        got = self.mansio.wait_for_mail(self.gruen, f"from {GRUEN}", seconds=30)
        self.assertEqual(got["Return-Path"], f"<{GRUEN}@{self.far}>")
        self.assertRegex(got.as_string(), r"by mail\.mansio\.example \(Mansio\) with UTF8SMTPS? id")

    def test_we_tell_a_user_of_postfix_of_the_delivery(self):
        self.hand_to_postfix(f"asker@{self.far}", self.livia.address, b"Subject: asked\r\n\r\nbody\r\n", ["ENVID=theirs"], ["NOTIFY=SUCCESS"])
        self.mansio.wait_for_mail(self.livia, "asked", seconds=30)
        report = email.message_from_bytes(self.arrived("Your message was delivered"))
        message, recipient = report.get_payload(1).get_payload()[:2]
        self.assertEqual((message["Reporting-MTA"], message["Original-Envelope-Id"]), ("dns; mail.mansio.example", "theirs"))
        self.assertEqual((recipient["Action"], recipient["Final-Recipient"]), ("delivered", f"rfc822; {self.livia.address}"))
        self.assertEqual(report["Return-Path"], "<>")

    # ---- other programs ----

    def test_curl_says_smtputf8_by_itself(self):
        done = subprocess.run(["curl", "-sS", f"smtp://{self.mansio.host}:{self.mansio.port['smtp']}/client.test", "--mail-from", "a@outside.test",
                               "--mail-rcpt", self.gruen.address, "--upload-file", "-"], input=f"Subject: curl {GRUEN}\r\n\r\nx\r\n".encode(),
                              capture_output=True, check=False, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"})  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.mansio.wait_for_mail(self.gruen, f"curl {GRUEN}")

    def test_msmtp_asks_for_a_notification(self):
        with tempfile.NamedTemporaryFile("w", suffix=".msmtprc") as conf:
            conf.write(f"account default\nhost localhost\nport {self.mansio.port['submission']}\nauth on\ntls on\ntls_trust_file {self.mansio.ca}\n"
                       f"user {self.livia.address}\npassword {self.livia.password}\nfrom {self.livia.address}\ndsn_notify success,failure\ndsn_return headers\n")  # fmt: skip
            conf.flush()
            os.chmod(conf.name, 0o600)
            done = subprocess.run(["msmtp", "-C", conf.name, self.livia.address], input=b"Subject: msmtp\n\nbody\n", capture_output=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
        report = self.mansio.wait_for_mail(self.livia, "Your message was delivered")
        self.assertEqual(report.get_payload(1).get_payload()[1]["Action"], "delivered")


if __name__ == "__main__":
    unittest.main()
