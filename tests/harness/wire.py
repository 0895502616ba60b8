"""A conversation byte by byte, for what no well-behaved client says.

    with Wire(mansio.host, mansio.port["smtp"]) as wire:
        wire.reply()                            # (220, "mail.mansio.example ESMTP Mansio")
        wire.say("EHLO client.test")            # sends the line, gives the reply
        wire.send(b"MAIL FROM:<a@b>\\nDATA")     # these bytes and no others
"""

import socket


class Wire:
    def __init__(self, host, port, path=None, timeout=20, source=None):
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(path))
        else:
            self.socket = socket.create_connection((host, port), timeout, source and (source, 0))
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line without its end, or None at the end of the connection."""
        line = self.file.readline()
        return line.decode().rstrip("\r\n") if line else None

    def reply(self):
        """The next SMTP reply: its code and text, lines separated by line feeds. (0, "") at the end of the connection."""
        texts = []
        while True:
            line = self.line()
            if line is None:
                return 0, ""
            texts.append(line[4:])
            if line[3:4] != "-":
                return int(line[:3]), "\n".join(texts)

    def say(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def greet(self, name="client.test", verb="EHLO"):
        """Takes the greeting and says EHLO; the extensions."""
        self.reply()
        code, text = self.say(f"{verb} {name}")
        assert code == 250, text
        return text.split("\n")[1:]

    def ended(self):
        """The other side has closed, and said nothing more."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True
