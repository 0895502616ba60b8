"""The merged, coloured log of a foreground instance: follows the services' log files as they grow. Of PostgreSQL, BIND, unbound
and nginx only what is wrong is shown; all of it is in $VAR/log."""

import os
import re
import sys

COLOURS = {"mta": "36", "imapd": "35", "web": "34", "dns": "32"}
LEVELS = ((re.compile(r"\b(error|fatal|panic|ERROR|FATAL|PANIC|crit|emerg|Sanitizer)\b"), "31"), (re.compile(r"\b(warn|warning|WARNING)\b"), "33"))
# 2026-03-01T12:00:00.123Z mta info ... : the time without its date, and without the name that stands in front
OURS = re.compile(r"^\d{4}-\d\d-\d\dT(\d\d:\d\d:\d\d)\.\d+Z \S+ (\w+) (.*)$")


class Terminal:
    def __init__(self, directory, out=sys.stdout):
        self.directory, self.out = directory, out
        self.colour = out.isatty() and not os.environ.get("NO_COLOR")
        self.offsets = {}
        self.open = {}

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour and code else text

    def say(self, text):
        print(self.paint("1", text), file=self.out, flush=True)

    def skip(self):
        """What is in the logs now is old."""
        for path in self.directory.glob("*.log"):
            self.offsets[path] = path.stat().st_size

    def follow(self):
        """Prints what was added since the last call."""
        wrote = False
        for path in sorted(self.directory.glob("*.log")):
            if path.name in ("access.log", "instance.log"):
                continue
            for line in self._new_lines(path):
                shown = self._line(path.stem, line)
                if shown:
                    print(shown, file=self.out)
                    wrote = True
        if wrote:
            self.out.flush()

    def _new_lines(self, path):
        start = self.offsets.get(path, 0)
        size = path.stat().st_size
        if size <= start:
            self.offsets[path] = size  # it may have been emptied
            return []
        with open(path, "rb") as file:
            file.seek(start)
            data = file.read(1 << 20)
        whole = data.rfind(b"\n") + 1
        if not whole:
            return []
        self.offsets[path] = start + whole
        return data[:whole].decode(errors="replace").splitlines()

    def _line(self, name, line):
        match = OURS.match(line)
        text = line
        code = ""
        if match:
            text = f"{match[1]} {match[3]}" if match[2] == "info" else f"{match[1]} {match[2]}: {match[3]}"
        for pattern, colour in LEVELS:
            if pattern.search(match[2] if match else line[:120]):
                code = colour
                break
        ours = name.split("-")[0] in COLOURS
        if not (ours or code) or "the database system is" in line:  # the latter is said while it starts
            return None
        label = self.paint(COLOURS.get(name.split("-")[0], "2"), f"{name:9s}")
        return f"{label} {self.paint(code, text)}"
