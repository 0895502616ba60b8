"""Milters that others wrote: Sendmail's libmilter (through Python's binding), and OpenDKIM signing and verifying."""

import email
import email.policy
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import harness
from harness.filters import Daemon, Filtered, free_port

SCRIPT = os.path.join(os.path.dirname(__file__), "filters", "scripted_milter.py")


class ProgramTest(Filtered):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()
        super().tearDownClass()

    def deliver(self, *fields, to=None, body="Salve!"):
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@outside.test")
            for one in to or [self.livia.address]:
                client.rcpt(one)
            code, text = client.data("\r\n".join((*fields, "", body, "")).encode())
            return code, text.decode()


class Libmilter(ProgramTest):
    def setUp(self):
        self.port, self.told = free_port(), os.path.join(self.folder.name, "told")
        milter = Daemon(["/usr/bin/python3", SCRIPT, str(self.port), self.told], self.port)
        self.addCleanup(milter.stop)
        self.attach("milter", f"inet:127.0.0.1:{self.port}")

    def facts(self):
        with open(self.told, encoding="utf-8") as file:
            return json.load(file)

    def test_it_is_told_everything(self):
        code, text = self.deliver("Subject: told", body="x" * 1000)
        self.assertEqual(code, 250, text)
        told = self.facts()
        self.assertEqual((told["name"], told["address"], told["helo"]), ("localhost", "127.0.0.1", "client.test"))
        self.assertEqual((told["sender"], told["rcpts"]), ("<a@outside.test>", [f"<{self.livia.address}>"]))
        self.assertEqual((told["j"], told["daemon"], told["id"]), ("mail.mansio.example", "relay", text.split()[-1]))
        self.assertEqual(told["bytes"], 1002)

    def test_all_changes(self):
        code, text = self.deliver("Subject: before", "X-Gone: 1", "X-Do: add", "X-Do: insert", "X-Do: change", "X-Do: delete", "X-Do: body",
                                  "X-Do: from", "X-Do: progress", f"X-Do: rcpt <{self.marcus.address}>",
                                  f"X-Do: norcpt <{self.livia.address}>")  # fmt: skip
        self.assertEqual(code, 250, text)
        mail = self.mansio.wait_for_mail(self.marcus, "changed")
        self.assertEqual((mail["X-Added"], mail["X-Inserted"], mail["X-Gone"]), ("by libmilter", "on top", None))
        self.assertEqual(mail["Return-Path"], "<changed@outside.test>")
        self.assertEqual(mail.get_content().strip(), "another body")
        self.assertEqual([m for _, m in self.mansio.mail(self.livia) if b"changed" in m], [])

    def test_all_verdicts(self):
        for wish, code in (("reject", 550), ("tempfail", 451), ("discard", 250)):
            with self.subTest(wish=wish):
                self.assertEqual(self.deliver("Subject: refused", f"X-Do: {wish}")[0], code)
        self.assertEqual([m for _, m in self.mansio.mail(self.livia) if b"refused" in m], [])

    def test_quarantine(self):
        self.deliver("Subject: odd", "X-Do: quarantine")
        self.mansio.wait_for_mail(self.livia, "odd", folder="Junk")

    def test_replies_of_several_lines(self):
        refuse = self.mansio.new_account(self.domain, "refuse").address
        with self.mansio.smtp() as client:
            client.ehlo()
            client.mail("a@outside.test")
            code, text = client.rcpt(refuse)
        self.assertEqual((code, text), (550, b"5.7.1 first line\n5.7.1 second line"))

    def test_many_messages_and_sessions(self):
        for i in range(10):
            with self.mansio.smtp() as client:
                for k in range(3):
                    go_on = "X-Do: continue\r\n" if i % 2 else ""
                    client.sendmail("a@outside.test", [self.livia.address], f"Subject: many {i} {k}\r\nX-Do: add\r\n{go_on}\r\nx\r\n")
                if i % 3 == 0:
                    client.mail("a@outside.test")
        mails = [m for _, m in self.mansio.mail(self.livia) if b"Subject: many" in m]
        self.assertEqual(len(mails), 30)
        self.assertTrue(all(b"X-Added: by libmilter" in m for m in mails))

    def test_the_test_says_what_it_may(self):
        said = self.mansio.command("filter", "test", "milter")
        self.assertIn("version 6", said)
        self.assertIn("replace the body", said)

    def test_a_large_message(self):
        self.assertEqual(self.deliver("Subject: large", body="y" * 3_000_000)[0], 250)
        self.assertEqual(self.facts()["bytes"], 3_000_002)


class OpenDkim(ProgramTest):
    """Two of them: one signs what our people send, one verifies what comes in."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = pathlib.Path(cls.folder.name)
        key = folder / "key.pem"
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", key, "2048"], check=True, capture_output=True)
        der = subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        import base64

        record = "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()
        (folder / "keys").write_text(f"test._domainkey.{cls.domain} {record}\n")
        cls.daemons = {}
        for mode in ("s", "v"):
            port = free_port()
            (folder / f"{mode}.conf").write_text(
                f"Mode {mode}\nSocket inet:{port}@127.0.0.1\nSyslog no\nCanonicalization {{}}\nDomain {cls.domain}\nSelector test\n"
                f"KeyFile {key}\nTestPublicKeys {folder}/keys\nBackground no\nRequireSafeKeys no\nAlwaysAddARHeader yes\n"
                f"AuthservID opendkim.test\nTemporaryDirectory {folder}\n"
                f"{'InternalHosts 0.0.0.0/0' if mode == 's' else 'InternalHosts 192.0.2.0/24'}\n".replace("{}", "simple/simple"))  # fmt: skip
            cls.daemons[mode] = (Daemon(["/usr/sbin/opendkim", "-f", "-x", str(folder / f"{mode}.conf")], port), f"inet:127.0.0.1:{port}")

    @classmethod
    def tearDownClass(cls):
        for daemon, _ in cls.daemons.values():
            daemon.stop()
        super().tearDownClass()

    def test_what_it_signs_verifies_at_another_one(self):
        """Simple canonicalisation: one blank or line end changed on the way, and the signature is broken."""
        self.attach("milter", self.daemons["s"][1], "--services", "submission", name="signer")
        self.attach("milter", self.daemons["v"][1], "--services", "relay", name="verifier")
        fields = f"From: <{self.livia.address}>\r\nX-Odd:\ttab  and blanks \r\n\tfolded\r\nX-None:nothing\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
        raw = f"{fields}Message-ID: <1@{self.domain}>\r\nSubject:  signed\r\n\r\nBody  \r\n\r\nlast\r\n\r\n\r\n".encode()
        self.mansio.submit(self.livia, [self.marcus.address], raw=raw)
        (signed,) = [m for _, m in self.mansio.mail(self.marcus) if b"Subject:  signed" in m]
        at = signed.index(b"DKIM-Signature:")
        self.assertIn(b"c=simple/simple", signed)
        with self.mansio.smtp() as client:
            client.sendmail("a@outside.test", [self.livia.address], signed[at:])
        mail = self.verified(b"Subject:  signed")
        self.assertIn("dkim=pass", mail)
        with self.mansio.smtp() as client:
            client.sendmail("a@outside.test", [self.livia.address], signed[at:].replace(b"Subject:  signed", b"Subject: signed"))
        self.assertIn("dkim=fail", self.verified(b"Subject: signed"))

    def verified(self, subject):
        """OpenDKIM's Authentication-Results of the mail with this subject."""
        (raw,) = [m for _, m in self.mansio.mail(self.livia) if subject in m]
        results = email.message_from_bytes(raw, policy=email.policy.default).get_all("Authentication-Results")
        (ours,) = [r for r in results if r.startswith("opendkim.test")]
        return str(ours)


if __name__ == "__main__":
    unittest.main()
