"""How much one command may do, and how far it is: MESSAGELIMIT and SAVELIMIT (RFC 9738), INPROGRESS (RFC 9585)."""

import re
import unittest

import harness

MESSAGE = b"From: a@example.org\r\nSubject: salve\r\n\r\nbody\r\n"


class Case(unittest.TestCase):
    overrides = {}

    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private(overrides=cls.overrides)
        cls.addClassCleanup(cls.mansio.remove)

    def setUp(self):
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.wire = self.session()

    def session(self):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        return wire

    def fill(self, count):
        for _ in range(count):
            self.wire.append("INBOX", MESSAGE)
        self.wire.must("SELECT INBOX")

    def capabilities(self):
        return self.wire.must("CAPABILITY")[0].decode().split()


class MessageLimit(Case):
    overrides = {"imapd_message_limit": "5"}

    def setUp(self):
        super().setUp()
        self.fill(12)

    def told(self, untagged, word=b" FETCH "):
        return [int(line.split()[1]) for line in untagged if word in line]

    def test_it_is_offered(self):
        self.assertIn("MESSAGELIMIT=5", self.capabilities())
        self.assertFalse(any(name.startswith("SAVELIMIT") for name in self.capabilities()))

    def test_fetch_and_store_take_the_highest(self):
        for command in ("FETCH 1:* UID", "UID FETCH 1:* UID", "UID FETCH 2,4,6,8:12 UID", "FETCH 1:* UID", "FETCH 8:12,1 UID"):
            with self.subTest(command):
                reply, untagged = self.wire.run(command)
                self.assertEqual((reply, self.told(untagged)), ("OK [MESSAGELIMIT 5 8] Done", [8, 9, 10, 11, 12]))
        reply, untagged = self.wire.run("STORE 2,4,6,8,10,12 +FLAGS (\\Flagged)")
        self.assertEqual((reply, self.told(untagged)), ("OK [MESSAGELIMIT 5 4] Stored", [4, 6, 8, 10, 12]))
        self.assertEqual(self.wire.run("FETCH 1:5 UID")[0], "OK Done")
        self.assertEqual(self.wire.run("UID FETCH 1:5 UID")[0], "OK Done")
        self.assertNotIn(b"Flagged", self.wire.must("FETCH 2 FLAGS")[0])

    def test_where_the_answer_has_a_code_already(self):
        reply, untagged = self.wire.run("UID STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (\\Seen)")
        self.assertTrue(reply.startswith("OK [MODIFIED 8:12]"), reply)
        self.assertIn(b"* NO [MESSAGELIMIT 5 8] Not all of these messages", untagged)

    def test_search_looks_at_the_highest(self):
        self.assertEqual(self.wire.run("SEARCH ALL"), ("OK [MESSAGELIMIT 5 8] Done", [b"* SEARCH 8 9 10 11 12"]))
        self.assertEqual(self.wire.run("UID SEARCH SUBJECT salve"), ("OK [MESSAGELIMIT 5 8] Done", [b"* SEARCH 8 9 10 11 12"]))
        self.assertEqual(self.wire.run("UID SEARCH UIDBEFORE 8"), ("OK [MESSAGELIMIT 5 3] Done", [b"* SEARCH 3 4 5 6 7"]))
        self.assertEqual(self.wire.run("UID SEARCH UIDBEFORE 3"), ("OK Done", [b"* SEARCH 1 2"]))
        self.assertEqual(self.wire.run("UID SEARCH UIDAFTER 7 UNSEEN"), ("OK Done", [b"* SEARCH 8 9 10 11 12"]))
        self.assertEqual(self.wire.run("SEARCH 1:3"), ("OK Done", [b"* SEARCH 1 2 3"]))
        for keys in ("UIDBEFORE 1", "UIDAFTER 12", "UIDAFTER 4294967295", "UIDBEFORE 4 UIDAFTER 5"):
            self.assertEqual(self.wire.run(f"UID SEARCH {keys}"), ("OK Done", [b"* SEARCH"]))

    def test_all_of_a_mailbox_comes_in_steps(self):
        """The client goes on below the lowest UID that it was told of."""
        found, below = [], 2**32 - 1
        while True:
            reply, untagged = self.wire.run(f"UID SEARCH UIDBEFORE {below}")
            found += [int(n) for n in untagged[0].split()[2:]]
            more = re.search(r"\[MESSAGELIMIT 5 (\d+)\]", reply)
            if not more:
                break
            below = int(more[1])
        self.assertEqual(sorted(found), list(range(1, 13)))

    def test_move_takes_the_highest_and_copy_none(self):
        reply, untagged = self.wire.run("COPY 1:6 Sent")
        self.assertEqual((reply[:21], untagged), ("NO [MESSAGELIMIT 5] T", []))
        self.assertTrue(self.wire.run("COPY 1:5 Sent")[0].startswith("OK [COPYUID"))
        reply, untagged = self.wire.run("UID MOVE 1:* Sent")
        self.assertEqual(reply, "OK [MESSAGELIMIT 5 8] Moved")
        self.assertEqual(self.told(untagged, b"EXPUNGE"), [8] * 5)
        self.assertEqual(self.wire.must("STATUS Sent (MESSAGES)"), [b'* STATUS "Sent" (MESSAGES 10)'])

    def test_uid_expunge_counts_what_is_deleted(self):
        self.wire.must("STORE 3:4 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.wire.run("UID EXPUNGE 1:*"), ("OK Expunged", [b"* 3 EXPUNGE", b"* 3 EXPUNGE"]))
        self.wire.must("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
        self.wire.must("STORE 6:10 +FLAGS.SILENT (\\Deleted)")
        reply, untagged = self.wire.run("UID EXPUNGE 1:*")
        self.assertEqual((reply, self.told(untagged, b"EXPUNGE")), ("OK [MESSAGELIMIT 5 8] Expunged", [6] * 5))
        self.assertEqual(self.wire.run("EXPUNGE"), ("OK Expunged", [b"* 1 EXPUNGE"] * 3))

    def test_what_makes_sense_only_as_a_whole_is_refused(self):
        for command in ("SORT (DATE) UTF-8 ALL", "UID THREAD REFERENCES UTF-8 ALL", "UID FETCH 1:* UID (PARTIAL 1:6)"):
            self.assertTrue(self.wire.run(command)[0].startswith("NO [MESSAGELIMIT 5] "), command)
        self.assertEqual(self.wire.must("SORT (REVERSE ARRIVAL) UTF-8 1:3"), [b"* SORT 3 2 1"])
        self.assertEqual(self.wire.run("UID FETCH 1:* UID (PARTIAL 2:3)"), ("OK Done", [b"* 2 FETCH (UID 2)", b"* 3 FETCH (UID 3)"]))


class SaveLimit(Case):
    overrides = {"imapd_message_limit": "0", "imapd_save_limit": "5", "imapd_unauthenticate": "0"}

    def test_only_saving_is_limited(self):
        self.fill(7)
        self.assertIn("SAVELIMIT=5", self.capabilities())
        self.assertFalse(any(name.startswith("MESSAGELIMIT") for name in self.capabilities()))
        self.assertEqual(self.wire.run("SEARCH ALL"), ("OK Done", [b"* SEARCH 1 2 3 4 5 6 7"]))
        self.assertEqual(len(self.wire.must("FETCH 1:* UID")), 7)
        self.assertTrue(self.wire.run("UID COPY 1:* Sent")[0].startswith("NO [MESSAGELIMIT 5] "))
        self.assertTrue(self.wire.run("UID COPY 1:5 Sent")[0].startswith("OK [COPYUID"))
        self.assertEqual(self.wire.run("UID MOVE 1:* Sent")[0], "OK Moved")

    def test_unauthenticate_can_be_switched_off(self):
        """RFC 8437 section 8."""
        self.assertNotIn("UNAUTHENTICATE", self.capabilities())
        self.assertTrue(self.wire.run("UNAUTHENTICATE")[0].startswith("BAD"))
        self.wire.must("SELECT INBOX")

    def test_many_messages_in_one_append(self):
        more = f"{{{len(MESSAGE)}+}}\r\n{MESSAGE.decode()}"
        self.assertTrue(self.wire.run("APPEND INBOX " + " ".join([more] * 5))[0].startswith("OK [APPENDUID"))
        self.assertTrue(self.wire.run("APPEND INBOX " + " ".join([more] * 6))[0].startswith("NO [MESSAGELIMIT 5] "))
        self.assertEqual(self.wire.must("STATUS INBOX (MESSAGES)"), [b'* STATUS "INBOX" (MESSAGES 5)'])


class Progress(Case):
    overrides = {"imapd_progress_ms": "1"}

    def setUp(self):
        super().setUp()
        body = b"Gallia est omnis divisa in partes tres. " * 200
        self.wire.append("INBOX", MESSAGE + body)
        self.wire.must("SELECT INBOX")
        while self.wire.must("STATUS INBOX (MESSAGES)") != [b'* STATUS "INBOX" (MESSAGES 2048)']:
            self.wire.must("COPY 1:* INBOX")
            self.wire.must("NOOP")

    def progress(self, untagged, tag):
        pattern = re.compile(rb'\* OK \[INPROGRESS \("%s" (\d+) (\d+)\)\] \w' % tag.encode())
        return [tuple(int(n) for n in match.groups()) for match in map(pattern.match, untagged) if match]

    def test_long_commands_tell_how_far_they_are(self):
        self.assertIn("INPROGRESS", self.capabilities())
        for command, goal in (("SEARCH BODY Belgae", 2048), ("UID SEARCH RETURN (COUNT) 1001:* BODY tres", 1048), ("SORT (SUBJECT) UTF-8 BODY partes", 4096),
                              ("THREAD REFERENCES UTF-8 BODY partes", 4096), ("ESEARCH IN (personal) BODY Belgae", 2048)):  # fmt: skip
            with self.subTest(command):
                tag = self.wire.start(command)
                reply, untagged = self.wire.finish(tag)
                self.assertTrue(reply.startswith("OK"), reply)
                progress = self.progress(untagged, tag)
                self.assertGreater(len(progress), 1)
                self.assertEqual(progress, sorted(set(progress)))
                self.assertEqual({of for _, of in progress}, {goal})
                self.assertTrue(all(0 < done < goal for done, _ in progress))
                answer = next(n for n, line in enumerate(untagged) if b"INPROGRESS" not in line) if len(untagged) > len(progress) else None
                self.assertIn(answer, (None, len(progress)), "the answer comes behind")

    def test_copy_and_move_tell_how_far_they_are(self):
        for command in ("UID COPY 1:* Drafts", "UID MOVE 1:* Sent"):
            with self.subTest(command):
                tag = self.wire.start(command)
                reply, untagged = self.wire.finish(tag)
                self.assertTrue(reply.startswith("OK"), reply)
                self.assertEqual(self.progress(untagged, tag), [(1000, 2048), (2000, 2048)])
        status = self.wire.must('LIST "" (Drafts Sent INBOX) RETURN (STATUS (MESSAGES UIDNEXT))')
        self.assertEqual([line for line in status if b"STATUS" in line],
                         [b'* STATUS "Drafts" (MESSAGES 2048 UIDNEXT 2049)', b'* STATUS "INBOX" (MESSAGES 0 UIDNEXT 2049)',
                          b'* STATUS "Sent" (MESSAGES 2048 UIDNEXT 2049)'])  # fmt: skip

    def test_a_tag_that_would_end_the_code_is_left_out(self):
        self.wire.send("a]b SEARCH BODY Belgae\r\n")
        reply, untagged = self.wire.finish("a]b")
        self.assertTrue(reply.startswith("OK") and untagged[0].startswith(b"* OK [INPROGRESS (NIL "), untagged[0])

    def test_it_comes_while_the_command_runs(self):
        tag = self.wire.start("SEARCH BODY Belgae")
        self.assertTrue(self.wire.line().startswith(b"* OK [INPROGRESS"))
        self.assertTrue(self.wire.finish(tag)[0].startswith("OK"))

    def test_short_commands_tell_nothing(self):
        self.assertEqual(self.progress(self.wire.must("SEARCH 1:3 BODY Belgae"), f"t{self.wire.count}"), [])
        self.assertFalse(any(b"INPROGRESS" in line for line in self.wire.must("FETCH 1:* UID")))


if __name__ == "__main__":
    unittest.main()
