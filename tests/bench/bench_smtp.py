"""Inbound SMTP: 20 sessions of smtp-source to one mailbox, from the first connection until the last message is in the mailbox."""

import statistics
import subprocess
import time

import figure
import harness
from postfix import Postfix

SIZES = {"smtp-4k": 4096, "smtp-100k": 102400}
FIGURES = [f"{name}{kind}" for name in SIZES for kind in ("-reuse", "-connect")]
ROUNDS = 3


def load(port, recipient, messages, size, reuse):
    argv = ["smtp-source", "-s", "20", "-l", str(size), "-m", str(messages), "-f", "sender@elsewhere.test", "-t", recipient]
    argv += ["-d"] if reuse else []
    subprocess.run([*argv, f"127.0.0.1:{port}"], check=True, capture_output=True, timeout=300)


def wait_for(count, wanted):
    deadline = time.monotonic() + 300
    while count() < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {count()} of {wanted} messages arrived")
        time.sleep(0.005)


class Ours:
    def __init__(self):
        self.mansio = harness.private()
        domain = self.mansio.new_domain()
        self.account = self.mansio.new_account(domain)
        self.recipient, self.port = self.account.address, self.mansio.port["smtp"]
        self.before = 0

    def delivered(self):
        """Read when the load is over, as 250 means delivered here."""
        local, domain = self.recipient.split("@")
        rows = self.mansio.sql(
            "SELECT coalesce(sum(messages), 0) FROM mailbox WHERE account_id = (SELECT a.id FROM account a"
            f" JOIN domain d ON d.id = a.domain_id WHERE a.local_part = '{local}' AND d.name = '{domain}')"
        )
        return int(rows[0]) - self.before

    def clear(self):
        self.before += self.delivered()

    def close(self):
        self.mansio.remove()


class Peer:
    recipient = "livia@bench.test"

    def __init__(self):
        self.postfix = Postfix()
        self.port, self.delivered, self.clear, self.close = (
            self.postfix.port, self.postfix.delivered, self.postfix.clear, self.postfix.close)  # fmt: skip


def one(side, messages, size, reuse):
    side.clear()
    start = time.monotonic()
    load(side.port, side.recipient, messages, size, reuse)
    wait_for(side.delivered, messages)
    return messages / (time.monotonic() - start)


def measure(names, seconds):
    ours, peer = Ours(), Peer()
    try:
        for name in names:
            size = SIZES[name.rsplit("-", 1)[0]]
            reuse = name.endswith("-reuse")
            guess = {id(side): one(side, 500, size, reuse) for side in (ours, peer)}  # warms both up, too
            rates = {id(ours): [], id(peer): []}
            for _ in range(ROUNDS):
                for side in (ours, peer):
                    messages = max(200, int(guess[id(side)] * seconds / ROUNDS))
                    rates[id(side)].append(one(side, messages, size, reuse))
            yield figure.rate(name, statistics.median(rates[id(ours)]), statistics.median(rates[id(peer)]), "messages/s",
                              "peer: Postfix with Maildir")  # fmt: skip
    finally:
        ours.close()
        peer.close()
