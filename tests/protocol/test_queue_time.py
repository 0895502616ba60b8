"""The queue over time: retries, warnings, giving up, and what happens to mail when things are killed."""

import os
import signal
import subprocess
import threading
import unittest

import harness


class Time(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.domain = cls.mansio.new_domain()

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def setUp(self):
        self.kept = []
        self.livia = self.mansio.new_account(self.domain)
        for name, value in (("queue.retry", "5m"), ("queue.lifetime", "5d"), ("queue.delay_warning", "4h")):
            self.set(name, value)

    def set(self, name, value):
        self.mansio.command("setting", "set", name, value)

    def far(self, **kwargs):
        """A domain whose mail server does as told."""
        sink = self.enterContext(harness.Sink(self.mansio, harness.converse(self.kept, **kwargs)))
        name = f"far-{self.livia.address.replace('@', '-')}".replace(".example", ".test")
        self.mansio.outside_zone(name, ["@ MX 10 mx", f"mx A {sink.address}"])
        return name, sink

    def queued(self):
        return self.mansio.sql("SELECT attempts FROM queue_recipient")

    def wait_for_database(self):
        harness.eventually(lambda: self.mansio.command("setting", "list", check=False).returncode == 0, 30, "PostgreSQL")

    def tearDown(self):
        self.mansio.sql("DELETE FROM queue_recipient")
        self.mansio.sql("DELETE FROM queue_message")

    def sendmail(self, *args):
        program = os.path.join(self.mansio.instance.build, "bin", "sendmail")
        return subprocess.run([program, "-C", self.mansio.instance.place.configuration, *args], check=True, capture_output=True, text=True).stdout

    def test_it_is_tried_again_until_it_works(self):
        self.set("queue.retry", "1s")
        refusals = iter(range(3))
        domain, _ = self.far(answer=lambda verb, line: "450 4.2.0 later" if verb == "RCPT" and next(refusals, None) is not None else None)
        self.mansio.submit(self.livia, f"bob@{domain}")
        harness.eventually(lambda: self.kept, 20)
        harness.eventually(lambda: self.queued() == [], 5)
        self.assertEqual(self.mansio.sql("SELECT count(*) FROM queue_message"), ["0"])

    def test_the_pauses_are_those_of_the_setting_and_the_last_repeats(self):
        self.set("queue.retry", "1s 2h")
        domain, _ = self.far(answer=lambda verb, line: "450 4.2.0 later" if verb == "RCPT" else None)
        self.mansio.submit(self.livia, f"bob@{domain}")
        harness.eventually(lambda: self.queued() == ["2"], 10)
        pause = "extract(epoch FROM next_attempt_at - last_attempt_at)::int"
        self.assertEqual(self.mansio.sql(f"SELECT {pause} FROM queue_recipient"), ["7200"])

    def test_the_sender_is_warned_once_and_hears_in_the_end(self):
        self.set("queue.retry", "1s")
        self.set("queue.delay_warning", "2s")
        self.set("queue.lifetime", "5s")
        domain, _ = self.far(answer=lambda verb, line: "450 4.2.0 later" if verb == "RCPT" else None)
        self.mansio.submit(self.livia, f"bob@{domain}", subject="Slow")
        warning = self.mansio.wait_for_mail(self.livia, "Your message is delayed")
        status = warning.get_payload(1).get_payload(1)
        self.assertEqual((status["Action"], status["Status"]), ("delayed", "4.2.0"))
        self.assertIn("Will-Retry-Until", status)
        report = self.mansio.wait_for_mail(self.livia, "Your message could not be delivered")
        status = report.get_payload(1).get_payload(1)
        self.assertEqual((status["Action"], status["Status"]), ("failed", "5.2.0"))
        self.assertEqual(len(self.mansio.mail(self.livia)), 2)
        self.assertEqual(self.queued(), [])

    def test_what_nobody_could_be_asked_about_expires_as_such(self):
        self.set("queue.retry", "1s")
        self.set("queue.lifetime", "2s")
        self.mansio.outside_zone("down.test", ["@ MX 10 mx", "mx A 127.0.0.97"])
        self.mansio.submit(self.livia, "bob@down.test")
        report = self.mansio.wait_for_mail(self.livia, "Your message could not be delivered")
        self.assertEqual(report.get_payload(1).get_payload(1)["Status"], "5.4.7")

    def test_sendmail_q_tries_at_once_and_mailq_shows_what_waits(self):
        fates = iter(["450 4.2.0 later"])
        domain, _ = self.far(answer=lambda verb, line: next(fates, None) if verb == "RCPT" else None)
        self.assertIn("Mail queue is empty", self.sendmail("-bp"))
        self.mansio.submit(self.livia, f"bob@{domain}")
        harness.eventually(lambda: self.queued() == ["1"], 10)
        shown = self.sendmail("-bp")
        self.assertIn(f"bob@{domain}", shown)
        self.assertIn(self.livia.address, shown)
        self.assertIn("450 4.2.0 later", shown)
        self.assertIn("in 1 message.", shown)
        self.sendmail("-q")
        harness.eventually(lambda: self.kept, 10)
        harness.eventually(lambda: "Mail queue is empty" in self.sendmail("-bp"), 5)

    def test_an_operator_who_says_now_is_heard_within_a_second(self):
        fates = iter(["450 4.2.0 later"])
        domain, _ = self.far(answer=lambda verb, line: next(fates, None) if verb == "RCPT" else None)
        self.mansio.submit(self.livia, f"bob@{domain}")
        harness.eventually(lambda: self.queued() == ["1"], 10)
        self.mansio.sql("UPDATE queue_recipient SET next_attempt_at = now()")
        harness.eventually(lambda: self.kept, 1)

    def test_now_means_also_where_nobody_could_be_reached_a_moment_ago(self):
        sink = harness.Sink(self.mansio, harness.converse(self.kept))
        self.mansio.outside_zone("asleep.test", ["@ MX 10 mx", f"mx A {sink.address}"])
        self.mansio.submit(self.livia, "bob@asleep.test")
        harness.eventually(lambda: self.queued() == ["1"], 10)
        self.enterContext(sink)
        self.mansio.submit(self.livia, "eve@asleep.test")
        harness.eventually(lambda: self.queued() == ["1", "1"], 10)
        self.assertEqual(sink.connections, 0, "a destination that is down is left alone for a while")
        self.mansio.sql("UPDATE queue_recipient SET next_attempt_at = now()")
        harness.eventually(lambda: len(self.kept) == 2, 2)

    def test_held_mail_is_not_sent(self):
        fates = iter(["450 4.2.0 later"])
        domain, sink = self.far(answer=lambda verb, line: next(fates, None) if verb == "RCPT" else None)
        self.mansio.submit(self.livia, f"bob@{domain}")
        harness.eventually(lambda: self.queued() == ["1"], 10)
        self.mansio.sql("UPDATE queue_recipient SET status = 'held', next_attempt_at = now()")
        self.sendmail("-q")
        self.mansio.send("someone@outside.test", self.livia.address, subject="meanwhile")
        self.mansio.wait_for_mail(self.livia, "meanwhile")
        self.assertEqual(sink.connections, 1)
        self.mansio.sql("UPDATE queue_recipient SET status = 'pending'")
        harness.eventually(lambda: self.kept, 5)

    def test_a_killed_mta_sends_what_it_had_in_hand_as_soon_as_it_is_back(self):
        waiting, go_on = threading.Event(), threading.Event()

        def answer(verb, line):
            if verb == "MAIL" and not go_on.is_set():
                waiting.set()
                go_on.wait(30)
                return "hang up"
            return None

        domain, _ = self.far(answer=answer)
        self.mansio.submit(self.livia, f"bob@{domain}")
        self.assertTrue(waiting.wait(10))
        self.mansio.kill("mta")
        go_on.set()
        harness.eventually(lambda: self.kept, 15)
        harness.eventually(lambda: self.queued() == [], 5)
        self.assertEqual(len(self.kept), 1)

    def test_postgresql_away_at_the_wrong_moment_makes_no_duplicate(self):
        waiting, go_on = threading.Event(), threading.Event()

        def answer(verb, line):
            if verb == ".":
                waiting.set()
                go_on.wait(30)

        domain, _ = self.far(answer=answer)
        self.mansio.submit(self.livia, f"bob@{domain}")
        self.assertTrue(waiting.wait(10))
        self.mansio.kill("postgres", signal.SIGQUIT)
        go_on.set()
        self.wait_for_database()
        harness.eventually(lambda: self.queued() == [], 20)
        self.assertEqual(len(self.kept), 1)

    def test_without_postgresql_mail_waits_outside_and_comes_in_again_by_itself(self):
        wire = harness.Wire(self.mansio.host, self.mansio.port["smtp"])
        self.addCleanup(wire.close)
        wire.greet()
        self.mansio.pause("postgres")
        wire.say("MAIL FROM:<someone@outside.test>")
        code, text = wire.say("RCPT TO:<never-seen-before@elsewhere.example>")
        self.assertEqual((code, text[:5]), (451, "4.3.0"))
        self.mansio.resume("postgres")
        harness.eventually(lambda: wire.say(f"RCPT TO:<{self.livia.address}>")[0] == 250, 20)
        self.assertEqual(wire.say("DATA")[0], 354)
        wire.send(b"Subject: back\r\n\r\n.\r\n")
        self.assertEqual(wire.reply()[0], 250)

    def test_a_message_that_can_not_be_stored_is_refused_for_now(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.say("MAIL FROM:<someone@outside.test>")
            self.assertEqual(wire.say(f"RCPT TO:<{self.livia.address}>")[0], 250)
            self.assertEqual(wire.say("DATA")[0], 354)
            self.mansio.pause("postgres")
            wire.send(b"Subject: never\r\n\r\n.\r\n")
            code, text = wire.reply()
            self.assertEqual((code, text[:5]), (451, "4.3.0"))
            self.mansio.resume("postgres")
        self.wait_for_database()
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_told_to_stop_it_ends_what_is_under_way_and_sends_others_away(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as busy, harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as idle:
            busy.greet()
            idle.greet()
            busy.say("MAIL FROM:<someone@outside.test>")
            busy.say(f"RCPT TO:<{self.livia.address}>")
            busy.say("DATA")
            busy.send(b"Subject: under way\r\n\r\n")
            os.kill(self.mansio.pid("mta"), signal.SIGTERM)
            code, text = idle.reply()
            self.assertEqual((code, text.split()[1]), (421, "4.3.2"))
            busy.send(b"body\r\n.\r\n")
            self.assertEqual(busy.reply()[0], 250)
            self.assertEqual(busy.reply()[0], 421)
        self.mansio.wait_for_port("smtp")
        self.mansio.wait_for_mail(self.livia, "under way")


if __name__ == "__main__":
    unittest.main()
