"""Allow and deny lists, lists in the DNS, greylisting; and the commands for all rules."""

import ipaddress
import itertools
import json
import time
import unittest

import harness

_hosts = itertools.count(1)


def address():
    """An address that no other test comes from, each in a /24 of its own."""
    n = next(_hosts)
    return f"198.{18 + n // 250}.{n % 250}.9"


class Lists(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private(overrides={"log_level": "debug"})
        cls.addClassCleanup(cls.mansio.remove)
        for name, value in (("mta.xclient_networks", "127.0.0.1"), ("policy.greet_delay", "0"), ("policy.sender_domain", "off"),
                            ("policy.reverse_exists", "off"), ("policy.reverse_match", "off")):  # fmt: skip
            cls.mansio.command("setting", "set", name, value)
        cls.tenant = cls.mansio.new_tenant()
        cls.domain, cls.sibling = cls.mansio.new_domain(cls.tenant), cls.mansio.new_domain(cls.tenant)
        cls.other = cls.mansio.new_domain()
        cls.here, cls.near, cls.there = (cls.mansio.new_account(d).address for d in (cls.domain, cls.sibling, cls.other))

    def settle(self):
        harness.settle(self.mansio)

    def reset_to(self, name, value):
        before = self.mansio.command("setting", "get", name).strip()
        self.mansio.command("setting", "set", name, value)
        self.addCleanup(self.mansio.command, "setting", "set", name, before)
        self.settle()

    def access(self, *args):
        entry = json.loads(self.mansio.command("access", "add", *args, "--json"))["id"]
        self.addCleanup(self.mansio.command, "access", "remove", str(entry), "--yes", check=False)
        self.settle()
        return entry

    def ask(self, to, sender="a@client.test", where=None, helo="mx.client.test"):
        with harness.Stranger(self.mansio, where or address()) as stranger:
            return stranger.try_recipient(sender, to, helo)

    def codes(self, **what):
        return [self.ask(to, **what)[0] for to in (self.here, self.near, self.there)]

    # ---- allow and deny ----

    def test_deny_is_for_the_recipients_whose_list_it_is(self):
        self.access("deny", "sender", "deny1.test", "--domain", self.domain)
        self.assertEqual(self.codes(sender="x@deny1.test"), [554, 250, 250])
        self.access("deny", "sender", "deny2.test", "--tenant", self.tenant)
        self.assertEqual(self.codes(sender="x@deny2.test"), [554, 554, 250])
        self.access("deny", "sender", "deny3.test")
        self.assertEqual(self.codes(sender="x@deny3.test"), [554, 554, 554])
        answer = self.ask(self.here, sender="x@deny3.test")
        self.assertIn("5.7.1 [access]", answer[1])
        self.assertIn("deny3.test", answer[1])

    def test_senders_networks_and_names_are_matched(self):
        self.access("deny", "sender", "Bad.Person@people.test", "--domain", self.domain)
        self.assertEqual(self.ask(self.here, sender="bad.person@PEOPLE.test")[0], 554)
        self.assertEqual(self.ask(self.here, sender="good.person@people.test")[0], 250)
        self.access("deny", "sender", ".below.test", "--domain", self.domain)
        self.assertEqual(self.ask(self.here, sender="x@a.b.below.test")[0], 554)
        self.assertEqual(self.ask(self.here, sender="x@below.test")[0], 250)
        self.access("deny", "network", "203.0.113.0/25", "--domain", self.domain)
        self.assertEqual(self.ask(self.here, where="203.0.113.127")[0], 554)
        self.assertEqual(self.ask(self.here, where="203.0.113.128")[0], 250)
        self.access("deny", "network", "2001:db8:66::/48", "--domain", self.domain)
        self.assertEqual(self.ask(self.here, where="2001:db8:66::1")[0], 554)
        self.access("deny", "helo", ".bad-helo.test", "--domain", self.domain)
        self.assertEqual(self.ask(self.here, helo="x.Bad-Helo.test")[0], 554)
        self.assertEqual(self.ask(self.here, helo="good-helo.test")[0], 250)

    def test_what_is_closer_to_the_recipient_and_more_exact_wins(self):
        self.access("deny", "sender", "near.test")
        self.access("allow", "sender", "near.test", "--domain", self.domain)
        self.assertEqual(self.codes(sender="x@near.test"), [250, 554, 554])
        self.access("allow", "sender", "near.test", "--tenant", self.tenant)
        self.access("deny", "sender", "near.test", "--domain", self.sibling)
        self.assertEqual(self.codes(sender="x@near.test"), [250, 554, 554])
        self.access("deny", "sender", "x@near.test", "--domain", self.domain)
        self.assertEqual(self.ask(self.here, sender="x@near.test")[0], 554)
        self.assertEqual(self.ask(self.here, sender="y@near.test")[0], 250)
        self.access("allow", "network", "203.0.113.200", "--domain", self.domain)
        self.assertEqual(self.ask(self.here, sender="x@near.test", where="203.0.113.200")[0], 554, "the sender before the network")

    def test_allow_spares_the_rules_for_those_recipients_only(self):
        self.assertEqual(self.codes(helo="192.0.2.1"), [550, 550, 550])
        self.access("allow", "network", "198.51.100.77", "--domain", self.domain)
        self.assertEqual(self.codes(helo="192.0.2.1", where="198.51.100.77"), [250, 550, 550])

    def test_an_allowed_client_is_greeted_at_once(self):
        self.reset_to("policy.greet_delay", "3s")
        self.access("allow", "network", "198.51.100.78")
        begin = time.monotonic()
        with harness.Stranger(self.mansio, "198.51.100.78") as stranger:
            self.assertEqual(stranger.greeting[0], 220)
        self.assertLess(time.monotonic() - begin, 2.5)

    def test_postmaster_is_reachable_for_the_denied_too_and_warn_lets_pass(self):
        self.access("deny", "sender", "deny4.test")
        self.mansio.command("alias", "set", f"postmaster@{self.domain}", self.here)
        self.assertEqual(self.ask(f"postmaster@{self.domain}", sender="x@deny4.test")[0], 250)
        for mode in ("warn", "off"):
            self.reset_to("policy.access", mode)
            self.assertEqual(self.ask(self.here, sender="x@deny4.test")[0], 250)
        self.assertIn(" access warn ", self.mansio.log("mta"))

    def test_a_removed_entry_is_gone_at_once(self):
        entry = self.access("deny", "sender", "deny5.test")
        self.assertEqual(self.ask(self.here, sender="x@deny5.test")[0], 554)
        self.mansio.command("access", "remove", str(entry), "--yes")
        self.settle()
        self.assertEqual(self.ask(self.here, sender="x@deny5.test")[0], 250)

    def test_the_command_says_what_is_wrong_with_an_entry(self):
        for args, why in ((("deny", "network", "192.0.2.0/99"), "no network"), (("maybe", "sender", "x.test"), "allow, deny"),
                          (("deny", "colour", "x.test"), "network"), (("deny", "any"), "greylist"),
                          (("deny", "sender", "x.test", "--domain", "nowhere.example"), "not hosted"),
                          (("deny", "sender", "no domain"), "")):  # fmt: skip
            done = self.mansio.command("access", "add", *args, check=False)
            self.assertEqual(done.returncode, 1, args)
            self.assertIn(why, done.stderr)
        self.access("deny", "sender", "twice.test")
        done = self.mansio.command("access", "add", "allow", "sender", "TWICE.test", check=False)
        self.assertIn("already", done.stderr)
        listed = json.loads(self.mansio.command("access", "list", "--search", "twice", "--json"))
        self.assertEqual([(one["action"], one["pattern"]) for one in listed], [("deny", "twice.test")])

    # ---- lists in the DNS ----

    def listed(self, zone, client, answer="127.0.0.2", text=None):
        ip = ipaddress.ip_address(client)
        front = ip.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
        records = [f"{front} A {answer}"] + ([f'{front} TXT "{text}"'] if text else [])
        self.mansio.outside_zone(zone, records)

    def test_a_listed_client_is_refused_with_the_lists_own_words(self):
        where = address()
        self.listed("bl1.test", where, text="Spam source, see https://bl1.test/why")
        self.reset_to("policy.dnsbl_lists", "bl1.test")
        code, text = self.ask(self.here, where=where)
        self.assertEqual(code, 554)
        self.assertIn("[dnsbl]", text)
        self.assertIn("listed by bl1.test: Spam source, see https://bl1.test/why", text)
        self.assertEqual(self.ask(self.here)[0], 250, "another client")
        self.reset_to("policy.dnsbl", "warn")
        self.assertEqual(self.ask(self.here, where=where)[0], 250)
        self.assertIn(" dnsbl warn ", self.mansio.log("mta"))
        self.reset_to("policy.dnsbl", "off")
        self.assertEqual(self.ask(self.here, where=where)[0], 250)

    def test_weights_are_added_and_good_lists_count_against(self):
        where = address()
        for zone in ("bl2.test", "bl3.test", "wl2.test"):
            self.listed(zone, where)
        self.reset_to("policy.dnsbl_threshold", "3")
        for lists, code in (("bl2.test*2", 250), ("bl2.test*2 bl3.test", 554), ("bl2.test*2 bl3.test wl2.test*-1", 250),
                            ("bl2.test*4 wl2.test*-1", 554)):  # fmt: skip
            self.reset_to("policy.dnsbl_lists", lists)
            self.assertEqual(self.ask(self.here, where=where)[0], code, lists)

    def test_filters_say_which_answers_count(self):
        where = address()
        self.listed("bl4.test", where, answer="127.0.0.10")
        for lists, code in (("bl4.test=127.0.0.[2..9]", 250), ("bl4.test=127.0.0.[2..11]", 554), ("bl4.test=127.0.0.10*1", 554)):
            self.reset_to("policy.dnsbl_lists", lists)
            self.assertEqual(self.ask(self.here, where=where)[0], code, lists)
        self.listed("bl5.test", where, answer="203.0.113.1")  # a list that was given up
        self.reset_to("policy.dnsbl_lists", "bl5.test")
        self.assertEqual(self.ask(self.here, where=where)[0], 250)

    def test_ipv6_clients_are_looked_up(self):
        self.listed("bl6.test", "2001:db8:bad::1")
        self.reset_to("policy.dnsbl_lists", "bl6.test")
        self.assertEqual(self.ask(self.here, where="2001:db8:bad::1")[0], 554)
        self.assertEqual(self.ask(self.here, where="2001:db8:bad::2")[0], 250)

    def test_lists_that_give_no_answer_cost_no_more_than_one(self):
        where = address()
        self.listed("bl7.test", where)
        # delegated to an address where nobody answers
        for zone in ("dead1.test", "dead2.test", "dead3.test", "dead4.test"):
            self.mansio.outside_zone(zone, ["l NS ns.l", "ns.l A 127.0.0.99"])
        self.reset_to("policy.dnsbl_lists", "l.dead1.test l.dead2.test l.dead3.test l.dead4.test bl7.test")
        begin = time.monotonic()
        self.assertEqual(self.ask(self.here, where=where)[0], 554)
        self.assertLess(time.monotonic() - begin, 9)

    # ---- greylisting ----

    def greylist(self, delay="2s", **settings):
        self.reset_to("policy.greylist_delay", delay)
        for name, value in settings.items():
            self.reset_to(f"policy.greylist_{name}", value)
        self.reset_to("policy.greylist", "enforce")

    def wait_out(self, **what):
        """Asks until the mail is taken; how often it was put off."""
        puts = 0

        def passed():
            nonlocal puts
            code, text = self.ask(self.here, **what)
            if code == 450:
                puts += 1
                self.assertIn("4.7.1 [greylist]", text)
                self.assertIn("try again in", text)
            return code == 250

        harness.eventually(passed, 10, "the end of the delay")
        return puts

    def test_the_first_mail_is_put_off_and_the_next_ones_are_not(self):
        self.greylist()
        where = address()
        self.assertGreater(self.wait_out(where=where, sender="a@grey1.test"), 0)
        neighbour = where.rsplit(".", 1)[0] + ".200"
        self.assertEqual(self.ask(self.here, where=neighbour, sender="a@grey1.test")[0], 250, "the same network")
        self.assertEqual(self.ask(self.here, where=where, sender="b@grey1.test")[0], 450, "another sender")
        self.assertEqual(self.ask(self.near, where=where, sender="a@grey1.test")[0], 450, "another recipient")
        self.assertEqual(self.ask(self.here, where=address(), sender="a@grey1.test")[0], 450, "another network")

    def test_a_network_that_came_back_often_enough_is_known(self):
        self.greylist(delay="1s", clients="2")
        where = address()
        for sender in ("a@grey2.test", "b@grey2.test"):
            self.assertGreater(self.wait_out(where=where, sender=sender), 0)
        self.assertEqual(self.ask(self.there, where=where, sender="new@grey2.test")[0], 250)

    def test_spf_good_lists_and_allowed_clients_are_spared(self):
        self.greylist(delay="1h")
        where = address()
        self.mansio.outside_zone("grey3.test", [f'@ TXT "v=spf1 ip4:{where} -all"'])
        self.assertEqual(self.ask(self.here, where=where, sender="a@grey3.test")[0], 250)
        where = address()
        self.listed("wl3.test", where)
        self.reset_to("policy.dnsbl_lists", "wl3.test*-1")
        self.assertEqual(self.ask(self.here, where=where)[0], 250)
        where = address()
        self.access("allow", "network", where, "--domain", self.domain)
        self.assertEqual(self.codes(where=where), [250, 450, 450])

    def test_greylisting_is_switched_by_domain_and_tenant(self):
        self.greylist(delay="1h")
        self.access("no-greylist", "any", "--domain", self.domain)
        self.assertEqual(self.codes(), [250, 450, 450])
        self.reset_to("policy.greylist", "off")
        self.access("greylist", "any", "--domain", self.other)
        self.assertEqual(self.codes(), [250, 250, 450])
        self.access("no-greylist", "sender", "spared.test", "--domain", self.other)
        self.assertEqual(self.ask(self.there, sender="x@spared.test")[0], 250)

    def test_warning_puts_nothing_off(self):
        self.greylist(delay="1h")
        self.reset_to("policy.greylist", "warn")
        self.assertEqual(self.ask(self.here)[0], 250)
        self.assertIn(" greylist warn ", self.mansio.log("mta"))

    def test_what_did_not_come_back_is_forgotten_and_swept(self):
        self.greylist(delay="1s", window="2s", lifetime="1s")
        where = address()
        self.assertEqual(self.ask(self.here, where=where, sender="a@grey4.test")[0], 450)
        before = int(self.mansio.sql("SELECT count(*) FROM greylist")[0])
        self.assertGreater(before, 0)
        later = "UPDATE greylist SET first_at = first_at - interval '3s', seen_at = seen_at - interval '3s'"
        self.mansio.sql(later)
        self.assertEqual(self.ask(self.here, where=where, sender="a@grey4.test")[0], 450, "it came back too late")
        self.mansio.sql(later)
        self.mansio.sql("SELECT greylist_sweep(2, 1)")
        self.assertEqual(self.mansio.sql("SELECT count(*) FROM greylist"), ["0"])

    def test_all_nodes_share_what_waits(self):
        self.greylist(delay="1s")
        where = address()
        self.assertEqual(self.ask(self.here, where=where, sender="a@grey5.test")[0], 450)
        self.mansio.restart("mta")  # its memory is another node's
        harness.eventually(lambda: self.ask(self.here, where=where, sender="a@grey5.test")[0] == 250, 5, "the end of the delay")

    # ---- the trace ----

    def test_the_trace_names_the_rule_and_its_reason(self):
        account = self.mansio.new_account(self.domain).address
        self.reset_to("policy.helo_fqdn", "warn")
        self.assertEqual(self.ask(account, helo="192.0.2.1")[0], 550)

        def traced(key):
            return json.loads(self.mansio.command("trace", key, "--json"))

        (row,) = harness.eventually(lambda: traced(account), 10, "the trace")
        self.assertEqual((row["outcome"], row["rule"]), ("refused", "helo_syntax"))
        self.assertIn("no host name", row["reply"])
        with harness.Stranger(self.mansio, address()) as stranger:
            self.assertEqual(stranger.try_recipient("a@client.test", account, "localhost")[0], 250)
            self.assertEqual(stranger.deliver()[0], 250)
        taken = harness.eventually(lambda: [r for r in traced(account) if r["outcome"] == "delivered"], 10, "the trace")[0]
        decisions = {d["rule"]: d for d in traced(taken["id"])["decisions"]}
        self.assertEqual(decisions["helo_fqdn"]["verdict"], "warn")
        self.assertIn("no domain", decisions["helo_fqdn"]["reason"])

    # ---- commands ----

    def test_rules_are_listed_shown_and_switched(self):
        listed = {one["name"]: one for one in json.loads(self.mansio.command("rule", "list", "--json"))}
        self.assertEqual(len(listed), 12)
        self.assertEqual(listed["greylist"]["mode"], "off")
        shown = json.loads(self.mansio.command("rule", "show", "dnsbl", "--json"))
        self.assertIn("weight", shown["explanation"])
        self.assertIn("policy.dnsbl_lists", [one["name"] for one in shown["settings"]])
        self.assertIn("enforce", self.mansio.command("rule", "set", "helo_fqdn", "enforce"))
        self.addCleanup(self.mansio.command, "rule", "set", "helo_fqdn", "warn")
        self.settle()
        self.assertEqual(self.ask(self.here, helo="localhost")[0], 550)
        self.assertEqual(self.mansio.command("rule", "set", "helo_fqdn", "perhaps", check=False).returncode, 1)
        self.assertEqual(self.mansio.command("rule", "set", "nonsense", "off", check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
