"""A certificate for each domain: the one that the client asks for by name (SNI), in the MTA and the IMAP server alike."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import harness


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="mansio-certificates-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o755)
        cls.certificate("mail.flat.example", cls.folder / "mail.flat.example.pem", cls.folder / "mail.flat.example.key")
        deep = cls.folder / "deep.example"
        deep.mkdir()
        cls.certificate("deep.example,*.deep.example", deep / "fullchain.pem", deep / "privkey.pem")
        cls.mansio = harness.private(overrides={"tls_certificates": str(cls.folder)})
        cls.addClassCleanup(cls.mansio.remove)

    @staticmethod
    def certificate(names, pem, key):
        """A self-signed certificate for the names."""
        alternatives = ",".join(f"DNS:{name}" for name in names.split(","))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", f"/CN={names.split(',')[0]}", "-addext", f"subjectAltName={alternatives}",
                        "-out", pem, "-keyout", key], check=True, capture_output=True)  # fmt: skip
        key.chmod(0o644)

    def shown(self, name, service="smtp", starttls="smtp"):
        """(subject, serial) of what the server shows to a client that asks for the name."""
        argv = ["openssl", "s_client", "-connect", f"{self.mansio.host}:{self.mansio.port[service]}"]
        argv += ["-starttls", starttls] if starttls else []
        argv += ["-servername", name] if name else ["-noservername"]
        done = subprocess.run(argv, input="", check=False, capture_output=True, text=True, timeout=30)
        certificate = done.stdout[done.stdout.index("-----BEGIN") : done.stdout.index("-----END CERTIFICATE-----") + 26]
        shown = subprocess.run(["openssl", "x509", "-noout", "-subject", "-serial"], input=certificate, check=True, capture_output=True,
                               text=True).stdout  # fmt: skip
        subject, serial = shown.splitlines()
        return subject.split("CN = ")[-1], serial

    def test_every_listener_shows_the_certificate_of_the_name(self):
        for service, starttls in (("smtp", "smtp"), ("submission", "smtp"), ("submissions", None), ("imap", "imap"), ("imaps", None),
                                  ("pop3", "pop3"), ("pop3s", None)):  # fmt: skip
            self.assertEqual(self.shown("mail.flat.example", service, starttls)[0], "mail.flat.example", service)
            self.assertEqual(self.shown("MAIL.Deep.Example", service, starttls)[0], "deep.example", service)

    def test_other_names_get_the_default(self):
        default = self.shown(None)
        for name in ("unknown.example", "flat.example", "a.mail.flat.example", "x.y.deep.example", "mail.mansio.example", "..", "../deep.example"):
            self.assertEqual(self.shown(name), default, name)

    def test_a_new_and_a_renewed_certificate_need_no_restart(self):
        default = self.shown("late.example")
        pem, key = self.folder / "late.example.pem", self.folder / "late.example.key"
        self.certificate("late.example", pem, key)
        self.assertEqual(self.shown("late.example")[0], "late.example")
        first = self.shown("late.example")[1]
        self.certificate("late.example", pem, key)
        harness.eventually(lambda: self.shown("late.example")[1] != first, 5, "the renewed certificate")
        pem.unlink()
        harness.eventually(lambda: self.shown("late.example") == default, 5, "the default")

    def test_sighup_reads_them_again(self):
        pem, key = self.folder / "hup.example.pem", self.folder / "hup.example.key"
        self.certificate("hup.example", pem, key)
        before = self.shown("hup.example", "imaps", None)
        self.certificate("hup.example", pem, key)
        os.kill(self.mansio.pid("imapd"), signal.SIGHUP)
        harness.eventually(lambda: self.shown("hup.example", "imaps", None) != before, 5, "the renewed certificate")

    def test_a_broken_certificate_is_told_and_the_old_one_stays(self):
        pem, key = self.folder / "broken.example.pem", self.folder / "broken.example.key"
        self.certificate("broken.example", pem, key)
        good = self.shown("broken.example")
        pem.write_text("nonsense")
        harness.eventually(lambda: self.shown("broken.example") and "certificate for broken.example is not used" in self.mansio.log("mta"), 5, "the log")
        self.assertEqual(self.shown("broken.example"), good)

    def test_thousands_cost_no_time_at_the_start(self):
        self.certificate("*.many.example", self.folder / "m.pem", self.folder / "m.key")
        for n in range(5000):
            os.link(self.folder / "m.pem", self.folder / f"h{n}.many.example.pem")
            os.link(self.folder / "m.key", self.folder / f"h{n}.many.example.key")
        before, begin = self.resident_kib(), time.monotonic()
        self.mansio.restart("mta")
        self.assertLess(time.monotonic() - begin, 10)
        self.assertEqual(self.shown("h4999.many.example")[0], "*.many.example")
        self.assertLess(self.resident_kib() - before, 10 << 10)

    def resident_kib(self):
        with open(f"/proc/{self.mansio.pid('mta')}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * 4


if __name__ == "__main__":
    unittest.main()
