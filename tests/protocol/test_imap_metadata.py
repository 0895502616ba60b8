"""Annotations of mailboxes and of the server (RFC 5464, RFC 9590)."""

import unittest

import harness


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.one, self.two = self.session(), self.session()

    def refused(self, command, how, wire=None):
        reply, _ = (wire or self.one).run(command)
        self.assertTrue(reply.startswith(how), reply)


class Mailboxes(Case):
    def test_what_one_session_sets_the_other_gets(self):
        words = self.one.must("CAPABILITY")[0].split()
        self.assertIn(b"METADATA", words)
        self.one.must('SETMETADATA INBOX (/private/comment "My own" /SHARED/Comment "Ours")')
        self.assertEqual(self.two.must("GETMETADATA INBOX (/shared/comment /private/comment)"),
                         [b'* METADATA "INBOX" (/shared/comment "Ours" /private/comment "My own")'])  # fmt: skip
        self.assertEqual(self.two.must("GETMETADATA Sent /shared/comment"), [b'* METADATA "Sent" (/shared/comment NIL)'])

    def test_nil_removes_and_an_empty_value_is_one(self):
        self.one.must('SETMETADATA INBOX (/private/comment "x" /private/empty "")')
        self.one.must("SETMETADATA INBOX (/private/comment NIL)")
        self.assertEqual(self.two.must("GETMETADATA INBOX (/private/comment /private/empty)"),
                         [b'* METADATA "INBOX" (/private/comment NIL /private/empty "")'])  # fmt: skip

    def test_values_are_any_bytes(self):
        lines = b"two\r\nlines"
        self.one.must(b"SETMETADATA INBOX (/private/comment {10+}\r\n" + lines + b")")
        self.assertEqual(self.two.must("GETMETADATA INBOX /private/comment"),
                         [b'* METADATA "INBOX" (/private/comment {10}\r\n' + lines + b")"])  # fmt: skip
        every = bytes(range(256))
        self.one.must(b"SETMETADATA INBOX (/private/comment ~{256+}\r\n" + every + b")")
        self.assertEqual(self.two.must("GETMETADATA INBOX /private/comment"),
                         [b'* METADATA "INBOX" (/private/comment ~{256}\r\n' + every + b")"])  # fmt: skip
        self.refused(b"SETMETADATA INBOX (/private/comment {1+}\r\n\0)", "BAD")

    def test_private_entries_are_the_accounts_own(self):
        marcus = self.session(self.mansio.new_account(self.domain))
        self.one.must('SETMETADATA "" (/private/vendor/x "of Livia")')
        marcus.must('SETMETADATA "" (/private/vendor/x "of Marcus")')
        self.assertEqual(self.two.must('GETMETADATA "" /private/vendor/x'), [b'* METADATA "" (/private/vendor/x "of Livia")'])
        self.assertEqual(marcus.must('GETMETADATA "" /private/vendor/x'), [b'* METADATA "" (/private/vendor/x "of Marcus")'])

    def test_depth(self):
        for entry in ("a", "a/b", "a/b/c", "ab"):
            self.one.must(f'SETMETADATA INBOX (/private/vendor/{entry} "{entry}")')
        root = "/private/vendor"

        def got(options, entry):
            lines = self.two.must(f"GETMETADATA INBOX {options} {entry}")
            return [word for word in b" ".join(lines).decode().replace("(", " ").split() if word.startswith("/")]

        self.assertEqual(got("(DEPTH 0)", f"{root}/a"), [f"{root}/a"])
        self.assertEqual(got("(DEPTH 1)", f"{root}/a"), [f"{root}/a", f"{root}/a/b"])
        self.assertEqual(got("(DEPTH infinity)", f"{root}/a"), [f"{root}/a", f"{root}/a/b", f"{root}/a/b/c"])
        self.assertEqual(len(got("(DEPTH infinity)", "/private")), 4)
        self.assertEqual(got("(DEPTH 1)", "/private"), [])
        self.assertEqual(got("(DEPTH infinity)", "/shared"), [])
        self.assertEqual(self.two.must(f"GETMETADATA (DEPTH 1) INBOX {root}/a/b/c"),
                         [f'* METADATA "INBOX" ({root}/a/b/c "a/b/c")'.encode()])  # fmt: skip

    def test_values_over_maxsize_are_left_out_and_the_reply_says_how_large(self):
        self.one.must(f'SETMETADATA INBOX (/private/small "x" /private/large "{"y" * 2199}" /private/larger "{"z" * 2200}")')
        reply, lines = self.two.run("GETMETADATA INBOX (MAXSIZE 1024 DEPTH infinity) /private")
        self.assertEqual(lines, [b'* METADATA "INBOX" (/private/small "x")'])
        self.assertTrue(reply.startswith("OK [METADATA LONGENTRIES 2200]"), reply)
        reply, lines = self.two.run("GETMETADATA (MAXSIZE 2200) INBOX (/private/small /private/larger)")
        self.assertTrue(reply.startswith("OK Done"), reply)

    def test_annotations_follow_a_rename_and_go_with_the_mailbox(self):
        self.one.must("CREATE old")
        self.one.must('SETMETADATA old (/private/comment "stays")')
        self.one.must("RENAME old new")
        self.assertEqual(self.two.must("GETMETADATA new /private/comment"), [b'* METADATA "new" (/private/comment "stays")'])
        self.one.must("DELETE new")
        self.refused("GETMETADATA new /private/comment", "NO [NONEXISTENT]")
        self.one.must("CREATE new")
        self.assertEqual(self.two.must("GETMETADATA new /private/comment"), [b'* METADATA "new" (/private/comment NIL)'])

    def test_what_inbox_has_goes_with_its_messages_and_stays(self):
        self.one.must('SETMETADATA INBOX (/private/comment "mine" /shared/comment "ours")')
        self.one.must("RENAME INBOX saved")
        for name in ("INBOX", "saved"):
            self.assertEqual(self.two.must(f"GETMETADATA {name} (/shared/comment /private/comment)"),
                             [f'* METADATA "{name}" (/shared/comment "ours" /private/comment "mine")'.encode()])  # fmt: skip

    def test_names_that_are_none(self):
        for entry in ("/other/comment", "/private", "/private/", "/private//x", '"/private/*"', '"/private/%"', "comment",
                      '"/private/\u00e4"', "/privatex/y", "/private/" + "x" * 250):  # fmt: skip
            self.refused(f'SETMETADATA INBOX ({entry} "x")', "BAD")
        self.refused("SETMETADATA INBOX ()", "BAD")
        self.refused('SETMETADATA nowhere (/private/comment "x")', "NO [NONEXISTENT]")
        self.refused("GETMETADATA INBOX (DEPTH 2) /private", "BAD")


class Limits(Case):
    def test_a_value_that_is_too_large_sets_nothing(self):
        size = 32 * 1024
        self.one.must(b"SETMETADATA INBOX (/private/most {%d+}\r\n" % size + b"x" * size + b")")
        command = b'SETMETADATA INBOX (/private/a "x" /private/b {%d+}\r\n' % (size + 1) + b"x" * (size + 1) + b")"
        self.refused(command, f"NO [METADATA MAXSIZE {size}]")
        self.assertEqual(self.two.must("GETMETADATA INBOX /private/a"), [b'* METADATA "INBOX" (/private/a NIL)'])

    def test_too_many_entries_set_nothing_and_other_mailboxes_have_room(self):
        for start in range(0, 100, 50):
            values = " ".join(f'/private/e{n} "x"' for n in range(start, start + 50))
            self.one.must(f"SETMETADATA INBOX ({values})")
        self.refused('SETMETADATA INBOX (/private/e0 "new" /private/more "x")', "NO [METADATA TOOMANY]")
        self.assertEqual(self.two.must("GETMETADATA INBOX /private/e0"), [b'* METADATA "INBOX" (/private/e0 "x")'])
        self.two.must('SETMETADATA INBOX (/private/e0 NIL /private/more "x")')
        self.two.must('SETMETADATA Sent (/private/more "x")')
        self.two.must('SETMETADATA INBOX (/shared/more "x")')

    def test_an_account_can_keep_only_so_much(self):
        value = b"x" * 32_000
        replies = []
        for number in range(40):
            command = b"SETMETADATA INBOX (/private/e%d {%d+}\r\n" % (number, len(value)) + value + b")"
            replies.append(self.one.run(command)[0])
        self.assertTrue(all(reply.startswith("OK") for reply in replies[:32]), replies)
        self.assertTrue(replies[-1].startswith("NO [METADATA TOOMANY]"), replies)


class Server(Case):
    def test_shared_entries_of_the_server_are_the_administrators(self):
        self.refused('SETMETADATA "" (/shared/comment "mine now")', "NO [NOPERM]")
        self.refused('SETMETADATA "" (/shared/admin "mailto:me@example.org")', "NO [NOPERM]")
        mansio = harness.private()
        try:
            livia = mansio.new_account(mansio.new_domain())
            mansio.command("setting", "set", "imap.comment", "Salvete omnes")
            mansio.command("setting", "set", "imap.admin", "mailto:help@example.org")
            with harness.ImapWire(mansio, livia) as wire:
                expected = [b'* METADATA "" (/shared/admin "mailto:help@example.org" /shared/comment "Salvete omnes")']
                harness.eventually(lambda: wire.must('GETMETADATA "" (/shared/admin /shared/comment)') == expected, 5, "the settings")
                self.assertEqual(wire.must('GETMETADATA "" (DEPTH infinity) /shared'), expected)
        finally:
            mansio.remove()


class Listing(Case):
    def test_list_returns_the_entries_of_each_mailbox(self):
        self.assertIn(b"LIST-METADATA", self.one.must("CAPABILITY")[0].split())
        self.one.must("CREATE colours")
        self.one.must('SETMETADATA colours (/shared/colour "#b71c1c" /private/comment "warm")')
        self.one.must('SETMETADATA Sent (/shared/colour "#000000")')
        lines = self.two.must('LIST "" % RETURN (METADATA ("/shared/colour" "/private/comment"))')
        self.assertIn(b'* METADATA "colours" (/shared/colour "#b71c1c" /private/comment "warm")', lines)
        self.assertIn(b'* METADATA "Sent" (/shared/colour "#000000" /private/comment NIL)', lines)
        self.assertIn(b'* METADATA "INBOX" (/shared/colour NIL /private/comment NIL)', lines)
        lines = self.two.must('LIST "" colours RETURN (SUBSCRIBED METADATA (/shared/colour) STATUS (MESSAGES))')
        self.assertEqual(lines, [b'* LIST (\\HasNoChildren \\Subscribed) "/" "colours"', b'* STATUS "colours" (MESSAGES 0)',
                                 b'* METADATA "colours" (/shared/colour "#b71c1c")'])  # fmt: skip
        self.refused('LIST "" % RETURN (METADATA ())', "BAD")


if __name__ == "__main__":
    unittest.main()
