"""Messages in one session: adding, reading, marking, searching, copying, removing."""

import re
import unittest

import harness

PLAIN = b"From: Livia <livia@example.org>\r\nTo: Marcus <marcus@example.org>, b@example.org\r\nSubject: Salve\r\n" \
        b"Date: Sun, 01 Feb 2026 23:30:00 -0500\r\nMessage-ID: <one@example.org>\r\n\r\nline one\r\nline two\r\n"  # fmt: skip
NESTED = (
    b"From: a@example.org\r\nSubject: outer\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=X\r\n\r\n"
    b"preamble\r\n--X\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"R3LDvMOfZSBhdXMgS8O2bG4=\r\n"
    b"--X\r\nContent-Type: message/rfc822\r\nContent-Description: inner\r\n\r\n"
    b"From: inner@example.org\r\nSubject: inside\r\nContent-Type: multipart/alternative; boundary=Y\r\n\r\n"
    b"--Y\r\nContent-Type: text/plain\r\n\r\nplain inside\r\n--Y\r\nContent-Type: text/html\r\n\r\n<p>html inside</p>\r\n--Y--\r\n"
    b"--X\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: base64\r\n"
    b"Content-Disposition: attachment; filename=x.bin\r\n\r\nAAECAw==\r\n--X--\r\n"
)


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(self.wire.close)

    def add(self, *messages, mailbox="INBOX", more=""):
        for message in messages:
            reply, _ = self.wire.append(mailbox, message, more)
            self.assertRegex(reply, r"^OK \[APPENDUID \d+ \d+\]")

    def literal(self, section, number=1, prefix=b""):
        """The bytes of one body section of a message."""
        for line in self.wire.must(f"FETCH {number} BODY.PEEK[{section}]"):
            match = re.match(rb"\* \d+ FETCH \(BODY\[.*?\](?:<\d+>)? \{(\d+)\}\r\n", line, re.S)
            if match:
                return line[match.end() : match.end() + int(match[1])]
        return None

    def search(self, keys):
        lines = [line for line in self.wire.must(f"SEARCH {keys}") if line.startswith(b"* SEARCH")]
        self.assertEqual(len(lines), 1)
        return [int(n) for n in lines[0].split()[2:]]

    def flags(self, number):
        line = self.wire.must(f"FETCH {number} FLAGS")[0]
        return sorted(word for word in re.search(rb"FLAGS \((.*?)\)", line)[1].decode().split() if word != "\\Recent")


class Appending(Case):
    def test_flags_keywords_and_date_are_kept(self):
        self.add(PLAIN, more='(\\Seen $Forwarded custom) "01-Feb-2020 10:11:12 +0200" ')
        self.wire.must("SELECT INBOX")
        line = self.wire.must("FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE)")[0].decode()
        self.assertIn('INTERNALDATE "01-Feb-2020 08:11:12 +0000"', line)
        self.assertIn(f"RFC822.SIZE {len(PLAIN)}", line)
        self.assertEqual(self.flags(1), ["$Forwarded", "\\Seen", "custom"])

    def test_a_large_message_comes_back_as_it_was(self):
        body = b"Subject: large\r\n\r\n" + b"".join(b"%060d\r\n" % n for n in range(60000))
        self.add(body)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.literal(""), body)
        line = self.wire.must("FETCH 1 BODY.PEEK[]<1000000.5000>")[0]
        self.assertIn(b"BODY[]<1000000> {5000}\r\n" + body[1000000:1005000], line)

    def test_the_client_may_wait_to_be_asked(self):
        tag = self.wire.start(f"APPEND INBOX {{{len(PLAIN)}}}")
        self.assertTrue(self.wire.line().startswith(b"+ "))
        self.wire.send(PLAIN + b"\r\n")
        self.assertIn("APPENDUID", self.wire.finish(tag)[0])

    def test_refusals_come_before_the_message_is_sent_where_possible(self):
        reply, _ = self.wire.run("APPEND nowhere {10}")
        self.assertTrue(reply.startswith("NO [TRYCREATE]"), reply)
        reply, _ = self.wire.run("APPEND INBOX {4000000000}")
        self.assertTrue(reply.startswith("NO [TOOBIG]"), reply)
        reply, _ = self.wire.append("nowhere", b"x" * 300000)
        self.assertTrue(reply.startswith("NO [TRYCREATE]"), reply)
        self.assertTrue(self.wire.append("INBOX", b"")[0].startswith("NO"))
        self.assertTrue(self.wire.append("INBOX", b"Subject: \0\r\n\r\n")[0].startswith("NO"))
        self.assertTrue(self.wire.append("INBOX", b"x", "(\\Nonsense) ")[0].startswith("BAD"))
        self.assertTrue(self.wire.append("INBOX", b"x", '"99-Feb-2026 10:11:12 +0000" ')[0].startswith("BAD"))
        self.assertTrue(self.wire.run("APPEND INBOX")[0].startswith("BAD"))
        self.wire.must("NOOP")

    def test_mailbox_name_as_literal_and_commands_behind(self):
        self.wire.send(b"a APPEND {5+}\r\nINBOX {%d+}\r\n" % len(PLAIN) + PLAIN + b"\r\nb STATUS INBOX (MESSAGES)\r\n")
        self.assertTrue(self.wire.line().startswith(b"a OK [APPENDUID"))
        self.assertEqual(self.wire.line(), b'* STATUS "INBOX" (MESSAGES 1)')

    def test_append_to_the_selected_mailbox_is_announced(self):
        self.wire.must("SELECT INBOX")
        _, untagged = self.wire.append("INBOX", PLAIN)
        self.assertEqual(untagged[:2], [b"* 1 EXISTS", b"* 1 RECENT"])

    def test_a_full_account_takes_no_more(self):
        self.mansio.sql(f"UPDATE account SET quota_bytes = 5000 WHERE local_part = '{self.livia.address.split('@')[0]}'")
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        self.assertTrue(wire.append("INBOX", PLAIN)[0].startswith("OK"))
        harness.eventually(lambda: wire.append("INBOX", b"x" * 6000)[0].startswith("NO [OVERQUOTA]"), 5, "the quota")

    def test_a_utf8_message(self):
        self.wire.must("ENABLE UTF8=ACCEPT")
        message = "Subject: grüße\r\n\r\nx\r\n".encode()
        reply, _ = self.wire.run(b"APPEND INBOX UTF8 (~{%d+}\r\n" % len(message) + message + b")")
        self.assertTrue(reply.startswith("OK [APPENDUID"), reply)


class Fetching(Case):
    def setUp(self):
        super().setUp()
        self.add(PLAIN, NESTED)
        self.wire.must("SELECT INBOX")

    def test_envelope(self):
        line = self.wire.must("FETCH 1 ENVELOPE")[0]
        self.assertEqual(line, b'* 1 FETCH (ENVELOPE ("Sun, 01 Feb 2026 23:30:00 -0500" "Salve" (("Livia" NIL "livia" "example.org")) '
                               b'(("Livia" NIL "livia" "example.org")) (("Livia" NIL "livia" "example.org")) '
                               b'(("Marcus" NIL "marcus" "example.org")(NIL NIL "b" "example.org")) NIL NIL NIL "<one@example.org>"))')  # fmt: skip

    def test_structure(self):
        self.assertEqual(self.wire.must("FETCH 1 BODY")[0], b'* 1 FETCH (BODY ("text" "plain" NIL NIL NIL "7bit" 20 2))')
        line = self.wire.must("FETCH 2 BODYSTRUCTURE")[0].decode()
        self.assertIn('("text" "plain" ("charset" "utf-8") NIL NIL "base64"', line)
        self.assertIn('"message" "rfc822"', line)
        self.assertIn('("attachment" ("filename" "x.bin"))', line)
        self.assertTrue(line.endswith('"mixed" ("boundary" "X") NIL NIL NIL))'), line)

    def test_sections_of_a_simple_message(self):
        head, _, body = PLAIN.partition(b"\r\n\r\n")
        self.assertEqual(self.literal(""), PLAIN)
        self.assertEqual(self.literal("HEADER"), head + b"\r\n\r\n")
        self.assertEqual(self.literal("TEXT"), body)
        self.assertEqual(self.literal("1"), body)
        self.assertEqual(self.literal("1.MIME"), head + b"\r\n\r\n")
        self.assertEqual(self.literal("HEADER.FIELDS (subject X-None TO)"),
                         b"To: Marcus <marcus@example.org>, b@example.org\r\nSubject: Salve\r\n\r\n")  # fmt: skip
        self.assertEqual(self.literal("HEADER.FIELDS.NOT (From To Date Message-ID)"), b"Subject: Salve\r\n\r\n")
        self.assertEqual(self.literal("HEADER.FIELDS (X-None)"), b"\r\n")
        self.assertIsNone(self.literal("2"))

    def test_sections_of_a_nested_message(self):
        inner = NESTED[NESTED.index(b"From: inner") : NESTED.index(b"\r\n--X\r\nContent-Type: application")]
        self.assertEqual(self.literal("1", 2), b"R3LDvMOfZSBhdXMgS8O2bG4=")
        self.assertEqual(self.literal("2", 2), inner)
        self.assertEqual(self.literal("2.MIME", 2), b"Content-Type: message/rfc822\r\nContent-Description: inner\r\n\r\n")
        self.assertEqual(self.literal("2.HEADER", 2), inner[: inner.index(b"\r\n\r\n") + 4])
        self.assertEqual(self.literal("2.HEADER.FIELDS (Subject)", 2), b"Subject: inside\r\n\r\n")
        self.assertEqual(self.literal("2.TEXT", 2), inner[inner.index(b"\r\n\r\n") + 4 :])
        self.assertEqual(self.literal("2.1", 2), b"plain inside")
        self.assertEqual(self.literal("2.2", 2), b"<p>html inside</p>")
        self.assertEqual(self.literal("2.2.MIME", 2), b"Content-Type: text/html\r\n\r\n")
        self.assertEqual(self.literal("3", 2), b"AAECAw==")
        for nothing in ("4", "3.1", "2.3", "1.HEADER", "9.9.9"):
            self.assertIsNone(self.literal(nothing, 2), nothing)

    def test_partial_fetches_are_clipped(self):
        self.assertEqual(self.wire.must("FETCH 1 BODY.PEEK[TEXT]<5.4>"), [b"* 1 FETCH (BODY[TEXT]<5> {4}\r\none\r)"])
        self.assertEqual(self.wire.must("FETCH 1 BODY.PEEK[TEXT]<15.400>"), [b"* 1 FETCH (BODY[TEXT]<15> {5}\r\ntwo\r\n)"])
        self.assertEqual(self.wire.must("FETCH 1 BODY.PEEK[TEXT]<400.4>"), [b"* 1 FETCH (BODY[TEXT]<400> {0}\r\n)"])
        self.assertEqual(self.wire.must("FETCH 1 BODY.PEEK[HEADER.FIELDS (Subject)]<2.3>"),
                         [b"* 1 FETCH (BODY[HEADER.FIELDS (Subject)]<2> {3}\r\nbje)"])  # fmt: skip
        self.assertTrue(self.wire.run("FETCH 1 BODY[]<0.0>")[0].startswith("BAD"))

    def test_old_names_and_macros(self):
        head, _, body = PLAIN.partition(b"\r\n\r\n")
        self.assertEqual(self.wire.must("FETCH 1 RFC822.HEADER"), [b"* 1 FETCH (RFC822.HEADER {%d}\r\n" % (len(head) + 4) + head + b"\r\n\r\n)"])
        self.assertEqual(self.flags(1), [])
        self.assertIn(b"RFC822.TEXT {%d}\r\n" % len(body) + body, self.wire.must("FETCH 1 RFC822.TEXT")[0])
        self.assertIn(b"RFC822 {%d}\r\n" % len(PLAIN) + PLAIN, self.wire.must("FETCH 1 RFC822")[0])
        for macro, items in (("FAST", 3), ("ALL", 4), ("FULL", 5)):
            line = self.wire.must(f"FETCH 1 {macro}")[0].decode()
            self.assertEqual(len(re.findall(r"(FLAGS|INTERNALDATE|RFC822\.SIZE|ENVELOPE|BODY) ", line)), items)

    def test_reading_marks_as_seen_and_peeking_does_not(self):
        self.wire.must("FETCH 1 BODY.PEEK[]")
        self.assertEqual(self.flags(1), [])
        line = self.wire.must("FETCH 1 BODY[TEXT]")[0]
        self.assertRegex(line, rb"FLAGS \(.*\\Seen.*\)\)$")
        self.assertEqual(self.flags(1), ["\\Seen"])
        line = self.wire.must("FETCH 2 (FLAGS BODY[1])")[0]
        self.assertEqual(line.count(b"FLAGS"), 1)
        self.assertIn(b"\\Seen", line)

    def test_reading_in_examine_marks_nothing(self):
        self.wire.must("EXAMINE INBOX")
        self.assertNotIn(b"FLAGS", self.wire.must("FETCH 1 BODY[TEXT]")[0])
        self.assertEqual(self.flags(1), [])

    def test_uid_fetch_gives_uids(self):
        self.assertEqual(self.wire.must("UID FETCH 2 RFC822.SIZE"), [b"* 2 FETCH (UID 2 RFC822.SIZE %d)" % len(NESTED)])
        self.assertEqual(self.wire.must("UID FETCH 100:200 FLAGS"), [])
        self.assertEqual(len(self.wire.must("UID FETCH 100:* UID")), 1)
        self.assertEqual(len(self.wire.must("UID FETCH *:1 UID")), 2)
        self.assertEqual(self.wire.must("FETCH 2,1,1:2 UID"), [b"* 1 FETCH (UID 1)", b"* 2 FETCH (UID 2)"])

    def test_preview(self):
        self.assertEqual(self.wire.must("FETCH 1 PREVIEW"), [b'* 1 FETCH (PREVIEW "line one line two")'])
        text = "Grüße aus Köln".encode()
        self.assertEqual(self.wire.must("FETCH 2 PREVIEW (LAZY)"), [b"* 2 FETCH (PREVIEW {%d}\r\n" % len(text) + text + b")"])

    def test_snippet(self):
        for algorithms in ("", " (FUZZY)", " (LAZY)", " (LAZY=FUZZY)", " (LAZY=FUZZY FUZZY)"):
            told = self.wire.must(f"FETCH 1 (UID SNIPPET{algorithms} FLAGS)")[0]
            self.assertTrue(told.startswith(b'* 1 FETCH (UID 1 SNIPPET (FUZZY "line one line two") FLAGS ('), told)
        for wrong in (" ()", " (EXACT)", " FUZZY", " (FUZZY"):
            self.assertTrue(self.wire.run(f"FETCH 1 SNIPPET{wrong}")[0].startswith("BAD"), wrong)
        self.assertIn(b"SNIPPET=FUZZY", self.wire.must("CAPABILITY")[0])

    def test_numbers_that_are_not_there_and_nonsense(self):
        for command in ("FETCH 3 UID", "FETCH 0 UID", "FETCH 1 NONSENSE", "FETCH 1 (UID", "FETCH 1 BODY[", "FETCH 1 BODY[0]",
                        "FETCH 1 BODY[TEXT.1]", "FETCH 1 BODY[MIME]", "FETCH x UID", "FETCH 1"):  # fmt: skip
            self.assertTrue(self.wire.run(command)[0].startswith("BAD"), command)

    def test_what_the_server_added_is_part_of_the_message(self):
        self.mansio.send("outside@other.test", self.livia.address, raw=NESTED)
        harness.eventually(lambda: b"* 3 EXISTS" in self.wire.must("NOOP"), what="the new message")
        whole = self.literal("", 3)
        self.assertTrue(whole.startswith(b"Return-Path: <outside@other.test>\r\n"))
        self.assertTrue(whole.endswith(NESTED))
        self.assertIn(b"RFC822.SIZE %d" % len(whole), self.wire.must("FETCH 3 RFC822.SIZE")[0])
        self.assertEqual(self.literal("HEADER", 3) + self.literal("TEXT", 3), whole)
        self.assertEqual(self.literal("2.1", 3), b"plain inside")
        self.assertEqual(self.literal("3", 3), b"AAECAw==")
        self.assertIn(b"Delivered-To: ", self.literal("HEADER.FIELDS (Delivered-To)", 3))


class Marking(Case):
    def setUp(self):
        super().setUp()
        self.add(PLAIN, PLAIN, PLAIN)
        self.wire.must("SELECT INBOX")

    def test_store_sets_adds_and_removes(self):
        self.assertRegex(self.wire.must("STORE 1 FLAGS (\\Seen $Junk)")[-1], rb"^\* 1 FETCH \(FLAGS \(\\Seen.* \$Junk\)\)$")
        self.wire.must("STORE 1 +FLAGS (\\Flagged work)")
        self.assertEqual(self.flags(1), ["$Junk", "\\Flagged", "\\Seen", "work"])
        self.wire.must("STORE 1 -FLAGS (\\Seen $junk)")
        self.assertEqual(self.flags(1), ["\\Flagged", "work"])
        self.wire.must("STORE 1 FLAGS ()")
        self.assertEqual(self.flags(1), [])
        self.wire.must("STORE 1:* +FLAGS \\Answered")
        self.assertEqual([self.flags(n) for n in (1, 2, 3)], [["\\Answered"]] * 3)

    def test_silent_store_answers_nothing(self):
        self.assertEqual(self.wire.must("STORE 2 +FLAGS.SILENT (\\Seen)"), [])
        self.assertEqual(self.wire.must("NOOP"), [])
        self.assertEqual(self.flags(2), ["\\Seen"])

    def test_uid_store_names_the_uid(self):
        self.assertRegex(self.wire.must("UID STORE 2 +FLAGS (\\Seen)")[0], rb"^\* 2 FETCH \(FLAGS \(.*\) UID 2\)$")
        self.assertEqual(self.wire.must("UID STORE 77 +FLAGS (\\Seen)"), [])

    def test_new_keywords_are_announced(self):
        lines = self.wire.must("STORE 1 +FLAGS (brandnew)")
        self.assertIn(b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft brandnew)", lines)
        self.assertTrue(self.wire.run("STORE 1 +FLAGS (" + "k" * 101 + ")")[0].startswith("BAD"))
        self.assertTrue(self.wire.run("STORE 1 +FLAGS (\\Nonsense)")[0].startswith("BAD"))

    def test_examine_changes_nothing(self):
        untagged = self.wire.must("EXAMINE INBOX")
        self.assertIn(b"* OK [PERMANENTFLAGS ()] No changes", untagged)
        for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 Trash"):
            self.assertTrue(self.wire.run(command)[0].startswith("NO"), command)

    def test_select_tells_the_first_unseen_and_recent_once(self):
        self.wire.must("STORE 1 +FLAGS (\\Seen)")
        untagged = self.wire.must("SELECT INBOX")
        self.assertIn(b"* OK [UNSEEN 2] First unseen", untagged)
        self.assertIn(b"* 0 RECENT", untagged)
        self.assertIn(b"* 3 EXISTS", untagged)
        self.assertTrue(any(line.startswith(b"* OK [UIDNEXT 4]") for line in untagged))


class Removing(Case):
    def setUp(self):
        super().setUp()
        self.add(*[PLAIN] * 5)
        self.wire.must("SELECT INBOX")

    def test_expunge_numbers_as_they_are_when_the_others_are_gone(self):
        self.wire.must("STORE 1,3,4 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.wire.must("EXPUNGE"), [b"* 1 EXPUNGE", b"* 2 EXPUNGE", b"* 2 EXPUNGE"])
        self.assertEqual(self.wire.must("FETCH 1:* UID"), [b"* 1 FETCH (UID 2)", b"* 2 FETCH (UID 5)"])

    def test_uid_expunge_takes_only_what_it_names(self):
        self.wire.must("STORE 1:3 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.wire.must("UID EXPUNGE 2:9"), [b"* 2 EXPUNGE", b"* 2 EXPUNGE"])
        self.assertEqual(self.flags(1), ["\\Deleted"])

    def test_close_removes_silently_and_unselect_does_not(self):
        self.wire.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.wire.must("UNSELECT")
        self.assertIn(b"* 5 EXISTS", self.wire.must("SELECT INBOX"))
        self.assertEqual(self.wire.must("CLOSE"), [])
        self.assertTrue(self.wire.run("FETCH 1 UID")[0].startswith("BAD"))
        self.assertIn(b"* 4 EXISTS", self.wire.must("SELECT INBOX"))

    def test_copy_gives_the_new_uids(self):
        self.wire.must("STORE 2 +FLAGS.SILENT (\\Flagged $Work)")
        reply, _ = self.wire.run("COPY 2,4:5 Archive")
        self.assertRegex(reply, r"^OK \[COPYUID \d+ 2,4:5 1:3\]")
        self.wire.must("SELECT Archive")
        self.assertEqual(self.flags(1), ["$Work", "\\Flagged"])
        self.assertEqual(self.literal(""), PLAIN)
        reply, _ = self.wire.run("COPY 1 Nowhere")
        self.assertTrue(reply.startswith("NO [TRYCREATE]"), reply)
        self.assertTrue(self.wire.run("UID COPY 99 Sent")[0].startswith("OK"))

    def test_move_tells_uids_before_expunges(self):
        reply, untagged = self.wire.run("UID MOVE 2:3 Trash")
        self.assertTrue(reply.startswith("OK"), reply)
        self.assertRegex(untagged[0], rb"^\* OK \[COPYUID \d+ 2:3 1:2\]")
        self.assertEqual(untagged[1:], [b"* 2 EXPUNGE", b"* 2 EXPUNGE"])
        self.assertTrue(self.wire.run("MOVE 1 Nowhere")[0].startswith("NO [TRYCREATE]"))

    def test_copy_into_the_same_mailbox(self):
        reply, untagged = self.wire.run("COPY 1 INBOX")
        self.assertRegex(reply, r"^OK \[COPYUID \d+ 1 6\]")
        self.assertIn(b"* 6 EXISTS", untagged)


class Searching(Case):
    def setUp(self):
        super().setUp()
        self.add(PLAIN, more='(\\Seen) "05-Jan-2020 12:00:00 +0000" ')
        self.add(NESTED, more='(\\Flagged $Work) "06-Jan-2020 12:00:00 +0000" ')
        self.add("Subject: =?utf-8?q?K=C3=96LN?= am Rhein\r\nFrom: =?iso-8859-1?q?J=FCrgen?= <j@example.net>\r\n"
                 "X-Spam: yes\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                 "Stra=DFenbahn\r\n".encode())  # fmt: skip
        self.wire.must("SELECT INBOX")

    def test_flags_and_keywords(self):
        self.assertEqual(self.search("ALL"), [1, 2, 3])
        self.assertEqual(self.search("SEEN"), [1])
        self.assertEqual(self.search("UNSEEN"), [2, 3])
        self.assertEqual(self.search("NOT UNSEEN"), [1])
        self.assertEqual(self.search("KEYWORD $work"), [2])
        self.assertEqual(self.search("UNKEYWORD $Work"), [1, 3])
        self.assertEqual(self.search("FLAGGED UNSEEN"), [2])
        self.assertEqual(self.search("NEW"), [2, 3])
        self.assertEqual(self.search("OLD"), [])
        self.assertEqual(self.search("RECENT SEEN"), [1])

    def test_numbers_and_sizes(self):
        self.assertEqual(self.search("2:*"), [2, 3])
        self.assertEqual(self.search("NOT 2"), [1, 3])
        self.assertEqual(self.search("UID 1,3:4"), [1, 3])
        self.assertEqual(self.search("2:3 UID 1:2"), [2])
        self.assertEqual(self.search(f"LARGER {len(NESTED) - 1}"), [2])
        self.assertEqual(self.search(f"SMALLER {len(PLAIN) + 1} LARGER {len(PLAIN) - 1}"), [1])

    def test_dates(self):
        self.assertEqual(self.search("ON 5-Jan-2020"), [1])
        self.assertEqual(self.search("BEFORE 6-Jan-2020"), [1])
        self.assertEqual(self.search('SINCE "06-Jan-2020"'), [2, 3])
        self.assertEqual(self.search("SENTON 1-Feb-2026"), [1])
        self.assertEqual(self.search("SENTSINCE 2-Feb-2026"), [])
        self.assertEqual(self.search("YOUNGER 3600"), [3])
        self.assertEqual(self.search("OLDER 3600"), [1, 2])

    def test_or_not_and_lists(self):
        self.assertEqual(self.search("OR SEEN FLAGGED"), [1, 2])
        self.assertEqual(self.search("OR (SEEN FROM livia) (NOT (OR SEEN FLAGGED))"), [1, 3])
        self.assertEqual(self.search("NOT OR SUBJECT salve BODY inside"), [3])

    def test_header_fields(self):
        self.assertEqual(self.search("FROM livia"), [1])
        self.assertEqual(self.search("TO MARCUS"), [1])
        self.assertEqual(self.search('FROM "Livia <livia@example.org>"'), [1])
        self.assertEqual(self.search("SUBJECT out"), [2])
        self.assertEqual(self.search("HEADER x-spam YES"), [3])
        self.assertEqual(self.search('HEADER X-Spam ""'), [3])
        self.assertEqual(self.search("HEADER message-id one@"), [1])
        self.assertEqual(self.search("CC anybody"), [])

    def test_text_is_searched_decoded_and_without_case(self):
        def utf8(keys, text):
            text = text.encode()
            lines = self.wire.must(f"SEARCH CHARSET UTF-8 {keys} {{{len(text)}+}}\r\n".encode() + text)
            return [int(n) for n in lines[0].split()[2:]]

        self.assertEqual(utf8("SUBJECT", "köln"), [3])
        self.assertEqual(utf8("FROM", "jürgen"), [3])
        self.assertEqual(utf8("BODY", "STRAßENBAHN"), [3])
        self.assertEqual(utf8("BODY", "straSSenbahn"), [3])
        self.assertEqual(utf8("TEXT", "GRÜSSE AUS KÖLN"), [2])
        self.assertEqual(self.search('BODY "line two"'), [1])
        self.assertEqual(self.search("BODY Salve"), [])
        self.assertEqual(self.search("TEXT Salve"), [1])
        self.assertEqual(self.search("BODY inner@example.org"), [2])
        self.assertEqual(self.search('BODY "html inside"'), [2])

    def test_charsets(self):
        self.assertTrue(self.wire.run("SEARCH CHARSET KOI8-R SUBJECT x")[0].startswith("NO [BADCHARSET (US-ASCII UTF-8)]"))
        self.assertEqual(self.search("CHARSET us-ascii ALL"), [1, 2, 3])

    def test_uid_search_and_esearch(self):
        self.wire.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.wire.must("EXPUNGE")
        self.assertEqual(self.wire.must("UID SEARCH ALL"), [b"* SEARCH 2 3"])
        tag = f"t{self.wire.count + 1}".encode()
        self.assertEqual(self.wire.must("UID SEARCH RETURN (MIN MAX COUNT ALL) ALL"),
                         [b'* ESEARCH (TAG "' + tag + b'") UID MIN 2 MAX 3 COUNT 2 ALL 2:3'])  # fmt: skip
        tag = f"t{self.wire.count + 1}".encode()
        self.assertEqual(self.wire.must("SEARCH RETURN (COUNT) SEEN"), [b'* ESEARCH (TAG "' + tag + b'") COUNT 0'])
        tag = f"t{self.wire.count + 1}".encode()
        self.assertEqual(self.wire.must("SEARCH RETURN () 1"), [b'* ESEARCH (TAG "' + tag + b'") ALL 1'])

    def test_nonsense_is_bad(self):
        for keys in ("", "NONSENSE", "OR SEEN", "NOT", "(SEEN", "SEEN)", "ON yesterday", "LARGER x", "HEADER x", "ON 31-Feb-2026"):
            self.assertTrue(self.wire.run(f"SEARCH {keys}".rstrip())[0].startswith("BAD"), keys)


if __name__ == "__main__":
    unittest.main()
