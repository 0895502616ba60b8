"""What a client may say to the relay port, in which order, and what it hears."""

import unittest

import harness


class Session(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.wire = harness.Wire(self.mansio.host, self.mansio.port["smtp"])
        self.addCleanup(self.wire.close)

    def expect(self, line, code, status=None):
        got, text = self.wire.say(line)
        self.assertEqual(got, code, f"{line!r}: {text}")
        if status:
            self.assertTrue(text.startswith(status), f"{line!r}: {text}")
        return text

    def test_greeting_names_the_host_and_esmtp(self):
        code, text = self.wire.reply()
        self.assertEqual(code, 220)
        self.assertRegex(text, r"^mail\.mansio\.example ESMTP\b")

    def test_ehlo_lists_the_extensions(self):
        extensions = self.wire.greet()
        for wanted in ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "STARTTLS"):
            self.assertIn(wanted, extensions)
        self.assertTrue(any(e.startswith("SIZE ") and int(e[5:]) > 1_000_000 for e in extensions), extensions)
        self.assertFalse([e for e in extensions if e.startswith("AUTH")], "the relay port has no users")

    def test_helo_is_answered_with_one_line(self):
        self.wire.reply()
        self.assertEqual(self.wire.say("HELO client.test"), (250, "mail.mansio.example"))

    def test_hello_needs_a_name_that_can_stand_in_a_header(self):
        self.wire.reply()
        self.expect("EHLO", 501, "5.5.4")
        self.expect("HELO", 501, "5.5.4")
        self.expect("EHLO two words", 501, "5.5.4")
        self.expect("EHLO evil(comment)", 501, "5.5.4")
        self.expect("EHLO [127.0.0.1]", 250)

    def test_mail_comes_after_hello(self):
        self.wire.reply()
        self.expect("MAIL FROM:<a@outside.test>", 503, "5.5.1")

    def test_commands_come_in_their_order(self):
        self.wire.greet()
        self.expect("RCPT TO:<a@outside.test>", 503, "5.5.1")
        self.expect("DATA", 503, "5.5.1")
        self.expect("MAIL FROM:<a@outside.test>", 250, "2.1.0")
        self.expect("MAIL FROM:<a@outside.test>", 503, "5.5.1")
        self.expect("DATA", 554, "5.5.1")

    def test_rset_and_ehlo_forget_the_transaction(self):
        self.wire.greet()
        for forget in ("RSET", "EHLO client.test"):
            self.expect("MAIL FROM:<a@outside.test>", 250)
            self.expect(forget, 250)
            self.expect("RCPT TO:<a@outside.test>", 503)

    def test_verbs_are_known_in_any_case(self):
        self.wire.reply()
        self.expect("eHlO client.test", 250)
        self.expect("mail from:<a@outside.test>", 250)
        self.expect("rset", 250)
        self.expect("nOOp", 250, "2.0.0")

    def test_small_commands(self):
        self.wire.greet()
        self.expect("NOOP whatever it says", 250, "2.0.0")
        self.expect("VRFY postmaster", 252, "2.1.5")
        self.expect("VRFY", 501, "5.5.4")
        self.expect("EXPN all", 502, "5.5.1")
        self.expect("HELP", 214, "2.0.0")
        self.expect("RSET now", 501, "5.5.4")
        self.expect("AUTH PLAIN AGEAYg==", 500, "5.5.2")
        self.expect("FLY ME", 500, "5.5.2")
        self.expect("", 500, "5.5.2")
        self.expect("QUIT", 221, "2.0.0")
        self.assertTrue(self.wire.ended())

    def test_pipelined_commands_are_answered_in_order(self):
        self.wire.greet()
        self.wire.send(b"MAIL FROM:<a@outside.test>\r\nRCPT TO:<x@nowhere.test>\r\nNOOP\r\nRSET\r\nQUIT\r\n")
        self.assertEqual([self.wire.reply()[0] for _ in range(5)], [250, 554, 250, 250, 221])

    def test_a_pipelined_group_is_answered_in_one_piece(self):
        self.wire.greet()
        self.wire.send(b"NOOP\r\n" * 50)
        first = self.wire.socket.recv(65536)
        self.assertEqual(first.count(b"250 2.0.0 Ok\r\n"), 50)

    def test_commands_may_arrive_byte_by_byte(self):
        self.wire.greet()
        for byte in b"MAIL FROM:<a@outside.test>\r\n":
            self.wire.send(bytes([byte]))
        self.assertEqual(self.wire.reply()[0], 250)

    def test_a_line_that_is_too_long_is_refused_and_the_session_goes_on(self):
        self.wire.greet()
        self.expect("NOOP " + "x" * 505, 250)
        self.expect("NOOP " + "x" * 506, 500, "5.5.2")
        self.expect("NOOP " + "x" * 20000, 500, "5.5.2")
        self.expect("NOOP " + "x" * 500000, 500, "5.5.2")
        self.expect("NOOP", 250)

    def test_mail_may_be_longer_by_its_extensions(self):
        self.wire.greet()
        self.expect(f"MAIL FROM:<{'a' * 200}@outside.test> SIZE=1000 BODY=8BITMIME AUTH=<{'b' * 400}>", 250)

    def test_lines_end_with_cr_lf_only(self):
        self.wire.greet()
        for line in (b"NOOP\n", b"NOOP\rNOOP\r\n", b"NO\0OP\r\n", b"NOOP\r\r\n"):
            self.wire.send(line)
            self.assertEqual(self.wire.reply()[0], 500, line)
        self.expect("NOOP", 250)

    def test_after_many_errors_the_connection_is_closed(self):
        self.wire.greet()
        codes = []
        for _ in range(30):
            code, _ = self.wire.say("NONSENSE")
            codes.append(code)
            if code == 500:
                continue
            break
        self.assertLess(len(codes), 25)
        while codes[-1] not in (421, 0):
            codes.append(self.wire.reply()[0])
        self.assertEqual(codes[-1], 421)

    def test_a_browser_is_sent_away_at_once(self):
        self.wire.reply()
        self.wire.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@b.test>\r\n")
        self.assertEqual(self.wire.reply()[0], 421)
        self.assertTrue(self.wire.ended())

    def test_paths_are_checked(self):
        self.wire.greet()
        self.expect("MAIL FROM:a@outside.test", 501, "5.5.4")
        self.expect("MAIL FROM:<a@outside.test", 501, "5.5.4")
        self.expect("MAIL FROM:<outside.test>", 501, "5.1.7")
        self.expect("MAIL FROM:<a@-outside.test>", 501, "5.1.7")
        self.expect("MAIL FROM:<a..b@outside.test>", 501, "5.1.7")
        self.expect("MAIL FROM:<gr\u00fcn@outside.test>", 553, "5.6.7")
        self.expect("MAIL FROM: <a@outside.test>", 250)
        self.expect("RCPT TO:<>", 501, "5.5.4")
        self.expect("RCPT TO:<nobody>", 501, "5.1.3")
        self.expect("RCPT TO:<gr\u00fcn@outside.test>", 553, "5.6.7")

    def test_the_null_sender_is_taken(self):
        self.wire.greet()
        self.expect("MAIL FROM:<>", 250, "2.1.0")

    def test_parameters_are_checked(self):
        self.wire.greet()
        self.expect("MAIL FROM:<a@outside.test> COLOUR=blue", 555, "5.5.4")
        self.expect("MAIL FROM:<a@outside.test> SIZE=big", 501, "5.5.4")
        self.expect("MAIL FROM:<a@outside.test> BODY=SEMAPHORE", 501, "5.5.4")
        self.expect("MAIL FROM:<a@outside.test> BODY=7BIT BODY=8BITMIME", 501, "5.5.4")
        self.expect("MAIL FROM:<a@outside.test> =x", 501, "5.5.4")
        self.expect("MAIL FROM:<a@outside.test> SIZE=99999999999", 552, "5.3.4")
        self.expect("MAIL FROM:<a@outside.test> SIZE=100 BODY=8BITMIME", 250)
        self.expect("RCPT TO:<x@nowhere.test> COLOUR=blue", 555, "5.5.4")

    def test_starttls_works_and_forgets_what_was_said_before(self):
        client = self.mansio.smtp()
        self.addCleanup(client.close)
        client.ehlo()
        self.assertEqual(client.mail("a@outside.test")[0], 250)
        client._host = "localhost"
        self.assertEqual(client.starttls(context=self.mansio.trust())[0], 220)
        self.assertEqual(client.docmd("RCPT TO:<a@outside.test>")[0], 503)
        self.assertEqual(client.docmd("MAIL FROM:<a@outside.test>")[0], 503, "EHLO must be said again")
        client.ehlo()
        self.assertFalse(client.has_extn("starttls"))
        self.assertEqual(client.docmd("STARTTLS")[0], 503)

    def test_commands_injected_before_tls_are_thrown_away(self):
        self.wire.greet()
        self.wire.send(b"STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@outside.test>\r\n")
        self.assertEqual(self.wire.reply()[0], 220)
        tls = self.mansio.trust().wrap_socket(self.wire.socket, server_hostname="localhost")
        tls.sendall(b"NOOP\r\n")
        self.assertEqual(tls.recv(1000), b"250 2.0.0 Ok\r\n")
        tls.sendall(b"RCPT TO:<a@outside.test>\r\n")
        self.assertTrue(tls.recv(1000).startswith(b"503 "))
        tls.close()


if __name__ == "__main__":
    unittest.main()
