"""Finding messages: results that are kept, pages of results, and what counts as the same text."""

import base64
import re
import unittest

import harness


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.wire = self.session()

    def add(self, *messages, mailbox="INBOX", more=""):
        for message in messages:
            reply, _ = self.wire.append(mailbox, message.encode() if isinstance(message, str) else message, more)
            self.assertRegex(reply, r"^OK \[APPENDUID \d+ \d+\]")

    def subjects(self, *subjects):
        self.add(*(f"From: a@example.org\r\nSubject: {subject}\r\n\r\nbody\r\n" for subject in subjects))

    def esearch(self, command, wire=None):
        lines = [line for line in (wire or self.wire).must(command) if line.startswith(b"* ESEARCH")]
        self.assertLessEqual(len(lines), 1)
        return re.sub(r'^\* ESEARCH \(TAG "\w+"\) ?', "", lines[0].decode()) if lines else None

    def search(self, keys, wire=None):
        lines = [line for line in (wire or self.wire).must(f"SEARCH {keys}") if line.startswith(b"* SEARCH")]
        self.assertEqual(len(lines), 1)
        return [int(n) for n in lines[0].split()[2:]]

    def told(self, command, wire=None):
        """The numbers of the FETCH responses."""
        return [int(line.split()[1]) for line in (wire or self.wire).must(command) if b" FETCH " in line]


class Saving(Case):
    def setUp(self):
        super().setUp()
        self.subjects("one", "two", "three", "four", "five two", "six")
        self.wire.must("SELECT INBOX")

    def test_what_was_saved_serves_all_commands(self):
        self.assertIsNone(self.esearch("SEARCH RETURN (SAVE) SUBJECT two"))
        self.assertEqual(self.told("FETCH $ FLAGS"), [2, 5])
        self.assertEqual(self.told("UID FETCH $ FLAGS"), [2, 5])
        self.assertEqual(self.told("STORE $ +FLAGS (\\Flagged)"), [2, 5])
        self.assertEqual(self.search("$"), [2, 5])
        self.assertEqual(self.search("NOT $"), [1, 3, 4, 6])
        self.assertEqual(self.search("UID $ SUBJECT five"), [5])
        self.wire.must("CREATE two")
        self.assertIn("COPYUID", self.wire.run("COPY $ two")[0])
        self.assertRegex(self.wire.must("UID MOVE $ two")[0], rb"^\* OK \[COPYUID \d+ 2,5 3:4\]")
        self.assertEqual(self.search("$"), [])
        self.assertEqual(self.told("FETCH $ FLAGS"), [])

    def test_only_what_min_and_max_name_is_saved(self):
        for options, saved in (("MIN", [2]), ("MAX", [5]), ("MIN MAX", [2, 5]), ("MIN COUNT", [2, 3, 4, 5]), ("ALL MIN", [2, 3, 4, 5]),
                               ("PARTIAL 2:3", [3, 4]), ("PARTIAL -1:-1 MIN", [2, 5]), ("PARTIAL 1:1 COUNT", [2, 3, 4, 5])):  # fmt: skip
            with self.subTest(options):
                self.assertIsNotNone(self.esearch(f"SEARCH RETURN (SAVE {options}) 2:5"))
                self.assertEqual(self.search("$"), saved)

    def test_commands_may_be_sent_at_once(self):
        self.wire.send("a UID SEARCH RETURN (SAVE) SUBJECT two\r\nb SEARCH RETURN (SAVE COUNT) $ SUBJECT five\r\nc FETCH $ UID\r\n")
        self.assertRegex(self.wire.line(), rb"^a OK")
        self.assertEqual(self.wire.line(), b'* ESEARCH (TAG "b") COUNT 1')
        self.assertRegex(self.wire.line(), rb"^b OK")
        self.assertEqual(self.wire.line(), b"* 5 FETCH (UID 5)")

    def test_failure_saves_nothing_and_a_syntax_error_changes_nothing(self):
        self.esearch("SEARCH RETURN (SAVE) SUBJECT two")
        self.assertTrue(self.wire.run("SEARCH RETURN (SAVE) NONSENSE")[0].startswith("BAD"))
        self.assertEqual(self.search("$"), [2, 5])
        self.assertTrue(self.wire.run("SEARCH RETURN (SAVE) CHARSET KOI8-R ALL")[0].startswith("NO [BADCHARSET"))
        self.assertEqual(self.search("$"), [])
        self.esearch("SEARCH RETURN (SAVE) SUBJECT two")
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.search("$"), [])
        self.assertTrue(self.wire.run("FETCH $,1 FLAGS")[0].startswith("BAD"))

    def test_what_another_session_removes_goes_from_it_too(self):
        other = self.session()
        other.must("SELECT INBOX")
        self.esearch("SEARCH RETURN (SAVE) 2:5")
        other.must("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        other.must("EXPUNGE")
        self.wire.must("NOOP")
        self.assertEqual(self.told("FETCH $ UID"), [1, 2, 3])
        self.assertEqual(self.wire.must("UID SEARCH $")[0], b"* SEARCH 2 4 5")
        self.subjects("seven")
        self.wire.must("NOOP")
        self.assertEqual(self.search("$"), [1, 2, 3])


class Updates(Case):
    def setUp(self):
        super().setUp()
        self.subjects("one", "two", "three", "two more")
        self.wire.must("SELECT INBOX")
        self.other = self.session()
        self.other.must("SELECT INBOX")

    def begin(self, command):
        tag = self.wire.start(command)
        self.assertTrue(self.wire.finish(tag)[0].startswith("OK"))
        return tag

    def told(self, command="NOOP", wire=None):
        """What is said of searches, and the expunges, in their order."""
        return [line.decode() for line in (wire or self.wire).must(command) if b"ESEARCH" in line or b"EXPUNGE" in line or b"NOUPDATE" in line]

    def test_new_messages_come_with_what_was_asked_for(self):
        tag = self.begin("UID SEARCH RETURN (UPDATE (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) COUNT) SUBJECT two")
        for subject in ("again two", "nothing"):
            self.other.append("INBOX", f"Subject: {subject}\r\n\r\nbody\r\n".encode())
        self.other.must("STORE 1 +FLAGS (\\Seen)")
        lines = [line for line in self.wire.must("NOOP") if b"RECENT" not in line and b"FLAGS" not in line]
        header = b"* 5 FETCH (UID 5 BODY[HEADER.FIELDS (SUBJECT)] {22}\r\nSubject: again two\r\n\r\n)"
        self.assertEqual(lines, [b"* 6 EXISTS", header, f'* ESEARCH (TAG "{tag}") UID ADDTO (0 5)'.encode()])
        self.assertTrue(self.wire.run("SEARCH RETURN (UPDATE (NOSUCH)) ALL")[0].startswith("BAD"))

    def test_what_others_do_is_told(self):
        tag = self.begin("UID SEARCH RETURN (UPDATE COUNT) UNSEEN SUBJECT two")
        self.other.must("STORE 2 +FLAGS (\\Seen)")
        self.assertEqual(self.told(), [f'* ESEARCH (TAG "{tag}") UID REMOVEFROM (0 2)'])
        self.other.must("STORE 1:3 +FLAGS (\\Flagged)")
        self.assertEqual(self.told(), [])
        self.other.must("STORE 2 -FLAGS (\\Seen)")
        for subject in ("again two", "nothing", "two of them"):
            self.other.append("INBOX", f"Subject: {subject}\r\n\r\nbody\r\n".encode())
        self.assertEqual(self.told(), [f'* ESEARCH (TAG "{tag}") UID ADDTO (0 2,5,7)'])
        self.other.must("NOOP")
        self.other.must("STORE 4:5 +FLAGS.SILENT (\\Deleted)")
        self.other.must("EXPUNGE")
        self.assertEqual(self.told(), [f'* ESEARCH (TAG "{tag}") UID REMOVEFROM (0 4:5)', "* 4 EXPUNGE", "* 4 EXPUNGE"])
        self.wire.must(f'CANCELUPDATE "{tag}"')
        self.subjects("another two")
        self.assertEqual(self.told(), [])
        self.assertTrue(self.wire.run(f'CANCELUPDATE "{tag}"')[0].startswith("BAD"))

    def test_what_the_session_itself_does_is_told(self):
        tag = self.begin("SEARCH RETURN (UPDATE) FLAGGED")
        self.assertEqual(self.told("STORE 2:3 +FLAGS.SILENT (\\Flagged)"), [f'* ESEARCH (TAG "{tag}") ADDTO (0 2:3)'])
        self.wire.must("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        self.assertEqual(self.told("EXPUNGE"), [f'* ESEARCH (TAG "{tag}") REMOVEFROM (0 3)', "* 1 EXPUNGE", "* 2 EXPUNGE"])
        self.assertEqual(self.told("STORE 1 -FLAGS (\\Flagged)"), [f'* ESEARCH (TAG "{tag}") REMOVEFROM (0 1)'])

    def test_an_idling_session_is_told(self):
        tag = self.begin("UID SEARCH RETURN (UPDATE) FLAGGED")
        idle = self.wire.start("IDLE")
        self.assertTrue(self.wire.line().startswith(b"+"))
        self.other.must("STORE 4 +FLAGS (\\Flagged)")
        self.assertIn(b"* 4 FETCH", self.wire.line())
        self.assertEqual(self.wire.line().decode(), f'* ESEARCH (TAG "{tag}") UID ADDTO (0 4)')
        self.wire.send("DONE\r\n")
        self.wire.finish(idle)

    def test_several_searches_and_their_limit(self):
        tags = [self.begin("SEARCH RETURN (UPDATE COUNT CONTEXT) FLAGGED") for _ in range(10)]
        self.assertIn("NOUPDATE", self.told("SEARCH RETURN (UPDATE COUNT) FLAGGED")[0])
        self.assertEqual(len(self.told("STORE 1 +FLAGS (\\Flagged)")), 10)
        self.wire.must("CANCELUPDATE " + " ".join(f'"{tag}"' for tag in tags[1:]))
        self.assertEqual(len(self.told("STORE 1 -FLAGS (\\Flagged)")), 1)
        self.wire.send(f"{tags[0]} SEARCH RETURN (UPDATE) ALL\r\n")
        self.assertTrue(self.wire.line().startswith(f"{tags[0]} BAD".encode()))
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.told("STORE 1 +FLAGS (\\Flagged)"), [])

    def test_numbers_can_not_be_kept_up_to_date(self):
        self.begin("SEARCH RETURN (SAVE) ALL")
        for keys in ("1:3", "NOT (2)", "$", "UID $"):
            lines = self.told(f"SEARCH RETURN (UPDATE COUNT) {keys}")
            self.assertEqual(len(lines), 2)
            self.assertRegex(lines[0], r'^\* NO \[NOUPDATE "\w+"\]')
        self.assertTrue(self.wire.run("SORT RETURN (UPDATE) (SIZE) UTF-8 ALL")[0].startswith("BAD"))


class ManyMailboxes(Case):
    def setUp(self):
        super().setUp()
        for name in ("work", "work/plans", "work/plans/old", "workshop", "h&AOQ-user"):
            self.wire.must(f'CREATE "{name}"')
            self.add("Subject: two\r\n\r\nx\r\n", f"Subject: in {name}\r\n\r\nx\r\n", mailbox=name)
        self.subjects("one", "two", "two again")

    def found(self, command, wire=None):
        answers = {}
        for line in (wire or self.wire).must(command):
            match = re.match(r'^\* ESEARCH \(TAG "\w+" MAILBOX "(.*)" UIDVALIDITY \d+\) UID (.*)', line.decode())
            if match:
                answers[match[1]] = match[2]
        return answers

    def test_where_to_look(self):
        every = {"INBOX", "work", "work/plans", "work/plans/old", "workshop", "h&AOQ-user"}
        for source, names in (("mailboxes work", {"work"}), ("mailboxes (work INBOX nowhere)", {"work", "INBOX"}), ("inboxes", {"INBOX"}),
                              ("subtree work", {"work", "work/plans", "work/plans/old"}), ("subtree-one work", {"work", "work/plans"}),
                              ("personal", every), ("subscribed", every), ("inboxes mailboxes INBOX subtree workshop", {"INBOX", "workshop"}),
                              ('mailboxes "h&AOQ-user"', {"h&AOQ-user"})):  # fmt: skip
            self.assertEqual(set(self.found(f"ESEARCH IN ({source}) SUBJECT two")), names, source)
        self.wire.must("UNSUBSCRIBE work")
        self.assertNotIn("work", self.found("ESEARCH IN (subscribed) SUBJECT two"))

    def test_what_is_told(self):
        self.assertEqual(self.found("ESEARCH IN (personal) RETURN (MIN COUNT ALL) SUBJECT two"),
                         {"INBOX": "MIN 2 COUNT 2 ALL 2:3"} | {name: "MIN 1 COUNT 1 ALL 1" for name in ("work", "work/plans", "work/plans/old", "workshop", "h&AOQ-user")})  # fmt: skip
        self.assertEqual(self.found("ESEARCH IN (personal) RETURN (PARTIAL -1:-1) OR SUBJECT workshop SUBJECT again"), {"INBOX": "PARTIAL (-1:-1 3)", "workshop": "PARTIAL (-1:-1 2)"})
        self.assertEqual(self.found("ESEARCH IN (personal) UID 3:*")["work"], "ALL 2")
        self.assertEqual(self.found("ESEARCH IN (personal) SUBJECT nonsense"), {})

    def test_the_selected_mailbox_stays_as_it_is(self):
        self.wire.must("SELECT work")
        other = self.session()
        other.must("SELECT work")
        other.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.must("EXPUNGE")
        self.assertEqual(self.found("ESEARCH IN (selected inboxes) RETURN (COUNT) ALL"), {"INBOX": "COUNT 3", "work": "COUNT 1"})
        self.wire.must("NOOP")
        self.assertEqual(self.found("ESEARCH ALL"), {"work": "ALL 2"})
        self.assertEqual(self.told("FETCH 1 UID"), [1])
        self.wire.must("ESEARCH RETURN (SAVE) ALL")
        self.assertEqual(self.search("$"), [1])

    def test_another_session_still_finds_recent_mail(self):
        self.found("ESEARCH IN (personal) ALL")
        other = self.session()
        self.assertIn(b"* 3 RECENT", other.must("SELECT INBOX"))

    def test_refusals(self):
        for bad in ("ALL", "IN () ALL", "IN (work) ALL", "IN (mailboxes) ALL", "IN (mailboxes ()) ALL", "IN (personal) 1:3", "IN (personal) RETURN (SAVE) ALL",
                    "IN (personal) RETURN (UPDATE) ALL", "IN (personal)", "IN (selected) ALL"):  # fmt: skip
            self.assertTrue(self.wire.run(f"ESEARCH {bad}")[0].startswith("BAD"), bad)
        self.assertTrue(self.wire.run("ESEARCH IN (personal) CHARSET KOI8-R ALL")[0].startswith("NO [BADCHARSET"))


class Pages(Case):
    def setUp(self):
        super().setUp()
        self.subjects(*(f"number {n} {'even' if n % 2 == 0 else 'odd'}" for n in range(1, 11)))
        self.wire.must("SELECT INBOX")

    def test_search_by_pages(self):
        for options, answer in (("PARTIAL 1:2", "PARTIAL (1:2 2,4)"), ("PARTIAL 4:9", "PARTIAL (4:9 8,10)"),
                                ("PARTIAL 6:9", "PARTIAL (6:9 NIL)"), ("PARTIAL -1:-2", "PARTIAL (-1:-2 8,10)"),
                                ("PARTIAL -4:-9", "PARTIAL (-4:-9 2,4)"), ("PARTIAL -6:-9", "PARTIAL (-6:-9 NIL)"),
                                ("COUNT PARTIAL 3:1", "COUNT 5 PARTIAL (3:1 2,4,6)")):  # fmt: skip
            with self.subTest(options):
                self.assertEqual(self.esearch(f"SEARCH RETURN ({options}) SUBJECT even"), answer)
        self.assertEqual(self.esearch("UID SEARCH RETURN (PARTIAL 1:1) SUBJECT even"), "UID PARTIAL (1:1 2)")
        for bad in ("PARTIAL 0:1", "PARTIAL 1:-1", "PARTIAL -1:1", "PARTIAL 1", "PARTIAL", "ALL PARTIAL 1:2", "PARTIAL 1:2 PARTIAL 3:4"):
            self.assertTrue(self.wire.run(f"SEARCH RETURN ({bad}) ALL")[0].startswith("BAD"), bad)

    def test_fetch_by_pages(self):
        self.assertEqual(self.told("UID FETCH 1:* FLAGS (PARTIAL 1:3)"), [1, 2, 3])
        self.assertEqual(self.told("UID FETCH 1:8 FLAGS (PARTIAL -1:-3)"), [6, 7, 8])
        self.assertEqual(self.told("UID FETCH 2:3,7:8 FLAGS (PARTIAL 2:3)"), [3, 7])
        self.assertEqual(self.told("UID FETCH 1:* FLAGS (PARTIAL 20:30)"), [])
        highest = max(int(re.search(rb"MODSEQ \((\d+)\)", line)[1]) for line in self.wire.must("FETCH 1:* MODSEQ"))
        self.wire.must("STORE 2,5,9 +FLAGS.SILENT (\\Flagged)")
        self.assertEqual(self.told(f"UID FETCH 1:* FLAGS (PARTIAL -1:-2 CHANGEDSINCE {highest})"), [5, 9])

    def test_pages_count_what_another_session_left(self):
        other = self.session()
        other.must("SELECT INBOX")
        other.must("UID STORE 2 +FLAGS.SILENT (\\Deleted)")
        other.must("EXPUNGE")
        self.wire.must("NOOP")
        self.assertEqual(self.esearch("UID SEARCH RETURN (PARTIAL 1:2) SUBJECT even"), "UID PARTIAL (1:2 4,6)")


class Text(Case):
    def setUp(self):
        super().setUp()
        word = "=?utf-8?B?" + base64.b64encode("Crème brûlée für Łódź".encode()).decode() + "?="
        body = base64.b64encode("Ça coûte 5 €, Straße, ﬁn, ＦＵＬＬ, Αθήνα, Ёлка, が, 한국\r\n".encode()).decode()
        self.add(
            f"From: =?iso-8859-1?Q?Andr=E9?= <andre@example.org>\r\nSubject: {word}\r\nContent-Type: multipart/mixed; boundary=X\r\n\r\n"
            f"--X\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n"
            "--X\r\nContent-Type: application/pdf\r\nContent-Description: =?utf-8?Q?Les_d=C3=A9penses?=\r\n"
            "Content-Disposition: attachment; filename*0*=utf-8''R%C3%A9sum; filename*1*=%C3%A9%20Z%C3%BCrich.pdf\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--X--\r\n"
        )
        self.add("Subject: nothing of it\r\n\r\nplain\r\n")
        self.wire.must("SELECT INBOX")

    def found(self, keys):
        literal = re.sub(r'"([^"]*)"', lambda m: f"{{{len(m[1].encode())}+}}\r\n{m[1]}", keys)
        return self.search("CHARSET UTF-8 " + literal)

    def test_case_and_accents_do_not_count(self):
        for keys in ('SUBJECT "creme brulee"', 'SUBJECT "CRÈME BRÛLÉE"', 'SUBJECT "crème brûlée"', 'FROM "andre"', 'FROM "ANDRÉ"',
                     'BODY "ca coute"', 'BODY "STRASSE"', 'BODY "fin, full"', 'BODY "αθηνα"', 'BODY "елка"', 'TEXT "5 €"', 'BODY "한"'):  # fmt: skip
            self.assertEqual(self.found(keys), [1], keys)

    def test_another_letter_is_another_letter(self):
        for keys in ('SUBJECT "Lodz"', 'BODY "か"', 'BODY "하"', 'BODY "Strase"', 'SUBJECT "creme-brulee"'):
            self.assertEqual(self.found(keys), [], keys)
        self.assertEqual(self.found('BODY "が"'), [1])
        self.assertEqual(self.found('SUBJECT "Łodz"'), [1])

    def test_substrings_are_found_within_words(self):
        for keys in ('SUBJECT "ÉME BR"', 'BODY "oût"', 'BODY "trass"'):
            self.assertEqual(self.found(keys), [1], keys)

    def test_names_of_attachments_are_found(self):
        for keys in ('BODY "resume zurich"', 'TEXT "RÉSUMÉ ZÜRICH.PDF"', 'BODY "les depenses"'):
            self.assertEqual(self.found(keys), [1], keys)
        self.assertEqual(self.found('BODY "resume bern"'), [])


if __name__ == "__main__":
    unittest.main()
