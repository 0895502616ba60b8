"""The webmail, as a browser without scripts sees it: nginx, mansio-web, imapd and submission together."""

import base64
import email
import email.message
import email.policy
import json
import os
import re
import unittest
import urllib.parse

import harness

BLOB = bytes(range(256)) * 300 + os.urandom(5000)


def letter(sender, to, subject, text="Salve!\n", html=None, **headers):
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    if html is not None:
        made.add_alternative(html, subtype="html")
    return made


class Webmail(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia, self.marcus = self.mansio.new_account(self.domain, "livia"), self.mansio.new_account(self.domain, "marcus")
        self.browser = harness.Browser(self.mansio)
        self.browser.log_in(self.livia)

    def receive(self, made):
        """Delivers a message to Livia; its page's path."""
        subject = made["Subject"]
        self.mansio.send("someone@outside.test", self.livia.address, raw=made.as_bytes())
        self.mansio.wait_for_mail(self.livia, subject=subject)
        page = self.browser.get("/mail/")
        return next(link for link in page.links if "/mail/message/" in link)

    def write(self, start="/mail/write", files=None, act="send", **fields):
        return self.browser.submit(self.browser.get(start), "/mail/send", files or [], act=act, **fields)

    def stored(self, folder, account=None):
        return [email.message_from_bytes(raw, policy=email.policy.default) for _, raw in self.mansio.mail(account or self.livia, folder)]


class Reading(Webmail):
    def test_the_inbox_lists_what_arrived(self):
        self.receive(letter("Octavia Balnea <octavia@thermae.test>", self.livia.address, "Grüße aus den Thermen", "Das Wasser ist warm.\n"))
        page = self.browser.get("/mail/")
        self.assertEqual(page.status, 200)
        for part in ("Octavia Balnea", "Grüße aus den Thermen", "Das Wasser ist warm."):
            self.assertIn(part, page.text)
        self.assertIn("1–1 of 1", page.text)

    def test_without_login_there_is_only_the_login_page(self):
        stranger = harness.Browser(self.mansio)
        for path in ("/mail/", "/mail/message/INBOX/1", "/mail/part/INBOX/1/1", "/mail/source/INBOX/1", "/mail/write"):
            page = stranger.get(path)
            self.assertIn("/login", page.url, path)
        self.assertEqual(stranger.get("/mail/news").status, 401)

    def test_the_login_page_leads_a_mail_account_to_its_mail(self):
        self.assertEqual(urllib.parse.urlsplit(harness.Browser(self.mansio).log_in(self.marcus).url).path, "/mail/")

    def test_reading_a_message_marks_it_as_read(self):
        path = self.receive(letter("a@outside.test", self.livia.address, "Unread until now"))
        self.assertIn("Unread: Unread until now", self.browser.get("/mail/").text)
        page = self.browser.get(path)
        self.assertIn("Salve!", page.text)
        self.assertNotIn("Unread: ", self.browser.get("/mail/").text)
        with self.mansio.imap(self.livia) as client:
            client.select("INBOX", readonly=True)
            self.assertEqual(client.search(None, "SEEN")[1], [b"1"])

    def test_pages_hold_fifty_messages_newest_first(self):
        with self.mansio.smtp() as client:
            for number in range(53):
                client.sendmail("a@outside.test", self.livia.address,
                                letter("a@outside.test", self.livia.address, f"Number {number:02d}").as_bytes())
        harness.eventually(lambda: len(self.mansio.mail(self.livia)) == 53)
        first = self.browser.get("/mail/")
        self.assertEqual(re.findall(r"Number (\d\d)", first.text)[:2], ["52", "51"])
        self.assertEqual(len(re.findall(r"Number \d\d", first.text)), 50)
        self.assertEqual(re.findall(r"Number (\d\d)", self.browser.get("/mail/?page=2").text), ["02", "01", "00"])
        self.assertEqual(self.browser.get("/mail/?page=9").status, 200)

    def test_headers_and_text_of_any_charset_are_readable(self):
        raw = ("From: =?koi8-r?B?" + base64.b64encode("Анна".encode("koi8-r")).decode() + "?= <anna@outside.test>\r\n"
               "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=koi8-r\r\n"
               "Content-Transfer-Encoding: 8bit\r\n\r\n").encode() + "Новые марки\r\n".encode("koi8-r")
        self.mansio.send("a@outside.test", self.livia.address, raw=raw)
        harness.eventually(lambda: self.mansio.mail(self.livia))
        page = self.browser.get("/mail/message/INBOX/1")
        for part in ("Анна", "Grüße", "Новые марки"):
            self.assertIn(part, page.text)

    def test_markup_in_text_and_headers_is_text(self):
        path = self.receive(letter('"<script>alert(1)</script>" <a@outside.test>', self.livia.address, "<img src=x onerror=alert(2)>",
                                   "<script>alert(3)</script> https://ok.test/\n"))
        for page in (self.browser.get("/mail/"), self.browser.get(path)):
            self.assertIn("<img src=x onerror=alert(2)>", page.text)
            self.assertEqual([a for _, a in page.elements if "onerror" in a], [])
            self.assertTrue(all("src" in a for a in page.all("script")))
        self.assertIn("https://ok.test/", self.browser.get(path).links)

    def test_attachments_come_out_as_they_went_in(self):
        made = letter("a@outside.test", self.livia.address, "With files")
        made.add_attachment(BLOB, "application", "x-thing", filename="Übersicht №1.bin")
        made.add_attachment(b"<script>alert(1)</script>", "text", "html", filename="page.html")
        page = self.browser.get(self.receive(made))
        self.assertIn("Übersicht №1.bin", page.text)
        first, second = [link for link in page.links if "/mail/part/" in link]
        reply = self.browser.get(first)
        self.assertEqual(reply.body, BLOB)
        self.assertIn("attachment", reply.headers["Content-Disposition"])
        self.assertIn("filename*=UTF-8''%C3%9Cbersicht%20%E2%84%961.bin", reply.headers["Content-Disposition"])
        reply = self.browser.get(second)
        self.assertEqual(reply.body, b"<script>alert(1)</script>")
        self.assertEqual(reply.headers["Content-Type"], "application/octet-stream")
        for name, value in (("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "sandbox")):
            self.assertIn(value, reply.headers[name])

    def test_the_source_is_the_message(self):
        path = self.receive(letter("a@outside.test", self.livia.address, "Source"))
        reply = self.browser.get(path.replace("/message/", "/source/"))
        self.assertEqual(reply.body, self.mansio.mail(self.livia)[0][1])
        self.assertEqual(reply.headers["Content-Type"], "text/plain; charset=utf-8")

    def test_search_finds_words_in_whole_messages(self):
        self.receive(letter("a@outside.test", self.livia.address, "One", "the Brückenzoll is due\n"))
        self.receive(letter("a@outside.test", self.livia.address, "Two", "nothing\n"))
        page = self.browser.get("/mail/?q=" + urllib.parse.quote("brückenzoll"))
        self.assertIn("One", page.text)
        self.assertIn("1–1 of 1", page.text)
        self.assertIn("Nothing found", self.browser.get('/mail/?q="%29%20ALL%0d%0a').text)

    def test_what_is_not_there_is_not_found(self):
        for path in ("/mail/message/INBOX/999", "/mail/folder/Nowhere", "/mail/message/Nowhere/1", "/mail/part/INBOX/999/1",
                     "/mail/message/INBOX/0", "/mail/folder/%0d%0aa1%20LOGOUT"):
            self.assertEqual(self.browser.get(path).status, 404, path)
        path = self.receive(letter("a@outside.test", self.livia.address, "There"))
        self.assertEqual(self.browser.get(path.replace("/message/", "/part/") + "/7.7").status, 404)
        self.assertEqual(self.browser.get("/mail/").status, 200)

    def test_other_peoples_mail_is_out_of_reach(self):
        self.mansio.send("a@outside.test", self.marcus.address, subject="For Marcus alone")
        self.mansio.wait_for_mail(self.marcus, subject="For Marcus alone")
        for path in ("/mail/", "/mail/?q=Marcus"):
            self.assertNotIn("For Marcus alone", self.browser.get(path).text)
        self.assertEqual(self.browser.get("/mail/message/INBOX/1").status, 404)

    def test_news_tell_of_what_arrived(self):
        before = json.loads(self.browser.get("/mail/news?box=INBOX").body)
        self.receive(letter("a@outside.test", self.livia.address, "New"))
        after = json.loads(self.browser.get("/mail/news?box=INBOX").body)
        self.assertEqual(after["uidnext"], before["uidnext"] + 1)
        self.assertIn({"box": "INBOX", "count": 1}, after["folders"])

    def test_logout_ends_the_webmail_within_a_second(self):
        page = self.browser.get("/mail/")
        self.browser.submit(page, "/logout")
        self.assertIn("/login", self.browser.get("/mail/").url)


HOSTILE = """<html><head><title>t</title><base href="https://evil.test/"><meta http-equiv="refresh" content="0;url=https://evil.test/">
<style>@import url(https://evil.test/a.css); body{background:url(https://evil.test/b)} p{color:red}</style></head>
<body onload="alert(1)"><p onclick="alert(2)" style="position:fixed;color:blue;background:url(https://evil.test/c)">Harmless text</p>
<script>alert(3)</script><img src="x" onerror="alert(4)"><a href="javascript:alert(5)">link</a><a href="https://good.test/">good</a>
<iframe src="https://evil.test/"></iframe><svg onload="alert(6)"><script>alert(7)</script></svg><math><mtext></mtext></math>
<form action="https://evil.test/"><input name="password"><button>Go</button></form><img src="https://track.test/pixel.gif" width="1" height="1">
<img src="https://pictures.test/a.png" alt="A picture"><img src="cid:logo@x" alt="Logo"><object data="x"></object>
<noscript><p title="</noscript><img src=x onerror=alert(8)>"></noscript></body></html>"""
PIXEL = b"\x89PNG\r\n\x1a\n" + b"logo bytes" * 20


class Html(Webmail):
    def hostile(self):
        made = letter("a@outside.test", self.livia.address, "Hostile", "Plain form\n", HOSTILE)
        made.get_payload()[1].add_related(PIXEL, "image", "png", cid="<logo@x>")
        return self.receive(made)

    def frame(self, path):
        page = self.browser.get(path)
        frames = page.all("iframe")
        self.assertEqual(len(frames), 1)
        return frames[0], self.browser.get(frames[0]["src"])

    def test_html_is_shown_in_a_sandboxed_frame_alone(self):
        frame, body = self.frame(self.hostile())
        self.assertEqual(frame["sandbox"].split(), ["allow-popups", "allow-popups-to-escape-sandbox"])
        self.assertIn("Harmless text", body.text)
        policy = [one.strip() for one in body.headers["Content-Security-Policy"].split(";")]
        self.assertIn("sandbox allow-popups allow-popups-to-escape-sandbox", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertIn("img-src data:", policy)
        self.assertIn("frame-ancestors 'self'", policy)
        self.assertFalse(any("script-src" in one or "allow-scripts" in one for one in policy))

    def test_hostile_html_is_inert(self):
        _, body = self.frame(self.hostile())
        for tag in ("script", "iframe", "object", "svg", "math", "form", "input", "base", "noscript", "embed"):
            self.assertEqual(body.all(tag), [], tag)
        for _, attributes in body.elements:
            self.assertFalse([name for name in attributes if name.startswith("on")])
        self.assertEqual(body.links, ["https://good.test/"])
        self.assertTrue(all(a["target"] == "_blank" and "noopener" in a["rel"] for a in body.all("a") if "href" in a))
        self.assertNotIn(b"evil.test", body.body)
        self.assertNotIn(b"position", body.body.split(b"</head>")[1])

    def test_pictures_that_come_with_the_mail_are_shown_and_remote_ones_only_when_asked_for(self):
        path = self.hostile()
        _, body = self.frame(path)
        encoded = base64.b64encode(PIXEL).decode()
        self.assertEqual([a["src"] for a in body.all("img") if "src" in a], [f"data:image/png;base64,{encoded}"])
        self.assertIn("A picture", body.text)
        self.assertIn("Pictures from the web are not shown", self.browser.get(path).text)
        _, body = self.frame(path + "?remote=1")
        self.assertIn("https://pictures.test/a.png", [a.get("src") for a in body.all("img")])
        self.assertIn("img-src data: https: http:", body.headers["Content-Security-Policy"])

    def test_the_plain_form_can_be_chosen(self):
        page = self.browser.get(self.hostile() + "?plain=1")
        self.assertIn("Plain form", page.text)
        self.assertEqual(page.all("iframe"), [])

    def test_pages_of_the_webmail_run_no_script_but_their_own(self):
        for path in ("/mail/", "/mail/write", "/mail/folders", self.hostile()):
            policy = self.browser.get(path).headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("script-src 'self'", policy)
            self.assertNotIn("unsafe", policy)

    def test_html_made_to_exhaust_the_parser_is_shown_as_text(self):
        html = "".join(f"<b a={n}>" for n in range(20000)) + "still readable" + "<p>x" * 20000
        _, body = self.frame(self.receive(letter("a@outside.test", self.livia.address, "Heavy", "x\n", html)))
        self.assertEqual(body.status, 200)
        self.assertIn("too complex", body.text)


class Writing(Webmail):
    def test_mail_to_a_colleague_arrives_and_a_copy_is_kept(self):
        page = self.write(to=f"Marcus <{self.marcus.address}>", subject="Grüße – 試験", text="Erste Zeile\n\n" + "lang " * 60 + "\n> zitiert\n")
        self.assertIn(f"Sent to {self.marcus.address}.", page.text)
        got = self.mansio.wait_for_mail(self.marcus, subject="Grüße – 試験")
        self.assertEqual(got["From"], email.message_from_string(f"From: {got['From']}", policy=email.policy.default)["From"])
        self.assertIn(self.livia.address, got["From"])
        sent = self.stored("Sent")
        self.assertEqual(len(sent), 1)
        self.assertEqual(sent[0]["Message-ID"], got["Message-ID"])
        self.assertEqual(sent[0]["Subject"], "Grüße – 試験")
        self.assertIn("Erste Zeile", sent[0].get_content())
        self.assertEqual(sent[0].get_content_type(), "text/plain")
        self.assertEqual(sent[0]["Content-Type"].params["format"], "flowed")

    def test_attached_files_arrive_as_they_were(self):
        self.write(to=self.marcus.address, subject="Files", text="two\n",
                   files=[("file", "Größe.bin", "application/x-thing", BLOB), ("file", "a.txt", "text/plain", "ä\n".encode())])  # fmt: skip
        self.mansio.wait_for_mail(self.marcus, subject="Files")
        got = self.stored("INBOX", self.marcus)[0]
        parts = list(got.iter_attachments())
        self.assertEqual([part.get_filename() for part in parts], ["Größe.bin", "a.txt"])
        self.assertEqual(parts[0].get_content(), BLOB)
        self.assertEqual(parts[1].get_payload(decode=True), "ä\n".encode())

    def test_an_answer_quotes_threads_and_marks(self):
        path = self.receive(letter("Octavia <octavia@thermae.test>", self.livia.address, "Which road?", "North or south?\n-- \nOctavia\n",
                                   Message_ID="<one@thermae.test>", References="<zero@thermae.test>", Reply_To=self.marcus.address))
        page = self.browser.get(path)
        form = self.browser.get(next(link for link in page.links if "write?reply=" in link)).form("/mail/send")
        fields = dict(form.fields)
        self.assertEqual(fields["subject"], "Re: Which road?")
        self.assertEqual(fields["to"], self.marcus.address)
        self.assertIn("> North or south?", fields["text"])
        self.assertNotIn("> Octavia", fields["text"])
        self.write(next(link for link in page.links if "write?reply=" in link), text="South.\n")
        got = self.mansio.wait_for_mail(self.marcus, subject="Re: Which road?")
        self.assertEqual(got["In-Reply-To"], "<one@thermae.test>")
        self.assertEqual(got["References"].split(), ["<zero@thermae.test>", "<one@thermae.test>"])
        with self.mansio.imap(self.livia) as client:
            client.select("INBOX", readonly=True)
            self.assertEqual(client.search(None, "ANSWERED")[1], [b"1"])

    def test_mail_in_a_folder_within_another_is_answered(self):
        with self.mansio.imap(self.livia) as client:
            client.create('"Work/100 done"')
            client.append('"Work/100 done"', "", None, letter("octavia@thermae.test", self.livia.address, "Deep down").as_bytes())
        folder = next(link for link in self.browser.get("/mail/folders").links if "done" in link)
        message = next(link for link in self.browser.get(folder).links if "/mail/message/" in link)
        reply = next(link for link in self.browser.get(message).links if "write?reply=" in link)
        self.assertEqual(dict(self.browser.get(reply).form("/mail/send").fields)["to"], "octavia@thermae.test")

    def test_an_answer_to_all_leaves_oneself_out(self):
        path = self.receive(letter("Octavia <octavia@thermae.test>", f"{self.livia.address}, Gaius <gaius@taberna.test>", "All",
                                   Cc=f"{self.marcus.address}, octavia@thermae.test"))
        page = self.browser.get(next(link for link in self.browser.get(path).links if "write?all=" in link))
        fields = dict(page.form("/mail/send").fields)
        self.assertEqual(fields["to"], "Octavia <octavia@thermae.test>, Gaius <gaius@taberna.test>")
        self.assertEqual(fields["cc"], self.marcus.address)

    def test_a_forwarded_mail_takes_its_attachments_along(self):
        made = letter("a@outside.test", self.livia.address, "With a file", "see below\n")
        made.add_attachment(BLOB, "application", "x-thing", filename="thing.bin")
        page = self.browser.get(self.receive(made))
        self.write(next(link for link in page.links if "write?forward=" in link), to=self.marcus.address)
        self.mansio.wait_for_mail(self.marcus, subject="Fwd: With a file")
        got = self.stored("INBOX", self.marcus)[0]
        self.assertIn("see below", got.get_body().get_content())
        self.assertEqual(next(got.iter_attachments()).get_content(), BLOB)

    def test_a_draft_is_kept_and_gone_on_with_until_it_is_sent(self):
        page = self.write(act="save", to="not finished", subject="Later", text="A paragraph that is long enough to be wrapped " * 4,
                          files=[("file", "a.bin", "application/x-thing", BLOB)])
        fields = dict(page.form("/mail/send").fields)
        self.assertEqual(fields["to"], "not finished")
        self.assertEqual(fields["text"].rstrip(), ("A paragraph that is long enough to be wrapped " * 4).rstrip())
        self.assertEqual(len(self.stored("Drafts")), 1)
        page = self.browser.submit(page, "/mail/send", [], act="save", to=self.marcus.address)
        self.assertEqual([draft["To"] for draft in self.stored("Drafts")], [self.marcus.address])
        self.browser.submit(page, "/mail/send", [], act="send")
        self.mansio.wait_for_mail(self.marcus, subject="Later")
        self.assertEqual(next(self.stored("INBOX", self.marcus)[0].iter_attachments()).get_content(), BLOB)
        self.assertEqual(self.stored("Drafts"), [])

    def test_blind_copies_are_seen_by_the_sender_alone(self):
        self.write(bcc=self.marcus.address, to=self.livia.address, subject="Blind")
        self.assertIsNone(self.mansio.wait_for_mail(self.marcus, subject="Blind")["Bcc"])
        self.assertIsNone(self.mansio.wait_for_mail(self.livia, subject="Blind")["Bcc"])
        self.assertEqual(self.stored("Sent")[0]["Bcc"], self.marcus.address)

    def test_a_wrong_address_is_named_and_nothing_is_lost(self):
        page = self.write(to=f"{self.marcus.address}, not an address", subject="Kept", text="my words\n", files=[("file", "a.bin", "application/x-thing", BLOB)])
        self.assertEqual(page.status, 422)
        self.assertIn("not an address", page.text)
        fields = dict(page.form("/mail/send").fields)
        self.assertEqual(fields["text"].strip(), "my words")
        self.assertIn("taken", fields)
        page = self.browser.submit(page, "/mail/send", [], act="send", to=self.marcus.address)
        self.assertIn("Sent to", page.text)
        self.mansio.wait_for_mail(self.marcus, subject="Kept")
        self.assertEqual(next(self.stored("INBOX", self.marcus)[0].iter_attachments()).get_content(), BLOB)

    def test_an_unknown_colleague_is_refused_before_anything_is_sent(self):
        page = self.write(to=f"{self.marcus.address}, nobody@{self.domain}", subject="Half")
        self.assertEqual(page.status, 422)
        self.assertIn(f"nobody@{self.domain}", page.text)
        self.assertEqual(self.mansio.mail(self.marcus), [])
        self.assertEqual(self.stored("Sent"), [])

    def test_header_lines_can_not_be_smuggled_in(self):
        page = self.browser.get("/mail/write")
        self.browser.submit(page, "/mail/send", [], act="send", to=self.marcus.address, subject="One\r\nX-Evil: yes",
                            in_reply_to="<a@b>\r\nX-Evil: yes", references="<c@d>\nBcc: x@evil.test", text="t")
        harness.eventually(lambda: self.mansio.mail(self.marcus))
        got = self.stored("INBOX", self.marcus)[0]
        self.assertIsNone(got["X-Evil"])
        self.assertIsNone(got["Bcc"])

    def test_a_form_of_another_site_does_nothing(self):
        reply = self.browser.post("/mail/send", [("to", self.marcus.address), ("act", "send"), ("text", "x")])
        self.assertEqual(reply.status, 403)
        self.assertEqual(self.browser.post("/mail/act", [("box", "INBOX"), ("uid", "1"), ("act", "delete")]).status, 403)


class Acting(Webmail):
    def act(self, act, uids, path="/mail/", **more):
        return self.browser.submit(self.browser.get(path), "/mail/act", act=act, uid=[str(uid) for uid in uids], **more)

    def fill(self, count):
        for number in range(count):
            self.receive(letter("a@outside.test", self.livia.address, f"Number {number}"))

    def uids(self, folder, criterion="ALL"):
        with self.mansio.imap(self.livia) as client:
            client.select(folder, readonly=True)
            return [int(uid) for uid in client.uid("SEARCH", criterion)[1][0].split()]

    def test_messages_are_marked_flagged_moved_and_deleted_many_at_once(self):
        self.fill(4)
        self.act("read", [1, 2])
        self.assertEqual(self.uids("INBOX", "SEEN"), [1, 2])
        self.act("unread", [2])
        self.assertEqual(self.uids("INBOX", "SEEN"), [1])
        self.act("flag", [1, 3])
        self.assertEqual(self.uids("INBOX", "FLAGGED"), [1, 3])
        self.assertIn("2 messages archived.", self.act("archive", [1, 2]).text)
        self.assertIn("1 message moved to the trash.", self.act("delete", [3]).text)
        self.assertEqual((len(self.uids("Archive")), len(self.uids("Trash")), self.uids("INBOX")), (2, 1, [4]))
        self.assertIn("Nothing was selected.", self.act("read", []).text)

    def test_a_rows_star_is_its_own_whatever_is_selected(self):
        self.fill(2)
        page = self.browser.get("/mail/")
        self.browser.submit(page, "/mail/act", **{"flag-one": "1"}, uid=["2"])
        self.assertEqual(self.uids("INBOX", "FLAGGED"), [1])
        self.browser.submit(self.browser.get("/mail/"), "/mail/act", **{"unflag-one": "1"})
        self.assertEqual(self.uids("INBOX", "FLAGGED"), [])

    def test_the_trash_deletes_for_good(self):
        self.fill(1)
        self.act("delete", [1])
        self.assertIn("1 message deleted for good.", self.act("destroy", [1], "/mail/folder/Trash").text)
        self.assertEqual(self.uids("Trash"), [])

    def test_what_another_program_changes_is_seen_at_once(self):
        self.fill(3)
        self.browser.get("/mail/")
        with self.mansio.imap(self.livia) as client:
            client.select("INBOX")
            client.uid("STORE", "2", "+FLAGS", "(\\Seen)")
            client.uid("STORE", "1", "+FLAGS", "(\\Deleted)")
            client.expunge()
        harness.eventually(lambda: "1–2 of 2" in self.browser.get("/mail/").text)
        page = self.browser.get("/mail/")
        self.assertIn("Unread: Number 2", page.text)
        self.assertNotIn("Unread: Number 1", page.text)

    def test_an_act_meant_for_another_mailbox_of_the_name_is_refused(self):
        self.fill(1)
        reply = self.act("delete", [1], uidvalidity="1")
        self.assertEqual(reply.status, 409)
        self.assertEqual(self.uids("INBOX"), [1])

    def test_sets_and_paths_can_not_be_smuggled_in(self):
        self.fill(2)
        for uid in ("1:*", "*", "1,2", "1 2", "-1", "0", "1\r\nA LOGOUT"):
            self.assertIn("Nothing was selected.", self.act("delete", [uid]).text)
        self.assertEqual(self.uids("INBOX"), [1, 2])
        for back in ("https://evil.test/", "//evil.test/", "/mail/\\..\\evil", "/logout"):
            page = self.act("read", [1], back=back)
            self.assertIn("/mail/", page.url)
            self.assertTrue(page.url.startswith(self.browser.base))

    def test_folders_are_made_renamed_and_deleted_without_losing_mail(self):
        page = self.browser.submit(self.browser.get("/mail/folders"), "/mail/folders", act="create", name="Straßen/Gallien & Co")
        self.assertIn("Straßen / Gallien & Co", page.text)
        box = "Stra&AN8-en/Gallien &- Co"
        self.assertIn(box, [a["value"] for a in page.all("input", name="box")])
        self.fill(1)
        self.assertIn("1 message moved to Straßen / Gallien & Co.", self.act("move", [1], to=box).text)
        self.assertIn("Number 0", self.browser.get("/mail/folder/" + urllib.parse.quote(box, safe="")).text)
        csrf = dict(page.forms[-1].fields)["csrf"]
        page = self.browser.post("/mail/folders", [("csrf", csrf), ("act", "rename"), ("box", box), ("name", "Hispanien")])
        self.assertIn("Straßen / Hispanien", page.text)
        page = self.browser.post("/mail/folders", [("csrf", csrf), ("act", "delete"), ("box", "Stra&AN8-en/Hispanien")])
        self.assertIn("Its messages are in the trash.", page.text)
        self.assertEqual(len(self.uids("Trash")), 1)
        for name in ("", "a*b", "x" * 101):
            self.assertEqual(self.browser.post("/mail/folders", [("csrf", csrf), ("act", "create"), ("box", "INBOX"), ("name", name)]).status, 422)
        for act in ("delete", "rename"):
            reply = self.browser.post("/mail/folders", [("csrf", csrf), ("act", act), ("box", "INBOX"), ("name", "x")])
            self.assertEqual(reply.status, 404)
