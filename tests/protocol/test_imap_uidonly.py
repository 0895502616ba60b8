"""UIDONLY (RFC 9586): UIDs and nothing else, in both directions."""

import unittest

import harness

MESSAGE = b"From: a@example.org\r\nSubject: salve\r\n\r\nbody\r\n"


class UidOnly(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.wire, self.other = self.session(), self.session()
        for _ in range(6):
            self.other.append("INBOX", MESSAGE)
        self.other.must("SELECT INBOX")
        self.other.must("STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        self.other.must("EXPUNGE")
        self.assertEqual(self.wire.must("ENABLE UIDONLY"), [b"* ENABLED UIDONLY"])
        self.selected = self.wire.must("SELECT INBOX")

    def test_it_is_offered(self):
        self.assertIn(b"UIDONLY", self.wire.must("CAPABILITY")[0].split())

    def test_select_tells_no_number_of_a_message(self):
        self.assertIn(b"* 4 EXISTS", self.selected)
        self.assertFalse(any(b"UNSEEN" in line for line in self.selected))

    def test_commands_with_message_numbers_are_refused(self):
        for command in ("FETCH 1 FLAGS", "STORE 1 +FLAGS (\\Seen)", "SEARCH ALL", "COPY 1 Sent", "MOVE 1 Sent", "SORT (DATE) UTF-8 ALL",
                        "THREAD REFERENCES UTF-8 ALL", "UID SEARCH 1:2", "UID SEARCH NOT 1", "UID SEARCH OR UID 3 (SEEN *)", "UID SORT (DATE) UTF-8 1",
                        "UID THREAD REFERENCES UTF-8 1", "ESEARCH 1", "FETCH nonsense"):  # fmt: skip
            with self.subTest(command):
                self.assertTrue(self.wire.run(command)[0].startswith("BAD [UIDREQUIRED] "))
        self.wire.must("ENABLE QRESYNC")
        self.assertTrue(self.wire.run("SELECT INBOX (QRESYNC (1 1 1:3 (1 1)))")[0].startswith("BAD [UIDREQUIRED]"))

    def test_answers_name_uids(self):
        self.assertEqual(self.wire.must("UID FETCH 3:4 FLAGS"), [b"* 3 UIDFETCH (FLAGS ())", b"* 4 UIDFETCH (FLAGS ())"])
        self.assertEqual(self.wire.must("UID FETCH 6 (UID FLAGS)"), [b"* 6 UIDFETCH (UID 6 FLAGS ())"])
        self.assertEqual(self.wire.must("UID STORE 5 +FLAGS (\\Flagged)"), [b"* 5 UIDFETCH (FLAGS (\\Flagged))"])
        self.assertEqual(self.wire.must("UID FETCH 5 BODY[HEADER.FIELDS (SUBJECT)]")[0][:31], b"* 5 UIDFETCH (BODY[HEADER.FIELD")
        self.assertEqual(self.wire.must("UID SEARCH FLAGGED"), [b"* SEARCH 5"])
        self.assertEqual(self.wire.must("UID SEARCH RETURN (SAVE) FLAGGED"), [])
        self.assertEqual(self.wire.must("UID SEARCH NOT $"), [b"* SEARCH 3 4 6"])
        self.assertEqual(self.wire.must("UID FETCH $ FLAGS")[0][:22], b"* 5 UIDFETCH (FLAGS (\\")

    def test_changes_of_others_name_uids(self):
        self.other.must("UID STORE 4,6 +FLAGS (\\Deleted)")
        self.assertEqual(self.wire.must("NOOP"), [b"* 4 UIDFETCH (FLAGS (\\Deleted))", b"* 6 UIDFETCH (FLAGS (\\Deleted))"])
        self.other.must("EXPUNGE")
        self.other.append("INBOX", MESSAGE)
        told = self.wire.must("NOOP")
        self.assertEqual(told[:2], [b"* VANISHED 4,6", b"* 3 EXISTS"])
        self.assertEqual(self.wire.must("UID MOVE 3 Sent")[1:], [b"* VANISHED 3"])
        self.wire.must("UID STORE 5 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.wire.must("UID EXPUNGE 5"), [b"* VANISHED 5"])

    def test_an_idling_session_is_told_uids(self):
        tag = self.wire.start("IDLE")
        self.assertEqual(self.wire.line(), b"+ idling")
        self.other.must("UID STORE 6 +FLAGS (\\Deleted)")
        self.assertEqual(self.wire.line(), b"* 6 UIDFETCH (FLAGS (\\Deleted))")
        self.other.must("EXPUNGE")
        self.assertEqual(self.wire.line(), b"* VANISHED 6")
        self.wire.send("DONE\r\n")
        self.wire.finish(tag)

    def test_mod_sequences_and_resynchronising(self):
        self.wire.must("ENABLE CONDSTORE QRESYNC")
        modseq = next(line for line in self.selected if b"HIGHESTMODSEQ" in line).split()[3].rstrip(b"]").decode()
        validity = next(line for line in self.selected if b"UIDVALIDITY" in line).split()[3].rstrip(b"]").decode()
        self.assertRegex(self.wire.must("UID STORE 3 +FLAGS.SILENT (\\Seen)")[0], rb"^\* 3 UIDFETCH \(MODSEQ \(\d+\)\)$")
        self.other.must("UID STORE 6 +FLAGS.SILENT (\\Deleted)")
        self.other.must("EXPUNGE")
        told = self.wire.must(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")
        self.assertIn(b"* VANISHED (EARLIER) 6", told)
        self.assertRegex(told[-1], rb"^\* 3 UIDFETCH \(FLAGS \(\\Seen\) MODSEQ \(\d+\)\)$")
        self.assertRegex(self.wire.must(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq} VANISHED)")[-1], rb"^\* 3 UIDFETCH \(FLAGS \(\\Seen\) MODSEQ \(\d+\)\)$")

    def test_updates_of_a_search_name_uids(self):
        tag = self.wire.start("UID SEARCH RETURN (UPDATE) FLAGGED")
        self.wire.finish(tag)
        self.other.must("UID STORE 4 +FLAGS (\\Flagged)")
        self.assertIn(f'* ESEARCH (TAG "{tag}") UID ADDTO (0 4)'.encode(), self.wire.must("NOOP"))

    def test_unauthenticate_ends_it(self):
        self.wire.must("UNAUTHENTICATE")
        self.wire.login(self.livia)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.wire.must("FETCH 1 UID"), [b"* 1 FETCH (UID 3)"])


if __name__ == "__main__":
    unittest.main()
