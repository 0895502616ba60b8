"""An object store that speaks S3: Ceph as Debian has it, one monitor, one OSD that keeps its data in memory, and the gateway (RGW).

    store = harness.ObjectStore()                           # running; gone with the process, or with close()
    mansio = harness.private(store.overrides())             # whose messages are in its bucket
    store.keys(), store.get(key)                            # what is in there, asked with another client
    store.stop("rgw"), store.start("rgw")                   # breaking and mending it

It starts in some five seconds and needs 150 MiB; nothing authenticates inside of the cluster, which listens on 127.0.0.1 alone.
"""

import atexit
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import tempfile
import urllib.request
import uuid
import xml.etree.ElementTree

from .mansio import instance
from .patience import eventually

CONFIGURATION = """[global]
fsid = {fsid}
mon_host = v2:127.0.0.1:{port}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
ms_bind_port_min = {low}
ms_bind_port_max = {high}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
ms_client_mode = crc
keyring = {top}/keyring
mon_data = {top}/mon
osd_data = {top}/osd
rgw_data = {top}/rgw
admin_socket =
pid_file =
log_file = {top}/$name.log
mon_cluster_log_file = {top}/cluster.log
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
osd_class_load_list = *
osd_class_default_list = *
mon_allow_pool_size_one = true
mon_data_avail_warn = 1
mon_data_avail_crit = 1
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
rgw_frontends = beast endpoint=127.0.0.1:{gateway}
rgw_enable_apis = s3
rgw_run_sync_thread = false
rgw_thread_pool_size = 32
rgw_gc_obj_min_wait = 0
"""
PORTS = 40


def _free_ports():
    """The first of PORTS ports in a row that nobody has, below those that the system gives away."""
    for base in range(32000, 32760 - PORTS, PORTS):
        try:
            for port in range(base, base + PORTS):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue
    raise RuntimeError("no free ports for the object store")


class ObjectStore:
    def __init__(self, bucket="mail"):
        self.bucket, self.access, self.secret = bucket, "AK" + secrets.token_hex(8), secrets.token_hex(20)
        self.user = instance.place.User()
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="mansio-ceph-"))
        atexit.register(self.close)
        os.chmod(self.top, 0o755)
        for name in ("mon", "osd", "rgw", ""):
            (self.top / name).mkdir(exist_ok=True)
            self.user.own(self.top / name)
        base = _free_ports()
        self.fsid, self.processes = str(uuid.uuid4()), {}
        self.endpoint = f"http://127.0.0.1:{base + 1}"
        self.configuration = self.top / "ceph.conf"
        self.configuration.write_text(
            CONFIGURATION.format(fsid=self.fsid, port=base, low=base + 2, high=base + PORTS - 1, gateway=base + 1, top=self.top)
        )
        self.key_file = self.top / "key"
        self.key_file.touch(0o600)
        self.user.own(self.key_file)
        self.key_file.write_text(f"{self.access}\n{self.secret}\n")
        self._make(base)

    def _make(self, port):
        self._run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "a", f"[v2:127.0.0.1:{port}]", self.top / "monmap")
        self._run("touch", self.top / "keyring")
        self._ceph("ceph-mon", "-i", "a", "--mkfs", "--monmap", self.top / "monmap")
        self.start("mon")
        self._ceph("ceph", "osd", "new", self.fsid, "0")
        self._ceph("ceph-osd", "-i", "0", "--osd-uuid", self.fsid, "--mkfs")
        self.start("osd")
        eventually(lambda: "1 up" in self._ceph("ceph", "osd", "stat"), 30, "the OSD")
        self.start("rgw")
        self._ceph("radosgw-admin", "-n", "client.rgw", "user", "create", "--uid=mansio", "--display-name=Mansio", f"--access-key={self.access}",
                   f"--secret-key={self.secret}")  # fmt: skip
        self.request("PUT", "")

    def _run(self, *argv):
        done = subprocess.run(self.user.command([str(a) for a in argv]), check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{argv[0]}: {done.stderr}{done.stdout}"
        return done.stdout

    def _ceph(self, program, *arguments):
        return self._run(program, "-c", self.configuration, *arguments)

    def start(self, name):
        """mon, osd or rgw."""
        argv = {"mon": ["ceph-mon", "-i", "a"], "osd": ["ceph-osd", "-i", "0"], "rgw": ["radosgw", "-n", "client.rgw"]}[name]
        with open(self.top / f"{name}.out", "a") as out:
            self.processes[name] = subprocess.Popen(
                self.user.command([*argv, "-c", str(self.configuration), "-f"]), stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        if name == "rgw":
            eventually(self._answers, 60, "the gateway")

    def _answers(self):
        with urllib.request.urlopen(self.endpoint, timeout=5) as answer:
            return answer.status == 200

    def stop(self, name):
        process = self.processes.pop(name, None)
        if process:
            process.kill()
            process.wait()

    def close(self):
        for name in ("rgw", "osd", "mon"):
            self.stop(name)
        shutil.rmtree(self.top, ignore_errors=True)

    # ---- what Mansio needs to know ----

    def overrides(self, **more):
        """Lines of mansio.conf."""
        return {"blob": "s3", "s3_endpoint": self.endpoint, "s3_bucket": self.bucket, "s3_key_file": str(self.key_file), **more}

    # ---- looking behind, with curl's command ----

    def request(self, method, what, body=None):
        argv = ["curl", "-sS", "--fail", "-X", method, "--user", f"{self.access}:{self.secret}", "--aws-sigv4", "aws:amz:us-east-1:s3"]
        argv += ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]
        argv += ["--data-binary", "@-"] if body is not None else []
        done = subprocess.run([*argv, f"{self.endpoint}/{self.bucket}{what}"], input=body, check=False, capture_output=True, timeout=30)
        assert done.returncode == 0, f"{method} {what}: {done.stderr.decode()}"
        return done.stdout

    def keys(self):
        """Of the first thousand messages."""
        space = "{http://s3.amazonaws.com/doc/2006-03-01/}"
        return [found.text for found in xml.etree.ElementTree.fromstring(self.request("GET", "?list-type=2&max-keys=1000&prefix=mail%2F")).iter(f"{space}Key")]

    def get(self, key):
        return self.request("GET", f"/{key}")
