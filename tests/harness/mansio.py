"""A running instance as tests see it."""

import atexit
import base64
import collections
import email
import email.message
import email.policy
import email.utils
import imaplib
import itertools
import json
import os
import pathlib
import poplib
import random
import shutil
import signal
import smtplib
import ssl
import subprocess
import sys
import tempfile

from .patience import eventually

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tools"))

import instance  # noqa: E402
from instance.nameserver import Nameserver  # noqa: E402
from instance.postgres import Postgres  # noqa: E402
from instance.webserver import accepts  # noqa: E402

Account = collections.namedtuple("Account", "address password")

_counter = itertools.count(1)
_shared = None


def unique(prefix):
    """A name that no other test uses, in this process or another."""
    return f"{prefix}{os.getpid()}x{next(_counter)}"


def _plain(account):
    return f"\0{account.address}\0{account.password}".encode()


def message(sender, to, subject="A test", body="Salve!\r\n", **headers):
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = sender, to if isinstance(to, str) else ", ".join(to), subject
    made["Date"] = email.utils.localtime()
    made["Message-ID"] = email.utils.make_msgid(domain="test.invalid")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(body)
    return made


def shared():
    """The instance that all tests use which break nothing: the runner's, or else one of this process."""
    global _shared  # pylint: disable=global-statement
    if not _shared:
        var = os.environ.get("MANSIO_TEST_VAR")
        _shared = attach(var) if var else private()
    return _shared


def attach(var):
    """The running instance in the directory var."""
    base = json.loads(pathlib.Path(var, "endpoints.json").read_text())["dns"] - instance.place.PORTS["dns"]
    return Mansio(instance.Instance(var, base, os.environ.get("MANSIO_BUILD")))


def private(overrides=None, demonstration=False):
    """An instance of one's own on free ports. Stopped and removed when the process ends, or earlier by remove().

    overrides: {"name": "value"} for mansio.conf. MANSIO_BUILD says which build runs (default build/gcc).
    """
    directory = pathlib.Path(tempfile.mkdtemp(prefix="mansio-test-"))
    os.chmod(directory, 0o755)
    bases = list(range(21000, 32000, 1000))
    random.shuffle(bases)
    for base in bases:
        argv = ["/usr/bin/python3", "-B", TOP / "tools" / "instance", "start", "--var", directory, "--port-base", str(base),
                "--guardian", str(os.getpid())]  # fmt: skip
        argv += ["--build", os.environ["MANSIO_BUILD"]] if "MANSIO_BUILD" in os.environ else []
        argv += [] if demonstration else ["--bare"]
        argv += [f"--set={name}={value}" for name, value in (overrides or {}).items()]
        done = subprocess.run(argv, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode == 0:
            break
        if "choose other" not in done.stderr or base == bases[-1]:
            logs = "".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in sorted(directory.glob("log/*.log")))
            shutil.rmtree(directory, ignore_errors=True)
            raise RuntimeError(f"the instance did not start: {done.stderr}\n{logs}")
    mansio = Mansio(instance.Instance(directory, base), own=True)
    atexit.register(mansio.remove)
    return mansio


class Mansio:
    def __init__(self, made, own=False):
        self.instance, self.own = made, own
        self.var = made.place.var
        self.endpoints = made.endpoints()
        self.host, self.port, self.ca = self.endpoints["host"], made.place.port, self.endpoints["ca"]

    def remove(self):
        if self.own and self.var.exists():
            self.instance.stop()
            if os.environ.get("MANSIO_TEST_KEEP"):
                print(f"kept: {self.var}", file=sys.stderr)
                return
            self.instance.place.remove()

    # ---- people ----

    def command(self, *args, stdin=None, check=True):
        """Runs `mansio ARGS`; its standard output (check=False: the CompletedProcess)."""
        done = subprocess.run([self.endpoints["cli"], *args], input=stdin, check=False, capture_output=True, text=True, timeout=60)
        if not check:
            return done
        assert done.returncode == 0, f"mansio {' '.join(args)}: exit {done.returncode}: {done.stderr}{done.stdout}"
        return done.stdout

    def new_tenant(self):
        name = unique("tenant")
        self.command("tenant", "add", name)
        return name

    def new_domain(self, tenant=None, name=None):
        """A domain of its own, below .example; of the given tenant or a new one."""
        name = name or unique("d") + ".example"
        self.command("domain", "add", name, "--tenant", tenant or self.new_tenant())
        return name

    def new_account(self, domain, local=None, password="correct horse battery"):
        address = f"{local or unique('user')}@{domain}"
        self.command("account", "add", address, "--password-stdin", stdin=password + "\n")
        return Account(address, password)

    def new_operator(self, role, tenant, password="staple battery horse"):
        """An operator's (login, password)."""
        login = unique(role)
        args = ["--tenant", tenant] if tenant else []
        self.command("operator", "add", login, "--role", role, *args, "--password-stdin", stdin=password + "\n")
        return Account(login, password)

    # ---- clients ----

    def trust(self):
        """An SSL context that trusts this instance's authority."""
        return ssl.create_default_context(cafile=self.ca)

    def smtp(self):
        """A connection to the relay port, EHLO not said yet."""
        return smtplib.SMTP(self.host, self.port["smtp"], local_hostname="client.test", timeout=30)

    def submission(self, account=None):
        """A connection to the submission port with TLS on, and logged in where an account is given."""
        client = smtplib.SMTP("localhost", self.port["submission"], local_hostname="client.test", timeout=30)
        client.starttls(context=self.trust())
        if account and account.address.isascii():
            client.login(account.address, account.password)
        elif account:  # Python's own login knows no other names
            client.ehlo()
            code, text = client.docmd("AUTH", "PLAIN " + base64.b64encode(_plain(account)).decode())
            assert code == 235, text
        return client

    def imap(self, account=None):
        client = imaplib.IMAP4_SSL("localhost", self.port["imaps"], ssl_context=self.trust(), timeout=30)
        if account and account.address.isascii():
            client.login(account.address, account.password)
        elif account:
            client.authenticate("PLAIN", lambda _: _plain(account))
        return client

    def pop3(self, account=None):
        client = poplib.POP3_SSL("localhost", self.port["pop3s"], context=self.trust(), timeout=30)
        if account:
            client.user(account.address)
            client.pass_(account.password)
        return client

    # ---- mail ----

    def send(self, sender, to, subject="A test", body="Salve!\r\n", raw=None):
        """Mail from outside, over the relay port. raw: bytes to send as they are."""
        recipients = [to] if isinstance(to, str) else to
        with self.smtp() as client:
            client.sendmail(sender, recipients, raw or message(sender, to, subject, body).as_bytes())

    def submit(self, account, to, subject="A test", body="Salve!\r\n", raw=None):
        """Mail from one of our people, over the submission port."""
        recipients = [to] if isinstance(to, str) else to
        with self.submission(account) as client:
            client.sendmail(account.address, recipients, raw or message(account.address, to, subject, body).as_bytes())

    def mail(self, account, folder="INBOX"):
        """All messages in the folder: a list of (uid, bytes)."""
        with self.imap(account) as client:
            status, _ = client.select(folder, readonly=True)
            assert status == "OK", f"no folder {folder}"
            _, found = client.uid("FETCH", "1:*", "(UID BODY.PEEK[])")
        parts = [part for part in found if isinstance(part, tuple)]
        return [(int(head.split(b"UID ")[1].split()[0].rstrip(b")")), body) for head, body in parts]

    def wait_for_mail(self, account, subject=None, folder="INBOX", seconds=15):
        """The first message with this subject, parsed."""

        def look():
            for _, body in self.mail(account, folder):
                parsed = email.message_from_bytes(body, policy=email.policy.default)
                if subject is None or parsed["Subject"] == subject:
                    return parsed
            return None

        return eventually(look, seconds, f"mail {subject!r} for {account.address}")

    # ---- breaking things ----

    def services(self):
        return self.instance.ask(do="status")["services"]

    def pid(self, name):
        return self.services()[name]["pid"]

    def kill(self, name, number=signal.SIGKILL):
        """kill -9; the supervisor starts it again. Waits until the process is gone, not until the new one is up."""
        before = self.pid(name)
        self.instance.ask(do="kill", name=name, signal=int(number))
        eventually(lambda: not self.services()[name]["up"] or self.pid(name) != before, 20, f"the end of {name}")

    def pause(self, name):
        """Stops a service and leaves it stopped."""
        self.instance.ask(do="pause", name=name)

    def resume(self, name):
        self.instance.ask(do="start", name=name)
        self.wait_until_ready(name)

    def restart(self, name):
        self.instance.ask(do="restart", name=name)
        self.wait_until_ready(name)

    def wait_until_ready(self, name, seconds=60):
        """Until the service answers, as after the instance's start."""
        eventually(lambda: self.instance.ask(do="ready", name=name)["ready"], seconds, f"readiness of {name}")

    def wait_for_port(self, name, seconds=30):
        eventually(lambda: accepts(self.host, self.port[name]), seconds, f"port {name}")

    # ---- looking behind ----

    def log(self, name):
        return (self.instance.place.log / f"{name}.log").read_text(errors="replace")

    def sql(self, script, role="mansio_owner"):
        """Runs SQL; the output's lines, columns separated by |."""
        passwords = json.loads((self.var / "passwords").read_text())
        return Postgres(self.instance.place, self.instance.user, passwords).sql(script, role).splitlines()

    def new_database(self):
        """An empty, migrated database beside the instance's own, which no daemon touches: its owner's conninfo."""
        name = unique("unit")
        self._superuser(f"CREATE DATABASE {name} OWNER mansio_owner")
        conninfo = self.endpoints["postgres"].replace("dbname=mansio", f"dbname={name}")
        lines = self.instance.place.configuration.read_text().splitlines()
        lines = [f"db_admin = {conninfo}" if line.startswith("db_admin ") else line for line in lines]
        with tempfile.NamedTemporaryFile("w") as conf:
            conf.write("\n".join(lines))
            conf.flush()
            done = subprocess.run([self.endpoints["cli"], "-c", conf.name, "migrate"], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return conninfo

    def _superuser(self, script):
        passwords = json.loads((self.var / "passwords").read_text())
        return Postgres(self.instance.place, self.instance.user, passwords).sql(script)

    def outside_zone(self, name, records):
        """A zone of somebody else's in the instance's DNS: lines of a zone file, like "@ MX 10 mx"."""
        Nameserver(self.instance.place, self.instance.user).add_outside_zone(name, records)

    def dig(self, name, kind, port="dns"):
        """What the nameserver answers (port="resolver": what the resolver does): dig +short's lines."""
        argv = ["dig", f"@{self.host}", "-p", str(self.port[port]), "+short", "+tries=2", "+time=2", name, kind]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()
