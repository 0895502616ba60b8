"""Somebody else's mail server that does as the test says, however odd.

    def script(peer):                       # called in a thread for each connection
        peer.say("220 odd.test")
        while line := peer.line():          # what the client says, without its line end
            peer.say("250 ok" if line[:4] != "RCPT" else "450 4.2.0 later")

    with harness.Sink(mansio, script) as sink:      # listens on sink.address, port mansio.port["outside"]
        mansio.outside_zone("odd.test", ["@ MX 10 mx", f"mx A {sink.address}"])

`converse` is such a script for a server that works; its `answer(verb, line)` may return another reply for a line, None for the usual one.
"""

import itertools
import os
import socket
import threading

_numbers = itertools.count(2)


class Peer:
    def __init__(self, sock):
        self.socket = sock
        self.file = sock.makefile("rb")

    def line(self):
        """The next line, "" at the end of the connection."""
        line = self.file.readline()
        return line.decode(errors="surrogateescape").rstrip("\r\n") if line else ""

    def say(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def data(self):
        """The bytes up to the end of the data, dots still stuffed."""
        found = b""
        while not (found.endswith(b"\r\n.\r\n") or found == b".\r\n"):
            line = self.file.readline()
            if not line:
                return None
            found += line
        return found[:-3]

    def start_tls(self, context):
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.file = self.socket.makefile("rb")


class Mail:
    def __init__(self, connection, lines, data):
        self.connection, self.lines, self.data = connection, lines, data

    def __repr__(self):
        return f"Mail({self.connection}, {self.lines})"


class Sink:
    def __init__(self, mansio, script, address=None):
        self.script = script
        # Test processes that share an instance share its port for this, so each has addresses of its own in 127.0.0.0/8.
        self.address = address or f"127.{1 + os.getpid() % 250}.{os.getpid() // 250 % 250}.{100 + next(_numbers)}"
        self.port = mansio.port["outside"]
        self.connections = 0
        self.open = []

    def __enter__(self):
        self.listener = socket.create_server((self.address, self.port))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.open:
            sock.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            with sock:
                self.script(Peer(sock))
        except OSError:
            pass  # the client went away, or the test is over


def converse(kept, extensions=("PIPELINING", "8BITMIME", "SIZE 1000000"), answer=lambda verb, line: None, name="odd.test", tls=None):
    """A script of a server that keeps what it gets in the list `kept`."""
    numbers = itertools.count(1)
    offered = [*extensions, "STARTTLS"] if tls else list(extensions)

    def script(peer):
        connection, lines, offer, recipients = next(numbers), [], offered, 0
        peer.say(f"220 {name}")
        while line := peer.line():
            verb = line.split()[0].split(":")[0].upper()
            lines.append(line)
            other = answer(verb, line)
            if other == "hang up":
                return
            if verb == "RCPT":
                recipients += not other
            if verb == "DATA" and not other and not recipients:
                other = "554 5.5.1 no valid recipients"
            if verb == "DATA" and (not other or other.startswith("354")):
                peer.say("354 go on")
                data = peer.data()
                if data is None:
                    return
                other = answer(".", line)
                if other == "hang up":
                    return
                if not other:
                    kept.append(Mail(connection, lines, data))
                peer.say(other or "250 2.0.0 kept")
                lines, recipients = [], 0
            elif other:
                peer.say(other)
            elif verb == "EHLO":
                peer.say("\r\n".join(f"250-{e}" for e in [name, *offer[:-1]]) + f"\r\n250 {offer[-1]}" if offer else f"250 {name}")
            elif verb == "STARTTLS":
                peer.say("220 go ahead")
                peer.start_tls(tls)
                offer = extensions
            elif verb == "QUIT":
                peer.say("221 bye")
                return
            else:
                peer.say("250 2.1.0 ok")

    return script
