"""kill -9 of `mansio import` and of PostgreSQL while mail comes in: a run after it goes on; nothing is lost, nothing twice, nothing half."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness
from harness.dovecot import Dovecot

MESSAGES = 3000


def message(number):
    return b"Subject: number %d\r\n\r\n" % number + b"%08d\r\n" % number * (number % 300)


class Importing(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.private()
        self.addCleanup(self.mansio.remove)
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="mansio-test-move-"))
        self.top.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)

    def maildir(self):
        for sub in ("cur", "new", "tmp"):
            (self.top / "Maildir" / sub).mkdir(parents=True)
        lines = ["3 V1234567890 N99999 G1"]
        for n in range(MESSAGES):
            (self.top / "Maildir" / "cur" / f"{n}.host:2,").write_bytes(message(n).replace(b"\r\n", b"\n"))
            lines.append(f"{n + 1} :{n}.host")
        (self.top / "Maildir" / "dovecot-uidlist").write_text("\n".join(lines) + "\n")
        return ["--from", f"maildir:{self.top / 'Maildir'}"], ""

    def mbox(self):
        with (self.top / "box").open("wb") as f:
            for n in range(MESSAGES):
                f.write(b"From x@example.org Tue Mar  3 10:00:00 2026\n" + message(n).replace(b"\r\n", b"\n") + b"\n")
        return ["--from", f"mbox:{self.top / 'box'}"], ""

    def imap(self):
        dovecot = Dovecot(self.mansio)
        self.addCleanup(dovecot.close)
        folder = dovecot.mail("livia")
        for sub in ("cur", "new", "tmp"):
            (folder / sub).mkdir(parents=True)
        for n in range(MESSAGES):
            (folder / "cur" / f"{n}.host:2,").write_bytes(message(n).replace(b"\r\n", b"\n"))
        dovecot.own(folder)
        return ["--from", f"imaps://livia@localhost:{dovecot.imaps}", "--ca", self.mansio.ca, "--password-stdin"], dovecot.password

    def start(self, source):
        args, password = source
        process = subprocess.Popen([self.mansio.endpoints["cli"], "--json", "import", self.livia.address, *args], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        process.stdin.write(password.encode() + b"\n")
        process.stdin.close()
        return process

    def ask(self, query):
        return self.mansio.sql(query)[0]

    def count(self):
        return int(self.ask("SELECT count(*) FROM message"))

    def wait_for_part(self, process, part):
        """Until so much is there, or the process has ended."""
        while process.poll() is None and self.count() <= MESSAGES * part:
            continue

    def alive(self):
        try:
            return self.count() >= 0
        except Exception:  # psql says in its own way that the database is away
            return False

    def check_kills(self, source):
        """Kills runs at moments when more and more of the mail is there, then lets one end."""
        counts = []
        for part in (0.02, 0.4, 0.8):
            process = self.start(source)
            self.wait_for_part(process, part)
            os.kill(process.pid, 9)
            process.wait()
            process.stdout.close()
            counts.append(self.count())
        self.assertLess(counts[0], MESSAGES)
        self.assertEqual(counts, sorted(counts))
        last = self.start(source)
        report = json.loads(last.stdout.read())
        self.assertEqual(last.wait(), 0, report)
        last.stdout.close()
        self.assertGreater(report["already_here"], 0)
        self.check_mail()

    def check_mail(self):
        client = self.mansio.imap(self.livia)
        client.select("INBOX", readonly=True)
        found = [part[1] for part in client.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(part, tuple)]
        self.assertEqual(len(found), MESSAGES)
        self.assertEqual(set(found), {message(n) for n in range(MESSAGES)})
        client.logout()
        counters = "SELECT m.messages = c.n AND m.bytes = c.b AND m.unseen = c.n FROM mailbox m, (SELECT count(*) n, sum(size) b FROM message) c WHERE m.name = 'INBOX'"
        self.assertEqual(self.ask(counters), "t")
        self.assertEqual(self.ask(f"SELECT bytes = (SELECT sum(size) FROM message) AND messages = {MESSAGES} FROM account_usage"), "t")

    def test_a_killed_import_of_a_maildir_goes_on(self):
        self.check_kills(self.maildir())
        self.assertEqual(self.ask("SELECT uidvalidity, min(uid), max(uid) FROM mailbox JOIN message ON id = mailbox_id GROUP BY uidvalidity"), f"1234567890|1|{MESSAGES}")

    def test_a_killed_import_of_an_mbox_goes_on(self):
        self.check_kills(self.mbox())

    @unittest.skipUnless(shutil.which("dovecot"), "dovecot-imapd is not installed")
    def test_a_killed_import_from_an_imap_server_goes_on(self):
        self.check_kills(self.imap())

    def test_an_import_survives_a_database_that_was_killed(self):
        source = self.maildir()
        for part in (0.1, 0.5):
            process = self.start(source)
            self.wait_for_part(process, part)
            self.mansio.kill("postgres")
            self.assertEqual(process.wait(60), 1)
            self.assertIn("error", process.stdout.read().decode())
            process.stdout.close()
            harness.eventually(self.alive, 60)
        last = self.start(source)
        last.stdout.read()
        last.stdout.close()
        self.assertEqual(last.wait(), 0)
        self.check_mail()

    def test_two_imports_into_one_mailbox_at_once_are_refused(self):
        source = self.maildir()
        process = self.start(source)
        self.wait_for_part(process, 0)
        done = self.mansio.command("import", self.livia.address, *source[0], check=False)
        process.stdout.read()
        process.stdout.close()
        self.assertEqual(process.wait(), 0)
        self.assertEqual(done.returncode, 1)
        self.assertIn("under way", done.stderr)
        self.check_mail()


if __name__ == "__main__":
    unittest.main()
