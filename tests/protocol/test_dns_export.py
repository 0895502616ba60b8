"""Zones on their way from the database to BIND."""

import subprocess
import time
import unittest

import harness
from harness.mansio import unique


def dig(mansio, name, kind):
    """The answer's lines; none too where the nameserver is not there."""
    try:
        return mansio.dig(name, kind)
    except subprocess.CalledProcessError:
        return []


class Export(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        harness.eventually(lambda: self.serial(), what="the new zone")

    def dig(self, name, kind):
        return self.mansio.dig(f"{name}.{self.domain}" if name else self.domain, kind)

    def serial(self):
        answer = self.dig("", "SOA")
        return int(answer[0].split()[2]) if answer else None

    def record(self, *words, check=True):
        return self.mansio.command("record", "add", self.domain, *words, check=check)

    def test_a_new_domain_has_all_that_its_mail_needs(self):
        host = self.mansio.command("setting", "get", "mail.hostname").strip() + "."
        self.assertEqual(self.dig("", "MX"), [f"10 {host}"])
        self.assertTrue(self.dig("", "NS"))
        self.assertIn('"v=spf1 mx -all"', self.dig("", "TXT"))
        self.assertTrue(self.dig("_dmarc", "TXT")[0].startswith('"v=DMARC1'))
        self.assertTrue(self.dig("mansio._domainkey", "TXT")[0].startswith('"v=DKIM1'))
        self.assertEqual(self.dig("_imaps._tcp", "SRV"), [f"0 1 993 {host}"])
        self.assertEqual(self.dig("_submissions._tcp", "SRV"), [f"0 1 465 {host}"])
        self.assertEqual(self.dig("autoconfig", "CNAME"), [host])

    def test_a_record_is_answered_within_two_seconds_and_gone_again_when_removed(self):
        self.record("www", "A", "192.0.2.80")
        start = time.monotonic()
        harness.eventually(lambda: self.dig("www", "A") == ["192.0.2.80"], 2, "the answer")
        self.assertLess(time.monotonic() - start, 2)
        self.mansio.command("record", "remove", self.domain, "www", "A", "--yes")
        harness.eventually(lambda: self.dig("www", "A") == [], 2, "its end")

    def test_all_kinds_of_records_are_taken_by_the_nameserver_as_they_are_written(self):
        for name, kind, data, answer in (
            ("host", "AAAA", "2001:db8::1", "2001:db8::1"),
            ("x", "MX", "10 host", f"10 host.{self.domain}."),
            ("x", "TXT", 'say "hi"; \\ done', '"say \\"hi\\"; \\\\ done"'),
            ("x", "TXT", "k" * 300, f'"{"k" * 255}" "{"k" * 45}"'),
            ("_sip._tcp", "SRV", "1 2 5060 host", f"1 2 5060 host.{self.domain}."),
            ("x", "CAA", "0 issue letsencrypt.org", '0 issue "letsencrypt.org"'),
            ("_443._tcp", "TLSA", "3 1 1 " + "ab" * 32, "3 1 1 " + ("AB" * 32)[:56] + " " + ("AB" * 32)[56:]),
            ("x", "SSHFP", "4 2 " + "ab" * 32, "4 2 " + ("AB" * 32)[:56] + " " + ("AB" * 32)[56:]),
            ("x", "HTTPS", "1 . alpn=h2,h3 port=8443", '1 . alpn="h2,h3" port=8443'),
            ("x", "NAPTR", '100 10 U E2U+sip "!^.*$!sip:a@example.org!" .', '100 10 "U" "E2U+sip" "!^.*$!sip:a@example.org!" .'),
            ("x", "LOC", "52 22 23 N 4 53 32 E -2m", "52 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m"),
            ("x", "URI", "10 1 https://example.org/", '10 1 "https://example.org/"'),
            ("x", "HINFO", "x86 Linux", '"x86" "Linux"'),
            ("x", "RP", "jane .", f"jane.{self.domain}. ."),
            ("x", "TYPE65280", "\\# 4 c0000201", "\\# 4 C0000201"),
            ("old", "DNAME", "new.example.net.", "new.example.net."),
            ("ptr", "PTR", "host.example.net.", "host.example.net."),
            ("sub", "NS", "ns.example.net.", None),
        ):  # fmt: skip
            with self.subTest(kind=kind):
                self.record(name, kind, data)
                if answer:
                    try:
                        harness.eventually(lambda: answer in self.dig(name, kind), 5, answer)
                    except AssertionError:
                        self.assertEqual([answer], self.dig(name, kind))
        listed = self.mansio.command("--json", "zone", "list", "--problems")
        self.assertNotIn(self.domain, listed)

    def test_a_broken_record_is_refused_with_a_sentence_and_changes_nothing(self):
        before = self.serial()
        for words, sentence in (
            (("www", "A", "192.0.2.256"), "IPv4 address"),
            (("www", "A", "192.0.2.1\n@ NS evil.example."), "line ends"),
            (("x y", "A", "192.0.2.1"), "blanks"),
            (("@", "CNAME", "www"), "can't have a CNAME"),
            (("autoconfig", "A", "192.0.2.1"), "CNAME"),
            (("@", "MX", "10 mail.elsewhere.net"), "end it with a dot"),
            (("@", "MX", "mail"), "preference"),
            (("@", "TXT", "v=spf1 -all"), "SPF"),
            (("www.other.example.", "A", "192.0.2.1"), "not within the zone"),
            (("www", "NOPE", "x"), "not a type"),
            (("www", "SOA", "x"), "SOA"),
        ):  # fmt: skip
            with self.subTest(words=words):
                done = self.record(*words, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(sentence, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)
        self.record("last", "A", "192.0.2.9")
        harness.eventually(lambda: self.dig("last", "A"), 5, "the good one")
        self.assertEqual(self.serial(), before + 1)

    def test_only_the_changed_zone_gets_a_new_serial(self):
        other = self.mansio.new_domain()
        harness.eventually(lambda: self.mansio.dig(other, "SOA"), what="the other zone")
        before = self.mansio.dig(other, "SOA")
        self.record("www", "A", "192.0.2.80")
        harness.eventually(lambda: self.dig("www", "A"), what="the record")
        self.assertEqual(self.mansio.dig(other, "SOA"), before)

    def test_the_zone_goes_with_its_domain(self):
        self.mansio.command("domain", "remove", self.domain, "--yes")
        harness.eventually(lambda: not self.dig("", "SOA"), 5, "the zone's end")

    def test_an_international_domain_is_served_under_its_a_label(self):
        label = unique("bücher")
        ascii_name = label.encode("idna").decode()
        self.mansio.command("domain", "add", f"{label}.example", "--tenant", self.mansio.new_tenant())
        harness.eventually(lambda: self.mansio.dig(f"{ascii_name}.example", "MX"), what=ascii_name)

    def test_nobody_takes_names_within_or_above_anothers_zone(self):
        intruder = self.mansio.new_tenant()
        done = self.mansio.command("domain", "add", f"shop.{self.domain}", "--tenant", intruder, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("belongs to another reseller", done.stderr)
        self.record("lent", "NS", "ns.elsewhere.net.")
        self.mansio.command("zone", "add", f"lent.{self.domain}", "--tenant", intruder)
        deep = f"a.b.{unique('d')}.example"
        self.mansio.command("zone", "add", deep, "--tenant", intruder)
        done = self.mansio.command("domain", "add", deep.split(".", 1)[1], "--tenant", self.mansio.new_tenant(), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("for another reseller", done.stderr)

    def test_a_zone_without_mail_becomes_its_domains_and_keeps_what_it_has(self):
        tenant, name = self.mansio.new_tenant(), unique("z") + ".example"
        self.mansio.command("zone", "add", name, "--tenant", tenant)
        self.mansio.command("record", "add", name, "@", "MX", "5", "mx.elsewhere.net.")
        self.mansio.command("domain", "add", name, "--tenant", tenant)
        harness.eventually(lambda: self.mansio.dig(f"_dmarc.{name}", "TXT"), what="the mail records")
        self.assertEqual(self.mansio.dig(name, "MX"), ["5 mx.elsewhere.net."])
        self.assertIn('"v=spf1 mx -all"', self.mansio.dig(name, "TXT"))

    def test_zone_check_compares_with_the_nameserver_and_the_world(self):
        def seen():
            done = self.mansio.command("zone", "check", self.domain, check=False)
            self.assertIn("nameserver: serves the serial", done.stdout)
            self.assertIn("names and types are seen", done.stdout)
            return True

        harness.eventually(seen, 10, "the check")


class Trouble(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def setUp(self):
        self.domain = self.mansio.new_domain()
        harness.eventually(lambda: dig(self.mansio, self.domain, "SOA"), 30, "the new zone")

    def add(self, name):
        self.mansio.command("record", "add", self.domain, name, "A", "192.0.2.80")

    def answered(self, name, seconds=20):
        harness.eventually(lambda: dig(self.mansio, f"{name}.{self.domain}", "A"), seconds, name)

    def problem(self):
        return "".join(self.mansio.sql(f"SELECT problem FROM zone WHERE name = '{self.domain}'"))

    def test_what_changed_while_the_exporter_was_away_is_exported_when_it_is_back(self):
        self.mansio.pause("dns")
        self.addCleanup(self.mansio.resume, "dns")
        self.add("www")
        other = self.mansio.new_domain()
        gone = self.mansio.new_domain()
        self.mansio.command("domain", "remove", gone, "--yes")
        self.mansio.resume("dns")
        self.answered("www")
        harness.eventually(lambda: dig(self.mansio, other, "SOA"), 20, other)
        self.assertFalse(dig(self.mansio, gone, "SOA"))

    def test_a_nameserver_that_was_down_gets_the_change_later(self):
        self.mansio.pause("named")
        self.addCleanup(self.mansio.resume, "named")
        self.add("www")
        harness.eventually(self.problem, 20, "the problem")
        self.mansio.resume("named")
        self.answered("www")
        harness.eventually(lambda: not self.problem(), 20, "the problem's end")

    def test_a_record_that_came_by_another_way_and_is_wrong_leaves_the_old_zone_served(self):
        self.mansio.sql(
            "INSERT INTO record (tenant_id, zone_id, name, type, rdata) "
            f"SELECT tenant_id, id, 'www', 'A', 'nonsense' FROM zone WHERE name = '{self.domain}'"
        )
        harness.eventually(self.problem, 10, "the problem")
        self.assertTrue(dig(self.mansio, self.domain, "MX"))
        listed = self.mansio.command("zone", "list", "--problems")
        self.assertIn("IPv4", listed)
        self.mansio.sql("DELETE FROM record WHERE rdata = 'nonsense'")
        harness.eventually(lambda: not self.problem(), 10, "the problem's end")

    def test_killing_the_exporter_again_and_again_loses_no_change(self):
        for number in range(6):
            self.add(f"h{number}")
            self.mansio.kill("dns")
        for number in range(6):
            self.answered(f"h{number}", 30)
        serial = dig(self.mansio, self.domain, "SOA")[0].split()[2]
        content = self.mansio.sql(f"SELECT content FROM zone_history WHERE serial = {serial} AND content LIKE '%{self.domain}.%'")
        for number in range(6):
            self.assertIn(f"h{number} IN A 192.0.2.80", content)

    def test_the_exporter_outlives_a_restart_of_postgresql(self):
        self.mansio.restart("postgres")

        def add():
            done = self.mansio.command("record", "add", self.domain, "www", "A", "192.0.2.80", check=False)
            self.assertIn(done.returncode, (0, 1, 75))
            return done.returncode == 0 or "already" in done.stderr or "twice" in done.stderr

        harness.eventually(add, 30, "PostgreSQL")
        self.answered("www")

    def test_most_zones_gone_at_once_stay_served(self):
        more = [self.mansio.new_domain() for _ in range(12)]
        for name in more:
            harness.eventually(lambda name=name: dig(self.mansio, name, "SOA"), 20, name)
        kept = self.mansio.sql("SELECT name FROM zone")
        self.mansio.sql("BEGIN; DELETE FROM domain; DELETE FROM zone; COMMIT")
        harness.eventually(lambda: "looks like an accident" in self.mansio.log("dns"), 10, "the complaint")
        for name in kept:
            self.assertTrue(dig(self.mansio, name, "SOA"), name)


if __name__ == "__main__":
    unittest.main()
