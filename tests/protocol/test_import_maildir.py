"""mansio import from Maildirs of Dovecot and Courier, mansio export to Maildir, and both ways together."""

import collections
import os
import shutil
import unittest

from harness.corpus import nasty
from harness.dovecot import Dovecot
from harness.moving import Moving, make, put


def message(subject, body="Salve!\n"):
    return f"From: livia@d.example\nSubject: {subject}\nMessage-ID: <{subject}@d.example>\n\n{body}".encode()


def contents(root):
    """What a Maildir holds: folder, bytes, time, flags and keywords."""
    found = collections.Counter()
    for path in root.rglob("*"):
        if path.is_file() and path.parent.name in ("cur", "new"):
            folder = path.parent.parent
            names = dict(line.split() for line in (folder / "dovecot-keywords").read_text().splitlines()) if (folder / "dovecot-keywords").exists() else {}
            letters = path.name.partition(":2,")[2]
            words = frozenset(names[str(ord(c) - ord("a"))] if c.islower() else c for c in letters)
            found[(str(folder.relative_to(root)), path.read_bytes(), path.stat().st_mtime, words)] += 1
    return found


class FromMaildir(Moving):
    def test_flags_keywords_dates_uids_and_subscriptions_of_dovecot_come_along(self):
        make(self.maildir)
        put(self.maildir, "1700000000.a.host,S=5:2,FRSTDab", message("one"), 1_600_000_000)
        put(self.maildir, "1700000000.b.host:2,P", message("two"))
        put(self.maildir, "1700000100.c.host", message("three"), sub="new")
        (self.maildir / "dovecot-uidlist").write_text("3 V1234567890 N500 G1\n7 :1700000000.b.host\n10 Pabc :1700000000.a.host,S=5\n")
        (self.maildir / "dovecot-keywords").write_text("0 $Label1\n1 Work\n")
        sent = make(self.maildir / ".Sent.Entw&APw-rfe")
        put(sent, "1.x:2,S", message("four"))
        make(self.maildir / ".Quiet")
        (self.maildir / "subscriptions").write_text("Sent.Entw&APw-rfe\n")
        report = self.bring()
        self.assertEqual((report["brought"], report["failed"]), (4, 0))
        client = self.imap()
        self.assertEqual(self.status(client, "INBOX", "UIDVALIDITY", "UIDNEXT", "MESSAGES", "UNSEEN"), [1234567890, 501, 3, 2])
        client.select("INBOX", readonly=True)
        lines = client.uid("fetch", "1:*", "(FLAGS INTERNALDATE)")[1]
        self.assertIn(b"UID 7 ", lines[0])
        self.assertIn(b"$Forwarded)", lines[0])
        for word in (b"UID 10 ", rb"\Flagged", rb"\Answered", rb"\Seen", rb"\Deleted", rb"\Draft", b"$Label1", b"Work", b"13-Sep-2020"):
            self.assertIn(word, lines[1])
        self.assertIn(b"UID 500 ", lines[2])
        subscribed = b" ".join(client.lsub()[1])
        self.assertIn(b"Sent/Entw&APw-rfe", subscribed)
        self.assertNotIn(b"Quiet", subscribed)
        self.assertIn(b"Quiet", b" ".join(client.list()[1]))

    def test_uids_uidls_and_keywords_of_courier_come_along(self):
        make(self.maildir)
        put(self.maildir, "1.a.host:2,S", message("one"))
        put(self.maildir, "2.b.host:2,", message("two"))
        (self.maildir / "courierimapuiddb").write_text("1 1100000000 8\n3 2.b.host\n5 1.a.host\n")
        (self.maildir / "courierpop3dsizelist").write_text("/2 9 1100000000\n1.a.host 100 4:1100000001\n2.b.host 90 0:0\n")
        (self.maildir / "courierimapkeywords").mkdir()
        (self.maildir / "courierimapkeywords" / ":list").write_text("Red\nBlue\n\n1.a.host:0 1\n")
        (self.maildir / "courierimapsubscribed").write_text("INBOX\nINBOX.Lists.mansio\n")
        make(self.maildir / ".Lists.mansio")
        make(self.maildir / ".Lists.other")
        self.bring()
        client = self.imap()
        self.assertEqual(self.status(client, "INBOX", "UIDVALIDITY", "UIDNEXT"), [1100000000, 8])
        client.select("INBOX", readonly=True)
        self.assertEqual(client.uid("search", "keyword Red keyword Blue")[1], [b"5"])
        subscribed = b" ".join(client.lsub()[1])
        self.assertIn(b"Lists/mansio", subscribed)
        self.assertNotIn(b"Lists/other", subscribed)
        pop3 = self.mansio.pop3(self.livia)
        self.assertEqual(sorted(line.split()[1] for line in pop3.uidl()[1]), [b"2.b.host", b"UID4-1100000001"])
        pop3.quit()

    def test_pop3_keeps_the_uidls_of_dovecot(self):
        make(self.maildir)
        put(self.maildir, "1.a:2,S", message("one"))
        put(self.maildir, "2.b:2,S", message("two"))
        (self.maildir / "dovecot-uidlist").write_text("3 V1275660208 N20 G1\n10 :1.a\n11 Pold-one :2.b\n")
        self.bring()
        pop3 = self.mansio.pop3(self.livia)
        self.assertEqual([line.split()[1] for line in pop3.uidl()[1]], [b"0000000a4c0907b0", b"old-one"])
        pop3.quit()

    def test_folders_of_the_fs_layout_are_found(self):
        make(self.maildir)
        make(self.maildir / "Work")
        put(make(self.maildir / "Work" / "v1.0"), "1.a:2,S", message("deep"))
        (self.maildir / "subscriptions").write_text("Work/v1.0\n")
        self.bring()
        client = self.imap()
        self.assertEqual(self.status(client, "Work/v1.0", "MESSAGES"), [1])
        self.assertIn(b"Work/v1.0", b" ".join(client.lsub()[1]))
        self.assertNotIn(b'"Work"', b" ".join(client.lsub()[1]))

    def test_a_copy_made_without_times_has_the_date_of_its_name(self):
        make(self.maildir)
        put(self.maildir, "1600000000.M1P1.host:2,S", message("one"), 1_790_000_000)
        self.bring()
        client = self.imap()
        client.select("INBOX", readonly=True)
        self.assertIn(b"13-Sep-2020 12:26:40", client.fetch("1", "(INTERNALDATE)")[1][0])

    def test_a_second_run_brings_only_what_is_new(self):
        make(self.maildir)
        put(self.maildir, "1.a:2,", message("one"))
        self.assertEqual(self.bring()["brought"], 1)
        put(self.maildir, "2.b:2,", message("two"))
        os.rename(self.maildir / "cur" / "1.a:2,", self.maildir / "cur" / "1.a:2,S")
        report = self.bring("--dry-run")
        self.assertEqual((report["brought"], report["already_here"], report["dry_run"]), (1, 1, True))
        report = self.bring()
        self.assertEqual((report["brought"], report["already_here"]), (1, 1))
        self.assertEqual(self.bring()["brought"], 0)
        self.assertEqual(self.status(self.imap(), "INBOX", "MESSAGES"), [2])
        self.assertEqual(self.bring("--again")["brought"], 2)
        self.assertEqual(self.status(self.imap(), "INBOX", "MESSAGES"), [4])

    def test_a_dry_run_changes_nothing(self):
        put(make(make(self.maildir) / ".New"), "1.a:2,", message("one"))
        self.bring("--dry-run")
        self.assertNotIn(b"New", b" ".join(self.imap().list()[1]))

    def test_uids_stay_with_new_mail_there_and_change_their_validity_when_numbers_clash(self):
        make(self.maildir)
        put(self.maildir, "1.a:2,", message("one"))
        (self.maildir / "dovecot-uidlist").write_text("3 V1234567890 N11 G1\n10 :1.a\n")
        self.bring()
        put(self.maildir, "2.b:2,", message("two"))
        (self.maildir / "dovecot-uidlist").write_text("3 V1234567890 N12 G1\n10 :1.a\n11 :2.b\n")
        self.assertFalse(self.folder(self.bring(), "INBOX")["new_uidvalidity"])
        client = self.imap()
        self.assertEqual(self.status(client, "INBOX", "UIDVALIDITY", "UIDNEXT"), [1234567890, 12])
        self.mansio.send("someone@outside.test", self.livia.address, subject="12 here")
        put(self.maildir, "3.c:2,", message("12 there"))
        (self.maildir / "dovecot-uidlist").write_text("3 V1234567890 N13 G1\n10 :1.a\n11 :2.b\n12 :3.c\n")
        self.assertTrue(self.folder(self.bring(), "INBOX")["new_uidvalidity"])
        validity, messages = self.status(client, "INBOX", "UIDVALIDITY", "MESSAGES")
        self.assertGreater(validity, 1234567890)
        self.assertEqual(messages, 4)

    def test_reserved_uids_spare_a_new_validity(self):
        make(self.maildir)
        put(self.maildir, "1.a:2,", message("one"))
        (self.maildir / "dovecot-uidlist").write_text("3 V1234567890 N11 G1\n10 :1.a\n")
        self.bring("--reserve", "100")
        self.mansio.send("someone@outside.test", self.livia.address, subject="here")
        put(self.maildir, "2.b:2,", message("there"))
        (self.maildir / "dovecot-uidlist").write_text("3 V1234567890 N12 G1\n10 :1.a\n11 :2.b\n")
        self.assertFalse(self.folder(self.bring(), "INBOX")["new_uidvalidity"])
        client = self.imap()
        client.select("INBOX", readonly=True)
        self.assertEqual(client.uid("search", "all")[1], [b"10 111 112"])
        self.assertEqual(self.status(client, "INBOX", "UIDVALIDITY"), [1234567890])

    def test_a_mailbox_that_has_mail_keeps_its_own_uids(self):
        self.mansio.send("someone@outside.test", self.livia.address, subject="first")
        self.mansio.wait_for_mail(self.livia, subject="first")
        make(self.maildir)
        put(self.maildir, "1.a:2,", message("one"))
        (self.maildir / "dovecot-uidlist").write_text("3 V1234567890 N11 G1\n10 :1.a\n")
        client = self.imap()
        before = self.status(client, "INBOX", "UIDVALIDITY")
        self.bring()
        self.assertEqual(self.status(client, "INBOX", "UIDVALIDITY", "MESSAGES"), [*before, 2])

    def test_folders_are_chosen_mapped_and_left_out(self):
        make(self.maildir)
        for name in ("Work", "Work.Old", "Spam", "Private"):
            put(make(self.maildir / f".{name}"), "1.a:2,", message(name))
        put(self.maildir, "1.a:2,", message("inbox"))
        report = self.bring("--exclude", "priv*,INBOX", "--map", "Spam=Junk,Work=Archive/Work")
        self.assertEqual([(f["folder"], f["into"]) for f in report["accounts"][0]["folders"]],
                         [("Spam", "Junk"), ("Work", "Archive/Work"), ("Work/Old", "Archive/Work/Old")])  # fmt: skip
        client = self.imap()
        self.assertEqual(self.status(client, "Junk", "MESSAGES") + self.status(client, "Archive/Work/Old", "MESSAGES"), [1, 1])
        report = self.bring("--folder", "INBOX,Private")
        self.assertEqual([f["folder"] for f in report["accounts"][0]["folders"]], ["INBOX", "Private"])

    def test_since_leaves_older_messages_out(self):
        make(self.maildir)
        put(self.maildir, "1.a:2,", message("old"), 1_600_000_000)
        put(self.maildir, "2.b:2,", message("new"), 1_700_000_000)
        report = self.bring("--since", "2023-01-01")
        self.assertEqual((report["brought"], report["left_out"]), (1, 1))
        self.assertEqual(self.bring()["brought"], 1)

    def test_a_full_mailbox_refuses_what_does_not_fit_and_says_what_to_do(self):
        make(self.maildir)
        put(self.maildir, "1.a:2,", message("small"))
        put(self.maildir, "2.b:2,", message("large", "x" * 5000 + "\n"))
        self.mansio.command("account", "set", self.livia.address, "--quota", "1000")
        report = self.bring(check=False)
        self.assertEqual((report["brought"], report["failed"]), (1, 1))
        error = report["accounts"][0]["errors"][0]
        self.assertEqual((error["folder"], error["message"]), ("INBOX", "2.b"))
        self.assertIn("mansio account set", error["why"])
        self.mansio.command("account", "set", self.livia.address, "--quota", "none")
        report = self.bring()
        self.assertEqual((report["brought"], report["already_here"]), (1, 1))

    def test_wrong_use_says_what_to_do(self):
        for args, code, sentence in (
            ((self.livia.address,), 2, "--from"),
            ((self.livia.address, "--from", "ftp:x"), 1, "is no source"),
            ((self.livia.address, "--from", f"maildir:{self.top}"), 1, "is no Maildir"),
            ((self.livia.address, "--from", "maildir:/nowhere"), 1, "can't open the Maildir"),
            (("nobody@" + self.domain, "--from", f"maildir:{self.top}"), 1, "there is no mailbox"),
            ((self.livia.address, "--from", "maildir:x", "--since", "tomorrow"), 2, "2024-12-31"),
            ((self.livia.address, "--from", "maildir:x", "--map", "x"), 2, "THERE=HERE"),
            ((self.livia.address, "--from", "mbox:x", "--mbox", "x"), 2, "cl2"),
        ):
            with self.subTest(args=args):
                done = self.mansio.command("import", *args, check=False)
                self.assertEqual(done.returncode, code, done.stderr + done.stdout)
                self.assertIn(sentence, done.stderr + done.stdout)


class BothWays(Moving):
    def test_a_maildir_comes_back_to_the_byte(self):
        make(self.maildir)
        folders = [self.maildir, make(self.maildir / ".Sent"), make(self.maildir / ".Entw&APw-rfe.v1\\2e0")]
        for i, data in enumerate(nasty().values()):
            put(folders[i % 3], f"17000{i:05}.M1P{i}.host:2,{('', 'S', 'FS', 'RSa', 'DSTb')[i % 5]}", data, 1_600_000_000 + i)
        for folder in folders:
            (folder / "dovecot-keywords").write_text("0 $Label1\n1 Work\n")
        self.assertEqual(self.bring()["failed"], 0)
        self.write(f"maildir:{self.top}/out")
        self.assertEqual(contents(self.top / "out"), contents(self.maildir))
        # what was written goes into another account, and comes out of it as the same
        quintus = self.mansio.new_account(self.domain)
        self.bring(account=quintus, source=f"maildir:{self.top}/out")
        self.write(f"maildir:{self.top}/again", account=quintus)
        self.assertEqual(contents(self.top / "again"), contents(self.maildir))
        for folder in ("", ".Sent", ".Entw&APw-rfe.v1\\2e0"):
            uids = [sorted(line.split()[0] for line in (self.top / top / folder / "dovecot-uidlist").read_text().splitlines()) for top in ("out", "again")]
            self.assertEqual(uids[0], uids[1])
        self.assertEqual((self.top / "out" / "subscriptions").read_text(), (self.top / "again" / "subscriptions").read_text())

    def test_messages_of_the_store_come_back_to_the_byte(self):
        client = self.imap()
        sent = []
        for data in nasty().values():
            for text in (data, data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")):
                if text and b"\0" not in text and len(text) < 1_000_000:
                    client.literal = text
                    self.assertEqual(client._simple_command("APPEND", "INBOX", '(\\Seen)', '"03-Mar-2026 10:00:00 +0000"')[0], "OK")
                    sent.append(text)
        quintus = self.mansio.new_account(self.domain)
        self.write(f"maildir:{self.top}/out")
        self.bring(account=quintus, source=f"maildir:{self.top}/out")
        for account in (self.livia, quintus):
            other = self.imap(account)
            other.select("INBOX", readonly=True)
            parts = other.fetch("1:*", "(BODY.PEEK[])")[1]
            self.assertEqual([p[1] for p in parts if isinstance(p, tuple)], sent)

    def test_another_export_adds_what_is_new_and_brings_flags_up_to_date(self):
        make(self.maildir)
        put(self.maildir, "1.a:2,", message("one"))
        self.bring()
        self.write(f"maildir:{self.top}/out")
        client = self.imap()
        client.select("INBOX")
        client.store("1", "+FLAGS", "(\\Flagged Work)")
        client.append("INBOX", "", None, b"Subject: two\r\n\r\n")
        report = self.write(f"maildir:{self.top}/out")
        self.assertEqual(report["written"], 1)
        names = sorted(p.name.partition(":")[2] for p in (self.top / "out" / "cur").iterdir())
        self.assertIn("2,Fa", names)
        self.assertEqual(len(list((self.top / "out").glob("cur/*"))) + len(list((self.top / "out").glob("new/*"))), 2)

    def test_more_keywords_than_letters_come_back(self):
        client = self.imap()
        words = [f"word{i}" for i in range(40)]
        client.append("INBOX", f"({' '.join(words)})", None, b"Subject: many\r\n\r\n")
        client.append("INBOX", "(word1)", None, b"Subject: one\r\n\r\n")
        self.write(f"maildir:{self.top}/out")
        quintus = self.mansio.new_account(self.domain)
        self.bring(account=quintus, source=f"maildir:{self.top}/out")
        other = self.imap(quintus)
        other.select("INBOX", readonly=True)
        self.assertEqual(other.search(None, *[x for w in words for x in ("KEYWORD", w)])[1], [b"1"])
        self.assertEqual(other.search(None, "KEYWORD", "word1")[1], [b"1 2"])


@unittest.skipUnless(shutil.which("dovecot"), "dovecot-imapd is not installed")
class DovecotReads(Moving):
    def test_dovecot_shows_what_was_exported_with_its_uids_flags_keywords_and_dates(self):
        dovecot = Dovecot(self.mansio)
        self.addCleanup(dovecot.close)
        client = self.imap()
        client.create("Entw&APw-rfe/neu")
        for folder in ("INBOX", "Entw&APw-rfe/neu"):
            for i in range(4):
                client.append(folder, ("", "(\\Seen)", "(\\Flagged $Label1)", "(\\Answered \\Draft Work)")[i], f'"0{i + 1}-Mar-2026 10:00:00 +0000"', b"Subject: %d\r\n\r\nSalve!\r\n" % i)
        client.select("INBOX")
        client.store("1", "+FLAGS", "\\Deleted")
        client.expunge()
        client.unsubscribe("Entw&APw-rfe/neu")
        user = "livia"
        self.write(f"maildir:{dovecot.mail(user)}")
        dovecot.own(dovecot.mail(user))
        other = dovecot.client(user)
        for folder in ("INBOX", "Entw&APw-rfe/neu"):
            items = "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
            shown = []
            for c in (client, other):
                self.assertEqual(c.select(f'"{folder}"', readonly=True)[0], "OK")
                validity = c.response("UIDVALIDITY")[1]
                parts = [(sorted(p[0].replace(b"\\Recent", b"").replace(b"(", b" ").replace(b")", b" ").split()), p[1]) for p in c.fetch("1:*", items)[1] if isinstance(p, tuple)]
                shown.append((validity, parts))
            self.assertEqual(shown[0], shown[1])
        self.assertEqual(b"neu" in b" ".join(other.lsub()[1]), False)
        self.assertIn(b"Sent", b" ".join(other.lsub()[1]))
        other.logout()
        self.assertNotIn("Error", dovecot.log())

    def test_what_dovecot_made_of_its_maildir_comes_along(self):
        dovecot = Dovecot(self.mansio)
        self.addCleanup(dovecot.close)
        user = "livia"
        other = dovecot.client(user)
        other.create("Work/a")
        other.subscribe("Work/a")
        for i in range(5):
            other.append("Work/a", "(\\Seen $Label1 Work)" if i % 2 else "", '"01-Mar-2020 10:00:00 +0000"', b"Subject: %d\r\n\r\n" % i)
        other.select("Work/a")
        other.store("1", "+FLAGS", "\\Deleted")
        other.expunge()
        validity = other.response("UIDVALIDITY")[1] or [other.status("Work/a", "(UIDVALIDITY)")[1][0].split()[-1].strip(b")")]
        other.logout()
        self.maildir = dovecot.mail(user)
        self.bring()
        client = self.imap()
        client.select("Work/a", readonly=True)
        self.assertEqual(client.response("UIDVALIDITY")[1], validity)
        lines = client.uid("fetch", "1:*", "(FLAGS INTERNALDATE)")[1]
        self.assertEqual([line.split()[2] for line in lines], [b"2", b"3", b"4", b"5"])
        self.assertIn(b"$Label1", lines[0])
        self.assertIn(b"01-Mar-2020 10:00:00", lines[0])


if __name__ == "__main__":
    unittest.main()
