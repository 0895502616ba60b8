"""The private PostgreSQL cluster: made once, durable like a production one, reached with passwords only."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess

from .place import SOURCE, InstanceError, write
from .supervisor import Service

BIN = "/usr/lib/postgresql/15/bin"
DATABASE = "mansio"
ROLES = ("mansio_owner", "mansio_mta", "mansio_imapd", "mansio_web", "mansio_dns")

SETTINGS = """\
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{run}'
max_connections = 200
shared_buffers = 128MB
dynamic_shared_memory_type = posix
password_encryption = scram-sha-256
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
random_page_cost = 1.1
max_wal_size = 1GB
wal_compression = on
# An acknowledged message is on the disk: these are never off.
fsync = on
synchronous_commit = on
full_page_writes = on
log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = 500
"""

HBA = """\
local all all scram-sha-256
host  all all 127.0.0.1/32 scram-sha-256
host  all all ::1/128 scram-sha-256
"""


def conninfo(place, role, password, database=DATABASE):
    return f"host={place.host} port={place.port['postgres']} user={role} password={password} dbname={database}"


class Clusters:
    """Clusters that were made and migrated once, to begin with a copy of instead: tests start very many instances. In the folder that
    MANSIO_CLUSTERS names; where it names none, every instance makes its own. A cluster comes with its passwords."""

    def __init__(self, place):
        self.place = place
        folder = os.environ.get("MANSIO_CLUSTERS")
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((SOURCE / "sql").glob("*.sql"))))
        self.cluster = pathlib.Path(folder) / digest.hexdigest()[:16] if folder else None
        self.took = False

    def take(self):
        """Where the instance has no cluster yet, begins with a copy."""
        if not self.cluster or not self.cluster.exists() or (self.place.state / "postgres").exists():
            return
        subprocess.run(["cp", "-a", self.cluster / "postgres", self.cluster / "passwords", self.place.state], check=True)
        self.took = True

    def leave(self, boss, postgres):
        """The first instance leaves a copy of its cluster for the others, before anybody else uses it."""
        if not self.cluster or self.took or self.cluster.exists():
            return
        with open(self.cluster.with_suffix(".lock"), "w", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            if self.cluster.exists():
                return
            boss.stop("postgres")
            made = self.cluster.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            subprocess.run(["cp", "-a", self.place.state / "postgres", self.place.state / "passwords", made], check=True)
            made.rename(self.cluster)
        boss.start(postgres.service())


class Postgres:
    def __init__(self, place, user, passwords):
        self.place, self.user, self.passwords = place, user, passwords
        self.directory = place.state / "postgres"

    def make(self):
        """Makes the cluster where there is none, and writes its settings."""
        if not (self.directory / "PG_VERSION").exists():
            self._initdb()
        settings = SETTINGS.format(host=self.place.host, port=self.place.port["postgres"], run=self.place.run)
        write(self.place.conf / "postgresql.conf", settings)
        write(self.place.conf / "pg_hba.conf", HBA)

    def _initdb(self):
        self.directory.mkdir(mode=0o700, exist_ok=True)
        self.user.own(self.directory)
        secret = self.place.state / ".postgres-password"
        write(secret, self.passwords["postgres"] + "\n", 0o640, self.user.gid)
        try:
            done = subprocess.run(
                self.user.command([f"{BIN}/initdb", "-D", self.directory, "-U", "postgres", "--pwfile", secret, "-A", "scram-sha-256",
                                   "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync"]),
                check=False, capture_output=True, text=True, cwd="/")  # fmt: skip
        finally:
            secret.unlink()
        if done.returncode:
            raise InstanceError(f"initdb failed: {done.stderr.strip()}")

    def service(self):
        conf = self.place.conf
        argv = [f"{BIN}/postgres", "-D", self.directory, "-c", f"config_file={conf}/postgresql.conf", "-c", f"hba_file={conf}/pg_hba.conf"]
        return Service("postgres", self.user.command(argv), self._ready, signal.SIGINT)

    def _ready(self):
        argv = [f"{BIN}/pg_isready", "-q", "-h", self.place.host, "-p", str(self.place.port["postgres"])]
        return subprocess.run(argv, check=False).returncode == 0

    def make_database(self):
        """Roles with this instance's passwords, and the empty database for `mansio migrate`."""
        script = ["SET client_min_messages = warning;", (SOURCE / "sql" / "roles.sql").read_text(encoding="utf-8")]
        script += [f"ALTER ROLE {role} PASSWORD '{self.passwords[role]}';" for role in ROLES]
        script.append("GRANT pg_monitor, pg_signal_backend TO mansio_owner;")  # for tools that look on
        script.append(f"SELECT 'CREATE DATABASE {DATABASE} OWNER mansio_owner' "
                      f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec")  # fmt: skip
        self.sql("\n".join(script) + "\n", database="postgres")

    def sql(self, script, role="postgres", database=DATABASE):
        """Runs SQL and returns its output, unaligned."""
        argv = [f"{BIN}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", conninfo(self.place, role, self.passwords[role], database)]
        done = subprocess.run(argv, input=script, check=False, capture_output=True, text=True)
        if done.returncode:
            raise InstanceError(f"PostgreSQL refused: {done.stderr.strip()}")
        return done.stdout.strip()
