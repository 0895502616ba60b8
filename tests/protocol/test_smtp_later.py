"""FUTURERELEASE (RFC 4865): a message that its sender wants to be kept for a while."""

import datetime
import os
import subprocess
import time
import unittest

import harness


class Later(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.marcus = self.mansio.new_account(self.domain)
        self.client = self.mansio.submission(self.livia)
        self.client.ehlo()
        self.addCleanup(self.client.close)

    def submit(self, to, option, notify=""):
        def say(line, code):
            self.client.sock.sendall(line.encode() + b"\r\n")
            got, text = self.client.getreply()
            self.assertEqual(got, code, f"{line}: {text}")

        say(f"MAIL FROM:<{self.livia.address}> {option}", 250)
        for one in to:
            say(f"RCPT TO:<{one}>{notify}", 250)
        say("DATA", 354)
        say("Subject: later\r\n\r\nbody\r\n.", 250)

    def queue(self):
        return self.mansio.sql("SELECT r.address, r.next_hop, r.attempts FROM queue_recipient r JOIN queue_message m ON m.id = r.message_id"
                               f" WHERE m.sender = '{self.livia.address}' ORDER BY 1")  # fmt: skip

    def mailq(self):
        env = {**os.environ, "MANSIO_CONF": str(self.mansio.instance.place.configuration)}
        program = os.path.join(self.mansio.instance.build, "bin", "sendmail")
        return subprocess.run(["mailq"], executable=program, env=env, check=True, capture_output=True, text=True, timeout=60).stdout

    def test_it_is_offered_to_our_users(self):
        seconds, until = self.client.esmtp_features["futurerelease"].split()
        self.assertEqual(int(seconds), 30 * 86400)
        self.assertGreater(datetime.datetime.fromisoformat(until), datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=29))
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            self.assertFalse([e for e in wire.greet() if e.startswith("FUTURE")])
            self.assertEqual(wire.say("MAIL FROM:<a@outside.test> HOLDFOR=10")[0], 555)

    def test_it_has_its_bounds(self):
        for option in ("HOLDFOR=x", "HOLDFOR=1000000000", f"HOLDFOR={31 * 86400}", "HOLDUNTIL=2099-01-01T00:00:00Z", "HOLDUNTIL=tomorrow",
                       "HOLDFOR=10 HOLDUNTIL=2026-01-01T00:00:00Z HOLDFOR=20"):  # fmt: skip
            self.assertEqual(self.client.docmd(f"MAIL FROM:<{self.livia.address}> {option}")[0], 501, option)

    def test_a_message_for_here_arrives_when_its_time_has_come(self):
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
        self.submit([self.marcus.address], f"HOLDUNTIL={until:%Y-%m-%dT%H:%M:%SZ}")
        self.assertEqual(self.mansio.mail(self.marcus), [])
        got = self.mansio.wait_for_mail(self.marcus, subject="later")
        self.assertGreaterEqual(datetime.datetime.now(datetime.timezone.utc), until.replace(microsecond=0))
        self.assertEqual(got["Delivered-To"], self.marcus.address)
        self.assertEqual(got["Return-Path"], f"<{self.livia.address}>")
        harness.eventually(lambda: self.queue() == [], 5)

    def test_one_for_elsewhere_goes_when_its_time_has_come(self):
        with harness.Outside(self.mansio, f"later-{self.domain}".replace(".example", ".test")) as elsewhere:
            began = time.monotonic()
            self.submit([f"bob@{elsewhere.domain}"], "HOLDFOR=2")
            elsewhere.wait_for_mail()
            self.assertGreater(time.monotonic() - began, 1.5)

    def test_an_alias_is_followed_when_its_time_has_come(self):
        with harness.Outside(self.mansio, f"alias-{self.domain}".replace(".example", ".test")) as elsewhere:
            self.mansio.command("alias", "set", f"both@{self.domain}", self.marcus.address, f"bob@{elsewhere.domain}")
            self.submit([f"both@{self.domain}"], "HOLDFOR=1", " NOTIFY=SUCCESS")
            self.mansio.wait_for_mail(self.marcus, subject="later")
            self.assertEqual(elsewhere.wait_for_mail().rcpt_tos, [f"bob@{elsewhere.domain}"])
            report = self.mansio.wait_for_mail(self.livia).as_string()
            self.assertIn("Action: expanded", report)

    def test_who_is_gone_by_then_is_a_bounce(self):
        gone = self.mansio.new_account(self.domain)
        self.submit([gone.address], "HOLDFOR=2")
        self.mansio.command("account", "remove", gone.address, "--yes")
        report = self.mansio.wait_for_mail(self.livia).as_string()
        self.assertIn("Status: 5.1.1", report)

    def test_it_is_seen_in_the_queue_and_not_sent_with_the_others(self):
        self.submit([self.marcus.address], "HOLDFOR=1000")
        self.assertEqual(self.queue(), [f"{self.marcus.address}|local:|0"])
        self.mansio.command("queue", "retry", "--all", check=False)
        listed = self.mansio.command("queue", "list", check=False).stdout
        self.assertIn(self.marcus.address, listed)
        identity = next(line.split()[0] for line in listed.splitlines() if self.marcus.address in line)
        self.assertIn("Kept until", self.mansio.command("queue", "show", identity))
        self.assertRegex(self.mailq(), rf"{self.marcus.address}  kept\n")
        self.assertEqual(self.mansio.mail(self.marcus), [])
        self.mansio.command("queue", "retry", identity)
        self.mansio.wait_for_mail(self.marcus, subject="later")


if __name__ == "__main__":
    unittest.main()
