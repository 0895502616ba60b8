"""Debian's Dovecot in a private directory: IMAP from sdbox mailboxes, passwords in a file, mail synced to the disk (its own default)."""

import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

CONFIGURATION = """\
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{dir}/tls.crt
ssl_key = <{dir}/tls.key
disable_plaintext_auth = no
default_login_user = dovenull
default_internal_user = dovecot
default_client_limit = 60000
first_valid_uid = 1
mail_location = sdbox:{dir}/mail/%u
mail_fsync = {fsync}
mail_uid = {user}
mail_gid = {group}
mail_max_userip_connections = 60000
auth_mechanisms = plain login
auth_cache_size = 10M
passdb {{
  driver = passwd-file
  args = {dir}/passwd
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    auto = create
  }}
  mailbox Sent {{
    auto = create
  }}
}}
service imap-login {{
  unix_listener {dir}/imap {{
    mode = 0666
  }}
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
  {login}
}}
service imap {{
  process_limit = 60000
  {imap}
}}
service anvil {{
  client_limit = 60000
}}
service auth {{
  client_limit = 60000
}}
"""

# What its documentation calls high-performance mode; and many sessions a process.
FASTEST = {"login": "service_count = 0\n  process_min_avail = 2\n  client_limit = 60000", "imap": "service_count = 256\n  process_min_avail = 2\n  client_limit = 1", "fsync": "optimized"}
DEFAULT = {"login": "", "imap": "", "fsync": "optimized"}


class Dovecot:
    def __init__(self, settings, users, password):
        if not shutil.which("dovecot"):
            raise RuntimeError("Debian's package dovecot-imapd is not installed (make bench installs it)")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mansio-bench-dovecot-"))
        self.dir.chmod(0o755)
        owner = pwd.getpwnam("nobody")
        for name in ("run", "state", "mail", "home"):
            (self.dir / name).mkdir()
            shutil.chown(self.dir / name, owner.pw_uid, owner.pw_gid)
        self.address = self.dir / "imap"
        (self.dir / "passwd").write_text("".join(f"{user}:{{PLAIN}}{password}\n" for user in users))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-keyout", self.dir / "tls.key", "-out", self.dir / "tls.crt"], check=True, capture_output=True)  # fmt: skip
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.tls_port = free.getsockname()[1]
        text = CONFIGURATION.format(dir=self.dir, tls_port=self.tls_port, user=owner.pw_uid, group=owner.pw_gid, **settings)
        (self.dir / "dovecot.conf").write_text(text)
        self.start()

    def start(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.dir / "dovecot.conf"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as s:
                    s.connect(str(self.address))
                    if s.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("Dovecot does not answer: " + (self.dir / "dovecot.log").read_text()[-2000:])
            time.sleep(0.05)

    def resident(self):
        """The memory of all its processes, KiB: shared pages divided among those who share them."""
        found, total = {self.process.pid}, 0
        for _ in range(4):  # children of children
            for entry in pathlib.Path("/proc").glob("[0-9]*"):
                try:
                    if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) in found:
                        found.add(int(entry.name))
                except OSError:
                    continue
        for pid in found:
            try:
                lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total

    def restart(self):
        self.stop()
        self.start()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)
