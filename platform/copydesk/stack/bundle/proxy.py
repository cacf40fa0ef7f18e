"""The proxies' configuration for a brand's hosts, made from what `config/proxy` ships; nothing of it is said twice."""

from __future__ import annotations

from collections.abc import Iterable

from copydesk.kernel import ConfigError
from copydesk.stack.bundle.parts import Deployment, port_of

_HOST = "brand.example"
_ADDRESS = "127.0.0.1:{port}"


def nginx_file(deployment: Deployment) -> bytes:
    """Return `nginx.conf` for an nginx on the same machine, with the brand's hosts."""
    hosts = " ".join(deployment.hosts)
    return _replaced("nginx.conf", deployment.nginx, [(f"server_name {_HOST};", f"server_name {hosts};")])


def caddy_file(deployment: Deployment) -> bytes:
    """Return the `Caddyfile` of the deployment's own Caddy, with the brand's hosts."""
    changes = [
        (f"\n{_HOST} {{", f"\n{', '.join(deployment.hosts)} {{"),
        (f"email operations@{_HOST}", "email {$ACME_EMAIL}"),
        *((_ADDRESS.format(port=port_of(name)), f"{name}:{port_of(name)}") for name in ("web", "live")),
    ]
    return _replaced("Caddyfile", deployment.caddy, changes)


def _replaced(name: str, text: str, changes: Iterable[tuple[str, str]]) -> bytes:
    for old, new in changes:
        if text.count(old) != 1:
            raise ConfigError(f"config/proxy/{name}: expected {old.strip()!r} once, found {text.count(old)} times")
        text = text.replace(old, new)
    return text.encode()
