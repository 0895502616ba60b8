"""What a message needs of the next server, and what becomes of it where that is not offered."""

import email
import itertools
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import unittest

import harness

GRUEN = "gr\u00fcn"


_serials = itertools.count(1000)


def certificate(mansio, name):
    """A TLS context with a certificate for this name by the instance's authority."""
    tls = mansio.var / "tls"
    with tempfile.TemporaryDirectory() as folder:

        def openssl(*args):
            subprocess.run(["openssl", *args], check=True, capture_output=True)

        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{folder}/key", "-out", f"{folder}/csr")
        with open(f"{folder}/ext", "w", encoding="ascii") as file:
            file.write(f"subjectAltName=DNS:{name}\n")
        openssl("x509", "-req", "-in", f"{folder}/csr", "-CA", str(tls / "ca.crt"), "-CAkey", str(tls / "ca.key"), "-days", "2",
                "-set_serial", f"{os.getpid()}{next(_serials)}", "-extfile", f"{folder}/ext", "-out", f"{folder}/crt")  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{folder}/crt", f"{folder}/key")
    return context


class Onward(harness.QueueCase):
    def far(self, extensions=("PIPELINING", "8BITMIME"), **kwargs):
        """A domain whose server offers these extensions."""
        sink = harness.Sink(self.mansio, converse_chunks(self.kept, extensions, **kwargs))
        self.enterContext(sink)
        return self.zone("@ MX 10 mx", f"mx A {sink.address}")

    def relay(self, sink, host):
        """A relay domain with this server as its host, which the zone of `host` names."""
        self.mansio.outside_zone(host, [f"mx A {sink.address}"])
        name = f"relay{next(self.numbers)}-{self.domain}"
        self.mansio.command("domain", "add", name, "--tenant", self.mansio.new_tenant(), "--kind", "relay", "--target", f"mx.{host}:{sink.port}")
        return name

    def submit(self, to, raw=b"Subject: x\r\n\r\nbody\r\n", mail_options=(), rcpt_options=(), chunked=False, starttls=False):
        with self.mansio.submission(self.livia) as client:
            mail, rcpt = " ".join(mail_options), " ".join(rcpt_options)
            self.say(client, f"MAIL FROM:<{self.livia.address}> {mail}".strip(), 250)
            for one in [to] if isinstance(to, str) else to:
                self.say(client, f"RCPT TO:<{one}> {rcpt}".strip(), 250)
            if chunked:
                client.sock.sendall(b"BDAT %d LAST\r\n" % len(raw) + raw)
            else:
                self.say(client, "DATA", 354)
                client.sock.sendall(raw + b".\r\n")
            code, text = client.getreply()
            self.assertEqual(code, 250, text)

    def say(self, client, line, code):
        client.sock.sendall(line.encode() + b"\r\n")
        got, text = client.getreply()
        self.assertEqual(got, code, f"{line}: {text}")

    def fields(self, report):
        """Those of the first recipient."""
        blocks = report.get_payload(1).get_payload()
        # Python takes a message/global-delivery-status for a message with a header.
        return blocks[1] if len(blocks) > 1 else email.message_from_string(blocks[0].get_payload())

    # ---- 8-bit and binary content ----

    def test_8bit_text_is_encoded_for_a_server_without_8bitmime(self):
        domain = self.far(extensions=("PIPELINING",))
        self.submit(f"a@{domain}", "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ngrün\r\n".encode(), ["BODY=8BITMIME"])
        mail = self.wait()
        self.assertNotIn("BODY", mail.lines[1])
        self.assertTrue(mail.data.endswith(b"\r\n\r\ngr=C3=BCn\r\n"), mail.data)
        self.assertTrue(mail.data.isascii())
        self.assertIn(b"Content-Transfer-Encoding: quoted-printable\r\n", mail.data)

    def test_a_signed_one_goes_as_it_is(self):
        domain = self.far(extensions=("PIPELINING",))
        self.submit(f"a@{domain}", "DKIM-Signature: v=1\r\nSubject: x\r\n\r\ngrün\r\n".encode())
        self.assertTrue(self.wait().data.endswith("\r\n\r\ngrün\r\n".encode()))

    BINARY = b"MIME-Version: 1.0\r\nContent-Type: application/x; name=y\r\nContent-Transfer-Encoding: binary\r\n\r\n\0\x01\xff\n.\n\r.\r\n.\r\nend"

    def test_binary_content_goes_on_in_a_chunk(self):
        domain = self.far(extensions=("PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME"))
        self.submit(f"a@{domain}", self.BINARY, ["BODY=BINARYMIME"], chunked=True)
        mail = self.wait()
        self.assertIn("BODY=BINARYMIME", mail.lines[1])
        self.assertTrue(mail.data.endswith(self.BINARY))

    def both(self):
        """An alias that leads into a mailbox here and to a server that takes binary content."""
        domain = self.far(extensions=("PIPELINING", "8BITMIME", "CHUNKING", "BINARYMIME"))
        self.mansio.command("alias", "set", f"both@{self.domain}", self.livia.address, f"a@{domain}")
        return f"both@{self.domain}"

    def assert_both(self):
        mail = self.wait()
        self.assertIn("BODY=BINARYMIME", mail.lines[1])
        self.assertTrue(mail.data.endswith(self.BINARY))
        got = self.mansio.wait_for_mail(self.livia)
        self.assertEqual(got["Content-Transfer-Encoding"], "base64")
        self.assertEqual(got.get_payload(decode=True), self.BINARY.split(b"\r\n\r\n", 1)[1])

    def test_it_goes_on_as_it_came_though_a_mailbox_here_has_it_without_nul(self):
        self.submit(self.both(), self.BINARY, ["BODY=BINARYMIME"], chunked=True)
        self.assert_both()

    def test_it_does_so_where_it_was_kept_for_later(self):
        self.submit(self.both(), self.BINARY, ["BODY=BINARYMIME", "HOLDFOR=1"], chunked=True)
        self.assert_both()

    def test_or_in_base64_where_the_server_does_not_take_it(self):
        for extensions in ((), ("8BITMIME", "PIPELINING", "CHUNKING"), ("BINARYMIME",)):
            with self.subTest(extensions=extensions):
                before = len(self.kept)
                domain = self.far(extensions=extensions)
                self.submit(f"a@{domain}", self.BINARY, ["BODY=BINARYMIME"], chunked=True)
                mail = self.wait(before + 1)
                self.assertTrue(mail.data.isascii())
                got = email.message_from_bytes(mail.data)
                self.assertEqual(got.get_payload(decode=True), self.BINARY.split(b"\r\n\r\n", 1)[1])
                self.assertEqual(got["Content-Transfer-Encoding"], "base64")

    # ---- SMTPUTF8 ----

    def test_an_address_beyond_ascii_goes_to_a_server_with_smtputf8(self):
        domain = self.far(extensions=("PIPELINING", "8BITMIME", "SMTPUTF8"))
        self.submit(f"{GRUEN}@{domain}", f"Subject: {GRUEN}\r\n\r\nbody\r\n".encode(), ["SMTPUTF8"])
        mail = self.wait()
        self.assertTrue(mail.lines[1].endswith(" SMTPUTF8"), mail.lines)
        self.assertIn(f"RCPT TO:<{GRUEN}@{domain}>", mail.lines)
        self.assertIn(f"Subject: {GRUEN}\r\n".encode(), mail.data)
        self.assertRegex(mail.data, rb"with UTF8SMTPSA id")

    def test_and_to_no_other(self):
        domain = self.far()
        self.submit(f"{GRUEN}@{domain}", mail_options=["SMTPUTF8"])
        report = self.bounce()
        self.assertEqual(self.fields(report)["Status"], "5.6.7")
        self.assertEqual(report.get_payload(1).get_content_type(), "message/global-delivery-status")
        self.assertIn(f"Final-Recipient: utf-8; {GRUEN}@{domain}".encode(), self.mansio.mail(self.livia)[0][1])
        self.assertEqual(self.kept, [])

    def test_nor_does_a_header_beyond_ascii(self):
        domain = self.far()
        self.submit(f"bob@{domain}", f"Subject: {GRUEN}\r\n\r\nbody\r\n".encode(), ["SMTPUTF8"])
        report = self.bounce()
        self.assertEqual(self.fields(report)["Status"], "5.6.9")
        self.assertEqual(report.get_payload(2).get_content_type(), "message/global")

    def test_ascii_recipients_of_the_same_message_get_it(self):
        domain = self.far()
        self.submit([f"{GRUEN}@{domain}", f"bob@{domain}"], mail_options=["SMTPUTF8"])
        mail = self.wait()
        self.assertEqual([line for line in mail.lines if line.startswith("RCPT")], [f"RCPT TO:<bob@{domain}>"])
        self.assertNotIn("SMTPUTF8", mail.lines[1])
        report = self.bounce()
        self.assertEqual(report.as_string().count("Final-Recipient:"), 1)
        self.assertEqual(self.fields(report)["Status"], "5.6.7")

    def test_an_international_domain_needs_nothing(self):
        domain = self.far()
        self.mansio.outside_zone(f"xn--bcher-kva.{domain}", [f"@ MX 10 mx.{domain}."])
        self.submit(f"bob@b\u00fccher.{domain}", mail_options=["SMTPUTF8"])
        self.assertIn(f"RCPT TO:<bob@xn--bcher-kva.{domain}>", self.wait().lines)

    def test_another_mx_that_has_it_is_taken(self):
        without = harness.Sink(self.mansio, converse_chunks([], ("8BITMIME",)))
        good = harness.Sink(self.mansio, converse_chunks(self.kept, ("8BITMIME", "SMTPUTF8")))
        self.enterContext(without)
        self.enterContext(good)
        domain = f"two-{self.domain}".replace(".example", ".test")
        self.mansio.outside_zone(domain, ["@ MX 10 a", "@ MX 20 b", f"a A {without.address}", f"b A {good.address}"])
        self.submit(f"{GRUEN}@{domain}", mail_options=["SMTPUTF8"])
        self.wait()
        self.assertEqual(without.connections, 1)

    # ---- DSN ----

    DSN = ["RET=HDRS", "ENVID=a+2Bb"]

    def test_what_the_sender_asks_goes_on_to_a_server_with_dsn(self):
        domain = self.far(extensions=("PIPELINING", "DSN"))
        self.submit(f"bob@{domain}", mail_options=self.DSN, rcpt_options=["NOTIFY=success,delay", "ORCPT=rfc822;bob+2Bx@there.test"])
        mail = self.wait()
        self.assertTrue(mail.lines[1].endswith(" RET=HDRS ENVID=a+2Bb"), mail.lines)
        self.assertEqual(mail.lines[2], f"RCPT TO:<bob@{domain}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;bob+2Bx@there.test")
        harness.eventually(lambda: f"delivered to=<bob@{domain}>" in self.mansio.log("mta"), 10)
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_an_alias_is_named_to_a_server_with_dsn(self):
        domain = self.far(extensions=("PIPELINING", "DSN"))
        self.mansio.command("alias", "set", f"robert@{self.domain}", f"bob@{domain}")
        self.submit(f"robert@{self.domain}", rcpt_options=["NOTIFY=SUCCESS"])
        self.assertEqual(self.wait().lines[2], f"RCPT TO:<bob@{domain}> NOTIFY=SUCCESS ORCPT=rfc822;robert@{self.domain}")

    def test_an_original_recipient_beyond_ascii_goes_on_encoded(self):
        domain = self.far(extensions=("PIPELINING", "DSN"))
        self.submit(f"bob@{domain}", rcpt_options=["NOTIFY=FAILURE", "ORCPT=utf-8;gr\\x{FC}n@there.test"])
        self.assertIn(r"ORCPT=utf-8;gr\x{FC}n@there.test", self.wait().lines[2])

    def test_a_server_without_dsn_is_the_end_of_what_can_be_told(self):
        domain = self.far(extensions=("PIPELINING",))
        self.submit(f"bob@{domain}", mail_options=self.DSN, rcpt_options=["NOTIFY=SUCCESS", "ORCPT=rfc822;bob@there.test"])
        self.assertNotRegex(" ".join(self.wait().lines), "RET|ENVID|NOTIFY|ORCPT")
        report = self.bounce()
        fields = self.fields(report)
        self.assertEqual((fields["Action"], fields["Status"][0]), ("relayed", "2"))
        self.assertEqual(fields["Original-Recipient"], "rfc822; bob@there.test")
        self.assertEqual(report.get_payload(1).get_payload(0)["Original-Envelope-Id"], "a+b")
        self.assertEqual(report.get_payload(2).get_content_type(), "text/rfc822-headers")

    def refusing(self, **kwargs):
        return self.far(answer=lambda verb, line: "550 5.1.1 nobody" if verb == "RCPT" else None, **kwargs)

    def test_never_means_never(self):
        domain = self.refusing()
        self.submit(f"bob@{domain}", rcpt_options=["NOTIFY=NEVER"])
        harness.eventually(lambda: f"failed to=<bob@{domain}>" in self.mansio.log("mta"), 10)
        self.submit(f"carol@{domain}", rcpt_options=["NOTIFY=FAILURE"])
        self.assertIn(f"carol@{domain}", self.bounce().as_string())
        self.assertEqual(len(self.mansio.mail(self.livia)), 1)

    def test_ret_says_how_much_comes_back(self):
        domain = self.refusing()
        for ret, kind in (("FULL", "message/rfc822"), ("HDRS", "text/rfc822-headers")):
            self.submit(f"bob@{domain}", raw=f"Subject: {ret}\r\n\r\nbody\r\n".encode(), mail_options=[f"RET={ret}"])
            harness.eventually(lambda r=ret: any(f"Subject: {r}".encode() in body for _, body in self.mansio.mail(self.livia)), 10)
            report = next(email.message_from_bytes(b) for _, b in self.mansio.mail(self.livia) if f"Subject: {ret}".encode() in b)
            self.assertEqual(report.get_payload(2).get_content_type(), kind)

    # ---- LIMITS ----

    def recipients(self):
        return [sum(line.startswith("RCPT") for line in mail.lines) for mail in self.kept]

    def test_a_server_gets_as_many_recipients_as_it_takes(self):
        domain = self.far(extensions=("PIPELINING", "LIMITS RCPTMAX=2"))
        self.submit([f"r{n}@{domain}" for n in range(5)])
        self.wait(3)
        self.assertEqual(self.recipients(), [2, 2, 1])
        self.assertEqual(len({mail.connection for mail in self.kept}), 1)

    def test_and_as_many_messages_in_a_session(self):
        domain = self.far(extensions=("PIPELINING", "LIMITS RCPTMAX=1 MAILMAX=2"))
        self.submit([f"r{n}@{domain}" for n in range(5)])
        self.wait(5)
        self.assertEqual([mail.connection for mail in self.kept], [1, 1, 2, 2, 3])
        harness.eventually(lambda: not self.mansio.sql(f"SELECT 1 FROM queue_recipient WHERE address LIKE '%@{domain}'"), 5)

    # ---- REQUIRETLS ----

    def private_relay(self, extensions, certificate_name=None, tls=True):
        host = f"tls{next(self.numbers)}-{self.domain}".replace(".example", ".test")
        context = certificate(self.mansio, certificate_name or f"mx.{host}") if tls else None
        sink = harness.Sink(self.mansio, converse_chunks(self.kept, extensions, tls=context))
        self.enterContext(sink)
        return self.relay(sink, host)

    def test_requiretls_is_offered_under_tls_only(self):
        with harness.Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
            self.assertNotIn("REQUIRETLS", wire.greet())
            self.assertEqual(wire.say("MAIL FROM:<a@outside.test> REQUIRETLS")[0], 530)
        with self.mansio.submission(self.livia) as client:
            client.ehlo()
            self.assertIn("requiretls", client.esmtp_features)

    def test_requiretls_goes_on_over_verified_tls(self):
        domain = self.private_relay(("PIPELINING", "REQUIRETLS"))
        self.submit(f"bob@{domain}", mail_options=["REQUIRETLS"])
        self.assertIn(" REQUIRETLS", self.wait().lines[-3])

    def check_no_tls(self, pattern, *args, **kwargs):
        domain = self.private_relay(*args, **kwargs)
        self.submit(f"bob@{domain}", raw=b"Subject: a secret\r\nMessage-ID: <x1@y.test>\r\nTLS-Required: No\r\n\r\nanother\r\n", mail_options=["REQUIRETLS"])
        report = self.bounce()
        self.assertEqual(self.fields(report)["Status"], "5.7.30")
        self.assertRegex(report.as_string(), pattern)
        self.assertNotIn("secret", report.as_string())
        self.assertNotIn("another", report.as_string())
        self.assertIn("<x1@y.test>", report.as_string())
        self.assertEqual(self.kept, [])

    def test_not_without_tls(self):
        self.check_no_tls("offers no TLS", ("REQUIRETLS",), tls=False)

    def test_not_with_a_certificate_for_another(self):
        self.check_no_tls("certificate", ("REQUIRETLS",), certificate_name="mx.elsewhere.test")

    def test_not_to_a_server_that_promises_nothing(self):
        self.check_no_tls("REQUIRETLS", ("PIPELINING",))

    def test_not_to_an_mx_that_anybody_could_have_named(self):
        host = f"mx-{self.domain}".replace(".example", ".test")
        sink = harness.Sink(self.mansio, converse_chunks(self.kept, ("REQUIRETLS",), tls=certificate(self.mansio, f"mx.{host}")))
        self.enterContext(sink)
        self.mansio.outside_zone(host, ["@ MX 10 mx", f"mx A {sink.address}"])
        self.submit(f"bob@{host}", mail_options=["REQUIRETLS"])
        self.assertEqual(self.fields(self.bounce())["Status"], "5.7.30")
        self.assertEqual(self.kept, [])


class Proven(unittest.TestCase):
    """REQUIRETLS to an MX that DNSSEC proves. The nameserver is this test's own."""

    ZONE = "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n@ MX 10 mx\nmx A {address}\n"
    CONF = """options {{ directory "{folder}"; pid-file none; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
        recursion yes; allow-query {{ any; }}; dnssec-validation no; session-keyfile none; empty-zones-enable no;
        forward only; forwarders {{ 127.0.0.1 port 9; }}; }};
        controls {{ }};
        zone "proven.test" {{ type primary; file "proven.test.signed"; }};
        zone "unproven.test" {{ type primary; file "unproven.test"; }};
        """

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        os.chmod(self.folder, 0o755)  # the MTA reads the anchor as another user
        self.address = f"127.{1 + os.getpid() % 250}.{os.getpid() // 250 % 250}.99"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for zone in ("proven.test", "unproven.test"):
            (self.folder / zone).write_text(self.ZONE.format(address=self.address))
        self.sign("proven.test")
        (self.folder / "named.conf").write_text(self.CONF.format(folder=self.folder, port=port))
        named = subprocess.Popen(["named", "-g", "-n", "1", "-c", self.folder / "named.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(named.wait)
        self.addCleanup(named.terminate)
        self.mansio = harness.private(overrides={"resolver": f"127.0.0.1@{port} anchor={self.folder}/anchor"})
        self.addCleanup(self.mansio.remove)
        self.livia = self.mansio.new_account(self.mansio.new_domain())

    def sign(self, zone):
        def run(*args):
            return subprocess.run(args, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

        keys = [run("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", *flags, zone) for flags in (("-f", "KSK"), ())]
        with open(self.folder / zone, "a", encoding="ascii") as file:
            file.writelines((self.folder / f"{key}.key").read_text() for key in keys)
        run("dnssec-signzone", "-q", "-S", "-z", "-o", zone, zone)
        (self.folder / "anchor").write_text((self.folder / f"{keys[0]}.key").read_text())

    def test_it_goes_where_the_mx_is_proven_and_nowhere_else(self):
        for zone, arrives in (("proven.test", True), ("unproven.test", False)):
            kept = []
            script = converse_chunks(kept, ("PIPELINING", "REQUIRETLS"), tls=certificate(self.mansio, f"mx.{zone}"))
            with harness.Sink(self.mansio, script, address=self.address), self.mansio.submission(self.livia) as client:
                client.ehlo()
                client.sendmail(self.livia.address, [f"bob@{zone}"], "Subject: x\r\n\r\n", mail_options=["REQUIRETLS"])
                if arrives:
                    harness.eventually(lambda k=kept: k, 15, self.mansio.log("mta")[-2000:])
                else:
                    self.assertIn("5.7.30", self.mansio.wait_for_mail(self.livia).as_string())
                self.assertEqual(bool(kept), arrives)


def converse_chunks(kept, extensions, answer=lambda verb, line: None, tls=None):
    """harness.converse for a server that takes BDAT, too."""

    class Chunks:
        """A peer whose BDAT looks like DATA to the script."""

        def __init__(self, peer):
            self.peer, self.chunk = peer, None

        def line(self):
            line = self.peer.line()
            if line.startswith("BDAT"):
                self.chunk = self.peer.file.read(int(line.split()[1]))
                return "DATA"
            return line

        def say(self, text):
            if not (self.chunk is not None and text.startswith("354")):
                self.peer.say(text)

        def data(self):
            if self.chunk is None:
                return self.peer.data()
            chunk, self.chunk = self.chunk, None
            return chunk

        def start_tls(self, context):
            self.peer.start_tls(context)

    script = harness.converse(kept, extensions=extensions, answer=answer, tls=tls)
    return lambda peer: script(Chunks(peer))


if __name__ == "__main__":
    unittest.main()
