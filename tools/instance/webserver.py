"""nginx in front of the web application, with the site that is shipped in etc/nginx."""

import socket

from .place import SOURCE, write
from .supervisor import Service

NGINX = "/usr/sbin/nginx"

NGINX_CONF = """\
daemon off;
worker_processes 2;
pid {run}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    access_log {log}/access.log;
    client_body_temp_path {work}/body;
    fastcgi_temp_path {work}/fastcgi;
    proxy_temp_path {work}/proxy;
    scgi_temp_path {work}/scgi;
    uwsgi_temp_path {work}/uwsgi;
    include {conf}/nginx-site.conf;
}}
"""


def fill(template, values):
    """The text of a file in etc/ with each @NAME@ filled in."""
    text = (SOURCE / "etc" / template).read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    return text


class Webserver:
    def __init__(self, place, user, static, sockets):
        self.place, self.user, self.static, self.sockets = place, user, static, sockets

    def make(self):
        place, work = self.place, self.place.data / "nginx"
        work.mkdir(exist_ok=True)
        self.user.own(work)
        access = place.log / "access.log"
        access.touch()
        self.user.own(access)
        site = fill("nginx/mansio.conf.in", {
            "WEB_SERVERS": "\n".join(f"    server unix:{path};" for path in self.sockets),
            "HTTP": f"{place.host}:{place.port['http']}",
            "HTTPS": f"{place.host}:{place.port['https']}",
            "HTTPS_SUFFIX": f":{place.port['https']}",
            "CERTIFICATE": place.tls / "server.crt",
            "KEY": place.tls / "server.key",
            "HSTS": "",  # it would hold for every other server on localhost, too
            "STATIC": self.static,
            "ACME": work,
        })  # fmt: skip
        write(place.conf / "nginx-site.conf", site)
        write(place.conf / "nginx.conf", NGINX_CONF.format(run=place.run, log=place.log, work=work, conf=place.conf))

    def service(self):
        argv = [NGINX, "-p", self.place.state, "-e", "stderr", "-c", self.place.conf / "nginx.conf"]
        return Service("nginx", self.user.command(argv), lambda: accepts(self.place.host, self.place.port["https"]))


def accepts(host, port):
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((host, port)) == 0


def accepts_unix(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        return client.connect_ex(str(path)) == 0


def listening_ports():
    """The TCP ports of this machine that somebody listens on, without disturbing them by a connection."""
    ports = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as lines:
            next(lines)
            fields = [line.split() for line in lines]
        ports |= {int(f[1].rsplit(":", 1)[1], 16) for f in fields if f[3] == "0A"}
    return ports
