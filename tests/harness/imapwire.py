"""IMAP byte by byte, for tests of what imaplib would not say or would hide.

    with harness.ImapWire(mansio, livia) as wire:       # TLS, logged in where an account is given
        ok, untagged = wire.run("SELECT INBOX")     # ok: "OK [READ-WRITE] ...", untagged: each response as bytes
        wire.send("a1 NOOP\r\na2 NOOP\r\n")
        wire.line()                                 # one response, its literals in place
"""

import base64
import re
import socket
import ssl
import zlib


class ImapWire:
    def __init__(self, mansio, account=None, tls=True, path=None, timeout=15):
        self.mansio, self.count, self.buffer = mansio, 0, b""
        self.deflate = self.inflate = None
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(path))
        else:
            self.socket = socket.create_connection((mansio.host, mansio.port["imaps" if tls else "imap"]), timeout=timeout)
        try:
            if tls and not path:
                self.start_tls()
            self.greeting = self.line()
            if account:
                ok, _ = self.login(account)
                assert ok.startswith("OK"), ok
        except BaseException:
            self.close()
            raise

    def start_tls(self):
        self.socket = self.mansio.trust().wrap_socket(self.socket, server_hostname="localhost")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- compression (RFC 4978) ----

    def compress(self, level=6, window=15):
        """COMPRESS DEFLATE; from then on both ways go through zlib."""
        ok, _ = self.run("COMPRESS DEFLATE")
        assert ok.startswith("OK"), ok
        assert not self.buffer, self.buffer
        self.deflate, self.inflate = zlib.compressobj(level, zlib.DEFLATED, -window), zlib.decompressobj(-15)
        self.received = self.sent = 0

    def stop_compressing(self):
        assert not self.inflate.unconsumed_tail
        self.deflate = self.inflate = None

    def packed(self, data, flush=zlib.Z_SYNC_FLUSH):
        return self.deflate.compress(data.encode() if isinstance(data, str) else data) + self.deflate.flush(flush)

    # ---- sending ----

    def send(self, data):
        data = data.encode() if isinstance(data, str) else data
        if self.deflate:
            data = self.packed(data)
            self.sent += len(data)
        self.socket.sendall(data)

    def tag(self):
        self.count += 1
        return f"t{self.count}"

    def start(self, command):
        """Sends a command and does not wait; its tag."""
        tag = self.tag()
        self.send(tag.encode() + b" " + (command.encode() if isinstance(command, str) else command) + b"\r\n")
        return tag

    def run(self, command):
        """(tagged reply without the tag, untagged responses)."""
        return self.finish(self.start(command))

    def finish(self, tag):
        untagged = []
        while True:
            line = self.line()
            if line.startswith(tag.encode() + b" "):
                return line[len(tag) + 1 :].decode(), untagged
            untagged.append(line)

    def must(self, command):
        """The untagged responses of a command that has to succeed."""
        ok, untagged = self.run(command)
        assert ok.startswith("OK"), f"{command!r}: {ok}"
        return untagged

    def login(self, account):
        plain = base64.b64encode(f"\0{account.address}\0{account.password}".encode()).decode()
        return self.run(f"AUTHENTICATE PLAIN {plain}")

    def append(self, mailbox, message, more=""):
        return self.run(f'APPEND "{mailbox}" {more}{{{len(message)}+}}\r\n'.encode() + message)

    # ---- receiving ----

    def fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError("the server closed the connection")
        if self.inflate:
            self.received += len(data)
            data = self.inflate.decompress(data)
        self.buffer += data

    def read(self, size):
        while len(self.buffer) < size:
            self.fill()
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_line(self):
        while b"\r\n" not in self.buffer:
            self.fill()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def line(self):
        """One response with its literals, without the last line end."""
        whole = self.read_line()
        while match := re.search(rb"\{(\d+)\}$", whole):
            whole += b"\r\n" + self.read(int(match[1])) + self.read_line()
        return whole

    def quiet(self, seconds=0.3):
        """Whether nothing comes for so long."""
        if self.buffer:
            return False
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self.fill()
            return False
        except (TimeoutError, ssl.SSLWantReadError):
            return True
        finally:
            self.socket.settimeout(before)

    def at_end(self):
        """Reads to the end of the connection; what came."""
        data = self.buffer
        try:
            while chunk := self.socket.recv(1 << 16):
                data += chunk
        except (ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass
        return data
