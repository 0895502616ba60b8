"""How many connections a mailbox and an address may have, and how long they may be silent."""

import socket
import struct
import unittest

import harness


def free_port():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


def proxied(address):
    """A PROXY header of version 2: the client is `address`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    body = packed * 2 + struct.pack("!HH", 12345, 143)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x21 if ":" in address else 0x11, len(body)) + body


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()
        cls.imap, cls.pop3 = free_port(), free_port()
        conf = cls.mansio.instance.place.configuration
        lines = conf.read_text().splitlines()
        for i, line in enumerate(lines):
            for name, port in (("imapd_imap ", cls.imap), ("imapd_pop3 ", cls.pop3)):
                if line.startswith(name):
                    lines[i] += f" proxy:127.0.0.1:{port}"
        conf.write_text("\n".join(lines) + "\n")
        cls.mansio.restart("imapd")
        cls.domain = cls.mansio.new_domain()
        cls.mansio.command("setting", "set", "imapd.connections_account", "3")
        cls.mansio.command("setting", "set", "imapd.connections_address", "4")

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def setUp(self):
        self.livia = self.mansio.new_account(self.domain)

    def connect(self, address, port=None):
        """A connection from there; the greeting."""
        wire = harness.Wire("127.0.0.1", port or self.imap)
        self.addCleanup(wire.close)
        wire.send(proxied(address))
        return wire, wire.line()

    def log_in(self):
        """(session, refusal)"""
        wire = harness.ImapWire(self.mansio)
        self.addCleanup(wire.close)
        reply, _ = wire.login(self.livia)
        return wire, "" if reply.startswith("OK") else reply

    def test_an_address_has_so_many_connections_and_no_more(self):
        held = [self.connect("192.0.2.7") for _ in range(3)] + [self.connect("192.0.2.7", self.pop3)]
        for _, greeting in held:
            self.assertNotIn("Too many", greeting)
        wire, greeting = self.connect("192.0.2.7")
        self.assertRegex(greeting, r"^\* BYE \[LIMIT\] ")
        self.assertTrue(wire.ended())
        self.assertRegex(self.connect("192.0.2.7", self.pop3)[1], r"^-ERR \[SYS/TEMP\] ")
        self.assertRegex(self.connect("192.0.2.8")[1], r"^\* OK")
        held[0][0].close()  # a place is free, and just one
        again = harness.eventually(lambda: (found := self.connect("192.0.2.7"))[1].startswith("* OK") and found, what="a place")
        self.assertIn("BYE", self.connect("192.0.2.7")[1])
        again[0].close()

    def test_a_network_of_ipv6_counts_as_one_address(self):
        for n in range(4):
            self.assertRegex(self.connect(f"2001:db8:1:2::{n + 1:x}")[1], r"^\* OK")
        self.assertIn("[LIMIT]", self.connect("2001:db8:1:2:ffff::9")[1])
        self.assertRegex(self.connect("2001:db8:1:3::1")[1], r"^\* OK")

    def test_this_machine_is_not_counted(self):
        for _ in range(8):
            self.assertRegex(self.connect("127.0.0.1")[1], r"^\* OK")

    def test_a_mailbox_has_so_many_connections_and_no_more(self):
        held = [self.log_in() for _ in range(3)]
        self.assertEqual([refused for _, refused in held], ["", "", ""])
        wire, refused = self.log_in()
        self.assertRegex(refused, r"^NO \[LIMIT\] ")
        self.assertTrue(wire.run("NOOP")[0].startswith("OK"))  # it may try again, or be somebody else
        other = self.mansio.new_account(self.domain)
        self.assertTrue(wire.login(other)[0].startswith("OK"))
        held[1][0].must("UNAUTHENTICATE")
        self.assertEqual(self.log_in()[1], "")
        self.assertIn("[LIMIT]", self.log_in()[1])
        held[0][0].must("LOGOUT")
        harness.eventually(lambda: self.log_in()[1] == "", what="a place")

    def test_pop3_counts_together_with_imap(self):
        for _ in range(3):
            self.assertEqual(self.log_in()[1], "")
        with self.assertRaisesRegex(Exception, r"SYS/TEMP.*connections"):
            self.mansio.pop3(self.livia)

    def test_webmail_is_not_counted(self):
        for _ in range(3):
            self.log_in()
        web = harness.Web(self.mansio)
        self.assertEqual(web.log_in(self.livia).status, 303)
        self.assertEqual(web.get("/mail/folders").status, 200)

    def test_settings_are_checked(self):
        for name, value in (("imapd.imap_timeout", "29m"), ("imapd.pop3_timeout", "90s"), ("imapd.login_timeout", "0"),
                            ("imapd.connections_account", "many"), ("imapd.pop3_login_delay", "soon")):
            self.assertNotEqual(self.mansio.command("setting", "set", name, value, check=False).returncode, 0, name)
        self.mansio.command("setting", "set", "imapd.imap_timeout", "45m")


class Silence(unittest.TestCase):
    def test_silence_before_login_ends_the_connection(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        mansio.command("setting", "set", "imapd.login_timeout", "10s")
        livia = mansio.new_account(mansio.new_domain())

        def is_cut_off():
            """Within the new time and not the old one."""
            with harness.Wire(mansio.host, mansio.port["imap"], timeout=25) as imap, harness.Wire(mansio.host, mansio.port["pop3"], timeout=25) as pop3:
                imap.line(), pop3.line()  # pylint: disable=expression-not-assigned
                return (imap.line() or "").startswith("* BYE") and (pop3.line() or "").startswith("-ERR")

        with harness.ImapWire(mansio, livia) as logged_in:
            self.assertTrue(is_cut_off())
            logged_in.must("NOOP")  # it has its 30 minutes


if __name__ == "__main__":
    unittest.main()
