"""What a mailbox has of a message with NUL (RFC 3030): nothing that IMAP and POP3 can't send. test_queue_extensions.py has what goes on elsewhere."""

import email
import re
import unittest

import harness

NOISE = bytes(range(256)) * 300 + b"\n.\n\r.\r"
ONE = b"MIME-Version: 1.0\r\nSubject: binary\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + NOISE
MIXED = (
    b"MIME-Version: 1.0\r\nSubject: mixed\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\npre\0amble\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbcn\r\n"
    b"--b\r\nContent-Type: application/x\r\nContent-Description: a\0b\r\nContent-Transfer-Encoding: binary\r\n\r\n" + NOISE + b"\r\n--b--\r\n"
)  # fmt: skip


class Mailboxes(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def bdat(self, message, to=None, port="smtp", hello="EHLO"):
        """The replies to the last chunk, one a recipient in LMTP."""
        to = to or [self.livia.address]
        with harness.Wire(self.mansio.host, self.mansio.port[port]) as wire:
            wire.greet(verb=hello)
            self.assertEqual(wire.say("MAIL FROM:<a@outside.test> BODY=BINARYMIME")[0], 250)
            for one in to:
                self.assertEqual(wire.say(f"RCPT TO:<{one}>")[0], 250)
            half = len(message) // 2
            wire.send(b"BDAT %d\r\n" % half + message[:half])
            self.assertEqual(wire.reply()[0], 250)
            wire.send(b"BDAT %d LAST\r\n" % (len(message) - half) + message[half:])
            return [wire.reply()[0] for _ in (to if hello == "LHLO" else to[:1])]

    def imap(self, account=None):
        wire = harness.ImapWire(self.mansio, account or self.livia)
        self.addCleanup(wire.close)
        wire.must("SELECT INBOX")
        return wire

    def fetch(self, wire, item):
        """The literal: whether it is one for binary content ("~"), and its bytes."""
        line = next(line for line in wire.must(f"FETCH 1 ({item})") if b" FETCH (" in line)
        found = re.search(rb" (~?)\{(\d+)\}\r\n", line)
        return found[1], line[found.end() : found.end() + int(found[2])]

    def test_imap_sends_no_nul_where_binary_was_not_asked_for(self):
        self.assertEqual(self.bdat(ONE), [250])
        wire = self.imap()
        for item in ("BODY.PEEK[]", "RFC822", "BODY.PEEK[1]", "BODY.PEEK[TEXT]"):
            kind, data = self.fetch(wire, item)
            self.assertEqual(kind, b"", item)
            self.assertNotIn(b"\0", data, item)
        self.assertIn(b'"application" "octet-stream" nil nil nil "base64"', b"".join(wire.must("FETCH 1 BODYSTRUCTURE")).lower())

    def test_binary_gives_the_bytes_back(self):
        self.bdat(ONE)
        self.assertEqual(self.fetch(self.imap(), "BINARY.PEEK[1]"), (b"~", NOISE))

    def test_pop3_sends_none(self):
        self.bdat(ONE)
        client = self.mansio.pop3(self.livia)
        self.addCleanup(client.quit)
        _, lines, _ = client.retr(1)
        raw = b"\r\n".join(lines)
        self.assertNotIn(b"\0", raw)
        self.assertEqual(email.message_from_bytes(raw).get_payload(decode=True), NOISE)

    def test_parts_without_nul_stay_as_they_are(self):
        self.bdat(MIXED)
        wire = self.imap()
        _, whole = self.fetch(wire, "BODY.PEEK[]")
        self.assertNotIn(b"\0", whole)
        self.assertIn(b"Content-Transfer-Encoding: 8bit\r\n\r\ngr\xc3\xbcn\r\n", whole)
        self.assertEqual(self.fetch(wire, "BINARY.PEEK[2]")[1], NOISE)

    def test_nul_where_no_encoding_reaches_is_a_blank(self):
        self.bdat(MIXED)
        _, whole = self.fetch(self.imap(), "BODY.PEEK[]")
        self.assertIn(b"\r\n\r\npre amble\r\n", whole)
        self.assertIn(b"Content-Description: a b\r\n", whole)

    def test_nul_in_the_header_is_refused(self):
        self.assertEqual(self.bdat(ONE.replace(b"Subject: binary", b"Subject: bi\0ry")), [550])
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_large_ones_are_converted_too(self):
        noise = NOISE * 60  # more than is kept in memory
        self.bdat(ONE.replace(NOISE, noise))
        wire = self.imap()
        self.assertNotIn(b"\0", self.fetch(wire, "BODY.PEEK[]")[1])
        self.assertEqual(self.fetch(wire, "BINARY.PEEK[1]")[1], noise)

    def test_lmtp_is_no_exception(self):
        marcus = self.mansio.new_account(self.domain)
        self.assertEqual(self.bdat(ONE, [self.livia.address, marcus.address], "lmtp", "LHLO"), [250, 250])
        for who in (self.livia, marcus):
            self.assertEqual(self.fetch(self.imap(who), "BINARY.PEEK[1]")[1], NOISE)
            self.assertNotIn(b"\0", self.mansio.mail(who)[0][1])

    def test_the_quota_counts_what_is_kept(self):
        self.bdat(ONE)
        local, domain = self.livia.address.split("@")
        (size,) = self.mansio.sql("SELECT u.bytes FROM account_usage u JOIN account a ON a.id = u.account_id JOIN domain d ON d.id = a.domain_id"
                                  f" WHERE a.local_part = '{local}' AND d.name = '{domain}'")  # fmt: skip
        self.assertEqual(int(size), len(self.mansio.mail(self.livia)[0][1]))
        self.assertGreater(int(size), len(ONE) * 5 // 4)


if __name__ == "__main__":
    unittest.main()
