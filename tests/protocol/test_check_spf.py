"""mansio check spf: policies in the DNS of others, asked for through name servers of every kind."""

import json
import subprocess
import time
import unittest

import harness
from harness.mansio import unique
from harness.nameserver import A, ANSWER, AUTHORITATIVE, RECURSION, TXT, Datagrams, text


class CheckSpf(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        cls.domain = f"{unique('spf')}.test"
        cls.mansio.outside_zone(
            cls.domain,
            [
                '@ TXT "other text"',
                f'@ TXT "v=spf1 a:out.{cls.domain} mx include:_spf." "{cls.domain} -all exp=why.{cls.domain}"',
                "@ MX 10 mx",
                "mx A 192.0.2.25",
                "mx AAAA 2001:db8::25",
                "out CNAME hidden",
                "hidden A 192.0.2.77",
                '_spf TXT "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:1::/48 -all"',
                'why TXT "%{i} is no host of %{d}, says %{r}"',
                'soft TXT "v=spf1 ~all"',
                'bad TXT "v=spf1 moo"',
                'two TXT "v=spf1 -all"',
                'two TXT "v=spf1 +all"',
                "bare A 192.0.2.1",
            ],
        )

    def servers(self):
        """An authoritative server, that offers no recursion, and a recursive one."""
        return [f"{self.mansio.host}@{self.mansio.port[kind]}" for kind in ("dns", "resolver")]

    def check(self, ip, sender, *more, helo="client.test", resolver=None, configuration="/nonexistent/mansio.conf"):
        argv = [self.mansio.endpoints["cli"], "-c", configuration, "check", "spf", "--ip", ip, "--helo", helo, "--from", sender]
        argv += ["--resolver", resolver or self.servers()[0], *more]
        environment = {"PATH": "/nonexistent"}
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60, env=environment)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_the_same_is_found_through_authoritative_and_recursive_servers(self):
        expected = (
            ("192.0.2.77", f"a@{self.domain}", "pass", f"a:out.{self.domain}"),
            ("192.0.2.25", f"a@{self.domain}", "pass", "mx"),
            ("2001:db8::25", f"a@{self.domain}", "pass", "mx"),
            ("198.51.100.9", f"a@{self.domain}", "pass", f"include:_spf.{self.domain}"),
            ("2001:db8:1::9", f"a@{self.domain}", "pass", f"include:_spf.{self.domain}"),
            ("192.0.2.1", f"a@{self.domain}", "fail", "-all"),
            ("192.0.2.1", f"a@soft.{self.domain}", "softfail", "~all"),
            ("192.0.2.1", f"a@bad.{self.domain}", "permerror", None),
            ("192.0.2.1", f"a@two.{self.domain}", "permerror", None),
            ("192.0.2.1", f"a@bare.{self.domain}", "none", None),
            ("192.0.2.1", f"a@gone.{self.domain}", "none", None),
        )
        for resolver in self.servers():
            for ip, sender, result, mechanism in expected:
                with self.subTest(resolver=resolver, ip=ip, sender=sender):
                    found = self.check(ip, sender, resolver=resolver)
                    self.assertEqual((found["result"], found.get("mechanism")), (result, mechanism), found)
                    self.assertEqual(found["domain"], sender.partition("@")[2])
                    self.assertTrue(found["reason"])

    def test_the_explanation_is_the_domains_and_only_of_a_fail(self):
        found = self.check("192.0.2.1", f"a@{self.domain}", "--receiver", "mx.us.test")
        self.assertEqual(found["explanation"], f"192.0.2.1 is no host of {self.domain}, says mx.us.test")
        found = self.check("192.0.2.1", f"a@{self.domain}")
        self.assertEqual(found["explanation"], f"192.0.2.1 is no host of {self.domain}, says unknown")
        for sender in (f"a@soft.{self.domain}", f"a@bare.{self.domain}"):
            self.assertNotIn("explanation", self.check("192.0.2.1", sender))

    def test_without_a_sender_the_helo_name_is_asked_about(self):
        for sender in ("", "<>"):
            found = self.check("192.0.2.1", sender, helo=f"soft.{self.domain}")
            self.assertEqual((found["result"], found["identity"], found["domain"]), ("softfail", "helo", f"soft.{self.domain}"))
        found = self.check("192.0.2.77", f"<a@{self.domain}>", helo="x.test")
        self.assertEqual((found["result"], found["identity"]), ("pass", "mailfrom"))

    def test_the_resolver_and_the_host_name_are_those_of_the_configuration_where_none_is_said(self):
        done = self.mansio.command("check", "spf", "--ip", "192.0.2.1", "--from", f"a@{self.domain}")
        self.assertIn("says mail.mansio.example", json.loads(done)["explanation"])

    def test_a_server_that_knows_datagrams_and_nothing_else_will_do(self):
        for flags in (ANSWER | AUTHORITATIVE, ANSWER | RECURSION, ANSWER):
            server = Datagrams(
                {
                    ("bare.test", TXT): [text("v=spf1 exists:%{l}.%{d} ptr -all exp=why.bare.test" + " x=" + "y" * 400)],
                    ("a b.bare.test", A): [b"\x7f\0\0\2"],
                    ("\x01\\\xff.bare.test", A): [b"\x7f\0\0\2"],
                    ("why.bare.test", TXT): [text("no")],
                },
                flags,
            )
            self.addCleanup(server.close)
            found = self.check("192.0.2.1", '"a b"@bare.test', resolver=server.at)
            self.assertEqual((found["result"], found["explanation"]), ("fail", "no"))
            self.assertIn(('"a b".bare.test', A), server.asked)
            self.assertEqual(self.check("192.0.2.1", "a b@bare.test", resolver=server.at)["result"], "pass")
            self.assertEqual(self.check("192.0.2.1", "\x01\\@bare.test", resolver=server.at)["result"], "fail")

    def test_a_server_that_does_not_answer_is_a_temporary_error_in_time(self):
        server = Datagrams({"away.test": None, ("near.test", TXT): [text("v=spf1 a:away.test -all")]})
        self.addCleanup(server.close)
        before = time.monotonic()
        found = self.check("192.0.2.1", "a@away.test", resolver=f"{server.at} timeout=2")
        self.assertEqual(found["result"], "temperror")
        self.assertIn("no answer", found["reason"])
        self.assertEqual(self.check("192.0.2.1", "a@near.test", resolver=f"{server.at} timeout=2")["result"], "temperror")
        self.assertLess(time.monotonic() - before, 10)

    def test_the_whole_ends_in_time_where_each_question_is_answered_late(self):
        texts = {(f"h{i}.test", TXT): [text(f"v=spf1 ptr include:h{i + 1}.test")] for i in range(5)}
        server = Datagrams({"1.2.0.192.in-addr.arpa": None, **texts})
        self.addCleanup(server.close)
        before = time.monotonic()
        self.check("192.0.2.1", "a@h0.test", resolver=server.at)
        self.assertLess(time.monotonic() - before, 22)

    def test_wrong_use_ends_with_2_and_says_so(self):
        for words, sentence in (
            ((), "--ip ADDRESS"),
            (("--ip", "192.0.2.1"), "--helo NAME or --from"),
            (("--helo", "x.test"), "--ip ADDRESS"),
            (("--ip", "192.0.2.256", "--helo", "x.test"), "no address"),
            (("--ip", "192.0.2.1", "--helo", "x.test", "--nosuch"), "no option"),
            (("--ip", "192.0.2.1", "--helo", "x.test", "more"), "too many"),
        ):
            with self.subTest(words=words):
                done = self.mansio.command("check", "spf", *words, check=False)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(sentence, done.stderr)
        done = self.mansio.command("check", "spf", "--ip", "192.0.2.1", "--helo", "x.test", "--resolver", "nowhere", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("nowhere", done.stderr)


if __name__ == "__main__":
    unittest.main()
