"""Mod-sequences and quick resynchronisation (RFC 7162): what changed since is told exactly, to each session in its way."""

import random
import re
import unittest

import harness

MESSAGE = b"Subject: x\r\n\r\nbody\r\n"


def number(pattern, text):
    found = re.search(pattern, text if isinstance(text, bytes) else text.encode())
    assert found, f"no {pattern} in {text}"
    return int(found[1])


def modseq(line):
    return number(rb"MODSEQ \((\d+)\)", line)


def uids(text):
    """A set of UIDs as the wire has it."""
    out = set()
    for piece in text.decode().split(","):
        first, _, last = piece.partition(":")
        out |= set(range(int(first), int(last or first) + 1))
    return out


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.one, self.two = self.session(), self.session()

    def fill(self, count=5):
        for _ in range(count):
            assert self.one.append("INBOX", MESSAGE)[0].startswith("OK")

    def select(self, wire, more=""):
        """(uidvalidity, highestmodseq, all untagged responses)."""
        got = wire.must(f"SELECT INBOX{more}")
        return number(rb"UIDVALIDITY (\d+)", b"\n".join(got)), number(rb"HIGHESTMODSEQ (\d+)", b"\n".join(got)), got

    def modseqs(self, wire, which="1:*"):
        got = wire.must(f"UID FETCH {which} (MODSEQ)")
        return {number(rb"UID (\d+)", line): number(rb"MODSEQ \((\d+)\)", line) for line in got if b" FETCH " in line}


class Condstore(Case):
    def test_capability_and_enable_name_it(self):
        self.assertIn(b" CONDSTORE QRESYNC", self.one.must("CAPABILITY")[0])
        self.assertEqual(self.one.must("ENABLE CONDSTORE X-NONE"), [b"* ENABLED CONDSTORE"])
        self.assertEqual(self.two.must("ENABLE QRESYNC"), [b"* ENABLED CONDSTORE QRESYNC"])

    def test_each_change_has_a_greater_mod_sequence_and_status_tells_the_highest(self):
        self.fill(3)
        _, highest, _ = self.select(self.one)
        for _ in range(3):
            self.one.must("STORE 2 +FLAGS (\\Flagged)")
            self.one.must("STORE 2 -FLAGS (\\Flagged)")
            now = number(rb"HIGHESTMODSEQ (\d+)", self.two.must("STATUS INBOX (HIGHESTMODSEQ)")[0])
            self.assertEqual(now, highest + 2)
            highest = now
        self.assertEqual(self.modseqs(self.two if self.select(self.two) else None)[2], highest)

    def test_flags_come_with_modseq_once_a_session_has_asked_for_one(self):
        self.fill(1)
        self.select(self.one), self.select(self.two, " (CONDSTORE)")
        self.assertNotIn(b"MODSEQ", self.one.must("STORE 1 +FLAGS (\\Seen)")[0])
        told = [line for line in self.two.must("NOOP") if b"FETCH" in line]
        self.assertEqual(len(told), 1)
        self.assertRegex(told[0], rb"^\* 1 FETCH \(FLAGS \(.*\\Seen.*\) MODSEQ \(\d+\)\)$")
        self.one.must("FETCH 1 (MODSEQ)")
        self.assertIn(b"MODSEQ", self.one.must("STORE 1 -FLAGS (\\Seen)")[0])

    def test_reading_a_body_tells_the_new_mod_sequence(self):
        self.fill(1)
        self.select(self.one, " (CONDSTORE)")
        before = self.modseqs(self.one)[1]
        got = self.one.must("FETCH 1 (BODY[])")
        self.assertEqual(number(rb"MODSEQ \((\d+)\)", got[0]), before + 1)
        self.assertEqual(self.modseqs(self.one)[1], before + 1)

    def test_changedsince_tells_only_what_changed_after(self):
        self.fill(5)
        _, since, _ = self.select(self.one)
        self.select(self.two)
        self.two.must("STORE 2,4 +FLAGS (\\Answered)")
        got = self.one.must(f"FETCH 1:* (FLAGS) (CHANGEDSINCE {since})")
        fetched = [line for line in got if b"FETCH" in line and b"MODSEQ" in line]
        self.assertEqual(sorted({number(rb"\* (\d+) FETCH", line) for line in fetched}), [2, 4])
        self.assertTrue(all(number(rb"MODSEQ \((\d+)\)", line) > since for line in fetched))
        self.assertEqual([l for l in self.one.must(f"UID FETCH 1:* (UID) (CHANGEDSINCE {since + 1})") if b"FETCH" in l], [])

    def test_a_store_is_refused_for_messages_that_others_changed(self):
        self.fill(4)
        _, since, _ = self.select(self.one)
        self.select(self.two)
        self.two.must("STORE 2:3 +FLAGS (theirs)")
        ok, got = self.one.run(f"STORE 1:4 (UNCHANGEDSINCE {since}) +FLAGS.SILENT (mine)")
        self.assertTrue(ok.startswith("OK [MODIFIED 2:3]"), ok)
        flags = {number(rb"\* (\d+) FETCH", l): l for l in self.two.must("FETCH 1:* (FLAGS)") if b" FETCH " in l}
        self.assertEqual(sorted(n for n, l in flags.items() if b"mine" in l), [1, 4])
        told = {number(rb"\* (\d+) FETCH", l) for l in got if b"MODSEQ" in l}
        self.assertTrue({1, 4} <= told, got)
        ok, _ = self.one.run("UID STORE 1:4 (UNCHANGEDSINCE 0) +FLAGS (never)")
        self.assertTrue(ok.startswith("OK [MODIFIED 1:4]"), ok)
        self.assertNotIn(b"never", b"".join(self.two.must("FETCH 1:* (FLAGS)")))

    def test_two_sessions_count_up_without_losing_one(self):
        """Each takes the number in a keyword one further by a conditional STORE, again and again."""
        self.fill(1)
        self.select(self.one), self.select(self.two)
        self.one.must("STORE 1 FLAGS (n0)")
        for turn in range(20):
            wire, other = (self.one, self.two) if turn % 2 else (self.two, self.one)
            seen = other.must("FETCH 1 (FLAGS MODSEQ)")[-1]
            wire.must("NOOP")
            mine = wire.must("FETCH 1 (FLAGS MODSEQ)")[-1]
            n = number(rb"\bn(\d+)", mine)
            ok, _ = wire.run(f"STORE 1 (UNCHANGEDSINCE {modseq(mine)}) FLAGS (n{n + 1})")
            self.assertEqual(ok, "OK Stored")
            ok, _ = other.run(f"STORE 1 (UNCHANGEDSINCE {modseq(seen)}) FLAGS (n{n + 1})")
            self.assertTrue(ok.startswith("OK [MODIFIED 1]"), ok)
        self.assertIn(b"n20", self.one.must("FETCH 1 (FLAGS)")[-1])

    def test_search_by_mod_sequence(self):
        self.fill(4)
        _, since, _ = self.select(self.one)
        self.one.must("STORE 3 +FLAGS (\\Draft)")
        self.one.must("STORE 1 +FLAGS (\\Draft)")
        self.assertEqual(self.one.must(f"SEARCH MODSEQ {since + 1}")[-1], b"* SEARCH 1 3 (MODSEQ %d)" % (since + 2))
        self.assertEqual(self.one.must(f'SEARCH MODSEQ "/flags/\\\\draft" all {since + 2}')[-1], b"* SEARCH 1 (MODSEQ %d)" % (since + 2))
        got = self.one.must(f"SEARCH RETURN (MAX) MODSEQ {since}")[-1]
        self.assertRegex(got, rb"^\* ESEARCH \(TAG \"t\d+\"\) MAX 4 MODSEQ %d$" % self.modseqs(self.one)[4])
        self.assertEqual(self.one.must(f"SEARCH MODSEQ {since + 9}")[-1], b"* SEARCH")

    def test_wrong_forms_are_bad(self):
        self.fill(1)
        self.select(self.one)
        for command in (
            "SELECT INBOX (QRESYNC (1 2))", "FETCH 1 FLAGS (VANISHED)", "FETCH 1 FLAGS (CHANGEDSINCE x)", "SEARCH MODSEQ",
            "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "STORE 1 (UNCHANGEDSINCE) FLAGS (x)", "STORE 1 (OTHER 1) FLAGS (x)",
            "SELECT INBOX (UNKNOWN)", "SELECT INBOX ()", "FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
        ):  # fmt: skip
            self.assertTrue(self.one.run(command)[0].startswith("BAD"), command)


class Qresync(Case):
    def test_expunges_are_told_by_uid(self):
        self.fill(6)
        self.one.must("ENABLE QRESYNC")
        self.select(self.one), self.select(self.two)
        self.two.must("STORE 2:4,6 +FLAGS.SILENT (\\Deleted)")
        expunged = self.two.must("EXPUNGE")
        self.assertEqual([line for line in expunged if b"EXPUNGE" in line], [b"* 2 EXPUNGE"] * 3 + [b"* 3 EXPUNGE"])
        told = self.one.must("NOOP")
        self.assertIn(b"* VANISHED 2:4,6", told)
        self.assertFalse([line for line in told if b"EXPUNGE" in line])
        self.one.must("UID STORE 5 +FLAGS.SILENT (\\Deleted)")
        ok, told = self.one.run("EXPUNGE")
        self.assertIn(b"* VANISHED 5", told)
        highest = number(rb"HIGHESTMODSEQ (\d+)", self.two.must("STATUS INBOX (HIGHESTMODSEQ)")[0])
        self.assertEqual(number(rb"OK \[HIGHESTMODSEQ (\d+)\]", ok), highest)
        ok, told = self.one.run("UID MOVE 1 Trash")
        self.assertIn(b"* VANISHED 1", told)

    def test_selecting_again_tells_what_went_and_what_changed(self):
        self.fill(10)
        self.one.must("ENABLE QRESYNC")
        validity, since, _ = self.select(self.one)
        self.one.must("UNSELECT")
        self.select(self.two)
        self.two.must("STORE 3,5,9 +FLAGS.SILENT (\\Deleted)")
        self.two.must("EXPUNGE")
        self.two.must("UID STORE 4 +FLAGS (\\Flagged)")
        self.two.append("INBOX", MESSAGE)
        _, _, got = self.select(self.one, f" (QRESYNC ({validity} {since} 1:10))")
        self.assertIn(b"* VANISHED (EARLIER) 3,5,9", got)
        fetched = [line for line in got if b"FETCH" in line]
        self.assertEqual(len(fetched), 1)
        self.assertRegex(fetched[0], rb"^\* 3 FETCH \(UID 4 FLAGS \(\\Flagged\) MODSEQ \(\d+\)\)$")
        _, _, got = self.select(self.one, f" (QRESYNC ({validity} {since}))")
        self.assertEqual(got[0], b"* OK [CLOSED] Previous mailbox closed")
        self.assertEqual([number(rb"UID (\d+)", line) for line in got if b"FETCH" in line], [4, 11])
        _, now, got = self.select(self.one, f" (QRESYNC ({validity} {since} 4:8 (1:3 1:3)))")
        self.assertIn(b"* VANISHED (EARLIER) 5", got)
        _, _, got = self.select(self.one, f" (QRESYNC ({validity} {now} 1:11))")
        self.assertFalse([line for line in got if b"FETCH" in line or b"VANISHED" in line], "nothing has changed since")
        _, _, got = self.select(self.one, f" (QRESYNC ({validity + 1} {since} 1:11))")
        self.assertFalse([line for line in got if b"FETCH" in line or b"VANISHED" in line], "another UIDVALIDITY: nothing is known")

    def test_fetch_changedsince_vanished(self):
        self.fill(6)
        self.one.must("ENABLE QRESYNC")
        _, since, _ = self.select(self.one)
        self.one.must("UID STORE 2,5 +FLAGS.SILENT (\\Deleted)")
        self.one.must("UID EXPUNGE 2,5")
        self.one.must("UID STORE 3 +FLAGS.SILENT (\\Seen)")
        got = self.one.must(f"UID FETCH 1:4 (FLAGS) (CHANGEDSINCE {since} VANISHED)")
        self.assertIn(b"* VANISHED (EARLIER) 2", got)
        self.assertEqual([number(rb"UID (\d+)", line) for line in got if b" FETCH " in line], [3])

    def test_a_client_that_resynchronises_has_what_the_server_has(self):
        """A cache kept by QRESYNC alone, over many random changes by others, is the mailbox."""
        rng = random.Random(7)
        self.fill(30)
        self.one.must("ENABLE QRESYNC")
        validity, since, _ = self.select(self.one)
        cache = {}
        for line in self.one.must("UID FETCH 1:* (FLAGS)"):
            cache[number(rb"UID (\d+)", line)] = self.flags(line)
        self.select(self.two)
        for _ in range(15):
            self.one.must("UNSELECT")
            for _ in range(rng.randrange(6)):
                present = [int(n) for n in self.two.must("UID SEARCH ALL")[-1].split()[2:]]
                some = ",".join(str(u) for u in rng.sample(present, min(len(present), rng.randrange(1, 5)))) if present else "1"
                act = rng.randrange(4)
                if act == 0:
                    self.two.must(f"UID STORE {some} +FLAGS.SILENT (\\Deleted)")
                    self.two.must(f"UID EXPUNGE {some}")
                elif act == 1:
                    self.two.must(f"UID STORE {some} +FLAGS.SILENT (k{rng.randrange(3)})")
                elif act == 2:
                    self.two.must(f"UID STORE {some} FLAGS.SILENT (\\Seen)")
                else:
                    self.two.append("INBOX", MESSAGE)
            known = f" 1:{max(cache)}" if cache and rng.randrange(2) else ""
            _, since, got = self.select(self.one, f" (QRESYNC ({validity} {since}{known}))")
            for line in got:
                if line.startswith(b"* VANISHED"):
                    gone = uids(line.split()[-1])
                    for uid in gone:
                        cache.pop(uid, None)
                elif b" FETCH " in line:
                    cache[number(rb"UID (\d+)", line)] = self.flags(line)
            if known:
                for line in self.one.must(f"UID FETCH {max(cache, default=0) + 1}:* (FLAGS)"):
                    if b" FETCH " in line:
                        cache[number(rb"UID (\d+)", line)] = self.flags(line)
            truth = {number(rb"UID (\d+)", l): self.flags(l) for l in self.two.must("UID FETCH 1:* (FLAGS)") if b" FETCH " in l}
            self.assertEqual(cache, truth)

    @staticmethod
    def flags(line):
        return set(re.search(rb"FLAGS \(([^)]*)\)", line)[1].split()) - {b"\\Recent"}


if __name__ == "__main__":
    unittest.main()
