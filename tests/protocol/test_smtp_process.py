"""The daemon as a process: options, configuration, signals, privileges, and clients that do nothing."""

import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import harness
from instance import certificates


class Options(unittest.TestCase):
    def setUp(self):
        self.program = harness.shared().instance.build / "bin" / "mansio-mta"

    def run_it(self, *args, status):
        done = subprocess.run([self.program, *args], check=False, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout + done.stderr

    def configured(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(text)
            file.flush()
            return self.run_it("-c", file.name, status=1)

    def test_help_and_version(self):
        self.assertIn("usage: mansio-mta", self.run_it("-h", status=0))
        self.assertRegex(self.run_it("-V", status=0), r"^mansio-mta \d+\.\d+")

    def test_wrong_options_are_refused(self):
        self.assertIn("usage", self.run_it("-x", status=64))
        self.assertIn("usage", self.run_it("stray", status=64))

    def test_a_configuration_that_can_not_work_is_explained(self):
        self.assertIn("cannot open the configuration /nonexistent", self.run_it("-c", "/nonexistent", status=1))
        self.assertIn("sets no hostname", self.configured("db_mta = dbname=x\n"))
        self.assertIn("sets no db_mta", self.configured("hostname = h.test\n"))
        good = "hostname = h.test\ndb_mta = dbname=x\n"
        self.assertIn("nothing to listen on", self.configured(good))
        self.assertIn("mta_smtp", self.configured(good + "mta_smtp = nonsense\n"))
        self.assertIn("/nonexistent", self.configured(good + "tls_certificate = /nonexistent\ntls_key = /nonexistent\n"))
        self.assertIn("tls_certificate is not", self.configured(good + "mta_submissions = 127.0.0.1:0\n"))
        self.assertIn("log_level", self.configured(good + "log_level = loud\n"))
        self.assertIn("mta_smtp_port", self.configured(good + "mta_smtp_port = 70000\n"))


class Process(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.livia = cls.mansio.new_account(cls.mansio.new_domain())

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def status(self):
        pid = self.mansio.pid("mta")
        lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def test_it_can_gain_no_privileges_and_run_no_programs(self):
        status = self.status()
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")
        self.assertNotEqual(status["Uid"].split()[0], "0")

    def certificate(self):
        client = self.mansio.smtp()
        client.ehlo()
        client.docmd("STARTTLS")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(client.sock) as tls:
            return tls.getpeercert(binary_form=True)

    def test_hangup_reads_the_certificates_again(self):
        before = self.certificate()
        place = self.mansio.instance.place
        for name in ("server.crt", "server.key"):
            (place.tls / name).unlink()
        certificates.make(place, self.mansio.instance.user, ["mail.mansio.example", "localhost"])
        os.kill(self.mansio.pid("mta"), signal.SIGHUP)
        harness.eventually(lambda: self.certificate() != before, 5)

    def test_a_broken_certificate_leaves_the_old_one_in_force(self):
        before = self.certificate()
        path = self.mansio.instance.place.tls / "server.crt"
        good = path.read_bytes()
        try:
            path.write_bytes(b"nonsense")
            os.kill(self.mansio.pid("mta"), signal.SIGHUP)
            harness.eventually(lambda: "the certificates in force stay" in self.mansio.log("mta"), 5)
            self.assertEqual(self.certificate(), before)
        finally:
            path.write_bytes(good)

    def test_it_starts_without_postgresql_and_works_once_it_is_there(self):
        self.mansio.pause("postgres")
        self.mansio.restart("mta")
        self.mansio.wait_for_port("smtp")
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.say("MAIL FROM:<someone@outside.test>")
            self.assertEqual(wire.say(f"RCPT TO:<{self.livia.address}>")[0], 451)
            self.mansio.resume("postgres")
            harness.eventually(lambda: wire.say(f"RCPT TO:<{self.livia.address}>")[0] == 250, 30)

    def test_a_thousand_silent_clients_keep_nobody_waiting(self):
        silent = []
        try:
            for _ in range(1000):
                silent.append(socket.create_connection((self.mansio.host, self.mansio.port["smtp"]), 10))
            for half, sock in enumerate(silent):
                if half % 2:
                    sock.sendall(b"EHLO half.test\r\nMAIL FROM:<half@outside.te")
            self.mansio.send("someone@outside.test", self.livia.address, subject="through")
            self.mansio.wait_for_mail(self.livia, "through")
            threads = int(self.status()["Threads"])
            self.assertLess(threads, 100)
        finally:
            for sock in silent:
                sock.close()

    def test_rubbish_instead_of_tls_harms_nobody(self):
        for _ in range(20):
            with socket.create_connection((self.mansio.host, self.mansio.port["submissions"]), 10) as sock:
                sock.sendall(os.urandom(500))
        with self.mansio.submission(self.livia) as client:
            self.assertEqual(client.noop()[0], 250)


if __name__ == "__main__":
    unittest.main()
