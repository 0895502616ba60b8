"""Identities that outlive names and numbers, and the day a message came into its mailbox."""

import datetime
import re
import unittest

import harness

FIRST = b"From: a@example.org\r\nSubject: one\r\nMessage-ID: <one@example.org>\r\n\r\nx\r\n"
REPLY = b"From: b@example.org\r\nSubject: Re: one\r\nMessage-ID: <two@example.org>\r\nIn-Reply-To: <one@example.org>\r\n\r\ny\r\n"
OTHER = b"From: c@example.org\r\nSubject: other\r\nMessage-ID: <three@example.org>\r\n\r\nz\r\n"


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.wire = self.session()

    def add(self, *messages, more=""):
        for message in messages:
            self.assertTrue(self.wire.append("INBOX", message, more)[0].startswith("OK"))

    def items(self, item, wire=None):
        """By UID."""
        lines = (wire or self.wire).must(f"UID FETCH 1:* ({item})")
        return {int(re.search(rb"UID (\d+)", line)[1]): re.search(item.encode() + rb' \(?"?([^)"]+)', line)[1].decode() for line in lines if b" FETCH " in line}

    def search(self, keys, wire=None):
        return [int(n) for n in (wire or self.wire).must(f"UID SEARCH {keys}")[0].split()[2:]]


class Identities(Case):
    def mailbox_id(self, name):
        return re.search(rb"MAILBOXID (\(F\d+\))", self.wire.must(f"STATUS {name} (MAILBOXID MESSAGES)")[0])[1].decode()

    def test_a_mailbox_keeps_its_identity_when_it_is_renamed(self):
        created = re.match(r"OK \[MAILBOXID (\(F\d+\))\]", self.wire.run("CREATE plans")[0])[1]
        self.assertEqual(self.mailbox_id("plans"), created)
        self.assertNotEqual(self.mailbox_id("INBOX"), created)
        self.wire.must("RENAME plans ideas")
        self.assertEqual(self.mailbox_id("ideas"), created)
        self.assertIn(f"* OK [MAILBOXID {created}] Its identity".encode(), self.wire.must("SELECT ideas"))
        self.wire.must("UNSELECT")
        self.wire.must("DELETE ideas")
        self.assertNotIn(created, self.wire.run("CREATE ideas")[0])
        self.assertIn(b"MAILBOXID (F", b"".join(self.wire.must('LIST "" INBOX RETURN (STATUS (MAILBOXID))')))

    def test_a_message_keeps_its_identity_when_it_is_copied_or_moved(self):
        self.add(FIRST, REPLY, OTHER, FIRST)
        self.wire.must("CREATE plans")
        self.wire.must("SELECT INBOX")
        before = self.items("EMAILID")
        self.assertEqual(len(set(before.values())), 4)
        self.wire.must("COPY 1 plans")
        self.wire.must("MOVE 2 plans")
        other = self.session()
        other.must("SELECT plans")
        self.assertEqual(list(self.items("EMAILID", other).values()), [before[1], before[2]])
        self.assertEqual(self.search(f"EMAILID {before[2]}", other), [2])
        self.assertEqual(self.search(f"OR EMAILID {before[1]} EMAILID {before[3]}"), [1, 3])
        for unknown in ("M0", "M999999999999", "T1", "x", "M-1", "M99999999999999999999999"):
            self.assertEqual(self.search(f"EMAILID {unknown}"), [], unknown)

    def test_no_message_has_a_thread(self):
        self.add(FIRST, REPLY)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.wire.must("FETCH 1 (THREADID)"), [b"* 1 FETCH (THREADID NIL)"])
        self.assertEqual(self.search("THREADID T1"), [])
        self.assertEqual(self.search("NOT THREADID T1"), [1, 2])

    def test_another_account_has_other_identities(self):
        self.add(FIRST)
        self.wire.must("SELECT INBOX")
        mine = self.items("EMAILID")[1]
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.wire = self.session()
        self.add(OTHER)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.search(f"EMAILID {mine}"), [])


class SaveDates(Case):
    def test_the_day_a_message_came_into_its_mailbox(self):
        self.add(FIRST, OTHER, more='"01-Feb-2001 00:00:00 +0000" ')
        self.mansio.sql(f"UPDATE message SET saved_at = '2020-05-05 12:13:14+00' WHERE uid = 1 AND account_id = {self.account_id()}")
        self.wire.must("CREATE plans")
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.items("SAVEDATE")[1], "05-May-2020 12:13:14 +0000")
        today = datetime.datetime.now(datetime.timezone.utc)
        self.assertLess(abs(datetime.datetime.strptime(self.items("SAVEDATE")[2], "%d-%b-%Y %H:%M:%S %z") - today), datetime.timedelta(minutes=5))
        for keys, found in (("SAVEDBEFORE 6-May-2020", [1]), ("SAVEDBEFORE 5-May-2020", []), ("SAVEDON 5-May-2020", [1]), ("SAVEDSINCE 6-May-2020", [2]),
                            ("SAVEDSINCE 5-May-2020", [1, 2]), ("NOT SAVEDON 5-May-2020", [2]), ("SAVEDATESUPPORTED", [1, 2])):  # fmt: skip
            self.assertEqual(self.search(keys), found, keys)
        self.wire.must("COPY 1 plans")
        other = self.session()
        other.must("SELECT plans")
        self.assertEqual(self.search("SAVEDON 5-May-2020", other), [])
        self.assertEqual(self.search("SAVEDSINCE 5-May-2020", other), [1])

    def account_id(self):
        local, domain = self.livia.address.split("@")
        return self.mansio.sql(f"SELECT a.id FROM account a JOIN domain d ON d.id = a.domain_id WHERE a.local_part = '{local}' AND d.name = '{domain}'")[0]


if __name__ == "__main__":
    unittest.main()
