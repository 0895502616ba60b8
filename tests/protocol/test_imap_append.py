"""Messages written by APPEND: several at once (MULTIAPPEND, RFC 3502), put together (CATENATE, RFC 4469)."""

import imaplib
import re
import shutil
import subprocess
import unittest

import harness

ONE = b"Subject: one\r\n\r\nfirst\r\n"
TWO = b"Subject: two\r\n\r\nsecond\r\n"
THREE = b"Subject: three\r\n\r\nthird\r\n"


class Case(harness.ImapCase):
    def setUp(self):
        super().setUp()
        self.wire = self.session()

    def literal(self, data, kind=b""):
        return kind + b"{%d+}\r\n" % len(data) + data

    def append(self, *arguments, mailbox="INBOX"):
        return self.wire.run(b"APPEND " + mailbox.encode() + b"".join(b" " + a for a in arguments))[0]

    def bodies(self, mailbox="INBOX"):
        """Of all messages, with their flags, by UID."""
        with self.session() as wire:
            wire.must(f"EXAMINE {mailbox}")
            found = {}
            for line in wire.must("UID FETCH 1:* (FLAGS BODY.PEEK[])"):
                head = re.match(rb"\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\) BODY\[\] \{(\d+)\}\r\n", line)
                if head:
                    flags = {flag for flag in head[2].decode().split() if flag != "\\Recent"}
                    found[int(head[1])] = (flags, line[head.end() : head.end() + int(head[3])])
            return found


class Several(Case):
    def test_all_of_them_in_order_with_flags_and_dates(self):
        reply = self.append(
            b'(\\Seen $One) "01-Feb-2020 10:11:12 +0000"', self.literal(ONE), self.literal(TWO), b"(\\Flagged)", self.literal(THREE)
        )
        uids = re.match(r"OK \[APPENDUID \d+ (\d+):(\d+)\]", reply)
        self.assertTrue(uids, reply)
        found = self.bodies()
        self.assertEqual(list(found), list(range(int(uids[1]), int(uids[2]) + 1)))
        self.assertEqual([found[uid] for uid in sorted(found)], [({"\\Seen", "$One"}, ONE), (set(), TWO), ({"\\Flagged"}, THREE)])
        self.wire.must("SELECT INBOX")
        self.assertIn(b"01-Feb-2020 10:11:12", self.wire.must("FETCH 1 INTERNALDATE")[0])

    def test_they_are_asked_for_one_after_another(self):
        tag = self.wire.start(f"APPEND INBOX {{{len(ONE)}}}")
        self.assertTrue(self.wire.line().startswith(b"+"))
        self.wire.send(ONE + b" (\\Draft) {%d}\r\n" % len(TWO))
        self.assertTrue(self.wire.line().startswith(b"+"))
        self.assertIn(b"MESSAGES 0", self.session().must("STATUS INBOX (MESSAGES)")[0])
        self.wire.send(TWO + b"\r\n")
        self.assertRegex(self.wire.finish(tag)[0], r"^OK \[APPENDUID \d+ 1:2\]")

    def test_one_refused_message_refuses_all(self):
        for wrong in (self.literal(b""), self.literal(b"a\0b"), b"(\\Nonsense) " + self.literal(TWO), b'"99-Feb-2020 10:11:12 +0000" ' + self.literal(TWO)):
            reply = self.append(self.literal(ONE), wrong, self.literal(THREE))
            self.assertRegex(reply, "^(NO|BAD) ", wrong)
            self.assertIn(b"MESSAGES 0 UIDNEXT 1", self.session().must("STATUS INBOX (MESSAGES UIDNEXT)")[0])
        self.wire.must("NOOP")

    def test_a_refusal_comes_before_the_next_message_is_sent(self):
        tag = self.wire.start(b"APPEND INBOX {%d}" % len(ONE))
        self.wire.line()
        self.wire.send(ONE + b" {4000000000}\r\n")
        self.assertTrue(self.wire.finish(tag)[0].startswith("NO [TOOBIG]"))
        tag = self.wire.start(b"APPEND INBOX {%d}" % len(ONE))
        self.wire.line()
        self.wire.send(ONE + b" {0}\r\n")  # how a client gives up
        self.assertTrue(self.wire.finish(tag)[0].startswith("NO"))
        tag = self.wire.start(b"APPEND INBOX {%d}" % len(ONE))
        self.wire.line()
        self.wire.send(ONE + b" (\\Nonsense) {5}\r\n")
        self.assertTrue(self.wire.finish(tag)[0].startswith("BAD"))
        self.assertEqual(self.bodies(), {})

    def test_the_quota_is_for_all_of_them_together(self):
        mansio = self.mansio
        mansio.command("account", "set", self.livia.address, "--quota", "10k")
        big = b"Subject: big\r\n\r\n" + b"x" * 6000

        def refused():
            return self.append(self.literal(big), self.literal(big)).startswith("NO [OVERQUOTA]")

        harness.eventually(refused, 5, "the quota")
        left = [body for _, body in self.bodies().values() if body == big]  # there may be a warning, too
        self.assertEqual(len(left) % 2, 0)  # those that came before the server heard of the quota
        self.assertTrue(refused())
        self.assertEqual([body for _, body in self.bodies().values() if body == big], left)

    def test_others_see_all_at_once(self):
        other = self.session()
        other.must("SELECT INBOX")
        tag = other.start("IDLE")
        other.line()
        self.assertTrue(self.append(*[self.literal(ONE)] * 20).startswith("OK"))
        seen = []
        while not any(b"EXISTS" in line for line in seen):
            seen.append(other.line())
        other.send("DONE\r\n")
        seen += other.finish(tag)[1]
        self.assertEqual({line for line in seen if b"EXISTS" in line}, {b"* 20 EXISTS"})
        changes = other.must("FETCH 1:* (MODSEQ)")
        self.assertEqual(len({re.search(rb"MODSEQ \((\d+)\)", line)[1] for line in changes}), 1)

    def test_large_ones_go_through_a_file(self):
        large = [b"Subject: large\r\n\r\n" + bytes([65 + i]) * 700000 for i in range(3)]
        self.assertTrue(self.append(self.literal(ONE), *[self.literal(m) for m in large], self.literal(TWO)).startswith("OK"))
        self.assertEqual([body for _, body in self.bodies().values()], [ONE, *large, TWO])

    def test_literals_of_all_kinds(self):
        self.wire.must("ENABLE UTF8=ACCEPT")
        utf8 = "Subject: grün\r\n\r\nx\r\n".encode()
        reply = self.append(self.literal(ONE), b"UTF8 (" + self.literal(utf8, b"~") + b")", self.literal(b"Subject: b\r\n\r\n\xff\r\n", b"~"), b"UTF8 (" + self.literal(utf8, b"~") + b")")
        self.assertRegex(reply, r"^OK \[APPENDUID \d+ 1:4\]")
        self.assertEqual([body for _, body in self.bodies().values()], [ONE, utf8, b"Subject: b\r\n\r\n\xff\r\n", utf8])

    def test_a_name_by_literal_and_pipelined_commands(self):
        self.wire.send(b"a APPEND {5+}\r\nINBOX " + self.literal(ONE) + b" " + self.literal(TWO) + b"\r\nb STATUS INBOX (MESSAGES)\r\n")
        self.assertTrue(self.wire.line().startswith(b"a OK [APPENDUID"))
        self.assertIn(b"MESSAGES 2", self.wire.line())

    def test_no_more_than_a_thousand(self):
        small = self.literal(ONE)
        self.assertTrue(self.append(*[small] * 1001).startswith("NO [LIMIT]"))
        self.assertRegex(self.append(*[small] * 1000), r"^OK \[APPENDUID \d+ 1:1000\]")

    def test_missing_mailbox(self):
        self.assertTrue(self.append(self.literal(ONE), self.literal(TWO), mailbox="nowhere").startswith("NO [TRYCREATE]"))

    def test_rubbish_behind_a_message(self):
        for rubbish in (b"x", b"()", b"{", b"{5", b"~{5+", b"CATENATE", b"CATENATE ()", b"UTF8 (~{5}", b"\"", b"(\\Seen)"):
            reply, _ = self.wire.run(b"APPEND INBOX " + self.literal(ONE) + b" " + rubbish)
            self.assertTrue(reply.startswith("BAD"), rubbish)
        self.assertTrue(self.wire.run(b"APPEND INBOX " + self.literal(ONE) + b"x")[0].startswith("BAD"))
        self.assertTrue(self.wire.run(b"APPEND INBOX " + self.literal(ONE) + b" ")[0].startswith("BAD"))
        self.assertEqual(self.bodies(), {})


NOTE = b"From: a@example.org\r\nSubject: note\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: image/x; name=y\r\n\r\npicture\r\n--b--\r\n"


class PutTogether(Case):
    def setUp(self):
        super().setUp()
        self.wire.must("CREATE Plans")
        reply, _ = self.wire.append("Plans", NOTE)
        self.uidvalidity, self.uid = re.match(r"OK \[APPENDUID (\d+) (\d+)\]", reply).groups()

    def text(self, data):
        return b"TEXT " + self.literal(data)

    def catenate(self, *parts, flags=b""):
        return self.append(flags + b"CATENATE (" + b" ".join(parts) + b")")

    def url(self, rest="", path=None):
        return f'URL "{path or "/Plans"}/;UID={self.uid}{rest}"'.encode()

    def last(self):
        return list(self.bodies().values())[-1]

    def test_text_and_sections(self):
        reply = self.catenate(
            self.text(b"Subject: new\r\n"),
            self.url("/;SECTION=HEADER.FIELDS%20(Content-Type)"),
            self.text(b"--b\r\n"),
            self.url("/;section=2.MIME", f"/Plans;UIDVALIDITY={self.uidvalidity}"),
            self.url("/;section=2"),
            self.text(b"\r\n--b--\r\n"),
            flags=b"(\\Draft) ",
        )
        self.assertTrue(reply.startswith("OK [APPENDUID"), reply)
        self.assertEqual(
            self.last(),
            (
                {"\\Draft"},
                b"Subject: new\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/x; name=y\r\n\r\npicture\r\n--b--\r\n",
            ),
        )

    def test_urls_alone(self):
        self.assertTrue(self.catenate(self.url()).startswith("OK"))
        self.assertEqual(self.last()[1], NOTE)
        self.assertTrue(self.catenate(self.url("/;SECTION=HEADER"), self.url("/;SECTION=TEXT")).startswith("OK"))
        self.assertEqual(self.last()[1], NOTE)
        self.assertTrue(self.catenate(self.url("/;SECTION=HEADER"), self.url("/;SECTION=TEXT/;PARTIAL=5.10"), self.url("/;PARTIAL=100000"), self.url("/;PARTIAL=20")).startswith("OK"))
        head, _, text = NOTE.partition(b"\r\n\r\n")
        self.assertEqual(self.last()[1], head + b"\r\n\r\n" + text[5:15] + NOTE[20:])

    def test_urls_of_all_forms(self):
        host = self.hostname()
        forms = [
            f"/Plans/;UID={self.uid}",
            "/plans%2Fdeep%20%C3%BC/;UID=1",
            f"imap://{host}/Plans/;UID={self.uid}",
            f"imap://{self.livia.address.replace('@', '%40')}@{host}/Plans;UIDVALIDITY={self.uidvalidity}/;UID={self.uid}",
        ]
        self.wire.must('CREATE "plans/deep &APw-"')
        self.wire.append("plans/deep &APw-", NOTE)
        for form in forms:
            for how in (f'"{form}"'.encode(), self.literal(form.encode())):
                self.assertTrue(self.catenate(b"URL " + how, self.text(b"!")).startswith("OK"), form)
                self.assertEqual(self.last()[1], NOTE + b"!", form)

    def hostname(self):
        return re.match(rb"\* OK \[.*\] (\S+) ready", self.wire.greeting)[1].decode()

    def test_urls_relative_to_the_selected_mailbox(self):
        url = f'URL ";UID={self.uid}/;SECTION=HEADER"'.encode()
        self.assertTrue(self.catenate(url).startswith("NO [BADURL"))
        self.wire.must("SELECT Plans")
        self.assertTrue(self.catenate(url, self.text(b"text")).startswith("OK"))
        self.assertEqual(self.last()[1], NOTE.partition(b"\r\n\r\n")[0] + b"\r\n\r\ntext")
        self.assertNotIn(b"\\Seen", self.wire.must("FETCH 1 FLAGS")[0])

    def test_a_url_that_names_nothing_is_told_and_nothing_is_written(self):
        for path in ("/Plans/;UID=99", "/nowhere/;UID=1", f"/Plans;UIDVALIDITY=1/;UID={self.uid}", f"/Plans/;UID={self.uid}/;SECTION=7", f"/Plans/;UID={self.uid}/;SECTION=x", "/Plans", "imap://elsewhere.example/Plans/;UID=1", "http://x/", "%", f"imap://other%40x.example@{self.hostname()}/Plans/;UID={self.uid}", "/Plans/;UID=1;URLAUTH=anonymous:INTERNAL:" + "0" * 32):
            self.assertIn(f'NO [BADURL "{path}"]', self.catenate(self.text(b"x"), f'URL "{path}"'.encode(), self.text(b"y")), path)
        self.assertIn('NO [BADURL "/a%22%5C%5D%0D%0A"]', self.catenate(b"URL " + self.literal(b'/a"\\]\r\n')))
        self.assertEqual(self.bodies(), {})

    def test_an_expunged_message_is_gone_for_urls_too(self):
        other = self.session()
        other.must("SELECT Plans")
        other.must("FETCH 1 BODY[]")
        self.assertTrue(self.catenate(self.url()).startswith("OK"))
        other.must("STORE 1 +FLAGS (\\Deleted)")
        other.must("EXPUNGE")
        self.assertTrue(self.catenate(self.url()).startswith("NO [BADURL"))

    def test_nobody_reaches_others_messages(self):
        self.mansio.new_account(self.domain)
        with self.session(self.mansio.new_account(self.domain)) as other:
            reply, _ = other.run(b"APPEND INBOX CATENATE (" + self.url() + b")")
            self.assertTrue(reply.startswith("NO [BADURL"), reply)

    def test_a_client_that_waits_is_told_of_a_wrong_url_at_once(self):
        tag = self.wire.start(b'APPEND INBOX CATENATE (URL "/nowhere/;UID=1" TEXT {5}')
        self.assertIn("NO [BADURL", self.wire.finish(tag)[0])
        tag = self.wire.start(b"APPEND INBOX CATENATE (TEXT {5}")
        self.assertTrue(self.wire.line().startswith(b"+"))
        self.wire.send(b'ab\r\nc URL {17}\r\n')
        self.assertTrue(self.wire.line().startswith(b"+"))
        self.wire.send(b"/nowhere/;UID=100 TEXT {5}\r\n")
        self.assertIn("NO [BADURL", self.wire.finish(tag)[0])
        self.wire.must("NOOP")

    def test_several_messages_put_together_in_one_command(self):
        reply = self.append(self.literal(ONE), b"CATENATE (" + self.url() + b" " + self.text(b"!") + b")", b"(\\Seen)", b"CATENATE (" + self.text(TWO) + b")", self.literal(THREE, b"~"))
        self.assertRegex(reply, r"^OK \[APPENDUID \d+ 1:4\]")
        self.assertEqual(list(self.bodies().values()), [(set(), ONE), (set(), NOTE + b"!"), ({"\\Seen"}, TWO), (set(), THREE)])
        reply = self.append(self.literal(ONE), b"CATENATE (" + self.url("/;SECTION=9") + b")", self.literal(TWO))
        self.assertTrue(reply.startswith("NO [BADURL"))
        self.assertEqual(len(self.bodies()), 4)

    def test_parts_with_utf8_and_binary(self):
        self.wire.must("ENABLE UTF8=ACCEPT")
        reply = self.catenate(b"UTF8 (" + self.literal("Subject: grün\r\n\r\n".encode(), b"~") + b")", b"TEXT " + self.literal(b"a\0b", b"~"), b"UTF8 (" + self.literal("ü".encode(), b"~") + b")")
        self.assertTrue(reply.startswith("OK"), reply)
        self.wire.must("SELECT INBOX")
        self.assertIn(b"~{5}\r\na\0b\xc3\xbc", self.wire.must("FETCH 1 BINARY[1]")[0])

    def test_what_becomes_too_large_is_told(self):
        limit = int(re.search(rb"APPENDLIMIT=(\d+)", self.wire.must("CAPABILITY")[0])[1])
        self.wire.append("Plans", b"Subject: x\r\n\r\n" + b"x" * (6 << 20))
        uid = int(self.uid) + 1
        urls = [f'URL "/Plans/;UID={uid}"'.encode()] * (limit // (6 << 20) + 1)
        self.assertTrue(self.catenate(*urls).startswith("NO [TOOBIG]"))
        self.assertEqual(self.bodies(), {})

    def test_empty_and_wrong(self):
        for wrong in (b"CATENATE", b"CATENATE ()", b"CATENATE(", b"CATENATE (URL)", b"CATENATE (TEXT abc)", b"CATENATE (FILE x)", b'CATENATE (URL "x" )', b'CATENATE (URL "x"', b'CATENATE (URL "x")x', b"CATENATE (TEXT {1+}\r\nx", b"CATENATE (TEXT {1+}\r\nxTEXT {1+}\r\nx)"):
            reply, _ = self.wire.run(b"APPEND INBOX " + wrong)
            self.assertTrue(reply.startswith("BAD"), (wrong, reply))
        self.assertTrue(self.catenate(self.text(b"")).startswith("NO [CANNOT]"))
        self.assertTrue(self.catenate(self.text(b""), self.text(ONE), self.text(b"")).startswith("OK"))
        many = [b'URL "/Plans/;UID=%s/;PARTIAL=0.1"' % self.uid.encode()]
        self.assertTrue(self.catenate(*many * 1000).startswith("OK"))
        self.assertEqual(self.last()[1], b"F" * 1000)
        self.assertTrue(self.catenate(*many * 1001).startswith("BAD"))
        thousand = b"CATENATE (" + b" ".join(many * 1000) + b")"
        self.assertTrue(self.append(*[self.literal(b"x") + b" " + thousand] * 5).startswith("NO [LIMIT]"))


class Programs(Case):
    """Python's imaplib and curl."""

    def test_imaplib_sends_several_messages_and_puts_them_together(self):
        with self.mansio.imap(self.livia) as client:
            client.literal = ONE
            status, data = client._simple_command("APPEND", "INBOX", "(\\Seen)")
            self.assertEqual(status, "OK", data)
            status, data = client._simple_command("APPEND", "INBOX", 'CATENATE (URL "/INBOX/;UID=1/;SECTION=HEADER" URL "/INBOX/;UID=1/;SECTION=TEXT")', '(\\Draft) CATENATE (URL "/INBOX/;UID=1")')
            self.assertEqual(status, "OK", data)
        self.assertEqual(list(self.bodies().values()), [({"\\Seen"}, ONE), (set(), ONE), ({"\\Draft"}, ONE)])

    def test_imaplib_replaces(self):
        self.append(self.literal(ONE))
        imaplib.Commands.setdefault("REPLACE", ("SELECTED",))
        with self.mansio.imap(self.livia) as client:
            client.select()
            client.literal = TWO
            status, data = client._simple_command("REPLACE", "1", "INBOX", "(\\Flagged)")
            self.assertEqual(status, "OK", data)
            self.assertEqual(client.response("EXPUNGE")[1], [b"1"])
        self.assertEqual(list(self.bodies().values()), [({"\\Flagged"}, TWO)])

    def test_imaplib_reads_binary_content(self):
        content = bytes(range(256))
        message = b"Content-Type: application/x\r\n\r\n" + content
        self.append(self.literal(message, b"~"))
        with self.mansio.imap(self.livia) as client:
            client.select()
            self.assertEqual(client.fetch("1", "(BINARY.PEEK[1])")[1][0][1], content)
            self.assertIn(b"BINARY.SIZE[1] 256", client.fetch("1", "(BINARY.SIZE[1])")[1][0])

    def test_curl_reads_by_url_what_another_gave_it(self):
        self.append(self.literal(NOTE))
        paul = self.mansio.new_account(self.domain)
        host = re.match(rb"\* OK \[.*\] (\S+) ready", self.wire.greeting)[1].decode()
        rump = f"imap://{self.livia.address.replace('@', '%40')}@{host}/INBOX/;UID=1/;SECTION=1;URLAUTH=user+{paul.address.replace('@', '%40')}"
        given = self.curl(self.livia, f'GENURLAUTH "{rump}" INTERNAL')
        url = re.search(rb'"([^"]+)"', given)[1].decode()
        self.assertIn(b"hello", self.curl(paul, f'URLFETCH "{url}"'))

    def curl(self, account, command):
        """Runs a command of ours; curl decodes it once."""
        self.assertTrue(shutil.which("curl"))
        done = subprocess.run(
            ["curl", "-sS", "-v", "--cacert", str(self.mansio.ca), "-u", f"{account.address}:{account.password}", "-X", command.replace("%", "%25"), f"imaps://localhost:{self.mansio.port['imaps']}/INBOX"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        return done.stdout + done.stderr


if __name__ == "__main__":
    unittest.main()
