"""Long random command sequences of three sessions against a simple model of the mailbox.

The model knows what the mailbox holds; each session's mirror is built from nothing but what the server told it. After every
command the mirror must have been told consistently, and after a NOOP it must be the model. The seed is in the failure;
MANSIO_TEST_SEED repeats it.
"""

import os
import random
import re
import unittest

import harness

STEPS = int(os.environ.get("MANSIO_TEST_STEPS", "400"))
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "$Junk", "work", "later"]


class Mirror:
    """What one session was told: message n is numbers[n - 1]; the flags of those it was told about."""

    def __init__(self, wire):
        self.wire, self.size, self.uids, self.flags = wire, 0, {}, {}

    def take(self, lines):
        for line in lines:
            words = line.split()
            if words[2:3] == [b"EXPUNGE"] or words[-1] == b"EXPUNGE":
                self.expunge(int(words[1]))
            elif words[-1] == b"EXISTS":
                assert int(words[1]) >= self.size, f"EXISTS {words[1]} lowers {self.size}"
                self.size = int(words[1])
            elif words[2:3] == [b"FETCH"]:
                self.fetch(int(words[1]), line)

    def expunge(self, number):
        assert 1 <= number <= self.size, f"EXPUNGE {number} of {self.size}"
        for table in (self.uids, self.flags):
            moved = {n - 1 if n > number else n: value for n, value in table.items() if n != number}
            table.clear()
            table.update(moved)
        self.size -= 1

    def fetch(self, number, line):
        assert 1 <= number <= self.size, f"FETCH {number} of {self.size}"
        uid, flags = re.search(rb"UID (\d+)", line), re.search(rb"FLAGS \((.*?)\)", line)
        if uid:
            assert self.uids.setdefault(number, int(uid[1])) == int(uid[1]), f"message {number} has another UID"
        if flags:
            self.flags[number] = set(flags[1].decode().split()) - {"\\Recent"}

    def state(self):
        return {self.uids[n]: self.flags[n] for n in range(1, self.size + 1)}


class Model(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.messages, self.next_uid = {}, 1  # UID -> flags
        self.random = None

    def open(self):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        mirror = Mirror(wire)
        mirror.take(wire.must("SELECT INBOX"))
        mirror.take(wire.must("UID FETCH 1:* FLAGS"))
        return mirror

    def some(self, mirror):
        """A sequence set of UIDs as the session knows them, and the UIDs that are still there."""
        known = sorted(mirror.uids.values())
        chosen = self.random.sample(known, min(len(known), self.random.choice([1, 1, 2, 5])))
        if known and self.random.random() < 0.2:
            chosen = [uid for uid in known if uid >= self.random.choice(known)]
        return ",".join(map(str, chosen)) or "4000000000", [uid for uid in chosen if uid in self.messages]

    # ---- what sessions do; each returns the untagged responses ----

    def append(self, mirror):
        flags = self.random.sample(FLAGS, self.random.choice([0, 0, 1, 3]))
        reply, untagged = mirror.wire.append("INBOX", b"Subject: model\r\n\r\nx\r\n", f"({' '.join(flags)}) ")
        assert f" {self.next_uid}]" in reply, reply
        self.messages[self.next_uid] = set(flags)
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
        silent = self.random.random() < 0.4
        for uid in there:
            before = self.messages[uid]
            self.messages[uid] = set(flags) if how == "" else before | flags if how == "+" else before - flags
        untagged = mirror.wire.must(f"UID STORE {uids} {how}FLAGS{'.SILENT' if silent else ''} ({' '.join(flags)})")
        if silent:  # the client works out the result by itself
            for number, uid in mirror.uids.items():
                if uid in there and number in mirror.flags:
                    before = mirror.flags[number]
                    mirror.flags[number] = set(flags) if how == "" else before | flags if how == "+" else before - flags
        return untagged

    def store_by_number(self, mirror):
        if not mirror.size:
            return []
        number, flag = self.random.randint(1, mirror.size), self.random.choice(FLAGS)
        uid = mirror.uids.get(number)
        reply, untagged = mirror.wire.run(f"STORE {number} +FLAGS ({flag})")
        assert not any(line.endswith(b"EXPUNGE") for line in untagged), "EXPUNGE during STORE"
        if uid in self.messages:
            assert reply.startswith("OK"), reply
            self.messages[uid] = self.messages[uid] | {flag}
        elif uid:
            assert reply.startswith("NO [EXPUNGEISSUED]"), reply
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
            mirror.take(mirror.wire.must(f"FETCH {','.join(map(str, missing))} (UID FLAGS)"))

    def run_sequence(self, seed):
        self.random = random.Random(seed)
        acts = [self.append] * 3 + [self.store] * 6 + [self.store_by_number] * 3 + [self.expunge, self.uid_expunge, self.copy, self.move_away] + \
               [self.search] * 2 + [self.fetch_body, self.idle, self.noop, self.deliver]  # fmt: skip
        mirrors = [self.open() for _ in range(3)]
        for step in range(STEPS):
            which = self.random.randrange(3)
            act = self.random.choice(acts)
            with self.subTest(seed=seed, step=step, session=which, act=act.__name__):
                mirror = mirrors[which]
                mirror.take(act(mirror))
                mirror.take(mirror.wire.must("NOOP"))
                self.know_all(mirror)
                self.assertEqual(mirror.state(), self.messages)
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
