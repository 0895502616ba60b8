"""Connections, logging in, and what happens before that."""

import base64
import imaplib
import unittest

import harness


def capabilities(wire):
    return wire.must("CAPABILITY")[0].decode().split()[2:]


class Login(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())

    def plain(self, password=None, authzid=""):
        return base64.b64encode(f"{authzid}\0{self.livia.address}\0{password or self.livia.password}".encode()).decode()

    def test_without_tls_no_password_is_taken(self):
        with harness.ImapWire(self.mansio, tls=False) as wire:
            offered = capabilities(wire)
            self.assertIn("LOGINDISABLED", offered)
            self.assertIn("STARTTLS", offered)
            self.assertNotIn("AUTH=PLAIN", offered)
            for command in (f'LOGIN {self.livia.address} "{self.livia.password}"', f"AUTHENTICATE PLAIN {self.plain()}"):
                self.assertTrue(wire.run(command)[0].startswith("NO [PRIVACYREQUIRED]"), command)
            self.assertTrue(wire.run("SELECT INBOX")[0].startswith("BAD"))

    def test_starttls_then_login(self):
        with harness.ImapWire(self.mansio, tls=False) as wire:
            wire.must("STARTTLS")
            wire.start_tls()
            offered = capabilities(wire)
            self.assertIn("AUTH=PLAIN", offered)
            self.assertNotIn("STARTTLS", offered)
            self.assertNotIn("LOGINDISABLED", offered)
            self.assertTrue(wire.run("STARTTLS")[0].startswith("BAD"))
            wire.must(f'LOGIN {self.livia.address} "{self.livia.password}"')

    def test_commands_smuggled_behind_starttls_are_forgotten(self):
        with harness.ImapWire(self.mansio, tls=False) as wire:
            wire.send("a STARTTLS\r\nb NOOP\r\n")
            self.assertTrue(wire.line().startswith(b"a OK"))
            wire.start_tls()
            self.assertTrue(wire.quiet())
            wire.must("NOOP")

    def test_implicit_tls_offers_capabilities_in_greeting_and_after_login(self):
        with harness.ImapWire(self.mansio) as wire:
            self.assertRegex(wire.greeting, rb"^\* OK \[CAPABILITY IMAP4rev1 .*AUTH=PLAIN.*\] ")
            reply, _ = wire.run(f'LOGIN {self.livia.address} "{self.livia.password}"')
            self.assertRegex(reply, r"^OK \[CAPABILITY IMAP4rev1 .*IDLE.*UIDPLUS.*\] ")
            self.assertIn("MOVE", capabilities(wire))

    def test_authenticate_plain_with_and_without_initial_response(self):
        with harness.ImapWire(self.mansio) as wire:
            wire.must(f"AUTHENTICATE PLAIN {self.plain()}")
        with harness.ImapWire(self.mansio) as wire:
            tag = wire.start("AUTHENTICATE PLAIN")
            self.assertTrue(wire.line().startswith(b"+ "))
            wire.send(self.plain() + "\r\n")
            self.assertTrue(wire.finish(tag)[0].startswith("OK"))
        with harness.ImapWire(self.mansio) as wire:
            tag = wire.start("AUTHENTICATE PLAIN")
            wire.line()
            wire.send("*\r\n")
            self.assertTrue(wire.finish(tag)[0].startswith("BAD"))
            self.assertTrue(wire.run("AUTHENTICATE PLAIN !!!")[0].startswith("BAD"))
            self.assertTrue(wire.run("AUTHENTICATE GSSAPI")[0].startswith("NO"))

    def test_login_with_literals_and_pipelined_commands(self):
        name, password = self.livia.address.encode(), self.livia.password.encode()
        with harness.ImapWire(self.mansio) as wire:
            wire.send(b"a LOGIN {%d}\r\n" % len(name))
            self.assertTrue(wire.line().startswith(b"+ "))
            wire.send(name + b" {%d+}\r\n" % len(password) + password + b"\r\nb SELECT INBOX\r\nc LOGOUT\r\n")
            text = wire.at_end().decode()
        order = [line.split()[0] for line in text.splitlines() if line[0] != "*"]
        self.assertEqual(order, ["a", "b", "c"])
        self.assertIn("* BYE", text)

    def test_wrong_password_says_so_and_a_few_times_end_the_connection(self):
        with harness.ImapWire(self.mansio) as wire:
            for _ in range(5):
                reply, _ = wire.run(f'LOGIN {self.livia.address} "wrong"')
                self.assertTrue(reply.startswith("NO ["), reply)
            self.assertIn(b"BYE", wire.at_end())
        with self.assertRaises(imaplib.IMAP4.error):
            self.mansio.imap(harness.Account("nobody@" + self.livia.address.split("@")[1], "x"))

    def test_plain_for_somebody_else_is_refused(self):
        with harness.ImapWire(self.mansio) as wire:
            self.assertFalse(wire.run(f"AUTHENTICATE PLAIN {self.plain(authzid='other@example.org')}")[0].startswith("OK"))

    def test_the_local_socket_is_as_good_as_tls(self):
        with harness.ImapWire(self.mansio, self.livia, path=self.mansio.instance.place.run / "imap.sock") as wire:
            wire.must("SELECT INBOX")

    def test_unauthenticate_leaves_the_account(self):
        with harness.ImapWire(self.mansio, self.livia) as wire:
            wire.must("SELECT INBOX")
            wire.must("UNAUTHENTICATE")
            self.assertTrue(wire.run("SELECT INBOX")[0].startswith("BAD"))
            self.assertTrue(wire.login(self.livia)[0].startswith("OK"))

    def test_id_and_enable_and_namespace(self):
        with harness.ImapWire(self.mansio, self.livia) as wire:
            self.assertIn(b'"name" "Mansio"', wire.must('ID ("name" "test" "version" NIL)')[0])
            wire.must("ID NIL")
            self.assertEqual(wire.must("ENABLE X-KNOWN-TO-NOBODY X-UNKNOWN"), [b"* ENABLED"])
            self.assertEqual(wire.must("ENABLE UTF8=ACCEPT"), [b"* ENABLED UTF8=ACCEPT"])
            self.assertEqual(wire.must("NAMESPACE"), [b'* NAMESPACE (("" "/")) (("Other Users/" "/")) (("Shared Folders/" "/"))'])


class Limits(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()

    def test_endless_line_before_login_is_cut_off(self):
        with harness.ImapWire(self.mansio) as wire:
            wire.send(b"a " + b"x" * 9000)
            self.assertIn(b"* BYE", wire.at_end())

    def test_large_literal_before_login_is_refused(self):
        with harness.ImapWire(self.mansio) as wire:
            reply, untagged = wire.run("LOGIN {100000}")
            self.assertTrue(reply.startswith("NO [TOOBIG]"), reply)
            self.assertEqual(untagged, [])
            wire.must("NOOP")
            wire.send("b LOGIN {100000+}\r\n")
            self.assertIn(b"* BYE", wire.at_end())

    def test_numbers_of_literals_that_overflow_are_refused(self):
        with harness.ImapWire(self.mansio) as wire:
            self.assertTrue(wire.run("LOGIN {18446744073709551617}")[0].startswith("NO [TOOBIG]"))

    def test_nonsense_gets_bad_and_soon_a_goodbye(self):
        with harness.ImapWire(self.mansio) as wire:
            self.assertTrue(wire.run("FROBNICATE")[0].startswith("BAD"))
            wire.send(b"\r\n")
            self.assertTrue(wire.line().startswith(b"* BAD"))
            wire.send(b"a\0b NOOP\r\n")
            self.assertTrue(b" BAD " in wire.line())
            wire.send(b"GET / HTTP/1.1\r\n" * 10)
            self.assertIn(b"* BYE", wire.at_end())

    def test_long_commands_of_users_are_bounded_too(self):
        livia = self.mansio.new_account(self.mansio.new_domain())
        with harness.ImapWire(self.mansio, livia) as wire:
            wire.must("SELECT INBOX")
            self.assertTrue(wire.run("SEARCH " + "(" * 200 + "ALL" + ")" * 200)[0].startswith("BAD"))
            wire.must("UID SEARCH UID " + ",".join(str(n) for n in range(1, 20000, 2))[:60000].rstrip(","))
            wire.send(b"a SEARCH " + b"x" * 70000)
            self.assertIn(b"* BYE", wire.at_end())


if __name__ == "__main__":
    unittest.main()
