"""SORT, THREAD and SEARCH give what Dovecot gives, for hundreds of odd messages.

Threads are compared in a second mailbox where every subject is another: Dovecot takes the first child that it knew instead of the earliest
for the subject of a missing message, and leaves such children unsorted (RFC 5256 section 3, steps 4 to 6), so children are compared without order.
No Message-ID is twice in one References: a card keeps the first of them."""

import base64
import random
import re
import unittest
from types import SimpleNamespace

import harness
from bench import dovecot

SEED = 20260201
WORDS = ("apple", "Äpfel", "zebra", "Ångström", "lunch", "Lunch", "straße", "Ωmega", "été", "ETE", "", "[list]", "x" * 90)
NAMES = ("Anna", "änne", '"Quoted, Name"', "=?utf-8?Q?J=C3=B6rg?=", "=?iso-8859-1?Q?Ren=E9?=", "", "bob", "Bob")
LOCALS = ("a", "B", "b", "zed", "Zed", "info", "x.y")


def encoded(text):
    return text if text.isascii() else "=?utf-8?B?" + base64.b64encode(text.encode()).decode() + "?="


def subject(rng):
    text = encoded(rng.choice(WORDS)) + rng.choice(("", "", " " + rng.choice(("two", "=?utf-8?Q?=C3=BC?="))))
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        text = rng.choice(("Re: ", "RE:", "Fwd: ", "fw: ", "Re[2]: ", "re : ", "[list] ", "[a] [b] Re: ")) + text
    return text + rng.choice(("", "", "", " (fwd)"))


def address(rng):
    name, local = rng.choice(NAMES), rng.choice(LOCALS)
    return f"{name} <{local}@example.org>" if name else f"{local}@example.org"


def tree(text):
    """A THREAD response as nested tuples, children and missing messages in an order that depends on nothing."""

    def thread(at):
        spine, children = [], []
        while text[at] != ")":
            if text[at] == "(":
                child, at = thread(at + 1)
                children.append(child)
            elif text[at] == " ":
                at += 1
            else:
                number = re.compile(r"\d+").match(text, at)
                spine.append(int(number[0]))
                at = number.end()
        return (tuple(spine), tuple(sorted(children))), at + 1

    at, all_threads = text.index("(") if "(" in text else len(text), []
    while at < len(text):
        one, at = thread(at + 1)
        all_threads.append(one)
    return sorted(all_threads)


def message(rng, number, ids, subjects=subject):
    lines = [f"From: {address(rng)}"]
    for field in ("To", "Cc"):
        if rng.random() < 0.7:
            lines.append(f"{field}: " + rng.choice((address(rng), f"{address(rng)},\r\n {address(rng)}", "undisclosed-recipients:;", "Team: a@b.example;")))
    if rng.random() < 0.93:
        lines.append(f"Subject: {subjects(rng)}")
    if rng.random() < 0.93:
        zone = rng.choice(("+0000", "+0530", "-0800", "GMT", "EST"))
        lines.append(f"Date: {rng.randint(1, 28)} {rng.choice(('Jan', 'Feb'))} 2026 {rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{number % 60:02} {zone}")
    own = f"m{rng.choice((number, number, number, rng.randint(1, number)))}@example.org"
    if rng.random() < 0.95:
        lines.append(f"Message-ID: <{own}>")
    known = ids + [f"gone{rng.randint(1, 40)}@example.org", f"m{rng.randint(1, 300)}@example.org"]
    references = list(dict.fromkeys(rng.choice(known) for _ in range(rng.choice((0, 0, 1, 1, 2, 4)))))
    if references:
        lines.append("References: " + rng.choice((" ", "\r\n ")).join(f"<{r}>" for r in references))
    if rng.random() < 0.3:
        lines.append(f"In-Reply-To: <{rng.choice(known)}>")
    ids.append(own)
    return ("\r\n".join(lines) + "\r\n\r\n" + "body\r\n" * rng.randint(0, 9)).encode()


class BesideDovecot(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        livia = cls.mansio.new_account(cls.mansio.new_domain())
        cls.dovecot = dovecot.Dovecot(dovecot.DEFAULT, ["livia"], "secret")
        cls.addClassCleanup(cls.dovecot.close)
        peer = SimpleNamespace(address="livia", password="secret")
        cls.ours = harness.ImapWire(cls.mansio, livia)
        cls.theirs = harness.ImapWire(cls.mansio, peer, path=cls.dovecot.address)
        for wire in (cls.ours, cls.theirs):
            cls.addClassCleanup(wire.close)
            cls.fill(wire, "INBOX", subject)
            wire.must("CREATE different")
            cls.fill(wire, "different", lambda rng: f"{rng.random()}")

    @staticmethod
    def fill(wire, mailbox, subjects):
        rng, ids = random.Random(SEED), []
        for number in range(1, 301):
            text = message(rng, number, ids, subjects)
            date = f'"{rng.randint(1, 28):02}-Jan-2026 {rng.randint(0, 23):02}:00:{number % 60:02} +0000" '
            reply, _ = wire.append(mailbox, text, date)
            assert reply.startswith("OK"), reply

    def setUp(self):
        self.select("INBOX")

    def select(self, mailbox):
        for wire in (self.ours, self.theirs):
            wire.must(f"SELECT {mailbox}")

    def same(self, command, keyword, seen=lambda text: text):
        def told(wire):
            lines = [line.decode() for line in wire.must(command) if line.startswith(b"* " + keyword)]
            return seen(re.sub(r'TAG "\w+"', "TAG", "\n".join(lines)).strip())

        self.assertEqual(told(self.ours), told(self.theirs), command)

    def test_sort(self):
        for criteria in ("ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO", "REVERSE SUBJECT", "REVERSE FROM DATE",
                         "SUBJECT REVERSE DATE", "FROM SUBJECT", "TO CC SIZE"):  # fmt: skip
            for keys in ("ALL", "10:200 SUBJECT e"):
                self.same(f"SORT ({criteria}) UTF-8 {keys}", b"SORT")

    def test_thread_by_subject(self):
        for keys in ("ALL", "20:60", "SUBJECT lunch"):
            self.same(f"THREAD ORDEREDSUBJECT UTF-8 {keys}", b"THREAD")

    def test_thread_by_references(self):
        self.select("different")
        for keys in ("ALL", "20:60", "1:100", "1,3,5,7,9,11,100:*", "SUBJECT 1"):
            self.same(f"THREAD REFERENCES UTF-8 {keys}", b"THREAD", tree)

    def test_search(self):
        for keys in ("SUBJECT lunch", "FROM bob", "HEADER References gone1", "TO b@", "CC team", "SENTSINCE 10-Feb-2026", "SENTBEFORE 5-Jan-2026 HEADER Date {0+}\r\n", "SENTON 3-Feb-2026",
                     "BODY body", "NOT TEXT zebra", "OR LARGER 400 FROM zed", "SUBJECT {7+}\r\nstraße"):  # fmt: skip
            self.same(f"SEARCH CHARSET UTF-8 {keys}", b"SEARCH")
        for options in ("MIN", "MAX COUNT", "ALL", "PARTIAL 3:9"):
            self.same(f"UID SEARCH RETURN ({options}) SUBJECT e", b"ESEARCH")


if __name__ == "__main__":
    unittest.main()
