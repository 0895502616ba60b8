"""The mansio command: what it says, and how it ends."""

import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import unittest

import harness
from harness.mansio import TOP, unique


class Command(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)

    def run_cli(self, *args, stdin=None):
        return self.mansio.command(*args, stdin=stdin, check=False)

    def good(self, *args, stdin=None):
        done = self.run_cli(*args, stdin=stdin)
        self.assertEqual((done.returncode, done.stderr), (0, ""), args)
        return done.stdout

    def document(self, *args, stdin=None):
        return json.loads(self.good("--json", *args, stdin=stdin))

    def refused(self, sentence, *args, stdin=None, code=1):
        done = self.run_cli(*args, stdin=stdin)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(sentence, done.stderr)
        self.assertEqual(done.stdout, "")

    def account(self, local="livia", *args):
        return self.document("account", "add", f"{local}@{self.domain}", "--generate", *args)

    # ---- the command line ----

    def test_wrong_use_says_so_and_ends_with_2(self):
        for words, sentence in (
            (("nosuch",), "no subject"),
            (("domain",), "help domain"),
            (("domain", "frobnicate"), "help domain"),
            (("domain", "show"), "missing"),
            (("domain", "show", "a", "b"), "too many"),
            (("domain", "list", "--nosuch"), "no option"),
            (("domain", "list", "--limit"), "needs a value"),
            (("domain", "list", "--limit", "0"), "number from 1"),
            (("domain", "list", "--limit=1", "--limit=2"), "twice"),
            (("account", "add", "a@b.example", "--quota", "5X"), "not a size"),
            (("account", "add", "a@b.example", "--generate", "--password-stdin"), "exclude"),
            (("queue", "retry"), "one of"),
        ):  # fmt: skip
            with self.subTest(words=words):
                self.refused(sentence, *words, code=2)

    def test_help_knows_every_subject_and_verb(self):
        overview = self.good("help")
        for subject in re.findall(r"^  (\w+) ", overview, re.M):
            if subject != "help":
                self.assertIn(f"mansio {subject}", self.good("help", subject))
                self.assertIn(f"mansio {subject}", self.good(subject, "--help"))
        self.assertIn("mansio 0", self.good("--version"))

    def test_the_man_page_has_every_verb(self):
        page = (TOP / "cli" / "mansio.1").read_text()
        for subject in ("tenant", "operator", "domain", "account", "alias", "zone", "record", "queue", "setting", "audit", "check", "sign"):
            for verb in re.findall(rf"^  mansio {subject} (\w+)", self.good("help", subject), re.M):
                if (subject, verb) != ("alias", "add"):  # another word for set
                    self.assertIn(f".It Nm Cm {subject} {verb}", page)

    def test_completion_offers_what_may_follow(self):
        script = f"source {TOP}/cli/completion/mansio.bash; complete_it() {{ COMP_LINE=$1; COMP_POINT=${{#1}}; _mansio; echo \"${{COMPREPLY[*]}}\"; }}; "
        for line, expected in (
            ("acco", "account"),
            ("domain s", "show set"),
            ("domain remove --y", "--yes"),
            (f"domain show {self.domain[:-3]}", self.domain),
            ("help mig", "migrate"),
        ):  # fmt: skip
            command = script + f"complete_it '{self.mansio.endpoints['cli']} {line}'"
            done = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)
            self.assertEqual(done.stdout.strip(), expected, line)
        self.account("completed")
        command = script + f"complete_it '{self.mansio.endpoints['cli']} account show completed@{self.domain[:3]}'"
        done = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True)
        self.assertEqual(done.stdout.strip(), self.domain)  # bash replaces what follows the @

    def test_lists_search_and_limit(self):
        for local in ("a1", "a2", "b1"):
            self.account(local)
        found = self.document("account", "list", "--domain", self.domain, "--search", "A1")
        self.assertEqual([a["address"] for a in found], [f"a1@{self.domain}"])
        self.assertEqual(len(self.document("account", "list", "--domain", self.domain, "--limit", "2")), 2)
        self.assertIn("No mailboxes", self.good("account", "list", "--domain", self.domain, "--search", "nobody"))

    def test_tables_line_up_with_wide_letters(self):
        self.account("a", "--name", "日本語")
        self.account("b", "--name", "abc")
        lines = self.good("account", "list", "--domain", self.domain).splitlines()
        self.assertEqual(len({re.search(r"\d+ B", line).start() + line.count("日本語") * 3 for line in lines[1:]}), 1)

    # ---- what people type ----

    def test_a_domain_that_is_there_already_is_refused(self):
        self.refused(f"{self.domain} is already hosted here", "domain", "add", self.domain.upper(), "--tenant", self.tenant)
        other = self.mansio.new_tenant()
        done = self.run_cli("domain", "add", self.domain, "--tenant", other)
        self.assertEqual(done.returncode, 1)
        self.assertIn("hosted here", done.stderr)

    def test_names_that_can_not_be_are_refused(self):
        for name, sentence in (
            ("nodots", "not a complete domain name"),
            ("a..example", "nothing between"),
            ("-a.example", "hyphen"),
            ("a b.example", "letters, digits"),
            ("x" * 64 + ".example", "63"),
            (".".join(["x" * 60] * 5), "253"),
            ("co.uk", "registry"),
            ("mail.localhost", "reserved"),
            ("1.2.3.4", "letter"),
            ("snow\u2603.example", "not a domain name"),
            ("a'; DROP TABLE domain.example", "letters, digits"),
        ):  # fmt: skip
            with self.subTest(name=name):
                self.refused(sentence, "domain", "add", "--tenant", self.tenant, "--", name)
        cli = self.mansio.endpoints["cli"].encode()
        done = subprocess.run([cli, b"domain", b"add", b"b\xffd.example"], check=False, capture_output=True)
        self.assertEqual(done.returncode, 1)

    def test_addresses_that_can_not_be_are_refused(self):
        for address, sentence in (
            ("noat", "missing"),
            (f"@{self.domain}", "nothing before"),
            (f"a b@{self.domain}", "quotes"),
            (f'"a b"@{self.domain}', "no blanks or quotes"),
            (f"a..b@{self.domain}", "dots"),
            (f"-rf@{self.domain}", "hyphen"),
            ("x" * 65 + f"@{self.domain}", "64"),
            (f"a\n@{self.domain}", "not a mail address"),
            ("a@[127.0.0.1]", "not an IP address"),
            ("a@nobody-has-this.example", "not hosted here"),
        ):  # fmt: skip
            with self.subTest(address=address):
                self.refused(sentence, "account", "add", "--generate", "--", address)

    def test_names_with_quotes_and_all_alphabets_stay_as_they_are(self):
        name = "Livia \"Quick\" O'Tabellaria; <b>日本語</b> \\ %s"
        self.account("livia", "--name", name)
        self.assertEqual(self.document("account", "show", f"livia@{self.domain}")["name"], name)
        self.refused("control characters", "account", "set", f"livia@{self.domain}", "--name", "a\x1b[31mb")
        self.refused("too long", "account", "set", f"livia@{self.domain}", "--name", "x" * 201)

    def test_an_international_domain_and_address(self):
        name = unique("bücher") + ".example"
        self.good("domain", "add", name, "--tenant", self.tenant)
        self.assertEqual(self.document("domain", "show", name)["display"], name)
        self.good("account", "add", f"Jörg@{name.upper()}", "--generate")
        self.assertEqual(self.document("account", "list", "--domain", name)[0]["address"].split("@")[0], "jörg")
        self.refused("exists already", "account", "add", f"JO\u0308RG@{name}", "--generate")

    def test_passwords_are_checked_and_never_shown(self):
        address = f"livia@{self.domain}"
        self.refused("too short", "account", "add", address, "--password-stdin", stdin="short\n")
        self.refused("same as the login", "account", "add", address, "--password-stdin", stdin=address + "\n")
        self.refused("no password", "account", "add", address, code=2)
        made = self.account()["password"]
        self.assertRegex(made, r"^[a-z2-9]{5}(-[a-z2-9]{5}){3}$")
        self.assertEqual(self.mansio.imap(harness.mansio.Account(address, made)).logout()[0], "BYE")
        self.good("account", "password", address, "--password-stdin", stdin="a new long one\n")
        self.assertNotIn("argon2", json.dumps(self.document("audit", "list", "--search", address)))

    def test_limits_hold(self):
        small = unique("small")
        self.good("tenant", "add", small, "--max-domains", "1")
        self.mansio.new_domain(small)
        self.refused("may have 1 domains", "domain", "add", unique("d") + ".example", "--tenant", small)
        name = unique("d") + ".example"
        self.good("domain", "add", name, "--tenant", self.tenant, "--max-accounts", "1")
        self.good("account", "add", f"a@{name}", "--generate")
        self.refused("may have 1 mailboxes", "account", "add", f"b@{name}", "--generate")

    def test_aliases_are_checked(self):
        address = f"info@{self.domain}"
        self.good("alias", "set", address, f"livia@{self.domain},Someone@Elsewhere.Example", f"livia@{self.domain}")
        listed = self.document("alias", "list", "--domain", self.domain)
        self.assertEqual(listed[0]["targets"], [f"livia@{self.domain}", "Someone@elsewhere.example"])
        self.refused("only to itself", "alias", "set", address, address)
        self.refused("not a mail address", "alias", "set", address, "nonsense")
        self.refused("at least one", "alias", "set", address, " ")
        self.refused("not complete", "alias", "set", address, "root@localhost")
        self.refused("not hosted", "alias", "set", "a@unknown.example", "b@c.example")
        self.good("alias", "set", f"@{self.domain}", address)
        self.good("alias", "remove", f"@{self.domain}", "--yes")
        self.refused("no alias", "alias", "remove", f"@{self.domain}", "--yes")

    def test_operators_belong_where_their_role_says(self):
        login = unique("op")
        self.refused("role must be", "operator", "add", login, "--role", "king", "--tenant", self.tenant, "--generate")
        self.refused("no reseller", "operator", "add", login, "--role", "provider", "--tenant", self.tenant, "--generate")
        self.good("operator", "add", login, "--role", "domain", "--tenant", self.tenant, "--generate")
        self.refused("already", "operator", "add", login.upper(), "--role", "domain", "--tenant", self.tenant, "--generate")
        self.good("operator", "grant", login, self.domain)
        self.refused("different resellers", "operator", "grant", login, self.mansio.new_domain())
        self.assertEqual(self.document("operator", "list", "--search", login)[0]["domains"], [self.domain])
        address = f"{unique('both')}@{self.domain}"
        self.good("account", "add", address, "--generate")
        self.refused("login of a mailbox", "operator", "add", address, "--role", "helpdesk", "--tenant", self.tenant, "--generate")

    def test_alias_and_relay_domains_need_what_they_stand_for(self):
        base, other = unique("d"), self.mansio.new_domain()
        add = ("domain", "add", "--tenant", self.tenant)
        self.refused("which domain", *add, f"{base}.example", "--kind", "alias")
        self.refused("another reseller", *add, f"{base}.example", "--kind", "alias", "--target", other)
        self.good(*add, f"{base}.example", "--kind", "alias", "--target", self.domain)
        self.refused("no mailboxes", "account", "add", f"a@{base}.example", "--generate")
        self.refused("has no mailboxes itself", *add, f"{base}b.example", "--kind", "alias", "--target", f"{base}.example")
        self.refused("port", *add, f"{base}r.example", "--kind", "relay", "--target", "mx.example.net:0")
        self.good(*add, f"{base}r.example", "--kind", "relay", "--target", "[192.0.2.1]:2525")
        self.assertEqual(self.document("domain", "show", f"{base}r.example")["target"], "[192.0.2.1]:2525")

    # ---- what destroys ----

    def test_removal_says_what_goes_and_wants_a_yes(self):
        self.account()
        done = self.run_cli("domain", "remove", self.domain)
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 mailboxes", done.stderr)
        self.assertIn("--yes", done.stderr)
        self.good("domain", "remove", self.domain, "--yes")
        self.refused("not hosted", "domain", "show", self.domain)

    def test_the_audit_log_knows_the_unix_user(self):
        address = self.account() and f"livia@{self.domain}"
        newest = self.document("audit", "list", "--search", address)[0]
        self.assertRegex(newest["actor"], r"^cli:\w+$")
        self.assertEqual((newest["action"], newest["kind"], newest["name"]), ("insert", "account", address))

    # ---- the queue ----

    def test_mail_in_the_queue_is_held_released_and_removed(self):
        livia = self.mansio.new_account(self.domain)
        to = f"{unique('u')}@{unique('nowhere')}.test"
        outside = to.split("@")[1]
        self.mansio.outside_zone(outside, ["@ MX 10 mx", "mx A 127.0.0.2"])  # where nobody listens
        self.mansio.submit(livia, to)

        def waiting():
            listed = self.document("queue", "list", "--search", to)
            return listed and not listed[0]["in_delivery"] and listed[0]["last_reply"] and listed[0]

        entry = harness.eventually(waiting, 30, "the deferred message")
        self.assertEqual((entry["sender"], entry["recipient"]), (livia.address, to))
        self.good("queue", "hold", entry["id"])
        self.assertEqual(self.document("queue", "show", entry["id"])["recipients"][0]["status"], "held")
        self.refused("nothing to be done", "queue", "hold", entry["id"])
        self.good("queue", "release", "--search", to)
        harness.eventually(lambda: self.document("queue", "list", "--search", to)[0]["attempts"] >= 2, 30, "another attempt")
        harness.eventually(waiting, 30, "its end")
        self.good("queue", "remove", entry["id"], "--yes")
        self.refused("no message", "queue", "show", entry["id"])
        self.refused("not an id", "queue", "show", "!!!", code=2)


class Migrate(unittest.TestCase):
    """On a database and with a folder of migrations of its own."""

    def setUp(self):
        self.mansio = harness.shared()
        self.place = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.place)
        shutil.copytree(TOP / "sql", self.place / "sql")
        self.conninfo = self.mansio.new_database()
        self.conf = self.place / "mansio.conf"
        self.conf.write_text(f"db_admin = {self.conninfo}\nsql = {self.place}/sql\n")

    def migrate(self, *args):
        argv = [self.mansio.endpoints["cli"], "-c", self.conf, "migrate", *args]
        return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60)

    def add(self, name, sql):
        (self.place / "sql" / name).write_text(sql)

    def test_what_is_applied_is_not_applied_again(self):
        done = self.migrate()
        self.assertEqual((done.returncode, done.stdout), (0, "The database is up to date.\n"))
        self.add("9000_more.sql", "CREATE TABLE more (a integer);\nINSERT INTO more VALUES (1);\n")
        self.assertIn("9000_more.sql                 to be applied", self.migrate("--status").stdout)
        self.assertEqual(self.migrate().stdout, "Applied 9000_more.sql.\n")
        self.assertIn("up to date", self.migrate().stdout)

    def test_a_file_that_changed_is_refused(self):
        self.add("9000_more.sql", "SELECT 1;\n")
        self.assertEqual(self.migrate().returncode, 0)
        self.add("9000_more.sql", "SELECT 2;\n")
        self.add("9001_new.sql", "SELECT 3;\n")
        done = self.migrate()
        self.assertEqual(done.returncode, 1)
        self.assertIn("9000_more.sql was changed after it was applied", done.stderr)
        self.assertIn("CHANGED", self.migrate("--status").stdout)

    def test_a_file_that_is_gone_is_refused(self):
        self.add("9000_more.sql", "SELECT 1;\n")
        self.assertEqual(self.migrate().returncode, 0)
        (self.place / "sql" / "9000_more.sql").unlink()
        done = self.migrate()
        self.assertEqual(done.returncode, 1)
        self.assertIn("older than the database", done.stderr)

    def test_a_failure_leaves_nothing_of_its_file_and_says_the_line(self):
        self.add("9000_good.sql", "CREATE TABLE good (a integer);\n")
        self.add("9001_bad.sql", "CREATE TABLE half (a integer);\n\nSELEKT 1;\n")
        done = self.migrate()
        self.assertEqual(done.returncode, 1)
        self.assertIn("9001_bad.sql line 3", done.stderr)
        self.add("9001_bad.sql", "CREATE TABLE half (a integer);\n")
        self.assertEqual(self.migrate().stdout, "Applied 9001_bad.sql.\n")

    def test_a_file_must_not_end_its_transaction_nor_share_its_number(self):
        self.add("9000_ends.sql", "COMMIT;\n")
        self.assertIn("ends the transaction", self.migrate().stderr)
        self.add("9000_same.sql", "SELECT 1;\n")
        self.assertIn("have the same number", self.migrate().stderr)

    def test_two_at_once_wait_for_each_other(self):
        for number in range(9000, 9010):
            self.add(f"{number}_step.sql", f"CREATE TABLE t{number} (a integer); SELECT pg_sleep(0.05);\n")
        done = []
        threads = [threading.Thread(target=lambda: done.append(self.migrate())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([d.returncode for d in done], [0, 0, 0], [d.stderr for d in done])
        applied = "".join(d.stdout for d in done)
        self.assertEqual(len(re.findall("Applied", applied)), 10)

    def test_the_sum_of_a_file_is_kept(self):
        listed = json.loads(subprocess.run(
            [self.mansio.endpoints["cli"], "-c", self.conf, "--json", "migrate", "--status"],
            check=True, capture_output=True, text=True).stdout)  # fmt: skip
        self.assertTrue(all(m["applied"] and not m["changed"] for m in listed))
        first = listed[0]["name"]
        kept = subprocess.run(
            ["psql", "-qAt", self.conninfo, "-c", f"SELECT encode(sha256, 'hex') FROM schema_migration WHERE name = '{first}'"],
            check=True, capture_output=True, text=True).stdout.strip()  # fmt: skip
        self.assertEqual(kept, hashlib.sha256((TOP / "sql" / first).read_bytes()).hexdigest())


if __name__ == "__main__":
    unittest.main()
