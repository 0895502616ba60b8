"""Servers that filters speak to, scripted: a milter and a policy server that say what a test wants them to say, and remember what they
were told. And free ports and patience for the real ones."""

import ctypes
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from .patience import eventually
from .wire import Wire

# milter: names of the commands by their letters
ABORT, BODY, CONNECT, MACROS, END, HELO, REUSE, HEADER, MAIL, END_HEADER, NEGOTIATE, QUIT, RCPT, DATA, UNKNOWN = "ABCDEHKLMNOQRTU"
CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD = (("c", b""), ("a", b""), ("r", b""), ("t", b""), ("d", b""))
SILENT = 0x80 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x20000 | 0x40000 | 0x80000  # no replies but at the end


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def reply_code(text):
    return "y", text.encode() + b"\0"


def field(name, value, index=None):
    """The data of a reply that adds, inserts (index) or changes (index) a header field."""
    number = b"" if index is None else struct.pack("!I", index)
    return number + name.encode() + b"\0" + value.encode() + b"\0"


class Server:
    """A TCP server, a thread a connection, gone with close()."""

    def __init__(self, port=0):
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.open, self.active = [], 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def endpoint(self):
        return f"inet:127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(connection)
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection):
        self.active += 1
        try:
            with connection:
                self.serve(connection, connection.makefile("rb"))
        except (OSError, EOFError, struct.error):
            pass
        finally:
            self.active -= 1

    def serve(self, connection, file):
        raise NotImplementedError

    def close(self):
        for one in (self.socket, *self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


class Milter(Server):
    """answers: for a command's letter what is said: a reply (letter, data), a list of them, a function of the command's data that returns
    either, or a function that returns None and hangs up by that. Everything else is answered with "continue". `heard` has all commands of
    all connections, (letter, data), `macros` the newest value of each macro."""

    def __init__(self, answers=None, version=6, actions=0x1FF, options=0, macro_lists=b"", negotiation=None):
        self.answers = answers or {}
        self.version, self.actions, self.options = version, actions, options
        self.macro_lists, self.negotiation = macro_lists, negotiation
        self.heard, self.macros, self.offered = [], {}, []
        super().__init__()

    def serve(self, connection, file):
        while True:
            (length,) = struct.unpack("!I", file.read(4))
            command, data = file.read(1).decode(), file.read(length - 1)
            if command == NEGOTIATE:
                offer = struct.unpack("!III", data[:12])
                self.offered.append(offer)
                said = self.negotiation(offer) if self.negotiation else (
                    "O", struct.pack("!III", self.version, self.actions, self.options) + self.macro_lists)  # fmt: skip
                if said is None:
                    return
                connection.sendall(self.packet(said))
                continue
            self.heard.append((command, data))
            if command == MACROS:
                words = data[1:].split(b"\0")
                self.macros.update(zip((w.decode() for w in words[::2]), (w.decode() for w in words[1::2])))
            elif command == QUIT:
                return
            elif command not in (ABORT, REUSE) and not self.is_silent(command):
                said = self.answers.get(command, CONTINUE)
                said = said(data) if callable(said) else said
                if said is None:
                    return
                for one in said if isinstance(said, list) else [said]:
                    connection.sendall(one if isinstance(one, bytes) else self.packet(one))

    def is_silent(self, command):
        bits = {HEADER: 0x80, CONNECT: 0x1000, HELO: 0x2000, MAIL: 0x4000, RCPT: 0x8000, DATA: 0x10000, UNKNOWN: 0x20000,
                END_HEADER: 0x40000, BODY: 0x80000}  # fmt: skip
        return self.options & bits.get(command, 0)

    @staticmethod
    def packet(said):
        letter, data = said
        return struct.pack("!I", len(data) + 1) + letter.encode() + data

    def commands(self):
        return "".join(command for command, _ in self.heard if command != MACROS)

    def data(self, command):
        return [data for heard, data in self.heard if heard == command]


class Policy(Server):
    """answer: what follows "action=", or a function of the request's attributes; None hangs up. `asked` has the requests."""

    def __init__(self, answer="DUNNO"):
        self.answer = answer
        self.asked = []
        super().__init__()

    def serve(self, connection, file):
        while True:
            request = {}
            for line in iter(lambda: file.readline(), b"\n"):
                if not line:
                    return
                name, _, value = line.decode().rstrip("\n").partition("=")
                request[name] = value
            self.asked.append(request)
            said = self.answer(request) if callable(self.answer) else self.answer
            if said is None:
                return
            connection.sendall(said if isinstance(said, bytes) else f"action={said}\n\n".encode())


def die_with_parent():
    """A test that is killed leaves no daemon behind."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Daemon:
    """A real server as a private process: started with `argv`, and there once something listens on `port`."""

    def __init__(self, argv, port, cwd=None, seconds=60):
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, cwd=cwd,
                                        start_new_session=True, preexec_fn=die_with_parent)
        try:
            eventually(lambda: self._listens(port), seconds=seconds)
        except AssertionError:
            self._end()
            self.output.seek(0)
            said = self.output.read().decode(errors="replace")[-2000:]
            raise AssertionError(f"{argv[0]} does not listen: {said}") from None

    def _listens(self, port):
        if self.process.poll() is not None:
            raise AssertionError("it has ended")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self._end()
        self.output.close()

    def _end(self):
        """SIGKILL: libmilter waits for its connections on SIGTERM, and there is nothing to save. With its own children."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Filtered(unittest.TestCase):
    """With a private instance of its own (self.mansio): filters come and go, and are in force when attach() and change() return."""

    @classmethod
    def setUpClass(cls):
        from .mansio import private

        cls.mansio = private(overrides={"log_level": "debug"})
        cls.domain = cls.mansio.new_domain()
        cls.livia, cls.marcus = cls.mansio.new_account(cls.domain), cls.mansio.new_account(cls.domain)

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def mails(self, account, folder="INBOX"):
        """None yet where the folder is not there."""
        try:
            return self.mansio.mail(account, folder)
        except AssertionError:
            return []

    def in_force(self, *command):
        before = self.mansio.log("mta").count("filters in force")
        self.mansio.command("filter", *command)

        def look():
            with Wire(self.mansio.host, self.mansio.port["smtp"]) as wire:
                wire.reply()  # a session has the filters looked at again
            return self.mansio.log("mta").count("filters in force") > before

        eventually(look)

    def attach(self, kind, endpoint, *options, name=None):
        name = name or kind
        self.in_force("add", name, kind, endpoint, *options)
        self.addCleanup(self.detach, name)
        return name

    def detach(self, name):
        if name in [one["name"] for one in json.loads(self.mansio.command("--json", "filter", "list"))]:
            self.in_force("remove", name, "--yes")

    def change(self, name, *options):
        self.in_force("change", name, *options)
