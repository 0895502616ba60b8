"""Ten thousand folders, deep ones, and those with long names."""

import time
import unittest

import harness

MANY = 10_000


class Many(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        cls.livia = cls.mansio.new_account(cls.mansio.new_domain())
        cls.wire = harness.ImapWire(cls.mansio, cls.livia, timeout=60)
        cls.addClassCleanup(cls.wire.close)
        started = time.monotonic()
        for top in range(100):  # a hundred at a time, each below one of a hundred
            tags = [cls.wire.start(f"CREATE t{top:02}/f{i:02}") for i in range(99)]
            for tag in tags:
                ok, _ = cls.wire.finish(tag)
                assert ok.startswith("OK"), ok
        cls.creating = time.monotonic() - started

    def took(self, command):
        started = time.monotonic()
        lines = self.wire.must(command)
        return time.monotonic() - started, lines

    def test_each_is_made_in_milliseconds(self):
        self.assertLess(self.creating / MANY, 0.02)

    def test_all_are_listed_well_under_a_second(self):
        for command in ('LIST "" *', 'LSUB "" *', 'LIST (SUBSCRIBED) "" * RETURN (CHILDREN SPECIAL-USE)'):
            seconds, lines = self.took(command)
            self.assertEqual(len(lines), MANY + 6, command)
            self.assertLess(seconds, 0.8, command)

    def test_one_level_of_them_is_listed(self):
        seconds, lines = self.took('LIST "" %')
        self.assertEqual(len(lines), 106)
        self.assertIn(b'* LIST (\\HasChildren) "/" "t42"', lines)
        self.assertLess(seconds, 0.8)

    def test_the_counts_of_all_of_them(self):
        seconds, lines = self.took('LIST "" * RETURN (STATUS (MESSAGES UNSEEN UIDNEXT))')
        self.assertEqual(len(lines), 2 * (MANY + 6))
        self.assertLess(seconds, 1.5)

    def test_one_of_them_is_as_quick_as_ever(self):
        for command in ("STATUS t50/f50 (MESSAGES UNSEEN)", "SELECT t51/f51", "CREATE t50/new", "RENAME t50/new t50/old", "DELETE t50/old",
                        "UNSUBSCRIBE t52/f52", "SUBSCRIBE t52/f52"):  # fmt: skip
            self.assertLess(self.took(command)[0], 0.3, command)

    def test_a_level_with_a_hundred_below_it_is_renamed(self):
        seconds, _ = self.took("RENAME t98 elsewhere")
        self.assertLess(seconds, 0.5)
        self.assertEqual(len(self.wire.must('LIST "" elsewhere*')), 100)
        self.wire.must("RENAME elsewhere t98")


class Limits(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.wire = harness.ImapWire(self.mansio, self.mansio.new_account(self.mansio.new_domain()))
        self.addCleanup(self.wire.close)

    def test_thirty_two_levels_and_no_more(self):
        deepest = "/".join(f"l{i}" for i in range(32))
        self.wire.must(f"CREATE {deepest}")
        self.assertEqual(len(self.wire.must('LIST "" l0*')), 32)
        self.wire.append(deepest, b"Subject: x\r\n\r\n")
        self.assertIn(b"* 1 EXISTS", self.wire.must(f"SELECT {deepest}"))
        self.assertTrue(self.wire.run(f"CREATE {deepest}/l32")[0].startswith("NO [CANNOT] "))

    def test_a_rename_makes_nothing_deeper_or_longer_than_that(self):
        self.wire.must("CREATE " + "/".join(f"l{i}" for i in range(30)))
        self.wire.must("CREATE a/b/c")
        self.assertTrue(self.wire.run("RENAME l0 a/b/c/l0")[0].startswith("NO [CANNOT] "))
        self.assertEqual(len(self.wire.must('LIST "" l0*')), 30)
        self.wire.must("CREATE " + "n" * 900 + "/below")
        self.assertTrue(self.wire.run("RENAME " + "n" * 900 + " " + "m" * 996)[0].startswith("NO [CANNOT] "))

    def test_a_thousand_bytes_of_utf8_and_no_more(self):
        self.wire.must("ENABLE UTF8=ACCEPT")
        self.wire.must('CREATE "' + "ü" * 500 + '"')
        self.assertIn(("ü" * 500).encode(), self.wire.must('LIST "" "ü*"')[0])
        self.assertTrue(self.wire.run('CREATE "' + "ü" * 501 + '"')[0].startswith(("NO [CANNOT]", "BAD")))


if __name__ == "__main__":
    unittest.main()
