"""How much an account may send, as whom, and what of it others see."""

import concurrent.futures
import email
import json
import smtplib
import unittest

import harness


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.operator = cls.mansio.new_account(cls.mansio.new_domain())
        cls.mansio.command("setting", "set", "mta.postmaster", cls.operator.address)

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def setUp(self):
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia, self.marcus = self.mansio.new_account(self.domain), self.mansio.new_account(self.domain)

    def limit(self, whom, **limits):
        options = [part for name, number in limits.items() for part in (f"--{name.replace('_', '-')}", str(number))]
        self.mansio.command("limit", "set", whom, *options)

    def attempt(self, account=None, recipients=1, count=1):
        """Sends so many messages in one session; the reply to the DATA of each."""
        account, replies = account or self.livia, []
        with self.mansio.submission(account) as client:
            for _ in range(count):
                client.mail(account.address)
                for number in range(recipients):
                    client.rcpt(self.marcus.address.replace("@", f"+{number}@"))
                code, text = client.docmd("DATA")
                if code == 354:
                    client.send(b"Subject: x\r\n\r\n.\r\n")
                    code, text = client.getreply()
                replies.append((code, text.decode()))
                client.docmd("RSET")
        return replies

    def codes(self, *args, **more):
        return [code for code, _ in self.attempt(*args, **more)]

    def alarms(self, account):
        return json.loads(self.mansio.command("alarm", "list", "--search", account.address, "--json"))

    def test_a_message_over_the_limit_is_refused_and_the_reply_names_the_limit(self):
        self.limit(self.livia.address, messages_hour=2)
        first, second, third = self.attempt(count=3)
        self.assertEqual((first[0], second[0]), (250, 250))
        self.assertEqual(third[0], 452)
        self.assertEqual(third[1], f"4.7.1 limit: 2 messages in an hour for {self.livia.address}, try again later")
        self.assertEqual(self.codes(self.marcus), [250], "others may")

    def test_recipients_count_and_one_message_that_could_never_pass_is_told_so(self):
        self.limit(self.livia.address, recipients_hour=5)
        self.assertEqual(self.codes(recipients=6), [550])
        self.assertEqual(self.codes(recipients=3, count=2), [250, 452])
        self.assertEqual(self.codes(recipients=2), [250], "what was refused did not count")
        shown = json.loads(self.mansio.command("limit", "show", self.livia.address, "--json"))
        self.assertEqual((shown["recipients_hour"], shown["sent_recipients_hour"], shown["sent_messages_hour"]), (5, 5, 2))

    def test_a_day_has_a_limit_too(self):
        self.limit(self.livia.address, recipients_day=2)
        self.assertEqual(self.codes(count=3), [250, 250, 452])
        self.mansio.sql("UPDATE send_count SET hour_at = now() - interval '2 hours', day_at = now() - interval '25 hours'")
        self.assertEqual(self.codes(), [250])

    def test_domains_and_resellers_have_limits(self):
        self.limit(self.domain, messages_hour=2)
        self.assertEqual(self.codes() + self.codes(self.marcus) + self.codes(), [250, 250, 452])
        self.mansio.command("limit", "remove", self.domain)
        self.limit(self.tenant, recipients_day=1)
        other = self.mansio.new_account(self.mansio.new_domain(self.tenant))
        self.assertEqual(self.codes(), [250])
        (code, text), = self.attempt(other)
        self.assertEqual(code, 452)
        self.assertIn(self.tenant, text)

    def test_the_settings_hold_for_everybody_else(self):
        self.mansio.command("setting", "set", "mta.limit_messages", "1/h 0/d")
        self.addCleanup(self.mansio.command, "setting", "set", "mta.limit_messages", "500/h 3000/d")
        self.assertEqual(self.codes(count=2), [250, 452])
        self.limit(self.livia.address, messages_hour=0)
        self.assertEqual(self.codes(count=3), [250] * 3, "0: without limit")

    def test_several_sessions_at_once_do_not_pass_the_limit_together(self):
        self.limit(self.livia.address, messages_hour=10)
        self.limit(self.domain, recipients_hour=12)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            codes = [code for one in pool.map(lambda _: self.codes(count=5), range(8)) for code in one]
        self.assertEqual((codes.count(250), codes.count(452)), (10, 30))
        self.assertEqual(len(self.mansio.mail(self.marcus)), 10)

    def test_the_operator_hears_of_it_once(self):
        self.limit(self.livia.address, messages_hour=1)
        self.codes(count=4)
        alarm, = self.alarms(self.livia)
        self.assertEqual(alarm["kind"], "limit")
        found = lambda: [m for m in self.mansio.mail(self.operator) if b"Alarm: a mailbox sends too much" in m[1]]  # noqa: E731
        harness.eventually(lambda: any(self.livia.address in self.body(m) for m in found()), 10)
        self.assertEqual(sum(self.livia.address in self.body(m) for m in found()), 1)
        self.mansio.command("alarm", "seen", str(alarm["id"]))
        self.assertEqual(self.alarms(self.livia), [])

    @staticmethod
    def body(message):
        return email.message_from_bytes(message[1]).get_payload(decode=True).decode()

    def test_who_goes_on_far_beyond_the_limit_is_switched_off(self):
        self.limit(self.livia.address, recipients_hour=4)
        codes = self.codes(recipients=4, count=8)
        self.assertEqual(codes[:2], [250, 452])
        self.assertEqual(codes[-1], 550)
        self.assertIn("blocked", {alarm["kind"] for alarm in self.alarms(self.livia)})
        self.mansio.sql("UPDATE send_count SET hour_at = now() - interval '2 hours', day_at = now() - interval '2 days'")
        (code, text), = self.attempt()
        self.assertEqual((code, text), (550, "5.7.1 limit: sending is switched off for this mailbox, ask its administrator"))
        self.assertEqual(len(self.mansio.mail(self.livia)), 0)  # reading goes on
        self.mansio.command("limit", "allow", self.livia.address)
        self.assertEqual(self.codes(), [250])
        self.mansio.command("limit", "block", self.livia.address, "--reason", "stolen")
        self.assertEqual(self.codes(), [550])

    def test_mail_from_outside_is_not_counted(self):
        self.limit(self.livia.address, messages_hour=1)
        for number in range(3):
            self.mansio.send("someone@outside.test", self.livia.address, subject=f"in {number}")
        self.assertEqual(self.codes(), [250])


class Senders(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain, self.second = self.mansio.new_domain(self.tenant), self.mansio.new_domain(self.tenant)
        self.livia, self.marcus = self.mansio.new_account(self.domain), self.mansio.new_account(self.domain)

    def send_as(self, sender, author=None):
        with self.mansio.submission(self.livia) as client:
            try:
                client.sendmail(sender, [self.marcus.address], f"From: {author or sender}\r\nSubject: as\r\n\r\n".encode())
            except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as refused:
                return refused.smtp_code
        return 250

    def test_an_account_sends_as_another_where_an_administrator_allows_it(self):
        self.assertEqual(self.send_as(self.marcus.address), 553)
        self.mansio.command("account", "send-as", "add", self.livia.address, self.marcus.address)
        harness.eventually(lambda: self.send_as(self.marcus.address) == 250, 5)
        self.assertEqual(self.send_as(self.livia.address, f"Marcus <{self.marcus.address}>"), 250)
        self.mansio.command("account", "send-as", "remove", self.livia.address, self.marcus.address)
        harness.eventually(lambda: self.send_as(self.marcus.address) == 553, 5)

    def test_a_whole_domain_can_be_given(self):
        self.mansio.command("account", "send-as", "add", self.livia.address, f"@{self.second}")
        harness.eventually(lambda: self.send_as(f"whoever@{self.second}") == 250, 5)
        self.assertEqual(self.send_as(f"whoever@sub.{self.second}"), 553)
        self.assertEqual(self.send_as(f"whoever@x{self.second}"), 553)

    def test_what_is_taken_back_ends_in_sessions_that_are_open(self):
        self.mansio.command("account", "send-as", "add", self.livia.address, self.marcus.address)
        with self.mansio.submission(self.livia) as client:
            harness.eventually(lambda: client.mail(self.marcus.address)[0] == 250, 5)
            client.rset()
            self.mansio.command("account", "send-as", "remove", self.livia.address, self.marcus.address)
            harness.eventually(lambda: client.mail(self.marcus.address)[0] == 553 or client.rset() == 0, 5)


class HiddenClient(unittest.TestCase):
    def test_the_address_of_a_users_computer_can_be_left_out(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        mansio.submit(livia, livia.address, subject="shown")
        self.assertRegex(mansio.wait_for_mail(livia, "shown")["Received"], r"from client\.test \(.*\[127\.0\.0\.1\]\)")
        mansio.command("setting", "set", "mta.hide_client", "yes")
        mansio.submit(livia, livia.address, subject="hidden")
        received = mansio.wait_for_mail(livia, "hidden")["Received"]
        self.assertNotRegex(received, r"client\.test|127\.0\.0\.1")
        self.assertIn("(authenticated user)", received)
        self.assertIn("with ESMTPSA", received)
        mansio.send("someone@outside.test", livia.address, subject="from outside")
        self.assertIn("127.0.0.1", mansio.wait_for_mail(livia, "from outside")["Received"])


if __name__ == "__main__":
    unittest.main()
