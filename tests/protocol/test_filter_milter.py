"""Milters: what they are told at each stage, what becomes of what they say, and of those that fail. Against a scripted server, so that
every reply and every corner of the protocol occurs; test_filter_programs.py has real ones."""

import email
import email.policy
import smtplib
import socket
import struct
import threading
import unittest

import harness
from harness.filters import (ABORT, ACCEPT, BODY, CONNECT, CONTINUE, DATA, DISCARD, END, END_HEADER, HEADER, HELO, MAIL, QUIT, RCPT, REJECT, REUSE,
                             SILENT, TEMPFAIL, UNKNOWN, Filtered, Milter, field, reply_code)  # fmt: skip

NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT, NO_BODY, NO_HEADERS, NO_END_HEADER, NO_DATA = 0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40, 0x200
SKIPS, LEADING_SPACE = 0x400, 0x100000
FIELDS = 5  # of the mail below, with our own Authentication-Results on top
MAIL_TEXT = b"Subject: first\r\nX-Two: a\r\n b\r\nX-Tab:\tc\r\nX-None:d\r\n\r\nBody\r\n"


class MilterTest(Filtered):
    def milter(self, *options, **script):
        """A milter that is attached and in force, and has heard nothing yet."""
        milter = Milter(**script)
        self.addCleanup(milter.close)
        self.attach("milter", milter.endpoint, *options)
        harness.eventually(lambda: not milter.active or milter.commands()[-1:] in (REUSE, QUIT))
        milter.heard.clear()
        milter.macros.clear()
        milter.connections = 0
        return milter

    def told(self, milter, commands):
        """That these are the commands it has heard, once the session's end has reached it."""
        harness.eventually(lambda: milter.commands()[-1:] == commands[-1:] and len(milter.commands()) >= len(commands))
        self.assertEqual(milter.commands(), commands)

    def deliver(self, raw=MAIL_TEXT, to=None, sender="a@outside.test"):
        """Over the relay port; the reply's code and text at the step that failed, or (250, ...)."""
        try:
            with self.mansio.smtp() as client:
                client.ehlo()
                for code, text in (client.mail(sender), *(client.rcpt(r) for r in to or [self.livia.address])):
                    if code != 250:
                        return code, text.decode()
                code, text = client.data(raw)
                return code, text.decode()
        except smtplib.SMTPResponseException as error:
            return error.smtp_code, error.smtp_error.decode() if isinstance(error.smtp_error, bytes) else error.smtp_error

    def arrived(self, raw=MAIL_TEXT, account=None, folder="INBOX", **more):
        """Delivers, and gives the message as it was stored."""
        before = {uid for uid, _ in self.mails(account or self.livia, folder)}
        code, text = self.deliver(raw, **more)
        self.assertEqual(code, 250, text)
        new = [body for uid, body in self.mails(account or self.livia, folder) if uid not in before]
        self.assertEqual(len(new), 1)
        return new[0]


class Stages(MilterTest):
    def test_each_stage_is_told_in_its_order(self):
        milter = self.milter()
        self.arrived()
        self.told(milter, CONNECT + HELO + MAIL + RCPT + DATA + FIELDS * HEADER + END_HEADER + BODY + END + REUSE)
        (connect,) = milter.data(CONNECT)
        self.assertTrue(connect.startswith(b"localhost\x004") and connect.endswith(b"127.0.0.1\0"), connect)
        self.assertEqual(milter.data(HELO), [b"client.test\0"])
        self.assertEqual(milter.data(MAIL)[0].split(b"\0")[0], b"<a@outside.test>")
        self.assertEqual(milter.data(RCPT), [b"<" + self.livia.address.encode() + b">\0"])
        self.assertEqual(milter.data(BODY), [b"Body\r\n"])

    def test_parameters_of_mail_are_told(self):
        milter = self.milter()
        with self.mansio.smtp() as client:
            client.ehlo()
            client.docmd("MAIL FROM:<a@outside.test> SIZE=77 BODY=8BITMIME")
        self.assertEqual(milter.data(MAIL), [b"<a@outside.test>\0SIZE=77\0BODY=8BITMIME\0"])

    def test_one_blank_behind_the_colon_is_not_part_of_a_value(self):
        milter = self.milter()
        self.arrived()
        self.assertEqual(milter.data(HEADER)[1:], [b"Subject\0first\0", b"X-Two\0a\n b\0", b"X-Tab\0c\0", b"X-None\0d\0"])

    def test_a_milter_that_wants_leading_space_gets_values_as_they_are(self):
        milter = self.milter(options=LEADING_SPACE)
        self.arrived()
        self.assertEqual(milter.data(HEADER)[1:], [b"Subject\0 first\0", b"X-Two\0 a\n b\0", b"X-Tab\0\tc\0", b"X-None\0d\0"])

    def test_the_body_comes_in_chunks_of_65535_bytes(self):
        milter = self.milter()
        body = b"".join(b"%07d\r\n" % i for i in range(20000))
        self.arrived(b"Subject: large\r\n\r\n" + body)
        self.assertEqual([len(d) for d in milter.data(BODY)], [65535, 65535, len(body) - 131070])
        self.assertEqual(b"".join(milter.data(BODY)), body)

    def test_a_message_from_the_spool_folder_comes_whole(self):
        milter = self.milter(options=0x80000)
        body = b"x" * 76 + b"\r\n"
        self.arrived(b"Subject: spooled\r\n\r\n" + body * 40000)
        self.assertEqual(b"".join(milter.data(BODY)), body * 40000)

    def test_stages_that_it_does_not_want_are_left_out(self):
        milter = self.milter(options=NO_CONNECT | NO_HELO | NO_MAIL | NO_RCPT | NO_BODY | NO_HEADERS | NO_END_HEADER | NO_DATA)
        self.arrived()
        self.told(milter, END + REUSE)

    def test_stages_that_it_does_not_answer_are_not_waited_for(self):
        milter = self.milter(options=SILENT)
        self.arrived()
        self.told(milter, CONNECT + HELO + MAIL + RCPT + DATA + FIELDS * HEADER + END_HEADER + BODY + END + REUSE)

    def test_skip_ends_the_body(self):
        milter = self.milter(answers={BODY: ("s", b"")}, options=SKIPS)
        self.arrived(b"Subject: large\r\n\r\n" + b"0123456\r\n" * 30000)
        self.assertEqual(milter.commands().count(BODY), 1)
        harness.eventually(lambda: milter.commands().endswith(END + REUSE))

    def test_an_unfinished_transaction_is_aborted(self):
        milter = self.milter()
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@outside.test")
            client.rset()
            client.mail("b@outside.test")
        self.told(milter, CONNECT + HELO + MAIL + ABORT + MAIL + ABORT + REUSE)

    def test_a_session_has_one_conversation_for_all_its_messages(self):
        milter = self.milter()
        with self.mansio.smtp() as client:
            for _ in range(3):
                client.sendmail("a@outside.test", [self.livia.address], MAIL_TEXT)
        self.assertEqual(milter.commands().count(CONNECT), 1)
        self.assertEqual(milter.commands().count(END), 3)

    def test_the_next_session_uses_the_connection_again(self):
        milter = self.milter()
        self.arrived()
        harness.eventually(lambda: milter.commands().endswith(REUSE))
        self.arrived()
        harness.eventually(lambda: milter.commands().count(REUSE) == 2)
        self.assertLessEqual(milter.connections, 1)
        self.assertEqual(milter.commands().count(CONNECT), 2)

    def test_a_milter_that_would_not_hear_it_gets_another_connection(self):
        """libmilter ignores "a new connection follows" in most of its states, and would not answer to what follows."""
        for answers in ({END: ACCEPT}, {RCPT: ACCEPT}, {MAIL: TEMPFAIL}):
            with self.subTest(answers=answers):
                milter = self.milter(answers=answers)
                self.deliver()
                harness.eventually(lambda: milter.commands().endswith(QUIT))
                self.assertNotIn(REUSE, milter.commands())
                self.detach("milter")
                milter.close()

    def test_a_kept_connection_that_has_gone_is_replaced(self):
        for options in (0, NO_CONNECT | NO_HELO):
            with self.subTest(options=options):
                milter = self.milter(options=options)
                self.arrived()
                harness.eventually(lambda: milter.commands().endswith(REUSE))
                milter.open[-1].shutdown(socket.SHUT_RDWR)
                harness.eventually(lambda: not milter.active)
                self.arrived()
                self.detach("milter")
                milter.close()

    def test_a_second_hello_is_told_again(self):
        milter = self.milter()
        with self.mansio.smtp() as client:
            client.ehlo("one.test")
            client.ehlo("two.test")
        self.assertEqual(milter.data(HELO), [b"one.test\0", b"two.test\0"])

    def test_version_2_is_spoken_with_old_milters(self):
        def old(offer):
            return None if offer[0] > 2 else ("O", struct.pack("!III", 2, 0x3F, 0))

        milter = self.milter(negotiation=old, answers={END: [("h", field("X-Old", "yes")), CONTINUE]})
        raw = self.arrived()
        self.assertIn(b"\r\nX-Old: yes\r\n", raw)
        self.assertNotIn(DATA, milter.commands())
        self.assertIn((2, 0x3F, 0x7F), milter.offered)

    def test_parameters_of_rcpt_are_told(self):
        milter = self.milter()
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@outside.test")
            client.docmd(f"RCPT TO:<{self.livia.address}> NOTIFY=NEVER")
        self.assertEqual(milter.data(RCPT), [f"<{self.livia.address}>\0NOTIFY=NEVER\0".encode()])

    def test_refused_recipients_are_told_to_who_wants_to_hear_of_them(self):
        for options, told in ((0, 1), (0x800, 2)):
            with self.subTest(options=options):
                milter = self.milter(options=options)
                with self.mansio.smtp() as client:
                    client.ehlo()
                    client.mail("a@outside.test")
                    self.assertEqual(client.rcpt(self.livia.address)[0], 250)
                    self.assertEqual(client.rcpt(f"nobody@{self.domain}")[0], 550)
                self.assertEqual(len(milter.data(RCPT)), told)
                self.assertEqual(milter.macros["{rcpt_mailer}"], "error" if options else "local")
                self.detach("milter")
                milter.close()

    def test_unknown_commands_are_told_and_may_be_answered(self):
        milter = self.milter(answers={UNKNOWN: lambda data: reply_code("554 5.5.9 stop it") if b"EVIL" in data else CONTINUE})
        with self.mansio.smtp() as client:
            client.ehlo()
            self.assertEqual(client.docmd("FLY", "me")[0], 500)
            self.assertEqual(client.docmd("EVIL"), (554, b"5.5.9 stop it"))
        self.assertEqual(milter.data(UNKNOWN), [b"FLY me\0", b"EVIL\0"])

    def test_everything_of_version_6_is_offered(self):
        milter = self.milter()
        self.arrived()
        self.assertEqual(milter.offered[0], (6, 0x1FF, 0x1FFFFF))


class Macros(MilterTest):
    def test_the_usual_macros_are_told(self):
        milter = self.milter()
        self.arrived()
        m = milter.macros
        self.assertEqual(m["j"], "mail.mansio.example")
        self.assertEqual(m["{daemon_name}"], "relay")
        self.assertRegex(m["v"], "^Mansio ")
        self.assertEqual(m["_"], "localhost [127.0.0.1]")
        self.assertEqual((m["{client_addr}"], m["{client_name}"], m["{client_ptr}"]), ("127.0.0.1", "localhost", "localhost"))
        self.assertRegex(m["{client_port}"], r"^\d+$")
        self.assertRegex(m["i"], r"^[0-9A-Z]+$")
        self.assertEqual((m["{mail_addr}"], m["{mail_host}"], m["{mail_mailer}"]), ("a@outside.test", "outside.test", "esmtp"))
        self.assertEqual((m["{rcpt_addr}"], m["{rcpt_host}"], m["{rcpt_mailer}"]), (self.livia.address, self.domain, "local"))
        for name in ("{tls_version}", "{cipher}", "{auth_authen}"):
            self.assertNotIn(name, m)

    def test_the_id_is_that_of_the_reply(self):
        milter = self.milter()
        _, text = self.deliver()
        self.assertEqual(text.split()[-1], milter.macros["i"])

    def test_tls_and_login_are_told(self):
        milter = self.milter("--services", "submission")
        with self.mansio.submission(self.livia) as client:
            client.sendmail(self.livia.address, [self.marcus.address], MAIL_TEXT)
        m = milter.macros
        self.assertEqual(m["{tls_version}"], "TLSv1.3")
        self.assertRegex(m["{cipher}"], "^TLS_")
        self.assertIn(m["{cipher_bits}"], ("128", "256"))
        self.assertEqual((m["{auth_authen}"], m["{auth_type}"]), (self.livia.address, "PLAIN"))
        self.assertEqual(m["{daemon_name}"], "submission")

    def test_a_milter_says_which_macros_it_wants(self):
        wanted = struct.pack("!I", 0) + b"{client_addr} j\0" + struct.pack("!I", 2) + b"\0"
        milter = self.milter(macro_lists=wanted)
        self.arrived()
        told = {data[:1].decode(): data[1:] for data in milter.data("D")}
        self.assertEqual(told[CONNECT], b"{client_addr}\x00127.0.0.1\0j\0mail.mansio.example\0")
        self.assertEqual(told[MAIL], b"")


class Decisions(MilterTest):
    def test_reject_at_each_stage(self):
        for stage in (CONNECT, HELO, MAIL, RCPT, DATA, HEADER, END_HEADER, BODY, END):
            with self.subTest(stage=stage):
                milter = self.milter(answers={stage: REJECT})
                code, text = self.deliver()
                self.assertEqual(code // 10, 55, text)
                self.assertIn("milter", text)
                self.detach("milter")
                milter.close()

    def test_a_client_refused_at_helo_does_not_get_in_by_going_on(self):
        self.milter(answers={HELO: REJECT})
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.reply()
            self.assertEqual(wire.say("EHLO client.test")[0], 550)
            self.assertEqual(wire.say("MAIL FROM:<a@outside.test>")[0], 550)

    def test_tempfail_is_for_now(self):
        for stage in (MAIL, RCPT, END):
            with self.subTest(stage=stage):
                milter = self.milter(answers={stage: TEMPFAIL})
                self.assertEqual(self.deliver()[0], 451)
                self.detach("milter")
                milter.close()

    def test_a_refused_recipient_is_not_the_message(self):
        refused = self.marcus.address.encode()
        milter = self.milter(answers={RCPT: lambda data: REJECT if refused in data else CONTINUE})
        with self.mansio.smtp() as client:
            self.assertEqual(list(client.sendmail("a@outside.test", [self.livia.address, self.marcus.address], MAIL_TEXT)), [self.marcus.address])
        self.assertIn(END, milter.commands())

    def test_its_own_reply_is_the_clients(self):
        self.milter(answers={END: reply_code("550 5.7.9 100%% spam")})
        self.assertEqual(self.deliver(), (550, "5.7.9 100% spam"))

    def test_its_reply_may_have_several_lines(self):
        self.milter(answers={RCPT: reply_code("451-4.7.1 one\r\n451-4.7.1 two\r\n451 4.7.1 three")})
        self.assertEqual(self.deliver(), (451, "4.7.1 one\n4.7.1 two\n4.7.1 three"))

    def test_421_closes_the_connection(self):
        self.milter(answers={MAIL: reply_code("421 4.7.0 go away")})
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            self.assertEqual(wire.say("MAIL FROM:<a@outside.test>"), (421, "4.7.0 go away"))
            self.assertIsNone(wire.line())

    def test_shutdown_closes_the_connection(self):
        self.milter(answers={MAIL: ("4", b"")})
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            wire.greet()
            self.assertEqual(wire.say("MAIL FROM:<a@outside.test>")[0], 421)
            self.assertIsNone(wire.line())

    def test_a_reply_that_is_none_of_smtp_counts_as_a_failure(self):
        for text in ("250 fine", "55", "550 one\r\n250 two", "hello"):
            with self.subTest(text=text):
                milter = self.milter(answers={END: reply_code(text)})
                self.assertEqual(self.deliver()[0], 451)
                self.detach("milter")
                milter.close()

    def test_discard_takes_the_message_and_throws_it_away(self):
        for stage in (MAIL, RCPT, DATA, BODY, END):
            with self.subTest(stage=stage):
                milter = self.milter(answers={stage: DISCARD})
                before = len(self.mansio.mail(self.livia))
                self.assertEqual(self.deliver()[0], 250)
                self.assertEqual(len(self.mansio.mail(self.livia)), before)
                self.detach("milter")
                milter.close()

    def test_accept_ends_its_interest_in_the_message(self):
        milter = self.milter(answers={RCPT: ACCEPT})
        with self.mansio.smtp() as client:
            for _ in range(2):
                client.sendmail("a@outside.test", [self.livia.address, self.marcus.address], MAIL_TEXT)
        self.told(milter, CONNECT + HELO + 2 * (MAIL + RCPT + ABORT) + QUIT)

    def test_accept_at_connect_ends_its_interest_in_the_session(self):
        milter = self.milter(answers={CONNECT: ACCEPT})
        self.arrived()
        self.told(milter, CONNECT + QUIT)

    def test_quarantine_is_junk_here_and_held_for_elsewhere(self):
        self.milter("--services", "submission", answers={END: [("q", b"suspicious\0"), CONTINUE]})
        self.mansio.submit(self.livia, [self.marcus.address, "b@nowhere.test"], raw=b"From: <%s>\r\nSubject: quarantined\r\n\r\nx\r\n" % self.livia.address.encode())
        self.mansio.wait_for_mail(self.marcus, "quarantined", folder="Junk")
        self.assertIn("held", str(self.mansio.sql("SELECT status FROM queue_recipient WHERE address = 'b@nowhere.test'")))

    def test_it_may_take_its_time(self):
        progress = [("p", b"")] * 20
        self.milter(answers={END: [*progress, ("h", field("X-Slow", "yes")), *progress, CONTINUE]})
        self.assertIn(b"\r\nX-Slow: yes\r\n", self.arrived())

    def test_warn_asks_and_does_nothing(self):
        milter = self.milter("--mode", "warn", answers={RCPT: REJECT, END: [("h", field("X-Not", "there")), REJECT]})
        raw = self.arrived()
        self.assertNotIn(b"X-Not", raw)
        self.assertIn(END, milter.commands())
        self.assertIn("would refuse", self.mansio.log("mta"))

    def test_off_is_not_asked(self):
        milter = Milter(answers={CONNECT: REJECT})
        self.addCleanup(milter.close)
        self.mansio.command("filter", "add", "milter", "milter", milter.endpoint, "--mode", "off")
        self.addCleanup(self.mansio.command, "filter", "remove", "milter", "--yes")
        self.arrived()
        self.assertEqual(milter.connections, 0)

    def test_only_the_services_that_are_named_are_asked(self):
        milter = self.milter("--services", "lmtp", answers={MAIL: REJECT})
        self.arrived()
        self.assertEqual(milter.connections, 0)
        with smtplib.LMTP(self.mansio.host, self.mansio.port["lmtp"], local_hostname="client.test") as client:
            client.ehlo()
            self.assertEqual(client.mail("a@outside.test")[0], 550)

    def test_a_message_over_its_size_is_taken_without_it(self):
        milter = self.milter("--max-size", "1K", answers={END: REJECT})
        self.arrived(b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n" + 20 * (b"z" * 60 + b"\r\n"))
        self.assertNotIn(END, milter.commands())
        self.assertEqual(self.deliver()[0], 550)

    def test_changes_of_the_configuration_hold_for_the_next_message_of_a_session(self):
        milter = Milter(answers={MAIL: REJECT})
        self.addCleanup(milter.close)
        with self.mansio.smtp() as client:
            client.ehlo()
            self.assertEqual(client.mail("a@outside.test")[0], 250)
            client.rset()
            self.attach("milter", milter.endpoint)
            self.assertEqual(client.mail("a@outside.test")[0], 550)
            self.detach("milter")
            self.assertEqual(client.mail("a@outside.test")[0], 250)


class Changes(MilterTest):
    def changed(self, *replies, raw=MAIL_TEXT, options=0, **more):
        milter = self.milter(answers={END: [*replies, CONTINUE]}, options=options)
        try:
            return self.arrived(raw, **more)
        finally:
            self.detach("milter")
            milter.close()

    def parsed(self, *replies, **more):
        return email.message_from_bytes(self.changed(*replies, **more), policy=email.policy.default)

    def names(self, raw):
        """The names of the fields below our own Received."""
        names = [line.split(b":")[0].decode() for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n") if line[:1] not in b" \t"]
        return names[names.index("Received") + 1 :]

    def test_header_fields_are_added_at_the_end(self):
        self.assertEqual(self.names(self.changed(("h", field("X-A", "1")), ("h", field("X-B", "2"))))[-2:], ["X-A", "X-B"])

    def test_header_fields_are_inserted_at_their_place(self):
        for index, place in ((0, 0), (1, 0), (2, 1), (4, 3), (99, 5)):
            with self.subTest(index=index):
                self.assertEqual(self.names(self.changed(("i", field("X-I", "1", index)))).index("X-I"), place)

    def test_the_nth_field_of_a_name_is_changed(self):
        raw = b"X-N: 1\r\nSubject: s\r\nX-N: 2\r\nX-N: 3\r\n\r\nb\r\n"
        message = self.parsed(("m", field("X-n", "two", 2)), raw=raw)
        self.assertEqual(message.get_all("X-N"), ["1", "two", "3"])

    def test_an_empty_value_takes_a_field_out(self):
        raw = b"X-N: 1\r\nSubject: s\r\nX-N: 2\r\nX-N: 3\r\n\r\nb\r\n"
        self.assertEqual(self.parsed(("m", field("X-N", "", 2)), ("m", field("X-N", "", 2)), raw=raw).get_all("X-N"), ["1"])

    def test_a_field_that_is_not_there_is_added(self):
        self.assertEqual(self.parsed(("m", field("X-New", "v", 1)))["X-New"], "v")

    def test_folded_values_stay_folded(self):
        self.assertIn(b"\r\nX-F: one\r\n\ttwo\r\n", self.changed(("h", field("X-F", "one\n\ttwo"))))

    def test_a_value_can_not_begin_another_field(self):
        raw = self.changed(("h", field("X-F", "one\r\nBcc: x@y\r\n\r\nbody")))
        self.assertNotIn("Bcc", self.names(raw))
        self.assertTrue(raw.endswith(b"\r\n\r\nBody\r\n"))

    def test_leading_space_is_the_milters_where_it_asks_for_it(self):
        raw = self.changed(("h", field("X-A", "1")), ("i", field("X-B", "  2", 1)), ("m", field("Subject", "\tnew", 1)), options=LEADING_SPACE)
        for line in (b"\r\nX-A:1\r\n", b"\r\nX-B:  2\r\n", b"\r\nSubject:\tnew\r\n"):
            self.assertIn(line, raw)
        raw = self.changed(("h", field("X-A", "1")), ("m", field("X-Tab", " e", 1)))
        for line in (b"\r\nX-A: 1\r\n", b"\r\nX-Tab:  e\r\n"):
            self.assertIn(line, raw)

    def test_the_body_is_replaced_by_all_its_pieces(self):
        raw = self.changed(("b", b"one\r\ntw"), ("b", b"o\r\n.\r\nthr\nee\r"), ("b", b"\n"))
        self.assertTrue(raw.endswith(b"X-None:d\r\n\r\none\r\ntwo\r\n.\r\nthr\r\nee\r\n"), raw)

    def test_a_recipient_is_added_and_another_taken_out(self):
        before = len(self.mansio.mail(self.livia))
        raw = self.changed(("-", b"<%s>\0" % self.livia.address.encode()), ("+", b"<%s>\0" % self.marcus.address.encode()), account=self.marcus)
        self.assertIn(b"Subject: first", raw)
        self.assertEqual(len(self.mansio.mail(self.livia)), before)

    def test_a_recipient_is_added_with_parameters(self):
        self.changed(("2", b"<%s>\0NOTIFY=NEVER\0" % self.marcus.address.encode()), account=self.marcus)

    def test_an_added_recipient_elsewhere_goes_to_the_queue(self):
        self.changed(("+", b"<copy@archive.test>\0"))
        harness.eventually(lambda: "to=<copy@archive.test>" in self.mansio.log("mta"))

    def test_lmtp_answers_for_the_clients_recipients_alone(self):
        self.milter("--services", "lmtp", answers={END: [("-", b"<%s>\0" % self.livia.address.encode()), ("+", b"<copy@archive.test>\0"), CONTINUE]})
        with harness.Wire(self.mansio.host, self.mansio.port["lmtp"]) as wire:
            wire.greet(verb="LHLO")
            wire.say("MAIL FROM:<a@outside.test>")
            wire.say(f"RCPT TO:<{self.livia.address}>")
            wire.say(f"RCPT TO:<{self.marcus.address}>")
            wire.say("DATA")
            wire.send(b"Subject: lmtp\r\n\r\nx\r\n.\r\n")
            self.assertEqual([wire.reply()[0], wire.reply()[0]], [250, 250])
            self.assertEqual(wire.say("NOOP")[0], 250)
        self.mansio.wait_for_mail(self.marcus, "lmtp")

    def test_a_message_without_recipients_left_is_thrown_away(self):
        self.milter(answers={END: [("-", b"<%s>\0" % self.livia.address.encode()), CONTINUE]})
        before = len(self.mansio.mail(self.livia))
        self.assertEqual(self.deliver()[0], 250)
        self.assertEqual(len(self.mansio.mail(self.livia)), before)

    def test_the_sender_is_changed(self):
        self.assertEqual(self.parsed(("e", b"<new@outside.test>\0SIZE=1\0"))["Return-Path"], "<new@outside.test>")
        self.assertEqual(self.parsed(("e", b"<>\0"))["Return-Path"], "<>")

    def test_each_milter_sees_the_changes_of_those_before(self):
        first = Milter(answers={END: [("h", field("X-First", "1")), ("b", b"other body\r\n"), CONTINUE]})
        second = Milter(answers={END: [("m", field("X-First", "2", 1)), CONTINUE]})
        for i, milter in enumerate((first, second)):
            self.addCleanup(milter.close)
            self.attach("milter", milter.endpoint, "--order", str(20 + i), name=f"milter-{i}")
        raw = self.arrived()
        self.assertIn(b"X-First\x001\x00", second.data(HEADER))
        self.assertEqual(second.data(BODY), [b"other body\r\n"])
        self.assertIn(b"\r\nX-First: 2\r\n", raw)

    def test_what_it_did_not_negotiate_it_does_not_get(self):
        self.milter(actions=0x1, answers={END: [("h", field("X-A", "1")), ("b", b"no\r\n"), ("e", b"<no@no.test>\0"), CONTINUE]})
        raw = self.arrived()
        self.assertIn(b"X-A: 1", raw)
        self.assertTrue(raw.endswith(b"\r\nBody\r\n"))
        self.assertNotIn(b"no.test", raw)

    def test_changes_before_a_refusal_are_not_made(self):
        self.milter("--on-failure", "accept", answers={END: lambda data: [("h", field("X-Half", "1")), ("?", b"")]})
        self.assertNotIn(b"X-Half", self.arrived())


class Together(MilterTest):
    def test_many_sessions_at_once_while_the_configuration_changes(self):
        self.milter(answers={END: [("h", field("X-Seen", "once")), CONTINUE]})
        answers = []

        def client():
            for _ in range(15):
                answers.append(self.deliver(b"Subject: together\r\n\r\nx\r\n")[0])

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        for place in range(5):
            self.mansio.command("filter", "change", "milter", "--order", str(place))
        for thread in threads:
            thread.join()
        self.assertEqual(answers, [250] * 120)
        mails = [m for _, m in self.mansio.mail(self.livia) if b"Subject: together" in m]
        self.assertEqual([m.count(b"X-Seen: once") for m in mails], [1] * 120)


class Failures(MilterTest):
    def both_ways(self, *options, **script):
        """451 where failing is closed, taken where it is open."""
        milter = self.milter("--timeouts", "2,1,1", *options, **script)
        code, text = self.deliver()
        self.assertEqual(code, 451, text)
        self.assertIn('"milter"', text)
        self.change("milter", "--on-failure", "accept")
        self.arrived()
        self.detach("milter")
        milter.close()

    def test_one_that_is_not_there(self):
        self.attach("milter", f"inet:127.0.0.1:{harness.filters.free_port()}")
        self.assertEqual(self.deliver()[0], 451)
        self.change("milter", "--on-failure", "accept")
        self.arrived()

    def test_one_that_hangs_up_at_each_stage(self):
        for stage in (CONNECT, HELO, MAIL, RCPT, DATA, HEADER, END_HEADER, BODY, END):
            with self.subTest(stage=stage):
                self.both_ways(answers={stage: lambda data: None})

    def test_one_that_does_not_answer(self):
        for stage in (MAIL, END):
            with self.subTest(stage=stage):
                self.both_ways(answers={stage: []})

    def test_one_that_talks_nonsense(self):
        for nonsense in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xff\xff\xff", b"\0\0\0\0", ("?", b""), ("y", b"550 no nul"), ("i", b"\0\0"), ("h", b"name\0")):
            with self.subTest(nonsense=nonsense):
                self.both_ways(answers={END: [nonsense]})

    def test_one_whose_negotiation_is_wrong(self):
        for said in (("O", b"short"), ("O", struct.pack("!III", 7, 0, 0)), ("O", struct.pack("!III", 6, 0, 0x40000000)), ("c", b""), None,
                     ("O", struct.pack("!IIII", 6, 0, 0, 99) + b"j\0")):  # fmt: skip
            with self.subTest(said=said):
                self.both_ways(negotiation=lambda offer, said=said: said)

    def test_one_that_wants_changes_at_the_wrong_time(self):
        self.both_ways(answers={RCPT: ("h", field("X", "y"))})

    def test_one_that_wants_changes_without_end(self):
        self.both_ways(answers={END: [("h", field("X-Many", "y"))] * 20000 + [CONTINUE]})

    def test_after_a_failure_no_recipient_slips_through(self):
        self.milter(answers={RCPT: lambda data: None if b"first" in data else CONTINUE})
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@outside.test")
            self.assertEqual(client.rcpt(f"first@{self.domain}")[0], 550)
            self.mansio.command("alias", "set", f"first@{self.domain}", self.livia.address)
            self.assertEqual(harness.eventually(lambda: (c := client.rcpt(f"first@{self.domain}")[0]) != 550 and c), 451)
            self.assertEqual(client.rcpt(self.livia.address)[0], 451)
            self.assertEqual(client.rset()[0], 250)
            self.assertEqual(client.mail("a@outside.test")[0], 250)
            self.assertEqual(client.rcpt(self.livia.address)[0], 250)


if __name__ == "__main__":
    unittest.main()
