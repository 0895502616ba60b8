"""kill -9 of imapd and of PostgreSQL while messages are appended, moved, flagged, replaced and expunged: what was acknowledged has happened,
and what was under way has happened wholly or not at all."""

import os
import random
import re
import threading
import unittest

import harness

SECONDS_A_ROUND = float(os.environ.get("CHAOS_SECONDS", "12")) / 6
WORKERS = 4
BOXES = ("INBOX", "Archive")
GONE = "gone"


class Worker(threading.Thread):
    """Acts on messages of its own, a connection a mailbox. `truth` says of each number where it is and whether it is flagged; what a broken
    command may have made of it as well stands in `perhaps`, and such a message is left alone from then on."""

    def __init__(self, case, number, seed):
        super().__init__()
        self.case, self.next, self.random = case, number, random.Random(f"{seed}/{number}")
        self.truth, self.uid, self.perhaps, self.done = {}, {}, {}, 0
        self.problem = None

    def run(self):
        try:
            while not self.case.stop.is_set():
                wires = {}
                try:
                    for box in BOXES:
                        wires[box] = harness.ImapWire(self.case.mansio, self.case.livia, timeout=30)
                        wires[box].must(f"SELECT {box}")
                    while not self.case.stop.is_set():
                        self.act(wires)
                except (OSError, EOFError):
                    self.case.stop.wait(0.1)
                except AssertionError as refused:  # PostgreSQL is away
                    if not re.search(r"UNAVAILABLE|SERVERBUG|Temporary|temporar", str(refused)):
                        raise
                    self.case.stop.wait(0.1)
                finally:
                    for wire in wires.values():
                        wire.close()
        except BaseException as problem:  # for the test's own thread; pylint: disable=broad-exception-caught
            self.problem = problem

    def act(self, wires):
        mine = [number for number in self.truth if number not in self.perhaps and self.truth[number] != GONE]
        if len(mine) < 5 or self.random.random() < 0.3:
            self.append(wires)
        else:
            number = self.random.choice(mine)
            self.random.choice([self.flag, self.move, self.move, self.expunge, self.replace])(wires, number)
        self.done += 1

    def change(self, number, after, wire, command):
        """Runs a command that makes the message's state `after`; its tagged reply."""
        self.perhaps[number] = after
        reply, untagged = wire.run(command)
        assert reply.startswith("OK"), reply
        del self.perhaps[number]
        self.truth[number] = after
        return reply + b" ".join(untagged).decode()

    def append(self, wires):
        self.next += WORKERS
        text = self.case.message(self.next)
        self.truth[self.next] = GONE
        reply = self.change(self.next, ("INBOX", False), wires["INBOX"], f"APPEND INBOX {{{len(text)}+}}\r\n".encode() + text)
        self.uid[self.next] = re.search(r"APPENDUID \d+ (\d+)", reply)[1]

    def flag(self, wires, number):
        box, flagged = self.truth[number]
        self.change(number, (box, not flagged), wires[box], f"UID STORE {self.uid[number]} {'-' if flagged else '+'}FLAGS.SILENT (\\Flagged)")

    def move(self, wires, number):
        box, flagged = self.truth[number]
        to = BOXES[1 - BOXES.index(box)]
        reply = self.change(number, (to, flagged), wires[box], f"UID MOVE {self.uid[number]} {to}")
        moved = re.search(r"COPYUID \d+ \d+ (\d+)", reply)
        assert moved, f"number {number}, UID {self.uid[number]}, was in {box}: {reply}"
        self.uid[number] = moved[1]

    def expunge(self, wires, number):
        box, _ = self.truth[number]
        told = wires[box].must(f"UID STORE {self.uid[number]} +FLAGS (\\Deleted)")
        assert any(b"\\Deleted" in line for line in told), f"number {number}, UID {self.uid[number]} in {box}: {told}"
        reply = self.change(number, GONE, wires[box], f"UID EXPUNGE {self.uid[number]}")
        assert "EXPUNGE" in reply, f"number {number}, UID {self.uid[number]} in {box}: {reply}"

    def replace(self, wires, number):
        """By a message with the same content: there must never be two, nor none."""
        box, _ = self.truth[number]
        text = self.case.message(number)
        reply = self.change(number, (box, False), wires[box], f"UID REPLACE {self.uid[number]} {box} {{{len(text)}+}}\r\n".encode() + text)
        self.uid[number] = re.search(r"APPENDUID \d+ (\d+)", reply)[1]


class Changes(unittest.TestCase):
    def setUp(self):
        self.seed = os.environ.get("CHAOS_SEED") or str(random.SystemRandom().randrange(10**9))
        print(f"CHAOS_SEED={self.seed}")
        self.mansio = harness.private()
        self.addCleanup(self.mansio.remove)
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.stop = threading.Event()

    def message(self, number):
        return b"Subject: number %d\r\n\r\n" % number + b"%08d\r\n" % number * (number % 500)

    def test_what_was_acknowledged_has_happened_and_nothing_is_half_done(self):
        workers = [Worker(self, number, self.seed) for number in range(WORKERS)]
        for worker in workers:
            worker.start()
        for victim in ("imapd", "postgres", "imapd", "imapd", "postgres"):
            self.stop.wait(SECONDS_A_ROUND * random.random() * 2)
            self.mansio.kill(victim)
            self.mansio.wait_for_port("imaps")
        self.stop.wait(SECONDS_A_ROUND)
        self.stop.set()
        for worker in workers:
            worker.join()
            if worker.problem:
                raise worker.problem
        broken = sum(len(worker.perhaps) for worker in workers)
        print(f"{sum(worker.done for worker in workers)} changes acknowledged, {broken} broken off")
        self.assertGreater(sum(worker.done for worker in workers), 10)
        found = self.found()
        for worker in workers:
            for number, state in worker.truth.items():
                self.assertIn(found.pop(number, GONE), (state, worker.perhaps.get(number, state)), f"number {number}")
        self.assertEqual(found, {}, "nobody has made these")

    def found(self):
        """Where each message is, and whether it is flagged."""

        def ready():
            wire = harness.ImapWire(self.mansio, self.livia)
            self.addCleanup(wire.close)
            wire.must("SELECT INBOX")
            return wire

        wire, all_of = harness.eventually(ready, 60, "the server"), {}
        for box in BOXES:
            wire.must(f"SELECT {box}")
            lines = wire.must("FETCH 1:* (FLAGS BODY.PEEK[])") if wire.must(f"STATUS {box} (MESSAGES)")[0].split()[-1] != b"0)" else []
            self.assertIn(b"MESSAGES %d)" % len(lines), wire.must(f"STATUS {box} (MESSAGES)")[0])
            for line in lines:
                match = re.search(rb"\{(\d+)\}\r\n(Subject: number (\d+)\r\n.*)\)$", line, re.S)
                number = int(match[3])
                self.assertEqual(match[2], self.message(number), "a message is not whole")
                self.assertNotIn(number, all_of, "a message is there twice")
                all_of[number] = (box, b"\\Flagged" in line)
        return all_of


if __name__ == "__main__":
    unittest.main()
