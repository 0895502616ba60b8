"""sendmail(1) and mailq(1), as programs of this machine use them."""

import getpass
import os
import pathlib
import subprocess
import tempfile
import unittest

import harness

EX_USAGE, EX_DATAERR, EX_NOUSER, EX_UNAVAILABLE, EX_TEMPFAIL = 64, 65, 67, 69, 75


class Sendmail(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.program = os.path.join(self.mansio.instance.build, "bin", "sendmail")
        self.user = getpass.getuser()

    def run_it(self, *args, text="", status=0, name=None, conf=None):
        env = {**os.environ, "MANSIO_CONF": str(conf or self.mansio.instance.place.configuration)}
        stdin = text if isinstance(text, bytes) else text.encode()
        done = subprocess.run([name or "sendmail", *args], executable=self.program, env=env, input=stdin, capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")

    def last(self, account=None):
        return self.mansio.mail(account or self.livia)[-1][1]

    def test_a_message_is_delivered_with_its_header_completed(self):
        self.run_it(self.livia.address, text="Subject: plain\n\nbody\n")
        got = self.mansio.wait_for_mail(self.livia, "plain")
        self.assertEqual(got["Return-Path"], f"<{self.user}@mail.mansio.example>")
        self.assertEqual(got["From"].addresses[0].addr_spec, f"{self.user}@mail.mansio.example")
        self.assertRegex(got["Message-ID"], r"@mail\.mansio\.example>$")
        self.assertIsNotNone(got["Date"])
        self.assertIn(f"(local user {os.getuid()})", got["Received"])

    def test_lines_become_cr_lf_and_dots_stay(self):
        self.run_it("-i", self.livia.address, text=b"Subject: x\n\n.\n..a\n.b\r\nc\n")
        self.assertTrue(self.last().endswith(b"\r\n\r\n.\r\n..a\r\n.b\r\nc\r\n"), self.last())

    def test_a_dot_alone_ends_the_input_unless_told_otherwise(self):
        self.run_it(self.livia.address, text="Subject: x\n\nbefore\n.\nafter\n")
        self.assertTrue(self.last().endswith(b"\r\n\r\nbefore\r\n"))
        for option in ("-i", "-oi"):
            self.run_it(option, self.livia.address, text="Subject: x\n\nbefore\n.\nafter")
            self.assertTrue(self.last().endswith(b"\r\n\r\nbefore\r\n.\r\nafter\r\n"))

    def test_text_without_a_header_is_a_body(self):
        self.run_it(self.livia.address, text="Hello there: all of this is text\nsecond line\n")
        self.assertTrue(self.last().endswith(b"\r\n\r\nHello there: all of this is text\r\nsecond line\r\n"))

    def test_recipients_come_from_the_header_with_t(self):
        marcus, secret = self.mansio.new_account(self.domain), self.mansio.new_account(self.domain)
        self.run_it("-t", "-oi", text=f"To: L <{self.livia.address}>\nCc: {marcus.address}\nBcc: {secret.address}\nSubject: x\n\n")
        for account in (self.livia, marcus, secret):
            body = self.last(account)
            self.assertNotIn(b"Bcc", body)
            if account != secret:
                self.assertNotIn(secret.address.encode(), body)

    def test_the_sender_and_its_name_can_be_given(self):
        self.run_it("-f", "boss@elsewhere.test", "-F", "The Boss", self.livia.address, text="Subject: x\n\n")
        self.assertIn(b"Return-Path: <boss@elsewhere.test>\r\n", self.last())
        self.assertIn(b'From: "The Boss" <boss@elsewhere.test>\r\n', self.last())
        self.run_it("-r", "<>", self.livia.address, text="Subject: x\nFrom: a@b.test\n\n")
        self.assertIn(b"Return-Path: <>\r\n", self.last())

    def test_what_cron_sends_gets_complete_addresses(self):
        self.run_it("-i", "-FCronDaemon", "-B8BITMIME", "-oem", self.livia.address, text="From: root (Cron Daemon)\nTo: root\nSubject: Cron\n\nout\n")
        self.assertIn(b"<root@mail.mansio.example>", self.last())
        self.assertIn(b"\r\nTo: <root@mail.mansio.example>\r\n", self.last())

    def test_options_of_other_sendmails_are_borne(self):
        self.run_it("-oem", "-odb", "-oee", "-L", "tag", "-Ac", "-Am", "-G", "-n", "-U", "-N", "failure", "-R", "hdrs", "-V", "id", "-O", "A=b",
                    "-bm", self.livia.address, text="Subject: options\n\n")  # fmt: skip
        self.mansio.wait_for_mail(self.livia, "options")

    def test_addresses_and_headers_beyond_ascii_are_said_to_be_so(self):
        gruen = self.mansio.new_account(self.domain, local="gr\u00fcn")
        self.run_it(gruen.address, text="Subject: sch\u00f6n\n\nbody\n")
        self.assertRegex(self.last(gruen), rb"with UTF8SMTP id")
        self.run_it("-t", text=f"To: {gruen.address}\nSubject: x\n\nbody\n")
        self.assertEqual(len(self.mansio.mail(gruen)), 2)
        self.run_it(self.livia.address, text="Subject: sch\u00f6n\n\nbody\n")
        self.assertRegex(self.last(), rb"with UTF8SMTP id")
        self.run_it(self.livia.address, text="Subject: ascii\n\nsch\u00f6n\n")
        self.assertRegex(self.last(), rb"with ESMTP id")

    def test_notifications_can_be_asked_for(self):
        self.run_it("-N", "success", "-R", "hdrs", "-V", "my id", "-f", self.livia.address, self.livia.address, text="Subject: told\n\nbody\n")
        report = self.mansio.wait_for_mail(self.livia, "Your message was delivered")
        self.assertEqual(report.get_payload(1).get_payload(0)["Original-Envelope-Id"], "my id")
        self.run_it("-N", "never", "-f", self.livia.address, self.livia.address, text="Subject: untold\n\nbody\n")
        self.assertEqual(len(self.mansio.mail(self.livia)), 3)

    def test_mail_goes_elsewhere_too(self):
        with harness.Outside(self.mansio, f"far-{self.domain}") as far:
            self.run_it(f"bob@{far.domain}", text="Subject: x\n\n")
            self.assertEqual(far.wait_for_mail().mail_from, f"{self.user}@mail.mansio.example")

    def test_a_large_message_passes(self):
        text = b"Subject: large\n\n" + b"0123456789" * 7 + b"\n" + b"x" * 100_000 + b"\n" + (b"y" * 70 + b"\n") * 40_000
        self.run_it(self.livia.address, text=text)
        self.assertTrue(self.last().endswith(text[16:].replace(b"\n", b"\r\n")))

    def test_exit_statuses_tell_what_went_wrong(self):
        self.run_it(status=EX_USAGE)
        self.run_it("-t", text="Subject: nobody\n\n", status=EX_USAGE)
        self.run_it("-Z", status=EX_USAGE)
        self.run_it("-bd", status=EX_USAGE)
        self.assertIn("no such recipient", self.run_it(f"nobody@{self.domain}", text="\n", status=EX_NOUSER))
        self.run_it("no address@@", text="\n", status=EX_DATAERR)
        self.run_it("-f", "no address@@", self.livia.address, text="\n", status=EX_DATAERR)
        self.run_it(self.livia.address, text=b"Subject: x\n\na\0b\n", status=EX_DATAERR)
        self.run_it(self.livia.address, "x@y\r\nDATA", text="\n", status=EX_USAGE)

    def test_those_that_exist_get_the_message_even_if_others_do_not(self):
        self.run_it(f"nobody@{self.domain}", self.livia.address, text="Subject: rest\n\n", status=EX_NOUSER)
        self.mansio.wait_for_mail(self.livia, "rest")

    def test_without_the_daemon_the_caller_is_told_to_try_again(self):
        with tempfile.TemporaryDirectory() as folder:
            conf = pathlib.Path(folder, "mansio.conf")
            conf.write_text(f"mta_pickup = unix:{folder}/none.sock\n")
            self.run_it(self.livia.address, text="\n", status=EX_TEMPFAIL, conf=conf)
            self.assertIn("421 ", self.run_it("-bs", text="QUIT\r\n", status=EX_TEMPFAIL, conf=conf))

    def test_bs_speaks_smtp(self):
        talk = f"EHLO x\r\nMAIL FROM:<a@outside.test>\r\nRCPT TO:<{self.livia.address}>\r\nDATA\r\nSubject: bs\r\n\r\n.\r\nQUIT\r\n"
        out = self.run_it("-bs", text=talk)
        self.assertEqual([line[:4] for line in out.splitlines() if line[3] == " "], ["220 ", "250 ", "250 ", "250 ", "354 ", "250 ", "221 "])
        self.mansio.wait_for_mail(self.livia, "bs")

    def test_newaliases_has_nothing_to_do(self):
        self.run_it(name="newaliases")
        self.run_it("-bi")

    def test_mailq_shows_the_queue(self):
        self.assertRegex(self.run_it(name="mailq"), r"Mail queue is empty|Kbytes in \d+ messages?\.")


if __name__ == "__main__":
    unittest.main()
