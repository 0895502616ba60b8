"""Debian's Postfix in a private directory: SMTP in, Maildir delivery by virtual(8), its own defaults."""

import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
queue_directory = {dir}/spool
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = peer.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = {dir}/log/mail.log
maillog_file_prefixes = {dir}
virtual_mailbox_domains = bench.test
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = inline:{{ livia@bench.test=livia/ }}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
"""


class Postfix:
    def __init__(self):
        if not shutil.which("postfix"):
            raise RuntimeError("Debian's package postfix is not installed (make bench installs it)")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mansio-bench-postfix-"))
        self.dir.chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        owner, reader = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
        for name, who in (("etc", None), ("log", None), ("spool", None), ("data", owner), ("mail", reader)):
            (self.dir / name).mkdir()
            if who:
                shutil.chown(self.dir / name, who.pw_uid, who.pw_gid)
        self.new = self.dir / "mail" / "livia" / "new"
        (self.dir / "etc" / "main.cf").write_text(MAIN.format(dir=self.dir, uid=reader.pw_uid, gid=reader.pw_gid))
        (self.dir / "etc" / "master.cf").write_text(MASTER.format(port=self.port))
        self.control("start")
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def control(self, verb):
        done = subprocess.run(["postfix", "-c", self.dir / "etc", verb], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"postfix {verb}: {done.stderr}{done.stdout}")

    def delivered(self):
        return sum(1 for _ in self.new.iterdir()) if self.new.exists() else 0

    def clear(self):
        shutil.rmtree(self.new.parent, ignore_errors=True)

    def close(self):
        self.control("stop")
        shutil.rmtree(self.dir, ignore_errors=True)
