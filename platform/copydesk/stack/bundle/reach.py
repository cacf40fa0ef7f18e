"""Who reaches what in the cluster: services, the ingress, and the network's policies. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from copydesk.stack.bundle.parts import Container, Deployment, containers
from copydesk.stack.bundle.pods import named, picked

_API = "networking.k8s.io/v1"


def service(one: Container) -> dict[str, Any]:
    """Return the name inside the cluster of what a role serves."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": named(one.name),
        "spec": {
            "selector": {"app.kubernetes.io/name": one.name},
            "ports": [{"name": "http", "port": one.port, "targetPort": "http"}],
        },
    }


def ingress(deployment: Deployment) -> dict[str, Any]:
    """Return what leads the brand's hosts to pages and live events."""
    ports = {one.name: one.port for one in containers() if one.port}

    def path(prefix: str, name: str) -> dict[str, Any]:
        backend = {"service": {"name": name, "port": {"number": ports[name]}}}
        return {"path": prefix, "pathType": "Prefix", "backend": backend}

    paths = [path("/live/", "live"), path("/", "web")]
    streams = {
        "nginx.ingress.kubernetes.io/proxy-body-size": "3m",
        "nginx.ingress.kubernetes.io/proxy-buffering": "off",
        "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
    }
    return {
        "apiVersion": _API,
        "kind": "Ingress",
        "metadata": named(deployment.slug) | {"annotations": streams},
        "spec": {
            "ingressClassName": "nginx",
            "tls": [{"hosts": list(deployment.hosts), "secretName": "tls"}],
            "rules": [{"host": host, "http": {"paths": paths}} for host in deployment.hosts],
        },
    }


def policies(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """Let nobody in but the ingress to what is served; let out to name servers, database, Redis, exchanges and mail."""
    yield _policy("nobody-in", {}, {"policyTypes": ["Ingress"]})
    for one in containers():
        if one.port:
            into = {"from": [{"namespaceSelector": _in_namespace("ingress-nginx")}], "ports": [_tcp(one.port)]}
            yield _policy(one.name, picked(one.name), {"policyTypes": ["Ingress"], "ingress": [into]})
    names = {"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}
    servers = {"ports": [_tcp(port) for port in (5432, 6379, *deployment.ports_out)]}
    yield _policy("out", {}, {"policyTypes": ["Egress"], "egress": [names, servers]})


def _policy(name: str, picked: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": _API,
        "kind": "NetworkPolicy",
        "metadata": named(name),
        "spec": {"podSelector": dict(picked), **spec},
    }


def _in_namespace(name: str) -> dict[str, Any]:
    return {"matchLabels": {"kubernetes.io/metadata.name": name}}


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}
