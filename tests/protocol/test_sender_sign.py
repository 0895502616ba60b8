"""Signatures on what our people send, seals on what is forwarded; verified by Python's dkim, keys from the DNS."""

import email
import json
import smtplib
import unittest

import dkim

import harness
from protocol.test_sender import RSA, Stranger


class Signed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()

    def setUp(self):
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)

    def txt(self, name, timeout=5):
        """What the resolver says, in the way that dkim asks for it."""
        del timeout
        lines = self.mansio.dig(name.decode() if isinstance(name, bytes) else name, "TXT", port="resolver")
        return "".join(lines[0].split('"')[1::2]).encode() if lines else None

    def new_key(self, *args, domain=None):
        domain = domain or self.domain
        before = {key["selector"] for key in self.keys(domain)}
        self.mansio.command("domain", "dkim", "add", domain, *args)
        [selector] = {key["selector"] for key in self.keys(domain)} - before
        harness.eventually(lambda: self.mansio.dig(f"{selector}._domainkey.{domain}", "TXT"), 30, "the key in the zone")
        return selector

    def keys(self, domain):
        return json.loads(self.mansio.command("--json", "domain", "dkim", "list", domain))

    def signatures(self, raw):
        return [dict(part.strip().split("=", 1) for part in value.replace("\n", "").split(";") if "=" in part)
                for value in email.message_from_bytes(raw).get_all("DKIM-Signature", [])]  # fmt: skip

    def verify(self, raw, count):
        checker = dkim.DKIM(raw)
        self.assertEqual([checker.verify(idx=i, dnsfunc=self.txt) for i in range(count)], [True] * count)

    def received(self, raw=None, account=None, subject="signed"):
        """A message to somebody elsewhere, as it arrives there."""
        account = account or self.livia
        with harness.Outside(self.mansio, harness.unique("far") + ".test") as outside:
            self.mansio.submit(account, f"bob@{outside.domain}", subject=subject, raw=raw)
            return outside.wait_for_mail().content


class Signing(Signed):
    def test_submitted_mail_verifies(self):
        selector = self.new_key()
        raw = self.received()
        self.assertEqual([(s["d"], s["s"], s["a"]) for s in self.signatures(raw)], [(self.domain, selector, "rsa-sha256")])
        self.verify(raw, 1)

    def test_two_kinds_of_keys_give_two_signatures(self):
        self.new_key()
        self.new_key("--algorithm", "ed25519", "--selector", "edward")
        raw = self.received()
        self.assertEqual([s["a"] for s in self.signatures(raw)], ["rsa-sha256", "ed25519-sha256"])
        self.verify(raw, 2)

    def test_added_header_fields_are_signed_and_none_can_be_added(self):
        self.new_key()
        raw = self.received(raw=b"From: " + self.livia.address.encode() + b"\r\nSubject: bare\r\n\r\nSalve!\r\n")
        self.verify(raw, 1)
        [signature] = self.signatures(raw)
        signed = [name.strip().lower() for name in signature["h"].split(":")]
        self.assertIn("date", signed)
        self.assertIn("message-id", signed)
        self.assertFalse(dkim.DKIM(b"From: ceo@bank.example\r\n" + raw).verify(dnsfunc=self.txt))

    def test_a_key_that_is_switched_off_signs_no_more_and_stays_published(self):
        first = self.new_key("--selector", "one")
        self.new_key("--selector", "two")
        self.mansio.command("domain", "dkim", "deactivate", self.domain, "two")

        def signed_by_one():
            return [s["s"] for s in self.signatures(self.received())] == [first]

        harness.eventually(signed_by_one, 20, "the other key's signature")
        self.assertTrue(self.mansio.dig(f"two._domainkey.{self.domain}", "TXT"))
        self.mansio.command("domain", "dkim", "remove", self.domain, "two", "--yes")
        harness.eventually(lambda: not self.mansio.dig(f"two._domainkey.{self.domain}", "TXT"), 30, "the end of the record")

    def test_without_keys_nothing_is_signed(self):
        self.assertEqual(self.signatures(self.received()), [])

    def test_resent_mail_is_not_signed_for_its_author(self):
        """From is somebody else's there: another domain that is hosted here must not vouch for it."""
        self.new_key()
        other = self.mansio.new_domain()
        self.new_key(domain=other)
        raw = self.received(raw=f"From: ceo@{other}\r\nResent-From: {self.livia.address}\r\nSubject: again\r\n\r\n".encode())
        self.assertEqual([s["d"] for s in self.signatures(raw)], [self.domain])

    def test_mail_between_our_own_people_is_signed_too(self):
        self.new_key()
        self.mansio.submit(self.livia, self.livia.address, subject="own")
        _, raw = self.mansio.mail(self.livia)[-1]
        self.verify(raw, 1)

    def test_a_large_message_is_signed(self):
        self.new_key()
        raw = self.received(raw=harness.message(self.livia.address, "x@y.test", "large", "Salve! " * 400000).as_bytes())
        self.verify(raw, 1)


class Sealing(Signed):
    def forward(self, raw, sender):
        """Mail for an alias that leads elsewhere, as it arrives there."""
        with harness.Outside(self.mansio, harness.unique("far") + ".test") as outside:
            alias = f"{harness.unique('fwd')}@{self.domain}"
            self.mansio.command("alias", "set", alias, f"bob@{outside.domain}")

            def sent():
                try:
                    self.mansio.send(sender, alias, raw=raw)
                except smtplib.SMTPRecipientsRefused:
                    return False
                return True

            harness.eventually(sent, 10, "the alias")
            return outside.wait_for_mail().content

    def arc(self, raw):
        status, results, reason = dkim.arc_verify(raw, dnsfunc=self.txt)
        return status, results, reason

    def test_a_forwarded_message_carries_a_seal_that_verifies(self):
        selector = self.new_key()
        stranger = Stranger(self.mansio)
        raw = self.forward(stranger.message("x@y.test", "sealed"), f"a@{stranger.name}")
        status, results, reason = self.arc(raw)
        self.assertEqual(status, b"pass", reason)
        self.assertEqual([(r["as-domain"], r["as-selector"], r["cv"]) for r in results],
                         [(self.domain.encode(), selector.encode(), b"none")])  # fmt: skip
        found = email.message_from_bytes(raw)["ARC-Authentication-Results"]
        self.assertIn("dmarc=pass", found)
        self.assertIn("i=1;", found)
        self.assertTrue(dkim.DKIM(raw).verify(dnsfunc=self.txt), "the author's own signature still verifies")

    def test_a_chain_is_continued(self):
        self.new_key()
        stranger = Stranger(self.mansio)
        message = stranger.message("x@y.test", "chain")
        first = b"".join(dkim.arc_sign(b"Authentication-Results: first.test; dkim=pass\r\n" + message, b"k", stranger.name.encode(),
                                       RSA, b"first.test", include_headers=[b"from", b"to", b"subject"]))  # fmt: skip
        raw = self.forward(first + message, f"a@{stranger.name}")
        status, results, reason = self.arc(raw)
        self.assertEqual(status, b"pass", reason)
        self.assertEqual([r["instance"] for r in results], [2, 1])
        self.assertIn("arc=pass", email.message_from_bytes(raw)["ARC-Authentication-Results"])

    def test_without_a_key_a_forwarded_message_has_no_seal(self):
        stranger = Stranger(self.mansio)
        raw = self.forward(stranger.message("x@y.test", "bare"), f"a@{stranger.name}")
        self.assertNotIn(b"ARC-Seal", raw)


class Notifications(unittest.TestCase):
    def test_notifications_are_signed_by_the_domain_of_our_host_name(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        mansio.command("tenant", "add", "house")
        mansio.command("domain", "add", "mansio.example", "--tenant", "house")
        livia = mansio.new_account("mansio.example", "livia")
        mansio.command("domain", "dkim", "add", "mansio.example")
        mansio.submit(livia, "nobody@nowhere.test", subject="lost")
        found = harness.eventually(lambda: [raw for _, raw in mansio.mail(livia) if b"delivery-status" in raw], 30, "the notification")
        message = email.message_from_bytes(found[0])
        self.assertIn("d=mansio.example", message["DKIM-Signature"])
        self.assertIn("MAILER-DAEMON@mail.mansio.example", message["From"])


if __name__ == "__main__":
    unittest.main()
