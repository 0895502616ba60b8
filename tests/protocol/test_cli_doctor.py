"""mansio doctor: finds what was broken on purpose, and says so."""

import json
import os
import re
import subprocess
import unittest

import harness
from harness.mansio import TOP


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mansio = harness.private()

    @classmethod
    def tearDownClass(cls):
        cls.mansio.remove()

    def doctor(self, change=None):
        """The findings, with a configuration that change() has made of the instance's."""
        conf = self.mansio.instance.place.configuration
        path = self.mansio.var / "doctor.conf"
        path.write_text((change or str)(conf.read_text()))
        path.chmod(0o600)
        self.path = path
        return self.run_on(path)

    def run_on(self, path):
        argv = [self.mansio.endpoints["cli"], "-c", path, "--json", "doctor"]
        done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=120)
        found = json.loads(done.stdout)
        self.assertEqual(done.returncode, 1 if self.failures(found) else 0, done.stderr)
        return found

    @staticmethod
    def failures(found):
        return [f"{f['subject']}: {f['text']}" for f in found if f["level"] == "fail"]

    def assert_found(self, found, level, subject, words):
        for f in found:
            if f["level"] == level and f["subject"] == subject and words in f["text"]:
                return
        self.fail(f"no {level} {subject} with {words!r} in {found}")

    @staticmethod
    def setting(name, value):
        return lambda text: re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.M)

    def test_a_running_instance_has_nothing_that_failed(self):
        self.mansio.new_domain()
        harness.eventually(lambda: not self.failures(self.doctor()), 20, "all well")
        found = self.doctor()
        for subject in ("schema", "certificate", "resolver", "mta_smtp", "mta_submissions", "imapd_imaps", "web_fastcgi", "nameserver"):
            self.assert_found(found, "ok", subject, "")

    def test_every_name_that_a_program_reads_is_known(self):
        names = set()
        for path in TOP.rglob("*.c"):
            if path.relative_to(TOP).parts[0] in ("lib", "mta", "imapd", "web", "dns", "cli"):
                names |= set(re.findall(r'conf_(?:get|number|bool)\((?:\w|->|\.|&)+,\s*"([a-z_]+)"', path.read_text()))
        listed = (TOP / "cli" / "doctor_host.c").read_text().split("known[]")[1].split(";")[0]
        self.assertEqual(names - set(re.findall(r'"([a-z_]+)"', listed)), set())

    def test_wrong_names_and_open_files_are_found(self):
        found = self.doctor(lambda text: text + "hostnam = x\n")
        self.assert_found(found, "warn", "configuration", '"hostnam"')
        self.path.chmod(0o644)
        self.assert_found(self.run_on(self.path), "fail", "configuration", "everybody can read")

    def test_missing_places_are_found(self):
        found = self.doctor(self.setting("state", "/nonexistent/state"))
        self.assert_found(found, "fail", "state", "/nonexistent/state")

    def test_a_certificate_for_another_name_or_key_is_found(self):
        found = self.doctor(self.setting("hostname", "other.example"))
        self.assert_found(found, "fail", "certificate", "is not for other.example")
        key = self.mansio.var / "other.key"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True, capture_output=True)
        os.chmod(key, 0o600)
        self.assert_found(self.doctor(self.setting("tls_key", key)), "fail", "certificate", "belongs to another certificate")

    def test_an_expired_certificate_is_found(self):
        place = self.mansio.var
        crt, key = place / "old.crt", place / "old.key"
        (place / "index.txt").write_text("")
        (place / "ca.conf").write_text(
            f"[ca]\ndefault_ca = it\n[it]\ndatabase = {place}/index.txt\nnew_certs_dir = {place}\nrand_serial = yes\n"
            "default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n"
        )
        for command in (
            f"req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {key} -out {place}/old.csr -subj /CN=old",
            f"ca -batch -notext -selfsign -config {place}/ca.conf -keyfile {key} -in {place}/old.csr -out {crt} "
            "-startdate 20200101000000Z -enddate 20200201000000Z",
        ):
            subprocess.run(["openssl", *command.split()], check=True, capture_output=True)
        found = self.doctor(lambda text: self.setting("tls_key", key)(self.setting("tls_certificate", crt)(text)))
        self.assert_found(found, "fail", "certificate", "has expired")

    def test_a_role_that_can_do_too_much_or_nothing_is_found(self):
        owner = re.search(r"^db_admin = (.*)$", self.mansio.instance.place.configuration.read_text(), re.M)[1]
        self.assert_found(self.doctor(self.setting("db_web", owner)), "warn", "db_web", "not as mansio_web")
        found = self.doctor(lambda text: re.sub(r"^(db_dns = .*)password=\S+", r"\1password=wrong", text, flags=re.M))
        self.assert_found(found, "fail", "db_dns", "password")
        self.assertNotIn("password=wrong", json.dumps(found))

    def test_a_migration_that_is_missing_is_found(self):
        folder = self.mansio.var / "sql"
        folder.mkdir(exist_ok=True)
        for path in (TOP / "sql").glob("0*.sql"):
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / "9999_new.sql").write_text("SELECT 1;\n")
        self.assert_found(self.doctor(self.setting("sql", folder)), "fail", "schema", "mansio migrate")

    def test_a_server_that_is_down_and_a_port_with_another_are_found(self):
        port = self.mansio.port
        found = self.doctor(self.setting("imapd_imap", f"127.0.0.1:{port['smtp']}"))
        self.assert_found(found, "fail", "imapd_imap", "greets with")
        self.mansio.pause("mta")
        self.addCleanup(self.mansio.resume, "mta")
        found = self.doctor()
        self.assert_found(found, "fail", "mta_smtp", "Is mansio-mta running")
        self.assert_found(found, "ok", "imapd_imaps", "answers")

    def test_a_nameserver_that_is_down_is_found(self):
        self.mansio.pause("named")
        self.addCleanup(self.mansio.resume, "named")
        self.assert_found(self.doctor(), "fail", "nameserver", "does not answer")

    def test_without_a_database_the_rest_is_looked_at(self):
        self.mansio.pause("postgres")
        self.addCleanup(self.mansio.resume, "postgres")
        found = self.doctor()
        self.assert_found(found, "fail", "db_admin", "cannot reach PostgreSQL")
        self.assert_found(found, "ok", "imapd_imaps", "answers")
        done = self.mansio.command("domain", "list", check=False)
        self.assertEqual((done.returncode, done.stdout), (75, ""))
        self.assertIn("cannot reach PostgreSQL", done.stderr)


if __name__ == "__main__":
    unittest.main()
