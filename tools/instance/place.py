"""Where an instance lives and as whom it runs: its directory, its ports, the unprivileged user.

The directory that was asked for (VAR) can be one that the user's processes can't enter, as below /root, or one whose
path is too long for the name of a UNIX socket (108 bytes). The state then lives in a directory of /var/tmp, VAR is a
symbolic link to it, and so everybody still finds everything at VAR.
"""

import grp
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent

# A service's port is PORT_BASE plus this. Where it can, the number is the well-known port or its last three digits.
PORTS = {
    "lmtp": 24,
    "smtp": 25,
    "outside": 26,  # where the mta delivers to at other hosts (mta_smtp_port)
    "dns": 53,
    "resolver": 54,
    "http": 80,
    "pop3": 110,
    "imap": 143,
    "sieve": 190,
    "postgres": 432,
    "https": 443,
    "submissions": 465,
    "submission": 587,
    "rndc": 953,
    "imaps": 993,
    "pop3s": 995,
    "control": 999,  # held by the supervisor: who has it owns the block
}
DEFAULT_PORT_BASE = 20000
SOCKET_PATH_MAX = 107
LONGEST_SOCKET = "run/imapd-metrics.sock"


class InstanceError(Exception):
    """A sentence for the person who started the instance."""


class User:
    """The unprivileged user whom all services run as: ours, or `postgres` where we are root."""

    def __init__(self):
        self.root = os.geteuid() == 0
        entry = pwd.getpwuid(os.geteuid())
        if self.root:
            try:
                entry = pwd.getpwnam(os.environ.get("MANSIO_USER", "postgres"))
            except KeyError as error:
                raise InstanceError(f"no user to run the services as: {error}") from None
        self.name, self.uid, self.gid = entry.pw_name, entry.pw_uid, entry.pw_gid
        self.group = grp.getgrgid(self.gid).gr_name

    def command(self, argv):
        """argv, run as the user, and ended when the process that started it ends."""
        start = ["setpriv", "--pdeathsig", "TERM"]
        if self.root:
            start += [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups", "--inh-caps=-all"]
        return start + ["--"] + [str(a) for a in argv]

    def may(self, test, paths):
        """Whether the user may read (-r), enter or run (-x) all the paths."""
        script = f'for p; do test {test} "$p" || exit 1; done'
        return subprocess.run(self.command(["sh", "-c", script, "-", *paths]), check=False, cwd="/").returncode == 0

    def own(self, path):
        if self.root:
            os.chown(path, self.uid, self.gid)


class Place:
    def __init__(self, var, port_base=DEFAULT_PORT_BASE, host="127.0.0.1"):
        self.var = pathlib.Path(os.path.abspath(var))
        self.host = host
        self.port_base = port_base
        if not 1024 <= port_base <= 64000:
            raise InstanceError(f"PORT_BASE={port_base}: expected a number from 1024 to 64000")
        self.port = {name: port_base + offset for name, offset in PORTS.items()}

    # The files that others look for are at VAR itself, whether it is a link or not.
    endpoints = property(lambda self: self.var / "endpoints.json")
    lock = property(lambda self: self.state / "instance.lock")
    control = property(lambda self: self.state / "control.sock")
    state = property(lambda self: pathlib.Path(os.path.realpath(self.var)))
    log = property(lambda self: self.state / "log")
    run = property(lambda self: self.state / "run")
    tls = property(lambda self: self.state / "tls")
    conf = property(lambda self: self.state / "conf")
    data = property(lambda self: self.state / "data")
    configuration = property(lambda self: self.state / "mansio.conf")

    def exists(self):
        return self.lock.exists()

    def make(self, user):
        """Makes the directories. What the services write to is the user's, the rest the caller's."""
        self._make_root(user)
        for path in (self.log, self.tls, self.conf, self.state / "bin"):
            path.mkdir(mode=0o755, exist_ok=True)
        for path in (self.run, self.data, self.conf / "zones"):
            path.mkdir(mode=0o755, exist_ok=True)
            user.own(path)
        for name in ("blobs", "spool"):
            path = self.data / name
            path.mkdir(mode=0o700, exist_ok=True)
            user.own(path)
        zones = self.data / "zones"
        zones.mkdir(mode=0o755, exist_ok=True)
        user.own(zones)

    def _make_root(self, user):
        if self.var.is_symlink() and not self.var.exists():
            raise InstanceError(f"{self.var} is a link to {os.readlink(self.var)}, which is gone; remove the link to start anew")
        if self.var.exists():
            if not self.var.is_dir():
                raise InstanceError(f"{self.var} is not a directory; choose another with VAR=")
            if any(self.var.iterdir()) and not self.exists():
                raise InstanceError(f"{self.var} is a directory of something else; choose another with VAR=")
            if self._usable(self.state, user):
                self.lock.touch(mode=0o644)
                return
            if self.exists():
                raise InstanceError(f"{user.name} can't enter {self.state}, where this instance has its data")
            self.var.rmdir()
        self.var.parent.mkdir(parents=True, exist_ok=True)
        self.var.mkdir(mode=0o755)
        if not self._usable(self.var, user):
            self.var.rmdir()
            elsewhere = tempfile.mkdtemp(prefix="mansio-", dir="/var/tmp")
            os.chmod(elsewhere, 0o755)
            self.var.symlink_to(elsewhere)
        self.lock.touch(mode=0o644)

    def _usable(self, directory, user):
        return len(os.fsencode(directory / LONGEST_SOCKET)) <= SOCKET_PATH_MAX and user.may("-x", [directory])

    def claim_ports(self):
        """The socket that holds the block of ports for us, or an error that says who can't have them."""
        claim = socket.socket()
        claim.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            claim.bind((self.host, self.port["control"]))
            claim.listen()
        except OSError:
            claim.close()
            raise InstanceError(f"another instance has the ports from {self.port_base}; choose others with PORT_BASE=") from None
        for name, port in self.port.items():
            if name != "control" and not port_is_free(self.host, port):
                claim.close()
                raise InstanceError(f"port {port} ({name}) is in use; choose other ports with PORT_BASE=")
        return claim

    def remove(self):
        """Removes the instance with all its data."""
        shutil.rmtree(self.state)
        if self.var.is_symlink():
            self.var.unlink()


def port_is_free(host, port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:  # old connections in TIME_WAIT don't count
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def write(path, text, mode=0o644, group=None):
    """Writes a file as a whole or not at all."""
    path = pathlib.Path(path)
    fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(fd, mode)
        if group is not None and os.geteuid() == 0:
            os.fchown(fd, -1, group)
    os.replace(temporary, path)
