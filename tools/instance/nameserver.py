"""BIND, authoritative for the exported zones, and a validating unbound that knows no other Internet than this BIND.

Names that no zone here has don't exist for the instance: an empty root zone says so. A private instance thus never
reaches the world's DNS, nor the world's mail servers. Zones beside the exported ones (conf/zones/*.zone, by
add_outside_zone) let tests play other people's domains.
"""

import base64
import os
import pathlib
import secrets
import shutil
import socket
import struct
import subprocess

from .place import InstanceError, write
from .supervisor import Service

NAMED = "/usr/sbin/named"
UNBOUND = "/usr/sbin/unbound"
RNDC = "/usr/sbin/rndc"

NAMED_CONF = """\
include "{conf}/rndc.key";
controls {{ inet {host} port {rndc} allow {{ {host}; }} keys {{ "mansio"; }}; }};
options {{
    directory "{work}";
    pid-file none;
    session-keyfile none;
    listen-on port {dns} {{ {host}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    empty-zones-enable no;
    dnssec-validation no;
    notify no;
    minimal-responses yes;
    max-zone-ttl unlimited;
    serial-query-rate 100;
}};
zone "." {{ type primary; file "{conf}/root.zone"; }};
include "{outside}";
include "{exported}";
"""

ROOT_ZONE = """\
$TTL 1
.          SOA a.root. hostmaster.root. 1 3600 600 86400 1
.          NS a.root.
a.root.    A 127.0.0.1
"""

UNBOUND_CONF = """\
server:
    interface: {host}@{resolver}
    port: {resolver}
    do-daemonize: no
    use-syslog: no
    logfile: ""
    log-time-ascii: yes
    username: ""
    chroot: ""
    directory: "{work}"
    pidfile: ""
    access-control: 127.0.0.0/8 allow
    do-ip6: no
    do-not-query-localhost: no
    module-config: "validator iterator"
    qname-minimisation: no
    # What a test changes is seen at once.
    cache-max-ttl: 1
    cache-max-negative-ttl: 1
    infra-host-ttl: 1
    num-threads: 1
    unblock-lan-zones: yes
    insecure-lan-zones: yes
    local-zone: "example." nodefault
    local-zone: "test." nodefault
    local-zone: "invalid." nodefault
    local-zone: "localhost." nodefault
remote-control:
    control-enable: no
stub-zone:
    name: "."
    stub-addr: {host}@{dns}
    stub-prime: no
"""


class Nameserver:
    def __init__(self, place, user):
        self.place, self.user = place, user
        self.exported = place.data / "zones.conf"  # mansio-dns writes it
        self.outside = place.conf / "zones" / "outside.conf"
        self.work = place.data / "named"

    def control(self):
        """The command that reloads the server (dns_control of mansio.conf)."""
        return f"{RNDC} -s {self.place.host} -p {self.place.port['rndc']} -k {self.place.conf}/rndc.key"

    def make(self):
        place = self.place
        self.work.mkdir(exist_ok=True)
        self.user.own(self.work)
        for path in (self.exported, self.outside):
            if not path.exists():
                write(path, "// no zones yet\n")
                self.user.own(path)
        if not (place.conf / "rndc.key").exists():
            secret = base64.b64encode(secrets.token_bytes(32)).decode()
            key = f'key "mansio" {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
            write(place.conf / "rndc.key", key, 0o640, self.user.gid)
        values = {**place.port, "host": place.host, "conf": place.conf, "work": self.work,
                  "exported": self.exported, "outside": self.outside}  # fmt: skip
        write(place.conf / "root.zone", ROOT_ZONE)
        write(place.conf / "named.conf", NAMED_CONF.format(**values))
        write(place.conf / "unbound.conf", UNBOUND_CONF.format(**values))

    def services(self):
        named = self.user.command([unconfined(self.place, NAMED), "-g", "-4", "-c", self.place.conf / "named.conf"])
        unbound = self.user.command([unconfined(self.place, UNBOUND), "-d", "-p", "-c", self.place.conf / "unbound.conf"])
        return [
            Service("named", named, lambda: self.answers("dns")),
            Service("unbound", unbound, lambda: self.answers("resolver")),
        ]

    def answers(self, port, zone=""):
        """Whether the server at that port has an answer for the zone's SOA; the root has one here."""
        name = b"".join(bytes([len(label)]) + label.encode() for label in zone.split(".") if label) + b"\0"
        question = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", 6, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            try:
                client.connect((self.place.host, self.place.port[port]))
                client.send(question)
                reply = client.recv(512)
            except OSError:
                return False
        return len(reply) >= 12 and reply[3] & 15 == 0 and reply[6:8] != b"\0\0"

    def add_outside_zone(self, name, records):
        """Serves a zone of somebody else's. records: lines of a zone file below SOA and NS, for instance "@ MX 10 mx"."""
        directory = self.place.conf / "zones"
        zone = directory / f"{name}.zone"
        serial = int(zone.read_text().split()[8]) + 1 if zone.exists() else 1
        head = f"$TTL 1\n@ IN SOA ns.{name}. hostmaster.{name}. {serial} 3600 600 86400 1\n@ NS ns\nns A 127.0.0.1\n"
        write(zone, head + "\n".join(records) + "\n")
        clauses = [f'zone "{z.stem}" {{ type primary; file "{z}"; }};\n' for z in sorted(directory.glob("*.zone"))]
        write(self.outside, "".join(clauses))
        for words in (["reconfig"], ["reload", name]):
            done = subprocess.run(self.control().split() + words, check=False, capture_output=True, text=True)
            if done.returncode:
                raise InstanceError(f"rndc {' '.join(words)} failed: {done.stderr.strip()}")


def unconfined(place, program):
    """The program's path; where AppArmor binds it to Debian's own directories by its path, that of a copy."""
    profile = pathlib.Path("/etc/apparmor.d") / program.strip("/").replace("/", ".")
    try:
        enabled = pathlib.Path("/sys/module/apparmor/parameters/enabled").read_text().strip() == "Y"
    except FileNotFoundError:
        enabled = False
    if not (enabled and profile.exists()):
        return program
    copy = place.state / "bin" / os.path.basename(program)
    shutil.copy(program, copy)
    return copy
