"""Long random command sequences of several sessions against a simple model of the mailbox.

The model knows what the mailbox holds; each session's mirror is built from nothing but what the server told it. After every
command the mirror must have been told consistently, and after a NOOP it must be the model. Some of the sessions use QRESYNC: they
also go away with what they know and come back for what they missed, which must be exactly that. Mod-sequences only grow.
The seed is in the failure; MANSIO_TEST_SEED repeats it.
"""

import os
import random
import re
import unittest

import harness

STEPS = int(os.environ.get("MANSIO_TEST_STEPS", "400"))
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "$Junk", "work", "later"]


def numbers(text):
    """The members of a sequence set."""
    found = []
    for part in text.decode().split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


class Mirror:
    """What one session was told: message n is numbers[n - 1]; the flags of those it was told about, and their mod-sequences."""

    def __init__(self, wire, qresync=False):
        self.wire, self.qresync, self.size, self.uids, self.flags, self.modseq = wire, qresync, 0, {}, {}, {}
        self.highest, self.validity, self.vanished, self.earlier = 0, None, [], []

    def take(self, lines):
        for line in lines:
            words = line.split()
            if words[2:3] == [b"EXPUNGE"]:
                assert not self.qresync, "EXPUNGE where VANISHED was asked for"
                self.expunge(int(words[1]))
            elif words[1:2] == [b"VANISHED"]:
                self.vanish(line)
            elif words[-1] == b"EXISTS":
                assert int(words[1]) >= self.size, f"EXISTS {words[1]} lowers {self.size}"
                self.size = int(words[1])
            elif words[2:3] == [b"FETCH"]:
                self.fetch(int(words[1]), line)
            elif match := re.search(rb"\[HIGHESTMODSEQ (\d+)\]", line):
                assert int(match[1]) >= self.highest, "the highest mod-sequence went down"
                self.highest = int(match[1])

    def expunge(self, number):
        assert 1 <= number <= self.size, f"EXPUNGE {number} of {self.size}"
        for table in (self.uids, self.flags, self.modseq):
            moved = {n - 1 if n > number else n: value for n, value in table.items() if n != number}
            table.clear()
            table.update(moved)
        self.size -= 1

    def vanish(self, line):
        earlier, uids = re.search(rb"VANISHED (\(EARLIER\) )?([\d:,]+)", line).groups()
        if earlier:
            self.earlier += numbers(uids)
            return
        assert self.qresync, "VANISHED where nobody asked for it"
        for uid in numbers(uids):
            number = next((n for n, known in self.uids.items() if known == uid), None)
            assert number, f"VANISHED {uid}, which was never there or is gone already"
            self.expunge(number)

    def fetch(self, number, line):
        assert 1 <= number <= self.size, f"FETCH {number} of {self.size}"
        uid, flags, modseq = (re.search(pattern, line) for pattern in (rb"UID (\d+)", rb"FLAGS \((.*?)\)", rb"MODSEQ \((\d+)\)"))
        if uid:
            assert self.uids.setdefault(number, int(uid[1])) == int(uid[1]), f"message {number} has another UID"
        if flags:
            self.flags[number] = set(flags[1].decode().split()) - {"\\Recent"}
        if modseq:
            assert int(modseq[1]) >= self.modseq.get(number, 0), f"the mod-sequence of message {number} went down"
            self.modseq[number] = int(modseq[1])

    def state(self):
        return {self.uids[n]: self.flags[n] for n in range(1, self.size + 1)}


class Model(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.messages, self.next_uid = {}, 1  # UID -> flags
        self.modseq = 0  # the greatest that was seen of a change
        self.random, self.judge, self.mirrors = None, None, []

    def open(self, qresync=False):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        mirror = Mirror(wire, qresync)
        if qresync:
            wire.must("ENABLE QRESYNC")
        lines = wire.must("SELECT INBOX")
        mirror.validity = next(int(match[1]) for line in lines if (match := re.search(rb"UIDVALIDITY (\d+)", line)))
        mirror.take(lines)
        mirror.take(wire.must("UID FETCH 1:* FLAGS"))
        return mirror

    def some(self, mirror):
        """A sequence set of UIDs as the session knows them, and the UIDs that are still there."""
        known = sorted(mirror.uids.values())
        chosen = self.random.sample(known, min(len(known), self.random.choice([1, 1, 2, 5])))
        if known and self.random.random() < 0.2:
            chosen = [uid for uid in known if uid >= self.random.choice(known)]
        return ",".join(map(str, chosen)) or "4000000000", [uid for uid in chosen if uid in self.messages]

    def grown(self, uids):
        """The messages were changed: their mod-sequences are greater than all before. Asked for in a session that says so."""
        there = [uid for uid in uids if uid in self.messages]
        if not there:
            return
        values = self.modseqs(",".join(map(str, there)))
        assert set(there) <= set(values), f"{values} for {there}"
        assert min(values[uid] for uid in there) > self.modseq, f"mod-sequences {values} after {self.modseq}"
        self.modseq = max(values[uid] for uid in there)

    def modseqs(self, uids):
        """UID -> mod-sequence."""
        lines = self.judge.must(f"UID FETCH {uids} (MODSEQ)") if self.messages else []
        matches = [re.search(rb"UID (\d+).* MODSEQ \((\d+)\)", line) for line in lines if b"MODSEQ" in line]
        return {int(match[1]): int(match[2]) for match in matches}

    # ---- what sessions do; each returns the untagged responses ----

    def append(self, mirror):
        flags = self.random.sample(FLAGS, self.random.choice([0, 0, 1, 3]))
        reply, untagged = mirror.wire.append("INBOX", b"Subject: model\r\n\r\nx\r\n", f"({' '.join(flags)}) ")
        assert f" {self.next_uid}]" in reply, reply
        self.messages[self.next_uid] = set(flags)
        self.grown([self.next_uid])
        self.next_uid += 1
        return untagged

    def append_several(self, mirror):
        text, flag = b"Subject: model\r\n\r\nx\r\n", self.random.choice(FLAGS)
        wanted = self.random.choice([2, 3])
        more = b"".join(b" (%s) {%d+}\r\n%s" % (flag.encode(), len(text), text) for _ in range(wanted))
        reply, untagged = mirror.wire.run(b"APPEND INBOX" + more)
        assert f" {self.next_uid}:{self.next_uid + wanted - 1}]" in reply, reply
        self.messages |= {self.next_uid + n: {flag} for n in range(wanted)}
        self.grown(range(self.next_uid, self.next_uid + wanted))
        self.next_uid += wanted
        return untagged

    def replace(self, mirror):
        known = [uid for uid in mirror.uids.values() if uid in self.messages]
        if not known:
            return []
        uid, text, flag = self.random.choice(known), b"Subject: instead\r\n\r\nx\r\n", self.random.choice(FLAGS)
        reply, untagged = mirror.wire.run(b"UID REPLACE %d INBOX (%s) {%d+}\r\n%s" % (uid, flag.encode(), len(text), text))
        assert reply.startswith("OK"), reply
        del self.messages[uid]
        self.messages[self.next_uid] = {flag}
        self.grown([self.next_uid])
        self.next_uid += 1
        return untagged

    def deliver(self, mirror):
        before = mirror.wire.must("NOOP")
        self.mansio.send("x@outside.test", self.livia.address)
        self.messages[self.next_uid] = set()
        self.next_uid += 1
        untagged = []

        def told():
            untagged.extend(mirror.wire.must("NOOP"))
            return any(line.endswith(b" EXISTS") for line in untagged)

        harness.eventually(told, 5, "the delivery's announcement")
        return before + untagged

    def store(self, mirror):
        uids, there = self.some(mirror)
        how, flags = self.random.choice(["", "+", "-"]), set(self.random.sample(FLAGS, self.random.choice([1, 2])))
        silent, others = self.random.random() < 0.4, dict(self.messages)
        for uid in there:
            before = self.messages[uid]
            self.messages[uid] = set(flags) if how == "" else before | flags if how == "+" else before - flags
        untagged = mirror.wire.must(f"UID STORE {uids} {how}FLAGS{'.SILENT' if silent else ''} ({' '.join(flags)})")
        self.grown([uid for uid in there if self.messages[uid] != others[uid]])
        if silent:  # the client works out the result by itself
            for number, uid in mirror.uids.items():
                if uid in there and number in mirror.flags:
                    before = mirror.flags[number]
                    mirror.flags[number] = set(flags) if how == "" else before | flags if how == "+" else before - flags
        return untagged

    def store_unless_changed(self, mirror):
        """Only what nobody has changed since this session heard of it (RFC 7162 section 3.1.3)."""
        if not mirror.qresync or not mirror.modseq:
            return []
        number = self.random.choice(sorted(mirror.modseq))
        uid, since, flag = mirror.uids[number], mirror.modseq[number], self.random.choice(FLAGS)
        modseq = self.modseqs(uid).get(uid, 0)
        reply, untagged = mirror.wire.run(f"UID STORE {uid} (UNCHANGEDSINCE {since}) +FLAGS ({flag})")
        assert reply.startswith("OK"), reply
        assert ("[MODIFIED" in reply) == (modseq > since), f"{reply}: has {modseq}, known was {since}"
        if uid in self.messages and modseq <= since:
            self.messages[uid] = self.messages[uid] | {flag}
        return untagged

    def store_by_number(self, mirror):
        if not mirror.size:
            return []
        number, flag = self.random.randint(1, mirror.size), self.random.choice(FLAGS)
        uid = mirror.uids.get(number)
        reply, untagged = mirror.wire.run(f"STORE {number} +FLAGS ({flag})")
        self.no_expunge(untagged)
        if uid in self.messages:
            assert reply.startswith("OK"), reply
            self.messages[uid] = self.messages[uid] | {flag}
        elif uid:
            assert reply.startswith("NO [EXPUNGEISSUED]"), reply
        return untagged

    def no_expunge(self, untagged):
        """RFC 3501 section 7.4.1."""
        assert not any(b"EXPUNGE" in line.split() or b"VANISHED" in line.split() for line in untagged), f"an expunge where none may be: {untagged}"

    def read_by_number(self, mirror):
        gone = any(uid not in self.messages for uid in mirror.uids.values())
        reply, untagged = mirror.wire.run("FETCH 1:* (UID)") if mirror.size else ("OK", [])
        assert reply.startswith("OK") or (gone and reply.startswith("NO [EXPUNGEISSUED]")), reply
        self.no_expunge(untagged)
        mirror.take(untagged)
        untagged = mirror.wire.must("SEARCH ALL")
        self.no_expunge(untagged)
        return untagged

    def expunge(self, mirror):
        for uid in [uid for uid, flags in self.messages.items() if "\\Deleted" in flags]:
            del self.messages[uid]
        return mirror.wire.must("EXPUNGE")

    def uid_expunge(self, mirror):
        uids, there = self.some(mirror)
        for uid in there:
            if "\\Deleted" in self.messages[uid]:
                del self.messages[uid]
        return mirror.wire.must(f"UID EXPUNGE {uids}")

    def copy(self, mirror):
        uids, there = self.some(mirror)
        if len(self.messages) > 60:
            return []
        for uid in sorted(there):
            self.messages[self.next_uid] = set(self.messages[uid])
            self.next_uid += 1
        return mirror.wire.must(f"UID COPY {uids} INBOX")

    def move_away(self, mirror):
        uids, there = self.some(mirror)
        for uid in there:
            del self.messages[uid]
        return mirror.wire.must(f"UID MOVE {uids} Trash")

    def search(self, mirror):
        flag = self.random.choice(["SEEN", "FLAGGED", "DELETED"])
        untagged = mirror.wire.must(f"UID SEARCH {flag}")
        found = {int(n) for n in next(line for line in untagged if line.startswith(b"* SEARCH")).split()[2:]}
        name = "\\" + flag.capitalize()
        known = set(mirror.uids.values())
        assert found == {uid for uid, flags in self.messages.items() if name in flags and uid in known}, "SEARCH is wrong"
        return untagged

    def fetch_body(self, mirror):
        uids, there = self.some(mirror)
        for uid in there:
            self.messages[uid] = self.messages[uid] | {"\\Seen"}
        return mirror.wire.must(f"UID FETCH {uids} BODY[TEXT]")

    def come_back(self, mirror):
        """Goes away for a while, and asks for what it has missed: all of that, and nothing else."""
        if not mirror.qresync:
            return []
        mirror.take(mirror.wire.must("NOOP"))
        self.know_all(mirror)
        if not mirror.size:
            return []
        known = {mirror.uids[n]: mirror.modseq.get(n) for n in range(1, mirror.size + 1)}
        if self.random.random() < 0.5:  # else it asks for more than it has missed
            mirror.highest = int(re.search(rb"HIGHESTMODSEQ (\d+)", mirror.wire.must("STATUS INBOX (HIGHESTMODSEQ)")[0])[1])
        mirror.wire.must("UNSELECT")
        if self.random.random() < 0.5:
            mirror.wire.close()
            mirror.wire = harness.ImapWire(self.mansio, self.livia)
            self.addCleanup(mirror.wire.close)
            mirror.wire.must("ENABLE QRESYNC")
        other = next(one for one in self.mirrors if one is not mirror)
        for _ in range(self.random.choice([0, 1, 3])):  # others go on
            other.take(self.random.choice([self.append, self.store, self.expunge, self.move_away])(other))
        other.take(other.wire.must("NOOP"))
        self.know_all(other)
        highest, flags = mirror.highest, {mirror.uids[n]: mirror.flags.get(n) for n in mirror.uids}
        self.judge.must("NOOP")
        expected = {uid: modseq for uid, modseq in self.modseqs("1:*").items() if modseq > highest and uid in known}
        lines = mirror.wire.must(f"SELECT INBOX (QRESYNC ({mirror.validity} {highest} {','.join(map(str, sorted(known)))}))")
        mirror.size, mirror.uids, mirror.flags, mirror.modseq, mirror.earlier = 0, {}, {}, {}, []
        mirror.take(lines)
        assert sorted(mirror.earlier) == sorted(set(known) - set(self.messages)), f"VANISHED {mirror.earlier}, gone are {set(known) - set(self.messages)}"
        told = {mirror.uids[n]: mirror.modseq[n] for n in mirror.modseq}
        assert told == expected, f"told {told}, changed were {expected} since {highest}"
        left = sorted(uid for uid in known if uid in self.messages)  # what was known of the others is still true
        for number, uid in enumerate(left, 1):
            mirror.uids[number] = uid
            if uid not in told and flags[uid] is not None:
                mirror.flags[number] = flags[uid]
            if uid not in told and known[uid]:
                mirror.modseq[number] = known[uid]
        return []

    def idle(self, mirror):
        tag = mirror.wire.start("IDLE")
        lines = []
        while not lines or not lines[-1].startswith(b"+"):
            lines.append(mirror.wire.line())
        mirror.wire.send("DONE\r\n")
        reply, untagged = mirror.wire.finish(tag)
        assert reply.startswith("OK"), reply
        return lines[:-1] + untagged

    def noop(self, mirror):
        return mirror.wire.must("NOOP")

    # ---- the whole ----

    def know_all(self, mirror):
        """Asks for what the mirror was not told."""
        missing = [n for n in range(1, mirror.size + 1) if n not in mirror.uids or n not in mirror.flags]
        if missing:
            mirror.take(mirror.wire.must(f"FETCH {','.join(map(str, missing))} (UID FLAGS{' MODSEQ' if mirror.qresync else ''})"))

    def run_sequence(self, seed):
        self.random = random.Random(seed)
        acts = [self.append] * 3 + [self.store] * 6 + [self.store_by_number] * 3 + [self.expunge, self.uid_expunge, self.copy, self.move_away] + \
               [self.search] * 2 + [self.fetch_body, self.idle, self.noop, self.deliver, self.append_several, self.replace, self.read_by_number] + \
               [self.store_unless_changed, self.come_back] * 2  # fmt: skip
        self.judge = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(self.judge.close)
        self.judge.must("EXAMINE INBOX (CONDSTORE)")
        mirrors = self.mirrors = [self.open(qresync) for qresync in (False, False, True, True)]
        for step in range(STEPS):
            which = self.random.randrange(len(mirrors))
            act = self.random.choice(acts)
            try:
                mirror = mirrors[which]
                mirror.take(act(mirror))
                mirror.take(mirror.wire.must("NOOP"))
                self.know_all(mirror)
                self.assertEqual(mirror.state(), self.messages)
            except (AssertionError, LookupError) as problem:
                raise AssertionError(f"seed {seed}, step {step}, session {which}, {act.__name__}: {problem}") from problem
        for which, mirror in enumerate(mirrors):
            with self.subTest(seed=seed, step="end", session=which):
                harness.eventually(lambda mirror=mirror: mirror.take(mirror.wire.must("NOOP")) or self.told_all(mirror), 5, "the end state")
        self.assertEqual(self.open().state(), self.messages)

    def told_all(self, mirror):
        self.know_all(mirror)
        return mirror.state() == self.messages

    def test_a_fixed_sequence(self):
        self.run_sequence(int(os.environ.get("MANSIO_TEST_SEED", "20260301")))

    def test_a_fresh_sequence(self):
        self.run_sequence(random.randrange(1 << 30))


if __name__ == "__main__":
    unittest.main()
