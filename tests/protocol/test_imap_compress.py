"""COMPRESS=DEFLATE (RFC 4978), with Python's zlib at the other end."""

import base64
import pathlib
import random
import re
import unittest
import zlib

import harness

MESSAGE = b"From: a@example.org\r\nSubject: salve\r\n\r\n" + b"Gallia est omnis divisa in partes tres.\r\n" * 50


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())

    def open(self, compress=True, tls=True):
        wire = harness.ImapWire(self.mansio, self.livia, tls=tls) if tls else self.open_starttls()
        self.addCleanup(wire.close)
        if compress:
            wire.compress()
        return wire

    def open_starttls(self):
        wire = harness.ImapWire(self.mansio, tls=False)
        wire.must("STARTTLS")
        wire.start_tls()
        wire.login(self.livia)
        return wire

    def capabilities(self, wire):
        return wire.must("CAPABILITY")[0].decode().split()


class Compressing(Case):
    def test_both_ways_are_compressed(self):
        for tls in (True, False):
            with self.subTest(tls=tls):
                wire = self.open(tls=tls)
                self.assertTrue(wire.append("INBOX", MESSAGE)[0].startswith("OK"))
                self.assertLess(wire.sent, len(MESSAGE) / 5)
                wire.must("SELECT INBOX")
                wire.received = 0
                self.assertIn(MESSAGE, b"\r\n".join(wire.must("FETCH * BODY[]")))
                self.assertLess(wire.received, len(MESSAGE) / 5)

    def test_it_is_offered_after_login_and_until_it_is_on(self):
        before = harness.ImapWire(self.mansio)
        self.addCleanup(before.close)
        self.assertNotIn("COMPRESS=DEFLATE", self.capabilities(before))
        self.assertTrue(before.run("COMPRESS DEFLATE")[0].startswith("BAD"))
        wire = self.open(compress=False)
        self.assertIn("COMPRESS=DEFLATE", self.capabilities(wire))
        self.assertTrue(wire.run("COMPRESS LZW")[0].startswith("BAD"))
        self.assertTrue(wire.run("COMPRESS")[0].startswith("BAD"))
        wire.compress()
        self.assertNotIn("COMPRESS=DEFLATE", self.capabilities(wire))
        self.assertTrue(wire.run("COMPRESS DEFLATE")[0].startswith("BAD [COMPRESSIONACTIVE]"))
        self.assertEqual(wire.must("NOOP"), [])

    def test_a_large_message_comes_back_byte_by_byte(self):
        noise = base64.encodebytes(random.Random(4).randbytes(1 << 20)).replace(b"\n", b"\r\n")
        message = b"Subject: large\r\n\r\n" + noise
        wire = self.open()
        self.assertTrue(wire.append("INBOX", message)[0].startswith("OK"))
        wire.must("SELECT INBOX")
        answer = wire.must("FETCH 1 BODY.PEEK[]")
        self.assertIn(message, answer[0])
        self.assertEqual(answer[0].count(message), 1)

    def test_bytes_may_come_one_at_a_time(self):
        wire = self.open()
        for byte in wire.packed("a1 SELECT INBOX\r\na2 STATUS INBOX (MESSAGES)\r\n"):
            wire.socket.sendall(bytes([byte]))
        self.assertEqual(wire.finish("a1")[0], "OK [READ-WRITE] Selected")
        self.assertEqual(wire.finish("a2")[1], [b'* STATUS "INBOX" (MESSAGES 0)'])

    def test_flushes_of_every_kind_are_read(self):
        wire = self.open()
        wire.must("SELECT INBOX")
        for n, flush in enumerate([zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_BLOCK] * 5):
            wire.socket.sendall(wire.packed(f"a{n} NOOP\r\n", flush))
            if flush == zlib.Z_BLOCK:
                wire.socket.sendall(wire.packed(""))
            self.assertEqual(wire.finish(f"a{n}"), ("OK Done", []))

    def test_history_is_kept_between_commands_and_across_workers(self):
        wires = [self.open() for _ in range(6)]
        words = [random.Random(n).randbytes(300).hex() for n in range(6)]
        for turn in range(8):
            for n, wire in enumerate(wires):
                wire.sent = 0
                wire.start(f'ID ("name" "{words[n]}")')
                if turn > 0:
                    self.assertLess(wire.sent, 100, "the client's compressor refers to what it sent before")
            for wire in wires:
                self.assertRegex(wire.finish(f"t{wire.count}")[0], "^OK")

    def test_an_idling_session_hears_of_others(self):
        one, two = self.open(), self.open(compress=False)
        one.must("SELECT INBOX")
        tag = one.start("IDLE")
        self.assertEqual(one.line(), b"+ idling")
        for n in range(1, 4):
            two.append("INBOX", MESSAGE)
            self.assertEqual([one.line(), one.line()], [b"* %d EXISTS" % n, b"* %d RECENT" % n])
        one.send("DONE\r\n")
        self.assertTrue(one.finish(tag)[0].startswith("OK"))

    def test_pipelining_as_thunderbird_does(self):
        """Commands at once and half commands between them, literals not asked for, IDLE in the middle."""
        wire = self.open()
        wire.send(
            f"1 SELECT INBOX\r\n2 APPEND INBOX (\\Seen) {{{len(MESSAGE)}+}}\r\n".encode() + MESSAGE + b"\r\n3 NOOP\r\n4 UID FETCH 1:* (UID RFC822.SIZE FLAGS "
        )
        wire.send(b"BODY.PEEK[HEADER.FIELDS (From Subject)])\r\n5 IDLE\r\n")
        for n in (1, 2, 3):
            self.assertTrue(wire.finish(str(n))[0].startswith("OK"), n)
        self.assertRegex(wire.finish("4")[1][0], rb"\* 1 FETCH \(UID 1 RFC822.SIZE \d+ FLAGS \(\\Seen \\Recent\)")
        self.assertEqual(wire.line(), b"+ idling")
        wire.send(b"DONE\r\n6 UID STORE 1 +FLAGS (\\Deleted)\r\n7 EXPUNGE\r\n8 LOGOUT\r\n")
        self.assertTrue(wire.finish("5")[0].startswith("OK"))
        self.assertEqual(wire.finish("6")[1], [b"* 1 FETCH (FLAGS (\\Seen \\Deleted \\Recent) UID 1)"])
        self.assertEqual(wire.finish("7")[1], [b"* 1 EXPUNGE"])
        self.assertEqual(wire.finish("8")[1], [b"* BYE Goodbye"])


class Leaving(Case):
    def test_unauthenticate_ends_compression(self):
        wire = self.open()
        wire.must("ENABLE CONDSTORE UTF8=ACCEPT")
        wire.must("UNAUTHENTICATE")
        wire.stop_compressing()
        self.assertNotIn("COMPRESS=DEFLATE", self.capabilities(wire))
        wire.login(self.livia)
        self.assertIn("COMPRESS=DEFLATE", self.capabilities(wire))
        wire.must("SELECT INBOX")
        wire.compress()
        self.assertEqual(wire.must("NOOP"), [])

    def test_a_login_may_follow_unauthenticate_at_once(self):
        """The client's compression ends with that command's line (RFC 8437 section 4.1)."""
        for last in (zlib.Z_SYNC_FLUSH, zlib.Z_FINISH):
            with self.subTest(last):
                wire = self.open()
                plain = base64.b64encode(f"\0{self.livia.address}\0{self.livia.password}".encode())
                wire.socket.sendall(wire.packed("u UNAUTHENTICATE\r\n", last) + b"v AUTHENTICATE PLAIN " + plain + b"\r\nw NOOP\r\n")
                self.assertTrue(wire.line().startswith(b"u OK"))
                plainly = wire.buffer + wire.inflate.unused_data
                wire.stop_compressing()
                wire.buffer = plainly
                self.assertTrue(wire.line().startswith(b"v OK"))
                self.assertTrue(wire.line().startswith(b"w OK"))


class Hostile(Case):
    def test_a_bomb_is_stopped_by_the_bounds_of_a_command(self):
        wire = self.open()
        bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = b"x NOOP " + b"A" * (64 << 20)
        data = bomb.compress(data) + bomb.flush(zlib.Z_SYNC_FLUSH)
        self.assertLess(len(data), 100_000)
        before = self.resident()
        wire.socket.sendall(data)
        self.assertIn(b"* BYE", wire.inflate.decompress(wire.at_end()))
        self.assertLess(self.resident() - before, 8 << 10, "KiB that the server grew by")

    def resident(self):
        pid = self.mansio.pid("imapd")
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])

    def test_what_is_not_compressed_ends_the_connection(self):
        wire = self.open()
        wire.socket.sendall(b"x NOOP\r\n" * 10)
        self.assertEqual(wire.inflate.decompress(wire.at_end()), b"")
        self.assertEqual(self.open().must("NOOP"), [])

    def test_blocks_with_nothing_in_them_do_no_harm(self):
        wire = self.open()
        wire.socket.sendall(b"\0\0\0\xff\xff" * 100_000)
        self.assertEqual(wire.must("NOOP"), [])

    def test_a_block_that_is_the_last_ends_the_connection_at_the_next_byte(self):
        wire = self.open()
        wire.socket.sendall(wire.packed("x NOOP\r\n", zlib.Z_FINISH))
        self.assertTrue(wire.line().startswith(b"x OK"))
        wire.socket.sendall(b"y NOOP\r\n")
        self.assertEqual(wire.inflate.decompress(wire.at_end()), b"")


if __name__ == "__main__":
    unittest.main()
