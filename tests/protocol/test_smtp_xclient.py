"""XCLIENT and XFORWARD from trusted servers, and balancers that speak the PROXY protocol in front of every listener."""

import pathlib
import shutil
import smtplib
import socket
import struct
import subprocess
import tempfile
import unittest

import harness


def proxy_header(source, destination=("203.0.113.1", 25)):
    """A PROXY header of version 2; source None is a health check of the balancer itself."""
    signature = b"\r\n\r\n\0\r\nQUIT\n"
    if source is None:
        return signature + b"\x20\0\0\0"
    six = ":" in source[0]
    family = socket.AF_INET6 if six else socket.AF_INET
    to = ("2001:db8::25", destination[1]) if six else destination
    body = socket.inet_pton(family, source[0]) + socket.inet_pton(family, to[0]) + struct.pack("!HH", source[1], to[1])
    return signature + bytes([0x21, 0x21 if six else 0x11]) + struct.pack("!H", len(body)) + body


class Trusted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        ports = {"smtp": 46025, "submissions": 46465, "imap": 46143, "imaps": 46993, "pop3": 46110, "pop3s": 46995}
        base = 0
        while not all(free(port + base) for port in ports.values()):
            base += 7
        cls.proxy = {name: port + base for name, port in ports.items()}
        cls.mansio = harness.private()
        configuration = cls.mansio.instance.place.configuration
        lines = []
        for line in configuration.read_text().splitlines():
            name = line.split("=")[0].strip()
            for service, port in cls.proxy.items():
                if name in (f"mta_{service}", f"imapd_{service}"):
                    line += f" proxy:127.0.0.1:{port}"
            lines.append(line)
        configuration.write_text("\n".join(lines) + "\n")
        cls.mansio.restart("mta")
        cls.mansio.restart("imapd")
        cls.addClassCleanup(cls.mansio.remove)
        cls.domain = cls.mansio.new_domain()
        cls.account = cls.mansio.new_account(cls.domain)
        for name, value in (("policy.greet_delay", "0"), ("policy.sender_domain", "off")):
            cls.mansio.command("setting", "set", name, value)

    def setUp(self):
        for name in ("mta.xclient_networks", "mta.xforward_networks"):
            self.setting(name, "127.0.0.1 10.9.9.9")

    def setting(self, name, value):
        if self.mansio.command("setting", "get", name).strip() != value:
            self.mansio.command("setting", "set", name, value)
            harness.settle(self.mansio)

    def wire(self):
        wire = harness.Wire(self.mansio.host, self.mansio.port["smtp"])
        self.addCleanup(wire.close)
        return wire

    def received(self, subject):
        return self.mansio.wait_for_mail(self.account, subject)["Received"]

    def hand_in(self, wire, subject):
        self.assertEqual(wire.say("MAIL FROM:<a@client.test>")[0], 250)
        self.assertEqual(wire.say(f"RCPT TO:<{self.account.address}>")[0], 250)
        self.assertEqual(wire.say("DATA")[0], 354)
        wire.send(f"Subject: {subject}\r\n\r\n.\r\n".encode())
        self.assertEqual(wire.reply()[0], 250)

    # ---- XCLIENT ----

    def test_only_trusted_peers_are_offered_it_and_may_use_it(self):
        wire = self.wire()
        extensions = wire.greet()
        self.assertIn("XCLIENT NAME ADDR PORT PROTO HELO REVERSE_NAME LOGIN DESTADDR DESTPORT", extensions)
        self.assertIn("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE", extensions)
        self.setting("mta.xclient_networks", "10.9.9.9")
        self.setting("mta.xforward_networks", "")
        wire = self.wire()
        self.assertFalse([e for e in wire.greet() if e.startswith("X")])
        self.assertEqual(wire.say("XCLIENT ADDR=192.0.2.1")[0], 550)
        self.assertEqual(wire.say("XFORWARD ADDR=192.0.2.1")[0], 550)

    def test_the_session_begins_anew_with_the_named_client(self):
        wire = self.wire()
        wire.greet()
        self.assertEqual(wire.say("XCLIENT ADDR=192.0.2.44 NAME=mx.client.test PORT=1234 PROTO=ESMTP")[0], 220)
        self.assertEqual(wire.say("MAIL FROM:<a@client.test>")[0], 503, "EHLO is needed again")
        wire.say("EHLO helo.client.test")
        self.hand_in(wire, "xclient")
        self.assertIn("from helo.client.test (mx.client.test [192.0.2.44])", self.received("xclient"))
        self.assertIn("client=[192.0.2.44]", self.mansio.log("mta"))

    def test_ipv6_and_xtext(self):
        wire = self.wire()
        wire.greet()
        self.assertEqual(wire.say("xclient addr=IPV6:2001:db8::+37 name=mx+2Eclient.test")[0], 220)
        wire.say("EHLO helo.client.test")
        self.hand_in(wire, "xtext")
        self.assertIn("(mx.client.test [IPv6:2001:db8::7])", self.received("xtext"))

    def test_what_the_peer_knows_of_the_name_is_not_looked_up(self):
        self.setting("policy.reverse_exists", "enforce")
        self.addCleanup(self.setting, "policy.reverse_exists", "warn")
        for attributes, code in (("NAME=[UNAVAILABLE]", 550), ("NAME=[TEMPUNAVAIL]", 450), ("NAME=mx.client.test", 250),
                                 ("NAME=[UNAVAILABLE] REVERSE_NAME=mx.client.test", 250)):  # fmt: skip
            wire = self.wire()
            wire.reply()
            self.assertEqual(wire.say(f"XCLIENT ADDR=192.0.2.45 {attributes}")[0], 220)
            wire.say("EHLO helo.client.test")
            wire.say("MAIL FROM:<a@client.test>")
            self.assertEqual(wire.say(f"RCPT TO:<{self.account.address}>")[0], code, attributes)

    def test_helo_is_taken_over(self):
        wire = self.wire()
        wire.reply()
        self.assertEqual(wire.say("XCLIENT ADDR=192.0.2.46 NAME=[UNAVAILABLE] HELO=first.client.test PROTO=SMTP")[0], 220)
        self.hand_in(wire, "xhelo")
        self.assertIn("from first.client.test ([192.0.2.46])", self.received("xhelo"))

    def test_login_is_taken_over_on_the_submission_port(self):
        def login(name):
            client = smtplib.SMTP(self.mansio.host, self.mansio.port["submission"], local_hostname="front.test")
            self.addCleanup(client.close)
            client.ehlo()
            return client, client.docmd("XCLIENT", f"ADDR=192.0.2.47 LOGIN={name}")[0]

        client, code = login(self.account.address.replace("@", "+40"))
        self.assertEqual(code, 220)
        client.ehlo()
        self.assertEqual(client.mail(self.account.address)[0], 250)
        self.assertEqual(client.docmd("RSET")[0], 250)
        self.assertEqual(client.docmd("XCLIENT", "LOGIN=[UNAVAILABLE]")[0], 220)
        client.ehlo()
        self.assertEqual(client.mail(self.account.address)[0], 530)
        self.assertEqual(login("nobody@nowhere.test")[1], 501)

    def test_what_makes_no_sense_changes_nothing(self):
        wire = self.wire()
        wire.greet()
        for bad in ("", "ADDR", "ADDR=", "COLOUR=red", "ADDR=nonsense", "ADDR=192.0.2.1+0D+0A", "PORT=99999", "PROTO=HTTP",
                    "NAME=a(b)", "HELO=a+20b", "NAME=" + "x" * 300, "IDENT=1", "DESTADDR=x"):  # fmt: skip
            self.assertEqual(wire.say(f"XCLIENT {bad}")[0], 501, bad)
            wire.say("EHLO client.test")
        wire = self.wire()
        wire.greet()
        self.hand_in(wire, "unchanged")
        self.assertIn("([127.0.0.1])", self.received("unchanged"))
        wire.say("MAIL FROM:<a@client.test>")
        self.assertEqual(wire.say("XCLIENT ADDR=192.0.2.1")[0], 503)

    # ---- XFORWARD ----

    def test_xforward_is_for_the_log_alone(self):
        wire = self.wire()
        wire.greet()
        self.assertEqual(wire.say("XFORWARD NAME=far.client.test ADDR=192.0.2.66 PORT=4711 PROTO=ESMTP")[0], 250)
        self.assertEqual(wire.say("XFORWARD HELO=far.test IDENT=QUEUE123 SOURCE=REMOTE")[0], 250)
        self.hand_in(wire, "xforward")
        self.assertIn("([127.0.0.1])", self.received("xforward"))
        self.assertIn("forwarded name=far.client.test addr=192.0.2.66 port=4711 proto=ESMTP helo=far.test ident=QUEUE123 source=REMOTE",
                      self.mansio.log("mta"))  # fmt: skip
        before = self.mansio.log("mta").count(": forwarded ")
        self.hand_in(wire, "not forwarded")
        self.assertEqual(self.mansio.log("mta").count(": forwarded "), before, "it holds for one message")

    # ---- PROXY ----

    def connect(self, service, source):
        sock = socket.create_connection((self.mansio.host, self.proxy[service]), 20)
        self.addCleanup(sock.close)
        sock.sendall(proxy_header(source))
        return sock

    def test_the_balancer_says_who_the_client_is(self):
        for n, source in enumerate((("192.0.2.91", 1111), ("2001:db8::91", 2222))):
            sock = self.connect("smtp", source)
            client = smtplib.SMTP(local_hostname="balanced.test")
            client.sock, client.file = sock, None
            self.assertEqual(client.getreply()[0], 220)
            client.sendmail("a@client.test", self.account.address, f"Subject: balanced{n}\r\n\r\n")
            shown = f"IPv6:{source[0]}" if ":" in source[0] else source[0]
            self.assertIn(f"[{shown}]", self.received(f"balanced{n}"))

    def test_a_client_behind_the_balancer_is_not_this_machine(self):
        sock = self.connect("smtp", ("192.0.2.92", 1111))
        client = smtplib.SMTP(local_hostname="192.0.2.92")
        client.sock, client.file = sock, None
        client.getreply()
        client.ehlo()
        client.mail("a@client.test")
        self.assertIn(b"[helo_syntax]", client.rcpt(self.account.address)[1])
        self.assertEqual(client.docmd("XCLIENT", "ADDR=127.0.0.1")[0], 550, "nor trusted")

    def test_a_server_in_front_is_spared_the_rules_until_it_names_a_client(self):
        sock = self.connect("smtp", ("10.9.9.9", 1111))
        client = smtplib.SMTP(local_hostname="192.0.2.92")
        client.sock, client.file = sock, None
        client.getreply()
        client.ehlo()
        client.mail("a@client.test")
        self.assertEqual(client.rcpt(self.account.address)[0], 250)
        self.assertEqual(client.rcpt("b@elsewhere.test")[0], 554, "it may not relay for that")
        client.rset()
        self.assertEqual(client.docmd("XCLIENT", "ADDR=192.0.2.95 NAME=[UNAVAILABLE]")[0], 220)
        client.ehlo()
        client.mail("a@client.test")
        self.assertIn(b"[helo_syntax]", client.rcpt(self.account.address)[1])

    def test_headers_come_before_tls_and_in_pieces(self):
        for service, greeting in (("submissions", b"220 "), ("imaps", b"* OK"), ("pop3s", b"+OK")):
            sock = socket.create_connection((self.mansio.host, self.proxy[service]), 20)
            self.addCleanup(sock.close)
            for byte in proxy_header(("192.0.2.93", 3333)):
                sock.sendall(bytes([byte]))
            with self.mansio.trust().wrap_socket(sock, server_hostname="localhost") as tls:
                self.assertTrue(tls.recv(100).startswith(greeting), service)

    def test_imap_and_pop3_know_the_client_too(self):
        for service, talk in (("imap", b"a LOGIN nobody@nowhere.test wrong\r\n"), ("pop3", b"USER nobody@nowhere.test\r\nPASS wrong\r\n")):
            sock = self.connect(service, ("192.0.2.94", 4444))
            sock.recv(200)
            sock.sendall(talk)
            self.assertTrue(sock.recv(500))

    def test_health_checks_are_of_the_balancer_itself(self):
        self.assertTrue(self.connect("smtp", None).recv(100).startswith(b"220 "))

    def test_who_sends_no_header_is_cut_off(self):
        for garbage in (b"EHLO client.test\r\n", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n", proxy_header(("192.0.2.1", 1))[:12] + b"\x31\x11\0\0"):
            with socket.create_connection((self.mansio.host, self.proxy["smtp"]), 20) as sock:
                sock.sendall(garbage)
                try:
                    self.assertEqual(sock.recv(100), b"")
                except ConnectionResetError:
                    pass

    @unittest.skipUnless(shutil.which("haproxy", path="/usr/sbin:/usr/bin"), "haproxy is not installed")
    def test_haproxy_stands_in_front(self):
        front = 46725
        while not free(front):
            front += 1
        with tempfile.TemporaryDirectory() as folder:
            configuration = pathlib.Path(folder, "haproxy.cfg")
            configuration.write_text(
                "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n"
                f"listen smtp\n bind 127.0.0.1:{front}\n server mta 127.0.0.1:{self.proxy['smtp']} send-proxy-v2 check check-send-proxy\n"
            )
            with subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                try:
                    harness.eventually(lambda: not free(front), 10, "haproxy")
                    with smtplib.SMTP() as client:
                        client.connect("127.0.0.1", front, source_address=("127.44.55.66", 0))
                        client.ehlo("through.haproxy.test")
                        client.sendmail("a@client.test", self.account.address, "Subject: haproxy\r\n\r\n")
                finally:
                    process.terminate()
        self.assertIn("[127.44.55.66]", self.received("haproxy"))

    def test_the_doctor_knows_proxied_listeners(self):
        done = self.mansio.command("doctor", check=False)
        for port in self.proxy.values():
            found = [line for line in done.stdout.splitlines() if f":{port}" in line]
            self.assertTrue(found and "answers" in found[0], f"{port}: {done.stdout}")


def free(port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


if __name__ == "__main__":
    unittest.main()
