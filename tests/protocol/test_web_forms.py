"""What a form must be before anything is done: from our own page, whole, text, and not too large; and that text stays text."""

import base64
import html
import unittest
import urllib.parse

import harness

MULTIPART = "multipart/form-data; boundary=xyz"


class Forms(unittest.TestCase):
    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.web = harness.Web(self.mansio)
        self.web.log_in(self.mansio.new_operator("reseller", self.tenant))
        self.id = int(self.mansio.sql(f"SELECT id FROM domain WHERE name = '{self.domain}'")[0])
        self.path = f"/domains/{self.id}/settings"

    def is_on(self):
        return self.mansio.sql(f"SELECT active FROM domain WHERE id = {self.id}") == ["t"]

    def refused(self, reply, status):
        self.assertEqual(reply.status, status, reply.words())
        self.assertTrue(self.is_on())
        self.assertIn("</html>", reply.text)  # a page with a way out, not a bare status
        self.assertIn("Back to the start", reply.words())

    # ---- where it comes from ----

    def test_without_token_nothing_is_done(self):
        self.refused(self.web.post(self.path, csrf=False), 403)

    def test_with_the_token_of_another_session_nothing_is_done(self):
        other = harness.Web(self.mansio)
        other.log_in(self.mansio.new_operator("reseller", self.tenant))
        self.web.csrf = other.csrf
        self.refused(self.web.post(self.path), 403)

    def test_from_another_site_nothing_is_done_even_with_the_token(self):
        self.refused(self.web.post(self.path, headers={"Sec-Fetch-Site": "cross-site"}), 403)
        self.refused(self.web.post(self.path, headers={"Sec-Fetch-Site": "same-site"}), 403)
        self.refused(self.web.post(self.path, headers={"Origin": "https://evil.test"}), 403)
        self.refused(self.web.post(self.path, headers={"Origin": "null"}), 403)

    def test_from_this_site_it_is_done(self):
        origin = f"https://localhost:{self.mansio.port['https']}"
        reply = self.web.post(self.path, {"limit": "5"}, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(reply.status, 303)
        self.assertFalse(self.is_on())  # the box was not ticked

    def test_the_login_form_has_a_token_too(self):
        web = harness.Web(self.mansio)
        operator = self.mansio.new_operator("reseller", self.tenant)
        self.assertEqual(web.post("/login", {"login": operator[0], "password": operator[1]}).status, 403)

    def test_no_get_changes_anything(self):
        for path in (f"{self.path}?active=", f"/domains/{self.id}/delete?typed={self.domain}", "/logout"):
            self.web.get(path)
        self.assertEqual(self.web.get("/profile").status, 200)
        self.assertTrue(self.is_on())
        self.assertEqual(self.web.get("/logout").status, 405)

    # ---- what it is made of ----

    def test_too_large_a_form_is_refused_with_a_page(self):
        body = "csrf=" + self.web.csrf + "&limit=" + "9" * (1100 * 1024)
        reply = self.web.request("POST", self.path, body, {"Content-Type": "application/x-www-form-urlencoded"})
        self.refused(reply, 413)

    def test_too_many_fields_are_refused(self):
        self.refused(self.web.post(self.path, [(f"f{n}", "") for n in range(2100)]), 400)

    def test_nul_and_broken_utf8_are_refused(self):
        for bad in ("%00", "a%00b", "%ff", "%c0%80", "%ed%a0%80", "%f5%80%80%80"):
            body = f"csrf={self.web.csrf}&active=1&limit={bad}"
            reply = self.web.request("POST", self.path, body, {"Content-Type": "application/x-www-form-urlencoded"})
            self.refused(reply, 400)
            self.assertIn("not valid UTF-8", reply.words())
            self.assertEqual(self.web.get(f"/domains?q={bad}").status, 400)
            self.assertIn(self.web.get(f"/domains/{bad}").status, (400, 404))

    def multipart(self, *parts, end="--xyz--\r\n"):
        body = "".join(f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in parts) + end
        return self.web.request("POST", self.path, body, {"Content-Type": MULTIPART})

    def test_multipart_forms_are_read_alike(self):
        reply = self.multipart(("csrf", self.web.csrf), ("active", "1"), ("limit", "7"))
        self.assertEqual(reply.status, 303, reply.words())
        self.assertEqual(self.mansio.sql(f"SELECT max_accounts FROM domain WHERE id = {self.id}"), ["7"])

    def test_multipart_forms_that_are_cut_off_do_nothing(self):
        self.refused(self.multipart(("csrf", self.web.csrf), ("limit", "7"), end=""), 400)
        self.refused(self.web.request("POST", self.path, "", {"Content-Type": MULTIPART}), 400)
        self.refused(self.web.request("POST", self.path, "--xyz--", {"Content-Type": "multipart/form-data"}), 400)

    def test_an_upload_larger_than_memory_is_meant_for_is_read_from_a_file(self):
        part = 'Content-Disposition: form-data; name="f"; filename="big.bin"\r\nContent-Type: application/octet-stream\r\n\r\n'
        body = f"--xyz\r\n{part}".encode() + b"\0\xff" * 2_000_000
        body += f'\r\n--xyz\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{self.web.csrf}\r\n--xyz--\r\n'.encode()
        reply = self.web.request("POST", self.path, body, {"Content-Type": MULTIPART})
        self.assertEqual(reply.status, 303, reply.words())

    def test_unknown_methods_and_paths_get_a_page(self):
        for method, path, status in (("PUT", "/domains", 405), ("DELETE", f"/domains/{self.id}", 405), ("GET", "/nothing/here", 404),
                                     ("POST", "/audit", 405), ("GET", "/domains/999999999999", 404), ("GET", "/domains/0", 404),
                                     ("GET", "/domains/99999999999999999999999", 404), ("GET", "/domains/1e3", 404)):
            reply = self.web.request(method, path)
            self.assertEqual(reply.status, status, (method, path))
            self.assertIn("</html>", reply.text)
        self.assertEqual(self.web.request("PUT", "/domains").headers["Allow"], "GET, HEAD")

    def test_head_is_get_without_its_body(self):
        reply = self.web.request("HEAD", "/profile")
        self.assertEqual((reply.status, reply.body), (200, b""))

    # ---- what pages say to browsers ----

    def test_every_page_carries_the_safe_headers(self):
        for path in ("/", "/login", "/domains", "/nothing/here", self.path):
            headers = self.web.get(path).headers
            policy = headers["Content-Security-Policy"]
            for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'",
                         "base-uri 'none'"):
                self.assertIn(part, policy)
            self.assertNotIn("unsafe", policy)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(headers["Cache-Control"], "no-store")

    def test_no_page_has_inline_script_or_style(self):
        for path in ("/", "/login", "/domains", "/domains/new", "/profile", "/audit", "/queue", "/operators", self.path):
            text = self.web.get(path).text
            self.assertNotRegex(text, r"<script(?![^>]*\bsrc=)", path)
            self.assertNotRegex(text, r"\s(style|on[a-z]+)\s*=", path)


PROBES = ('<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' autofocus onfocus=alert(1) x='", "{{LOGIN}}", "&lt;b&gt;")


class Inert(unittest.TestCase):
    """Names are what others typed. None of it may become markup on any page where it is shown."""

    def setUp(self):
        self.mansio = harness.shared()
        self.tenant = self.mansio.new_tenant()
        self.domain = self.mansio.new_domain(self.tenant)
        self.web = harness.Web(self.mansio)
        self.operator = self.mansio.new_operator("reseller", self.tenant)
        self.web.log_in(self.operator)

    def assert_inert(self, path, probe):
        reply = self.web.get(path)
        self.assertEqual(reply.status, 200, path)
        self.assertNotIn("<script>alert", reply.text, path)
        self.assertNotIn("<img src=x", reply.text, path)
        if "<" in probe or "'" in probe:
            self.assertNotIn(probe, reply.text, path)  # it is there, but escaped
        self.assertIn(probe, html.unescape(reply.text), path)

    def test_the_name_of_a_mailbox(self):
        domain_id = int(self.mansio.sql(f"SELECT id FROM domain WHERE name = '{self.domain}'")[0])
        for probe in PROBES:
            local = harness.unique("m")
            reply = self.web.post(f"/domains/{domain_id}/mailboxes/new", {"local": local, "name": probe, "how": "made_up"})
            self.assertEqual(reply.status, 200, reply.words())
            account = int(self.mansio.sql(f"SELECT id FROM account WHERE local_part = '{local}'")[0])
            for path in (f"/mailboxes/{account}", f"/mailboxes/{account}/password", f"/domains/{domain_id}/mailboxes", "/mailboxes?q=" + local):
                self.assert_inert(path, probe)

    def test_the_name_of_an_operator(self):
        for probe in PROBES:
            login = harness.unique("op")
            reply = self.web.post("/operators/new", {"login": login, "name": probe, "role": "helpdesk", "how": "typed", "password": "long enough 1"})
            self.assertEqual(reply.status, 303, reply.words())
            self.assert_inert(reply.location, probe)
            self.assert_inert("/operators?q=" + login, probe)
            who = harness.Web(self.mansio)
            who.log_in((login, "long enough 1"))
            self.web, mine = who, self.web
            self.assert_inert("/", probe)
            self.web = mine

    def test_a_reseller_s_name(self):
        provider = self.mansio.new_operator("provider", None)
        self.web = harness.Web(self.mansio)
        self.web.log_in(provider)
        for probe in PROBES:
            name = probe + harness.unique(" ")
            reply = self.web.post("/resellers/new", {"name": name, "limit": ""})
            self.assertEqual(reply.status, 303, reply.words())
            self.assert_inert(reply.location, probe)
            self.assert_inert("/resellers?q=" + urllib.parse.quote(name), probe)

    def test_the_value_of_a_record_and_the_audit_log(self):
        zone = int(self.mansio.sql(f"SELECT id FROM zone WHERE name = '{self.domain}'")[0])
        for probe in PROBES:
            name = harness.unique("r")
            reply = self.web.post(f"/zones/{zone}/records/new", {"name": name, "type": "TXT", "value": probe})
            self.assertNotIn("<script>alert", reply.text)
            self.assertNotIn("<img src=x", reply.text)
            if reply.status == 422:  # a lone quote is no TXT
                self.assertIn(probe, html.unescape(reply.text))
                continue
            for path in (f"/zones/{zone}?q={name}", f"/audit?q={name}"):
                reply = self.web.get(path)
                self.assertIn(name, reply.words())
                self.assertNotIn("<script>alert", reply.text)
                self.assertNotIn("<img src=x", reply.text)

    def test_what_was_searched_for_and_typed_wrong(self):
        for probe in PROBES:
            query = urllib.parse.quote(probe)
            for path in (f"/domains?q={query}", f"/mailboxes?q={query}", f"/audit?q={query}&kind={query}&from={query}", f"/login?next=/{query}",
                         f"/domains?q=x&sort={query}&after={query}&reseller={query}"):
                reply = self.web.get(path)
                self.assertNotIn("<script>alert", reply.text, path)
                self.assertNotIn("<img src=x", reply.text, path)
            reply = self.web.post("/domains/new", {"name": probe, "kind": "hosted"})
            self.assertEqual(reply.status, 422)
            self.assertNotIn("<script>alert", reply.text)
            self.assertNotIn("<img src=x", reply.text)

    def test_a_flash_message_from_elsewhere_stays_text(self):
        self.web.cookies["__Host-mansio-flash"] = base64.urlsafe_b64encode(b"<script>alert(1)</script>").rstrip(b"=").decode()
        text = self.web.get("/profile").text
        self.assertNotIn("<script>alert", text)
        self.assertIn("&lt;script&gt;alert", text)
        self.assertNotIn("__Host-mansio-flash", self.web.cookies)  # shown once


if __name__ == "__main__":
    unittest.main()
