"""The proxies' shipped configuration: what it says, and for nginx, where it is installed, what it does."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from copydesk.web import create_app
from copydesk.web.client import client_ip
from copydesk.web.database import db
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from flask import request
from site_seed import ROOT, FakeRuntime

NGINX, CADDY = ROOT / "config" / "proxy" / "nginx.conf", ROOT / "config" / "proxy" / "Caddyfile"
HOST = "aurora.localhost"
WAIT_S = 10


def directives(text: str) -> str:
    """Leave the comments out."""
    return "\n".join(line.partition("#")[0].rstrip() for line in text.splitlines())


def test_tls_is_the_newest_alone_unless_somebody_uncomments_the_older_one() -> None:
    assert "ssl_protocols TLSv1.3;" in directives(NGINX.read_text())
    assert "TLSv1.2" not in directives(NGINX.read_text())
    assert "protocols tls1.3" in directives(CADDY.read_text())
    assert "tls1.2" not in directives(CADDY.read_text())
    assert "TLSv1.2 TLSv1.3" in NGINX.read_text() and "tls1.2 tls1.3" in CADDY.read_text()


@pytest.mark.parametrize("file", (NGINX, CADDY), ids=("nginx", "caddy"))
def test_a_proxy_says_who_the_visitor_is_and_passes_nobody_elses_word_on(file: Path) -> None:
    said = directives(file.read_text())
    assert "Strict-Transport-Security" in said and "max-age=63072000; includeSubDomains" in said
    assert "X-Forwarded-For $remote_addr" in said or "X-Forwarded-For {remote_host}" in said
    assert "proxy_add_x_forwarded_for" not in said
    assert "X-Forwarded-Host" in said and "Forwarded" in said


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: object) -> None:
        """Keep requests out of the test output."""


@dataclass(frozen=True)
class Front:
    """An nginx with the shipped configuration before a site of ours."""

    port: int
    ca_file: Path

    def ask(self, head: str, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, host: str = HOST) -> tuple[str, str]:
        """Send a request's head and return the TLS version and the whole answer."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(("127.0.0.1", self.port), WAIT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            secure.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
            parts = []
            while part := secure.recv(65_536):
                parts.append(part)
            return str(secure.version()), b"".join(parts).decode("utf-8", "replace")


def certificate(folder: Path) -> None:
    """Write a certificate of the brand's host, and its key, as the configuration names them."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(text)


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def adapted(folder: Path, site_port: int, https_port: int) -> Path:
    """Write the shipped configuration with this test's places in it, and nothing else changed."""
    text = NGINX.read_text()
    for old, new in (
        ("/etc/ssl/copydesk", str(folder)),
        ("pid /run/nginx.pid", f"pid {folder}/nginx.pid"),
        ("server_name brand.example", f"server_name {HOST}"),
        ("127.0.0.1:8000", f"127.0.0.1:{site_port}"),
        ("listen 443", f"listen 127.0.0.1:{https_port}"),
        ("listen 80", f"listen 127.0.0.1:{free_port()}"),
        ("include mime.types;", ""),
    ):
        assert old in text, old
        text = text.replace(old, new)
    lines = [line for line in text.splitlines() if "listen [::]" not in line]
    file = folder / "nginx.conf"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory, runtime: FakeRuntime) -> Iterator[Front]:
    nginx = shutil.which("nginx", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    if nginx is None:
        pytest.skip("nginx is not installed: its configuration was read, not run")
    folder = tmp_path_factory.mktemp("proxy")
    certificate(folder)
    app = create_app(runtime)

    def told() -> str:
        return f"{client_ip()} {request.scheme} {request.headers.get('X-Forwarded-Host')}"

    told.needs = "public"  # type: ignore[attr-defined]
    app.add_url_rule("/told", "told", told)
    site = make_server("127.0.0.1", 0, _https_aware(app), handler_class=_Quiet)
    thread = threading.Thread(target=site.serve_forever, args=(0.05,))
    thread.start()
    port = free_port()
    command = [nginx, "-e", "stderr", "-p", str(folder), "-c", str(adapted(folder, site.server_port, port))]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    running = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    try:
        until_open(port)
        yield Front(port, folder / "fullchain.pem")
    finally:
        running.terminate()
        running.wait(WAIT_S)
        site.shutdown()
        thread.join()
        site.server_close()
        with app.app_context():
            db.engine.dispose()


def _https_aware(app):
    """Do what gunicorn does: believe the scheme that a proxy on loopback tells."""

    def call(environ, start_response):
        environ["wsgi.url_scheme"] = environ.get("HTTP_X_FORWARDED_PROTO", "http")
        return app(environ, start_response)

    return call


def until_open(port: int) -> None:
    ends_at = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < ends_at, "nginx does not listen"
        else:
            return


def test_a_page_comes_over_tls_1_3_with_every_header_once(front: Front) -> None:
    version, answer = front.ask(f"GET /strategies HTTP/1.1\r\nHost: {HOST}:{front.port}")
    assert version == "TLSv1.3"
    head, _, page = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200")
    assert head.count("Strict-Transport-Security: max-age=63072000; includeSubDomains") == 1
    assert head.count("Content-Security-Policy:") == head.count("X-Frame-Options:") == 1
    assert "Set-Cookie: __Host-csrf=" in head
    assert "Aurora" in page
    assert "nginx/" not in answer


def test_an_older_tls_is_refused(front: Front) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        front.ask(f"GET / HTTP/1.1\r\nHost: {HOST}", ssl.TLSVersion.TLSv1_2)


def test_another_name_gets_no_certificate(front: Front) -> None:
    with pytest.raises(ssl.SSLError):
        front.ask("GET / HTTP/1.1\r\nHost: other.example", host="other.example")


def test_what_the_visitor_says_of_itself_ends_at_the_proxy(front: Front) -> None:
    lies = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: evil.example\r\nForwarded: for=6"
    _, answer = front.ask(f"GET /told HTTP/1.1\r\nHost: {HOST}\r\n{lies}")
    assert answer.rpartition("\n")[2] == "127.0.0.1 https None"


def test_sign_ins_beyond_the_limit_are_asked_to_come_later(front: Front) -> None:
    asked = f"POST /account/sign-in HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0"
    codes = [front.ask(asked)[1].split(" ", 2)[1] for _ in range(14)]
    assert codes[0] != "429" and codes[-1] == "429"
    assert front.ask(f"GET /strategies HTTP/1.1\r\nHost: {HOST}")[1].startswith("HTTP/1.1 200")
