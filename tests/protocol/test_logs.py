"""Logs: as text and as JSON, with the queue's id, and a level that changes while the programs run."""

import json
import os
import re
import signal
import unittest

import harness


class Text(unittest.TestCase):
    """The lines that people and fail2ban read."""

    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def wait(self, program, pattern):
        return harness.eventually(lambda: re.search(pattern, self.mansio.log(program), re.M), 10, f"a line like {pattern}")

    def test_a_message_and_a_refusal_are_lines_with_keys(self):
        sender = f"bob@{self.domain}"
        self.mansio.send(sender, self.livia.address)
        self.wait("mta", rf"mta info smtp [0-9A-Z]+: accepted from=<{sender}> to=<{self.livia.address}> recipients=1 size=\d+ local=1 queued=0"
                         r" client=\[127\.0\.0\.1\] helo=\S+ with=ESMTP ms=\d+$")  # fmt: skip
        with self.mansio.smtp() as smtp:
            smtp.helo("client.outside.test")
            smtp.mail(sender)
            smtp.rcpt(f"nobody@{self.domain}")
        self.wait("mta", rf"mta info smtp: refused to=<nobody@{self.domain}> from=<{sender}> client=\[127\.0\.0\.1\] helo=client\.outside\.test:"
                         r" 550 5\.1\.1 no such recipient here$")  # fmt: skip


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private({"log_format": "json"})
        cls.addClassCleanup(cls.mansio.remove)
        cls.domain = cls.mansio.new_domain()
        cls.livia = cls.mansio.new_account(cls.domain)

    def events(self, program):
        """The log's lines, each of which must be an object with the keys that all have."""
        found = []
        for line in self.mansio.log(program).splitlines():
            if not line.startswith("{"):
                continue  # the supervisor's own
            event = json.loads(line)
            self.assertLessEqual({"time", "level", "program"}, set(event), line)
            found.append(event)
        return found

    def wait(self, program, **wanted):
        def look():
            return next((e for e in self.events(program) if all(e.get(k) == v for k, v in wanted.items())), None)

        return harness.eventually(look, 15, f"an event with {wanted}")

    def test_an_accepted_message_has_stable_keys(self):
        self.mansio.send("bob@outside.test", self.livia.address)
        event = self.wait("mta", event="accepted", to=self.livia.address)
        self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual((event["level"], event["program"], event["subject"]), ("info", "mta", "smtp"))
        self.assertEqual((event["from"], event["client"], event["recipients"], event["local"]), ("bob@outside.test", "127.0.0.1", 1, 1))
        shown = json.loads(harness.eventually(lambda: self.mansio.command("trace", event["queue_id"], "--json"), 10))
        self.assertEqual(shown["recipients"][0]["recipient"], self.livia.address)

    def test_a_refusal_has_its_reply_and_odd_bytes_stay_json(self):
        with self.mansio.smtp() as smtp:
            smtp.helo("client.outside.test")
            smtp.mail("bob@outside.test")
            smtp.rcpt(f'"a\\"b c"@{self.domain}')
            smtp.docmd("RCPT", f"TO:<nobody@{self.domain}>")
        self.assertIn("550", self.wait("mta", event="refused", to=f"nobody@{self.domain}")["reply"])
        self.events("mta")

    def test_deliveries_elsewhere_have_the_queue_id(self):
        with harness.Sink(self.mansio, harness.converse([])) as sink:
            self.mansio.outside_zone("json-far.test", [f"@ A {sink.address}"])
            self.mansio.submit(self.livia, "bob@json-far.test")
            event = self.wait("mta", event="delivered", to="bob@json-far.test")
        self.assertEqual((event["subject"], event["from"], event["attempt"]), ("queue", self.livia.address, 1))
        self.assertEqual(self.wait("mta", event="accepted", queue_id=event["queue_id"])["from"], self.livia.address)

    def test_logins_are_events_and_never_tell_the_password(self):
        with self.mansio.imap(self.livia):
            pass
        self.wait("imapd", event="logged in", user=self.livia.address, client="127.0.0.1")
        self.mansio.submission(self.livia).quit()
        self.wait("mta", subject="auth", event="succeeded", login=self.livia.address)
        for program in ("mta", "imapd"):
            self.assertNotIn(self.livia.password, self.mansio.log(program))

    def test_other_lines_are_messages(self):
        self.assertTrue(any("serves as" in event.get("message", "") for event in self.events("mta")))


class Level(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private({"log_level": "warn"})
        cls.addClassCleanup(cls.mansio.remove)
        cls.domain = cls.mansio.new_domain()
        cls.livia = cls.mansio.new_account(cls.domain)

    def setUp(self):
        self.addCleanup(self.mansio.command, "setting", "set", "log.level", "")

    def tells(self, program, wanted):
        """Whether the program tells of a login now."""

        def look():
            before = len(self.mansio.log(program))
            if program == "mta":
                self.mansio.submission(self.livia).quit()
            else:
                self.mansio.imap(self.livia).logout()
            return (" info " in self.mansio.log(program)[before:]) == wanted

        harness.eventually(look, 15, f"{program} {'tells' if wanted else 'is silent'}")

    def test_the_setting_is_obeyed_at_once_by_all_programs(self):
        self.tells("mta", False)
        self.tells("imapd", False)
        self.mansio.command("setting", "set", "log.level", "info")
        self.tells("mta", True)
        self.tells("imapd", True)
        self.mansio.command("setting", "set", "log.level", "")
        self.tells("mta", False)
        self.tells("imapd", False)

    def test_one_program_can_be_named(self):
        self.mansio.command("setting", "set", "log.level", "error imapd=info")
        self.tells("imapd", True)
        self.tells("mta", False)

    def test_a_level_that_is_none_is_said(self):
        self.mansio.command("setting", "set", "log.level", "loud")
        harness.eventually(lambda: 'log.level is "loud"' in self.mansio.log("mta"), 10)

    def test_it_follows_again_after_the_database_was_away(self):
        self.mansio.kill("postgres")
        self.mansio.wait_until_ready("postgres")
        harness.eventually(lambda: self.mansio.command("setting", "set", "log.level", "info", check=False).returncode == 0, 30)
        self.tells("mta", True)

    def test_a_signal_does_it_without_the_database(self):
        for program in ("mta", "imapd", "dns", "web-1"):
            os.kill(self.mansio.pid(program), signal.SIGUSR1)
            harness.eventually(lambda p=program: "the log tells everything (debug) now" in self.mansio.log(p), 10, f"{program} says so")
        self.tells("mta", True)
        for program in ("mta", "imapd", "dns", "web-1"):
            os.kill(self.mansio.pid(program), signal.SIGUSR1)
            harness.eventually(lambda p=program: "the log tells what the settings say now" in self.mansio.log(p), 10, f"{program} says so")
        self.tells("mta", False)


if __name__ == "__main__":
    unittest.main()
