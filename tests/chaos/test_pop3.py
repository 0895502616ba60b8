"""kill -9 of imapd while POP3 sessions quit: what they deleted is gone as a whole or there as a whole, and the mailbox is free at once."""

import os
import poplib
import random
import signal
import threading
import time
import unittest

import harness

MESSAGES = 40
ROUNDS = 10


class Quitting(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.private()
        self.addCleanup(self.mansio.remove)
        self.livia = self.mansio.new_account(self.mansio.new_domain())

    def fill(self):
        with harness.ImapWire(self.mansio, self.livia) as wire:
            for n in range(MESSAGES):
                self.assertTrue(wire.append("INBOX", b"Subject: %d\r\n\r\nx\r\n" % n)[0].startswith("OK"))

    def session(self):
        def log_in():
            try:
                return self.mansio.pop3(self.livia)
            except (poplib.error_proto, OSError) as refused:
                if isinstance(refused, poplib.error_proto) and b"[AUTH]" in refused.args[0]:
                    raise
                return None

        return harness.eventually(log_in, 20, "a POP3 session")

    def test_deleting_is_all_or_nothing(self):
        seen = set()
        for _ in range(ROUNDS):
            client = self.session()
            if client.stat()[0] == 0:
                client.close()
                self.fill()
                client = self.session()
            self.assertEqual(client.stat()[0], MESSAGES)
            for n in range(1, MESSAGES + 1):
                client.dele(n)
            acknowledged, pid = [], self.mansio.pid("imapd")

            def leave(client=client, acknowledged=acknowledged):
                try:
                    acknowledged.append(client.quit())
                except (OSError, EOFError, poplib.error_proto):
                    client.close()

            thread = threading.Thread(target=leave)
            thread.start()
            time.sleep(random.random() * 0.015)
            os.kill(pid, signal.SIGKILL)
            thread.join()
            harness.eventually(lambda pid=pid: self.mansio.pid("imapd") != pid, what="the next process")
            self.mansio.wait_for_port("pop3s")
            client = self.session()
            count = client.stat()[0]
            client.close()
            self.assertIn(count, (0, MESSAGES), "a part of them is deleted")
            if acknowledged:
                self.assertEqual(count, 0, "acknowledged, and still there")
            seen.add(count)
        print(f"found {sorted(seen)}")


if __name__ == "__main__":
    unittest.main()
