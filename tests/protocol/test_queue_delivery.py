"""Mail for elsewhere: to whom the queue connects, what it says, and what it makes of the answers."""

import re
import ssl
import subprocess
import tempfile
import threading
import unittest

import harness


def self_signed():
    """A TLS context with a certificate that nobody trusts."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=nobody.test",
                        "-keyout", f"{folder}/key", "-out", f"{folder}/crt"], check=True, capture_output=True)  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/crt", f"{folder}/key")
    return context


class Delivery(harness.QueueCase):
    def sink(self, script=None, **kwargs):
        sink = harness.Sink(self.mansio, script or harness.converse(self.kept, **kwargs))
        self.enterContext(sink)
        return sink

    def submit(self, *recipients, raw=None, subject="Onward"):
        self.mansio.submit(self.livia, list(recipients), subject=subject, raw=raw)

    # ---- to whom ----

    def test_the_best_mx_is_tried_first(self):
        good = self.sink()
        other = self.sink(script=lambda peer: self.fail("the worse MX was tried"))
        domain = self.zone("@ MX 20 b", "@ MX 10 a", f"a A {good.address}", f"b A {other.address}")
        self.submit(f"bob@{domain}")
        self.wait()
        self.assertEqual(other.connections, 0)

    def test_the_next_mx_is_tried_where_the_best_does_not_answer(self):
        good = self.sink()
        refusing = self.sink(script=lambda peer: peer.say("421 4.3.2 go away"))
        silent = self.sink(script=lambda peer: None)
        domain = self.zone("@ MX 10 none", "@ MX 20 refusing", "@ MX 30 silent", "@ MX 40 good", "none A 127.0.0.99",
                          f"refusing A {refusing.address}", f"silent A {silent.address}", f"good A {good.address}")  # fmt: skip
        self.submit(f"bob@{domain}")
        self.wait()
        self.assertEqual((refusing.connections, silent.connections), (1, 1))

    def test_a_domain_without_mx_is_its_own_host(self):
        sink = self.sink()
        domain = self.zone(f"@ A {sink.address}")
        self.submit(f"bob@{domain}")
        self.wait()

    def test_a_null_mx_is_a_bounce_at_once(self):
        domain = self.zone("@ MX 0 .", "@ A 127.0.0.98")
        self.submit(f"bob@{domain}")
        self.assertIn("Status: 5.1.10", self.bounce().as_string())

    def test_a_domain_that_does_not_exist_is_a_bounce_at_once(self):
        domain = "does-not-exist." + self.zone("@ TXT x")
        self.submit(f"bob@{domain}")
        self.assertIn("Status: 5.1.2", self.bounce().as_string())

    def test_mx_hosts_without_an_address_are_a_bounce(self):
        domain = self.zone("@ MX 10 nowhere")
        self.submit(f"bob@{domain}")
        self.assertIn("Status: 5.4.4", self.bounce().as_string())

    def test_an_mx_that_is_this_server_is_a_loop(self):
        worse = self.sink(script=lambda peer: self.fail("an MX worse than ourselves was tried"))
        domain = self.zone("@ MX 10 mail.mansio.example.", "@ MX 20 worse", f"worse A {worse.address}")
        self.submit(f"bob@{domain}")
        self.assertIn("Status: 5.4.6", self.bounce().as_string())
        self.assertEqual(worse.connections, 0)

    def test_a_host_that_calls_itself_by_our_name_is_a_loop(self):
        sink = self.sink(name="mail.mansio.example")
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"bob@{domain}")
        self.assertIn("Status: 5.4.6", self.bounce().as_string())

    def test_an_address_literal_needs_no_dns(self):
        sink = self.sink(tls=self_signed())
        self.submit(f"bob@[{sink.address}]")
        self.assertIn(f"RCPT TO:<bob@[{sink.address}]>", self.wait().lines)

    def test_a_relay_domain_goes_to_its_host_and_port(self):
        sink = self.sink()
        relay = f"relay-{self.domain}"
        self.mansio.command("domain", "add", relay, "--tenant", self.mansio.new_tenant(), "--kind", "relay", "--target", f"[{sink.address}]:{sink.port}")
        self.mansio.send("someone@outside.test", f"Bob@{relay}", subject="Relayed")
        self.assertIn(f"RCPT TO:<Bob@{relay}>", self.wait().lines)

    # ---- what is said ----

    def test_the_message_arrives_byte_for_byte(self):
        sink = self.sink()
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        body = b".\r\n..\r\n.x\r\n" + b"long " * 10_000 + b"\r\n\r\n" + b"line\r\n" * 100_000 + b"end.\r\n"
        self.submit(f"bob@{domain}", raw=b"Subject: dots\r\n\r\n" + body)
        data = self.wait().data
        self.assertTrue(re.sub(rb"(?m)^\.", b"", data).endswith(body))
        self.assertNotIn(b"\n.\r\n", data)

    def test_the_envelope_goes_in_one_group_with_pipelining(self):
        groups = []

        def script(peer):
            peer.say("220 odd.test")
            peer.line()
            peer.say("250-odd.test\r\n250 PIPELINING")
            groups.append(peer.socket.recv(65536))
            peer.socket.sendall(b"250 a\r\n250 b\r\n250 c\r\n354 d\r\n")
            peer.data()
            peer.say("250 kept")

        sink = self.sink(script=script)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}", f"b@{domain}")
        harness.eventually(lambda: groups, 10)
        self.assertEqual(groups[0].count(b"\r\n"), 4)
        self.assertTrue(groups[0].endswith(b"DATA\r\n"))

    def test_without_pipelining_each_command_waits_for_its_answer(self):
        sink = self.sink(extensions=())
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}", f"b@{domain}")
        lines = self.wait().lines
        self.assertEqual([line.split()[0] for line in lines], ["EHLO", "MAIL", "RCPT", "RCPT", "DATA"])
        self.assertEqual(lines[1], f"MAIL FROM:<{self.livia.address}>")

    def test_size_and_body_are_said_where_the_server_knows_them(self):
        sink = self.sink()
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}", raw="Subject: x\r\n\r\ngr\u00fcn\r\n".encode())
        mail = self.wait()
        self.assertEqual(mail.lines[1], f"MAIL FROM:<{self.livia.address}> SIZE={len(mail.data)} BODY=8BITMIME")

    def test_a_server_without_ehlo_is_greeted_with_helo(self):
        sink = self.sink(answer=lambda verb, line: "500 what?" if verb == "EHLO" else None)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}")
        self.assertEqual(self.wait().lines[1], "HELO mail.mansio.example")

    def test_tls_is_used_where_it_is_offered_whatever_the_certificate(self):
        sink = self.sink(tls=self_signed())
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}")
        self.assertEqual([line.split()[0] for line in self.wait().lines][:4], ["EHLO", "STARTTLS", "EHLO", "MAIL"])
        harness.eventually(lambda: re.search(rf"delivered to=<a@{re.escape(domain)}>.* tls=TLSv1\.[23] ", self.mansio.log("mta")), 5)

    def test_where_the_handshake_fails_it_goes_on_without(self):
        def answer(verb, line):
            return "220 but not really\r\nnonsense" if verb == "STARTTLS" else None

        sink = self.sink(tls=self_signed(), answer=answer)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}")
        self.assertNotIn("STARTTLS", self.wait().lines)
        self.assertEqual(sink.connections, 2)

    def test_what_the_server_says_is_too_big_is_not_sent(self):
        sink = self.sink(extensions=("SIZE 1000",))
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}", raw=b"Subject: x\r\n\r\n" + b"x" * 2000 + b"\r\n")
        self.assertIn("Status: 5.3.4", self.bounce().as_string())
        self.assertEqual(self.kept, [])

    def test_several_messages_share_a_session(self):
        hold, sink_open = threading.Event(), threading.Event()

        def script(peer):
            sink_open.set()
            hold.wait(20)
            harness.converse(self.kept)(peer)

        sink = self.sink(script=script)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        for n in range(40):
            self.submit(f"r{n}@{domain}", subject=f"number {n}")
        sink_open.wait(10)
        hold.set()
        self.wait(40)
        self.assertLess(sink.connections, 30)

    # ---- what comes of the answers ----

    def queued(self, domain):
        return self.mansio.sql(f"SELECT address, attempts, last_reply FROM queue_recipient WHERE address LIKE '%@{domain}' ORDER BY 1")

    def test_each_recipient_has_its_own_fate(self):
        def answer(verb, line):
            if verb != "RCPT":
                return None
            return "550-5.1.1 No\r\n550 5.1.1 such user" if "gone" in line else "450 4.2.0 Later" if "later" in line else None

        for extensions in (("PIPELINING",), ("8BITMIME",)):
            with self.subTest(extensions=extensions):
                sink = self.sink(extensions=extensions, answer=answer)
                domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
                self.submit(f"good@{domain}", f"gone@{domain}", f"later@{domain}")
                self.wait(len(self.kept) + 1)
                harness.eventually(lambda d=domain: self.queued(d) == [f"later@{d}|1|450 4.2.0 Later"], 10)
        report = self.bounce()
        status = report.get_payload(1).get_payload()
        self.assertEqual(len(status), 2, "one recipient failed")
        self.assertTrue(status[1]["Final-Recipient"].startswith("rfc822; gone@"))
        self.assertEqual((status[1]["Action"], status[1]["Status"]), ("failed", "5.1.1"))
        self.assertEqual(status[1]["Diagnostic-Code"], "smtp; 550-5.1.1 No 550 5.1.1 such user")

    def test_when_all_recipients_are_refused_the_session_stays_in_step(self):
        def eager(verb, line):  # RFC 2920 section 3.1: a server may say 354 nevertheless
            return "354 go on" if verb == "DATA" else "554 no valid recipients" if verb == "." else refusing(verb, line)

        def refusing(verb, line):
            return "550 5.1.1 no" if verb == "RCPT" and "gone" in line else None

        for extensions, answer in ((("PIPELINING",), refusing), (("PIPELINING",), eager), (("8BITMIME",), refusing)):
            if answer == eager:
                self.check_eager(answer)
                continue
            sink = self.sink(extensions=extensions, answer=answer)
            domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
            self.submit(f"gone@{domain}")
            harness.eventually(lambda d=domain: f"failed to=<gone@{d}>" in self.mansio.log("mta"), 10)
            self.submit(f"good@{domain}")
            self.wait(len(self.kept) + 1)

    def check_eager(self, answer):
        sink = self.sink(extensions=("PIPELINING",), answer=answer)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        before = len(self.kept)
        self.submit(f"gone@{domain}")
        harness.eventually(lambda: f"failed to=<gone@{domain}>" in self.mansio.log("mta"), 10)
        self.assertEqual([mail.data for mail in self.kept[before:]], [])

    def check_deferred(self, answer, pattern, **kwargs):
        sink = self.sink(answer=answer, **kwargs)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}")

        def deferred():
            rows = self.queued(domain)
            return rows and rows[0].split("|")[1] == "1" and re.search(pattern, rows[0])

        harness.eventually(deferred, 10, f"{pattern}, queue: {self.queued(domain)}")

    def test_a_temporary_refusal_of_the_sender_is_tried_again(self):
        self.check_deferred(lambda verb, line: "451 4.3.0 not now" if verb == "MAIL" else None, "451 4.3.0 not now")

    def test_a_temporary_refusal_of_the_message_is_tried_again(self):
        self.check_deferred(lambda verb, line: "451 4.3.0 not now" if verb == "." else None, "451 4.3.0 not now")

    def test_a_temporary_refusal_of_data_is_tried_again(self):
        self.check_deferred(lambda verb, line: "451 4.3.0 not now" if verb == "DATA" else None, "451 4.3.0 not now", extensions=("8BITMIME",))

    def test_a_connection_that_breaks_is_tried_again(self):
        self.check_deferred(lambda verb, line: "hang up" if verb == "RCPT" else None, "clos|reset|broke")

    def test_a_connection_that_breaks_behind_the_message_is_tried_again(self):
        self.check_deferred(lambda verb, line: "hang up" if verb == "." else None, "before the server had confirmed")

    def test_an_answer_that_is_no_smtp_is_tried_again(self):
        self.check_deferred(lambda verb, line: "HTTP/1.1 400 Bad Request" if verb == "MAIL" else None, "not SMTP")

    def test_421_in_the_middle_is_tried_again(self):
        self.check_deferred(lambda verb, line: "421 4.3.2 shutting down" if verb == "MAIL" else None, "421 4.3.2")

    def test_a_permanent_refusal_of_the_sender_is_a_bounce(self):
        sink = self.sink(answer=lambda verb, line: "553 5.1.8 we do not like you" if verb == "MAIL" else None)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}")
        self.assertIn("Status: 5.1.8", self.bounce().as_string())

    def test_a_refusal_by_all_hosts_at_the_door_is_a_bounce(self):
        sink = self.sink(script=lambda peer: peer.say("554 5.3.2 no mail here"))
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}")
        self.assertIn("554 5.3.2 no mail here", self.bounce().as_string())

    # ---- the bounce ----

    def test_a_bounce_is_a_report_with_the_message(self):
        sink = self.sink(answer=lambda verb, line: "550 5.1.1 no such user" if verb == "RCPT" else None)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}", subject="Come back")
        report = self.bounce()
        self.assertEqual(report["Return-Path"], "<>")
        self.assertEqual(report["Auto-Submitted"], "auto-replied")
        self.assertEqual(report.get_param("report-type"), "delivery-status")
        self.assertEqual(report["To"].addresses[0].addr_spec, self.livia.address)
        text, status, original = report.get_payload()
        self.assertIn("could not be delivered", text.get_content())
        self.assertIn("no such user", text.get_content())
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        self.assertEqual(status.get_payload(0)["Reporting-MTA"], "dns; mail.mansio.example")
        self.assertEqual(status.get_payload(1)["Final-Recipient"], f"rfc822; a@{domain}")
        self.assertEqual(original.get_content_type(), "message/rfc822")
        self.assertEqual(original.get_payload(0)["Subject"], "Come back")

    def test_of_a_large_message_only_the_header_comes_back(self):
        sink = self.sink(answer=lambda verb, line: "550 5.1.1 no such user" if verb == "RCPT" else None)
        domain = self.zone("@ MX 10 mx", f"mx A {sink.address}")
        self.submit(f"a@{domain}", raw=b"Subject: Large\r\n\r\n" + b"x" * 900 + b"\r\n" + b"body text\r\n" * 50_000)
        report = self.bounce()
        original = report.get_payload(2)
        self.assertEqual(original.get_content_type(), "text/rfc822-headers")
        self.assertIn("Subject: Large", original.get_payload())
        self.assertNotIn("body text", report.as_string())

    def test_a_bounce_goes_to_a_sender_elsewhere_through_the_queue(self):
        refusing = self.sink(answer=lambda verb, line: "550 5.1.1 no such user" if verb == "RCPT" else None)
        home = self.sink()
        domain = self.zone("@ MX 10 mx", f"mx A {refusing.address}")
        sender_domain = self.zone("@ MX 10 mx", f"mx A {home.address}")
        self.mansio.command("alias", "set", f"fwd@{self.domain}", f"gone@{domain}")
        self.mansio.send(f"alice@{sender_domain}", f"fwd@{self.domain}")
        mail = self.wait()
        self.assertTrue(mail.lines[1].startswith("MAIL FROM:<>"), mail.lines)
        self.assertIn(f"RCPT TO:<alice@{sender_domain}>", mail.lines)
        self.assertIn(f"Original-Recipient: rfc822; fwd@{self.domain}".encode(), mail.data)

    def test_a_bounce_that_can_not_be_delivered_is_dropped(self):
        refusing = self.sink(answer=lambda verb, line: "550 5.1.1 no such user" if verb == "RCPT" else None)
        domain = self.zone("@ MX 10 mx", f"mx A {refusing.address}")
        self.mansio.command("alias", "set", f"fwd@{self.domain}", f"gone@{domain}")
        self.mansio.send(f"alice@{domain}", f"fwd@{self.domain}")
        harness.eventually(lambda: f"a notification for <alice@{domain}> can't be delivered and is dropped" in self.mansio.log("mta"), 10)
        harness.eventually(lambda: self.queued(domain) == [], 5)


if __name__ == "__main__":
    unittest.main()
