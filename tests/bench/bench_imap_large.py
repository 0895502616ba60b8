"""IMAP with mailboxes of a size that people do have after twenty years."""

import contextlib
import imaplib
import socket
import statistics
import time

import dovecot
import figure
import harness
import large

FIGURES = ["imap-select-cold", "imap-select-warm", "imap-store"]
MESSAGES, CHANGED, PASSWORD, ROUNDS = 1_000_000, 10_000, "correct horse battery", 5
COLD_AIM, WARM_AIM = 1000, 50  # ms


class OverSocket(imaplib.IMAP4):
    """imaplib over a UNIX socket."""

    def __init__(self, path):
        self.path = path
        super().__init__()

    def open(self, host="", port=0, timeout=None):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))
        self.file = self.sock.makefile("rb")


@contextlib.contextmanager
def session(path, user):
    client = OverSocket(path)
    client.login(user, PASSWORD)
    try:
        yield client
    finally:
        client.logout()


def milliseconds(act):
    began = time.monotonic()
    kind, answer = act()
    took = (time.monotonic() - began) * 1000
    if kind != "OK":
        raise RuntimeError(f"refused: {answer}")
    return took


def select(path, user):
    with session(path, user) as client:
        took = milliseconds(lambda: client.select("INBOX"))
        if client.untagged_responses.get("EXISTS", [b""])[-1] != str(MESSAGES).encode():
            raise RuntimeError("the mailbox has another number of messages")
        return took


def selects(mansio, domain):
    account = mansio.new_account(domain, password=PASSWORD)
    path = mansio.var / "run" / "imap.sock"
    with session(path, account.address) as client:
        client.select("INBOX")  # which makes it
    large.fill(mansio, large.account_id(mansio, account.address), MESSAGES)
    cold, warm = [], []
    for _ in range(ROUNDS):
        mansio.restart("imapd")
        cold.append(select(path, account.address))
        warm.append(select(path, account.address))
    return statistics.median(cold), statistics.median(warm)


def append_all(path, user):
    """Without waiting for each answer."""
    text = b"From: a@bench.test\r\nTo: b@bench.test\r\nSubject: one of many\r\n\r\nshort\r\n"
    with session(path, user) as client:
        for _ in range(0, CHANGED, 500):
            for _ in range(500):
                client.send(b"x APPEND INBOX {%d+}\r\n%s\r\n" % (len(text), text))
            for _ in range(500):
                while not client.readline().startswith(b"x OK"):
                    pass


def stores(path, user):
    with session(path, user) as client:
        client.select("INBOX")
        if client.untagged_responses.get("EXISTS", [b""])[-1] != str(CHANGED).encode():
            raise RuntimeError("the mailbox has another number of messages")
        return statistics.median(milliseconds(lambda: client.store(f"1:{CHANGED}", f"{sign}FLAGS.SILENT", "(\\Flagged)"))  # pylint: disable=cell-var-from-loop
                                 for _ in range(ROUNDS) for sign in "+-")  # fmt: skip


def compare_stores(mansio, domain):
    account = mansio.new_account(domain, password=PASSWORD)
    path = mansio.var / "run" / "imap.sock"
    peer = dovecot.Dovecot(dovecot.FASTEST | {"fsync": "always"}, ["user"], PASSWORD)
    try:
        append_all(path, account.address)
        append_all(peer.address, "user")
        return stores(path, account.address), stores(peer.address, "user")
    finally:
        peer.close()


def measure(names, _seconds):
    mansio = harness.private()
    try:
        domain = mansio.new_domain()
        if "imap-store" in names:
            ours, peer = compare_stores(mansio, domain)
            yield figure.time("imap-store", ours, peer, "ms", f"flags of {CHANGED} messages with one command; Dovecot, sdbox, mail_fsync=always")
        if {"imap-select-cold", "imap-select-warm"} & set(names):
            cold, warm = selects(mansio, domain)
            yield figure.time("imap-select-cold", cold, COLD_AIM, "ms", f"{MESSAGES} messages, right after the start; peer: the aim")
            yield figure.time("imap-select-warm", warm, WARM_AIM, "ms", f"{MESSAGES} messages; peer: the aim")
    finally:
        mansio.remove()
