"""rspamd, Debian's, really running: what it is told, its actions, its header fields; and answers of a server that is not rspamd."""

import email
import email.policy
import http.server
import json
import os
import smtplib
import tempfile
import threading
import unittest

import harness
from harness.filters import Daemon, Filtered, free_port

RULES = os.path.join(os.path.dirname(__file__), "filters", "rspamd.lua")
CONFIGURATION = """
options {{ pidfile = "{folder}/pid"; temp_dir = "{folder}"; tempdir = "{folder}"; url_tld = "{folder}/tld"; filters = ""; disable_hyperscan = true;
    control_socket = "{folder}/control mode=0600"; dns {{ nameserver = ["127.0.0.1:{resolver}"]; timeout = 1s; retransmits = 1; }} }}
lang_detection {{ languages = ["en"]; }}
logging {{ type = "console"; level = "info"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
actions {{ reject = 15; rewrite_subject = 8; add_header = 6; greylist = 4; quarantine = 90; discard = 95; subject = "[SPAM] %s"; }}
lua = "{rules}";
"""


class RspamdTest(Filtered):
    def deliver(self, *fields, body="Salve!", raw=None, account=None):
        """(code, text) of the data's reply."""
        raw = raw or "\r\n".join((*fields, "Subject: rspamd", "", body, "")).encode()
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@outside.test")
            client.rcpt((account or self.livia).address)
            code, text = client.data(raw)
            return code, text.decode()

    def arrived(self, *fields, folder="INBOX", **more):
        before = {uid for uid, _ in self.mails(self.livia, folder)}
        code, text = self.deliver(*fields, **more)
        self.assertEqual(code, 250, text)
        new = [body for uid, body in self.mails(self.livia, folder) if uid not in before]
        self.assertEqual(len(new), 1, f"nothing new in {folder}")
        return email.message_from_bytes(new[0], policy=email.policy.default)


class Rspamd(RspamdTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        cls.port = free_port()
        with open(os.path.join(cls.folder.name, "rspamd.conf"), "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(folder=cls.folder.name, port=cls.port, resolver=cls.mansio.port["resolver"], rules=RULES))
        with open(os.path.join(cls.folder.name, "tld"), "w", encoding="utf-8") as file:
            file.write("com\ntest\nexample\n")
        cls.rspamd = Daemon(["/usr/bin/rspamd", "-i", "-f", "-c", os.path.join(cls.folder.name, "rspamd.conf")], cls.port)

    @classmethod
    def tearDownClass(cls):
        cls.rspamd.stop()
        cls.folder.cleanup()
        super().tearDownClass()

    def setUp(self):
        self.url = f"http://127.0.0.1:{self.port}"

    def attach_it(self, *options, urls=None):
        self.attach("rspamd", urls or self.url, *options)

    def test_good_mail_passes_with_its_score(self):
        self.attach_it()
        mail = self.arrived("X-Test-Score: 1.5")
        self.assertEqual(mail["X-Spam-Score"], "1.50")
        self.assertEqual(mail["X-Spam-Level"], "*")
        self.assertRegex(mail["X-Spam-Status"], r"^No, score=1\.50 required=\d+\.00\s+tests=\[TEST_SCORE\(1\.50\)\]$")
        self.assertIsNone(mail["X-Spam"])

    def test_it_is_told_who_and_where(self):
        self.attach_it()
        code, text = self.deliver()
        facts = email.message_from_bytes(self.mails(self.livia)[-1][1])["X-Facts"]
        for fact in ("ip=127.0.0.1", "helo=client.test", "host=localhost", "from=a@outside.test", f"rcpt={self.livia.address}",
                     "mta=mail.mansio.example", f"id={text.split()[-1]}"):  # fmt: skip
            self.assertIn(fact, facts.split())

    def test_it_is_told_of_logins_and_tls(self):
        self.attach_it("--services", "submission")
        self.mansio.submit(self.marcus, [self.livia.address], subject="rspamd login")
        mail = self.mansio.wait_for_mail(self.livia, "rspamd login")
        self.assertIn(f"user={self.marcus.address}", mail["X-Facts"])
        self.assertIn("tls=TLSv1.3", mail["X-Facts"])
        self.assertIsNone(mail["X-Spam-Score"], "what our own people send carries no score into the world")

    def test_what_it_adds_and_removes(self):
        self.attach_it()
        mail = self.arrived("X-All: 1", "X-All: 2", "X-Second: 1", "X-Second: 2", "X-From-End: 1", "X-From-End: 2", "X-From-End: 3")
        self.assertEqual((mail.get_all("X-All"), mail.get_all("X-Second"), mail.get_all("X-From-End")), (None, ["1"], ["1", "2"]))
        self.assertEqual(mail.keys()[-1], "X-Last")
        self.assertLess(mail.keys().index("X-Facts"), mail.keys().index("Subject"))

    def test_add_header_goes_into_junk(self):
        self.attach_it()
        mail = self.arrived("X-Test-Score: 7", folder="Junk")
        self.assertEqual(mail["X-Spam"], "Yes")
        self.assertTrue(mail["X-Spam-Status"].startswith("Yes, score=7.00"))

    def test_add_header_only_tags_where_it_is_set(self):
        self.attach_it("--found", "tag")
        self.assertEqual(self.arrived("X-Test-Score: 7")["X-Spam"], "Yes")

    def test_add_header_is_refused_where_it_is_set(self):
        self.attach_it("--found", "reject")
        self.assertEqual(self.deliver("X-Test-Score: 7")[0], 554)

    def test_rewrite_subject(self):
        self.attach_it()
        self.assertEqual(self.arrived("X-Test-Score: 9", folder="Junk")["Subject"], "[SPAM] rspamd")

    def test_reject(self):
        self.attach_it()
        code, text = self.deliver("X-Test-Score: 20")
        self.assertEqual((code, text[:5]), (554, "5.7.1"))
        self.assertIn("TEST_SCORE", self.mansio.log("mta"))

    def test_the_message_trace_has_action_score_and_symbols(self):
        self.attach_it()
        self.deliver("X-Test-Score: 2.5")
        self.deliver("X-Test-Score: 21")
        for outcome, words in (("delivered", "no action, score 2.50"), ("refused", "reject, score 21.00")):
            with self.subTest(outcome=outcome):
                harness.eventually(lambda outcome=outcome, words=words: words in self.newest(outcome))

    def newest(self, outcome):
        """The trace is written a moment later: until then the newest is one of before."""
        found = self.trace("--outcome", outcome, self.livia.address)
        return json.dumps(self.trace(found[0]["id"])) if found else ""

    def trace(self, *args):
        return json.loads(self.mansio.command("--json", "trace", *args))

    def test_its_own_words_are_the_clients(self):
        self.attach_it()
        self.assertEqual(self.deliver("X-Test-Result: reject"), (554, "5.7.1 said by the test"))
        self.assertEqual(self.deliver("X-Test-Result: soft reject"), (451, "4.7.1 said by the test"))

    def test_greylist_is_later(self):
        self.attach_it()
        self.assertEqual(self.deliver("X-Test-Result: greylist")[0], 451)

    def test_quarantine_and_discard(self):
        self.attach_it()
        self.arrived("X-Test-Result: quarantine", folder="Junk")
        before = len(self.mails(self.livia))
        self.assertEqual(self.deliver("X-Test-Result: discard")[0], 250)
        self.assertEqual(len(self.mails(self.livia)), before)

    def test_forged_results_are_taken_out(self):
        self.attach_it()
        mail = self.arrived("X-Spam-Score: -99", "X-Spam-Flag: NO", "X-Spam: No")
        self.assertEqual((mail.get_all("X-Spam-Score"), mail["X-Spam-Flag"], mail["X-Spam"]), (["0.00"], None, None))

    def test_warn_changes_nothing(self):
        self.attach_it("--mode", "warn")
        mail = self.arrived("X-Test-Score: 20")
        self.assertIsNone(mail["X-Spam-Score"])
        self.assertIn("would refuse", self.mansio.log("mta"))

    def test_a_large_message_comes_whole(self):
        self.attach_it()
        self.assertEqual(self.deliver("X-Test-Score: 20", body=("x" * 76 + "\r\n") * 40000)[0], 554)

    def test_a_message_over_its_size_is_taken_without_it(self):
        self.attach_it("--max-size", "10K")
        self.assertEqual(self.deliver("X-Test-Score: 20", body=("x" * 76 + "\r\n") * 200)[0], 250)

    def test_the_next_url_is_asked_where_one_is_not_there(self):
        self.attach_it(urls=f"http://127.0.0.1:{free_port()} {self.url}")
        self.assertEqual(self.deliver("X-Test-Score: 20")[0], 554)

    def test_the_test_says_what_it_is(self):
        self.attach_it()
        self.assertRegex(self.mansio.command("filter", "test", "rspamd"), rf"rspamd/\d.* at {self.url}")


class Answers(RspamdTest):
    """A web server that says what a test wants."""

    def setUp(self):
        test = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                test.posted = self.rfile.read(int(self.headers["Content-Length"]))
                if test.said is None:
                    return self.connection.close()
                self.send_response(test.status)
                self.send_header("Content-Length", str(len(test.said)))
                self.end_headers()
                self.wfile.write(test.said)
                return None

            def log_message(self, *args):
                pass

        self.status, self.said, self.posted = 200, b"", b""
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.attach("rspamd", f"http://127.0.0.1:{self.server.server_port}", "--timeouts", "2,2,2")

    def test_what_is_no_answer_fails_as_configured(self):
        answers = [(200, b""), (200, b"[]"), (200, b"{"), (200, b'{"score": 1}'), (200, b'{"action": "dance"}'), (200, b'{"action": 7}'),
                   (500, b'{"action": "no action"}'), (200, b'{"error": "out of memory"}'), (200, None)]  # fmt: skip
        for mode, code in (("tempfail", 451), ("accept", 250)):
            self.change("rspamd", "--on-failure", mode)
            for self.status, self.said in answers:
                with self.subTest(mode=mode, said=self.said):
                    self.assertEqual(self.deliver()[0], code)

    def test_signatures_are_put_on_top(self):
        self.said = b'{"action": "no action", "dkim-signature": ["v=1; a=rsa-sha256;\\r\\n\\tb=abc", "v=1; b=def"]}'
        mail = self.arrived()
        self.assertEqual([v.replace("\r\n", "") for v in mail.get_all("DKIM-Signature")], ["v=1; b=def", "v=1; a=rsa-sha256;\tb=abc"])

    def test_lists_of_fields_are_all_added(self):
        self.said = b'{"action": "no action", "milter": {"add_headers": {"X-L": [{"value": "1", "order": 1}, "2"]}}}'
        self.assertEqual(self.arrived().get_all("X-L"), ["1", "2"])

    def test_a_value_can_not_begin_another_field(self):
        self.said = b'{"action": "no action", "milter": {"add_headers": {"X-E": "one\\r\\nBcc: x@y\\r\\n\\r\\nbody"}}}'
        mail = self.arrived()
        self.assertIsNone(mail["Bcc"])
        self.assertEqual(mail.get_content().strip(), "Salve!")

    def test_its_words_stay_in_one_line(self):
        self.said = b'{"action": "reject", "messages": {"smtp_message": "no\\r\\n250 yes"}}'
        self.assertEqual(self.deliver(), (554, "5.7.1 no  250 yes"))

    def test_the_message_is_sent_as_it_is(self):
        self.said = b'{"action": "no action"}'
        self.deliver(raw=b"Subject: x\r\n\r\n..dot\r\nlast\r\n")
        self.assertTrue(self.posted.endswith(b"Subject: x\r\n\r\n..dot\r\nlast\r\n"), self.posted)

    def test_one_that_is_not_there(self):
        self.change("rspamd", "--endpoint", f"http://127.0.0.1:{free_port()}")
        self.assertEqual(self.deliver()[0], 451)


if __name__ == "__main__":
    unittest.main()
