"""The webmail's list of an inbox with 10,000 messages, 8 clients, through nginx: the median time of a page."""

import http.client
import re
import ssl
import subprocess
import urllib.parse

import bench_smtp
import figure
import harness

FIGURES = ["page-inbox"]
MESSAGES, CLIENTS, AIM_MS = 10_000, 8, 2.0


def log_in(mansio, account):
    """The session's cookies, as a header's value."""
    client = http.client.HTTPSConnection("localhost", mansio.port["https"], context=ssl.create_default_context(cafile=mansio.ca))
    client.request("GET", "/login")
    reply = client.getresponse()
    page, cookies = reply.read().decode(), [value.split(";")[0] for value in reply.headers.get_all("Set-Cookie", [])]
    form = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]*)"[^>]*value="([^"]*)"', page))
    form |= {"login": account.address, "password": account.password}
    client.request("POST", "/login", urllib.parse.urlencode(form), {
        "Content-Type": "application/x-www-form-urlencoded", "Cookie": "; ".join(cookies),
        "Origin": f"https://localhost:{mansio.port['https']}"})  # fmt: skip
    reply = client.getresponse()
    reply.read()
    if reply.status not in (302, 303):
        raise RuntimeError(f"the login was answered {reply.status}")
    return "; ".join(value.split(";")[0] for value in reply.headers.get_all("Set-Cookie", []))


def median_ms(mansio, path, cookie, seconds):
    url = f"https://localhost:{mansio.port['https']}{path}"
    for length in (2, seconds):  # the first warms up
        argv = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{int(length)}s", "--latency", "-H", f"Cookie: {cookie}", url]
        printed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in printed or "Socket errors" in printed:
        raise RuntimeError(printed)
    value, unit = re.search(r"50%\s+([0-9.]+)(us|ms|s)", printed).groups()
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", printed).group(1)
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit], rate


def measure(_names, seconds):
    mansio = harness.private()
    try:
        account = mansio.new_account(mansio.new_domain())
        bench_smtp.load(mansio.port["smtp"], account.address, MESSAGES, 4096, True)
        cookie = log_in(mansio, account)
        median, rate = median_ms(mansio, "/mail/folder/INBOX", cookie, seconds)
        yield figure.time("page-inbox", median, AIM_MS, "ms", f"median, {CLIENTS} clients, {rate} pages/s; peer: the aim")
    finally:
        mansio.remove()
