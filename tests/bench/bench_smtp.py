"""Inbound SMTP: 20 sessions of smtp-source to one mailbox, from the first connection until the last message is in the mailbox.

smtp-4k-checked is one signed message again and again from a domain with SPF, DKIM and DMARC records, which a nameserver of this
machine has; we check all of it, Postfix nothing. The other figures are without these checks on both sides.
"""

import base64
import pathlib
import statistics
import subprocess
import tempfile
import time

import dkim

import figure
import harness
from postfix import Postfix

SIZES = {"smtp-4k": 4096, "smtp-100k": 102400}
CHECKED = "smtp-4k-checked"
FIGURES = [f"{name}{kind}" for name in (*SIZES, CHECKED) for kind in ("-reuse", "-connect")]
STRANGER = "signed.test"
ROUNDS = 3


def load(port, recipient, messages, what, reuse):
    """what: a size, or the file of a message."""
    sender = "sender@elsewhere.test" if isinstance(what, int) else f"sender@{STRANGER}"
    argv = ["smtp-source", "-s", "20", "-m", str(messages), "-f", sender, "-t", recipient]
    argv += ["-l", str(what)] if isinstance(what, int) else ["-F", what]
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


def signed_message(mansio, recipient, folder):
    """A domain with all records in the instance's DNS, and the file of a message that it has signed."""
    key = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=key, check=True, capture_output=True).stdout
    record = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    mansio.outside_zone(STRANGER, ['@ TXT "v=spf1 ip4:127.0.0.1 -all"', '_dmarc TXT "v=DMARC1; p=reject"', "@ MX 10 mx", "mx A 127.0.0.1",
                                   f'k._domainkey TXT "{record[:200]}" "{record[200:]}"'])  # fmt: skip
    made = harness.message(f"sender@{STRANGER}", recipient, "signed", "".join(f"{i:05d} salve, quid agis?\r\n" for i in range(130)))
    raw = dkim.sign(made.as_bytes(), b"k", STRANGER.encode(), key) + made.as_bytes()
    path = pathlib.Path(folder, "message")
    path.write_bytes(raw.replace(b"\r\n", b"\n"))
    return str(path)


def one(side, messages, what, reuse):
    side.clear()
    start = time.monotonic()
    load(side.port, side.recipient, messages, what, reuse)
    wait_for(side.delivered, messages)
    return messages / (time.monotonic() - start)


def check_results(mansio, account):
    """The figure means something only where the checks were made."""
    _, raw = mansio.mail(account)[-1]
    for result in (b"spf=pass", b"dkim=pass", b"dmarc=pass"):
        if result not in raw:
            raise RuntimeError(f"the last message has no {result.decode()}")


def measure(names, seconds):
    ours, peer = Ours(), Peer()
    scratch = tempfile.TemporaryDirectory(prefix="mansio-bench-")
    try:
        for name in names:
            checked = name.startswith(CHECKED)
            what = signed_message(ours.mansio, ours.recipient, scratch.name) if checked else SIZES[name.rsplit("-", 1)[0]]
            reuse = name.endswith("-reuse")
            ours.mansio.command("setting", "set", "sender.check", "on" if checked else "off")
            guess = {id(side): one(side, 500, what, reuse) for side in (ours, peer)}  # warms both up, too
            if checked:
                check_results(ours.mansio, ours.account)
            rates = {id(ours): [], id(peer): []}
            for _ in range(ROUNDS):
                for side in (ours, peer):
                    messages = max(200, int(guess[id(side)] * seconds / ROUNDS))
                    rates[id(side)].append(one(side, messages, what, reuse))
            note = "peer: Postfix with Maildir" + (", which checks nothing" if checked else "")
            yield figure.rate(name, statistics.median(rates[id(ours)]), statistics.median(rates[id(peer)]), "messages/s", note)
    finally:
        scratch.cleanup()
        ours.close()
        peer.close()
