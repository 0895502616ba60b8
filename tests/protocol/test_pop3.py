"""POP3, with Python's poplib and byte by byte."""

import base64
import poplib
import socket
import unittest

import harness

DOTS = b"Subject: dots\r\n\r\n.one\r\n..two\r\n.\r\nthree\r\n"


class Pop3(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.imap = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(self.imap.close)

    def add(self, *messages):
        for message in messages:
            assert self.imap.append("INBOX", message)[0].startswith("OK")

    def open(self, account=None):
        client = self.mansio.pop3(account or self.livia)
        self.addCleanup(client.close)
        return client

    def count(self):
        return int(self.imap.must("STATUS INBOX (MESSAGES)")[0].split()[-1].rstrip(b")"))

    def test_without_tls_no_password_is_taken_and_stls_makes_it_possible(self):
        client = poplib.POP3(self.mansio.host, self.mansio.port["pop3"], timeout=15)
        self.addCleanup(client.close)
        self.assertNotIn("USER", client.capa())
        with self.assertRaises(poplib.error_proto):
            client.user(self.livia.address)
        client.stls(context=self.mansio_context())
        self.assertIn("USER", client.capa())
        self.assertNotIn("STLS", client.capa())
        client.user(self.livia.address)
        client.pass_(self.livia.password)

    def mansio_context(self):
        context = self.mansio.trust()
        context.check_hostname = False
        return context

    def test_wrong_passwords_are_refused_and_end_the_connection(self):
        client = poplib.POP3_SSL("localhost", self.mansio.port["pop3s"], context=self.mansio.trust(), timeout=15)
        self.addCleanup(client.close)
        with self.assertRaisesRegex(poplib.error_proto, "AUTH"):
            client.user(self.livia.address)
            client.pass_("wrong")
        with self.assertRaises(poplib.error_proto):
            client.stat()

    def test_sasl_plain(self):
        plain = base64.b64encode(f"\0{self.livia.address}\0{self.livia.password}".encode()).decode()
        client = poplib.POP3_SSL("localhost", self.mansio.port["pop3s"], context=self.mansio.trust(), timeout=15)
        self.addCleanup(client.close)
        self.assertIn("PLAIN", client.capa()["SASL"])
        self.assertTrue(client._shortcmd(f"AUTH PLAIN {plain}").startswith(b"+OK"))  # pylint: disable=protected-access

    def test_stat_list_uidl_retr(self):
        second = b"Subject: second\r\n\r\nbody without line end"
        self.add(DOTS, second)
        client = self.open()
        self.assertEqual(client.stat(), (2, len(DOTS) + len(second)))
        self.assertEqual(client.list()[1], [b"1 %d" % len(DOTS), b"2 %d" % len(second)])
        self.assertEqual(client.retr(1)[1], DOTS.split(b"\r\n")[:-1])
        self.assertEqual(client.retr(2)[1][-1], b"body without line end")
        uidl = client.uidl()[1]
        client.quit()
        self.assertEqual(self.open().uidl()[1], uidl)
        self.assertEqual(len({line.split()[1] for line in uidl}), 2)

    def test_top_gives_the_header_and_some_lines(self):
        self.add(DOTS)
        client = self.open()
        self.assertEqual(client.top(1, 0)[1], [b"Subject: dots", b""])
        self.assertEqual(client.top(1, 2)[1], [b"Subject: dots", b"", b".one", b"..two"])
        self.assertEqual(client.top(1, 99)[1], DOTS.split(b"\r\n")[:-1])

    def test_bare_line_feeds_become_line_ends(self):
        self.add(b"Subject: unix\n\nline\n.dot\nlast\rcr\r\n\n")
        self.assertEqual(self.open().retr(1)[1], [b"Subject: unix", b"", b"line", b".dot", b"last\rcr", b""])

    def test_a_large_message(self):
        body = b"Subject: large\r\n\r\n" + b"".join(b".%060d\r\n" % n for n in range(30000))
        self.add(body)
        self.assertEqual(b"\r\n".join(self.open().retr(1)[1]) + b"\r\n", body)

    def test_deleting_happens_at_quit_only(self):
        self.add(DOTS, DOTS, DOTS)
        client = self.open()
        client.dele(2)
        self.assertEqual(client.stat()[0], 2)
        for command in (client.retr, client.dele, client.uidl):
            with self.assertRaises(poplib.error_proto):
                command(2)
        client.close()  # no QUIT
        self.assertEqual(self.count(), 3)
        client = self.open()
        client.dele(1)
        client.rset()
        client.dele(3)
        client.quit()
        self.assertEqual(self.count(), 2)
        self.assertEqual(self.open().stat()[0], 2)

    def test_what_an_imap_session_expunged_is_an_error_and_no_more(self):
        self.add(DOTS, DOTS)
        client = self.open()
        self.imap.must("SELECT INBOX")
        self.imap.must("STORE 1 +FLAGS.SILENT (\\Deleted)")
        self.imap.must("EXPUNGE")
        with self.assertRaises(poplib.error_proto):
            client.retr(1)
        client.retr(2)
        client.dele(1)
        client.quit()
        self.assertEqual(self.count(), 1)

    def test_pipelined_commands(self):
        self.add(DOTS)
        with self.mansio.trust().wrap_socket(
            socket.create_connection((self.mansio.host, self.mansio.port["pop3s"]), 15), server_hostname="localhost"
        ) as raw:
            raw.sendall(f"USER {self.livia.address}\r\nPASS {self.livia.password}\r\nSTAT\r\nRETR 1\r\nNOOP\r\nQUIT\r\n".encode())
            text = b""
            while chunk := raw.recv(65536):
                text += chunk
        self.assertEqual(text.count(b"+OK"), 7)
        self.assertIn(b"\r\n..one\r\n...two\r\n..\r\nthree\r\n.\r\n+OK", text)

    def test_nonsense(self):
        client = self.open()
        for command in ("LIST 1", "RETR 0", "RETR x", "TOP 1", "UIDL 4294967296", "FROBNICATE", "USER again"):
            with self.assertRaises(poplib.error_proto, msg=command):
                client._shortcmd(command)  # pylint: disable=protected-access
        client.noop()

    def test_endless_lines_are_cut_off(self):
        with socket.create_connection((self.mansio.host, self.mansio.port["pop3"]), 15) as raw:
            raw.sendall(b"x" * 10000)
            text = b""
            try:
                while chunk := raw.recv(65536):
                    text += chunk
            except ConnectionResetError:
                pass
        self.assertIn(b"-ERR", text)


if __name__ == "__main__":
    unittest.main()
