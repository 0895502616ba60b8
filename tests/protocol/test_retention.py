"""How long mail stays in a folder: rules for a domain and for a mailbox, applied while sessions look on."""

import json
import re
import unittest

import harness


class Retention(unittest.TestCase):
    """With a clock of its own: mail is made older in the database."""

    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private({"imapd_sweep_seconds": "1"})
        cls.addClassCleanup(cls.mansio.remove)

    def setUp(self):
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.wire = self.session()

    def session(self):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        return wire

    def add(self, folder, *subjects):
        for subject in subjects:
            self.assertTrue(self.wire.append(folder, b"Subject: %s\r\n\r\nx\r\n" % subject.encode())[0].startswith("OK"))

    def rule(self, *words):
        self.mansio.command("retention", *words)

    def older(self, folder, days, uids="1:*"):
        low, _, high = uids.partition(":")
        self.mansio.sql(
            f"UPDATE message m SET saved_at = saved_at - interval '{days} days' FROM mailbox b, account a, domain d"
            f" WHERE b.account_id = m.account_id AND b.id = m.mailbox_id AND b.name = '{folder}' AND a.id = m.account_id AND d.id = a.domain_id"
            f" AND a.local_part || '@' || d.name = '{self.livia.address}' AND m.uid BETWEEN {low} AND {high.replace('*', '4294967295') or low}"
        )

    def messages(self, folder):
        return int(re.search(rb"MESSAGES (\d+)", self.wire.must(f'STATUS "{folder}" (MESSAGES)')[0])[1])

    def becomes(self, folder, count):
        harness.eventually(lambda: self.messages(folder) == count, 20, f"{count} messages in {folder}")

    def settled(self):
        """Until rules were applied once more: a witness in a mailbox of its own has gone."""
        before, self.livia = self.livia, self.mansio.new_account(self.mansio.new_domain())
        wire, self.wire = self.wire, self.session()
        self.rule("set", self.livia.address, "Archive", "1")
        self.add("Archive", "witness")
        self.older("Archive", 2)
        self.becomes("Archive", 0)
        self.livia, self.wire = before, wire

    def test_nothing_goes_where_nothing_is_said(self):
        self.add("Trash", "one")
        self.older("Trash", 4000)
        self.settled()
        self.assertEqual(self.messages("Trash"), 1)

    def test_old_mail_goes_and_sessions_see_it_with_exact_modseq(self):
        self.rule("set", self.domain, "\\Trash", "30")
        self.add("Trash", "one", "two", "three", "four")
        old, new = self.session(), self.session()
        for wire in (old, new):
            wire.must("ENABLE QRESYNC" if wire is new else "NOOP")
            wire.must("SELECT Trash")
        before = int(re.search(rb"HIGHESTMODSEQ (\d+)", self.wire.must("STATUS Trash (HIGHESTMODSEQ)")[0])[1])
        self.older("Trash", 31, "1:2")
        self.older("Trash", 29, "3")
        self.becomes("Trash", 2)
        told = []
        harness.eventually(lambda: told.extend(old.must("NOOP")) or len([l for l in told if b"EXPUNGE" in l]) == 2, 10, "EXPUNGE")
        self.assertEqual([line for line in told if b"EXPUNGE" in line], [b"* 1 EXPUNGE", b"* 1 EXPUNGE"])
        told = []
        harness.eventually(lambda: told.extend(new.must("NOOP")) or [l for l in told if b"VANISHED" in l], 10, "VANISHED")
        self.assertIn(b"* VANISHED 1:2", told)
        status = self.wire.must("STATUS Trash (HIGHESTMODSEQ SIZE MESSAGES UNSEEN)")[0]
        self.assertIn(f"HIGHESTMODSEQ {before + 1}".encode(), status)
        late = self.session()
        late.must("ENABLE QRESYNC")
        validity = re.search(rb"UIDVALIDITY (\d+)", self.wire.must("STATUS Trash (UIDVALIDITY)")[0])[1].decode()
        self.assertIn(b"* VANISHED (EARLIER) 1:2", late.must(f"SELECT Trash (QRESYNC ({validity} {before}))"))

    def test_it_can_be_brought_back_and_then_stays_its_time_anew(self):
        self.rule("set", self.domain, "\\Trash", "30")
        self.add("Trash", "one")
        self.older("Trash", 31)
        self.becomes("Trash", 0)
        self.assertEqual(len(json.loads(self.mansio.command("undelete", self.livia.address, "--json"))), 1)
        self.mansio.command("undelete", self.livia.address, "--all")
        self.settled()
        self.assertEqual(self.messages("Trash"), 1)

    def test_what_is_said_for_a_mailbox_counts_before_its_domains(self):
        other = self.mansio.new_account(self.domain)
        self.rule("set", self.domain, "\\Junk", "10")
        self.rule("set", self.livia.address, "Junk", "0")
        self.rule("set", self.livia.address, "Lists/Loud", "3")
        self.wire.must("CREATE Lists/Loud/Louder")
        for folder in ("Junk", "Lists", "Lists/Loud", "Lists/Loud/Louder"):
            self.add(folder, "one")
            self.older(folder, 20)
        self.becomes("Lists/Loud", 0)
        self.becomes("Lists/Loud/Louder", 0)
        self.settled()
        self.assertEqual((self.messages("Junk"), self.messages("Lists")), (1, 1))
        self.livia, self.wire = other, None
        self.wire = self.session()
        self.add("Junk", "one")
        self.older("Junk", 20)
        self.becomes("Junk", 0)

    def test_folders_below_trash_and_a_trash_of_another_name_count_too(self):
        self.rule("set", self.domain, "\\Trash", "7")
        self.wire.must("RENAME Trash Papierkorb")
        self.wire.must("CREATE Papierkorb/old")
        self.wire.must("CREATE Papierkorb-not")
        for folder in ("Papierkorb", "Papierkorb/old", "Papierkorb-not"):
            self.add(folder, "one")
            self.older(folder, 8)
        self.becomes("Papierkorb", 0)
        self.becomes("Papierkorb/old", 0)
        self.settled()
        self.assertEqual(self.messages("Papierkorb-not"), 1)

    def test_more_than_a_batch_goes(self):
        self.rule("set", self.livia.address, "Archive", "5")
        self.add("Archive", "one")
        self.wire.must("SELECT Archive")
        for _ in range(11):
            self.wire.must("COPY 1:* Archive")
        count = self.messages("Archive")
        self.assertGreater(count, 1000)
        self.older("Archive", 6)
        self.wire.must("UNSELECT")
        self.becomes("Archive", 0)

    def test_the_settings_are_the_last_word(self):
        self.mansio.command("setting", "set", "store.junk_days", "9")
        try:
            self.add("Junk", "one")
            self.older("Junk", 10)
            self.becomes("Junk", 0)
            self.rule("set", self.domain, "\\Junk", "0")
            self.add("Junk", "two")
            self.older("Junk", 10)
            self.settled()
            self.assertEqual(self.messages("Junk"), 1)
        finally:
            self.mansio.command("setting", "set", "store.junk_days", "0")

    def test_rules_are_listed_changed_and_removed_and_audited(self):
        self.rule("set", self.livia.address, "Archive", "9")
        self.rule("set", self.livia.address, "Archive", "8")
        rows = json.loads(self.mansio.command("retention", "list", "--search", self.livia.address, "--json"))
        self.assertEqual(rows, [{"name": self.livia.address, "folder": "Archive", "days": 8}])
        self.rule("remove", self.livia.address, "Archive")
        self.assertEqual(json.loads(self.mansio.command("retention", "list", "--search", self.livia.address, "--json")), [])
        acts = [e["action"] for e in json.loads(self.mansio.command("audit", "list", "--json", "--search", self.livia.address)) if e["kind"] == "retention"]
        self.assertEqual(acts, ["delete", "update", "insert"])
        for wrong in (("set", self.livia.address, "Archive", "x"), ("set", "nobody@" + self.domain, "Archive", "3"), ("remove", self.domain, "Archive")):
            self.assertNotEqual(self.mansio.command("retention", *wrong, check=False).returncode, 0)


if __name__ == "__main__":
    unittest.main()
