"""Inbound SMTP in the states that a busy host is in: a mailbox with a million messages, a thousand connections that idle; and what memory
the server takes."""

import resource
import socket
import statistics

import harness
from bench_smtp import one
import figure
import large

FIGURES = ["smtp-deep", "smtp-idle", "smtp-memory"]
MESSAGES, IDLE, SIZE, ROUNDS = 1_000_000, 1000, 4096, 5
MEMORY_AIM = 60  # MiB


class Side:
    """One mailbox as the target of a load."""

    def __init__(self, mansio, address):
        self.mansio, self.recipient, self.port = mansio, address, mansio.port["smtp"]
        self.id = large.account_id(mansio, address)
        self.before = 0

    def messages(self):
        return int(self.mansio.sql(f"SELECT coalesce(sum(messages), 0) FROM mailbox WHERE account_id = {self.id}")[0])

    def delivered(self):
        return self.messages() - self.before

    def clear(self):
        self.before = self.messages()

    def fill(self):
        one(self, 1, SIZE, True)  # which makes the INBOX
        large.fill(self.mansio, self.id, MESSAGES)


def rates(sides, seconds):
    """The median rate of each; they take turns."""
    guess = one(sides[0], 2000, SIZE, True)
    messages = max(500, int(guess * seconds / ROUNDS / 2))
    found = [[] for _ in sides]
    for _ in range(ROUNDS):
        for side, list_of_rates in zip(sides, found):
            list_of_rates.append(one(side, messages, SIZE, True))
    return [statistics.median(f) for f in found]


def deep(mansio, domain, seconds):
    full, empty = (Side(mansio, mansio.new_account(domain).address) for _ in range(2))
    full.fill()
    one(empty, 1, SIZE, True)
    ours, peer = rates([full, empty], seconds)
    return figure.rate("smtp-deep", ours, peer, "messages/s", f"a mailbox with {MESSAGES} messages; peer: an empty one of ours")


class Idle:
    """Connections that have said EHLO and nothing since."""

    def __init__(self, port):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, IDLE + 500)), hard))
        self.sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(IDLE)]
        for s in self.sockets:
            s.recv(512)
            s.sendall(b"EHLO idle.test\r\n")
            s.recv(512)

    def close(self):
        for s in self.sockets:
            s.close()


def beside_idle(mansio, domain, seconds):
    side = Side(mansio, mansio.new_account(domain).address)
    guess = one(side, 2000, SIZE, True)
    messages, found = max(500, int(guess * seconds / ROUNDS / 2)), {True: [], False: []}
    for _ in range(ROUNDS):
        for with_idle in (True, False):
            idle = Idle(side.port) if with_idle else None
            found[with_idle].append(one(side, messages, SIZE, True))
            if idle:
                idle.close()
    return figure.rate("smtp-idle", statistics.median(found[True]), statistics.median(found[False]), "messages/s",
                       f"{IDLE} connections idle beside the load; peer: ours without them")  # fmt: skip


def memory(mansio, domain):
    """The most that it ever had resident, after a load of large messages beside idle connections."""
    side = Side(mansio, mansio.new_account(domain).address)
    idle = Idle(side.port)
    one(side, 3000, SIZE, True)
    one(side, 1000, 102400, True)
    with open(f"/proc/{mansio.pid('mta')}/status", encoding="ascii") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    idle.close()
    return figure.time("smtp-memory", peak / 1024, MEMORY_AIM, "MiB", f"most resident, 20 sessions and {IDLE} idle ones; peer: the aim")


def measure(names, seconds):
    mansio = harness.private()
    try:
        domain = mansio.new_domain()
        if "smtp-memory" in names:
            yield memory(mansio, domain)
        if "smtp-idle" in names:
            yield beside_idle(mansio, domain, seconds)
        if "smtp-deep" in names:
            yield deep(mansio, domain, seconds)
    finally:
        mansio.remove()
