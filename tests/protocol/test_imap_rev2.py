"""IMAP4rev2 (RFC 9051) beside IMAP4rev1: what ENABLE IMAP4rev2 changes, point by point of its appendix E."""

import re
import unittest

import harness

MESSAGE = "From: Jürgen <j@example.org>\r\nSubject: salve\r\n\r\nbody\r\n".encode()


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.two, self.one = self.session(enable=True), self.session(enable=False)

    def session(self, enable=True):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        if enable:
            self.assertEqual(wire.must("ENABLE IMAP4rev2"), [b"* ENABLED IMAP4rev2"])
        return wire

    def fill(self, count=3, mailbox="INBOX"):
        for _ in range(count):
            self.assertTrue(self.one.append(mailbox, MESSAGE)[0].startswith("OK"))

    def starting(self, lines, word):
        return [line for line in lines if line.startswith(word)]


class Selecting(Case):
    def test_select_tells_the_mailbox_and_nothing_of_recent_or_unseen(self):
        self.fill()
        told = self.two.must("SELECT INBOX")
        self.assertEqual(self.starting(told, b"* LIST"), [b'* LIST (\\Subscribed) "/" "INBOX"'])
        self.assertIn(b"* 3 EXISTS", told)
        for word in (b"UIDVALIDITY", b"UIDNEXT", b"PERMANENTFLAGS", b"* FLAGS"):
            self.assertTrue(any(word in line for line in told), word)
        for word in (b"RECENT", b"UNSEEN", b"Recent"):
            self.assertFalse(any(word in line for line in told), word)

    def test_a_session_of_rev1_beside_it_is_told_as_ever(self):
        self.two.must("SELECT INBOX")
        self.fill()
        told = self.one.must("SELECT INBOX")
        self.assertEqual(self.starting(told, b"* LIST"), [])
        self.assertTrue(any(b"RECENT" in line for line in told) and any(b"[UNSEEN 1]" in line for line in told))
        self.assertEqual(self.one.must("SEARCH ALL"), [b"* SEARCH 1 2 3"])

    def test_another_name_for_the_same_mailbox_is_told_as_the_old_one(self):
        self.assertEqual(self.starting(self.two.must("EXAMINE inbox"), b"* LIST"), [b'* LIST (\\Subscribed) "/" "INBOX" ("OLDNAME" ("inbox"))'])
        self.assertEqual(self.two.must("CREATE villa/"), [b'* LIST () "/" "villa" ("OLDNAME" ("villa/"))'])
        self.assertEqual(self.two.must("CREATE hortus"), [])
        self.assertEqual(self.two.must("RENAME villa insula"), [b'* LIST () "/" "insula" ("OLDNAME" ("villa"))'])
        self.assertEqual(self.one.must("RENAME insula villa"), [])

    def test_leaving_a_mailbox_by_select_is_told(self):
        self.two.must("SELECT INBOX")
        for command in ("SELECT Sent", "EXAMINE INBOX"):
            self.assertEqual(self.two.must(command)[0][:14], b"* OK [CLOSED] ")
        reply, told = self.two.run("SELECT nowhere")
        self.assertTrue(reply.startswith("NO [NONEXISTENT]") and told[0].startswith(b"* OK [CLOSED]"), reply)
        self.assertFalse(any(b"CLOSED" in line for line in self.two.must("SELECT INBOX")))
        self.one.must("SELECT INBOX")
        self.assertFalse(any(b"CLOSED" in line for line in self.one.must("SELECT INBOX")))

    def test_predefined_keywords_are_there_and_can_be_set(self):
        self.fill(1)
        self.two.must("SELECT INBOX")
        predefined = b"$Forwarded $MDNSent $Junk $NotJunk $Phishing"
        self.assertIn(predefined, self.starting(self.two.must("SELECT INBOX"), b"* FLAGS")[0])
        self.assertEqual(self.two.must(f"UID STORE 1 +FLAGS ({predefined.decode()})")[-1].count(b"$"), 5)
        told = self.two.must("SELECT INBOX")
        self.assertEqual(self.starting(told, b"* FLAGS")[0].lower().count(b"$junk"), 1)
        self.assertEqual(self.starting(told, b"* OK [PERMANENTFLAGS")[0].count(b"$Phishing"), 1)
        self.assertEqual(self.starting(self.session().must("SELECT Sent"), b"* OK [PERMANENTFLAGS")[0].count(b"$Phishing"), 1)


class Changes(Case):
    def test_nothing_is_recent(self):
        self.two.must("SELECT INBOX")
        self.fill(2)
        self.assertEqual(self.two.must("NOOP"), [b"* 2 EXISTS"])
        self.assertEqual(self.two.must("FETCH 1:2 FLAGS"), [b"* 1 FETCH (FLAGS ())", b"* 2 FETCH (FLAGS ())"])
        self.assertTrue(self.two.must("SEARCH RECENT")[0].endswith(b'")'))
        self.assertTrue(self.two.must("SEARCH OLD")[0].endswith(b"ALL 1:2"))
        self.assertEqual(self.two.must("STATUS Sent (RECENT MESSAGES)"), [b'* STATUS "Sent" (MESSAGES 0 RECENT 0)'])

    def test_flags_that_others_change_come_with_the_uid(self):
        self.fill(3)
        self.one.must("SELECT INBOX")
        self.one.must("STORE 1 +FLAGS (\\Deleted)")
        self.one.must("EXPUNGE")
        self.two.must("SELECT INBOX")
        self.one.must("STORE 1 +FLAGS (\\Seen)")
        self.assertEqual(self.two.must("NOOP"), [b"* 1 FETCH (FLAGS (\\Seen) UID 2)"])
        tag = self.two.start("IDLE")
        self.assertEqual(self.two.line(), b"+ idling")
        self.one.must("STORE 2 +FLAGS (\\Flagged)")
        self.assertEqual(self.two.line(), b"* 2 FETCH (FLAGS (\\Flagged) UID 3)")
        self.two.send("DONE\r\n")
        self.two.finish(tag)

    def test_status_counts_what_is_deleted_and_the_size(self):
        self.fill(3)
        self.one.must("SELECT INBOX")
        self.one.must("STORE 1:2 +FLAGS (\\Deleted)")
        self.assertRegex(self.two.must("STATUS INBOX (DELETED SIZE)")[0].decode(), r'^\* STATUS "INBOX" \(DELETED 2 SIZE [1-9]\d+\)$')


class Searching(Case):
    def setUp(self):
        super().setUp()
        self.fill(4)
        self.two.must("SELECT INBOX")

    def test_every_search_is_answered_by_esearch(self):
        for command, answer in (
            ("SEARCH ALL", r' ALL 1:4'),
            ("UID SEARCH 2,4", r' UID ALL 2,4'),
            ("SEARCH FLAGGED", r''),
            ("UID SEARCH FLAGGED", r' UID'),
            ("SEARCH CHARSET UTF-8 FROM jürgen", r' ALL 1:4'),
            ("SEARCH RETURN (COUNT MIN) ALL", r' MIN 1 COUNT 4'),
            ("SEARCH RETURN () 3", r' ALL 3'),
        ):  # fmt: skip
            with self.subTest(command):
                tag = self.two.start(command)
                self.assertEqual([line.decode() for line in self.two.finish(tag)[1]], [f'* ESEARCH (TAG "{tag}"){answer}'])

    def test_results_can_be_kept(self):
        self.assertEqual(self.two.must("SEARCH RETURN (SAVE) 2:3"), [])
        self.assertEqual(self.two.must("FETCH $ UID"), [b"* 2 FETCH (UID 2)", b"* 3 FETCH (UID 3)"])
        self.assertTrue(self.two.must("SEARCH NOT $")[0].endswith(b" ALL 1,4"))


class Utf8(Case):
    def test_names_are_utf8_once_enabled_and_utf7_before(self):
        self.two.must('CREATE "Entwürfe & Ideen"')
        self.assertEqual(self.two.must('LIST "" "Entwürfe*"'), ['* LIST (\\HasNoChildren) "/" "Entwürfe & Ideen"'.encode()])
        self.assertEqual(self.one.must('LIST "" "Entw*"'), [b'* LIST (\\HasNoChildren) "/" "Entw&APw-rfe &- Ideen"'])
        self.assertIn('"Entwürfe & Ideen"'.encode(), b"".join(self.two.must('SELECT "Entwürfe & Ideen"')))
        self.assertIn(b"[NONEXISTENT]", self.two.run('SELECT "Entw&APw-rfe &- Ideen"')[0].encode())

    def test_names_that_look_the_same_are_one(self):
        """RFC 9051 section 5.1: Net-Unicode."""
        self.assertEqual(self.two.must('CREATE "Entwu\u0308rfe"'), ['* LIST () "/" "Entwürfe" ("OLDNAME" ("Entwu\u0308rfe"))'.encode()])
        self.assertTrue(self.two.run('CREATE "Entwürfe"')[0].startswith("NO [ALREADYEXISTS]"))
        self.two.must('RENAME "Entwürfe" "Ide\u0301e"')
        self.assertEqual(self.two.must('LIST "" Id*'), ['* LIST (\\HasNoChildren) "/" "Idée"'.encode()])

    def test_headers_are_utf8_once_enabled(self):
        self.fill(1)
        self.one.must("SELECT INBOX")
        self.two.must("SELECT INBOX")
        self.assertIn('"Jürgen"'.encode(), self.two.must("FETCH 1 ENVELOPE")[0])
        self.assertNotIn('"Jürgen"'.encode(), self.one.must("FETCH 1 ENVELOPE")[0])


class Listing(Case):
    def test_subscribed_children_are_told_with_childinfo(self):
        for command in ("CREATE a", "CREATE a/b", "CREATE a/b/c", "UNSUBSCRIBE a", "UNSUBSCRIBE a/b"):
            self.two.must(command)
        self.assertEqual(
            self.two.must('LIST (SUBSCRIBED RECURSIVEMATCH) "" a'),
            [b'* LIST (\\HasChildren) "/" "a" ("CHILDINFO" ("SUBSCRIBED"))'],
        )
        self.assertEqual(self.two.must('LIST (SUBSCRIBED) "" "a/*"'), [b'* LIST (\\HasNoChildren \\Subscribed) "/" "a/b/c"'])
        told = self.two.must('LIST "" a/b RETURN (CHILDREN SUBSCRIBED STATUS (MESSAGES))')
        self.assertEqual(told, [b'* LIST (\\HasChildren) "/" "a/b"', b'* STATUS "a/b" (MESSAGES 0)'])


class Enabling(Case):
    def test_it_lasts_until_unauthenticate(self):
        self.two.must("SELECT INBOX")
        self.two.must("UNAUTHENTICATE")
        self.two.login(self.livia)
        told = self.two.must("SELECT INBOX")
        self.assertTrue(any(b"RECENT" in line for line in told))
        self.assertEqual(self.two.must("SEARCH ALL"), [b"* SEARCH"])
        self.assertTrue(any(b"* LIST" in line for line in self.session().must("SELECT INBOX")))

    def test_several_at_once(self):
        wire = self.session(enable=False)
        self.assertEqual(wire.must("ENABLE X-NONSENSE imap4REV2 CONDSTORE"), [b"* ENABLED CONDSTORE IMAP4rev2"])
        self.assertEqual(wire.must("ENABLE X-NONSENSE"), [b"* ENABLED"])
        self.assertRegex(wire.must("SELECT INBOX")[-1], rb"^\* LIST \(")

    def test_what_belongs_to_it_is_offered(self):
        offered = set(self.one.must("CAPABILITY")[0].decode().split())
        self.assertLessEqual(
            {"IMAP4rev1", "IMAP4rev2", "NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "SEARCHRES", "ENABLE", "IDLE", "SASL-IR", "LIST-EXTENDED", "LIST-STATUS",
             "MOVE", "LITERAL+", "STATUS=SIZE", "SPECIAL-USE", "BINARY"}, offered)  # fmt: skip


if __name__ == "__main__":
    unittest.main()
