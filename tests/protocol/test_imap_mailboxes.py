"""Mailboxes by name: making, naming, listing, counting them."""

import unittest

import harness


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(self.wire.close)

    def refused(self, command, code):
        reply, _ = self.wire.run(command)
        self.assertTrue(reply.startswith(f"NO [{code}]"), f"{command}: {reply}")

    def names(self, command):
        return [line.rsplit(b'"', 2)[1].decode() for line in self.wire.must(command)]

    def status(self, name, items="MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT DELETED SIZE"):
        line = self.wire.must(f'STATUS "{name}" ({items})')[0].decode()
        words = line[line.rindex("(") + 1 : -1].split()
        return dict(zip(words[::2], map(int, words[1::2])))


class Making(Case):
    def test_a_new_account_has_its_special_mailboxes(self):
        lines = self.wire.must('LIST "" *')
        self.assertIn(b'* LIST (\\HasNoChildren \\Sent) "/" "Sent"', lines)
        self.assertEqual(self.names('LIST "" *'), ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"])

    def test_create_makes_parents_and_refuses_what_exists(self):
        self.wire.must("CREATE a/b/c")
        self.assertEqual(self.names('LIST "" a*'), ["a", "a/b", "a/b/c"])
        self.refused("CREATE a/b", "ALREADYEXISTS")
        self.refused("CREATE inbox", "ALREADYEXISTS")
        self.wire.must("CREATE d/")
        self.assertEqual(self.names('LIST "" d*'), ["d"])

    def test_impossible_names_are_refused_with_a_reason(self):
        for name in ('""', "/a", "a//b", '"a*b"', '"a%b"', "/".join("x" * 40), "x" * 1001):
            reply, _ = self.wire.run(f"CREATE {name}")
            self.assertRegex(reply, r"^(NO \[CANNOT\]|BAD) \w", name)

    def test_delete_and_what_it_refuses(self):
        self.wire.must("CREATE a/b")
        self.wire.must("DELETE a")
        self.assertEqual(self.wire.must('LIST "" a*'), [
            b'* LIST (\\NonExistent \\Noselect \\HasChildren) "/" "a"', b'* LIST (\\HasNoChildren) "/" "a/b"'])  # fmt: skip
        self.wire.must("DELETE a/b")
        self.assertEqual(self.wire.must('LIST "" a*'), [])
        self.refused("DELETE a", "NONEXISTENT")
        self.refused("DELETE INBOX", "CANNOT")

    def test_uidvalidity_differs_when_a_name_comes_back(self):
        self.wire.must("CREATE again")
        before = self.status("again")["UIDVALIDITY"]
        self.wire.must("DELETE again")
        self.wire.must("CREATE again")
        self.assertGreater(self.status("again")["UIDVALIDITY"], before)

    def test_rename_takes_what_is_below_along(self):
        self.wire.must("CREATE old/in/side")
        self.wire.append("old/in", b"Subject: x\r\n\r\n")
        validity = self.status("old/in")["UIDVALIDITY"]
        self.wire.must("RENAME old new/place")
        self.assertEqual(self.names('LIST "" new*'), ["new", "new/place", "new/place/in", "new/place/in/side"])
        self.assertEqual(self.wire.must('LIST "" old*'), [])
        self.assertEqual(self.status("new/place/in")["MESSAGES"], 1)
        self.assertEqual(self.status("new/place/in")["UIDVALIDITY"], validity)
        self.refused("RENAME nothing there", "NONEXISTENT")
        self.refused("RENAME new/place Sent", "ALREADYEXISTS")
        self.refused("RENAME new new/below", "CANNOT")

    def test_renaming_inbox_moves_its_messages(self):
        self.wire.append("INBOX", b"Subject: x\r\n\r\n")
        self.wire.must("RENAME INBOX 2026")
        self.assertEqual(self.status("INBOX")["MESSAGES"], 0)
        self.assertEqual(self.status("2026")["MESSAGES"], 1)

    def test_create_with_special_use(self):
        self.wire.must("CREATE Spam (USE (\\Flagged))")
        self.assertIn(b'* LIST (\\HasNoChildren \\Flagged) "/" "Spam"', self.wire.must('LIST "" Spam'))
        self.refused("CREATE Other (USE (\\Nothing))", "USEATTR")


class Names(Case):
    def test_names_are_modified_utf7_outside_and_utf8_inside(self):
        self.wire.must('CREATE "Entw&APw-rfe"')
        self.wire.must('CREATE "&ZeVnLIqe-/&2D3c5w-"')
        self.assertIn("Entw&APw-rfe", self.names('LIST "" *'))
        self.assertIn("&ZeVnLIqe-/&2D3c5w-", self.names('LIST "" *'))
        rows = self.mansio.sql("SELECT name FROM mailbox WHERE name IN ('Entwürfe', '日本語/📧')")
        self.assertGreaterEqual(len(rows), 2)
        self.assertEqual(self.names('LIST "" "Entw&APw-r%"'), ["Entw&APw-rfe"])
        self.wire.must('SELECT "Entw&APw-rfe"')

    def test_names_that_are_no_modified_utf7_are_refused(self):
        for name in ('"&"', '"&A"', '"&AGE-"', '"&2D0-"', '"a&APw-&APw-"', '"&AAA-"'):
            self.assertTrue(self.wire.run(f"CREATE {name}")[0].startswith("BAD"), name)
        self.assertTrue(self.wire.run('CREATE "gr\u00fcn"')[0].startswith("BAD"))

    def test_ampersand_quotes_and_blanks(self):
        self.wire.must('CREATE "Tom &- Jerry \\"x\\" \\\\ y"')
        self.assertIn(b'* LIST (\\HasNoChildren) "/" "Tom &- Jerry \\"x\\" \\\\ y"', self.wire.must('LIST "" T*'))
        name = b'Tom &- Jerry "x" \\ y'
        self.wire.must(b"STATUS {%d+}\r\n" % len(name) + name + b" (MESSAGES)")

    def test_utf8_names_once_enabled(self):
        self.wire.must("ENABLE UTF8=ACCEPT")
        self.wire.must('CREATE "grün"')
        self.assertIn('* LIST (\\HasNoChildren) "/" "grün"'.encode(), self.wire.must('LIST "" "gr*"'))
        self.wire.must('CREATE "a&b"')

    def test_inbox_in_any_case(self):
        for name in ("inbox", "InBoX", '"INBOX"'):
            self.wire.must(f"SELECT {name}")
        self.assertEqual(self.names('LIST "" inbox'), ["INBOX"])
        self.wire.must("CREATE Inbox/sub")
        self.assertEqual(self.names('LIST "" "inbox/%"'), ["INBOX/sub"])


class Listing(Case):
    def setUp(self):
        super().setUp()
        for name in ("a", "a/b", "a/b/c", "a-b", "x/y"):
            self.wire.run(f"CREATE {name}")

    def test_percent_stays_within_a_level(self):
        self.assertEqual(self.names('LIST "" a%'), ["a", "a-b"])
        self.assertEqual(self.names('LIST "" a/%'), ["a/b"])
        self.assertEqual(self.names('LIST "" a*'), ["a", "a-b", "a/b", "a/b/c"])
        self.assertEqual(self.names('LIST "" %/%/%'), ["a/b/c"])
        self.assertEqual(self.names('LIST "" *c'), ["a/b/c"])

    def test_reference_goes_before_the_pattern(self):
        self.assertEqual(self.names("LIST a/ %"), ["a/b"])
        self.assertEqual(self.wire.must('LIST "" ""'), [b'* LIST (\\Noselect) "/" ""'])

    def test_children_are_told(self):
        self.assertEqual(self.wire.must('LIST "" a'), [b'* LIST (\\HasChildren) "/" "a"'])
        self.assertEqual(self.wire.must('LIST "" a-b'), [b'* LIST (\\HasNoChildren) "/" "a-b"'])

    def test_subscriptions(self):
        self.wire.must("UNSUBSCRIBE a")
        self.wire.must("UNSUBSCRIBE a/b")
        self.assertEqual(self.names('LSUB "" a*'), ["a-b", "a/b/c"])
        self.assertEqual(self.wire.must('LSUB "" a%'), [b'* LSUB (\\Noselect) "/" "a"', b'* LSUB () "/" "a-b"'])
        self.wire.must("SUBSCRIBE a")
        self.assertIn("a", self.names('LSUB "" a*'))
        self.refused("SUBSCRIBE nowhere", "NONEXISTENT")

    def test_extended_list(self):
        self.wire.must("UNSUBSCRIBE a")
        self.wire.must("UNSUBSCRIBE a-b")
        self.assertEqual(self.names('LIST (SUBSCRIBED) "" a*'), ["a/b", "a/b/c"])
        self.assertIn(b'* LIST (\\HasChildren \\Subscribed) "/" "a/b"', self.wire.must('LIST (SUBSCRIBED) "" a*'))
        self.assertEqual(self.wire.must('LIST (SUBSCRIBED RECURSIVEMATCH) "" a%'),
                         [b'* LIST (\\HasChildren) "/" "a" ("CHILDINFO" ("SUBSCRIBED"))'])  # fmt: skip
        self.assertEqual(self.names('LIST (SPECIAL-USE) "" *'), ["Archive", "Drafts", "Junk", "Sent", "Trash"])
        self.assertEqual(self.names('LIST "" (a-b x/% "Sent")'), ["Sent", "a-b", "x/y"])
        self.assertIn(b'* LIST (\\HasNoChildren \\Subscribed) "/" "x/y"', self.wire.must('LIST "" x/y RETURN (SUBSCRIBED CHILDREN)'))
        self.assertTrue(self.wire.run('LIST (RECURSIVEMATCH) "" *')[0].startswith("BAD"))
        self.assertTrue(self.wire.run('LIST "" * RETURN (NONSENSE)')[0].startswith("BAD"))

    def test_list_with_status(self):
        self.wire.append("x/y", b"Subject: x\r\n\r\n")
        lines = self.wire.must('LIST "" x/% RETURN (STATUS (MESSAGES UNSEEN))')
        self.assertEqual(lines, [b'* LIST (\\HasNoChildren) "/" "x/y"', b'* STATUS "x/y" (MESSAGES 1 UNSEEN 1)'])

    def test_wildcards_cannot_be_made_slow(self):
        self.wire.must("CREATE " + "a" * 200)
        self.wire.must('LIST "" "' + "*a" * 400 + 'b"')

    def test_status_counts(self):
        message = b"Subject: x\r\n\r\nbody\r\n"
        self.wire.append("a", message)
        self.wire.append("a", message, "(\\Seen) ")
        self.wire.append("a", message, "(\\Seen \\Deleted) ")
        counts = self.status("a")
        self.assertEqual((counts["MESSAGES"], counts["UNSEEN"], counts["UIDNEXT"], counts["DELETED"]), (3, 1, 4, 1))
        self.assertEqual(counts["SIZE"], 3 * len(message))
        self.assertEqual(counts["RECENT"], 3)
        self.wire.must("SELECT a")
        self.wire.must("EXPUNGE")
        self.assertEqual(self.status("a")["MESSAGES"], 2)
        self.refused("STATUS nowhere (MESSAGES)", "NONEXISTENT")
        self.assertTrue(self.wire.run("STATUS a (NONSENSE)")[0].startswith("BAD"))


if __name__ == "__main__":
    unittest.main()
