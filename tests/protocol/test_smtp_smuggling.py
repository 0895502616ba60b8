"""Line ends: a message ends with CR LF . CR LF and with nothing else. Each of these sequences ends it for some server
somewhere; what goes on behind it must never be taken for commands, whether it is stored or refused."""

import itertools
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

    def check(self, pipelined):
        kept = {}
        for number, sequence in enumerate(SEQUENCES):
            subject = f"{pipelined} {number}"
            with self.subTest(sequence=sequence, pipelined=pipelined):
                code, text = self.say_all(self.payload(subject, sequence), pipelined)
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


if __name__ == "__main__":
    unittest.main()
