"""SORT and THREAD: orders and trees of messages."""

import re
import unittest

import harness


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.wire = self.session()

    def add(self, header, date="01-Feb-2026 00:00:00 +0000", body="x\r\n"):
        message = "".join(f"{line}\r\n" for line in header.splitlines()) + "\r\n" + body
        reply, _ = self.wire.append("INBOX", message.encode(), f'"{date}" ')
        self.assertRegex(reply, r"^OK \[APPENDUID")

    def sort(self, rest, command="SORT"):
        lines = [line for line in self.wire.must(f"{command} {rest}") if line.startswith(b"* SORT")]
        self.assertEqual(len(lines), 1)
        return [int(n) for n in lines[0].split()[2:]]

    def thread(self, algorithm="REFERENCES", keys="ALL", command="THREAD"):
        lines = [line for line in self.wire.must(f"{command} {algorithm} UTF-8 {keys}") if line.startswith(b"* THREAD")]
        self.assertEqual(len(lines), 1)
        return lines[0].decode().removeprefix("* THREAD").strip()


class Sorting(Case):
    def setUp(self):
        super().setUp()
        self.add("From: Zoe <b@example.org>\nTo: c@example.org\nSubject: Re: apple\nDate: Mon, 2 Feb 2026 10:00:00 +0000",
                 "03-Feb-2026 00:00:00 +0000", "long body\r\n" * 9)  # fmt: skip
        self.add("From: =?utf-8?Q?=C3=84nne?= <d@example.org>\nTo: Bea <z@example.org>\nSubject: =?utf-8?Q?=C3=84pfel?=\n"
                 "Date: Mon, 2 Feb 2026 10:30:00 +0200\nCc: a@example.org", "02-Feb-2026 00:00:00 +0000")  # fmt: skip
        self.add("From: a@example.org\nTo: A@example.org\nSubject: Apple", "01-Feb-2026 00:00:00 +0000", "middle\r\n" * 3)
        self.add("From: c@example.org\nSubject: [list] zebra (fwd)\nDate: nonsense", "04-Feb-2026 00:00:00 +0000", "")
        self.wire.must("SELECT INBOX")

    def test_each_criterion(self):
        for criteria, order in (("ARRIVAL", [3, 2, 1, 4]), ("REVERSE ARRIVAL", [4, 1, 2, 3]), ("DATE", [3, 2, 1, 4]), ("FROM", [3, 1, 4, 2]),
                                ("TO", [4, 3, 1, 2]), ("CC", [1, 3, 4, 2]), ("SIZE", [4, 3, 2, 1]), ("SUBJECT", [1, 3, 2, 4]),
                                ("REVERSE SUBJECT", [4, 2, 1, 3]), ("SUBJECT REVERSE DATE", [1, 3, 2, 4]), ("SUBJECT DATE", [3, 1, 2, 4]),
                                ("DISPLAYFROM", [3, 2, 4, 1]), ("REVERSE DISPLAYFROM", [1, 4, 2, 3]), ("DISPLAYTO", [4, 3, 2, 1])):  # fmt: skip
            with self.subTest(criteria):
                self.assertEqual(self.sort(f"({criteria}) UTF-8 ALL"), order)

    def test_only_what_the_search_finds_is_sorted(self):
        self.assertEqual(self.sort("(REVERSE ARRIVAL) US-ASCII SUBJECT apple"), [1, 3])
        self.assertEqual(self.sort("(DATE) UTF-8 SUBJECT pear"), [])
        self.wire.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.wire.must("EXPUNGE")
        self.assertEqual(self.sort("(DATE) UTF-8 ALL", "UID SORT"), [3, 2, 4])
        self.assertEqual(self.sort("(DATE) UTF-8 ALL"), [2, 1, 3])

    def test_results_as_esearch(self):
        def told(options):
            line = self.wire.must(f"UID SORT RETURN ({options}) (REVERSE SUBJECT) UTF-8 ALL")[0].decode()
            return re.sub(r'^\* ESEARCH \(TAG "\w+"\) UID ', "", line)

        self.assertEqual(told(""), "ALL 4,2,1,3")
        self.assertEqual(told("MIN MAX COUNT"), "MIN 4 MAX 3 COUNT 4")
        self.assertEqual(told("PARTIAL 2:3"), "PARTIAL (2:3 2,1)")
        self.assertEqual(told("PARTIAL -1:-2 COUNT"), "COUNT 4 PARTIAL (-1:-2 1,3)")
        self.wire.must("SORT RETURN (SAVE) (SUBJECT) UTF-8 SUBJECT apple")
        self.assertEqual(self.sort("(ARRIVAL) UTF-8 $"), [3, 1])

    def test_refusals(self):
        self.assertTrue(self.wire.run("SORT (SUBJECT) KOI8-R ALL")[0].startswith("NO [BADCHARSET"))
        for bad in ("() UTF-8 ALL", "(COLOUR) UTF-8 ALL", "(REVERSE) UTF-8 ALL", "SUBJECT UTF-8 ALL", "(SUBJECT) UTF-8", "(SUBJECT) ALL",
                    f"({'SIZE ' * 25}SIZE) UTF-8 ALL", "RETURN (COLOUR) (SIZE) UTF-8 ALL"):  # fmt: skip
            self.assertTrue(self.wire.run(f"SORT {bad}")[0].startswith("BAD"), bad)

    def test_what_another_session_removes_meanwhile_is_passed_over(self):
        other = self.session()
        other.must("SELECT INBOX")
        other.must("STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        other.must("EXPUNGE")
        for criteria, order in (("ARRIVAL", [2, 4]), ("SUBJECT", [2, 4])):
            harness.eventually(lambda c=criteria, o=order: self.sort(f"({c}) UTF-8 ALL") == o, 5, "the expunged to be passed over")
        self.wire.must("NOOP")
        self.assertEqual(self.sort("(SUBJECT) UTF-8 ALL"), [1, 2])


class Threading(Case):
    def mail(self, name, subject, references="", day=1, more=""):
        fields = [f"From: a@example.org\nSubject: {subject}\nDate: {day} Feb 2026 10:00:00 +0000"]
        if name:
            fields.append(f"Message-ID: <{name}@example.org>")
        if references:
            fields.append("References: " + " ".join(f"<{r}@example.org>" for r in references.split()))
        self.add("\n".join(fields) + more)

    def test_answers_are_below_what_they_answer(self):
        self.mail("a", "one", day=1)
        self.mail("b", "Re: one", "a", day=2)
        self.mail("c", "Re: one", "a b", day=3)
        self.mail("d", "another", "a", day=4)
        self.mail("e", "alone", day=5)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.thread(), "(1 (2 3)(4))(5)")
        self.assertEqual(self.thread(keys="2:5"), "((2 3)(4))(5)")
        self.wire.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.wire.must("EXPUNGE")
        self.assertEqual(self.thread(command="UID THREAD"), "((2 3)(4))(5)")
        self.assertEqual(self.thread(), "((1 2)(3))(4)")

    def test_what_is_missing_keeps_its_answers_together(self):
        self.mail("b", "Re: x", "gone", day=2)
        self.mail("c", "Re: y", "gone", day=1)
        self.mail("d", "z", "nothing never", day=3)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.thread(), "((2)(1))(3)")

    def test_in_reply_to_counts_where_there_are_no_references(self):
        self.mail("a", "first")
        self.mail("b", "second")
        self.mail("c", "third", more="\nIn-Reply-To: Your message <a@example.org> of <b@example.org>")
        self.mail("d", "fourth", "b", more="\nIn-Reply-To: <a@example.org>")
        self.mail("e", "fifth", more='\nIn-Reply-To: <"b"@example.org>')
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.thread(), "(1 3)(2 (4)(5))")

    def test_subjects_bring_together_what_has_no_references(self):
        self.mail("a", "Re: lunch", day=2)
        self.mail("b", "lunch", day=3)
        self.mail("c", "[team] Lunch (fwd)", day=4)
        self.mail("d", "dinner", day=5)
        self.mail("e", "Dinner", day=6)
        self.mail("f", "", day=7)
        self.mail("g", "", day=8)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.thread(), "(2 (1)(3))((4)(5))(6)(7)")

    def test_loops_and_repeated_ids_do_no_harm(self):
        self.mail("a", "one", "b", day=1)
        self.mail("b", "two", "a", day=2)
        self.mail("c", "three", "c", day=3)
        self.mail("c", "four", "c", day=4)
        self.mail("", "five", "d e d", day=5)
        self.wire.must("SELECT INBOX")
        tree = self.thread()
        self.assertEqual(sorted(re.findall(r"\d+", tree)), ["1", "2", "3", "4", "5"])
        self.assertIn("(3 4)", tree)

    def test_by_subject_alone(self):
        self.mail("a", "apple", day=3)
        self.mail("b", "Re: Apple", day=1)
        self.mail("c", "pear", "a", day=2)
        self.mail("d", "fwd: apple", day=4)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.thread("ORDEREDSUBJECT"), "(2 (1)(4))(3)")

    def test_long_chains(self):
        for i in range(1, 60):
            self.mail(f"n{i}", "deep", f"n{i - 1}" if i > 1 else "", day=1 + i % 28)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.thread(), "(" + " ".join(str(i) for i in range(1, 60)) + ")")

    def test_refusals(self):
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.thread(), "")
        self.assertTrue(self.wire.run("THREAD REFERENCES KOI8-R ALL")[0].startswith("NO [BADCHARSET"))
        for bad in ("COLOUR UTF-8 ALL", "REFERENCES UTF-8", "REFERENCES ALL", ""):
            self.assertTrue(self.wire.run(f"THREAD {bad}")[0].startswith("BAD"), bad)


if __name__ == "__main__":
    unittest.main()
