"""Private instances: what `make start` and `make stop` promise."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

import harness

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
KEYS = {"host", "smtp", "submission", "submissions", "lmtp", "imap", "imaps", "pop3", "pop3s", "sieve", "http", "https", "dns", "postgres",
        "resolver", "ca", "cli", "domains", "accounts"}  # fmt: skip


def instance(*args):
    return subprocess.run(["/usr/bin/python3", "-B", TOP / "tools" / "instance", *map(str, args)], check=False, capture_output=True, text=True)


def processes_of(directory):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(directory).encode() in entry.read_bytes():
                found.append(entry.parent.name)
        except OSError:
            continue
    return found


class Instance(unittest.TestCase):
    def test_stopped_nothing_runs_and_started_again_the_data_is_there(self):
        mansio = harness.private(demonstration=True)
        self.addCleanup(mansio.remove)
        people = mansio.endpoints["accounts"]
        domain = mansio.new_domain()
        mansio.instance.stop()
        self.assertEqual(processes_of(mansio.var), [])
        done = instance("start", "--var", mansio.var, "--port-base", mansio.instance.place.port_base)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(domain, mansio.command("domain", "list"))
        self.assertEqual(mansio.instance.endpoints()["accounts"], people)
        again = instance("start", "--var", mansio.var)
        self.assertEqual(again.returncode, 0)
        self.assertIn("running already", again.stdout)

    def test_endpoints_name_every_service_and_what_they_name_answers(self):
        mansio = harness.shared()
        found = json.loads((mansio.var / "endpoints.json").read_text())
        self.assertEqual(KEYS - set(found), set())
        for name in ("smtp", "submission", "submissions", "lmtp", "imap", "imaps", "pop3", "pop3s", "sieve", "http", "https"):
            if found[name] is not None:
                with socket.create_connection((found["host"], found[name]), 5):
                    pass
        self.assertEqual(os.stat(mansio.var / "endpoints.json").st_mode & 0o077, 0, "others can read the passwords")
        self.assertEqual(subprocess.run([found["cli"], "domain", "list"], check=False, capture_output=True).returncode, 0)
        psql = subprocess.run(["psql", "-XAtc", "SELECT count(*) >= 0 FROM domain", found["postgres"]], check=True, capture_output=True, text=True)
        self.assertEqual(psql.stdout.strip(), "t")

    def test_the_demonstration_has_each_role_and_its_mail(self):
        mansio = harness.private(demonstration=True)
        self.addCleanup(mansio.remove)
        roles = {person["role"] for person in mansio.endpoints["accounts"]}
        self.assertEqual(roles, {"provider", "reseller", "domain", "helpdesk", "user"})
        livia = next(person for person in mansio.endpoints["accounts"] if person["login"].startswith("livia@"))
        self.assertGreater(len(mansio.mail(harness.Account(livia["login"], livia["password"]))), 3)
        self.assertEqual(mansio.dig("mansio.test", "MX", "resolver"), ["10 mail.mansio.example."])

    def test_a_service_that_dies_comes_back_by_itself(self):
        mansio = harness.private()
        self.addCleanup(mansio.remove)
        for name in ("mta", "nginx", "named", "postgres"):
            before = mansio.pid(name)
            mansio.kill(name)
            mansio.wait_until_ready(name)
            self.assertNotEqual(mansio.pid(name), before)

    def test_a_directory_of_something_else_is_left_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "letter.txt").write_text("mine")
            done = instance("start", "--var", folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn("something else", done.stderr)
            self.assertEqual(os.listdir(folder), ["letter.txt"])

    def test_ports_of_another_instance_are_refused_with_the_way_out(self):
        mansio = harness.shared()
        with tempfile.TemporaryDirectory() as folder:
            done = instance("start", "--var", pathlib.Path(folder, "var"), "--port-base", mansio.instance.place.port_base)
            self.assertEqual(done.returncode, 1)
            self.assertIn("PORT_BASE=", done.stderr)

    @unittest.skipIf(os.geteuid() != 0, "only root's services run as somebody else")
    def test_where_the_services_user_cannot_go_the_state_lives_elsewhere(self):
        with tempfile.TemporaryDirectory() as folder:  # mode 0700, root's
            bin_dir = pathlib.Path(folder, "build", "bin")
            shutil.copytree(pathlib.Path(os.environ.get("MANSIO_BUILD", TOP / "build" / "gcc"), "bin"), bin_dir)
            var = pathlib.Path(folder, "var")
            for base in range(11000, 20000, 1000):
                done = instance("start", "--var", var, "--bare", "--port-base", base, "--build", bin_dir.parent)
                if "choose other" not in done.stderr:
                    break
            try:
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(var.is_symlink())
                self.assertEqual(subprocess.run([var / "bin" / "mansio", "domain", "list"], check=False).returncode, 0)
            finally:
                instance("remove", "--var", var)
            self.assertFalse(var.is_symlink() or var.exists())


if __name__ == "__main__":
    unittest.main()
