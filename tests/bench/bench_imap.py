"""IMAP: 20 clients of imapload, which checks every answer, over UNIX sockets on both sides (passwords go over TLS only otherwise). The peer is Dovecot in its fastest setting (sdbox, service_count=256) and, as a
figure of its own, with its defaults."""

import os
import pathlib
import subprocess
import tempfile

import dovecot
import figure
import harness

MODES = ["mixed", "append", "fetch", "login"]
UNITS = {"mixed": "commands/s", "append": "APPEND/s", "fetch": "bodies/s", "login": "logins/s"}
FIGURES = [f"imap-{mode}{kind}" for mode in MODES for kind in ("", "-default")] + ["imap-idle", "imap-idle-tls"]
CLIENTS, PASSWORD = 20, "correct horse battery"
IDLE_OURS, IDLE_PEER = 9000, 500  # connections; it has a process for each
ROUNDS = 3


def build():
    path = pathlib.Path(tempfile.mkdtemp(prefix="mansio-bench-")) / "imapload"
    source = pathlib.Path(__file__).parent / "imapload.c"
    subprocess.run(["gcc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-o", path, source, "-pthread", "-lssl", "-lcrypto"], check=True)
    return path


class Load:
    def __init__(self, program, address, user, shared):
        self.program, self.address, self.user, self.shared = program, address, user, shared

    def run(self, mode, seconds):
        user = self.shared if mode == "mixed" else self.user
        argv = [self.program, mode, str(self.address), str(CLIENTS), str(seconds), user, PASSWORD]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise RuntimeError(f"imapload {mode}: {done.stderr}")
        return float(done.stdout)

    def fill(self):
        self.run("fill", 0)


class Ours(Load):
    def __init__(self, program):
        self.mansio = harness.private()
        domain = self.mansio.new_domain()
        for n in range(1, CLIENTS + 1):
            self.mansio.new_account(domain, local=f"user{n}", password=PASSWORD)
        self.mansio.command("setting", "set", "imapd.connections_account", "0")  # the idle ones are all of one mailbox
        super().__init__(program, self.mansio.var / "run" / "imap.sock", f"user%d@{domain}", f"user1@{domain}")

    def idle_address(self, tls):
        """Of a daemon that has just been started: what an older one has freed would hide what new connections take."""
        self.mansio.restart("imapd")
        return f"tls:{self.mansio.port['imaps']}" if tls else self.address

    def resident(self):
        lines = pathlib.Path(f"/proc/{self.mansio.pid('imapd')}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    def close(self):
        self.mansio.remove()


class Peer(Load):
    def __init__(self, program, settings):
        self.dovecot = dovecot.Dovecot(settings, [f"user{n}" for n in range(1, CLIENTS + 1)], PASSWORD)
        super().__init__(program, self.dovecot.address, "user%d", "user1")

    def idle_address(self, tls):
        self.dovecot.restart()
        return f"tls:{self.dovecot.tls_port}" if tls else self.address

    def resident(self):
        return self.dovecot.resident()

    def close(self):
        self.dovecot.close()


def median(values):
    return sorted(values)[len(values) // 2]


def rates(sides, mode, seconds):
    found = [[] for _ in sides]
    for _ in range(ROUNDS):
        for side, rate in zip(sides, found):
            rate.append(side.run(mode, seconds / ROUNDS))
    return [median(rate) for rate in found]


def idle_kib(side, count, tls=False):
    """What a connection with a mailbox selected adds to the resident memory."""
    address = side.idle_address(tls)
    for connections in (20, count):  # the first ones bring in what all share
        argv = [side.program, "idle", str(address), str(connections), "0", side.shared, PASSWORD]
        before = side.resident()
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            if holder.stdout.readline() != "open\n":
                raise RuntimeError("the idle connections could not be opened")
            after = side.resident()
            holder.stdin.close()
    return (after - before) / count


def measure(names, seconds):
    program, ours, peers = build(), None, {}
    try:
        ours = Ours(program)
        ours.fill()
        for kind, settings in (("", dovecot.FASTEST), ("-default", dovecot.DEFAULT)):
            wanted = [mode for mode in MODES if f"imap-{mode}{kind}" in names]
            idle = [name for name in names if kind == "" and name.startswith("imap-idle")]
            if not wanted and not idle:
                continue
            peers[kind] = Peer(program, settings)
            peers[kind].fill()
            for mode in wanted:
                left, right = rates([ours, peers[kind]], mode, seconds)
                note = "Dovecot, sdbox, " + ("service_count=256" if kind == "" else "its defaults")
                yield figure.rate(f"imap-{mode}{kind}", left, right, UNITS[mode], note)
            for name in idle:
                tls = name == "imap-idle-tls"
                left, right = idle_kib(ours, IDLE_OURS, tls), idle_kib(peers[""], IDLE_PEER, tls)
                yield figure.time(name, left, right, "KiB", f"a connection at rest, of {IDLE_OURS}; Dovecot, of {IDLE_PEER}")
    finally:
        for side in [ours, *peers.values()]:
            if side:
                side.close()
        os.unlink(program)
        os.rmdir(program.parent)
