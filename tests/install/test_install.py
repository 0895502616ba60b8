"""`make install` puts a complete tree under DESTDIR, with nothing left open in it, and uninstall takes it away."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILT = {p.name for p in (TOP / "build" / "gcc" / "bin").iterdir()}


def make(target, *variables):
    done = subprocess.run(["make", "-s", "--no-print-directory", target, *variables], cwd=TOP, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Install(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="mansio-install-")
        self.addCleanup(folder.cleanup)
        self.dest = pathlib.Path(folder.name)

    def files(self):
        return {str(p.relative_to(self.dest)) for p in self.dest.rglob("*") if not p.is_dir()}

    def test_everything_is_under_destdir_and_prefix(self):
        make("install", f"DESTDIR={self.dest}", "PREFIX=/opt/mansio")
        files = self.files()
        self.assertTrue(all(name.startswith("opt/mansio/") for name in files), files)
        expected = {f"sbin/{name}" for name in BUILT if name.startswith("mansio-")}
        expected |= {"bin/mansio", "share/mansio/sql/roles.sql", "share/mansio/etc/mansio.conf", "share/mansio/etc/nginx/mansio.conf",
                     "share/mansio/etc/apache/mansio.conf", "share/mansio/etc/bind/named.conf", "share/mansio/etc/nftables/mansio.nft",
                     "share/mansio/etc/logrotate.d/mansio", "lib/sysusers.d/mansio.conf", "lib/tmpfiles.d/mansio.conf",
                     "share/doc/mansio/INSTALL", "share/doc/mansio/README.md"}  # fmt: skip
        expected |= {f"lib/systemd/system/mansio-{name}.service" for name in ("mta", "imapd", "web@", "dns")}
        self.assertEqual(set(), {f"opt/mansio/{name}" for name in expected} - files)

    def test_programs_are_executable_and_the_rest_is_not(self):
        make("install", f"DESTDIR={self.dest}", "PREFIX=/usr")
        for path in self.dest.rglob("*"):
            if path.is_file() and not path.is_symlink():
                program = path.parent.name in ("bin", "sbin")
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o755 if program else 0o644, path)

    def test_no_placeholder_is_left(self):
        make("install", f"DESTDIR={self.dest}", "PREFIX=/usr")
        for name in self.files():
            if "/etc/" in name or "/lib/" in name:
                text = (self.dest / name).read_text()
                self.assertIsNone(re.search(r"@[A-Z_]+@", text), name)

    def test_units_start_what_was_installed(self):
        make("install", f"DESTDIR={self.dest}", "PREFIX=/usr")
        for unit in (self.dest / "usr/lib/systemd/system").glob("*.service"):
            program = re.search(r"^ExecStart=(\S+)", unit.read_text(), re.M)[1]
            if pathlib.Path(program).name in BUILT:
                self.assertTrue((self.dest / program.lstrip("/")).exists(), program)

    def test_uninstall_leaves_nothing(self):
        make("install", f"DESTDIR={self.dest}", "PREFIX=/usr")
        make("uninstall", f"DESTDIR={self.dest}", "PREFIX=/usr")
        self.assertEqual(self.files(), set())


if __name__ == "__main__":
    unittest.main()
