"""Signing with DKIM and ARC by hand, with any tags whatever: what no well-behaved signer would write, rightly signed.

Keys are made once for each run. Canonicalization is written down here once more, so that it is compared with ours.
"""

import base64
import functools
import hashlib
import re

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa


@functools.lru_cache(maxsize=None)
def rsa_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


@functools.lru_cache(maxsize=None)
def ed25519_key():
    return ed25519.Ed25519PrivateKey.generate()


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def record(key):
    """The text of the key's TXT record."""
    public = key.public_key()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}"
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"


def signature(key, data):
    if isinstance(key, ed25519.Ed25519PrivateKey):
        made = key.sign(hashlib.sha256(data).digest())
    else:
        made = key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(made).decode()


def field(name, body, how="relaxed"):
    if how == "simple":
        return f"{name}:{body}\r\n"
    value = re.sub(r"[ \t\r\n]+", " ", body).strip()
    return f"{name.strip().lower()}:{value}\r\n"


def body_hash(body, how="relaxed", length=None):
    if how == "relaxed":
        body = re.sub(r"[ \t]+", " ", body)
        body = re.sub(r" (?=\r\n|$)", "", body)
    body = re.sub(r"(\r\n)*$", "", body)
    body = body + "\r\n" if body or how == "simple" else body
    return base64.b64encode(hashlib.sha256(body.encode()[:length]).digest()).decode()


def split(message):
    """[(name, body)], body. The message has CR LF line ends."""
    head, _, body = message.partition("\r\n\r\n")
    fields = [line.split(":", 1) for line in re.split(r"\r\n(?![ \t])", head) if line]
    return [(name, value) for name, value in fields], body


def pick(fields, names):
    """From the bottom up, each once."""
    left = list(fields)
    for name in names:
        for i in range(len(left) - 1, -1, -1):
            if left[i][0].strip().lower() == name.strip().lower():
                yield left.pop(i)
                break


def without_b(value):
    return re.sub(r"(^|;)(\s*b\s*=)[^;]*", r"\1\2", value, count=1)


def sign(message, key, tags, name="DKIM-Signature", how="relaxed", names="from:to:subject", change=None):
    """The message with a signature over the fields `names`; `tags` is the text of the field, with "{bh}" and "{b}" in
    it where these go. change: what becomes of the field's text before it is signed."""
    fields, body = split(message)
    length = re.search(r"\bl=(\d+)", tags)
    body_how = "relaxed" if re.search(r"\bc\s*=\s*\w+/relaxed", tags) else "simple"
    value = " " + tags.replace("{bh}", body_hash(body, body_how, int(length[1]) if length else None))
    value = change(value) if change else value
    signed = "".join(field(n, v, how) for n, v in pick(fields, names.split(":")))
    signed += field(name, without_b(value.replace("{b}", "")), how)[:-2]
    return f"{name}:{value.replace('{b}', signature(key, signed.encode()))}\r\n{message}"


def seal_input(sets):
    """Of [(results, message signature, seal)], the last one without its b=."""
    out = ""
    for results, message, seal in sets:
        out += field("ARC-Authentication-Results", results) + field("ARC-Message-Signature", message)
        out += field("ARC-Seal", seal)
    return out[:-2]
