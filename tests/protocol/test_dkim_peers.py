"""DKIM and ARC beside programs that others wrote: what they sign passes here, what is signed here passes there.

dkimpy (python3-dkim) and Mail::DKIM sign and verify both; opendkim verifies and signs in its test mode.
"""

import base64
import json
import re
import subprocess
import tempfile
import unittest

import dkim
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import harness
from harness import signing
from harness.nameserver import TXT, Datagrams, text

DOMAIN = "peers.example.org"
HEADER = (
    "Received: from a.example (a.example [192.0.2.1])\r\n\tby b.example; Fri, 11 Jul 2003 21:00:37 -0700\r\n"
    "From: Joe SixPack <joe@peers.example.org>\r\nTo:Suzie Q\r\n  <suzie@shopping.example.net>, \t  Anna <anna@example.net>\r\n"
    "Subject: \tIs  dinner \r\n\t ready?  \r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "MIME-Version: 1.0\r\nX-Empty:\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
)
BODIES = {
    "plain": "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n",
    "empty": "",
    "one empty line": "\r\n",
    "empty lines": "\r\n\r\n\r\n",
    "trailing lines": "Hi.\r\n\r\n\r\n\r\n",
    "white space at line ends": "Hi. \t\r\n  leading\r\n\tand tab\t\tinside \r\n \r\n\t\r\n",
    "white space alone": " \t \r\n",
    "dots": ".\r\n..\r\n.x\r\n",
    "long": "".join(f"{n} {'word ' * (n % 40)}\r\n" for n in range(3000)),
    "long line": "x" * 20000 + " " * 300 + "y\r\n",
}
# What has no line end at its end can't be handed to everybody.
UNENDED = {"unended": "Hi.\r\nno line end"}
# opendkim's test mode takes fields through the milter protocol, which leaves out white space behind the colon.
TAME = re.sub(r":[ \t]*", ": ", re.sub(r"[ \t]*\r\n[ \t]+", " ", HEADER)).replace("  \r\n", "\r\n").replace(": \r\n", ": x\r\n")
CANONICALIZATIONS = [f"{h}/{b}" for h in ("simple", "relaxed") for b in ("simple", "relaxed")]
PERL = r"""
use strict; use warnings; use Net::DNS::Resolver; use Mail::DKIM::DNS;
my ($act, $port, @rest) = @ARGV;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ['127.0.0.1'], port => $port, recurse => 0));
my $message = do { local $/; binmode STDIN; <STDIN> };
sub feed { my ($o) = @_; $o->PRINT($message); $o->CLOSE; $o }
if ($act eq 'verify') {
    require Mail::DKIM::Verifier;
    my $v = feed(Mail::DKIM::Verifier->new);
    print $v->result_detail, "\n";
} elsif ($act eq 'arcverify') {
    require Mail::DKIM::ARC::Verifier;
    my $v = feed(Mail::DKIM::ARC::Verifier->new);
    print $v->result_detail, "\n";
} elsif ($act eq 'sign') {
    require Mail::DKIM::Signer;
    my ($domain, $selector, $method, $key) = @rest;
    my $s = feed(Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => $method, Domain => $domain,
        Selector => $selector, KeyFile => $key));
    print $s->signature->as_string, "\r\n", $message;
} elsif ($act eq 'arcsign') {
    require Mail::DKIM::ARC::Signer;
    my ($domain, $selector, $chain, $key) = @rest;
    my $s = feed(Mail::DKIM::ARC::Signer->new(Algorithm => 'rsa-sha256', Chain => $chain, Domain => $domain,
        SrvId => $domain, Selector => $selector, KeyFile => $key));
    die $s->{details} unless $s->result eq 'sealed';
    print join("\r\n", $s->as_strings), "\r\n", $message;
}
"""


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        cls.keys = {"rsa": signing.rsa_key(), "ed": signing.ed25519_key()}
        cls.records = {f"{s}._domainkey.{DOMAIN}": signing.record(k) for s, k in cls.keys.items()}
        cls.dns = Datagrams({(name, TXT): [text(value)] for name, value in cls.records.items()})
        cls.port = cls.dns.at.split("@")[1]
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = cls.folder.name
        for name, key in cls.keys.items():
            cls.write(f"{name}.pem", signing.pem(key).encode())
        cls.write("peer.pl", PERL.encode())
        cls.write("dns", "".join(f"{name} {value}\n" for name, value in cls.records.items()).encode())

    @classmethod
    def tearDownClass(cls):
        cls.dns.close()
        cls.folder.cleanup()

    @classmethod
    def write(cls, name, data):
        with open(f"{cls.at}/{name}", "wb") as f:
            f.write(data)
        return f"{cls.at}/{name}"

    def run_it(self, argv, message):
        done = subprocess.run(argv, input=message.encode(), check=False, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, (argv, done.stderr))
        return done.stdout.decode()

    # ---- ours ----

    def ours(self, *words, message):
        return self.run_it([self.mansio.endpoints["cli"], "-c", "/nonexistent", *words], message)

    def passes_here(self, message, kind="dkim"):
        found = json.loads(self.ours("check", kind, "--resolver", self.dns.at, message=message))
        self.assertEqual(found["result"], "pass", found)
        return found

    def sign_here(self, message, key="rsa", c="relaxed/relaxed", *more):
        words = ("--domain", DOMAIN, "--selector", key, "--key", f"{self.at}/{key}.pem", "--canonicalization", c)
        return self.ours("sign", "dkim", *words, *more, message=message)

    def seal_here(self, message, *more):
        words = ("--domain", DOMAIN, "--selector", "rsa", "--key", f"{self.at}/rsa.pem", "--authserv-id", DOMAIN)
        return self.ours("sign", "arc", *words, "--resolver", self.dns.at, *more, message=message)

    # ---- theirs ----

    def answer(self, name, timeout=5):
        return self.records.get(name.decode().rstrip("."), "").encode() or None

    def perl(self, *words, message):
        return self.run_it(["perl", f"{self.at}/peer.pl", words[0], self.port, *words[1:]], message)

    def opendkim(self, message, **settings):
        settings = {"Mode": "v", "Syslog": "no", "TestDNSData": f"file:{self.at}/dns", "On-BadSignature": "reject", **settings}
        conf = self.write("opendkim.conf", "".join(f"{k} {v}\n" for k, v in settings.items()).encode())
        self.write("message", message.encode())
        argv = ["opendkim", "-x", conf, "-v", "-v", "-t", f"{self.at}/message"]
        done = subprocess.run(argv, check=False, capture_output=True, timeout=60)
        return done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")

    def each(self, bodies, check):
        for c in CANONICALIZATIONS:
            for name, body in bodies.items():
                with self.subTest(canonicalization=c, body=name):
                    check(c, HEADER + body)

    def test_dkimpy_verifies_what_is_signed_here(self):
        def check(c, message):
            for key in self.keys:
                signed = self.sign_here(message, key, c)
                changed = signed.replace("Is  dinner", "Is a dinner")
                self.assertTrue(dkim.verify(signed.encode(), dnsfunc=self.answer))
                self.assertFalse(dkim.verify(changed.encode(), dnsfunc=self.answer))

        self.each({**BODIES, **UNENDED}, check)

    def test_what_dkimpy_signs_is_verified_here(self):
        raw = self.keys["ed"].private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        secrets = {"rsa": signing.pem(self.keys["rsa"]).encode(), "ed": base64.b64encode(raw)}
        algorithms = {"rsa": b"rsa-sha256", "ed": b"ed25519-sha256"}

        def check(c, message):
            how = tuple(part.encode() for part in c.split("/"))
            for key, secret in secrets.items():
                names = (key.encode(), DOMAIN.encode(), secret)
                field = dkim.sign(message.encode(), *names, canonicalize=how, signature_algorithm=algorithms[key])
                self.passes_here(field.decode() + message)

        self.each({**BODIES, **UNENDED}, check)

    def test_mail_dkim_verifies_what_is_signed_here(self):
        def check(c, message):
            self.assertEqual(self.perl("verify", message=self.sign_here(message, "rsa", c)).strip(), "pass")

        self.each(BODIES, check)

    def test_what_mail_dkim_signs_is_verified_here(self):
        def check(c, message):
            self.passes_here(self.perl("sign", DOMAIN, "rsa", c, f"{self.at}/rsa.pem", message=message))

        self.each(BODIES, check)

    def test_opendkim_verifies_what_is_signed_here(self):
        def check(c, message):
            message = message.replace(HEADER, TAME)
            for key in self.keys:
                self.assertIn("dkim=pass", self.opendkim(self.sign_here(message, key, c)))

        self.each({k: v for k, v in BODIES.items() if k != "long line"}, check)

    def test_what_opendkim_signs_is_verified_here(self):
        for c in CANONICALIZATIONS:
            message = TAME + BODIES["plain"]
            settings = {"Mode": "s", "Domain": DOMAIN, "Selector": "rsa", "KeyFile": f"{self.at}/rsa.pem"}
            output = self.opendkim(message, Canonicalization=c, RequireSafeKeys="no", **settings)
            found = re.search(r"hname='DKIM-Signature' hvalue='([^']*)'", output)
            self.assertTrue(found, output)
            self.passes_here("DKIM-Signature: " + re.sub(r"\r?\n", "\r\n", found[1]) + "\r\n" + message)

    def test_chains_pass_from_host_to_host(self):
        """Sealed in turn by ours, dkimpy and Mail::DKIM, and valid for all three each time."""
        found = f"Authentication-Results: {DOMAIN}; arc={{}}; spf=pass smtp.mailfrom=joe@example.net;\r\n dkim=pass (good) header.d=example.net\r\n"
        sealers = {
            "ours": self.seal_here,
            "server": lambda m: self.seal_here(m, "--instance-first"),
            "dkimpy": lambda m: "".join(
                line.decode()
                for line in dkim.arc_sign(
                    m.encode(), b"rsa", DOMAIN.encode(), signing.pem(self.keys["rsa"]).encode(), DOMAIN.encode()
                )
            )
            + m,
            "perl": lambda m: self.perl("arcsign", DOMAIN, "rsa", "ar", f"{self.at}/rsa.pem", message=m),
        }
        for order in (("ours", "dkimpy", "perl"), ("dkimpy", "ours", "perl"), ("perl", "ours", "dkimpy", "server", "server"), ("server", "dkimpy", "perl", "server")):
            message = HEADER + BODIES["white space at line ends"]
            for n, sealer in enumerate(order, 1):
                with self.subTest(order=order, n=n):
                    with_results = found.format("pass" if n > 1 else "none") + message
                    sealed = sealers[sealer](with_results)
                    message = sealed.replace(found.format("pass" if n > 1 else "none"), "", 1)
                    self.assertEqual(self.passes_here(message, "arc")["instance"], n)
                    self.assertEqual(dkim.arc_verify(message.encode(), dnsfunc=self.answer)[0], b"pass")
                    self.assertTrue(self.perl("arcverify", message=message).startswith("pass"))

    def test_chain_that_is_broken_on_the_way_is_sealed_as_failed_by_all(self):
        message = self.seal_here(HEADER + BODIES["plain"]).replace("lost", "won")
        self.assertEqual(dkim.arc_verify(message.encode(), dnsfunc=self.answer)[0], b"fail")
        sealed = self.seal_here(message)
        self.assertIn("cv=fail", sealed[: sealed.index(message)])
        self.assertNotEqual(dkim.arc_verify(sealed.encode(), dnsfunc=self.answer)[0], b"pass")
        self.assertTrue(self.perl("arcverify", message=sealed).startswith("fail"))


if __name__ == "__main__":
    unittest.main()
