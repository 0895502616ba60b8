"""A client of SCRAM (RFC 5802), step by step, for what finished clients don't do: other bindings, wrong proofs, several mechanisms."""

import base64
import hashlib
import hmac
import secrets


class Scram:
    """first() and final(server_first) are the client's messages; verify(server_final) checks the server's."""

    def __init__(self, login, password, name="sha256", header="n,,", binding=b""):
        self.login, self.password, self.name, self.header, self.binding = login, password, name, header, binding
        self.nonce = secrets.token_hex(12)
        self.salt = self.iterations = None

    def bare(self):
        return f"n={self.login.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"

    def first(self):
        return self.header + self.bare()

    def hmac(self, key, text):
        return hmac.new(key, text.encode(), self.name).digest()

    def final(self, server_first):
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        assert fields["r"].startswith(self.nonce) and fields["r"] != self.nonce
        self.salt, self.iterations = fields["s"], int(fields["i"])
        salted = hashlib.pbkdf2_hmac(self.name, self.password.encode(), base64.b64decode(self.salt), self.iterations)
        bound = base64.b64encode(self.header.encode() + self.binding).decode()
        without_proof = f"c={bound},r={fields['r']}"
        message = f"{self.bare()},{server_first},{without_proof}"
        key = self.hmac(salted, "Client Key")
        signature = self.hmac(hashlib.new(self.name, key).digest(), message)
        self.expected = self.hmac(self.hmac(salted, "Server Key"), message)
        proof = bytes(a ^ b for a, b in zip(key, signature))
        return f"{without_proof},p={base64.b64encode(proof).decode()}"

    def verify(self, server_final):
        return server_final == "v=" + base64.b64encode(self.expected).decode()


def encode(text):
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def log_in(say, scram, mechanism):
    """Runs the exchange. say(line) sends a line and gives ("+", the challenge) or another pair, which is the result."""
    kind, text = say(f"{mechanism} {encode(scram.first())}")
    if kind != "+":
        return kind, text
    kind, text = say(encode(scram.final(base64.b64decode(text).decode())))
    if kind != "+":
        return kind, text
    assert scram.verify(base64.b64decode(text).decode()), "the server has not proved that it knows the password"
    return say("")
