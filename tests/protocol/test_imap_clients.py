"""Programs that others wrote: curl, mbsync, offlineimap, fetchmail, getmail, mutt."""

import mailbox
import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import unittest

import harness

MESSAGE = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: number %d\r\nMessage-ID: <%d@example.org>\r\n\r\nbody %d\r\n"


class Case(unittest.TestCase):
    program = None

    def setUp(self):
        if not shutil.which(self.program):
            self.skipTest(f"{self.program} is not installed")
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(self.wire.close)
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="mansio-client-"))
        self.addCleanup(shutil.rmtree, self.home)

    def fill(self, count, mailbox_name="INBOX"):
        for n in range(count):
            assert self.wire.append(mailbox_name, MESSAGE % (n, n, n))[0].startswith("OK")

    def run_program(self, *argv, check=True, **more):
        done = subprocess.run([self.program, *map(str, argv)], check=False, capture_output=True, timeout=60, cwd=self.home,
                              env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8"}, **more)  # fmt: skip
        if check:
            self.assertEqual(done.returncode, 0, done.stderr.decode() + done.stdout.decode())
        return done.stdout


class Curl(Case):
    program = "curl"

    def curl(self, path, *more, scheme="imaps", **options):
        port = self.mansio.port[scheme]
        return self.run_program("-s", "-S", "--cacert", self.mansio.ca, "-u", f"{self.livia.address}:{self.livia.password}",
                                "--ssl-reqd", *more, f"{scheme}://localhost:{port}/{path}", **options)  # fmt: skip

    def test_fetching_and_storing(self):
        self.fill(2)
        self.assertIn(b'LIST (\\HasNoChildren) "/" "INBOX"', self.curl(""))
        self.assertEqual(self.curl("INBOX;UID=2"), MESSAGE % (1, 1, 1))
        self.assertEqual(self.curl("INBOX;UID=1", scheme="imap"), MESSAGE % (0, 0, 0))
        self.assertEqual(self.curl("INBOX;UID=2;SECTION=TEXT"), b"body 1\r\n")
        self.assertIn(b"* SEARCH 2", self.curl("INBOX?SUBJECT%20%22number%201%22"))
        upload = self.home / "upload"
        upload.write_bytes(MESSAGE % (7, 7, 7))
        self.curl("Archive", "-T", upload)
        self.assertEqual(self.curl("Archive;UID=1"), MESSAGE % (7, 7, 7))
        self.assertIn(b"EXISTS", self.curl("INBOX", "-X", "EXAMINE INBOX"))

    def test_pop3(self):
        self.fill(2)
        self.assertEqual(len(self.curl("", scheme="pop3s").splitlines()), 2)
        self.assertEqual(self.curl("2", scheme="pop3s"), MESSAGE % (1, 1, 1))
        self.assertEqual(self.curl("1", scheme="pop3"), MESSAGE % (0, 0, 0))


class Mbsync(Case):
    program = "mbsync"

    def setUp(self):
        super().setUp()
        (self.home / "mail").mkdir()
        (self.home / ".mbsyncrc").write_text(textwrap.dedent(f"""
            IMAPAccount livia
            Host localhost
            Port {self.mansio.port["imaps"]}
            SSLType IMAPS
            CertificateFile {self.mansio.ca}
            User {self.livia.address}
            Pass "{self.livia.password}"

            IMAPStore far
            Account livia

            MaildirStore near
            Path {self.home}/mail/
            Inbox {self.home}/mail/INBOX
            SubFolders Verbatim

            Channel all
            Far :far:
            Near :near:
            Patterns *
            Create Both
            Remove Both
            Expunge Both
            SyncState *
            """))

    def sync(self):
        return self.run_program("-a", "-V")

    def folder(self, name):
        return mailbox.Maildir(self.home / "mail" / name, create=False)

    def subjects(self, name="INBOX"):
        return sorted(str(m["Subject"]) for m in self.folder(name))

    def far_count(self, name):
        return int(re.search(rb"MESSAGES (\d+)", self.wire.must(f'STATUS "{name}" (MESSAGES)')[0])[1])

    def test_two_way_synchronisation_settles_and_a_second_run_changes_nothing(self):
        self.fill(20)
        self.wire.must('CREATE "Entw&APw-rfe/2026"')
        self.fill(3, "Entw&APw-rfe/2026")
        self.sync()
        self.assertEqual(len(self.subjects()), 20)
        self.assertEqual(len(self.subjects("Entw&APw-rfe/2026")), 3)
        before = self.snapshot()
        self.sync()
        self.assertEqual(self.snapshot(), before)
        # here: one new message, one flag, one removal; there: the same
        near = self.folder("INBOX")
        keys = {str(near[key]["Subject"]): key for key in near.keys()}
        new = mailbox.MaildirMessage(MESSAGE.replace(b"\r\n", b"\n") % (100, 100, 100))
        near.add(new)
        flagged = near[keys["number 3"]]
        flagged.set_subdir("cur")
        flagged.set_flags("FS")
        near[keys["number 3"]] = flagged
        near.remove(keys["number 4"])
        self.wire.append("INBOX", MESSAGE % (101, 101, 101))
        self.wire.must("SELECT INBOX")
        self.wire.must("STORE 6 +FLAGS (\\Answered)")
        self.wire.must("STORE 7 +FLAGS (\\Deleted)")
        self.wire.must("EXPUNGE")
        self.sync()
        self.wire.must("NOOP")
        self.assertEqual(self.far_count("INBOX"), 20)
        self.assertEqual(len(self.subjects()), 20)
        self.assertIn("number 101", self.subjects())
        self.assertNotIn("number 6", self.subjects())
        self.assertEqual(self.wire.must('SEARCH SUBJECT "number 4"'), [b"* SEARCH"])
        self.assertNotEqual(self.wire.must('SEARCH SUBJECT "number 3" FLAGGED SEEN'), [b"* SEARCH"])
        self.assertNotEqual(self.wire.must('SEARCH SUBJECT "number 100"'), [b"* SEARCH"])
        answered = next(m for m in self.folder("INBOX") if m["Subject"] == "number 5")
        self.assertIn("R", answered.get_flags())
        before = self.snapshot()
        self.sync()
        self.assertEqual(self.snapshot(), before)

    def snapshot(self):
        near = sorted(str(path.relative_to(self.home)) for path in (self.home / "mail").rglob("*") if path.parent.name in ("cur", "new"))
        self.wire.must("EXAMINE INBOX")
        far = [line for line in self.wire.must("UID FETCH 1:* (FLAGS RFC822.SIZE)") if b"FETCH" in line]
        self.wire.must("UNSELECT")
        return near, far


class Offlineimap(Case):
    program = "offlineimap"

    def setUp(self):
        super().setUp()
        (self.home / "offlineimaprc").write_text(textwrap.dedent(f"""
            [general]
            accounts = livia
            metadata = {self.home}/metadata
            [Account livia]
            localrepository = near
            remoterepository = far
            [Repository near]
            type = Maildir
            localfolders = {self.home}/mail
            [Repository far]
            type = IMAP
            remotehost = localhost
            remoteport = {self.mansio.port["imaps"]}
            ssl = yes
            sslcacertfile = {self.mansio.ca}
            remoteuser = {self.livia.address}
            remotepass = {self.livia.password}
            """))

    def sync(self):
        self.run_program("-c", self.home / "offlineimaprc", "-o", "-u", "basic")

    def folder(self, name):
        return mailbox.Maildir(self.home / "mail" / name, create=False)

    def test_both_sides_become_the_same_and_stay_so(self):
        self.fill(10)
        self.wire.must("CREATE Projects/Rome")
        self.fill(2, "Projects/Rome")
        self.sync()
        self.assertEqual(len(self.folder("INBOX")), 10)
        self.assertEqual(len(self.folder("Projects.Rome")), 2)
        near = self.folder("INBOX")
        keys = {str(near[key]["Subject"]): key for key in near.keys()}
        near.add(mailbox.MaildirMessage(MESSAGE.replace(b"\r\n", b"\n") % (100, 100, 100)))
        seen = near[keys["number 3"]]
        seen.set_subdir("cur")
        seen.set_flags("FS")
        near[keys["number 3"]] = seen
        near.remove(keys["number 4"])
        self.wire.must("SELECT INBOX")
        self.wire.must("STORE 6 +FLAGS (\\Answered)")
        self.wire.must("STORE 7 +FLAGS (\\Deleted)")
        self.wire.must("EXPUNGE")
        self.sync()
        self.wire.must("NOOP")
        for wanted in ('SUBJECT "number 3" FLAGGED SEEN', 'SUBJECT "number 100"', 'SUBJECT "number 5" ANSWERED'):
            self.assertNotEqual(self.wire.must(f"SEARCH {wanted}"), [b"* SEARCH"], wanted)
        self.assertEqual(self.wire.must('SEARCH OR SUBJECT "number 4" SUBJECT "number 6"'), [b"* SEARCH"])
        subjects = sorted(str(m["Subject"]) for m in self.folder("INBOX"))
        self.assertNotIn("number 6", subjects)
        self.assertEqual(len(subjects), 9)
        before = sorted(path.name for path in (self.home / "mail").rglob("*"))
        state = self.wire.must("UID FETCH 1:* (FLAGS)")
        self.sync()
        self.assertEqual(sorted(path.name for path in (self.home / "mail").rglob("*")), before)
        self.assertEqual(self.wire.must("UID FETCH 1:* (FLAGS)"), state)


class Fetchmail(Case):
    program = "fetchmail"

    def fetch(self, protocol, port):
        rc = self.home / "fetchmailrc"
        rc.write_text(textwrap.dedent(f"""
            poll localhost protocol {protocol} port {self.mansio.port[port]}
              user "{self.livia.address}" password "{self.livia.password}"
              options ssl sslcertck sslcertfile {self.mansio.ca} no rewrite
              mda "/bin/sh -c 'cat >> {self.home}/got; echo >> {self.home}/got'"
            """))
        rc.chmod(0o600)
        return self.run_program("-f", rc, "--nodetach", "--nosyslog", "-v", check=False)

    def test_mail_is_fetched_once_and_gone_from_the_server(self):
        for protocol, port in (("POP3", "pop3s"), ("IMAP", "imaps")):
            with self.subTest(protocol=protocol):
                self.fill(3)
                output = self.fetch(protocol, port)
                got = (self.home / "got").read_bytes()
                self.assertEqual([got.count(b"Subject: number %d\n" % n) for n in range(3)], [1, 1, 1], output)
                self.assertIn(b"MESSAGES 0", self.wire.must("STATUS INBOX (MESSAGES)")[0])
                (self.home / "got").unlink()


class Getmail(Case):
    program = "getmail"

    def fetch(self, delete):
        for folder in ("cur", "new", "tmp"):
            (self.home / "mail" / folder).mkdir(parents=True, exist_ok=True)
        (self.home / "getmailrc").write_text(textwrap.dedent(f"""
            [retriever]
            type = SimplePOP3SSLRetriever
            server = localhost
            port = {self.mansio.port["pop3s"]}
            username = {self.livia.address}
            password = {self.livia.password}
            ca_certs = {self.mansio.ca}
            [destination]
            type = Maildir
            path = {self.home}/mail/
            [options]
            read_all = false
            delete = {delete}
            delivered_to = false
            received = false
            """))
        user = self.mansio.instance.user  # getmail delivers nothing as root
        for path in (self.home, *self.home.rglob("*")):
            user.own(path)
        argv = user.command([shutil.which("getmail"), "--getmaildir", self.home, "--rcfile", "getmailrc"])
        self.program = argv.pop(0)
        self.run_program(*argv)
        return sorted(path.read_bytes() for path in (self.home / "mail" / "new").iterdir())

    def test_mail_is_fetched_once_and_only_what_is_new_after_that(self):
        self.fill(3)
        first = self.fetch(False)
        self.assertEqual([text.count(b"Subject: number %d\n" % n) for n, text in enumerate(first)], [1, 1, 1])
        self.assertEqual(self.fetch(False), first)  # by UIDL
        self.assertIn(b"MESSAGES 3", self.wire.must("STATUS INBOX (MESSAGES)")[0])
        self.assertEqual(self.fetch(True), first)
        self.assertIn(b"MESSAGES 0", self.wire.must("STATUS INBOX (MESSAGES)")[0])


class Mutt(Case):
    program = "mutt"

    def terminal(self, command):
        """Runs a command that wants a terminal in one."""
        subprocess.run(["script", "-qec", command, "/dev/null"], check=True, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                       env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", "TERM": "vt100", "LC_ALL": "C.UTF-8"})  # fmt: skip

    def test_reading_marking_and_copying_in_batch(self):
        self.fill(4)
        rc = self.home / "muttrc"
        address = self.livia.address.replace("@", "%40")
        rc.write_text(textwrap.dedent(f"""
            set imap_user = "{self.livia.address}"
            set imap_pass = "{self.livia.password}"
            set ssl_starttls = yes
            set ssl_force_tls = yes
            set certificate_file = {self.mansio.ca}
            set ssl_usesystemcerts = no
            set ssl_verify_host = yes
            set folder = imaps://{address}@localhost:{self.mansio.port["imaps"]}/
            set spoolfile = +INBOX
            set record = ""
            set delete = yes
            set confirmappend = no
            set move = no
            set wait_key = no
            set header_cache = ""
            push "<copy-message>+Archive<enter><next-entry><flag-message><next-entry><delete-message><sync-mailbox><quit>"
            """))
        self.terminal(f"mutt -F {rc}")
        self.wire.must("SELECT INBOX")
        self.assertIn(b"MESSAGES 1", self.wire.must("STATUS Archive (MESSAGES)")[0])
        self.assertEqual(self.wire.must("SEARCH ALL"), [b"* SEARCH 1 2 3"])
        self.assertEqual(self.wire.must("SEARCH FLAGGED"), [b"* SEARCH 2"])


if __name__ == "__main__":
    unittest.main()
