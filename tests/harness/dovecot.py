"""Debian's Dovecot in a private directory: another server's mail to move from, and a reader of what we write."""

import imaplib
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

from . import patience

CONFIGURATION = """\
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
default_login_user = dovenull
default_internal_user = dovecot
first_valid_uid = 1
mail_location = {location}
mail_uid = {user}
mail_gid = {group}
auth_mechanisms = plain login
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  args = {dir}/masters
  master = yes
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={dir}/home/%u
}}
namespace inbox {{
  inbox = yes
  {namespace}
  mailbox Gesendet {{
    auto = create
    special_use = \\Sent
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
{more}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Dovecot:
    """location: mail_location, {dir} in it is its directory; its users, of any name, have the folder mail/USER there."""

    def __init__(self, mansio, location="maildir:{dir}/mail/%u", namespace="separator = /", more=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mansio-test-dovecot-"))
        self.dir.chmod(0o755)
        self.owner = pwd.getpwnam("nobody")
        for name in ("run", "state", "mail", "home"):
            (self.dir / name).mkdir()
            shutil.chown(self.dir / name, self.owner.pw_uid, self.owner.pw_gid)
        self.password = "Tace-et-fac"
        (self.dir / "masters").write_text("admin:{PLAIN}" + self.password + "\n")
        self.imap, self.imaps = free_port(), free_port()
        text = CONFIGURATION.format(
            dir=self.dir, password=self.password, user=self.owner.pw_uid, group=self.owner.pw_gid, location=location.format(dir=self.dir), namespace=namespace,
            imap=self.imap, imaps=self.imaps, cert=mansio.instance.place.tls / "server.crt", key=mansio.instance.place.tls / "server.key", more=more)  # fmt: skip
        (self.dir / "dovecot.conf").write_text(text)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.dir / "dovecot.conf"], stderr=subprocess.DEVNULL)
        patience.eventually(self._answers, seconds=20)

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("Dovecot ended: " + (self.dir / "dovecot.log").read_text()[-2000:])
        try:
            with socket.create_connection(("127.0.0.1", self.imap), 2) as s:
                return s.recv(100).startswith(b"* OK")
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def mail(self, user):
        return self.dir / "mail" / user

    def own(self, path):
        """Gives a tree to the user whom Dovecot reads mail as."""
        for p in [path, *path.rglob("*")]:
            shutil.chown(p, self.owner.pw_uid, self.owner.pw_gid)

    def client(self, user):
        c = imaplib.IMAP4("127.0.0.1", self.imap, timeout=30)
        c.login(user, self.password)
        return c

    def log(self):
        return (self.dir / "dovecot.log").read_text()
