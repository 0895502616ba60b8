"""Quota over IMAP (RFC 9208), and the mails that warn of it."""

import email
import email.policy
import json
import re
import threading
import unittest

import harness


def message(size):
    head = b"Subject: filling\r\n\r\n"
    return head + b"x" * (size - len(head) - 2) + b"\r\n"


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.wire = self.session()

    def allow(self, *options):
        self.mansio.command("account", "set", self.livia.address, *options)

    def append(self, size, mailbox="Archive", wire=None):
        return (wire or self.wire).append(mailbox, message(size))[0]

    def quota(self, wire=None):
        line = (wire or self.wire).must('GETQUOTA "account"')[0].decode()
        pairs = re.findall(r"(STORAGE|MESSAGE) (\d+) (\d+)", line)
        return {name: (int(used), int(limit)) for name, used, limit in pairs}


class Quota(Case):
    def test_capability_has_what_works(self):
        words = self.wire.must("CAPABILITY")[0].split()
        for word in (b"QUOTA", b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE"):
            self.assertIn(word, words)
        self.assertNotIn(b"QUOTASET", words)

    def test_without_a_limit_no_resource_is_named(self):
        self.assertEqual(self.wire.must("GETQUOTAROOT INBOX"), [b'* QUOTAROOT "INBOX" "account"', b'* QUOTA "account" ()'])

    def test_every_mailbox_is_in_the_one_root_and_sessions_see_the_same_usage(self):
        self.allow("--quota", "100K", "--quota-messages", "10")
        other = self.session()
        harness.eventually(lambda: self.quota() == {"STORAGE": (0, 100), "MESSAGE": (0, 10)}, 5, "the quota")
        self.assertTrue(self.append(10_000).startswith("OK"))
        self.assertTrue(self.append(10_000, "INBOX", other).startswith("OK"))
        self.assertEqual(self.quota(), {"STORAGE": (20, 100), "MESSAGE": (2, 10)})
        self.assertEqual(self.quota(other), self.quota())
        for name in ("Archive", "not/there/yet"):
            self.assertEqual(self.wire.must(f'GETQUOTAROOT "{name}"'),
                             [f'* QUOTAROOT "{name}" "account"'.encode(), b'* QUOTA "account" (STORAGE 20 100 MESSAGE 2 10)'])  # fmt: skip

    def test_other_roots_and_setting_a_quota_are_refused(self):
        self.assertTrue(self.wire.run('GETQUOTA "elsewhere"')[0].startswith("NO [NONEXISTENT]"))
        self.allow("--quota", "100K")
        for limits in ("(STORAGE 9999999)", "(STORAGE 1 MESSAGE 2)", "()"):
            self.assertTrue(self.wire.run(f'SETQUOTA "account" {limits}')[0].startswith("NO [NOPERM]"))
        self.assertTrue(self.wire.run('SETQUOTA "account" (STORAGE)')[0].startswith("BAD"))
        self.assertTrue(self.wire.run("GETQUOTA")[0].startswith("BAD"))
        harness.eventually(lambda: self.quota() == {"STORAGE": (0, 100)}, 5, "the quota")

    def test_append_and_copy_over_a_limit_are_refused_and_change_nothing(self):
        self.append(10_000)
        self.allow("--quota", "25K")
        harness.eventually(lambda: self.quota() == {"STORAGE": (10, 25)}, 5, "the quota")
        self.assertTrue(self.append(16_000).startswith("NO [OVERQUOTA]"))
        self.assertTrue(self.append(10_000).startswith("OK"))
        self.wire.must("SELECT Archive")
        self.assertTrue(self.wire.run("COPY 1 INBOX")[0].startswith("NO [OVERQUOTA]"))
        self.assertTrue(self.wire.run("COPY 1 Archive")[0].startswith("NO [OVERQUOTA]"))
        self.assertTrue(self.wire.run("MOVE 1 INBOX")[0].startswith("OK"), "moving takes no room")
        self.assertEqual(self.quota(), {"STORAGE": (20, 25)})

    def test_the_number_of_messages_is_limited_for_append_copy_and_mail(self):
        self.allow("--quota-messages", "2")
        harness.eventually(lambda: self.quota() == {"MESSAGE": (0, 2)}, 5, "the quota")
        self.append(100, "INBOX")
        self.mansio.send("x@outside.test", self.livia.address)
        harness.eventually(lambda: self.quota()["MESSAGE"][0] >= 2, 5, "the second message; a warning finds room in any case")
        self.assertTrue(self.append(100).startswith("NO [OVERQUOTA]"))
        self.wire.must("SELECT INBOX")
        self.assertTrue(self.wire.run("COPY 1 Archive")[0].startswith("NO [OVERQUOTA]"))
        with self.assertRaises(Exception) as refused:
            self.mansio.send("x@outside.test", self.livia.address)
        self.assertIn("4.2.2", str(refused.exception))
        self.allow("--quota-messages", "0")
        harness.eventually(lambda: self.quota() == {}, 5, "the limit to go")
        self.assertTrue(self.append(100).startswith("OK"))

    def test_status_tells_what_expunge_would_give_back(self):
        other = self.session()
        for size in (100, 1000, 10_000):
            self.append(size)
        self.assertEqual(other.must("STATUS Archive (DELETED DELETED-STORAGE)"), [b'* STATUS "Archive" (DELETED 0 DELETED-STORAGE 0)'])
        self.wire.must("SELECT Archive")
        self.wire.must("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(other.must("STATUS Archive (DELETED DELETED-STORAGE)"), [b'* STATUS "Archive" (DELETED 2 DELETED-STORAGE 10100)'])
        listed = other.must('LIST "" Archive RETURN (STATUS (DELETED-STORAGE))')
        self.assertEqual(listed[1], b'* STATUS "Archive" (DELETED-STORAGE 10100)')
        self.wire.must("EXPUNGE")
        self.assertEqual(other.must("STATUS Archive (DELETED-STORAGE)"), [b'* STATUS "Archive" (DELETED-STORAGE 0)'])


class Warnings(Case):
    def warnings(self):
        parsed = [email.message_from_bytes(raw, policy=email.policy.default) for _, raw in self.mansio.mail(self.livia)]
        return [mail for mail in parsed if str(mail["From"]).startswith("Postmaster")]

    def subjects(self):
        return [mail["Subject"] for mail in self.warnings()]

    def await_subjects(self, *expected):
        harness.eventually(lambda: self.subjects() == list(expected), 10, f"the warnings {expected}")

    def empty(self):
        self.wire.must("SELECT Archive")
        self.wire.must("STORE 1:* +FLAGS.SILENT (\\Deleted)")
        self.wire.must("CLOSE")

    def warned(self):
        local = self.livia.address.split("@")[0]
        return self.mansio.sql(f"SELECT u.warned FROM account_usage u JOIN account a ON a.id = u.account_id WHERE local_part = '{local}'")

    def test_each_percentage_is_told_once_as_it_is_passed_upwards(self):
        self.allow("--quota", "1M")
        harness.eventually(lambda: self.quota() == {"STORAGE": (0, 1024)}, 5, "the quota")
        self.append(700_000)
        self.append(160_000)
        self.await_subjects("Your mailbox is 82 % full")
        self.append(20_000)
        self.append(125_000)
        self.await_subjects("Your mailbox is 82 % full", "Your mailbox is 95 % full")
        self.assertTrue(self.append(100_000).startswith("NO [OVERQUOTA]"))
        self.await_subjects("Your mailbox is 82 % full", "Your mailbox is 95 % full", "Your mailbox is full")
        self.assertTrue(self.append(100_000).startswith("NO [OVERQUOTA]"))
        self.append(1000)
        self.assertEqual(len(self.subjects()), 3)

    def test_what_comes_while_a_warning_waits_is_not_told_twice(self):
        self.allow("--quota", "1M")
        harness.eventually(lambda: self.quota() == {"STORAGE": (0, 1024)}, 5, "the quota")
        local = self.livia.address.split("@")[0]
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND %s granted AND (classid::int8 << 32 | objid::int8) = " \
               f"(SELECT hashtextextended('quota.warning', id) FROM account WHERE local_part = '{local}')"  # fmt: skip
        hold = threading.Thread(target=self.mansio.sql, args=(
            f"SELECT pg_advisory_lock(hashtextextended('quota.warning', id)) FROM account WHERE local_part = '{local}'; SELECT pg_sleep(4)",))
        hold.start()
        harness.eventually(lambda: self.mansio.sql(held % "") == ["1"], 10, "the lock")
        self.append(700_000)
        harness.eventually(lambda: self.mansio.sql(held % "NOT") == ["1"], 10, "the first look")
        self.append(160_000)
        hold.join()
        self.await_subjects("Your mailbox is 82 % full")
        self.append(145_000)
        self.await_subjects("Your mailbox is 82 % full", "Your mailbox is 95 % full")

    def test_below_it_and_passed_again_it_is_told_again(self):
        self.allow("--quota", "1M")
        harness.eventually(lambda: self.quota() == {"STORAGE": (0, 1024)}, 5, "the quota")
        self.append(860_000)
        self.await_subjects("Your mailbox is 82 % full")
        self.empty()
        self.append(870_000)
        self.await_subjects("Your mailbox is 82 % full", "Your mailbox is 83 % full")

    def test_mail_from_outside_warns_too_and_the_mail_is_a_real_one(self):
        self.allow("--quota-messages", "4", "--name", "Livia Drusilla")
        harness.eventually(lambda: self.quota() == {"MESSAGE": (0, 4)}, 5, "the quota")
        for _ in range(4):
            self.mansio.send("x@outside.test", self.livia.address)
        harness.eventually(lambda: "Your mailbox is full" in self.subjects(), 10, "the warning")
        mail = self.warnings()[-1]
        self.assertEqual(mail["From"], f"Postmaster <postmaster@{self.domain}>")
        self.assertEqual(mail["To"], self.livia.address)
        self.assertEqual(mail["Return-Path"], "<>")
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        text = mail.get_payload(decode=True).decode()
        self.assertTrue(text.startswith("Hello Livia Drusilla,\r\n\r\n"), text)
        self.assertRegex(text, rf"{re.escape(self.livia.address)} is full: it holds \d of 4 messages\.")

    def test_operators_find_the_mailboxes_that_are_nearly_full(self):
        self.allow("--quota", "100K")
        empty = self.mansio.new_account(self.domain)
        self.mansio.command("account", "set", empty.address, "--quota", "100K")
        harness.eventually(lambda: self.quota() == {"STORAGE": (0, 100)}, 5, "the quota")
        self.append(90_000)
        listed = json.loads(self.mansio.command("account", "list", "--domain", self.domain, "--full", "80", "--json"))
        self.assertEqual([one["address"] for one in listed], [self.livia.address])
        self.assertIn(listed[0]["percent"], (87, 88), "with or without the warning itself")
        self.assertEqual(json.loads(self.mansio.command("account", "list", "--domain", self.domain, "--full", "95", "--json")), [])
        harness.eventually(lambda: self.warned() == ["80"], 10, "the warning")


class Texts(unittest.TestCase):
    """Settings are the whole installation's."""

    def test_the_words_and_the_percentages_are_the_operators(self):
        mansio = harness.private()
        try:
            self.refuses(mansio)
            mansio.command("setting", "set", "quota.warnings", "50 70")
            mansio.command("setting", "set", "quota.warning_subject", "Schon {percent} Prozent – {address}")
            mansio.command("setting", "set", "quota.warning_text", "Grüße {name}!\\n\\n{used} von {limit}")
            livia = mansio.new_account(mansio.new_domain())
            mansio.command("account", "set", livia.address, "--quota", "100K")
            with harness.ImapWire(mansio, livia) as wire:
                wire.append("Archive", message(60_000))
                mail = mansio.wait_for_mail(livia, f"Schon 58 Prozent – {livia.address}")
                text = mail.get_payload(decode=True).decode()
                self.assertEqual(text.splitlines(), [f"Grüße {livia.address}!", "", "58.6 KiB von 100 KiB"])
                self.assertTrue(wire.append("Archive", message(60_000))[0].startswith("NO [OVERQUOTA]"))
                self.assertEqual(len(mansio.mail(livia)), 1, "100 is no percentage that is told")
        finally:
            mansio.remove()

    def refuses(self, mansio):
        for value in ("80 75", "0", "101", "x"):
            self.assertNotEqual(mansio.command("setting", "set", "quota.warnings", value, check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
