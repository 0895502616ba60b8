"""A message replaced by another one (REPLACE, RFC 8508)."""

import re
import unittest

import harness

OLD = b"Subject: draft\r\n\r\nfirst version\r\n"
NEW = b"Subject: draft\r\n\r\nsecond version\r\n"


class Replacing(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.wire = self.session()
        for i in range(3):
            self.wire.append("Drafts", OLD + b"%d\r\n" % i)
        self.wire.must("SELECT Drafts")

    def replace(self, which, *arguments, wire=None):
        return (wire or self.wire).run(which.encode() + b"".join(b" " + a for a in arguments))

    def literal(self, data, kind=b""):
        return kind + b"{%d+}\r\n" % len(data) + data

    def uids(self, mailbox="Drafts"):
        with self.session() as wire:
            wire.must(f"EXAMINE {mailbox}")
            return [int(n) for n in wire.must("UID SEARCH ALL")[0].split()[2:]]

    def usage(self):
        """What counts against the quota, and the messages that can be brought back."""
        local, domain = self.livia.address.split("@")
        return self.mansio.sql(
            "SELECT u.bytes, u.messages, (SELECT count(*) FROM removed_message r WHERE r.account_id = a.id)"
            f" FROM account a JOIN domain d ON d.id = a.domain_id JOIN account_usage u ON u.account_id = a.id WHERE a.local_part = '{local}' AND d.name = '{domain}'"
        )[0]

    def test_in_the_same_mailbox(self):
        reply, untagged = self.replace("REPLACE 2 Drafts (\\Draft)", self.literal(NEW))
        self.assertTrue(reply.startswith("OK"), reply)
        self.assertRegex(untagged[0].decode(), r"^\* OK \[APPENDUID \d+ 4\]")
        self.assertIn(b"* 2 EXPUNGE", untagged)
        self.assertIn(b"* 3 EXISTS", untagged)
        self.assertEqual(self.uids(), [1, 3, 4])
        answer = self.wire.must("FETCH 3 (FLAGS BODY.PEEK[])")[0]
        self.assertIn(NEW, answer)
        self.assertIn(b"\\Draft", answer)

    def test_by_uid_into_another_mailbox(self):
        reply, untagged = self.replace("UID REPLACE 3 Sent (\\Seen)", self.literal(NEW))
        self.assertTrue(reply.startswith("OK"), reply)
        self.assertRegex(untagged[0].decode(), r"^\* OK \[APPENDUID \d+ 1\]")
        self.assertEqual([line for line in untagged if b"EXPUNGE" in line or b"EXISTS" in line], [b"* 3 EXPUNGE"])
        self.assertEqual((self.uids(), self.uids("Sent")), ([1, 2], [1]))
        status = self.wire.must("STATUS Sent (MESSAGES UNSEEN)")[0] + self.wire.must("STATUS Drafts (MESSAGES UNSEEN SIZE)")[0]
        self.assertIn(b"MESSAGES 1 UNSEEN 0", status)
        self.assertIn(b"MESSAGES 2 UNSEEN 2 SIZE %d" % (2 * len(OLD) + 6), status)

    def test_others_see_the_new_one_come_and_the_old_one_go(self):
        other = self.session()
        other.must("ENABLE QRESYNC")
        other.must("SELECT Drafts")
        before = int(re.search(rb"HIGHESTMODSEQ (\d+)", self.wire.must("STATUS Drafts (HIGHESTMODSEQ)")[0])[1])
        self.replace("UID REPLACE 1 Drafts", self.literal(NEW))
        seen = other.must("NOOP")
        self.assertIn(b"* VANISHED 1", seen)
        self.assertIn(b"* 3 EXISTS", seen)
        after = other.must(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {before} VANISHED)")
        self.assertIn(b"* VANISHED (EARLIER) 1", after)
        self.assertEqual(sum(b"FETCH" in line for line in after), 1)

    def test_what_others_expunged_can_not_be_replaced_and_nothing_is_added(self):
        other = self.session()
        other.must("SELECT Drafts")
        other.must("STORE 2 +FLAGS (\\Deleted)")
        other.must("EXPUNGE")
        reply, untagged = self.replace("REPLACE 2 Drafts", self.literal(NEW))
        self.assertTrue(reply.startswith("NO [EXPUNGEISSUED]"), reply)
        self.assertEqual(self.uids(), [1, 3])
        self.assertTrue(self.replace("UID REPLACE 2 Drafts", self.literal(NEW))[0].startswith("NO"))
        self.assertEqual(self.uids(), [1, 3])

    def test_two_sessions_that_replace_the_same_message_make_one(self):
        other = self.session()
        other.must("SELECT Drafts")
        tags = [(wire, wire.start(b"UID REPLACE 2 Drafts " + self.literal(NEW))) for wire in (self.wire, other)]
        replies = sorted(wire.finish(tag)[0][:2] for wire, tag in tags)
        self.assertEqual(replies, ["NO", "OK"])
        self.assertEqual(len(self.uids()), 3)

    def test_wrong_messages_and_mailboxes(self):
        for which, answer in (("REPLACE 4 Drafts", "BAD"), ("REPLACE 0 Drafts", "BAD"), ("UID REPLACE 99 Drafts", "NO [NONEXISTENT]"), ("REPLACE 1:2 Drafts", "BAD"), ("UID REPLACE * Drafts", "BAD"), ("REPLACE 1 nowhere", "NO [TRYCREATE]")):
            self.assertTrue(self.replace(which, self.literal(NEW))[0].startswith(answer), which)
        for rest in (self.literal(b""), self.literal(b"a\0b"), self.literal(NEW) + b" " + self.literal(NEW), b"(\\x) " + self.literal(NEW), b"x"):
            self.assertRegex(self.replace("REPLACE 1 Drafts", rest)[0], "^(NO|BAD) ")
        self.assertEqual(self.uids(), [1, 2, 3])
        with self.session() as wire:
            self.assertTrue(self.replace("REPLACE 1 Drafts", self.literal(b"x" * 100000), wire=wire)[0].startswith("BAD"))
            wire.must("EXAMINE Drafts")
            self.assertTrue(self.replace("REPLACE 1 Drafts", self.literal(NEW), wire=wire)[0].startswith("NO"))
            wire.must("UNSELECT")
            self.assertTrue(wire.run('REPLACE 1 Drafts CATENATE (URL "/Drafts/;UID=1")')[0].startswith("BAD"))
        self.assertEqual(self.uids(), [1, 2, 3])

    def test_a_refusal_comes_before_the_message_is_sent(self):
        tag = self.wire.start("UID REPLACE 99 Drafts {1000}")
        self.assertTrue(self.wire.finish(tag)[0].startswith("NO"))
        tag = self.wire.start(f"REPLACE * Drafts {{{len(NEW)}}}")
        self.assertTrue(self.wire.line().startswith(b"+"))
        self.wire.send(NEW + b"\r\n")
        self.assertTrue(self.wire.finish(tag)[0].startswith("OK"))
        self.assertEqual(self.uids(), [1, 2, 4])

    def test_a_draft_is_edited_without_sending_it_again(self):
        reply, _ = self.replace("UID REPLACE 1 Drafts (\\Draft)", b"CATENATE (TEXT " + self.literal(b"Subject: better\r\n\r\n") + b' URL ";UID=1/;SECTION=TEXT")')
        self.assertTrue(reply.startswith("OK"), reply)
        self.assertIn(b"Subject: better\r\n\r\nfirst version\r\n0\r\n", self.wire.must("FETCH 3 BODY.PEEK[]")[0])
        reply, _ = self.replace("UID REPLACE 4 Drafts", b'CATENATE (URL "/Drafts/;UID=2")')
        self.assertTrue(reply.startswith("OK"), reply)
        self.assertEqual(self.uids(), [2, 3, 5])
        reply, _ = self.replace("UID REPLACE 5 Drafts", b'CATENATE (URL "/Drafts/;UID=1")')
        self.assertTrue(reply.startswith("NO [BADURL"), reply)
        self.assertEqual(self.uids(), [2, 3, 5])

    def test_binary_and_large_ones(self):
        large = b"Subject: large\r\nContent-Type: application/x\r\n\r\n" + bytes(range(256)) * 4000
        self.assertTrue(self.replace("REPLACE 1 Drafts", self.literal(large, b"~"))[0].startswith("OK"))
        self.assertIn(large.partition(b"\r\n\r\n")[2], self.wire.must("FETCH 3 BINARY.PEEK[1]")[0])

    def test_usage_is_what_is_there(self):
        self.replace("REPLACE 2 Drafts", self.literal(NEW * 10))
        self.replace("REPLACE 1 Sent", self.literal(NEW))
        size = len(OLD) + 3 + 11 * len(NEW)
        self.assertEqual([int(n) for n in self.usage().split("|")], [size, 3, 2])

    def test_a_shorter_one_fits_where_the_quota_is_reached(self):
        self.wire.append("Drafts", b"Subject: big\r\n\r\n" + b"x" * 20000)
        self.mansio.command("account", "set", self.livia.address, "--quota", "10k")
        harness.eventually(lambda: self.wire.append("Drafts", OLD)[0].startswith("NO [OVERQUOTA]"), 5, "the quota")
        self.assertTrue(self.replace("UID REPLACE 4 Drafts", self.literal(b"Subject: bigger\r\n\r\n" + b"x" * 30000))[0].startswith("NO [OVERQUOTA]"))
        self.assertIn(4, self.uids())
        self.assertTrue(self.replace("UID REPLACE 4 Drafts", self.literal(b"Subject: smaller\r\n\r\n" + b"x" * 15000))[0].startswith("OK"))
        self.assertNotIn(4, self.uids())

    def test_with_uidonly_there_are_no_numbers(self):
        with self.session() as wire:
            wire.must("ENABLE UIDONLY")
            wire.must("SELECT Drafts")
            self.assertTrue(self.replace("REPLACE 1 Drafts", self.literal(NEW), wire=wire)[0].startswith("BAD [UIDREQUIRED]"))
            reply, untagged = self.replace("UID REPLACE 1 Drafts", self.literal(NEW), wire=wire)
            self.assertTrue(reply.startswith("OK"), reply)
            self.assertIn(b"* VANISHED 1", untagged)

    def test_numbers_of_pipelined_commands_hold(self):
        self.wire.send(b"a REPLACE 1 Drafts " + self.literal(NEW) + b"\r\nb FETCH 1 (UID)\r\n")
        lines = []
        while not lines or not lines[-1].startswith(b"b "):
            lines.append(self.wire.line())
        self.assertIn(b"* 1 EXPUNGE", lines)
        self.assertIn(b"* 1 FETCH (UID 2)", lines)


if __name__ == "__main__":
    unittest.main()
