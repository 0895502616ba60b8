"""mansio import from mbox files of other programs, mansio export to mbox, and both ways together."""

import mailbox
import os
import shutil
import subprocess
import unittest

from harness.corpus import nasty
from harness.moving import Moving, make, put

FROM = "From livia@example.org Tue Mar  3 10:00:00 2026\n"


class FromMbox(Moving):
    def file(self, name, text):
        path = self.top / "mail" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def bodies(self, folder="INBOX", account=None):
        client = self.imap(account)
        client.select(f'"{folder}"', readonly=True)
        return [p[1] for p in client.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(p, tuple)]

    def test_a_file_is_inbox_with_flags_keywords_and_uids(self):
        path = self.file("box", FROM + "X-IMAPbase: 1234567890 9 $Label1\nSubject: one\nStatus: RO\nX-Status: AF\nX-Keywords: $Label1\nX-UID: 7\n\n>From here\n\n"
                         + FROM + "Subject: two\nX-UID: 9\n\nend\n")  # fmt: skip
        self.assertEqual(self.bring(source=f"mbox:{path}")["brought"], 2)
        self.assertEqual(self.bodies(), [b"Subject: one\r\n\r\nFrom here\r\n", b"Subject: two\r\n\r\nend\r\n"])
        client = self.imap()
        self.assertEqual(self.status(client, "INBOX", "UIDVALIDITY", "UIDNEXT"), [1234567890, 10])
        client.select("INBOX", readonly=True)
        self.assertEqual(client.uid("search", "seen answered flagged keyword $Label1")[1], [b"7"])

    def test_a_directory_is_a_tree_of_folders(self):
        self.file("inbox", FROM + "Subject: in\n\n")
        self.file("Work", FROM + "Subject: work\n\n")
        self.file("Work.sbd/Old", FROM + "Subject: old\n\n")
        self.file("lists/mansio", FROM + "Subject: list\n\n")
        self.file("Entw&APw-rfe", "")
        self.file("Work.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n")
        self.file(".subscriptions", "Work\n")
        self.bring(source=f"mbox:{self.top}/mail")
        client = self.imap()
        names = b" ".join(client.list()[1])
        for folder in ("INBOX", "Work", "Work/Old", "lists/mansio"):
            self.assertEqual(self.status(client, folder, "MESSAGES"), [1])
        self.assertIn(b"Entw&APw-rfe", names)
        self.assertNotIn(b"msf", names)
        subscribed = b" ".join(client.lsub()[1])
        self.assertIn(b"Work", subscribed)
        self.assertNotIn(b"lists/mansio", subscribed)

    def test_a_second_run_brings_only_what_is_new_wherever_it_stands(self):
        one, two, three = (FROM + f"Subject: {n}\nStatus: O\n\nx\n\n" for n in ("one", "two", "three"))
        path = self.file("box", one + two + two)
        self.assertEqual(self.bring(source=f"mbox:{path}")["brought"], 3)
        self.file("box", three + two.replace("Status: O", "Status: RO") + one + two)
        report = self.bring(source=f"mbox:{path}")
        self.assertEqual((report["brought"], report["already_here"]), (1, 3))

    def test_files_that_python_and_mutt_wrote_are_read(self):
        path = self.top / "python"
        box = mailbox.mbox(path)
        for i in range(3):
            one = mailbox.mboxMessage(f"Subject: {i}\n\nFrom the start\n\nFrom livia@example.org Tue Mar  3 10:00:00 2026\nend\n")
            one.set_flags("RF" if i else "")
            box.add(one)
        box.close()
        self.bring(source=f"mbox:{path}")
        self.assertEqual(self.bodies()[1], b"Subject: 1\r\n\r\nFrom the start\r\n\r\nFrom livia@example.org Tue Mar  3 10:00:00 2026\r\nend\r\n")
        client = self.imap()
        client.select("INBOX", readonly=True)
        self.assertEqual(client.search(None, "seen flagged")[1], [b"2 3"])

    @unittest.skipUnless(shutil.which("mutt"), "mutt is not installed")
    def test_mutt_and_python_read_what_was_exported(self):
        client = self.imap()
        texts = [b"Subject: one\r\n\r\nFrom here\r\n>From there\r\n", b"Subject: two\r\n\r\nno end", b"Subject: three\r\n\r\nx\r\n\r\n"]
        for i, text in enumerate(texts):
            client.append("INBOX", ("", "(\\Seen)", "(\\Seen \\Flagged \\Answered)")[i], None, text)
        self.write(f"mbox:{self.top}/out")
        box = mailbox.mbox(self.top / "out" / "INBOX")
        found = list(box)
        box.close()
        self.assertEqual([m["Subject"] for m in found], ["one", "two", "three"])
        self.assertEqual(["".join(sorted(set(m.get_flags()) - {"O"})) for m in found], ["", "R", "AFR"])
        (self.top / "Mail").mkdir()  # mutt would ask whether to make it
        command = f"mutt -n -F /dev/null -R -f {self.top}/out/INBOX -e 'push <exit>'"
        done = subprocess.run(["script", "-qec", command, "/dev/null"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30,
                              env={**os.environ, "TERM": "xterm", "HOME": str(self.top), "COLUMNS": "100"})  # fmt: skip
        self.assertIn(b"Msgs:3", done.stdout)

    def test_an_mbox_comes_back_to_the_byte(self):
        maildir = make(self.top / "Maildir")
        sub = make(maildir / ".Work.v1\\2e0")
        for i, data in enumerate(nasty().values()):
            put((maildir, sub)[i % 2], f"17000{i:05}.M1P{i}.host:2,{('', 'S', 'FS', 'RSa', 'DSTb')[i % 5]}", data, 1_600_000_000 + i)
        (maildir / "dovecot-keywords").write_text("0 $Label1\n1 Work\n")
        self.bring(source=f"maildir:{maildir}")
        self.write(f"mbox:{self.top}/out")
        quintus = self.mansio.new_account(self.domain)
        self.assertEqual(self.bring(source=f"mbox:{self.top}/out", account=quintus)["brought"], len(nasty()))
        self.write(f"mbox:{self.top}/again", account=quintus)
        done = subprocess.run(["diff", "-r", self.top / "out", self.top / "again"], capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout[:500]), (0, b""))
        self.write(f"maildir:{self.top}/files", account=quintus)
        sent = sorted(nasty().values())
        self.assertEqual(sorted(p.read_bytes() for p in (self.top / "files").rglob("*") if p.parent.name in ("cur", "new")), sent)

    def test_what_is_no_mbox_is_refused(self):
        path = self.file("note", "Subject: no\n\n")
        done = self.mansio.command("import", self.livia.address, "--from", f"mbox:{path}", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no mbox", done.stdout)


if __name__ == "__main__":
    unittest.main()
