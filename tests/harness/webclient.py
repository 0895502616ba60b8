"""A browser without a window: cookies, redirects, forms. Standard library only."""

import html.parser
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
import uuid


class Form:
    def __init__(self, attributes):
        self.action, self.method = attributes.get("action", ""), attributes.get("method", "get")
        self.fields = []  # (name, value) as they would be sent


class Page(html.parser.HTMLParser):
    """What a page holds: its text, forms, links and elements."""

    def __init__(self, reply):
        super().__init__(convert_charrefs=True)
        self.status, self.headers, self.url, self.body = reply.status, reply.headers, reply.url, reply.read()
        self.forms, self.links, self.elements, self.text = [], [], [], ""
        self._textarea = None
        if self.headers.get_content_type() == "text/html":
            self.feed(self.body.decode())
            self.text = " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "form":
            self.forms.append(Form(attributes))
        if not self.forms:
            return
        fields = self.forms[-1].fields
        if tag == "textarea":
            self._textarea = attributes["name"]
            fields.append((self._textarea, ""))
        unset = attributes.get("type") in ("checkbox", "radio") and "checked" not in attributes
        if tag == "input" and "name" in attributes and attributes.get("type") != "file" and not unset:
            fields.append((attributes["name"], attributes.get("value", "")))

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._textarea = None

    def handle_data(self, data):
        if self._textarea:
            name, before = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, before + (data[1:] if not before and data.startswith("\n") else data))
        self.text += " " + data

    def form(self, action):
        return next(form for form in self.forms if form.action == action)

    def all(self, tag, **attributes):
        return [found for name, found in self.elements if name == tag and all(found.get(k) == v for k, v in attributes.items())]


class Browser:
    def __init__(self, mansio):
        self.base = f"https://localhost:{mansio.port['https']}"
        context = mansio.trust()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path):
        return self._open(urllib.request.Request(urllib.parse.urljoin(self.base, path)))

    def post(self, path, fields, files=None):
        """fields: pairs. files: (field, file name, media type, bytes), which make it a multipart form."""
        if files is None:
            return self._open(urllib.request.Request(urllib.parse.urljoin(self.base, path), urllib.parse.urlencode(fields).encode()))
        boundary, body = uuid.uuid4().hex, b""
        for name, value in fields:
            body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, filename, kind, data in files:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n\r\n'
            body += head.encode() + data + b"\r\n"
        request = urllib.request.Request(urllib.parse.urljoin(self.base, path), body + f"--{boundary}--\r\n".encode())
        request.add_header("Content-Type", f"multipart/form-data; boundary={boundary}")
        return self._open(request)

    def submit(self, page, action, files=None, **values):
        """Sends the form of that action with other values where they are given (a list: several of the name)."""
        form = page.form(action)
        fields = [pair for pair in form.fields if pair[0] not in values]
        for name, value in values.items():
            fields += [(name, one) for one in (value if isinstance(value, list) else [value])]
        return self.post(urllib.parse.urljoin(page.url, action), fields, files)

    def log_in(self, account):
        page = self.get("/login")
        return self.submit(page, "/login", login=account.address, password=account.password)

    def _open(self, request):
        try:
            return Page(self._opener.open(request, timeout=60))
        except urllib.error.HTTPError as reply:
            return Page(reply)
