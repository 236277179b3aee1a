"""nginx and Caddy before a hub, with what deploy/ has for them. Only ports, certificates and
time-outs are put in place of those that stand there."""

import os
import shutil
import socket
import ssl
from typing import NamedTuple

import trustme

from tests.support.process import ROOT, free_port

NAME = "localhost"
PACKAGES = {"nginx": "nginx-light", "caddy": "caddy"}

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/piehub.conf;
}}
"""

CADDY = """{{
	admin off
	auto_https disable_redirects
	default_bind 127.0.0.1
	storage file_system {folder}
}}
"""


class Proxy(NamedTuple):
    """trust: whose certificates a client takes."""

    port: int
    trust: ssl.SSLContext

    @property
    def url(self):
        return f"wss://{NAME}:{self.port}"

    def way(self, came_from="127.0.0.1", **more):
        """How a Peer connects, from this address."""
        to_it = socket.create_connection(("127.0.0.1", self.port), source_address=(came_from, 0))
        return {"sock": to_it, "ssl": self.trust, **more}


def program(name):
    """Where it is, or None. Debian keeps servers out of the path of who is not root."""
    return shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


def nginx(start, folder, hub_port, read_timeout=None):
    """read_timeout: seconds, in place of its own."""
    port = free_port()
    certificate, trust = _certificate(folder)
    ours = {
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "listen [::]:80;": "",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "listen [::]:443 ssl;": "",
        "/etc/letsencrypt/live/hub.example.com/fullchain.pem": certificate,
        "/etc/letsencrypt/live/hub.example.com/privkey.pem": certificate,
        "http://127.0.0.1:8080;": f"http://127.0.0.1:{hub_port};",
    }
    if read_timeout:
        ours["proxy_read_timeout 75s;"] = f"proxy_read_timeout {read_timeout}s;"
    (folder / "piehub.conf").write_text(_with("nginx.conf", ours))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    start(
        [program("nginx"), "-e", "stderr", "-c", str(folder / "nginx.conf")],
        ready="start worker processes",
        port=port,
    )
    return Proxy(port, trust)


def caddy(start, folder, hub_port, read_timeout=None):
    """The same."""
    port = free_port()
    certificate, trust = _certificate(folder)
    site = "{$HUB_DOMAIN:localhost} {"
    ours = {site: f"{site}\n\ttls {certificate} {certificate}"}
    if read_timeout:
        hub = "reverse_proxy {$HUB_ADDRESS:127.0.0.1:8080}"
        ours[hub] = f"{hub} {{\n transport http {{\n read_timeout {read_timeout}s\n }}\n }}"
    (folder / "Caddyfile").write_text(CADDY.format(folder=folder) + _with("Caddyfile", ours))
    start(
        [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")],
        ready="serving initial configuration",
        port=port,
        HUB_DOMAIN=f"{NAME}:{port}",
        HUB_ADDRESS=f"127.0.0.1:{hub_port}",
        HOME=str(folder),
    )
    return Proxy(port, trust)


def _certificate(folder):
    """The path of one, with its key, and who trusts it."""
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    path = folder / "certificate.pem"
    authority.issue_cert(NAME).private_key_and_cert_chain_pem.write_to_path(path)
    return str(path), trust


def _with(name, ours):
    text = (ROOT / "deploy" / name).read_text()
    for theirs, instead in ours.items():
        assert text.count(theirs) == 1, f"deploy/{name} has no {theirs!r}"
        text = text.replace(theirs, instead)
    return text


START = {"nginx": nginx, "caddy": caddy}
