"""Messages that a careless program would change: for round trips."""

import random


def nasty():
    """name -> bytes, line ends as in a file (LF) where the name does not say otherwise."""
    head = "From: livia@d.example\nTo: quintus@d.example\nSubject: {}\nMessage-ID: <{}@d.example>\nDate: Tue, 3 Mar 2026 10:00:00 +0000\n\n"
    plain = {
        "plain": "Salve!\n",
        "no final newline": "Salve!",
        "many final newlines": "Salve!\n\n\n\n",
        "no body": "",
        "from lines": "From here\n>From there\n>>From everywhere\n\nFrom livia@d.example Tue Mar  3 10:00:00 2026\nSubject: not a message\n\nx\n",
        "dots": ".\n..\n.\n",
        "long line": "x" * 100_000 + "\n",
        "tabs and blanks": "  \t \n \n\t\n",
    }
    found = {name: (head.format(name, name.replace(" ", ".")) + text).encode() for name, text in plain.items()}
    found["8 bit"] = head.format("Grüße", "eight").encode() + bytes(range(1, 10)) + bytes(range(14, 256)) + b"\n"
    found["NUL bytes"] = head.format("nul", "nul").encode() + b"a\0b\n\0\0\n"
    found["bare CR"] = head.format("cr", "cr").encode() + b"one\rtwo\r\rthree\n"
    found["CR LF throughout"] = head.format("crlf", "crlf").replace("\n", "\r\n").encode() + b"one\r\ntwo\r\n"
    found["CR LF, no final one"] = head.format("crlf2", "crlf2").replace("\n", "\r\n").encode() + b"one\r\ntwo"
    found["mixed line ends"] = head.format("mixed", "mixed").encode() + b"one\r\ntwo\nthree\r\n"
    found["CR CR LF"] = head.format("crcrlf", "crcrlf").replace("\n", "\r\n").encode() + b"one\r\r\ntwo\r\n"
    found["no header"] = b"\nno header at all\n"
    found["no empty line"] = b"Subject: only a header\nTo: x@d.example\n"
    found["empty"] = b""
    found["one newline"] = b"\n"
    found["own fields"] = b"Status: RO\nX-Status: A\nX-UID: 99\nX-Keywords: none\nX-Mansio-Mbox: 2; date=1\nContent-Length: 3\nSubject: x\n\nabc\n"
    found["from line in front"] = b"From livia@d.example Tue Mar  3 10:00:00 2026\nSubject: x\n\nabc\n"
    found["huge header"] = b"Subject: huge\n" + b"".join(b"X-%d: %s\n" % (i, b"y" * 200) for i in range(3000)) + b"\nbody\n"
    found["huge"] = head.format("huge body", "hugebody").encode() + random.Random(1).randbytes(3_000_000).replace(b"\r\n", b"..") + b"\n"
    return found
