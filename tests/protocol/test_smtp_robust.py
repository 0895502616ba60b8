"""Clients that mean harm, or mean well and can't: nobody else notices."""

import contextlib
import os
import re
import socket
import ssl
import threading
import time
import unittest

import harness

# What is sent on a port where TLS begins with the first byte, or behind STARTTLS.
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 32 + b"\x20" + b"s" * 32
NOT_TLS = (
    b"EHLO plain.test\r\nMAIL FROM:<a@outside.test>\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x01\x00\x80" * 7 + b"c" * 16,  # a hello of SSL 2
    b"\x16\x03\x01\x00\x00" * 100,  # empty records
    b"\x16\x03\x01\xff\xff" + b"\xff" * 65535,  # one that is too long
    b"\x17\x03\x03\x00\x10" + b"d" * 16,  # data before there are keys
    b"\x15\x03\x01\x00\x02\x02\x28",  # an alert, before anything else
    HELLO,  # a hello that never ends
    b"\x00" * 4096,
    b"",
)


# A sanitizer keeps freed memory for a while, and makes everything slower.
SANITIZED = 8 if "-" in os.path.basename(os.environ.get("MANSIO_BUILD", "")) else 1


def status(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(rf"{name}:\s+(\d+)", file.read())[1])


class Robust(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.addClassCleanup(cls.mansio.remove)
        cls.livia = cls.mansio.new_account(cls.mansio.new_domain())
        cls.mansio.send("someone@outside.test", cls.livia.address, subject="warm")
        cls.pid = cls.mansio.pid("mta")

    def tearDown(self):
        self.assertEqual(self.mansio.pid("mta"), self.pid, "it was one process all the time")

    def connect(self, port="smtp"):
        return socket.create_connection((self.mansio.host, self.mansio.port[port]), 20)

    def wire(self):
        return harness.Wire(self.mansio.host, self.mansio.port["smtp"], timeout=60)

    def envelope(self, wire):
        for line, code in (("MAIL FROM:<someone@outside.test>", 250), (f"RCPT TO:<{self.livia.address}>", 250), ("DATA", 354)):
            self.assertEqual(wire.say(line)[0], code)

    def assert_delivers(self, subject):
        """A message goes through all the way, in a time that nobody takes for a fault."""
        before = time.monotonic()
        self.mansio.send("someone@outside.test", self.livia.address, subject=subject)
        self.assertLess(time.monotonic() - before, 4 * SANITIZED)
        self.mansio.wait_for_mail(self.livia, subject)

    def assert_grown(self, memory, most):
        """By less than `most` KiB since `memory`."""
        self.assertLess(status(self.pid, "RssAnon") - memory, most * SANITIZED)

    # ---- many ----

    def test_thousands_of_half_open_and_slow_clients_keep_nobody_waiting(self):
        head = b"EHLO slow.test\r\nMAIL FROM:<a@outside.test>\r\nRCPT TO:<%s>\r\nDATA\r\n" % self.livia.address.encode()
        memory = status(self.pid, "RssAnon")
        stop = threading.Event()
        with contextlib.ExitStack() as stack:
            slow = []
            for kind in range(3000):
                client = stack.enter_context(self.connect("submissions" if kind % 5 == 0 else "smtp"))
                client.settimeout(5)
                client.sendall((HELLO, b"", b"EHLO half.test\r\nMAIL FR", head, head + b"Subject: slow\r\n\r\n")[kind % 5])
                slow += [client] if kind % 5 > 2 else []

            def trickle():
                while not stop.is_set():
                    for client in slow:
                        client.sendall(b"x")

            thread = threading.Thread(target=trickle)
            thread.start()
            stack.callback(thread.join)
            stack.callback(stop.set)
            for number in range(5):
                self.assert_delivers(f"through {number}")
            self.assertLess(status(self.pid, "Threads"), 300)
            self.assert_grown(memory, 100 * 3000)
        self.assert_delivers("afterwards")

    def test_who_reads_no_replies_costs_no_memory_and_keeps_nobody_waiting(self):
        memory = status(self.pid, "RssAnon")
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                client = stack.enter_context(self.connect())
                client.settimeout(0.5)
                with contextlib.suppress(TimeoutError, ConnectionError):
                    for _ in range(100):
                        client.sendall(b"NOOP\r\n" * 20_000)
            self.assert_delivers("past those who do not listen")
            self.assert_grown(memory, 40_000)

    def test_a_hundred_thousand_recipients_are_cut_off(self):
        memory = status(self.pid, "RssAnon")
        lines = b"".join(b"RCPT TO:<%s>\r\n" % self.livia.address.encode() for _ in range(100_000))
        with self.wire() as wire:
            wire.greet()
            wire.say("MAIL FROM:<a@outside.test>")
            sender = threading.Thread(target=self.send_until_refused, args=(wire, lines))
            sender.start()
            codes = []
            while not codes or codes[-1] not in (0, 421):
                try:
                    codes.append(wire.reply()[0])
                except ConnectionError:
                    codes.append(0)
            sender.join()
        self.assertEqual(codes[:1000], [250] * 1000, "the limit of the setting mta.recipients")
        self.assertEqual(set(codes[1000:-1]), {452})
        self.assertLess(len(codes), 2200)
        self.assert_grown(memory, 20_000)

    @staticmethod
    def send_until_refused(wire, data):
        with contextlib.suppress(OSError):
            wire.send(data)

    # ---- endless ----

    def test_an_endless_header_is_refused_with_a_reason_and_not_held_in_memory(self):
        fields = b"".join(b"X-Field-%d: %s\r\n" % (n, b"y" * 60) for n in range(20_000))
        for name, header in (("fields", fields), ("folds", b"X: y\r\n" + b" folded\r\n" * 200_000), ("one line", b"X: " + b"y" * 2_000_000)):
            with self.subTest(name), self.wire() as wire:
                wire.greet()
                self.envelope(wire)
                memory = status(self.pid, "RssAnon")
                for _ in range(20):
                    wire.send(header)
                self.assert_grown(memory, 16_000)
                wire.send(b"\r\n\r\nbody\r\n.\r\n")
                code, text = wire.reply()
                self.assertEqual((code, text[:5]), (552, "5.3.4"))
                self.assertIn("header", text)
                self.envelope(wire)
                wire.send(b"Subject: small\r\n\r\nbody\r\n.\r\n")
                self.assertEqual(wire.reply()[0], 250)
        with self.mansio.submission(self.livia) as client:
            client.ehlo()
            client.mail(self.livia.address)
            client.rcpt(self.livia.address)
            code, text = client.data(b"From: <" + self.livia.address.encode() + b">\r\n" + fields + b"\r\nbody\r\n")
            self.assertEqual((code, text[:5]), (552, b"5.3.4"))

    def test_a_long_body_without_an_empty_line_before_it_is_no_header(self):
        raw = b"Subject: forgotten\r\n" + b"just words, no field\r\n" * 100_000
        self.mansio.send("someone@outside.test", self.livia.address, raw=raw)
        self.assertTrue(self.mansio.wait_for_mail(self.livia, "forgotten"))

    def test_ten_gigabytes_are_read_to_their_end_and_kept_nowhere(self):
        block = (b"x" * 998 + b"\r\n") * 4096
        blocks = 10 * 10**9 // len(block)
        spool = self.mansio.instance.place.data
        for verb, end in (("DATA", b".\r\n"), (f"BDAT {blocks * len(block)} LAST", b"")):
            with self.subTest(verb), self.wire() as wire:
                wire.greet()
                for line in ("MAIL FROM:<someone@outside.test>", f"RCPT TO:<{self.livia.address}>"):
                    self.assertEqual(wire.say(line)[0], 250)
                wire.send(verb.encode() + b"\r\n")
                if verb == "DATA":
                    self.assertEqual(wire.reply()[0], 354)
                memory, before = status(self.pid, "RssAnon"), self.used(spool)
                for number in range(blocks):
                    wire.send(block)
                    if number % 500 == 0:
                        self.assert_grown(memory, 16_000)
                        self.assertLess(self.used(spool) - before, 200 << 20)
                wire.send(end)
                code, text = wire.reply()
                self.assertEqual((code, text[:5]), (552, "5.3.4"))
                self.assertEqual(wire.say("NOOP")[0], 250)

    def test_chunks_by_the_ten_thousand_cost_nobody_anything(self):
        memory = status(self.pid, "RssAnon")
        with self.wire() as wire:
            wire.greet()
            for line in ("MAIL FROM:<someone@outside.test>", f"RCPT TO:<{self.livia.address}>"):
                self.assertEqual(wire.say(line)[0], 250)
            wire.send(b"BDAT 22\r\nSubject: in pieces\r\n\r\n")
            chunks = 50_000
            sender = threading.Thread(target=self.send_until_refused, args=(wire, b"BDAT 1\r\nx" * chunks))
            sender.start()
            self.assertEqual({wire.reply()[0] for _ in range(chunks + 1)}, {250})
            sender.join()
            self.assertEqual(wire.say("BDAT 0 LAST")[0], 250)
        self.assert_grown(memory, 16_000)
        self.assertIn(b"x" * chunks, self.mansio.wait_for_mail(self.livia, "in pieces").as_bytes())

    def used(self, folder):
        """Bytes of files that the process has open below the folder, unlinked ones too."""
        total = 0
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(OSError):
                path = f"/proc/{self.pid}/fd/{fd}"
                total += os.stat(path).st_blocks * 512 if os.readlink(path).startswith(str(folder)) else 0
        return total

    # ---- TLS ----

    def test_what_is_no_tls_on_a_port_for_tls_harms_nobody(self):
        with contextlib.ExitStack() as stack:
            for rubbish in (*NOT_TLS, *(os.urandom(1000) for _ in range(20))):
                client = stack.enter_context(self.connect("submissions"))
                client.sendall(rubbish)
                answer = self.until_closed(client, 0.2)
                self.assertNotIn(b"220 ", answer)
                self.assertNotIn(b"250", answer)
                with self.mansio.submission(self.livia) as good:
                    self.assertEqual(good.noop()[0], 250)

    def test_what_is_no_tls_behind_starttls_harms_nobody(self):
        with contextlib.ExitStack() as stack:
            for rubbish in NOT_TLS:
                client = stack.enter_context(self.connect())
                client.sendall(b"EHLO a.test\r\nSTARTTLS\r\n")
                answer = b""
                while b"220 2.0.0" not in answer:
                    answer += client.recv(4096)
                client.sendall(rubbish)
                self.assertNotIn(b"250", self.until_closed(client, 0.2))
                self.assert_delivers("still here")

    @staticmethod
    def until_closed(client, seconds):
        client.settimeout(seconds)
        answer = b""
        with contextlib.suppress(OSError):
            while piece := client.recv(4096):
                answer += piece
        return answer

    def test_what_was_said_in_plain_before_tls_is_thrown_away_on_each_port(self):
        injected = f"EHLO evil.test\r\nMAIL FROM:<evil@outside.test>\r\nRCPT TO:<{self.livia.address}>\r\nDATA\r\nSubject: evil\r\n\r\n.\r\n"
        for port in ("smtp", "submission", "lmtp"):
            for lead in (b"", b"NOOP\r\n" * 50):
                with self.subTest(port=port), self.connect(port) as client:
                    client.sendall((b"LHLO a.test\r\n" if port == "lmtp" else b"EHLO a.test\r\n") + lead + b"STARTTLS\r\n" + injected.encode())
                    answer = b""
                    while b"220 2.0.0" not in answer:
                        answer += client.recv(4096)
                    self.assertTrue(answer.endswith(b"\r\n") and answer.count(b"\r\n220 2.0.0") == 1, answer)
                    with self.mansio.trust().wrap_socket(client, server_hostname="localhost") as tls:
                        tls.sendall(b"RSET\r\nQUIT\r\n")
                        answer = b""
                        with contextlib.suppress(ssl.SSLEOFError):
                            while piece := tls.recv(4096):
                                answer += piece
                        self.assertEqual([line[:3] for line in answer.splitlines()], [b"250", b"221"], answer)
        self.assertNotIn(b"evil", b"".join(body for _, body in self.mansio.mail(self.livia)))

    # ---- PostgreSQL ----

    def test_postgresql_gone_in_the_middle_of_a_message_is_451_and_the_next_attempt_delivers_once(self):
        for how in ("stopped", "killed"):
            with self.subTest(how), self.wire() as wire:
                wire.greet()
                self.envelope(wire)
                wire.send(f"Subject: {how}\r\n\r\nhalf of it\r\n".encode())
                if how == "stopped":
                    self.mansio.pause("postgres")
                else:
                    self.mansio.kill("postgres")
                wire.send(b"the other half\r\n.\r\n")
                code, text = wire.reply()
                if how == "stopped" or code != 250:  # one that was killed may be there again already
                    self.assertEqual((code, text[:5]), (451, "4.3.0"))
                    if how == "stopped":
                        self.mansio.resume("postgres")
                    self.send_again(wire, how)
                mails = [body for _, body in self.mansio.mail(self.livia) if f"Subject: {how}\r\n".encode() in body]
                self.assertEqual(len(mails), 1)

    def send_again(self, wire, subject):
        def attempt():
            if wire.say("MAIL FROM:<someone@outside.test>")[0] != 250 or wire.say(f"RCPT TO:<{self.livia.address}>")[0] != 250:
                wire.say("RSET")
                return False
            wire.say("DATA")
            wire.send(f"Subject: {subject}\r\n\r\nall of it\r\n.\r\n".encode())
            return wire.reply()[0] == 250

        harness.eventually(attempt, 20)


if __name__ == "__main__":
    unittest.main()
