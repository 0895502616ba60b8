"""URLs that carry the right to read what they name (URLAUTH, RFC 4467 and 5524)."""

import base64
import datetime
import re
import unittest

import harness

NOISE = bytes(range(256)) * 50
NOTE = b"".join(
    [
        b"Subject: note\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n",
        b"--b\r\nContent-Type: application/x; name=noise\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        base64.encodebytes(NOISE).replace(b"\n", b"\r\n"),
        b"--b\r\nContent-Transfer-Encoding: x-secret\r\n\r\nabc\r\n--b--\r\n",
    ]
)


class Case(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.paul = self.mansio.new_account(self.mansio.new_domain())
        self.wire = self.session(self.livia)
        self.other = self.session(self.paul)
        self.uid = int(re.match(r"OK \[APPENDUID \d+ (\d+)\]", self.wire.append("INBOX", NOTE)[0])[1])
        self.host = re.match(rb"\* OK \[.*\] (\S+) ready", self.wire.greeting)[1].decode()

    def session(self, account):
        wire = harness.ImapWire(self.mansio, account)
        self.addCleanup(wire.close)
        return wire

    def rump(self, access="anonymous", rest="", path="/INBOX", user=None, host=None):
        user = (user or self.livia.address).replace("@", "%40")
        return f"imap://{user}@{host or self.host}{path}/;UID={self.uid}{rest};URLAUTH={access}"

    def generate(self, *rumps, wire=None):
        line = (wire or self.wire).must("GENURLAUTH " + " ".join(f'"{rump}" INTERNAL' for rump in rumps))[0]
        self.assertTrue(line.startswith(b"* GENURLAUTH "))
        urls = re.findall(r'"([^"]+)"', line.decode())
        for rump, url in zip(rumps, urls, strict=True):
            self.assertRegex(url, "^" + re.escape(rump) + ":INTERNAL:[0-9a-f]{64}$")
        return urls if len(urls) > 1 else urls[0]

    def fetch(self, url, wire=None):
        """The bytes, or None for NIL."""
        line = (wire or self.other).must(f'URLFETCH "{url}"')[0]
        head = f'* URLFETCH "{url}" '.encode()
        self.assertTrue(line.startswith(head), line)
        if line[len(head) :] == b"NIL":
            return None
        found = re.match(rb"\{(\d+)\}\r\n", line[len(head) :])
        data = line[len(head) + found.end() :]
        self.assertEqual(len(data), int(found[1]))
        return data


class Authorizing(Case):
    def test_others_read_what_the_url_names_and_nothing_else(self):
        self.assertEqual(self.fetch(self.generate(self.rump())), NOTE)
        self.assertEqual(self.fetch(self.generate(self.rump(rest="/;SECTION=1"))), b"hello")
        self.assertEqual(self.fetch(self.generate(self.rump(rest="/;SECTION=HEADER.FIELDS%20(Subject)"))), b"Subject: note\r\n\r\n")
        self.assertEqual(self.fetch(self.generate(self.rump(rest="/;PARTIAL=3.10"))), NOTE[3:13])
        url = self.generate(self.rump(rest="/;SECTION=1"))
        for changed in (url.replace("SECTION=1", "SECTION=2"), url.replace("/;SECTION=1", ""), url.replace(f"UID={self.uid}", f"UID={self.uid + 1}"), url.replace("INBOX", "Sent"), url[:-1] + ("0" if url[-1] != "0" else "1"), url[:-2], url.replace("INTERNAL", "OTHER"), url.replace("anonymous", "authuser"), url + "00", self.rump(rest="/;SECTION=1"), self.rump().split(";URLAUTH")[0], "/INBOX/;UID=1", "x"):
            self.assertIsNone(self.fetch(changed), changed)
        self.assertIsNone(self.fetch(url.replace(self.livia.address.replace("@", "%40"), self.paul.address.replace("@", "%40"))))

    def test_it_does_not_set_seen_and_needs_no_mailbox_to_be_selected(self):
        self.fetch(self.generate(self.rump()))
        self.wire.must("SELECT INBOX")
        self.assertNotIn(b"\\Seen", self.wire.must("FETCH 1 FLAGS")[0])
        self.assertEqual(self.fetch(self.generate(self.rump()), self.wire), NOTE)

    def test_to_whom(self):
        user = self.generate(self.rump("user+" + self.paul.address.replace("@", "%40")))
        self.assertEqual(self.fetch(user), NOTE)
        self.assertIsNone(self.fetch(user, self.wire))
        self.assertIsNone(self.fetch(user, self.session(self.mansio.new_account(self.domain))))
        self.assertEqual(self.fetch(self.generate(self.rump("authuser"))), NOTE)
        submit = self.generate(self.rump("submit+" + self.livia.address.replace("@", "%40")))
        self.assertIsNone(self.fetch(submit))
        self.assertIsNone(self.fetch(submit, self.wire))

    def test_until_when(self):
        def expiring(seconds):
            at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
            return self.rump(rest=";EXPIRE=" + at.strftime("%Y-%m-%dT%H:%M:%SZ"))

        self.assertEqual(self.fetch(self.generate(expiring(1000))), NOTE)
        url = self.generate(expiring(2))
        self.assertEqual(self.fetch(url), NOTE)
        harness.eventually(lambda: self.fetch(url) is None, 10, "the URL's end")
        self.assertTrue(self.wire.run(f'GENURLAUTH "{expiring(-5)}" INTERNAL')[0].startswith("BAD"))

    def test_what_is_gone_is_gone(self):
        url = self.generate(self.rump())
        self.assertEqual(self.fetch(url), NOTE)
        self.wire.must("SELECT INBOX")
        self.wire.must("STORE 1 +FLAGS (\\Deleted)")
        self.wire.must("EXPUNGE")
        self.assertIsNone(self.fetch(url))

    def test_a_mailbox_of_the_same_name_is_another_one(self):
        self.wire.must("CREATE plans")
        self.uid = int(re.match(r"OK \[APPENDUID \d+ (\d+)\]", self.wire.append("plans", NOTE)[0])[1])
        url = self.generate(self.rump(path="/plans"))
        self.assertEqual(self.fetch(url), NOTE)
        self.wire.must("DELETE plans")
        self.wire.must("CREATE plans")
        self.wire.append("plans", NOTE)
        self.assertIsNone(self.fetch(url))
        self.assertEqual(self.fetch(self.generate(self.rump(path="/plans"))), NOTE)

    def test_keys_are_reset(self):
        self.wire.append("Sent", NOTE)
        self.uid = 1
        inbox, sent = self.generate(self.rump(), self.rump(path="/Sent"))
        self.assertEqual((self.fetch(inbox), self.fetch(sent)), (NOTE, NOTE))
        self.assertTrue(self.wire.run("RESETKEY INBOX INTERNAL")[0].startswith("OK [URLMECH INTERNAL]"))
        self.assertEqual((self.fetch(inbox), self.fetch(sent)), (None, NOTE))
        again = self.generate(self.rump())
        self.assertNotEqual(again, inbox)
        self.assertEqual(self.fetch(again), NOTE)
        self.other.must("RESETKEY")  # paul's own
        self.assertEqual(self.fetch(sent), NOTE)
        self.wire.must("RESETKEY")
        self.assertEqual((self.fetch(again), self.fetch(sent)), (None, None))
        self.assertTrue(self.wire.run("RESETKEY nowhere")[0].startswith("NO [NONEXISTENT]"))
        self.assertTrue(self.wire.run("RESETKEY INBOX OTHER")[0].startswith("NO"))

    def test_the_same_url_gets_the_same_token_until_then(self):
        first = self.generate(self.rump())
        self.assertEqual(self.generate(self.rump(), wire=self.session(self.livia)), first)

    def test_only_owners_authorize(self):
        for wrong in (self.rump(user=self.paul.address), self.rump(host="elsewhere.example"), self.rump("everybody"), self.rump(rest="/;SECTION="), f"/INBOX/;UID={self.uid};URLAUTH=anonymous", self.rump().split(";URLAUTH")[0], self.generate(self.rump()), "x"):
            self.assertTrue(self.wire.run(f'GENURLAUTH "{wrong}" INTERNAL')[0].startswith("BAD"), wrong)
        self.assertTrue(self.wire.run(f'GENURLAUTH "{self.rump(path="/nowhere")}" INTERNAL')[0].startswith("NO"))
        self.assertTrue(self.wire.run(f'GENURLAUTH "{self.rump()}" OTHER')[0].startswith("BAD"))
        for wrong in ("GENURLAUTH", "GENURLAUTH x", "URLFETCH", "URLFETCH (", 'URLFETCH ("x"', 'URLFETCH ("x" NONSENSE)', "RESETKEY INBOX (", f'GENURLAUTH "{self.rump()}" INTERNAL x'):
            self.assertTrue(self.wire.run(wrong)[0].startswith("BAD"), wrong)
        with harness.ImapWire(self.mansio) as stranger:
            self.assertTrue(stranger.run('URLFETCH "x"')[0].startswith("BAD"))

    def test_several_at_once_and_by_literal(self):
        one, two = self.generate(self.rump(rest="/;SECTION=1"), self.rump(rest="/;PARTIAL=0.5"))
        line = self.other.must(f'URLFETCH "{one}" {{{len(two)}+}}\r\n{two} x')[0]
        self.assertEqual(line, f'* URLFETCH "{one}" {{5}}\r\nhello "{two}" {{5}}\r\nSubje "x" NIL'.encode())

    def test_large_messages(self):
        large = b"Subject: large\r\n\r\n" + b"0123456789abcde\n" * 300000
        self.uid = int(re.match(r"OK \[APPENDUID \d+ (\d+)\]", self.wire.append("INBOX", large)[0])[1])
        self.assertEqual(self.fetch(self.generate(self.rump())), large)

    def test_messages_are_put_together_from_what_others_gave(self):
        url = self.generate(self.rump("user+" + self.paul.address.replace("@", "%40"), rest="/;SECTION=1"))
        reply, _ = self.other.run(f'APPEND INBOX CATENATE (TEXT {{14+}}\r\nSubject: x\r\n\r\n URL "{url}")')
        self.assertTrue(reply.startswith("OK"), reply)
        self.other.must("SELECT INBOX")
        self.assertIn(b"Subject: x\r\n\r\nhello", self.other.must("FETCH 1 BODY[]")[0])
        self.assertTrue(self.wire.run(f'APPEND INBOX CATENATE (URL "{url}")')[0].startswith("NO [BADURL"))
        self.assertTrue(self.other.run(f'APPEND INBOX CATENATE (URL "{url.replace("SECTION=1", "SECTION=2")}")')[0].startswith("NO [BADURL"))


class Decoding(Case):
    """RFC 5524"""

    def extended(self, url, what):
        line = self.other.must(f'URLFETCH ("{url}" {what})')[0]
        head = f'* URLFETCH "{url}" '.encode()
        self.assertTrue(line.startswith(head), line)
        return line[len(head) :]

    def test_parts_come_decoded(self):
        url = self.generate(self.rump(rest="/;SECTION=2"))
        self.assertEqual(self.extended(url, "BINARY"), b"(BINARY ~{%d}\r\n%b)" % (len(NOISE), NOISE))
        encoded = base64.encodebytes(NOISE).replace(b"\n", b"\r\n")[:-2]
        self.assertEqual(self.extended(url, "BODY"), b"(BODY {%d}\r\n%b)" % (len(encoded), encoded))
        self.assertEqual(self.extended(url, "BODYPARTSTRUCTURE BINARY")[-len(NOISE) - 1 :], NOISE + b")")
        self.assertTrue(self.extended(url, "BODYPARTSTRUCTURE").startswith(b'(BODYPARTSTRUCTURE ("application" "x" ("name" "noise") NIL NIL "base64" '))

    def test_pieces_unknown_encodings_and_the_whole(self):
        self.assertEqual(self.extended(self.generate(self.rump(rest="/;SECTION=2/;PARTIAL=100.5")), "BINARY"), b"(BINARY ~{5}\r\ndefgh)")
        self.assertEqual(self.extended(self.generate(self.rump(rest="/;SECTION=3")), "BINARY"), b"(BINARY NIL)")
        self.assertEqual(self.extended(self.generate(self.rump()), "BINARY"), b"(BINARY {%d}\r\n%b)" % (len(NOTE), NOTE))
        self.assertEqual(self.extended(self.generate(self.rump(rest="/;PARTIAL=1000000")), "BODY"), b"(BODY {0}\r\n)")
        self.assertEqual(self.extended("imap://x@y/INBOX/;UID=1", "BINARY"), b"NIL")


class Submitting(unittest.TestCase):
    def test_the_submission_server_reads_what_it_is_to_send(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        domain = mansio.new_domain()
        livia, server = mansio.new_account(domain), mansio.new_account(domain)
        mansio.command("setting", "set", "imap.submission_user", server.address)
        with harness.ImapWire(mansio, livia) as wire, harness.ImapWire(mansio, server) as submission:
            wire.append("INBOX", NOTE)
            host = re.match(rb"\* OK \[.*\] (\S+) ready", wire.greeting)[1].decode()
            user = livia.address.replace("@", "%40")
            rump = f"imap://{user}@{host}/INBOX/;UID=1;URLAUTH=submit+{user}"
            url = re.search(r'"([^"]+)"', wire.must(f'GENURLAUTH "{rump}" INTERNAL')[0].decode())[1]
            harness.eventually(lambda: NOTE in submission.must(f'URLFETCH "{url}"')[0], 10, "the setting")
            self.assertTrue(wire.must(f'URLFETCH "{url}"')[0].endswith(b" NIL"))


if __name__ == "__main__":
    unittest.main()
