"""Commands sent at once: what their message numbers mean (RFC 3501 section 5.5), and what input may cost."""

import unittest

import harness

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.one, self.two = self.session(), self.session()

    def session(self, account=True):
        wire = harness.ImapWire(self.mansio, self.livia if account else None)
        self.addCleanup(wire.close)
        return wire

    def fill(self, count=6):
        for _ in range(count):
            self.one.append("INBOX", MESSAGE)
        self.one.must("SELECT INBOX")
        self.two.must("SELECT INBOX")

    def at_once(self, wire, *commands):
        """Sends them in one go, tagged a, b, c ...; the lines up to the last one's reply."""
        tags = "abcdefghijklmnopqrstuvwxyz"[: len(commands)]
        wire.send("".join(f"{tag} {command}\r\n" for tag, command in zip(tags, commands)))
        lines = []
        while not lines or not lines[-1].startswith(f"{tags[-1]} "):
            lines.append(wire.line().decode())
        return lines

    def others_remove(self, *numbers):
        self.one.must(f"STORE {','.join(map(str, numbers))} +FLAGS.SILENT (\\Deleted)")
        self.one.must("EXPUNGE")


class Numbers(Case):
    def test_store_fetch_and_expunge_mean_the_numbers_of_their_turn(self):
        self.fill()
        lines = self.at_once(self.two, "STORE 2:3 +FLAGS.SILENT (\\Deleted)", "FETCH 2 UID", "EXPUNGE", "FETCH 2 UID", "STORE 2 +FLAGS (\\Seen)", "SEARCH ALL")
        self.assertEqual(
            lines,
            ["a OK Stored", "* 2 FETCH (UID 2)", "b OK Done", "* 2 EXPUNGE", "* 2 EXPUNGE", "c OK Expunged", "* 2 FETCH (UID 4)", "d OK Done",
             "* 2 FETCH (FLAGS (\\Seen))", "e OK Stored", "* SEARCH 1 2 3 4", "f OK Done"])  # fmt: skip

    def test_what_others_remove_waits_for_the_last_command_with_numbers(self):
        """However many commands without numbers are before it: the client knew no other numbers when it sent it."""
        self.fill()
        self.others_remove(1, 5)
        lines = self.at_once(self.two, "NOOP", "STATUS Sent (MESSAGES)", "UID FETCH 3 UID", "NOOP", "FETCH 3 UID", "NOOP", "UID FETCH 4 UID")
        self.assertEqual(
            lines,
            ["a OK Done", '* STATUS "Sent" (MESSAGES 0)', "b OK Done", "* 3 FETCH (UID 3)", "c OK Done", "d OK Done", "* 3 FETCH (UID 3)", "e OK Done",
             "* 1 EXPUNGE", "* 4 EXPUNGE", "f OK Done", "* 3 FETCH (UID 4)", "g OK Done"])  # fmt: skip
        self.assertEqual(self.two.must("FETCH 1 UID"), [b"* 1 FETCH (UID 2)"])

    def test_every_command_with_numbers_counts(self):
        for command in ("COPY 2 Sent", "MOVE 2 Drafts", "STORE 2 +FLAGS (\\Seen)", "SORT (ARRIVAL) UTF-8 2", "THREAD REFERENCES UTF-8 2",
                        "UID SEARCH 2", "UID SORT (ARRIVAL) UTF-8 2", "search 2", "REPLACE 2 INBOX {1+}\r\nx"):  # fmt: skip
            with self.subTest(command):
                self.setUp()
                self.fill()
                self.others_remove(1)
                lines = self.at_once(self.two, "NOOP", "CHECK", command)
                self.assertEqual(lines[:2], ["a OK Done", "b OK Done"])

    def test_what_comes_behind_a_command_that_changes_the_numbers_does_not_count(self):
        for command in ("EXPUNGE", "UID EXPUNGE 3", "CLOSE", "UNSELECT", "SELECT INBOX", "EXAMINE INBOX", "UID MOVE 3 Sent", "LOGOUT"):
            with self.subTest(command):
                self.setUp()
                self.fill()
                self.others_remove(1)
                self.two.send(f"a NOOP\r\nb {command}\r\nc FETCH 1 UID\r\n")
                self.assertEqual(self.two.line(), b"* 1 EXPUNGE")

    def test_literals_among_them_are_looked_past(self):
        self.fill()
        self.others_remove(1)
        lines = self.at_once(self.two, "NOOP", "ID ({4+}\r\nname {17+}\r\nx y\r\nc FETCH 1 UI)", "NOOP")
        self.assertEqual(lines[0], "* 1 EXPUNGE")
        self.others_remove(1)
        lines = self.at_once(self.two, "NOOP", "ID ({4+}\r\nname {17+}\r\nx y\r\nc FETCH 1 UI)", "FETCH 1 UID")
        self.assertEqual(lines[0], "a OK Done")

    def test_idle_waits_too(self):
        self.fill()
        self.others_remove(1)
        self.two.send("a IDLE\r\nDONE\r\nb FETCH 2 UID\r\nc NOOP\r\n")
        self.assertEqual([self.two.line() for _ in range(6)],
                         [b"+ idling", b"a OK Done", b"* 2 FETCH (UID 2)", b"b OK Done", b"* 1 EXPUNGE", b"c OK Done"])  # fmt: skip

    def test_ten_thousand_commands_at_once_are_answered_in_order(self):
        self.fill()
        self.others_remove(1)
        count = 10_000
        self.two.send("".join(f"{n} NOOP\r\n" for n in range(count)) + "x FETCH 2 UID\r\ny NOOP\r\n")
        for n in range(count):
            line = self.two.line()
            while line.startswith(b"*"):
                line = self.two.line()
            self.assertEqual(line, b"%d OK Done" % n)
        self.assertTrue(self.two.finish("y")[0].startswith("OK"))


class Bounds(Case):
    def test_lists_in_lists_end_somewhere(self):
        self.two.must("SELECT INBOX")
        self.assertEqual(self.two.must("SEARCH " + "(" * 45 + "ALL" + ")" * 45), [b"* SEARCH"])
        for deep in ("(" * 60 + "ALL" + ")" * 60, "(" * 30_000, "NOT " * 60 + "ALL", "OR " * 10_000 + "ALL", "((" * 10_000 + "))" * 10_000):
            self.assertTrue(self.two.run(f"SEARCH {deep}")[0].startswith("BAD"), deep[:10])
        self.assertTrue(self.two.run("SEARCH " + "ALL " * 5000 + "ALL")[0].startswith("BAD Too many search keys"))
        self.assertTrue(self.two.run('FETCH 1 (' + "UID " * 3000 + "(")[0].startswith("BAD"))
        self.assertTrue(self.two.run('LIST "" (' + "a " * 3000 + "a)")[0].startswith("BAD"))
        self.assertEqual(self.two.must("NOOP"), [])

    def test_literals_are_bounded_in_number(self):
        self.two.must("SELECT INBOX")
        many = "".join("SUBJECT {1+}\r\nx " for _ in range(999))
        self.assertEqual(self.two.must(f"SEARCH {many}ALL"), [b"* SEARCH"])
        self.two.send("x SEARCH " + "".join("SUBJECT {1+}\r\nx " for _ in range(1100)) + "ALL\r\n")
        self.assertIn(b"* BYE Too many literals", self.two.at_end())

    def test_endless_literals_are_refused_before_they_are_sent_or_end_the_connection(self):
        for size, state in ((70_000, True), (10**12, True), (9000, False)):
            wire = self.session(account=state)
            wire.send(f"x STATUS {{{size}}}\r\n")
            self.assertTrue(wire.line().startswith(b"x NO [TOOBIG]"))
            self.assertTrue(wire.run("NOOP")[0].startswith("OK"))
            wire.send(f"y STATUS {{{size}+}}\r\n" + "x" * 1000)
            self.assertIn(b"* BYE", wire.at_end())

    def test_an_endless_line_ends_the_connection(self):
        wire = self.session()
        try:
            for _ in range(2000):
                wire.send("x" * 1000)
        except OSError:
            pass
        self.assertIn(b"* BYE The command is too long", wire.at_end())

    def test_before_login_all_of_it_is_tiny(self):
        wire = self.session(account=False)
        wire.send("x LOGIN " + "{1+}\r\na" * 20 + "\r\n")
        self.assertIn(b"* BYE Too many literals", wire.at_end())
        wire = self.session(account=False)
        wire.send("x LOGIN " + "a" * 8200)
        self.assertIn(b"* BYE The command is too long", wire.at_end())
        wire = self.session(account=False)
        for n in range(10):
            wire.send(f"{n} NONSENSE\r\n")
        self.assertIn(b"* BYE Too many errors", wire.at_end())

    def test_input_comes_in_pieces_of_any_size(self):
        self.two.must("SELECT INBOX")
        for byte in b"a1 STATUS {5}\r\n":
            self.two.send(bytes([byte]))
        self.assertEqual(self.two.line(), b"+ OK")
        for byte in b"INBOX (MESSAGES)\r\na2 NOOP\r\n":
            self.two.send(bytes([byte]))
        self.assertEqual(self.two.finish("a1")[1], [b'* STATUS "INBOX" (MESSAGES 0)'])
        self.assertEqual(self.two.finish("a2"), ("OK Done", []))


if __name__ == "__main__":
    unittest.main()
