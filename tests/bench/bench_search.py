"""SEARCH over 100,000 messages with its index, and beside it the same without: the worst kinds of needles. Nothing else is measured against: a
peer without an index reads all messages too, and one with it finds words where this finds substrings."""

import itertools
import pathlib
import random
import re
import subprocess
import tempfile
import time

import figure
import harness

MESSAGES = 100000
NEEDLES = {
    "search-rare": ("TEXT rareword", "in 10 messages"),
    "search-none": ("TEXT zzzqqq", "in no message"),
    "search-half": ("TEXT halfword", "in every other message"),
    "search-all": ("TEXT kontingenz", "in every message"),
    "search-short": ("TEXT qz", "two letters"),
}
FIGURES = [*NEEDLES, "search-index"]
SYLLABLES = "ba co di fe gu ha in jo ka le mi no or pu qui ra se ti ur ve wa st tr nd er en ch".split()


def write_mbox(path):
    rng = random.Random(1)
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(30000)]
    weights = list(itertools.accumulate(1 / (n + 1) for n in range(len(words))))
    pool = rng.choices(words, cum_weights=weights, k=1000000)
    with open(path, "w", encoding="ascii") as mbox:
        for n in range(MESSAGES):
            at = rng.randrange(len(pool) - 700)
            text = " ".join(pool[at : at + rng.randint(300, 650)])
            lines = "\n".join(text[i : i + 72] for i in range(0, len(text), 72))
            marks = ("rareword " if n % (MESSAGES // 10) == 5 else "") + ("halfword " if n % 2 else "")
            mbox.write(f"From x@y Sat Nov  1 10:00:00 2025\nFrom: Person {n % 300} <p{n % 300}@example.org>\nSubject: {' '.join(pool[at : at + 5])}\n"
                       f"Message-ID: <{rng.getrandbits(80):x}@example.org>\nDate: Sat, 1 Nov 2025 10:00:00 +0000\n\n{lines}\nkontingenz {marks}\n\n")  # fmt: skip


def fill(mansio, account):
    with tempfile.NamedTemporaryFile(suffix=".mbox") as mbox:
        write_mbox(mbox.name)
        pathlib.Path(mbox.name).chmod(0o644)
        cli = mansio.endpoints["cli"]
        subprocess.run([cli, "import", account.address, "--from", f"mbox:{mbox.name}", "--over-quota"], check=True, capture_output=True, timeout=600)


def wait_for_index(mansio, account):
    began = time.monotonic()

    def ready():
        found = re.search(r"in the index +(\d+)", mansio.command("index", "show", account.address))
        return int(found[1]) == MESSAGES

    harness.eventually(ready, 600, "the index")
    return time.monotonic() - began


def median_time(wire, keys, rounds):
    taken = []
    for _ in range(rounds):
        began = time.monotonic()
        wire.must(f"SEARCH RETURN (COUNT) {keys}")
        taken.append((time.monotonic() - began) * 1000)
    return sorted(taken)[len(taken) // 2]


def measure(names, _seconds):
    mansio = harness.private()
    try:
        account = mansio.new_account(mansio.new_domain())
        fill(mansio, account)
        wait_for_index(mansio, account)
        with harness.ImapWire(mansio, account, timeout=300) as wire:
            wire.must("SELECT INBOX")
            indexed = {name: median_time(wire, keys, 5) for name, (keys, _) in NEEDLES.items() if name in names}
            mansio.command("index", "off", account.address)
            for name, ours in indexed.items():
                keys, note = NEEDLES[name]
                yield figure.time(name, ours, median_time(wire, keys, 1), "ms", f"{MESSAGES} messages, {note}; without the index")
        if "search-index" in names:
            mansio.command("index", "on", account.address)
            yield figure.rate("search-index", MESSAGES / wait_for_index(mansio, account), 0, "messages/s", "put into the index")
    finally:
        mansio.remove()
