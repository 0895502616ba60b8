"""$VAR/endpoints.json: where everything is, for other tools; and the same for people."""

import json

from .place import write
from .postgres import conninfo
from .programs import HOSTNAME

BY_PROGRAM = {
    "mansio-mta": ("smtp", "submission", "submissions", "lmtp"),
    "mansio-imapd": ("imap", "imaps", "pop3", "pop3s", "sieve"),
    "mansio-web": ("http", "https"),
}


def write_endpoints(place, programs, offered, passwords, demonstration):
    """offered: names of ports that answer. Keeps to the keys that outside tools know; what doesn't exist is null."""
    found = {"host": place.host, "hostname": HOSTNAME}
    for names in BY_PROGRAM.values():
        for name in names:
            found[name] = place.port[name] if name in offered else None
    found |= {
        "dns": place.port["dns"],
        "postgres": conninfo(place, "mansio_owner", passwords["mansio_owner"]),
        "resolver": f"{place.host}@{place.port['resolver']}",
        "ca": str(place.var / "tls" / "ca.crt"),
        "cli": str(place.var / "bin" / "mansio") if programs.has("mansio") else None,
        "domains": demonstration.get("domains", []),
        "accounts": demonstration.get("accounts", []),
    }
    write(place.endpoints, json.dumps(found, indent=2) + "\n", 0o600)
    return found


def describe(found):
    """Lines to print."""
    host = found["host"]
    lines = []
    if found["https"]:
        lines.append(f"  web         https://localhost:{found['https']}/   (http: {found['http']})")
    for title, names in (("SMTP", ("smtp", "submission", "submissions", "lmtp")), ("mailboxes", ("imap", "imaps", "pop3", "pop3s", "sieve"))):
        there = [f"{name} {found[name]}" for name in names if found[name]]
        if there:
            lines.append(f"  {title:11s} {host}: {', '.join(there)}")
    lines.append(f"  DNS         {host}: {found['dns']}, resolver {found['resolver']}")
    lines.append(f"  PostgreSQL  {found['postgres']}")
    lines.append(f"  authority   {found['ca']}")
    if found["cli"]:
        lines.append(f"  command     {found['cli']}")
    if found["accounts"]:
        width = max(len(a["login"]) for a in found["accounts"])
        lines.append("")
        lines += [f"  {a['role']:9s} {a['login']:{width}s}  {a['password']}  {a['tenant'] or ''}" for a in found["accounts"]]
    return lines
