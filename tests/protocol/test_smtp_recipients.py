"""Whose mail is taken, and where it goes."""

import unittest

import harness


class Recipients(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia = self.mansio.new_account(self.domain)

    def ask(self, *recipients, sender="someone@outside.test"):
        """What RCPT TO is answered, and nothing is sent."""
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            self.assertEqual(wire.say(f"MAIL FROM:<{sender}>")[0], 250)
            replies = [wire.say(f"RCPT TO:<{r}>") for r in recipients]
        return replies if len(replies) > 1 else replies[0]

    def expect(self, recipient, code, status, words=""):
        got, text = self.ask(recipient)
        self.assertEqual((got, text.split()[0]), (code, status), f"{recipient}: {text}")
        self.assertIn(words, text)

    def arrived(self, account, subject="A test"):
        return self.mansio.wait_for_mail(account, subject)

    def test_a_mailbox_gets_its_mail(self):
        self.mansio.send("someone@outside.test", self.livia.address)
        got = self.arrived(self.livia)
        self.assertEqual(got["Delivered-To"], self.livia.address)
        self.assertEqual(got["Return-Path"], "<someone@outside.test>")

    def test_addresses_are_found_in_any_case(self):
        self.mansio.send("someone@outside.test", self.livia.address.upper())
        self.arrived(self.livia)

    def test_a_detail_behind_a_plus_is_the_same_mailbox(self):
        local, domain = self.livia.address.split("@")
        self.mansio.send("someone@outside.test", f"{local}+books@{domain}")
        self.arrived(self.livia)

    def test_a_quoted_local_part_is_the_same_as_without_quotes(self):
        local, domain = self.livia.address.split("@")
        self.mansio.send("someone@outside.test", f'"{local}"@{domain}')
        self.arrived(self.livia)

    def test_a_source_route_is_ignored(self):
        self.assertEqual(self.ask(f"@relay.test,@other.test:{self.livia.address}")[0], 250)

    def test_relaying_is_refused(self):
        self.expect("someone@elsewhere.test", 554, "5.7.1", "relay access denied")
        self.expect("someone@[127.0.0.1]", 554, "5.7.1")
        self.expect(f'"someone@elsewhere.test"@{self.domain}', 550, "5.1.1")
        self.expect(f"someone%elsewhere.test@{self.domain}", 550, "5.1.1")
        self.expect(f"elsewhere.test!someone@{self.domain}", 550, "5.1.1")

    def test_an_unknown_recipient_is_refused(self):
        self.expect(f"nobody@{self.domain}", 550, "5.1.1", "no such recipient")

    def test_a_disabled_mailbox_is_refused_and_works_again_when_enabled(self):
        self.mansio.command("account", "set", self.livia.address, "--disable")
        harness.eventually(lambda: self.ask(self.livia.address)[0] == 550, 5)
        self.expect(self.livia.address, 550, "5.2.1")
        self.mansio.command("account", "set", self.livia.address, "--enable")
        harness.eventually(lambda: self.ask(self.livia.address)[0] == 250, 5)

    def test_a_suspended_tenant_gets_no_mail(self):
        self.mansio.command("tenant", "suspend", self.tenant)
        harness.eventually(lambda: self.ask(self.livia.address)[0] == 550, 5)
        self.expect(self.livia.address, 550, "5.2.1")

    def test_a_new_mailbox_has_mail_within_a_second(self):
        address = f"new@{self.domain}"
        self.expect(address, 550, "5.1.1")
        self.mansio.command("account", "add", address, "--password-stdin", stdin="correct horse battery\n")
        harness.eventually(lambda: self.ask(address)[0] == 250, 1)

    def test_an_alias_reaches_all_its_targets_and_each_once(self):
        marcus = self.mansio.new_account(self.domain)
        both = f"both@{self.domain}"
        self.mansio.command("alias", "set", both, self.livia.address, marcus.address)
        self.mansio.send("someone@outside.test", [both, self.livia.address, marcus.address])
        for account in (self.livia, marcus):
            self.assertEqual(self.arrived(account)["Delivered-To"], account.address)
            self.assertEqual(len(self.mansio.mail(account)), 1)

    def test_a_catchall_takes_what_nothing_else_matches(self):
        self.mansio.command("alias", "set", f"@{self.domain}", self.livia.address)
        harness.eventually(lambda: self.ask(f"whoever@{self.domain}")[0] == 250, 5)
        self.mansio.send("someone@outside.test", f"whoever@{self.domain}")
        self.arrived(self.livia)

    def test_an_alias_domain_is_the_other_domain(self):
        other = f"alias-{self.domain}"
        self.mansio.command("domain", "add", other, "--tenant", self.tenant, "--kind", "alias", "--target", self.domain)
        local = self.livia.address.split("@")[0]
        harness.eventually(lambda: self.ask(f"{local}@{other}")[0] == 250, 5)
        self.mansio.send("someone@outside.test", f"{local}@{other}")
        self.arrived(self.livia)

    def test_aliases_that_name_each_other_are_refused(self):
        self.mansio.command("alias", "set", f"one@{self.domain}", f"two@{self.domain}")
        self.mansio.command("alias", "set", f"two@{self.domain}", f"one@{self.domain}")
        self.expect(f"one@{self.domain}", 550, "5.4.6")

    def test_an_alias_to_elsewhere_goes_through_the_queue_and_keeps_its_sender(self):
        with harness.Outside(self.mansio, f"far-{self.domain}") as far:
            self.mansio.command("alias", "set", f"fwd@{self.domain}", f"bob@{far.domain}", self.livia.address)
            self.mansio.send("someone@outside.test", f"fwd@{self.domain}", subject="Onward")
            envelope = far.wait_for_mail()
            self.assertEqual((envelope.mail_from, envelope.rcpt_tos), ("someone@outside.test", [f"bob@{far.domain}"]))
            self.arrived(self.livia, "Onward")

    def test_a_domain_with_international_letters_is_known_by_its_a_label(self):
        name = "b\u00fccher-" + self.domain
        ascii_name = name.encode("idna").decode()
        self.mansio.command("domain", "add", name, "--tenant", self.tenant)
        account = self.mansio.new_account(ascii_name)
        self.mansio.send("someone@outside.test", account.address)
        self.assertEqual(self.arrived(account)["Delivered-To"], account.address)

    def test_the_postmaster_is_there_with_and_without_a_domain(self):
        mansio = harness.private()
        domain = mansio.new_domain()
        keeper = mansio.new_account(domain)
        mansio.command("setting", "set", "mta.postmaster", keeper.address)
        ways = ["postmaster", "Postmaster", f"postmaster@{domain}", "postmaster@mail.mansio.example"]
        for way in ways:
            with harness.Wire(mansio.host, mansio.port["smtp"]) as wire:
                wire.greet()
                wire.say("MAIL FROM:<someone@outside.test>")
                harness.eventually(lambda w=wire, r=way: w.say(f"RCPT TO:<{r}>")[0] == 250, 5, way)
                self.assertEqual(wire.say("DATA")[0], 354)
                wire.send(b"Subject: x\r\n\r\n.\r\n")
                self.assertEqual(wire.reply()[0], 250)
        self.assertEqual(len(mansio.mail(keeper)), len(ways))
        mansio.remove()

    def test_the_number_of_recipients_is_limited_and_the_rest_can_follow(self):
        self.mansio.command("alias", "set", f"@{self.domain}", self.livia.address)
        harness.eventually(lambda: self.ask(f"whoever@{self.domain}")[0] == 250, 5)
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.say("MAIL FROM:<someone@outside.test>")
            commands = "".join(f"RCPT TO:<r{n}@{self.domain}>\r\n" for n in range(1005))
            wire.send(commands.encode())
            replies = [wire.reply() for _ in range(1005)]
            self.assertEqual([code for code, _ in replies[:1000]], [250] * 1000)
            self.assertEqual([code for code, _ in replies[1000:]], [452] * 5)
            self.assertTrue(replies[-1][1].startswith("4.5.3"))
            self.assertEqual(wire.say("DATA")[0], 354)
            wire.send(b"Subject: many\r\n\r\n.\r\n")
            self.assertEqual(wire.reply()[0], 250)
        self.arrived(self.livia, "many")
        self.assertEqual(len(self.mansio.mail(self.livia)), 1)

    def test_who_guesses_addresses_is_sent_away(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            wire.say("MAIL FROM:<someone@outside.test>")
            wire.send("".join(f"RCPT TO:<guess{n}@{self.domain}>\r\n" for n in range(200)).encode())
            codes = []
            while not codes or codes[-1] == 550:
                codes.append(wire.reply()[0])
            self.assertEqual(codes, [550] * 100 + [421])
            self.assertTrue(wire.ended())


if __name__ == "__main__":
    unittest.main()
