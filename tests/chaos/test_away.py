"""What people are told while the disk is full or PostgreSQL is away, and that all is well again by itself afterwards."""

import imaplib
import os
import pathlib
import smtplib
import subprocess
import tempfile
import unittest

import harness


class DiskFull(unittest.TestCase):
    @unittest.skipIf(os.geteuid() != 0, "mounting a small file system needs root")
    def test_a_full_disk_is_a_temporary_error_and_loses_nothing(self):
        state = pathlib.Path(tempfile.mkdtemp(prefix="mansio-test-full-"))
        self.addCleanup(state.rmdir)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0777", "tmpfs", state], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", state], check=True)
        mansio = harness.private({"state": str(state)})
        self.addCleanup(mansio.remove)
        account = mansio.new_account(mansio.new_domain())
        mansio.send("a@outside.test", account.address, subject="before")

        filler = state / "filler"
        free = os.statvfs(state).f_bavail * os.statvfs(state).f_frsize
        filler.write_bytes(b"\0" * (free - 300_000))
        accepted, refused = 1, []
        for number in range(20):
            try:
                mansio.send("a@outside.test", account.address, subject=f"during {number}", body=("x" * 70 + "\r\n") * 700)
                accepted += 1
            except smtplib.SMTPException as problem:
                refused.append(problem)
        self.assertTrue(refused, "the disk never was full")
        for problem in refused:
            self.assertIsInstance(problem, smtplib.SMTPResponseException)
            self.assertIn(problem.smtp_code, (451, 452), problem)

        filler.unlink()
        mansio.send("a@outside.test", account.address, subject="after")
        bodies = [body for _, body in mansio.mail(account)]
        self.assertEqual(len(bodies), accepted + 1)
        for body in bodies:
            self.assertTrue(body.endswith(b"\r\n"))


class PostgresAway(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.addClassCleanup(cls.mansio.remove)
        cls.account = cls.mansio.new_account(cls.mansio.new_domain())

    def setUp(self):
        self.mansio.send("a@outside.test", self.account.address, subject="warm")
        self.mansio.pause("postgres")
        self.addCleanup(self.mansio.resume, "postgres")

    def test_smtp_answers_451_and_works_again_without_a_restart(self):
        pid = self.mansio.pid("mta")
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@outside.test")
            code, text = client.rcpt(self.account.address)
            if code == 250:  # known from the cache: then the message itself is refused
                code, text = client.data(b"Subject: while away\r\n\r\n")
            self.assertEqual(code, 451, text)
        self.mansio.resume("postgres")
        harness.eventually(lambda: self.mansio.send("a@outside.test", self.account.address, subject="back") or True, 20)
        self.mansio.wait_for_mail(self.account, subject="back")
        self.assertEqual(self.mansio.pid("mta"), pid)

    def test_imap_says_unavailable_and_works_again_without_a_restart(self):
        pid = self.mansio.pid("imapd")
        client = imaplib.IMAP4_SSL("localhost", self.mansio.port["imaps"], ssl_context=self.mansio.trust(), timeout=30)
        with self.assertRaisesRegex(imaplib.IMAP4.error, "UNAVAILABLE"):
            client.login(self.account.address, self.account.password)
        self.mansio.resume("postgres")

        def login():
            try:
                return client.login(self.account.address, self.account.password)
            except imaplib.IMAP4.error:
                return None

        harness.eventually(login, 20)
        self.assertEqual(client.select("INBOX")[0], "OK")
        client.logout()
        self.assertEqual(self.mansio.pid("imapd"), pid)


if __name__ == "__main__":
    unittest.main()
