"""Keeps the services of one instance running: starts them in order, starts again what ends by itself, stops all.

Each service writes to a log file of its own. The supervisor holds $VAR/instance.lock while it lives (so nobody needs
to guess whether a process id is stale) and answers on $VAR/control.sock, one JSON object a line:

    {"do": "status"}                                    -> {"services": {"mta": {"pid": 7, "up": true}}}
    {"do": "ready", "name": "mta"}                      -> {"ready": true}: it is up and answers
    {"do": "start"|"restart"|"pause", "name": "mta"}    pause: stop, and leave it stopped
    {"do": "kill", "name": "mta", "signal": 9}          it is started again as after a crash
    {"do": "stop"}                                      everything

Services are children of the main thread: they get SIGTERM from the kernel when it is gone (User.command).
"""

import concurrent.futures
import dataclasses
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable

from .place import InstanceError

BACK_OFF = [0.1, 0.5, 1, 2, 5]  # seconds before the next try; the last one for good
SETTLED = 10  # seconds after which an earlier crash is forgotten
STOP_SECONDS = 20  # then SIGKILL
START_SECONDS = 60
LOG_BYTES = 16 << 20  # a longer log is put aside at the next start


@dataclasses.dataclass
class Service:
    name: str
    argv: list  # as User.command makes it
    ready: Callable = lambda: True
    stop_signal: int = signal.SIGTERM
    env: dict = dataclasses.field(default_factory=dict)

    process: subprocess.Popen = None
    started: float = 0  # time.monotonic() of the last start
    crashes: int = 0
    due: float = None  # when to start again
    wanted: bool = False  # false: nobody wants it to run

    def up(self):
        return self.process is not None and self.process.poll() is None


class Supervisor:
    def __init__(self, place, say):
        self.place = place
        self.say = say  # say(text): one line for the person at the terminal
        self.services = {}
        self.stopping = False
        self.lock = None
        self.listener = None
        self.clients = {}  # socket -> bytes read so far

    # ---- one at a time ----

    def take(self):
        """Becomes the instance's one supervisor. False where another one is."""
        self.lock = open(self.place.lock, "a", encoding="ascii")
        for attempt in range(5):
            try:
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == 4:  # not just somebody who looks whether it is taken
                    self.lock.close()
                    return False
                time.sleep(0.1)
        self.lock.truncate(0)
        self.lock.write(f"{os.getpid()}\n")
        self.lock.flush()
        path = self.place.control
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        old = os.umask(0o177)  # whoever may connect may stop everything
        self.listener.bind(os.fspath(path))
        os.umask(old)
        self.listener.listen()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: setattr(self, "stopping", True))
        return True

    def release(self):
        self.listener.close()
        self.place.control.unlink(missing_ok=True)
        self.lock.close()

    # ---- services ----

    def start(self, service):
        """Starts the service and waits until it is ready. A service that can't even start is an InstanceError."""
        self.services[service.name] = service
        service.wanted = True
        log = self._log(service)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        self._launch(service)
        deadline = time.monotonic() + START_SECONDS
        while not service.ready():
            if self.stopping:
                raise InstanceError("interrupted")
            if not service.up():
                raise InstanceError(f"{service.name} {ended(service.process.returncode)} while starting:\n{self._tail(service)}")
            if time.monotonic() > deadline:
                raise InstanceError(f"{service.name} was not ready within {START_SECONDS} s:\n{self._tail(service)}")
            self._wait(0.02)

    def wait_until(self, check, what):
        """Looks after the services until check() is true."""
        deadline = time.monotonic() + START_SECONDS
        while not check():
            if self.stopping:
                raise InstanceError("interrupted")
            if time.monotonic() > deadline:
                raise InstanceError(f"{what} did not come within {START_SECONDS} s")
            self._wait(0.02)
            self._look_after()

    def _launch(self, service):
        with open(self._log(service), "ab") as log:
            service.process = subprocess.Popen(
                service.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
                env={**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC", **service.env})  # fmt: skip
        service.started = time.monotonic()
        service.due = None

    def _log(self, service):
        return self.place.log / f"{service.name}.log"

    def _tail(self, service, lines=15):
        with open(self._log(service), "rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 8192))
            text = log.read().decode(errors="replace").splitlines()[-lines:]
        return "\n".join("  " + line for line in text)

    def _end(self, service):
        """Asks the service to stop, and makes it stop where it doesn't."""
        service.wanted = False
        service.due = None
        if not service.up():
            return
        service.process.send_signal(service.stop_signal)
        try:
            service.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.say(f"{service.name} did not stop within {STOP_SECONDS} s; killing it")
            service.process.kill()
            service.process.wait()
        sweep(service)

    def _look_after(self):
        """Notices services that ended, and starts those that are due again."""
        now = time.monotonic()
        for service in self.services.values():
            if not service.wanted or service.up():
                continue
            if service.due is None:
                sweep(service)
                if now - service.started > SETTLED:
                    service.crashes = 0
                wait = BACK_OFF[min(service.crashes, len(BACK_OFF) - 1)]
                service.crashes += 1
                service.due = now + wait
                self.say(f"{service.name} {ended(service.process.returncode)}; starting it again in {wait} s")
            elif now >= service.due:
                self._launch(service)

    def serve(self, every=None):
        """Keeps things running until a signal or a client says stop. `every` is called some ten times a second."""
        while not self.stopping:
            self._wait(0.1)
            self._look_after()
            if every:
                every()

    def meanwhile(self, work):
        """Runs work() in a thread while the services are looked after; its InstanceError becomes ours."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            future = pool.submit(work)
            while not future.done() and not self.stopping:
                self._wait(0.02)
                self._look_after()
            if self.stopping:
                raise InstanceError("interrupted")
            future.result()

    def stop(self, name):
        self._end(self.services[name])

    def stop_all(self):
        for service in reversed(self.services.values()):
            self._end(service)

    # ---- the control socket ----

    def _wait(self, seconds):
        sockets, _, _ = select.select([self.listener, *self.clients], [], [], seconds)
        for ready in sockets:
            if ready is self.listener:
                client, _ = ready.accept()
                client.settimeout(2)
                self.clients[client] = b""
            else:
                self._hear(ready)

    def _hear(self, client):
        try:
            chunk = client.recv(4096)
            if not chunk:
                raise ConnectionError
            self.clients[client] += chunk
            while b"\n" in self.clients[client]:
                line, self.clients[client] = self.clients[client].split(b"\n", 1)
                client.sendall(json.dumps(self._answer(json.loads(line))).encode() + b"\n")
        except (OSError, ValueError):
            del self.clients[client]
            client.close()

    def _answer(self, request):
        act, name = request.get("do"), request.get("name")
        if act == "status":
            return {"services": {s.name: {"pid": s.process.pid, "up": s.up()} for s in self.services.values()}}
        if act == "ready":
            service = self.services.get(name)
            return {"ready": bool(service and service.up() and service.ready())}
        if act == "stop":
            self.stopping = True
            return {}
        service = self.services.get(name)
        if not service:
            return {"error": f"no service {name}; there are {', '.join(self.services)}"}
        if act == "kill":
            if service.up():
                service.process.send_signal(int(request["signal"]))
            return {}
        if act in ("pause", "restart"):
            self._end(service)
        if act in ("start", "restart") and not service.up():
            service.wanted, service.crashes = True, 0
            self._launch(service)
        return {} if act in ("start", "pause", "restart") else {"error": f"can't do {act}"}


def sweep(service):
    """Ends what the service's leader left behind (nginx's workers after kill -9 of their master)."""
    try:
        os.killpg(service.process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def ended(code):
    return f"ended with signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def running(place):
    """The process id of the instance's supervisor, or None where none is running."""
    try:
        with open(place.lock, encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read().strip() or 0)
    except FileNotFoundError:
        pass
    return None


def ask(place, **request):
    """Sends one request to the running supervisor and returns its answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(STOP_SECONDS + 10)
        client.connect(os.fspath(place.control))
        client.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(client.makefile().readline() or '{"error": "the instance is stopping"}')
    if "error" in answer:
        raise InstanceError(answer["error"])
    return answer
