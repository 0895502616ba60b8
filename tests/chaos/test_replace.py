"""kill -9 of imapd and of PostgreSQL while drafts are replaced and messages come three at a time: a draft is there exactly once,
and of what came together all is there or nothing."""

import collections
import random
import re
import threading
import unittest

import harness

SECONDS_A_ROUND = 1.5
WRITERS = 3


class Writing(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.private()
        self.addCleanup(self.mansio.remove)
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.stop = threading.Event()
        self.acknowledged = [[] for _ in range(WRITERS)]  # versions of each one's draft
        self.together = set()  # threes that were acknowledged

    def draft(self, who, version):
        return b"Subject: draft %d version %d\r\n\r\n" % (who, version) + b"%d\r\n" % version * (version % 900)

    def three(self, who, version):
        for part in range(3):
            message = b"Subject: three %d %d %d\r\n\r\n" % (who, version, part) + b"x" * (version * 37 % 3000) + b"\r\n"
            yield b"{%d+}\r\n" % len(message) + message

    def edit(self, wire, who, version):
        """Replaces whatever version there is by this one; True: that was acknowledged."""
        wire.must("SELECT Drafts")
        uid = wire.must(f'UID SEARCH SUBJECT "draft {who} version"')[0].split()[2:]
        message = self.draft(who, version)
        if not uid:
            return version == 1 and wire.append("Drafts", message)[0].startswith("OK")
        return wire.run(b"UID REPLACE %s Drafts (\\Draft) {%d+}\r\n" % (uid[0], len(message)) + message)[0].startswith("OK")

    def write(self, who):
        version = 1
        while not self.stop.is_set():
            try:
                with harness.ImapWire(self.mansio, self.livia, timeout=20) as wire:
                    while not self.stop.is_set():
                        if self.edit(wire, who, version):
                            self.acknowledged[who].append(version)
                        version += 1
                        if wire.run(b"APPEND INBOX " + b" ".join(self.three(who, version)))[0].startswith("OK"):
                            self.together.add((who, version))
            except (OSError, EOFError, AssertionError):
                self.stop.wait(0.1)
                version += bool(self.acknowledged[who])

    def test_nothing_is_half_done(self):
        threads = [threading.Thread(target=self.write, args=(n,)) for n in range(WRITERS)]
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
        wire = harness.eventually(self.ready, 30, "the server")
        self.check_drafts(wire)
        self.check_threes(wire)

    def ready(self):
        wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(wire.close)
        wire.must("SELECT INBOX")
        return wire

    def bodies(self, wire, mailbox):
        wire.must(f"SELECT {mailbox}")
        for line in wire.must("FETCH 1:* (BODY.PEEK[])"):
            found = re.search(rb"\{(\d+)\}\r\n(.*)\)$", line, re.S)
            if found:
                self.assertEqual(len(found[2]), int(found[1]))
                yield found[2]

    def check_drafts(self, wire):
        versions = collections.defaultdict(list)
        for body in self.bodies(wire, "Drafts"):
            who, version = (int(n) for n in re.match(rb"Subject: draft (\d+) version (\d+)", body).groups())
            self.assertEqual(body, self.draft(who, version), "a draft is not whole")
            versions[who].append(version)
        for who, known in enumerate(self.acknowledged):
            self.assertGreater(len(known), 5)
            self.assertEqual(len(versions[who]), 1, f"the draft is not there exactly once: {versions[who]}")
            self.assertGreaterEqual(versions[who][0], known[-1])

    def check_threes(self, wire):
        parts = collections.defaultdict(list)
        for body in self.bodies(wire, "INBOX"):
            who, version, part = (int(n) for n in re.match(rb"Subject: three (\d+) (\d+) (\d+)", body).groups())
            parts[who, version].append(part)
        self.assertGreater(len(self.together), 10)
        self.assertEqual({key: found for key, found in parts.items() if found != [0, 1, 2]}, {}, "not all that came together")
        self.assertEqual(self.together - set(parts), set(), "acknowledged, and not there")


if __name__ == "__main__":
    unittest.main()
