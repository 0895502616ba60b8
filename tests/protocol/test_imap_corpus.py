"""Messages that others wrote to break parsers: the data of Python's own e-mail tests (libpython3-testsuite)."""

import pathlib
import re
import unittest

import harness

CORPUS = sorted(pathlib.Path("/usr/lib").glob("python3*/test/test_email/data/msg_*.txt"))


def balanced(text):
    """Whether the parentheses of a response fit, strings left out."""
    depth, i = 0, 0
    while i < len(text):
        if text[i : i + 1] == b'"':
            i += 1
            while text[i : i + 1] != b'"':
                i += 2 if text[i : i + 1] == b"\\" else 1
        elif match := re.match(rb"\{(\d+)\}\r\n", text[i:]):
            i += match.end() + int(match[1])
            continue
        depth += {b"(": 1, b")": -1}.get(text[i : i + 1], 0)
        if depth < 0:
            return False
        i += 1
    return depth == 0


@unittest.skipUnless(CORPUS, "libpython3-testsuite is not installed")
class Corpus(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.wire = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(self.wire.close)
        self.wire.must("SELECT INBOX")

    def body(self, number, section):
        line = self.wire.must(f"FETCH {number} BODY.PEEK[{section}]")[0]
        match = re.match(rb"\* \d+ FETCH \(BODY\[[^]]*\] \{(\d+)\}\r\n", line)
        return line[match.end() : match.end() + int(match[1])] if match else None

    def test_every_message_comes_back_byte_by_byte_with_a_structure(self):
        messages = [path.read_bytes() for path in CORPUS]
        messages += [m.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for m in messages]
        for message in messages:
            reply, _ = self.wire.append("INBOX", message)
            self.assertTrue(reply.startswith("OK"), reply)
        for number, message in enumerate(messages, 1):
            with self.subTest(message=CORPUS[(number - 1) % len(CORPUS)].name):
                self.assertEqual(self.body(number, ""), message)
                self.assertEqual(self.body(number, "HEADER") + self.body(number, "TEXT"), message)
                line = self.wire.must(f"FETCH {number} (ENVELOPE BODYSTRUCTURE BODY PREVIEW RFC822.SIZE)")[0]
                self.assertTrue(balanced(line), line)
                self.assertIn(b"RFC822.SIZE %d" % len(message), line)
        lines = self.wire.must("FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE)")
        self.assertEqual(len(lines), len(messages))

    def test_parts_are_the_bytes_between_the_boundaries(self):
        for path in CORPUS:
            message = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            reply, _ = self.wire.append("INBOX", message)
            number = int(self.wire.must("STATUS INBOX (MESSAGES)")[0].split()[-1].rstrip(b")"))
            self.wire.must("NOOP")
            for part in range(1, 6):
                body, header = self.body(number, f"{part}"), self.body(number, f"{part}.MIME")
                if body is not None:
                    with self.subTest(message=path.name, part=part):
                        self.assertIn(header + body, message)

    def test_searches_look_into_every_message_without_harm(self):
        for path in CORPUS:
            self.wire.append("INBOX", path.read_bytes())
        self.wire.must("NOOP")
        self.assertEqual(self.wire.must('SEARCH TEXT "no message has this in it"'), [b"* SEARCH"])
        for keys in ("BODY a", "TEXT a", "SUBJECT a", "FROM a", "HEADER Content-Type multipart", "SENTSINCE 1-Jan-1990"):
            found = self.wire.must(f"SEARCH {keys}")[0].split()[2:]
            self.assertTrue(0 < len(found) < len(CORPUS) + 1, keys)


if __name__ == "__main__":
    unittest.main()
