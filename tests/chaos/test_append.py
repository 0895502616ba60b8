"""kill -9 of imapd and of PostgreSQL while messages are appended: what was acknowledged is there, once and whole."""

import random
import re
import threading
import unittest

import harness

SECONDS_A_ROUND = 1.5


class Appending(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.private()
        self.addCleanup(self.mansio.remove)
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.acknowledged, self.sent, self.lock, self.stop = set(), set(), threading.Lock(), threading.Event()

    def message(self, number):
        return b"Subject: number %d\r\n\r\n" % number + b"%08d\r\n" % number * (number % 700)

    def act(self, first):
        """Appends messages with numbers of its own until told to stop; comes back after each interruption."""
        number = first
        while not self.stop.is_set():
            try:
                with harness.ImapWire(self.mansio, self.livia, timeout=20) as wire:
                    while not self.stop.is_set():
                        number += 10
                        with self.lock:
                            self.sent.add(number)
                        if wire.append("INBOX", self.message(number), "(\\Flagged) ")[0].startswith("OK"):
                            with self.lock:
                                self.acknowledged.add(number)
            except (OSError, EOFError, AssertionError):
                self.stop.wait(0.1)

    def test_what_was_acknowledged_is_there_once_and_whole(self):
        threads = [threading.Thread(target=self.act, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for victim in ("imapd", "postgres", "imapd"):
            self.stop.wait(SECONDS_A_ROUND + random.random())
            self.mansio.kill(victim)
            self.mansio.wait_for_port("imaps")
        self.stop.wait(SECONDS_A_ROUND)
        self.stop.set()
        for thread in threads:
            thread.join()
        self.assertGreater(len(self.acknowledged), 20)
        self.check()

    def check(self):
        def ready():
            wire = harness.ImapWire(self.mansio, self.livia)
            self.addCleanup(wire.close)
            wire.must("SELECT INBOX")
            return wire

        wire = harness.eventually(ready, 30, "the server")
        found = []
        for line in wire.must("FETCH 1:* (FLAGS BODY.PEEK[])"):
            match = re.search(rb"\{(\d+)\}\r\n(Subject: number (\d+)\r\n.*)\)$", line, re.S)
            self.assertEqual(match[2], self.message(int(match[3])), "a message is not whole")
            self.assertIn(b"\\Flagged", line)
            found.append(int(match[3]))
        self.assertEqual(len(found), len(set(found)), "something is there twice")
        self.assertEqual(self.acknowledged - set(found), set(), "acknowledged, and not there")
        self.assertEqual(set(found) - self.sent, set())
        self.assertIn(b"MESSAGES %d)" % len(found), wire.must("STATUS INBOX (MESSAGES)")[0])


if __name__ == "__main__":
    unittest.main()
