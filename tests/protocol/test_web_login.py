"""Logging in and out, sessions and their cookies, and how guessing is slowed down."""

import unittest

import harness


class Login(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.operator = self.mansio.new_operator("reseller", self.tenant)
        self.web = harness.Web(self.mansio)

    def test_without_login_every_page_leads_to_the_login_and_back(self):
        reply = self.web.get("/domains?q=x")
        self.assertEqual((reply.status, reply.location), (303, "/login?next=%2Fdomains%3Fq%3Dx"))
        self.web.get(reply.location)
        reply = self.web.post("/login", {"login": self.operator[0], "password": self.operator[1], "next": "/domains?q=x"})
        self.assertEqual((reply.status, reply.location), (303, "/domains?q=x"))

    def test_the_login_leads_to_no_other_site(self):
        for elsewhere in ("https://evil.test/", "//evil.test/", "/\\evil.test", "javascript:alert(1)", "/login"):
            web = harness.Web(self.mansio)
            web.get("/login")
            reply = web.post("/login", {"login": self.operator[0], "password": self.operator[1], "next": elsewhere})
            self.assertEqual((reply.status, reply.location), (303, "/"), elsewhere)

    def test_cookie_is_for_this_host_and_https_alone_and_out_of_scripts_reach(self):
        self.web.get("/login")
        reply = self.web.post("/login", {"login": self.operator[0], "password": self.operator[1]})
        cookie = reply.cookie("__Host-mansio")
        for flag in ("; Secure", "; HttpOnly", "; SameSite=Lax", "; Path=/"):
            self.assertIn(flag, cookie)
        self.assertNotIn("Domain=", cookie)
        self.assertGreaterEqual(len(cookie.split(";")[0]) - len("__Host-mansio="), 43)  # 256 bits

    def test_database_does_not_hold_the_cookie(self):
        self.web.log_in(self.operator)
        token = self.web.cookies["__Host-mansio"]
        found = self.mansio.sql(f"SELECT count(*) FROM web_session WHERE token_hash = '\\x{self.web.session_hash()}'")
        self.assertEqual(found, ["1"])
        self.assertNotIn(token, "\n".join(self.mansio.sql("SELECT * FROM web_session")))

    def test_a_session_from_before_the_login_is_not_carried_over(self):
        self.web.cookies["__Host-mansio"] = "A" * 43  # fixed by somebody else
        self.web.log_in(self.operator)
        self.assertNotEqual(self.web.cookies["__Host-mansio"], "A" * 43)
        first = self.web.cookies["__Host-mansio"]
        again = harness.Web(self.mansio)
        again.cookies["__Host-mansio"] = first
        self.assertEqual(again.get("/login").status, 303)  # is logged in
        again.get("/profile")
        self.web.cookies.pop("__Host-mansio")
        self.web.get("/login")
        self.web.cookies["__Host-mansio"] = first
        reply = self.web.post("/login", {"login": self.operator[0], "password": self.operator[1]})
        self.assertEqual(reply.status, 303)
        self.assertEqual(again.get("/profile").status, 303)  # the old one ended with the new login

    def test_logout_ends_the_session_at_the_server(self):
        self.web.log_in(self.operator)
        token = self.web.cookies["__Host-mansio"]
        self.assertEqual(self.web.post("/logout").status, 303)
        self.web.cookies["__Host-mansio"] = token
        self.assertEqual(self.web.get("/profile").location, "/login?next=%2Fprofile")

    def test_wrong_name_and_wrong_password_look_the_same(self):
        replies = []
        for login in (self.operator[0], "nobody-of-that-name"):
            web = harness.Web(self.mansio)
            web.get("/login")
            reply = web.post("/login", {"login": login, "password": "certainly wrong"})
            replies.append((reply.status, reply.words().replace(login, "LOGIN")))
        self.assertEqual(replies[0], replies[1])
        self.assertEqual(replies[0][0], 422)

    def test_a_login_that_was_switched_off_says_so_only_with_the_right_password(self):
        self.mansio.command("operator", "disable", self.operator[0])
        reply = self.web.log_in((self.operator[0], "certainly wrong"))
        self.assertIn("Login or password is wrong", reply.words())
        reply = self.web.log_in(self.operator)
        self.assertEqual(reply.status, 403)
        self.assertIn("switched off", reply.words())

    def test_switching_an_operator_off_ends_what_is_open(self):
        self.web.log_in(self.operator)
        self.assertEqual(self.web.get("/").status, 200)
        self.mansio.command("operator", "disable", self.operator[0])
        self.assertEqual(self.web.get("/").status, 303)

    def test_a_session_ends_when_it_was_not_used_for_long(self):
        self.web.log_in(self.operator)
        self.mansio.sql(f"UPDATE web_session SET seen_at = now() - interval '61 minutes' WHERE token_hash = '\\x{self.web.session_hash()}'")
        self.assertEqual(self.web.get("/").status, 303)

    def test_a_session_ends_after_half_a_day_however_much_it_is_used(self):
        self.web.log_in(self.operator)
        self.mansio.sql(f"UPDATE web_session SET expires_at = now() - interval '1 second' WHERE token_hash = '\\x{self.web.session_hash()}'")
        self.assertEqual(self.web.get("/").status, 303)

    def test_a_mail_account_logs_in_to_its_mail(self):
        account = self.mansio.new_account(self.mansio.new_domain(self.tenant))
        reply = self.web.log_in(account)
        self.assertEqual((reply.status, reply.location), (303, "/mail/"))
        self.assertEqual(self.web.get("/domains").status, 403)

    def test_own_password_needs_the_old_one_and_ends_other_sessions(self):
        other = harness.Web(self.mansio)
        other.log_in(self.operator)
        self.web.log_in(self.operator)
        reply = self.web.post("/profile/password", {"old": "not that", "new": "a very new password"})
        self.assertEqual(reply.status, 422)
        self.assertIn("That is not your password", reply.words())
        reply = self.web.post("/profile/password", {"old": self.operator[1], "new": "a very new password"})
        self.assertEqual(reply.status, 303, reply.words())
        self.assertEqual(self.web.get("/").status, 200)
        self.assertEqual(other.get("/").status, 303)
        self.assertEqual(harness.Web(self.mansio).log_in((self.operator[0], "a very new password")).status, 303)

    def test_a_mail_account_changes_its_own_password(self):
        account = self.mansio.new_account(self.mansio.new_domain(self.tenant))
        self.web.log_in(account)
        reply = self.web.post("/profile/password", {"old": account.password, "new": "a very new password"})
        self.assertEqual(reply.status, 303, reply.words())
        self.assertEqual(harness.Web(self.mansio).log_in((account.address, "a very new password")).status, 303)


class Throttling(unittest.TestCase):
    """In an instance of its own: failures of one address count together."""

    def setUp(self):
        self.mansio = harness.private()
        self.addCleanup(self.mansio.remove)
        self.operator = self.mansio.new_operator("reseller", self.mansio.new_tenant())

    def guess(self, login, password="wrong"):
        return harness.Web(self.mansio).log_in((login, password))

    def test_guessing_a_login_is_slowed_down_even_for_the_right_password(self):
        statuses = [self.guess(self.operator[0]).status for _ in range(6)]
        self.assertEqual(statuses, [422] * 5 + [429])
        reply = self.guess(*self.operator)
        self.assertEqual(reply.status, 429)
        self.assertGreaterEqual(int(reply.headers["Retry-After"]), 1)
        self.assertIn("Too many failed logins", reply.words())
        self.mansio.sql("UPDATE login_failure SET at = at - interval '10 seconds'")
        self.assertEqual(self.guess(*self.operator).status, 303)
        self.assertEqual(self.guess(self.operator[0]).status, 422)  # forgiven: five more are free

    def test_guessing_many_logins_from_one_address_is_slowed_down(self):
        self.mansio.sql("INSERT INTO login_failure (login, address) SELECT 'x' || n, '127.0.0.1' FROM generate_series(1, 50) n")
        self.assertEqual(self.guess("yet-another").status, 429)


if __name__ == "__main__":
    unittest.main()
