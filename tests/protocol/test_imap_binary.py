"""BINARY (RFC 3516): content without transfer encoding, both ways."""

import base64
import re
import unittest

import harness

NOISE = bytes(range(256)) * 40
MIXED = b"".join(
    [
        b"Subject: mixed\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n",
        b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        b"caf=C3=A9 =\r\nau lait  \r\n",
        b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: BASE64\r\n\r\n",
        base64.encodebytes(NOISE).replace(b"\n", b"\r\n"),
        b"--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n",
        b"--b\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: x-secret\r\n\r\nabc\r\n",
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n",
        b"--b--\r\n",
    ]
)


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.wire = self.session()

    def fetch(self, item, message=1, wire=None):
        """What the response has behind the item: (kind of literal, bytes) or text."""
        lines = (wire or self.wire).must(f"FETCH {message} ({item})")
        line = next(line for line in lines if b" FETCH (" in line)
        found = re.match(rb"\* \d+ FETCH \([A-Z.]+\[[\d.]*\](?:<\d+>)? (?:(~?)\{(\d+)\}\r\n|(\S+)\))", line)
        if found[3]:
            return found[3]
        return found[1], line[found.end() : found.end() + int(found[2])]


class Fetching(Case):
    def setUp(self):
        super().setUp()
        self.wire.append("INBOX", MIXED)
        self.wire.must("SELECT INBOX")

    def test_it_is_announced(self):
        self.assertIn(b" BINARY ", self.wire.must("CAPABILITY")[0] + b" ")

    def test_parts_come_decoded(self):
        self.assertEqual(self.fetch("BINARY.PEEK[1]"), (b"", "café au lait".encode()))
        self.assertEqual(self.fetch("BINARY.PEEK[2]"), (b"~", NOISE))
        self.assertEqual(self.fetch("BINARY.PEEK[3]"), (b"", b"plain"))
        self.assertEqual(self.fetch("BINARY.PEEK[5.1]"), (b"~", b"\0\1\2"))
        self.assertEqual(self.fetch("BINARY.PEEK[9]"), b"NIL")

    def test_what_holds_parts_and_the_whole_come_as_they_are(self):
        self.assertEqual(self.fetch("BINARY.PEEK[]"), (b"", MIXED))
        self.assertEqual(self.fetch("BINARY.PEEK[5]")[1], b"Subject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC")
        self.assertEqual(self.fetch("BINARY.SIZE[]"), str(len(MIXED)).encode())

    def test_sizes_are_those_of_the_content(self):
        for part in ("1", "2", "3", "5", "5.1"):
            self.assertEqual(int(self.fetch(f"BINARY.SIZE[{part}]")), len(self.fetch(f"BINARY.PEEK[{part}]")[1]), part)
        self.assertEqual(self.fetch("BINARY.SIZE[9]"), b"0")

    def test_pieces(self):
        self.assertEqual(self.fetch("BINARY.PEEK[2]<10.300>"), (b"~", NOISE[10:310]))
        self.assertEqual(self.fetch("BINARY.PEEK[2]<10230.300>"), (b"~", NOISE[10230:]))
        self.assertEqual(self.fetch("BINARY.PEEK[2]<20000.300>"), (b"~", b""))
        self.assertEqual(self.fetch("BINARY.PEEK[3]<1.2>"), (b"", b"la"))
        self.assertIn(b"BINARY[2]<10> ~{5}", self.wire.must("FETCH 1 BINARY.PEEK[2]<10.5>")[0])

    def test_an_unknown_encoding_is_refused_and_nothing_of_the_message_is_sent(self):
        for item in ("BINARY.PEEK[4]", "BINARY.SIZE[4]", "(UID BINARY[4])"):
            reply, untagged = self.wire.run(f"FETCH 1 {item}")
            self.assertTrue(reply.startswith("NO [UNKNOWN-CTE]"), reply)
            self.assertFalse([line for line in untagged if b"BINARY" in line])
        self.assertEqual(self.fetch("BODY.PEEK[4]"), (b"", b"abc"))

    def test_reading_sets_seen_and_peeking_does_not(self):
        other = self.session()
        other.must("SELECT INBOX")
        self.wire.must("FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])")
        self.assertNotIn(b"\\Seen", b"".join(other.must("NOOP") + other.must("FETCH 1 FLAGS")))
        self.assertIn(b"FLAGS (\\Seen", b"".join(self.wire.must("FETCH 1 BINARY[1]")))
        self.assertIn(b"\\Seen", b"".join(other.must("NOOP") + other.must("FETCH 1 FLAGS")))

    def test_wrong_items(self):
        for item in ("BINARY", "BINARY[TEXT]", "BINARY[1.MIME]", "BINARY.SIZE[1]<0.3>", "BINARY.PEEK", "BINARY[1]<0.0>", "BINARY.SIZE"):
            self.assertTrue(self.wire.run(f"FETCH 1 {item}")[0].startswith("BAD"), item)

    def test_large_parts_of_several_messages_in_one_answer(self):
        noise = NOISE * 300  # 3 MiB each
        big = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(noise).replace(b"\n", b"\r\n")
        for _ in range(2):
            self.wire.append("INBOX", big)
        lines = self.wire.must("FETCH 1:3 (BINARY.SIZE[1] BINARY.PEEK[1] UID)")
        self.assertEqual([b"~{%d}\r\n" % len(noise) + noise in line for line in lines if b" FETCH (" in line], [False, True, True])
        self.assertEqual(self.fetch("BINARY.PEEK[1]<1000000.100000>", 3), (b"~", noise[1000000:1100000]))


class Appending(Case):
    head = b"Subject: binary\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"

    def literal8(self, message, mailbox="INBOX"):
        return self.wire.run(b"APPEND %s ~{%d+}\r\n" % (mailbox.encode(), len(message)) + message)[0]

    def test_binary_content_comes_back_byte_by_byte(self):
        for size in (1, 100, 400000):
            content = (b"\0" + NOISE * (size // len(NOISE) + 1))[:size]
            self.assertRegex(self.literal8(self.head + content), r"^OK \[APPENDUID \d+ \d+\]")
        self.wire.must("SELECT INBOX")
        for number, size in enumerate((1, 100, 400000), 1):
            content = (b"\0" + NOISE * (size // len(NOISE) + 1))[:size]
            self.assertEqual(self.fetch("BINARY.PEEK[1]", number), (b"~", content))
            self.assertEqual(int(self.fetch("BINARY.SIZE[1]", number)), size)

    def test_programs_that_know_no_binary_get_it_encoded(self):
        self.literal8(self.head + b"a\0b")
        with self.mansio.imap(self.livia) as client:
            client.select()
            body = client.fetch("1", "(RFC822)")[1][0][1]
        self.assertNotIn(b"\0", body)
        self.assertEqual(body, self.head.replace(b"binary\r\n\r\n", b"base64\r\n\r\n") + b"YQBi\r\n")

    def test_only_parts_with_nul_are_encoded(self):
        message = b"".join(
            [
                b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\nlong ",
                b"x" * 3000,
                b"\nlone \rline ends\r\n--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\1\r\n--b--\r\n",
            ]
        )
        self.literal8(message)
        self.wire.must("SELECT INBOX")
        whole = self.fetch("BODY.PEEK[]")[1]
        self.assertEqual(whole, message.replace(b"binary\r\n\r\n\0\1", b"base64\r\n\r\nAAE=\r\n"))
        self.assertEqual(self.fetch("BINARY.PEEK[2]"), (b"~", b"\0\1"))

    def test_a_literal8_without_nul_stays_byte_for_byte(self):
        message = self.head + b"\xff\xfe\rlone\n" + b"y" * 5000
        self.literal8(message)
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.fetch("BODY.PEEK[]")[1], message)

    def test_a_plain_literal_holds_no_nul(self):
        message = self.head + b"a\0b"
        self.assertTrue(self.wire.append("INBOX", message)[0].startswith("NO [CANNOT]"))
        self.assertIn(b"MESSAGES 0", self.wire.must("STATUS INBOX (MESSAGES)")[0])

    def test_a_literal8_that_the_client_asks_for(self):
        message = self.head + b"a\0b"
        tag = self.wire.start(b"APPEND INBOX (\\Seen) ~{%d}" % len(message))
        self.assertTrue(self.wire.line().startswith(b"+"))
        self.wire.send(message + b"\r\n")
        self.assertTrue(self.wire.finish(tag)[0].startswith("OK"))

    def test_nul_in_headers_becomes_a_blank(self):
        self.literal8(b"Subject: a\0b\r\n\r\nx\r\n")
        self.wire.must("SELECT INBOX")
        self.assertEqual(self.fetch("BODY.PEEK[]")[1], b"Subject: a b\r\n\r\nx\r\n")


if __name__ == "__main__":
    unittest.main()
