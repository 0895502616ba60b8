"""The web application request by request: HTTPS through nginx, with cookies and the form's token, for tests that look at statuses and
headers. No redirect is followed unless asked. (webclient.py is the browser that follows and fills in forms.)"""

import hashlib
import html
import http.client
import re
import urllib.parse

PLAIN = "application/x-www-form-urlencoded"


class Reply:
    def __init__(self, response, body):
        self.status, self.headers, self.body = response.status, response.headers, body
        self.text = body.decode("utf-8", "replace")

    @property
    def location(self):
        return self.headers.get("Location", "")

    def words(self):
        """The page as it is read: without tags, one blank between words."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    def cookie(self, name):
        """The whole Set-Cookie line of that cookie, or None."""
        for line in self.headers.get_all("Set-Cookie", []):
            if line.startswith(name + "="):
                return line
        return None


class Web:
    """One browser: web = Web(mansio); web.log_in(operator); web.get("/domains")"""

    def __init__(self, mansio, port="https"):
        self.mansio, self.cookies, self.csrf = mansio, {}, ""
        if port == "https":
            self.connection = http.client.HTTPSConnection(
                "localhost", mansio.port["https"], context=mansio.trust(), timeout=60)
        else:
            self.connection = http.client.HTTPConnection(mansio.host, mansio.port[port], timeout=60)

    def __del__(self):
        self.connection.close()

    def request(self, method, path, body=None, headers=None):
        headers = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.cookies.items()), **(headers or {})}
        try:
            self.connection.request(method, path, body, headers)
            response = self.connection.getresponse()
            reply = Reply(response, response.read())
        except (http.client.HTTPException, OSError):
            self.connection.close()
            raise
        for line in reply.headers.get_all("Set-Cookie", []):
            name, value = line.split(";")[0].split("=", 1)
            if "Max-Age=0" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        token = re.search(r'name="csrf" value="([^"]+)"', reply.text)
        if token:
            self.csrf = html.unescape(token.group(1))
        return reply

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def follow(self, reply):
        assert reply.status == 303, f"{reply.status}: {reply.words()[:300]}"
        return self.get(reply.location)

    def post(self, path, form=None, csrf=True, headers=None):
        """A form with the token of the page seen last. form: a dict, or a list of pairs."""
        pairs = list(form.items()) if isinstance(form, dict) else list(form or [])
        if csrf:
            pairs.append(("csrf", self.csrf))
        body = urllib.parse.urlencode(pairs)
        return self.request("POST", path, body, {"Content-Type": PLAIN, **(headers or {})})

    def log_in(self, account):
        """Logs in as an Account (login, password); the reply to the form."""
        self.get("/login")
        reply = self.post("/login", {"login": account[0], "password": account[1]})
        if reply.status == 303:
            self.get("/profile")  # a page with the session's token
        return reply

    def session_hash(self):
        """What the database knows this session by, in hexadecimal."""
        return hashlib.sha256(self.cookies["__Host-mansio"].encode()).hexdigest()
