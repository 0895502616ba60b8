"""Recovering deleted mail in the webmail: a person brings back what it deleted for good."""

import json
import unittest

import harness


class Recovering(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.domain = self.mansio.new_domain()
        self.livia, self.marcus = self.mansio.new_account(self.domain, "livia"), self.mansio.new_account(self.domain, "marcus")
        self.delete(self.livia, "Plan <b>one</b>", "Plan two")
        self.browser = harness.Browser(self.mansio)
        self.browser.log_in(self.livia)

    def delete(self, account, *subjects):
        client = self.mansio.imap(account)
        for subject in subjects:
            client.append("INBOX", "", None, f"From: Octavia <octavia@thermae.test>\r\nSubject: {subject}\r\n\r\nx\r\n".encode())
        client.select()
        client.store("1:*", "+FLAGS", "\\Deleted")
        client.expunge()
        client.logout()

    def keys(self, path="/mail/removed"):
        return [box["value"] for box in self.browser.get(path).all("input", type="checkbox", name="key")]

    def bring_back(self, *keys):
        page = self.browser.get("/mail/removed")
        csrf = page.all("input", name="csrf")[0]["value"]
        return self.browser.post("/mail/removed", [("csrf", csrf)] + [("key", key) for key in keys])

    def undeletes(self, account):
        entries = json.loads(self.mansio.command("audit", "list", "--json", "--search", account.address))
        return [e["actor"] for e in entries if e["action"] == "undelete"]

    def test_the_trash_and_the_folders_lead_there(self):
        for path in ("/mail/folder/Trash", "/mail/folders"):
            self.assertIn("/mail/removed", self.browser.get(path).links, path)

    def test_chosen_messages_come_back_and_the_log_says_who(self):
        page = self.browser.get("/mail/removed")
        self.assertIn("Plan <b>one</b>", page.text)
        self.assertNotIn(b"<b>one", page.body)
        self.assertIn("kept for 14 days", page.text)
        found = self.keys("/mail/removed?q=two")
        self.assertEqual(len(found), 1)
        self.assertIn("1 message was brought back", self.bring_back(*found).text)
        self.assertIn("Plan two", self.browser.get("/mail/").text)
        self.assertEqual(len(self.keys()), 1)
        self.assertEqual(self.undeletes(self.livia), [self.livia.address])

    def test_nothing_chosen_and_what_came_back_already_are_said(self):
        page = self.bring_back()
        self.assertEqual(page.status, 422)
        self.assertIn("Choose the messages", page.text)
        keys = self.keys()
        self.bring_back(*keys)
        page = self.browser.get("/mail/removed")
        self.assertIn("There is nothing to bring back", page.text)
        csrf = page.all("input", name="csrf")
        token = csrf[0]["value"] if csrf else self.browser.get("/mail/write").all("input", name="csrf")[0]["value"]
        page = self.browser.post("/mail/removed", [("csrf", token), ("key", keys[0])])
        self.assertEqual(page.status, 422)
        self.assertIn("not there any more", page.text)

    def test_a_full_mailbox_is_said_and_takes_nothing(self):
        self.mansio.command("account", "set", self.livia.address, "--quota-messages", "1")
        page = self.bring_back(*self.keys())
        self.assertEqual(page.status, 422)
        self.assertIn("The quota of", page.text)
        self.assertEqual(self.mansio.mail(self.livia), [])

    def test_other_peoples_deleted_mail_is_out_of_reach(self):
        self.delete(self.marcus, "Secret")
        theirs = [m["id"] for m in json.loads(self.mansio.command("undelete", self.marcus.address, "--json"))]
        self.assertNotIn("Secret", self.browser.get("/mail/removed").text)
        self.assertEqual(self.bring_back(*theirs).status, 422)
        self.assertEqual([self.mansio.mail(who) for who in (self.livia, self.marcus)], [[], []])
        stranger = harness.Browser(self.mansio)
        self.assertIn("/login", stranger.get("/mail/removed").url)

    def test_a_form_of_another_site_does_nothing(self):
        self.assertEqual(self.browser.post("/mail/removed", [("csrf", "x"), ("key", self.keys()[0])]).status, 403)
        self.assertEqual(self.mansio.mail(self.livia), [])
