"""clamd, Debian's, really running, with a signature of the test's own for the EICAR test file; and servers that are not clamd."""

import email
import email.policy
import hashlib
import os
import pathlib
import tempfile
import unittest

import harness
from harness.filters import Daemon, Filtered, Server, free_port

# in two pieces, so that no scanner takes this file for one
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
CONFIGURATION = """Foreground yes
DatabaseDirectory {folder}/database
TCPSocket {port}
TCPAddr 127.0.0.1
LocalSocket {folder}/socket
TemporaryDirectory {folder}
StreamMaxLength 1M
"""


def infected(subject="infected"):
    mail = email.message.EmailMessage(policy=email.policy.SMTP)
    mail["Subject"], mail["From"], mail["To"] = subject, "a@outside.test", "b@example.test"
    mail.set_content("Look at this.\n")
    mail.add_attachment(EICAR, maintype="application", subtype="octet-stream", filename="eicar.com")
    return mail.as_bytes()


class ClamdTest(Filtered):
    def deliver(self, raw):
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@outside.test")
            client.rcpt(self.livia.address)
            code, text = client.data(raw)
            return code, text.decode()


class Clamd(ClamdTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder, cls.port = tempfile.TemporaryDirectory(), free_port()
        folder = pathlib.Path(cls.folder.name)
        (folder / "database").mkdir()
        (folder / "database" / "test.hdb").write_text(f"{hashlib.md5(EICAR).hexdigest()}:{len(EICAR)}:Test.Eicar\n")
        (folder / "clamd.conf").write_text(CONFIGURATION.format(folder=folder, port=cls.port))
        os.chmod(folder, 0o755)
        cls.clamd = Daemon(["/usr/sbin/clamd", f"--config-file={folder}/clamd.conf"], cls.port)

    @classmethod
    def tearDownClass(cls):
        cls.clamd.stop()
        cls.folder.cleanup()
        super().tearDownClass()

    def attach_it(self, *options, endpoint=None):
        self.attach("clamd", endpoint or f"inet:127.0.0.1:{self.port}", *options)

    def test_a_virus_is_refused_by_its_name(self):
        self.attach_it()
        code, text = self.deliver(infected())
        self.assertEqual((code, text[:5]), (554, "5.7.1"))
        self.assertIn("Test.Eicar", text)
        self.assertIn("found Test.Eicar", self.mansio.log("mta"))

    def test_other_mail_passes(self):
        self.attach_it()
        self.assertEqual(self.deliver(infected().replace(b"WDVP", b"WDVQ"))[0], 250)

    def test_over_a_unix_socket(self):
        self.attach_it(endpoint=f"unix:{self.folder.name}/socket")
        self.assertEqual(self.deliver(infected())[0], 554)

    def test_it_goes_into_junk_where_it_is_set(self):
        self.attach_it("--found", "junk")
        self.assertEqual(self.deliver(infected("to Junk"))[0], 250)
        self.assertIn("Test.Eicar", self.mansio.wait_for_mail(self.livia, "to Junk", folder="Junk")["X-Virus-Found"])

    def test_it_is_only_tagged_where_it_is_set(self):
        self.attach_it("--found", "tag")
        self.deliver(b"X-Virus-Found: forged\r\n" + infected("tagged"))
        found = self.mansio.wait_for_mail(self.livia, "tagged").get_all("X-Virus-Found")
        self.assertEqual(len(found), 1)
        self.assertIn("Test.Eicar", found[0])

    def test_forged_findings_are_taken_out(self):
        self.attach_it()
        self.deliver(b"X-Virus-Found: forged\r\nSubject: clean\r\n\r\nx\r\n")
        self.assertIsNone(self.mansio.wait_for_mail(self.livia, "clean")["X-Virus-Found"])

    def test_warn_lets_it_pass(self):
        self.attach_it("--mode", "warn")
        self.assertEqual(self.deliver(infected("warned"))[0], 250)
        self.assertIn("would refuse", self.mansio.log("mta"))

    def test_more_than_clamd_takes_fails_as_configured(self):
        self.attach_it()
        large = b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 40000
        code, text = self.deliver(large)
        self.assertEqual(code, 451, text)
        self.assertIn("size limit exceeded", self.mansio.log("mta"))
        self.change("clamd", "--on-failure", "accept")
        self.assertEqual(self.deliver(large)[0], 250)

    def test_a_message_over_the_filters_size_is_taken_without_it(self):
        self.attach_it("--max-size", "200K")
        self.assertEqual(self.deliver(b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * 4000)[0], 250)
        self.assertEqual(self.deliver(infected())[0], 554)

    def test_the_test_says_its_version(self):
        self.attach_it()
        self.assertRegex(self.mansio.command("filter", "test", "clamd"), r"ClamAV \d")


class Fake(Server):
    """Reads what comes and answers with `said`; None hangs up at once, "" never answers."""

    def __init__(self, said):
        self.said = said
        super().__init__()

    def serve(self, connection, file):
        if self.said is None:
            return
        data = b""
        while not data.endswith(b"\0\0\0\0"):
            piece = connection.recv(65536)
            if not piece:
                return
            data += piece
        connection.sendall(self.said)
        if not self.said:
            connection.recv(1)


class Failures(ClamdTest):
    def test_servers_that_fail(self):
        for said in (None, b"", b"stream: Something ERROR\0", b"stream: FOUND\0", b"HTTP/1.1 400 no\r\n", b"x" * 10000, b"\0", b"stream: OK"):
            with self.subTest(said=said):
                fake = Fake(said)
                self.attach("clamd", fake.endpoint, "--timeouts", "1,1,1")
                self.assertEqual(self.deliver(infected())[0], 451)
                self.change("clamd", "--on-failure", "accept")
                self.assertEqual(self.deliver(infected())[0], 250)
                self.detach("clamd")
                fake.close()

    def test_a_name_can_not_begin_another_line(self):
        fake = Fake(b"stream: Evil\r\n250 yes FOUND\0")
        self.addCleanup(fake.close)
        self.attach("clamd", fake.endpoint)
        self.assertEqual(self.deliver(infected()), (554, "5.7.1 The message has a virus: Evil__250_yes"))

    def test_one_that_is_not_there(self):
        self.attach("clamd", f"inet:127.0.0.1:{free_port()}")
        self.assertEqual(self.deliver(infected())[0], 451)
        self.change("clamd", "--on-failure", "accept")
        self.assertEqual(self.deliver(infected())[0], 250)


if __name__ == "__main__":
    unittest.main()
