"""Mail programs that others wrote, against our ports."""

import os
import smtplib
import subprocess
import tempfile
import unittest

import harness

CORPUS = "/usr/lib/python3.11/test/test_email/data"


class Programs(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia, self.marcus = self.mansio.new_account(self.domain), self.mansio.new_account(self.domain)

    def run_program(self, *argv, stdin=None):
        done = subprocess.run(argv, check=False, capture_output=True, input=stdin, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout.decode() + done.stderr.decode())
        return done.stdout.decode(errors="replace")

    def test_swaks_delivers_with_pipelining(self):
        self.run_program("swaks", "--server", f"{self.mansio.host}:{self.mansio.port['smtp']}", "--helo", "client.test", "--pipeline",
                         "--from", "a@outside.test", "--to", self.livia.address, "--header", "Subject: swaks")  # fmt: skip
        self.mansio.wait_for_mail(self.livia, "swaks")

    def test_swaks_submits_under_starttls_and_implicit_tls(self):
        for port, tls in (("submission", "--tls"), ("submissions", "--tls-on-connect")):
            self.run_program("swaks", "--server", f"localhost:{self.mansio.port[port]}", tls, "--tls-verify", "--tls-ca-path", self.mansio.ca,
                             "--auth", "PLAIN", "--auth-user", self.livia.address, "--auth-password", self.livia.password,
                             "--from", self.livia.address, "--to", self.marcus.address, "--header", f"Subject: swaks {port}")  # fmt: skip
            self.mansio.wait_for_mail(self.marcus, f"swaks {port}")

    def test_swaks_speaks_lmtp(self):
        self.run_program("swaks", "--protocol", "LMTP", "--server", f"{self.mansio.host}:{self.mansio.port['lmtp']}",
                         "--from", "a@outside.test", "--to", f"{self.livia.address},{self.marcus.address}", "--header", "Subject: lmtp")  # fmt: skip
        for account in (self.livia, self.marcus):
            self.mansio.wait_for_mail(account, "lmtp")

    def test_curl_delivers_and_submits(self):
        mail = b"Subject: curl\r\n\r\n.dot\r\n"
        self.run_program("curl", "-sS", f"smtp://{self.mansio.host}:{self.mansio.port['smtp']}/client.test", "--mail-from", "a@outside.test",
                         "--mail-rcpt", self.livia.address, "--upload-file", "-", stdin=mail)  # fmt: skip
        self.assertEqual(self.mansio.wait_for_mail(self.livia, "curl").get_content().rstrip(), ".dot")
        self.run_program("curl", "-sS", "--ssl-reqd", "--cacert", self.mansio.ca, f"smtp://localhost:{self.mansio.port['submission']}",
                         "--user", f"{self.livia.address}:{self.livia.password}", "--mail-from", self.livia.address,
                         "--mail-rcpt", self.marcus.address, "--upload-file", "-", stdin=mail)  # fmt: skip
        self.mansio.wait_for_mail(self.marcus, "curl")

    def test_msmtp_submits(self):
        with tempfile.NamedTemporaryFile("w", suffix=".msmtprc") as conf:
            conf.write(
                f"account default\nhost localhost\nport {self.mansio.port['submission']}\nauth on\ntls on\n"
                f"tls_trust_file {self.mansio.ca}\nuser {self.livia.address}\npassword {self.livia.password}\nfrom {self.livia.address}\n"
            )
            conf.flush()
            os.chmod(conf.name, 0o600)
            self.run_program("msmtp", "-C", conf.name, self.marcus.address, stdin=b"Subject: msmtp\n\nbody\n")
        self.mansio.wait_for_mail(self.marcus, "msmtp")

    @unittest.skipUnless(os.path.isdir(CORPUS), "Python's own test mails are not installed")
    def test_real_and_malformed_messages_arrive_unharmed(self):
        sent = []
        with self.mansio.smtp() as client:
            for name in sorted(os.listdir(CORPUS)):
                if not name.startswith("msg_"):
                    continue
                with open(os.path.join(CORPUS, name), "rb") as file:
                    raw = file.read().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
                raw = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
                if b"\0" in raw:
                    continue
                try:
                    client.sendmail("a@outside.test", [self.livia.address], raw)
                except smtplib.SMTPException as error:
                    self.fail(f"{name}: {error}")
                sent.append(raw)
        got = [body for _, body in self.mansio.mail(self.livia)]
        self.assertEqual(len(got), len(sent))
        for raw, body in zip(sent, got):
            self.assertTrue(body.endswith(raw))


if __name__ == "__main__":
    unittest.main()
