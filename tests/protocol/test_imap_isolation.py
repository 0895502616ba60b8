"""Accounts side by side in one process, with the same mailbox names, numbers and UIDs and with shared caches, under load: nobody is ever
shown a byte of another one."""

import random
import re
import threading
import time
import unittest

import harness

ACCOUNTS, SECONDS, MESSAGES = 8, 8, 12


class Neighbour(threading.Thread):
    """Reads its own mailbox in every way there is, and looks whether all of it is its own."""

    def __init__(self, case, account, number):
        super().__init__()
        self.case, self.account, self.mark, self.random = case, account, b"mark%dx" % number, random.Random(number)
        self.foreign = re.compile(rb"mark(?!%dx)\d+x" % number)
        self.problem, self.read = None, 0

    def message(self, n):
        return b"From: %s <a@example.org>\r\nSubject: %s number %d\r\nMessage-ID: <%d@example.org>\r\n\r\n%s\r\n" % (
            self.mark, self.mark, n, n, (self.mark + b" ") * self.random.randint(1, 2000))  # fmt: skip

    def look(self, lines, wanted):
        whole = b"".join(lines)
        assert not self.foreign.search(whole), f"{self.mark} was shown {self.foreign.search(whole)[0]}"
        assert whole.count(self.mark) >= wanted, f"{self.mark} has lost something: {whole[:300]}"
        addresses = set(re.findall(rb"Delivered-To: (\S+)", whole))
        assert addresses <= {self.account.address.encode()}, f"{self.mark} was shown mail of {addresses}"
        self.read += 1

    def run(self):
        try:
            while time.monotonic() < self.case.until:
                with harness.ImapWire(self.case.mansio, self.account, timeout=60) as wire:
                    wire.must("SELECT INBOX")
                    for _ in range(20):
                        self.act(wire)
        except BaseException as problem:  # for the test's own thread; pylint: disable=broad-exception-caught
            self.problem = problem

    def act(self, wire):
        n = self.random.randint(1, MESSAGES)
        kind = self.random.randrange(8)
        if kind == 0:
            self.look(wire.must(f"UID FETCH {n} (BODY.PEEK[])"), 3)
        elif kind == 1:
            self.look(wire.must("FETCH 1:* (ENVELOPE PREVIEW)"), MESSAGES * 2)
        elif kind == 2:
            self.look(wire.must(f"FETCH {n} (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT]<0.20>)"), 2)
        elif kind == 3:
            assert len(wire.must(f"SEARCH TEXT {self.mark.decode()}")[0].split()) == 2 + MESSAGES
        elif kind == 4:
            other = self.random.choice(self.case.threads)
            if other is not self:
                assert wire.must(f"SEARCH TEXT {other.mark.decode()}") == [b"* SEARCH"], "found what is another's"
        elif kind == 5:
            self.look(wire.must("SORT (SUBJECT) UTF-8 ALL") + [self.mark], 1)
            assert b"MESSAGES %d " % (MESSAGES + 1) in wire.must("STATUS INBOX (MESSAGES UIDNEXT)")[0]
        elif kind == 6:
            flags = wire.must(f"STORE {n} +FLAGS ({self.mark.decode()})")
            self.look(flags, 1)
        else:
            self.look([*wire.must(f"FETCH {MESSAGES + 1} (BODY.PEEK[])"), self.mark], 1)  # the one that all have got


class Isolation(unittest.TestCase):
    def test_nobody_is_shown_a_byte_of_another(self):
        self.mansio = harness.shared()
        domain = self.mansio.new_domain()
        self.threads = [Neighbour(self, self.mansio.new_account(domain), n) for n in range(1, ACCOUNTS + 1)]
        for thread in self.threads:
            with harness.ImapWire(self.mansio, thread.account) as wire:
                for n in range(1, MESSAGES + 1):
                    assert wire.append("INBOX", thread.message(n))[0].startswith("OK")
        # one message to all, whose bytes are there once: what is each one's own comes before them
        with self.mansio.smtp() as client:
            client.sendmail("a@outside.test", [thread.account.address for thread in self.threads], b"Subject: to all\r\n\r\nfor everybody\r\n")
        self.until = time.monotonic() + SECONDS
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        for thread in self.threads:
            if thread.problem:
                raise thread.problem
        self.assertGreater(min(thread.read for thread in self.threads), 10)


if __name__ == "__main__":
    unittest.main()
