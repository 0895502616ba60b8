"""What the tests of import and export share: an account, a place for Maildirs, and the two commands."""

import json
import os
import pathlib
import shutil
import tempfile
import unittest

from .mansio import shared


def make(path):
    for sub in ("cur", "new", "tmp"):
        (path / sub).mkdir(parents=True)
    return path


def put(folder, name, data, when=1_700_000_000, sub="cur"):
    path = folder / sub / name
    path.write_bytes(data)
    os.utime(path, (when, when))
    return path


class Moving(unittest.TestCase):
    def setUp(self):
        self.mansio = shared()
        self.domain = self.mansio.new_domain()
        self.livia = self.mansio.new_account(self.domain)
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="mansio-test-move-"))
        self.top.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.top, ignore_errors=True)
        self.maildir = self.top / "Maildir"

    def bring(self, *args, account=None, source=None, check=True):
        done = self.mansio.command("--json", "import", (account or self.livia).address, "--from", source or f"maildir:{self.maildir}", *args, check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return json.loads(done.stdout) if done.stdout else done

    def write(self, to, *args, account=None):
        return json.loads(self.mansio.command("--json", "export", (account or self.livia).address, "--to", to, *args))

    def folder(self, report, name):
        return next(f for f in report["accounts"][0]["folders"] if f["folder"] == name)

    def imap(self, account=None):
        client = self.mansio.imap(account or self.livia)
        self.addCleanup(client.logout)
        return client

    def status(self, client, folder, *items):
        text = client.status(folder, f"({' '.join(items)})")[1][0].decode()
        words = text[text.rindex("(") + 1 : -1].split()
        return [int(dict(zip(words[::2], words[1::2]))[item]) for item in items]
