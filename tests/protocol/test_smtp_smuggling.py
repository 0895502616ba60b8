"""Line ends: a message ends with CR LF . CR LF and with nothing else. Each of these sequences ends it for some server
somewhere; what goes on behind it must never be taken for commands, whether it is stored or refused."""

import itertools
import os
import re
import subprocess
import unittest

import harness

# What stands between two lines instead of CR LF . CR LF.
SEQUENCES = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r.\n",
    b"\n.\r",
    b"\n\n.\n\n",
    b"\r\r.\r\r",
    b"\r\n.\r\r\n",
    b"\r\r\n.\r\n",
    b"\r\r\n.\r\r\n",
    b"\n\r\n.\n\r\n",
    b"\r\n\r.\r\n",
    b"\n\r.\n\r",
    b"\r\n.\n\r\n",
    b"\r\n\n.\r\n",
    b"\r\n.\0\r\n",
    b"\r\n\0.\r\n",
    b"\r\0\n.\r\0\n",
    b"\r\n.\r\0\n",
    b"\0\r\n.\n",
    b"\n\0.\r\n",
    b"\r\n..\r\n",
    b"\r\n. \r\n",
    b"\r\n .\r\n",
    b"\r\n.\t\r\n",
    b"\r\n.\x85",
    b"\r\n.\x0b\n",
    b"\r\n.\x0c\r\n",
    b"\x1e.\r\n",
    b"\r\n\0.\0\r\n",
    b"\0\n.\n",
    b"\n.\n\r",
    b"\r\n.\r\0",
    b"\r\0.\r\0",
    b"\n\0.\n",
    b"\r\n.\x1a\r\n",
    b"\xe2\x80\xa8.\r\n",
]


class Smuggling(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.marker = itertools.count()

    def envelope(self, sender):
        return f"MAIL FROM:<{sender}>\r\nRCPT TO:<{self.livia.address}>\r\nDATA\r\n".encode()

    def payload(self, subject, sequence):
        hidden = self.envelope("smuggled@outside.test") + b"Subject: smuggled\r\n\r\nsmuggled\r\n"
        return f"Subject: {subject}\r\n\r\nbody".encode() + sequence + hidden + b".\r\n"

    def say_all(self, data, pipelined):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            if pipelined:
                wire.send(self.envelope("honest@outside.test") + data)
                replies = [wire.reply() for _ in range(4)]
            else:
                replies = []
                for line in self.envelope("honest@outside.test").splitlines(True):
                    wire.send(line)
                    replies.append(wire.reply())
                wire.send(data)
                replies.append(wire.reply())
            self.assertEqual([code for code, _ in replies[:3]], [250, 250, 354])
            if replies[3][0] == 250:
                self.assertEqual(wire.say("NOOP")[0], 250)
            else:  # what looks like a true end of data may have followed: then no command behind it was obeyed
                self.assertIn(wire.say("NOOP")[0], (250, 421))
            return replies[3]

    def say_slowly(self, data):
        """Byte by byte."""
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            for byte in self.envelope("honest@outside.test") + data:
                wire.send(bytes([byte]))
            replies = [wire.reply() for _ in range(4)]
            self.assertIn(wire.say("NOOP")[0], (250, 421))
            return replies[3]

    def check(self, pipelined):
        kept = {}
        for number, sequence in enumerate(SEQUENCES):
            subject = f"{pipelined} {number}"
            with self.subTest(sequence=sequence, pipelined=pipelined):
                data = self.payload(subject, sequence)
                code, text = self.say_slowly(data) if pipelined == "slowly" else self.say_all(data, pipelined)
                clean = sequence.replace(b"\r\n", b"")
                if b"\r" in clean or b"\n" in clean or b"\0" in clean:
                    self.assertEqual(code, 550, text)
                    self.assertRegex(text, r"^5\.6\.")
                else:
                    self.assertEqual(code, 250, text)
                    kept[subject] = sequence
        got = [body for _, body in self.mansio.mail(self.livia)]
        self.assertEqual(len(got), len(kept), "exactly the messages that were taken are there")
        for body in got:
            self.assertIn(b"Return-Path: <honest@outside.test>", body)
            self.assertIn(b"smuggled\r\n", body, "the rest is part of the message")

    def test_no_sequence_makes_two_messages_of_one(self):
        self.check(pipelined=False)

    def test_nor_does_it_when_everything_comes_at_once(self):
        self.check(pipelined=True)

    def test_nor_when_it_comes_byte_by_byte(self):
        self.check(pipelined="slowly")

    def chunked(self, wire, text, pieces):
        """BDAT with these pieces of the text; the reply to the last, or to the first that is refused."""
        for last, piece in ((at == len(pieces) - 1, text[begin:end]) for at, (begin, end) in enumerate(pieces)):
            wire.send(b"BDAT %d%s\r\n" % (len(piece), b" LAST" if last else b"") + piece)
            code, reply = wire.reply()
            if code != 250:
                break
        return code, reply

    def test_in_chunks_no_sequence_means_anything(self):
        for body, refused in (("7BIT", True), ("BINARYMIME", False)):
            count = 0
            before = len(self.mansio.mail(self.livia))
            for number, sequence in enumerate(SEQUENCES):
                text = self.payload(f"{body} {number}", sequence)
                middle = text.index(sequence) + len(sequence) // 2
                for pieces in ([(0, len(text))], [(0, middle), (middle, len(text))], [(0, middle - 1), (middle - 1, middle), (middle, len(text)), (0, 0)]):
                    with self.subTest(sequence=sequence, body=body, pieces=pieces), harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
                        wire.greet()
                        for line in (f"MAIL FROM:<honest@outside.test> BODY={body}", f"RCPT TO:<{self.livia.address}>"):
                            self.assertEqual(wire.say(line)[0], 250)
                        code, reply = self.chunked(wire, text, pieces)
                        clean = sequence.replace(b"\r\n", b"")
                        if refused and (b"\r" in clean or b"\n" in clean or b"\0" in clean):
                            self.assertEqual((code, reply[:4]), (550, "5.6."))
                        else:
                            self.assertEqual(code, 250, reply)
                            count += 1
                        self.assertEqual(wire.say("NOOP")[0], 250)
                        self.assertEqual(wire.say("RCPT TO:<x@outside.test>")[0], 503, "the transaction is over")
            got = [found for _, found in self.mansio.mail(self.livia)][before:]
            self.assertEqual(len(got), count)
            for found in got:
                self.assertIn(b"Return-Path: <honest@outside.test>", found)

    def test_after_wrong_line_ends_a_client_has_to_connect_again(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.send(self.envelope("a@outside.test") + b"Subject: x\r\n\r\nbody\r\r\n.\r\n" + self.envelope("evil@outside.test"))
            self.assertEqual([wire.reply()[0] for _ in range(5)], [250, 250, 354, 550, 421])
            self.assertTrue(wire.ended())

    def test_stuffed_dots_are_taken_off(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.send(self.envelope("a@outside.test") + b"Subject: dots\r\n\r\n..\r\n...\r\n.x\r\nx.\r\n.\r\n")
            self.assertEqual([wire.reply()[0] for _ in range(4)], [250, 250, 354, 250])
        (_, body), = self.mansio.mail(self.livia)
        self.assertTrue(body.endswith(b"\r\n\r\n.\r\n..\r\nx\r\nx.\r\n"), body)

    def test_commands_behind_the_end_belong_to_the_next_message(self):
        one = b"Subject: one\r\n\r\none\r\n.\r\n"
        two = b"Subject: two\r\n\r\ntwo\r\n.\r\n"
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.send(self.envelope("a@outside.test") + one + self.envelope("a@outside.test") + two + b"QUIT\r\n")
            self.assertEqual([wire.reply()[0] for _ in range(9)], [250, 250, 354, 250, 250, 250, 354, 250, 221])
        self.assertEqual(len(self.mansio.mail(self.livia)), 2)

    def test_data_that_never_ends_is_no_message(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.send(self.envelope("a@outside.test") + b"Subject: half\r\n\r\nhalf of it")
            self.assertEqual([wire.reply()[0] for _ in range(3)], [250, 250, 354])
        self.mansio.send("b@outside.test", self.livia.address, subject="whole")
        self.assertEqual(self.mansio.wait_for_mail(self.livia)["Subject"], "whole")
        self.assertEqual(len(self.mansio.mail(self.livia)), 1)


class Onward(unittest.TestCase):
    """What goes out is one message for every server, however it came here."""

    # What somebody somewhere takes for the end of a message.
    ENDS = re.compile(rb"(\r\n|\r|\n|^)\0?\.\0?(\r\n|\r|\n)")

    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.connections = []
        sink = harness.Sink(self.mansio, self.lenient)
        self.enterContext(sink)
        self.far = f"lenient-{self.domain}".replace(".example", ".test")
        self.mansio.outside_zone(self.far, ["@ MX 10 mx", f"mx A {sink.address}"])

    def lenient(self, peer):
        """A server that ends a message at the first sequence that looks like an end, and obeys what follows."""
        heard = []
        self.connections.append(heard)
        peer.say("220 lenient.test")
        while line := peer.line():
            if line.startswith("DATA"):
                peer.say("354 go on")
                data = b""
                while not self.ENDS.search(data):
                    byte = peer.file.read(1)
                    if not byte:
                        return
                    data += byte
                    if data.endswith((b".\r", b".\0\r")):  # the LF may follow
                        data += peer.file.read(1)
                heard.append(("DATA", data))
            else:
                heard.append((line.split()[0], line))
            peer.say("250 ok" if not line.startswith("EHLO") else "250-lenient.test\r\n250-8BITMIME\r\n250 PIPELINING")

    def check(self, count):
        harness.eventually(lambda: sum(verb == "DATA" for heard in self.connections for verb, _ in heard) >= count, 30)
        harness.eventually(lambda: not self.mansio.sql(f"SELECT 1 FROM queue_recipient WHERE address LIKE '%@{self.far}'"), 10)
        messages = 0
        for heard in self.connections:
            verbs = [verb for verb, _ in heard if verb not in ("EHLO", "QUIT", "RSET")]
            messages += len(verbs) // 3
            self.assertEqual(verbs, ["MAIL", "RCPT", "DATA"] * (len(verbs) // 3))
            self.assertNotIn("smuggled", "".join(line for verb, line in heard if verb == "MAIL"))
        self.assertEqual(messages, count)

    def hidden(self, sequence):
        return b"body" + sequence + b"MAIL FROM:<smuggled@outside.test>\r\nRCPT TO:<x@y.test>\r\nDATA\r\nsmuggled\r\n.\r\n"

    def test_what_programs_of_this_machine_hand_in(self):
        env = {**os.environ, "MANSIO_CONF": str(self.mansio.instance.place.configuration)}
        program = os.path.join(self.mansio.instance.build, "bin", "sendmail")
        count = 0
        for sequence in SEQUENCES:
            done = subprocess.run([program, "-i", f"bob@{self.far}"], env=env, input=b"Subject: x\n\n" + self.hidden(sequence), capture_output=True,
                                  check=False, timeout=30)  # fmt: skip
            self.assertEqual(done.returncode, 65 if b"\0" in sequence else 0, done.stderr)
            count += done.returncode == 0
        self.check(count)

    def test_what_users_hand_in_in_binary_chunks(self):
        with self.mansio.submission(self.livia) as client:
            for sequence in SEQUENCES:
                text = b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\n" + self.hidden(sequence)
                for line in (f"MAIL FROM:<{self.livia.address}> BODY=BINARYMIME", f"RCPT TO:<bob@{self.far}>"):
                    self.assertEqual(client.docmd(line)[0], 250)
                client.sock.sendall(b"BDAT %d LAST\r\n" % len(text) + text)
                self.assertEqual(client.getreply()[0], 250)
        self.check(len(SEQUENCES))


class Settings(unittest.TestCase):
    """Clients that are listed have their line ends mended, and smuggle no more than others. The settings are the whole instance's, so it is one of
    its own; what else is set for all of SMTP is here, too."""

    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.mansio.command("setting", "set", "mta.normalise_clients", "127.0.0.1 2001:db8::/32")

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def setUp(self):
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def send(self, data, source="127.0.0.1", chunks=False):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"], source=source) as wire:
            wire.greet()
            for line in ("MAIL FROM:<old@outside.test>", f"RCPT TO:<{self.livia.address}>"):
                self.assertEqual(wire.say(line)[0], 250)
            if chunks:
                wire.send(b"BDAT %d LAST\r\n" % len(data) + data)
            else:
                self.assertEqual(wire.say("DATA")[0], 354)
                wire.send(data + b"\r\n.\r\n")
            code, _ = wire.reply()
            if code == 250 and b"\r\r\n.\r\n" in data and not chunks:
                # ended by CR LF . CR LF, and yet not by everybody's reading: nothing behind it is obeyed
                self.assertEqual(wire.reply()[0], 421)
                self.assertTrue(wire.ended())
            elif code == 250:
                self.assertEqual(wire.say("NOOP")[0], 250)
                self.assertEqual(wire.say("MAIL FROM:<old@outside.test>")[0], 250)
            return code

    def bodies(self):
        return [body for _, body in self.mansio.mail(self.livia)]

    def test_their_line_ends_are_mended(self):
        for chunks in (False, True):
            self.assertEqual(self.send(b"Subject: old\n\none\ntwo\rthree\r\nfour", chunks=chunks), 250)
        for body in self.bodies():
            self.assertTrue(body.endswith(b"Subject: old\r\n\r\none\r\ntwo\r\nthree\r\nfour\r\n"), body)

    def test_others_are_not(self):
        self.assertEqual(self.send(b"Subject: old\n\nx", source="127.0.0.2"), 550)
        self.assertEqual(self.bodies(), [])

    def test_nul_is_refused_nevertheless(self):
        self.assertEqual(self.send(b"Subject: x\r\n\r\na\0b"), 550)

    def test_no_sequence_makes_two_messages_of_one(self):
        for chunks in (False, True):
            count = 0
            before = len(self.bodies())
            for sequence in SEQUENCES:
                hidden = b"MAIL FROM:<smuggled@outside.test>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled" % self.livia.address.encode()
                code = self.send(b"Subject: x\r\n\r\nbody" + repr(sequence).encode() + sequence + hidden, chunks=chunks)
                self.assertEqual(code, 550 if b"\0" in sequence else 250, sequence)
                count += code == 250
            got = self.bodies()[before:]
            self.assertEqual(len(got), count)
            for body in got:
                self.assertIn(b"Return-Path: <old@outside.test>", body)
                self.assertNotRegex(body.replace(b"\r\n", b""), rb"[\r\n]")

    def test_a_setting_that_is_no_network_is_refused(self):
        done = self.mansio.command("setting", "set", "mta.normalise_clients", "somewhere", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("somewhere", done.stderr)

    def test_services_can_be_closed_to_those_without_tls(self):
        self.assertNotEqual(self.mansio.command("setting", "set", "mta.require_tls", "imap", check=False).returncode, 0)
        self.mansio.command("setting", "set", "mta.require_tls", "smtp lmtp")
        try:
            harness.eventually(self.tls_is_required, 5)
            with self.mansio.smtp() as client:
                client._host = "localhost"  # pylint: disable=protected-access
                client.starttls(context=self.mansio.trust())
                client.sendmail("a@outside.test", [self.livia.address], "Subject: private\r\n\r\n")
            with harness.Wire(self.mansio.host, self.mansio.port["submission"]) as wire:
                wire.greet()
                self.assertEqual(wire.say("VRFY x")[0], 252, "it is another service")
        finally:
            self.mansio.command("setting", "set", "mta.require_tls", "")
        self.assertEqual(len(self.bodies()), 1)

    def test_keeping_mail_for_later_can_be_forbidden(self):
        self.mansio.command("setting", "set", "mta.future_release", "0")

        def forbidden():
            with self.mansio.submission(self.livia) as client:
                client.ehlo()
                return "futurerelease" not in client.esmtp_features and client.docmd(f"MAIL FROM:<{self.livia.address}> HOLDFOR=10")[0] == 555

        try:
            harness.eventually(forbidden, 5)
        finally:
            self.mansio.command("setting", "set", "mta.future_release", "30d")

    def tls_is_required(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            codes = [wire.say(line)[0] for line in ("NOOP", "MAIL FROM:<a@outside.test>", "RSET", "HELO x", "VRFY x", "HELP")]
            wire.send(b"BDAT 6\r\nQUIT\r\n")
            codes.append(wire.reply()[0])
            codes.append(wire.say("QUIT")[0])
            return codes == [250, 530, 530, 530, 530, 530, 530, 221]


if __name__ == "__main__":
    unittest.main()
