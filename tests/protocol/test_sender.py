"""Who sent it: SPF, DKIM, ARC and DMARC of what comes in, and what follows from them."""

import base64
import json
import smtplib
import subprocess
import time
import unittest

import dkim

import harness

def spki(pem):
    """The p= of an RSA key's record."""
    der = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, check=True, capture_output=True).stdout
    return base64.b64encode(der).decode()


RSA = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True, capture_output=True).stdout
OTHER = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True, capture_output=True).stdout
PUBLIC = spki(RSA)


def txt(name, text):
    """A TXT record's line, its text in strings of at most 255 bytes."""
    return f"{name} TXT " + " ".join(f'"{text[i : i + 200]}"' for i in range(0, len(text), 200))


class Stranger:
    """Somebody else's domain, with an SPF record that names 127.0.0.1, a DKIM key, and a DMARC policy."""

    def __init__(self, mansio, dmarc="v=DMARC1; p=reject", spf="v=spf1 ip4:127.0.0.1 -all"):
        self.name = harness.unique("s") + ".test"
        records = [txt("k._domainkey", f"v=DKIM1; k=rsa; p={PUBLIC}"), "@ MX 10 mx", "mx A 127.0.0.9"]
        records += [txt("@", spf)] if spf else []
        records += [txt("_dmarc", dmarc)] if dmarc else []
        mansio.outside_zone(self.name, records)

    def message(self, to, subject, sign=True, sender=None, body="Salve!\r\n", key=RSA, headers=()):
        made = harness.message(sender or f"a@{self.name}", to, subject, body)
        raw = b"".join(f"{name}: {value}\r\n".encode() for name, value in headers) + made.as_bytes()
        return dkim.sign(raw, b"k", self.name.encode(), key, include_headers=[b"from", b"to", b"subject"]) + raw if sign else raw


class Sender(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        cls.domain = cls.mansio.new_domain()
        cls.livia = cls.mansio.new_account(cls.domain)
        cls.host = cls.mansio.instance.place.configuration.read_text().split("hostname = ")[1].split()[0]

    def results(self, message):
        """The Authentication-Results fields of our own, unfolded."""
        return [" ".join(value.split()) for value in message.get_all("Authentication-Results", [])
                if value.split(";")[0].strip() == self.host]  # fmt: skip

    def deliver(self, raw, sender, to=None, subject=None, folder="INBOX"):
        self.mansio.send(sender, to or self.livia.address, raw=raw)
        return self.mansio.wait_for_mail(self.livia, subject=subject, folder=folder)

    def refused(self, raw, sender, to=None):
        with self.mansio.smtp() as client:
            with self.assertRaises(smtplib.SMTPDataError) as caught:
                client.sendmail(sender, [to or self.livia.address], raw)
        return caught.exception.smtp_code, caught.exception.smtp_error.decode()


class Results(Sender):
    def test_a_good_message_has_all_results_in_one_field(self):
        stranger = Stranger(self.mansio)
        raw = stranger.message(self.livia.address, "all pass")
        found = self.results(self.deliver(raw, f"a@{stranger.name}", subject="all pass"))
        self.assertEqual(len(found), 1, found)
        for part in (f"spf=pass smtp.mailfrom=a@{stranger.name}", "spf=none smtp.helo=client.test", "dkim=pass",
                     f"header.d={stranger.name}", f"dmarc=pass header.from={stranger.name}"):  # fmt: skip
            self.assertIn(part, found[0])

    def test_forged_results_of_ours_are_removed_and_those_of_others_stay(self):
        stranger = Stranger(self.mansio, dmarc="", spf="")
        forged = [("Authentication-Results", f"{self.host}; dkim=pass header.d=bank.example"),
                  ("Authentication-Results", f"mx.elsewhere.test; spf=pass smtp.helo={self.host}"),
                  ("authentication-results", f'(x) "{self.host.upper()}" 1; spf=pass'),
                  ("Authentication-Results", f"\r\n {self.host}\r\n ; dmarc=pass")]  # fmt: skip
        raw = stranger.message(self.livia.address, "forged", sign=False, headers=forged)
        message = self.deliver(raw, f"a@{stranger.name}", subject="forged")
        found = self.results(message)
        self.assertEqual(len(found), 1, found)
        self.assertIn("dkim=none", found[0])
        self.assertIn("dmarc=none", found[0])
        self.assertEqual(len(message.get_all("Authentication-Results")), 2)
        self.assertNotIn(self.host.upper(), str(message))

    def test_a_line_that_is_no_field_hides_no_forged_results(self):
        stranger = Stranger(self.mansio, dmarc="", spf="")
        raw = stranger.message(self.livia.address, "hidden", sign=False)
        forged = f"no field at all\r\nAuthentication-Results: {self.host}; dkim=pass header.d=bank.example\r\n\r\n"
        raw = raw.replace(b"\r\n\r\n", b"\r\n" + forged.encode(), 1)
        message = self.deliver(raw, f"a@{stranger.name}", subject="hidden")
        self.assertNotIn("bank.example", str(message))
        self.assertIn("no field at all", str(message))

    def test_forged_results_are_removed_from_submitted_mail(self):
        raw = harness.message(self.livia.address, self.livia.address, "own forged")
        raw["Authentication-Results"] = f"{self.host}; dmarc=pass"
        self.mansio.submit(self.livia, self.livia.address, raw=raw.as_bytes())
        message = self.mansio.wait_for_mail(self.livia, subject="own forged")
        self.assertIsNone(message["Authentication-Results"])

    def test_a_null_sender_is_judged_by_its_helo_name(self):
        stranger = Stranger(self.mansio)
        raw = stranger.message(self.livia.address, "bounce", sign=False)
        with self.mansio.smtp() as client:
            client.ehlo(stranger.name)
            client.mail("")
            client.rcpt(self.livia.address)
            self.assertEqual(client.data(raw)[0], 250)
        found = self.results(self.mansio.wait_for_mail(self.livia, subject="bounce"))
        self.assertIn(f"spf=pass smtp.helo={stranger.name}", found[0])
        self.assertIn("dmarc=pass", found[0])

    def test_values_of_strangers_stay_within_the_grammar(self):
        with self.mansio.smtp() as client:
            client.sendmail('"x; dkim=pass header.d=bank.example"@odd.test', [self.livia.address],
                            harness.message("a@odd.test", self.livia.address, "odd").as_bytes())  # fmt: skip
        found = self.results(self.mansio.wait_for_mail(self.livia, subject="odd"))
        self.assertIn('smtp.mailfrom="\\"x; dkim=pass header.d=bank.example\\"@odd.test"', found[0])


class Consequences(Sender):
    def test_p_reject_refuses_and_names_rule_and_domain(self):
        stranger = Stranger(self.mansio, spf="v=spf1 -all")
        code, text = self.refused(stranger.message(self.livia.address, "no", key=OTHER), f"a@{stranger.name}")
        self.assertEqual(code, 550)
        self.assertTrue(text.startswith("5.7.1 dmarc: "), text)
        self.assertIn(stranger.name, text)

    def test_p_quarantine_goes_into_junk(self):
        stranger = Stranger(self.mansio, dmarc="v=DMARC1; p=quarantine", spf="v=spf1 -all")
        message = self.deliver(stranger.message(self.livia.address, "junk", sign=False), f"a@{stranger.name}", subject="junk",
                               folder="Junk")  # fmt: skip
        self.assertIn("dmarc=fail (p=quarantine)", self.results(message)[0])
        self.assertIn("policy.dmarc=quarantine", self.results(message)[0])
        self.assertEqual(message["X-Sender-Doubtful"], f"dmarc=fail; policy=quarantine; domain={stranger.name}")

    def test_p_none_changes_nothing(self):
        stranger = Stranger(self.mansio, dmarc="v=DMARC1; p=none", spf="v=spf1 -all")
        message = self.deliver(stranger.message(self.livia.address, "none", sign=False), f"a@{stranger.name}", subject="none")
        self.assertIn("dmarc=fail (p=none)", self.results(message)[0])
        self.assertIsNone(message["X-Sender-Doubtful"])

    def test_spf_fail_alone_is_tagged(self):
        stranger = Stranger(self.mansio, dmarc="", spf="v=spf1 -all")
        message = self.deliver(stranger.message(self.livia.address, "spf", sign=False), f"a@{stranger.name}", subject="spf")
        self.assertIn("spf=fail", self.results(message)[0])
        self.assertEqual(message["X-Sender-Doubtful"], f"spf=fail; domain={stranger.name}")

    def test_another_organizations_signature_does_not_help(self):
        victim, attacker = Stranger(self.mansio, spf=""), Stranger(self.mansio)
        raw = attacker.message(self.livia.address, "spoof", sender=f"ceo@{victim.name}")
        self.assertEqual(self.refused(raw, f"a@{attacker.name}")[0], 550)
        raw = attacker.message(self.livia.address, "spoof", sender=f"x@{attacker.name}, ceo@{victim.name}")
        self.assertEqual(self.refused(raw, f"a@{attacker.name}")[0], 550)

    def test_several_from_fields_go_into_junk(self):
        stranger = Stranger(self.mansio)
        raw = b"From: ceo@bank.test\r\n" + stranger.message(self.livia.address, "two authors")
        message = self.deliver(raw, f"a@{stranger.name}", subject="two authors", folder="Junk")
        self.assertEqual(message["X-Sender-Doubtful"], "dmarc=permerror; several From fields")

    def test_each_domain_has_its_own_policy(self):
        stranger = Stranger(self.mansio, spf="v=spf1 -all")
        raw = stranger.message(self.livia.address, "own policy", sign=False)
        self.assertEqual(self.refused(raw, f"a@{stranger.name}")[0], 550)
        for action, folder, tagged in (("junk", "Junk", True), ("tag", "INBOX", True), ("ignore", "INBOX", False)):
            with self.subTest(action):
                domain = self.mansio.new_domain()
                account = self.mansio.new_account(domain)
                self.mansio.command("domain", "policy", domain, "--dmarc-reject", action)
                harness.eventually(lambda: self.accepted(stranger, account), 10, f"the policy {action}")
                message = self.mansio.wait_for_mail(account, folder=folder)
                self.assertEqual(message["X-Sender-Doubtful"] is not None, tagged)

    def accepted(self, stranger, account):
        try:
            self.mansio.send(f"a@{stranger.name}", account.address, raw=stranger.message(account.address, "x", sign=False))
            return True
        except smtplib.SMTPDataError:
            return False

    def test_one_message_for_domains_that_differ(self):
        """Refused only where all refuse: who would refuse alone has it in Junk."""
        stranger = Stranger(self.mansio, spf="v=spf1 -all")
        domain = self.mansio.new_domain()
        lenient = self.mansio.new_account(domain)
        self.mansio.command("domain", "policy", domain, "--dmarc-reject", "ignore")
        harness.eventually(lambda: self.accepted(stranger, lenient), 10, "the policy")
        for recipients in ([self.livia.address, lenient.address], [lenient.address, self.livia.address]):
            subject = harness.unique("both")
            raw = stranger.message(self.livia.address, subject, sign=False)
            self.mansio.send(f"a@{stranger.name}", recipients, raw=raw)
            self.assertIsNone(self.mansio.wait_for_mail(lenient, subject=subject)["X-Sender-Doubtful"])
            self.assertIsNotNone(self.mansio.wait_for_mail(self.livia, subject=subject, folder="Junk")["X-Sender-Doubtful"])

    def test_spf_can_refuse_with_the_domains_explanation(self):
        domain = self.mansio.new_domain()
        account = self.mansio.new_account(domain)
        self.mansio.command("domain", "policy", domain, "--spf-fail", "reject")
        stranger = Stranger(self.mansio, dmarc="", spf="v=spf1 exp=why.%{d} -all")
        self.mansio.outside_zone("why." + stranger.name, [txt("@", "Ask %{d} about %{i}")])

        def look():
            try:
                self.mansio.send(f"a@{stranger.name}", account.address, raw=stranger.message(account.address, "x", sign=False))
            except smtplib.SMTPDataError as error:
                return error
            return None

        error = harness.eventually(look, 10, "a refusal")
        self.assertEqual(error.smtp_code, 550)
        self.assertIn(b"5.7.23 spf: ", error.smtp_error)
        self.assertIn(b"127.0.0.1", error.smtp_error)


class Seals(Sender):
    def test_a_trusted_sealer_outweighs_a_failure(self):
        """A mailing list passes a message on, changed, with what it found when it came in."""
        author, mailing_list = Stranger(self.mansio, spf="v=spf1 -all"), Stranger(self.mansio, dmarc="")
        raw = author.message(self.livia.address, "[list] sealed")
        received = f"{mailing_list.name}; dkim=pass header.d={author.name}; dmarc=pass header.from={author.name}".encode()
        changed = b"Authentication-Results: " + received + b"\r\n" + raw + b"-- \r\nYour list\r\n"
        seal = dkim.arc_sign(changed, b"k", mailing_list.name.encode(), RSA, mailing_list.name.encode(),
                             include_headers=[b"from", b"to", b"subject"])  # fmt: skip
        sealed = b"".join(seal) + changed
        sender = f"list@{mailing_list.name}"
        self.assertEqual(self.refused(sealed, sender)[0], 550)
        domain = self.mansio.new_domain()
        account = self.mansio.new_account(domain)
        self.mansio.command("domain", "policy", domain, "--trust", mailing_list.name)

        def look():
            try:
                self.mansio.send(sender, account.address, raw=sealed)
            except smtplib.SMTPDataError:
                return False
            return True

        harness.eventually(look, 10, "the trusted seal")
        message = self.mansio.wait_for_mail(account)
        self.assertIn("arc=pass", self.results(message)[0])
        self.assertIn("dmarc=fail", self.results(message)[0])
        self.assertIsNone(message["X-Sender-Doubtful"])


class WithoutDns(unittest.TestCase):
    def test_without_answers_mail_is_taken_within_the_time_and_says_so(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        stranger = Stranger(mansio)
        mansio.command("setting", "set", "sender.timeout", "2s")
        mansio.pause("unbound")
        before = time.monotonic()
        mansio.send(f"a@{stranger.name}", livia.address, raw=stranger.message(livia.address, "dark", key=OTHER))
        self.assertLess(time.monotonic() - before, 15)
        message = mansio.wait_for_mail(livia, subject="dark")
        [found] = message.get_all("Authentication-Results")
        for part in ("spf=temperror", "dkim=temperror", "dmarc=temperror"):
            self.assertIn(part, found)


class Spared(unittest.TestCase):
    def test_clients_of_our_own_networks_are_not_checked_and_their_results_stay(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        mansio.command("setting", "set", "mta.networks", "127.0.0.0/8")
        stranger = Stranger(mansio, spf="v=spf1 -all")
        raw = stranger.message(livia.address, "spared", sign=False,
                               headers=[("Authentication-Results", "mail.mansio.example; dmarc=pass")])  # fmt: skip

        def look():
            try:
                mansio.send(f"a@{stranger.name}", livia.address, raw=raw)
            except smtplib.SMTPDataError:
                return False
            return True

        harness.eventually(look, 10, "the setting")
        self.assertEqual(mansio.wait_for_mail(livia)["Authentication-Results"], "mail.mansio.example; dmarc=pass")

    def test_checks_can_be_switched_off(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        mansio.command("setting", "set", "sender.check", "off")
        stranger = Stranger(mansio, spf="v=spf1 -all")
        raw = stranger.message(livia.address, "off", sign=False)

        def look():
            try:
                mansio.send(f"a@{stranger.name}", livia.address, raw=raw)
            except smtplib.SMTPDataError:
                return False
            return True

        harness.eventually(look, 10, "the setting")
        self.assertIsNone(mansio.wait_for_mail(livia)["Authentication-Results"])


class CommandLine(unittest.TestCase):
    """mansio check dmarc: without configuration, at any name server."""

    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()

    def check(self, raw, *args):
        done = subprocess.run([self.mansio.endpoints["cli"], "-c", "/nonexistent", "check",
                               "dmarc", "--resolver", f"{self.mansio.host}@{self.mansio.port['resolver']}", *args],
                              input=raw, check=True, capture_output=True)  # fmt: skip
        return json.loads(done.stdout)

    def test_a_signature_of_the_domain_passes(self):
        stranger = Stranger(self.mansio)
        found = self.check(stranger.message("x@y.test", "x"))
        self.assertEqual((found["result"], found["domain"], found["policy"]), ("pass", stranger.name, "none"))
        self.assertTrue(found["signatures"][0]["aligned"])

    def test_spf_is_asked_where_an_address_is_given(self):
        stranger = Stranger(self.mansio)
        raw = stranger.message("x@y.test", "x", sign=False)
        found = self.check(raw)
        self.assertEqual((found["result"], found["policy"]), ("fail", "reject"))
        found = self.check(raw, "--ip", "127.0.0.1", "--helo", "h.test", "--from", f"a@{stranger.name}")
        self.assertEqual((found["result"], found["spf"]["result"], found["spf"]["aligned"]), ("pass", "pass", True))
        found = self.check(raw, "--ip", "192.0.2.1", "--from", f"a@{stranger.name}")
        self.assertEqual((found["result"], found["spf"]["result"]), ("fail", "fail"))

    def test_no_policy_is_none(self):
        self.assertEqual(self.check(Stranger(self.mansio, dmarc="").message("x@y.test", "x"))["result"], "none")


if __name__ == "__main__":
    unittest.main()
