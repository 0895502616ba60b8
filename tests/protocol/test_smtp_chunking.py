"""BDAT (RFC 3030): the message in chunks that end where their sizes say, whatever is in them."""

import unittest

import harness


class Chunking(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.wire = harness.Wire(self.mansio.host, self.mansio.port["smtp"])
        self.addCleanup(self.wire.close)
        self.extensions = self.wire.greet()

    def envelope(self, parameters="", sender="a@outside.test"):
        self.assertEqual(self.wire.say(f"MAIL FROM:<{sender}>{parameters}")[0], 250)
        self.assertEqual(self.wire.say(f"RCPT TO:<{self.livia.address}>")[0], 250)

    def chunk(self, data, last=False):
        self.wire.send(b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data)
        return self.wire.reply()

    def bodies(self):
        return [body for _, body in self.mansio.mail(self.livia)]

    def test_it_is_offered(self):
        self.assertIn("CHUNKING", self.extensions)
        self.assertIn("BINARYMIME", self.extensions)

    def test_chunks_make_one_message(self):
        self.envelope()
        self.assertEqual(self.chunk(b"Subject: chunks\r\n\r\none\r")[0], 250)
        self.assertEqual(self.chunk(b"\n.\r\n")[0], 250)
        self.assertEqual(self.chunk(b"..two\r\n", last=True)[0], 250)
        (body,) = self.bodies()
        self.assertTrue(body.endswith(b"\r\n\r\none\r\n.\r\n..two\r\n"), body)

    def test_the_last_chunk_may_be_empty(self):
        self.envelope()
        self.assertEqual(self.chunk(b"Subject: x\r\n\r\nbody\r\n")[0], 250)
        self.assertEqual(self.chunk(b"", last=True)[0], 250)
        self.assertEqual(len(self.bodies()), 1)

    def test_everything_may_come_at_once(self):
        one = b"Subject: one\r\n\r\nQUIT\r\n"
        self.wire.send(b"MAIL FROM:<a@outside.test>\r\nRCPT TO:<%s>\r\nBDAT %d\r\n%sBDAT 5 LAST\r\nNOOP\nMAIL FROM:<b@outside.test>\r\nRSET\r\n"
                       % (self.livia.address.encode(), len(one), one))  # fmt: skip
        # the second chunk's five octets hold a line end that is none
        self.assertEqual([self.wire.reply()[0] for _ in range(6)], [250, 250, 250, 550, 250, 250])
        self.wire.send(b"MAIL FROM:<a@outside.test>\r\nRCPT TO:<%s>\r\nBDAT %d\r\n%sBDAT 6 LAST\r\nNOOP\r\nMAIL FROM:<b@outside.test>\r\nRSET\r\n"
                       % (self.livia.address.encode(), len(one), one))  # fmt: skip
        self.assertEqual([self.wire.reply()[0] for _ in range(6)], [250, 250, 250, 250, 250, 250])
        (body,) = self.bodies()
        self.assertTrue(body.endswith(b"\r\n\r\nQUIT\r\nNOOP\r\n"), body)

    def test_everything_may_come_byte_by_byte(self):
        text = b"Subject: slow\r\n\r\nRSET\r\n"
        for byte in b"MAIL FROM:<a@outside.test>\r\nRCPT TO:<%s>\r\nBDAT %d LAST\r\n%s" % (self.livia.address.encode(), len(text), text):
            self.wire.send(bytes([byte]))
        self.assertEqual([self.wire.reply()[0] for _ in range(3)], [250, 250, 250])
        self.assertEqual(len(self.bodies()), 1)

    def test_chunks_that_are_not_wanted_are_no_commands(self):
        evil = b"\r\nRSET\r\nMAIL FROM:<evil@outside.test>\r\nRCPT TO:<%s>\r\nDATA\r\n" % self.livia.address.encode()
        for last in (False, True):
            self.assertEqual(self.chunk(evil, last)[0], 503, "no MAIL")
            self.assertEqual(self.wire.say("MAIL FROM:<a@outside.test>")[0], 250)
            self.assertEqual(self.chunk(evil, last)[0], 554, "no RCPT")
            self.assertEqual(self.chunk(evil, last)[0], 503, "again")
            self.assertEqual(self.wire.say("RSET")[0], 250)
        self.assertEqual(self.bodies(), [])

    def test_nor_are_they_before_hello_or_login(self):
        for port, code in (("smtp", 503), ("submission", 503)):
            with harness.Wire(self.mansio.host, self.mansio.port[port]) as wire:
                wire.reply()
                wire.send(b"BDAT 6\r\nNOOP\r\nNOOP\r\n")
                self.assertEqual([wire.reply()[0] for _ in range(2)], [code, 250])
        with harness.Wire(self.mansio.host, self.mansio.port["submission"]) as wire:
            wire.greet()
            wire.send(b"BDAT 6\r\nNOOP\r\nNOOP\r\n")
            self.assertEqual([wire.reply()[0] for _ in range(2)], [530, 250])

    def test_a_size_that_is_none_ends_the_connection(self):
        for line in (b"BDAT\r\n", b"BDAT x LAST\r\n", b"BDAT 5 FIRST\r\n", b"BDAT -1\r\n", b"BDAT 99999999999999999999\r\n", b"BDAT 3\n", b"BDAT 3\rLAST\r\n",
                     b"BDAT 3" + b" " * 600 + b"LAST\r\n", b"BDAT " + b"3" * 20000 + b"\r\n"):  # fmt: skip
            with self.subTest(line=line[:30]), harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
                wire.greet()
                wire.send(line)
                self.assertIn(wire.reply()[0], (500, 501))
                try:
                    wire.send(b"NOOP\r\n")
                except OSError:
                    pass
                self.assertTrue(wire.ended())

    def test_data_and_bdat_do_not_mix(self):
        self.envelope()
        self.assertEqual(self.chunk(b"Subject: x\r\n")[0], 250)
        self.assertEqual(self.wire.say("DATA")[0], 503)
        self.assertEqual(self.wire.say(f"RCPT TO:<{self.livia.address}>")[0], 503)
        self.assertEqual(self.wire.say("MAIL FROM:<b@outside.test>")[0], 503)
        self.assertEqual(self.wire.say("NOOP")[0], 250)
        self.assertEqual(self.chunk(b"\r\nbody\r\n", last=True)[0], 250)
        self.assertEqual(len(self.bodies()), 1)

    def test_rset_forgets_the_chunks(self):
        self.envelope()
        self.assertEqual(self.chunk(b"Subject: forgotten\r\n\r\n")[0], 250)
        self.assertEqual(self.wire.say("RSET")[0], 250)
        self.assertEqual(self.chunk(b"x", last=True)[0], 503)
        self.envelope()
        self.assertEqual(self.chunk(b"Subject: second\r\n\r\nbody\r\n", last=True)[0], 250)
        (body,) = self.bodies()
        self.assertNotIn(b"forgotten", body)

    def test_a_chunk_that_is_too_much_ends_the_transaction(self):
        (limit,) = (int(e.split()[1]) for e in self.extensions if e.startswith("SIZE "))
        self.envelope()
        block = b"x" * 998 + b"\r\n"
        total = 0
        code = 250
        while code == 250 and total < limit + (8 << 20):
            code, _ = self.chunk(block * 4000)
            total += 4000 * len(block)
        self.assertEqual(code, 552)
        self.assertGreater(total, limit)
        self.assertEqual(self.chunk(b"MAIL FROM:<x@y>\r\n")[0], 503)
        self.assertEqual(self.chunk(b"x", last=True)[0], 503)
        self.envelope()
        self.assertEqual(self.chunk(b"Subject: small\r\n\r\n", last=True)[0], 250)
        self.assertEqual(len(self.bodies()), 1)

    def test_large_messages_come_in_chunks(self):
        self.envelope(" SIZE=5000000")
        line = b"0123456789" * 7 + b"\r\n"
        self.assertEqual(self.chunk(b"Subject: large\r\n\r\n")[0], 250)
        for _ in range(5):
            self.assertEqual(self.chunk(line * 10000)[0], 250)
        self.assertEqual(self.chunk(line, last=True)[0], 250)
        (body,) = self.bodies()
        self.assertTrue(body.endswith(b"\r\n\r\n" + line * 50001))

    def test_a_text_without_its_last_line_end_gets_one(self):
        self.envelope()
        self.assertEqual(self.chunk(b"Subject: x\r\n\r\nno end", last=True)[0], 250)
        self.assertTrue(self.bodies()[0].endswith(b"\r\nno end\r\n"))

    def test_half_a_message_is_none(self):
        self.envelope()
        self.assertEqual(self.chunk(b"Subject: half\r\n\r\nbody\r\n")[0], 250)
        self.wire.send(b"BDAT 100 LAST\r\nonly this")
        self.wire.close()
        self.mansio.send("b@outside.test", self.livia.address, subject="whole")
        self.assertEqual(self.mansio.wait_for_mail(self.livia)["Subject"], "whole")
        self.assertEqual(len(self.bodies()), 1)

    # ---- binary ----

    BINARY = b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" + bytes(range(256)) + b"\r\n.\r\n\n.\n\r.\r"

    def test_a_binary_message_without_nul_is_kept_as_it_is(self):
        self.envelope(" BODY=BINARYMIME")
        without = self.BINARY.replace(b"\0", b"")
        self.assertEqual(self.chunk(without, last=True)[0], 250)
        (body,) = self.bodies()
        self.assertTrue(body.endswith(without))

    def test_binary_needs_bdat(self):
        self.envelope(" BODY=BINARYMIME")
        self.assertEqual(self.wire.say("DATA")[0], 503)

    def test_without_binary_odd_bytes_are_refused(self):
        for odd in (b"\0", b"a\nb", b"a\rb", b"\r\n.\n", b"\r"):
            self.envelope(" BODY=8BITMIME")
            code, text = self.chunk(b"Subject: x\r\n\r\n" + odd, last=True)
            self.assertEqual((code, text[:4]), (550, "5.6."), odd)
        self.assertEqual(self.bodies(), [])

    def test_the_header_of_a_binary_message_is_text(self):
        for odd in (b"Subject: a\nX: b\r\n\r\nbody", b"Subject: a\0b\r\n\r\nbody", b"Subject: a\rX: b\r\n\r\nbody"):
            self.envelope(" BODY=BINARYMIME")
            self.assertEqual(self.chunk(odd, last=True)[0], 550, odd)

    # ---- LMTP ----

    def test_lmtp_answers_the_last_chunk_for_each_recipient(self):
        second = self.mansio.new_account(self.domain)
        with harness.Wire(self.mansio.host, self.mansio.port["lmtp"]) as wire:
            self.assertIn("CHUNKING", wire.greet(verb="LHLO"))
            wire.say("MAIL FROM:<a@outside.test>")
            for who in (self.livia, second):
                self.assertEqual(wire.say(f"RCPT TO:<{who.address}>")[0], 250)
            wire.send(b"BDAT 14\r\nSubject: x\r\n\r\nBDAT 6 LAST\r\nbody\r\nNOOP\r\n")
            self.assertEqual([wire.reply()[0] for _ in range(4)], [250, 250, 250, 250])
        self.assertEqual(len(self.bodies()), 1)


if __name__ == "__main__":
    unittest.main()
