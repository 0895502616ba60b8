"""mansio check dkim and mansio sign dkim: signatures that are right, and each way in which they can be wrong."""

import json
import re
import subprocess
import tempfile
import time
import unittest

import harness
from harness import signing
from harness.nameserver import TXT, Datagrams, text

DOMAIN = "football.example.com"
MESSAGE = (
    "From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
    "Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
)
TAGS = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=football.example.com; s=rsa; h=from:to:subject; bh={bh}; b={b}"

# RFC 8463 appendix A
RFC_8463 = """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
"""
RFC_8463_KEYS = {
    "brisbane": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test": "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTI"
    "KT+l/K4w3QIDAQAB",
}


def p_of(key):
    return signing.record(key).split("p=")[1]


class CheckDkim(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        rsa, ed = signing.rsa_key(), signing.ed25519_key()
        p = p_of(rsa)
        cls.keys = {
            **RFC_8463_KEYS,
            "rsa": signing.record(rsa),
            "ed": signing.record(ed),
            "plain": f"p={p}",
            "trailing": f"v=DKIM1; p={p}; ",
            "folded": f"v=DKIM1;\r\n k=rsa;\tp={p[:60]} {p[60:]}",
            "unknown": f"v=DKIM1; w=new; k=rsa; n=a note; p={p}",
            "small": signing.record(signing.rsa_key(512)),
            "large": signing.record(signing.rsa_key(4096)),
            "revoked": "v=DKIM1; k=rsa; p=",
            "testing": f"v=DKIM1; t=y; p={p}",
            "strict": f"v=DKIM1; t=y:s; p={p}",
            "sha1": f"v=DKIM1; h=sha1; p={p}",
            "sha256": f"v=DKIM1; h=sha1:sha256; p={p}",
            "web": f"v=DKIM1; s=web; p={p}",
            "mail": f"v=DKIM1; s=web:email; p={p}",
            "every": f"v=DKIM1; s=*; p={p}",
            "late": f"k=rsa; v=DKIM1; p={p}",
            "other": f"v=DKIM2; p={p}",
            "nop": "v=DKIM1; k=rsa",
            "twice": f"v=DKIM1; p={p}; p={p}",
            "new": f"v=DKIM1; k=post-quantum; p={p}",
            "wrong": f"v=DKIM1; k=ed25519; p={p}",
            "short": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHUQ==",
            "text": "this is something else",
            "spf": "v=spf1 -all",
        }
        records = {(f"{s}._domainkey.{DOMAIN}", TXT): [text(v)] for s, v in cls.keys.items()}
        records[f"several._domainkey.{DOMAIN}", TXT] = [
            text("v=spf1 -all"),
            text(cls.keys["test"]),
            text(cls.keys["rsa"]),
        ]
        records[f"rsa._domainkey.sub.{DOMAIN}", TXT] = [text(cls.keys["rsa"])]
        records["rsa._domainkey.co.uk", TXT] = [text(cls.keys["rsa"])]
        records["rsa._domainkey.xn--mnchen-3ya.example", TXT] = [text(cls.keys["rsa"])]
        for selector in ("silent", "silent2", "silent3", "silent4"):
            records[f"{selector}._domainkey.{DOMAIN}"] = None
        cls.dns = Datagrams(records)
        cls.files = tempfile.TemporaryDirectory()
        for name, key in (("rsa", rsa), ("ed", ed), ("small", signing.rsa_key(512))):
            with open(f"{cls.files.name}/{name}.pem", "w", encoding="ascii") as f:
                f.write(signing.pem(key))

    @classmethod
    def tearDownClass(cls):
        cls.dns.close()
        cls.files.cleanup()

    def mansio_does(self, *words, message, code=0):
        argv = [self.mansio.endpoints["cli"], "-c", "/nonexistent", *words]
        data = message if isinstance(message, bytes) else message.encode()
        done = subprocess.run(argv, input=data, check=False, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout.decode(errors="surrogateescape") if code == 0 else done.stderr.decode()

    def check(self, message):
        return json.loads(
            self.mansio_does("check", "dkim", "--resolver", f"{self.dns.at} timeout=1", message=message)
        )

    def sign(self, message=MESSAGE, *words, key="rsa", selector=None, code=0):
        selector = selector or key
        words = ("--domain", DOMAIN, "--selector", selector, "--key", f"{self.files.name}/{key}.pem", *words)
        return self.mansio_does("sign", "dkim", *words, message=message, code=code)

    def by_hand(self, tags=TAGS, message=MESSAGE, key=None, **more):
        return signing.sign(message, key or signing.rsa_key(), tags, **more)

    def expect(self, result, *messages, reason=""):
        for message in messages:
            found = self.check(message)
            with self.subTest(reason=found["reason"], message=message[:500]):
                self.assertEqual(found["result"], result)
                self.assertIn(reason, found["reason"])

    # ---- what passes ----

    def test_example_of_rfc_8463_passes_with_both_algorithms(self):
        found = self.check(RFC_8463.replace("\n", "\r\n") + MESSAGE + "\r\n")
        self.assertEqual(found["result"], "pass")
        self.assertEqual(
            [(s["result"], s["selector"], s["domain"], s["algorithm"], s["key_bits"]) for s in found["signatures"]],
            [
                ("pass", "brisbane", DOMAIN, "ed25519-sha256", 256),
                ("pass", "test", DOMAIN, "rsa-sha256", 1024),
            ],
        )
        self.expect("pass", RFC_8463 + MESSAGE.replace("\r\n", "\n"))
        self.expect("fail", RFC_8463.replace("\n", "\r\n") + MESSAGE.replace("lost", "won"), reason="body")

    def test_message_without_signature_is_none(self):
        self.assertEqual(self.check(MESSAGE)["signatures"], [])
        self.expect("none", MESSAGE, "", "\r\n", "no header at all", "X-DKIM-Signature: v=1\r\n\r\n")

    def test_signed_message_passes_with_each_key_and_canonicalization(self):
        bodies = ("Hi.\r\n", "", "\r\n", "\r\n\r\n", "Hi.", "a\r\n\r\n\r\n", " \t\r\n", "a \t b \r\n\t\r\n", "x" * 5000, "\u00e4\r\n.\r\n")
        header = MESSAGE.split("\r\n\r\n", 1)[0]
        for key in ("rsa", "ed"):
            for c in ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed", "relaxed", "simple"):
                for body in bodies:
                    self.expect("pass", self.sign(f"{header}\r\n\r\n{body}", "--canonicalization", c, key=key))
            self.expect("pass", self.sign(f"{header}\r\n", key=key), self.sign(header, key=key))

    def test_signature_is_the_same_each_time(self):
        for key in ("rsa", "ed"):
            made = {self.sign(MESSAGE, "--time", "1700000000", "--field", key=key) for _ in range(3)}
            self.assertEqual(len(made), 1)
            self.assertIn("t=1700000000;", made.pop())

    def test_lines_of_a_signature_are_short(self):
        self.assertTrue(all(len(line.expandtabs()) <= 78 for line in self.sign(MESSAGE, "--field").splitlines()))

    def test_file_with_line_ends_of_unix_keeps_them(self):
        unix = MESSAGE.replace("\r\n", "\n")
        signed = self.sign(unix)
        self.assertTrue(signed.endswith(unix))
        self.assertNotIn("\r", signed)
        self.expect("pass", signed, signed.replace("\n", "\r\n"))

    def test_headers_of_many_shapes_are_signed_and_verified(self):
        odd = (
            b"From:joe@football.example.com\r\nSubject:\r\nTo : a@b\r\n\t,c@d\r\nX-Long: " + b"x" * 3000 + b"\r\n"
            b"Subject : \r\n \r\n\t folded  \t \r\nDate:\tnow\r\nReply-To: \xe4\xf6\xfc <a@b>\r\nnot a field\r\n\r\nbody\r\n"
        )
        names = "from:subject:to:x-long:date:reply-to:subject:none:subject"
        for c in ("simple/simple", "relaxed/relaxed"):
            signed = self.sign(odd, "--headers", names, "--canonicalization", c).encode(errors="surrogateescape")
            self.assertEqual(self.check(signed)["result"], "pass")

    def test_what_is_signed_by_default_can_not_be_added_to(self):
        signed = self.sign()
        for name in ("From", "To", "Cc", "Subject", "Date", "Reply-To"):
            self.expect("fail", f"{name}: x@example.net\r\n{signed}", signed.replace("\r\n\r\n", f"\r\n{name}: x\r\n\r\n", 1))
        self.expect("pass", f"X-Other: x\r\n{signed}", "Received: by relay\r\n" + signed)

    def test_tags_may_have_white_space_and_come_in_any_order(self):
        self.expect(
            "pass",
            self.by_hand(TAGS.replace("; ", ";\r\n\t").replace("=", " = ")),
            self.by_hand(TAGS + ";"),
            self.by_hand(TAGS + " ; "),
            self.by_hand("; ".join(reversed(TAGS.split("; ")))),
            self.by_hand(TAGS + "; unknown=something; z=From:joe|To:suzie"),
            self.by_hand(TAGS.replace("h=from:to:subject", "h=from :\r\n to\t: subject")),
            self.by_hand(TAGS.replace("b={b}", "b={b}\r\n  ")),
            self.by_hand(TAGS.replace("relaxed/relaxed", "simple/simple"), how="simple"),
            self.by_hand(re.sub(r" c=[^;]*;", "", TAGS), how="simple"),
            self.by_hand(TAGS.replace("relaxed/relaxed", "relaxed")),
        )

    def test_signature_may_be_broken_into_pieces(self):
        signed = self.by_hand()
        b = re.search(r"; b=(\S+)", signed)[1]
        for pieces in (f"{b[:9]}\r\n {b[9:]}", " " + "\t".join(b), f"{b}\r\n\t\r\n "):
            self.expect("pass", signed.replace(b, pieces))

    def test_names_are_picked_from_the_bottom_up(self):
        message = MESSAGE.replace("To:", "Comments: first\r\nComments: second\r\nTo:", 1)
        one = self.by_hand(TAGS.replace("to:", "comments:"), message, names="from:comments:subject")
        self.expect("pass", one, one.replace("first", "changed"))
        self.expect("fail", one.replace("second", "changed"), one.replace("first", "second").replace("second", "x", 1)[::1].replace("Comments: second", "Comments: y"))
        both = self.by_hand(TAGS.replace("to:", "comments:comments:comments:"), message, names="from:comments:comments:comments:subject")
        self.expect("pass", both)
        self.expect("fail", both.replace("first", "changed"), "Comments: added\r\n" + both)

    def test_signature_may_say_that_there_are_no_more_of_its_kind(self):
        names = "from:dkim-signature:dkim-signature"
        alone = self.by_hand(TAGS.replace("from:to:subject", names), names=names)
        self.expect("pass", alone)
        second = self.by_hand(TAGS.replace("from:to:subject", names), alone, names=names)
        self.assertEqual([s["result"] for s in self.check(second)["signatures"]], ["pass", "fail"])

    def test_identity_lies_within_the_domain(self):
        self.expect("pass", *(self.by_hand(TAGS + f"; i={i}") for i in (f"@{DOMAIN}", f"joe@{DOMAIN}", f"joe=40home@news.{DOMAIN}", f"@{DOMAIN.upper()}")))
        self.expect("permerror", *(self.by_hand(TAGS + f"; i={i}") for i in ("@example.com", f"joe@evil{DOMAIN}", "joe", "", "@")))

    def test_expired_signature_is_refused(self):
        now = int(time.time())
        self.expect("pass", self.by_hand(TAGS + f"; t={now}; x={now + 1000}"), self.sign(MESSAGE, "--lifetime", "1000"))
        self.expect("permerror", self.by_hand(TAGS + f"; t={now - 2000}; x={now - 1000}"), reason="expired")
        self.expect("permerror", self.by_hand(TAGS + f"; t={now}; x={now - 1}"), reason="before")
        for value in ("", "soon", "-1", "1.5", "1" * 13):
            self.expect("permerror", self.by_hand(TAGS + f"; t={value}"), self.by_hand(TAGS + f"; x={value}"))

    # ---- what does not ----

    def test_signature_that_lacks_a_required_tag_is_an_error(self):
        for tag in ("v", "a", "b", "bh", "d", "h", "s"):
            self.expect("permerror", self.by_hand(re.sub(rf"(^|; ){tag}=[^;]*", "", TAGS).lstrip("; ")), reason=tag)
            self.expect("permerror", self.by_hand(re.sub(rf"(^|; ){tag}=[^;]*", rf"\1{tag}=", TAGS)))

    def test_tag_list_that_is_not_valid_is_an_error(self):
        self.expect(
            "permerror",
            *(
                self.by_hand(tags)
                for tags in (
                    TAGS + "; d=" + DOMAIN,
                    TAGS + "; x",
                    TAGS.replace("; ", ";; ", 1),
                    TAGS + "; 1x=2",
                    TAGS + "; a-b=2",
                    TAGS.replace("v=1", "v=2"),
                    TAGS.replace("v=1", "v=1.0"),
                    TAGS.replace("from:", ""),
                    TAGS.replace("from:", "x-from:"),
                )
            ),
            "DKIM-Signature:\r\n" + MESSAGE,
            "DKIM-Signature: gibberish\r\n" + MESSAGE,
            self.by_hand().replace("b=", "b=!", 2),
        )

    def test_what_is_not_known_is_neutral(self):
        self.expect(
            "neutral",
            self.by_hand(TAGS.replace("rsa-sha256", "rsa-sha512")),
            self.by_hand(TAGS.replace("relaxed/relaxed", "nowsp")),
            self.by_hand(TAGS.replace("relaxed/relaxed", "relaxed/nowsp")),
            self.by_hand(TAGS + "; q=carrier/pigeon"),
            self.by_hand(TAGS.replace("s=rsa", "s=new")),
        )
        self.expect("pass", self.by_hand(TAGS + "; q=carrier/pigeon : dns/txt"))

    def test_old_and_weak_cryptography_is_refused(self):
        self.expect("policy", self.by_hand(TAGS.replace("rsa-sha256", "rsa-sha1")), reason="RFC 8301")
        self.expect("policy", self.by_hand(TAGS.replace("s=rsa", "s=small"), key=signing.rsa_key(512)), reason="1024")
        self.expect("pass", self.by_hand(TAGS.replace("s=rsa", "s=large"), key=signing.rsa_key(4096)))
        self.assertIn("1024", self.sign(key="small", code=1))
        self.assertIn("rsa-sha256", self.sign(MESSAGE, "--algorithm", "rsa-sha1", code=2))

    def test_body_that_is_signed_in_part_is_refused(self):
        part = self.by_hand(TAGS + "; l=5")
        self.expect("policy", part, part + "added\r\n", reason="part")
        whole = len(re.sub(r"[ \t]+", " ", MESSAGE.split("\r\n\r\n", 1)[1]))
        full = self.by_hand(TAGS + f"; l={whole}")
        self.expect("pass", full)
        self.expect("policy", full + "added\r\n")
        self.expect("fail", self.by_hand(TAGS + f"; l={whole + 1}"), self.by_hand(TAGS + "; l=" + "9" * 30))
        self.expect("permerror", self.by_hand(TAGS + "; l=all"), self.by_hand(TAGS + "; l=-1"), self.by_hand(TAGS + "; l="))

    def test_changed_message_fails(self):
        signed = self.by_hand()
        self.expect("fail", signed.replace("lost", "won"), signed + "more\r\n", reason="body")
        self.expect(
            "fail",
            signed.replace("dinner", "lunch"),
            signed.replace("h=from:to", "h=to:from"),
            signed.replace("v=1; ", "v=1; new=1; "),
            reason="header",
        )
        self.expect("pass", signed.replace("Subject: Is", "sUBJECT :  \t Is"), signed.replace("Is dinner", "Is\r\n dinner") + "\r\n \r\n")
        self.expect("pass", signed.replace("Message-ID", "X-Message-ID"))

    def test_second_author_beside_the_signed_one_is_refused(self):
        signed = self.by_hand()
        self.expect("policy", "From: Queen <queen@example.net>\r\n" + signed, reason="From")
        self.expect("fail", signed.replace("\r\n\r\n", "\r\nFrom: Queen <queen@example.net>\r\n\r\n", 1))

    def test_public_suffix_is_nobodys_domain(self):
        self.expect("policy", self.by_hand(TAGS.replace(DOMAIN, "co.uk")), self.by_hand(TAGS.replace(DOMAIN, "com")), reason="suffix")

    def test_domain_may_be_written_in_letters_of_its_own(self):
        message = MESSAGE.replace("Joe SixPack", "J\u00f6")
        self.expect("pass", self.by_hand(TAGS.replace(DOMAIN, "m\u00fcnchen.example"), message))
        self.expect("pass", self.by_hand(TAGS.replace(DOMAIN, "XN--Mnchen-3ya.example")))
        self.expect("permerror", *(self.by_hand(TAGS.replace(DOMAIN, d)) for d in ("a..b", "a b.example", "example.com.", "-" * 64 + ".com", "a/b.com")))

    # ---- keys ----

    def test_key_records_of_every_shape(self):
        expected = {
            "plain": "pass",
            "trailing": "pass",
            "folded": "pass",
            "unknown": "pass",
            "testing": "pass",
            "strict": "pass",
            "sha256": "pass",
            "mail": "pass",
            "every": "pass",
            "several": "pass",
            "revoked": "permerror",
            "sha1": "permerror",
            "web": "permerror",
            "late": "permerror",
            "other": "permerror",
            "nop": "permerror",
            "twice": "permerror",
            "wrong": "permerror",
            "short": "permerror",
            "text": "permerror",
            "spf": "permerror",
            "ed": "permerror",
            "absent": "permerror",
            "test": "fail",
            "silent": "temperror",
        }
        for selector, result in expected.items():
            self.expect(result, self.by_hand(TAGS.replace("s=rsa", f"s={selector}")))
        self.assertTrue(self.check(self.by_hand(TAGS.replace("s=rsa", "s=testing")))["signatures"][0]["testing"])

    def test_strict_key_is_for_the_domain_itself(self):
        strict = TAGS.replace("s=rsa", "s=strict")
        self.expect("pass", self.by_hand(strict + f"; i=joe@{DOMAIN}"))
        self.expect("permerror", self.by_hand(strict + f"; i=joe@news.{DOMAIN}"))
        self.expect("pass", self.by_hand(TAGS + f"; i=joe@news.{DOMAIN}"))

    # ---- several signatures ----

    def test_keys_are_asked_for_at_the_same_time(self):
        message = MESSAGE
        for selector in ("silent", "silent2", "silent3", "silent4"):
            message = self.by_hand(TAGS.replace("s=rsa", f"s={selector}"), message)
        begin = time.monotonic()
        self.expect("temperror", message)
        self.assertLess(time.monotonic() - begin, 3)

    def test_one_good_signature_is_enough(self):
        signed = self.by_hand()
        self.expect("pass", self.by_hand(TAGS.replace("s=rsa", "s=absent"), signed), "DKIM-Signature: gibberish\r\n" + signed)
        found = self.check(self.by_hand(TAGS.replace("s=rsa", "s=absent"), signed))
        self.assertEqual([s["result"] for s in found["signatures"]], ["permerror", "pass"])

    def test_only_the_first_ten_signatures_are_looked_at(self):
        found = self.check("DKIM-Signature: v=1; d=example.com; s=a\r\n" * 500 + self.by_hand())
        self.assertEqual((found["result"], len(found["signatures"])), ("permerror", 10))

    # ---- signing ----

    def test_signing_says_what_is_wrong(self):
        self.assertIn("From", self.sign("To: a@b\r\n\r\nx", code=1))
        self.assertIn("From", self.sign(MESSAGE, "--headers", "to:subject", code=1))
        self.assertIn("list of header fields", self.sign(MESSAGE, "--headers", "from;x", code=1))
        self.assertIn("canonicalization", self.sign(MESSAGE, "--canonicalization", "loose", code=2))
        self.assertIn("selector", self.sign(MESSAGE, selector="a b", code=1))
        self.assertIn("PEM", self.mansio_does("sign", "dkim", "--domain", DOMAIN, "--selector", "a", "--key", "/etc/hostname", message=MESSAGE, code=1))
        self.assertIn("--key", self.mansio_does("sign", "dkim", "--domain", DOMAIN, message=MESSAGE, code=2))


if __name__ == "__main__":
    unittest.main()
