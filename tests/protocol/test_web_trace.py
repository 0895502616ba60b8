"""The pages of the message trace: found by what people type, a readable story of one message, and each role its own."""

import unittest

import harness


class TracePages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.shared()
        cls.tenant, cls.other = cls.mansio.new_tenant(), cls.mansio.new_tenant()
        cls.domain = cls.mansio.new_domain(cls.tenant)
        cls.livia = cls.mansio.new_account(cls.domain)
        cls.people = {role: cls.mansio.new_operator(role, cls.tenant) for role in ("reseller", "helpdesk", "domain")}
        cls.mansio.command("operator", "grant", cls.people["domain"].address, cls.domain)
        cls.stranger = cls.mansio.new_operator("reseller", cls.other)
        cls.sender = f"bob@from-{cls.domain}".replace(".example", ".test")
        cls.mansio.send(cls.sender, cls.livia.address, raw=f"Message-ID: <story@{cls.domain}>\r\n\r\nSalve\r\n")
        with cls.mansio.smtp() as smtp:
            smtp.ehlo("client.outside.test")
            smtp.mail(cls.sender)
            smtp.rcpt(f"nobody@{cls.domain}")

    def web(self, who):
        web = harness.Browser(self.mansio)
        web.log_in(who)
        return web

    def found(self, web, query):
        page = web.get(f"/trace?{query}")
        self.assertEqual(page.status, 200, query)
        return page

    def wait(self, web, query, text):
        return harness.eventually(lambda: (page := self.found(web, query)) and text in page.text and page, 10, f"{text} in /trace?{query}")

    def test_mail_is_found_by_address_domain_message_id_client_and_outcome(self):
        web = self.web(self.people["reseller"])
        self.wait(web, f"q={self.livia.address}", self.sender)
        for query in (f"q={self.sender}", f"q={self.domain}", f"q=%3Cstory@{self.domain}%3E", "q=127.0.0.1", "outcome=delivered",
                      f"q={self.sender}&as=sender", f"q={self.livia.address}&as=recipient&outcome=delivered", "from=2020-01-01"):  # fmt: skip
            self.assertIn(self.livia.address, self.found(web, query).text, query)
        for query in (f"q={self.livia.address}&as=sender", f"q={self.livia.address}&outcome=bounced", "q=nonsense", "to=2020-01-01",
                      "q=somebody@else.test"):  # fmt: skip
            self.assertIn("Nothing in the trace matches", self.found(web, query).text, query)

    def test_a_refused_recipient_is_there_with_the_reply(self):
        web = self.web(self.people["helpdesk"])
        page = self.wait(web, "outcome=refused", f"nobody@{self.domain}")
        self.assertIn("550 5.1.1", page.text)

    def test_one_message_tells_its_story(self):
        web = self.web(self.people["domain"])
        page = self.wait(web, f"q={self.livia.address}", self.sender)
        link = next(a["href"] for a in page.all("a") if a.get("href", "").startswith("/trace/"))
        story = web.get(link)
        for words in (self.livia.address, self.sender, f"<story@{self.domain}>", "Delivered", "INBOX", "127.0.0.1", "What happened"):
            self.assertIn(words, story.text)

    def test_another_reseller_finds_nothing_of_it(self):
        web = self.web(self.people["reseller"])
        page = self.wait(web, f"q={self.livia.address}", self.sender)
        link = next(a["href"] for a in page.all("a") if a.get("href", "").startswith("/trace/"))
        stranger = self.web(self.stranger)
        for query in (f"q={self.livia.address}", f"q={self.sender}", f"q=%3Cstory@{self.domain}%3E", f"q={self.domain}", ""):
            rows = [a["href"] for a in self.found(stranger, query).all("a") if a.get("href", "").startswith("/trace/")]
            self.assertEqual(rows, [], query)
        self.assertEqual(stranger.get(link).status, 404)
        self.assertEqual(stranger.get("/trace/nonsense!").status, 404)

    def test_a_mailbox_has_no_trace_of_its_own(self):
        web = self.web(self.livia)
        self.assertEqual(web.get("/trace").status, 403)

    def test_pages_go_on_by_key(self):
        account = self.mansio.new_account(self.domain)
        self.mansio.command("alias", "set", f"all@{self.domain}", account.address)
        with self.mansio.smtp() as smtp:
            smtp.ehlo("client.outside.test")
            for _ in range(3):
                smtp.mail(f"many@{self.domain}")
                for n in range(20):
                    smtp.rcpt(f"absent{n}@{self.domain}")
                smtp.docmd("RSET")
        web = self.web(self.people["reseller"])
        query = f"q=many@{self.domain}"
        harness.eventually(lambda: self.mansio.sql(f"SELECT 1 FROM trace WHERE sender = 'many@{self.domain}' OFFSET 56"), 10, "57 refusals")
        first = self.found(web, query)
        rows = [a["href"] for a in first.all("a") if a.get("href", "").startswith("/trace/")]
        self.assertEqual(len(rows), 50)
        onward = next(a["href"] for a in first.all("a") if a.get("rel") == "next")
        second = web.get(onward)
        self.assertGreaterEqual(len([a for a in second.all("a") if a.get("href", "").startswith("/trace/")]), 7)
        back = next(a["href"] for a in second.all("a") if a.get("rel") == "prev")
        self.assertEqual(rows, [a["href"] for a in web.get(back).all("a") if a.get("href", "").startswith("/trace/")])


if __name__ == "__main__":
    unittest.main()
