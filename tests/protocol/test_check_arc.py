"""mansio check arc: chains that are right, and each way in which they can be wrong (RFC 8617)."""

import json
import subprocess
import unittest

import harness
from harness import signing
from harness.nameserver import TXT, Datagrams, text

DOMAIN, SELECTOR = "lists.example.org", "s1"
NAMES = "from:to:date:subject:mime-version:arc-authentication-results"
RESULTS = " i={i}; lists.example.org;\r\n    spf=pass smtp.mailfrom=jqd@d1.example;\r\n    dkim=pass (2048-bit key) header.i=@d1.example"
AMS = "a=rsa-sha256;\r\n    b={{b}};\r\n    bh={{bh}}; c=relaxed/relaxed;\r\n    d=" + DOMAIN + "; h={h};\r\n    i={i}; s=s1; t=12345"
SEAL = "a=rsa-sha256;\r\n    b={{b}}; cv={cv}; d=" + DOMAIN + "; i={i}; s=s1;\r\n    t=12345"
MESSAGE = (
    "MIME-Version: 1.0\r\nReturn-Path: <jqd@d1.example.org>\r\nReceived: by 10.157.14.6 with HTTP; Tue, 3 Jan 2017\r\n"
    "Date: Thu, 14 Jan 2015 15:00:01 -0800\r\nFrom: John Q Doe <jqd@d1.example.org>\r\nTo: arc@example.org\r\n"
    "Subject: Example 1\r\n\r\nHey gang,\r\nThis is a test message.\r\n--J.\r\n"
)


def lay(message, i=1, cv=None, ams=AMS, seal=SEAL, results=RESULTS, names=NAMES, how="relaxed", key=None, seal_key=None):
    """The message with one more set, whose templates may be anything; what is left out of them (None) is not there."""
    key = key or signing.rsa_key()
    cv = cv or ("none" if i == 1 else "pass")
    below = [sets(message, n) for n in range(1, i)] if cv != "fail" else []
    found = results.format(i=i) if results is not None else None
    if found is not None:
        message = f"ARC-Authentication-Results:{found}\r\n{message}"
    if ams is not None:
        message = signing.sign(message, key, ams.format(i=i, h=names), "ARC-Message-Signature", how, names)
    if seal is not None:
        value = " " + seal.format(i=i, cv=cv)
        mine = (found or "", sets(message, i)[1] if ams is not None else "", signing.without_b(value.replace("{b}", "")))
        made = signing.signature(seal_key or key, signing.seal_input([*below, mine]).encode())
        message = f"ARC-Seal:{value.replace('{b}', made)}\r\n{message}"
    return message


def sets(message, i):
    """The topmost values of a set, whatever their i= is worth."""
    fields = signing.split(message)[0]

    def value(name):
        found = [v for n, v in fields if n == name]
        numbered = [v for v in found if f"i={i};" in v.replace(" ", "") + ";"]
        return (numbered or found or [""])[0]

    return value("ARC-Authentication-Results"), value("ARC-Message-Signature"), value("ARC-Seal")


def chain(n, message=MESSAGE):
    for i in range(1, n + 1):
        message = lay(message, i)
    return message


def without(template, tag):
    """The template without a tag."""
    return ";".join(part for part in template.split(";") if not part.strip().startswith(tag + "="))


def with_value(template, tag, value):
    return ";".join(
        f" {tag}={value}" if part.strip().startswith(tag + "=") else part for part in template.split(";")
    )


class CheckArc(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        keys = {
            f"s1._domainkey.{DOMAIN}": signing.record(signing.rsa_key()),
            f"s2._domainkey.{DOMAIN}": signing.record(signing.rsa_key(1024)),
            f"small._domainkey.{DOMAIN}": signing.record(signing.rsa_key(512)),
            f"ed._domainkey.{DOMAIN}": signing.record(signing.ed25519_key()),
            f"bad._domainkey.{DOMAIN}": "v=DKIM1; k=rsa; p=not a key",
        }
        records = {(name, TXT): [text(value)] for name, value in keys.items()}
        records[f"silent._domainkey.{DOMAIN}"] = None
        cls.dns = Datagrams(records)

    @classmethod
    def tearDownClass(cls):
        cls.dns.close()

    def check(self, message):
        argv = [self.mansio.endpoints["cli"], "-c", "/nonexistent", "check", "arc", "--resolver", f"{self.dns.at} timeout=1"]
        done = subprocess.run(argv, input=message.encode(), check=False, capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return json.loads(done.stdout)

    def expect(self, result, *messages):
        for message in messages:
            found = self.check(message)
            with self.subTest(reason=found["reason"], message=message[:700]):
                self.assertEqual(found["result"], result)

    def test_message_without_chain_is_none(self):
        self.expect("none", "", "\r\n", "\r\nHey gang,\r\n", MESSAGE, MESSAGE.split("\r\n\r\n")[0] + "\r\n")

    def test_chains_of_one_to_five_sets_pass(self):
        message = MESSAGE
        for i in range(1, 6):
            message = lay(message, i)
            found = self.check(message)
            self.assertEqual((found["result"], found["instance"], found["oldest_pass"]), ("pass", i, 0), found["reason"])
        self.assertEqual([s["instance"] for s in found["sets"]], [1, 2, 3, 4, 5])

    def test_chain_of_fifty_sets_passes_and_one_of_fifty_one_fails(self):
        message = chain(50)
        self.expect("pass", message)
        self.expect("fail", lay(message, 51))

    def test_line_ends_of_a_file_are_those_of_mail(self):
        self.expect("pass", chain(2).replace("\r\n", "\n"))

    def test_older_message_signature_may_be_outdated(self):
        message = chain(1).replace("Example 1", "[list] Example 1")
        found = self.check(lay(message, 2))
        self.assertEqual((found["result"], found["oldest_pass"]), ("pass", 2))
        found = self.check(lay(lay(message, 2), 3))
        self.assertEqual((found["result"], found["oldest_pass"]), ("pass", 2))

    def test_newest_message_signature_must_fit(self):
        self.expect(
            "fail",
            chain(1).replace("Example 1", "Example 2"),
            chain(2).replace("Example 1", "Example 2"),
            chain(1).replace("gang", "boys"),
        )

    def test_fields_in_any_order_among_the_others_pass(self):
        message = lay(lay(MESSAGE, names="from:to"), 2, names="from:to")
        fields, body = signing.split(message)
        for order in (sorted(fields), sorted(fields, reverse=True)):
            message = "".join(f"{n}:{v}\r\n" for n, v in order) + "\r\n" + body
            self.expect("pass", message)

    def test_set_that_lacks_a_field_or_has_it_twice_fails(self):
        for n in (1, 2):
            fields, body = signing.split(chain(n))
            arc = [f for f in fields if f[0].startswith("ARC-")]
            for one in arc:
                less = [f for f in fields if f is not one]
                for changed in (less, [one, *fields], [*fields, one]):
                    self.expect("fail", "".join(f"{k}:{v}\r\n" for k, v in changed) + "\r\n" + body)

    def test_instances_begin_at_one_without_gaps(self):
        self.expect("fail", lay(MESSAGE, 2), lay(chain(1), 3), lay(MESSAGE, 0))

    def test_instance_that_is_no_number_fails(self):
        for value in ("", "0", "a", "-1", "1a", "51", "100", "1 1"):
            self.expect(
                "fail",
                lay(MESSAGE, ams=with_value(AMS, "i", value)),
                lay(MESSAGE, seal=with_value(SEAL, "i", value)),
                lay(MESSAGE, results=RESULTS.replace("{i}", value)),
            )
        self.expect("fail", lay(MESSAGE, ams=without(AMS, "i")), lay(MESSAGE, seal=without(SEAL, "i")))

    def test_results_begin_with_their_instance(self):
        self.expect(
            "fail",
            lay(MESSAGE, results=RESULTS.replace("i={i};", "")),
            lay(MESSAGE, results=" lists.example.org; i={i}; spf=pass"),
            lay(MESSAGE, results=RESULTS.replace("i={i};", "i={i}")),
            lay(MESSAGE, results=RESULTS.replace("i={i}", "I={i}")),
        )
        self.expect("pass", lay(MESSAGE, results=" (a comment) i = {i} (another) ; lists.example.org; none"))

    def test_cv_is_none_first_and_pass_then(self):
        self.expect("fail", lay(MESSAGE, 1, "pass"), lay(MESSAGE, 1, "fail"))
        self.expect("fail", lay(chain(1), 2, "none"), lay(chain(1), 2, "fail"))
        self.expect("fail", lay(lay(MESSAGE, 1, "pass"), 2), lay(lay(MESSAGE, 1, "fail"), 2))
        for broken in (without(SEAL, "cv"), with_value(SEAL, "cv", ""), with_value(SEAL, "cv", "perhaps")):
            self.expect("fail", lay(MESSAGE, seal=broken))

    def test_seal_is_over_all_sets(self):
        good = chain(2)
        for n in (1, 2):
            results, message, seal = sets(good, n)
            self.expect(
                "fail",
                good.replace(results, results.replace("spf=pass", "spf=fail")),
                good.replace(message, message.replace("t=12345", "t=12346")),
                good.replace(seal, seal.replace("t=12345", "t=12346")),
            )

    def test_tag_lists_may_have_white_space_and_unknown_tags(self):
        for template, name in ((AMS, "ams"), (SEAL, "seal")):
            self.expect(
                "pass",
                lay(MESSAGE, **{name: template.replace(";", " ;\r\n ")}),
                lay(MESSAGE, **{name: template.replace("d=", "d =  ").replace("s=s1", "s\r\n =\r\n s1")}),
                lay(MESSAGE, **{name: template + ";"}),
                lay(MESSAGE, **{name: template + "; w=catparty"}),
            )
        self.expect("pass", lay(MESSAGE, ams=without(AMS, "t")))

    def test_tag_lists_that_are_not_valid_fail(self):
        for template, name in ((AMS, "ams"), (SEAL, "seal")):
            for broken in (
                template.replace("d=", "0d="),
                template + "; s=s1",
                template.replace("s=", "S="),
                template.replace("rsa-sha256", "rsa-sha 256"),
                template.replace("; s=s1", ";; s=s1"),
                template.replace("s=s1", "s1"),
            ):
                self.expect("fail", lay(MESSAGE, **{name: broken}))

    def test_changed_case_of_a_value_fails(self):
        self.expect("fail", chain(1).replace("a=rsa-sha256", "a=RSA-SHA256"))

    def test_required_tags_with_no_or_wrong_values_fail(self):
        for tag, values in {
            "a": ("", "rsa-sha1", "poodle"),
            "b": ("", "not base64!"),
            "d": ("", "not a domain", "-"),
            "s": ("", "a b"),
            "t": ("", "icecream"),
        }.items():
            for value in values:
                self.expect("fail", lay(MESSAGE, seal=with_value(SEAL, tag, value)), lay(MESSAGE, ams=with_value(AMS, tag, value)))
            self.expect("fail", lay(MESSAGE, seal=without(SEAL, tag)))
            if tag != "t":
                self.expect("fail", lay(MESSAGE, ams=without(AMS, tag)))
        for broken in (
            without(AMS, "bh"),
            with_value(AMS, "bh", ""),
            with_value(AMS, "bh", "not base64!"),
            with_value(AMS, "bh", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
            with_value(AMS, "c", ""),
            with_value(AMS, "c", "poodle"),
            without(AMS, "h"),
        ):
            self.expect("fail", lay(MESSAGE, ams=broken))

    def test_seal_with_header_names_fails(self):
        self.expect("fail", lay(MESSAGE, seal=SEAL + "; h=from"))

    def test_signature_in_pieces_passes(self):
        message = chain(2)
        for value in (v for name, v in signing.split(message)[0] if name == "ARC-Seal"):
            b = value.split("b=")[1].split(";")[0]
            if "i=2" in value:
                message = message.replace(b, f"{b[:50]}\r\n   {b[50:90]}  {b[90:]}")
        self.expect("pass", message)

    def test_one_wrong_bit_of_a_signature_fails(self):
        for name, value in signing.split(chain(2))[0]:
            if name in ("ARC-Seal", "ARC-Message-Signature"):
                b = value.split("b=")[1].split(";")[0]
                wrong = b[:20] + ("A" if b[20] != "A" else "B") + b[21:]
                self.expect("fail", chain(2).replace(b, wrong))

    def test_canonicalization_forgives_what_it_should(self):
        good = chain(1)
        self.expect(
            "pass",
            good.replace("From:", "FROM:").replace("ARC-Seal:", "arc-SEAL:"),
            good.replace("John Q", "John\r\n   Q"),
            good.replace("1.0\r\n", "1.0  \t \r\n"),
            good.replace("14 Jan", "14   Jan"),
            good.replace("To:", "To:   ").replace("Subject:", "Subject \t:"),
            good.replace("gang,", "gang,  \t"),
            good.replace("a test", "a  \t  test"),
            good + "\r\n\r\n  \r\n",
            good[:-2],
        )
        self.expect("fail", good.replace("Hey gang", " Hey gang"), good.replace("Hey", "\r\nHey"))

    def test_all_canonicalizations_are_known(self):
        for header in ("simple", "relaxed"):
            for body in ("simple", "relaxed"):
                message = lay(MESSAGE, ams=with_value(AMS, "c", f"{header}/{body}"), how=header)
                self.expect("pass", message, message + "\r\n")
                self.expect("pass" if body == "relaxed" else "fail", message.replace("a test", "a  test"))
        self.expect("pass", lay(MESSAGE, ams=without(AMS, "c"), how="simple"))

    def test_header_names_of_every_kind(self):
        doubled = MESSAGE.replace("To:", "Comments: one\r\nComments: two\r\nTo:")
        self.expect(
            "pass",
            lay(MESSAGE, names=""),
            lay(MESSAGE, names="from : to : subject"),
            lay(MESSAGE, names="From:TO:suBject"),
            lay(doubled, names="from:comments:comments"),
            lay(MESSAGE, names="from:x-none:x-none:to"),
            lay(MESSAGE, names="from::to"),
            lay(lay(MESSAGE), 2, names="from:arc-message-signature:to"),
        )
        self.expect(
            "fail",
            lay(MESSAGE, names="from:arc-seal:to"),
            lay(lay(MESSAGE), 2, names="from:to:ARC-SEAL:date"),
            lay(MESSAGE, names="from:x-added").replace("To:", "X-Added: now\r\nTo:"),
            lay(doubled, names="from:comments").replace(": two", ": three"),
            lay(MESSAGE).replace("h=from:to:", "h=to:from:"),
        )
        self.expect("pass", lay(doubled, names="from:comments").replace(": one", ": three"))

    def test_keys_of_every_size_and_kind(self):
        small, ed = signing.rsa_key(512), signing.ed25519_key()
        second = AMS.replace("s=s1", "s=s2")
        self.expect("pass", lay(MESSAGE, ams=second, key=signing.rsa_key(1024), seal_key=signing.rsa_key()))
        self.expect(
            "pass",
            lay(
                MESSAGE,
                ams=AMS.replace("s=s1", "s=ed").replace("rsa-", "ed25519-"),
                seal=SEAL.replace("s=s1", "s=ed").replace("rsa-", "ed25519-"),
                key=ed,
            ),
        )
        self.expect(
            "fail",
            lay(MESSAGE, seal=SEAL.replace("s=s1", "s=small"), seal_key=small),
            lay(MESSAGE, ams=AMS.replace("s=s1", "s=small"), key=small, seal_key=signing.rsa_key()),
            lay(MESSAGE, seal=SEAL.replace("s=s1", "s=s2")),
            lay(MESSAGE, seal=SEAL.replace("s=s1", "s=none")),
            lay(MESSAGE, seal=SEAL.replace("s=s1", "s=bad")),
            lay(MESSAGE, ams=AMS.replace("s=s1", "s=bad")),
        )

    def test_key_that_nobody_answers_for_is_a_failure_for_now(self):
        found = self.check(lay(MESSAGE, seal=SEAL.replace("s=s1", "s=silent")))
        self.assertEqual((found["result"], found.get("temporary")), ("fail", True))
        self.assertNotIn("temporary", self.check(lay(MESSAGE, seal=SEAL.replace("s=s1", "s=none"))))

    def test_body_that_is_signed_in_part_fails(self):
        self.expect("fail", lay(MESSAGE, ams=AMS + "; l=5"), lay(MESSAGE, ams=AMS + "; l=5000"))


if __name__ == "__main__":
    unittest.main()
