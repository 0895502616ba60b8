"""Prints what Python's email package makes of messages, for test_mime_compare to set beside ours.

Usage: compare_email.py FILE...

For each file: its name, the tree of content types with file names and, of leaf parts, length and FNV-1a hash of the
decoded body; then authors, recipients, date and subject.
"""

import email
import email.header
import email.utils
import sys

FIELDS = ("from", "to", "cc")


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def one_line(text):
    return " ".join(str(text).split())


def utf8(text):
    """8-bit bytes that the parser kept as surrogates back to bytes, read as UTF-8 or else windows-1252."""
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def decoded(value):
    text = ""
    try:
        for part, charset in email.header.decode_header(value):
            if isinstance(part, bytes):
                part = part.decode(charset or "ascii", "replace")
            text += part
    except (LookupError, ValueError, email.errors.HeaderParseError):
        return one_line(value)
    return one_line(utf8(text))


def show_part(part, depth):
    kind = part.get_content_type()
    name = part.get_filename()
    line = "part %d %s" % (depth, kind)
    if name:
        line += " name=" + decoded(name)
    children = part.get_payload() if part.is_multipart() else []
    if kind == "message/delivery-status":  # Python takes its blocks for messages
        print(line)
        return
    if not children and part.get_content_maintype() != "multipart":
        body = part.get_payload(decode=True) or b""
        line += " %d %016x" % (len(body), fnv(body))
    print(line)
    for child in children:
        show_part(child, depth + 1)


def show_addresses(message, field):
    values = [utf8(str(v)) for v in message.get_all(field, [])]
    for name, address in email.utils.getaddresses(values):
        if name or address:
            print("%s %s <%s>" % (field, one_line(name), address))


def show_date(message):
    parsed = email.utils.parsedate_tz(str(message.get("date", "")))
    try:
        print("date", int(email.utils.mktime_tz(parsed)) if parsed else "-")
    except (ValueError, OverflowError):
        print("date -")


def main():
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    for path in sys.argv[1:]:
        with open(path, "rb") as file:
            message = email.message_from_bytes(file.read())
        print("==", path)
        show_part(message, 0)
        for field in FIELDS:
            show_addresses(message, field)
        show_date(message)
        print("subject", decoded(message.get("subject", "")))


main()
