"""One more process of a daemon beside the instance's own, with other lines in its mansio.conf.

    second = harness.Second(mansio, "mansio-imapd", {"imapd_pop3s": "127.0.0.1:0"})
    second.port("pop3s")
    second.kill()
"""

import os
import pathlib
import signal
import subprocess
import tempfile

from .mansio import instance
from .patience import eventually


class Second:
    """settings: names of mansio.conf, as they shall be (None: not there). arguments: more of them for the program. wrap: a command that starts
    the program. ready: what its log says when it is ready, None: don't wait."""

    def __init__(self, mansio, program, settings, arguments=(), ready="serves as", wrap=(), pass_fds=()):  # pylint: disable=too-many-arguments
        lines = [line for line in mansio.instance.place.configuration.read_text().splitlines() if line.split(" ")[0] not in settings]
        lines += [f"{name} = {value}" for name, value in settings.items() if value is not None]
        self.folder = tempfile.TemporaryDirectory(prefix="mansio-second-")
        os.chmod(self.folder.name, 0o755)
        conf = pathlib.Path(self.folder.name, "mansio.conf")
        conf.write_text("\n".join(lines) + "\n")
        self.log_path = pathlib.Path(self.folder.name, "log")
        here = pathlib.Path(mansio.endpoints["cli"]).read_text()  # exec "FOLDER/mansio" ...
        binary = pathlib.Path(here.split('exec "')[1].split('"')[0]).parent / program
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(mansio.instance.user.command([*wrap, binary, "-c", conf, *arguments]), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, cwd="/", start_new_session=True, pass_fds=pass_fds,
                                            env={**os.environ, **instance.programs.SANITIZERS})
        if ready:
            eventually(lambda: ready in self.log() or self._ended(), 30, f"{program} to be ready")

    def _ended(self):
        assert self.process.poll() is None, f"it has ended: {self.log()}"

    def log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.wait()

    def wait(self, seconds=30):
        return self.process.wait(seconds)

    def remove(self):
        if self.process.poll() is None:
            self.kill()
        self.folder.cleanup()
