"""What was acknowledged is there, whatever is killed meanwhile."""

import email
import hashlib
import imaplib
import os
import random
import signal
import threading
import time
import unittest

import harness

SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
SENDERS = 8


def body_of(number, seed):
    """Lines that follow from the number alone, 1 to 3000 of them, so that a piece of another message would show."""
    lines = random.Random(f"{seed}/{number}").choice([1, 5, 40, 400, 3000])
    return "".join(f"{number} {line} {hashlib.sha256(f'{seed}/{number}/{line}'.encode()).hexdigest()}\r\n" for line in range(lines))


def message_of(number, seed):
    return f"Subject: number {number}\r\nFrom: <sender@outside.test>\r\nX-Number: {number}\r\n\r\n{body_of(number, seed)}".encode()


class Sender(threading.Thread):
    """Sends each of its numbers once, and notes which were acknowledged with 250 after DATA."""

    def __init__(self, mansio, account, seed, first, stop):
        super().__init__()
        self.mansio, self.account, self.seed, self.number, self.stop = mansio, account, seed, first, stop
        self.acknowledged, self.client = [], None

    def run(self):
        while not self.stop.is_set():
            try:
                self.client = self.client or self.mansio.smtp()
                self.client.sendmail("sender@outside.test", [self.account.address], message_of(self.number, self.seed))
                self.acknowledged.append(self.number)
            except OSError:  # smtplib's exceptions are OSErrors too
                if self.client:
                    self.client.close()
                self.client = None
                self.stop.wait(0.02)
            self.number += SENDERS


class Acknowledged(unittest.TestCase):
    def setUp(self):
        self.seed = os.environ.get("CHAOS_SEED") or str(random.SystemRandom().randrange(10**9))
        print(f"CHAOS_SEED={self.seed}")
        self.mansio = harness.private()
        self.account = self.mansio.new_account(self.mansio.new_domain())

    def tearDown(self):
        self.mansio.remove()

    def wreck(self, services):
        """Loads the server while killing one of the services at random moments; the numbers that were acknowledged."""
        choose, stop = random.Random(self.seed), threading.Event()
        senders = [Sender(self.mansio, self.account, self.seed, first, stop) for first in range(SENDERS)]
        for sender in senders:
            sender.start()
        kills, until = 0, time.monotonic() + SECONDS
        while time.monotonic() < until:
            time.sleep(choose.uniform(0.2, 2.0))  # the random moment
            self.mansio.kill(choose.choice(services), signal.SIGKILL)
            self.mansio.wait_for_port("smtp", 60)
            kills += 1
        stop.set()
        for sender in senders:
            sender.join(60)
        acknowledged = [number for sender in senders for number in sender.acknowledged]
        print(f"{kills} kills, {len(acknowledged)} acknowledged of {sum(s.number // SENDERS for s in senders)} sent")
        self.assertGreater(kills, 3)
        self.assertGreater(len(acknowledged), 20)
        return acknowledged

    def mailbox(self):
        """The messages; None while imapd says that PostgreSQL is away."""
        try:
            return self.mansio.mail(self.account)
        except imaplib.IMAP4.error as problem:
            self.assertIn("UNAVAILABLE", str(problem))
            return None

    def check_mailbox(self, acknowledged):
        found = {}
        for _, raw in harness.eventually(self.mailbox, 60, "the mailbox"):
            number = int(email.message_from_bytes(raw)["X-Number"])
            self.assertNotIn(number, found, "a message is there twice")
            found[number] = raw
            self.assertTrue(raw.endswith(b"\r\n\r\n" + body_of(number, self.seed).encode()), f"message {number} is not whole")
        missing = sorted(set(acknowledged) - set(found))
        self.assertEqual(missing, [], f"{len(missing)} acknowledged messages are lost")

    def test_no_acknowledged_message_is_lost_when_mta_and_postgres_are_killed(self):
        acknowledged = self.wreck(["mta", "postgres"])
        self.mansio.wait_for_port("imaps", 60)
        self.check_mailbox(acknowledged)


if __name__ == "__main__":
    unittest.main()
