"""POP3, with Python's poplib and byte by byte."""

import base64
import concurrent.futures
import email
import email.policy
import poplib
import re
import signal
import socket
import unittest

import harness

DOTS = b"Subject: dots\r\n\r\n.one\r\n..two\r\n.\r\nthree\r\n"


def free_port():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.livia = self.mansio.new_account(self.mansio.new_domain())
        self.imap = harness.ImapWire(self.mansio, self.livia)
        self.addCleanup(self.imap.close)

    def add(self, *messages):
        for message in messages:
            assert self.imap.append("INBOX", message)[0].startswith("OK")

    def open(self, account=None):
        """A session; one that has just been hung up may still be there for a moment."""

        def log_in():
            client = self.mansio.pop3()
            try:
                client.user((account or self.livia).address)
                client.pass_((account or self.livia).password)
                return client
            except poplib.error_proto as refused:
                client.close()
                if b"[IN-USE]" not in refused.args[0]:
                    raise
                return None

        client = harness.eventually(log_in, what="the mailbox")
        self.addCleanup(client.close)
        return client

    def refusal(self, port=None):
        """What a login is answered with; "" where it succeeds."""
        client = poplib.POP3_SSL("localhost", port or self.mansio.port["pop3s"], context=self.mansio.trust(), timeout=15)
        try:
            client.user(self.livia.address)
            client.pass_(self.livia.password)
            client.quit()
            return ""
        except poplib.error_proto as refused:
            client.close()
            return refused.args[0].decode()

    def count(self):
        return int(self.imap.must("STATUS INBOX (MESSAGES)")[0].split()[-1].rstrip(b")"))

class Pop3(Case):
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

    def test_capabilities(self):
        found = self.mansio.pop3().capa()
        self.assertEqual(found["EXPIRE"], ["NEVER"])
        self.assertEqual(found["UTF8"], ["USER"])
        self.assertEqual(found["IMPLEMENTATION"], ["Mansio"])
        for name in ("TOP", "UIDL", "USER", "SASL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "LANG"):
            self.assertIn(name, found)
        self.assertNotIn("LOGIN-DELAY", found)


class Exclusive(Case):
    def test_a_second_session_is_refused_until_the_first_ends(self):
        first = self.open()
        self.assertIn("[IN-USE]", self.refusal())
        self.imap.must("SELECT INBOX")  # IMAP does not care
        first.quit()
        self.assertEqual(self.refusal(), "")

    def test_a_broken_connection_frees_the_mailbox(self):
        self.open().close()
        harness.eventually(lambda: self.refusal() == "", what="the mailbox")

    def test_sasl_takes_the_mailbox_too(self):
        first = self.open()
        plain = base64.b64encode(f"\0{self.livia.address}\0{self.livia.password}".encode()).decode()
        client = self.mansio.pop3()
        self.addCleanup(client.close)
        with self.assertRaisesRegex(poplib.error_proto, r"\[IN-USE\]"):
            client._shortcmd(f"AUTH PLAIN {plain}")  # pylint: disable=protected-access
        first.quit()
        client._shortcmd(f"AUTH PLAIN {plain}")  # pylint: disable=protected-access

    def test_of_many_at_once_one_gets_it(self):
        def take(_):
            try:
                return self.mansio.pop3(self.livia)
            except poplib.error_proto as refused:
                self.assertIn(b"[IN-USE]", refused.args[0])
                return None

        for _ in range(5):
            with concurrent.futures.ThreadPoolExecutor(12) as pool:
                got = [client for client in pool.map(take, range(12)) if client]
            self.assertEqual(len(got), 1)
            got[0].quit()

    def test_it_holds_between_processes_and_dies_with_a_killed_one(self):
        port = free_port()
        off = dict.fromkeys(("imapd_imap", "imapd_imaps", "imapd_pop3", "imapd_local", "imapd_metrics"))
        second = harness.Second(self.mansio, "mansio-imapd", {**off, "imapd_pop3s": f"127.0.0.1:{port}"})
        self.addCleanup(second.remove)
        ours = self.open()
        self.assertIn("[IN-USE]", self.refusal(port))
        ours.quit()
        theirs = poplib.POP3_SSL("localhost", port, context=self.mansio.trust(), timeout=15)
        self.addCleanup(theirs.close)
        theirs.user(self.livia.address)
        theirs.pass_(self.livia.password)
        self.assertIn("[IN-USE]", self.refusal())
        second.kill(signal.SIGKILL)
        harness.eventually(lambda: self.refusal() == "", 5, "the killed process's mailbox")

    def test_who_lost_the_mailbox_deletes_nothing(self):
        self.add(DOTS, DOTS)
        client = self.open()
        client.dele(1)
        client.dele(2)
        self.mansio.sql("UPDATE pop3_hold SET token = nextval('pop3_token') WHERE account_id = (SELECT a.id FROM account a"
                        f" JOIN domain d ON d.id = a.domain_id WHERE a.local_part || '@' || d.name = '{self.livia.address}')")
        with self.assertRaisesRegex(poplib.error_proto, "SYS/TEMP"):
            client.quit()
        self.assertEqual(self.count(), 2)


class International(Case):
    HEADER = ("From: Jürgen Größe <jürgen@grün.example>, \"Livia, die Erste\" <livia@example.org>\r\nTo: Gruppe: a@example.org, Ä <b@example.org>;\r\n"
              "Subject: grüße aus dem wald\r\nX-Plain: as it was\r\nMIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=utf-8; name=\"é.txt\"\r\n\r\n")
    BODY = "Ein Körper\r\n.mit Punkt\r\n"

    def utf8_session(self):
        client = self.mansio.pop3()
        self.addCleanup(client.close)
        client._shortcmd("UTF8")  # pylint: disable=protected-access
        client.user(self.livia.address)
        client.pass_(self.livia.password)
        return client

    def test_utf8_mode_gives_the_message_as_it_is(self):
        message = (self.HEADER + self.BODY).encode()
        self.add(message)
        client = self.utf8_session()
        self.assertEqual(b"\r\n".join(client.retr(1)[1]) + b"\r\n", message)
        self.assertEqual(b"\r\n".join(client.top(1, 0)[1]) + b"\r\n", self.HEADER.encode())

    def test_without_it_the_header_is_ascii(self):
        self.add((self.HEADER + self.BODY).encode())
        client = self.open()
        text = b"\r\n".join(client.retr(1)[1]) + b"\r\n"
        header, body = text.split(b"\r\n\r\n", 1)
        self.assertTrue(header.isascii())
        self.assertEqual(body, self.BODY.encode())
        parsed = email.message_from_bytes(text, policy=email.policy.default)
        self.assertEqual(parsed["Subject"], "grüße aus dem wald")
        self.assertEqual([(a.display_name, a.addr_spec) for a in parsed["From"].addresses],
                         [("Jürgen Größe", "invalid@internationalized-address.invalid"), ("Livia, die Erste", "livia@example.org")])
        self.assertEqual([(g.display_name, [a.addr_spec for a in g.addresses]) for g in parsed["To"].groups],
                         [("Gruppe", ["a@example.org", "b@example.org"])])
        self.assertEqual(parsed.get_filename(), "é.txt")
        self.assertEqual(parsed["X-Plain"], "as it was")
        self.assertTrue(b"\r\n".join(client.top(1, 0)[1]).isascii())

    def test_a_header_that_is_no_utf8_stays(self):
        message = b"Subject: gr\xfc\xdfe\r\n\r\nx\r\n"
        self.add(message)
        self.assertEqual(b"\r\n".join(self.open().retr(1)[1]) + b"\r\n", message)

    def test_names_in_utf8_log_in(self):
        account = self.mansio.new_account(self.livia.address.split("@")[1], local="jürgen", password="größer als gedacht")
        client = self.mansio.pop3()
        self.addCleanup(client.close)
        client.encoding = "UTF-8"
        client._shortcmd("UTF8")  # pylint: disable=protected-access
        client.user(account.address)
        client.pass_(account.password)
        client.quit()

    def test_languages(self):
        client = self.mansio.pop3()
        self.addCleanup(client.close)
        listed = client._longcmd("LANG")[1]  # pylint: disable=protected-access
        self.assertIn(b"en English", listed)
        for language in ("en", "*", "i-default", "EN-gb"):
            client._shortcmd(f"LANG {language}")  # pylint: disable=protected-access
        with self.assertRaises(poplib.error_proto):
            client._shortcmd("LANG tlh")  # pylint: disable=protected-access


class Delay(unittest.TestCase):
    def test_a_login_too_early_is_refused(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        livia = mansio.new_account(mansio.new_domain())
        mansio.command("setting", "set", "imapd.pop3_login_delay", "2m")
        harness.eventually(lambda: mansio.pop3().capa().get("LOGIN-DELAY") == ["120"], what="the setting")
        mansio.pop3(livia).quit()
        with self.assertRaises(poplib.error_proto) as refused:
            mansio.pop3(livia)
        self.assertTrue(re.search(rb"\[LOGIN-DELAY\] .* 1[12][0-9] seconds", refused.exception.args[0]))
        mansio.sql("UPDATE pop3_hold SET taken_at = now() - interval '3 minutes'")
        mansio.pop3(livia).quit()


if __name__ == "__main__":
    unittest.main()
