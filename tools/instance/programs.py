"""Mansio's own programs: their configuration file, and how each is started. Those that are not built are left out."""

import os
import shutil

from .place import SOURCE, write
from .postgres import conninfo
from .supervisor import Service
from .webserver import accepts, accepts_unix

HOSTNAME = "mail.mansio.example"
WEB_PROCESSES = 2
# What the programs read at run time, beside their own executable.
TREES = ("templates", "static", "po", "sql")


class Programs:
    def __init__(self, place, user, passwords, build):
        self.place, self.user, self.passwords = place, user, passwords
        self.bin = build / "bin"
        self.source = SOURCE
        self.overrides = {}  # tests set names of mansio.conf here

    def has(self, program):
        return os.access(self.bin / program, os.X_OK)

    def make(self):
        self._reach()
        settings = {**self._settings(), **self.overrides}
        lines = [f"{name} = {value}\n" for name, value in settings.items() if value is not None]
        head = "# Written at each start of this private instance; changes are lost.\n"
        write(self.place.configuration, head + "".join(lines), 0o640, self.user.gid)
        self._commands()

    def _reach(self):
        """Copies programs and pages into the instance where its user can't read them in the source tree."""
        trees = [SOURCE / tree for tree in TREES if (SOURCE / tree).is_dir()]
        programs = [p for p in self.bin.iterdir() if p.is_file()] if self.bin.is_dir() else []
        if self.user.may("-r", [*trees, *programs]):
            return
        app = self.place.state / "app"
        shutil.rmtree(app, ignore_errors=True)
        for tree in trees:
            shutil.copytree(tree, app / tree.name)
        (app / "bin").mkdir(parents=True, exist_ok=True)
        for program in programs:
            shutil.copy(program, app / "bin")
        for directory, _, files in os.walk(app):
            os.chmod(directory, 0o755)
            for name in files:
                path = os.path.join(directory, name)
                os.chmod(path, 0o755 if os.path.dirname(path) == str(app / "bin") else 0o644)
        self.source, self.bin = app, app / "bin"

    static = property(lambda self: self.source / "static")

    def web_sockets(self):
        return [self.place.run / f"web-{number}.sock" for number in range(1, WEB_PROCESSES + 1)]

    def _settings(self):
        place, host = self.place, self.place.host
        settings = {
            "hostname": HOSTNAME,
            "state": place.data,
            "runtime": place.run,
            "user": "",  # already running as it
            "log_level": os.environ.get("MANSIO_LOG_LEVEL", "info"),
            "tls_certificate": place.tls / "server.crt",
            "tls_key": place.tls / "server.key",
            "tls_ca": place.tls / "ca.crt",
            "resolver": f"{host}@{place.port['resolver']}",
            "mta_smtp_port": place.port["outside"],
            "mta_pickup": f"unix:{place.run}/pickup.sock",
            "mta_metrics": f"unix:{place.run}/mta-metrics.sock",
            "imapd_metrics": f"unix:{place.run}/imapd-metrics.sock",
            "imapd_local": f"unix:{place.run}/imap.sock",
            "web_fastcgi": f"unix:{place.run}/web-%i.sock",
            "web_imap": f"unix:{place.run}/imap.sock",
            "web_submission": f"unix:{place.run}/submission.sock",
            "web_templates": self.source / "templates",
            "web_static": self.source / "static",
            "sql": self.source / "sql",
            "dns_zones": place.data / "zones",
            "dns_driver": "bind",
            "dns_server": f"{host}@{place.port['dns']}",
            "dns_conf": place.data / "zones.conf",
        }
        for role in ("owner", "mta", "imapd", "web", "dns"):
            name = "db_admin" if role == "owner" else f"db_{role}"
            settings[name] = conninfo(place, f"mansio_{role}", self.passwords[f"mansio_{role}"])
        for name in ("smtp", "submission", "submissions", "lmtp"):
            settings[f"mta_{name}"] = f"{host}:{place.port[name]}"
        settings["mta_submission"] += f" unix:{place.run}/submission.sock"  # the webmail's
        for name in ("imap", "imaps", "pop3", "pop3s"):
            settings[f"imapd_{name}"] = f"{host}:{place.port[name]}"
        return settings

    def _commands(self):
        """$VAR/bin/mansio and sendmail: the programs for people, with this instance's configuration."""
        for name, option in (("mansio", "-c"), ("sendmail", "-C")):
            path = self.place.state / "bin" / name
            if self.has(name):
                write(path, f'#!/bin/sh\nexec "{self.bin}/{name}" {option} "{self.place.configuration}" "$@"\n', 0o755)
            else:
                path.unlink(missing_ok=True)

    def services(self):
        """The daemons that are built, in the order in which they start."""
        place = self.place
        found = []

        def add(name, program, ready, *args):
            if self.has(program):
                argv = self.user.command([self.bin / program, "-c", place.configuration, *args])
                found.append(Service(name, argv, ready, env=SANITIZERS))

        add("dns", "mansio-dns", lambda: True)
        add("imapd", "mansio-imapd", lambda: accepts(place.host, place.port["imap"]))
        add("mta", "mansio-mta", lambda: accepts(place.host, place.port["smtp"]))
        for number, path in enumerate(self.web_sockets(), 1):
            add(f"web-{number}", "mansio-web", lambda path=path: accepts_unix(path), "-i", number)
        return found


# A sanitizer's finding ends the process and is in its log; leaks are looked for in unit tests, where the end is orderly.
SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=0:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1",
}
