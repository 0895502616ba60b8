"""A private certificate authority and the instance's server certificate."""

import os
import subprocess

from .place import InstanceError

DAYS = "3650"


def make(place, user, names):
    """Makes what is not there yet. A new set of names makes a new server certificate from the same authority."""
    tls = place.tls
    if not (tls / "ca.crt").exists():
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", DAYS,
                 "-subj", "/CN=Mansio private test authority", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-keyout", tls / "ca.key", "-out", tls / "ca.crt")  # fmt: skip
        os.chmod(tls / "ca.key", 0o600)
    alternatives = ",".join(f"DNS:{name}" for name in names) + f",IP:{place.host}"
    wanted = tls / "names"
    if wanted.exists() and wanted.read_text() == alternatives:
        return
    extensions = tls / "server.ext"
    extensions.write_text(f"subjectAltName={alternatives}\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature\n")
    _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={names[0]}",
             "-keyout", tls / "server.key", "-out", tls / "server.csr")  # fmt: skip
    _openssl("x509", "-req", "-in", tls / "server.csr", "-CA", tls / "ca.crt", "-CAkey", tls / "ca.key", "-CAcreateserial",
             "-days", "825", "-extfile", extensions, "-out", tls / "server.crt")  # fmt: skip
    os.chmod(tls / "server.key", 0o640)
    if user.root:
        os.chown(tls / "server.key", 0, user.gid)
    wanted.write_text(alternatives)


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise InstanceError(f"openssl {args[0]} failed: {done.stderr.strip()}")
