"""Expunged mail and deleted mailboxes come back for some days, and then they are really gone, to the last byte."""

import imaplib
import json
import re
import subprocess
import unittest

import harness

MARKER = b"quinquereme-of-nineveh"


def letter(number, text=b"x"):
    return b"From: Marcus <marcus@outside.test>\r\nTo: livia@example.org\r\nSubject: letter %d\r\nMessage-ID: <%d@outside.test>\r\n\r\n%s\r\n" % (
        number,
        number,
        text,
    )


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.wire = self.session()

    def session(self):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        return wire

    def add(self, *numbers, folder="INBOX", flags=""):
        for number in numbers:
            self.assertTrue(self.wire.append(folder, letter(number), flags and flags + " ")[0].startswith("OK"))

    def removed(self, *options, account=None):
        return json.loads(self.mansio.command("undelete", (account or self.livia).address, "--json", *options))

    def undelete(self, *arguments):
        return self.mansio.command("undelete", self.livia.address, *arguments)

    def status(self, folder="INBOX", wire=None):
        line = (wire or self.wire).must(f"STATUS {folder} (MESSAGES UNSEEN UIDNEXT HIGHESTMODSEQ SIZE)")[0].decode()
        return {name: int(n) for name, n in re.findall(r"(MESSAGES|UNSEEN|UIDNEXT|HIGHESTMODSEQ|SIZE) (\d+)", line)}

    def usage(self):
        rows = self.mansio.sql(
            f"SELECT coalesce(sum(u.bytes), 0), coalesce(sum(u.messages), 0) FROM account_usage u JOIN account a ON a.id = u.account_id"
            f" WHERE a.local_part || '@' || '{self.domain}' = '{self.livia.address}'"
        )
        return tuple(int(n) for n in rows[0].split("|"))

    def fetched(self, wire, items):
        return [line.decode(errors="replace") for line in wire.must(f"UID FETCH 1:* ({items})") if b" FETCH " in line]

    def expunge(self, which="1:*"):
        self.wire.must(f"STORE {which} +FLAGS.SILENT (\\Deleted)")
        self.wire.must("EXPUNGE")


class BringingBack(Case):
    def test_expunged_mail_comes_back_with_flags_and_dates_and_new_uids(self):
        self.add(1, flags='(\\Flagged $Work) "01-Feb-2020 10:00:00 +0000"')
        self.add(2, flags="(\\Seen)")
        self.wire.must("SELECT INBOX")
        before, used = self.fetched(self.wire, "EMAILID INTERNALDATE RFC822.SIZE"), self.usage()
        self.expunge()
        self.assertEqual(self.usage(), (0, 0))
        self.assertEqual([m["subject"] for m in self.removed()], ["letter 2", "letter 1"])
        modseq = self.status()["HIGHESTMODSEQ"]
        self.assertIn("2 messages", self.undelete("--all"))
        self.assertEqual(self.removed(), [])
        harness.eventually(lambda: any(b"2 EXISTS" in line for line in self.wire.must("NOOP")), 10, "EXISTS")
        after = self.fetched(self.wire, "EMAILID INTERNALDATE RFC822.SIZE")
        strip = lambda lines: [re.sub(r"^\* \d+ |UID \d+ ?", "", line) for line in lines]  # noqa: E731
        self.assertEqual(strip(after), strip(before))
        flags = self.fetched(self.wire, "FLAGS MODSEQ")
        self.assertRegex(flags[0], r"UID 3 .*\\Flagged.*\$Work")
        self.assertRegex(flags[1], r"UID 4 .*\\Seen")
        self.assertNotIn("\\Deleted", flags[0] + flags[1])
        for line in flags:
            self.assertEqual(int(re.search(r"MODSEQ \((\d+)\)", line)[1]), modseq + 1)
        now = self.status()
        self.assertEqual((now["MESSAGES"], now["UNSEEN"], now["UIDNEXT"], now["HIGHESTMODSEQ"]), (2, 1, 5, modseq + 1))
        self.assertEqual(self.usage(), used)
        self.assertEqual(self.usage()[0], now["SIZE"])

    def test_a_session_that_has_the_folder_open_sees_them_come(self):
        self.add(1)
        self.wire.must("SELECT INBOX")
        self.expunge()
        other = self.session()
        other.must("SELECT INBOX")
        self.undelete("--all")
        harness.eventually(lambda: any(b"1 EXISTS" in line for line in other.must("NOOP")), 10, "EXISTS")

    def test_only_what_is_asked_for_comes_back(self):
        self.wire.must("CREATE plans")
        self.add(1, 2, 3)
        self.add(4, folder="plans")
        for folder in ("INBOX", "plans"):
            self.wire.must(f"SELECT {folder}")
            self.expunge()
        self.wire.must("SELECT INBOX")
        self.assertEqual([m["subject"] for m in self.removed("--folder", "plans")], ["letter 4"])
        self.assertEqual([m["subject"] for m in self.removed("--search", "LETTER 2")], ["letter 2"])
        self.assertEqual(len(self.removed("--search", "marcus@outside")), 4)
        self.assertEqual(self.removed("--since", "2100-01-01"), [])
        self.assertEqual(len(self.removed("--since", "1h")), 4)
        self.assertEqual(len(self.removed("--limit", "3")), 3)
        self.undelete("--search", "letter 2", "--all")
        [third] = [m["id"] for m in self.removed("--search", "letter 3")]
        self.undelete(third)
        self.assertEqual(self.status()["MESSAGES"], 2)
        self.assertEqual(len(self.removed()), 2)
        refused = self.mansio.command("undelete", self.livia.address, third, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertEqual(self.status()["MESSAGES"], 2)

    def test_a_deleted_folder_comes_back_with_its_mail_and_the_folders_above_it(self):
        self.wire.must("CREATE work/plans (USE (\\Flagged))")
        self.add(1, 2, folder="work/plans")
        self.wire.must("DELETE work/plans")
        self.wire.must("DELETE work")
        self.assertEqual({m["folder"] for m in self.removed()}, {"work/plans"})
        self.undelete("--all")
        self.assertEqual(self.status("work/plans")["MESSAGES"], 2)
        self.assertIn(b"\\Flagged", b"".join(self.wire.must('LIST "" work/plans RETURN (SPECIAL-USE)')))
        self.assertTrue(self.wire.must('LSUB "" work/plans')[0].startswith(b"* LSUB"))

    def test_it_follows_a_folder_that_was_renamed_and_goes_elsewhere_when_told(self):
        self.wire.must("CREATE plans")
        self.add(1, 2, folder="plans")
        self.wire.must("SELECT plans")
        self.expunge()
        self.wire.must("UNSELECT")
        self.wire.must("RENAME plans ideas")
        self.undelete("--search", "letter 1", "--all")
        self.assertEqual(self.status("ideas")["MESSAGES"], 1)
        self.undelete("--all", "--into", "found/again")
        self.assertEqual(self.status("found/again")["MESSAGES"], 1)
        self.assertEqual(self.mansio.command("undelete", self.livia.address, "--all", "--into", "a//b", check=False).returncode, 1)

    def test_pop3_deletes_come_back_and_a_move_is_no_removal(self):
        self.add(1, 2)
        client = self.mansio.pop3(self.livia)
        client.dele(1)
        client.quit()
        self.wire.must("SELECT INBOX")
        self.wire.must("MOVE 1 Trash")
        self.assertEqual([m["subject"] for m in self.removed()], ["letter 1"])
        self.undelete("--all")
        self.assertEqual((self.status()["MESSAGES"], self.status("Trash")["MESSAGES"]), (1, 1))

    def test_the_quota_does_not_count_it_and_is_not_passed_by_it(self):
        self.add(1)
        size = self.usage()[0]
        self.wire.must("SELECT INBOX")
        self.expunge()
        self.mansio.command("account", "set", self.livia.address, "--quota", str(size + 10))
        self.add(2)  # there is room for it
        refused = self.mansio.command("undelete", self.livia.address, "--all", check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("quota", refused.stderr)
        self.assertEqual(self.usage()[0], self.status()["SIZE"])
        self.mansio.command("account", "set", self.livia.address, "--quota", "1M")
        self.undelete("--all")
        now = self.status()  # there may be a warning that it was nearly full, too
        self.assertGreaterEqual(now["MESSAGES"], 2)
        self.assertEqual(self.usage(), (now["SIZE"], now["MESSAGES"]))

    def test_one_account_brings_back_nothing_of_another(self):
        self.add(1)
        self.wire.must("SELECT INBOX")
        self.expunge()
        other = self.mansio.new_account(self.domain)
        [mine] = self.removed()
        self.assertEqual(self.removed(account=other), [])
        self.assertEqual(self.mansio.command("undelete", other.address, mine["id"], check=False).returncode, 1)
        self.assertEqual(len(self.removed()), 1)

    def test_it_is_in_the_audit_log(self):
        self.add(1)
        self.wire.must("SELECT INBOX")
        self.expunge()
        self.undelete("--all")
        [entry] = [e for e in json.loads(self.mansio.command("audit", "list", "--json", "--search", self.livia.address)) if e["action"] == "undelete"]
        self.assertEqual((entry["kind"], entry["detail"]), ("mail", {"messages": [0, 1]}))


class Accounts(Case):
    def deleted(self, address):
        return json.loads(self.mansio.command("account", "undelete", "--search", address, "--json"))

    def test_a_deleted_mailbox_comes_back_with_mail_password_and_what_was_set(self):
        self.add(1, 2)
        self.wire.must("CREATE work/plans")
        address = self.livia.address
        self.mansio.command("account", "set", address, "--name", "Livia", "--quota", "5M")
        self.mansio.command("account", "send-as", "add", address, f"@{self.domain}")
        secret = json.loads(self.mansio.command("account", "app-password", "add", address, "phone", "--json"))["password"]
        self.mansio.command("limit", "set", address, "--messages-hour", "7")
        self.mansio.command("account", "remove", address, "--yes")
        self.assertEqual([(a["address"], a["messages"]) for a in self.deleted(address)], [(address, 2)])
        with self.assertRaises(imaplib.IMAP4.error):
            self.mansio.imap(self.livia)
        self.mansio.command("account", "undelete", address)
        self.assertEqual(self.deleted(address), [])
        shown = json.loads(self.mansio.command("account", "show", address, "--json"))
        self.assertEqual((shown["name"], shown["quota_bytes"], shown["app_passwords"]), ("Livia", 5 << 20, 1))
        self.assertEqual(len(self.mansio.mail(self.livia)), 2)
        self.assertEqual(len(self.mansio.mail(harness.Account(address, secret))), 2)
        self.assertIn(f"@{self.domain}", self.mansio.command("account", "send-as", "list", address))
        self.assertEqual(json.loads(self.mansio.command("limit", "show", address, "--json"))["messages_hour"], 7)
        self.mansio.send("marcus@outside.test", address, subject="again")
        self.mansio.wait_for_mail(self.livia, subject="again")

    def test_where_the_address_is_taken_it_comes_back_under_another(self):
        self.add(1)
        address, local = self.livia.address, self.livia.address.split("@")[0]
        self.mansio.command("account", "remove", address, "--yes")
        self.mansio.new_account(self.domain, local)
        refused = self.mansio.command("account", "undelete", address, check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("already", refused.stderr)
        self.mansio.command("account", "undelete", address, "--as", f"old-{local}@{self.domain}")
        self.assertEqual(len(self.mansio.mail(harness.Account(f"old-{local}@{self.domain}", self.livia.password))), 1)
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_mailboxes_that_went_with_their_domain_come_back_when_it_is_there_again(self):
        self.add(1)
        self.mansio.command("domain", "remove", self.domain, "--yes")
        refused = self.mansio.command("account", "undelete", self.livia.address, check=False)
        self.assertIn("add it first", refused.stderr)
        self.mansio.new_domain(name=self.domain)
        self.mansio.command("account", "undelete", self.livia.address)
        self.assertEqual(len(self.mansio.mail(self.livia)), 1)


class ReallyGone(unittest.TestCase):
    """With a clock of its own: what is due is made older in the database."""

    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private({"imapd_sweep_seconds": "1"})
        cls.domain = cls.mansio.new_domain()
        cls.addClassCleanup(cls.mansio.remove)

    def setUp(self):
        self.livia = self.mansio.new_account(self.domain)

    def id(self, account):
        return self.mansio.sql(f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.local_part || '@' || d.name = '{account.address}'")[0]

    def older(self, days):
        """Everything that was removed is so many days older; bytes that nobody names are past their grace."""
        for table in ("removed_message", "removed_mailbox", "removed_account"):
            self.mansio.sql(f"UPDATE {table} SET removed_at = removed_at - interval '{days} days'")

    def past_grace(self):
        self.mansio.sql("UPDATE blob_garbage SET at = at - interval '2 hours'")

    def bytes_in_store(self, marker):
        """How often the marker is in the files of the store, whatever they are."""
        found = subprocess.run(["grep", "-rac", marker.decode(), self.mansio.instance.place.data / "blobs"], check=False, capture_output=True, text=True)
        return sum(int(line.rsplit(":", 1)[1]) for line in found.stdout.splitlines())

    def rows(self, account_id):
        counts = " + ".join(
            f"(SELECT count(*) FROM {table} WHERE account_id = {account_id})" for table in ("message", "email", "removed_message", "removed_mailbox")
        )
        return int(self.mansio.sql(f"SELECT {counts}")[0])

    def gone(self, marker):
        self.past_grace()
        return self.bytes_in_store(marker) == 0

    def test_after_the_days_the_bytes_are_gone_and_before_them_they_are_not(self):
        marker = MARKER + b"-expunged"
        keeper = self.mansio.new_account(self.domain)
        self.mansio.send("a@outside.test", self.livia.address, raw=letter(1, marker))
        self.mansio.send("a@outside.test", keeper.address, raw=letter(2, b"stays"))
        self.mansio.wait_for_mail(self.livia)
        self.assertEqual(self.bytes_in_store(marker), 1)
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        wire.must("SELECT INBOX")
        wire.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        wire.must("EXPUNGE")
        self.older(13)
        harness.eventually(lambda: not self.mansio.sql("SELECT FROM blob_garbage"), 10, "a quiet sweeper")
        self.assertEqual(self.bytes_in_store(marker), 1)
        self.assertEqual(len(json.loads(self.mansio.command("undelete", self.livia.address, "--json"))), 1)
        self.older(1)
        self.assertEqual(json.loads(self.mansio.command("undelete", self.livia.address, "--json")), [])
        harness.eventually(lambda: self.gone(marker), 20, "the end of the bytes")
        self.assertEqual(self.rows(self.id(self.livia)), 0)
        self.assertEqual(len(self.mansio.mail(keeper)), 1)

    def test_a_copy_elsewhere_keeps_the_bytes(self):
        marker = MARKER + b"-copied"
        self.mansio.send("a@outside.test", self.livia.address, raw=letter(1, marker))
        self.mansio.wait_for_mail(self.livia)
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        wire.must("SELECT INBOX")
        wire.must("COPY 1 Archive")
        wire.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        wire.must("EXPUNGE")
        self.older(20)
        harness.eventually(lambda: not self.mansio.sql(f"SELECT FROM removed_message WHERE account_id = {self.id(self.livia)}"), 10, "forgetting")
        self.assertIn(marker, self.mansio.mail(self.livia, "Archive")[0][1])

    def test_a_deleted_mailbox_is_gone_with_all_that_it_had(self):
        marker = MARKER + b"-account"
        self.mansio.send("a@outside.test", self.livia.address, raw=letter(1, marker))
        self.mansio.wait_for_mail(self.livia)
        account = self.id(self.livia)
        self.mansio.command("account", "remove", self.livia.address, "--yes")
        self.older(13)
        harness.eventually(lambda: not self.mansio.sql("SELECT FROM blob_garbage"), 10, "a quiet sweeper")
        self.assertGreater(self.rows(account), 0)
        self.older(1)
        harness.eventually(lambda: self.gone(marker) and self.rows(account) == 0, 20, "the end of the account")
        self.assertEqual(self.mansio.sql(f"SELECT FROM removed_account WHERE account_id = {account}"), [])
        self.assertEqual(self.mansio.command("account", "undelete", self.livia.address, check=False).returncode, 1)

    def test_a_domain_may_keep_it_longer_or_not_at_all(self):
        short, long = self.mansio.new_domain(), self.mansio.new_domain()
        self.mansio.command("retention", "undelete-days", short, "0")
        self.mansio.command("retention", "undelete-days", long, "100")
        people = {name: self.mansio.new_account(name) for name in (short, long)}
        for name, who in people.items():
            self.mansio.send("a@outside.test", who.address, raw=letter(1, MARKER + b"-" + name.encode()))
            self.mansio.wait_for_mail(who)
            client = self.mansio.imap(who)
            client.select()
            client.store("1", "+FLAGS.SILENT", "\\Deleted")
            client.expunge()
            client.logout()
        harness.eventually(lambda: self.gone(MARKER + b"-" + short.encode()), 20, "the end of the short one")
        self.older(90)
        harness.eventually(lambda: not self.mansio.sql("SELECT FROM blob_garbage"), 10, "a quiet sweeper")
        self.assertEqual(self.bytes_in_store(MARKER + b"-" + long.encode()), 1)
        self.mansio.command("undelete", people[long].address, "--all")
        self.assertEqual(len(self.mansio.mail(people[long])), 1)


if __name__ == "__main__":
    unittest.main()
