"""The rules for mail that strangers bring: each as it refuses, as it only warns, and switched off."""

import itertools
import smtplib
import socket
import subprocess
import time
import unittest

import harness

_hosts = itertools.count(1)
MODES = {"rate": "enforce", "early_talker": "off", "pipelining": "enforce", "access": "enforce", "helo_syntax": "enforce",
         "helo_own": "enforce", "helo_fqdn": "warn", "sender_domain": "enforce", "reverse_exists": "off", "reverse_match": "off",
         "dnsbl": "enforce", "greylist": "off"}  # fmt: skip


def address():
    """An address that no other test comes from."""
    n = next(_hosts)
    return f"198.51.{n // 250}.{n % 250 + 1}"


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private(overrides={"log_level": "debug"})
        cls.addClassCleanup(cls.mansio.remove)
        cls.mansio.command("setting", "set", "mta.xclient_networks", "127.0.0.1")
        cls.mansio.outside_zone("client.test", ["@ MX 10 mx", "mx A 198.51.100.1", "hostonly A 198.51.100.2", "nomail MX 0 .", "txt TXT x"])
        cls.domain = cls.mansio.new_domain()
        cls.account = cls.mansio.new_account(cls.domain)
        cls.to = cls.account.address

    def setUp(self):
        for rule, mode in MODES.items():
            self.setting(f"policy.{rule}", mode)

    def setting(self, name, value):
        if self.mansio.command("setting", "get", name).strip() != value:
            self.mansio.command("setting", "set", name, value)
            if name != "mta.vrfy":
                harness.settle(self.mansio)

    def reset_to(self, name, value):
        before = self.mansio.command("setting", "get", name).strip()
        self.setting(name, value)
        self.addCleanup(self.setting, name, before)

    def stranger(self, where=None, **attributes):
        made = harness.Stranger(self.mansio, where or address(), **attributes)
        self.addCleanup(made.close)
        return made

    def ask(self, sender="someone@client.test", helo="mx.client.test", to=None, **attributes):
        return self.stranger(**attributes).try_recipient(sender, to or self.to, helo)

    def assert_refused(self, answer, rule, code):
        self.assertEqual(answer[0], code, answer)
        self.assertIn(f"[{rule}]", answer[1])

    def assert_modes(self, rule, code, **what):
        """Refused with the rule's name while it is enforced; taken, with a note, while it warns; taken while it is off."""
        self.setting(f"policy.{rule}", "enforce")
        self.assert_refused(self.ask(**what), rule, code)
        self.setting(f"policy.{rule}", "warn")
        noted = self.mansio.log("mta").count(f" {rule} warn ")
        self.assertEqual(self.ask(**what)[0], 250)
        harness.eventually(lambda: self.mansio.log("mta").count(f" {rule} warn ") > noted, 5, "the note")
        self.setting(f"policy.{rule}", "off")
        noted = self.mansio.log("mta").count(f" {rule} warn ")
        self.assertEqual(self.ask(**what)[0], 250)
        self.assertEqual(self.mansio.log("mta").count(f" {rule} warn "), noted)

    # ---- HELO ----

    def test_helo_must_be_a_name_or_an_address_in_brackets(self):
        self.assert_modes("helo_syntax", 550, helo="192.0.2.1")
        self.setting("policy.helo_syntax", "enforce")
        for bad in ("a..b.test", "-a.test", "a-.test", "[192.0.2.300]", "[nonsense]", "10.0", "x" * 64 + ".test"):
            self.assert_refused(self.ask(helo=bad), "helo_syntax", 550)
        for good in ("mx.client.test", "mx.client.test.", "[192.0.2.1]", "[IPv6:2001:db8::1]", "under_score.test", "1.2.3.test"):
            self.assertEqual(self.ask(helo=good)[0], 250, good)

    def test_helo_must_have_a_domain(self):
        self.assert_modes("helo_fqdn", 550, helo="localhost")
        self.setting("policy.helo_fqdn", "enforce")
        self.assertEqual(self.ask(helo="[192.0.2.1]")[0], 250)

    def test_helo_must_not_be_our_own(self):
        self.assert_modes("helo_own", 550, helo="Mail.Mansio.Example")
        self.setting("policy.helo_own", "enforce")
        self.assert_refused(self.ask(helo="[127.0.0.1]"), "helo_own", 550)
        self.assert_refused(self.ask(helo="[203.0.113.9]", DESTADDR="203.0.113.9", DESTPORT="25"), "helo_own", 550)

    def test_another_helo_is_another_finding(self):
        client = self.stranger()
        self.assert_refused(client.try_recipient("a@client.test", self.to, "192.0.2.1"), "helo_syntax", 550)
        self.assertEqual(client.try_recipient("a@client.test", self.to, "mx.client.test")[0], 250)

    # ---- the sender's domain ----

    def test_the_senders_domain_must_exist(self):
        self.assert_modes("sender_domain", 550, sender="x@nowhere.client.test")
        self.setting("policy.sender_domain", "enforce")
        self.assert_refused(self.ask(sender="x@txt.client.test"), "sender_domain", 550)
        answer = self.ask(sender="x@nomail.client.test")
        self.assert_refused(answer, "sender_domain", 550)
        self.assertIn("5.7.27", answer[1])
        for good in ("x@client.test", "x@hostonly.client.test", f"x@{self.domain}", "x@[192.0.2.1]"):
            self.assertEqual(self.ask(sender=good)[0], 250, good)

    def test_the_null_sender_is_always_taken(self):
        self.assertEqual(self.ask(sender="")[0], 250)

    def test_while_the_dns_is_away_the_client_shall_come_again(self):
        self.mansio.outside_zone("broken.test", ["@ NS ns.elsewhere.invalid.", "lame NS ns", "ns A 127.0.0.1", "lame.sub NS ns"])
        self.assert_refused(self.ask(sender="x@deep.lame.broken.test"), "sender_domain", 450)

    def test_each_sender_is_looked_at(self):
        client = self.stranger()
        client.greet()
        for sender, code in (("x@nowhere.client.test", 550), ("x@client.test", 250), ("x@nowhere.client.test", 550)):
            client.say(f"MAIL FROM:<{sender}>")
            self.assertEqual(client.say(f"RCPT TO:<{self.to}>")[0], code, sender)
            client.say("RSET")

    # ---- reverse DNS ----

    def test_the_clients_address_must_have_a_name(self):
        self.mansio.outside_zone("100.51.198.in-addr.arpa", ["1 PTR mx.client.test.", "2 PTR other.client.test."])
        self.setting("policy.reverse_exists", "enforce")
        self.assertEqual(self.ask(where="198.51.100.1")[0], 250)
        self.assertEqual(self.ask(where="198.51.100.2")[0], 250)
        answer = self.ask(where="198.51.100.3")
        self.assert_refused(answer, "reverse_exists", 550)
        self.assertIn("5.7.25", answer[1])
        self.setting("policy.reverse_match", "enforce")
        self.assertEqual(self.ask(where="198.51.100.1")[0], 250)
        self.assert_refused(self.ask(where="198.51.100.2"), "reverse_match", 550)
        self.setting("policy.reverse_match", "warn")
        self.assertEqual(self.ask(where="198.51.100.2")[0], 250)
        self.setting("policy.reverse_exists", "warn")
        client = self.stranger("198.51.100.1")
        self.assertEqual(client.try_recipient("a@client.test", self.to, "helo.client.test")[0], 250)
        self.assertEqual(client.deliver("Subject: reverse\r\n\r\n")[0], 250)
        received = self.mansio.wait_for_mail(self.account, "reverse")["Received"]
        self.assertIn("from helo.client.test (mx.client.test [198.51.100.1])", received)

    # ---- the greeting ----

    def test_who_talks_before_the_greeting_is_sent_away(self):
        self.reset_to("policy.greet_delay", "1s")
        self.setting("policy.early_talker", "enforce")
        client = self.stranger(greeted=False)
        client.send(b"EHLO mx.client.test\r\n")
        code, text = client.reply()
        self.assert_refused((code, text), "early_talker", 554)
        self.assertTrue(client.ended())

    def test_who_waits_is_greeted_and_the_next_time_at_once(self):
        self.reset_to("policy.greet_delay", "1s")
        self.setting("policy.early_talker", "enforce")
        where, begin = address(), time.monotonic()
        self.assertEqual(self.stranger(where).greeting[0], 220)
        self.assertGreater(time.monotonic() - begin, 0.9)
        begin = time.monotonic()
        client = self.stranger(where)
        self.assertLess(time.monotonic() - begin, 0.7)
        self.assertEqual(client.try_recipient("a@client.test", self.to)[0], 250)

    def test_talking_early_may_only_warn(self):
        self.reset_to("policy.greet_delay", "5s")
        self.setting("policy.early_talker", "warn")
        begin = time.monotonic()
        client = self.stranger(greeted=False)
        client.send(b"EHLO mx.client.test\r\n")
        self.assertEqual(client.reply()[0], 220)
        self.assertEqual(client.reply()[0], 250)
        self.assertLess(time.monotonic() - begin, 4)
        self.assertIn(" early_talker warn ", self.mansio.log("mta"))

    def test_waiting_clients_keep_nobody_else_waiting(self):
        self.reset_to("policy.greet_delay", "5s")
        self.setting("policy.early_talker", "enforce")
        begin = time.monotonic()
        waiting = [self.stranger(greeted=False) for _ in range(200)]  # more than there are workers
        with self.mansio.smtp() as client:
            self.assertEqual(client.noop()[0], 250)
        self.assertLess(time.monotonic() - begin, 4)
        for one in waiting:
            one.close()

    def test_this_machine_is_greeted_at_once(self):
        self.reset_to("policy.greet_delay", "10s")
        self.setting("policy.early_talker", "enforce")
        begin = time.monotonic()
        with self.mansio.smtp() as client:
            self.assertEqual(client.noop()[0], 250)
        self.assertLess(time.monotonic() - begin, 5)

    # ---- talking ahead ----

    def talk_ahead(self):
        client = self.stranger()
        client.send(f"EHLO mx.client.test\r\nMAIL FROM:<a@client.test>\r\nRCPT TO:<{self.to}>\r\nDATA\r\n".encode())
        answers = [client.reply() for _ in range(4)]
        return client, answers

    def test_who_sends_on_without_waiting_is_sent_away_at_data(self):
        client, answers = self.talk_ahead()
        self.assertEqual([code for code, _ in answers[:3]], [250, 250, 250])
        self.assert_refused(answers[3], "pipelining", 554)
        self.assertTrue(client.ended())
        for mode in ("warn", "off"):
            self.setting("policy.pipelining", mode)
            self.assertEqual(self.talk_ahead()[1][3][0], 354)

    def test_data_behind_data_is_talking_ahead(self):
        client = self.stranger()
        client.try_recipient("a@client.test", self.to)
        client.send(b"DATA\r\nSubject: x\r\n\r\n.\r\n")
        self.assert_refused(client.reply(), "pipelining", 554)

    def test_without_esmtp_each_answer_is_waited_for(self):
        client = self.stranger()
        client.greet(verb="HELO")
        client.send(f"MAIL FROM:<a@client.test>\r\nRCPT TO:<{self.to}>\r\n".encode())
        self.assertEqual([client.reply()[0], client.reply()[0]], [250, 250])
        self.assert_refused(client.say("DATA"), "pipelining", 554)

    def test_honest_pipelining_is_fine(self):
        client = self.stranger()
        client.greet()
        client.send(f"MAIL FROM:<a@client.test>\r\nRCPT TO:<{self.to}>\r\nDATA\r\n".encode())
        self.assertEqual([client.reply()[0] for _ in range(3)], [250, 250, 354])
        client.send(b"Subject: honest\r\n\r\n.\r\n")
        self.assertEqual(client.reply()[0], 250)

    # ---- contacts ----

    def test_postmaster_and_abuse_can_be_reached_by_everybody(self):
        self.mansio.command("alias", "set", f"abuse@{self.domain}", self.to)
        self.mansio.command("alias", "set", f"postmaster@{self.domain}", self.to)
        for name in ("postmaster", "abuse", "PostMaster"):
            self.assertEqual(self.ask(helo="192.0.2.1", sender="x@nowhere.client.test", to=f"{name}@{self.domain}")[0], 250)
        client = self.stranger()
        self.assertEqual(client.try_recipient("x@nowhere.client.test", f"abuse@{self.domain}")[0], 250)
        self.assertEqual(client.say(f"RCPT TO:<{self.to}>")[0], 550)

    # ---- rates ----

    def test_connections_of_a_client_at_a_time(self):
        self.reset_to("policy.connections", "3")
        where = address()
        held = [self.stranger(where) for _ in range(3)]
        self.assertEqual([one.greeting[0] for one in held], [220] * 3)
        refused = self.stranger(where)
        self.assert_refused(refused.greeting, "rate", 421)
        self.assertTrue(refused.ended())
        self.assertEqual(self.stranger(address()).greeting[0], 220, "another client")
        held[0].close()
        harness.eventually(lambda: self.stranger(where).greeting[0] == 220, 10, "a place")
        self.setting("policy.rate", "warn")
        self.assertEqual(self.stranger(where).greeting[0], 220)
        self.setting("policy.rate", "off")
        self.assertEqual(self.stranger(where).greeting[0], 220)

    def test_an_ipv6_network_is_one_client(self):
        self.reset_to("policy.connections", "2")
        held = [self.stranger(f"2001:db8:1:2::{n}") for n in (1, 2)]
        self.assertEqual([one.greeting[0] for one in held], [220] * 2)
        self.assert_refused(self.stranger("2001:db8:1:2:ffff::9").greeting, "rate", 421)
        self.assertEqual(self.stranger("2001:db8:1:3::1").greeting[0], 220)

    def test_connections_of_a_client_in_a_minute(self):
        self.reset_to("policy.connection_rate", "5")
        where = address()
        answers = []
        for _ in range(7):
            one = self.stranger(where)
            answers.append(one.greeting[0])
            one.close()
        self.assertEqual(answers[:5] + answers[6:], [220] * 5 + [421])

    def test_messages_and_recipients_of_a_client_in_a_minute(self):
        self.reset_to("policy.message_rate", "4")
        client = self.stranger()
        client.greet()
        answers = []
        for _ in range(6):
            answers.append(client.say("MAIL FROM:<a@client.test>"))
            client.say("RSET")
        self.assertEqual([code for code, _ in answers[:4]], [250] * 4)
        self.assert_refused(answers[5], "rate", 450)
        self.reset_to("policy.message_rate", "600")
        self.reset_to("policy.recipient_rate", "4")
        client = self.stranger()
        client.greet()
        client.say("MAIL FROM:<a@client.test>")
        answers = [client.say(f"RCPT TO:<{self.to}>") for _ in range(6)]
        self.assertEqual([code for code, _ in answers[:4]], [250] * 4)
        self.assert_refused(answers[5], "rate", 450)

    # ---- errors ----

    def test_after_many_errors_answers_take_a_second_and_nobody_else_waits(self):
        self.reset_to("mta.soft_errors", "3")
        client = self.stranger()
        client.greet()
        begin = time.monotonic()
        for _ in range(3):
            client.say("NONSENSE")
        self.assertLess(time.monotonic() - begin, 0.9)
        begin = time.monotonic()
        self.assertEqual(client.say("NONSENSE")[0], 500)
        self.assertGreater(time.monotonic() - begin, 0.9)
        begin = time.monotonic()
        self.assertEqual(client.say("NOOP")[0], 250)
        self.assertLess(time.monotonic() - begin, 0.9)
        client.send(b"NONSENSE\r\nNOOP\r\nQUIT\r\n")
        self.assertEqual([client.reply()[0] for _ in range(3)], [500, 250, 221])

    def test_guessing_addresses_is_slow(self):
        self.reset_to("mta.soft_errors", "3")
        client = self.stranger()
        client.greet()
        client.say("MAIL FROM:<a@client.test>")
        for _ in range(3):
            client.say(f"RCPT TO:<nobody@{self.domain}>")
        begin = time.monotonic()
        self.assertEqual(client.say(f"RCPT TO:<nobody@{self.domain}>")[0], 550)
        self.assertGreater(time.monotonic() - begin, 0.9)

    def test_after_too_many_errors_the_connection_ends(self):
        self.reset_to("mta.hard_errors", "4")
        self.reset_to("mta.soft_errors", "100")
        client = self.stranger()
        client.greet()
        self.assertEqual([client.say("NONSENSE")[0] for _ in range(3)], [500] * 3)
        self.assertEqual(client.say("NONSENSE")[0], 500)
        self.assertEqual(client.reply()[0], 421)
        self.assertTrue(client.ended())

    # ---- VRFY ----

    def test_vrfy_tells_only_where_it_shall(self):
        client = self.stranger()
        client.greet()
        self.setting("mta.vrfy", "off")
        harness.eventually(lambda: client.say(f"VRFY {self.to}")[0] == 252, 10, "the setting")
        self.assertEqual(client.say(f"VRFY nobody@{self.domain}")[0], 252)
        self.setting("mta.vrfy", "on")
        harness.eventually(lambda: client.say(f"VRFY <{self.to}>") == (250, f"2.1.5 <{self.to}>"), 10, "the setting")
        self.assertEqual(client.say(f"VRFY nobody@{self.domain}")[0], 550)
        self.assertEqual(client.say("VRFY a@elsewhere.test")[0], 252)
        self.setting("mta.vrfy", "disabled")
        harness.eventually(lambda: client.say(f"VRFY {self.to}")[0] == 502, 10, "the setting")
        self.assertEqual(client.say(f"EXPN {self.domain}")[0], 502)

    # ---- recipients, size, quota ----

    def test_recipients_by_class_of_client(self):
        self.reset_to("mta.recipients", "100")
        self.reset_to("mta.recipients_own", "150")
        client = self.stranger()
        client.greet()
        client.say("MAIL FROM:<a@client.test>")
        client.send(b"".join(b"RCPT TO:<%s>\r\n" % self.to.encode() for _ in range(101)))
        self.assertEqual([client.reply()[0] for _ in range(101)], [250] * 100 + [452])
        with self.mansio.submission(self.account) as client:
            client.mail(self.account.address)
            answers = [client.rcpt(self.to)[0] for _ in range(151)]
        self.assertEqual(answers, [250] * 150 + [452])

    def test_size_is_checked_against_the_limit_and_the_recipients_room(self):
        small = self.mansio.new_account(self.domain)
        self.mansio.command("account", "set", small.address, "--quota", "1M")
        client = self.stranger()
        client.greet()
        self.assertEqual(client.say("MAIL FROM:<a@client.test> SIZE=99999999999")[0], 552)
        client.say("MAIL FROM:<a@client.test> SIZE=2000000")
        code, text = client.say(f"RCPT TO:<{small.address}>")
        self.assertEqual((code, text[:5]), (552, "5.2.2"))
        self.assertEqual(client.say(f"RCPT TO:<{self.to}>")[0], 250)
        client.say("RSET")
        client.say("MAIL FROM:<a@client.test> SIZE=700000")
        self.assertEqual(client.say(f"RCPT TO:<{small.address}>")[0], 250)
        self.assertEqual(client.deliver("Subject: big\r\n\r\n" + "x" * 70 * 10000 + "\r\n")[0], 250)
        client.say("MAIL FROM:<a@client.test> SIZE=700000")
        code, text = client.say(f"RCPT TO:<{small.address}>")
        self.assertEqual((code, text[:5]), (452, "4.2.2"))
        client.say("RSET")
        client.say("MAIL FROM:<a@client.test> SIZE=1000")
        self.assertEqual(client.say(f"RCPT TO:<{small.address}>")[0], 250)

    # ---- mynetworks ----

    def test_mta_networks_may_relay_and_are_spared_the_rules(self):
        client = self.stranger("203.0.113.5")
        self.assertEqual(client.try_recipient("a@client.test", "b@elsewhere.test")[0], 554)
        self.reset_to("mta.networks", "203.0.113.0/24 2001:db8:9::/48")
        for where in ("203.0.113.6", "2001:db8:9::6"):
            client = self.stranger(where)
            self.assertEqual(client.try_recipient("x@nowhere.client.test", "b@elsewhere.test", "localhost")[0], 250)
        self.assertEqual(self.ask(where="203.0.114.6", to="b@elsewhere.test")[0], 554)

    def test_by_default_this_machine_may_not_relay(self):
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@client.test")
            self.assertEqual(client.rcpt("b@elsewhere.test")[0], 554)

    def test_this_machine_is_spared_unless_it_shall_not_be(self):
        def ask():
            with self.mansio.smtp() as client:
                client.ehlo("mx.client.test")
                client.mail("x@nowhere.client.test")
                return client.rcpt(self.to)

        self.assertEqual(ask()[0], 250)
        before = self.mansio.command("setting", "get", "mta.spared_networks").strip()
        self.assertEqual(before, "127.0.0.0/8 ::1")
        self.setting("policy.greet_delay", "0")
        self.reset_to("mta.xclient_networks", "192.0.2.1")
        self.reset_to("mta.spared_networks", "")
        code, answer = ask()
        self.assertEqual(code, 550, answer)
        self.assertIn(b"[sender_domain]", answer)

    # ---- settings ----

    def test_settings_that_make_no_sense_are_refused(self):
        for name, value in (("policy.greylist", "maybe"), ("policy.dnsbl_lists", "nonsense"), ("mta.networks", "192.0.2.0/40"),
                            ("policy.connections", "-1"), ("policy.greet_delay", "5m"), ("policy.greylist_delay", "soon"),
                            ("mta.vrfy", "yes")):  # fmt: skip
            done = self.mansio.command("setting", "set", name, value, check=False)
            self.assertNotEqual(done.returncode, 0, f"{name} {value}")
            self.assertTrue(done.stderr.strip())

    def test_a_change_holds_for_the_next_message_of_a_session(self):
        client = self.stranger()
        self.assertEqual(client.try_recipient("a@client.test", self.to, "localhost")[0], 250)
        client.say("RSET")
        self.setting("policy.helo_fqdn", "enforce")
        client.say("MAIL FROM:<a@client.test>")
        self.assert_refused(client.say(f"RCPT TO:<{self.to}>"), "helo_fqdn", 550)

    # ---- tools ----

    def test_swaks_and_smtplib_hear_the_rule(self):
        host, port = self.mansio.host, self.mansio.port["smtp"]
        argv = ["swaks", "--server", f"{host}:{port}", "--xclient", "ADDR=192.0.2.200 NAME=[UNAVAILABLE]", "--ehlo", "192.0.2.1",
                "--from", "a@client.test", "--to", self.to]  # fmt: skip
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        self.assertIn("<** 550 5.7.1 [helo_syntax]", done.stdout)
        client = smtplib.SMTP(host, port, local_hostname="mx.client.test")
        client.docmd("XCLIENT", "ADDR=192.0.2.201")
        with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("x@nowhere.client.test", self.to, "Subject: x\r\n\r\n")
        self.assertIn(b"[sender_domain]", refused.exception.recipients[self.to][1])
        client.close()

    def test_a_connection_that_closes_while_it_waits_does_no_harm(self):
        self.reset_to("policy.greet_delay", "2s")
        self.setting("policy.early_talker", "enforce")
        for _ in range(20):
            client = self.stranger(greeted=False)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
        with self.mansio.smtp() as client:
            self.assertEqual(client.noop()[0], 250)


if __name__ == "__main__":
    unittest.main()
