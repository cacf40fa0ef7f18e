"""Same-host mode: strangers' programs that know only the real host names trade on the lab, unmodified.

A folder with a `sitecustomize.py`, which every Python interpreter runs at its start, and a bundle of certificates.
Name look-ups of the exchanges' hosts answer this machine with the lab's TLS port; certifi answers with the bundle.
Nothing that runs under it can reach a real exchange. Programs in other languages need a hosts file, and the lab on
the exchanges' own ports (443, 9443, 8443).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from copydesk.venues.lab.tls import HOSTS
from copydesk.venues.lab.urls import LAB_HOST

# The ports that the exchanges' own addresses name: REST and most streams, Binance's spot streams, OKX's streams.
REAL_PORTS = (443, 9443, 8443)
SITE_FILE = "sitecustomize.py"
BUNDLE_FILE = "ca-bundle.pem"

_SITE = '''"""Written by `copydesk lab same-host`: the exchanges' host names are the lab on this machine."""

import importlib.machinery
import importlib.util
import os
import socket
import sys

HOSTS = {hosts!r}
ADDRESS = {address!r}
PORTS = {ports!r}
BUNDLE = {bundle!r}


def _ours(host):
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return isinstance(name, str) and any(name == known or name.endswith("." + known) for known in HOSTS)


def _redirect(look_up):
    def getaddrinfo(host, port, *args, **kwargs):
        if not _ours(host):
            return look_up(host, port, *args, **kwargs)
        known = {{"https": 443, "http": 80}}.get(port, port)
        number = int(known) if known is not None else None
        return look_up(ADDRESS, PORTS.get(number, number), *args, **kwargs)

    return getaddrinfo


def _trust():
    try:
        import certifi
    except ImportError:
        return
    certifi.where = certifi.core.where = lambda: BUNDLE


def _go_on():
    """Run the sitecustomize that this one hides, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


socket.getaddrinfo = _redirect(socket.getaddrinfo)
_trust()
_go_on()
'''


def write_same_host(folder: Path, *, address: str, tls_ports: Mapping[int, int], ca_file: Path) -> dict[str, str]:
    """Write the folder and return the environment that puts a program into same-host mode.

    `tls_ports` maps the real ports to the lab's. `PYTHONPATH` is this folder alone: the caller joins what was there.
    The bundle holds the public authorities too, so that a program's other connections go on working.
    """
    import certifi

    folder.mkdir(parents=True, exist_ok=True)
    bundle = (folder / BUNDLE_FILE).resolve()
    bundle.write_bytes(ca_file.read_bytes() + Path(certifi.where()).read_bytes())
    site = _SITE.format(hosts=(*HOSTS, LAB_HOST), address=address, ports=dict(tls_ports), bundle=str(bundle))
    (folder / SITE_FILE).write_text(site)
    trusted = dict.fromkeys(
        ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"), str(bundle)
    )
    return {"PYTHONPATH": str(folder.resolve()), **trusted, "NODE_EXTRA_CA_CERTS": str(ca_file)}


def ports_to(tls_ports: list[int]) -> dict[int, int]:
    """Map each real port to itself where the lab listens on it, else to the lab's first TLS port."""
    return {real: real if real in tls_ports else tls_ports[0] for real in REAL_PORTS}


def exports(environment: Mapping[str, str]) -> str:
    """Write the environment as shell commands for `eval`; an existing PYTHONPATH stays behind ours."""
    lines = []
    for name, value in environment.items():
        kept = "${PYTHONPATH:+:$PYTHONPATH}" if name == "PYTHONPATH" else ""
        lines.append(f"export {name}={shlex.quote(value)}{kept}")
    return "\n".join(lines)
