"""SEARCH finds the same with the index as without it, whatever the messages, and the index goes with them."""

import base64
import os
import quopri
import random
import re
import unicodedata
import unittest

from harness.searching import Case, literal

SEED = int(os.environ.get("MANSIO_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
WORDS = ("Äpfel", "straße", "Crème", "brûlée", "Ωmega", "Ångström", "ß", "naïve", "ﬁne", "Привет", "мир", "日本語", "テスト", "ガ", "שָׁלוֹם", "سلام",
         "Łódź", "İstanbul", "x" * 40, "invoice", "Rechnung", "meeting", "a", "is", "zq", "100%", "e\u0301te\u0301", "한국어", "½", "Ⅷ", "smile😀", "tab\tbed")  # fmt: skip
CHARSETS = ("utf-8", "iso-8859-1", "windows-1252", "koi8-r", "iso-2022-jp", "shift_jis", "gb18030", "utf-16", "utf-7", "us-ascii", "no-such-charset")
KEYS = ("TEXT", "BODY", "SUBJECT", "FROM", "TO", "CC", "BCC", "HEADER Subject", "HEADER X-Odd", "HEADER Message-ID", "HEADER Received",
        "HEADER Delivered-To", 'HEADER "Subject: a"')  # fmt: skip


class Corpus:
    """Messages whose texts come from few words, in every dress."""

    def __init__(self, rng):
        self.rng, self.texts = rng, []

    def text(self, words):
        rng = self.rng
        made = " ".join(rng.choice(WORDS) if rng.random() < 0.7 else "".join(rng.choices("abcdefghij", k=rng.randint(2, 9))) for _ in range(words))
        self.texts.append(made)
        return made

    def word(self, text):
        """An encoded word, or something that only looks like one."""
        charset = self.rng.choice(("utf-8", "iso-8859-1", "windows-1251", "iso-2022-jp"))
        raw = text.encode(charset, "replace")
        if self.rng.random() < 0.5:
            return f"=?{charset}?B?{base64.b64encode(raw).decode()}?="
        return f"=?{charset}?q?{quopri.encodestring(raw, header=True).decode().replace(chr(10), '').replace('?', '=3F')}?="

    def value(self):
        rng, text = self.rng, self.text(self.rng.randint(1, 4))
        kind = rng.randrange(6)
        if kind == 0:
            return text.encode()
        if kind == 1:
            return text.encode("windows-1252", "replace")
        if kind == 2:
            return text.encode().replace(b" ", b"\r\n ", 1)
        if kind == 3:
            return (self.word(text) + "\r\n\t" + self.word(self.text(1))).encode()
        return self.word(text).encode() if kind == 4 else b"  " + text.encode("ascii", "replace") + b" \x01 "

    def address(self):
        return self.value().replace(b"\r\n", b"") + b" <" + self.rng.choice((b"livia", b"Paulus", b'"odd @ one"', "jö".encode())) + b"@example.org>"

    def header(self):
        rng, lines = self.rng, []
        for name in ("From", "To", "Cc", "Bcc"):
            if rng.random() < 0.7:
                lines.append(name.encode() + b": " + b", ".join(self.address() for _ in range(rng.randint(1, 2))))
        for name in ("Subject", "X-Odd", "x-odd", "Subject", "=?utf-8?q?X=41?=", "X-Odd "):
            if rng.random() < 0.5:
                lines.append(name.encode() + rng.choice((b": ", b":", b":  ")) + self.value())
        if rng.random() < 0.8:
            lines.append(b"Message-ID: <" + self.rng.choice((b"a", b"b")) + b"%d@x>" % rng.randrange(50))
        rng.shuffle(lines)
        if rng.random() < 0.05:
            lines.insert(1, b"no field at all")
        return lines

    def leaf(self):
        rng, text = self.rng, self.text(self.rng.randint(0, 30))
        charset = rng.choice(CHARSETS)
        try:
            raw = text.encode(charset, "replace")
        except LookupError:
            raw = text.encode()
        encoding = rng.choice(("8bit", "base64", "quoted-printable", "x-none"))
        if encoding == "base64":
            raw = base64.encodebytes(raw)
        elif encoding == "quoted-printable":
            raw = quopri.encodestring(raw)
        raw = raw.replace(b"\0", b" ")
        kind = rng.choice((b"text/plain", b"text/html", b"application/pdf", b"text/calendar"))
        head = [b"Content-Type: " + kind + b"; charset=" + charset.encode(), b"Content-Transfer-Encoding: " + encoding.encode()]
        if rng.random() < 0.3:
            name = self.text(1)
            head.append(b"Content-Disposition: attachment; filename*=utf-8''" + "".join(f"%{b:02X}" for b in name.encode()).encode())
        if rng.random() < 0.2:
            head.append(b"Content-Description: " + self.value())
        return head, raw

    def body(self, depth=0):
        rng = self.rng
        kind = rng.random()
        if depth < 3 and kind < 0.25:
            mark = b"b%d" % rng.randrange(10**6)
            parts = [self.body(depth + 1) for _ in range(rng.randint(1, 3))]
            raw = b"".join(b"--" + mark + b"\r\n" + b"\r\n".join(head) + b"\r\n\r\n" + text + b"\r\n" for head, text in parts)
            return [b'Content-Type: multipart/mixed; boundary="' + mark + b'"'], raw + (b"" if rng.random() < 0.1 else b"--" + mark + b"--\r\n")
        if depth < 3 and kind < 0.35:
            return [b"Content-Type: message/rfc822"], self.message(depth + 1)
        return self.leaf()

    def message(self, depth=0):
        head, raw = self.body(depth)
        return b"\r\n".join(self.header() + head) + b"\r\n\r\n" + raw

    def needle(self):
        """A piece of some text, often in another dress that means the same."""
        rng, text = self.rng, self.rng.choice(self.texts)
        at = rng.randrange(len(text) or 1)
        piece = text[at : at + rng.choice((1, 2, 3, 4, 5, 8, 12, 30))]
        change = rng.randrange(6)
        if change == 0:
            piece = piece.upper()
        elif change == 1:
            piece = "".join(c for c in unicodedata.normalize("NFKD", piece) if not unicodedata.combining(c))
        elif change == 2:
            piece = unicodedata.normalize("NFD", piece)
        elif change == 3:
            piece = rng.choice(("livia@", "b1", "Subject: ", "x-odd", "content-", "", "qqqqq", "example.org", "=?", "return-path", piece[::-1]))
        return piece.encode()


class SameAnswers(Case):
    def question(self, corpus):
        rng = corpus.rng

        def key():
            return rng.choice(KEYS).encode() + b" " + literal(corpus.needle())

        shape = rng.randrange(8)
        if shape == 0:
            return b"OR " + key() + b" " + key()
        if shape == 1:
            return key() + b" NOT " + key()
        if shape == 2:
            return b"NOT (OR " + key() + b" " + key() + b") UNSEEN"
        if shape == 3:
            return b"OR OR " + key() + b" " + key() + b" (SENTBEFORE 1-Jan-2030 " + key() + b")"
        if shape == 4:
            return b"100:260 " + key()
        return key()

    def test_hundreds_of_needles_in_odd_messages(self):
        corpus = Corpus(random.Random(SEED))
        print(f"seed {SEED}")
        self.add(*(corpus.message() for _ in range(300)))
        for n in range(10):
            self.mansio.send(f"outside{n}@elsewhere.test", self.account.address, subject=f"Delivered {n}")
        self.mansio.wait_for_mail(self.account, subject="Delivered 9")
        self.wire.must("SELECT INBOX")
        self.wire.must("STORE 1:100 +FLAGS.SILENT (\\Seen)")
        questions = [self.question(corpus) for _ in range(400)]
        self.index("off")
        without = [self.search(question) for question in questions]
        self.assertGreater(sum(len(answer) > 10 for answer in without), 100)
        self.assertEqual(self.indexed()[1], 0)
        self.index("on")
        self.wait_for_index(310)
        for question, answer in zip(questions, without):
            self.assertEqual(self.search(question), answer, (question, f"seed {SEED}"))
        self.half_of_it(questions, without)

    def half_of_it(self, questions, without):
        """Some emails are in no block, and one block is damaged."""
        self.mansio.kill("imapd")
        self.mansio.sql("UPDATE search_block SET text = 'no block' WHERE id = (SELECT max(id) FROM search_block)")
        self.mansio.wait_until_ready("imapd")
        self.wire = self.session()
        self.wire.must("SELECT INBOX")
        for question, answer in list(zip(questions, without))[:100]:
            self.assertEqual(self.search(question), answer, (question, f"seed {SEED}"))

    def test_with_filters(self):
        """Enough text for 64 blocks and more, so that blocks are left out by their filter."""
        rng = random.Random(SEED)
        words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyzäöü", k=rng.randint(2, 11))) for _ in range(3000)]
        for n in range(420):
            text = "\r\n".join(" ".join(rng.choices(words, k=10)) for _ in range(400)) + f"\r\nonly{n}here"
            self.add(f"Subject: {rng.choice(words)}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode())
        self.wire.must("SELECT INBOX")
        needles = [f"only{n}here" for n in rng.sample(range(420), 10)] + ["ly7he", "only", "zzzzzz", "a", "ä", "xq"]
        needles += [rng.choice(words) + " " + rng.choice(words)[:3] for _ in range(10)] + [rng.choice(words) for _ in range(10)]
        questions = [b"TEXT " + literal(needle.encode()) for needle in needles]
        questions += [b"OR BODY only7here SUBJECT " + literal(words[0].encode()), b"BODY only7here BODY only8here", b"NOT BODY only9here"]
        self.index("off")
        without = [self.search(question) for question in questions]
        self.index("on")
        self.wait_for_index(420)
        account = self.unreadable()
        self.assertEqual(self.mansio.sql(f"SELECT count(*) FROM search_segment WHERE account_id = {account}"), ["1"])
        for question, answer in zip(questions, without):
            self.assertEqual(self.search(question), answer, (question, f"seed {SEED}"))


class Fuzzy(Case):
    """Inexact matching (RFC 6203)."""

    def setUp(self):
        super().setUp()
        self.add(*(f"From: a{n}@example.org\r\nSubject: {subject}\r\n\r\nnothing\r\n".encode() for n, subject in enumerate((
            "IMAP break", "broken IMAP", "IMAP is broken", "breaking imap", "another thing", "The invoice of May", "Invioces", "Rechnung", "invoice may",
            "May I have the invoice"))))  # fmt: skip
        self.wire.must("SELECT INBOX")

    def esearch(self, command):
        return re.sub(r'^\* ESEARCH \(TAG "\w+"\) ?', "", self.wire.must(command)[0].decode())

    def test_words_in_any_order_and_form(self):
        self.assertEqual(self.search('FUZZY SUBJECT "imap broken"'), b"* SEARCH 2 3")
        self.assertEqual(self.search('FUZZY SUBJECT "break imap"'), b"* SEARCH 1 4")
        self.assertEqual(self.search('SUBJECT "break imap"'), b"* SEARCH")
        self.assertEqual(self.search("FUZZY SUBJECT invoices"), b"* SEARCH 6 7 9 10")
        self.assertEqual(self.search("FUZZY TEXT invioce"), b"* SEARCH 6 7 9 10")
        self.assertEqual(self.search('FUZZY (SUBJECT invoices OR FROM a6 FROM "A8@example"'+")"), b"* SEARCH 7 9")
        self.assertEqual(self.search("FUZZY ANSWERED"), b"* SEARCH")
        self.assertEqual(self.search("NOT FUZZY SUBJECT invoise"), b"* SEARCH 1 2 3 4 5 7 8")
        self.assertEqual(self.search('FUZZY SUBJECT ""'), b"* SEARCH 1 2 3 4 5 6 7 8 9 10")

    def test_relevancy(self):
        found, scores = re.fullmatch(r"ALL (\S+) RELEVANCY \((.*)\)", self.esearch('SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT "invoice may"')).groups()
        self.assertEqual(found, "6,9:10")
        scores = [int(score) for score in scores.split()]
        self.assertEqual(scores[1], 100)
        self.assertTrue(all(1 <= score < 100 for score in (scores[0], scores[2])))
        self.assertRegex(self.esearch("SEARCH RETURN (RELEVANCY COUNT) FUZZY FLAGGED SUBJECT x"), "^COUNT 0$")
        self.assertEqual(self.esearch("SEARCH RETURN (RELEVANCY PARTIAL 2:2) FUZZY SUBJECT invoice"), "PARTIAL (2:2 9) RELEVANCY (100)")
        for wrong in ("SEARCH RETURN (RELEVANCY ALL) SUBJECT x", "SORT (RELEVANCY) UTF-8 SUBJECT x", "SEARCH FUZZY", "SEARCH FUZZY SUBJECT"):
            self.assertTrue(self.wire.run(wrong)[0].startswith("BAD"), wrong)

    def test_sorted_by_relevancy(self):
        self.assertEqual(self.wire.must('SORT (RELEVANCY) UTF-8 FUZZY SUBJECT "invoice may"'), [b"* SORT 9 6 10"])
        self.assertEqual(self.wire.must('SORT (REVERSE RELEVANCY SUBJECT) UTF-8 FUZZY SUBJECT "invoice may"'), [b"* SORT 10 6 9"])
        self.assertRegex(self.esearch("SORT RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY SUBJECT invoices"), r"^ALL 6,9:10,7 RELEVANCY \(80 80 80 60\)$")

    def test_the_same_with_the_index(self):
        self.add(*(f"Subject: n{n}\r\n\r\nquarterly report{'s' * (n % 3)} number {n * 7919 % 101} of Überprüfung\r\n".encode() for n in range(120)))
        needles = ("report", "reprots quartely", "number 77", "ueberprufung", "uberprüfng", "quart", "reports of number", "nmber", "77 reports", "xyz")
        questions = [f"SEARCH RETURN (ALL RELEVANCY) CHARSET UTF-8 FUZZY {key} ".encode() + literal(needle.encode()) for key in ("TEXT", "BODY") for needle in needles]
        questions.append(b"SORT RETURN (ALL RELEVANCY) (RELEVANCY ARRIVAL) UTF-8 OR FUZZY BODY reprot FUZZY TEXT nmber")
        self.index("off")
        self.wire.must("NOOP")

        def ask():
            return [re.sub(rb'TAG "\w+"', b"", self.wire.must(question)[0]) for question in questions]

        without = ask()
        self.assertGreater(sum(b"RELEVANCY" in answer for answer in without), 12)
        self.index("on")
        self.wait_for_index(130)
        self.unreadable()
        self.assertEqual(ask(), without)


class Telling(Case):
    def test_status_and_metrics(self):
        self.add(*(f"Subject: n{n}\r\n\r\nbody{n} of it\r\n".encode() for n in range(20)))
        self.wait_for_index(20)
        self.assertRegex(self.mansio.command("index", "list", "--search", self.account.address), r"yes +20 +20 +0 ")
        self.assertIn("no mailbox", self.mansio.command("index", "show", "nobody@nowhere.test", check=False).stderr)


if __name__ == "__main__":
    unittest.main()
