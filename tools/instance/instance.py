"""One instance put together: what is made, what is started in which order, and how the outside asks about it."""

import json
import os
import pathlib
import secrets
import signal
import sys
import time
import traceback

from . import certificates, supervisor
from .demonstration import Demonstration
from .endpoints import BY_PROGRAM, describe, write_endpoints
from .nameserver import Nameserver
from .place import DEFAULT_PORT_BASE, SOURCE, InstanceError, Place, User, write
from .postgres import ROLES, Clusters, Postgres
from .programs import HOSTNAME, Programs
from .webserver import Webserver, listening_ports

CERTIFICATE_NAMES = [HOSTNAME, "localhost", "*.mansio.example", "*.mansio.test"]


class Instance:
    """build: the folder with bin/. overrides: names of mansio.conf to set otherwise. demonstration: fill it with one.
    guardian: a process id; the instance in the background ends, and is removed, when that process is gone."""

    def __init__(self, var, port_base=DEFAULT_PORT_BASE, build=None, overrides=None, demonstration=True, guardian=None):
        self.user = User()
        self.place = Place(var, port_base)
        self.build = pathlib.Path(build or SOURCE / "build" / "gcc").resolve()
        self.overrides = overrides or {}
        self.demonstrate = demonstration
        self.guardian = guardian
        self.supervisor = None
        self.found = None

    # ---- what an instance is made of ----

    def make(self):
        """Makes what is missing, and writes every configuration file anew."""
        self.place.make(self.user)
        self.clusters = Clusters(self.place)
        self.clusters.take()
        passwords = self._passwords()
        certificates.make(self.place, self.user, CERTIFICATE_NAMES)
        self.postgres = Postgres(self.place, self.user, passwords)
        self.postgres.make()
        self.nameserver = Nameserver(self.place, self.user)
        self.nameserver.make()
        self.programs = Programs(self.place, self.user, passwords, self.build)
        self.programs.overrides = {"dns_control": self.nameserver.control(), **self.overrides}
        self.programs.make()
        self.webserver = Webserver(self.place, self.user, self.programs.static, self.programs.web_sockets())
        self.webserver.make()
        self.demonstration = Demonstration(self.place, passwords)

    def _passwords(self):
        """$VAR/passwords: generated once; the database's roles here, the demonstration's people are added to it."""
        path = self.place.state / "passwords"
        known = json.loads(path.read_text()) if path.exists() else {}
        for role in ("postgres", *ROLES):
            known.setdefault(role, secrets.token_urlsafe(18))
        write(path, json.dumps(known, indent=1) + "\n", 0o600)
        return known

    # ---- running ----

    def run(self, say, ready, every=None):
        """Starts everything, calls ready(endpoints) once all of it answers, and serves until told to stop.

        say(text) gets what happens in between. An InstanceError says why it didn't work; everything is stopped then.
        """
        self.place.make(self.user)
        boss = supervisor.Supervisor(self.place, say)
        if not boss.take():
            raise InstanceError(f"the instance in {self.place.var} is running already")
        try:
            with self.place.claim_ports():
                try:
                    self.make()
                    self._start(boss, say)
                    ready(self.found)
                    boss.serve(every)
                finally:
                    boss.stop_all()
        finally:
            boss.release()

    def _start(self, boss, say):
        boss.start(self.postgres.service())
        self.postgres.make_database()
        if self.programs.has("mansio"):
            self.command("migrate")
            self.clusters.leave(boss, self.postgres)
            if self.demonstrate:
                boss.meanwhile(lambda: self.demonstration.seed(say))
        for service in self.nameserver.services() + self.programs.services():
            boss.start(service)
        if "web-1" in boss.services:
            boss.start(self.webserver.service())
        if self.demonstrate and "mta" in boss.services:
            boss.meanwhile(self.demonstration.send_mail)
        if self.demonstrate and "dns" in boss.services:
            domains = self.demonstration.people()["domains"]
            boss.wait_until(lambda: all(self.nameserver.answers("dns", d) for d in domains), "the zones at the nameserver")
        listening = listening_ports()
        offered = [name for names in BY_PROGRAM.values() for name in names if self.place.port[name] in listening]
        people = self.demonstration.people() if self.demonstrate else {}
        self.found = write_endpoints(self.place, self.programs, offered, self.postgres.passwords, people)

    def command(self, *args, **kwargs):
        """Runs the `mansio` command with this instance's configuration and returns what it prints."""
        return self.demonstration.command(*args, **kwargs)

    # ---- in the background ----

    def start(self, say=lambda text: None):
        """Starts the instance as a process of its own and returns its endpoints when everything answers."""
        if supervisor.running(self.place):
            return self.endpoints()
        self.place.make(self.user)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            self._background(reader, writer)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            for line in pipe:
                kind, _, text = line.rstrip("\n").partition(" ")
                if kind == "say":
                    say(text)
                elif kind == "ready":
                    return self.endpoints()
                elif kind == "error":
                    os.waitpid(child, 0)
                    raise InstanceError(json.loads(text))
        os.waitpid(child, 0)
        raise InstanceError(f"the instance ended while starting; see {self.place.log}")

    def _background(self, reader, writer):
        """The child of start(): leaves the terminal and runs. Never returns."""
        code = 1
        try:
            os.close(reader)
            os.setsid()
            if os.fork():
                os._exit(0)
            pipe = os.fdopen(writer, "w", buffering=1)
            with open(os.devnull, "rb") as null, open(self.place.log / "instance.log", "ab") as log:
                os.dup2(null.fileno(), 0)
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            os.chdir("/")

            def say(text):
                print(time.strftime("%Y-%m-%dT%H:%M:%S"), text, flush=True)
                if not pipe.closed:
                    print("say", text.splitlines()[0], file=pipe)

            def ready(_):
                print("ready", file=pipe)
                pipe.close()

            try:
                self.run(say, ready, self._watch if self.guardian else None)
                code = 0
                if self.guardian and not alive(self.guardian):
                    self.place.remove()
            except InstanceError as error:
                say(str(error))
                if not pipe.closed:
                    print("error", json.dumps(str(error)), file=pipe)
        except BaseException:  # the parent learns of it by the closed pipe
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _watch(self):
        if not alive(self.guardian):
            os.kill(os.getpid(), signal.SIGTERM)

    def stop(self):
        """Stops a running instance and waits until it is gone. False where none was running."""
        pid = supervisor.running(self.place)
        if not pid:
            return False
        supervisor.ask(self.place, do="stop")
        deadline = time.monotonic() + 2 * supervisor.STOP_SECONDS
        while supervisor.running(self.place):
            if time.monotonic() > deadline:
                raise InstanceError(f"the supervisor (process {pid}) does not stop; see {self.place.log}/instance.log")
            time.sleep(0.02)
        return True

    def running(self):
        return supervisor.running(self.place) is not None

    def ask(self, **request):
        return supervisor.ask(self.place, **request)

    def endpoints(self):
        return json.loads(self.place.endpoints.read_text())

    def describe(self):
        return describe(self.endpoints())


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
