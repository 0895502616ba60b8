"""Filters are added, changed, tried and removed, on the command line and in the admin pages, by providers alone."""

import json
import unittest

import harness
from harness.filters import Milter, free_port


class CommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def filters(self):
        return {one["name"]: one for one in json.loads(self.mansio.command("--json", "filter", "list"))}

    def refused(self, *command):
        done = self.mansio.command("filter", *command, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def test_none_is_configured_at_first(self):
        self.assertEqual(self.filters(), {})

    def test_defaults_and_changes(self):
        self.mansio.command("filter", "add", "Scan", "clamd", "unix:/run/clamd.sock")
        one = self.filters()["scan"]
        told = ("kind", "endpoint", "order", "mode", "on_failure", "services", "max_size", "found", "connect_timeout", "command_timeout", "content_timeout")
        self.assertEqual([one[name] for name in told], ["clamd", "unix:/run/clamd.sock", 10, "enforce", "tempfail", ["relay"], None, "reject", 10, 30, 300])
        self.mansio.command("filter", "change", "scan", "--name", "virus", "--order", "3", "--mode", "warn", "--on-failure", "accept", "--services",
                            "relay,submission", "--max-size", "10M", "--found", "junk", "--timeouts", "1,,60")  # fmt: skip
        one = self.filters()["virus"]
        self.assertEqual([one[name] for name in told],
                         ["clamd", "unix:/run/clamd.sock", 3, "warn", "accept", ["relay", "submission"], 10 << 20, "junk", 1, 30, 60])  # fmt: skip
        self.mansio.command("filter", "change", "virus", "--max-size", "none")
        self.assertIsNone(self.filters()["virus"]["max_size"])
        self.mansio.command("filter", "remove", "virus", "--yes")
        self.assertEqual(self.filters(), {})

    def test_what_is_wrong_is_refused_with_a_sentence(self):
        self.mansio.command("filter", "add", "there", "policy", "inet:127.0.0.1:10023", "--stages", "rcpt,data", "--context", "c")
        self.addCleanup(self.mansio.command, "filter", "remove", "there", "--yes")
        good = ("add", "new", "milter", "inet:127.0.0.1:1")
        for command, sentence in (
            (("add", "there", "milter", "inet:127.0.0.1:1"), "already"), (("add", "two words", *good[2:]), "a word of letters"),
            (("add", "new", "filter", good[3]), "the kind is milter, policy, rspamd or clamd"), (("add", "new", "milter", "nowhere"), "inet:host:port"),
            (("add", "new", "milter", "inet:host:99999"), "from 1 to 65535"), (("add", "new", "milter", "unix:relative"), "full path"),
            (("add", "new", "milter", "unix:/" + "x" * 200), "too long"), (("add", "new", "rspamd", "127.0.0.1:11333"), "http://"),
            ((*good, "--mode", "maybe"), "off, warn or enforce"), ((*good, "--on-failure", "panic"), "tempfail or accept"),
            ((*good, "--services", "imap"), "relay, submission, lmtp or pickup"), ((*good, "--services", ","), "each service"),
            ((*good, "--timeouts", "0,1,1"), "from 1 to 3600"), ((*good, "--order", "-1"), "from 0 to 1000"), ((*good, "--max-size", "big"), "500K"),
            ((*good, "--found", "eat"), "junk, reject or tag"), ((*good, "--stages", "noon"), "rcpt, data or message"),
            (("change", "nobody", "--mode", "off"), "there is no filter nobody"), (("remove", "nobody", "--yes"), "there is no filter nobody"),
            (("test", "nobody"), "there is no filter nobody"),
        ):  # fmt: skip
            with self.subTest(command=command):
                self.assertIn(sentence, self.refused(*command))

    def test_the_test_says_why_not(self):
        self.mansio.command("filter", "add", "away", "milter", f"inet:127.0.0.1:{free_port()}")
        self.addCleanup(self.mansio.command, "filter", "remove", "away", "--yes")
        self.assertIn("Connection refused", self.refused("test", "away"))
        # Not the SMTP port: the daemon would ask itself.
        self.mansio.command("filter", "change", "away", "--endpoint", f"inet:127.0.0.1:{self.mansio.port['imap']}", "--timeouts", "10,10,10")
        self.assertIn("not", self.refused("test", "away"))

    def test_the_doctor_looks_at_them(self):
        self.mansio.command("filter", "add", "sick", "milter", f"inet:127.0.0.1:{free_port()}")
        self.addCleanup(self.mansio.command, "filter", "remove", "sick", "--yes")
        done = self.mansio.command("doctor", check=False)
        self.assertRegex(done.stdout + done.stderr, r"FAIL +filter sick: .*Connection refused.*come again later")
        self.mansio.command("filter", "change", "sick", "--on-failure", "accept")
        done = self.mansio.command("doctor", check=False)
        self.assertRegex(done.stdout + done.stderr, r"warn +filter sick: .*taken without it")

    def test_the_audit_log_knows(self):
        self.mansio.command("filter", "add", "audited", "milter", "inet:127.0.0.1:1")
        self.mansio.command("filter", "remove", "audited", "--yes")
        log = self.mansio.sql("SELECT action, object_name FROM audit WHERE object_kind = 'filter' AND object_name = 'audited' ORDER BY id")
        self.assertEqual(log, ["insert|audited", "delete|audited"])


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.web = harness.Web(cls.mansio)
        cls.web.log_in(cls.mansio.new_operator("provider", None))

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    FORM = {"name": "spam", "kind": "milter", "mode": "enforce", "on_failure": "tempfail", "found": "junk", "place": "10", "connect_timeout": "1",
            "command_timeout": "1", "content_timeout": "1", "max_size": "", "context": "", "service-relay": "1"}  # fmt: skip

    def test_one_is_added_tried_changed_and_removed(self):
        self.assertIn("No filters", self.web.get("/filters").words())
        milter = Milter()
        self.addCleanup(milter.close)
        reply = self.web.post("/filters/new", {**self.FORM, "endpoint": milter.endpoint, "service-submission": "1"})
        self.assertEqual(reply.status, 303, reply.words())
        path = "/filters/" + self.mansio.sql("SELECT id FROM filter")[0]
        self.assertIn(path, reply.headers["Location"])
        self.assertIn("spam", self.web.get("/filters").words())
        self.assertEqual(self.mansio.sql("SELECT services FROM filter"), ["{relay,submission}"])
        self.assertIn("It answers: A milter that speaks version 6", self.web.post(path + "/test").words())
        milter.close()
        self.assertIn("Connection refused", self.web.post(path + "/test").words())
        self.assertEqual(self.web.post(path, {**self.FORM, "endpoint": "unix:/run/other", "mode": "off"}).status, 303)
        self.assertEqual(self.mansio.sql("SELECT endpoint, mode, services FROM filter"), ["unix:/run/other|off|{relay}"])
        self.assertEqual(self.web.get(path + "/delete").status, 200)
        self.assertEqual(self.web.post(path + "/delete").status, 303)
        self.assertEqual(self.mansio.sql("SELECT count(*) FROM filter"), ["0"])
        self.assertEqual(self.web.get(path).status, 404)

    def test_what_is_wrong_is_said_and_the_form_keeps_what_was_typed(self):
        reply = self.web.post("/filters/new", {**self.FORM, "endpoint": "somewhere else"})
        self.assertEqual(reply.status, 422)
        self.assertIn("Write inet:host:port or unix:/path", reply.words())
        self.assertIn('value="somewhere else"', reply.text)
        self.assertEqual(self.web.post("/filters/new", {**self.FORM, "endpoint": "unix:/x", "service-relay": ""}).status, 422)

    def test_the_form_of_a_policy_server(self):
        form = {**self.FORM, "name": "grey", "kind": "policy", "endpoint": "inet:127.0.0.1:10023", "stage-rcpt": "1", "stage-message": "1", "context": "grey"}
        self.assertEqual(self.web.post("/filters/new", form).status, 303)
        self.assertEqual(self.mansio.sql("SELECT stages, context FROM filter WHERE name = 'grey'"), ["{rcpt,message}|grey"])
        self.mansio.command("filter", "remove", "grey", "--yes")

    def test_nobody_but_providers_sees_them(self):
        tenant = self.mansio.new_tenant()
        for role in ("reseller", "helpdesk"):
            web = harness.Web(self.mansio)
            web.log_in(self.mansio.new_operator(role, tenant))
            self.assertEqual(web.get("/filters").status, 403)
            self.assertEqual(web.post("/filters/new", {**self.FORM, "endpoint": "unix:/x"}).status, 403)
            self.assertNotIn("/filters", web.get("/").text)

    def test_the_database_shows_them_to_nobody_else(self):
        self.mansio.command("filter", "add", "hidden", "milter", "inet:127.0.0.1:1")
        self.addCleanup(self.mansio.command, "filter", "remove", "hidden", "--yes")
        self.assertEqual(self.mansio.sql("SELECT count(*) FROM filter", role="mansio_web"), ["0"])


if __name__ == "__main__":
    unittest.main()
