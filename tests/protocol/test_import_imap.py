"""mansio import from another IMAP server: Debian's Dovecot, and servers that do as the test says."""

import base64
import json
import pathlib
import shutil
import socketserver
import tempfile
import threading
import unittest

import harness
from harness.dovecot import Dovecot


def setUpModule():
    global dovecot, dotted
    if not shutil.which("dovecot"):
        raise unittest.SkipTest("dovecot-imapd is not installed")
    dovecot = Dovecot(harness.shared())
    dotted = Dovecot(harness.shared(), namespace="separator = .\n  prefix = INBOX.")


def tearDownModule():
    dovecot.close()
    dotted.close()


class Moving(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.user = harness.unique("u")
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="mansio-test-move-"))
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)

    def run_cli(self, *args, source=None, user=None, password=None, account=None):
        source = source or f"imaps://localhost:{dovecot.imaps}"
        return self.mansio.command("--json", "import", (account or self.livia).address, "--from", source, "--user", user or self.user,
                                   "--password-stdin", "--ca", self.mansio.ca, *args, stdin=(password or dovecot.password) + "\n", check=False)  # fmt: skip

    def bring(self, *args, **kwargs):
        done = self.run_cli(*args, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return json.loads(done.stdout)

    def stopped(self, done):
        self.assertEqual(done.returncode, 1, done.stdout)
        return json.loads(done.stdout)["accounts"][0]["error"]

    def imap(self, account=None):
        client = self.mansio.imap(account or self.livia)
        self.addCleanup(client.logout)
        return client

    def shown(self, client, folder, items="(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"):
        client.select(f'"{folder}"', readonly=True)
        found = []
        for part in client.fetch("1:*", items)[1]:
            if isinstance(part, tuple):
                head = sorted(part[0].replace(b"\\Recent", b"").replace(b"(", b" ").replace(b")", b" ").split())
                found.append((head, part[1]))
        return client.response("UIDVALIDITY")[1], found


class FromDovecot(Moving):
    def fill(self, client, folder, count, flags=""):
        for i in range(count):
            client.append(f'"{folder}"', flags, f'"{i % 27 + 1:02}-Mar-2021 10:00:00 +0000"', f"Subject: {folder} {i}\r\n\r\nSalve {i}!\r\n".encode())

    def test_everything_comes_along_and_a_second_run_brings_what_is_new(self):
        client = dovecot.client(self.user)
        self.addCleanup(client.logout)
        self.fill(client, "INBOX", 250)
        for folder in ("Gesendet", "Entw&APw-rfe/neu", "a (b) *%"):
            client.create(f'"{folder}"')
            self.fill(client, folder, 3, "(\\Seen \\Flagged $Label1)")
        client.subscribe("Entw&APw-rfe/neu")
        client.select("INBOX")
        client.store("1:10", "+FLAGS", "\\Deleted")
        client.expunge()
        client.store("1:5", "+FLAGS", "(\\Answered Work)")
        report = self.bring()
        self.assertEqual((report["brought"], report["failed"]), (249, 0), report)
        own = self.imap()
        for there, here in (("INBOX", "INBOX"), ("Gesendet", "Sent"), ("Entw&APw-rfe/neu",) * 2, ("a (b) *%",) * 2):
            self.assertEqual(self.shown(own, here), self.shown(client, there))
        self.assertEqual(*(c.status("INBOX", "(UIDNEXT)")[1][0].replace(b'"', b"") for c in (own, client)))
        subscribed = b" ".join(own.lsub()[1])
        self.assertIn(b"neu", subscribed)
        self.assertNotIn(b"(b)", subscribed)
        self.fill(client, "INBOX", 2)
        report = self.bring()
        self.assertEqual((report["brought"], report["already_here"]), (2, 249))
        self.assertEqual(self.shown(own, "INBOX"), self.shown(client, "INBOX"))

    def test_starttls_and_a_namespace_with_dots(self):
        client = dotted.client(self.user)
        client.create("INBOX.Work.2024")
        client.append("INBOX.Work.2024", "", None, b"Subject: x\r\n\r\n")
        client.append("INBOX", "", None, b"Subject: y\r\n\r\n")
        client.logout()
        report = self.bring(source=f"imap://localhost:{dotted.imap}")
        self.assertIn(("Work/2024", 1), [(f["into"], f["brought"]) for f in report["accounts"][0]["folders"]])
        self.assertIn(("INBOX", 1), [(f["into"], f["brought"]) for f in report["accounts"][0]["folders"]])

    def test_an_administrator_logs_in_on_behalf_of_the_user(self):
        client = dovecot.client(self.user)
        client.append("INBOX", "", None, b"Subject: y\r\n\r\n")
        client.logout()
        self.assertEqual(self.bring("--master", "admin")["brought"], 1)
        self.assertIn("refused", self.stopped(self.run_cli("--master", "nobody")))

    def test_login_is_used_where_it_is_asked_for(self):
        self.assertEqual(self.bring("--auth", "login")["brought"], 0)

    def test_certificates_are_verified(self):
        error = self.stopped(self.mansio.command("--json", "import", self.livia.address, "--from", f"imaps://{self.user}@localhost:{dovecot.imaps}",
                                                 "--password-stdin", stdin=dovecot.password + "\n", check=False))  # fmt: skip
        self.assertIn("certificate", error)
        self.bring("--unverified")

    def test_a_wrong_password_is_told_with_the_servers_words_and_not_shown(self):
        done = self.run_cli(password="wrong-secret")
        self.assertIn("AUTHENTICATIONFAILED", self.stopped(done))
        self.assertNotIn("wrong-secret", done.stdout + done.stderr)

    def test_a_new_uidvalidity_there_does_not_bring_messages_twice(self):
        client = dovecot.client(self.user)
        self.fill(client, "INBOX", 5)
        client.append("INBOX", "", None, b"Subject: INBOX 4\r\n\r\nSalve 4!\r\n")  # one that is there twice
        self.assertEqual(self.bring()["brought"], 6)
        client.select("INBOX")
        client.create("Copy")
        client.copy("1:*", "Copy")
        client.logout()
        folder = dovecot.mail(self.user)
        (folder / "dovecot-uidlist").unlink()
        for path in folder.glob("dovecot.index*"):
            path.unlink()
        client = dovecot.client(self.user)
        self.fill(client, "INBOX", 1)
        client.append("INBOX", "", None, b"Subject: really new\r\n\r\n")
        client.logout()
        report = self.bring("--folder", "INBOX")
        self.assertEqual((report["brought"], report["already_here"]), (2, 6))
        self.assertEqual(self.bring("--folder", "INBOX")["already_here"], 8)

    def test_several_accounts_by_csv(self):
        lines = ["source,user,password,address"]
        accounts = []
        for i in range(5):
            user = f"{self.user}-{i}"
            client = dovecot.client(user)
            self.fill(client, "INBOX", i + 1)
            client.logout()
            accounts.append(self.mansio.new_account(self.domain))
            source = f"imaps://localhost:{dovecot.imaps}"
            if i == 4:
                lines.append(f'{source},{user},"{dovecot.password}",{accounts[-1].address},admin')
            else:
                lines.append(f'{source},{user},"{dovecot.password}",{accounts[-1].address}')
        lines.append(f"{source},{user},wrong,{self.livia.address}")
        path = self.top / "accounts.csv"
        path.write_text("\n".join(lines) + "\n")
        done = self.mansio.command("--json", "import", "--csv", str(path), "--ca", self.mansio.ca, "--parallel", "3", check=False)
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["brought"]), (1, 15))
        self.assertEqual([a["error"] is None for a in report["accounts"]], [True] * 5 + [False])
        for i, account in enumerate(accounts):
            self.assertEqual(self.imap(account).select("INBOX", readonly=True)[1], [str(i + 1).encode()])
        for text, sentence in (("a,b\n", "line 1: it needs SOURCE"), ('x,y,z,"open', "line 1"), (f"h,u,p,nobody@{self.domain}\n", "there is no mailbox"), ("# none\n", "no account")):
            path.write_text(text)
            done = self.mansio.command("import", "--csv", str(path), check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(sentence, done.stderr)


MESSAGES = {uid: f"Subject: {uid}\r\n\r\n{'x' * uid}\r\n".encode() for uid in range(1, 301)}


class Odd(socketserver.StreamRequestHandler):
    """An IMAP server with one mailbox, which does what its server's `script` says."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.server.connections += 1
        self.say("* OK odd")
        for line in self.rfile:
            tag, command, *rest = line.decode().split()
            command = command.upper()
            if command == "CAPABILITY":
                self.say(f"* CAPABILITY IMAP4rev1 {self.server.capabilities}")
            elif command == "AUTHENTICATE":
                self.say("+ ")
                if b"\0wrong" in base64.b64decode(self.rfile.readline()):
                    self.say(f"{tag} NO no")
                    continue
            elif command == "LIST":
                self.say('* LIST () "/" INBOX')
            elif command == "EXAMINE":
                self.say(f"* {len(MESSAGES)} EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 301] x")
            elif command == "UID" and "RFC822.SIZE" in line.decode():
                for uid, data in MESSAGES.items():
                    self.say(f'* {uid} FETCH (UID {uid} FLAGS () INTERNALDATE "01-Jan-2020 00:00:00 +0000" RFC822.SIZE {len(data)})')
            elif command == "UID":
                uids = []
                for piece in rest[1].split(","):
                    first, _, last = piece.partition(":")
                    uids += range(int(first), int(last or first) + 1)
                if not self.server.script(self, tag, uids):
                    return
                continue
            elif command == "LOGOUT":
                return
            self.say(f"{tag} OK done")

    def send(self, uid):
        data = MESSAGES[uid]
        self.wfile.write(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(data), data))


class FromOddServers(Moving):
    def serve(self, script, capabilities="AUTH=PLAIN"):
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Odd, bind_and_activate=True)
        server.daemon_threads = True
        server.script, server.capabilities, server.connections = script, capabilities, 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.server = server
        return f"imap://127.0.0.1:{server.server_address[1]}"

    def count(self):
        return self.imap().select("INBOX", readonly=True)[1]

    def test_a_connection_that_breaks_is_made_again_and_nothing_comes_twice(self):
        broken = set()

        def script(c, tag, uids):
            for uid in uids:
                c.send(uid)
                if uid % 90 == 0 and uid not in broken:
                    broken.add(uid)
                    return False
            c.say(f"{tag} OK done")
            return True

        report = self.bring("--plaintext", source=self.serve(script))
        self.assertEqual((report["brought"], report["failed"]), (300, 0))
        self.assertEqual(self.server.connections, 4)
        self.assertEqual(self.count(), [b"300"])

    def test_commands_that_are_answered_at_the_same_time_are_told_apart(self):
        held = []

        def script(c, tag, uids):
            if uids[0] == 1:
                held.append((tag, uids))
                return True
            for uid in uids:
                c.send(uid)
                if held and uid % 2:
                    c.send(held[0][1][uid % 100])
            c.say(f"{tag} OK done")
            if held:
                tag, uids = held.pop()
                for uid in uids:
                    c.send(uid)
                c.say(f"{tag} OK done")
            return True

        self.assertEqual(self.bring("--plaintext", source=self.serve(script))["brought"], 300)
        self.assertEqual(self.count(), [b"300"])

    def test_a_message_that_the_server_can_not_read_is_told_and_the_others_come(self):
        def script(c, tag, uids):
            for uid in uids:
                if uid == 42:
                    c.say(f"{tag} NO [SERVERBUG] message 42 is broken")
                    return True
                c.send(uid)
            c.say(f"{tag} OK done")
            return True

        done = self.run_cli("--plaintext", source=self.serve(script))
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["brought"], report["failed"]), (1, 299, 1))
        error = report["accounts"][0]["errors"][0]
        self.assertEqual(error["message"], "42")
        self.assertIn("message 42 is broken", error["why"])

    def test_messages_removed_meanwhile_are_no_errors(self):
        def script(c, tag, uids):
            for uid in uids:
                if uid % 2:
                    c.send(uid)
            c.say(f"{tag} OK done")
            return True

        self.assertEqual(self.bring("--plaintext", source=self.serve(script))["brought"], 150)

    def test_no_password_goes_out_without_tls(self):
        source = self.serve(lambda *_: False)
        self.assertIn("STARTTLS", self.stopped(self.run_cli(source=source)))

    def test_a_server_that_talks_nonsense_ends_it(self):
        def script(c, tag, uids):
            c.say(f"* 1 FETCH (UID {uids[0]} BODY[] {{99999999999}}")
            return True

        self.assertIn("larger than", self.stopped(self.run_cli("--plaintext", source=self.serve(script))))
        self.assertEqual(self.count(), [b"0"])


if __name__ == "__main__":
    unittest.main()
