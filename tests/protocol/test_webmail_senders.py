"""The From chooser of the webmail: it offers what submission takes, and nothing else."""

import email
import email.policy
import unittest

import harness


class Senders(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.livia, self.marcus = self.mansio.new_account(self.domain, "livia"), self.mansio.new_account(self.domain, "marcus")
        self.browser = harness.Browser(self.mansio)
        self.browser.log_in(self.livia)

    def at(self, local):
        return f"{local}@{self.domain}"

    def alias(self, local, *targets):
        self.mansio.command("alias", "set", self.at(local), *targets)
        return self.at(local)

    def delegate(self, owner):
        self.mansio.command("account", "delegate", "add", owner, self.livia.address)

    def offered(self, path="/mail/write"):
        """The addresses to choose from, and the chosen one."""
        options = self.browser.get(path).all("option")
        return [option["value"] for option in options], next((o["value"] for o in options if "selected" in o), None)

    def send(self, **values):
        values = {"to": self.marcus.address, "text": "Salve!\n", "act": "send", **values}
        return self.browser.submit(self.browser.get("/mail/write"), "/mail/send", [], **values)

    def receive(self, subject, envelope, **headers):
        """Delivers a mail; the query that begins an answer to it."""
        made = email.message.EmailMessage(policy=email.policy.SMTP)
        made["From"], made["Subject"] = "Octavia <octavia@thermae.test>", subject
        for name, value in headers.items():
            made[name] = value
        made.set_content("Salve!\n")
        self.mansio.send("octavia@thermae.test", envelope, raw=made.as_bytes())
        self.mansio.wait_for_mail(self.livia, subject=subject)
        link = next(link for link in self.browser.get("/mail/").links if "/mail/message/" in link)
        return next(link for link in self.browser.get(link).links if "write?reply=" in link)

    def test_where_there_is_no_choice_none_is_shown(self):
        page = self.browser.get("/mail/write")
        self.assertEqual(page.all("select"), [])
        self.assertIn(self.livia.address, page.text)
        self.assertEqual(self.send(subject="Plain").status, 200)
        self.assertIn(self.livia.address, self.mansio.wait_for_mail(self.marcus, subject="Plain")["From"])

    def test_mail_goes_out_under_the_chosen_alias_with_ones_own_name(self):
        self.mansio.command("account", "set", self.livia.address, "--name", "Livia Drusilla")
        sales = self.alias("sales", self.livia.address)
        self.assertEqual(self.offered(), ([self.livia.address, sales], self.livia.address))
        self.assertIn(f"Sent to {self.marcus.address}", self.send(subject="An offer", **{"from": sales}).text)
        got = self.mansio.wait_for_mail(self.marcus, subject="An offer")
        self.assertEqual(got["From"], f"Livia Drusilla <{sales}>")
        self.assertEqual(got["Return-Path"], f"<{sales}>")
        kept = [email.message_from_bytes(raw) for _, raw in self.mansio.mail(self.livia, "Sent")]
        self.assertEqual([k["From"] for k in kept], [got["From"]])

    def test_mail_under_anothers_address_has_the_name_of_that_mailbox(self):
        self.mansio.command("account", "add", self.at("info"), "--shared", "--name", "Information desk")
        self.delegate(self.at("info"))
        self.assertEqual(self.offered()[0], [self.livia.address, self.at("info")])
        self.send(subject="Opening hours", **{"from": self.at("info")})
        self.assertEqual(self.mansio.wait_for_mail(self.marcus, subject="Opening hours")["From"], f"Information desk <{self.at('info')}>")
        self.mansio.command("account", "delegate", "remove", self.at("info"), self.livia.address)
        page = self.send(subject="Too late", **{"from": self.at("info")})
        self.assertEqual(page.status, 422)
        self.assertIn(f"You can't send under {self.at('info')}", page.text)

    def test_what_is_offered_and_what_submission_takes_is_the_same(self):
        other = self.mansio.new_domain()  # another reseller's
        mirror, caught = self.mansio.new_domain(self.tenant), self.mansio.new_domain(self.tenant)
        self.mansio.command("domain", "remove", mirror, "--yes")
        self.mansio.command("domain", "add", mirror, "--tenant", self.tenant, "--kind", "alias", "--target", self.domain)
        self.mansio.command("alias", "set", f"@{caught}", self.livia.address)
        self.mansio.command("alias", "set", f"abroad@{other}", self.livia.address)
        self.alias("one", self.livia.address)
        self.alias("two", self.at("one"), "else@outside.test")
        self.alias("detail", self.at("livia+list"))
        self.alias("theirs", self.marcus.address)
        self.alias("round", self.at("about"))
        self.alias("about", self.at("round"))
        self.alias("both", self.livia.address, self.marcus.address)
        self.mansio.new_account(self.domain, "both")  # the alias goes before
        self.mansio.new_account(self.domain, "given")
        self.mansio.new_account(self.domain, "kept")
        self.delegate(self.at("given"))
        self.alias("off", self.livia.address)
        self.mansio.sql(f"UPDATE alias SET active = false WHERE local_part = 'off' AND domain_id = (SELECT id FROM domain WHERE name = '{self.domain}')")
        listed = [self.at(name) for name in ("livia", "one", "two", "detail", "both", "given")]
        listed += [f"{name}@{mirror}" for name in ("livia", "one", "two", "detail", "both")] + [f"abroad@{other}"]
        self.assertEqual(sorted(self.offered()[0]), sorted(listed))
        unlisted = [f"anything@{caught}", self.at("livia+shop"), f"one+shop@{mirror}", self.at("LIVIA")]
        refused = [self.at(name) for name in ("theirs", "round", "kept", "marcus", "off", "nobody")]
        refused += [f"kept@{mirror}", f"nobody@{other}", "octavia@thermae.test", f"@{self.domain}", "livia", f"{self.livia.address}, x@y.test"]
        with self.mansio.submission(self.livia) as client:
            for address in listed + unlisted + refused:
                with self.subTest(address):
                    client.rset()
                    taken = client.docmd("MAIL", f"FROM:<{address}>")[0] == 250
                    self.assertEqual(taken, address not in refused)
                    page = self.send(to="no address", **{"from": address})
                    self.assertEqual("You can't send under" not in page.text, taken)

    def test_where_a_whole_domain_will_do_an_address_of_it_can_be_typed(self):
        campaign = self.mansio.new_domain(self.tenant)
        self.mansio.command("account", "send-as", "add", self.livia.address, f"@{campaign}")
        field = self.browser.get("/mail/write").all("input", name="from")
        self.assertEqual([f["value"] for f in field], [self.livia.address])
        self.send(subject="Campaign", **{"from": f"spring@{campaign}"})
        self.assertIn(f"spring@{campaign}", self.mansio.wait_for_mail(self.marcus, subject="Campaign")["From"])

    def test_an_answer_goes_out_under_the_address_that_the_mail_came_to(self):
        sales, given = self.alias("sales", self.livia.address), self.mansio.new_account(self.domain, "given").address
        self.delegate(given)
        for subject, headers, chosen in (
            ("alias", {"To": f"Sales <{sales.upper()}>"}, sales),
            ("own", {"To": self.livia.address, "Cc": sales}, self.livia.address),
            ("copy", {"To": "else@outside.test", "Cc": sales}, sales),
            ("hidden", {"To": "else@outside.test"}, sales),  # by Received
            ("given", {"To": given, "Cc": "someone@outside.test"}, given),
            ("together", {"To": given, "Cc": self.livia.address}, self.livia.address),
        ):
            with self.subTest(subject):
                envelope = sales if subject == "hidden" else self.livia.address
                self.assertEqual(self.offered(self.receive(subject, envelope, **headers))[1], chosen)

    def test_an_answer_to_all_leaves_out_the_address_it_is_sent_under(self):
        sales = self.alias("sales", self.livia.address)
        reply = self.receive("All", sales, To=f"{sales}, gaius@taberna.test")
        fields = dict(self.browser.get(reply.replace("reply=", "all=")).form("/mail/send").fields)
        self.assertEqual(fields["to"], "Octavia <octavia@thermae.test>, gaius@taberna.test")

    def test_going_on_with_mail_sent_under_an_alias_writes_to_whom_it_went(self):
        sales = self.alias("sales", self.livia.address)
        self.send(subject="First", **{"from": sales})
        sent = next(link for link in self.browser.get("/mail/folder/Sent").links if "/mail/message/" in link)
        reply = next(link for link in self.browser.get(sent).links if "write?reply=" in link)
        self.assertEqual(dict(self.browser.get(reply).form("/mail/send").fields)["to"], self.marcus.address)
        self.assertEqual(self.offered(reply)[1], sales)

    def test_an_answer_from_a_shared_mailbox_goes_out_under_its_address(self):
        info = self.at("info")
        self.mansio.command("account", "add", info, "--shared")
        self.mansio.command("share", "set", info, "*", self.livia.address, "manage")
        self.delegate(info)
        self.mansio.send("octavia@thermae.test", info, subject="Question", body="?\r\n")
        self.mansio.wait_for_mail(self.livia, subject="Question", folder=f'"Shared Folders/{info}/INBOX"')
        folder = next(link for link in self.browser.get("/mail/folders").links if "Shared" in link and link.endswith("INBOX"))
        message = next(link for link in self.browser.get(folder).links if "/mail/message/" in link)
        self.assertEqual(self.offered(next(link for link in self.browser.get(message).links if "write?reply=" in link))[1], info)

    def test_a_draft_keeps_the_address(self):
        sales = self.alias("sales", self.livia.address)
        page = self.send(subject="Later", act="save", **{"from": sales})
        self.assertIn("/mail/write?draft=", page.url)
        self.assertEqual([o["value"] for o in page.all("option") if "selected" in o], [sales])

    def test_a_wrong_recipient_does_not_lose_the_choice(self):
        sales = self.alias("sales", self.livia.address)
        page = self.send(to="nobody at all", **{"from": sales})
        self.assertEqual(page.status, 422)
        self.assertEqual([o["value"] for o in page.all("option") if "selected" in o], [sales])

    def test_the_database_lists_addresses_for_the_person_alone(self):
        self.alias("sales", self.livia.address)
        self.assertEqual(self.mansio.sql("SELECT count(*) FROM sender_list('{}')"), ["0"])
